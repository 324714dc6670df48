#include "fusion/net_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* ---- the list ---- */

struct maker {
	struct net *net;
	int failed;
};

/* One more: a matrix, or with rows 0 a vector that does not decay. */
static size_t
weight(struct maker *m, const char *name, size_t rows, size_t cols,
    double spread, double middle)
{
	struct net *net = m->net;
	struct net_param *p;

	if (m->failed || mem_grow(&net->param, &net->params_cap,
			     net->params + 1, sizeof(*net->param)) < 0) {
		m->failed = 1;
		return 0;
	}
	p = &net->param[net->params];
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->rows = rows > 0 ? rows : 1;
	p->cols = cols;
	p->decay = rows > 0;
	p->spread = spread;
	p->middle = middle;
	return net->params++;
}

/* The same, of part p or layer p. */
static size_t
weight_of(struct maker *m, const char *of, size_t p, const char *what,
    size_t rows, size_t cols, double spread, double middle)
{
	char name[NET_PARAM_NAME];

	snprintf(name, sizeof(name), "%s.%zu.%s", of, p, what);
	return weight(m, name, rows, cols, spread, middle);
}

/*
 * scale.h gives a part's rows mean squared length 1.  Weights want inputs of
 * variance 1 a column: then one rate of learning suits all widths.  A dense
 * part is multiplied by the root of its live columns; a sparse one as though
 * it had SPARSE_COLUMNS in a row.
 */
enum { SPARSE_COLUMNS = 64 };

static size_t
live_columns(const struct scaled_part *s)
{
	size_t live = 0;

	if (s->kind == PART_SPARSE)
		return SPARSE_COLUMNS;
	for (size_t j = 0; j < s->active; j++)
		live += s->factor[j] != 0;
	return live > 0 ? live : 1;
}

static void
encoder(struct maker *m, struct net_part *q, size_t H)
{
	const struct scaled_part *s = &m->net->scaling->part[q->p];
	enum net_kind kind = m->net->shape.kind;
	double columns = (double)live_columns(s);
	/* In the mlp all parts go into one sum. */
	double fan = kind == NET_MLP ? columns * (double)m->net->Q : columns;

	q->gain = (float)sqrt(columns);
	q->weight = weight_of(
	    m, "part", q->p, "weight", s->active, H, 1 / sqrt(fan), 0);
	if (!m->failed)
		m->net->param[q->weight].table = s->kind == PART_SPARSE;
	if (kind != NET_MLP)
		q->bias = weight_of(m, "part", q->p, "bias", 0, H, 0, 0);
	q->absent = weight_of(m, "part", q->p, "absent", 0, H, 0, 0);
}

static void
last_layer(struct maker *m)
{
	struct net *net = m->net;

	net->out = weight(
	    m, "out.weight", net->J, net->shape.C, 1 / sqrt((double)net->J), 0);
	net->out_bias = weight(m, "out.bias", 0, net->shape.C, 0, 0);
}

/* ---- the kinds ---- */

static void
lay_mlp(struct maker *m)
{
	m->net->bias = weight(m, "hidden.bias", 0, m->net->shape.hidden, 0, 0);
	m->net->J = m->net->shape.hidden;
}

static void
lay_gated(struct maker *m)
{
	size_t H = m->net->shape.hidden, QH = m->net->Q * H;

	m->net->gate =
	    weight(m, "gate.weight", QH, QH, 1 / sqrt((double)QH), 0);
	m->net->gate_bias = weight(m, "gate.bias", 0, QH, 0, 0);
}

/* Factors begin near 1, so that a product of many is no smaller than one of
 * few, and its first terms are the parts alone. */
static void
lay_lowrank(struct maker *m)
{
	size_t H = m->net->shape.hidden, RH = m->net->shape.rank * H;

	for (size_t q = 0; q < m->net->Q; q++) {
		struct net_part *part = &m->net->part[q];

		part->factor = weight_of(m, "factor", part->p, "weight", H, RH,
		    sqrt(3 / (double)H), 0);
		part->factor_bias =
		    weight_of(m, "factor", part->p, "bias", 0, RH, 0, 1);
	}
}

