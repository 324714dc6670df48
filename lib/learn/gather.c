#include "learn/gather.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "learn/labels.h"
#include "vec/input.h"
#include "vec/occlude.h"

/* The number that record i is to get: from the stream, or from its label. */
static int
target_of(const struct batch *b, size_t i, const struct str *labels, size_t n,
    double *target, struct error *e)
{
	struct str id = strs_get(&b->id, i);

	*target = n == 0 ? b->target[i] : NAN;
	if (n == 0)
		return 0;
	if (n > 1)
		return error_set(
		    e, "record '%.*s': %zu targets", (int)id.len, id.s, n);
	if (num_read_double(labels[0].s, labels[0].len, target) !=
		labels[0].len ||
	    !isfinite(*target))
		return error_set(e, "record '%.*s': '%.*s' is not a number",
		    (int)id.len, id.s, (int)labels[0].len, labels[0].s);
	return 0;
}

static void
count(struct gathered *c, const struct batch *b, size_t i,
    enum dataset_taken taken)
{
	struct str id = strs_get(&b->id, i);

	c->records++;
	c->errors += batch_bad(b, i) || taken == DATASET_NOT_FINITE;
	c->no_label += taken == DATASET_NO_LABEL;
	c->targets += taken == DATASET_NO_LABEL && isfinite(b->target[i]);
	c->no_part += taken == DATASET_NO_PART;
	c->no_weight += taken == DATASET_NO_WEIGHT;
	if (taken == DATASET_NOT_FINITE && c->not_finite++ == 0) {
		memcpy(c->first_bad, id.s, id.len);
		c->first_bad[id.len] = '\0';
	}
}

static int
take_record(struct dataset *ds, const struct labels *l,
    const struct gather_options *o, const struct batch *b, size_t i,
    struct gathered *c, struct error *e)
{
	int use_labels = o->labels != NULL;
	const struct strs *from = use_labels ? &l->label : &b->label;
	struct str labels[VEC_MAX_LABELS], id = strs_get(&b->id, i);
	enum dataset_taken taken;
	size_t first = 0;
	int64_t n = use_labels ? labels_of(l, id, &first)
			       : (int64_t)batch_range(b->label_end, i, &first);
	double target = NAN;

	if (n > VEC_MAX_LABELS)
		return error_set(e, "record '%.*s': more than %d labels",
		    (int)id.len, id.s, VEC_MAX_LABELS);
	/* No label is not that none applies, unless the record says so. */
	if (!use_labels && n == 0 && ds->task != TASK_REGRESS) {
		if (!(b->flags[i] & FLAG_NO_LABEL))
			n = -1;
		else if (o->task == 0)
			ds->task = TASK_MULTILABEL;
	}
	for (int64_t k = 0; k < n; k++)
		if ((labels[k] = strs_get(from, first + (size_t)k)).len == 0)
			return error_set(e, "record '%.*s': a label is empty",
			    (int)id.len, id.s);
	if (ds->task == TASK_REGRESS && n >= 0 &&
	    target_of(b, i, labels, (size_t)n, &target, e) < 0)
		return -1;
	if (dataset_add(ds, b, i, labels, n > 0 ? (size_t)n : 0, n >= 0, target,
		&taken, e) < 0)
		return -1;
	count(c, b, i, taken);
	return 0;
}

static int
read_all(struct dataset *ds, const struct gather_options *o, struct input *in,
    struct gathered *c, struct error *e)
{
	struct labels labels = { 0 };
	struct batch b = { 0 };
	int rc = 0;

	if (o->labels != NULL)
		rc = labels_read(&labels, o->labels, o->header, e);
	/* Then a record without labels is one that none applies to. */
	if (o->task == 0 && labels.most > 1)
		ds->task = TASK_MULTILABEL;
	if (rc == 0)
		rc = batch_init(&b, input_schema(in), e);
	while (rc >= 0 && (rc = input_next(in, &b, e)) > 0)
		for (size_t i = 0; rc > 0 && i < b.n; i++)
			if (take_record(ds, &labels, o, &b, i, c, e) < 0)
				rc = -1;
	batch_free(&b);
	labels_free(&labels);
	return rc;
}

/* An item with a word or a cell taken away is no item to learn from. */
static int
refuse_occluded(const struct schema *s, struct error *e)
{
	for (size_t i = 0; i < s->n; i++)
		if (occlude_marked(&s->parts[i]))
			return error_set(e,
			    "part '%s': occluded vectors are for predict",
			    s->parts[i].name);
	return 0;
}

