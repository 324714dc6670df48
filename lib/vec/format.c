#include "vec/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "vec/format_private.h"
#include "vec/sniff.h"

/* ---- which format ---- */

static const struct {
	const char *name;
	const char *suffix[3];
} formats[] = {
	[FILE_AUTO] = { "auto", { NULL } },
	[FILE_VP] = { "vp", { ".vp" } },
	[FILE_JSONL] = { "jsonl", { ".jsonl", ".ndjson" } },
	[FILE_JSONL_FRAMED] = { "jsonl-framed", { NULL } },
	[FILE_NPY] = { "npy", { ".npy" } },
	[FILE_NPZ] = { "npz", { ".npz" } },
	[FILE_CSV] = { "csv", { ".csv" } },
	[FILE_TSV] = { "tsv", { ".tsv", ".tab" } },
	[FILE_SVMLIGHT] = { "svmlight", { ".svmlight", ".svm", ".libsvm" } },
	[FILE_SAFETENSORS] = { "safetensors", { ".safetensors" } },
};

enum { NFORMATS = sizeof(formats) / sizeof(formats[0]) };

const char *
format_name(enum file_format f)
{
	return formats[f].name;
}

enum file_format
format_of_path(const char *path)
{
	size_t n = strlen(path);

	for (int f = 0; f < NFORMATS; f++)
		for (int k = 0; k < 3 && formats[f].suffix[k] != NULL; k++) {
			const char *s = formats[f].suffix[k];

			if (n > strlen(s) &&
			    strcmp(path + n - strlen(s), s) == 0)
				return (enum file_format)f;
		}
	return FILE_AUTO;
}

enum file_format
format_of_bytes(const void *p, size_t n)
{
	const char *what = sniff(p, n), *s = p;
	size_t i = 0;

	if (what != NULL && strcmp(what, "a vecpipe stream") == 0)
		return FILE_VP;
	if (what != NULL && strcmp(what, "npy") == 0)
		return FILE_NPY;
	if (what != NULL && strcmp(what, "zip") == 0)
		return FILE_NPZ;
	if (what != NULL && strcmp(what, "safetensors") == 0)
		return FILE_SAFETENSORS;
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < n && memchr(" \t\r\n", s[i], 4) != NULL)
		i++;
	return i < n && s[i] == '{' ? FILE_JSONL : FILE_AUTO;
}

static const char *const field_names[FORMAT_FIELDS] = { "ids", "labels",
	"further labels", "targets", "weights", "groups", "source hashes",
	"flags", "missing parts", "errors" };

const char *
format_field_name(enum format_field k)
{
	return field_names[k];
}

/* ---- reading ---- */

struct format_reader *
format_open(const char *path, enum file_format f,
    const struct format_options *o, struct error *e)
{
	struct format_reader *r = mem_array(1, sizeof(*r));
	int rc;

	if (r == NULL) {
		error_memory(e);
		return NULL;
	}
	r->o = o;
	if (f == FILE_CSV || f == FILE_TSV)
		rc = format_open_csv(r, path, f, e);
	else if (f == FILE_SVMLIGHT)
		rc = format_open_svmlight(r, path, e);
	else
		rc = format_open_arrays(r, path, f, e);
	if (rc == 0)
		return r;
	format_close(r);
	return NULL;
}

void
format_close(struct format_reader *r)
{
	if (r == NULL)
		return;
	if (r->free != NULL)
		r->free(r->state);
	schema_free(&r->schema);
	buf_free(&r->text);
	buf_free(&r->end.unread);
	free(r);
}

const struct schema *
format_schema(const struct format_reader *r)
{
	return &r->schema;
}

const struct format_end *
format_end(const struct format_reader *r)
{
	return &r->end;
}

int
format_next(struct format_reader *r, struct batch *b, struct error *e)
{
	const struct strs *ids = r->o->ids;
	int rc;

	batch_clear(b);
	rc = r->next(r, b, e);
	if (rc == 0 && ids != NULL && ids->n > r->row)
		return error_set(
		    e, "%zu ids for %" PRIu64 " rows", ids->n, r->row);
	return rc;
}

void
format_reject(struct format_reader *r, const struct error *why)
{
	r->row++;
	if (r->end.rejected++ == 0)
		r->end.bad = *why;
}

int
format_row(
    struct format_reader *r, struct batch *b, struct str own, struct error *e)
{
	uint64_t row = r->row;
	char number[24];
	struct error why;

