/*
 * Attention. A record's tokens are T bottleneck tokens, which are learnt, and
 * for each part one token, or a row of a sequence each, or the learnt absent
 * token:
 *
 *	[ T | part 0 | part 1 | ... ]
 *
 * Bottleneck tokens see all of them, a part's tokens see each other and the
 * bottleneck, so what one part tells another has to pass there.  After
 * NET_LAYERS layers, each attention and a hidden layer with layer norms before
 * them, the mean of the bottleneck is what the record is.
 */
#include "fusion/net_impl.h"

#include <string.h>

/* Where tokens come from: the bottleneck, the absent tokens, and the parts'
 * projections, one above the other. */
struct source {
	struct var *x;
	size_t part[INPUTS_MAX_PARTS]; /* the first row of part q's */
};

/* The rows of part q. */
static struct var *
part_tokens(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t q)
{
	const struct net_part *part = &net->part[q];
	const struct scaled_part *s = &net->scaling->part[part->p];
	const struct feed_part *x = &f->part[q];
	struct var *y;

	if (s->kind == PART_SEQUENCE) {
		size_t rows = f->n > 0 ? x->end[f->n - 1] - x->first : 0;

		y = tape_product(t,
		    tape_leaf(
			t, rows, s->dim, x->rows + x->first * s->dim, NULL),
		    net_param_var(net, t, f, part->weight), part->gain);
	} else
		y = net_project(net, t, f, q);
	return tape_bias(t, y, net_param_var(net, t, f, part->bias));
}

static void
all_sources(const struct net *net, struct tape *t, const struct net_feed *f,
    struct source *s)
{
	size_t at = net->tokens + net->Q;

	s->x = net_param_var(net, t, f, net->bottleneck);
	for (size_t q = 0; q < net->Q; q++)
		s->x = tape_stack(
		    t, s->x, net_param_var(net, t, f, net->part[q].absent));
	for (size_t q = 0; q < net->Q; q++) {
		struct var *x = part_tokens(net, t, f, q);

		s->part[q] = at;
		at += x != NULL ? x->rows : 0;
		s->x = tape_stack(t, s->x, x);
	}
}

/* Which rows of the sources record i's part q has. */
static struct span
part_span(const struct net *net, const struct net_feed *f,
    const struct source *s, size_t i, size_t q)
{
	const struct net_part *part = &net->part[q];
	const struct feed_part *x = &f->part[q];
	size_t from;

	if (f->has[i] >> part->p & 1) {
		if (net->scaling->part[part->p].kind != PART_SEQUENCE)
			return (struct span){ (uint32_t)(s->part[q] + i), 1 };
		from = i > 0 ? x->end[i - 1] : x->first;
		if (x->end[i] > from)
			return (struct span){ (uint32_t)(s->part[q] + from -
							 x->first),
				(uint32_t)(x->end[i] - from) };
	}
	return (struct span){ (uint32_t)(net->tokens + q), 1 };
}

/* How the tokens of n records lie, and who sees whom. */
struct tokens {
	uint32_t *at;         /* [rows] their rows of the sources */
	struct attend *group; /* [n (Q + 1)] */
	struct span *middle;  /* [n] the bottleneck of each record */
	size_t rows;
};

static int
lay_tokens(const struct net *net, struct tape *t, const struct net_feed *f,
    const struct source *s, struct tokens *k)
{
	size_t B = net->tokens, groups = 0, most = s->x->rows;

	/* Every source row is used once at most, but for those that are
	 * learnt. */
	most += f->n * (B + net->Q);
	if (most > UINT32_MAX)
		return -1;
	k->at = tape_room(t, most, sizeof(*k->at));
	k->group = tape_room(t, f->n * (net->Q + 1), sizeof(*k->group));
	k->middle = tape_room(t, f->n, sizeof(*k->middle));
	if (k->at == NULL || k->group == NULL || k->middle == NULL)
		return -1;
	k->rows = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct span b = { (uint32_t)k->rows, (uint32_t)B };

		k->middle[i] = b;
		for (uint32_t j = 0; j < B; j++)
			k->at[k->rows++] = j;
		for (size_t q = 0; q < net->Q; q++) {
			struct span from = part_span(net, f, s, i, q);
			struct span to = { (uint32_t)k->rows, from.count };

			for (uint32_t j = 0; j < from.count; j++)
				k->at[k->rows++] = from.first + j;
			k->group[groups++] = (struct attend){ to, { b, to } };
		}
		k->group[groups++] = (struct attend){ b,
			{ { b.first, (uint32_t)k->rows - b.first },
			    { 0, 0 } } };
	}
	return 0;
}

static struct var *
dense(const struct net *net, struct tape *t, const struct net_feed *f,
    struct var *x, size_t weight, size_t bias)
{
	return tape_linear(t, x, net_param_var(net, t, f, weight),
	    net_param_var(net, t, f, bias), 1);
}

static struct var *
normed(const struct net *net, struct tape *t, const struct net_feed *f,
    struct var *x, size_t weight, size_t bias)
{
	return tape_norm(t, x, net_param_var(net, t, f, weight),
	    net_param_var(net, t, f, bias));
}

static struct var *
layer(const struct net *net, struct tape *t, const struct net_feed *f,
    const struct net_layer *l, const struct tokens *k, struct var *x)
{
	struct var *y = normed(net, t, f, x, l->norm1, l->bias1);

	y = tape_attend(t, dense(net, t, f, y, l->qkv, l->qkv_bias), net->heads,
	    k->group, f->n * (net->Q + 1));
	x = tape_add(t, x, dense(net, t, f, y, l->out, l->out_bias));
	y = normed(net, t, f, x, l->norm2, l->bias2);
	y = tape_gelu(t, dense(net, t, f, y, l->up, l->up_bias));
	return tape_add(t, x, dense(net, t, f, y, l->down, l->down_bias));
}

struct var *
net_attention(const struct net *net, struct tape *t, const struct net_feed *f)
{
	struct source s;
	struct tokens k;
	struct var *x;

	all_sources(net, t, f, &s);
	if (s.x == NULL || lay_tokens(net, t, f, &s, &k) < 0)
		return NULL;
	x = tape_rows(t, s.x, k.at, k.rows);
	for (size_t l = 0; l < NET_LAYERS; l++)
		x = layer(net, t, f, &net->layer[l], &k, x);
	x = tape_mean(t, x, k.middle, f->n);
	return normed(net, t, f, x, net->norm, net->norm_bias);
}
