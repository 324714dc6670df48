#include "learn/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/heldout.h"
#include "learn/scale.h"

/* ---- weights of classes and parts ---- */

int
class_weights(const struct dataset *ds, const struct rows *rows,
    enum class_weight kind, float *weight, struct error *e)
{
	size_t *count;
	double sum = 0, total = 0;

	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++)
			weight[rows->first[s] + i] =
			    ds->weight[rows->first[s] + i];
	if (ds->task != TASK_CLASS || kind == CLASS_NONE)
		return 0;
	count = mem_array(ds->C, sizeof(*count));
	if (count == NULL)
		return error_memory(e);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++)
			count[ds->y_class[rows->first[s] + i]]++;
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++) {
			size_t r = rows->first[s] + i;
			double n = (double)count[ds->y_class[r]];
			double w = kind == CLASS_SQRT ? 1 / sqrt(n) : 1 / n;

			total += (double)ds->weight[r];
			sum += (double)ds->weight[r] * w;
			weight[r] *= (float)w;
		}
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++)
			weight[rows->first[s] + i] *= (float)(total / sum);
	free(count);
	return 0;
}

/* Weights of the parts sum to 1, so that lambda means the same for all of
 * them. */
static void
normalise(const struct dataset *ds, double *weight)
{
	double sum = 0;

	for (size_t p = 0; p < ds->parts; p++)
		sum += weight[p];
	for (size_t p = 0; p < ds->parts; p++)
		weight[p] = sum > 0 ? weight[p] / sum : 1 / (double)ds->parts;
	if (ds->features > ds->parts)
		weight[ds->parts] = 1;
}

void
search_defaults(const struct dataset *ds, const double *given, double *weight)
{
	for (size_t p = 0; p < ds->parts; p++)
		weight[p] = given != NULL && !isnan(given[p]) ? given[p] : 1;
	normalise(ds, weight);
}

/* ---- the list of trials ---- */

static double *
add_weights(struct search *s, const struct dataset *ds, const double *from,
    struct error *e)
{
	double *w = mem_array(ds->features, sizeof(*w));

	if (w == NULL || mem_grow(&s->weights, &s->weights_cap, s->nweights + 1,
			     sizeof(*s->weights)) < 0) {
		free(w);
		error_memory(e);
		return NULL;
	}
	memcpy(w, from, ds->features * sizeof(*w));
	normalise(ds, w);
	s->weights[s->nweights++] = w;
	return w;
}

static int
add_trials(struct search *s, double *weight, enum class_weight kind,
    const double *lambda, size_t n, struct error *e)
{
	if (mem_grow(&s->trials, &s->cap, s->n + n, sizeof(*s->trials)) < 0)
		return error_memory(e);
	for (size_t i = 0; i < n; i++)
		s->trials[s->n++] = (struct search_trial){ .lambda = lambda[i],
			.class_weight = kind,
			.part_weight = weight };
	return 0;
}

/* ---- one round over the folds ---- */

struct round {
	struct search *s;
	const struct linalg *la;
	struct pool *pool;
	struct dataset *ds;
	const struct search_options *o;
	size_t first;            /* trials [first, s->n) */
	struct heldout *heldout; /* [s->n - first] */
	float *weight;           /* [n] of the records */
	float *F, *scratch;
	size_t done, total; /* fits */
};

static int
score_fold(struct round *r, struct solver *solver, const struct rows *test,
    size_t trial, struct error *e)
{
	size_t C = r->ds->C, done = 0;

	if (solver_scores(solver, r->F, e) < 0)
		return -1;
	for (int k = 0; k < 2; k++)
		for (size_t i = 0, n; i < test->count[k]; i += n) {
			n = test->count[k] - i < LOSS_ROWS ? test->count[k] - i
							   : LOSS_ROWS;
			heldout_add(&r->heldout[trial - r->first], r->la, r->ds,
			    test->first[k] + i, n, r->F + done * C, r->scratch);
			done += n;
		}
	return 0;
}

/* All trials in one fold; neighbours that share weights follow each other,
 * with falling lambda, and start from where the last one ended. */
