#ifndef TESTS_RECORDS_H
#define TESTS_RECORDS_H

/*
 * Records for tests: every kind of part and every column, made from a seed,
 * and what writes, reads and compares them.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/io.h"
#include "base/rng.h"
#include "vec/input.h"
#include "vec/output.h"

static inline void
make_schema(struct schema *s)
{
	struct error e;

	*s = (struct schema){ 0 };
	ck_assert_int_eq(
	    schema_add(s, "text", PART_DENSE, 5, "{\"model\":\"x\",\"dim\":5}",
		"{\"threads\":2}", &e),
	    0);
	ck_assert_int_eq(
	    schema_add(s, "words", PART_SPARSE, 4000000000u, NULL, NULL, &e),
	    0);
	ck_assert_int_eq(
	    schema_add(s, "frames \xc3\xa9", PART_SEQUENCE, 3, "{}", NULL, &e),
	    0);
}

/* make_value: any finite float, by its bits. */
static inline float
make_value(struct rng *r)
{
	uint32_t u;
	float x;

	do {
		u = (uint32_t)rng_u64(r);
	} while ((u & 0x7f800000u) == 0x7f800000u);
	memcpy(&x, &u, 4);
	return x;
}

static inline void
make_record(struct batch *b, struct rng *r, size_t i)
{
	static const char *const words[] = { "", "a", "drama \"1\"",
		"\xe2\x82\xac\n", "x\\y" };
	struct error e;
	uint32_t *index;
	float *x;
	double *time;
	char id[64];
	uint32_t n;

	snprintf(id, sizeof(id), "%zu/\xc3\xbc '\"\\u0041 %u", i,
	    rng_below(r, 1000));
	ck_assert_int_eq(batch_add(b, id, strlen(id), &e), 0);
	for (n = rng_below(r, 3); n > 0; n--) {
		const char *w = words[rng_below(r, 5)];

		ck_assert_int_eq(batch_label(b, w, strlen(w), &e), 0);
	}
	if (rng_below(r, 2))
		ck_assert_int_eq(batch_group(b, words[3], 4, &e), 0);
	if (rng_below(r, 2))
		b->target[i] = make_value(r) * 1e-7;
	if (rng_below(r, 2))
		b->weight[i] = rng_double(r);
	if (rng_below(r, 2))
		b->source[i] = rng_u64(r);
	if (rng_below(r, 2))
		b->flags[i] = rng_below(r, 64);
	if (rng_below(r, 4)) {
		x = batch_dense(b, 0);
		for (n = 0; n < 5; n++)
			x[n] = make_value(r);
		x[rng_below(r, 5)] = -0.0f;
	} else if (rng_below(r, 2))
		ck_assert_int_eq(batch_error(b, 0, "cut \xff off", &e), 0);
	if (rng_below(r, 4)) {
		uint32_t step = 0;

		n = rng_below(r, 5);
		ck_assert_int_eq(batch_sparse(b, 1, n, &index, &x), 0);
		for (uint32_t k = 0; k < n; k++) {
			step += 1 + rng_below(r, 700000000);
			index[k] = step;
			x[k] = make_value(r);
		}
	}
	if (rng_below(r, 4)) {
		n = rng_below(r, 4);
		x = batch_sequence(b, 2, n, &time);
		ck_assert_ptr_nonnull(x);
		for (uint32_t k = 0; k < 3 * n; k++)
			x[k] = make_value(r);
		for (uint32_t k = 0; k < 2 * n && rng_below(r, 2); k++)
			time[k] = rng_double(r);
	}
}

static inline void
make_batch(struct batch *b, const struct schema *s, size_t n, uint64_t seed)
{
	struct error e;
	struct rng r;

	rng_seed(&r, seed);
	ck_assert_int_eq(batch_init(b, s, &e), 0);
	for (size_t i = 0; i < n; i++)
		make_record(b, &r, i);
}

static inline void
write_file(const char *path, enum vec_format form, const struct batch *b)
{
	struct error e;
	struct output *o = output_open(path, form, b->schema, &e);

	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(output_put_all(o, b, &e), 0);
	ck_assert_int_eq(output_close(o, &e), 0);
}

