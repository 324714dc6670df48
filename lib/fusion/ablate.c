#include "fusion/ablate.h"

#include <stdlib.h>
#include <string.h>

#include "learn/predictions.h"
#include "vec/input.h"

const double ablate_level[ABLATE_LEVELS] = { 0, 0.25, 0.5, 1, 2, 4 };

unsigned
ablate_figures(enum score_task task)
{
	switch (task) {
	case SCORE_MULTILABEL:
		return 1u << MULTI_MICRO_F1 | 1u << MULTI_MACRO_F1;
	case SCORE_REGRESS:
		return 1u << REGRESS_R2 | 1u << REGRESS_MAE;
	default:
		return 1u << CLASS_ACCURACY | 1u << CLASS_MACRO_F1 |
		       1u << CLASS_LOG_LOSS;
	}
}

enum score_task
ablate_task(enum task task)
{
	return task == TASK_MULTILABEL ? SCORE_MULTILABEL
	       : task == TASK_REGRESS  ? SCORE_REGRESS
				       : SCORE_CLASS;
}

/* ---- the probes ---- */

static int
count_bits(uint64_t x)
{
	int n = 0;

	for (; x != 0; x &= x - 1)
		n++;
	return n;
}

/* Patterns last, more parts before fewer, then the first parts first. */
static int
by_parts(const void *pa, const void *pb)
{
	const struct probe *a = pa, *b = pb;
	int more;

	if (a->pattern != b->pattern)
		return a->pattern - b->pattern;
	more = count_bits(b->keep) - count_bits(a->keep);
	return more != 0 ? more : (a->keep > b->keep) - (a->keep < b->keep);
}

static void
add_probe(struct ablation *a, struct probe probe)
{
	probe.paired = !probe.pattern && a->n > 0;
	a->probe[a->n++] = probe;
}

/* Every subset of the parts, and every pattern that there may be. */
static int
plan_subsets(struct ablation *a)
{
	uint64_t keep = a->parts;

	a->probe =
	    mem_array((size_t)2 << count_bits(a->parts), sizeof(*a->probe));
	if (a->probe == NULL)
		return -1;
	for (;; keep = (keep - 1) & a->parts) {
		add_probe(a, (struct probe){ .keep = keep, .part = -1 });
		if (keep != a->parts)
			add_probe(
			    a, (struct probe){
				   .keep = keep, .part = -1, .pattern = 1 });
		if (keep == 0)
			break;
	}
	qsort(a->probe, a->n, sizeof(*a->probe), by_parts);
	return 0;
}

static int
plan_noise(struct ablation *a)
{
	a->probe = mem_array(1 + (size_t)count_bits(a->parts) * ABLATE_LEVELS,
	    sizeof(*a->probe));
	if (a->probe == NULL)
		return -1;
	add_probe(a, (struct probe){ .keep = a->parts, .part = -1 });
	for (int k = 0; k < INPUTS_MAX_PARTS; k++)
		for (int i = 0; (a->parts >> k & 1) && i < ABLATE_LEVELS; i++)
			add_probe(a, (struct probe){ .keep = a->parts,
					 .part = k,
					 .noise = ablate_level[i] });
	return 0;
}

/* ---- predicting ---- */

enum { ROWS = 64 }; /* records that one worker takes at a time */

/* What a worker needs. */
struct desk {
	struct predictor_room *room;
	struct inputs in;
	struct error error;
	int failed;
};

struct work {
	struct ablation *a;
	const struct ablate_options *o;
	const struct linalg *la;
	struct pool *pool;
	struct input *in;
	struct batch b; /* all records */
	int *map;
	double **spread;   /* [parts], NULL for sparse ones; for noise */
	struct desk *desk; /* [threads] */
	int threads;
	const struct probe *probe; /* that is under way */
	float *F;                  /* [n, C] */
	struct predictions base;   /* with everything */
};