static int
run_fold(struct round *r, size_t fold, struct error *e)
{
	struct rows train = dataset_not_in_fold(r->ds, fold);
	struct rows test = dataset_in_fold(r->ds, fold);
	struct solver *solver;
	int rc = 0;

	if (dataset_scale(r->la, r->pool, r->ds, &train, e) < 0)
		return -1;
	solver =
	    solver_new(SOLVER_AUTO, r->la, r->pool, r->ds, &train, &test, e);
	if (solver == NULL)
		return -1;
	for (size_t i = r->first; rc == 0 && i < r->s->n; i++) {
		const struct search_trial *t = &r->s->trials[i];
		const struct search_trial *last = i > r->first ? t - 1 : NULL;
		struct lbfgs_result result;

		if (last == NULL || last->part_weight != t->part_weight)
			rc = solver_weigh(solver, t->part_weight, e);
		if (rc == 0 &&
		    (last == NULL || last->part_weight != t->part_weight ||
			last->class_weight != t->class_weight)) {
			struct truth truth = dataset_truth(r->ds, r->weight);

			rc = class_weights(
			    r->ds, &train, t->class_weight, r->weight, e);
			if (rc == 0)
				rc = solver_truth(solver, &truth, e);
		}
		if (rc == 0)
			rc = solver_fit(
			    solver, t->lambda, r->o->tolerance, &result, e);
		if (rc == 0)
			rc = score_fold(r, solver, &test, i, e);
		if (rc < 0)
			break;
		r->s->fits++;
		r->s->evaluations += (size_t)result.evaluations;
		if (r->o->progress != NULL)
			r->o->progress(r->o->ctx, ++r->done, r->total);
	}
	solver_free(solver);
	return rc;
}

static int
run_folds(struct round *r, struct error *e)
{
	struct search *s = r->s;
	size_t n = s->n - r->first;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = heldout_init(&r->heldout[i], r->ds->C, e);
	for (size_t k = 0; rc == 0 && k < r->ds->folds; k++)
		rc = run_fold(r, k, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct search_trial *t = &s->trials[r->first + i];

		heldout_score(&r->heldout[i], r->ds, &t->score);
		if (t->score.value > s->trials[s->best].score.value)
			s->best = r->first + i;
	}
	return rc;
}

static int
run_round(struct round *r, struct error *e)
{
	size_t n = r->s->n - r->first, most = 0;
	int rc;

	for (size_t k = 0; k < r->ds->folds; k++) {
		struct rows test = dataset_in_fold(r->ds, k);

		if (rows_count(&test) > most)
			most = rows_count(&test);
	}
	r->heldout = mem_array(n, sizeof(*r->heldout));
	r->weight = mem_array(r->ds->n, sizeof(*r->weight));
	r->F = mem_aligned(most * r->ds->C, sizeof(*r->F));
	r->scratch = mem_aligned(2 * LOSS_ROWS * r->ds->C, sizeof(*r->scratch));
	if (r->heldout == NULL || r->weight == NULL || r->F == NULL ||
	    r->scratch == NULL)
		rc = error_memory(e);
	else
		rc = run_folds(r, e);
	for (size_t i = 0; r->heldout != NULL && i < n; i++)
		heldout_free(&r->heldout[i]);
	free(r->heldout);
	free(r->weight);
	free(r->F);
	free(r->scratch);
	r->first = r->s->n;
	return rc;
}

/* ---- what to try ---- */

/* Two lambdas a decade.  The first round takes every other one. */
static const double GRID[] = { 1, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4,
	1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7 };
enum {
	GRID_N = sizeof(GRID) / sizeof(GRID[0]),
	COARSE_FIRST = 4,
	COARSE_LAST = 12
};

static size_t
coarse_grid(const struct search_options *o, double *out)
{
	size_t n = 0;

	if (!isnan(o->lambda)) {
		out[0] = o->lambda;
		return 1;
	}
	for (size_t k = COARSE_FIRST; k <= COARSE_LAST; k += 2)
		out[n++] = GRID[k];
	return n;
}

/* One step above the best to two below; a best at an end of the coarse grid
 * opens what lies beyond. */
static size_t
fine_grid(const struct search_options *o, double best, double *out)
{
	size_t n = 0, at = 0, from, to;

	if (!isnan(o->lambda)) {
		out[0] = o->lambda;
		return 1;
	}
	while (at + 1 < GRID_N && GRID[at] > best)
		at++;
	from = at <= COARSE_FIRST ? 0 : at - 1;
	to = at + 2 < GRID_N ? at + 2 : GRID_N - 1;
	for (size_t k = from; k <= to; k++)
		out[n++] = GRID[k];
	return n;
}