int
gather(struct dataset *ds, struct schema *schema, char *const *paths, int n,
    const struct gather_options *o, struct gathered *c, struct error *e)
{
	enum task task = o->task > 0 ? (enum task)(o->task - 1) : TASK_CLASS;
	struct input *in = input_open(paths, n, e);
	const struct input_end *end;
	int rc;

	if (in == NULL)
		return -1;
	rc = schema_copy(schema, input_schema(in), e);
	if (rc == 0)
		rc = refuse_occluded(schema, e);
	if (rc == 0)
		rc = dataset_init(ds, schema, task, o->task == 0, e);
	if (rc == 0)
		rc = read_all(ds, o, in, c, e);
	if (rc == 0) {
		end = input_end(in);
		c->records += end->rejected;
		c->errors += end->rejected;
		c->partial = end->partial;
		c->rejected = end->bad;
	}
	input_close(in);
	return rc;
}

/* One more sentence, made in ${text}. */
static int
note(struct strs *notes, const struct buf *text, int bad)
{
	return bad < 0 ? -1 : strs_add(notes, text->data, text->len);
}

static int
note_records(const struct gathered *c, struct strs *notes, struct buf *text)
{
	const struct {
		uint64_t n;
		const char *why;
	} left[] = {
		{ c->no_label, c->targets == 0
				   ? "no label"
				   : "no label, but targets (--task regress)" },
		{ c->no_part, "no part is there" },
		{ c->no_weight, "weight 0" },
	};
	int rc = 0;

	if (c->not_finite > 0) {
		rc = buf_printf(text,
		    "%" PRIu64 " records left out: non-finite value, first "
		    "in record '%s'",
		    c->not_finite, c->first_bad);
		rc = note(notes, text, rc);
	}
	for (size_t k = 0; rc == 0 && k < 3; k++) {
		if (left[k].n == 0)
			continue;
		text->len = 0;
		rc = buf_printf(text,
		    "%" PRIu64 " of %" PRIu64 " records left out: %s",
		    left[k].n, c->records, left[k].why);
		rc = note(notes, text, rc);
	}
	return rc;
}

static int
note_parts(const struct dataset *ds, struct strs *notes, struct buf *text)
{
	int rc = 0;

	for (size_t p = 0; rc == 0 && ds->n > 0 && p < ds->parts; p++) {
		const struct feature *f = &ds->feature[p];

		if (feature_present(f, ds->n) > 0)
			continue;
		text->len = 0;
		rc = buf_printf(
		    text, "part '%s' is missing in every record", f->name);
		rc = note(notes, text, rc);
	}
	return rc;
}

int
gathered_notes(const struct gathered *c, const struct dataset *ds, int quiet,
    struct strs *notes)
{
	static const char partial[] = "a stream says that it is partial";
	const char *rejected = c->rejected.text;
	struct buf text = { 0 };
	int rc = 0;

	if (c->partial)
		rc = strs_add(notes, partial, strlen(partial));
	if (rc == 0 && rejected[0] != '\0')
		rc = strs_add(notes, rejected, strlen(rejected));
	if (rc == 0 && !quiet)
		rc = note_records(c, notes, &text);
	text.len = 0;
	if (rc == 0 && !quiet)
		rc = note_parts(ds, notes, &text);
	buf_free(&text);
	return rc;
}

int
given_weight(struct given_weight *w, const char *text)
{
	const char *eq = strrchr(text, '=');

	if (eq == NULL || eq == text ||
	    num_parse_double(eq + 1, 0, 1e6, &w->weight) < 0)
		return -1;
	w->part = text;
	w->len = (size_t)(eq - text);
	return 0;
}

static size_t
part_of(const struct dataset *ds, const struct given_weight *w)
{
	size_t p = 0;

	while (p < ds->parts &&
	       (strlen(ds->feature[p].name) != w->len ||
		   memcmp(ds->feature[p].name, w->part, w->len) != 0))
		p++;
	return p;
}

double *
given_weights(const struct dataset *ds, const struct given_weight *w, size_t n,
    struct error *e)
{
	double *weight = mem_array(ds->parts, sizeof(*weight));

	if (weight == NULL) {
		error_memory(e);
		return NULL;
	}
	for (size_t p = 0; p < ds->parts; p++)
		weight[p] = (double)NAN;
	for (size_t k = 0; k < n; k++) {
		size_t p = part_of(ds, &w[k]);

		if (p == ds->parts) {
			error_set(e, "there is no part '%.*s'", (int)w[k].len,
			    w[k].part);
			free(weight);
			return NULL;
		}
		weight[p] = w[k].weight;
	}
	for (size_t p = 0; p < ds->parts; p++)
		if (!(weight[p] <= 0)) /* NaN is one to choose */
			return weight;
	error_set(e, "no part is left");
	free(weight);
	return NULL;
}
