#include "vec/stream_decode.h"

#include <math.h>
#include <string.h>

#include "vec/le.h"

static struct stream_slot *
slot(const struct stream_reader *s, enum stream_column c, size_t p)
{
	if (c < COLUMN_MASK)
		return &s->slots[c];
	return &s->slots[COLUMN_MASK + (STREAM_COLUMNS - COLUMN_MASK) * p +
			 (c - COLUMN_MASK)];
}

/* slot_of: the slot of a column by its tag; NULL with *known = 0 for an
 * optional column that this version does not know. */
static struct stream_slot *
slot_of(const struct stream_reader *s, const unsigned char *entry, int *known,
    struct error *e)
{
	uint32_t part = le32_get(entry + 4);

	*known = 1;
	for (int c = 0; c < STREAM_COLUMNS; c++) {
		if (memcmp(entry, stream_tags[c], 4) != 0)
			continue;
		if ((c < COLUMN_MASK) != (part == 0) || part > s->schema.n) {
			error_set(e, "column %s of part %lu", stream_tags[c],
			    (unsigned long)part);
			return NULL;
		}
		return slot(s, (enum stream_column)c, part > 0 ? part - 1 : 0);
	}
	if (entry[0] >= 'a' && entry[0] <= 'z')
		*known = 0;
	else
		error_set(e,
		    "needs column %02x%02x%02x%02x, which this version lacks",
		    entry[0], entry[1], entry[2], entry[3]);
	return NULL;
}

/* find_columns: check the payload's table and padding, fill the slots. */
static int
find_columns(struct stream_reader *s, struct error *e)
{
	const unsigned char *p = (unsigned char *)s->in.data;
	size_t n = s->in.len, columns, at, bytes, start;

	memset(s->slots, 0, stream_slots(&s->schema) * sizeof(*s->slots));
	if (n < 8 || le32_get(p + 4) != 0)
		return error_set(e, "bad table of columns");
	columns = le32_get(p);
	if (columns > (n - 8) / 16)
		return error_set(e, "bad table of columns");
	at = 8 + 16 * columns;
	for (size_t k = 0; k < columns; k++) {
		const unsigned char *entry = p + 8 + 16 * k;
		struct stream_slot *to;
		int known;

		bytes = le32_get(entry + 8);
		start = (at + STREAM_ALIGN - 1) / STREAM_ALIGN * STREAM_ALIGN;
		if (start > n || bytes > n - start || le32_get(entry + 12) != 0)
			return error_set(e, "bad table of columns");
		if (!stream_all_zero(p + at, start - at))
			return error_set(e, "padding is not zero");
		at = start + bytes;
		to = slot_of(s, entry, &known, e);
		if (to == NULL && known)
			return -1;
		if (to == NULL)
			continue;
		if (to->p != NULL)
			return error_set(e, "two columns %.4s", entry);
		to->p = p + start;
		to->n = bytes;
	}
	if (n - at >= STREAM_ALIGN || !stream_all_zero(p + at, n - at))
		return error_set(e, "padding is not zero");
	return 0;
}

/* wrong: the sentence for a column that is not what its block says. */
static int
wrong(enum stream_column c, struct error *e)
{
	return error_set(e, "column %s: wrong length", stream_tags[c]);
}

/* numbers: the bytes of n numbers in column c, NULL where it is left out
 * (*bad stays 0) or of another length (*bad becomes 1). */
static const unsigned char *
numbers(const struct stream_reader *s, enum stream_column c, size_t part,
    size_t n, size_t size, int *bad, struct error *e)
{
	const struct stream_slot *from = slot(s, c, part);

	if (from->p != NULL && (n > from->n || from->n != n * size)) {
		*bad = 1;
		wrong(c, e);
		return NULL;
	}
	return from->p;
}

/* get_strings: n strings at the end of ${to}, from n lengths and the bytes at
 * p: [len], which they must fill; each is checked. */
static int
get_strings(struct strs *to, const unsigned char *p, size_t len, size_t n,
    enum stream_column c, struct error *e)
{
	const char *text;
	size_t left, size;
	int rc;

