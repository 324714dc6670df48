#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "unit.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}

static int
check(const char *s, size_t n, struct error *e)
{
	struct json j = { 0 };
	int r;

	json_init(&j, s, n);
	json_skip(&j);
	r = json_end(&j);
	if (r < 0)
		json_error(&j, e);
	json_free(&j);
	return r;
}

/* What RFC 8259 demands of a reader: all of these, */
static const struct str GOOD[] = {
	TEXT("null"),
	TEXT("true"),
	TEXT("false"),
	TEXT("0"),
	TEXT("-0"),
	TEXT("\"\""),
	TEXT("[]"),
	TEXT("{}"),
	TEXT(" [ ] "),
	TEXT("\t{ }\n"),
	TEXT("\r\n42\r\n"),
	TEXT("[1]"),
	TEXT("[1,2]"),
	TEXT("[ 1 , 2 ]"),
	TEXT("[[]]"),
	TEXT("[{}]"),
	TEXT("{\"a\":[]}"),
	TEXT("{\"\":0}"),
	TEXT("{\"a\":{\"a\":{\"a\":1}}}"),
	TEXT("[null,1,\"1\",{}]"),
	TEXT("[1E22]"),
	TEXT("[1e-2]"),
	TEXT("[1e+2]"),
	TEXT("[0e+1]"),
	TEXT("[0e1]"),
	TEXT("[-1]"),
	TEXT("[-0.1]"),
	TEXT("[123.456e78]"),
	TEXT("[1e-400]"),
	TEXT("[20e1]"),
	TEXT("[123456789012345678901234567890]"),
	TEXT("[-0.0000000000000000000000000000000000000000000000000000000001]"),
	TEXT("[\"\\u0060\\u012a\\u12AB\"]"),
	TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
	TEXT("[\"\\\\u0000\"]"),
	TEXT("[\"\\u0000\"]"),
	TEXT("[\"a/*b*/c\"]"),
	TEXT("[\"\\ud83d\\ude39\"]"),
	TEXT("[\"\\uDBFF\\uDFFE\"]"),
	TEXT("[\"\x7f\"]"),
	TEXT("[\"\xe2\x80\xa8\"]"),
	TEXT("[\"\xf4\x8f\xbf\xbf\"]"),
	TEXT("[\"\\uFFFF\"]"),
	TEXT("{\"a\\u0000b\":1}"),
	TEXT("{\"a\":1,\"b\":1,\"A\":1}"),
	TEXT("{\"a\":{\"b\":1},\"b\":{\"a\":1}}"),
	TEXT("[{\"a\":1},{\"a\":1}]"),
	/* and these may be taken: lone surrogates, bytes outside UTF-8. */
	TEXT("[\"\\ud800\"]"),
	TEXT("[\"\\udc00x\"]"),
	TEXT("[\"\\ud800\\ud800\\n\"]"),
	TEXT("[\"\xff\"]"),
};

