#ifndef FUSION_NET_RUN_IMPL_H
#define FUSION_NET_RUN_IMPL_H

#include "fusion/net_impl.h"
#include "learn/adamw.h"

enum {
	RUN_CHUNKS = 8,      /* a batch has no more chunks */
	RUN_KEPT = 64 << 20, /* bytes of inputs that a run keeps scaled */
	RUN_PIECE = 1 << 14  /* weights that one worker updates */
};

/* What a chunk of a batch needs for itself. */
struct run_chunk {
	struct inputs in;
	struct feed_part *part; /* [Q] */
	uint32_t **slot;   /* [Q] sparse: [pairs] rows of the step's table */
	size_t *slot_cap;  /* [Q] */
	float *g;          /* [dense] */
	float **table_g;   /* [Q] [touched, cols] */
	size_t *table_cap; /* [Q] */
	struct rng rng;
	/* Its records' rows and truth. */
	uint32_t *row;
	uint32_t *label;
	float *y, *weight;
	double loss;
	struct error e;
	int rc;
};

/* The rows of a sparse part's table that a step touches. */
struct run_table {
	uint32_t *place; /* [A] its place in touched, or UINT32_MAX */
	uint32_t *touched;
	float *w; /* [touched, cols] copies of these rows */
	size_t n, touched_cap, w_cap;
};

struct run_piece {
	size_t at, n;
	float decay;
};

struct net_run {
	struct net *net;
	struct net_options o; /* nothing is "what suits" */
	const struct dataset *ds;
	const struct truth *truth;
	uint32_t *row, *order; /* [n] the rows; this epoch's order of places */
	const uint32_t *given; /* an order for tests */
	size_t n;
	struct inputs kept; /* of all rows, where they are few: */
	int keeps;
	double mean_weight;
	size_t batches, chunk; /* of an epoch; records of a chunk */
	size_t nchunks;
	struct run_chunk *chunks;
	struct run_table *table; /* [Q] */
	struct tape **tape;      /* [tapes] a worker's own */
	size_t tapes;
	struct run_piece *piece;
	size_t pieces, pieces_cap;
	float *m, *v;   /* [size] moments */
	size_t epoch;   /* done */
	double *losses; /* [batches] of an epoch's steps, for tests, or NULL */

	/* The step under way. */
	const struct linalg *la;
	size_t first, count, used; /* places; chunks of it */
	size_t batch;
	struct adamw step;
	float share; /* what summed gradients are multiplied by */
};

/* net_run_seed: of the random numbers of one chunk, from 1, of a batch; chunk
 * 0 of batch 0: of the order of the epoch. */
uint64_t net_run_seed(const struct net_run *run, size_t batch, size_t chunk);

/* net_run_astray: say that numbers grew beyond all bounds.  -1. */
int net_run_astray(const struct net_run *run, struct error *e);

/* net_run_step: one batch; its loss is added to *loss. */
int net_run_step(
    struct net_run *run, struct pool *pool, double *loss, struct error *e);

#endif
