/*
 * Nets as candidates: one of each fold, trained in step, stopped where what
 * they say of records that they have not seen is best.
 *
 * The schedule of the rates is as long as the most epochs; the net of all
 * records goes through the same schedule, in as many steps, and stops at the
 * same place: scores grow with every step, and those of the folds are what it
 * is calibrated by.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"
#include "learn/heldout.h"
#include "learn/scale.h"

enum { MOST_EPOCHS = 24, PATIENCE = 5, BLIND_EPOCHS = 12 };

struct fold {
	struct net *net;
	struct net_run *run;
	struct net_room *room;
	struct inputs in; /* its records, to be scored */
	float *weight;    /* [n] of those it learns from */
	struct truth truth;
	double loss;   /* of those records, in the last epoch */
	float **best;  /* [tensors] its parameters where it was best */
	size_t *bytes; /* [tensors] */
	struct error e;
	int rc;
};

struct training {
	struct learner *l;
	struct candidate *c;
	struct fold *fold; /* [folds] */
	float *F;          /* [n, C] held scores after the last epoch */
	struct search_score score;
	size_t epochs, at; /* so many are done; the best after so many */
	double loss;       /* of the worst fold, there */
};

/* ---- folds ---- */

/* The scaling of every fold, learnt the first time. */
static int
scale_folds(struct learner *l, struct error *e)
{
	if (l->fold_scaling != NULL)
		return 0;
	l->fold_scaling = mem_array(l->ds->folds, sizeof(*l->fold_scaling));
	if (l->fold_scaling == NULL)
		return error_memory(e);
	for (size_t k = 0; k < l->ds->folds; k++) {
		struct rows rows = dataset_not_in_fold(l->ds, k);

		if (dataset_scale(l->la, l->pool, l->ds, &rows, e) < 0 ||
		    scaling_take(&l->fold_scaling[k], l->ds, e) < 0)
			return -1;
	}
	return 0;
}

static int
fold_inputs(struct learner *l, struct fold *f, size_t k, struct error *e)
{
	struct rows test = dataset_in_fold(l->ds, k);
	uint32_t *row = mem_array(test.count[0], sizeof(*row));
	int rc;

	if (row == NULL)
		return error_memory(e);
	for (size_t i = 0; i < test.count[0]; i++)
		row[i] = (uint32_t)(test.first[0] + i);
	rc = inputs_init(&f->in, &l->fold_scaling[k], e);
	if (rc == 0)
		rc = inputs_rows(
		    &f->in, l->ds, row, test.count[0], ~UINT64_C(0), e);
	free(row);
	return rc;
}

static int
fold_start(struct training *t, size_t k, struct error *e)
{
	struct learner *l = t->l;
	struct fold *f = &t->fold[k];
	struct rows rows = dataset_not_in_fold(l->ds, k);

	f->weight = mem_array(l->n, sizeof(*f->weight));
	f->net = net_new(&t->c->shape, &l->fold_scaling[k], e);
	if (f->weight == NULL)
		return error_memory(e);
	if (f->net == NULL ||
	    class_weights(l->ds, &rows, l->cand[0].choice.class_weight, 0,
		f->weight, e) < 0)
		return -1;
	f->truth = dataset_truth(l->ds, f->weight);
	f->run = net_run_new(f->net, &t->c->net, l->ds, &rows, &f->truth, e);
	f->room = net_room_new(f->net, e);
	f->best = mem_array(net_tensor_count(f->net), sizeof(*f->best));
	f->bytes = mem_array(net_tensor_count(f->net), sizeof(*f->bytes));
	if (f->best == NULL || f->bytes == NULL)
		return error_memory(e);
	return f->run == NULL || f->room == NULL ? -1 : fold_inputs(l, f, k, e);
}

static void
fold_free(struct fold *f)
{
	for (size_t i = 0; f->best != NULL && i < net_tensor_count(f->net); i++)
		free(f->best[i]);
	free(f->best);
	free(f->bytes);
	net_run_free(f->run);
	net_room_free(f->room);
	net_free(f->net);
	inputs_free(&f->in);
	free(f->weight);
}

/* The parameters of a net, to keep (or, back, to restore). */
static int
keep(struct fold *f, int back, struct error *e)
{
	size_t n = net_tensor_count(f->net);
	struct tensor *t = mem_array(n, sizeof(*t));
	int rc = 0;

	if (t == NULL)
		return error_memory(e);
	if (net_tensors(f->net, "", t, e) < 0) {
		free(t);
		return -1;
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t bytes = t[i].bytes;

		f->bytes[i] = bytes;
		if (f->best[i] == NULL)
			f->best[i] = mem_aligned(bytes, 1);
		if (f->best[i] == NULL)
			rc = error_memory(e);
		else if (back)
			memcpy((void *)(uintptr_t)t[i].data, f->best[i], bytes);
		else
			memcpy(f->best[i], t[i].data, bytes);
	}
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)t[i].name);
	free(t);
	return rc;
}

