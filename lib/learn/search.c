#include "learn/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/heldout.h"

/* ---- weights of parts ---- */

/* Weights of the parts sum to 1, so that lambda means the same for all of
 * them. */
static void
normalise(const struct dataset *ds, uint64_t parts, double *weight)
{
	double sum = 0, n = 0;

	for (size_t p = 0; p < ds->parts; p++) {
		if (!(parts >> p & 1))
			weight[p] = 0;
		sum += weight[p];
		n += (double)(parts >> p & 1);
	}
	for (size_t p = 0; p < ds->parts; p++)
		if (sum > 0)
			weight[p] /= sum;
		else if (parts >> p & 1)
			weight[p] = 1 / n;
}

void
search_defaults(const struct dataset *ds, const double *given, uint64_t parts,
    double *weight)
{
	for (size_t p = 0; p < ds->features; p++)
		weight[p] = 1;
	for (size_t p = 0; given != NULL && p < ds->parts; p++)
		if (!isnan(given[p]))
			weight[p] = given[p];
	normalise(ds, parts, weight);
}

/* ---- the list of trials ---- */

static double *
add_weights(struct search *s, const struct dataset *ds, uint64_t parts,
    const double *from, struct error *e)
{
	double *w = mem_array(ds->features, sizeof(*w));

	if (w == NULL || mem_grow(&s->weights, &s->weights_cap, s->nweights + 1,
			     sizeof(*s->weights)) < 0) {
		free(w);
		error_memory(e);
		return NULL;
	}
	memcpy(w, from, ds->features * sizeof(*w));
	normalise(ds, parts, w);
	s->weights[s->nweights++] = w;
	return w;
}

static int
close_to(double a, double b)
{
	return fabs(a - b) <= 1e-9 * (fabs(a) + fabs(b));
}

/* Whether it was tried, or is about to be. */
static int
known(const struct search *s, const struct dataset *ds, const double *weight,
    enum class_weight kind, double lambda)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct search_trial *t = &s->trials[i];
		size_t p = 0;

		while (p < ds->parts && close_to(t->part_weight[p], weight[p]))
			p++;
		if (p == ds->parts && t->class_weight == kind &&
		    close_to(t->lambda, lambda))
			return 1;
	}
	return 0;
}

static int
add_trial(struct search *s, const struct dataset *ds, const double *weight,
    enum class_weight kind, double lambda, struct error *e)
{
	if (known(s, ds, weight, kind, lambda))
		return 0;
	if (mem_grow(&s->trials, &s->cap, s->n + 1, sizeof(*s->trials)) < 0)
		return error_memory(e);
	s->trials[s->n++] = (struct search_trial){
		.lambda = lambda, .class_weight = kind, .part_weight = weight
	};
	return 0;
}

/* ---- one round over the folds ---- */

struct round {
	struct search *s;
	const struct linalg *la;
	struct crossfit *c;
	struct dataset *ds;
	const struct search_options *o;
	size_t first;            /* trials [first, s->n) */
	struct heldout *heldout; /* [folds, s->n - first] */
	float **F;               /* [folds] scores and scratch */
};

/* What the rows of the fold that count got: runs of them, LOSS_ROWS at most. */
static int
count_fold(void *ctx, size_t fold, size_t i, struct solver *s, struct error *e)
{
	struct round *r = ctx;
	struct rows test = dataset_in_fold(r->ds, fold);
	size_t C = r->ds->C, row = test.first[0], end = row + test.count[0];
	float *F = r->F[fold];

	if (solver_scores(s, F, e) < 0)
		return -1;
	for (size_t n; row < end; row += n) {
		n = 0;
		while (row + n < end && n < LOSS_ROWS &&
		       dataset_has(r->ds, row + n, r->o->need))
			n++;
		if (n > 0)
			heldout_add(
			    &r->heldout[fold * (r->s->n - r->first) + i], r->la,
			    r->ds, row, n, F + (row - test.first[0]) * C,
			    F + test.count[0] * C);
		n += n == 0;
	}
	return 0;
}

static void
judge(struct round *r)
{
	size_t n = r->s->n - r->first;

	for (size_t i = 0; i < n; i++) {
		struct search_trial *t = &r->s->trials[r->first + i];

		for (size_t k = 1; k < r->ds->folds; k++)
			heldout_merge(
			    &r->heldout[i], &r->heldout[k * n + i], r->ds->C);
		heldout_score(&r->heldout[i], r->ds, &t->score);
		if (t->score.value > r->s->trials[r->s->best].score.value)
			r->s->best = r->first + i;
	}
}

static int
run_trials(struct round *r, struct error *e)
{
	size_t n = r->s->n - r->first;
	struct fit_spec *spec = mem_array(n, sizeof(*spec));
	int rc = 0;

	if (spec == NULL)
		return error_memory(e);
	for (size_t i = 0; i < n; i++) {
		const struct search_trial *t = &r->s->trials[r->first + i];

		spec[i] = (struct fit_spec){ t->lambda, t->class_weight,
			t->part_weight, r->o->need };
	}
	rc = crossfit_run(r->c, spec, n, count_fold, r, e);
	free(spec);
	return rc;
}

