#include "vec/vecpipe.h"

#include <stdlib.h>
#include <string.h>

#include "vec/input.h"
#include "vec/le.h"
#include "vec/output.h"

struct vp_reader {
	char *path;
	struct input *in;
	struct batch b;
	size_t i;        /* the record at hand in b, plus one */
	struct buf text; /* strings that were asked for, with a NUL each */
};

/* tell: hand the sentence on.  -1. */
static int
tell(struct vp_error *to, const struct error *e)
{
	_Static_assert(sizeof(to->text) >= ERROR_MAX, "room for a sentence");
	if (to != NULL)
		memcpy(to->text, e->text, ERROR_MAX);
	return -1;
}

static enum vp_kind
kind_of(enum part_kind kind)
{
	return kind == PART_DENSE    ? VP_DENSE
	       : kind == PART_SPARSE ? VP_SPARSE
				     : VP_SEQUENCE;
}

/* ---- reading ---- */

struct vp_reader *
vp_open(const char *path, struct vp_error *to)
{
	struct vp_reader *r = mem_array(1, sizeof(*r));
	struct error e = { 0 };

	if (path == NULL)
		path = "-";
	if (r == NULL || (r->path = mem_strndup(path, strlen(path))) == NULL) {
		error_memory(&e);
		goto fail;
	}
	r->in = input_open(&r->path, 1, &e);
	if (r->in == NULL || batch_init(&r->b, input_schema(r->in), &e) == -1)
		goto fail;
	return r;
fail:
	tell(to, &e);
	vp_close(r);
	return NULL;
}

void
vp_close(struct vp_reader *r)
{
	if (r == NULL)
		return;
	batch_free(&r->b);
	input_close(r->in);
	free(r->path);
	buf_free(&r->text);
	free(r);
}

int
vp_parts(const struct vp_reader *r)
{
	return (int)r->b.schema->n;
}

int
vp_part(const struct vp_reader *r, const char *name)
{
	return schema_find(r->b.schema, name);
}

const char *
vp_part_name(const struct vp_reader *r, int p)
{
	return r->b.schema->parts[p].name;
}

enum vp_kind
vp_part_kind(const struct vp_reader *r, int p)
{
	return kind_of(r->b.schema->parts[p].kind);
}

uint32_t
vp_part_dim(const struct vp_reader *r, int p)
{
	return r->b.schema->parts[p].dim;
}

const char *
vp_part_space(const struct vp_reader *r, int p)
{
	return r->b.schema->parts[p].space;
}

/*
 * The strings of a record, numbered: its id, its group, its labels, then each
 * part's error.  In a batch they have no NUL; vp_next puts them end to end,
 * with one, so that asking for them cannot fail.
 */
enum { STRING_ID, STRING_GROUP, STRING_LABEL };

static size_t
string_count(const struct vp_reader *r)
{
	return STRING_LABEL + vp_labels(r) + r->b.schema->n;
}

static struct str
string(const struct vp_reader *r, size_t k)
{
	const struct batch *b = &r->b;
	size_t i = r->i - 1, from, labels = batch_range(b->label_end, i, &from);

	if (k == STRING_ID)
		return strs_get(&b->id, i);
	if (k == STRING_GROUP)
		return strs_get(&b->group, i);
	if (k < STRING_LABEL + labels)
		return strs_get(&b->label, from + k - STRING_LABEL);
	return strs_get(&b->parts[k - STRING_LABEL - labels].error, i);
}

static int
place_strings(struct vp_reader *r)
{
	r->text.len = 0;
	for (size_t k = 0; k < string_count(r); k++) {
		struct str s = string(r, k);

		if (buf_put(&r->text, s.s, s.len) == -1 ||
		    buf_putc(&r->text, '\0') == -1)
			return -1;
	}
	return 0;
}

static const char *
placed(const struct vp_reader *r, size_t k, size_t *len)
{
	size_t at = 0;

	for (size_t before = 0; before < k; before++)
		at += string(r, before).len + 1;
	if (len != NULL)
		*len = string(r, k).len;
	return r->text.data + at;
}

int
vp_next(struct vp_reader *r, struct vp_error *to)
{
	struct error e = { 0 };
	int rc;

	while (r->i >= r->b.n) {
		rc = input_next(r->in, &r->b, &e);
		r->i = 0;
		if (rc == -1)
			return tell(to, &e);
		if (rc == 0)
			return 0;
	}
	r->i++;
	if (place_strings(r) == 0)
		return 1;
	error_memory(&e);
	return tell(to, &e);
}

const char *
vp_id(const struct vp_reader *r, size_t *len)
{
	return placed(r, STRING_ID, len);
}

const char *
vp_group(const struct vp_reader *r, size_t *len)
{
	return placed(r, STRING_GROUP, len);
}

size_t
vp_labels(const struct vp_reader *r)
{
	size_t from;

	return batch_range(r->b.label_end, r->i - 1, &from);
}

