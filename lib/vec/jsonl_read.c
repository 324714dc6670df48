#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vec/jsonl.h"

/* ---- lines ---- */

/* next_line: the next line in s->text: 1; 0 at the end; 2 longer than the
 * limit; -1. */
static int
next_line(struct jsonl_reader *s, struct error *e)
{
	int rc;

	s->whole = 1;
	if (s->ahead_at < s->ahead.len) {
		const char *from = s->ahead.data + s->ahead_at;
		size_t n = s->ahead.len - s->ahead_at;
		const char *lf = memchr(from, '\n', n);

		s->whole = lf != NULL;
		if (lf != NULL)
			n = (size_t)(lf - from);
		s->text.len = 0;
		if (buf_put(&s->text, from, n) == -1)
			return error_memory(e);
		s->ahead_at += n + (lf != NULL);
		rc = 1;
		if (s->ahead_at == s->ahead.len) {
			buf_free(&s->ahead);
			s->ahead_at = 0;
		}
	} else {
		rc = io_read_line(
		    s->from, &s->text, JSONL_MAX_LINE, &s->whole, e);
	}
	if (rc <= 0)
		return rc;
	hash_update(&s->hash, s->text.data, s->text.len);
	hash_update(&s->hash, "\n", 1);
	if (s->line++ == 0 && s->text.len >= 3 &&
	    memcmp(s->text.data, "\xef\xbb\xbf", 3) == 0) {
		s->text.len -= 3;
		memmove(s->text.data, s->text.data + 3, s->text.len);
	}
	return rc;
}

static int
is_blank(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (memchr(" \t\r", b->data[i], 3) == NULL)
			return 0;
	return 1;
}

/* at_line: put the number of the line at hand before the sentence. */
static int
at_line(const struct jsonl_reader *s, struct error *e)
{
	return error_at(e, "line %llu", (unsigned long long)s->line);
}

/* begins_with: the text is an object whose first key is this. */
static int
begins_with(struct jsonl_reader *s, const char *key)
{
	struct str k;

	json_init(&s->j, s->text.data, s->text.len);
	return json_object(&s->j) == 0 && json_object_next(&s->j, &k) > 0 &&
	       str_is(k, key);
}

/* ---- the parts ---- */

/* What one value of "vec" tells about its part. */
struct shape {
	int kind; /* of enum part_kind, -1 unknown */
	uint32_t dim;
};

static uint32_t
count_elements(struct json *j)
{
	uint32_t n = 0;

	json_array(j);
	while (json_array_next(j) > 0) {
		if (json_skip(j) == -1)
			return 0;
		n++;
	}
	return n;
}

static struct shape
look_at(struct json *j)
{
	struct shape s = { .kind = -1 };
	struct str key;
	int64_t dim;

	switch (json_peek(j)) {
	case JSON_ARRAY:
		s.kind = PART_DENSE;
		s.dim = count_elements(j);
		return s;
	case JSON_OBJECT:
		break;
	default:
		json_skip(j);
		return s;
	}
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "dim")) {
			if (json_integer(j, 1, VEC_MAX_SPARSE, &dim) == 0)
				s.dim = (uint32_t)dim;
			continue;
		}
		if (str_is(key, "idx"))
			s.kind = PART_SPARSE;
		if (str_is(key, "rows"))
			s.kind = PART_SEQUENCE;
		json_skip(j);
	}
	return s;
}

/* The parts as they become known.  names[i] has kinds[i]. */
struct known {
	struct strs names;
	struct shape *shapes;
	size_t cap, unknown;
};

static int
note_part(struct known *k, struct str name, struct shape shape)
{
	size_t i = 0;

	while (i < k->names.n && !str_eq(strs_get(&k->names, i), name))
		i++;
	if (i == k->names.n) {
		if (mem_grow(&k->shapes, &k->cap, i + 1, sizeof(*k->shapes)) ==
			-1 ||
		    strs_add(&k->names, name.s, name.len) == -1)
			return -1;
		k->shapes[i].kind = -1;
		k->unknown++;
	}
	if (k->shapes[i].kind == -1 && shape.kind != -1 && shape.dim > 0) {
		k->shapes[i] = shape;
		k->unknown--;
	}
	return 0;
}

