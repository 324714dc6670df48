#include "fusion/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "learn/scale.h"

const char *
class_weight_name(enum class_weight kind)
{
	static const char *const name[] = { "none", "sqrt", "balanced",
		"auto" };

	return name[kind];
}

/* ---- the choice ---- */

static uint64_t
every_part(const struct dataset *ds)
{
	return ~UINT64_C(0) >> (INPUTS_MAX_PARTS - ds->parts);
}

static int
search(struct trainer *t, const struct linalg *la, struct pool *pool,
    struct dataset *ds, struct error *e)
{
	struct search_options o = t->search;
	struct crossfit *c = crossfit_new(la, pool, ds, o.tolerance, e);
	int rc;

	o.parts = every_part(ds);
	rc = c == NULL ? -1 : search_run(&t->tried, la, c, ds, &o, e);
	crossfit_free(c);
	return rc;
}

static int
choose(struct trainer *t, const struct linalg *la, struct pool *pool,
    struct dataset *ds, struct error *e)
{
	const struct search_options *o = &t->search;

	t->weight = mem_array(ds->features, sizeof(*t->weight));
	if (t->weight == NULL)
		return error_memory(e);
	if (t->cross_validate) {
		if (ds->folds < 2)
			return error_set(e, "cross-validation needs two "
					    "groups of records at least");
		if (search(t, la, pool, ds, e) < 0)
			return -1;
		t->choice = t->tried.trials[t->tried.best];
		memcpy(t->weight, t->choice.part_weight,
		    ds->features * sizeof(*t->weight));
	} else {
		search_defaults(ds, o->part_weight, every_part(ds), t->weight);
		t->choice.lambda =
		    isnan(o->lambda) ? TRAINER_LAMBDA : o->lambda;
		t->choice.class_weight = o->class_weight == CLASS_AUTO
					     ? CLASS_SQRT
					     : o->class_weight;
		t->choice.score.calibration = 1;
	}
	if (ds->task != TASK_CLASS)
		t->choice.class_weight = CLASS_NONE;
	t->choice.part_weight = t->weight;
	return 0;
}

/* ---- the fit ---- */

static int
fit(struct trainer *t, const struct linalg *la, struct pool *pool,
    struct dataset *ds, struct error *e)
{
	struct rows all = dataset_rows(ds);
	struct solver *solver = NULL;
	struct truth truth;
	float *weight = mem_array(ds->n, sizeof(*weight));
	int rc = -1;

	t->W = mem_aligned(dataset_columns(ds) * ds->C, sizeof(*t->W));
	t->b = mem_array(ds->C, sizeof(*t->b));
	if (weight == NULL || t->W == NULL || t->b == NULL)
		error_memory(e);
	else if (dataset_scale(la, pool, ds, &all, e) == 0 &&
		 class_weights(
		     ds, &all, t->choice.class_weight, 0, weight, e) == 0)
		solver = solver_new(SOLVER_AUTO, la, pool, ds, &all, NULL, e);
	truth = dataset_truth(ds, weight);
	if (solver != NULL && solver_weigh(solver, t->weight, e) == 0 &&
	    solver_truth(solver, &truth, e) == 0 &&
	    solver_fit(solver, t->choice.lambda, t->tolerance, &t->fit, e) == 0)
		rc = solver_model(solver, t->W, t->b, e);
	if (solver != NULL)
		t->dual = solver_is_dual(solver);
	solver_free(solver);
	free(weight);
	return rc;
}

/* ---- the predictor ---- */

static int
by_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int
remember(struct trainer *t, const struct dataset *ds)
{
	size_t n = 0, distinct = 0;

	t->ids = mem_array(ds->n, sizeof(*t->ids));
	t->group_ids = mem_array(ds->n, sizeof(*t->group_ids));
	if (t->ids == NULL || t->group_ids == NULL)
		return -1;
	memcpy(t->ids, ds->id_hash, ds->n * sizeof(*t->ids));
	qsort(t->ids, ds->n, sizeof(*t->ids), by_u64);
	for (size_t i = 0; i < ds->n; i++)
		if (ds->group_hash[i] != ds->id_hash[i])
			t->group_ids[n++] = ds->group_hash[i];
	qsort(t->group_ids, n, sizeof(*t->group_ids), by_u64);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || t->group_ids[i] != t->group_ids[i - 1])
			t->group_ids[distinct++] = t->group_ids[i];
	t->predictor.ids = t->ids;
	t->predictor.nids = ds->n;
	t->predictor.groups = t->group_ids;
	t->predictor.ngroups = distinct;
	t->groups = distinct + (ds->n - n);
	return 0;
}

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

