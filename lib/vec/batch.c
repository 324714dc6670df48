#include "vec/batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

int
batch_init(struct batch *b, const struct schema *s, struct error *e)
{
	*b = (struct batch){ .schema = s };
	b->parts = mem_array(s->n, sizeof(*b->parts));
	return b->parts != NULL ? 0 : error_memory(e);
}

void
batch_clear(struct batch *b)
{
	batch_cut(b, 0);
}

void
batch_free(struct batch *b)
{
	if (b->parts != NULL)
		for (size_t p = 0; p < b->schema->n; p++) {
			struct part_column *c = &b->parts[p];

			free(c->mask);
			strs_free(&c->error);
			free(c->base);
			free(c->end);
			free(c->index);
			free(c->value);
			free(c->time);
		}
	free(b->parts);
	strs_free(&b->id);
	strs_free(&b->label);
	free(b->label_end);
	free(b->target);
	free(b->weight);
	strs_free(&b->group);
	free(b->source);
	free(b->flags);
	*b = (struct batch){ 0 };
}

void
batch_cut(struct batch *b, size_t n)
{
	strs_cut(&b->id, n);
	strs_cut(&b->group, n);
	strs_cut(&b->label, n > 0 && n <= b->n ? b->label_end[n - 1] : 0);
	for (size_t p = 0; p < b->schema->n; p++)
		strs_cut(&b->parts[p].error, n);
	b->n = n;
}

/* ---- room ---- */

/* resize: the array *p for n elements.  realloc, not calloc and copy: large
 * blocks are moved by remapping pages, so a batch that holds a whole data set
 * never exists twice. */
static int
resize(void *p, size_t n, size_t size)
{
	size_t bytes;
	void *old, *grown;

	if (__builtin_mul_overflow(n, size, &bytes))
		return -1;
	memcpy(&old, p, sizeof(old));
	grown = realloc(old, bytes > 0 ? bytes : 1);
	if (grown == NULL)
		return -1;
	memcpy(p, &grown, sizeof(grown));
	// cppcheck-suppress memleak ; *p has it now
	return 0;
}

/* resize_dense: the same on a 64-byte boundary, keeping what is there. */
static int
resize_dense(struct part_column *c, size_t keep, size_t n, size_t size)
{
	size_t bytes, shift, was;
	unsigned char *base, *to;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
		return -1;
	was =
	    c->base != NULL
		? (size_t)((unsigned char *)c->dense - (unsigned char *)c->base)
		: 0;
	base = realloc(c->base, bytes + 64);
	if (base == NULL)
		return -1;
	shift = (64 - (uintptr_t)base % 64) % 64;
	to = base + shift;
	if (shift != was && keep > 0)
		memmove(to, base + was, keep * size);
	c->base = base;
	c->dense = (float *)(void *)to;
	return 0;
}

int
batch_reserve(struct batch *b, size_t more, struct error *e)
{
	size_t need, cap = b->cap < 16 ? 16 : b->cap;
	int bad = 0;

	if (__builtin_add_overflow(b->n, more, &need))
		return error_memory(e);
	if (need <= b->cap)
		return 0;
	while (cap < need)
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return error_memory(e);
	bad |= resize(&b->label_end, cap, sizeof(*b->label_end));
	bad |= resize(&b->target, cap, sizeof(*b->target));
	bad |= resize(&b->weight, cap, sizeof(*b->weight));
	bad |= resize(&b->source, cap, sizeof(*b->source));
	bad |= resize(&b->flags, cap, sizeof(*b->flags));
	for (size_t p = 0; p < b->schema->n && !bad; p++) {
		struct part_column *c = &b->parts[p];

		bad |= resize(&c->mask, cap, 1);
		if (b->schema->parts[p].kind == PART_DENSE)
			bad |= resize_dense(c, b->n, cap,
			    (size_t)b->schema->parts[p].dim * sizeof(float));
		else
			bad |= resize(&c->end, cap, sizeof(*c->end));
	}
	if (bad)
		return error_memory(e);
	b->cap = cap;
	return 0;
}