/* and none of these. */
static const struct str REFUSED[] = {
	TEXT(""),
	TEXT(" "),
	TEXT("nul"),
	TEXT("nullx"),
	TEXT("True"),
	TEXT("TRUE"),
	TEXT("[nul]"),
	TEXT("fals"),
	TEXT("NaN"),
	TEXT("nan"),
	TEXT("Infinity"),
	TEXT("[-Infinity]"),
	TEXT("[+1]"),
	TEXT("[01]"),
	TEXT("[-01]"),
	TEXT("[00]"),
	TEXT("[1.]"),
	TEXT("[.5]"),
	TEXT("[-.5]"),
	TEXT("[1.e1]"),
	TEXT("[0.e1]"),
	TEXT("[1e]"),
	TEXT("[1e+]"),
	TEXT("[1eE2]"),
	TEXT("[0e+-1]"),
	TEXT("[1+2]"),
	TEXT("[--1]"),
	TEXT("[-]"),
	TEXT("[- 1]"),
	TEXT("[0x10]"),
	TEXT("[0x]"),
	TEXT("[1 000]"),
	TEXT("[1a]"),
	TEXT("[1.2.3]"),
	TEXT("[1_0]"),
	TEXT("[\xef\xbc\x91]"),
	TEXT("[1,5"),
	TEXT("1,5"),
	TEXT("["),
	TEXT("]"),
	TEXT("[1"),
	TEXT("[1,"),
	TEXT("[1,]"),
	TEXT("[,1]"),
	TEXT("[,]"),
	TEXT("[1,,2]"),
	TEXT("[1 2]"),
	TEXT("[1;2]"),
	TEXT("[1:2]"),
	TEXT("[1]]"),
	TEXT("[1]x"),
	TEXT("[1}"),
	TEXT("[][]"),
	TEXT("[x]"),
	TEXT("[\xff]"),
	TEXT("[*]"),
	TEXT("[\x0b]"),
	TEXT("[\x0c]"),
	TEXT("[\xc2\xa0]"),
	TEXT("\xef\xbb\xbf[]"),
	TEXT("{"),
	TEXT("}"),
	TEXT("{]"),
	TEXT("{\"a\"}"),
	TEXT("{\"a\":}"),
	TEXT("{\"a\" 1}"),
	TEXT("{\"a\":1"),
	TEXT("{\"a\":1,}"),
	TEXT("{,\"a\":1}"),
	TEXT("{\"a\":1 \"b\":2}"),
	TEXT("{\"a\":1,,\"b\":2}"),
	TEXT("{a:1}"),
	TEXT("{'a':1}"),
	TEXT("{1:1}"),
	TEXT("{null:1}"),
	TEXT("{[]:1}"),
	TEXT("{\"a\"::1}"),
	TEXT("{\"a\",1}"),
	TEXT("{\"a\":1}}"),
	TEXT("{\"a\":1}#"),
	TEXT("{\"a\":1}/**/"),
	TEXT("// c\n[]"),
	TEXT("[/**/]"),
	TEXT("{\"a\":/**/1}"),
	TEXT("\""),
	TEXT("\"a"),
	TEXT("'a'"),
	TEXT("[\"a]"),
	TEXT("[\"\\\"]"),
	TEXT("[\"\\x00\"]"),
	TEXT("[\"\\a\"]"),
	TEXT("[\"\\'\"]"),
	TEXT("[\"\\\0\"]"),
	TEXT("[\"\\u\"]"),
	TEXT("[\"\\u00A\"]"),
	TEXT("[\"\\u00G0\"]"),
	TEXT("[\"\\U0041\"]"),
	TEXT("[\"\\u 041\"]"),
	TEXT("[\"\\ud83d\\u\"]"),
	TEXT("[\"\\ud83d\\ude3\"]"),
	TEXT("[\"\\\xe5\"]"),
	TEXT("[\"\n\"]"),
	TEXT("[\"\t\"]"),
	TEXT("[\"\0\"]"),
	TEXT("[\"\x1f\"]"),
	TEXT("\0"),
	TEXT("[\0]"),
	TEXT("[1]\0"),
	TEXT("<null>"),
	TEXT("[\"a\" \"b\"]"),
	TEXT("\"a\" \"b\""),
	TEXT("{\"a\":1,\"a\":1}"),
	TEXT("{\"a\":1,\"\\u0061\":2}"),
	TEXT("{\"b\":{},\"a\":{\"x\":1},\"b\":1}"),
};

START_TEST(good_text_is_taken)
{
	struct error e = { 0 };

	ck_assert_msg(check(GOOD[_i].s, GOOD[_i].len, &e) == 0, "%s: %s",
	    GOOD[_i].s, e.text);
}
END_TEST

START_TEST(bad_text_is_refused)
{
	struct error e = { 0 };

	ck_assert_msg(check(REFUSED[_i].s, REFUSED[_i].len, &e) == -1, "%s",
	    REFUSED[_i].s);
	ck_assert_ptr_nonnull(strstr(e.text, "column "));
}
END_TEST

