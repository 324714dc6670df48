#include "learn/report_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"

/* "key":x for every figure that is report_wants, comma before each; with those
 * that stand alone, or without. */
static int
json_values(struct buf *b, const struct report *r, const double *x, int alone)
{
	size_t n;
	const struct score_name *names = scores_names(r->g->s.task, &n);
	const char *comma = b->len > 0 && b->data[b->len - 1] == '{' ? "" : ",";
	int bad = 0;

	for (size_t k = 0; k < n; k++) {
		if (!report_wants(r, k) || (names[k].alone && !alone))
			continue;
		bad |= buf_printf(b, "%s\"%s\":", comma, names[k].key);
		bad |= json_put_known(b, x[k]);
		comma = ",";
	}
	return bad;
}

/* ,"key":{"accuracy":[lo,hi],...} */
static int
json_intervals(
    struct buf *b, const struct report *r, const char *key, int which)
{
	size_t n;
	const struct score_name *names = scores_names(r->g->s.task, &n);
	const char *comma = "";
	int bad = buf_printf(b, ",\"%s\":{", key);

	for (size_t k = 0; k < n; k++) {
		struct interval iv = report_interval(r, which, k);

		if (!report_wants(r, k) || names[k].alone)
			continue;
		bad |= buf_printf(b, "%s\"%s\":", comma, names[k].key);
		comma = ",";
		if (!isfinite(iv.lo) || !isfinite(iv.hi)) {
			bad |= buf_puts(b, "null");
			continue;
		}
		bad |= buf_puts(b, "[");
		bad |= json_put_known(b, iv.lo);
		bad |= buf_puts(b, ",");
		bad |= json_put_known(b, iv.hi);
		bad |= buf_puts(b, "]");
	}
	return bad | buf_puts(b, "}");
}

static int
json_difference(struct buf *b, const struct report *r)
{
	double difference[SCORES_MAX];
	int bad = 0;

	for (size_t k = 0; k < SCORES_MAX; k++)
		difference[k] = r->f->value[0][k] - r->f->value[1][k];
	bad |= buf_puts(b, ",\"difference\":{");
	bad |= json_values(b, r, difference, 0);
	if (r->f->rounds > 0) {
		bad |= json_intervals(b, r, "interval", 2);
		bad |= buf_puts(b, ",\"p\":{");
		bad |= json_values(b, r, r->f->p, 0);
		bad |= buf_puts(b, "}");
	}
	return bad | buf_puts(b, "}");
}

int
report_row_json(struct buf *b, const struct report *r)
{
	int bad = json_values(b, r, r->f->value[0], 1);

	if (r->f->rounds > 0)
		bad |= json_intervals(b, r, "interval", 0);
	if (r->g->systems == 2)
		bad |= json_difference(b, r);
	return bad ? -1 : 0;
}

static int
json_comparison(struct buf *b, const struct report *r)
{
	int bad = 0;

	bad |= buf_puts(b, ",\"vs\":{");
	bad |= json_values(b, r, r->f->value[1], 1);
	if (r->f->rounds > 0)
		bad |= json_intervals(b, r, "interval", 1);
	bad |= buf_puts(b, "}");
	bad |= json_difference(b, r);
	if (r->g->s.task != SCORE_CLASS)
		return bad;
	bad |= buf_printf(b,
	    ",\"mcnemar\":{\"only_first\":%" PRIu64 ",\"only_vs\":%" PRIu64
	    ",\"p\":",
	    r->f->only_a, r->f->only_b);
	bad |= json_put_known(b, r->f->mcnemar);
	return bad | buf_puts(b, "}");
}

static int
put_label(struct buf *b, const struct report *r, size_t k)
{
	struct str s = intern_get(&r->g->name, k);

	return json_put_string(b, s.s, s.len);
}

static int
json_classes(struct buf *b, const struct report *r, const struct tally *t)
{
	const char *comma = "";
	int bad = buf_puts(b, ",\"per_class\":[");

	for (size_t k = 0; k < r->g->s.K; k++) {
		if (t[k].support + t[k].predicted == 0)
			continue;
		bad |= buf_printf(b, "%s{\"label\":", comma);
		comma = ",";
		bad |= put_label(b, r, k);
		bad |= buf_puts(b, ",\"precision\":");
		bad |= json_put_known(b, metrics_precision(&t[k]));
		bad |= buf_puts(b, ",\"recall\":");
		bad |= json_put_known(b, metrics_recall(&t[k]));
		bad |= buf_puts(b, ",\"f1\":");
		bad |= json_put_known(b, metrics_f1(&t[k]));
		bad |= buf_printf(b,
		    ",\"support\":%" PRIu64 ",\"predicted\":%" PRIu64 "}",
		    t[k].support, t[k].predicted);
	}
	return bad | buf_puts(b, "]");
}

static int
by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

/* Every pair of truth and prediction that occurs, with its count. */
static int
json_confusion(struct buf *b, const struct report *r)
{
	const struct scores *s = &r->g->s;
	uint64_t *pair = mem_array(r->g->n, sizeof(*pair));
	int bad = pair == NULL;

	if (bad)
		return bad;
	for (size_t i = 0; i < r->g->n; i++)
		pair[i] = (uint64_t)s->truth[i] << 32 | s->guess[i];
	qsort(pair, r->g->n, sizeof(*pair), by_value);
	bad |= buf_puts(b, ",\"confusion\":[");
	for (size_t i = 0, j; i < r->g->n; i = j) {
		for (j = i; j < r->g->n && pair[j] == pair[i];)
			j++;
		bad |= buf_puts(b, i > 0 ? ",{\"truth\":" : "{\"truth\":");
		bad |= put_label(b, r, (size_t)(pair[i] >> 32));
		bad |= buf_puts(b, ",\"label\":");
		bad |= put_label(b, r, (size_t)(uint32_t)pair[i]);
		bad |= buf_printf(b, ",\"n\":%zu}", j - i);
	}
	free(pair);
	return bad | buf_puts(b, "]");
}

static int
json_head(struct buf *b, const struct report *r)
{
	static const char *const tasks[] = { "class", "multilabel", "regress" };
	const struct scoring_count *c = &r->g->count[0];
	int bad = buf_printf(b,
	    "{\"task\":\"%s\",\"records\":%zu,\"errors\":%zu,"
	    "\"in_training\":%zu,\"without_truth\":%zu",
	    tasks[r->g->s.task], r->g->n, c->errors, c->trained, c->no_truth);

	if (r->g->grouped)
		bad |= buf_printf(b, ",\"groups\":%zu", r->g->units);
	if (c->rejected > 0)
		bad |= buf_printf(
			   b, ",\"rejected\":%zu,\"accepted\":", c->rejected) |
		       json_put_known(b, report_accepted(c));
	return bad | buf_printf(b, ",\"bootstrap\":%zu", r->f->rounds);
}

int
report_json(struct buf *out, const struct report *r)
{
	struct tally *t;
	int bad = json_head(out, r);

	bad |= json_values(out, r, r->f->value[0], 1);
	if (r->f->rounds > 0)
		bad |= json_intervals(out, r, "interval", 0);
	if (r->g->systems == 2)
		bad |= json_comparison(out, r);
	if (!r->summary && r->g->s.task != SCORE_REGRESS) {
		t = report_tally(r);
		bad |= t == NULL;
		if (t != NULL)
			bad |= json_classes(out, r, t);
		if (t != NULL && r->g->s.task == SCORE_CLASS)
			bad |= json_confusion(out, r);
		free(t);
	}
	return (bad | buf_puts(out, "}\n")) ? -1 : 0;
}
