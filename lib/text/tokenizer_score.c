#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "text/tokenizer_impl.h"

/*
 * Scores of Unigram, as the reference reads them: its JSON reader (serde_json,
 * without float_roundtrip) takes the digits as one integer, rounds that to a
 * double and multiplies or divides by a power of ten, so the last bit may be
 * another than that of the nearest double, and two ways through a word that
 * would be equally good are not.
 */

static double
power_of_ten(int n)
{
	char text[16];
	double x = 0;
	int len = snprintf(text, sizeof(text), "1e%d", n);

	num_read_double(text, (size_t)len, &x);
	return x;
}

static double
from_parts(uint64_t digits, int exponent)
{
	double f = (double)digits;

	for (; exponent < -308; exponent += 308) {
		if (f == 0)
			return 0;
		f /= 1e308;
	}
	if (exponent > 308)
		return f == 0 ? 0 : INFINITY;
	return exponent >= 0 ? f * power_of_ten(exponent)
			     : f / power_of_ten(-exponent);
}

double
token_score(struct str s)
{
	size_t i = s.len > 0 && s.s[0] == '-';
	uint64_t digits = 0;
	int exponent = 0, more = 0, fraction = 0, sign = 1, full = 0;
	double x = 0;

	for (; i < s.len && (s.s[i] | 32) != 'e'; i++) {
		uint64_t next;

		if (s.s[i] == '.') {
			fraction = 1;
			continue;
		}
		if (full)
			continue;
		if (__builtin_mul_overflow(digits, (uint64_t)10, &next) ||
		    __builtin_add_overflow(
			next, (uint64_t)(s.s[i] - '0'), &next)) {
			/* Integers so long are no scores. */
			if (!fraction) {
				num_read_double(s.s, s.len, &x);
				return x;
			}
			full = 1;
			continue;
		}
		digits = next;
		exponent -= fraction;
	}
	if (++i < s.len) {
		sign = s.s[i] == '-' ? -1 : 1;
		i += s.s[i] == '-' || s.s[i] == '+';
		for (; i < s.len && more < 10000; i++)
			more = more * 10 + (s.s[i] - '0');
	}
	x = from_parts(digits, exponent + sign * more);
	return s.s[0] == '-' ? -x : x;
}