/* One more epoch of fold k, and what it then says. */
static void
fold_epoch(void *arg, size_t k, int worker)
{
	struct training *t = arg;
	struct fold *f = &t->fold[k];
	size_t first = t->l->ds->fold_first[k];

	(void)worker;
	f->rc = net_run_epoch(f->run, t->l->la, NULL, &f->loss, &f->e);
	if (f->rc == 0)
		f->rc = net_scores(f->net, t->l->la, &f->in,
		    t->F + first * t->l->C, NULL, f->room, &f->e);
}

/* What fold k says of its records under every set of parts. */
static void
fold_hold(void *arg, size_t k, int worker)
{
	struct training *t = arg;
	struct learner *l = t->l;
	struct fold *f = &t->fold[k];
	size_t at = l->ds->fold_first[k] * l->C;
	struct inputs some = { 0 };
	struct rows test = dataset_in_fold(l->ds, k);
	uint32_t *row = mem_array(test.count[0], sizeof(*row));

	(void)worker;
	f->rc = row == NULL ? error_memory(&f->e) : keep(f, 1, &f->e);
	for (size_t i = 0; row != NULL && i < test.count[0]; i++)
		row[i] = (uint32_t)(test.first[0] + i);
	if (f->rc == 0)
		f->rc = net_scores(f->net, l->la, &f->in, t->c->own + at, NULL,
		    f->room, &f->e);
	if (f->rc == 0)
		f->rc = inputs_init(&some, &l->fold_scaling[k], &f->e);
	for (size_t s = 0; f->rc == 0 && s < l->sets; s++) {
		if (t->c->set[s] == NULL)
			continue;
		f->rc = inputs_rows(
		    &some, l->ds, row, test.count[0], l->set[s], &f->e);
		if (f->rc == 0)
			f->rc = net_scores(f->net, l->la, &some,
			    t->c->set[s] + at, NULL, f->room, &f->e);
	}
	inputs_free(&some);
	free(row);
}

static int
all_folds(struct training *t, void (*fn)(void *, size_t, int), struct error *e)
{
	size_t folds = t->l->ds->folds;

	pool_run(t->l->pool, folds, fn, t);
	for (size_t k = 0; k < folds; k++)
		if (t->fold[k].rc < 0) {
			*e = t->fold[k].e;
			return -1;
		}
	return 0;
}

/* ---- checkpoints ---- */

/* Where the folds are: epochs, the best of them, each run's state and the
 * parameters where it was best. */
struct place {
	size_t epochs, at;
	double loss;
	struct search_score score;
};

static int
put_place(struct training *t, struct error *e)
{
	struct place place = { t->epochs, t->at, t->loss, t->score };
	struct buf b = { 0 }, state = { 0 };
	char name[KEPT_NAME];
	int rc;

	if (t->l->t->kept == NULL)
		return 0;
	rc = buf_put(&b, &place, sizeof(place));
	for (size_t k = 0; rc == 0 && k < t->l->ds->folds; k++) {
		struct fold *f = &t->fold[k];
		size_t n = net_tensor_count(f->net);

		state.len = 0;
		rc = net_run_state(f->run, &state, NULL);
		if (rc == 0)
			rc = buf_put(&b, &state.len, sizeof(state.len));
		if (rc == 0)
			rc = buf_put(&b, state.data, state.len);
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = buf_put(&b, f->best[i], f->bytes[i]);
	}
	rc = rc < 0 ? error_memory(e)
		    : checkpoint_put(t->l->t->kept,
			  kept_name(t->c, "state", name), b.data, b.len, e);
	buf_free(&b);
	buf_free(&state);
	return rc;
}

static int
take_fold(struct fold *f, const char **p, size_t *left, struct error *e)
{
	size_t bytes;

	if (keep(f, 0, e) < 0) /* room */
		return -1;
	if (*left < sizeof(bytes))
		return error_set(e, "it is cut short");
	memcpy(&bytes, *p, sizeof(bytes));
	*p += sizeof(bytes);
	*left -= sizeof(bytes);
	if (*left < bytes || net_run_restore(f->run, *p, bytes, e) < 0)
		return error_set(e, "it is of another net");
	*p += bytes;
	*left -= bytes;
	for (size_t i = 0; i < net_tensor_count(f->net); i++) {
		if (*left < f->bytes[i])
			return error_set(e, "it is cut short");
		memcpy(f->best[i], *p, f->bytes[i]);
		*p += f->bytes[i];
		*left -= f->bytes[i];
	}
	return 0;
}

