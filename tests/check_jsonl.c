#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "vec/jsonl.h"

#include "records.h"

/* What is read of a text: the records as JSON Lines again, and the end. */
struct seen {
	struct buf lines;
	struct input_end end;
	struct error e;
	int rc;
};

static struct seen
read_text(const char *text, size_t n)
{
	char *paths[] = { (char[]){ "t" } };
	struct seen seen = { .rc = -1 };
	struct input *in;
	struct batch b;
	struct error e2;

	spill("t", text, n);
	in = input_open(paths, 1, &seen.e);
	if (in == NULL)
		return seen;
	ck_assert_int_eq(batch_init(&b, input_schema(in), &e2), 0);
	seen.rc = input_read_all(in, &b, &seen.e);
	for (size_t i = 0; i < b.n; i++)
		ck_assert_int_eq(jsonl_put(&seen.lines, &b, i, &e2), 0);
	ck_assert_int_eq(buf_putc(&seen.lines, '\0'), 0);
	seen.end = *input_end(in);
	batch_free(&b);
	input_close(in);
	return seen;
}

static struct seen
read_string(const char *text)
{
	return read_text(text, strlen(text));
}

/* good: the text is read to its end. */
static int
good(const char *text, size_t n)
{
	struct seen s = read_text(text, n);

	buf_free(&s.lines);
	return s.rc == 0;
}

/* becomes: the text is read without complaint, as these lines. */
static void
becomes(const char *text, const char *lines)
{
	struct seen s = read_string(text);

	ck_assert_msg(s.rc == 0, "%s", s.e.text);
	ck_assert_uint_eq(s.end.rejected, 0);
	ck_assert_str_eq(s.lines.data, lines);
	buf_free(&s.lines);
}

/* refused: reading ends with this sentence. */
static void
refused(const char *text, const char *why)
{
	struct seen s = read_string(text);

	ck_assert_int_eq(s.rc, -1);
	ck_assert_msg(strstr(s.e.text, why) != NULL, "%s", s.e.text);
	buf_free(&s.lines);
}

START_TEST(what_is_written_is_read)
{
	static const char *const same[] = {
		"{\"id\":\"a\",\"vec\":{\"t\":[1,-0.0,1e-45]}}\n",
		"{\"id\":\"a\",\"label\":\"x\",\"vec\":{\"t\":null,\"u\":[1]}}"
		"\n",
		"{\"id\":\"a\",\"labels\":[\"x\",\"\"],\"target\":0.1,"
		"\"weight\":0.5,\"group\":\"g\",\"source\":"
		"\"00000000deadbeef\",\"flags\":[\"cut\",\"trained\","
		"\"bit31\"],\"vec\":{\"t\":[1]}}\n",
		"{\"id\":\"a\",\"vec\":{\"t\":null,\"u\":[1]},\"errors\":"
		"{\"t\":\"no \\\"way\\\"\"}}\n",
		"{\"id\":\"a\",\"vec\":{\"w\":{\"dim\":4294967295,\"idx\":"
		"[0,4294967294],\"val\":[0.5,1]}}}\n",
		"{\"id\":\"a\",\"vec\":{\"w\":{\"dim\":5,\"idx\":[],\"val\":"
		"[]}}}\n",
		"{\"id\":\"a\",\"vec\":{\"s\":{\"dim\":2,\"rows\":[[1,2],"
		"[3,4]],\"time\":[[0,0.5],[null,2]]}}}\n",
		"{\"id\":\"a\",\"vec\":{\"s\":{\"dim\":2,\"rows\":[]}}}\n",
		"{\"id\":\"9007199254740993\",\"vec\":{\"t\":[1]}}\n"
		"{\"id\":\"0x10\",\"vec\":{\"t\":[2]}}\n",
		"{\"id\":\"\xf0\x9f\x98\x80\",\"vec\":{\"t\":[3.4028235e38]}}"
		"\n",
	};

	becomes(same[_i], same[_i]);
}
END_TEST

