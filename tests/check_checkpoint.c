/* Checkpoints: what is kept comes back, and nothing else is believed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "fusion/checkpoint.h"
#include "unit.h"
#include "vec/model.h"

static const struct error no_error;

/* A checkpoint that must open. */
static struct checkpoint *
opened(const char *path, const char *what)
{
	struct error e = no_error;
	struct checkpoint *c = checkpoint_open(path, what, &e);

	ck_assert_msg(c != NULL, "%s", e.text);
	return c;
}

static void
put(struct checkpoint *c, const char *name, const char *text)
{
	struct error e = no_error;

	ck_assert_msg(
	    checkpoint_put(c, name, text, strlen(text), &e) == 0, "%s", e.text);
}

static void
write_now(struct checkpoint *c)
{
	struct error e = no_error;

	ck_assert_msg(checkpoint_write(c, &e) == 0, "%s", e.text);
}

/* NULL: nothing of that name is kept. */
static void
check_kept(const struct checkpoint *c, const char *name, const char *text)
{
	size_t n = 99;
	const void *p = checkpoint_get(c, name, &n);

	if (text == NULL) {
		ck_assert_ptr_null(p);
		ck_assert_uint_eq(n, 0);
		return;
	}
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_int_eq(memcmp(p, text, n), 0);
}

static void
check_refused(const char *path, const char *what, const char *sentence)
{
	struct error e = no_error;

	ck_assert_ptr_null(checkpoint_open(path, what, &e));
	ck_assert_msg(strstr(e.text, sentence) != NULL, "%s", e.text);
}

static int
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct buf
slurp(const char *path)
{
	struct buf b = { 0 };
	struct error e = no_error;

	ck_assert_msg(
	    io_read_file(path, IO_MAX_FILE, &b, &e) == 0, "%s", e.text);
	return b;
}

/* Plainly, as a damaged disk would: no renaming. */
static void
spit(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
	close(fd);
}

/* A file with a few results, as bytes. */
static struct buf
sample(void)
{
	struct checkpoint *c = opened("sample", "seed 1, \"two\"");

	put(c, "fold.0/text", "first");
	put(c, "fold.0/image", "second, longer");
	put(c, "fold.10", "");
	write_now(c);
	checkpoint_close(c, 0);
	return slurp("sample");
}

START_TEST(what_is_kept_comes_back)
{
	struct checkpoint *c = opened("c", "this");

	ck_assert(is_there("c"));
	check_kept(c, "a", NULL);
	put(c, "a", "one");
	put(c, "a.b", "two");
	put(c, "none", "");
	check_kept(c, "a", "one");
	put(c, "a", "another");
	write_now(c);
	checkpoint_close(c, 0);
	c = opened("c", "this");
	check_kept(c, "a", "another");
	check_kept(c, "a.b", "two");
	check_kept(c, "none", "");
	check_kept(c, "b", NULL);
	put(c, "b", "three");
	checkpoint_drop(c, "a.");
	check_kept(c, "a.b", NULL);
	check_kept(c, "a", "another");
	write_now(c);
	checkpoint_close(c, 0);
	c = opened("c", "this");
	check_kept(c, "a", "another");
	check_kept(c, "a.b", NULL);
	check_kept(c, "b", "three");
	checkpoint_drop(c, "");
	check_kept(c, "a", NULL);
	checkpoint_close(c, 1);
	ck_assert(!is_there("c"));
}
END_TEST

/* Bytes depend on what is kept, not on how it came there. */
START_TEST(the_same_results_are_the_same_file)
{
	struct checkpoint *c = opened("one", "this");
	struct buf a, b;

	put(c, "x", "1");
	write_now(c);
	put(c, "y", "2");
	put(c, "z", "3");
	checkpoint_drop(c, "x");
	put(c, "x", "4");
	write_now(c);
	checkpoint_close(c, 0);
	c = opened("two", "this");
	put(c, "z", "3");
	put(c, "x", "4");
	put(c, "y", "2");
	write_now(c);
	checkpoint_close(c, 0);
	a = slurp("one");
	b = slurp("two");
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_eq(memcmp(a.data, b.data, a.len), 0);
	buf_free(&a);
	buf_free(&b);
}
END_TEST

