#include "fusion/asking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/conformal.h"

enum { ROWS = 64 }; /* records that one worker takes at a time */

struct worker {
	struct predictor_room *room;
	struct neighbours_room near;
	struct error bad;
};

struct asking {
	struct question q;
	const struct predictor *p;
	const struct linalg *la;
	struct pool *pool;
	int *map;
	struct worker *worker; /* [threads] */
	int threads;
	struct neighbours neighbours;
	float *quantile; /* [sets] */
	const struct batch *b;
	int occluded;        /* parts of the stream */
	struct schema plain; /* it without what is occluded */
	struct batch whole;  /* the same of a batch */
	const struct batch *given;
	struct occlusion *occlusion; /* [n / ROWS] */
	size_t nocclusions, occlusions_cap;
	/* Of the records of that batch: */
	float *F;         /* [n, C] */
	float *reach;     /* [n] largest doubt that is in the set */
	uint64_t *filled; /* [n] */
	uint32_t *near;   /* [n, k] */
	float *cosine;    /* [n, k] */
	size_t *found;    /* [n] */
	size_t F_cap, reach_cap, filled_cap, near_cap, cosine_cap, found_cap;
	struct shares *shares; /* [n / ROWS] */
	size_t nshares, shares_cap;
};

static int
make_quantiles(struct asking *a, struct error *e)
{
	const struct predictor *p = a->p;
	size_t some = 0;

	a->quantile = mem_array(p->sets, sizeof(*a->quantile));
	if (a->quantile == NULL)
		return error_memory(e);
	for (size_t s = 0; s < p->sets; s++) {
		some += p->set[s].doubts;
		a->quantile[s] = conformal_quantile(
		    p->set[s].doubt, p->set[s].doubts, a->q.cover);
	}
	return some > 0 ? 0
			: error_set(e,
			      "the model cannot say how often it is right: it "
			      "was trained without cross-validation");
}

static int
start(struct asking *a, const struct schema *s, struct error *e)
{
	const struct question *q = &a->q;

	a->map = mem_array(a->p->schema.n, sizeof(*a->map));
	a->worker = mem_array((size_t)a->threads, sizeof(*a->worker));
	if (a->map == NULL || a->worker == NULL)
		return error_memory(e);
	if (q->link == NULL) {
		a->occluded = occlusion_plain(&a->plain, s, a->p, e);
		if (a->occluded < 0)
			return -1;
	}
	if (a->occluded > 0 && batch_init(&a->whole, &a->plain, e) < 0)
		return -1;
	if (predictor_bind(a->p, a->occluded > 0 ? &a->plain : s, a->map, e) <
	    0)
		return -1;
	for (int t = 0; t < a->threads; t++) {
		a->worker[t].room = predictor_room_new(a->p, e);
		if (a->worker[t].room == NULL)
			return -1;
	}
	if (q->asked & ANSWER_REJECT && a->p->task != TASK_CLASS)
		return error_set(e, "rejection is of classes: this model "
				    "predicts labels or a number");
	if (q->asked & ANSWER_COVER && make_quantiles(a, e) < 0)
		return -1;
	return q->asked & ANSWER_WHY ? shapley_parts(a->p, a->map, e) : 0;
}

struct asking *
asking_new(const struct predictor *p, const struct linalg *la,
    struct pool *pool, const struct schema *s, const struct question *q,
    struct error *e)
{
	struct asking *a = mem_array(1, sizeof(*a));

	if (a == NULL) {
		error_memory(e);
		return NULL;
	}
	a->q = *q;
	a->p = p;
	a->la = la;
	a->pool = pool;
	a->threads = pool != NULL ? pool_threads(pool) : 1;
	if (start(a, s, e) < 0 ||
	    (q->asked & ANSWER_NEAR && neighbours_read(&a->neighbours, p, la,
					   pool, q->neighbours, e) < 0)) {
		asking_free(a);
		return NULL;
	}
	return a;
}

void
asking_free(struct asking *a)
{
	if (a == NULL)
		return;
	for (int t = 0; a->worker != NULL && t < a->threads; t++) {
		predictor_room_free(a->worker[t].room);
		neighbours_room_free(&a->worker[t].near);
	}
	for (size_t k = 0; k < a->nshares; k++)
		shares_free(&a->shares[k]);
	for (size_t k = 0; k < a->nocclusions; k++)
		occlusion_free(&a->occlusion[k]);
	free(a->occlusion);
	batch_free(&a->whole);
	schema_free(&a->plain);
	neighbours_free(&a->neighbours);
	free(a->map);
	free(a->worker);
	free(a->quantile);
	free(a->F);
	free(a->reach);
	free(a->filled);
	free(a->near);
	free(a->cosine);
	free(a->found);
	free(a->shares);
	free(a);
}

const int *
asking_map(const struct asking *a)
{
	return a->map;
}

/* ---- one batch ---- */