/* note_line: take what the line at hand says about parts; a bad line is told
 * of when its turn comes to be read.  *seen: it has "vec". */
static int
note_line(struct jsonl_reader *s, const char *text, size_t n, struct known *k,
    int *seen)
{
	struct json *j = &s->j;
	struct buf name = { 0 };
	struct str key;
	int rc = 0;

	json_init(j, text, n);
	json_object(j);
	while (rc == 0 && json_object_next(j, &key) > 0) {
		if (!str_is(key, "vec")) {
			json_skip(j);
			continue;
		}
		*seen = 1;
		json_object(j);
		while (rc == 0 && json_object_next(j, &key) > 0) {
			struct shape shape;

			name.len = 0;
			rc = buf_put(&name, key.s, key.len);
			shape = look_at(j);
			if (rc == 0 && j->why == NULL)
				rc = note_part(k,
				    (struct str){ name.data, name.len }, shape);
		}
	}
	buf_free(&name);
	return rc;
}

static int
make_schema(struct jsonl_reader *s, const struct known *k,
    const struct schema *like, struct error *e)
{
	for (size_t i = 0; i < k->names.n; i++) {
		struct str n = strs_get(&k->names, i);
		struct shape shape = k->shapes[i];
		char *name;
		int rc;

		if (n.len > 0 && memchr(n.s, '\0', n.len) != NULL)
			return error_set(e, "a part's name with a NUL byte");
		name = mem_strndup(n.s, n.len);
		if (name == NULL)
			return error_memory(e);
		if (shape.kind == -1) {
			int p = like != NULL ? schema_find(like, name) : -1;

			shape.kind =
			    (int)(p < 0 ? PART_DENSE : like->parts[p].kind);
			shape.dim = p < 0 ? 1 : like->parts[p].dim;
		}
		rc = schema_add(&s->schema, name, (enum part_kind)shape.kind,
		    shape.dim, NULL, NULL, e);
		free(name);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* read_ahead: lines into s->ahead until their parts are known. */
static int
read_ahead(struct jsonl_reader *s, const struct schema *like, struct error *e)
{
	struct known k = { 0 };
	struct buf line = { 0 };
	int rc, seen = 0, whole = 1;

	/* The line that jsonl_open has looked at comes first. */
	if (buf_put(&line, s->text.data, s->text.len) == -1)
		goto memory;
	whole = s->whole;
	for (;;) {
		if (buf_put(&s->ahead, line.data, line.len) == -1 ||
		    (whole && buf_putc(&s->ahead, '\n') == -1) ||
		    note_line(s, line.data, line.len, &k, &seen) == -1)
			goto memory;
		if ((k.names.n > 0 && k.unknown == 0) ||
		    s->ahead.len >= JSONL_AHEAD)
			break;
		rc = io_read_line(s->from, &line, JSONL_MAX_LINE, &whole, e);
		if (rc == -1)
			goto out;
		if (rc == 0)
			break;
	}
	rc = make_schema(s, &k, like, e);
	if (rc == 0 && !seen)
		rc = error_set(e, "no record with \"vec\" in it");
	goto out;
memory:
	rc = error_memory(e);
out:
	buf_free(&line);
	strs_free(&k.names);
	free(k.shapes);
	return rc;
}

/* take_header: a frame's first line, of which the key "vecpipe" was read. */
static int
take_header(struct jsonl_reader *s, struct error *e)
{
	int64_t version;

	if (json_integer(&s->j, 0, INT64_MAX, &version) == -1)
		return json_error(&s->j, e);
	if (version != JSONL_VERSION)
		return error_set(e,
		    "needs version %lld of the JSON Lines form, this is %d",
		    (long long)version, JSONL_VERSION);
	return schema_parse(&s->schema, s->text.data, s->text.len, e);
}

int
jsonl_open(struct jsonl_reader *s, struct reader *from, uint64_t line,
    const struct schema *like, struct error *e)
{
	int rc;

	*s = (struct jsonl_reader){ .from = from, .line = line };
	hash_init(&s->hash, 0);
	do {
		rc = next_line(s, e);
		if (rc <= 0)
			return rc;
	} while (is_blank(&s->text));
	if (rc == 2) {
		error_set(e, "longer than %d bytes", JSONL_MAX_LINE);
		return at_line(s, e);
	}
	s->framed = begins_with(s, "vecpipe");
	if (s->framed) {
		if (take_header(s, e) == -1)
			return at_line(s, e);
		return 1;
	}
	/* It will be read, and counted, once more. */
	s->line--;
	hash_init(&s->hash, 0);
	return read_ahead(s, like, e) == -1 ? -1 : 1;
}

void
jsonl_free(struct jsonl_reader *s)
{
	schema_free(&s->schema);
	buf_free(&s->ahead);
	buf_free(&s->text);
	json_free(&s->j);
	json_free(&s->late);
	free(s->index);
	free(s->value);
	free(s->time);
	*s = (struct jsonl_reader){ 0 };
}

/* ---- values ---- */

/* Static sentences for json_refuse. */
static const char out_of_memory[] = "out of memory";

static void
take_sparse(struct jsonl_reader *s, struct batch *b, size_t p, struct json *j)
{
	uint32_t *index, dim = b->schema->parts[p].dim;
	size_t n = 0, values = 0;
	struct str key;
	int64_t number;
	float *value;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "dim")) {
			if (json_integer(j, 1, VEC_MAX_SPARSE, &number) == 0 &&
			    number != dim)
				json_refuse(j, "another dim than the records "
					       "before");
		} else if (str_is(key, "idx")) {
			json_array(j);
			while (json_array_next(j) > 0) {
				if (json_integer(
					j, 0, (int64_t)dim - 1, &number) == -1)
					return;
				if (n > 0 && s->index[n - 1] >= number) {
					json_refuse(j, "idx does not increase");
					return;
				}
				if (mem_grow(&s->index, &s->index_cap, n + 1,
					sizeof(*s->index)) == -1) {
					json_refuse(j, out_of_memory);
					return;
				}
				s->index[n++] = (uint32_t)number;
			}
		} else if (str_is(key, "val")) {
			json_array(j);
			while (json_array_next(j) > 0) {
				if (mem_grow(&s->value, &s->value_cap,
					values + 1, sizeof(*s->value)) == -1) {
					json_refuse(j, out_of_memory);
					return;
				}
				if (json_float(j, &s->value[values++]) == -1)
					return;
			}
		} else
			json_skip(j);
	}
	if (j->why != NULL)
		return;
	if (n != values)
		json_refuse(j, "idx and val differ in length");
	else if (batch_sparse(b, p, n, &index, &value) == -1)
		json_refuse(j, out_of_memory);
	else if (n > 0) {
		memcpy(index, s->index, n * sizeof(*index));
		memcpy(value, s->value, n * sizeof(*value));
	}
}

