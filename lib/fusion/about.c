#include "fusion/about.h"

#include <string.h>

#include "base/json.h"

enum { MOST = 12 }; /* names in a line */

static const char *
task_name(enum task task)
{
	switch (task) {
	case TASK_CLASS:
		return "one class of";
	case TASK_MULTILABEL:
		return "labels among";
	default:
		return "a number";
	}
}

static int
say_name(struct buf *b, const char *name)
{
	return json_put_string(b, name, strlen(name));
}

/* Names of a set of parts, or "no part". */
static int
say_parts(struct buf *b, const struct predictor *p, uint64_t parts)
{
	int some = 0, bad = 0;

	for (size_t k = 0; k < p->schema.n; k++) {
		if (!(parts >> k & 1))
			continue;
		if (some++ > 0)
			bad |= buf_puts(b, ", ");
		bad |= say_name(b, p->schema.parts[k].name);
	}
	return bad | (some == 0 ? buf_puts(b, "no part") : 0);
}

static int
say_answers(struct buf *b, const struct predictor *p)
{
	size_t n = p->task == TASK_REGRESS ? 0 : p->classes.n;
	int bad = buf_printf(b, "  predicts  %s", task_name(p->task));

	for (size_t c = 0; c < n && c < MOST; c++) {
		struct str s = strs_get(&p->classes, c);

		bad |= buf_puts(b, c > 0 ? ", " : " ");
		bad |= json_put_string(b, s.s, s.len);
		if (p->task == TASK_MULTILABEL)
			bad |= buf_printf(
			    b, " from %.3g on", predictor_threshold(p, c));
	}
	if (n > MOST)
		bad |= buf_printf(b, " and %zu more", n - MOST);
	return bad | buf_putc(b, '\n');
}

/* A number of the report by its path, if it is there. */
static int
say_number(struct buf *b, const struct predictor *p, const char *path,
    const char *before, const char *after)
{
	struct error e;
	struct str raw = { NULL, 0 };

	if (json_find_path(p->report, strlen(p->report), path, &raw, &e) < 1 ||
	    raw.len == 0 || raw.len > 32 ||
	    (raw.s[0] != '-' && (raw.s[0] < '0' || raw.s[0] > '9')))
		return 0;
	return buf_puts(b, before) | buf_put(b, raw.s, raw.len) |
	       buf_puts(b, after);
}

static int
say_report(struct buf *b, const struct predictor *p)
{
	int bad = 0;

	if (p->report == NULL)
		return 0;
	bad |= buf_puts(b, "  learnt    ");
	bad |= say_number(b, p, "records", "from ", " records");
	bad |= say_number(b, p, "groups", " in ", " groups");
	bad |= say_number(
	    b, p, "held_out.accuracy", "; out of fold: accuracy ", "");
	bad |= say_number(b, p, "held_out.r2", "; out of fold: r2 ", "");
	bad |= say_number(b, p, "held_out.log_loss", ", log loss ", "");
	return bad | buf_putc(b, '\n');
}

static int
say_reads(struct buf *b, const struct predictor *p)
{
	int bad = 0;

	for (size_t k = 0; k < p->schema.n; k++) {
		const struct part *t = &p->schema.parts[k];

		bad |= buf_puts(b, "  reads     ");
		bad |= say_name(b, t->name);
		bad |= buf_printf(
		    b, ": %s, dim %u", part_kind_name(t->kind), t->dim);
		if (t->kind == PART_SPARSE)
			bad |= buf_printf(b, ", %zu of them known",
			    p->scaling.part[k].active);
		if (!(p->scaling.live >> k & 1))
			bad |= buf_puts(b, ", constant in training");
		bad |= buf_putc(b, '\n');
	}
	return bad;
}

static int
say_members(struct buf *b, const struct predictor *p)
{
	int bad = 0;

	for (size_t m = 0; m < p->members; m++) {
		const struct member *t = &p->member[m];

		bad |= buf_puts(b, "  member    ");
		bad |= say_name(b, t->name != NULL ? t->name : "");
		if (t->kind == MEMBER_NET)
			bad |= buf_printf(b, ": net (%s, %zu parameters) of ",
			    net_kind_name(net_shape(t->net)->kind),
			    net_parameters(t->net));
		else
			bad |= buf_puts(b, ": linear in ");
		bad |= say_parts(b, p, t->parts);
		bad |= buf_putc(b, '\n');
	}
	return bad;
}

/* Which members speak for a record with those parts. */
static int
say_sets(struct buf *b, const struct predictor *p)
{
	int bad = 0;

	for (size_t s = 0; s < p->sets; s++) {
		const struct part_set *t = &p->set[s];
		double chance = 0;
		int some = 0;

		bad |= buf_puts(b, "  given     ");
		bad |= say_parts(b, p, t->parts);
		bad |= buf_puts(b, ": ");
		for (size_t m = 0; m < p->members; m++) {
			const char *name = p->member[m].name;

			if (t->mix[m] == 0)
				continue;
			if (some++ > 0)
				bad |= buf_puts(b, " + ");
			bad |= buf_printf(b, "%.3g ", (double)t->mix[m]);
			bad |= say_name(b, name != NULL ? name : "");
		}
		if (some == 0)
			bad |= buf_puts(b, "what is frequent");
		for (size_t c = 0; t->chance != NULL && c < p->C; c++)
			chance += (double)t->chance[c];
		if (chance > 0)
			bad |=
			    buf_printf(b, "; %.2g %% by chance", 100 * chance);
		if (t->doubts > 0)
			bad |= buf_printf(
			    b, "; %zu doubts for --cover", t->doubts);
		bad |= buf_putc(b, '\n');
	}
	return bad;
}

int
predictor_about(struct buf *out, const struct predictor *p)
{
	int bad = say_answers(out, p);

	if (p->method != NULL) {
		bad |= buf_puts(out, "  method    ");
		bad |= say_name(out, p->method);
		bad |= buf_putc(out, '\n');
	}
	bad |= say_report(out, p) | say_reads(out, p) | say_members(out, p) |
	       say_sets(out, p);
	if (p->impute != NULL)
		bad |= buf_printf(out, "  guesses   missing parts, by %s\n",
		    impute_kind(p->impute) == IMPUTE_RIDGE
			? "ridge regression from the others"
			: "their means");
	return bad == 0 ? 0 : -1;
}