int
batch_room(struct batch *b, size_t p, size_t need)
{
	const struct part *part = &b->schema->parts[p];
	struct part_column *c = &b->parts[p];
	size_t cap = c->cap < 64 ? 64 : c->cap, width;

	if (need <= c->cap)
		return 0;
	while (cap < need)
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return -1;
	if (part->kind == PART_SPARSE) {
		if (resize(&c->index, cap, sizeof(*c->index)) == -1 ||
		    resize(&c->value, cap, sizeof(*c->value)) == -1)
			return -1;
	} else {
		width = (size_t)part->dim * sizeof(float);
		if (resize(&c->value, cap, width) == -1 ||
		    resize(&c->time, cap, 2 * sizeof(*c->time)) == -1)
			return -1;
	}
	c->cap = cap;
	return 0;
}

/* ---- filling ---- */

int
batch_add(struct batch *b, const char *id, size_t len, struct error *e)
{
	size_t i = b->n;

	if (batch_check_id(id, len, e) == -1)
		return -1;
	if (batch_reserve(b, 1, e) == -1)
		return -1;
	if (strs_add(&b->id, id, len) == -1 || strs_add(&b->group, "", 0) == -1)
		goto fail;
	b->label_end[i] = i > 0 ? b->label_end[i - 1] : 0;
	b->target[i] = NAN;
	b->weight[i] = 1;
	b->source[i] = 0;
	b->flags[i] = 0;
	for (size_t p = 0; p < b->schema->n; p++) {
		struct part_column *c = &b->parts[p];
		size_t dim = b->schema->parts[p].dim;

		if (strs_add(&c->error, "", 0) == -1)
			goto fail;
		c->mask[i] = 0;
		if (b->schema->parts[p].kind == PART_DENSE)
			memset(c->dense + i * dim, 0, dim * sizeof(float));
		else
			c->end[i] = i > 0 ? c->end[i - 1] : 0;
	}
	b->n++;
	return 0;
fail:
	batch_cut(b, i);
	return error_memory(e);
}

int
batch_label(struct batch *b, const char *s, size_t len, struct error *e)
{
	size_t first;

	if (batch_check_string("label", s, len, e) == -1)
		return -1;
	if (batch_range(b->label_end, b->n - 1, &first) >= VEC_MAX_LABELS)
		return error_set(e, "more than %d labels", VEC_MAX_LABELS);
	if (strs_add(&b->label, s, len) == -1)
		return error_memory(e);
	b->label_end[b->n - 1]++;
	return 0;
}

/* replace_last: the last string of a column becomes another one. */
static int
replace_last(struct strs *c, const char *s, size_t len, struct error *e)
{
	strs_cut(c, c->n - 1);
	if (strs_add(c, s, len) == 0)
		return 0;
	strs_add(c, "", 0); /* fits: it takes no more than was there */
	return error_memory(e);
}

int
batch_group(struct batch *b, const char *s, size_t len, struct error *e)
{
	if (batch_check_string("group", s, len, e) == -1)
		return -1;
	return replace_last(&b->group, s, len, e);
}

/* present: part p of the last record is there and carries no error. */
static struct part_column *
present(struct batch *b, size_t p)
{
	struct part_column *c = &b->parts[p];

	c->mask[b->n - 1] = 1;
	replace_last(&c->error, "", 0, NULL);
	return c;
}

float *
batch_dense(struct batch *b, size_t p)
{
	struct part_column *c = present(b, p);

	return c->dense + (b->n - 1) * b->schema->parts[p].dim;
}

int
batch_sparse(
    struct batch *b, size_t p, size_t n, uint32_t **index, float **value)
{
	size_t i = b->n - 1, from = i > 0 ? b->parts[p].end[i - 1] : 0, need;
	struct part_column *c;

	if (__builtin_add_overflow(from, n, &need) ||
	    batch_room(b, p, need > 0 ? need : 1) == -1)
		return -1;
	c = present(b, p);
	c->end[i] = need;
	*index = c->index + from;
	*value = c->value + from;
	return 0;
}

float *
batch_rows(struct batch *b, size_t p, size_t rows, double **time)
{
	size_t from = b->parts[p].end[b->n - 1], need;
	struct part_column *c;

	if (__builtin_add_overflow(from, rows, &need) ||
	    batch_room(b, p, need > 0 ? need : 1) == -1)
		return NULL;
	c = present(b, p);
	c->end[b->n - 1] = need;
	for (size_t k = 2 * from; k < 2 * need; k++)
		c->time[k] = NAN;
	if (time != NULL)
		*time = c->time + 2 * from;
	return c->value + from * b->schema->parts[p].dim;
}

