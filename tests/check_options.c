#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/message.h"
#include "base/options.h"
#include "base/version.h"
#include "unit.h"

enum { KEY_DIM = 256, KEY_LONG, KEY_WORD, KEY_WHY };

static const struct option_row rows[] = {
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ 'k', NULL, "N", "top k" },
	{ 'z', NULL, NULL, "no argument" },
	{ KEY_DIM, "dim", "N", "length of the vector (1024)" },
	{ KEY_LONG, "a-name-far-longer-than-the-column", "SOMETHING",
	    "a help text that is itself so long that it has to be broken over "
	    "two lines or more, whichever way one looks at it: one|two|three|"
	    "four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen" },
	{ KEY_WORD, "long-flag", NULL, "a flag" },
	{ KEY_WHY, "why", "[=near:K]", "an argument that may be left out" },
	OPTIONS_COMMON,
	{ 0 },
};
static const struct command self = { "tool", "[options] [FILE ...]",
	"Does this and that to every file.", rows };

enum { WORDS_MAX = 16 };

/* Parse the words of ${line} and write what is seen: "key=arg" for options,
 * then "| operands". */
static void
parse(const char *line, char *seen, size_t max)
{
	char copy[256], *argv[WORDS_MAX + 1] = { NULL };
	struct options o;
	size_t n = 0;
	int argc = 0, key;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	seen[0] = '\0';
	options_start(&o, &self, argc, argv);
	while ((key = options_next(&o)) != -1)
		n += (size_t)snprintf(seen + n, max - n, "%s=%s ", o.shown,
		    o.arg != NULL ? o.arg : "");
	n += (size_t)snprintf(seen + n, max - n, "|");
	for (int i = 0; i < o.argc; i++)
		n += (size_t)snprintf(seen + n, max - n, " %s", o.argv[i]);
}

static const char *const good[][2] = {
	{ "tool", "|" },
	{ "tool a b", "| a b" },
	{ "tool a -o x b --dim 5 c", "-o=x --dim=5 | a b c" },
	{ "tool -ox --dim=5 --output=", "-o=x --dim=5 --output= |" },
	{ "tool -zqk3 -zk 4", "-z= -q= -k=3 -z= -k=4 |" },
	{ "tool --long_flag --long-flag", "--long_flag= --long-flag= |" },
	{ "tool - -- -o --dim", "| - -o --dim" },
	{ "tool --dim=a=b -o --dim", "--dim=a=b -o=--dim |" },
	{ "tool --why x --why=near:3 --why", "--why= --why=near:3 --why= | x" },
};

START_TEST(words_to_options)
{
	char seen[512];

	parse(good[_i][0], seen, sizeof(seen));
	ck_assert_str_eq(seen, good[_i][1]);
}
END_TEST

