#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "fusion/answers.h"

static int
put_field(struct buf *out, struct str s)
{
	return csv_put_field(out, CSV_TAB, s.s, s.len);
}

/* "\twhy.image" */
static int
put_why_name(struct buf *out, const char *part)
{
	struct buf name = { 0 };
	int rc = -1;

	if (buf_puts(&name, "why.") == 0 && buf_puts(&name, part) == 0 &&
	    buf_putc(out, '\t') == 0)
		rc = csv_put_field(out, CSV_TAB, name.data, name.len);
	buf_free(&name);
	return rc;
}

int
answer_tsv_header(struct buf *out, const struct predictor *p, unsigned asked)
{
	int bad = buf_puts(out, "id\tprediction\tp\ttruth\terror");

	if (asked & ANSWER_COVER)
		bad |= buf_puts(
		    out, p->task == TASK_REGRESS ? "\tlo\thi" : "\tset");
	if (asked & ANSWER_REJECT)
		bad |= buf_puts(out, "\trejected");
	if (p->impute != NULL)
		bad |= buf_puts(out, "\timputed");
	if (asked & ANSWER_WHY)
		bad |= put_why_name(out, "base");
	for (size_t k = 0; asked & ANSWER_WHY && k < p->schema.n; k++)
		bad |= put_why_name(out, p->schema.parts[k].name);
	if (asked & ANSWER_NEAR)
		bad |= buf_puts(out, "\tnear\tcosine");
	return (bad | buf_putc(out, '\n')) == 0 ? 0 : -1;
}

/* Labels joined by commas. */
static int
put_joined(struct buf *out, const struct strs *c, size_t first, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if ((k > 0 && buf_putc(out, ',') < 0) ||
		    put_field(out, strs_get(c, first + k)) < 0)
			return -1;
	return 0;
}

static int
put_said(struct buf *out, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	size_t best;
	int some = 0;

	if (a->P == NULL)
		return buf_putc(out, '\t');
	if (p->task == TASK_REGRESS)
		return json_put_float(out, a->P[0]) < 0 ? -1
							: buf_putc(out, '\t');
	if (p->task == TASK_CLASS) {
		best = loss_best(a->P, p->C);
		if (!answer_rejected(a) &&
		    put_field(out, strs_get(&p->classes, best)) < 0)
			return -1;
		return buf_putc(out, '\t') < 0
			   ? -1
			   : json_put_float(out, a->P[best]);
	}
	for (size_t c = 0; c < p->C; c++)
		if (answer_said(a, c) &&
		    ((some++ > 0 && buf_putc(out, ',') < 0) ||
			put_field(out, strs_get(&p->classes, c)) < 0))
			return -1;
	return buf_putc(out, '\t');
}

/* ---- what was asked for ---- */

static int
put_set(struct buf *out, const struct answer *a)
{
	const struct predictor *p = a->predictor;
	float lo, hi;
	int some = 0;

	if (buf_putc(out, '\t') < 0)
		return -1;
	if (p->task == TASK_REGRESS) {
		if (a->P == NULL || !answer_interval(a, &lo, &hi))
			return buf_putc(out, '\t');
		return json_put_float(out, lo) < 0 || buf_putc(out, '\t') < 0
			   ? -1
			   : json_put_float(out, hi);
	}
	for (size_t c = 0; a->P != NULL && c < p->C; c++)
		if (answer_in_set(a, c) &&
		    ((some++ > 0 && buf_putc(out, ',') < 0) ||
			put_field(out, strs_get(&p->classes, c)) < 0))
			return -1;
	return 0;
}

static int
put_imputed(struct buf *out, const struct answer *a)
{
	const struct schema *s = &a->predictor->schema;
	int some = 0;

	if (buf_putc(out, '\t') < 0)
		return -1;
	for (size_t k = 0; a->P != NULL && k < s->n; k++)
		if (a->filled >> k & 1 &&
		    ((some++ > 0 && buf_putc(out, ',') < 0) ||
			csv_put_field(out, CSV_TAB, s->parts[k].name,
			    strlen(s->parts[k].name)) < 0))
			return -1;
	return 0;
}

/* Column k of the shares, 0 being the base: of several labels joined by
 * commas. */
static int
put_share(struct buf *out, const struct answer *a, size_t k)
{
	const struct shares *w = a->why;
	size_t at, n;

	if (buf_putc(out, '\t') < 0)
		return -1;
	if (a->P == NULL)
		return 0;
	n = batch_range(w->end, a->why_record, &at);
	for (size_t o = at; o < at + n; o++)
		if ((o > at && buf_putc(out, ',') < 0) ||
		    answer_share(out, a->predictor,
			k == 0 ? w->base[o] : w->share[o * w->parts + k - 1]) <
			0)
			return -1;
	return 0;
}

static int
put_near(struct buf *out, const struct answer *a)
{
	size_t n = a->P != NULL ? a->found : 0;

	if (buf_putc(out, '\t') < 0)
		return -1;
	for (size_t k = 0; k < n; k++)
		if ((k > 0 && buf_putc(out, ',') < 0) ||
		    put_field(out, intern_get(&a->neighbours->id, a->near[k])) <
			0)
			return -1;
	if (buf_putc(out, '\t') < 0)
		return -1;
	for (size_t k = 0; k < n; k++)
		if ((k > 0 && buf_putc(out, ',') < 0) ||
		    json_put_float(out, a->cosine[k]) < 0)
			return -1;
	return 0;
}

static int
put_asked(struct buf *out, const struct answer *a)
{
	if (a->asked & ANSWER_COVER && put_set(out, a) < 0)
		return -1;
	if (a->asked & ANSWER_REJECT &&
	    buf_puts(out, answer_rejected(a) ? "\ttrue" : "\t") < 0)
		return -1;
	if (a->predictor->impute != NULL && put_imputed(out, a) < 0)
		return -1;
	for (size_t k = 0; a->asked & ANSWER_WHY && k <= a->predictor->schema.n;
	     k++)
		if (put_share(out, a, k) < 0)
			return -1;
	return a->asked & ANSWER_NEAR ? put_near(out, a) : 0;
}

int
answer_tsv(struct buf *out, const struct answer *a)
{
	const struct batch *b = a->batch;
	size_t first, n = batch_range(b->label_end, a->record, &first);
	double target = b->target[a->record];

	if (put_field(out, strs_get(&b->id, a->record)) < 0 ||
	    buf_putc(out, '\t') < 0 || put_said(out, a) < 0 ||
	    buf_putc(out, '\t') < 0)
		return -1;
	if (n == 0 && isfinite(target) && json_put_double(out, target) < 0)
		return -1;
	if (put_joined(out, &b->label, first, n) < 0 || buf_putc(out, '\t') < 0)
		return -1;
	if (a->P == NULL &&
	    csv_put_field(out, CSV_TAB, a->error, strlen(a->error)) < 0)
		return -1;
	if (put_asked(out, a) < 0)
		return -1;
	return buf_putc(out, '\n');
}
