#include "fusion/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fusion/conformal.h"

static int
put_key(struct buf *b, const char *key)
{
	return buf_printf(b, ",\"%s\":", key);
}

static int
put_str(struct buf *b, struct str s)
{
	return json_put_string(b, s.s, s.len);
}

int
answer_said(const struct answer *a, size_t c)
{
	const struct predictor *p = a->predictor;

	if (p->task == TASK_CLASS)
		return c == loss_best(a->P, p->C);
	return (double)a->P[c] >= predictor_threshold(p, c);
}

int
answer_in_set(const struct answer *a, size_t c)
{
	return conformal_doubt(a->P[c]) <= a->q || answer_said(a, c);
}

int
answer_rejected(const struct answer *a)
{
	const struct predictor *p = a->predictor;

	return a->P != NULL && a->asked & ANSWER_REJECT &&
	       p->task == TASK_CLASS &&
	       (double)a->P[loss_best(a->P, p->C)] < a->reject;
}

int
answer_interval(const struct answer *a, float *lo, float *hi)
{
	*lo = a->P[0] - a->q;
	*hi = a->P[0] + a->q;
	return isfinite(*lo) && isfinite(*hi);
}

int
answer_share(struct buf *out, const struct predictor *p, double share)
{
	if (!isfinite(share))
		return buf_puts(out, "null");
	if (p->task != TASK_REGRESS && fabs(share) < 1e8)
		share = rint(share * 1e7) / 1e7;
	return json_put_double(out, share == 0 ? 0 : share);
}

static int
put_label(struct buf *b, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	size_t best;
	int some = 0;

	switch (p->task) {
	case TASK_CLASS:
		if (a->P == NULL)
			return buf_puts(b, ",\"label\":null");
		best = loss_best(a->P, p->C);
		if (answer_rejected(a))
			return buf_puts(b, ",\"label\":null,\"rejected\":true,"
					   "\"p\":") < 0
				   ? -1
				   : json_put_float(b, a->P[best]);
		return put_key(b, "label") < 0 ||
			       put_str(b, strs_get(&p->classes, best)) < 0 ||
			       put_key(b, "p") < 0 ||
			       json_put_float(b, a->P[best]) < 0
			   ? -1
			   : 0;
	case TASK_MULTILABEL:
		if (a->P == NULL)
			return buf_puts(b, ",\"labels\":null");
		if (buf_puts(b, ",\"labels\":[") < 0)
			return -1;
		for (size_t c = 0; c < p->C; c++)
			if (answer_said(a, c) &&
			    ((some++ > 0 && buf_putc(b, ',') < 0) ||
				put_str(b, strs_get(&p->classes, c)) < 0))
				return -1;
		return buf_putc(b, ']');
	default:
		if (a->P == NULL)
			return buf_puts(b, ",\"value\":null");
		return put_key(b, "value") < 0 || json_put_float(b, a->P[0]) < 0
			   ? -1
			   : 0;
	}
}

static int
put_truth(struct buf *b, const struct answer *a)
{
	enum task task = a->predictor->task;
	size_t first, n = batch_range(a->batch->label_end, a->record, &first);
	double target = a->batch->target[a->record];

	if (task == TASK_REGRESS && n == 0 && isfinite(target))
		return put_key(b, "truth") < 0 || json_put_double(b, target) < 0
			   ? -1
			   : 0;
	if (n == 0 && (task != TASK_MULTILABEL ||
			  !(a->batch->flags[a->record] & FLAG_NO_LABEL)))
		return 0;
	if (put_key(b, "truth") < 0)
		return -1;
	if (task != TASK_MULTILABEL && n == 1)
		return put_str(b, strs_get(&a->batch->label, first));
	if (buf_putc(b, '[') < 0)
		return -1;
	for (size_t k = 0; k < n; k++)
		if ((k > 0 && buf_putc(b, ',') < 0) ||
		    put_str(b, strs_get(&a->batch->label, first + k)) < 0)
			return -1;
	return buf_putc(b, ']');
}

static int
put_prob(struct buf *b, const struct answer *a, size_t c, int comma)
{
	if ((comma && buf_putc(b, ',') < 0) ||
	    put_str(b, strs_get(&a->predictor->classes, c)) < 0 ||
	    buf_putc(b, ':') < 0)
		return -1;
	return json_put_float(b, a->P[c]);
}

/* The classes after the one at (p, c) in falling order of probability, then
 * in their own: the next is the highest that is lower. */
