#include "fusion/net_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { LINE = 16 }; /* weights begin on multiples of so many floats */

static const char *const kind_name[] = { "mlp", "gated", "lowrank", "tensor",
	"bilinear", "attention" };
enum { KINDS = sizeof(kind_name) / sizeof(*kind_name) };

const char *
net_kind_name(enum net_kind kind)
{
	return kind_name[kind];
}

int
net_kind_of(struct str name)
{
	for (int k = 0; k < KINDS; k++)
		if (name.len == strlen(kind_name[k]) &&
		    memcmp(name.s, kind_name[k], name.len) == 0)
			return k;
	return -1;
}

/* ---- the list of weights ---- */

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
	m->net->J = H;
}

static void
lay_kind(struct maker *m)
{
	switch (m->net->shape.kind) {
	case NET_MLP:
		lay_mlp(m);
		return;
	default:
		lay_gated(m);
	}
}

/* ---- sizes ---- */

static int
suit(struct net_shape *s, struct error *e)
{
	if (s->hidden == 0)
		s->hidden = 64;
	if (s->hidden > NET_MAX_HIDDEN || s->rank > NET_MAX_HIDDEN)
		return error_set(e,
		    "%s: a hidden size or rank of %zu is more than %d",
		    kind_name[s->kind],
		    s->hidden > s->rank ? s->hidden : s->rank, NET_MAX_HIDDEN);
	return 0;
}

static size_t
whole_lines(size_t n)
{
	return (n + LINE - 1) / LINE * LINE;
}

/* Places: tables behind the others. */
static int
place(struct net *net, struct error *e)
{
	size_t at = 0;

	for (int table = 0; table < 2; table++) {
		for (size_t k = 0; k < net->params; k++) {
			struct net_param *p = &net->param[k];

			if (p->table != table)
				continue;
			if (p->rows > NET_MAX_SIZE ||
			    p->rows * p->cols > NET_MAX_SIZE - at)
				return error_set(e,
				    "%s of hidden size %zu: more than %d "
				    "weights; choose a smaller one",
				    kind_name[net->shape.kind],
				    net->shape.hidden, NET_MAX_SIZE);
			p->at = at;
			at += whole_lines(p->rows * p->cols);
		}
		if (!table)
			net->dense = at;
	}
	net->size = at;
	net->w = mem_aligned(at, sizeof(*net->w));
	return net->w == NULL ? error_memory(e) : 0;
}

static int
lay(struct net *net, struct error *e)
{
	struct maker m = { net, 0 };

	for (size_t p = 0; p < net->scaling->n; p++)
		net->Q += (size_t)(net->scaling->live >> p & 1);
	if (net->Q == 0)
		return error_set(e, "no part has anything to learn from");
	net->part = mem_array(net->Q, sizeof(*net->part));
	if (net->part == NULL)
		return error_memory(e);
	for (size_t p = 0, q = 0; p < net->scaling->n; p++)
		if (net->scaling->live >> p & 1)
			net->part[q++].p = p;
	if (suit(&net->shape, e) < 0)
		return -1;
	for (size_t q = 0; q < net->Q; q++)
		encoder(&m, &net->part[q], net->shape.hidden);
	lay_kind(&m);
	last_layer(&m);
	return m.failed ? error_memory(e) : place(net, e);
}

struct net *
net_lay_out(
    const struct net_shape *shape, const struct scaling *s, struct error *e)
{
	struct net *net = mem_array(1, sizeof(*net));

	if (net == NULL) {
		error_memory(e);
		return NULL;
	}
	net->shape = *shape;
	net->scaling = s;
	net->live = s->live;
	if (lay(net, e) < 0) {
		net_free(net);
		return NULL;
	}
	return net;
}

/* Every weight has numbers of its own, so that one more part changes no
 * other. */
struct net *
net_new(const struct net_shape *shape, const struct scaling *s, struct error *e)
{
	struct net *net = net_lay_out(shape, s, e);

	for (size_t k = 0; net != NULL && k < net->params; k++) {
		const struct net_param *p = &net->param[k];
		float *w = net->w + p->at;
		struct rng r;

		rng_seed(&r, hash_bytes(p->name, strlen(p->name), shape->seed));
		for (size_t i = 0; i < p->rows * p->cols; i++)
			w[i] = (float)(p->middle +
				       p->spread * (2 * rng_double(&r) - 1));
	}
	return net;
}

void
net_free(struct net *net)
{
	if (net == NULL)
		return;
	free(net->part);
	free(net->param);
	free(net->w);
	free(net);
}

const struct net_shape *
net_shape(const struct net *net)
{
	return &net->shape;
}

size_t
net_parameters(const struct net *net)
{
	size_t n = 0;

	for (size_t k = 0; k < net->params; k++)
		n += net->param[k].rows * net->param[k].cols;
	return n;
}

size_t
net_hidden_size(const struct net *net)
{
	return net->J;
}
