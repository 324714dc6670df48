/*
 * Linear candidates: their settings by cross-validation, their held scores for
 * each set of parts, and the models that the predictor gets.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"
#include "learn/scale.h"

/* ---- held scores ---- */

struct holding {
	struct learner *l;
	struct candidate *c;
};

/* Row of the indicators' feature that stands for part p, or -1. */
static int
indicator_of(const struct dataset *ds, size_t p)
{
	int k = 0;

	for (size_t i = 0; i < p; i++)
		k += feature_mixed(&ds->feature[i], ds->n);
	return ds->features > ds->parts && feature_mixed(&ds->feature[p], ds->n)
		   ? k
		   : -1;
}

/* Take part p, which a record has, out of its scores: less what its values
 * add, more what its absence does. */
static void
hide_part(const struct holding *h, size_t p, size_t first, size_t m,
    const float *part, const float *missing)
{
	struct learner *l = h->l;
	int k = indicator_of(l->ds, p);

	for (size_t s = 0; s < l->sets; s++) {
		if (h->c->set[s] == NULL || (l->set[s] >> p & 1))
			continue;
		for (size_t i = 0; i < m; i++) {
			float *F = h->c->set[s] + (first + i) * l->C;

			if (!(l->has[first + i] >> p & 1))
				continue;
			l->la->axpy(F, -1, part + i * l->C, l->C);
			if (k >= 0)
				l->la->axpy(
				    F, 1, missing + (size_t)k * l->C, l->C);
		}
	}
}

static int
hold_parts(const struct holding *h, size_t first, size_t m, struct solver *s,
    float *part, struct error *e)
{
	struct learner *l = h->l;
	const struct dataset *ds = l->ds;
	float *missing = NULL;
	int rc = 0;

	if (ds->features > ds->parts) {
		missing = mem_array(
		    ds->feature[ds->parts].active * l->C, sizeof(*missing));
		rc = missing == NULL ? error_memory(e)
				     : solver_missing(s, missing, e);
	}
	for (size_t p = 0; rc == 0 && p < ds->parts; p++)
		if (h->c->parts >> p & 1) {
			rc = solver_part(s, p, part, e);
			if (rc == 0)
				hide_part(h, p, first, m, part, missing);
		}
	free(missing);
	return rc;
}

static int
hold_fold(void *ctx, size_t fold, size_t i, struct solver *s, struct error *e)
{
	struct holding *h = ctx;
	struct learner *l = h->l;
	struct rows test = dataset_in_fold(l->ds, fold);
	size_t first = test.first[0], m = test.count[0], any = 0;
	float *own = h->c->own + first * l->C, *part;
	int rc;

	(void)i;
	if (solver_scores(s, own, e) < 0)
		return -1;
	for (size_t k = 0; k < l->sets; k++) {
		if (h->c->set[k] == NULL)
			continue;
		memcpy(
		    h->c->set[k] + first * l->C, own, m * l->C * sizeof(*own));
		any++;
	}
	if (any == 0)
		return 0;
	part = mem_aligned(m * l->C, sizeof(*part));
	rc = part == NULL ? error_memory(e)
			  : hold_parts(h, first, m, s, part, e);
	free(part);
	return rc;
}

int
candidate_room(struct learner *l, struct candidate *c, struct error *e)
{
	c->own = mem_aligned(l->n * l->C, sizeof(*c->own));
	if (c->own == NULL)
		return error_memory(e);
	for (size_t s = 0; s < l->sets; s++) {
		if (c->need != 0 || (c->parts & ~l->set[s]) == 0 ||
		    (c->parts & l->set[s]) == 0)
			continue;
		c->set[s] = mem_aligned(l->n * l->C, sizeof(**c->set));
		if (c->set[s] == NULL)
			return error_memory(e);
	}
	return 0;
}

void
candidate_no_room(const struct learner *l, struct candidate *c)
{
	for (size_t s = 0; s < l->sets; s++) {
		free(c->set[s]);
		c->set[s] = NULL;
	}
	free(c->own);
	c->own = NULL;
}

/* ---- settings ---- */

static void
take_given(struct learner *l, struct candidate *c)
{
	const struct search_options *o = &l->t->search;

	search_defaults(l->ds, o->part_weight, c->parts, c->weight);
	c->choice.lambda = isnan(o->lambda) ? TRAINER_LAMBDA : o->lambda;
	c->choice.class_weight =
	    o->class_weight == CLASS_AUTO ? CLASS_SQRT : o->class_weight;
	if (l->ds->task != TASK_CLASS)
		c->choice.class_weight = CLASS_NONE;
	c->choice.score.calibration = 1;
}

static int
search_settings(struct learner *l, struct candidate *c,
    const struct search_trial *start, struct error *e)
{
	struct search_options o = l->t->search;
	struct holding h = { l, c };
	struct fit_spec spec;
	const struct search_trial *t;
	size_t before = crossfit_runs(l->cf);
	int rc = candidate_room(l, c, e);

	if (rc == 0)
		rc = kept_take(l, c, e);
	if (rc != 0)
		return rc < 0 ? -1 : crossfit_replay(l->cf, c->runs, e);
	crossfit_cold(l->cf);
	o.parts = c->parts;
	o.need = c->need;
	o.start = start;
	if (search_run(&c->tried, l->la, l->cf, l->ds, &o, e) < 0)
		return -1;
	t = &c->tried.trials[c->tried.best];
	c->score = t->score;
	spec = (struct fit_spec){ t->lambda, t->class_weight, t->part_weight,
		c->need };
	if (crossfit_run(l->cf, &spec, 1, hold_fold, &h, e) < 0)
		return -1;
	c->runs = crossfit_runs(l->cf) - before;
	return kept_put(l, c, e);
}

