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
 * The factor is kept in a form that solves by products of whole rows alone: on
 * the diagonal the inverses of L's blocks of CHOLF_BLOCK, below them -L, above
 * them -L'.
 */

enum { CHOLF_BLOCK = 64 };

/* cholf_scratch(n, m): floats of scratch for a factor of A: [n, n] and m
 * right-hand sides; 64-byte aligned. */
size_t cholf_scratch(size_t n, size_t m);

/* cholf_factor: replace A: [n, n], of which the lower triangle is read.  0, or
 * -1 when A is not positive definite as far as float32 can tell. */
int cholf_factor(const struct linalg *la, struct pool *pool, float *A, size_t n,
    float *scratch);

/* cholf_solve: B = A^-1 B, B: [n, m]; A as cholf_factor left it. */
void cholf_solve(const struct linalg *la, struct pool *pool, const float *A,
    size_t n, float *B, size_t m, float *scratch);

#endif
