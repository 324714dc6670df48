#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "unit.h"
#include "vec/batch.h"
#include "vec/items.h"

static void
spit(const char *path, const char *s, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)write(fd, s, n), (int)n);
	close(fd);
}

static void
on_rejected(void *arg, const char *why)
{
	buf_printf(arg, "! %s\n", why);
}

static void
on_noted(void *arg, const char *why)
{
	buf_printf(arg, "note: %s\n", why);
}

/*
 * All items as text, one a line: "id path='p' text='t' label=l group=g @line
 * walked missing error='e'", what is absent left out; "! why" for a rejected
 * one; "fatal: why" at the end.
 */
static void
all(const struct items_options *o, const char *operand, struct buf *b)
{
	struct items_calls calls = { b, on_rejected, on_noted, NULL };
	char *paths[1] = { (char *)(uintptr_t)operand };
	struct error e;
	struct item it;
	struct items *items = items_open(o, paths, operand != NULL, &calls, &e);
	int rc;

	b->len = 0;
	ck_assert_ptr_nonnull(items);
	while ((rc = items_next(items, &it, &e)) == 1) {
		buf_put(b, it.id.s, it.id.len);
		if (it.path != NULL)
			buf_printf(b, " path='%s'", it.path);
		if (it.text.s != NULL)
			buf_printf(
			    b, " text='%.*s'", (int)it.text.len, it.text.s);
		for (size_t i = 0; i < it.labels->n; i++) {
			struct str s = strs_get(it.labels, i);

			buf_printf(b, " label=%.*s", (int)s.len, s.s);
		}
		if (it.group.len > 0)
			buf_printf(
			    b, " group=%.*s", (int)it.group.len, it.group.s);
		if (it.line > 0)
			buf_printf(b, " @%llu", (unsigned long long)it.line);
		buf_puts(b, it.walked ? " walked" : "");
		buf_puts(b, it.missing ? " missing" : "");
		buf_puts(b, it.flags & FLAG_BAD_UTF8 ? " lone" : "");
		if (it.error != NULL)
			buf_printf(b, " error='%s'", it.error);
		buf_putc(b, '\n');
	}
	if (rc == -1)
		buf_printf(b, "fatal: %s\n", e.text);
	buf_putc(b, '\0');
	items_close(items);
}

static void
expect(const struct items_options *o, const char *operand, const char *want)
{
	struct buf b = { 0 };

	all(o, operand, &b);
	ck_assert_str_eq(b.data, want);
	buf_free(&b);
}

/* ---- manifests ---- */

