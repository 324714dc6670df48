#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "unit.h"
#include "vec/input.h"
#include "vec/runner.h"

/*
 * A toy: the part "sum" holds the length and the sum of the bytes, the part
 * "bytes" is sparse with the count of each byte.  "!..." is an error, "?..."
 * of no known type, "~..." damaged; a scratch may be used by one at a time.
 */
struct toy {
	int busy;
	unsigned long calls;
};

static void *
toy_scratch(void *ctx, struct error *e)
{
	(void)ctx;
	(void)e;
	return calloc(1, sizeof(struct toy));
}

static void
toy_free(void *ctx, void *scratch)
{
	(void)ctx;
	free(scratch);
}

static enum encode_status
toy_encode(void *ctx, void *scratch, const struct source *in,
    struct encoded *out, struct error *e)
{
	struct toy *toy = scratch;
	uint32_t *index, count[256] = { 0 };
	float *x, *value;
	size_t n = 0;

	atomic_fetch_add((atomic_int *)ctx, 1);
	ck_assert_int_eq(toy->busy++, 0);
	toy->busy = 0;
	if (in->len == 0 || in->data[0] == '!') {
		error_set(e, in->len == 0 ? "empty text" : "bad text");
		return ENCODE_BAD;
	}
	if (in->data[0] == '?') {
		error_set(e, "unknown type");
		return ENCODE_UNKNOWN;
	}
	if (in->data[0] == '~') {
		if (!in->keep) {
			error_set(e, "damaged");
			return ENCODE_BAD;
		}
		encoded_flag(out, FLAG_DAMAGED);
	}
	x = encoded_dense(out, 0, e);
	if (x == NULL || encoded_sparse(out, 1, 256, &index, &value, e) == -1)
		return ENCODE_BAD;
	for (size_t i = 0; i < in->len; i++) {
		x[1] += (float)(unsigned char)in->data[i];
		count[(unsigned char)in->data[i]]++;
	}
	x[0] = (float)in->len;
	for (uint32_t c = 0; c < 256; c++)
		if (count[c] > 0) {
			index[n] = c;
			value[n++] = (float)count[c];
		}
	encoded_pairs(out, 1, n);
	return ENCODE_OK;
}

static enum encode_status
toy_line(void *ctx, void *scratch, const struct source *in, struct encoded *out,
    struct error *e)
{
	(void)ctx;
	(void)scratch;
	if (in->len == 0) {
		error_set(e, "empty \"file\"");
		return ENCODE_BAD;
	}
	if (buf_printf(encoded_line(out), ",\"bytes\":%zu", in->len) == -1) {
		error_memory(e);
		return ENCODE_BAD;
	}
	return ENCODE_OK;
}

static void
spit(const char *path, const char *s, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)write(fd, s, n), (int)n);
	close(fd);
}

static void
slurp(const char *path, struct buf *b)
{
	struct error e;

	b->len = 0;
	ck_assert_msg(
	    io_read_file(path, IO_MAX_FILE, b, &e) == 0, "%s", e.text);
	ck_assert_int_eq(buf_putc(b, '\0'), 0);
}

/* Run the toy; its words go to the file "err". */
static int
run_toy(const struct items_options *from, const char *operand,
    const struct runner_options *o, atomic_int *calls)
{
	char *paths[1] = { (char *)(uintptr_t)operand };
	struct schema s = { 0 };
	struct extractor x = { .name = "toy",
		.schema = &s,
		.ctx = calls,
		.scratch_new = toy_scratch,
		.scratch_free = toy_free,
		.encode = toy_encode };
	int err = dup(2), fd = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	int status;

	*calls = 0;
	ck_assert_int_eq(
	    schema_add(&s, "sum", PART_DENSE, 2, "{\"v\":1}", NULL, NULL), 0);
	ck_assert_int_eq(
	    schema_add(&s, "bytes", PART_SPARSE, 256, "{}", NULL, NULL), 0);
	dup2(fd, 2);
	close(fd);
	status = runner_run(&x, from, paths, operand != NULL, o);
	dup2(err, 2);
	close(err);
	schema_free(&s);
	return status;
}

/* The stream as text: "id len sum pairs flags label group error", a record a
 * line; -1s for a missing part. */