START_TEST(other_spellings_are_read)
{
	static const struct {
		const char *text, *lines;
	} spellings[] = {
		/* The order of keys, spaces, other keys, no last line end. */
		{ " { \"vec\" : {\"t\" : [ 1 , 2 ] } , \"x\":{\"y\":[]},"
		  "\"label\":null, \"id\" : \"a\" } ",
		    "{\"id\":\"a\",\"vec\":{\"t\":[1,2]}}\n" },
		{ "\xef\xbb\xbf{\"id\":\"a\",\"vec\":{\"t\":[1]}}\r\n\r\n \n",
		    "{\"id\":\"a\",\"vec\":{\"t\":[1]}}\n" },
		/* Numbers that stand where text does, digit for digit. */
		{ "{\"id\":12345678901234567890,\"label\":007.5e1,"
		  "\"vec\":{}}\n{\"id\":1e3,\"label\":-0,\"vec\":{}}\n",
		    NULL },
		{ "{\"id\":12345678901234567890,\"label\":1.50,\"group\":-0,"
		  "\"vec\":{\"t\":[1]}}\n",
		    "{\"id\":\"12345678901234567890\",\"label\":\"1.50\","
		    "\"group\":\"-0\",\"vec\":{\"t\":[1]}}\n" },
		{ "{\"id\":\"\\u0061\",\"vec\":{\"\\u0074\":[1]}}\n",
		    "{\"id\":\"a\",\"vec\":{\"t\":[1]}}\n" },
		/* A part that is missing by itself; one that never comes. */
		{ "{\"id\":\"a\",\"vec\":{\"t\":null,\"u\":null}}\n"
		  "{\"id\":\"b\",\"vec\":{\"t\":[1,2]}}\n",
		    "{\"id\":\"a\",\"vec\":{\"t\":null,\"u\":null}}\n"
		    "{\"id\":\"b\",\"vec\":{\"t\":[1,2],\"u\":null}}\n" },
		{ "{\"id\":\"a\",\"vec\":{}}\n{\"id\":\"b\",\"vec\":{\"t\":[1]}"
		  "}\n{\"id\":\"c\"}\n",
		    "{\"id\":\"a\",\"vec\":{\"t\":null}}\n"
		    "{\"id\":\"b\",\"vec\":{\"t\":[1]}}\n"
		    "{\"id\":\"c\",\"vec\":{\"t\":null}}\n" },
		/* A sequence's dim need not be said. */
		{ "{\"id\":\"a\",\"vec\":{\"s\":{\"time\":[[1,2]],\"dim\":2,"
		  "\"rows\":[[1,2]]}}}\n",
		    "{\"id\":\"a\",\"vec\":{\"s\":{\"dim\":2,\"rows\":[[1,2]],"
		    "\"time\":[[1,2]]}}}\n" },
	};

	for (size_t k = 0; k < sizeof(spellings) / sizeof(spellings[0]); k++)
		if (spellings[k].lines != NULL)
			becomes(spellings[k].text, spellings[k].lines);
}
END_TEST

/* Lines that are wrong, after a good one with parts t (3) and w (9).  With an
 * id they become a record in error, else they are rejected. */
static const struct {
	const char *line;
	int record;
	const char *why;
} bad_lines[] = {
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,NaN,3]}}", 1, "column 25" },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,Infinity,3]}}", 1, "column 25" },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,1e999,3]}}", 1, "column 25" },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,3.5e38,3]}}", 1, "column 25" },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,01,3]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,1.,3]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,+1,3]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,0x10,3]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,5,3,4]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,5]}}", 1,
	    "fewer numbers than the part's dim" },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,5,3,]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,\"5\",3]}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":\"x\"}}", 1,
	    "not an array of numbers" },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,2,3]}} x", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,2,3]}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"t\":[1,2,3],\"t\":[1,2,3]}}", 1,
	    "line 2, column " },
	{ "{\"id\":\"b\",\"id\":\"c\",\"vec\":{}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"u\":[1]}}", 1,
	    "a part that the first records do not name" },
	{ "{\"id\":\"b\",\"vec\":{\"w\":{\"dim\":8,\"idx\":[],\"val\":[]}}}", 1,
	    "another dim" },
	{ "{\"id\":\"b\",\"vec\":{\"w\":{\"idx\":[1,1],\"val\":[1,2]}}}", 1,
	    "idx does not increase" },
	{ "{\"id\":\"b\",\"vec\":{\"w\":{\"idx\":[2,1],\"val\":[1,2]}}}", 1,
	    "idx does not increase" },
	{ "{\"id\":\"b\",\"vec\":{\"w\":{\"idx\":[9],\"val\":[1]}}}", 1,
	    "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"w\":{\"idx\":[-1],\"val\":[1]}}}", 1,
	    "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":{\"w\":{\"idx\":[1],\"val\":[1,2]}}}", 1,
	    "idx and val differ in length" },
	{ "{\"id\":\"b\",\"vec\":{\"s\":{\"rows\":[[1]]}}}", 1,
	    "fewer numbers than the part's dim" },
	{ "{\"id\":\"b\",\"vec\":{\"s\":{\"rows\":[[1,2]],\"time\":[]}}}", 1,
	    "rows and time differ in length" },
	{ "{\"id\":\"b\",\"vec\":{\"s\":{\"rows\":[[1,2]],\"time\":[[1]]}}}", 1,
	    "a time is [start, end]" },
	{ "{\"id\":\"b\",\"vec\":{\"s\":{}}}", 1, "a sequence needs rows" },
	{ "{\"id\":\"b\",\"flags\":[\"odd\"],\"vec\":{}}", 1, "unknown flag" },
	{ "{\"id\":\"b\",\"source\":\"12\",\"vec\":{}}", 1,
	    "source is not 16 hexadecimal digits" },
	{ "{\"id\":\"b\",\"weight\":\"1\",\"vec\":{}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"label\":[1],\"vec\":{}}", 1, "line 2, column " },
	{ "{\"id\":\"b\",\"vec\":[1,2,3]}", 1, "line 2, column " },
	{ "{\"vec\":{\"t\":[1,2]},\"id\":\"b\"}", 1, "column 18" },
	{ "{\"id\":\"\",\"vec\":{}}", 0, "line 2: empty id" },
	{ "{\"id\":\"a\\nb\",\"vec\":{}}", 0, "control character" },
	{ "{\"id\":\"\xff\",\"vec\":{}}", 0, "not valid UTF-8" },
	{ "{\"id\":null,\"vec\":{}}", 0, "line 2, column " },
	{ "{\"id\":{},\"vec\":{}}", 0, "line 2, column " },
	{ "{\"vec\":{}}", 0, "no \"id\"" },
	{ "[]", 0, "line 2, column 1" },
	{ "nonsense", 0, "line 2, column 1" },
	{ "{id:\"b\"}", 0, "line 2, column 2" },
};