	if (len / 4 < n)
		return wrong(c, e);
	text = (const char *)p + 4 * n;
	left = len - 4 * n;
	if (buf_reserve(&to->bytes, left) == -1)
		return error_memory(e);
	for (size_t i = 0; i < n; i++) {
		size = le32_get(p + 4 * i);
		if (size > left)
			return wrong(c, e);
		if (c == COLUMN_ID)
			rc = batch_check_id(text, size, e);
		else
			rc = batch_check_string("text", text, size, e);
		if (rc == -1)
			return error_at(e, "column %s", stream_tags[c]);
		if (strs_add(to, text, size) == -1)
			return error_memory(e);
		text += size;
		left -= size;
	}
	return left == 0 ? 0 : wrong(c, e);
}

/* get_column: a column of strings, empty ones where it is left out. */
static int
get_column(const struct stream_reader *s, struct strs *to, enum stream_column c,
    size_t part, size_t n, struct error *e)
{
	const struct stream_slot *from = slot(s, c, part);

	if (from->p != NULL)
		return get_strings(to, from->p, from->n, n, c, e);
	if (c == COLUMN_ID)
		return error_set(e, "no column %s", stream_tags[c]);
	for (size_t i = 0; i < n; i++)
		if (strs_add(to, "", 0) == -1)
			return error_memory(e);
	return 0;
}

static int
get_labels(
    const struct stream_reader *s, struct batch *b, size_t n, struct error *e)
{
	const struct stream_slot *from = slot(s, COLUMN_LABEL, 0);
	size_t total = b->n > 0 ? b->label_end[b->n - 1] : 0, before = total;

	if (from->p != NULL && from->n / 4 < n)
		return wrong(COLUMN_LABEL, e);
	for (size_t i = 0; i < n; i++) {
		size_t labels = from->p != NULL ? le32_get(from->p + 4 * i) : 0;

		if (labels > VEC_MAX_LABELS)
			return error_set(e,
			    "record with %zu labels; the limit is %d", labels,
			    VEC_MAX_LABELS);
		total += labels;
		b->label_end[b->n + i] = total;
	}
	if (from->p == NULL)
		return 0;
	return get_strings(&b->label, from->p + 4 * n, from->n - 4 * n,
	    total - before, COLUMN_LABEL, e);
}

static int
get_doubles(const struct stream_reader *s, enum stream_column c, double *to,
    size_t n, double otherwise, struct error *e)
{
	int bad = 0;
	const unsigned char *p = numbers(s, c, 0, n, 8, &bad, e);

	if (bad)
		return -1;
	if (p != NULL)
		le_get_array(to, p, n, 8);
	for (size_t i = 0; i < n; i++) {
		if (p == NULL)
			to[i] = otherwise;
		if (isinf(to[i]) || (isnan(to[i]) && !isnan(otherwise)))
			return error_set(
			    e, "column %s: non-finite value", stream_tags[c]);
	}
	return 0;
}

static int
get_record_columns(
    const struct stream_reader *s, struct batch *b, size_t n, struct error *e)
{
	const unsigned char *p;
	int bad = 0;

	if (get_column(s, &b->id, COLUMN_ID, 0, n, e) == -1 ||
	    get_labels(s, b, n, e) == -1 ||
	    get_doubles(s, COLUMN_TARGET, b->target + b->n, n, NAN, e) == -1 ||
	    get_doubles(s, COLUMN_WEIGHT, b->weight + b->n, n, 1, e) == -1 ||
	    get_column(s, &b->group, COLUMN_GROUP, 0, n, e) == -1)
		return -1;
	p = numbers(s, COLUMN_SOURCE, 0, n, 8, &bad, e);
	if (p != NULL)
		le_get_array(b->source + b->n, p, n, 8);
	else
		memset(b->source + b->n, 0, 8 * n);
	if (bad)
		return -1;
	p = numbers(s, COLUMN_FLAGS, 0, n, 4, &bad, e);
	if (p != NULL)
		le_get_array(b->flags + b->n, p, n, 4);
	else
		memset(b->flags + b->n, 0, 4 * n);
	return bad ? -1 : 0;
}

