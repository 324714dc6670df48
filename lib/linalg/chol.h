#ifndef LINALG_CHOL_H
#define LINALG_CHOL_H

#include "base/error.h"
#include "linalg/linalg.h"

/*
 * Cholesky's factorisation A = L L' in double and triangular solves with many
 * right-hand sides, by blocks, in one fixed order: the same bytes with every
 * table la.  Matrices are row-major and dense; nothing is kept.
 */

/*
 * chol_factor(la, A, n, e): put L into the lower triangle of A: [n, n], of
 * which only that triangle is read; the upper one is used as scratch.
 * Returns -1 when A is not positive definite.
 */
int chol_factor(const struct linalg *la, double *A, size_t n, struct error *e);

/*
 * chol_forward: B = L^-1 B.  chol_backward: B = L'^-1 B.  One after the other
 * they solve A X = B.
 *   L: [n, n], its lower triangle   B: [n, m]
 */
void chol_forward(
    const struct linalg *la, const double *L, size_t n, double *B, size_t m);
void chol_backward(
    const struct linalg *la, const double *L, size_t n, double *B, size_t m);

/*
 * chol_backward_rows: the same as chol_backward with the right-hand sides as
 * rows, b = L'^-1 b for each row of B: [m, n], where L is read along its rows:
 * several times faster for few of them.
 */
void chol_backward_rows(
    const struct linalg *la, const double *L, size_t n, double *B, size_t m);

#endif