static size_t
next_best(const float *P, size_t C, float p, size_t c)
{
	size_t best = C;

	for (size_t i = 0; i < C; i++) {
		if (P[i] > p || (P[i] == p && i <= c))
			continue;
		if (best == C || P[i] > P[best])
			best = i;
	}
	return best;
}

static int
put_probs(struct buf *b, const struct answer *a)
{
	size_t C = a->predictor->C, c;

	if (a->P == NULL || a->predictor->task == TASK_REGRESS)
		return 0;
	if (buf_puts(b, ",\"probs\":{") < 0)
		return -1;
	if (a->most == 0 || a->most >= C) {
		for (c = 0; c < C; c++)
			if (put_prob(b, a, c, c > 0) < 0)
				return -1;
		return buf_putc(b, '}');
	}
	c = loss_best(a->P, C);
	for (size_t k = 0; k < a->most && c < C; k++) {
		if (put_prob(b, a, c, k > 0) < 0)
			return -1;
		c = next_best(a->P, C, a->P[c], c);
	}
	return buf_putc(b, '}');
}

static int
knows(const struct answer *a)
{
	return predictor_knows(a->predictor, strs_get(&a->batch->id, a->record),
	    strs_get(&a->batch->group, a->record));
}

/* A sequence without rows is missing. */
static int
has_part(const struct answer *a, size_t k)
{
	const struct part_column *c;
	size_t at;

	if (a->map[k] < 0)
		return 0;
	c = &a->batch->parts[a->map[k]];
	return c->mask[a->record] &&
	       (a->predictor->schema.parts[k].kind != PART_SEQUENCE ||
		   batch_range(c->end, a->record, &at) > 0);
}

/* The parts of the model that the record has not. */
static int
put_missing(struct buf *b, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	size_t some = 0;

	for (size_t k = 0; k < p->schema.n; k++) {
		const char *name = p->schema.parts[k].name;

		if (has_part(a, k))
			continue;
		if (buf_puts(b, some++ == 0 ? ",\"missing\":[" : ",") < 0 ||
		    json_put_string(b, name, strlen(name)) < 0)
			return -1;
	}
	return some > 0 ? buf_putc(b, ']') : 0;
}

/* Why parts are missing that were there and could not be read. */
static int
put_errors(struct buf *b, const struct answer *a)
{
	size_t some = 0;

	for (size_t p = 0; p < a->batch->schema->n; p++) {
		const char *name = a->batch->schema->parts[p].name;
		struct str why = strs_get(&a->batch->parts[p].error, a->record);

		if (why.len == 0)
			continue;
		if (buf_puts(b, some++ == 0 ? ",\"errors\":{" : ",") < 0 ||
		    json_put_string(b, name, strlen(name)) < 0 ||
		    buf_putc(b, ':') < 0 || put_str(b, why) < 0)
			return -1;
	}
	return some > 0 ? buf_putc(b, '}') : 0;
}

static int
put_imputed(struct buf *b, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	size_t some = 0;

	for (size_t k = 0; k < p->schema.n; k++) {
		const char *name = p->schema.parts[k].name;

		if (!(a->filled >> k & 1))
			continue;
		if (buf_puts(b, some++ == 0 ? ",\"imputed\":[" : ",") < 0 ||
		    json_put_string(b, name, strlen(name)) < 0)
			return -1;
	}
	return some > 0 ? buf_putc(b, ']') : 0;
}

/* ---- what was asked for ---- */

static int
put_set(struct buf *b, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	float lo, hi;
	int some = 0;

	if (p->task == TASK_REGRESS) {
		if (put_key(b, "interval") < 0)
			return -1;
		if (!answer_interval(a, &lo, &hi))
			return buf_puts(b, "[null,null]");
		return buf_putc(b, '[') < 0 || json_put_float(b, lo) < 0 ||
			       buf_putc(b, ',') < 0 || json_put_float(b, hi) < 0
			   ? -1
			   : buf_putc(b, ']');
	}
	if (buf_puts(b, ",\"set\":[") < 0)
		return -1;
	for (size_t c = 0; c < p->C; c++)
		if (answer_in_set(a, c) &&
		    ((some++ > 0 && buf_putc(b, ',') < 0) ||
			put_str(b, strs_get(&p->classes, c)) < 0))
			return -1;
	return buf_putc(b, ']');
}