/* ---- parts ---- */

/* not_finite: name the record among n at b->n whose values, w to each of its
 * rows up to end (NULL: one row each), are not all finite. */
static int
not_finite(const struct batch *b, const float *x, size_t n, size_t w,
    const size_t *end, size_t from, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		size_t rows = end != NULL ? end[i] - from : 1;

		if (!le_all_finite(x, rows * w)) {
			struct str id = strs_get(&b->id, b->n + i);

			return error_set(e, "non-finite value in record '%.*s'",
			    (int)id.len, id.s);
		}
		x += rows * w;
		from += rows;
	}
	return error_set(e, "non-finite value");
}

static int
get_dense(const struct stream_reader *s, struct batch *b, size_t p, size_t n,
    struct error *e)
{
	struct part_column *c = &b->parts[p];
	size_t dim = s->schema.parts[p].dim;
	const struct stream_slot *from = slot(s, COLUMN_VALUE, p);
	float *x = c->dense + b->n * dim;

	if (from->p == NULL || from->n / 4 / dim != n || from->n != n * dim * 4)
		return wrong(COLUMN_VALUE, e);
	le_get_array(x, from->p, n * dim, 4);
	if (!le_all_finite(x, n * dim))
		return not_finite(b, x, n, dim, NULL, 0, e);
	if (memchr(c->mask + b->n, 0, n) == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (c->mask[b->n + i] == 0 &&
		    !stream_all_zero(from->p + i * dim * 4, dim * 4))
			return error_set(e, "values where the mask has none");
	return 0;
}

/* check_order: indices increase in each record and stay below dim. */
static int
check_order(const struct part_column *c, size_t first, size_t n, size_t from,
    uint32_t dim, struct error *e)
{
	for (size_t i = first; i < first + n; i++)
		for (size_t start = from; from < c->end[i]; from++)
			if (c->index[from] >= dim ||
			    (from > start &&
				c->index[from] <= c->index[from - 1]))
				return error_set(e,
				    "column %s: not in order, or not below dim",
				    stream_tags[COLUMN_INDEX]);
	return 0;
}

/* get_values: the ${total} pairs or rows of part p behind those that are
 * there, for n records whose end[] is set. */
static int
get_values(const struct stream_reader *s, struct batch *b, size_t p, size_t n,
    size_t total, struct error *e)
{
	const struct part *part = &s->schema.parts[p];
	struct part_column *c = &b->parts[p];
	size_t from = b->n > 0 ? c->end[b->n - 1] : 0;
	size_t w = part->kind == PART_SPARSE ? 1 : part->dim;
	const struct stream_slot *v = slot(s, COLUMN_VALUE, p);
	const unsigned char *q;
	float *x;
	int bad = 0;

	if (v->p == NULL || v->n / 4 / w != total || v->n != total * w * 4)
		return wrong(COLUMN_VALUE, e);
	if (batch_room(b, p, from + total) == -1)
		return error_memory(e);
	x = c->value + from * w;
	le_get_array(x, v->p, total * w, 4);
	if (!le_all_finite(x, total * w))
		return not_finite(b, x, n, w, c->end + b->n, from, e);
	if (part->kind == PART_SPARSE) {
		q = numbers(s, COLUMN_INDEX, p, total, 4, &bad, e);
		if (q == NULL)
			return wrong(COLUMN_INDEX, e);
		le_get_array(c->index + from, q, total, 4);
		return check_order(c, b->n, n, from, part->dim, e);
	}
	q = numbers(s, COLUMN_TIME, p, 2 * total, 8, &bad, e);
	if (bad)
		return -1;
	if (q != NULL)
		le_get_array(c->time + 2 * from, q, 2 * total, 8);
	for (size_t k = 2 * from; k < 2 * (from + total); k++) {
		if (q == NULL || isnan(c->time[k]))
			c->time[k] = NAN;
		else if (isinf(c->time[k]))
			return error_set(e, "column %s: infinite time",
			    stream_tags[COLUMN_TIME]);
	}
	return 0;
}

/* get_counts: end[] of part p for n records; *total is their sum. */
static int
get_counts(const struct stream_reader *s, struct batch *b, size_t p, size_t n,
    size_t *total, struct error *e)
{
	struct part_column *c = &b->parts[p];
	size_t from = b->n > 0 ? c->end[b->n - 1] : 0;
	int bad = 0;
	const unsigned char *q = numbers(s, COLUMN_COUNT, p, n, 4, &bad, e);

	if (q == NULL)
		return wrong(COLUMN_COUNT, e);
	*total = 0;
	for (size_t i = 0; i < n; i++) {
		size_t k = le32_get(q + 4 * i);

		if (k > 0 && !c->mask[b->n + i])
			return error_set(e, "values where the mask has none");
		*total += k;
		c->end[b->n + i] = from + *total;
	}
	return 0;
}

static int
get_part(const struct stream_reader *s, struct batch *b, size_t p, size_t n,
    struct error *e)
{
	struct part_column *c = &b->parts[p];
	int bad = 0;
	const unsigned char *mask = numbers(s, COLUMN_MASK, p, n, 1, &bad, e);
	size_t total;