/* take_time: one [start, end] into out: [2]. */
static void
take_time(struct json *j, double *out)
{
	int n = 0;

	json_array(j);
	while (json_array_next(j) > 0) {
		if (n == 2) {
			json_refuse(j, "a time is [start, end]");
			return;
		}
		out[n] = NAN;
		if (json_peek(j) == JSON_NULL)
			json_null(j);
		else
			json_double(j, &out[n]);
		n++;
	}
	if (n != 2)
		json_refuse(j, "a time is [start, end]");
}

static size_t
take_rows(struct batch *b, size_t p, struct json *j)
{
	size_t rows = 0, got, dim = b->schema->parts[p].dim;
	float *x = batch_sequence(b, p, 0, NULL);

	json_array(j);
	while (json_array_next(j) > 0) {
		x = batch_rows(b, p, 1, NULL);
		if (x == NULL) {
			json_refuse(j, out_of_memory);
			return rows;
		}
		if (json_floats(j, x, dim, &got) == -1)
			return rows;
		if (got != dim)
			json_refuse(j, "fewer numbers than the part's dim");
		rows++;
	}
	return rows;
}

static void
take_sequence(struct jsonl_reader *s, struct batch *b, size_t p, struct json *j)
{
	size_t times = 0, rows = 0;
	int has_rows = 0, has_times = 0;
	struct str key;
	int64_t dim;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "dim")) {
			if (json_integer(j, 1, VEC_MAX_DIM, &dim) == 0 &&
			    dim != b->schema->parts[p].dim)
				json_refuse(j, "another dim than the records "
					       "before");
		} else if (str_is(key, "rows")) {
			has_rows = 1;
			rows = take_rows(b, p, j);
		} else if (str_is(key, "time")) {
			has_times = 1;
			json_array(j);
			while (json_array_next(j) > 0) {
				if (mem_grow(&s->time, &s->time_cap,
					2 * (times + 1),
					sizeof(*s->time)) == -1) {
					json_refuse(j, out_of_memory);
					return;
				}
				take_time(j, s->time + 2 * times++);
			}
		} else
			json_skip(j);
	}
	if (j->why != NULL)
		return;
	if (!has_rows)
		json_refuse(j, "a sequence needs rows");
	else if (has_times && times != rows)
		json_refuse(j, "rows and time differ in length");
	else if (has_times && rows > 0)
		memcpy(
		    b->parts[p].time + 2 * (b->parts[p].end[b->n - 1] - rows),
		    s->time, 2 * rows * sizeof(*s->time));
}

