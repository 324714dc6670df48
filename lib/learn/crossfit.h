#ifndef LEARN_CROSSFIT_H
#define LEARN_CROSSFIT_H

#include "base/pool.h"
#include "learn/dataset.h"
#include "learn/solver.h"
#include "linalg/linalg.h"

/*
 * Many linear models in every fold of a dataset: each is learnt, scaling too,
 * from the records outside of the fold, and asked about those in it.
 *
 * What the folds' solvers need of the values, inner products of rows, is made
 * once and kept where it fits into CROSSFIT_BYTES; folds then go side by side,
 * and a fit starts from the one before it.  Else one fold follows another.
 */

/* How much a record of a class of n records counts: 1, n^-1/2, n^-1, times a
 * constant that makes the mean over records 1. */
enum class_weight { CLASS_NONE, CLASS_SQRT, CLASS_BALANCED, CLASS_AUTO };

#define CROSSFIT_BYTES ((size_t)1500 << 20)

/* A linear model that could be learnt. */
struct fit_spec {
	double lambda;
	enum class_weight class_weight;
	const double *weight; /* [features] */
	uint64_t need;        /* learnt from records that have these parts */
};

struct crossfit; /* opaque */

/* crossfit_new: the dataset must have two folds or more, and be left alone
 * while the crossfit lives. */
struct crossfit *crossfit_new(const struct linalg *la, struct pool *pool,
    struct dataset *ds, double tolerance, struct error *e);
void crossfit_free(struct crossfit *c); /* NULL is fine */

/*
 * crossfit_run(c, spec, n, use, ctx, e): learn them in this order in every
 * fold, neighbours with equal weights and falling lambda being the cheapest.
 * use(ctx, k, i, s, e) gets the solver that has just learnt spec i for fold k:
 * its solver_scores are of dataset_in_fold(ds, k).  It returns 0 or -1, and is
 * called for several folds at once.  0 or -1.
 */
typedef int crossfit_use(
    void *ctx, size_t fold, size_t i, struct solver *s, struct error *e);
int crossfit_run(struct crossfit *c, const struct fit_spec *spec, size_t n,
    crossfit_use *use, void *ctx, struct error *e);

/* crossfit_cold: what follows does not depend on what was learnt before. */
void crossfit_cold(struct crossfit *c);

/*
 * crossfit_runs: how many runs there were.  crossfit_replay: scale the dataset
 * as so many would have: values carry the rounding of every scaling that they
 * went through, so who skips work whose results are known calls it instead.
 */
size_t crossfit_runs(const struct crossfit *c);
int crossfit_replay(struct crossfit *c, size_t runs, struct error *e);

size_t crossfit_evaluations(const struct crossfit *c); /* so far */

/* class_weights: weight[i] of the rows: the record's own times its class's; 0
 * where it lacks a part of ${need}.  weight: [ds->n], written for ${rows}
 * only.  0 or -1. */
int class_weights(const struct dataset *ds, const struct rows *rows,
    enum class_weight kind, uint64_t need, float *weight, struct error *e);

/* dataset_has: whether row i has all parts of ${need}.  dataset_parts: the
 * parts that row i has. */
int dataset_has(const struct dataset *ds, size_t i, uint64_t need);
uint64_t dataset_parts(const struct dataset *ds, size_t i);

#endif