static const struct {
	const char *name, *text, *want;
} tables[] = {
	{ "a.jsonl",
	    "\xef\xbb\xbf{\"id\":\"a\",\"t\":\"one\"}\r\n"
	    "\n"
	    "{\"id\":9007199254740993,\"t\":12.50,\"l\":1e3,\"g\":\"p\"}\n"
	    "{\"id\":\"c\",\"t\":null}\n"
	    "{\"id\":\"d\",\"t\":\"\",\"l\":[\"x\",\"y\",3]}\n"
	    "{\"id\":\"e\"}\n"
	    "{\"id\":\"f\",\"t\":[\"p\",\"q\"],\"l\":null,\"g\":7}",
	    "a text='one' @1\n"
	    "9007199254740993 text='12.50' label=1e3 group=p @3\n"
	    "c @4 missing\n"
	    "d label=x label=y label=3 @5 missing\n"
	    "e @6 missing\n"
	    "f text='p\nq' group=7 @7\n" },
	{ "b.jsonl",
	    "{\"t\":\"x\",\"l\":1,\"g\":1}\n"
	    "{\"id\":\"\",\"t\":\"x\"}\n"
	    "{\"id\":\"a\\tb\",\"t\":\"x\"}\n"
	    "{\"id\":{},\"t\":\"x\"}\n"
	    "{\"id\":\"b\",\"t\":{}}\n"
	    "{\"id\":\"c\",\"t\":\"x\",}\n"
	    "[1]\n"
	    "\"id\"\n"
	    "{\"id\":\"d\",\"t\":\"\\ud800!\"}\n"
	    "{\"id\":\"e\",\"id\":\"e\",\"t\":\"x\"}\n"
	    "{\"id\":\"f\",\"t\":\"ok\",\"l\":{},\"g\":[1,2]}\n",
	    "! 'b.jsonl': line 1: no id: 'id' is absent or empty\n"
	    "! 'b.jsonl': line 2: no id: 'id' is absent or empty\n"
	    "! 'b.jsonl': line 3: id with a control character\n"
	    "! 'b.jsonl': line 4: the id 'id' is no string\n"
	    "b @5 error='the text is neither a string nor a list of strings'\n"
	    "! 'b.jsonl': line 6: column 19: expected a key in quotes\n"
	    "! 'b.jsonl': line 7: a JSON array (one object a line is needed)\n"
	    "! 'b.jsonl': line 8: column 1: expected an object\n"
	    "d text='\xef\xbf\xbd!' @9 lone\n"
	    "! 'b.jsonl': line 10: column 11: key occurs twice\n"
	    "f @11 error='the group is not a string'\n" },
	{ "c.csv",
	    "t,id,l,g\r\n"
	    "\"a, \"\"b\"\"\nc\",1,x,p\r\n"
	    ",2,,\r\n"
	    "z,,,\r\n"
	    "too,few\r\n"
	    "last,3,\xff,",
	    "1 text='a, \"b\"\nc' label=x group=p @2\n"
	    "2 @4 missing\n"
	    "! 'c.csv': line 5: no id: 'id' is absent or empty\n"
	    "! 'c.csv': line 6: row of 2, header of 4 fields\n"
	    "3 @7 error='the label is not valid UTF-8'\n" },
	/* By content: a tab in the first line, a brace, or neither. */
	{ "d", "id\tt\tl\tg\na\tx\\ty\t\t\n", "a text='x\ty' @2\n" },
	{ "e", "id,t,l,g\na,x,,\n", "a text='x' @2\n" },
	{ "f", "\n {\"id\":\"a\",\"t\":\"x\",\"l\":null,\"g\":null}\n",
	    "a text='x' @2\n" },
	{ "g.csv", "id,text\na,x\n", "" },
	{ "h.jsonl", "", "" },
	{ "i.jsonl", "{\"id\":\"a\",\"t\":\"x\",\"g\":1}\n",
	    "a text='x' group=1 @1\n"
	    "note: 'i.jsonl': no line has a field 'l'\n" },
};

START_TEST(a_table_gives_texts)
{
	struct items_options o = {
		.text = "t", .id = "id", .label = "l", .group = "g"
	};

	spit(tables[_i].name, tables[_i].text, strlen(tables[_i].text));
	if (strcmp(tables[_i].name, "g.csv") == 0)
		expect(&o, "g.csv", "fatal: 'g.csv': no column 'l'\n");
	else
		expect(&o, tables[_i].name, tables[_i].want);
}
END_TEST

START_TEST(several_texts_and_nested_fields)
{
	static const char text[] =
	    "{\"id\":\"a\",\"x\":{\"Title\":\"T\",\"n\":[1]},\"y\":\"Y\"}\n"
	    "{\"id\":\"b\",\"x\":null,\"y\":\"Y\"}\n"
	    "{\"id\":\"c\",\"x\":{\"Title\":\"T\"},\"y\":null}\n"
	    "{\"id\":\"d\",\"x\":{},\"y\":\"\"}\n";
	struct items_options o = { .text = "x.Title,y", .id = "id" };

	spit("m", text, sizeof(text) - 1);
	expect(&o, "m",
	    "a text='T\nY' @1\nb text='Y' @2\nc text='T' @3\nd @4 missing\n");
	o.shards = 3;
	o.shard = 1;
	expect(&o, "m", "b text='Y' @2\n");
	o.shards = 0;
	o.id = NULL;
	o.id_from = ITEMS_ID_LINE;
	expect(&o, "m",
	    "1 text='T\nY' @1\n2 text='Y' @2\n3 text='T' @3\n4 @4 missing\n");
}
END_TEST

