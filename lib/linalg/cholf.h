#ifndef LINALG_CHOLF_H
#define LINALG_CHOLF_H

#include "base/pool.h"
#include "linalg/linalg.h"

/*
 * Cholesky's factorisation A = L L' in float32, for preconditioners: what it
 * solves is as near as float32 and the condition of A let it be, and nearly
 * all of its work is matrix products.  One fixed order: the same bytes with
 * every table la, and for any number of threads; a pool may be NULL.
 *
 * The factor is kept in a form that solves by products alone: on the diagonal
 * the inverses of L's blocks of CHOLF_BLOCK, below them -L.
 */

enum { CHOLF_BLOCK = 64 };

/* cholf_scratch(n, m): floats of scratch for a factor of A: [n, n] and m
 * right-hand sides. */
size_t cholf_scratch(size_t n, size_t m);

/* cholf_factor: replace the lower triangle of A: [n, n], and the rest of its
 * diagonal blocks; what else is above them is neither read nor written.  0, or
 * -1 when A is not positive definite as far as float32 can tell. */
int cholf_factor(const struct linalg *la, struct pool *pool, float *A, size_t n,
    float *scratch);

/*
 * cholf_forward: B = L^-1 B, B: [n, m].  cholf_backward_rows: b = L'^-1 b for
 * each row b of B: [m, n].  One after the other, with a transposition between
 * them, they solve A X = B.
 */
void cholf_forward(const struct linalg *la, struct pool *pool, const float *A,
    size_t n, float *B, size_t m, float *scratch);
void cholf_backward_rows(const struct linalg *la, struct pool *pool,
    const float *A, size_t n, float *B, size_t m, float *scratch);

#endif
