#include "fusion/suspect.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "fusion/answers.h"

static struct str
label_name(const struct suspects *s, uint32_t k)
{
	return intern_get(&s->ds->label, k);
}

static int
put_float(struct buf *b, double x)
{
	return json_put_float(b, (float)x);
}

static int
put_bool(struct buf *b, int x)
{
	return buf_puts(b, x ? "true" : "false");
}

/* What part k alone says of the record, or NULL where it has it not. */
static const float *
part_says(const struct suspects *s, const struct suspect *x, size_t k)
{
	const float *p = k < s->t->held_parts ? s->t->held_part[k] : NULL;

	if (p == NULL || isnan(p[x->row * s->ds->C]))
		return NULL;
	return p + x->row * s->ds->C;
}

/* ---- JSON ---- */

static int
put_name(struct buf *b, const struct suspects *s, uint32_t k)
{
	struct str name = label_name(s, k);

	return json_put_string(b, name.s, name.len);
}

static int
put_by(struct buf *b, const struct suspects *s, const struct suspect *x)
{
	const struct dataset *ds = s->ds;
	const char *comma = "";
	int bad = buf_puts(b, ",\"by\":{");

	for (size_t k = 0; k < ds->parts; k++) {
		const char *name = ds->feature[k].name;
		const float *p = part_says(s, x, k);

		if (p == NULL)
			continue;
		bad |= buf_puts(b, comma);
		bad |= json_put_string(b, name, strlen(name));
		bad |= buf_putc(b, ':');
		if (ds->task == TASK_CLASS)
			bad |= put_name(b, s, (uint32_t)loss_best(p, ds->C));
		else if (ds->task == TASK_MULTILABEL)
			bad |= put_bool(b, p[x->label] >= 0.5f);
		else
			bad |= put_float(b, (double)p[0]);
		comma = ",";
	}
	return bad | buf_putc(b, '}');
}

int
suspect_jsonl(struct buf *out, const struct suspects *s, size_t i)
{
	const struct suspect *x = &s->list[i];
	enum task task = s->ds->task;
	int bad = buf_puts(out, "{\"id\":");

	bad |= json_put_string(out, x->id.s, x->id.len);
	if (task == TASK_REGRESS) {
		bad |= buf_puts(out, ",\"value\":");
		bad |= json_put_double(out, s->ds->target[x->row]);
		bad |= buf_puts(out, ",\"says\":");
		bad |= put_float(out, x->says_p);
	} else {
		bad |= buf_puts(out, ",\"label\":");
		bad |= put_name(out, s, x->label);
		if (task == TASK_MULTILABEL) {
			bad |= buf_puts(out, ",\"given\":");
			bad |= put_bool(out, x->given);
		}
		bad |= buf_puts(out, ",\"p\":");
		bad |= put_float(out, x->p);
		bad |= buf_puts(out, ",\"says\":");
		bad |= task == TASK_CLASS ? put_name(out, s, x->says)
					  : put_bool(out, x->says != 0);
		bad |= buf_puts(out, ",\"says_p\":");
		bad |= put_float(out, x->says_p);
	}
	bad |= put_by(out, s, x);
	bad |= buf_puts(out, ",\"doubt\":");
	bad |= put_float(out, x->doubt);
	return (bad | buf_puts(out, "}\n")) ? -1 : 0;
}

/* ---- TSV ---- */

int
suspect_tsv_header(struct buf *out, const struct suspects *s)
{
	static const char *const names[] = {
		[TASK_CLASS] = "id\tlabel\tp\tsays\tsays_p\tdoubt",
		[TASK_MULTILABEL] = "id\tlabel\tgiven\tp\tsays\tsays_p\tdoubt",
		[TASK_REGRESS] = "id\tvalue\tsays\tdoubt",
	};
	int bad = buf_puts(out, names[s->ds->task]);

	for (size_t k = 0; k < s->ds->parts; k++) {
		const char *name = s->ds->feature[k].name;

		bad |= buf_puts(out, "\tby.");
		bad |= csv_put_field(out, CSV_TAB, name, strlen(name));
	}
	return (bad | buf_putc(out, '\n')) ? -1 : 0;
}

static int
put_field(struct buf *b, struct str s)
{
	return csv_put_field(b, CSV_TAB, s.s, s.len);
}

static int
put_by_fields(struct buf *b, const struct suspects *s, const struct suspect *x)
{
	const struct dataset *ds = s->ds;
	int bad = 0;

	for (size_t k = 0; k < ds->parts; k++) {
		const float *p = part_says(s, x, k);

		bad |= buf_putc(b, '\t');
		if (p == NULL)
			continue;
		if (ds->task == TASK_CLASS)
			bad |= put_field(
			    b, label_name(s, (uint32_t)loss_best(p, ds->C)));
		else if (ds->task == TASK_MULTILABEL)
			bad |= put_bool(b, p[x->label] >= 0.5f);
		else
			bad |= put_float(b, (double)p[0]);
	}
	return bad;
}

int
suspect_tsv(struct buf *out, const struct suspects *s, size_t i)
{
	const struct suspect *x = &s->list[i];
	enum task task = s->ds->task;
	int bad = put_field(out, x->id) | buf_putc(out, '\t');

	if (task == TASK_REGRESS) {
		bad |= json_put_double(out, s->ds->target[x->row]);
		bad |= buf_putc(out, '\t');
		bad |= put_float(out, x->says_p);
	} else {
		bad |= put_field(out, label_name(s, x->label));
		bad |= buf_putc(out, '\t');
		if (task == TASK_MULTILABEL)
			bad |= put_bool(out, x->given) | buf_putc(out, '\t');
		bad |= put_float(out, x->p) | buf_putc(out, '\t');
		bad |= task == TASK_CLASS
			   ? put_field(out, label_name(s, x->says))
			   : put_bool(out, x->says != 0);
		bad |= buf_putc(out, '\t') | put_float(out, x->says_p);
	}
	bad |= buf_putc(out, '\t') | put_float(out, x->doubt);
	bad |= put_by_fields(out, s, x);
	return (bad | buf_putc(out, '\n')) ? -1 : 0;
}