	if (r->o->ids != NULL) {
		if (row >= r->o->ids->n)
			return error_set(
			    e, "%zu ids for more rows", r->o->ids->n);
		own = strs_get(r->o->ids, (size_t)row);
	} else if (r->o->number) {
		own.s = number;
		own.len = (size_t)snprintf(
		    number, sizeof(number), "%" PRIu64, row + 1);
	}
	if (own.s == NULL)
		error_set(
		    &why, "no id (--ids FILE or --id-from line give one)");
	else if (batch_check_id(own.s, own.len, &why) == 0) {
		r->row++;
		return batch_add(b, own.s, own.len, e) == -1 ? -1 : 1;
	}
	error_at(&why, "row %" PRIu64, row + 1);
	format_reject(r, &why);
	return 0;
}

float
format_float(struct format_reader *r, double x)
{
	float f = (float)x;

	if ((double)f != x && !isnan(x))
		r->end.rounded++;
	return f;
}

int
format_place(const char *path, struct error *e)
{
	return strcmp(path, "-") == 0 ? error_at(e, "<stdin>")
				      : error_at(e, "'%s'", path);
}

int
format_read_all(const char *path, struct buf *out, struct error *e)
{
	return io_read_file(path, SIZE_MAX / 2, out, e);
}

/* ---- writing ---- */

/* The parts must be as many and of such kinds as the format can hold. */
static int
check_schema(const struct format_writer *w, struct error *e)
{
	const char *name = format_name(w->format);
	int one = w->format == FILE_NPY || w->format == FILE_SVMLIGHT;
	int sparse = w->format != FILE_NPY && w->format != FILE_CSV &&
		     w->format != FILE_TSV;

	if (one && w->schema.n != 1)
		return error_set(e, "%s holds one part, not %zu (--part NAME)",
		    name, w->schema.n);
	for (size_t i = 0; i < w->schema.n; i++) {
		const struct part *p = &w->schema.parts[i];

		if (p->kind == PART_SEQUENCE ||
		    (p->kind == PART_SPARSE && !sparse))
			return error_set(e,
			    "part '%s' is %s, which %s cannot hold", p->name,
			    part_kind_name(p->kind), name);
	}
	return 0;
}

static int
open_side(struct format_writer *w, struct error *e)
{
	if (w->o->ids_file != NULL) {
		if (io_create(&w->ids, w->o->ids_file, e) == -1)
			return -1;
		w->side |= 1;
	}
	if (w->o->labels_file != NULL) {
		if (io_create(&w->labels, w->o->labels_file, e) == -1)
			return -1;
		w->side |= 2;
	}
	return 0;
}

struct format_writer *
format_create(const char *path, enum file_format f, const struct schema *s,
    const struct format_options *o, struct error *e)
{
	struct format_writer *w = mem_array(1, sizeof(*w));
	int rc;

	if (w == NULL) {
		error_memory(e);
		return NULL;
	}
	w->format = f;
	w->path = path != NULL ? path : "-";
	w->o = o;
	if (schema_copy(&w->schema, s, e) == -1 || check_schema(w, e) == -1)
		goto fail;
	if (f == FILE_CSV || f == FILE_TSV)
		rc = format_create_csv(w, e);
	else if (f == FILE_SVMLIGHT)
		rc = format_create_svmlight(w, e);
	else
		rc = format_create_arrays(w, e);
	if (rc == -1 || open_side(w, e) == -1)
		goto fail;
	if (!w->late &&
	    (io_create(&w->to, path, e) == -1 || format_put_text(w, e) == -1))
		goto fail;
	return w;
fail:
	format_abandon(w);
	return NULL;
}

int
format_put_text(struct format_writer *w, struct error *e)
{
	int rc = io_put(&w->to, w->text.data, w->text.len, e);

	w->text.len = 0;
	return rc;
}

