#ifndef LEARN_KERNELS_H
#define LEARN_KERNELS_H

#include "base/pool.h"
#include "learn/dataset.h"
#include "linalg/linalg.h"

/*
 * Inner products between the rows of a scaled dataset, feature by feature:
 * what a problem with more columns than rows is solved in.
 *
 *	n = rows to train on, m = rows to score, in the order of their spans
 */

struct kernels {
	size_t features, n, m;
	float **train; /* [features] each [n, n], symmetric */
	float **test;  /* [features] each [m, n] */
};

/* A run of consecutive rows: positions count from the first row of a set. */
struct piece {
	size_t row, position, count;
};

enum { PIECE = 128 };

/* pieces_of(rows, p): cut them into pieces of at most PIECE rows, into
 * p: [rows_count / PIECE + 2].  Returns how many. */
size_t pieces_of(const struct rows *rows, struct piece *p);

/* kernels_build: for all features; test may be NULL for no rows.  Values are
 * those of the scaled features, part weights not applied.  0, or -1 when
 * memory is out; k is then empty. */
int kernels_build(struct kernels *k, const struct linalg *la, struct pool *pool,
    const struct dataset *ds, const struct rows *train, const struct rows *test,
    struct error *e);

/* kernels_feature: for feature p alone, into K: [n, n] and, unless test is
 * NULL, K_test: [m, n]. */
int kernels_feature(float *K, float *K_test, const struct linalg *la,
    struct pool *pool, const struct dataset *ds, size_t p,
    const struct rows *train, const struct rows *test, struct error *e);

void kernels_free(struct kernels *k);

#endif