/* No proper prefix of an object or array is whole; copies end at a guard. */
START_TEST(prefixes_are_refused)
{
	for (size_t i = 0; i < LEN(GOOD); i++) {
		const char *s = GOOD[i].s;
		size_t end = GOOD[i].len;

		while (strchr(" \t\r\n", s[end - 1]) != NULL)
			end--;
		if (s[end - 1] != ']' && s[end - 1] != '}')
			continue;
		for (size_t n = 0; n < end; n++) {
			struct error e;
			char *copy = malloc(n + 1);

			memcpy(copy, s, n);
			ck_assert_int_eq(check(copy, n, &e), -1);
			free(copy);
		}
	}
}
END_TEST

START_TEST(places_are_named)
{
	static const struct {
		const char *s, *want;
	} T[] = {
		{ "[1,,2]", "column 4: expected a value" },
		{ "{\"a\":1,\n \"b\":x}\n",
		    "line 2, column 6: expected a value" },
		{ "[01]", "column 2: malformed number" },
		{ "[1] 2\n", "column 5: text after the end" },
		{ "{\"a\":1,\"a\":2}", "column 8: key occurs twice" },
		{ "[\"a\\q\"]", "column 4: malformed escape in a string" },
		{ "[\"a\tb\"]", "column 4: control character in a string" },
		{ "[\"a", "column 4: string not closed" },
		{ "{1:2}", "column 2: expected a key in quotes" },
		{ "{\"a\" 2}", "column 6: expected ':'" },
		{ "{\"a\":2]", "column 7: expected ',' or '}'" },
		{ "[2}", "column 3: expected ',' or ']'" },
		{ "[2", "column 3: unexpected end" },
		{ "nil", "column 1: expected null" },
		{ "tru", "column 1: expected true or false" },
	};
	struct error e;

	for (size_t i = 0; i < LEN(T); i++) {
		ck_assert_int_eq(check(T[i].s, strlen(T[i].s), &e), -1);
		ck_assert_str_eq(e.text, T[i].want);
	}
}
END_TEST

START_TEST(types_are_checked)
{
	static const char *const T[] = { "1", "\"a\"", "[1]", "{\"a\":1}",
		"true", "null" };
	static const char *const WHY[] = { "number", "string", "array",
		"object", "true or false", "null" };
	struct json j = { 0 };
	struct error e;
	struct str s;
	double d;
	int b;

	for (int want = 0; want < 6; want++)
		for (int is = 0; is < 6; is++) {
			int r = -1;

			json_init(&j, T[is], strlen(T[is]));
			switch (want) {
			case 0:
				r = json_double(&j, &d);
				break;
			case 1:
				r = json_str(&j, &s);
				break;
			case 2:
				r = json_array(&j);
				break;
			case 3:
				r = json_object(&j);
				break;
			case 4:
				r = json_bool(&j, &b);
				break;
			case 5:
				r = json_null(&j);
				break;
			}
			ck_assert_int_eq(r, want == is ? 0 : -1);
			if (want == is)
				continue;
			json_error(&j, &e);
			ck_assert_ptr_nonnull(strstr(e.text, "expected "));
			ck_assert_ptr_nonnull(strstr(e.text, WHY[want]));
			/* The first reason sticks. */
			ck_assert_int_eq(json_skip(&j), -1);
			ck_assert_int_eq(json_end(&j), -1);
		}
	json_free(&j);
}
END_TEST

static void
nested(int depth, int wanted)
{
	char *s = malloc(2 * (size_t)depth + 1);
	struct error e = { 0 };

	memset(s, '[', (size_t)depth);
	memset(s + depth, ']', (size_t)depth);
	ck_assert_int_eq(check(s, 2 * (size_t)depth, &e), wanted);
	if (wanted < 0)
		ck_assert_str_eq(
		    e.text, "column 65: nested deeper than 64 levels");
	free(s);
}

