#ifndef LEARN_SOLVER_H
#define LEARN_SOLVER_H

#include "base/pool.h"
#include "learn/dataset.h"
#include "learn/lbfgs.h"
#include "linalg/linalg.h"

/*
 * Linear models on all parts together.  For scores
 *
 *	F = b + sum_p sqrt(w_p) X_p W_p
 *
 * with X_p the scaled values of part p (scale.h), w_p its weight (of a
 * sequence's means, times the square of their gain: dataset.h), s_i the
 * weight of record i and S = sum s_i, the solver minimises
 *
 *	(1/S) sum_i s_i loss(F_i, truth_i)  +  (lambda/2) sum_p |W_p|^2
 *
 * The intercepts b are not penalised.  Two ways that meet in the same
 * minimum, both L-BFGS (lbfgs.h) preconditioned with a multiple of the second
 * derivative's shape, inv(h X'SX/S + lambda), in the manner of Boehning's
 * bound (Ann. Inst. Statist. Math. 44, 1992), where h is the mean of p(1 - p)
 * under the intercepts alone (regression: 1, which is exact):
 *
 *	dual      more columns than rows, at most SOLVER_MAX_GRAM rows: the
 *	          solution is a combination of training rows; one n x n matrix
 *	          of inner products serves all lambdas
 *	primal    one D x D matrix of the dense columns (at most
 *	          SOLVER_MAX_GRAM, else its diagonal), the diagonal of the
 *	          sparse ones; one pass over the rows for value and gradient
 *
 * Sums over rows are taken in fixed chunks and added in order: equal bytes
 * for any number of threads.  Convergence is lbfgs.h's: what is left to gain
 * is estimated to be at most ${tolerance} of the value.
 */

enum { SOLVER_MAX_GRAM = 4096 };

struct solver; /* opaque */

enum solver_way { SOLVER_AUTO, SOLVER_DUAL, SOLVER_PRIMAL };

/*
 * solver_new(ds, train, test): for these rows, which must have been scaled.
 * test are the rows that solver_scores will score; NULL for none.  The dataset
 * and its scaling must not change while the solver lives.
 */
struct solver *solver_new(enum solver_way way, const struct linalg *la,
    struct pool *pool, const struct dataset *ds, const struct rows *train,
    const struct rows *test, struct error *e);
void solver_free(struct solver *s); /* NULL is fine */

/* solver_weigh: set the weight of each feature: [features].  solver_truth:
 * set the truth; records of weight 0 are not learnt from.  Both go back to the
 * model of intercepts only, and both must have been called, in this order,
 * before solver_fit. */
int solver_weigh(struct solver *s, const double *weight, struct error *e);
int solver_truth(struct solver *s, const struct truth *t, struct error *e);

/* solver_warm: from now on the two keep the model as a start for the next fit,
 * and the preconditioner too, while the weights are not far from those that it
 * was made for: for many fits that need not be exact. */
void solver_warm(struct solver *s);

/* solver_cold: forget model and preconditioner, as if it were new. */
void solver_cold(struct solver *s);

/* solver_pool: the threads to use from now on; NULL for none.  A dual solver
 * only: it needs the dataset's values no more, once made with rows to score. */
void solver_pool(struct solver *s, struct pool *pool);

/* solver_fit: move from the present model to the minimum for lambda. */
int solver_fit(struct solver *s, double lambda, double tolerance,
    struct lbfgs_result *r, struct error *e);

/* solver_scores: F: [m, C] of the test rows.
 * solver_model: W: [dataset_columns, C], feature after feature, with the
 * sqrt(w_p) multiplied in, and b: [C]: F = b + sum_p X_p W_p. */
int solver_scores(struct solver *s, float *F, struct error *e);
int solver_model(struct solver *s, float *W, float *b, struct error *e);

/*
 * solver_part: F: [m, C] sqrt(w_p) X_p W_p of the test rows alone; feature
 * ${features} stands for the intercepts.  solver_missing: M: [A, C] what each
 * indicator of missing parts (the feature behind the parts) adds.
 */
int solver_part(struct solver *s, size_t p, float *F, struct error *e);
int solver_missing(struct solver *s, float *M, struct error *e);

/* solver_is_dual: which way SOLVER_AUTO chose. */
int solver_is_dual(const struct solver *s);

#endif