float *
batch_sequence(struct batch *b, size_t p, size_t rows, double **time)
{
	size_t i = b->n - 1;

	b->parts[p].end[i] = i > 0 ? b->parts[p].end[i - 1] : 0;
	return batch_rows(b, p, rows, time);
}

int
batch_error(struct batch *b, size_t p, const char *text, struct error *e)
{
	return batch_error_str(b, p, text, strlen(text), e);
}

int
batch_error_str(
    struct batch *b, size_t p, const char *s, size_t len, struct error *e)
{
	const struct part *part = &b->schema->parts[p];
	struct part_column *c = &b->parts[p];
	struct buf clean = { 0 };
	size_t i = b->n - 1;
	int rc;

	if (len == 0) {
		s = "failed";
		len = strlen(s);
	}
	/* A byte may become three when it is replaced, and a cut in the middle
	 * of a character is such a byte. */
	if (utf8_valid(s, len) == len ? len > VEC_MAX_STRING
				      : len > VEC_MAX_STRING / 3)
		len = VEC_MAX_STRING / 3;
	if (utf8_clean(&clean, s, len, NULL) == -1) {
		buf_free(&clean);
		return error_memory(e);
	}
	c->mask[i] = 0;
	if (part->kind == PART_DENSE)
		memset(c->dense + i * part->dim, 0, part->dim * sizeof(float));
	else
		c->end[i] = i > 0 ? c->end[i - 1] : 0;
	rc = replace_last(&c->error, clean.data, clean.len, e);
	buf_free(&clean);
	return rc;
}

/* The vector of part p of record i, or of a sequence the first. */
static const float *
dense_of(const struct batch *b, size_t p, size_t i)
{
	const struct part_column *c = &b->parts[p];
	size_t dim = b->schema->parts[p].dim, first;

	if (b->schema->parts[p].kind == PART_DENSE)
		return c->dense + i * dim;
	batch_range(c->end, i, &first);
	return c->value + first * dim;
}

/* A dense part is not there where a sequence has no row. */
static int
to_copy(const struct batch *b, size_t p, const struct batch *from, size_t i)
{
	size_t first;

	return from->parts[p].mask[i] &&
	       (b->schema->parts[p].kind == from->schema->parts[p].kind ||
		   batch_range(from->parts[p].end, i, &first) > 0);
}

/* copy_part: part p of record i of ${from} to the last record. */
static int
copy_part(struct batch *b, size_t p, const struct batch *from, size_t i)
{
	const struct part_column *c = &from->parts[p];
	size_t dim = b->schema->parts[p].dim, first, n;
	uint32_t *index;
	float *value;
	double *time;

	switch (b->schema->parts[p].kind) {
	case PART_DENSE:
		memcpy(batch_dense(b, p), dense_of(from, p, i),
		    dim * sizeof(float));
		return 0;
	case PART_SPARSE:
		n = batch_range(c->end, i, &first);
		if (batch_sparse(b, p, n, &index, &value) == -1)
			return -1;
		if (n == 0)
			return 0;
		memcpy(index, c->index + first, n * sizeof(*index));
		memcpy(value, c->value + first, n * sizeof(*value));
		return 0;
	case PART_SEQUENCE:
		n = batch_range(c->end, i, &first);
		value = batch_sequence(b, p, n, &time);
		if (value == NULL)
			return -1;
		if (n == 0)
			return 0;
		memcpy(value, c->value + first * dim, n * dim * sizeof(*value));
		memcpy(time, c->time + 2 * first, 2 * n * sizeof(*time));
		return 0;
	}
	return -1;
}

int
batch_carry(
    struct batch *b, const struct batch *from, size_t i, struct error *e)
{
	struct str s = strs_get(&from->id, i);
	size_t first, n, k = b->n;