/* read_file: every record, or a sentence in *e.  End with free_read. */
static inline int
read_file(const char *path, struct batch *b, struct error *e)
{
	static struct schema s;
	char *const paths[] = { (char *)(uintptr_t)path };
	struct input *in = input_open(paths, 1, e);
	struct error e2;
	int rc;

	*b = (struct batch){ 0 };
	if (in == NULL)
		return -1;
	ck_assert_int_eq(schema_copy(&s, input_schema(in), &e2), 0);
	ck_assert_int_eq(batch_init(b, &s, &e2), 0);
	rc = input_read_all(in, b, e);
	input_close(in);
	return rc;
}

static inline void
free_read(struct batch *b)
{
	struct schema *s = (struct schema *)(uintptr_t)b->schema;

	if (s == NULL)
		return;
	batch_free(b);
	schema_free(s);
}

static inline void
assert_same_strs(const struct strs *a, const struct strs *b, size_t n)
{
	ck_assert_uint_eq(a->n, b->n);
	ck_assert_uint_eq(a->n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert(str_eq(strs_get(a, i), strs_get(b, i)));
}

/* assert_same_doubles: equal bits, or both NaN. */
static inline void
assert_same_doubles(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert((isnan(a[i]) && isnan(b[i])) ||
			  memcmp(&a[i], &b[i], 8) == 0);
}

static inline void
assert_same_bytes(const void *a, const void *b, size_t n)
{
	if (n > 0)
		ck_assert(memcmp(a, b, n) == 0);
}

static inline void
assert_same_part(const struct batch *a, const struct batch *b, size_t p)
{
	const struct part_column *x = &a->parts[p], *y = &b->parts[p];
	size_t dim = a->schema->parts[p].dim, n = a->n, total;

	ck_assert_int_eq(a->schema->parts[p].kind, b->schema->parts[p].kind);
	ck_assert_uint_eq(dim, b->schema->parts[p].dim);
	assert_same_bytes(x->mask, y->mask, n);
	assert_same_strs(&x->error, &y->error, n);
	if (a->schema->parts[p].kind == PART_DENSE) {
		assert_same_bytes(x->dense, y->dense, 4 * n * dim);
		return;
	}
	if (n == 0)
		return;
	assert_same_bytes(x->end, y->end, n * sizeof(*x->end));
	total = x->end[n - 1];
	if (a->schema->parts[p].kind == PART_SPARSE) {
		assert_same_bytes(x->index, y->index, 4 * total);
		assert_same_bytes(x->value, y->value, 4 * total);
	} else {
		assert_same_bytes(x->value, y->value, 4 * total * dim);
		assert_same_doubles(x->time, y->time, 2 * total);
	}
}

static inline void
assert_same_batch(const struct batch *a, const struct batch *b)
{
	size_t n = a->n;

	ck_assert_uint_eq(n, b->n);
	assert_same_strs(&a->id, &b->id, n);
	assert_same_strs(&a->group, &b->group, n);
	assert_same_strs(&a->label, &b->label, n > 0 ? a->label_end[n - 1] : 0);
	assert_same_bytes(
	    a->label_end, b->label_end, n * sizeof(*a->label_end));
	assert_same_doubles(a->target, b->target, n);
	assert_same_doubles(a->weight, b->weight, n);
	assert_same_bytes(a->source, b->source, 8 * n);
	assert_same_bytes(a->flags, b->flags, 4 * n);
	ck_assert_uint_eq(a->schema->n, b->schema->n);
	for (size_t p = 0; p < a->schema->n; p++)
		assert_same_part(a, b, p);
}

static inline struct buf
slurp(const char *path)
{
	struct buf b = { 0 };
	struct error e;

	ck_assert_int_eq(io_read_file(path, IO_MAX_FILE, &b, &e), 0);
	return b;
}

/* spill: write these bytes to a file.  Not truncated to nothing first: some
 * file systems then wait for the disk, which thousands of files cannot. */
static inline void
spill(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pwrite(fd, p, n, 0), (ssize_t)n);
	ck_assert_int_eq(ftruncate(fd, (off_t)n), 0);
	ck_assert_int_eq(close(fd), 0);
}

#endif
