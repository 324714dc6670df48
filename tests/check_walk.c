#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/walk.h"
#include "unit.h"

static void
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0666);

	ck_assert_msg(fd != -1, "%s", path);
	close(fd);
}

START_TEST(order_is_by_bytes)
{
	/* Made in an order of no use; "a-b" sorts before the folder "a/b"
	 * only if names are compared and not whole paths. */
	static const char *const want[] = { "A", "Z", "a/x", "a/y/deep", "a-b",
		"a.txt", "b", "\xc3\xa4", "\xff" };
	struct strs paths = { 0 };
	struct error e;
	size_t skipped;

	mkdir("t", 0777);
	mkdir("t/a", 0777);
	mkdir("t/a/y", 0777);
	mkdir("t/empty", 0777);
	mkdir("t/.git", 0777);
	for (size_t i = sizeof(want) / sizeof(want[0]); i > 0; i--) {
		char path[64];

		snprintf(path, sizeof(path), "t/%s", want[i - 1]);
		touch(path);
	}
	touch("t/.hidden");
	touch("t/.git/x");
	ck_assert_int_eq(walk_files("t", &paths, &skipped, &e), 0);
	ck_assert_uint_eq(paths.n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < paths.n; i++)
		ck_assert(str_eq(strs_get(&paths, i),
		    (struct str){ want[i], strlen(want[i]) }));
	ck_assert_uint_eq(skipped, 0);
	/* Slashes behind the folder change nothing. */
	ck_assert_int_eq(walk_files("./t//", &paths, &skipped, &e), 0);
	ck_assert_uint_eq(paths.n, 2 * (sizeof(want) / sizeof(want[0])));
	ck_assert(str_eq(strs_get(&paths, 0), strs_get(&paths, paths.n / 2)));
	strs_free(&paths);
}
END_TEST

START_TEST(what_is_no_file_is_passed_over)
{
	struct strs paths = { 0 };
	struct error e;
	size_t skipped;

	mkdir("u", 0777);
	mkdir("u/d", 0777);
	touch("u/f");
	mkfifo("u/fifo", 0666);
	ck_assert_int_eq(symlink("f", "u/link"), 0);
	ck_assert_int_eq(symlink("nowhere", "u/broken"), 0);
	ck_assert_int_eq(symlink("..", "u/d/circle"), 0);
	ck_assert_int_eq(walk_files("u", &paths, &skipped, &e), 0);
	ck_assert_uint_eq(paths.n, 2);
	ck_assert_uint_eq(skipped, 3);
	strs_free(&paths);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
	struct strs paths = { 0 };
	struct error e;
	size_t skipped;

	strs_add(&paths, "kept", 4);
	touch("file");
	ck_assert_int_eq(walk_files("none", &paths, &skipped, &e), -1);
	ck_assert_str_eq(e.text, "'none': No such file or directory");
	ck_assert_int_eq(walk_files("file", &paths, &skipped, &e), -1);
	ck_assert_str_eq(e.text, "'file': Not a directory");
	ck_assert_int_eq(walk_files("", &paths, &skipped, &e), -1);
	ck_assert_uint_eq(paths.n, 1);
	strs_free(&paths);
}
END_TEST

START_TEST(a_deep_tree)
{
	struct strs paths = { 0 };
	struct error e;
	size_t skipped;

	mkdir("deep", 0777);
	ck_assert_int_eq(chdir("deep"), 0);
	for (int i = 0; i < 500; i++) {
		mkdir("d", 0777);
		ck_assert_int_eq(chdir("d"), 0);
	}
	touch("leaf");
	for (int i = 0; i < 501; i++)
		ck_assert_int_eq(chdir(".."), 0);
	ck_assert_int_eq(walk_files("deep", &paths, &skipped, &e), 0);
	ck_assert_uint_eq(paths.n, 1);
	ck_assert_uint_eq(strs_get(&paths, 0).len, 2 * 500 + 4);
	strs_free(&paths);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("walk");
	TCase *t = tcase_create("core");

	tcase_add_test(t, order_is_by_bytes);
	tcase_add_test(t, what_is_no_file_is_passed_over);
	tcase_add_test(t, what_cannot_be_read_is_an_error);
	tcase_add_test(t, a_deep_tree);
	suite_add_tcase(s, t);
	return unit_main(s);
}
