#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "unit.h"
#include "vec/runner.h"

/*
 * A toy that counts what its batches were: part "sum" holds the length and the
 * sum of the bytes, part "rows" is a sequence with a row for each byte.
 * "!..." is an error, after which the room of its neighbours must be whole.
 */
struct toy {
	size_t batch, batch_bytes;
	atomic_int calls, records, largest;
};

struct scratch {
	int busy;
};

static void *
toy_scratch(void *ctx, struct error *e)
{
	(void)ctx;
	(void)e;
	return calloc(1, sizeof(struct scratch));
}

static void
toy_free(void *ctx, void *scratch)
{
	(void)ctx;
	free(scratch);
}

static enum encode_status
toy_one(const struct source *in, struct encoded *out, struct error *e)
{
	float *x, *rows;
	double *time;

	if (in->len == 0 || in->data[0] == '!') {
		error_set(e, in->len == 0 ? "empty text" : "bad text");
		return ENCODE_BAD;
	}
	x = encoded_dense(out, 0, e);
	rows = encoded_sequence(out, 1, in->len, &time, e);
	if (x == NULL || rows == NULL)
		return ENCODE_BAD;
	x[0] = (float)in->len;
	for (size_t i = 0; i < in->len; i++) {
		float c = (float)(unsigned char)in->data[i];

		x[1] += c;
		rows[2 * i] = c;
		rows[2 * i + 1] = (float)i;
		time[2 * i] = (double)i;
		time[2 * i + 1] = (double)i + 0.5;
	}
	if (in->data[0] == 'l')
		encoded_flag(out, FLAG_CUT);
	return ENCODE_OK;
}

static enum encode_status
toy_encode(void *ctx, void *scratch, const struct source *in,
    struct encoded *out, struct error *e)
{
	(void)ctx;
	(void)scratch;
	return toy_one(in, out, e);
}

static void
toy_batch(void *ctx, void *scratch, size_t n, const struct source *in,
    struct encoded *const *out, enum encode_status *status, struct error *e)
{
	struct toy *toy = ctx;
	struct scratch *mine = scratch;
	size_t bytes = 0;
	int seen;

	ck_assert_int_eq(mine->busy++, 0);
	atomic_fetch_add(&toy->calls, 1);
	atomic_fetch_add(&toy->records, (int)n);
	seen = atomic_load(&toy->largest);
	while (seen < (int)n &&
	       !atomic_compare_exchange_weak(&toy->largest, &seen, (int)n))
		;
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(n, toy->batch);
	/* From behind, so that nobody counts on an order. */
	for (size_t i = n; i-- > 0;) {
		ck_assert_int_eq(status[i], ENCODE_OK);
		ck_assert_str_eq(e[i].text, "");
		bytes += in[i].len;
		status[i] = toy_one(&in[i], out[i], &e[i]);
	}
	if (toy->batch_bytes > 0 && n > 1)
		ck_assert_uint_le(bytes, toy->batch_bytes);
	mine->busy--;
}

static int
run_toy(struct toy *toy, const struct items_options *from, const char *operand,
    const struct runner_options *o)
{
	char *paths[1] = { (char *)(uintptr_t)operand };
	struct schema s = { 0 };
	struct extractor x = { .name = "toy",
		.schema = &s,
		.ctx = toy,
		.scratch_new = toy_scratch,
		.scratch_free = toy_free,
		.encode = toy_encode,
		.batch = toy->batch,
		.batch_bytes = toy->batch_bytes };
	int err = dup(2), fd = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	int status;

	toy->calls = toy->records = toy->largest = 0;
	if (toy->batch > 0)
		x.encode_batch = toy_batch;
	ck_assert_int_eq(
	    schema_add(&s, "sum", PART_DENSE, 2, "{\"v\":1}", NULL, NULL), 0);
	ck_assert_int_eq(
	    schema_add(&s, "rows", PART_SEQUENCE, 2, "{}", NULL, NULL), 0);
	dup2(fd, 2);
	close(fd);
	status = runner_run(&x, from, paths, operand != NULL, o);
	dup2(err, 2);
	close(err);
	schema_free(&s);
	return status;
}

static void
write_file(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)write(fd, p, n), (int)n);
	close(fd);
}

static void
read_file(const char *path, struct buf *b)
{
	struct error e;

	b->len = 0;
	ck_assert_msg(
	    io_read_file(path, IO_MAX_FILE, b, &e) == 0, "%s", e.text);
}

enum { RECORDS = 1500 };

/* Texts of many lengths, some missing, some in error, one large; the same as
 * files, of which one is not there. */