static int
open_desks(struct work *w, struct error *e)
{
	w->threads = w->pool != NULL ? pool_threads(w->pool) : 1;
	w->desk = mem_array((size_t)w->threads, sizeof(*w->desk));
	if (w->desk == NULL)
		return error_memory(e);
	for (int t = 0; t < w->threads; t++) {
		struct desk *d = &w->desk[t];

		d->room = predictor_room_new(w->a->p, e);
		if (d->room == NULL ||
		    (w->o->noise &&
			inputs_init(&d->in, &w->a->p->scaling, e) < 0))
			return -1;
	}
	return 0;
}

static void
close_desks(struct work *w)
{
	for (int t = 0; w->desk != NULL && t < w->threads; t++) {
		predictor_room_free(w->desk[t].room);
		inputs_free(&w->desk[t].in);
	}
	free(w->desk);
}

/* The spread of every part that noise may cover. */
static int
measure(struct work *w)
{
	const struct scaling *s = &w->a->p->scaling;

	w->spread = mem_array(s->n, sizeof(*w->spread));
	if (w->spread == NULL)
		return -1;
	for (size_t k = 0; k < s->n; k++) {
		if (s->part[k].kind == PART_SPARSE || w->map[k] < 0)
			continue;
		w->spread[k] = mem_array(s->part[k].dim, sizeof(double));
		if (w->spread[k] == NULL)
			return -1;
		ablate_spread(w->spread[k], &s->part[k],
		    &w->b.schema->parts[w->map[k]].columns);
	}
	return 0;
}

static void
forget_measures(struct work *w)
{
	for (size_t k = 0; w->spread != NULL && k < w->a->p->scaling.n; k++)
		free(w->spread[k]);
	free(w->spread);
}

/* Scores of records whose part is covered. */
static int
noisy_scores(
    struct work *w, struct desk *d, size_t first, size_t n, struct error *e)
{
	const struct predictor *p = w->a->p;
	float *F = w->F + first * p->C;

	if (inputs_batch(&d->in, &w->b, w->map, first, n, ~(uint64_t)0, e) < 0)
		return -1;
	ablate_cover(&d->in, (size_t)w->probe->part, w->spread[w->probe->part],
	    w->probe->noise, &w->b, first, w->o->seed);
	return predictor_mix(p, w->la, &d->in, F, d->room, e);
}

static void
predict_rows(void *arg, size_t i, int worker)
{
	struct work *w = arg;
	const struct predictor *p = w->a->p;
	struct desk *d = &w->desk[worker];
	size_t first = i * ROWS;
	size_t n = w->b.n - first < ROWS ? w->b.n - first : ROWS;
	float *F = w->F + first * p->C;
	int rc;

	if (w->probe->part >= 0)
		rc = noisy_scores(w, d, first, n, &d->error);
	else
		rc = predictor_scores(p, w->la, &w->b, w->map, first, n,
		    w->probe->keep, F, d->room, &d->error);
	if (rc < 0)
		d->failed = 1;
	else
		predictor_link(p, w->la, F, n);
}

static unsigned
flags_of(const struct work *w, size_t i)
{
	const struct predictor *p = w->a->p;
	struct str id = strs_get(&w->b.id, i);
	unsigned flags = 0;
	struct error why;

	if (!predictor_can(p, &w->b, w->map, i, &why) ||
	    !predictor_finite(w->F + i * p->C, p->C, &why))
		flags |= PREDICTION_ERROR;
	if (predictor_knows(p, id, strs_get(&w->b.group, i)))
		flags |= PREDICTION_TRAINED;
	return flags;
}

/* What the model says of every record, looked at in this way. */
static int
predict(struct work *w, const struct probe *probe, struct predictions *out,
    struct error *e)
{
	const struct predictor *p = w->a->p;
	uint64_t strange = 0;

