#include "fusion/ablate.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "learn/report.h"

enum { NAME_WIDTH = 24 };

static const char *
part_name(const struct ablation *a, int k)
{
	return a->p->schema.parts[k].name;
}

/* "image+text" */
static int
put_parts(struct buf *b, const struct ablation *a, uint64_t parts)
{
	int bad = 0, some = 0;

	for (int k = 0; k < INPUTS_MAX_PARTS; k++)
		if (parts >> k & 1) {
			bad |= some++ > 0 ? buf_putc(b, '+') : 0;
			bad |= buf_puts(b, part_name(a, k));
		}
	return some > 0 ? bad : buf_puts(b, "none");
}

static int
put_name(struct buf *b, const struct ablation *a, const struct probe *p)
{
	int bad;

	if (p->part < 0)
		return put_parts(b, a, p->keep);
	bad = buf_puts(b, part_name(a, p->part));
	return bad | buf_printf(b, ", noise %g", p->noise);
}

/* Noise of 0 says what no noise says. */
static int
shown(const struct ablation *a, size_t i)
{
	return i > 0 || a->n == 1 || a->probe[1].part < 0;
}

static size_t
name_width(const struct ablation *a)
{
	struct buf b = { 0 };
	size_t most = NAME_WIDTH;

	for (size_t i = 0; i < a->n; i++) {
		b.len = 0;
		if (put_name(&b, a, &a->probe[i]) == 0 && b.len > most)
			most = b.len;
	}
	buf_free(&b);
	return most;
}

/* ---- text ---- */

static int
put_value(struct buf *b, const struct ablation *a, size_t k, double x)
{
	int units =
	    a->task == SCORE_REGRESS &&
	    (k == REGRESS_MAE || k == REGRESS_RMSE || k == REGRESS_WIDTH);

	if (isnan(x))
		return buf_printf(b, "%10s", "undefined");
	return buf_printf(b, units ? "%10.4g" : "%10.4f", x);
}

static int
put_interval(
    struct buf *b, const struct ablation *a, size_t k, struct interval iv)
{
	int bad;

	if (isnan(iv.lo))
		return buf_printf(b, "%23s", "undefined");
	bad = put_value(b, a, k, iv.lo);
	bad |= buf_puts(b, " ..");
	return bad | put_value(b, a, k, iv.hi);
}

static int
put_row(struct buf *b, const struct ablation *a, const struct probe *p,
    size_t k, size_t width)
{
	size_t n, from = b->len;
	int bad = put_name(b, a, p);
	double d = p->f.value[0][k] - p->f.value[1][k];

	scores_names(a->task, &n);
	while (!bad && b->len < from + width)
		bad |= buf_putc(b, ' ');
	bad |= buf_printf(b, "%8zu", p->n);
	bad |= put_value(b, a, k, p->f.value[0][k]);
	if (a->rounds > 0)
		bad |= put_interval(b, a, k, p->f.interval[k]);
	if (!p->paired)
		return bad | buf_putc(b, '\n');
	bad |= put_value(b, a, k, d);
	if (a->rounds > 0) {
		bad |= put_interval(b, a, k, p->f.interval[2 * n + k]);
		bad |= isnan(p->f.p[k]) ? buf_printf(b, "%10s", "undefined")
					: buf_printf(b, "%10.4f", p->f.p[k]);
	}
	return bad | buf_putc(b, '\n');
}

/* One figure of every probe. */
static int
put_figure(struct buf *b, const struct ablation *a, const char *title, size_t k,
    size_t width)
{
	int bad = buf_printf(
	    b, "\n%-*s%8s%10s", (int)width, title, "records", "value");
	int patterns = 0;

	if (a->rounds > 0)
		bad |= buf_printf(b, "%23s", "95 % interval");
	bad |= buf_printf(b, "%10s", "- all");
	if (a->rounds > 0)
		bad |= buf_printf(b, "%23s%10s", "95 % interval", "p");
	bad |= buf_putc(b, '\n');
	for (size_t i = 0; i < a->n; i++) {
		const struct probe *p = &a->probe[i];

		if (!shown(a, i))
			continue;
		if (p->pattern && patterns++ == 0)
			bad |= buf_puts(b, "of records that have only\n");
		bad |= put_row(b, a, p, k, width);
	}
	return bad;
}