	if (batch_add(b, s.s, s.len, e) == -1)
		return -1;
	n = batch_range(from->label_end, i, &first);
	for (size_t l = first; l < first + n; l++) {
		s = strs_get(&from->label, l);
		if (strs_add(&b->label, s.s, s.len) == -1)
			goto fail;
		b->label_end[k]++;
	}
	b->target[k] = from->target[i];
	b->weight[k] = from->weight[i];
	s = strs_get(&from->group, i);
	if (s.len > 0 && replace_last(&b->group, s.s, s.len, NULL) == -1)
		goto fail;
	b->source[k] = from->source[i];
	b->flags[k] = from->flags[i];
	return 0;
fail:
	batch_cut(b, k);
	return error_memory(e);
}

int
batch_copy(struct batch *b, const struct batch *from, size_t i, struct error *e)
{
	struct str s;
	size_t k = b->n;

	if (batch_carry(b, from, i, e) == -1)
		return -1;
	for (size_t p = 0; p < b->schema->n; p++) {
		s = strs_get(&from->parts[p].error, i);
		if (to_copy(b, p, from, i)) {
			if (copy_part(b, p, from, i) == -1)
				goto fail;
		} else if (s.len > 0 && replace_last(&b->parts[p].error, s.s,
					    s.len, NULL) == -1)
			goto fail;
	}
	return 0;
fail:
	batch_cut(b, k);
	return error_memory(e);
}

/* ---- asking ---- */

size_t
batch_size(const struct batch *b, size_t i)
{
	size_t first, n, size = 64;

	size += strs_get(&b->id, i).len + strs_get(&b->group, i).len;
	n = batch_range(b->label_end, i, &first);
	for (size_t l = first; l < first + n; l++)
		size += 4 + strs_get(&b->label, l).len;
	for (size_t p = 0; p < b->schema->n; p++) {
		const struct part_column *c = &b->parts[p];
		size_t dim = b->schema->parts[p].dim;

		size += strs_get(&c->error, i).len;
		if (b->schema->parts[p].kind == PART_DENSE)
			size += 4 * dim;
		else if (b->schema->parts[p].kind == PART_SPARSE)
			size += 8 * batch_range(c->end, i, &first);
		else
			size += (4 * dim + 16) * batch_range(c->end, i, &first);
	}
	return size;
}

int
batch_bad(const struct batch *b, size_t i)
{
	for (size_t p = 0; p < b->schema->n; p++)
		if (strs_get(&b->parts[p].error, i).len > 0)
			return 1;
	return 0;
}

int
batch_check_string(const char *what, const char *s, size_t len, struct error *e)
{
	if (len > VEC_MAX_STRING)
		return error_set(e, "%s of %zu bytes; the limit is %d", what,
		    len, VEC_MAX_STRING);
	if (utf8_valid(s, len) != len)
		return error_set(e, "%s is not valid UTF-8", what);
	return 0;
}

/* controls: 1 when valid UTF-8 holds a control character, U+0000..1F or
 * U+007F..9F (C2 80..9F in UTF-8). */
static int
controls(const unsigned char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] == 0x7f ||
		    (s[i] == 0xc2 && i + 1 < len && s[i + 1] < 0xa0))
			return 1;
	return 0;
}

int
batch_check_id(const char *s, size_t len, struct error *e)
{
	if (len == 0)
		return error_set(e, "empty id");
	if (len > VEC_MAX_ID)
		return error_set(
		    e, "id of %zu bytes; the limit is %d", len, VEC_MAX_ID);
	if (utf8_valid(s, len) != len)
		return error_set(e, "id is not valid UTF-8");
	if (controls((const unsigned char *)s, len))
		return error_set(e, "id with a control character");
	return 0;
}

int
batch_path_id(struct buf *out, const char *path, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t cp;

	for (size_t i = 0; i < len;) {
		int n = utf8_decode(path + i, len - i, &cp);
		size_t step = (size_t)(n < 0 ? -n : n);
		int bad = 0;

		if (n > 0 && cp == '\\')
			bad = buf_puts(out, "\\\\");
		else if (n > 0 && cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0))
			bad = buf_put(out, path + i, step);
		else
			for (size_t k = 0; k < step; k++) {
				unsigned char c = (unsigned char)path[i + k];
				char x[4] = { '\\', 'x', hex[c >> 4],
					hex[c & 15] };

				bad |= buf_put(out, x, 4);
			}
		if (bad)
			return -1;
		i += step;
	}
	return 0;
}
