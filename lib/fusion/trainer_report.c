/*
 * What the model keeps of how it was made.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fusion/trainer_impl.h"

static int
put_double(struct buf *b, const char *key, double x)
{
	if (buf_printf(b, ",\"%s\":", key) < 0)
		return -1;
	return json_put_known(b, x);
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
put_parts(struct buf *b, const struct dataset *ds, uint64_t parts)
{
	int rc = buf_putc(b, '['), any = 0;

	for (size_t p = 0; rc == 0 && p < ds->parts; p++) {
		const char *name = ds->feature[p].name;

		if (!(parts >> p & 1))
			continue;
		if ((any++ > 0 && buf_putc(b, ',') < 0) ||
		    json_put_string(b, name, strlen(name)) < 0)
			rc = -1;
	}
	return rc == 0 ? buf_putc(b, ']') : rc;
}

/* One member: what it reads, its settings, what it reached out of fold. */
static int
put_candidate(struct buf *b, const struct learner *l, const struct candidate *c)
{
	if (buf_puts(b, "{\"name\":") < 0 ||
	    json_put_string(b, c->name, strlen(c->name)) < 0 ||
	    buf_puts(b, ",\"parts\":") < 0 || put_parts(b, l->ds, c->parts) < 0)
		return -1;
	if (c->kind == MEMBER_LINEAR &&
	    (buf_printf(b, ",\"class_weight\":\"%s\"",
		 class_weight_name(c->choice.class_weight)) < 0 ||
		put_double(b, "lambda", c->choice.lambda) < 0 ||
		put_weights(b, l->ds, c->weight) < 0))
		return -1;
	if (c->kind == MEMBER_NET &&
	    buf_printf(b, ",\"epochs\":%zu,\"hidden\":%zu,\"rank\":%zu",
		c->stop, c->shape.hidden, c->shape.rank) < 0)
		return -1;
	if (c->own != NULL && put_score(b, &c->score, l->ds->task) < 0)
		return -1;
	return buf_putc(b, '}');
}

static int
put_members(struct buf *b, const struct learner *l)
{
	int rc = buf_puts(b, ",\"members\":["), any = 0;

	for (size_t i = 0; rc == 0 && i < l->cands; i++) {
		if (l->cand[i].member < 0)
			continue;
		if (any++ > 0 && buf_putc(b, ',') < 0)
			return -1;
		rc = put_candidate(b, l, &l->cand[i]);
	}
	return rc == 0 ? buf_putc(b, ']') : rc;
}

/* For each set of parts, what is mixed, and the log-loss out of fold. */
static int
put_sets(struct buf *b, const struct learner *l)
{
	int rc = buf_puts(b, ",\"sets\":["), any = 0, some;

	for (size_t s = 0; rc == 0 && s < l->sets; s++) {
		const struct table_row *row = &l->table[s];

		if (row->mix == NULL)
			continue;
		if ((any++ > 0 && buf_putc(b, ',') < 0) ||
		    buf_puts(b, "{\"parts\":") < 0 ||
		    put_parts(b, l->ds, l->set[s]) < 0 ||
		    buf_puts(b, ",\"mix\":{") < 0)
			return -1;
		some = 0;
		for (size_t i = 0; i < l->cands; i++) {
			const struct candidate *c = &l->cand[i];

			if (!(row->mix[i] > 0))
				continue;
			if ((some++ > 0 && buf_putc(b, ',') < 0) ||
			    json_put_string(b, c->name, strlen(c->name)) < 0 ||
			    buf_putc(b, ':') < 0 ||
			    json_put_double(b, (double)row->mix[i]) < 0)
				return -1;
		}
		rc = buf_putc(b, '}');
		if (rc == 0 && l->folded)
			rc = put_double(b,
			    l->ds->task == TASK_REGRESS ? "loss" : "log_loss",
			    row->log_loss);
		if (rc == 0 && row->rate > 0)
			rc = put_double(b, "by_chance", row->rate);
		if (rc == 0)
			rc = buf_putc(b, '}');
	}
	return rc == 0 ? buf_putc(b, ']') : rc;
}

/* Everything that was tried and by how much it was better than concat. */
static int
put_tried(struct buf *b, const struct learner *l)
{
	int rc;

	if (l->ntrials == 0)
		return 0;
	rc = buf_printf(b, ",\"budget\":%zu,\"tried\":[", l->spent);
	for (size_t i = 0; rc == 0 && i < l->ntrials; i++) {
		const struct fusion_trial *f = &l->trial[i];

		if ((i > 0 && buf_putc(b, ',') < 0) ||
		    buf_printf(
			b, "{\"method\":\"%s\"", fusion_name(f->method)) < 0 ||
		    (f->bold && buf_puts(b, ",\"bold\":true") < 0) ||
		    put_score(b, &f->score, l->ds->task) < 0 ||
		    put_double(b, "gain", f->gain) < 0 ||
		    put_double(b, "gain_error", f->error) < 0 ||
		    buf_putc(b, '}') < 0)
			rc = -1;
	}
	return rc == 0 ? buf_putc(b, ']') : rc;
}

/* How the fit of concat ended, where it is a member. */
static int
put_fit(struct buf *b, const struct trainer *t)
{
	return buf_printf(b, ",\"solver\":\"%s\",\"evaluations\":%d",
		   t->dual ? "dual" : "primal", t->fit.evaluations) < 0 ||
		       put_double(b, "loss", t->fit.value) < 0 ||
		       put_double(b, "gradient", t->fit.gradient) < 0 ||
		       buf_printf(b, ",\"converged\":%s",
			   t->fit.converged ? "true" : "false") < 0
		   ? -1
		   : 0;
}

int
trainer_report(struct learner *l, struct error *e)
{
	struct trainer *t = l->t;
	const struct dataset *ds = l->ds;
	struct buf b = { 0 };

	if (buf_printf(&b,
		"{\"records\":%zu,\"groups\":%zu,\"columns\":%zu,"
		"\"seed\":%" PRIu64 ",\"method\":\"%s\""
		",\"class_weight\":\"%s\"",
		ds->n, t->groups, dataset_columns(ds), t->seed,
		t->predictor.method,
		class_weight_name(t->choice.class_weight)) < 0 ||
	    put_double(&b, "lambda", t->choice.lambda) < 0 ||
	    put_weights(&b, ds, t->weight) < 0 ||
	    (l->cand[0].member >= 0 && put_fit(&b, t) < 0) ||
	    (t->logit_adjust > 0 &&
		put_double(&b, "logit_adjust", t->logit_adjust) < 0) ||
	    (l->folded && (buf_puts(&b, ",\"held_out\":{\"folds\":") < 0 ||
			      buf_printf(&b, "%zu", ds->folds) < 0 ||
			      put_score(&b, &t->score, ds->task) < 0 ||
			      buf_putc(&b, '}') < 0)) ||
	    put_members(&b, l) < 0 || put_sets(&b, l) < 0 ||
	    put_tried(&b, l) < 0 || put_search(&b, t, ds) < 0 ||
	    buf_puts(&b, "}") < 0 || buf_putc(&b, '\0') < 0) {
		buf_free(&b);
		return error_memory(e);
	}
	t->predictor.report = b.data;
	return 0;
}