static void
take_dense(struct batch *b, size_t p, struct json *j)
{
	size_t got, dim = b->schema->parts[p].dim;

	if (json_peek(j) != JSON_ARRAY) {
		json_refuse(j, "not an array of numbers, as in the records "
			       "before");
		return;
	}
	if (json_floats(j, batch_dense(b, p), dim, &got) == 0 && got != dim)
		json_refuse(j, "fewer numbers than the part's dim");
}

/* part_of: the part that a key names, or -1 with the refusal. */
static int
part_of(const struct batch *b, struct json *j, struct str key)
{
	for (size_t p = 0; p < b->schema->n; p++)
		if (str_is(key, b->schema->parts[p].name))
			return (int)p;
	return json_refuse(j, "a part that the first records do not name "
			      "(write null where there are no values)");
}

static void
take_vec(struct jsonl_reader *s, struct batch *b, struct json *j)
{
	struct str key;
	int p;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (json_peek(j) == JSON_NULL) {
			json_null(j);
			continue;
		}
		p = part_of(b, j, key);
		if (p == -1)
			return;
		switch (b->schema->parts[p].kind) {
		case PART_DENSE:
			take_dense(b, (size_t)p, j);
			break;
		case PART_SPARSE:
			take_sparse(s, b, (size_t)p, j);
			break;
		case PART_SEQUENCE:
			take_sequence(s, b, (size_t)p, j);
			break;
		}
	}
}

static void
take_errors(struct batch *b, struct json *j)
{
	struct str key, why;
	int p;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		p = part_of(b, j, key);
		if (p == -1 || json_str(j, &why) == -1)
			return;
		if (batch_error_str(b, (size_t)p, why.s, why.len, NULL) == -1)
			json_refuse(j, out_of_memory);
	}
}

/* take_text: a string, or a number as its digits. */
static int
take_text(struct json *j, struct str *out)
{
	if (json_peek(j) == JSON_NUMBER)
		return json_raw(j, out);
	return json_str(j, out);
}

static void
take_label(struct batch *b, struct json *j)
{
	struct str s;

	if (take_text(j, &s) == 0 && batch_label(b, s.s, s.len, NULL) == -1)
		json_refuse(j, "a label that is too long, one too many, or "
			       "not UTF-8");
}

static void
take_flags(struct batch *b, struct json *j)
{
	struct str s;
	char bit[16];
	int k;

	json_array(j);
	while (json_array_next(j) > 0) {
		if (json_str(j, &s) == -1)
			return;
		for (k = 0; k < 32; k++) {
			snprintf(bit, sizeof(bit), "bit%d", k);
			if (str_is(s, k < JSONL_FLAGS ? jsonl_flags[k] : bit))
				break;
		}
		if (k == 32)
			json_refuse(j, "unknown flag");
		else
			b->flags[b->n - 1] |= UINT32_C(1) << k;
	}
}

static void
take_source(struct batch *b, struct json *j)
{
	static const char hex[] = "0123456789abcdef";
	const char *digit;
	uint64_t x = 0;
	struct str s;

	if (json_str(j, &s) == -1)
		return;
	for (size_t i = 0; i < s.len; i++) {
		digit = memchr(hex, s.s[i], 16);
		if (digit == NULL || s.len != 16) {
			json_refuse(j, "source is not 16 hexadecimal digits");
			return;
		}
		x = x << 4 | (uint64_t)(digit - hex);
	}
	b->source[b->n - 1] = x;
}