START_TEST(depth_is_limited)
{
	nested(64, 0);
	nested(65, -1);
	nested(100000, -1);
}
END_TEST

START_TEST(numbers)
{
	struct json j = { 0 };
	struct error e;
	struct str raw;
	double d;
	float f;
	int64_t k;
	char *s = malloc(5 << 20);

	json_init(&j, "1e999", 5);
	ck_assert_int_eq(json_double(&j, &d), -1);
	json_error(&j, &e);
	ck_assert_str_eq(e.text, "column 1: number too large");
	json_init(&j, "1e39", 4);
	ck_assert_int_eq(json_float(&j, &f), -1);
	json_error(&j, &e);
	ck_assert_str_eq(e.text, "column 1: number too large for a float");
	json_init(&j, "1e39 0.1", 8);
	ck_assert_int_eq(json_double(&j, &d), 0);
	ck_assert(d == 1e39);
	ck_assert_int_eq(json_float(&j, &f), 0);
	ck_assert(f == 0.1f);

	memset(s, '1', 5 << 20);
	json_init(&j, s, 5 << 20);
	ck_assert_int_eq(json_skip(&j), -1);
	json_error(&j, &e);
	ck_assert_str_eq(e.text, "column 1: number longer than 1024 bytes");
	json_init(&j, s, 1024);
	ck_assert_int_eq(json_skip(&j), 0);

	/* Beyond 2^53 the text is the value. */
	json_init(&j, "[9007199254740993]", 18);
	json_array(&j);
	ck_assert_int_eq(json_array_next(&j), 1);
	ck_assert_int_eq(json_raw(&j, &raw), 0);
	ck_assert(str_is(raw, "9007199254740993"));

	json_init(&j,
	    "-9223372036854775808 9223372036854775807 "
	    "9223372036854775808",
	    60);
	ck_assert_int_eq(json_integer(&j, INT64_MIN, INT64_MAX, &k), 0);
	ck_assert(k == INT64_MIN);
	ck_assert_int_eq(json_integer(&j, INT64_MIN, INT64_MAX, &k), 0);
	ck_assert(k == INT64_MAX);
	ck_assert_int_eq(json_integer(&j, INT64_MIN, INT64_MAX, &k), -1);
	json_error(&j, &e);
	ck_assert_str_eq(e.text, "column 42: number out of range");
	json_init(&j, "-9223372036854775809", 20);
	ck_assert_int_eq(json_integer(&j, INT64_MIN, INT64_MAX, &k), -1);
	json_init(&j, "11", 2);
	ck_assert_int_eq(json_integer(&j, 0, 10, &k), -1);
	json_init(&j, "1.0", 3);
	ck_assert_int_eq(json_integer(&j, 0, 10, &k), -1);
	json_error(&j, &e);
	ck_assert_str_eq(e.text, "column 1: expected an integer");
	json_free(&j);
	free(s);
}
END_TEST