static int
take_place(struct training *t, struct error *e)
{
	struct place place;
	char name[KEPT_NAME];
	size_t left;
	const char *p = checkpoint_get(
	    t->l->t->kept, kept_name(t->c, "state", name), &left);

	if (p == NULL)
		return 0;
	if (left < sizeof(place))
		return error_set(e, "the checkpoint is cut short");
	memcpy(&place, p, sizeof(place));
	p += sizeof(place);
	left -= sizeof(place);
	if (place.at > place.epochs || place.epochs > t->c->net.epochs)
		return error_set(
		    e, "the checkpoint's '%s' is damaged", t->c->name);
	for (size_t k = 0; k < t->l->ds->folds; k++)
		if (take_fold(&t->fold[k], &p, &left, e) < 0)
			return error_at(e, "the checkpoint's '%s'", t->c->name);
	t->epochs = place.epochs;
	t->at = place.at;
	t->loss = place.loss;
	t->score = place.score;
	return 0;
}

/* ---- the course of a training ---- */

static int
one_epoch(struct training *t, int given, struct error *e)
{
	struct learner *l = t->l;
	struct search_score score;
	int rc = all_folds(t, fold_epoch, e);

	if (rc == 0)
		rc = trainer_judge(l, t->F, &score, e);
	if (rc < 0)
		return -1;
	t->epochs++;
	if (l->t->search.progress != NULL)
		l->t->search.progress(
		    l->t->search.ctx, t->epochs * l->ds->folds);
	if (!given && t->at > 0 && !(score.value > t->score.value))
		return 0;
	t->at = t->epochs;
	t->score = score;
	t->loss = 0;
	for (size_t k = 0; rc == 0 && k < l->ds->folds; k++) {
		t->loss = fmax(t->loss, t->fold[k].loss);
		rc = keep(&t->fold[k], 0, e);
	}
	return rc;
}

/* Of records that a net cannot learn from, or a rate that it cannot learn at,
 * e says why; that is no reason to end. */
static int
not_learnt(const struct error *e)
{
	return e->memory ? -1 : 1;
}

/* 0; 1: it cannot be learnt; -1 */
static int
course(struct training *t, struct error *e)
{
	size_t most = t->c->net.epochs;
	int given = t->l->t->net_given && t->l->t->net.epochs > 0;

	for (size_t k = 0; k < t->l->ds->folds; k++) {
		size_t steps;

		if (fold_start(t, k, e) < 0)
			return not_learnt(e);
		steps = net_run_steps(t->fold[k].run);
		if (steps > t->c->steps)
			t->c->steps = steps;
	}
	t->F = mem_aligned(t->l->n * t->l->C, sizeof(*t->F));
	if (t->F == NULL)
		return error_memory(e);
	if (take_place(t, e) < 0)
		return -1;
	while (t->epochs < most && (given || t->epochs < t->at + PATIENCE)) {
		if (one_epoch(t, given, e) < 0)
			return not_learnt(e);
		if (put_place(t, e) < 0)
			return -1;
	}
	t->c->score = t->score;
	t->c->stop = t->at;
	t->c->loss = t->loss;
	return all_folds(t, fold_hold, e);
}

static void
set_options(
    struct learner *l, struct candidate *c, enum net_kind kind, int bold)
{
	struct trainer *t = l->t;

	c->net = (struct net_options){
		.weight_decay = NAN, .dropout = NAN, .part_dropout = NAN
	};
	if (t->net_given) {
		c->net = t->net;
		c->shape = t->shape;
	}
	c->net.bold = bold;
	c->shape.kind = kind;
	c->shape.task = l->ds->task;
	c->shape.C = l->C;
	c->shape.seed = t->seed;
	c->shape.parts = c->parts;
	if (c->net.epochs == 0)
		c->net.epochs = l->folded ? MOST_EPOCHS : BLIND_EPOCHS;
	c->stop = c->net.epochs;
}

int
net_learn(
    struct learner *l, size_t i, enum net_kind kind, int bold, struct error *e)
{
	struct candidate *c = &l->cand[i];
	struct training t = { .l = l, .c = c };
	char name[KEPT_NAME];
	int rc;

	set_options(l, c, kind, bold);
	if (!l->folded)
		return 0;
	t.fold = mem_array(l->ds->folds, sizeof(*t.fold));
	if (t.fold == NULL)
		return error_memory(e);
	rc = candidate_room(l, c, e);
	if (rc == 0)
		rc = scale_folds(l, e);
	if (rc == 0)
		rc = kept_take(l, c, e);
	if (rc == 1)
		rc = 0;
	else if (rc == 0) {
		rc = course(&t, e);
		if (rc == 0)
			rc = kept_put(l, c, e);
		if (rc == 0)
			checkpoint_drop(
			    l->t->kept, kept_name(c, "state", name));
	}
	if (rc > 0)
		candidate_no_room(l, c);
	for (size_t k = 0; k < l->ds->folds; k++)
		fold_free(&t.fold[k]);
	free(t.fold);
	free(t.F);
	return rc;
}