int
linear_learn(struct learner *l, struct candidate *c,
    const struct search_trial *start, struct error *e)
{
	int rc = 0;

	c->weight = mem_array(l->ds->features, sizeof(*c->weight));
	if (c->weight == NULL)
		return error_memory(e);
	if (!l->folded)
		take_given(l, c);
	else
		rc = search_settings(l, c, start, e);
	if (rc == 0 && l->folded) {
		c->choice = c->tried.trials[c->tried.best];
		memcpy(c->weight, c->choice.part_weight,
		    l->ds->features * sizeof(*c->weight));
	}
	c->choice.part_weight = c->weight;
	return rc;
}

/* ---- the models of all records ---- */

/*
 * An indicator is learnt centred, (x - share missing) w.  The constant half
 * goes into the intercepts, w alone into the table of missing parts.
 */
static void
place_indicators(
    const struct learner *l, const float *W, float *b, float *missing)
{
	const struct dataset *ds = l->ds;

	for (size_t p = 0; p < ds->parts; p++) {
		int k = indicator_of(ds, p);
		double share;

		/* A constant part is missing in every record for a predictor:
		 * whether it is there says nothing. */
		if (k < 0 || !(l->live >> p & 1))
			continue;
		share = ds->feature[ds->parts].shift[k];
		for (size_t c = 0; c < ds->C; c++) {
			float w = W[(size_t)k * ds->C + c];

			missing[p * ds->C + c] = w;
			b[c] -= (float)(share * (double)w);
		}
	}
}

/* What the predictor holds of a linear model: W: [columns, C]. */
static int
make_member(struct learner *l, const struct candidate *c, const float *W,
    struct member *m, struct error *e)
{
	struct trainer *t = l->t;
	const struct dataset *ds = l->ds;
	float *b = trainer_own(t, mem_array(ds->C, sizeof(*b)));
	float *missing =
	    trainer_own(t, mem_array(ds->parts * ds->C, sizeof(*missing)));

	if (b == NULL || missing == NULL)
		return error_memory(e);
	if (member_linear(m, c->name, c->parts, ds->parts, e) < 0)
		return -1;
	for (size_t p = 0; p < ds->parts; p++) {
		size_t n = ds->feature[p].active * ds->C;
		float *w;

		if (c->parts >> p & 1) {
			w = trainer_own(t, mem_aligned(n, sizeof(*w)));
			if (w == NULL)
				return error_memory(e);
			memcpy(w, W, n * sizeof(*w));
			m->weight[p] = w;
		}
		W += n;
	}
	if (ds->features > ds->parts) {
		place_indicators(l, W, b, missing);
		W += ds->feature[ds->parts].active * ds->C;
	}
	l->la->axpy(b, 1, W, ds->C);
	m->bias = b;
	m->missing = missing;
	return 0;
}

static const double STAND_IN = 1e-4;

static int
fit_one(struct learner *l, struct candidate *c, struct solver *s,
    float *record_weight, float *W, struct member *m, struct error *e)
{
	struct rows all = dataset_rows(l->ds);
	struct truth truth = dataset_truth(l->ds, record_weight);
	size_t columns = dataset_columns(l->ds) * l->C;
	struct lbfgs_result r;
	/* Whoever stands in for a missing part need not be that exact. */
	double tolerance =
	    c == l->cand ? l->t->tolerance : fmax(l->t->tolerance, STAND_IN);

	if (class_weights(l->ds, &all, c->choice.class_weight, c->need,
		record_weight, e) < 0 ||
	    solver_weigh(s, c->weight, e) < 0 ||
	    solver_truth(s, &truth, e) < 0 ||
	    solver_fit(s, c->choice.lambda, tolerance, &r, e) < 0 ||
	    solver_model(s, W, W + columns, e) < 0)
		return -1;
	if (c == l->cand) {
		l->t->fit = r;
		l->t->dual = solver_is_dual(s);
	}
	return make_member(l, c, W, m, e);
}

/* All linear members from one solver. */
int
linear_fit(struct learner *l, struct error *e)
{
	struct rows all = dataset_rows(l->ds), one = { { 0, 0 }, { 1, 0 } };
	size_t columns = dataset_columns(l->ds) * l->C, wanted = 0;
	float *weight = mem_array(l->n, sizeof(*weight));
	float *W = mem_aligned(columns + l->C, sizeof(*W));
	struct solver *s = NULL;
	int rc = -1;

	for (size_t i = 0; i < l->cands; i++)
		wanted +=
		    l->cand[i].member >= 0 && l->cand[i].kind == MEMBER_LINEAR;
	if (weight == NULL || W == NULL)
		error_memory(e);
	else if (dataset_scale(l->la, l->pool, l->ds, &all, e) == 0)
		/* Something to score: products are then kept part by part. */
		s = solver_new(SOLVER_AUTO, l->la, l->pool, l->ds, &all,
		    wanted > 1 ? &one : NULL, e);
	if (s != NULL)
		rc = 0;
	for (size_t i = 0; rc == 0 && i < l->cands; i++) {
		struct candidate *c = &l->cand[i];

		if (c->member >= 0 && c->kind == MEMBER_LINEAR)
			rc = fit_one(l, c, s, weight, W,
			    &l->t->predictor.member[c->member], e);
	}
	solver_free(s);
	free(weight);
	free(W);
	return rc;
}