START_TEST(strings_are_decoded)
{
	static const struct {
		struct str in, out;
		size_t lone;
	} T[] = {
		{ TEXT("\"plain text of more than eight bytes\""),
		    TEXT("plain text of more than eight bytes"), 0 },
		{ TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
		    TEXT("\"\\/\b\f\n\r\t"), 0 },
		{ TEXT("\"a\\u0000b\""), TEXT("a\0b"), 0 },
		{ TEXT("\"\\u00e9\\u20AC\\ud83d\\ude00\""),
		    TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 0 },
		{ TEXT("\"\\ud83d\""), TEXT("\xef\xbf\xbd"), 1 },
		{ TEXT("\"\\ud83d\\u0041\""),
		    TEXT("\xef\xbf\xbd"
			 "A"),
		    1 },
		{ TEXT("\"\\ude00\\ud83d\""), TEXT("\xef\xbf\xbd\xef\xbf\xbd"),
		    2 },
		{ TEXT("\"\\ud83d\\ud83d\\ude00\""),
		    TEXT("\xef\xbf\xbd\xf0\x9f\x98\x80"), 1 },
		{ TEXT("\"\xff\xc3\""), TEXT("\xff\xc3"), 0 },
	};
	struct json j = { 0 };
	struct buf b = { 0 };
	struct str s;

	for (size_t i = 0; i < LEN(T); i++) {
		json_init(&j, T[i].in.s, T[i].in.len);
		ck_assert_int_eq(json_str(&j, &s), 0);
		ck_assert(str_eq(s, T[i].out));
		ck_assert_uint_eq(j.lone, T[i].lone);
		ck_assert_int_eq(json_end(&j), 0);
		json_init(&j, T[i].in.s, T[i].in.len);
		b.len = 0;
		buf_puts(&b, "before ");
		ck_assert_int_eq(json_string(&j, &b), 0);
		ck_assert_uint_eq(b.len, 7 + T[i].out.len);
		ck_assert_mem_eq(b.data + 7, T[i].out.s, T[i].out.len);
	}
	buf_free(&b);
	json_free(&j);
}
END_TEST

/* Each special byte at each place of a word is found. */
START_TEST(strings_end_where_they_end)
{
	char s[64];

	for (size_t at = 1; at < 40; at++)
		for (int c = 0; c < 256; c++) {
			struct json j = { 0 };
			struct str out;
			int r;

			memset(s, 'x', sizeof(s));
			s[0] = '"';
			s[at] = (char)c;
			s[50] = '"';
			json_init(&j, s, 51);
			r = json_str(&j, &out);
			if (c == '"')
				ck_assert(r == 0 && out.len == at - 1);
			else if (c < 0x20 || c == '\\')
				ck_assert(
				    r == -1 && (j.where == at || c == '\\'));
			else
				ck_assert(r == 0 && out.len == 49);
			json_free(&j);
		}
}
END_TEST

START_TEST(many_keys_are_told_apart)
{
	enum { N = 20000 };
	struct buf b = { 0 };
	struct json j = { 0 };
	struct error e;

	buf_putc(&b, '{');
	for (int i = 0; i < N; i++)
		buf_printf(&b, "%s\"k%d\":{\"k%d\":%d}", i ? "," : "", i, i, i);
	buf_putc(&b, '}');
	for (int i = 0; i < 3; i++) {
		json_init(&j, b.data, b.len);
		ck_assert_int_eq(json_skip(&j), 0);
		ck_assert_int_eq(json_end(&j), 0);
	}
	b.len--;
	buf_printf(&b, ",\"k%d\":0}", N / 2);
	json_init(&j, b.data, b.len);
	json_skip(&j);
	ck_assert_int_eq(json_end(&j), -1);
	json_error(&j, &e);
	ck_assert_ptr_nonnull(strstr(e.text, "key occurs twice"));
	/* A small text after it, with the same key again. */
	json_init(&j, "{\"k1\":1}", 8);
	json_skip(&j);
	ck_assert_int_eq(json_end(&j), 0);
	json_free(&j);
	buf_free(&b);
}
END_TEST