/* Run ${fn} in a child; its status, and what it wrote to 1 and 2. */
static int
child(
    void (*fn)(const char *), const char *arg, struct buf *out, struct buf *err)
{
	int o[2], x[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(o) + pipe(x), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(o[1], 1);
		dup2(x[1], 2);
		fn(arg);
		_exit(99);
	}
	close(o[1]);
	close(x[1]);
	for (int i = 0; i < 2; i++) {
		struct buf *b = i == 0 ? out : err;
		struct reader r;

		b->len = 0;
		io_open_fd(&r, i == 0 ? o[0] : x[0], "pipe", NULL);
		while (io_fill(&r, NULL) == 1) {
			buf_put(b, r.data, r.len);
			r.pos = r.len;
		}
		buf_putc(b, '\0');
		io_close(&r);
		close(i == 0 ? o[0] : x[0]);
	}
	ck_assert_int_eq((int)waitpid(pid, &status, 0), (int)pid);
	ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static void
parse_numbers(const char *line)
{
	char copy[256], *argv[WORDS_MAX + 1] = { NULL };
	struct options o;
	int argc = 0, key;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	options_start(&o, &self, argc, argv);
	while ((key = options_next(&o)) != -1)
		if (key == KEY_DIM && options_long(&o, 1, 65536) == 77)
			_exit(77);
		else if (key == 'k' && options_double(&o, 0, 1) == 0.25)
			_exit(25);
		else if (key == 'o' &&
			 options_choice(&o, "never|auto|json") == 1)
			_exit(11);
	_exit(0);
}

static const struct {
	const char *line;
	int status;
	const char *err; /* a part of the message */
} bad[] = {
	{ "tool --dim 77", 77, "" },
	{ "tool -k 0.25", 25, "" },
	{ "tool -o auto", 11, "" },
	{ "tool --dim", 2,
	    "tool: option '--dim' needs an argument: N\n"
	    "tool: 'tool --help' lists the options\n" },
	{ "/usr/bin/vp-tool -k", 2, "tool: option '-k' needs" },
	{ "tool --dimm 3", 2, "unknown option '--dimm'" },
	{ "tool --di 3", 2, "unknown option '--di'" },
	{ "tool --dimm=3", 2, "unknown option '--dimm'\n" },
	{ "tool -x", 2, "unknown option '-x'" },
	{ "tool -zx", 2, "unknown option '-x'" },
	{ "tool -\033", 2, "unknown option '-\\x1b'" },
	{ "tool --long-flag=3", 2, "'--long-flag' takes no argument" },
	{ "tool --dim 8x", 2,
	    "--dim: '8x' is not a whole number from 1 to 65536" },
	{ "tool --dim=banana", 2, "--dim: 'banana' is not" },
	{ "tool --dim=0", 2, "--dim: '0' is not" },
	{ "tool --dim=99999999999999999999", 2, "is not a whole number" },
	{ "tool -k nan", 2, "-k: 'nan' is not a number from 0 to 1" },
	{ "tool -o aut", 2, "-o: 'aut' is not one of never|auto|json" },
};

START_TEST(bad_words_are_usage_errors)
{
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(
	    child(parse_numbers, bad[_i].line, &out, &err), bad[_i].status);
	ck_assert_msg(strstr(err.data, bad[_i].err) != NULL, "no '%s' in '%s'",
	    bad[_i].err, err.data);
	ck_assert_str_eq(out.data, "");
	buf_free(&out);
	buf_free(&err);
}
END_TEST

START_TEST(help_lists_every_option)
{
	static const char *const lines[] = { "tool --help", "tool -h",
		"tool -qzh x --unknown" };
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(child(parse_numbers, lines[_i], &out, &err), 0);
	ck_assert_str_eq(err.data, "");
	ck_assert_ptr_nonnull(strstr(out.data, "usage: tool [options]"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nDoes this and that"));
	ck_assert_ptr_nonnull(strstr(out.data, "      --why[=near:K]  "));
	for (const struct option_row *r = rows; r->key != 0; r++) {
		char want[64];

		if (r->name != NULL)
			snprintf(want, sizeof(want), "--%s", r->name);
		else
			snprintf(want, sizeof(want), "-%c", r->key);
		ck_assert_ptr_nonnull(strstr(out.data, want));
	}
	for (char *l = strtok(out.data, "\n"); l; l = strtok(NULL, "\n"))
		ck_assert_msg(strlen(l) < 80, "too wide: %s", l);
	buf_free(&out);
	buf_free(&err);
}
END_TEST

START_TEST(version_is_printed)
{
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(child(parse_numbers, "tool --version", &out, &err), 0);
	ck_assert_str_eq(out.data, "tool (vecpipe) " VECPIPE_VERSION "\n");
	buf_free(&out);
	buf_free(&err);
}
END_TEST

static void
help_to_full(const char *unused)
{
	(void)unused;
	if (freopen("/dev/full", "w", stdout) == NULL)
		_exit(98);
	parse_numbers("tool --help");
}

START_TEST(help_that_cannot_be_written_is_an_error)
{
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(child(help_to_full, "", &out, &err), 1);
	ck_assert_str_eq(
	    err.data, "tool: write error: No space left on device\n");
	buf_free(&out);
	buf_free(&err);
}
END_TEST

static void
isa(const char *value)
{
	setenv("VECPIPE_ISA", value, 1);
	parse_numbers("tool");
}

START_TEST(isa_is_checked)
{
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(child(isa, "portable", &out, &err), 0);
	ck_assert_int_eq(child(isa, "", &out, &err), 0);
	ck_assert_int_eq(child(isa, "sse9", &out, &err), 2);
	ck_assert_ptr_nonnull(strstr(err.data, "VECPIPE_ISA: 'sse9' is not"));
	buf_free(&out);
	buf_free(&err);
}
END_TEST

static void
say(const char *text)
{
	message_name("/bin/vp-fuse");
	warn("%s", text);
	die("'%s'", text);
}

START_TEST(messages_keep_terminals_safe)
{
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(
	    child(say, "a\033[1m\n\t\x7f|\xc3\xa4|\xc2\x9b|\xff", &out, &err),
	    1);
	ck_assert_str_eq(err.data,
	    "fuse: a\\x1b[1m\\x0a\\x09\\x7f|\xc3\xa4|\\xc2\\x9b|\\xff\n"
	    "fuse: 'a\\x1b[1m\\x0a\\x09\\x7f|\xc3\xa4|\\xc2\\x9b|\\xff'\n");
	buf_free(&out);
	buf_free(&err);
}
END_TEST

static void
say_much(const char *unused)
{
	char text[9000];

	(void)unused;
	memset(text, 1, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	die("%s", text);
}

START_TEST(a_long_message_is_cut)
{
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(child(say_much, "", &out, &err), 1);
	ck_assert_uint_gt(err.len, 1000);
	ck_assert_uint_lt(err.len, 20000);
	ck_assert_int_eq(err.data[err.len - 2], '\n');
	buf_free(&out);
	buf_free(&err);
}
END_TEST

static void
progress_json(const char *unused)
{
	struct progress p;

	(void)unused;
	progress_start(&p, PROGRESS_JSON, "records", 100);
	p.shown -= 2;
	progress_at(&p, 50);
	progress_at(&p, 51);
	progress_end(&p);
	progress_start(&p, PROGRESS_AUTO, "records", 0);
	p.shown -= 2;
	progress_at(&p, 50);
	progress_end(&p);
	_exit(0);
}

START_TEST(progress_shows_when_asked)
{
	static const char begin[] = "{\"unit\":\"records\",\"done\":50,"
				    "\"total\":100,\"rate\":";
	struct buf out = { 0 }, err = { 0 };

	ck_assert_int_eq(child(progress_json, "", &out, &err), 0);
	ck_assert_int_eq(strncmp(err.data, begin, strlen(begin)), 0);
	/* Once a second, and not on what is no terminal. */
	ck_assert_ptr_eq(strchr(err.data, '\n'), err.data + err.len - 2);
	buf_free(&out);
	buf_free(&err);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("core");
	int n = (int)(sizeof(good) / sizeof(good[0]));

	tcase_add_loop_test(t, words_to_options, 0, n);
	n = (int)(sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(t, bad_words_are_usage_errors, 0, n);
	tcase_add_loop_test(t, help_lists_every_option, 0, 3);
	tcase_add_test(t, version_is_printed);
	tcase_add_test(t, help_that_cannot_be_written_is_an_error);
	tcase_add_test(t, isa_is_checked);
	tcase_add_test(t, messages_keep_terminals_safe);
	tcase_add_test(t, a_long_message_is_cut);
	tcase_add_test(t, progress_shows_when_asked);
	suite_add_tcase(s, t);
	return unit_main(s);
}