	if (bad)
		return -1;
	memset(c->mask + b->n, 1, n);
	for (size_t i = 0; mask != NULL && i < n; i++) {
		if (mask[i] > 1)
			return error_set(e, "column %s: neither 0 nor 1",
			    stream_tags[COLUMN_MASK]);
		c->mask[b->n + i] = mask[i];
	}
	if (get_column(s, &c->error, COLUMN_ERROR, p, n, e) == -1)
		return -1;
	for (size_t i = b->n;
	     slot(s, COLUMN_ERROR, p)->p != NULL && i < b->n + n; i++)
		if (c->mask[i] && strs_get(&c->error, i).len > 0)
			return error_set(e, "an error where the mask has "
					    "values");
	if (s->schema.parts[p].kind == PART_DENSE)
		return get_dense(s, b, p, n, e);
	if (get_counts(s, b, p, n, &total, e) == -1)
		return -1;
	return get_values(s, b, p, n, total, e);
}

int
stream_decode(
    struct stream_reader *s, struct batch *b, size_t n, struct error *e)
{
	size_t before = b->n;

	if (find_columns(s, e) == -1 || batch_reserve(b, n, e) == -1)
		return -1;
	if (get_record_columns(s, b, n, e) == -1)
		goto fail;
	for (size_t p = 0; p < s->schema.n; p++)
		if (get_part(s, b, p, n, e) == -1) {
			error_at(e, "part '%s'", s->schema.parts[p].name);
			goto fail;
		}
	b->n += n;
	return 0;
fail:
	batch_cut(b, before);
	return -1;
}

/* A later piece is read like one record more, whose rows then join the last
 * one's. */
int
stream_decode_more(
    struct stream_reader *s, struct batch *b, uint64_t *rows, struct error *e)
{
	size_t i = b->n - 1, total;

	if (find_columns(s, e) == -1 || batch_reserve(b, 1, e) == -1 ||
	    get_column(s, &b->id, COLUMN_ID, 0, 1, e) == -1)
		return -1;
	if (!str_eq(strs_get(&b->id, i), strs_get(&b->id, i + 1)))
		return error_set(e, "the record that goes on has another id");
	for (size_t p = 0; p < s->schema.n; p++) {
		if (s->schema.parts[p].kind != PART_SEQUENCE)
			continue;
		b->parts[p].mask[i + 1] = b->parts[p].mask[i];
		if (get_counts(s, b, p, 1, &total, e) == -1 ||
		    get_values(s, b, p, 1, total, e) == -1)
			return error_at(
			    e, "part '%s'", s->schema.parts[p].name);
		*rows += total;
		b->parts[p].end[i] += total;
	}
	batch_cut(b, b->n);
	return 0;
}