/* The sketches' hashes, from the seed. */
static void
lay_bilinear(struct maker *m)
{
	struct net *net = m->net;
	size_t H = net->shape.hidden, size = net->shape.rank;

	for (size_t q = 0; q < net->Q; q++) {
		struct net_part *part = &net->part[q];
		struct rng r;

		rng_seed(&r, hash_mix(net->shape.seed ^ hash_mix(part->p + 1)));
		part->at = mem_array(H + 1, sizeof(*part->at));
		part->sign = mem_array(H + 1, sizeof(*part->sign));
		if (part->at == NULL || part->sign == NULL) {
			m->failed = 1;
			return;
		}
		for (size_t j = 0; j <= H; j++) {
			part->at[j] = rng_below(&r, (uint32_t)size);
			part->sign[j] = rng_below(&r, 2) ? 1 : -1;
		}
		part->sketch = (struct sketch){ size, part->at, part->sign };
	}
	/* Of unit length: its elements are as small as size is large. */
	net->out_gain = (float)sqrt((double)size);
}

static void
lay_layer(struct maker *m, size_t k)
{
	struct net_layer *l = &m->net->layer[k];
	size_t H = m->net->shape.hidden;
	double spread = sqrt(1.5 / (double)H);

	l->norm1 = weight_of(m, "layer", k, "norm1.weight", 0, H, 0, 1);
	l->bias1 = weight_of(m, "layer", k, "norm1.bias", 0, H, 0, 0);
	l->qkv = weight_of(m, "layer", k, "qkv.weight", H, 3 * H, spread, 0);
	l->qkv_bias = weight_of(m, "layer", k, "qkv.bias", 0, 3 * H, 0, 0);
	l->out = weight_of(m, "layer", k, "attend.weight", H, H, spread, 0);
	l->out_bias = weight_of(m, "layer", k, "attend.bias", 0, H, 0, 0);
	l->norm2 = weight_of(m, "layer", k, "norm2.weight", 0, H, 0, 1);
	l->bias2 = weight_of(m, "layer", k, "norm2.bias", 0, H, 0, 0);
	l->up = weight_of(m, "layer", k, "up.weight", H, 2 * H, spread, 0);
	l->up_bias = weight_of(m, "layer", k, "up.bias", 0, 2 * H, 0, 0);
	l->down = weight_of(
	    m, "layer", k, "down.weight", 2 * H, H, spread / sqrt(2), 0);
	l->down_bias = weight_of(m, "layer", k, "down.bias", 0, H, 0, 0);
}

static void
lay_attention(struct maker *m)
{
	struct net *net = m->net;
	size_t H = net->shape.hidden;

	net->heads = H % 4 == 0 && H >= 16 ? 4 : H % 2 == 0 ? 2 : 1;
	net->tokens = net->shape.rank;
	net->bottleneck = weight(m, "bottleneck", net->tokens, H, 1, 0);
	for (size_t k = 0; k < NET_LAYERS; k++)
		lay_layer(m, k);
	net->norm = weight(m, "norm.weight", 0, H, 0, 1);
	net->norm_bias = weight(m, "norm.bias", 0, H, 0, 0);
}

int
net_lay(struct net *net, struct error *e)
{
	struct maker m = { net, 0 };

	for (size_t q = 0; q < net->Q; q++)
		encoder(&m, &net->part[q], net->shape.hidden);
	switch (net->shape.kind) {
	case NET_MLP:
		lay_mlp(&m);
		break;
	case NET_GATED:
		lay_gated(&m);
		break;
	case NET_LOWRANK:
		lay_lowrank(&m);
		break;
	case NET_BILINEAR:
		lay_bilinear(&m);
		break;
	case NET_ATTENTION:
		lay_attention(&m);
		break;
	case NET_TENSOR:
		break;
	}
	last_layer(&m);
	return m.failed ? error_memory(e) : 0;
}