START_TEST(a_table_gives_files)
{
	static const char text[] = "file,id\n"
				   "x/1.png,a\n"
				   "/abs/2.png,b\n"
				   ",c\n"
				   "3.png,\n";
	struct items_options o = { .file = "file", .id = "id" };

	spit("m.csv", text, sizeof(text) - 1);
	expect(&o, "m.csv",
	    "a path='x/1.png' @2\nb path='/abs/2.png' @3\nc @4 missing\n"
	    "! 'm.csv': line 5: no id: 'id' is absent or empty\n");
	o.base = "dir";
	o.id = NULL;
	o.label_dir = 1;
	expect(&o, "m.csv",
	    "x/1.png path='dir/x/1.png' label=x @2\n"
	    "/abs/2.png path='/abs/2.png' label=abs @3\n"
	    "! 'm.csv': line 4: empty id\n"
	    "3.png path='dir/3.png' @5\n");
	o.id_from = ITEMS_ID_STEM;
	o.label_dir = 0;
	expect(&o, "m.csv",
	    "1 path='dir/x/1.png' @2\n2 path='/abs/2.png' @3\n"
	    "! 'm.csv': line 4: empty id\n"
	    "3 path='dir/3.png' @5\n");
}
END_TEST

START_TEST(a_nul_in_a_name)
{
	static const char text[] = "{\"id\":\"a\",\"f\":\"x\\u0000y\"}\n";
	struct items_options o = { .file = "f", .id = "id" };

	spit("m", text, sizeof(text) - 1);
	expect(&o, "m", "a @1 error='a file's name with a NUL byte'\n");
}
END_TEST

