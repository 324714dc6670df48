/*
 * The nets of all records, which go through the schedule that they had in the
 * folds, step for step, and stop at the same place.
 */
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"

/* A net that learnt in the folds can fail to do so from all records, where the
 * rate is high and the first steps are unlucky: then it starts anew. */
enum { ATTEMPTS = 4 };

static int
learnt_as_in_folds(const struct candidate *c, double loss)
{
	return loss <= 1.5 * c->loss + 0.05;
}

/* ---- one attempt ---- */

/* What a checkpoint keeps, before the state of the run. */
struct place {
	size_t attempt, epoch;
	double loss; /* of the last epoch */
};

/* The place where the last training was killed, if any. */
static int
take_place(const struct learner *l, const struct candidate *c,
    struct place *place, const char **state, size_t *bytes, struct error *e)
{
	char name[KEPT_NAME];
	const char *p =
	    checkpoint_get(l->t->kept, kept_name(c, "fit", name), bytes);

	*state = NULL;
	memset(place, 0, sizeof(*place));
	if (p == NULL)
		return 0;
	if (*bytes < sizeof(*place))
		return error_set(e, "the checkpoint is cut short");
	memcpy(place, p, sizeof(*place));
	*state = p + sizeof(*place);
	*bytes -= sizeof(*place);
	return place->attempt < ATTEMPTS && place->epoch <= c->stop
		   ? 0
		   : error_set(e, "the checkpoint's '%s' is damaged", c->name);
}

static int
put_place(const struct learner *l, const struct candidate *c,
    const struct place *place, const struct net_run *run, struct error *e)
{
	char name[KEPT_NAME];
	struct buf b = { 0 };
	int rc;

	if (l->t->kept == NULL)
		return 0;
	rc = buf_put(&b, place, sizeof(*place)) < 0 ? error_memory(e)
						    : net_run_state(run, &b, e);
	if (rc == 0)
		rc = checkpoint_put(
		    l->t->kept, kept_name(c, "fit", name), b.data, b.len, e);
	buf_free(&b);
	return rc;
}

/* Epochs from the place on, until it stops. */
static int
go_on(struct learner *l, struct candidate *c, struct net_run *run,
    struct place *place, struct pool *pool, struct error *e)
{
	int rc = 0;

	while (rc == 0 && place->epoch < c->stop) {
		rc = net_run_epoch(run, l->la, pool, &place->loss, e);
		place->epoch++;
		if (rc == 0)
			rc = put_place(l, c, place, run, e);
	}
	return rc;
}

/* ---- one net ---- */

struct fit {
	struct learner *l;
	struct candidate *c;
	struct pool *pool; /* for its steps */
	float *weight;     /* [n] */
	struct error e;
	int rc;
};

/* An attempt from the place on: m->net is its net. */
static int
attempt(struct fit *f, struct member *m, struct place *place, const char *state,
    size_t bytes)
{
	struct learner *l = f->l;
	struct candidate *c = f->c;
	struct rows all = dataset_rows(l->ds);
	struct truth truth = dataset_truth(l->ds, f->weight);
	struct net_options o = c->net;
	struct net_run *run;
	int rc = 0;

	o.steps = c->steps;
	c->shape.seed = l->t->seed + place->attempt;
	m->net = net_new(&c->shape, &l->t->predictor.scaling, &f->e);
	if (m->net == NULL)
		return -1;
	run = net_run_new(m->net, &o, l->ds, &all, &truth, &f->e);
	if (run == NULL)
		return -1;
	if (state != NULL)
		rc = net_run_restore(run, state, bytes, &f->e);
	if (rc == 0)
		rc = go_on(l, c, run, place, f->pool, &f->e);
	net_run_free(run);
	return rc;
}

static int
fit(struct fit *f, struct member *m)
{
	struct learner *l = f->l;
	struct candidate *c = f->c;
	struct place place;
	const char *state;
	size_t bytes;
	int rc = take_place(l, c, &place, &state, &bytes, &f->e);

	while (rc == 0) {
		rc = attempt(f, m, &place, state, bytes);
		if (place.attempt + 1 == ATTEMPTS || !l->folded ||
		    (rc < 0 && f->e.memory) ||
		    (rc == 0 && learnt_as_in_folds(c, place.loss)))
			break;
		net_free(m->net);
		m->net = NULL;
		rc = 0;
		state = NULL;
		place = (struct place){ .attempt = place.attempt + 1 };
	}
	if (rc == 0)
		c->shape = *net_shape(m->net);
	return rc;
}

static void
fit_member(void *arg, size_t i, int worker)
{
	struct fit *f = (struct fit *)arg + i;
	struct learner *l = f->l;
	struct member *m = &l->t->predictor.member[f->c->member];
	struct rows all = dataset_rows(l->ds);

	(void)worker;
	m->kind = MEMBER_NET;
	m->parts = f->c->parts;
	m->name = mem_strndup(f->c->name, strlen(f->c->name));
	f->weight = mem_array(l->n, sizeof(*f->weight));
	if (m->name == NULL || f->weight == NULL)
		f->rc = error_memory(&f->e);
	else
		f->rc = class_weights(l->ds, &all,
		    l->cand[0].choice.class_weight, 0, f->weight, &f->e);
	if (f->rc == 0)
		f->rc = fit(f, m);
	free(f->weight);
}

/* ---- all of them ---- */

/* Several at once, each by one thread: a step of small batches is too short to
 * be shared.  A checkpoint is written by one at a time. */
int
nets_fit(struct learner *l, struct error *e)
{
	struct fit *fits = mem_array(l->cands, sizeof(*fits));
	size_t n = 0;
	int rc = 0, apart;

	if (fits == NULL)
		return error_memory(e);
	for (size_t i = 0; i < l->cands; i++)
		if (l->cand[i].member >= 0 && l->cand[i].kind == MEMBER_NET)
			fits[n++] = (struct fit){ .l = l, .c = &l->cand[i] };
	apart = n > 1 && l->t->kept == NULL;
	for (size_t i = 0; i < n && !apart; i++)
		fits[i].pool = l->pool;
	pool_run(apart ? l->pool : NULL, n, fit_member, fits);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (fits[i].rc < 0) {
			*e = fits[i].e;
			rc = -1;
		}
	free(fits);
	return rc;
}
