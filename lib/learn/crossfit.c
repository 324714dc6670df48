#include "learn/crossfit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/scale.h"

int
dataset_has(const struct dataset *ds, size_t i, uint64_t need)
{
	for (size_t p = 0; need != 0; p++, need >>= 1)
		if ((need & 1) && !ds->feature[p].mask[i])
			return 0;
	return 1;
}

uint64_t
dataset_parts(const struct dataset *ds, size_t i)
{
	uint64_t has = 0;

	for (size_t p = 0; p < ds->parts; p++)
		has |= (uint64_t)(ds->feature[p].mask[i] != 0) << p;
	return has;
}

/* ---- weights of records ---- */

static double
class_factor(enum class_weight kind, size_t n)
{
	return kind == CLASS_SQRT ? 1 / sqrt((double)n) : 1 / (double)n;
}

int
class_weights(const struct dataset *ds, const struct rows *rows,
    enum class_weight kind, uint64_t need, float *weight, struct error *e)
{
	size_t *count = mem_array(ds->C, sizeof(*count));
	double sum = 0, total = 0;
	int weigh = ds->task == TASK_CLASS && kind != CLASS_NONE;

	if (count == NULL)
		return error_memory(e);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++) {
			size_t r = rows->first[s] + i;

			weight[r] =
			    dataset_has(ds, r, need) ? ds->weight[r] : 0;
			if (weigh && weight[r] > 0)
				count[ds->y_class[r]]++;
		}
	for (int s = 0; weigh && s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++) {
			size_t r = rows->first[s] + i;
			double w;

			if (!(weight[r] > 0))
				continue;
			w = class_factor(kind, count[ds->y_class[r]]);
			total += (double)weight[r];
			sum += (double)weight[r] * w;
			weight[r] *= (float)w;
		}
	for (int s = 0; sum > 0 && s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++)
			weight[rows->first[s] + i] *= (float)(total / sum);
	free(count);
	return 0;
}

/* ---- the folds ---- */

struct crossfit {
	const struct linalg *la;
	struct pool *pool;
	struct dataset *ds;
	double tolerance;
	struct solver **kept; /* [folds], or NULL: made anew each time */
	float **weight;       /* [folds] each [n] of the records */
	size_t *evaluations;  /* [folds] */
	size_t runs;
};

static struct solver *
fold_solver(struct crossfit *c, size_t k, struct error *e)
{
	struct rows train = dataset_not_in_fold(c->ds, k);
	struct rows test = dataset_in_fold(c->ds, k);
	size_t n = rows_count(&train), columns = dataset_columns(c->ds);
	enum solver_way way = n <= SOLVER_MAX_GRAM && n < 2 * columns
				  ? SOLVER_DUAL
				  : SOLVER_PRIMAL;
	struct solver *s;

	if (dataset_scale(c->la, c->pool, c->ds, &train, e) < 0)
		return NULL;
	s = solver_new(way, c->la, c->pool, c->ds, &train, &test, e);
	if (s != NULL)
		solver_warm(s);
	return s;
}

/* Whether all folds will be dual, and small enough together. */
static int
can_keep(const struct dataset *ds)
{
	size_t columns = dataset_columns(ds), bytes = 0;

	for (size_t k = 0; k < ds->folds; k++) {
		struct rows test = dataset_in_fold(ds, k);
		size_t m = rows_count(&test), n = ds->n - m;

		if (n > SOLVER_MAX_GRAM || n >= 2 * columns)
			return 0;
		bytes += sizeof(float) * n * (ds->features * (n + m) + 2 * n);
	}
	return bytes <= CROSSFIT_BYTES;
}

static int
keep_solvers(struct crossfit *c, struct error *e)
{
	c->kept = mem_array(c->ds->folds, sizeof(struct solver *));
	if (c->kept == NULL)
		return error_memory(e);
	for (size_t k = 0; k < c->ds->folds; k++) {
		c->kept[k] = fold_solver(c, k, e);
		if (c->kept[k] == NULL)
			return -1;
		solver_pool(c->kept[k], NULL);
	}
	return 0;
}

struct crossfit *
crossfit_new(const struct linalg *la, struct pool *pool, struct dataset *ds,
    double tolerance, struct error *e)
{
	struct crossfit *c = mem_array(1, sizeof(*c));
	int rc = 0;

	if (c == NULL) {
		error_memory(e);
		return NULL;
	}
	c->la = la;
	c->pool = pool;
	c->ds = ds;
	c->tolerance = tolerance;
	c->weight = mem_array(ds->folds, sizeof(float *));
	c->evaluations = mem_array(ds->folds, sizeof(*c->evaluations));
	if (c->weight == NULL || c->evaluations == NULL)
		rc = error_memory(e);
	for (size_t k = 0; rc == 0 && k < ds->folds; k++) {
		c->weight[k] = mem_array(ds->n, sizeof(**c->weight));
		if (c->weight[k] == NULL)
			rc = error_memory(e);
	}
	if (rc == 0 && can_keep(ds))
		rc = keep_solvers(c, e);
	if (rc < 0) {
		crossfit_free(c);
		return NULL;
	}
	return c;
}

