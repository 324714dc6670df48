#include "learn/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

enum { NAME_WIDTH = 24 };
#define WHOLE ((size_t)0) /* a width: as long as it is */

static size_t
figure_count(const struct report *r)
{
	size_t n;

	scores_names(r->g->s.task, &n);
	return n;
}

static int
wanted(const struct report *r, size_t k)
{
	return (r->chosen >> k & 1) != 0;
}

int
report_undefined(const struct report *r)
{
	size_t n = figure_count(r);
	int missing = 0;

	for (size_t k = 0; k < n; k++)
		for (int x = 0; x < r->g->systems && wanted(r, k); x++)
			missing += isnan(r->f->value[x][k]) ? 1 : 0;
	return missing;
}

static struct interval
interval_of(const struct report *r, int which, size_t k)
{
	return r->f->interval[(size_t)which * figure_count(r) + k];
}

/* ---- text ---- */

/* A name, controls as \xHH; in a column cut to width with "...", padded. */
static int
put_cell(struct buf *b, struct str s, size_t width)
{
	size_t at = 0;
	int bad = 0;

	for (size_t i = 0; i < s.len;) {
		uint32_t cp;
		int used = utf8_decode(s.s + i, s.len - i, &cp);
		size_t step = (size_t)(used < 0 ? -used : used);
		int plain = used > 0 && cp >= 0x20 && (cp < 0x7f || cp > 0x9f);

		if (width != WHOLE &&
		    at + (plain ? 1 : 4) + (i + step < s.len ? 3 : 0) > width) {
			bad |= buf_puts(b, "...");
			at += 3;
			break;
		}
		if (plain)
			bad |= buf_put(b, s.s + i, step);
		else
			bad |= buf_printf(
			    b, "\\x%02X", (unsigned)(unsigned char)s.s[i]);
		at += plain ? 1 : 4;
		i += step;
	}
	for (; at < width; at++)
		bad |= buf_putc(b, ' ');
	return bad;
}

static int
put_name(struct buf *b, const char *s, size_t width)
{
	return put_cell(b, (struct str){ s, strlen(s) }, width);
}

/* Values of a regression have the unit of what is predicted, so they get
 * digits, not decimals. */
static int
put_value(struct buf *b, const struct report *r, size_t k, double x)
{
	int units = r->g->s.task == SCORE_REGRESS &&
		    (k == REGRESS_MAE || k == REGRESS_RMSE);

	if (isnan(x))
		return buf_printf(b, "%11s", "undefined");
	return buf_printf(b, units ? "%11.5g" : "%11.4f", x);
}

static int
put_interval(
    struct buf *b, const struct report *r, size_t k, struct interval iv)
{
	int bad = 0;

	if (isnan(iv.lo))
		return buf_printf(b, "%26s", "undefined");
	bad |= put_value(b, r, k, iv.lo);
	bad |= buf_puts(b, " .. ");
	return bad | put_value(b, r, k, iv.hi);
}

static int
text_head(struct buf *b, const struct report *r)
{
	const struct scoring *g = r->g;
	int bad = buf_printf(b, "%zu records", g->n);

	if (g->s.task == SCORE_CLASS)
		bad |= buf_printf(b, ", %zu classes", g->s.K);
	if (g->s.task == SCORE_MULTILABEL)
		bad |= buf_printf(b, ", %zu labels", g->s.K);
	if (g->grouped)
		bad |= buf_printf(b, ", %zu groups", g->units);
	return bad | buf_puts(b, "\n");
}