/* The file is not rewritten with each result, nor without any. */
START_TEST(writing_waits_a_while)
{
	struct checkpoint *c = opened("c", "this");
	struct stat before, after;
	struct buf b;
	time_t start = time(NULL);

	ck_assert_int_eq(stat("c", &before), 0);
	put(c, "a", "one");
	ck_assert_int_eq(stat("c", &after), 0);
	/* Unless the machine took a rest. */
	if (time(NULL) == start)
		ck_assert(before.st_ino == after.st_ino);
	write_now(c);
	b = slurp("c");
	ck_assert_int_eq(unlink("c"), 0);
	write_now(c);
	ck_assert(!is_there("c"));
	/* Closing leaves the file as it is. */
	spit("c", b.data, b.len);
	checkpoint_close(c, 0);
	c = opened("c", "this");
	check_kept(c, "a", "one");
	/* After a while the next result is written with the others. */
	sleep(1);
	put(c, "b", "two");
	checkpoint_close(c, 0);
	c = opened("c", "this");
	check_kept(c, "b", "two");
	checkpoint_close(c, 0);
	buf_free(&b);
}
END_TEST

START_TEST(no_checkpoint_keeps_nothing)
{
	struct error e = no_error;

	ck_assert_int_eq(checkpoint_put(NULL, "a", "b", 1, &e), 0);
	check_kept(NULL, "a", NULL);
	checkpoint_drop(NULL, "");
	ck_assert_int_eq(checkpoint_write(NULL, &e), 0);
	checkpoint_close(NULL, 1);
}
END_TEST

START_TEST(other_work_is_refused)
{
	struct buf b = sample(), c = { 0 };
	struct error e = no_error;

	check_refused("sample", "seed 2, \"two\"",
	    "'sample': a checkpoint of a training with other options or "
	    "records: give the same ones to go on, or remove it to start anew");
	c = slurp("sample");
	ck_assert_uint_eq(b.len, c.len);
	ck_assert_int_eq(memcmp(b.data, c.data, b.len), 0);
	buf_free(&b);
	buf_free(&c);
	ck_assert_int_eq(
	    model_save(
		"old", "{\"checkpoint\":\"0.0\",\"what\":\"x\"}", NULL, 0, &e),
	    0);
	check_refused("old", "x", "another version of vecpipe (\"0.0\", this");
	ck_assert_int_eq(model_save("model", "{\"task\":1}", NULL, 0, &e), 0);
	check_refused("model", "x", "'model': not a checkpoint: give another");
	ck_assert_int_eq(model_save("plain", NULL, NULL, 0, &e), 0);
	check_refused("plain", "x", "'plain': not a checkpoint");
}
END_TEST