START_TEST(vectors)
{
	static const char TEXT_[] = "[0.1, -2e-3 ,3,\n1e-50]";
	float x[4], want[4] = { 0.1f, -2e-3f, 3, 0 };
	struct json j = { 0 };
	struct error e;
	size_t n;

	json_init(&j, TEXT_, strlen(TEXT_));
	ck_assert_int_eq(json_floats(&j, x, 4, &n), 0);
	ck_assert_int_eq(json_end(&j), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert_mem_eq(x, want, sizeof(x));
	json_init(&j, "[]", 2);
	ck_assert_int_eq(json_floats(&j, x, 4, &n), 0);
	ck_assert_uint_eq(n, 0);
	json_init(&j, "[1,2,3,4,5]", 11);
	ck_assert_int_eq(json_floats(&j, x, 4, &n), -1);
	json_error(&j, &e);
	ck_assert_str_eq(e.text, "column 10: too many numbers");
	for (size_t i = 0; i < LEN(REFUSED); i++) {
		if (REFUSED[i].len == 0 || REFUSED[i].s[0] != '[')
			continue;
		json_init(&j, REFUSED[i].s, REFUSED[i].len);
		json_floats(&j, x, 4, &n);
		ck_assert_int_eq(json_end(&j), -1);
	}
	json_init(&j, "[1,null]", 8);
	ck_assert_int_eq(json_floats(&j, x, 4, &n), -1);
	json_init(&j, "[1e39]", 6);
	ck_assert_int_eq(json_floats(&j, x, 4, &n), -1);
	json_free(&j);
}
END_TEST

START_TEST(fields_by_path)
{
	static const struct {
		const char *s, *path, *want;
	} T[] = {
		{ "{\"title\":\"a\",\"x\":1}", "title", "\"a\"" },
		{ "{\"text\":{\"Title\":\"a\"}}", "text.Title", "\"a\"" },
		{ "{\"text\":{\"Title\":\"a\"},\"text.Title\":2}", "text.Title",
		    "2" },
		{ "{\"text.Title\":2,\"text\":{\"Title\":\"a\"}}", "text.Title",
		    "2" },
		{ "{\"a\":{\"b\":{\"c\":1},\"b.c\":2}}", "a.b.c", "2" },
		{ "{\"a\":{\"b\":{\"c\":1}},\"a.b\":{\"c\":3}}", "a.b.c", "3" },
		{ "{\"a\":{\"b\": [1, 2] }}", "a.b", "[1, 2]" },
		{ "{\"a\":{\"b\":1}}", "a", "{\"b\":1}" },
		{ "{\"a\":[{\"b\":1}]}", "a.b", NULL },
		{ "{\"a\":null}", "a.b", NULL },
		{ "{\"a\":null}", "a", "null" },
		{ "{\"ab\":{\"c\":1}}", "a.c", NULL },
		{ "{\"\":{\"\":1}}", ".", "1" },
		{ "{\"\\u0061\":7}", "a", "7" },
		{ "{}", "a", NULL },
	};
	struct error e;
	struct str raw, paths[3] = { TEXT("a"), TEXT("a.b"), TEXT("z.y") };
	struct str got[3];
	struct json j = { 0 };
	static const char MANY[] = "{\"a\":{\"b\":1,\"c\":2},\"z\":{\"y\":[]}}";

	for (size_t i = 0; i < LEN(T); i++) {
		int found =
		    json_find_path(T[i].s, strlen(T[i].s), T[i].path, &raw, &e);

		ck_assert_msg(found == (T[i].want != NULL), "%s", T[i].s);
		if (found)
			ck_assert_msg(str_is(raw, T[i].want), "%s: %.*s",
			    T[i].s, (int)raw.len, raw.s);
	}
	ck_assert_int_eq(
	    json_find_path("{\"a\":1,\"b\":}", 12, "a", &raw, &e), -1);
	ck_assert_str_eq(e.text, "column 12: expected a value");
	ck_assert_int_eq(json_find_path("[1]", 3, "a", &raw, &e), -1);
	json_init(&j, MANY, strlen(MANY));
	ck_assert_int_eq(json_find_paths(&j, paths, 3, got), 0);
	ck_assert_int_eq(json_end(&j), 0);
	ck_assert(str_is(got[0], "{\"b\":1,\"c\":2}"));
	ck_assert(str_is(got[1], "1"));
	ck_assert(str_is(got[2], "[]"));
	json_free(&j);
}
END_TEST

START_TEST(written_strings_read_back)
{
	struct buf b = { 0 };
	struct json j = { 0 };
	struct str s;
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (size_t from = 0; from < 128; from++) {
		b.len = 0;
		ck_assert_int_eq(
		    json_put_string(&b, all + from, 128 - from), 0);
		json_init(&j, b.data, b.len);
		ck_assert_int_eq(json_str(&j, &s), 0);
		ck_assert_int_eq(json_end(&j), 0);
		ck_assert(str_eq(s, (struct str){ all + from, 128 - from }));
	}
	b.len = 0;
	json_put_string(&b, "a\xff\xc3\xa9\n\x01\"\\/", 9);
	ck_assert(str_eq((struct str){ b.data, b.len },
	    (struct str)TEXT("\"a\xef\xbf\xbd\xc3\xa9\\n\\u0001\\\"\\\\/\"")));
	b.len = 0;
	ck_assert_int_eq(json_put_float(&b, 0.1f), 0);
	ck_assert_int_eq(json_put_double(&b, -0.0), 0);
	ck_assert(
	    str_eq((struct str){ b.data, b.len }, (struct str)TEXT("0.1-0.0")));
	ck_assert_int_eq(json_put_float(&b, NAN), -1);
	ck_assert_int_eq(json_put_double(&b, INFINITY), -1);
	ck_assert_uint_eq(b.len, 7);
	b.len = 0;
	ck_assert_int_eq(json_put_known(&b, 0.5), 0);
	ck_assert_int_eq(json_put_known(&b, NAN), 0);
	ck_assert_int_eq(json_put_known(&b, -INFINITY), 0);
	ck_assert(str_eq(
	    (struct str){ b.data, b.len }, (struct str)TEXT("0.5nullnull")));
	buf_free(&b);
	json_free(&j);
}
END_TEST

START_TEST(canonical_form)
{
	static const char *const T[][2] = {
		{ " { \"b\" : [ 1 , 2.50 ] , \"a\" : \"\\u0041\\/\" } ",
		    "{\"a\":\"A/\",\"b\":[1,2.5]}" },
		{ "{\"aa\":1,\"a\":{\"z\":null,\"y\":true}}",
		    "{\"a\":{\"y\":true,\"z\":null},\"aa\":1}" },
		{ "[9007199254740993,1e2,-0]", "[9007199254740993,100,-0]" },
		{ "{}", "{}" },
		{ "[]", "[]" },
		{ "[ false, {} ]", "[false,{}]" },
	};
	static const char *const BAD[] = { "[1e999]", "[\"\xff\"]",
		"{\"\xff\":1}", "[1", "{\"a\":1,\"a\":1}", "[] 1" };
	struct buf b = { 0 };
	struct error e;

	buf_puts(&b, "x");
	for (size_t i = 0; i < LEN(T); i++) {
		b.len = 1;
		ck_assert_int_eq(
		    json_canonical(&b, T[i][0], strlen(T[i][0]), &e), 0);
		ck_assert(
		    str_is((struct str){ b.data + 1, b.len - 1 }, T[i][1]));
	}
	b.len = 1;
	for (size_t i = 0; i < LEN(BAD); i++) {
		ck_assert_int_eq(
		    json_canonical(&b, BAD[i], strlen(BAD[i]), &e), -1);
		ck_assert_ptr_nonnull(strstr(e.text, "column "));
		ck_assert_uint_eq(b.len, 1);
	}
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, good_text_is_taken, 0, LEN(GOOD));
	tcase_add_loop_test(t, bad_text_is_refused, 0, LEN(REFUSED));
	tcase_add_test(t, prefixes_are_refused);
	tcase_add_test(t, places_are_named);
	tcase_add_test(t, types_are_checked);
	tcase_add_test(t, depth_is_limited);
	tcase_add_test(t, numbers);
	tcase_add_test(t, strings_are_decoded);
	tcase_add_test(t, strings_end_where_they_end);
	tcase_add_test(t, many_keys_are_told_apart);
	tcase_add_test(t, vectors);
	tcase_add_test(t, fields_by_path);
	tcase_add_test(t, written_strings_read_back);
	tcase_add_test(t, canonical_form);
	suite_add_tcase(s, t);
	return unit_main(s);
}