const char *
vp_label(const struct vp_reader *r, size_t k, size_t *len)
{
	return placed(r, STRING_LABEL + k, len);
}

double
vp_target(const struct vp_reader *r)
{
	return r->b.target[r->i - 1];
}

double
vp_weight(const struct vp_reader *r)
{
	return r->b.weight[r->i - 1];
}

int
vp_has(const struct vp_reader *r, int p)
{
	return r->b.parts[p].mask[r->i - 1];
}

const char *
vp_part_error(const struct vp_reader *r, int p, size_t *len)
{
	return placed(r, STRING_LABEL + vp_labels(r) + (size_t)p, len);
}

const float *
vp_dense(const struct vp_reader *r, int p)
{
	if (!vp_has(r, p))
		return NULL;
	return r->b.parts[p].dense + (r->i - 1) * r->b.schema->parts[p].dim;
}

size_t
vp_sparse(const struct vp_reader *r, int p, const uint32_t **index,
    const float **value)
{
	const struct part_column *c = &r->b.parts[p];
	size_t from, n = batch_range(c->end, r->i - 1, &from);

	*index = n > 0 ? c->index + from : NULL;
	*value = n > 0 ? c->value + from : NULL;
	return n;
}

size_t
vp_rows(
    const struct vp_reader *r, int p, const float **value, const double **time)
{
	const struct part_column *c = &r->b.parts[p];
	size_t from, n = batch_range(c->end, r->i - 1, &from);

	*value = n > 0 ? c->value + from * r->b.schema->parts[p].dim : NULL;
	if (time != NULL)
		*time = n > 0 ? c->time + 2 * from : NULL;
	return n;
}

/* ---- writing ---- */

struct vp_writer {
	char *path;
	struct schema schema;
	struct output *out; /* NULL before the first record */
	struct batch b;     /* the record that is being filled, or none */
};

struct vp_writer *
vp_create(const char *path, struct vp_error *to)
{
	struct vp_writer *w = mem_array(1, sizeof(*w));
	struct error e = { 0 };

	if (path == NULL)
		path = "-";
	if (w != NULL && (w->path = mem_strndup(path, strlen(path))) != NULL)
		return w;
	free(w);
	error_memory(&e);
	tell(to, &e);
	return NULL;
}

static void
writer_free(struct vp_writer *w)
{
	batch_free(&w->b);
	schema_free(&w->schema);
	free(w->path);
	free(w);
}

int
vp_add_part(struct vp_writer *w, const char *name, enum vp_kind kind,
    uint32_t dim, const char *space, struct vp_error *to)
{
	static const enum part_kind kinds[] = { PART_DENSE, PART_SPARSE,
		PART_SEQUENCE };
	struct error e = { 0 };

	if (w->out != NULL) {
		error_set(&e, "part '%s' comes after the first record", name);
		return tell(to, &e);
	}
	if (schema_add(&w->schema, name, kinds[kind], dim, space, NULL, &e) ==
	    -1)
		return tell(to, &e);
	return (int)w->schema.n - 1;
}

/* begin: the parts are known; open the output. */
static int
begin(struct vp_writer *w, struct error *e)
{
	if (w->out != NULL)
		return 0;
	if (batch_init(&w->b, &w->schema, e) == -1)
		return -1;
	w->out = output_open(w->path, FORMAT_VP, &w->schema, e);
	if (w->out != NULL)
		return 0;
	batch_free(&w->b);
	return -1;
}

/* put_last: the record that was filled goes to the output. */
static int
put_last(struct vp_writer *w, struct error *e)
{
	int rc = output_put_all(w->out, &w->b, e);

	batch_clear(&w->b);
	return rc;
}

int
vp_put(struct vp_writer *w, const char *id, size_t len, struct vp_error *to)
{
	struct error e = { 0 };

	if (begin(w, &e) == 0 && put_last(w, &e) == 0 &&
	    batch_add(&w->b, id, len, &e) == 0)
		return 0;
	return tell(to, &e);
}

/* filling: there is a record, and where p is not -1 a part of that kind. */
static int
filling(const struct vp_writer *w, int p, enum vp_kind kind, struct error *e)
{
	if (w->b.n == 0)
		return error_set(e, "no record was begun");
	if (p < 0 || (size_t)p >= w->schema.n)
		return error_set(e, "no part %d", p);
	if (kind_of(w->schema.parts[p].kind) != kind)
		return error_set(e, "part '%s' is %s", w->schema.parts[p].name,
		    part_kind_name(w->schema.parts[p].kind));
	return 0;
}

static int
finite(
    const struct vp_writer *w, int p, const float *x, size_t n, struct error *e)
{
	if (n == 0 || le_all_finite(x, n))
		return 0;
	return error_set(
	    e, "part '%s': non-finite value", w->schema.parts[p].name);
}

