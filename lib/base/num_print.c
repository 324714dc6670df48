#include <string.h>

#include "base/num.h"
#include "base/num_impl.h"

/* The digits of x, which are n, to out; returns n. */
static size_t
put_digits(char *out, uint64_t x, size_t n)
{
	static const char PAIRS[] =
	    "00010203040506070809101112131415161718192021222324252627282930"
	    "31323334353637383940414243444546474849505152535455565758596061"
	    "62636465666768697071727374757677787980818283848586878889909192"
	    "93949596979899";
	size_t i = n;

	for (; i >= 2; i -= 2, x /= 100)
		memcpy(out + i - 2, PAIRS + x % 100 * 2, 2);
	if (i > 0)
		out[0] = (char)('0' + x % 10);
	return n;
}

static size_t
count_digits(uint64_t x)
{
	size_t n = 1;

	for (; x >= 10000; x /= 10000)
		n += 4;
	return n + (x >= 10) + (x >= 100) + (x >= 1000);
}

size_t
num_print_u64(char *out, uint64_t x)
{
	return put_digits(out, x, count_digits(x));
}

size_t
num_print_i64(char *out, int64_t x)
{
	if (x >= 0)
		return num_print_u64(out, (uint64_t)x);
	*out = '-';
	return 1 + num_print_u64(out + 1, -(uint64_t)x);
}

/* digits * 10^e10 in the notation that the header promises. */
static size_t
put_decimal(char *out, int negative, uint64_t digits, int e10)
{
	char text[20], *p = out;
	int n, point;

	while (digits % 10 == 0) {
		digits /= 10;
		e10++;
	}
	n = (int)count_digits(digits);
	put_digits(text, digits, (size_t)n);
	point = n + e10; /* digits before the point */
	if (negative)
		*p++ = '-';
	if (point > 21 || point < -5) {
		*p++ = text[0];
		if (n > 1)
			*p++ = '.';
		memcpy(p, text + 1, (size_t)n - 1);
		p += n - 1;
		*p++ = 'e';
		p += num_print_i64(p, point - 1);
	} else if (point <= 0) {
		memcpy(p, "0.000000", 8);
		p += 2 - point;
		memcpy(p, text, (size_t)n);
		p += n;
	} else if (point < n) {
		memcpy(p, text, (size_t)point);
		p[point] = '.';
		memcpy(p + point + 1, text + point, (size_t)(n - point));
		p += n + 1;
	} else {
		memcpy(p, text, (size_t)n);
		memset(p + n, '0', (size_t)(point - n));
		p += point;
	}
	return (size_t)(p - out);
}

static size_t
put_zero(char *out, int negative)
{
	/* Programs read "-0" as an integer and lose its sign. */
	memcpy(out, negative ? "-0.0" : "0", negative ? 4 : 1);
	return negative ? 4 : 1;
}

/* 10^k in 128 bits, rounded up; exact from 0 to 55. */
static void
power_above(int k, uint64_t power[2])
{
	int up = k < 0 || k > 55;

	power[1] = NUM_POWERS[k - NUM_POWER_LOW][1] + (uint64_t)up;
	power[0] = NUM_POWERS[k - NUM_POWER_LOW][0] + (up && power[1] == 0);
}

/* power * c / 2^128, its lowest bit set where the result is not exact. */
static uint64_t
round_to_odd(const uint64_t power[2], uint64_t c)
{
	uint64_t low, high, unused, carry = num_mul_high(power[1], c, &unused);

	high = num_mul_high(power[0], c, &low);
	low += carry;
	high += low < carry;
	return high | (low > 1);
}

/*
 * The shortest decimal within the rounding interval of c * 2^q (figures 4 and
 * 6 of Giulietti's paper): *digits * 10^(result).  ${even}: the interval's
 * ends belong to it.  ${closer}: the lower neighbour is nearer (c is a power
 * of two).  All products are taken with two spare bits, hence the fours.
 */
static int
shortest(uint64_t c, int q, int closer, uint64_t *digits)
{
	int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
	int h = q + num_log2_pow10(-k) + 1;
	uint64_t odd = c & 1, power[2], below, v, above, s, t, mid;
	int fits_below, fits_above;

	power_above(-k, power);
	below = round_to_odd(power, (4 * c - 2 + (uint64_t)closer) << h) + odd;
	v = round_to_odd(power, 4 * c << h);
	above = round_to_odd(power, (4 * c + 2) << h) - odd;
	s = v / 4;
	if (s >= 10) {
		t = s / 10;
		fits_below = below <= 40 * t;
		fits_above = 40 * t + 40 <= above;
		if (fits_below != fits_above) {
			*digits = t + (uint64_t)fits_above;
			return k + 1;
		}
	}
	fits_below = below <= 4 * s;
	fits_above = 4 * s + 4 <= above;
	if (fits_below != fits_above) {
		*digits = s + (uint64_t)fits_above;
		return k;
	}
	mid = 4 * s + 2;
	*digits = s + (v > mid || (v == mid && (s & 1) != 0));
	return k;
}

/* Print +-fraction and exponent fields as the format reads them. */
static size_t
print_bits(char *out, const struct num_format *f, int negative,
    uint64_t fraction, int exponent)
{
	uint64_t c = fraction, digits;
	int q = 1 - f->bias - f->mantissa, e10;

	if (exponent == f->infinite)
		return 0;
	if (exponent == 0 && fraction == 0)
		return put_zero(out, negative);
	if (exponent > 0) {
		c |= UINT64_C(1) << f->mantissa;
		q = exponent - f->bias - f->mantissa;
	}
	if (q <= 0 && -q <= f->mantissa && (c & ((UINT64_C(1) << -q) - 1)) == 0)
		return put_decimal(out, negative, c >> -q, 0);
	e10 = shortest(c, q, fraction == 0 && exponent > 1, &digits);
	return put_decimal(out, negative, digits, e10);
}

size_t
num_print_double(char *out, double x)
{
	uint64_t b = num_double_bits(x);

	return print_bits(out, &NUM_DOUBLE, (int)(b >> 63),
	    b & ((UINT64_C(1) << 52) - 1), (int)(b >> 52 & 0x7FF));
}

size_t
num_print_float(char *out, float x)
{
	uint32_t b = num_float_bits(x);

	return print_bits(out, &NUM_FLOAT, (int)(b >> 31), b & 0x7FFFFF,
	    (int)(b >> 23 & 0xFF));
}
