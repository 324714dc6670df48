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

/* ---- sizes ---- */

/*
 * Of the outer product of Q parts, (H + 1)^Q elements: 0 where that is more
 * than ${most}.
 */
static size_t
outer_size(size_t H, size_t Q, size_t most)
{
	size_t n = 1;

	for (size_t q = 0; q < Q; q++) {
		if (n > most / (H + 1))
			return 0;
		n *= H + 1;
	}
	return n;
}

static int
suit_tensor(struct net *net, struct error *e)
{
	struct net_shape *s = &net->shape;

	if (s->hidden == 0)
		for (s->hidden = 32;
		     s->hidden > 1 &&
		     outer_size(s->hidden, net->Q, NET_SUIT_TENSOR) == 0;)
			s->hidden--;
	if (outer_size(s->hidden, net->Q, NET_MAX_TENSOR) == 0)
		return error_set(e,
		    "tensor: the outer product of %zu parts of hidden size %zu "
		    "has more than %d elements: lowrank and bilinear stay "
		    "small",
		    net->Q, s->hidden, NET_MAX_TENSOR);
	return 0;
}

static size_t
suit_hidden(enum net_kind kind)
{
	return kind == NET_MLP || kind == NET_GATED ? 64 : 32;
}

static size_t
suit_rank(enum net_kind kind)
{
	switch (kind) {
	case NET_BILINEAR:
		return 512;
	case NET_LOWRANK:
	case NET_ATTENTION:
		return 4;
	default:
		return 1;
	}
}

int
net_suit(struct net *net, struct error *e)
{
	struct net_shape *s = &net->shape;

	if (s->hidden > NET_MAX_HIDDEN || s->rank > NET_MAX_HIDDEN)
		return error_set(e,
		    "%s: a hidden size or rank of %zu is more than %d",
		    kind_name[s->kind],
		    s->hidden > s->rank ? s->hidden : s->rank, NET_MAX_HIDDEN);
	if (s->kind == NET_TENSOR && suit_tensor(net, e) < 0)
		return -1;
	if (s->hidden == 0)
		s->hidden = suit_hidden(s->kind);
	if (s->rank == 0)
		s->rank = suit_rank(s->kind);
	net->J = s->hidden;
	if (s->kind == NET_TENSOR)
		net->J = outer_size(s->hidden, net->Q, NET_MAX_TENSOR);
	else if (s->kind == NET_BILINEAR)
		net->J = s->rank;
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
find_parts(struct net *net, struct error *e)
{
	for (size_t p = 0; p < net->scaling->n; p++)
		net->Q += (size_t)(net->live >> p & 1);
	if (net->Q == 0)
		return error_set(e, "no part has anything to learn from");
	net->part = mem_array(net->Q, sizeof(*net->part));
	if (net->part == NULL)
		return error_memory(e);
	for (size_t p = 0, q = 0; p < net->scaling->n; p++)
		if (net->live >> p & 1)
			net->part[q++].p = p;
	return 0;
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
	net->live = s->live & (shape->parts != 0 ? shape->parts : ~UINT64_C(0));
	net->out_gain = 1;
	if (find_parts(net, e) < 0 || net_suit(net, e) < 0 ||
	    net_lay(net, e) < 0 || place(net, e) < 0) {
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
	for (size_t q = 0; net->part != NULL && q < net->Q; q++) {
		free(net->part[q].at);
		free(net->part[q].sign);
	}
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