/* The column heads, and a line for each figure. */
static int
text_figures(struct buf *b, const struct report *r)
{
	size_t n;
	const struct score_name *names = scores_names(r->g->s.task, &n);
	int bad = put_name(b, "", NAME_WIDTH);

	bad |= buf_printf(b, "%11s", "value");
	if (r->f->rounds > 0)
		bad |= buf_printf(b, "%26s", "95 % interval");
	bad |= buf_puts(b, "\n");
	for (size_t k = 0; k < n; k++) {
		if (!wanted(r, k))
			continue;
		bad |= put_name(b, names[k].title, NAME_WIDTH);
		bad |= put_value(b, r, k, r->f->value[0][k]);
		if (r->f->rounds > 0)
			bad |= put_interval(b, r, k, interval_of(r, 0, k));
		bad |= buf_puts(b, "\n");
	}
	return bad;
}

static int
text_comparison(struct buf *b, const struct report *r)
{
	size_t n;
	const struct score_name *names = scores_names(r->g->s.task, &n);
	int bad = 0;

	bad |= buf_puts(b, "A: ");
	bad |= put_name(b, r->name[0], WHOLE);
	bad |= buf_puts(b, "\nB: ");
	bad |= put_name(b, r->name[1], WHOLE);
	bad |= buf_puts(b, "\n");
	bad |= put_name(b, "", NAME_WIDTH);
	bad |= buf_printf(b, "%11s%11s%11s", "A", "B", "A - B");
	if (r->f->rounds > 0)
		bad |= buf_printf(b, "%26s%9s", "95 % interval", "p");
	bad |= buf_puts(b, "\n");
	for (size_t k = 0; k < n; k++) {
		const double *a = r->f->value[0], *v = r->f->value[1];

		if (!wanted(r, k))
			continue;
		bad |= put_name(b, names[k].title, NAME_WIDTH);
		bad |= put_value(b, r, k, a[k]);
		bad |= put_value(b, r, k, v[k]);
		bad |= put_value(b, r, k, a[k] - v[k]);
		if (r->f->rounds > 0) {
			bad |= put_interval(b, r, k, interval_of(r, 2, k));
			if (isnan(r->f->p[k]))
				bad |= buf_printf(b, " %11s", "undefined");
			else
				bad |= buf_printf(b, "%9.4f", r->f->p[k]);
		}
		bad |= buf_puts(b, "\n");
	}
	if (r->g->s.task != SCORE_CLASS)
		return bad;
	bad |= buf_printf(b, "only A is right: %" PRIu64 ", only B: %" PRIu64,
	    r->f->only_a, r->f->only_b);
	if (!isnan(r->f->mcnemar))
		bad |=
		    buf_printf(b, "; McNemar's exact p = %.4g", r->f->mcnemar);
	return bad | buf_puts(b, "\n");
}

static int
put_ratio(struct buf *b, double x)
{
	return isnan(x) ? buf_printf(b, "%11s", "undefined")
			: buf_printf(b, "%11.4f", x);
}

/* One line for each class of A. */
static int
text_classes(struct buf *b, const struct report *r, const struct tally *t)
{
	int bad = buf_puts(b, "\n");

	bad |= put_name(
	    b, r->g->s.task == SCORE_CLASS ? "class" : "label", NAME_WIDTH);
	bad |= buf_printf(
	    b, "%11s%11s%11s%9s\n", "precision", "recall", "F1", "records");
	for (size_t k = 0; k < r->g->s.K; k++) {
		if (t[k].support + t[k].predicted == 0)
			continue;
		bad |= put_cell(b, intern_get(&r->g->name, k), NAME_WIDTH - 1);
		bad |= buf_puts(b, " ");
		bad |= put_ratio(b, metrics_precision(&t[k]));
		bad |= put_ratio(b, metrics_recall(&t[k]));
		bad |= put_ratio(b, metrics_f1(&t[k]));
		bad |= buf_printf(b, "%9" PRIu64 "\n", t[k].support);
	}
	return bad;
}

/* A class and how often it occurs, for sorting. */
struct frequent {
	uint64_t n;
	size_t k;
};

static int
more_frequent(const void *pa, const void *pb)
{
	const struct frequent *a = pa, *b = pb;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return a->k < b->k ? -1 : a->k > b->k;
}