static const char *
things(const struct ablation *a)
{
	return a->task == SCORE_CLASS ? "classes" : "labels";
}

int
ablation_text(struct buf *out, const struct ablation *a)
{
	size_t n, width = name_width(a);
	const struct score_name *names = scores_names(a->task, &n);
	int bad = buf_printf(out, "%zu records", a->probe[0].n);

	if (a->task != SCORE_REGRESS)
		bad |= buf_printf(out, ", %zu %s", a->K, things(a));
	if (a->grouped)
		bad |= buf_printf(out, ", %zu groups", a->units);
	bad |= buf_putc(out, '\n');
	for (size_t k = 0; k < n; k++)
		if (a->figures >> k & 1)
			bad |= put_figure(out, a, names[k].title, k, width);
	return bad ? -1 : 0;
}

/* ---- JSON ---- */

static int
json_parts(struct buf *b, const struct ablation *a, uint64_t parts)
{
	const char *comma = "";
	int bad = buf_putc(b, '[');

	for (int k = 0; k < INPUTS_MAX_PARTS; k++)
		if (parts >> k & 1) {
			const char *s = part_name(a, k);

			bad |= buf_puts(b, comma);
			bad |= json_put_string(b, s, strlen(s));
			comma = ",";
		}
	return bad | buf_putc(b, ']');
}

static int
json_probe(struct buf *b, const struct ablation *a, const struct probe *p)
{
	struct scoring g = { .systems = p->paired ? 2 : 1, .s.task = a->task };
	struct report r = { .g = &g, .f = &p->f, .chosen = a->figures };
	int bad = buf_putc(b, '{');

	if (p->part >= 0) {
		const char *s = part_name(a, p->part);

		bad |= buf_puts(b, "\"part\":");
		bad |= json_put_string(b, s, strlen(s));
		bad |= buf_puts(b, ",\"noise\":");
		bad |= json_put_double(b, p->noise);
	} else {
		bad |= buf_puts(b, "\"parts\":");
		bad |= json_parts(b, a, p->keep);
	}
	bad |= buf_printf(b, ",\"records\":%zu", p->n);
	bad |= report_row_json(b, &r);
	return bad | buf_putc(b, '}');
}

/* ,"subsets":[...] or what it is, of probes that are patterns or not. */
static int
json_probes(
    struct buf *b, const struct ablation *a, const char *key, int pattern)
{
	const char *comma = "";
	int bad = buf_printf(b, ",\"%s\":[", key);

	for (size_t i = 0; i < a->n; i++) {
		if (!shown(a, i) || a->probe[i].pattern != pattern)
			continue;
		bad |= buf_puts(b, comma);
		bad |= json_probe(b, a, &a->probe[i]);
		comma = ",";
	}
	return bad | buf_putc(b, ']');
}

int
ablation_json(struct buf *out, const struct ablation *a)
{
	static const char *const tasks[] = { "class", "multilabel", "regress" };
	const struct scoring_count *c = &a->count;
	int noise = a->n > 1 && a->probe[1].part >= 0;
	int bad = buf_printf(out,
	    "{\"task\":\"%s\",\"records\":%zu,\"errors\":%zu,"
	    "\"in_training\":%zu,\"without_truth\":%zu",
	    tasks[a->task], a->probe[0].n, c->errors, c->trained, c->no_truth);

	if (a->grouped)
		bad |= buf_printf(out, ",\"groups\":%zu", a->units);
	bad |= buf_printf(out, ",\"bootstrap\":%zu,\"parts\":", a->rounds);
	bad |= json_parts(out, a, a->parts);
	bad |= json_probes(out, a, noise ? "noise" : "subsets", 0);
	if (!noise)
		bad |= json_probes(out, a, "patterns", 1);
	return (bad | buf_puts(out, "}\n")) ? -1 : 0;
}

int
ablation_undefined(const struct ablation *a)
{
	int missing = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < SCORES_MAX; k++)
			if (a->figures >> k & 1)
				missing +=
				    isnan(a->probe[i].f.value[0][k]) != 0;
	return missing;
}