/*
 * An indicator is learnt centred, (x - share missing) w.  The constant half
 * goes into the intercepts, w alone into the table of missing parts.
 */
static void
place_indicators(struct trainer *t, const struct dataset *ds, const float *W)
{
	for (size_t p = 0; p < ds->parts; p++) {
		int k = indicator_of(ds, p);
		double share;

		/* A constant part is missing in every record for a predictor:
		 * whether it is there says nothing. */
		if (k < 0 || !(t->predictor.scaling.live >> p & 1))
			continue;
		share = ds->feature[ds->parts].shift[k];
		for (size_t c = 0; c < ds->C; c++) {
			float w = W[(size_t)k * ds->C + c];

			t->missing[p * ds->C + c] = w;
			t->b[c] -= (float)(share * (double)w);
		}
	}
}

static void
calibrate(struct trainer *t, const struct linalg *la, const struct dataset *ds)
{
	float k = (float)t->choice.score.calibration;

	la->scale(t->W, k, t->W, dataset_columns(ds) * ds->C);
	la->scale(t->b, k, t->b, ds->C);
}

/* One linear model over all parts, whatever a record has of them. */
static int
make_member(struct trainer *t, const struct dataset *ds, struct error *e)
{
	struct predictor *p = &t->predictor;
	uint64_t all = ~UINT64_C(0) >> (INPUTS_MAX_PARTS - ds->parts);
	const float *W = t->W;

	t->missing = mem_array(ds->parts * ds->C, sizeof(*t->missing));
	t->mix = mem_array(1, sizeof(*t->mix));
	t->shift = mem_array(ds->C, sizeof(*t->shift));
	p->member = mem_array(1, sizeof(*p->member));
	p->set = mem_array(1, sizeof(*p->set));
	p->method = mem_strndup("concat", 6);
	if (t->missing == NULL || t->mix == NULL || t->shift == NULL ||
	    p->member == NULL || p->set == NULL || p->method == NULL)
		return error_memory(e);
	p->members = p->sets = 1;
	if (member_linear(&p->member[0], "concat", all, ds->parts, e) < 0)
		return -1;
	for (size_t k = 0; k < ds->parts; k++) {
		p->member[0].weight[k] = W;
		W += ds->feature[k].active * ds->C;
	}
	if (ds->features > ds->parts)
		place_indicators(t, ds, W);
	p->member[0].bias = t->b;
	p->member[0].missing = t->missing;
	t->mix[0] = 1;
	p->set[0] = (struct part_set){
		.parts = p->scaling.live, .mix = t->mix, .shift = t->shift
	};
	return 0;
}

static int
make_predictor(struct trainer *t, const struct dataset *ds,
    const struct schema *schema, struct error *e)
{
	struct predictor *p = &t->predictor;

	p->task = ds->task;
	p->C = ds->C;
	p->mean = ds->y_mean;
	p->scale = ds->y_scale;
	if (remember(t, ds) < 0)
		return error_memory(e);
	for (size_t c = 0; c < ds->label.names.n; c++) {
		struct str s = intern_get(&ds->label, c);

		if (strs_add(&p->classes, s.s, s.len) < 0)
			return error_memory(e);
	}
	if (schema_copy(&p->schema, schema, e) < 0 ||
	    scaling_take(&p->scaling, ds, e) < 0)
		return -1;
	return make_member(t, ds, e);
}

/* ---- the report ---- */

static int
put_double(struct buf *b, const char *key, double x)
{
	if (buf_printf(b, ",\"%s\":", key) < 0)
		return -1;
	return isfinite(x) ? json_put_double(b, x) : buf_puts(b, "null");
}

static int
put_score(struct buf *b, const struct search_score *s, enum task task)
{
	if (task == TASK_REGRESS)
		return put_double(b, "r2", s->r2);
	return put_double(b, "accuracy", s->accuracy) < 0 ||
		       put_double(b, "macro_f1", s->macro_f1) < 0 ||
		       put_double(b, "log_loss", s->log_loss) < 0
		   ? -1
		   : 0;
}