static int
make_room(struct round *r, struct error *e)
{
	size_t n = r->s->n - r->first, C = r->ds->C, folds = r->ds->folds;

	r->heldout = mem_array(folds * n, sizeof(*r->heldout));
	r->F = mem_array(folds, sizeof(float *));
	if (r->heldout == NULL || r->F == NULL)
		return error_memory(e);
	for (size_t i = 0; i < folds * n; i++)
		if (heldout_init(&r->heldout[i], C, e) < 0)
			return -1;
	for (size_t k = 0; k < folds; k++) {
		struct rows test = dataset_in_fold(r->ds, k);

		r->F[k] = mem_aligned(
		    (rows_count(&test) + 2 * LOSS_ROWS) * C, sizeof(float));
		if (r->F[k] == NULL)
			return error_memory(e);
	}
	return 0;
}

/* Try what was added since the last round. */
static int
run_round(struct round *r, struct error *e)
{
	size_t n = r->s->n - r->first;
	int rc;

	if (n == 0)
		return 0;
	rc = make_room(r, e);
	if (rc == 0)
		rc = run_trials(r, e);
	if (rc == 0)
		judge(r);
	for (size_t i = 0; r->heldout != NULL && i < r->ds->folds * n; i++)
		heldout_free(&r->heldout[i]);
	for (size_t k = 0; r->F != NULL && k < r->ds->folds; k++)
		free(r->F[k]);
	free(r->heldout);
	free(r->F);
	r->heldout = NULL;
	r->F = NULL;
	r->first = r->s->n;
	r->s->fits += n * r->ds->folds;
	if (rc == 0 && r->o->progress != NULL)
		r->o->progress(r->o->ctx, r->s->fits);
	return rc;
}

/* ---- what to try ---- */

static const double ROOT10 = 3.1622776601683795, ROOT3 = 1.7320508075688772;
static const double LEAST_LAMBDA = 5e-8, MOST_LAMBDA = 2;

static struct search_trial
best(const struct round *r)
{
	return r->s->trials[r->s->best];
}

/* The start: these weights with a few lambdas, a decade apart. */
static int
try_lambdas(struct round *r, const double *weight, enum class_weight kind,
    struct error *e)
{
	static const double grid[] = { 1e-2, 1e-3, 1e-4, 1e-5, 1e-6 };
	int few = r->o->need != 0; /* the rest is found from there */
	const struct search_trial *start = r->o->start;
	int rc = 0;

	if (!isnan(r->o->lambda))
		rc = add_trial(r->s, r->ds, weight, kind, r->o->lambda, e);
	else if (start != NULL)
		rc = add_trial(r->s, r->ds, weight, kind, start->lambda, e);
	else
		for (size_t k = few ? 1 : 0; rc == 0 && k < (few ? 4 : 5); k++)
			rc = add_trial(r->s, r->ds, weight, kind, grid[k], e);
	return rc == 0 ? run_round(r, e) : rc;
}

/* Of lambdas that do as well as any, the largest is the cheapest to go on from.
 */
static const double AS_WELL = 0.002;

static size_t
frugal(const struct search *s)
{
	size_t at = s->best;

	for (size_t i = 0; i < s->n; i++)
		if (s->trials[i].lambda > s->trials[at].lambda &&
		    s->trials[i].score.value >=
			s->trials[s->best].score.value - AS_WELL)
			at = i;
	return at;
}

static size_t
first_best(const struct search *s)
{
	size_t at = 0;

	for (size_t i = 1; i < s->n; i++)
		if (s->trials[i].score.value > s->trials[at].score.value)
			at = i;
	return at;
}

static int
searched(const struct round *r, size_t p)
{
	return (r->o->parts >> p & 1) &&
	       (r->o->part_weight == NULL || isnan(r->o->part_weight[p]));
}

/* The weights of ${from} times the moves: [parts]. */
static int
add_moved(struct round *r, const struct search_trial *from, const double *move,
    struct error *e)
{
	double *w = mem_array(r->ds->features, sizeof(*w));
	const double *kept = NULL;

	if (w == NULL)
		return error_memory(e);
	memcpy(w, from->part_weight, r->ds->features * sizeof(*w));
	for (size_t p = 0; p < r->ds->parts; p++)
		w[p] *= move[p];
	kept = add_weights(r->s, r->ds, r->o->parts, w, e);
	free(w);
	return kept == NULL ? -1
			    : add_trial(r->s, r->ds, kept, from->class_weight,
				  from->lambda, e);
}

/* What was better than ${from} by itself, done together; a single move, done
 * twice.  at: [parts, 2] the trials of each part's moves. */