/*
 * column: [K] where each class stands in the table, "other" being the last;
 * returns how many columns there are.  shown: [REPORT_CLASSES + 1].
 */
static size_t
choose_columns(const struct report *r, const struct tally *t,
    struct frequent *all, size_t *column, size_t *shown)
{
	size_t K = r->g->s.K, some = 0, n;

	for (size_t k = 0; k < K; k++) {
		all[k] = (struct frequent){ t[k].support + t[k].predicted, k };
		some += all[k].n > 0;
		column[k] = SIZE_MAX;
	}
	qsort(all, K, sizeof(*all), more_frequent);
	n = some <= REPORT_CLASSES ? some : REPORT_CLASSES - 1;
	for (size_t i = 0; i < n; i++)
		column[all[i].k] = 0;
	for (size_t k = 0, at = 0; k < K; k++)
		if (column[k] == 0) {
			shown[at] = k;
			column[k] = at++;
		} else {
			column[k] = n;
		}
	return some <= REPORT_CLASSES ? n : n + 1;
}

static struct str
column_name(
    const struct report *r, const size_t *shown, size_t i, size_t n, int others)
{
	if (others && i + 1 == n)
		return (struct str){ "(other)", 7 };
	return intern_get(&r->g->name, shown[i]);
}

/* Rows are the truth, columns the predictions of A. */
static int
text_confusion(struct buf *b, const struct report *r, const struct tally *t)
{
	const struct scores *s = &r->g->s;
	struct frequent *all = mem_array(s->K, sizeof(*all));
	size_t *column = mem_array(s->K, sizeof(*column));
	size_t shown[REPORT_CLASSES + 1], n, others;
	uint64_t cells[REPORT_CLASSES * REPORT_CLASSES] = { 0 };
	int bad = all == NULL || column == NULL;

	if (bad)
		goto done;
	n = choose_columns(r, t, all, column, shown);
	others = n == REPORT_CLASSES && s->K > REPORT_CLASSES;
	for (size_t i = 0; i < r->g->n; i++)
		cells[column[s->truth[i]] * n + column[s->guess[i]]]++;
	bad |= buf_puts(b, "\n");
	bad |= put_name(b, "truth \\ predicted", NAME_WIDTH);
	for (size_t i = 0; i < n; i++) {
		bad |= buf_puts(b, " ");
		bad |= put_cell(b, column_name(r, shown, i, n, others != 0), 7);
	}
	while (b->data[b->len - 1] == ' ')
		b->len--;
	bad |= buf_puts(b, "\n");
	for (size_t i = 0; i < n; i++) {
		bad |= put_cell(b, column_name(r, shown, i, n, others != 0),
		    NAME_WIDTH - 1);
		bad |= buf_puts(b, " ");
		for (size_t k = 0; k < n; k++)
			bad |= buf_printf(b, "%8" PRIu64, cells[i * n + k]);
		bad |= buf_puts(b, "\n");
	}
done:
	free(all);
	free(column);
	return bad;
}

/* Hits and support of the first system's predictions alone. */
static struct tally *
tally_first(const struct report *r)
{
	const struct scores *s = &r->g->s;
	struct tally *t = mem_array(s->K, sizeof(*t));
	uint32_t *w = mem_array(s->n, sizeof(*w));

	if (t != NULL && w != NULL) {
		for (size_t i = 0; i < r->g->n; i++)
			w[i] = 1;
		scores_tally(s, w, t);
	} else {
		free(t);
		t = NULL;
	}
	free(w);
	return t;
}

int
report_text(struct buf *out, const struct report *r)
{
	struct tally *t;
	int bad = text_head(out, r);

	bad |=
	    r->g->systems == 2 ? text_comparison(out, r) : text_figures(out, r);
	if (r->summary || r->g->s.task == SCORE_REGRESS)
		return bad ? -1 : 0;
	t = tally_first(r);
	bad |= t == NULL;
	if (t != NULL)
		bad |= text_classes(out, r, t);
	if (t != NULL && r->g->s.task == SCORE_CLASS)
		bad |= text_confusion(out, r, t);
	free(t);
	return bad ? -1 : 0;
}

