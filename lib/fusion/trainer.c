#include "fusion/trainer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"
#include "learn/heldout.h"
#include "learn/scale.h"

const char *
class_weight_name(enum class_weight kind)
{
	static const char *const name[] = { "none", "sqrt", "balanced",
		"auto" };

	return name[kind];
}

const char *
fusion_name(enum fusion_method method)
{
	static const char *const name[] = { "concat", "late", "mlp", "gated",
		"lowrank", "tensor", "bilinear", "attention", "ensemble",
		"auto" };

	return name[method];
}

void
trainer_say(const struct learner *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (l->t->say == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->t->say(l->t->say_ctx, text);
}

/* ---- candidates ---- */

int
candidate_new(struct learner *l, const char *name, enum member_kind kind,
    uint64_t parts, uint64_t need, struct error *e)
{
	struct candidate *c;

	if (mem_grow(&l->cand, &l->cands_cap, l->cands + 1, sizeof(*l->cand)) <
	    0)
		return error_memory(e);
	c = &l->cand[l->cands];
	memset(c, 0, sizeof(*c));
	c->number = l->cands;
	c->kind = kind;
	c->parts = parts;
	c->need = need;
	c->member = -1;
	c->name = mem_strndup(name, strlen(name));
	c->set = mem_array(l->sets, sizeof(*c->set));
	l->cands++;
	return c->name == NULL || c->set == NULL ? error_memory(e)
						 : (int)l->cands - 1;
}

static void
candidate_free(const struct learner *l, struct candidate *c)
{
	if (c->set != NULL)
		candidate_no_room(l, c);
	search_free(&c->tried);
	free(c->set);
	free(c->weight);
	free(c->name);
}

/* ---- sets of parts ---- */

static uint64_t
every_part(const struct dataset *ds)
{
	return ~UINT64_C(0) >> (INPUTS_MAX_PARTS - ds->parts);
}

enum { ENOUGH = 10 };

/* Whether outside of every fold enough records, of more than one class, have
 * all these parts. */
static int
learnable(const struct learner *l, uint64_t set)
{
	const struct dataset *ds = l->ds;
	size_t folds = l->folded ? ds->folds : 1;

	for (size_t k = 0; k < folds; k++) {
		struct rows rows =
		    l->folded ? dataset_not_in_fold(ds, k) : dataset_rows(ds);
		size_t n = 0, others = 0, first = 0;

		for (int s = 0; s < 2; s++)
			for (size_t i = 0; i < rows.count[s]; i++) {
				size_t r = rows.first[s] + i;

				if ((l->has[r] & set) != set)
					continue;
				if (n++ == 0)
					first = r;
				others += ds->task == TASK_CLASS &&
					  ds->y_class[r] != ds->y_class[first];
			}
		if (n < ENOUGH || (ds->task == TASK_CLASS && others == 0))
			return 0;
	}
	return 1;
}

static void
add_set(struct learner *l, uint64_t set)
{
	for (size_t s = 0; s < l->sets; s++)
		if (l->set[s] == set)
			return;
	if (set != 0 && l->sets < SETS_MAX && learnable(l, set))
		l->set[l->sets++] = set;
}

/* Bytes that held scores may take. */
static const double HELD_BYTES = 2e9;

/*
 * Of up to three parts, every set; of more, each alone, all but one, and those
 * that records have, the most frequent first as far as they are learnable.
 */
static void
choose_sets(struct learner *l)
{
	size_t parts = 0;
	double most = HELD_BYTES / (4 * (double)l->n * (double)l->C);

	for (size_t p = 0; p < l->ds->parts; p++)
		parts += l->live >> p & 1;
	l->set[0] = l->live;
	l->sets = 1;
	if (parts < 2 || (l->t->no_backoff && l->t->method != FUSION_LATE &&
			     l->t->method < FUSION_ENSEMBLE && !l->t->keep))
		return;
	if (most < 3 * (double)parts) {
		trainer_say(l, "too many scores to keep: no models for "
			       "records that lack parts");
		return;
	}
	for (size_t p = 0; p < l->ds->parts; p++)
		add_set(l, l->live & (UINT64_C(1) << p));
	for (size_t p = 0; p < l->ds->parts; p++)
		if (l->live >> p & 1)
			add_set(l, l->live & ~(UINT64_C(1) << p));
	for (size_t i = 0; i < l->n; i++)
		if (parts > 3)
			add_set(l, l->has[i]);
}

static int
set_name(const struct learner *l, uint64_t set, struct buf *b)
{
	b->len = 0;
	for (size_t p = 0; p < l->ds->parts; p++)
		if ((set >> p & 1) &&
		    ((b->len > 0 && buf_putc(b, '+') < 0) ||
			buf_puts(b, l->ds->feature[p].name) < 0))
			return -1;
	return buf_putc(b, '\0');
}

/* ---- the work ---- */

/* The linear model of just these parts, for every set but that of all. */
static int
learn_fallbacks(struct learner *l, struct error *e)
{
	struct buf b = { 0 };
	int rc = 0;

	for (size_t s = 1; rc == 0 && s < l->sets; s++) {
		uint64_t set = l->set[s];
		int single = (set & (set - 1)) == 0, i = -1;

		if (!single && l->t->no_backoff)
			continue;
		if (set_name(l, set, &b) < 0)
			rc = error_memory(e);
		else
			i = candidate_new(
			    l, b.data, MEMBER_LINEAR, set, set, e);
		if (i < 0)
			rc = -1;
		else
			rc = linear_learn(l, &l->cand[i],
			    single ? NULL : &l->cand[0].choice, e);
		l->fallback[s] = i;
	}
	buf_free(&b);
	return rc;
}

int
trainer_judge(const struct learner *l, float *F, struct search_score *score,
    struct error *e)
{
	float *scratch = mem_aligned(2 * LOSS_ROWS * l->C, sizeof(*scratch));
	struct heldout h;

	if (scratch == NULL || heldout_init(&h, l->C, e) < 0) {
		free(scratch);
		return error_memory(e);
	}
	for (size_t i = 0, n; i < l->n; i += n) {
		n = l->n - i < LOSS_ROWS ? l->n - i : LOSS_ROWS;
		heldout_add(&h, l->la, l->ds, i, n, F + i * l->C, scratch);
	}
	heldout_score(&h, l->ds, score);
	heldout_free(&h);
	free(scratch);
	return 0;
}

/* Scores to probabilities, or to values as people read them. */
static void
to_readable(const struct learner *l, float *F)
{
	loss_link(l->la, l->ds->task, F, l->n, l->C);
	for (size_t i = 0; l->ds->task == TASK_REGRESS && i < l->n * l->C; i++)
		F[i] = (float)(l->ds->y_mean + l->ds->y_scale * (double)F[i]);
}

/* Each part's own model, for who asks what it alone would say. */
static int
keep_parts(struct learner *l, struct error *e)
{
	struct trainer *t = l->t;

	t->held_part = mem_array(l->ds->parts, sizeof(*t->held_part));
	t->held_parts = l->ds->parts;
	if (t->held_part == NULL)
		return error_memory(e);
	for (size_t s = 0; s < l->sets; s++) {
		uint64_t set = l->set[s];
		size_t p = 0, i = s == 0 ? 0 : (size_t)l->fallback[s];
		float *F;

		if (set == 0 || (set & (set - 1)) != 0 ||
		    (s > 0 && l->fallback[s] < 0))
			continue;
		while (!(set >> p & 1))
			p++;
		F = mem_aligned(l->n * l->C, sizeof(*F));
		if (F == NULL)
			return error_memory(e);
		t->held_part[p] = F;
		l->la->scale(F, (float)l->cand[i].choice.score.calibration,
		    l->cand[i].own, l->n * l->C);
		to_readable(l, F);
		for (size_t r = 0; r < l->n; r++)
			for (size_t c = 0; !(l->has[r] >> p & 1) && c < l->C;
			     c++)
				F[r * l->C + c] = NAN;
	}
	return 0;
}

/* What the held scores are used for, once the table is made. */
static int
use_held(struct learner *l, struct error *e)
{
	struct trainer *t = l->t;
	float *F = mem_aligned(l->n * l->C, sizeof(*F));
	int rc;

	if (F == NULL)
		return error_memory(e);
	table_held(l, F);
	rc = trainer_judge(l, F, &t->score, e);
	table_held(l, F);
	to_readable(l, F);
	if (rc == 0 && l->ds->task == TASK_MULTILABEL)
		rc = trainer_thresholds(l, F, e);
	if (rc == 0 && t->keep) {
		t->held = F;
		return keep_parts(l, e);
	}
	free(F);
	return rc;
}

static void
say_constant(const struct learner *l)
{
	for (size_t p = 0; p < l->ds->parts; p++) {
		const struct feature *f = &l->ds->feature[p];

		if (!(l->live >> p & 1) && feature_present(f, l->n) > 0)
			trainer_say(l,
			    "part '%s' is the same in every record that has it",
			    f->name);
	}
}

static int
prepare(struct learner *l, struct error *e)
{
	struct rows all = dataset_rows(l->ds);
	struct scaling scaling = { 0 };
	size_t whole = 0;

	l->n = l->ds->n;
	l->C = l->ds->C;
	if (l->t->cross_validate && l->ds->folds < 2)
		return error_set(e, "cross-validation needs two groups of "
				    "records at least");
	if (l->ds->parts > INPUTS_MAX_PARTS)
		return error_set(
		    e, "more than %d parts", (int)INPUTS_MAX_PARTS);
	l->has = mem_array(l->n, sizeof(*l->has));
	if (l->has == NULL)
		return error_memory(e);
	if (dataset_scale(l->la, l->pool, l->ds, &all, e) < 0 ||
	    scaling_take(&scaling, l->ds, e) < 0)
		return -1;
	l->live = scaling.live;
	say_constant(l);
	/* A part of weight 0 is left out; where none is given it is NaN. */
	for (size_t p = 0; p < l->ds->parts; p++)
		if (l->t->search.part_weight != NULL &&
		    l->t->search.part_weight[p] <= 0)
			l->live &= ~(UINT64_C(1) << p);
	scaling_free(&scaling);
	for (size_t i = 0; i < l->n; i++) {
		l->has[i] = dataset_parts(l->ds, i) & l->live;
		whole += l->has[i] == l->live;
	}
	l->whole = whole >= ENOUGH && whole >= l->n / 10;
	for (size_t s = 0; s < SETS_MAX; s++)
		l->fallback[s] = -1;
	if (kept_open(l, e) < 0)
		return -1;
	l->folded = l->t->cross_validate;
	if (!l->folded)
		return 0;
	l->cf = crossfit_new(l->la, l->pool, l->ds, l->t->search.tolerance, e);
	return l->cf != NULL ? 0 : -1;
}

static int
learn(struct learner *l, struct error *e)
{
	struct trainer *t = l->t;
	int rc;

	choose_sets(l);
	if (candidate_new(l, "concat", MEMBER_LINEAR, every_part(l->ds), 0, e) <
		0 ||
	    linear_learn(l, &l->cand[0], NULL, e) < 0 ||
	    learn_fallbacks(l, e) < 0 || choose_method(l, e) < 0)
		return -1;
	t->choice = l->cand[0].choice;
	t->tried = l->cand[0].tried;
	memset(&l->cand[0].tried, 0, sizeof(l->cand[0].tried));
	t->weight = mem_array(l->ds->features, sizeof(*t->weight));
	if (t->weight == NULL)
		return error_memory(e);
	memcpy(
	    t->weight, l->cand[0].weight, l->ds->features * sizeof(*t->weight));
	t->choice.part_weight = t->weight;
	rc = l->folded ? use_held(l, e) : 0;
	crossfit_free(l->cf);
	l->cf = NULL;
	return rc;
}

static void
learner_free(struct learner *l)
{
	for (size_t i = 0; i < l->cands; i++)
		candidate_free(l, &l->cand[i]);
	table_clear(l);
	crossfit_free(l->cf);
	for (size_t k = 0; l->fold_scaling != NULL && k < l->ds->folds; k++)
		scaling_free(&l->fold_scaling[k]);
	free(l->fold_scaling);
	free(l->cand);
	free(l->trial);
	free(l->has);
}

int
trainer_run(struct trainer *t, const struct linalg *la, struct pool *pool,
    struct dataset *ds, const struct schema *schema, struct error *e)
{
	struct learner l = { .t = t, .la = la, .pool = pool, .ds = ds };
	int rc = prepare(&l, e);

	if (rc == 0)
		rc = learn(&l, e);
	if (rc == 0)
		rc = trainer_model(&l, schema, e);
	if (rc == 0)
		rc = trainer_report(&l, e);
	learner_free(&l);
	return rc;
}

void
trainer_saved(struct trainer *t)
{
	checkpoint_close(t->kept, 1);
	t->kept = NULL;
}

void
trainer_free(struct trainer *t)
{
	checkpoint_close(t->kept, 0);
	t->kept = NULL;
	search_free(&t->tried);
	predictor_free(&t->predictor);
	for (size_t i = 0; i < t->nowned; i++)
		free(t->owned[i]);
	free(t->owned);
	free(t->weight);
	free(t->held);
	for (size_t p = 0; t->held_part != NULL && p < t->held_parts; p++)
		free(t->held_part[p]);
	free(t->held_part);
	t->owned = NULL;
	t->nowned = t->owned_cap = 0;
	t->weight = NULL;
	t->held = NULL;
	t->held_part = NULL;
}
