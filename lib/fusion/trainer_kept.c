/*
 * What a checkpoint keeps of a training: of each candidate its settings and
 * held scores, of a net under way the state of every run.  Bytes as this
 * machine has them: the file is for the program that wrote it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "fusion/trainer_impl.h"

/* ---- what decides the results ---- */

static void
hash_feature(struct hash *h, const struct feature *f, size_t n)
{
	hash_update(h, f->name, strlen(f->name));
	hash_update(h, &f->dim, sizeof(f->dim));
	hash_update(h, f->mask, n * sizeof(*f->mask));
	if (f->kind == PART_DENSE && f->x != NULL)
		hash_update(h, f->x, n * f->dim * sizeof(*f->x));
	for (size_t i = 0; f->start != NULL && i < n; i++) {
		size_t width = f->kind == PART_SPARSE ? 1 : f->dim;

		hash_update(h, &f->count[i], sizeof(f->count[i]));
		if (f->kind == PART_SPARSE)
			hash_update(h, f->index + f->start[i],
			    f->count[i] * sizeof(*f->index));
		hash_update(h, f->value + f->start[i] * width,
		    f->count[i] * width * sizeof(*f->value));
	}
}

static uint64_t
hash_data(const struct dataset *ds)
{
	struct hash h;

	hash_init(&h, 1);
	hash_update(&h, ds->id_hash, ds->n * sizeof(*ds->id_hash));
	hash_update(&h, ds->group_hash, ds->n * sizeof(*ds->group_hash));
	hash_update(&h, ds->weight, ds->n * sizeof(*ds->weight));
	if (ds->task == TASK_CLASS)
		hash_update(&h, ds->y_class, ds->n * sizeof(*ds->y_class));
	else
		hash_update(&h, ds->y, ds->n * ds->C * sizeof(*ds->y));
	hash_update(
	    &h, ds->fold_first, (ds->folds + 1) * sizeof(*ds->fold_first));
	for (size_t p = 0; p < ds->features; p++)
		hash_feature(&h, &ds->feature[p], ds->n);
	return hash_final(&h);
}

int
kept_open(struct learner *l, struct error *e)
{
	const struct trainer *t = l->t;
	const struct net_options *o = &t->net;
	struct buf b = { 0 };
	int rc;

	if (t->checkpoint == NULL)
		return 0;
	rc = buf_printf(&b,
	    "train 3 %s %016" PRIx64 " %d %d %zu %.17g %.17g %d %.17g",
	    fusion_name(t->method), hash_data(l->ds), (int)l->ds->task,
	    t->cross_validate, l->ds->folds, t->tolerance, t->search.lambda,
	    (int)t->search.class_weight, t->search.tolerance);
	for (size_t p = 0;
	     rc == 0 && t->search.part_weight != NULL && p < l->ds->parts; p++)
		rc = buf_printf(&b, " %.17g", t->search.part_weight[p]);
	if (rc == 0)
		rc = buf_printf(&b,
		    " | %" PRIu64 " %d %.17g %zu %zu %zu %.17g %.17g %.17g "
		    "%.17g %.17g %zu %zu %d",
		    t->seed, t->no_backoff, t->logit_adjust, t->budget,
		    t->shape.hidden, t->shape.rank, o->lr, o->weight_decay,
		    o->dropout, o->part_dropout, o->focal, o->batch, o->epochs,
		    t->keep);
	if (rc < 0 || buf_putc(&b, '\0') < 0) {
		buf_free(&b);
		return error_memory(e);
	}
	l->t->kept = checkpoint_open(t->checkpoint, b.data, e);
	buf_free(&b);
	return l->t->kept != NULL ? 0 : -1;
}

/* ---- bytes, to and fro ---- */

/* One list of fields serves both: buf is written, or data read. */
struct io {
	struct buf *out; /* NULL when reading */
	const char *data;
	size_t left;
	int bad;
};

static void
io(struct io *x, void *p, size_t bytes)
{
	if (x->bad)
		return;
	if (x->out != NULL) {
		x->bad = buf_put(x->out, p, bytes) < 0;
		return;
	}
	if (bytes > x->left) {
		x->bad = 1;
		return;
	}
	memcpy(p, x->data, bytes);
	x->data += bytes;
	x->left -= bytes;
}

static void
io_trials(struct io *x, struct learner *l, struct candidate *c)
{
	struct search *s = &c->tried;
	size_t features = l->ds->features * sizeof(double);

	io(x, &s->n, sizeof(s->n));
	io(x, &s->best, sizeof(s->best));
	io(x, &s->fits, sizeof(s->fits));
	if (x->out == NULL && !x->bad) {
		x->bad = s->n > 10000 || s->best >= s->n;
		if (!x->bad) {
			s->trials = mem_array(s->n, sizeof(*s->trials));
			s->weights = mem_array(s->n, sizeof(*s->weights));
			x->bad = s->trials == NULL || s->weights == NULL;
		}
		s->n = x->bad ? 0 : s->n;
	}
	for (size_t i = 0; !x->bad && i < s->n; i++) {
		struct search_trial *t = &s->trials[i];
		void *w = (void *)(uintptr_t)t->part_weight;

		if (x->out == NULL) {
			s->weights[i] = mem_array(1, features);
			s->nweights = i + 1;
			w = s->weights[i];
			x->bad = w == NULL;
		}
		io(x, &t->lambda, sizeof(t->lambda));
		io(x, &t->class_weight, sizeof(t->class_weight));
		x->bad |= t->class_weight > CLASS_BALANCED;
		io(x, &t->score, sizeof(t->score));
		io(x, w, features);
		t->part_weight = w;
	}
}

static void
io_candidate(struct io *x, struct learner *l, struct candidate *c)
{
	size_t bytes = l->n * l->C * sizeof(float);

	if (c->kind == MEMBER_LINEAR)
		io_trials(x, l, c);
	io(x, &c->stop, sizeof(c->stop));
	x->bad |= c->stop > c->net.epochs;
	io(x, &c->steps, sizeof(c->steps));
	io(x, &c->loss, sizeof(c->loss));
	io(x, &c->score, sizeof(c->score));
	io(x, &c->runs, sizeof(c->runs));
	io(x, c->own, bytes);
	for (size_t s = 0; s < l->sets; s++)
		if (c->set[s] != NULL)
			io(x, c->set[s], bytes);
}

const char *
kept_name(const struct candidate *c, const char *what, char name[KEPT_NAME])
{
	snprintf(name, KEPT_NAME, "%zu.%s", c->number, what);
	return name;
}

static int
damaged(const struct candidate *c, struct error *e)
{
	return error_set(e, "the checkpoint's '%s' is damaged", c->name);
}

int
kept_take(struct learner *l, struct candidate *c, struct error *e)
{
	char name[KEPT_NAME];
	size_t bytes = 0;
	const void *p =
	    checkpoint_get(l->t->kept, kept_name(c, "scores", name), &bytes);
	struct io x = { NULL, p, bytes, 0 };

	if (p == NULL)
		return 0;
	io_candidate(&x, l, c);
	return x.bad || x.left > 0 ? damaged(c, e) : 1;
}

int
kept_put(struct learner *l, struct candidate *c, struct error *e)
{
	char name[KEPT_NAME];
	struct buf b = { 0 };
	struct io x = { &b, NULL, 0, 0 };
	int rc;

	if (l->t->kept == NULL)
		return 0;
	io_candidate(&x, l, c);
	rc = x.bad ? error_memory(e)
		   : checkpoint_put(l->t->kept, kept_name(c, "scores", name),
			 b.data, b.len, e);
	buf_free(&b);
	return rc;
}
