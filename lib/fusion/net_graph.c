#include "fusion/net_impl.h"

#include <stdlib.h>
#include <string.h>

/* relu(sum_p gain x_p W_p + b), with the absent vector where a part is not
 * there: one hidden layer over all parts end to end. */
static struct var *
mlp(const struct net *net, struct tape *t, const struct net_feed *f)
{
	struct var *sum = NULL;

	for (size_t q = 0; q < net->Q; q++) {
		struct var *x = tape_select(t, net_project(net, t, f, q),
		    net_param_var(net, t, f, net->part[q].absent), f->has,
		    (unsigned)net->part[q].p);

		sum = q == 0 ? x : tape_add(t, sum, x);
	}
	return tape_relu(
	    t, tape_bias(t, sum, net_param_var(net, t, f, net->bias)));
}

/* sum_p z_p h_p, with z the gates that all of h decide. */
static struct var *
gated(const struct net *net, struct tape *t, const struct net_feed *f)
{
	struct var *h[INPUTS_MAX_PARTS], *all, *z;

	for (size_t q = 0; q < net->Q; q++)
		h[q] = net_encode(net, t, f, q);
	all = tape_concat(t, h, net->Q);
	z = tape_gates(t,
	    tape_linear(t, all, net_param_var(net, t, f, net->gate),
		net_param_var(net, t, f, net->gate_bias), 1),
	    net->Q, f->has, net->live);
	return tape_fold(t, tape_mul(t, z, all), net->Q, 1);
}

/* 1/R sum_r prod_p [h_p; 1] F_pr: the constant is the factor's bias. */
static struct var *
lowrank(const struct net *net, struct tape *t, const struct net_feed *f)
{
	struct var *product = NULL;

	for (size_t q = 0; q < net->Q; q++) {
		const struct net_part *part = &net->part[q];
		struct var *x = tape_linear(t, net_encode(net, t, f, q),
		    net_param_var(net, t, f, part->factor),
		    net_param_var(net, t, f, part->factor_bias), 1);

		product = q == 0 ? x : tape_mul(t, product, x);
	}
	return tape_fold(
	    t, product, net->shape.rank, 1 / (float)net->shape.rank);
}

static struct var *
tensor(const struct net *net, struct tape *t, const struct net_feed *f)
{
	struct var *y = tape_leaf(t, f->n, 0, NULL, NULL);

	/* [none; 1] is where the product begins. */
	for (size_t q = 0; q < net->Q; q++)
		y = tape_outer(t, y, net_encode(net, t, f, q), q == 0);
	return y;
}

static struct var *
bilinear(const struct net *net, struct tape *t, const struct net_feed *f)
{
	struct var *y = NULL;

	for (size_t q = 0; q < net->Q; q++) {
		struct var *h = net_encode(net, t, f, q);
		const struct sketch *s = &net->part[q].sketch;

		y = q == 0 ? tape_sketch(t, h, s) : tape_convolve(t, y, h, s);
	}
	return tape_unit(t, tape_root(t, y));
}

static struct var *
joint(const struct net *net, struct tape *t, const struct net_feed *f)
{
	switch (net->shape.kind) {
	case NET_MLP:
		return mlp(net, t, f);
	case NET_GATED:
		return gated(net, t, f);
	case NET_LOWRANK:
		return lowrank(net, t, f);
	case NET_TENSOR:
		return tensor(net, t, f);
	case NET_BILINEAR:
		return bilinear(net, t, f);
	default:
		return net_attention(net, t, f);
	}
}

struct var *
net_graph(const struct net *net, struct tape *t, const struct net_feed *f,
    struct var **hidden)
{
	struct var *h = joint(net, t, f);

	if (hidden != NULL)
		*hidden = h;
	if (f->rng != NULL)
		h = tape_dropout(t, h, f->dropout, f->rng);
	return tape_linear(t, h, net_param_var(net, t, f, net->out),
	    net_param_var(net, t, f, net->out_bias), net->out_gain);
}

/* ---- scores ---- */

struct net_room {
	struct tape *tape;
	struct feed_part *part; /* [Q] */
};

struct net_room *
net_room_new(const struct net *net, struct error *e)
{
	struct net_room *room = mem_array(1, sizeof(*room));

	if (room != NULL) {
		room->tape = tape_new(NULL, 0);
		room->part = mem_array(net->Q, sizeof(*room->part));
	}
	if (room == NULL || room->tape == NULL || room->part == NULL) {
		net_room_free(room);
		error_memory(e);
		return NULL;
	}
	return room;
}

void
net_room_free(struct net_room *room)
{
	if (room == NULL)
		return;
	tape_free(room->tape);
	free(room->part);
	free(room);
}

/* How many records from ${i} on go at once. */
static size_t
slice(const struct net *net, const struct inputs *in, size_t i)
{
	size_t n = 0, tokens = 0;

	while (n < NET_ROWS && i + n < in->n) {
		for (size_t q = 0; q < net->Q; q++) {
			size_t p = net->part[q].p, first;

			if (net->scaling->part[p].kind == PART_SEQUENCE)
				tokens +=
				    batch_range(in->part[p].end, i + n, &first);
		}
		if (n > 0 && tokens > NET_TOKENS)
			break;
		n++;
	}
	return n;
}

int
net_scores(const struct net *net, const struct linalg *la,
    const struct inputs *in, float *F, float *hidden, struct net_room *room,
    struct error *e)
{
	size_t C = net->shape.C, J = net->J;

	for (size_t i = 0, n; i < in->n; i += n) {
		struct net_feed f = { .part = room->part, .has = in->has + i };
		struct var *y, *h;

		n = f.n = slice(net, in, i);
		tape_reset(room->tape, la);
		for (size_t q = 0; q < net->Q; q++)
			net_feed_part(net, q, in, i, n, &room->part[q]);
		y = net_graph(net, room->tape, &f, &h);
		if (y == NULL)
			return error_memory(e);
		memcpy(F + i * C, y->v, n * C * sizeof(*F));
		if (hidden != NULL)
			memcpy(hidden + i * J, h->v, n * J * sizeof(*hidden));
	}
	return 0;
}
