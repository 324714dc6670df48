#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vec/jsonl_private.h"

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
					json_memory(j);
					return;
				}
				s->index[n++] = (uint32_t)number;
			}
		} else if (str_is(key, "val")) {
			json_array(j);
			while (json_array_next(j) > 0) {
				if (mem_grow(&s->value, &s->value_cap,
					values + 1, sizeof(*s->value)) == -1) {
					json_memory(j);
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
		json_memory(j);
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
			json_memory(j);
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
					json_memory(j);
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
			json_memory(j);
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
	struct error why = { 0 };
	struct str s;

	if (take_text(j, &s) == -1 || batch_label(b, s.s, s.len, &why) == 0)
		return;
	if (why.memory)
		json_memory(j);
	else
		json_refuse(
		    j, "a label that is too long, one too many, or not UTF-8");
}

static void
take_group(struct batch *b, struct json *j)
{
	struct error why = { 0 };
	struct str s;

	if (take_text(j, &s) == -1 || batch_group(b, s.s, s.len, &why) == 0)
		return;
	if (why.memory)
		json_memory(j);
	else
		json_refuse(j, "a group that is too long or not UTF-8");
}

/* An empty array says that the record has no label, not that it is unknown. */
static void
take_labels(struct batch *b, struct json *j)
{
	int some = 0;

	json_array(j);
	while (json_array_next(j) > 0) {
		take_label(b, j);
		some = 1;
	}
	if (!some)
		b->flags[b->n - 1] |= FLAG_NO_LABEL;
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

	if (json_peek(j) == JSON_NULL && f != VEC) {
		json_null(j);
		return;
	}
	switch (f) {
	case LABEL:
		take_label(b, j);
		break;
	case LABELS:
		take_labels(b, j);
		break;
	case TARGET:
		json_double(j, &b->target[i]);
		break;
	case WEIGHT:
		json_double(j, &b->weight[i]);
		break;
	case GROUP:
		take_group(b, j);
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

int
jsonl_take_record(struct jsonl_reader *s, struct batch *b, struct error *e)
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
				error_at(e, "line %llu",
				    (unsigned long long)s->line);
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
	if (json_starved(j))
		return error_memory(e);
	error_set(e, "line %llu, column %zu: %s", (unsigned long long)s->line,
	    j->where + 1, j->why);
	return have ? 1 : 2;
}