	w->probe = probe;
	pool_run(w->pool, (w->b.n + ROWS - 1) / ROWS, predict_rows, w);
	for (int t = 0; t < w->threads; t++)
		if (w->desk[t].failed) {
			*e = w->desk[t].error;
			return -1;
		}
	out->known = 1;
	out->task = w->a->task;
	for (size_t c = 0; c < p->classes.n; c++) {
		struct str s = strs_get(&p->classes, c);
		uint32_t number;

		if (intern_add(&out->name, s.s, s.len, &number) < 0)
			return error_memory(e);
	}
	for (size_t i = 0; i < w->b.n; i++) {
		unsigned flags = flags_of(w, i);

		if (predictions_add(out, strs_get(&w->b.id, i),
			strs_get(&w->b.group, i), flags,
			flags & PREDICTION_ERROR ? NULL : w->F + i * p->C, p->C,
			p->threshold, e) < 0)
			return -1;
	}
	if (w->o->truth != NULL)
		return predictions_labels(out, w->o->truth, e);
	return predictions_batch(out, &w->b, &strange, e);
}

/* ---- scoring ---- */

static int
score(struct work *w, const struct predictions *p, const struct intern *ids,
    struct probe *probe, struct error *e)
{
	const struct predictions *both[2] = { p, &w->base };
	struct scoring_options o = { ids, w->o->resubstitution, w->a->figures };
	struct scoring g;
	int rc = scoring_make(&g, both, probe->paired ? 2 : 1, &o, e);

	if (rc == 0)
		rc = scoring_figures(
		    &g, w->o->rounds, w->o->seed, w->pool, &probe->f, e);
	probe->n = g.n;
	if (p == &w->base && !probe->pattern) {
		w->a->count = g.count[0];
		w->a->K = g.s.K;
		w->a->units = g.units;
		w->a->grouped = g.grouped;
	}
	scoring_free(&g);
	return rc;
}

static uint64_t
parts_of(const struct work *w, size_t i)
{
	uint64_t has = 0;

	for (size_t k = 0; k < w->a->p->schema.n; k++)
		if (w->map[k] >= 0 && w->b.parts[w->map[k]].mask[i])
			has |= (uint64_t)1 << k;
	return has;
}

/* The records that have just these parts, and can be scored. */
static int
with_pattern(const struct work *w, uint64_t parts, struct intern *ids)
{
	for (size_t i = 0; i < w->b.n; i++) {
		struct str id = strs_get(&w->b.id, i);
		unsigned flags = w->base.rows[i].flags;
		uint32_t number;

		if (parts_of(w, i) != parts || (flags & PREDICTION_ERROR) ||
		    !(flags & PREDICTION_TRUTH) ||
		    ((flags & PREDICTION_TRAINED) && !w->o->resubstitution) ||
		    (w->o->ids != NULL &&
			intern_find(w->o->ids, id.s, id.len) < 0))
			continue;
		if (intern_add(ids, id.s, id.len, &number) < 0)
			return -1;
	}
	return 0;
}

static int
score_pattern(struct work *w, struct probe *probe, struct error *e)
{
	struct intern ids = { 0 };
	int rc = with_pattern(w, probe->keep, &ids);

	if (rc < 0)
		error_memory(e);
	else if (ids.names.n > 0)
		rc = score(w, &w->base, &ids, probe, e);
	intern_free(&ids);
	return rc;
}

static int
score_probe(struct work *w, struct probe *probe, struct error *e)
{
	struct predictions p = { 0 };
	int rc;

	if (probe->pattern)
		return score_pattern(w, probe, e);
	rc = predict(w, probe, &p, e);
	if (rc == 0)
		rc = score(w, &p, w->o->ids, probe, e);
	predictions_free(&p);
	return rc;
}

/* Patterns that no record has go. */
static void
drop_empty(struct ablation *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		if (!a->probe[i].pattern || a->probe[i].n > 0)
			a->probe[n++] = a->probe[i];
	a->n = n;
}