/* present: the fields that record i has, as bits. */
static unsigned
present(const struct batch *b, size_t i)
{
	size_t first, labels = batch_range(b->label_end, i, &first);
	unsigned has = 1 << FIELD_ID;

	if (labels > 0)
		has |= 1 << FIELD_LABEL;
	if (labels > 1)
		has |= 1 << FIELD_LABELS;
	if (!isnan(b->target[i]))
		has |= 1 << FIELD_TARGET;
	if (b->weight[i] < 1 || b->weight[i] > 1)
		has |= 1 << FIELD_WEIGHT;
	if (strs_get(&b->group, i).len > 0)
		has |= 1 << FIELD_GROUP;
	if (b->source[i] != 0)
		has |= 1 << FIELD_SOURCE;
	if (b->flags[i] != 0)
		has |= 1 << FIELD_FLAGS;
	for (size_t p = 0; p < b->schema->n; p++)
		if (!b->parts[p].mask[i]) {
			has |= 1 << FIELD_MASK;
			if (strs_get(&b->parts[p].error, i).len > 0)
				has |= 1 << FIELD_ERROR;
		}
	return has;
}

/* The id as a line, the labels as a line of labels.tsv. */
static int
put_side(
    struct format_writer *w, const struct batch *b, size_t i, struct error *e)
{
	struct str id = strs_get(&b->id, i), label;
	struct buf line = { 0 };
	size_t first, n = batch_range(b->label_end, i, &first);
	int bad = 0, rc = 0;

	if (w->side & 1 && (io_put(&w->ids, id.s, id.len, e) == -1 ||
			       io_put(&w->ids, "\n", 1, e) == -1))
		return -1;
	if (!(w->side & 2) || n == 0)
		return 0;
	bad |= csv_put_field(&line, CSV_TAB, id.s, id.len);
	for (size_t k = first; k < first + n; k++) {
		label = strs_get(&b->label, k);
		bad |= buf_putc(&line, '\t');
		bad |= csv_put_field(&line, CSV_TAB, label.s, label.len);
	}
	bad |= buf_putc(&line, '\n');
	rc = bad != 0 ? error_memory(e)
		      : io_put(&w->labels, line.data, line.len, e);
	buf_free(&line);
	return rc;
}

/* refuse: a part is missing and nothing may stand for it. */
static int
refuse(const struct format_writer *w, const struct batch *b, size_t i,
    struct error *e)
{
	struct str id = strs_get(&b->id, i);

	return error_set(e,
	    "record '%.*s' has no part '%s', and %s has no mask "
	    "(--missing zero, nan or drop)",
	    (int)id.len, id.s, w->schema.parts[0].name, format_name(w->format));
}

static int
put_record(
    struct format_writer *w, const struct batch *b, size_t i, struct error *e)
{
	unsigned has = present(b, i), holds = w->holds;

	if (has & ~holds & 1 << FIELD_MASK) {
		if (w->o->missing == MISSING_REFUSE)
			return refuse(w, b, i, e);
		if (w->o->missing == MISSING_DROP) {
			w->lost.dropped++;
			return 0;
		}
	}
	if (w->side & 1)
		holds |= 1 << FIELD_ID;
	if (w->side & 2)
		holds |= 1 << FIELD_LABEL | 1 << FIELD_LABELS;
	for (int k = 0; k < FORMAT_FIELDS; k++)
		if (has & ~holds & 1u << k)
			w->lost.n[k]++;
	if (w->side != 0 && put_side(w, b, i, e) == -1)
		return -1;
	return w->put(w, b, i, e);
}

int
format_put(struct format_writer *w, const struct batch *b, struct error *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (put_record(w, b, i, e) == -1)
			return -1;
	return 0;
}

const struct format_lost *
format_lost(const struct format_writer *w)
{
	return &w->lost;
}

static void
writer_free(struct format_writer *w)
{
	if (w->free != NULL)
		w->free(w->state);
	schema_free(&w->schema);
	buf_free(&w->text);
	free(w);
}

int
format_commit(struct format_writer *w, struct error *e)
{
	int rc = w->finish != NULL ? w->finish(w, e) : 0;

	/* The main file last: where it is new, all is. */
	if (rc == 0 && w->side & 1)
		rc = io_commit(&w->ids, e);
	if (rc == 0 && w->side & 2)
		rc = io_commit(&w->labels, e);
	if (rc == 0 && !w->late)
		rc = io_commit(&w->to, e);
	if (rc == -1) {
		format_abandon(w);
		return -1;
	}
	writer_free(w);
	return 0;
}

void
format_abandon(struct format_writer *w)
{
	if (w == NULL)
		return;
	/* A reader of a pipe gets the records that were whole. */
	if (!w->late && w->to.data != NULL && w->to.temp == NULL)
		io_flush(&w->to, NULL);
	io_abandon(&w->ids);
	io_abandon(&w->labels);
	io_abandon(&w->to);
	writer_free(w);
}