/* ---- JSON ---- */

static int
put_number(struct buf *b, double x)
{
	return isnan(x) ? buf_puts(b, "null") : json_put_double(b, x);
}

/* "key":x for every figure that is wanted; comma before each. */
static int
json_values(struct buf *b, const struct report *r, const double *x)
{
	size_t n;
	const struct score_name *names = scores_names(r->g->s.task, &n);
	const char *comma = b->len > 0 && b->data[b->len - 1] == '{' ? "" : ",";
	int bad = 0;

	for (size_t k = 0; k < n; k++) {
		if (!wanted(r, k))
			continue;
		bad |= buf_printf(b, "%s\"%s\":", comma, names[k].key);
		bad |= put_number(b, x[k]);
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
		struct interval iv = interval_of(r, which, k);

		if (!wanted(r, k))
			continue;
		bad |= buf_printf(b, "%s\"%s\":", comma, names[k].key);
		comma = ",";
		if (isnan(iv.lo)) {
			bad |= buf_puts(b, "null");
			continue;
		}
		bad |= buf_puts(b, "[");
		bad |= put_number(b, iv.lo);
		bad |= buf_puts(b, ",");
		bad |= put_number(b, iv.hi);
		bad |= buf_puts(b, "]");
	}
	return bad | buf_puts(b, "}");
}

static int
json_comparison(struct buf *b, const struct report *r)
{
	double difference[SCORES_MAX];
	int bad = 0;

	for (size_t k = 0; k < SCORES_MAX; k++)
		difference[k] = r->f->value[0][k] - r->f->value[1][k];
	bad |= buf_puts(b, ",\"vs\":{");
	bad |= json_values(b, r, r->f->value[1]);
	if (r->f->rounds > 0)
		bad |= json_intervals(b, r, "interval", 1);
	bad |= buf_puts(b, "},\"difference\":{");
	bad |= json_values(b, r, difference);
	if (r->f->rounds > 0) {
		bad |= json_intervals(b, r, "interval", 2);
		bad |= buf_puts(b, ",\"p\":{");
		bad |= json_values(b, r, r->f->p);
		bad |= buf_puts(b, "}");
	}
	bad |= buf_puts(b, "}");
	if (r->g->s.task != SCORE_CLASS)
		return bad;
	bad |= buf_printf(b,
	    ",\"mcnemar\":{\"only_first\":%" PRIu64 ",\"only_vs\":%" PRIu64
	    ",\"p\":",
	    r->f->only_a, r->f->only_b);
	bad |= put_number(b, r->f->mcnemar);
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
		bad |= put_number(b, metrics_precision(&t[k]));
		bad |= buf_puts(b, ",\"recall\":");
		bad |= put_number(b, metrics_recall(&t[k]));
		bad |= buf_puts(b, ",\"f1\":");
		bad |= put_number(b, metrics_f1(&t[k]));
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
	return bad | buf_printf(b, ",\"bootstrap\":%zu", r->f->rounds);
}

int
report_json(struct buf *out, const struct report *r)
{
	struct tally *t;
	int bad = json_head(out, r);

	bad |= json_values(out, r, r->f->value[0]);
	if (r->f->rounds > 0)
		bad |= json_intervals(out, r, "interval", 0);
	if (r->g->systems == 2)
		bad |= json_comparison(out, r);
	if (!r->summary && r->g->s.task != SCORE_REGRESS) {
		t = tally_first(r);
		bad |= t == NULL;
		if (t != NULL)
			bad |= json_classes(out, r, t);
		if (t != NULL && r->g->s.task == SCORE_CLASS)
			bad |= json_confusion(out, r);
		free(t);
	}
	return (bad | buf_puts(out, "}\n")) ? -1 : 0;
}