void
crossfit_free(struct crossfit *c)
{
	if (c == NULL)
		return;
	for (size_t k = 0; k < c->ds->folds; k++) {
		if (c->kept != NULL)
			solver_free(c->kept[k]);
		if (c->weight != NULL)
			free(c->weight[k]);
	}
	free(c->kept);
	free(c->weight);
	free(c->evaluations);
	free(c);
}

void
crossfit_cold(struct crossfit *c)
{
	for (size_t k = 0; c->kept != NULL && k < c->ds->folds; k++)
		solver_cold(c->kept[k]);
}

size_t
crossfit_evaluations(const struct crossfit *c)
{
	size_t n = 0;

	for (size_t k = 0; k < c->ds->folds; k++)
		n += c->evaluations[k];
	return n;
}

/* ---- a run ---- */

struct run {
	struct crossfit *c;
	const struct fit_spec *spec;
	size_t n;
	crossfit_use *use;
	void *ctx;
	struct error *e; /* [folds] */
	int *rc;         /* [folds] */
};

static int
same_weights(const struct dataset *ds, const double *a, const double *b)
{
	return a == b || memcmp(a, b, ds->features * sizeof(*a)) == 0;
}

static int
run_fold(struct run *r, size_t k, struct solver *s, struct error *e)
{
	struct crossfit *c = r->c;
	struct rows train = dataset_not_in_fold(c->ds, k);
	struct truth truth = dataset_truth(c->ds, c->weight[k]);
	struct lbfgs_result result;

	for (size_t i = 0; i < r->n; i++) {
		const struct fit_spec *t = &r->spec[i];
		const struct fit_spec *last = i > 0 ? t - 1 : NULL;

		if ((last == NULL ||
			!same_weights(c->ds, last->weight, t->weight)) &&
		    solver_weigh(s, t->weight, e) < 0)
			return -1;
		if ((last == NULL || last->class_weight != t->class_weight ||
			last->need != t->need) &&
		    (class_weights(c->ds, &train, t->class_weight, t->need,
			 c->weight[k], e) < 0 ||
			solver_truth(s, &truth, e) < 0))
			return -1;
		if (solver_fit(s, t->lambda, c->tolerance, &result, e) < 0 ||
		    r->use(r->ctx, k, i, s, e) < 0)
			return -1;
		c->evaluations[k] += (size_t)result.evaluations;
	}
	return 0;
}

static void
run_kept(void *arg, size_t k, int worker)
{
	struct run *r = arg;

	(void)worker;
	r->rc[k] = run_fold(r, k, r->c->kept[k], &r->e[k]);
}

/*
 * As many folds side by side as there are threads; those of the last turn, if
 * they would leave half of the threads idle, one after another, each by all.
 */
static void
run_side_by_side(struct run *r)
{
	struct crossfit *c = r->c;
	size_t threads = c->pool != NULL ? (size_t)pool_threads(c->pool) : 1;
	size_t folds = c->ds->folds, last = folds % threads;

	if (2 * last > threads)
		last = 0;
	pool_run(c->pool, folds - last, run_kept, r);
	for (size_t k = folds - last; k < folds; k++) {
		solver_pool(c->kept[k], c->pool);
		run_kept(r, k, 0);
		solver_pool(c->kept[k], NULL);
	}
}

static void
run_serial(struct run *r)
{
	for (size_t k = 0; k < r->c->ds->folds; k++) {
		struct solver *s = fold_solver(r->c, k, &r->e[k]);

		r->rc[k] = s == NULL ? -1 : run_fold(r, k, s, &r->e[k]);
		solver_free(s);
		if (r->rc[k] < 0)
			return;
	}
}

int
crossfit_run(struct crossfit *c, const struct fit_spec *spec, size_t n,
    crossfit_use *use, void *ctx, struct error *e)
{
	size_t folds = c->ds->folds;
	struct run r = { c, spec, n, use, ctx, NULL, NULL };
	int rc = 0;

	c->runs++;
	r.e = mem_array(folds, sizeof(*r.e));
	r.rc = mem_array(folds, sizeof(*r.rc));
	if (r.e == NULL || r.rc == NULL)
		rc = error_memory(e);
	else if (c->kept != NULL)
		run_side_by_side(&r);
	else
		run_serial(&r);
	for (size_t k = 0; rc == 0 && k < folds; k++)
		if (r.rc[k] < 0) {
			*e = r.e[k];
			rc = -1;
		}
	free(r.e);
	free(r.rc);
	return rc;
}

size_t
crossfit_runs(const struct crossfit *c)
{
	return c->runs;
}

int
crossfit_replay(struct crossfit *c, size_t runs, struct error *e)
{
	c->runs += runs;
	for (size_t r = 0; c->kept == NULL && r < runs; r++)
		for (size_t k = 0; k < c->ds->folds; k++) {
			struct rows train = dataset_not_in_fold(c->ds, k);

			if (dataset_scale(c->la, c->pool, c->ds, &train, e) < 0)
				return -1;
		}
	return 0;
}