static void
show(const char *path, struct buf *out)
{
	char *operand = (char *)(uintptr_t)path;
	struct error e;
	struct input *in = input_open(&operand, 1, &e);
	struct batch b;

	out->len = 0;
	ck_assert_msg(in != NULL, "%s", e.text);
	ck_assert_int_eq(batch_init(&b, input_schema(in), &e), 0);
	ck_assert_msg(input_read_all(in, &b, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < b.n; i++) {
		struct str id = strs_get(&b.id, i);
		struct str why = strs_get(&b.parts[0].error, i);
		struct str group = strs_get(&b.group, i);
		const float *x = b.parts[0].dense + 2 * i;
		size_t first, n = batch_range(b.parts[1].end, i, &first);

		buf_printf(out, "%.*s", (int)id.len, id.s);
		if (b.parts[0].mask[i])
			buf_printf(
			    out, " %g %g %zu", (double)x[0], (double)x[1], n);
		if (b.flags[i] != 0)
			buf_printf(out, " flags=%u", (unsigned)b.flags[i]);
		n = batch_range(b.label_end, i, &first);
		for (size_t k = 0; k < n; k++) {
			struct str l = strs_get(&b.label, first + k);

			buf_printf(out, " label=%.*s", (int)l.len, l.s);
		}
		if (group.len > 0)
			buf_printf(out, " group=%.*s", (int)group.len, group.s);
		if (why.len > 0)
			buf_printf(out, " error=%.*s", (int)why.len, why.s);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\0');
	batch_free(&b);
	input_close(in);
}

static const char table[] = "{\"id\":\"a\",\"t\":\"xyz\",\"l\":\"k\"}\n"
			    "{\"id\":\"b\",\"t\":null,\"l\":[\"k\",2]}\n"
			    "{\"t\":\"no id\"}\n"
			    "{\"id\":\"c\",\"t\":\"!\",\"g\":\"p\"}\n"
			    "{\"id\":\"d\",\"t\":\"~zz\"}\n";
static const struct items_options by_table = {
	.text = "t", .id = "id", .label = "l", .group = "g"
};

START_TEST(one_record_for_each_input)
{
	struct runner_options o = { .output = "out.vp", .threads = 2 };
	struct buf b = { 0 };
	atomic_int calls;

	spit("t", table, sizeof(table) - 1);
	ck_assert_int_eq(run_toy(&by_table, "t", &o, &calls), EXIT_SOME);
	ck_assert_int_eq(calls, 3);
	show("out.vp", &b);
	ck_assert_str_eq(b.data, "a 3 363 3 label=k\nb label=k label=2\n"
				 "c group=p error=bad text\nd error=damaged\n");
	slurp("err", &b);
	ck_assert_str_eq(b.data,
	    "vecpipe: 't': line 3: no id: 'id' is absent or empty\n"
	    "vecpipe: 'c': bad text\n"
	    "vecpipe: 'd': damaged\n"
	    "vecpipe: 4 records, 2 with errors, 1 rejected\n");
	buf_free(&b);
}
END_TEST

static const struct {
	struct runner_options o;
	int status;
	const char *last; /* of the messages */
} policies[] = {
	{ { .max_errors = 3 }, EXIT_OK, "1 rejected\n" },
	{ { .max_errors = 2 }, EXIT_SOME, "1 rejected\n" },
	{ { .max_errors = 60, .percent = 1 }, EXIT_OK, "1 rejected\n" },
	{ { .max_errors = 59, .percent = 1 }, EXIT_SOME, "1 rejected\n" },
	{ { .on_error = ON_ERROR_STOP }, EXIT_FATAL, "at the first error\n" },
	{ { .on_error = ON_ERROR_KEEP }, EXIT_SOME,
	    "4 records, 1 with errors, 1 rejected\n" },
	{ { .quiet = 1 }, EXIT_SOME, "damaged\n" },
	{ { .output = "none/x" }, EXIT_FATAL, "No such file or directory\n" },
};

START_TEST(errors_as_the_options_say)
{
	struct runner_options o = policies[_i].o;
	struct buf b = { 0 };
	const char *last = policies[_i].last;
	atomic_int calls;

	if (o.output == NULL)
		o.output = "p.vp";
	unlink("p.vp");
	spit("t", table, sizeof(table) - 1);
	ck_assert_int_eq(
	    run_toy(&by_table, "t", &o, &calls), policies[_i].status);
	slurp("err", &b);
	ck_assert_uint_gt(b.len, strlen(last));
	ck_assert_str_eq(b.data + b.len - 1 - strlen(last), last);
	ck_assert_int_eq(
	    access("p.vp", F_OK) == 0, policies[_i].status != EXIT_FATAL);
	if (o.on_error == ON_ERROR_KEEP) {
		show("p.vp", &b);
		ck_assert_ptr_nonnull(strstr(b.data, "d 3 370 2 flags=4\n"));
	}
	buf_free(&b);
}
END_TEST

START_TEST(files_of_all_sorts)
{
	struct runner_options o = { .output = "f.vp" };
	struct items_options from = { .label_dir = 1 };
	struct buf b = { 0 };
	atomic_int calls;

	mkdir("w", 0777);
	mkdir("w/k", 0777);
	mkfifo("w/fifo", 0666);
	spit("w/k/a", "abc", 3);
	spit("w/k/b", "?", 1);
	spit("w/k/empty", "", 0);
	ck_assert_int_eq(run_toy(&from, "w", &o, &calls), EXIT_SOME);
	show("f.vp", &b);
	ck_assert_str_eq(
	    b.data, "k/a 3 294 3 label=k\nk/empty label=k error=empty text\n");
	slurp("err", &b);
	ck_assert_ptr_nonnull(
	    strstr(b.data, "2 records, 1 with errors, 2 passed over\n"));
	/* What was named is a record, whatever it is. */
	from = (struct items_options){ .list = "list" };
	spit("list", "w/k/b\nnone\nw\nw/fifo\n", 20);
	ck_assert_int_eq(run_toy(&from, NULL, &o, &calls), EXIT_SOME);
	show("f.vp", &b);
	ck_assert_str_eq(b.data,
	    "w/k/b error=unknown type\n"
	    "none error=No such file or directory\n"
	    "w error=Is a directory\nw/fifo error=not a regular file\n");
	buf_free(&b);
}
END_TEST

/* Many records, a few of them bad, in several rounds. */
static void
many(const char *path, unsigned n, unsigned changed)
{
	struct buf b = { 0 };

	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%u,%s%.*s\n", i, i % 97 == 5 ? "!" : "",
		    (int)(i % 40), "lorem ipsum dolor sit amet consectetur");
	if (changed < n)
		buf_printf(&b, "x%u,new\n", changed);
	spit(path, "", 0);
	{
		struct writer w;

		ck_assert_int_eq(io_create(&w, path, NULL), 0);
		ck_assert_int_eq(io_put(&w, "id,t\n", 5, NULL), 0);
		ck_assert_int_eq(io_put(&w, b.data, b.len, NULL), 0);
		ck_assert_int_eq(io_commit(&w, NULL), 0);
	}
	buf_free(&b);
}

START_TEST(bytes_do_not_depend_on_threads)
{
	static const int threads[] = { 1, 2, 3, 8 };
	struct items_options from = { .text = "t", .id = "id" };
	struct buf a = { 0 }, b = { 0 };
	atomic_int calls;

	many("many.csv", 3000, 3000);
	for (int i = 0; i < 4; i++) {
		struct runner_options o = {
			.output = "m.vp", .threads = threads[i], .quiet = 1
		};

		ck_assert_int_eq(
		    run_toy(&from, "many.csv", &o, &calls), EXIT_SOME);
		slurp("m.vp", i == 0 ? &a : &b);
		if (i > 0) {
			ck_assert_uint_eq(a.len, b.len);
			ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
		}
		slurp("err", &b);
		ck_assert_ptr_nonnull(strstr(b.data, "more like these"));
	}
	buf_free(&a);
	buf_free(&b);
}
END_TEST

START_TEST(unchanged_inputs_are_reused)
{
	struct items_options from = { .text = "t", .id = "id" };
	struct runner_options o = { .output = "old.vp", .threads = 2 };
	struct buf a = { 0 }, b = { 0 };
	atomic_int calls;

	many("many.csv", 1000, 1000);
	ck_assert_int_eq(run_toy(&from, "many.csv", &o, &calls), EXIT_SOME);
	many("many.csv", 1000, 7);
	o.output = "fresh.vp";
	ck_assert_int_eq(run_toy(&from, "many.csv", &o, &calls), EXIT_SOME);
	o.output = "new.vp";
	o.reuse = "old.vp";
	ck_assert_int_eq(run_toy(&from, "many.csv", &o, &calls), EXIT_SOME);
	/* Those in error are tried again, and one is new; empty texts are
	 * missing and never reach the encoder. */
	ck_assert_int_eq(atomic_load(&calls), 11 + 1);
	slurp("fresh.vp", &a);
	slurp("new.vp", &b);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
	/* Half of the old stream is better than nothing. */
	slurp("old.vp", &b);
	spit("half.vp", b.data, b.len / 2);
	o.reuse = "half.vp";
	ck_assert_int_eq(run_toy(&from, "many.csv", &o, &calls), EXIT_SOME);
	slurp("new.vp", &b);
	ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
	buf_free(&a);
	buf_free(&b);
}
END_TEST

START_TEST(another_encoder_is_not_reused)
{
	struct items_options from = { .text = "t", .id = "id" };
	struct runner_options o = { .output = "x.vp", .reuse = "old.jsonl" };
	static const char old[] = "{\"id\":\"1\",\"vec\":{\"other\":[1,2]}}\n";
	struct buf b = { 0 };
	atomic_int calls;

	many("many.csv", 10, 10);
	spit("old.jsonl", old, sizeof(old) - 1);
	ck_assert_int_eq(run_toy(&from, "many.csv", &o, &calls), EXIT_FATAL);
	slurp("err", &b);
	ck_assert_ptr_nonnull(
	    strstr(b.data, "'old.jsonl': it has no part 'sum'"));
	buf_free(&b);
}
END_TEST

START_TEST(shards_hold_each_record_once)
{
	struct items_options from = { .text = "t", .id = "id", .shards = 3 };
	struct runner_options o = { .threads = 2, .quiet = 1 };
	static char name[3][8] = { "s0.vp", "s1.vp", "s2.vp" };
	char *seen = calloc(1000, 1), *paths[3];
	struct error e;
	struct input *in;
	struct batch b;
	atomic_int calls;

	many("many.csv", 1000, 1000);
	for (int i = 0; i < 3; i++) {
		from.shard = (uint64_t)i;
		o.output = paths[i] = name[i];
		ck_assert_int_eq(
		    run_toy(&from, "many.csv", &o, &calls), EXIT_SOME);
	}
	in = input_open(paths, 3, &e);
	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(batch_init(&b, input_schema(in), &e), 0);
	ck_assert_int_eq(input_read_all(in, &b, &e), 0);
	ck_assert_uint_eq(b.n, 1000);
	for (size_t i = 0; i < b.n; i++) {
		struct str s = strs_get(&b.id, i);
		char id[16];

		snprintf(id, sizeof(id), "%.*s", (int)s.len, s.s);
		ck_assert_int_eq(seen[atoi(id)]++, 0);
	}
	free(seen);
	batch_free(&b);
	input_close(in);
}
END_TEST

START_TEST(lines_of_the_extractor)
{
	static const char text[] = "id,f,l,g\na,one,k,p\nb,empty,,\nc,,,\n";
	struct items_options from = {
		.file = "f", .id = "id", .label = "l", .group = "g"
	};
	struct runner_options o = { .output = "lines", .threads = 2 };
	struct schema s = { 0 };
	struct extractor x = {
		.name = "toy", .schema = &s, .encode = toy_line
	};
	char path[] = "t.csv", *paths[] = { path };
	struct buf b = { 0 };

	spit("t.csv", text, sizeof(text) - 1);
	spit("one", "1234", 4);
	spit("empty", "", 0);
	ck_assert_int_eq(runner_run(&x, &from, paths, 1, &o), EXIT_SOME);
	slurp("lines", &b);
	ck_assert_str_eq(b.data,
	    "{\"id\":\"a\",\"label\":\"k\",\"group\":\"p\",\"bytes\":4}\n"
	    "{\"id\":\"b\",\"errors\":{\"toy\":\"empty \\\"file\\\"\"}}\n"
	    "{\"id\":\"c\"}\n");
	buf_free(&b);
}
END_TEST

/* A record must come out of a pipe that stays open behind it. */
START_TEST(a_live_pipe_is_answered)
{
	struct items_options from = { .lines = 1, .id_from = ITEMS_ID_LINE };
	struct runner_options o = {
		.format = FORMAT_JSONL, .threads = 1, .quiet = 1
	};
	int in[2], out[2], status;
	atomic_int calls;
	char got[256] = "";
	pid_t pid;

	if (_i == 1)
		o = (struct runner_options){
			.format = FORMAT_VP, .live = 1, .threads = 2, .quiet = 1
		};
	ck_assert_int_eq(pipe(in) + pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		_exit(run_toy(&from, NULL, &o, &calls));
	}
	close(out[1]);
	ck_assert_int_eq((int)write(in[1], "abc\n", 4), 4);
	for (size_t n = 0; n < (_i == 0 ? 10 : 100);) {
		ssize_t k = read(out[0], got + n, sizeof(got) - 1 - n);

		ck_assert_int_gt((int)k, 0);
		n += (size_t)k;
	}
	if (_i == 0)
		ck_assert_int_eq(strncmp(got, "{\"id\":\"1\",", 10), 0);
	close(in[1]);
	ck_assert_int_eq((int)waitpid(pid, &status, 0), (int)pid);
	ck_assert_int_eq(status, 0);
	close(out[0]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("runner");
	TCase *t = tcase_create("core");
	int n = (int)(sizeof(policies) / sizeof(policies[0]));

	tcase_add_test(t, one_record_for_each_input);
	tcase_add_loop_test(t, errors_as_the_options_say, 0, n);
	tcase_add_test(t, files_of_all_sorts);
	tcase_add_test(t, bytes_do_not_depend_on_threads);
	tcase_add_test(t, unchanged_inputs_are_reused);
	tcase_add_test(t, another_encoder_is_not_reused);
	tcase_add_test(t, shards_hold_each_record_once);
	tcase_add_test(t, lines_of_the_extractor);
	tcase_add_loop_test(t, a_live_pipe_is_answered, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