/* ---- records ---- */

enum field {
	ID,
	LABEL,
	LABELS,
	TARGET,
	WEIGHT,
	GROUP,
	SOURCE,
	FLAGS,
	VEC,
	ERRORS,
	FIELDS
};

static const char *const field_names[FIELDS] = { "id", "label", "labels",
	"target", "weight", "group", "source", "flags", "vec", "errors" };

/* take_field: a field of the last record. */
static void
take_field(
    struct jsonl_reader *s, struct batch *b, enum field f, struct json *j)
{
	size_t i = b->n - 1;
	struct str text;

	if (json_peek(j) == JSON_NULL && f != VEC) {
		json_null(j);
		return;
	}
	switch (f) {
	case LABEL:
		take_label(b, j);
		break;
	case LABELS:
		json_array(j);
		while (json_array_next(j) > 0)
			take_label(b, j);
		break;
	case TARGET:
		json_double(j, &b->target[i]);
		break;
	case WEIGHT:
		json_double(j, &b->weight[i]);
		break;
	case GROUP:
		if (take_text(j, &text) == 0 &&
		    batch_group(b, text.s, text.len, NULL) == -1)
			json_refuse(j, "a group that is too long or not UTF-8");
		break;
	case SOURCE:
		take_source(b, j);
		break;
	case FLAGS:
		take_flags(b, j);
		break;
	case VEC:
		take_vec(s, b, j);
		break;
	case ERRORS:
		take_errors(b, j);
		break;
	default:
		break;
	}
}

/* What came before the id, kept until there is a record to put it in. */
struct waiting {
	struct str raw[FIELDS];
};

static int
take_waiting(struct jsonl_reader *s, struct batch *b, const struct waiting *w)
{
	for (int f = 0; f < FIELDS; f++) {
		if (w->raw[f].s == NULL)
			continue;
		json_init(&s->late, w->raw[f].s, w->raw[f].len);
		take_field(s, b, (enum field)f, &s->late);
		if (json_end(&s->late) == 0)
			continue;
		/* The column is counted from the line's start. */
		json_refuse(&s->j, s->late.why);
		s->j.where =
		    (size_t)(w->raw[f].s - s->text.data) + s->late.where;
		return -1;
	}
	return 0;
}

/*
 * take_record: read the line at hand as one record more.  0; 1 when it is bad
 * but its id was read (the record is there, half filled); 2 when it is bad and
 * there is no id; *e says why; -1 when memory is out.
 */
static int
take_record(struct jsonl_reader *s, struct batch *b, struct error *e)
{
	struct waiting waiting = { 0 };
	struct json *j = &s->j;
	struct str key, id;
	int have = 0;

	json_init(j, s->text.data, s->text.len);
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		int f = 0;

		while (f < FIELDS && !str_is(key, field_names[f]))
			f++;
		if (f == FIELDS)
			json_skip(j);
		else if (f == ID) {
			struct error why = { 0 };

			if (take_text(j, &id) == -1)
				break;
			if (batch_add(b, id.s, id.len, &why) == -1) {
				*e = why;
				at_line(s, e);
				return batch_check_id(id.s, id.len, NULL) == -1
					   ? 2
					   : -1;
			}
			have = 1;
			if (take_waiting(s, b, &waiting) == -1)
				break;
		} else if (have)
			take_field(s, b, (enum field)f, j);
		else
			json_raw(j, &waiting.raw[f]);
	}
	if (json_end(j) == 0 && !have)
		json_refuse(j, "no \"id\"");
	if (j->why == NULL)
		return 0;
	if (j->why == out_of_memory)
		return error_memory(e);
	error_set(e, "line %llu, column %zu: %s", (unsigned long long)s->line,
	    j->where + 1, j->why);
	return have ? 1 : 2;
}