static void
make_inputs(void)
{
	struct buf table = { 0 }, list = { 0 }, text = { 0 };
	char name[32];

	mkdir("w", 0777);
	buf_puts(&table, "id,t\n");
	for (unsigned i = 0; i < RECORDS; i++) {
		text.len = 0;
		if (i % 97 == 5)
			buf_puts(&text, "!");
		for (unsigned k = 0; i != 5 && k < i * 7 % 61; k++)
			buf_putc(&text, "lorem ipsum"[(i + k) % 11]);
		if (i == 700)
			for (unsigned k = 0; k < 3000; k++)
				buf_putc(&text, 'x');
		buf_printf(&table, "%u,%.*s\n", i, (int)text.len, text.data);
		if (i >= 200)
			continue;
		snprintf(name, sizeof(name), "w/%u", i);
		if (i != 33)
			write_file(name, text.data, text.len);
		buf_printf(&list, "%s\n", name);
	}
	write_file("many.csv", table.data, table.len);
	write_file("list", list.data, list.len);
	buf_free(&table);
	buf_free(&list);
	buf_free(&text);
}

static const struct items_options by_table = { .text = "t", .id = "id" };
static const struct items_options by_list = { .list = "list" };

static const struct {
	size_t batch, bytes;
	int threads;
} cuts[] = { { 1, 0, 1 }, { 2, 0, 2 }, { 32, 0, 1 }, { 32, 0, 3 },
	{ 64, 500, 2 }, { 64, 1, 2 }, { 7, 100, 8 }, { 4096, 0, 2 } };

START_TEST(bytes_do_not_depend_on_batches)
{
	struct toy toy = { .batch = 0 };
	struct runner_options o = { .threads = 1, .quiet = 1 };
	struct buf a = { 0 }, b = { 0 };

	make_inputs();
	for (int files = 0; files < 2; files++) {
		const struct items_options *from = files ? &by_list : &by_table;
		const char *operand = files ? NULL : "many.csv";

		toy = (struct toy){ .batch = 0 };
		o.output = "one.vp";
		o.threads = 1;
		ck_assert_int_eq(run_toy(&toy, from, operand, &o), EXIT_SOME);
		ck_assert_int_eq(toy.calls, 0);
		toy.batch = cuts[_i].batch;
		toy.batch_bytes = cuts[_i].bytes;
		o.threads = cuts[_i].threads;
		o.output = "batch.vp";
		ck_assert_int_eq(run_toy(&toy, from, operand, &o), EXIT_SOME);
		ck_assert_int_gt(toy.calls, 0);
		read_file("one.vp", &a);
		read_file("batch.vp", &b);
		ck_assert_uint_eq(a.len, b.len);
		ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
		if (cuts[_i].bytes == 0)
			ck_assert_int_ge(
			    toy.largest, files ? 1 : 2 - (cuts[_i].batch == 1));
	}
	buf_free(&a);
	buf_free(&b);
}
END_TEST

/* What is missing or reused is not in a batch. */
START_TEST(only_what_is_new_is_encoded)
{
	struct toy toy = { .batch = 16 };
	struct runner_options o = {
		.output = "old.vp", .threads = 2, .quiet = 1
	};
	struct buf a = { 0 }, b = { 0 };
	int missing = 0, bad = 0;

	make_inputs();
	for (unsigned i = 0; i < RECORDS; i++) {
		bad += i % 97 == 5;
		missing += i % 97 != 5 && i != 700 && i * 7 % 61 == 0;
	}
	ck_assert_int_eq(run_toy(&toy, &by_table, "many.csv", &o), EXIT_SOME);
	ck_assert_int_eq(toy.records, RECORDS - missing);
	o.reuse = "old.vp";
	o.output = "new.vp";
	ck_assert_int_eq(run_toy(&toy, &by_table, "many.csv", &o), EXIT_SOME);
	ck_assert_int_eq(toy.records, bad);
	read_file("old.vp", &a);
	read_file("new.vp", &b);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
	buf_free(&a);
	buf_free(&b);
}
END_TEST

/* With few records every worker has some. */
START_TEST(few_records_are_shared)
{
	static const char few[] = "id,t\n1,abcd\n2,abcd\n3,abcd\n4,abcd\n"
				  "5,abcd\n6,abcd\n7,abcd\n8,abcd\n";
	struct toy toy = { .batch = 64 };
	struct runner_options o = { .output = "few.vp", .quiet = 1 };

	write_file("few.csv", few, sizeof(few) - 1);
	o.threads = 4;
	ck_assert_int_eq(run_toy(&toy, &by_table, "few.csv", &o), EXIT_OK);
	ck_assert_int_eq(toy.calls, 4);
	ck_assert_int_eq(toy.largest, 2);
	o.threads = 1;
	ck_assert_int_eq(run_toy(&toy, &by_table, "few.csv", &o), EXIT_OK);
	ck_assert_int_eq(toy.calls, 1);
	ck_assert_int_eq(toy.largest, 8);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("batches");
	TCase *t = tcase_create("core");
	int n = (int)(sizeof(cuts) / sizeof(cuts[0]));

	tcase_add_loop_test(t, bytes_do_not_depend_on_batches, 0, n);
	tcase_add_test(t, only_what_is_new_is_encoded);
	tcase_add_test(t, few_records_are_shared);
	suite_add_tcase(s, t);
	return unit_main(s);
}