static int
put_weights(struct buf *b, const struct dataset *ds, const double *weight)
{
	int rc = buf_puts(b, ",\"weights\":{");

	for (size_t p = 0; rc == 0 && p < ds->parts; p++) {
		const char *name = ds->feature[p].name;

		if ((p > 0 && buf_putc(b, ',') < 0) ||
		    json_put_string(b, name, strlen(name)) < 0 ||
		    buf_putc(b, ':') < 0 || json_put_double(b, weight[p]) < 0)
			rc = -1;
	}
	return rc == 0 ? buf_putc(b, '}') : rc;
}

static int
put_trial(struct buf *b, const struct dataset *ds, const struct search_trial *t)
{
	if (buf_printf(b, "{\"class_weight\":\"%s\"",
		class_weight_name(t->class_weight)) < 0 ||
	    put_double(b, "lambda", t->lambda) < 0 ||
	    put_weights(b, ds, t->part_weight) < 0 ||
	    put_score(b, &t->score, ds->task) < 0)
		return -1;
	return buf_putc(b, '}');
}

static int
put_search(struct buf *b, const struct trainer *t, const struct dataset *ds)
{
	const struct search_score *s = &t->choice.score;

	if (t->tried.n == 0)
		return 0;
	if (buf_printf(b, ",\"cross_validation\":{\"folds\":%zu,\"fits\":%zu",
		ds->folds, t->tried.fits) < 0 ||
	    put_score(b, s, ds->task) < 0 ||
	    put_double(b, "calibration", s->calibration) < 0 ||
	    buf_puts(b, ",\"trials\":[") < 0)
		return -1;
	for (size_t i = 0; i < t->tried.n; i++)
		if ((i > 0 && buf_putc(b, ',') < 0) ||
		    put_trial(b, ds, &t->tried.trials[i]) < 0)
			return -1;
	return buf_puts(b, "]}");
}

static int
report(struct trainer *t, const struct dataset *ds, struct error *e)
{
	struct buf b = { 0 };

	if (buf_printf(&b,
		"{\"records\":%zu,\"groups\":%zu,\"columns\":%zu,"
		"\"seed\":%" PRIu64 ",\"class_weight\":\"%s\"",
		ds->n, t->groups, dataset_columns(ds), t->seed,
		class_weight_name(t->choice.class_weight)) < 0 ||
	    put_double(&b, "lambda", t->choice.lambda) < 0 ||
	    put_weights(&b, ds, t->weight) < 0 ||
	    buf_printf(&b, ",\"solver\":\"%s\",\"evaluations\":%d",
		t->dual ? "dual" : "primal", t->fit.evaluations) < 0 ||
	    put_double(&b, "loss", t->fit.value) < 0 ||
	    put_double(&b, "gradient", t->fit.gradient) < 0 ||
	    buf_printf(&b, ",\"converged\":%s",
		t->fit.converged ? "true" : "false") < 0 ||
	    put_search(&b, t, ds) < 0 || buf_puts(&b, "}") < 0 ||
	    buf_putc(&b, '\0') < 0) {
		buf_free(&b);
		return error_memory(e);
	}
	t->predictor.report = b.data;
	return 0;
}

int
trainer_run(struct trainer *t, const struct linalg *la, struct pool *pool,
    struct dataset *ds, const struct schema *schema, struct error *e)
{
	if (choose(t, la, pool, ds, e) < 0 || fit(t, la, pool, ds, e) < 0)
		return -1;
	calibrate(t, la, ds);
	if (make_predictor(t, ds, schema, e) < 0)
		return -1;
	return report(t, ds, e);
}

void
trainer_free(struct trainer *t)
{
	search_free(&t->tried);
	predictor_free(&t->predictor);
	free(t->weight);
	free(t->W);
	free(t->b);
	free(t->missing);
	free(t->mix);
	free(t->shift);
	free(t->ids);
	free(t->group_ids);
	t->weight = NULL;
	t->W = t->b = t->missing = t->mix = t->shift = NULL;
	t->ids = t->group_ids = NULL;
}