/* spoil: the last record keeps its id; each part carries the sentence. */
static int
spoil(struct batch *b, const struct error *why, struct error *e)
{
	struct str id = strs_get(&b->id, b->n - 1);
	char *copy = mem_strndup(id.s, id.len);
	int rc;

	if (copy == NULL)
		return error_memory(e);
	batch_cut(b, b->n - 1);
	rc = batch_add(b, copy, id.len, e);
	free(copy);
	for (size_t p = 0; rc == 0 && p < b->schema->n; p++)
		rc = batch_error(b, p, why->text, e);
	return rc;
}

static int
reject(struct jsonl_reader *s, const struct error *why)
{
	if (s->rejected++ == 0)
		s->bad = *why;
	return 0;
}

/* ---- the frame's end ---- */

static int
take_end(struct jsonl_reader *s, struct error *e)
{
	int64_t records = -1, rejected = 0;
	struct buf tool = { 0 };
	struct json *j = &s->j;
	struct str key, text;
	int status = -1, rc = -1;

	json_init(j, s->text.data, s->text.len);
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "records"))
			json_integer(j, 0, INT64_MAX, &records);
		else if (str_is(key, "rejected"))
			json_integer(j, 0, INT64_MAX, &rejected);
		else if (str_is(key, "tool"))
			json_string(j, &tool);
		else if (str_is(key, "status") && json_str(j, &text) == 0) {
			for (int k = 0; k < 3; k++)
				if (str_is(text, jsonl_status[k]))
					status = k;
		} else if (!str_is(key, "status"))
			json_skip(j);
	}
	if (json_end(j) == -1)
		json_error(j, e);
	else if (status == STREAM_ABORTED)
		error_set(e, "upstream failed: %.*s", (int)tool.len,
		    tool.len > 0 ? tool.data : "");
	else if (status == -1 || (uint64_t)records != s->records)
		error_set(e, "end line after %llu records says %lld",
		    (unsigned long long)s->records, (long long)records);
	else {
		s->status = (enum stream_status)status;
		s->rejected += (uint64_t)rejected;
		rc = 0;
	}
	buf_free(&tool);
	return rc;
}

/* next_record: one line.  1 when it made a record or was rejected, 0 at the
 * end, -1. */
static int
next_record(struct jsonl_reader *s, struct batch *b, struct error *e)
{
	size_t before = b->n;
	struct error why = { 0 };
	int rc = next_line(s, e);

	if (rc == 0 && s->framed)
		return error_set(e,
		    "stream truncated after %llu record%s "
		    "(no end line)",
		    (unsigned long long)s->records, s->records == 1 ? "" : "s");
	if (rc <= 0)
		return rc;
	if (rc == 2) {
		error_set(&why, "longer than %d bytes", JSONL_MAX_LINE);
		at_line(s, &why);
		if (!s->framed)
			return reject(s, &why) == 0;
		return error_set(e, "%s", why.text);
	}
	if (is_blank(&s->text))
		return 1;
	if (s->framed && begins_with(s, "end"))
		return take_end(s, e);
	rc = take_record(s, b, &why);
	if (rc == 0) {
		s->records++;
		return 1;
	}
	if (rc == -1 || s->framed || !s->whole) {
		batch_cut(b, before);
		error_set(e, "%s", why.text);
		return s->whole ? -1 : error_at(e, "the last line is cut off");
	}
	if (rc == 2) {
		batch_cut(b, before);
		return reject(s, &why) == 0;
	}
	s->records++;
	return spoil(b, &why, e) == -1 ? -1 : 1;
}

int
jsonl_next(struct jsonl_reader *s, struct batch *b, struct error *e)
{
	size_t before = b->n, n = 0, bytes = 0;
	int rc;

	if (s->failed)
		goto fail;
	while (!s->over && n < STREAM_RECORDS && bytes < STREAM_BYTES) {
		if (n > 0 && s->ahead_at == s->ahead.len &&
		    io_line_would_block(s->from))
			break;
		rc = next_record(s, b, &s->why);
		if (rc == -1) {
			/* The good records first, then what was wrong. */
			batch_cut(b, before + n);
			s->failed = 1;
			if (n > 0)
				return 1;
			goto fail;
		}
		s->over = rc == 0;
		if (b->n > before + n) {
			n = b->n - before;
			bytes += batch_size(b, b->n - 1);
		}
	}
	return n > 0 || !s->over;
fail:
	if (e != NULL)
		*e = s->why;
	return -1;
}
