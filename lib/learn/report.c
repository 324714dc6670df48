#include "learn/report_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { NAME_WIDTH = 24 };
#define WHOLE ((size_t)0) /* a width: as long as it is */

size_t
report_count(const struct report *r)
{
	size_t n;

	scores_names(r->g->s.task, &n);
	return n;
}

int
report_wants(const struct report *r, size_t k)
{
	unsigned chosen = r->chosen;

	if (chosen == REPORT_ALL)
		chosen &= scores_has(&r->g->s);
	return (chosen >> k & 1) != 0;
}

int
report_undefined(const struct report *r)
{
	size_t n = report_count(r);
	int missing = 0;

	for (size_t k = 0; k < n; k++)
		for (int x = 0; x < r->g->systems && report_wants(r, k); x++)
			missing += !isfinite(r->f->value[x][k]) ? 1 : 0;
	return missing;
}

struct interval
report_interval(const struct report *r, int which, size_t k)
{
	return r->f->interval[(size_t)which * report_count(r) + k];
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
	int units =
	    r->g->s.task == SCORE_REGRESS &&
	    (k == REGRESS_MAE || k == REGRESS_RMSE || k == REGRESS_WIDTH);

	if (!isfinite(x))
		return buf_printf(b, "%11s", "undefined");
	return buf_printf(b, units ? "%11.5g" : "%11.4f", x);
}

static int
put_interval(
    struct buf *b, const struct report *r, size_t k, struct interval iv)
{
	int bad = 0;

	if (!isfinite(iv.lo) || !isfinite(iv.hi))
		return buf_printf(b, "%26s", "undefined");
	bad |= put_value(b, r, k, iv.lo);
	bad |= buf_puts(b, " .. ");
	return bad | put_value(b, r, k, iv.hi);
}

double
report_accepted(const struct scoring_count *c)
{
	return (double)c->accepted / (double)(c->accepted + c->rejected);
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
	bad |= buf_puts(b, "\n");
	for (int x = 0; x < g->systems; x++) {
		const struct scoring_count *c = &g->count[x];

		if (c->rejected > 0)
			bad |= buf_printf(b, "%s%zu of %zu accepted: %.4f\n",
			    g->systems == 1 ? ""
			    : x == 0        ? "A: "
					    : "B: ",
			    c->accepted, c->accepted + c->rejected,
			    report_accepted(c));
	}
	return bad;
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
		if (!report_wants(r, k))
			continue;
		bad |= put_name(b, names[k].title, NAME_WIDTH);
		bad |= put_value(b, r, k, r->f->value[0][k]);
		if (r->f->rounds > 0 && !names[k].alone)
			bad |= put_interval(b, r, k, report_interval(r, 0, k));
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

		if (!report_wants(r, k))
			continue;
		bad |= put_name(b, names[k].title, NAME_WIDTH);
		bad |= put_value(b, r, k, a[k]);
		bad |= put_value(b, r, k, v[k]);
		if (!names[k].alone)
			bad |= put_value(b, r, k, a[k] - v[k]);
		if (r->f->rounds > 0 && !names[k].alone) {
			bad |= put_interval(b, r, k, report_interval(r, 2, k));
			if (!isfinite(r->f->p[k]))
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
	return !isfinite(x) ? buf_printf(b, "%11s", "undefined")
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

struct tally *
report_tally(const struct report *r)
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
	t = report_tally(r);
	bad |= t == NULL;
	if (t != NULL)
		bad |= text_classes(out, r, t);
	if (t != NULL && r->g->s.task == SCORE_CLASS)
		bad |= text_confusion(out, r, t);
	free(t);
	return bad ? -1 : 0;
}