int
vp_put_label(
    struct vp_writer *w, const char *s, size_t len, struct vp_error *to)
{
	struct error e = { 0 };

	if (w->b.n == 0)
		error_set(&e, "no record was begun");
	else if (batch_label(&w->b, s, len, &e) == 0)
		return 0;
	return tell(to, &e);
}

int
vp_put_group(
    struct vp_writer *w, const char *s, size_t len, struct vp_error *to)
{
	struct error e = { 0 };

	if (w->b.n == 0)
		error_set(&e, "no record was begun");
	else if (batch_group(&w->b, s, len, &e) == 0)
		return 0;
	return tell(to, &e);
}

void
vp_put_target(struct vp_writer *w, double target)
{
	if (w->b.n > 0)
		w->b.target[0] = target;
}

void
vp_put_weight(struct vp_writer *w, double weight)
{
	if (w->b.n > 0)
		w->b.weight[0] = weight;
}

int
vp_put_dense(struct vp_writer *w, int p, const float *x, struct vp_error *to)
{
	struct error e = { 0 };

	if (filling(w, p, VP_DENSE, &e) == -1 ||
	    finite(w, p, x, w->schema.parts[p].dim, &e) == -1)
		return tell(to, &e);
	memcpy(batch_dense(&w->b, (size_t)p), x,
	    w->schema.parts[p].dim * sizeof(*x));
	return 0;
}

/* increasing: index: [n] as a sparse part needs it. */
static int
increasing(const struct vp_writer *w, int p, const uint32_t *index, size_t n,
    struct error *e)
{
	for (size_t k = 0; k < n; k++)
		if (index[k] >= w->schema.parts[p].dim ||
		    (k > 0 && index[k] <= index[k - 1]))
			return error_set(e,
			    "part '%s': index %lu is not in "
			    "order, or not below dim",
			    w->schema.parts[p].name, (unsigned long)index[k]);
	return 0;
}

int
vp_put_sparse(struct vp_writer *w, int p, const uint32_t *index,
    const float *value, size_t n, struct vp_error *to)
{
	struct error e = { 0 };
	uint32_t *to_index;
	float *to_value;

	if (filling(w, p, VP_SPARSE, &e) == -1 ||
	    increasing(w, p, index, n, &e) == -1 ||
	    finite(w, p, value, n, &e) == -1)
		return tell(to, &e);
	if (batch_sparse(&w->b, (size_t)p, n, &to_index, &to_value) == -1) {
		error_memory(&e);
		return tell(to, &e);
	}
	if (n > 0) {
		memcpy(to_index, index, n * sizeof(*index));
		memcpy(to_value, value, n * sizeof(*value));
	}
	return 0;
}

int
vp_put_rows(struct vp_writer *w, int p, const float *rows, const double *time,
    size_t n, struct vp_error *to)
{
	struct error e = { 0 };
	size_t dim, all;
	double *to_time;
	float *to_rows;

	if (filling(w, p, VP_SEQUENCE, &e) == -1)
		return tell(to, &e);
	dim = w->schema.parts[p].dim;
	if (__builtin_mul_overflow(n, dim, &all) ||
	    all > VEC_MAX_RECORD / sizeof(*rows)) {
		error_set(&e, "part '%s': more than %d MiB of rows",
		    w->schema.parts[p].name, VEC_MAX_RECORD >> 20);
		return tell(to, &e);
	}
	if (finite(w, p, rows, all, &e) == -1)
		return tell(to, &e);
	to_rows = batch_sequence(&w->b, (size_t)p, n, &to_time);
	if (to_rows == NULL) {
		error_memory(&e);
		return tell(to, &e);
	}
	if (n > 0)
		memcpy(to_rows, rows, all * sizeof(*rows));
	if (n > 0 && time != NULL)
		memcpy(to_time, time, 2 * n * sizeof(*time));
	return 0;
}

int
vp_put_error(struct vp_writer *w, int p, const char *text, struct vp_error *to)
{
	struct error e = { 0 };

	if (w->b.n == 0)
		error_set(&e, "no record was begun");
	else if (p < 0 || (size_t)p >= w->schema.n)
		error_set(&e, "no part %d", p);
	else if (batch_error(&w->b, (size_t)p, text, &e) == 0)
		return 0;
	return tell(to, &e);
}

int
vp_commit(struct vp_writer *w, struct vp_error *to)
{
	struct error e = { 0 };
	int rc = begin(w, &e);

	if (rc == 0 && (rc = put_last(w, &e)) == -1)
		output_abort(w->out, "vp_commit");
	else if (rc == 0)
		rc = output_close(w->out, &e);
	writer_free(w);
	return rc == 0 ? 0 : tell(to, &e);
}

void
vp_abort(struct vp_writer *w, const char *tool)
{
	if (w == NULL)
		return;
	output_abort(w->out, tool);
	writer_free(w);
}
