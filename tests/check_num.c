#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "unit.h"

/* The peer for reading is the C library's strtod in the C locale. */

static uint64_t
bits(double x)
{
	uint64_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static double
from_bits(uint64_t b)
{
	double x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

static float
float_from_bits(uint32_t b)
{
	float x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

static void
same_as_libc(const char *s)
{
	size_t n = strlen(s);
	double x = 0;
	float y = 0;

	ck_assert_uint_eq(num_read_double(s, n, &x), n);
	ck_assert_msg(bits(x) == bits(strtod(s, NULL)), "%s: %a", s, x);
	ck_assert_uint_eq(num_read_float(s, n, &y), n);
	ck_assert_msg(bits((double)y) == bits((double)strtof(s, NULL)),
	    "%s: float %a", s, (double)y);
}

START_TEST(doubles_round_trip)
{
	struct rng r;
	char s[NUM_MAX];

	rng_seed(&r, 1);
	for (int i = 0; i < 1000000; i++) {
		double x = from_bits(rng_u64(&r)), y = 0;
		size_t n = num_print_double(s, x);

		ck_assert_uint_le(n, NUM_MAX);
		if (!isfinite(x)) {
			ck_assert_uint_eq(n, 0);
			continue;
		}
		if (num_read_double(s, n, &y) != n || bits(x) != bits(y))
			ck_abort_msg("%a became %.*s", x, (int)n, s);
	}
}
END_TEST

START_TEST(floats_round_trip)
{
	struct rng r;
	char s[NUM_MAX];

	rng_seed(&r, 2);
	for (int i = 0; i < 1000000; i++) {
		float x = float_from_bits((uint32_t)rng_u64(&r)), y = 0;
		size_t n = num_print_float(s, x);

		ck_assert_uint_le(n, NUM_MAX);
		if (!isfinite(x)) {
			ck_assert_uint_eq(n, 0);
			continue;
		}
		if (num_read_float(s, n, &y) != n ||
		    memcmp(&x, &y, sizeof(x)) != 0)
			ck_abort_msg("%a became %.*s", (double)x, (int)n, s);
	}
}
END_TEST

/* The significant digits of a printed number, without the zeros around. */
static void
significant(const char *s, size_t n, char out[NUM_MAX])
{
	size_t k = 0;

	for (size_t i = 0; i < n && (s[i] | 0x20) != 'e'; i++)
		if (s[i] >= '0' && s[i] <= '9' && (k > 0 || s[i] != '0'))
			out[k++] = s[i];
	while (k > 0 && out[k - 1] == '0')
		k--;
	out[k] = '\0';
}

/*
 * printf with more and more digits until it reads back: the shortest.  Only
 * at powers of two, whose lower neighbour is nearer than the upper, may there
 * be a shorter number that is not the nearest of its length.
 */
START_TEST(printing_is_the_shortest)
{
	struct rng r;
	char s[NUM_MAX], want[64], a[NUM_MAX], b[NUM_MAX];

	rng_seed(&r, 3);
	for (int i = 0; i < 30000; i++) {
		double x = from_bits(rng_u64(&r));
		float y = float_from_bits((uint32_t)rng_u64(&r));
		int p = 0;

		if (!isfinite(x) || !isfinite(y))
			continue;
		if (i % 2)
			x = from_bits((uint64_t)(i % 0x7ff) << 52);
		if (i % 2)
			y = float_from_bits((uint32_t)(i % 0xff) << 23);
		do
			snprintf(want, sizeof(want), "%.*e", p++, x);
		while (strtod(want, NULL) != x);
		significant(want, strlen(want), a);
		significant(s, num_print_double(s, x), b);
		ck_assert(i % 2 ? strlen(b) <= strlen(a) : !strcmp(a, b));
		p = 0;
		do
			snprintf(want, sizeof(want), "%.*e", p++, (double)y);
		while (strtof(want, NULL) != y);
		significant(want, strlen(want), a);
		significant(s, num_print_float(s, y), b);
		ck_assert(i % 2 ? strlen(b) <= strlen(a) : !strcmp(a, b));
	}
}
END_TEST

START_TEST(notation)
{
	static const struct {
		double x;
		const char *want;
	} T[] = { { 0, "0" }, { -0.0, "-0.0" }, { 1, "1" },
		{ -12345, "-12345" }, { 0.1, "0.1" }, { 1e-6, "0.000001" },
		{ 1e-7, "1e-7" }, { 1.5e-7, "1.5e-7" },
		{ 1e20, "100000000000000000000" }, { 1e21, "1e21" },
		{ 123.456, "123.456" }, { 5e-324, "5e-324" }, { 1e23, "1e23" },
		{ DBL_MAX, "1.7976931348623157e308" },
		{ 9007199254740993.0, "9007199254740992" } };
	char s[NUM_MAX];

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++) {
		size_t n = num_print_double(s, T[i].x);

		ck_assert_uint_eq(n, strlen(T[i].want));
		ck_assert_mem_eq(s, T[i].want, n);
	}
	ck_assert_uint_eq(num_print_float(s, 0.1f), 3);
	ck_assert_mem_eq(s, "0.1", 3);
	ck_assert_uint_eq(num_print_float(s, 16777216.0f), 8);
	ck_assert_mem_eq(s, "16777216", 8);
}
END_TEST

START_TEST(integers)
{
	struct rng r;
	char s[NUM_MAX], want[32];

	rng_seed(&r, 4);
	for (int i = 0; i < 20000; i++) {
		uint64_t u = rng_u64(&r) >> i % 64;
		size_t n = num_print_u64(s, u);

		snprintf(want, sizeof(want), "%llu", (unsigned long long)u);
		ck_assert_uint_eq(n, strlen(want));
		ck_assert_mem_eq(s, want, n);
		n = num_print_i64(s, (int64_t)u);
		snprintf(want, sizeof(want), "%lld", (long long)(int64_t)u);
		ck_assert_uint_eq(n, strlen(want));
		ck_assert_mem_eq(s, want, n);
	}
	ck_assert_uint_eq(num_print_i64(s, INT64_MIN), 20);
	ck_assert_mem_eq(s, "-9223372036854775808", 20);
}
END_TEST

START_TEST(random_decimals_are_read_as_by_libc)
{
	struct rng r;
	char s[128];

	rng_seed(&r, 5);
	for (int i = 0; i < 100000; i++) {
		unsigned long long u = rng_u64(&r) >> rng_below(&r, 64);
		int e = (int)rng_below(&r, 700) - 360,
		    small = (int)rng_below(&r, 90) - 60;

		snprintf(s, sizeof(s), "%llue%d", u, i % 2 ? e : small);
		same_as_libc(s);
		snprintf(s, sizeof(s), "-%llu.%llue%d", u,
		    (unsigned long long)rng_u64(&r), small);
		same_as_libc(s);
		snprintf(s, sizeof(s), "0.%019llu", u % 1000000000);
		same_as_libc(s);
	}
}
END_TEST

/* Exactly between two neighbours, and a little to both sides. */
START_TEST(midpoints_are_read_as_by_libc)
{
	struct rng r;
	char s[1200];

	rng_seed(&r, 6);
	for (int i = 0; i < 3000; i++) {
		uint64_t b = rng_u64(&r) >> 1;
		double x = from_bits(b % (UINT64_C(0x7fe) << 52));
		double y = from_bits(bits(x) + 1);
		float f = float_from_bits((uint32_t)b % (0xfeu << 23));
		float g = nextafterf(f, INFINITY);
		double half = ((double)f + (double)g) / 2;
		char *e;

#if LDBL_MANT_DIG >= 64
		snprintf(s, sizeof(s), "%.800Le", ((long double)x + y) / 2);
		same_as_libc(s);
		e = strchr(s, 'e');
		e[-1] = '1'; /* a hair above */
		same_as_libc(s);
		snprintf(s, sizeof(s), "%.*Le", 17 + i % 5,
		    ((long double)x + y) / 2);
		same_as_libc(s);
#else
		(void)y;
#endif
		snprintf(s, sizeof(s), "%.200e", half);
		same_as_libc(s);
		e = strchr(s, 'e');
		e[-1] = '1';
		same_as_libc(s);
		snprintf(s, sizeof(s), "%.*e", 7 + i % 12, half);
		same_as_libc(s);
	}
}
END_TEST

START_TEST(hard_numbers_are_read_as_by_libc)
{
	static const char *const T[] = { "0", "-0", "0e99999999999999999999",
		"1e-99999999999999999999", "1e308", "1.7976931348623157e308",
		"1.7976931348623158e308", "1.7976931348623159e308",
		"4.9406564584124654e-324", "2.4703282292062327e-324",
		"2.4703282292062328e-324", "2.2250738585072011e-308",
		"2.2250738585072012e-308", "9007199254740993",
		"9007199254740992.99999999999999999999999999999999",
		"9007199254740993.00000000000000000000000000000001",
		"1448997445238699", "6929495644600919.5",
		"3.2378839133029012895883524125015321748630e35",
		"8.5849838e-39", "1.17549429e-38", "1.40129846e-45",
		"7.0064923216240853e-46", "7.0064923216240854e-46",
		"3.40282347e38", "3.4028235677973366e38",
		"3.4028235677973365e38", "16777217", "16777217.0000000001",
		"33554434.9999999999999999", "123456789012345678901234567890",
		"0.000000000000000000000000000000000000000000000000000000001",
		"1e23", "8.5e22", "9.5367431640625e-7", "1e-5", "1e22", "1e11",
		"100000000000000000000000000000000000000000000000000000000e-56",
		"7.3177701707893310e15", "2.0e0", "10000000000000000000",
		"18446744073709551615", "18446744073709551616",
		"9223372036854775807999999999999999999999e-20" };

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++)
		same_as_libc(T[i]);
}
END_TEST

START_TEST(too_large_is_infinite)
{
	double x = 0;
	float y = 0;

	ck_assert_uint_eq(num_read_double("1e999", 5, &x), 5);
	ck_assert(isinf(x) && x > 0);
	ck_assert_uint_eq(num_read_double("-1e309", 6, &x), 6);
	ck_assert(isinf(x) && x < 0);
	ck_assert_uint_eq(num_read_float("1e39", 4, &y), 4);
	ck_assert(isinf(y));
}
END_TEST

START_TEST(grammar_is_that_of_json)
{
	static const struct {
		const char *s;
		size_t used;
	} T[] = { { "", 0 }, { "-", 0 }, { "+1", 0 }, { ".5", 0 }, { "1.", 1 },
		{ "1.e5", 1 }, { "01", 1 }, { "-01", 2 }, { "1e", 1 },
		{ "1e+", 1 }, { "1e-x", 1 }, { "0x10", 1 }, { "1,5", 1 },
		{ "NaN", 0 }, { "Infinity", 0 }, { "-Infinity", 0 },
		{ "1.5E+3 ", 6 }, { "-0.0e-0", 7 }, { "12a", 2 },
		{ "\xd9\xa1", 0 } };

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++) {
		ck_assert_uint_eq(num_scan(T[i].s, strlen(T[i].s)), T[i].used);
		for (size_t n = 0; n <= strlen(T[i].s); n++)
			ck_assert_uint_le(num_scan(T[i].s, n), n);
	}
	/* The length counts, not a NUL. */
	ck_assert_uint_eq(num_scan("12345", 3), 3);
}
END_TEST