/* {"base":-1.2,"text":0.8}: of every part that the model has. */
static int
put_shares(struct buf *b, const struct answer *a, size_t o)
{
	const struct predictor *p = a->predictor;

	if (buf_puts(b, "{\"base\":") < 0 ||
	    answer_share(b, p, a->why->base[o]) < 0)
		return -1;
	for (size_t k = 0; k < p->schema.n; k++) {
		const char *name = p->schema.parts[k].name;

		if (buf_putc(b, ',') < 0 ||
		    json_put_string(b, name, strlen(name)) < 0 ||
		    buf_putc(b, ':') < 0 ||
		    answer_share(b, p, a->why->share[o * p->schema.n + k]) < 0)
			return -1;
	}
	return buf_putc(b, '}');
}

static int
put_why(struct buf *b, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	size_t at, n = batch_range(a->why->end, a->why_record, &at);

	if (put_key(b, "why") < 0)
		return -1;
	if (p->task != TASK_MULTILABEL)
		return put_shares(b, a, at);
	for (size_t o = at; o < at + n; o++)
		if (buf_putc(b, o > at ? ',' : '{') < 0 ||
		    put_str(b, strs_get(&p->classes, a->why->output[o])) < 0 ||
		    buf_putc(b, ':') < 0 || put_shares(b, a, o) < 0)
			return -1;
	return buf_putc(b, '}');
}

static int
put_near(struct buf *b, const struct answer *a)
{
	if (buf_puts(b, ",\"near\":[") < 0)
		return -1;
	for (size_t k = 0; k < a->found; k++)
		if (buf_puts(b, k > 0 ? ",{\"id\":" : "{\"id\":") < 0 ||
		    put_str(b, intern_get(&a->neighbours->id, a->near[k])) <
			0 ||
		    put_key(b, "cosine") < 0 ||
		    json_put_float(b, a->cosine[k]) < 0 || buf_putc(b, '}') < 0)
			return -1;
	return buf_putc(b, ']');
}

/* {"text":[{"from":0,"to":4,"share":0.5},...]}: of every part that has any. */
static int
put_pieces(struct buf *b, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	size_t at, n = batch_range(a->without->end, a->without_record, &at);

	if (buf_puts(b, ",\"pieces\":{") < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct occlusion_piece *x = &a->without->piece[at + i];
		const char *name = p->schema.parts[x->part].name;

		if (i > 0 && x->part == x[-1].part) {
			if (buf_putc(b, ',') < 0)
				return -1;
		} else if (buf_puts(b, i > 0 ? "]," : "") < 0 ||
			   json_put_string(b, name, strlen(name)) < 0 ||
			   buf_puts(b, ":[") < 0)
			return -1;
		if (buf_puts(b, "{\"from\":") < 0 ||
		    json_put_known(b, x->from) < 0 || put_key(b, "to") < 0 ||
		    json_put_known(b, x->to) < 0 || put_key(b, "share") < 0 ||
		    answer_share(b, p, x->share) < 0 || buf_putc(b, '}') < 0)
			return -1;
	}
	return buf_puts(b, n > 0 ? "]}" : "}");
}

static int
put_asked(struct buf *b, const struct answer *a)
{
	if (a->asked & ANSWER_COVER && put_set(b, a) < 0)
		return -1;
	if (a->asked & ANSWER_WHY && put_why(b, a) < 0)
		return -1;
	if (a->without != NULL && put_pieces(b, a) < 0)
		return -1;
	return a->asked & ANSWER_NEAR ? put_near(b, a) : 0;
}

int
answer_jsonl(struct buf *out, const struct answer *a)
{
	struct str group = strs_get(&a->batch->group, a->record);

	if (buf_puts(out, "{\"id\":") < 0 ||
	    put_str(out, strs_get(&a->batch->id, a->record)) < 0 ||
	    put_label(out, a) < 0 || put_truth(out, a) < 0)
		return -1;
	if (group.len > 0 &&
	    (put_key(out, "group") < 0 || put_str(out, group) < 0))
		return -1;
	if (knows(a) && buf_puts(out, ",\"train\":true") < 0)
		return -1;
	if (a->P != NULL &&
	    (put_missing(out, a) < 0 || put_errors(out, a) < 0 ||
		put_imputed(out, a) < 0))
		return -1;
	if (put_probs(out, a) < 0)
		return -1;
	if (a->P != NULL && put_asked(out, a) < 0)
		return -1;
	if (a->P == NULL &&
	    (put_key(out, "error") < 0 ||
		json_put_string(out, a->error, strlen(a->error)) < 0))
		return -1;
	return buf_puts(out, "}\n");
}