START_TEST(a_line_too_long)
{
	struct items_options o = { .text = "t", .id = "id" };
	size_t n = ITEMS_MAX_LINE + 100;
	char *text = malloc(n);
	int fd;

	memset(text, 'x', n);
	fd = open("long", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	ck_assert_int_eq(
	    (int)write(fd, "{\"id\":\"a\",\"t\":\"x\"}\n", 19), 19);
	ck_assert_int_eq((int)write(fd, text, n), (int)n);
	ck_assert_int_eq(
	    (int)write(fd, "\n{\"id\":\"b\",\"t\":\"y\"}", 19), 19);
	close(fd);
	free(text);
	expect(&o, "long",
	    "a text='x' @1\n"
	    "! 'long': line 2: line longer than 16 MiB\n"
	    "b text='y' @3\n");
	o = (struct items_options){ .lines = 1, .id_from = ITEMS_ID_LINE };
	expect(&o, "long",
	    "1 text='{\"id\":\"a\",\"t\":\"x\"}' @1\n"
	    "2 @2 error='line longer than 16 MiB'\n"
	    "3 text='{\"id\":\"b\",\"t\":\"y\"}' @3\n");
}
END_TEST

/* ---- lines, lists, operands ---- */

START_TEST(lines_are_numbered)
{
	static const char text[] = "\xef\xbb\xbfone\r\n\ntwo\rhalf\nlast";
	struct items_options o = { .lines = 1, .id_from = ITEMS_ID_LINE };

	spit("t.txt", text, sizeof(text) - 1);
	expect(&o, "t.txt",
	    "1 text='one' @1\n2 text='' @2\n"
	    "3 text='two\rhalf' @3\n4 text='last' @4\n");
	o.shards = 2;
	expect(&o, "t.txt", "1 text='one' @1\n3 text='two\rhalf' @3\n");
}
END_TEST

/* Put the file on standard input. */
static void
on_stdin(const char *path)
{
	int fd = open(path, O_RDONLY);

	ck_assert_int_ne(fd, -1);
	dup2(fd, 0);
	close(fd);
}

START_TEST(standard_input)
{
	struct items_options o = { .stdin_lines = 1, .id_from = ITEMS_ID_LINE };

	spit("in", "a\nb\n", 4);
	on_stdin("in");
	expect(&o, NULL, "1 text='a' @1\n2 text='b' @2\n");
	spit("in", "{\"id\":1}\n", 9);
	on_stdin("in");
	expect(&o, NULL,
	    "fatal: <stdin>: looks like JSON Lines: name the field of the "
	    "text with --text (or say --lines)\n");
	o = (struct items_options){ 0 };
	expect(&o, NULL, "- path='-'\n");
	expect(&o, "-", "- path='-'\n");
	o = (struct items_options){ .list = "-" };
	spit("in", "a b\r\n./c\n\n-\n", 12);
	on_stdin("in");
	expect(&o, NULL,
	    "a b path='a b' @1\n./c path='./c' @2\n"
	    "! <stdin>: line 3: empty name\n- path='./-' @4\n");
}
END_TEST

START_TEST(names_ended_by_nul)
{
	static const char names[] = "a\nb\0-x\0\xff\\\0\033[1m\0d/e.f/g";
	struct items_options o = { .list = "names", .list_nul = 1 };

	spit("names", names, sizeof(names) - 1);
	expect(&o, NULL,
	    "a\\x0ab path='a\nb' @1\n-x path='-x' @2\n"
	    "\\xff\\\\ path='\xff\\' @3\n\\x1b[1m path='\033[1m' @4\n"
	    "d/e.f/g path='d/e.f/g' @5\n");
	o.base = "/top";
	o.id_from = ITEMS_ID_NAME;
	o.label_dir = 1;
	o.shards = 5;
	o.shard = 4;
	expect(&o, NULL, "g path='/top/d/e.f/g' label=d @5\n");
}
END_TEST

START_TEST(a_directory_gives_what_is_below)
{
	struct items_options o = { .label_dir = 1 };

	mkdir("w", 0777);
	mkdir("w/cat", 0777);
	mkdir("w/cat/s", 0777);
	spit("w/cat/2.png", "", 0);
	spit("w/cat/s/1.tar.gz", "", 0);
	spit("w/top", "", 0);
	expect(&o, "w",
	    "cat/2.png path='w/cat/2.png' label=cat walked\n"
	    "cat/s/1.tar.gz path='w/cat/s/1.tar.gz' label=cat walked\n"
	    "top path='w/top' walked\n");
	o.id_from = ITEMS_ID_STEM;
	expect(&o, "./w/",
	    "2 path='./w//cat/2.png' label=cat walked\n"
	    "1.tar path='./w//cat/s/1.tar.gz' label=cat walked\n"
	    "top path='./w//top' walked\n");
	o.id_from = ITEMS_ID_AUTO;
	/* Named by itself it keeps its path. */
	expect(&o, "w/cat/2.png", "w/cat/2.png path='w/cat/2.png' label=w\n");
	expect(&o, "./w/cat/2.png",
	    "./w/cat/2.png path='./w/cat/2.png' label=w\n");
	expect(&o, "", "! '': empty id\n");
	o.label_dir = 0;
	expect(&o, "none", "none path='none'\n");
	o.list = "w";
	expect(&o, NULL, "fatal: 'w': Is a directory\n");
}
END_TEST

/* ---- waiting ---- */

struct pipe_end {
	int fd, waits;
};

/* When the reader would wait, let the input end. */
static int
on_waits(void *arg, struct error *e)
{
	struct pipe_end *end = arg;

	(void)e;
	end->waits++;
	close(end->fd);
	return 0;
}

START_TEST(a_wait_is_told)
{
	static const char *const starts[] = { "id,t\na,1\n",
		"{\"id\":\"a\",\"t\":\"x\"}\n", "a\n", "a\n" };
	const struct items_options o[] = { { .text = "t", .id = "id" },
		{ .text = "t", .id = "id" },
		{ .lines = 1, .id_from = ITEMS_ID_LINE }, { .list = "-" } };
	struct pipe_end end = { 0 };
	struct items_calls calls = { .arg = &end, .waits = on_waits };
	struct error e;
	struct items *items;
	struct item it;
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_gt((int)write(p[1], starts[_i], strlen(starts[_i])), 0);
	dup2(p[0], 0);
	end.fd = p[1];
	items = items_open(&o[_i], NULL, 0, &calls, &e);
	ck_assert_int_eq(items_next(items, &it, &e), 1);
	ck_assert_int_eq(end.waits, 0);
	ck_assert_int_eq(items_next(items, &it, &e), 0);
	ck_assert_int_eq(end.waits, 1);
	items_close(items);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("items");
	TCase *t = tcase_create("core");
	int n = (int)(sizeof(tables) / sizeof(tables[0]));

	tcase_add_loop_test(t, a_table_gives_texts, 0, n);
	tcase_add_test(t, several_texts_and_nested_fields);
	tcase_add_test(t, a_table_gives_files);
	tcase_add_test(t, a_nul_in_a_name);
	tcase_add_test(t, a_line_too_long);
	tcase_add_test(t, lines_are_numbered);
	tcase_add_test(t, standard_input);
	tcase_add_test(t, names_ended_by_nul);
	tcase_add_test(t, a_directory_gives_what_is_below);
	tcase_add_loop_test(t, a_wait_is_told, 0, 4);
	suite_add_tcase(s, t);
	return unit_main(s);
}
