#ifndef LEARN_LBFGS_H
#define LEARN_LBFGS_H

#include <stddef.h>

#include "base/error.h"
#include "linalg/linalg.h"

/*
 * L-BFGS (Nocedal and Wright, "Numerical Optimization", algorithm 7.4) for
 * smooth convex functions, in an inner product of the problem's own and with
 * its preconditioner in place of the scaled identity.  float32 vectors, sums
 * and function values in double, every sum in one order: the same bytes
 * everywhere.
 */

enum { LBFGS_PAIRS = 6 };

struct lbfgs_problem {
	size_t n; /* floats of a vector */
	void *ctx;

	/* The function at x: [n]; its gradient, as the inner product sees
	 * it, goes to g: [n]. */
	double (*eval)(void *ctx, const float *x, float *g);

	/* z = P g, with P near the inverse of the second derivative. */
	void (*precondition)(void *ctx, const float *g, float *z);

	/* Where the inner product needs more of v than of u, it may lie behind
	 * what a vector is: x, and what precondition writes, carry it; a
	 * gradient, which is then only ever u, gets it from complete at the
	 * end.  complete: NULL where there is no more. */
	double (*dot)(void *ctx, const float *u, const float *v);
	void (*complete)(void *ctx, float *g);
};

struct lbfgs_result {
	double value;
	double gradient;  /* its norm */
	double decrement; /* what is left to gain, as estimated: g'Hg / 2 */
	int evaluations;
	int converged;
};

/*
 * lbfgs(p, x, tolerance, max, r): move x: [n] towards the minimum until
 *
 *	g'Hg / 2 <= tolerance * |value|
 *
 * for the gradient g and the present estimate H of the inverse second
 * derivative: the norm of the gradient in the metric in which the left side
 * is what Newton's step would gain, so that it means the same for every
 * penalty and scale.  It also ends when ${max} evaluations are done or float32
 * allows no further descent.  0; -1 when memory is out or the value at x is
 * not finite (lbfgs_out_of_bounds).  Where it is not finite elsewhere, there is
 * no point, and the problem's inner product may see too little: from then on no
 * step is longer than the preconditioner's own.
 */
int lbfgs(const struct linalg *la, const struct lbfgs_problem *p, float *x,
    double tolerance, int max, struct lbfgs_result *r, struct error *e);

/* lbfgs_out_of_bounds: -1, with a sentence for who made the records, unless
 * memory is out. */
int lbfgs_out_of_bounds(struct error *e);

/* lbfgs_dot: u.v of n floats, LANE ORDER in blocks of 4,096 that are added in
 * double: for problems in plain coordinates. */
double lbfgs_dot(
    const struct linalg *la, const float *u, const float *v, size_t n);

#endif
