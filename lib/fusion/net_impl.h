#ifndef FUSION_NET_IMPL_H
#define FUSION_NET_IMPL_H

#include "fusion/net.h"
#include "learn/tape.h"

/*
 * Inside of nets, for net*.c and their tests.
 *
 *	n = records, Q = live parts, H = hidden, J = what the last layer reads
 *
 * Weights lie end to end in one array, those of sparse parts (tables, of which
 * a step changes few rows) behind all others.
 *
 *	net_shape.c      sizes, places, first values
 *	net_lay.c        which weights each kind has
 *	net_graph.c      scores from inputs, on a tape
 *	net_parts.c      the encoders of the parts, for it
 *	net_attention.c  that kind
 *	net_run.c        training; net_step.c one step, net_state.c its state
 *	net_file.c       tensors
 */

enum {
	NET_PARAM_NAME = 32,
	NET_MAX_HIDDEN = 4096,
	NET_MAX_TENSOR = 1 << 16,  /* elements of an outer product */
	NET_MAX_SIZE = 1 << 28,    /* weights in all */
	NET_SUIT_TENSOR = 1 << 12, /* where the hidden size is ours to choose */
	NET_LAYERS = 2,            /* attention */
	NET_ROWS = 128,            /* records scored at a time, */
	NET_TOKENS = 4096          /* or one, of more rows of sequences */
};

struct net_param {
	char name[NET_PARAM_NAME];
	size_t rows, cols;
	size_t at; /* in w */
	int table; /* rows are changed where touched */
	int decay; /* a bias does not */
	/* First values: uniform in [-spread, spread] + middle. */
	double spread, middle;
};

struct net_part {
	size_t p;   /* in the scaling */
	float gain; /* what inputs are multiplied by, see net_shape.c */
	size_t weight, bias, absent; /* params */
	size_t factor, factor_bias;  /* lowrank */
	struct sketch sketch;        /* bilinear; its arrays: */
	uint32_t *at;
	float *sign;
};

struct net_layer { /* attention */
	size_t norm1, bias1, qkv, qkv_bias, out, out_bias;
	size_t norm2, bias2, up, up_bias, down, down_bias;
};

struct net {
	struct net_shape shape;
	const struct scaling *scaling;
	uint64_t live;
	size_t Q, J;
	struct net_part *part; /* [Q] */
	size_t bias;           /* mlp */
	size_t gate, gate_bias;
	/* attention: T bottleneck tokens */
	size_t tokens, heads, bottleneck, norm, norm_bias;
	struct net_layer layer[NET_LAYERS];
	size_t out, out_bias;
	float out_gain;
	struct net_param *param; /* [params] */
	size_t params, params_cap;
	float *w; /* [size], of which [dense] are no tables */
	size_t size, dense;
};

/* net_lay_out: sizes and weights' places for that shape; w is zero. */
struct net *net_lay_out(
    const struct net_shape *shape, const struct scaling *s, struct error *e);

/* net_suit: what the kind wants where sizes are 0, and whether it can be. */
int net_suit(struct net *net, struct error *e);

/* net_lay: list the weights of that shape, which has its sizes. */
int net_lay(struct net *net, struct error *e);

/* What a pass over n records reads. */
struct net_feed {
	size_t n;
	const uint64_t *has;
	const struct feed_part *part; /* [Q] */
	float *g; /* [dense] gradients of weights, or NULL */
	double dropout;
	struct rng *rng;
};

struct feed_part {
	const float *dense;        /* dense, sequence (its mean): [n, D] */
	struct sparse_rows sparse; /* of the table below */
	const size_t *end;         /* sequence: rows up to and with a record */
	size_t first;              /* its row where record 0 begins */
	const float *rows;         /* sequence: [R, D] */
	const float *table;        /* sparse: [table_rows, .] */
	float *table_g;            /* its gradient, or NULL */
	size_t table_rows;
};

/* net_feed_part: what part q of records [first, first + n) is. */
void net_feed_part(const struct net *net, size_t q, const struct inputs *in,
    size_t first, size_t n, struct feed_part *f);

/* net_param_var: that weight as a leaf. */
struct var *net_param_var(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t k);

/* net_project: gain x W of part q, without a bias: [n, cols of W]. */
struct var *net_project(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t q);

/* net_encode: the encoder of part q, an activation of the projection and bias,
 * or the absent vector: [n, H]. */
struct var *net_encode(
    const struct net *net, struct tape *t, const struct net_feed *f, size_t q);

/* net_attention: all of that kind up to the last layer. */
struct var *net_attention(
    const struct net *net, struct tape *t, const struct net_feed *f);

/* net_graph: scores; *hidden is what the last layer reads.  NULL when memory
 * is out. */
struct var *net_graph(const struct net *net, struct tape *t,
    const struct net_feed *f, struct var **hidden);

/* net_run_order: rows in that order in every epoch, for tests: a permutation
 * of the rows' places.  Borrowed. */
void net_run_order(struct net_run *run, const uint32_t *order);

#endif