static const char first_line[] =
    "{\"id\":\"a\",\"vec\":{\"t\":[1,2,3],\"w\":{\"dim\":9,\"idx\":[1],"
    "\"val\":[1]},\"s\":{\"dim\":2,\"rows\":[[1,2]]}}}\n";
static const char last_line[] =
    "{\"id\":\"z\",\"vec\":{\"t\":[4,5,6],\"w\":null,\"s\":null}}\n";

START_TEST(bad_lines_are_records_or_rejected)
{
	struct buf text = { 0 };
	struct seen s;
	size_t lines = 0;

	ck_assert_int_eq(buf_printf(&text, "%s%s\n%s", first_line,
			     bad_lines[_i].line, last_line),
	    0);
	s = read_text(text.data, text.len);
	ck_assert_msg(s.rc == 0, "%s", s.e.text);
	for (const char *p = s.lines.data; *p != '\0'; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(lines, bad_lines[_i].record ? 3 : 2);
	ck_assert_uint_eq(s.end.records, lines);
	ck_assert_uint_eq(s.end.rejected, bad_lines[_i].record ? 0 : 1);
	ck_assert_msg(
	    strstr(s.lines.data, last_line) != NULL, "%s", s.lines.data);
	if (bad_lines[_i].record) {
		ck_assert_msg(
		    strstr(s.lines.data,
			"\n{\"id\":\"b\",\"vec\":{\"t\":null,\"w\":null,\"s\":"
			"null},\"errors\":{\"t\":\"line 2, column ") != NULL,
		    "%s", s.lines.data);
		/* In the file's spelling: quotes are escaped there. */
		if (strchr(bad_lines[_i].why, '"') == NULL)
			ck_assert_msg(
			    strstr(s.lines.data, bad_lines[_i].why) != NULL,
			    "%s", s.lines.data);
	} else
		ck_assert_msg(strstr(s.end.bad.text, bad_lines[_i].why) != NULL,
		    "%s", s.end.bad.text);
	buf_free(&text);
	buf_free(&s.lines);
}
END_TEST

START_TEST(cut_off_lines_are_fatal)
{
	struct buf text = { 0 };
	size_t first = strlen(first_line), n;

	buf_printf(&text, "%s%s", first_line, last_line);
	for (n = first + 1; n < text.len - 1; n++) {
		struct seen s = read_text(text.data, n);

		ck_assert_int_eq(s.rc, -1);
		ck_assert_msg(
		    strstr(s.e.text, "cut off") != NULL, "%s", s.e.text);
		ck_assert_str_eq(s.lines.data, first_line);
		buf_free(&s.lines);
	}
	/* Between two lines nothing shows it: that is what frames are for. */
	ck_assert(good(text.data, first));
	ck_assert(good(text.data, text.len - 1));
	buf_free(&text);
}
END_TEST

START_TEST(frames_show_every_cut)
{
	struct schema s;
	struct batch b;
	struct buf text;
	struct seen seen;

	make_schema(&s);
	make_batch(&b, &s, 5, 3);
	write_file("f", FORMAT_JSONL_FRAMED, &b);
	text = slurp("f");
	for (size_t n = 0; n < text.len - 1; n++) {
		seen = read_text(text.data, n);
		ck_assert_msg(seen.rc == -1, "prefix of %zu bytes", n);
		buf_free(&seen.lines);
	}
	ck_assert(good(text.data, text.len));
	/* Two frames are one file. */
	buf_put(&text, text.data, text.len);
	seen = read_text(text.data, text.len);
	ck_assert_int_eq(seen.rc, 0);
	ck_assert_uint_eq(seen.end.records, 10);
	buf_free(&seen.lines);
	/* Anything else behind is an error. */
	buf_puts(&text, "{\"id\":\"a\",\"vec\":{}}\n");
	ck_assert(!good(text.data, text.len));
	buf_free(&text);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

#define HEAD                                                                   \
	"{\"vecpipe\":1,\"parts\":[{\"dim\":1,\"dtype\":\"f32\","              \
	"\"kind\":\"dense\",\"name\":\"t\"}]}\n"
#define ROW "{\"id\":\"a\",\"vec\":{\"t\":[1]}}\n"

START_TEST(bad_frames_are_refused)
{
	becomes(
	    HEAD ROW "{\"end\":true,\"records\":1,\"status\":\"ok\"}\n", ROW);
	becomes(
	    HEAD "{\"end\":true,\"records\":0,\"status\":\"partial\"}\n", "");
	refused(HEAD ROW "{\"end\":true,\"records\":2,\"status\":\"ok\"}\n",
	    "end line after 1 records says 2");
	refused(HEAD ROW "{\"end\":true,\"records\":1,\"status\":\"odd\"}\n",
	    "end line");
	refused(HEAD ROW "{\"end\":true,\"records\":1,\"rejected\":0,"
			 "\"status\":\"aborted\",\"tool\":\"embed-text\"}\n",
	    "upstream failed: embed-text");
	refused(HEAD ROW, "truncated after 1 record (no end line)");
	refused(HEAD "{\"id\":\"a\",\"vec\":{\"t\":[1,2]}}\n"
		     "{\"end\":true,\"records\":1,\"status\":\"ok\"}\n",
	    "line 2");
	refused("{\"vecpipe\":1}\n", "line 1: header");
	refused("{\"vecpipe\":2,\"parts\":[]}\n", "version 2");
	refused("{\"vecpipe\":1,\"parts\":[{}]}\n", "line 1");
}
END_TEST

START_TEST(no_vectors_are_told)
{
	refused("{\"id\":\"a\"}\n{\"id\":\"b\",\"p\":[1]}\n",
	    "no record with \"vec\" in it");
	refused("\n\n", "empty");
}
END_TEST

START_TEST(deep_and_long_lines)
{
	struct buf text = { 0 };
	struct seen s;

	buf_puts(&text, first_line);
	for (int i = 0; i < 100000; i++)
		buf_putc(&text, '[');
	buf_puts(&text, "\n{\"id\":\"n\",\"vec\":{\"t\":[");
	for (int i = 0; i < 5 << 20; i++)
		buf_putc(&text, '9');
	buf_puts(&text, ",1,1]}}\n");
	buf_puts(&text, last_line);
	s = read_text(text.data, text.len);
	ck_assert_msg(s.rc == 0, "%s", s.e.text);
	ck_assert_uint_eq(s.end.rejected, 1);
	ck_assert_uint_eq(s.end.records, 3);
	ck_assert_ptr_nonnull(
	    strstr(s.lines.data, "\"errors\":{\"t\":\"line 3"));
	buf_free(&s.lines);
	buf_free(&text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("jsonl");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, what_is_written_is_read, 0, 10);
	tcase_add_test(t, other_spellings_are_read);
	tcase_add_loop_test(t, bad_lines_are_records_or_rejected, 0,
	    sizeof(bad_lines) / sizeof(bad_lines[0]));
	tcase_add_test(t, cut_off_lines_are_fatal);
	tcase_add_test(t, frames_show_every_cut);
	tcase_add_test(t, bad_frames_are_refused);
	tcase_add_test(t, no_vectors_are_told);
	tcase_add_test(t, deep_and_long_lines);
	suite_add_tcase(s, t);
	return unit_main(s);
}