static int
searched(const struct dataset *ds, const struct search_options *o, size_t p)
{
	return ds->parts > 1 &&
	       (o->part_weight == NULL || isnan(o->part_weight[p]));
}

/*
 * The start, and from it each searched part's weight times and through the
 * factors.  Two parts have one ratio, so only the first is moved.
 */
static int
try_weights(struct round *r, const double *centre, const double *factor,
    size_t nfactor, const enum class_weight *kind, size_t nkind,
    const double *lambda, size_t nlambda, struct error *e)
{
	size_t moved = r->ds->parts == 2 ? 1 : r->ds->parts;
	size_t nw = r->s->nweights;
	double *w = mem_array(r->ds->features, sizeof(*w));
	int rc = w == NULL ? error_memory(e) : 0;

	if (rc == 0 && add_weights(r->s, r->ds, centre, e) == NULL)
		rc = -1;
	for (size_t p = 0; rc == 0 && p < moved; p++)
		for (size_t k = 0; rc == 0 && k < nfactor; k++) {
			if (!searched(r->ds, r->o, p) &&
			    !(moved == 1 && searched(r->ds, r->o, 1)))
				continue;
			memcpy(w, centre, r->ds->features * sizeof(*w));
			w[p] *= factor[k];
			if (add_weights(r->s, r->ds, w, e) == NULL)
				rc = -1;
		}
	free(w);
	/* Each weighting of classes with the start, the first of them with
	 * the others. */
	for (size_t i = nw; rc == 0 && i < r->s->nweights; i++)
		for (size_t k = 0; rc == 0 && k < (i == nw ? nkind : 1); k++)
			rc = add_trials(r->s, r->s->weights[i], kind[k], lambda,
			    nlambda, e);
	r->done = 0;
	r->total = (r->s->n - r->first) * r->ds->folds;
	return rc == 0 ? run_round(r, e) : rc;
}

static size_t
class_kinds(const struct dataset *ds, const struct search_options *o, int round,
    enum class_weight *kind)
{
	if (ds->task != TASK_CLASS) {
		kind[0] = CLASS_NONE;
		return 1;
	}
	if (o->class_weight != CLASS_AUTO) {
		kind[0] = o->class_weight;
		return 1;
	}
	kind[0] = CLASS_SQRT;
	if (round == 0)
		return 1;
	kind[1] = CLASS_NONE;
	kind[2] = CLASS_BALANCED;
	return 3;
}

int
search_run(struct search *s, const struct linalg *la, struct pool *pool,
    struct dataset *ds, const struct search_options *o, struct error *e)
{
	static const double far[] = { 1.0 / 9, 1.0 / 3, 3, 9 };
	static const double near[] = { 0.57735, 1.73205 };
	struct round r = { .s = s, .la = la, .pool = pool, .ds = ds, .o = o };
	enum class_weight kind[3];
	double lambda[GRID_N];
	double *start = mem_array(ds->features, sizeof(*start));
	size_t nkind, n;
	int rc;

	memset(s, 0, sizeof(*s));
	if (start == NULL)
		return error_memory(e);
	search_defaults(ds, o->part_weight, start);
	nkind = class_kinds(ds, o, 0, kind);
	n = coarse_grid(o, lambda);
	rc = try_weights(
	    &r, start, far, ds->parts > 1 ? 4 : 0, kind, nkind, lambda, n, e);
	if (rc == 0) {
		memcpy(start, s->trials[s->best].part_weight,
		    ds->features * sizeof(*start));
		nkind = class_kinds(ds, o, 1, kind);
		n = fine_grid(o, s->trials[s->best].lambda, lambda);
		rc = try_weights(&r, start, near, ds->parts > 1 ? 2 : 0, kind,
		    nkind, lambda, n, e);
	}
	free(start);
	return rc;
}

void
search_free(struct search *s)
{
	for (size_t i = 0; i < s->nweights; i++)
		free(s->weights[i]);
	free(s->weights);
	free(s->trials);
	memset(s, 0, sizeof(*s));
}
