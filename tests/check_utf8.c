#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/utf8.h"
#include "unit.h"

#define FFFD "\xEF\xBF\xBD"

/* Ill-formed text and what the WHATWG decoder makes of it. */
static const struct {
	const char *in, *out;
	size_t bad;
} T[] = {
	{ "plain", "plain", 0 },
	{ "\x80", FFFD, 1 },
	{ "a\xC0\xAF"
	  "b",
	    "a" FFFD FFFD "b", 2 },
	{ "\xED\xA0\x80", FFFD FFFD FFFD, 3 },
	{ "\xE2\x80", FFFD, 1 },
	{ "\xE2\x80x", FFFD "x", 1 },
	{ "\xF0\x9F\x98", FFFD, 1 },
	{ "\xF0\x9F\x98\xF0\x9F\x98\x80", FFFD "\xF0\x9F\x98\x80", 1 },
	{ "\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD, 4 },
	{ "\xF5\x80\x80", FFFD FFFD FFFD, 3 },
	{ "\xE0\x9F\xBF", FFFD FFFD FFFD, 3 },
	{ "\xF0\x8F\xBF\xBF", FFFD FFFD FFFD FFFD, 4 },
	{ "\xFF\xFE", FFFD FFFD, 2 },
	{ "\xC3", FFFD, 1 },
	{ "\xEF\xBF\xBD", FFFD, 0 },
	{ "\xF4\x8F\xBF\xBF\xEE\x80\x80", "\xF4\x8F\xBF\xBF\xEE\x80\x80", 0 },
	/* Unicode 15, table 3-8. */
	{ "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
	  "A",
	    FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A", 8 },
	/* Tables 3-10 and 3-11. */
	{ "\xF4\x91\x92\x93\xFF"
	  "A\x80\xBF"
	  "B",
	    FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B", 7 },
	{ "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
	  "A",
	    FFFD FFFD FFFD FFFD "A", 4 },
};

START_TEST(cleaning)
{
	struct buf b = { 0 };
	size_t bad = 99, n = strlen(T[_i].in), want = strlen(T[_i].out);

	ck_assert_int_eq(utf8_clean(&b, T[_i].in, n, &bad), 0);
	ck_assert_uint_eq(b.len, want);
	ck_assert_mem_eq(b.data, T[_i].out, want);
	ck_assert_uint_eq(bad, T[_i].bad);
	ck_assert_int_eq(utf8_valid(T[_i].in, n) == n, bad == 0);
	ck_assert_uint_eq(utf8_valid(b.data, b.len), b.len);
	buf_free(&b);
}
END_TEST

START_TEST(every_character_and_no_other)
{
	char s[4];
	uint32_t cp, back;

	for (cp = 0; cp < 0x110000; cp++) {
		size_t n;

		if (cp >= 0xD800 && cp < 0xE000)
			continue;
		n = utf8_encode(s, cp);
		ck_assert(utf8_decode(s, n, &back) == (int)n && back == cp);
		ck_assert(utf8_valid(s, n) == n);
	}
	/* All pairs and triples: valid exactly if they decode and encode to
	 * themselves. */
	for (uint32_t x = 0; x < 0x1000000; x += x < 0x800000 ? 1021 : 7) {
		char t[3] = { (char)(x >> 16), (char)(x >> 8), (char)x };
		size_t i = 0, out = 0;
		char again[12];

		while (i < 3) {
			int k = utf8_decode(t + i, 3 - i, &cp);

			ck_assert(k != 0 && k >= -3 && k <= 3);
			i += (size_t)abs(k);
			out += utf8_encode(again + out, cp);
		}
		ck_assert_uint_eq(i, 3);
		if (utf8_valid(t, 3) == 3)
			ck_assert(out == 3 && memcmp(again, t, 3) == 0);
		else
			ck_assert(out != 3 || memcmp(again, t, 3) != 0);
	}
}
END_TEST

START_TEST(ascii_run_stops_at_the_first_other_byte)
{
	char s[40];

	for (size_t n = 0; n <= sizeof(s); n++)
		for (size_t at = 0; at < n; at++) {
			memset(s, 'a', sizeof(s));
			s[at] = (char)0x80;
			ck_assert_uint_eq(utf8_ascii(s, n), at);
			ck_assert_uint_eq(utf8_valid(s, n), at);
			ck_assert_uint_eq(utf8_ascii(s, at), at);
		}
}
END_TEST

START_TEST(nul_is_a_character)
{
	struct buf b = { 0 };
	size_t bad;

	ck_assert_int_eq(utf8_clean(&b, "a\0b\xFF", 4, &bad), 0);
	ck_assert_uint_eq(b.len, 6);
	ck_assert_mem_eq(b.data, "a\0b" FFFD, 6);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("utf8");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, cleaning, 0, sizeof(T) / sizeof(T[0]));
	tcase_add_test(t, every_character_and_no_other);
	tcase_add_test(t, ascii_run_stops_at_the_first_other_byte);
	tcase_add_test(t, nul_is_a_character);
	suite_add_tcase(s, t);
	return unit_main(s);
}