static int
score_all(struct work *w, struct error *e)
{
	struct ablation *a = w->a;

	w->F = mem_aligned(w->b.n * a->p->C, sizeof(*w->F));
	if (w->F == NULL)
		return error_memory(e);
	if (open_desks(w, e) < 0 || predict(w, &a->probe[0], &w->base, e) < 0 ||
	    score(w, &w->base, w->o->ids, &a->probe[0], e) < 0)
		return -1;
	for (size_t i = 1; i < a->n; i++)
		if (score_probe(w, &a->probe[i], e) < 0)
			return -1;
	drop_empty(a);
	return 0;
}

/* ---- the work ---- */

static int
plan(struct work *w, struct error *e)
{
	struct ablation *a = w->a;

	for (size_t k = 0; k < a->p->schema.n; k++)
		if (w->map[k] >= 0)
			a->parts |= (uint64_t)1 << k;
	if (!w->o->noise && count_bits(a->parts) > ABLATE_PARTS)
		return error_set(e,
		    "%d parts have 2^%d subsets; no more than %d can be "
		    "ablated",
		    count_bits(a->parts), count_bits(a->parts), ABLATE_PARTS);
	if ((w->o->noise ? plan_noise(a) : plan_subsets(a)) < 0)
		return error_memory(e);
	return 0;
}

/* Every record, each once. */
static int
take_records(struct work *w, struct error *e)
{
	struct intern seen = { 0 };
	struct batch block = { 0 };
	int rc = batch_init(&block, input_schema(w->in), e);

	while (rc >= 0 && (rc = input_next(w->in, &block, e)) > 0)
		for (size_t i = 0; rc > 0 && i < block.n; i++) {
			struct str id = strs_get(&block.id, i);
			uint32_t number;
			int new = intern_add(&seen, id.s, id.len, &number);

			if (new < 0)
				rc = error_memory(e);
			else if (new == 0)
				rc = error_set(e, "id '%.*s' came before",
				    (int)id.len, id.s);
			else if (batch_copy(&w->b, &block, i, e) < 0)
				rc = -1;
		}
	batch_free(&block);
	intern_free(&seen);
	return rc;
}

static int
read_records(struct work *w, char *const *paths, int n, struct error *e)
{
	struct input *in = w->in = input_open(paths, n, e);
	int rc;

	if (in == NULL)
		return -1;
	w->map = mem_array(w->a->p->schema.n, sizeof(*w->map));
	rc = w->map == NULL
		 ? error_memory(e)
		 : predictor_bind(w->a->p, input_schema(in), w->map, e);
	if (rc == 0)
		rc = plan(w, e);
	if (rc == 0)
		rc = batch_init(&w->b, input_schema(in), e);
	if (rc == 0)
		rc = take_records(w, e);
	if (rc == 0) {
		w->a->rejected = input_end(in)->rejected;
		w->a->partial = input_end(in)->partial;
		w->a->bad = input_end(in)->bad;
	}
	if (rc == 0 && w->o->noise && measure(w) < 0)
		rc = error_memory(e);
	return rc;
}

int
ablation_run(struct ablation *a, const struct predictor *p,
    const struct linalg *la, struct pool *pool, char *const *paths, int n,
    const struct ablate_options *o, struct error *e)
{
	struct work w = { .a = a, .o = o, .la = la, .pool = pool };
	int rc;

	memset(a, 0, sizeof(*a));
	a->p = p;
	a->task = ablate_task(p->task);
	a->figures = o->figures != 0 ? o->figures : ablate_figures(a->task);
	a->rounds = o->rounds;
	rc = read_records(&w, paths, n, e);
	if (rc == 0)
		rc = score_all(&w, e);
	close_desks(&w);
	predictions_free(&w.base);
	batch_free(&w.b);
	input_close(w.in);
	forget_measures(&w);
	free(w.map);
	free(w.F);
	return rc;
}

void
ablation_free(struct ablation *a)
{
	free(a->probe);
	memset(a, 0, sizeof(*a));
}