static int
follow_up(struct round *r, const struct search_trial *from, const size_t *at,
    double *move, double factor, struct error *e)
{
	size_t better = 0, last = 0;

	for (size_t p = 0; p < r->ds->parts; p++) {
		double most = from->score.value;

		move[p] = 1;
		for (int k = 0; k < 2; k++) {
			size_t i = at[2 * p + (size_t)k];

			if (i < r->s->n && r->s->trials[i].score.value > most) {
				most = r->s->trials[i].score.value;
				move[p] = k == 0 ? factor : 1 / factor;
			}
		}
		if (move[p] < 1 || move[p] > 1) {
			better++;
			last = p;
		}
	}
	if (better == 0)
		return 0;
	if (better == 1)
		move[last] *= move[last];
	return add_moved(r, from, move, e) < 0 ? -1 : run_round(r, e);
}

/* The best weights with each part's times and through the factor (of two parts
 * only one is moved), and what follows from how they do. */
static int
try_weights(struct round *r, double factor, struct error *e)
{
	struct search_trial from = best(r);
	size_t moved = 0, parts = 0;
	size_t *at = mem_array(2 * r->ds->parts, sizeof(*at));
	double *move = mem_array(r->ds->parts, sizeof(*move));
	int rc = at == NULL || move == NULL ? error_memory(e) : 0;

	for (size_t p = 0; rc == 0 && p < r->ds->parts; p++) {
		parts += r->o->parts >> p & 1;
		at[2 * p] = at[2 * p + 1] = SIZE_MAX;
		move[p] = 1;
	}
	for (size_t p = 0; rc == 0 && p < r->ds->parts; p++) {
		if (!searched(r, p) || parts < 2 || (parts == 2 && moved > 0))
			continue;
		moved++;
		for (size_t k = 0; rc == 0 && k < 2; k++) {
			move[p] = k == 0 ? factor : 1 / factor;
			at[2 * p + k] = r->s->n;
			rc = add_moved(r, &from, move, e);
			if (rc == 0 && r->s->n == at[2 * p + k])
				at[2 * p + k] = SIZE_MAX; /* it was known */
		}
		move[p] = 1;
	}
	if (rc == 0)
		rc = run_round(r, e);
	if (rc == 0 && moved > 0)
		rc = follow_up(r, &from, at, move, factor, e);
	free(at);
	free(move);
	return rc;
}

static int
try_classes(struct round *r, struct error *e)
{
	static const enum class_weight kind[] = { CLASS_SQRT, CLASS_NONE,
		CLASS_BALANCED };
	struct search_trial from = best(r);
	int rc = 0;

	if (r->ds->task != TASK_CLASS || r->o->class_weight != CLASS_AUTO)
		return 0;
	for (size_t k = 0; rc == 0 && k < 3; k++)
		rc = add_trial(
		    r->s, r->ds, from.part_weight, kind[k], from.lambda, e);
	return rc == 0 ? run_round(r, e) : rc;
}

static int
try_lambda(struct round *r, double factor, struct error *e)
{
	struct search_trial from = best(r);

	if (add_trial(r->s, r->ds, from.part_weight, from.class_weight,
		from.lambda * factor, e) < 0)
		return -1;
	return run_round(r, e);
}

/* Half a decade up, which costs less, or else down, and on for as long as it
 * gets better. */
static int
refine_lambda(struct round *r, struct error *e)
{
	size_t before;
	int rc = 0;

	if (!isnan(r->o->lambda))
		return 0;
	do {
		before = r->s->best;
		if (best(r).lambda < MOST_LAMBDA)
			rc = try_lambda(r, ROOT10, e);
		if (rc == 0 && r->s->best == before &&
		    best(r).lambda > LEAST_LAMBDA)
			rc = try_lambda(r, 1 / ROOT10, e);
	} while (rc == 0 && r->s->best != before);
	return rc;
}

int
search_run(struct search *s, const struct linalg *la, struct crossfit *c,
    struct dataset *ds, const struct search_options *o, struct error *e)
{
	struct round r = { .s = s, .la = la, .c = c, .ds = ds, .o = o };
	enum class_weight kind = o->start != NULL ? o->start->class_weight
				 : o->class_weight == CLASS_AUTO
				     ? CLASS_SQRT
				     : o->class_weight;
	double *start = mem_array(ds->features, sizeof(*start));
	const double *weight;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	if (start == NULL)
		return error_memory(e);
	search_defaults(ds, o->part_weight, o->parts, start);
	if (o->start != NULL)
		memcpy(start, o->start->part_weight,
		    ds->features * sizeof(*start));
	/* Who has all that is looked at lacks nothing. */
	if (o->need != 0 && ds->features > ds->parts)
		start[ds->parts] = 0;
	weight = add_weights(s, ds, o->parts, start, e);
	free(start);
	if (weight == NULL)
		return -1;
	rc = try_lambdas(
	    &r, weight, ds->task == TASK_CLASS ? kind : CLASS_NONE, e);
	if (rc == 0 && o->start == NULL) {
		s->best = frugal(s);
		rc = try_weights(&r, 3, e);
		if (rc == 0 && ds->parts == 2)
			rc = try_weights(&r, ROOT3, e);
	}
	if (rc == 0 && o->start == NULL)
		rc = try_classes(&r, e);
	if (rc == 0)
		rc = refine_lambda(&r, e);
	s->best = first_best(s);
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