/* A sound file whose results are of no type that is ever written. */
START_TEST(other_arrays_are_refused)
{
	static const unsigned char byte[8] = { 1 };
	struct tensor t[2] = { { (char[]){ "a" }, TENSOR_U8, 2, { 2, 2 }, 4,
				   byte },
		{ (char[]){ "a" }, TENSOR_F32, 1, { 2 }, 8, byte } };
	struct checkpoint *c = opened("c", "this");
	struct error e = no_error;
	struct model m = { 0 };

	checkpoint_close(c, 0);
	ck_assert_int_eq(model_open(&m, "c", &e), 0);
	ck_assert_int_eq(model_save("bad", m.config, &t[_i], 1, &e), 0);
	model_close(&m);
	check_refused("bad", "this", "checkpoint: 'bad': tensor 'a' is not u8");
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	struct buf b = sample();
	struct error e;

	for (size_t n = 0; n < b.len; n++) {
		e = no_error;
		spit("cut", b.data, n);
		ck_assert_msg(
		    checkpoint_open("cut", "seed 1, \"two\"", &e) == NULL,
		    "%zu of %zu", n, b.len);
		ck_assert_msg(
		    strstr(e.text, "'cut': ") != NULL, "%zu: %s", n, e.text);
	}
	buf_free(&b);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	struct buf b = sample();
	struct error e;

	for (size_t i = 0; i < 8 * b.len; i++) {
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
		spit("bad", b.data, b.len);
		b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
		e = no_error;
		ck_assert_msg(
		    checkpoint_open("bad", "seed 1, \"two\"", &e) == NULL,
		    "bit %zu", i);
		ck_assert_msg(
		    strstr(e.text, "'bad'") != NULL, "%zu: %s", i, e.text);
	}
	spit("bad", b.data, b.len);
	checkpoint_close(opened("bad", "seed 1, \"two\""), 0);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *path, *sentence;
} places[] = {
	{ "-", "'-': a checkpoint must be a regular file" },
	{ "/dev/stdout", "must be a regular file" },
	{ "/dev/null", "must be a regular file" },
	{ "folder", "must be a regular file" },
	{ "fifo", "must be a regular file" },
	{ "none/c", "'none/c': No such file or directory" },
	{ "file/c", "'file/c': Not a directory" },
	{ "", "''" },
};

START_TEST(names_that_cannot_be_written_are_refused)
{
	/* Each turn of the loop comes to the same folder. */
	mkdir("folder", 0777);
	mkfifo("fifo", 0666);
	spit("file", "x", 1);
	check_refused(places[_i].path, "x", places[_i].sentence);
}
END_TEST

static const char *const bad_names[] = { "", "__metadata__", "a\nb", "\xff",
	"del\x7f" };

START_TEST(bad_names_of_results_are_refused)
{
	struct checkpoint *c = opened("c", "this");
	struct error e = no_error;

	ck_assert_int_eq(checkpoint_put(c, bad_names[_i], "x", 1, &e), -1);
	ck_assert_msg(
	    strstr(e.text, "cannot name a result") != NULL, "%s", e.text);
	write_now(c);
	checkpoint_close(c, 0);
	check_refused("c", "\xff", "'c': what it is for is not UTF-8");
	checkpoint_close(opened("c", "this"), 0);
}
END_TEST

/* A folder that is gone: the sentence says so, and what was kept stays. */
START_TEST(a_failed_write_is_told)
{
	struct checkpoint *c;
	struct error e = no_error;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	c = opened("d/c", "this");
	put(c, "a", "one");
	ck_assert_int_eq(unlink("d/c"), 0);
	ck_assert_int_eq(rmdir("d"), 0);
	ck_assert_int_eq(checkpoint_write(c, &e), -1);
	ck_assert_msg(strstr(e.text, "'d/c'") != NULL, "%s", e.text);
	check_kept(c, "a", "one");
	ck_assert_int_eq(mkdir("d", 0777), 0);
	write_now(c);
	checkpoint_close(c, 0);
	c = opened("d/c", "this");
	check_kept(c, "a", "one");
	checkpoint_close(c, 1);
}
END_TEST

/* A link's target is written and removed, the link stays. */
START_TEST(links_stay)
{
	struct checkpoint *c;
	struct stat st;

	ck_assert_int_eq(symlink("target", "link"), 0);
	c = opened("link", "this");
	ck_assert(is_there("target"));
	put(c, "a", "one");
	write_now(c);
	checkpoint_close(c, 0);
	c = opened("link", "this");
	check_kept(c, "a", "one");
	checkpoint_close(c, 1);
	ck_assert(!is_there("target"));
	ck_assert_int_eq(lstat("link", &st), 0);
}
END_TEST

