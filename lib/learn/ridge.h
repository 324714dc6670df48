#ifndef LEARN_RIDGE_H
#define LEARN_RIDGE_H

#include <stddef.h>

#include "base/error.h"
#include "base/pool.h"
#include "linalg/linalg.h"

/*
 * Ridge regression of many outputs at once, with intercepts that are not
 * penalised: W and b that minimise
 *
 *	sum_i |y_i - b - x_i W|^2  +  lambda |W|^2
 *
 *	n = records, d = inputs, m = outputs
 *
 * by the normal equations of the smaller side S = min(n, d), in double.
 * lambda is the one of a grid, relative to the inputs' total variance, that
 * has the least generalised cross-validation error (Golub, Heath and Wahba
 * 1979), which with H, the matrix that makes fitted values of observed ones,
 * is
 *
 *	n |Y - H Y|^2 / (n - trace H)^2
 *
 * Of more than RIDGE_PROBES outputs as many random sums stand for them there,
 * whose error is the same in the mean (Girard 1989).
 *
 * Memory: 16 S (S + m) bytes, and 8 S^2 for each thread, of which at most
 * RIDGE_GRID work; where d > n, 4 d n more.
 */

enum { RIDGE_MAX_SIDE = 4096, RIDGE_GRID = 8, RIDGE_PROBES = 64 };

struct ridge_problem {
	size_t n, d, m; /* of n and d one is at most RIDGE_MAX_SIDE */
	/* rows: put x and y of records [first, first + count) side by side
	 * into z: [count, d + m].  0 or -1 with a sentence. */
	int (*rows)(
	    void *ctx, size_t first, size_t count, float *z, struct error *e);
	void *ctx;
};

/*
 * ridge_fit: W: [d, m], b: [m]; *lambda is what was chosen.  Without variance
 * among the inputs, or with fewer than 3 records, W is zero and b the mean.
 * The same bytes for any pool, which may be NULL.  0 or -1 with a sentence.
 */
int ridge_fit(const struct linalg *la, struct pool *pool,
    const struct ridge_problem *p, float *W, float *b, double *lambda,
    struct error *e);

#endif