START_TEST(options_are_parsed_whole)
{
	long l = 7;
	uint64_t u = 7;
	double d = 7;
	char s[32];

	ck_assert_int_eq(num_parse_long("8x", 0, 10, &l), -1);
	ck_assert_int_eq(num_parse_long("", 0, 10, &l), -1);
	ck_assert_int_eq(num_parse_long("-", -9, 10, &l), -1);
	ck_assert_int_eq(num_parse_long(" 8", 0, 10, &l), -1);
	ck_assert_int_eq(num_parse_long("+8", 0, 10, &l), -1);
	ck_assert_int_eq(num_parse_long("11", 0, 10, &l), -1);
	ck_assert_int_eq(num_parse_long("banana", 0, 10, &l), -1);
	ck_assert_int_eq(l, 7);
	ck_assert_int_eq(num_parse_long("-10", -10, 10, &l), 0);
	ck_assert_int_eq(l, -10);
	snprintf(s, sizeof(s), "%ld", LONG_MIN);
	ck_assert_int_eq(num_parse_long(s, LONG_MIN, LONG_MAX, &l), 0);
	ck_assert_int_eq(l, LONG_MIN);
	s[strlen(s) - 1]++;
	ck_assert_int_eq(num_parse_long(s, LONG_MIN, LONG_MAX, &l), -1);

	ck_assert_int_eq(
	    num_parse_u64("18446744073709551615", 0, UINT64_MAX, &u), 0);
	ck_assert(u == UINT64_MAX);
	ck_assert_int_eq(
	    num_parse_u64("18446744073709551616", 0, UINT64_MAX, &u), -1);
	ck_assert_int_eq(num_parse_u64("-1", 0, UINT64_MAX, &u), -1);

	ck_assert_int_eq(num_parse_double(".5", 0, 1, &d), 0);
	ck_assert(d == 0.5);
	ck_assert_int_eq(num_parse_double("5.", 0, 9, &d), 0);
	ck_assert(d == 5);
	ck_assert_int_eq(num_parse_double("1e-3", 0, 9, &d), 0);
	ck_assert(d == 1e-3);
	ck_assert_int_eq(num_parse_double(".", 0, 9, &d), -1);
	ck_assert_int_eq(num_parse_double("-", -9, 9, &d), -1);
	ck_assert_int_eq(num_parse_double("1,5", 0, 9, &d), -1);
	ck_assert_int_eq(num_parse_double("nan", 0, 9, &d), -1);
	ck_assert_int_eq(num_parse_double("1e999", 0, INFINITY, &d), -1);
	ck_assert_int_eq(num_parse_double("1.01", 0, 1, &d), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("num");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, doubles_round_trip);
	tcase_add_test(t, floats_round_trip);
	tcase_add_test(t, printing_is_the_shortest);
	tcase_add_test(t, notation);
	tcase_add_test(t, integers);
	tcase_add_test(t, random_decimals_are_read_as_by_libc);
	tcase_add_test(t, midpoints_are_read_as_by_libc);
	tcase_add_test(t, hard_numbers_are_read_as_by_libc);
	tcase_add_test(t, too_large_is_infinite);
	tcase_add_test(t, grammar_is_that_of_json);
	tcase_add_test(t, options_are_parsed_whole);
	suite_add_tcase(s, t);
	return unit_main(s);
}