/* What took its place is not removed. */
START_TEST(other_files_stay)
{
	struct checkpoint *c = opened("mine", "this");
	struct error e = no_error;

	put(c, "a", "one");
	write_now(c);
	ck_assert_int_eq(model_save("mine", "{}", NULL, 0, &e), 0);
	checkpoint_close(c, 1);
	ck_assert(is_there("mine"));
	c = opened("gone", "this");
	put(c, "a", "one");
	write_now(c);
	checkpoint_close(c, 0);
	c = opened("gone", "this");
	ck_assert_int_eq(unlink("gone"), 0);
	checkpoint_close(c, 1);
}
END_TEST

/* ---- without memory ---- */

/* In a process of its own, where allocation FAILN fails: 0 all is done, 1
 * memory was out and a sentence says so, 2 anything else. */
static int
starve(void)
{
	struct error e = no_error;
	struct checkpoint *c = checkpoint_open("starved", "this", &e);
	int r = -1;

	if (c != NULL && checkpoint_put(c, "a", "new", 3, &e) == 0 &&
	    checkpoint_put(c, "b", "more", 4, &e) == 0)
		r = checkpoint_write(c, &e);
	checkpoint_close(c, 0);
	if (r == 0)
		return 0;
	return e.memory && strstr(e.text, "out of memory") != NULL ? 1 : 2;
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static void
run_starved(const char *exe, const char *shim, int at, int sticky)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", at);
	setenv("LD_PRELOAD", shim, 1);
	setenv("FAILN", number, 1);
	if (sticky)
		setenv("FAILSTICKY", "1", 1);
	execl(exe, exe, "starve", (char *)NULL);
	_exit(9);
}

START_TEST(no_half_file_without_memory)
{
	char exe[4096], shim[4200];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	struct checkpoint *c;
	int status, at = 0;

#ifdef SANITIZED
	return; /* a sanitizer brings its own malloc */
#endif
	ck_assert_int_gt(n, 0);
	exe[n] = '\0';
	snprintf(shim, sizeof(shim), "%.*s/malloc_fail.so",
	    (int)(strrchr(exe, '/') - exe), exe);
	ck_assert_msg(is_there(shim), "%s is not built", shim);
	do {
		pid_t pid;

		c = opened("starved", "this");
		put(c, "a", "old");
		write_now(c);
		checkpoint_close(c, 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			run_starved(exe, shim, ++at, _i);
		at++;
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) < 2,
		    "allocation %d: status %d", at, status);
		c = opened("starved", "this");
		check_kept(c, "a", WEXITSTATUS(status) == 0 ? "new" : "old");
		checkpoint_close(c, 1);
		ck_assert_int_lt(at, 1000);
	} while (WEXITSTATUS(status) != 0);
	ck_assert_int_gt(at, 20);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s;
	TCase *t;

	if (argc > 1 && strcmp(argv[1], "starve") == 0)
		return starve();
	s = suite_create("checkpoint");
	t = tcase_create("checkpoint");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, what_is_kept_comes_back);
	tcase_add_test(t, the_same_results_are_the_same_file);
	tcase_add_test(t, writing_waits_a_while);
	tcase_add_test(t, no_checkpoint_keeps_nothing);
	tcase_add_test(t, other_work_is_refused);
	tcase_add_loop_test(t, other_arrays_are_refused, 0, 2);
	tcase_add_test(t, every_prefix_is_refused);
	tcase_add_test(t, every_flipped_bit_is_refused);
	tcase_add_loop_test(t, names_that_cannot_be_written_are_refused, 0,
	    (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_loop_test(t, bad_names_of_results_are_refused, 0,
	    (int)(sizeof(bad_names) / sizeof(bad_names[0])));
	tcase_add_test(t, a_failed_write_is_told);
	tcase_add_test(t, links_stay);
	tcase_add_test(t, other_files_stay);
	tcase_add_loop_test(t, no_half_file_without_memory, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