static int
reserve(struct asking *a, size_t n, struct error *e)
{
	size_t k = a->q.near, chunks = (n + ROWS - 1) / ROWS;
	int bad = 0;

	bad |= mem_grow(&a->F, &a->F_cap, n, a->p->C * sizeof(*a->F)) < 0 ||
	       mem_grow(&a->filled, &a->filled_cap, n, sizeof(*a->filled)) < 0;
	if (a->q.asked & ANSWER_COVER)
		bad |= mem_grow(
			   &a->reach, &a->reach_cap, n, sizeof(*a->reach)) < 0;
	if (a->q.asked & ANSWER_NEAR)
		bad |= mem_grow(&a->near, &a->near_cap, n,
			   k * sizeof(*a->near)) < 0 ||
		       mem_grow(&a->cosine, &a->cosine_cap, n,
			   k * sizeof(*a->cosine)) < 0 ||
		       mem_grow(
			   &a->found, &a->found_cap, n, sizeof(*a->found)) < 0;
	if (a->q.asked & ANSWER_WHY) {
		bad |= mem_grow(&a->shares, &a->shares_cap, chunks,
			   sizeof(*a->shares)) < 0;
		while (!bad && a->nshares < chunks)
			bad |=
			    shares_init(&a->shares[a->nshares++], a->p, e) < 0;
	}
	if (a->occluded > 0) {
		bad |= mem_grow(&a->occlusion, &a->occlusions_cap, chunks,
			   sizeof(*a->occlusion)) < 0;
		while (!bad && a->nocclusions < chunks)
			a->occlusion[a->nocclusions++] =
			    (struct occlusion){ 0 };
	}
	return bad ? error_memory(e) : 0;
}

static int
ask_more(struct asking *a, size_t first, size_t n, struct worker *w)
{
	const struct question *q = &a->q;
	size_t k = q->near;

	if (q->asked & ANSWER_WHY &&
	    shapley_shares(&a->shares[first / ROWS], a->p, a->la, a->b, a->map,
		first, n, a->F + first * a->p->C, w->room, &w->bad) < 0)
		return -1;
	if (a->occluded > 0 &&
	    occlusion_shares(&a->occlusion[first / ROWS], a->p, a->la, a->given,
		a->b, a->map, first, n, w->room, &w->bad) < 0)
		return -1;
	if (!(q->asked & ANSWER_NEAR))
		return 0;
	return neighbours_find(&a->neighbours, a->p, a->la, a->b, a->map, first,
	    n, k, a->near + first * k, a->cosine + first * k, a->found + first,
	    w->room, &w->near, &w->bad);
}

static void
ask_rows(void *arg, size_t i, int worker)
{
	struct asking *a = arg;
	struct worker *w = &a->worker[worker];
	const struct predictor *p = a->p;
	size_t first = i * ROWS;
	size_t n = a->b->n - first < ROWS ? a->b->n - first : ROWS;
	float *F = a->F + first * p->C;

	if (predictor_scores(p, a->la, a->b, a->map, first, n, ~UINT64_C(0), F,
		w->room, &w->bad) < 0)
		return;
	memcpy(a->filled + first, predictor_filled(w->room),
	    n * sizeof(*a->filled));
	for (size_t k = 0; a->q.asked & ANSWER_COVER && k < n; k++)
		a->reach[first + k] =
		    a->quantile[predictor_set(p, predictor_has(w->room)[k]) -
				p->set];
	if (a->q.link != NULL)
		a->q.link(a->q.ctx, F, n);
	else
		predictor_link(p, a->la, F, n);
	ask_more(a, first, n, w);
}

int
asking_batch(struct asking *a, const struct batch *b, struct error *e)
{
	if (reserve(a, b->n, e) < 0)
		return -1;
	a->given = a->b = b;
	if (a->occluded > 0) {
		batch_clear(&a->whole);
		for (size_t i = 0; i < b->n; i++)
			if (batch_copy(&a->whole, b, i, e) < 0)
				return -1;
		a->b = &a->whole;
	}
	pool_run(a->pool, (b->n + ROWS - 1) / ROWS, ask_rows, a);
	for (int t = 0; t < a->threads; t++)
		if (a->worker[t].bad.text[0] != '\0') {
			*e = a->worker[t].bad;
			return -1;
		}
	return 0;
}

void
asking_answer(
    const struct asking *a, size_t i, struct answer *to, struct error *why)
{
	const struct predictor *p = a->p;
	size_t k = a->q.near;

	*to = (struct answer){ .predictor = p,
		.batch = a->b,
		.map = a->map,
		.record = i,
		.P = a->F + i * p->C,
		.most = a->q.most,
		.asked = a->q.asked,
		.reject = a->q.reject,
		.filled = a->filled[i] };
	if (a->q.asked & ANSWER_COVER)
		to->q = a->reach[i];
	if (a->q.asked & ANSWER_WHY) {
		to->why = &a->shares[i / ROWS];
		to->why_record = i % ROWS;
	}
	if (a->occluded > 0) {
		to->without = &a->occlusion[i / ROWS];
		to->without_record = i % ROWS;
	}
	if (a->q.asked & ANSWER_NEAR) {
		to->neighbours = &a->neighbours;
		to->near = a->near + i * k;
		to->cosine = a->cosine + i * k;
		to->found = a->found[i];
	}
	if (!predictor_can(p, a->b, a->map, i, why) ||
	    !predictor_finite(to->P, p->C, why)) {
		to->P = NULL;
		to->error = why->text;
	}
}
