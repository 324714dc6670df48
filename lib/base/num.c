#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/num_table.h"

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

static uint64_t
mul_high(uint64_t a, uint64_t b, uint64_t *low)
{
	u128 p = (u128)a * b;

	*low = (uint64_t)p;
	return (uint64_t)(p >> 64);
}
#else
static uint64_t
mul_high(uint64_t a, uint64_t b, uint64_t *low)
{
	uint64_t al = (uint32_t)a, ah = a >> 32;
	uint64_t bl = (uint32_t)b, bh = b >> 32;
	uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
	uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;

	*low = mid << 32 | (uint32_t)ll;
	return ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32);
}
#endif

/*
 * Reading.
 */

/* A number as it stands in the text: +-digits * 10^e10. */
struct decimal {
	int negative;
	int cut;           /* w lacks digits that did not fit */
	uint64_t w;        /* the first 19 significant digits */
	int64_t e10;       /* the exponent that belongs to w */
	const char *whole; /* the text of the digits, */
	size_t nwhole;     /* before */
	size_t nfrac;      /* and after the point behind them */
	int64_t exponent;  /* what is written after the 'e' */
};

static int
is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* The k-th digit of d, the point left out. */
static char
digit_at(const struct decimal *d, size_t k)
{
	return d->whole[k < d->nwhole ? k : k + 1];
}

static size_t
leading_zeros(const struct decimal *d)
{
	size_t k = 0;

	while (k < d->nwhole + d->nfrac && digit_at(d, k) == '0')
		k++;
	return k;
}

/* More digits than a word holds: keep 19, count the others as tens. */
static void
cut_digits(struct decimal *d)
{
	size_t total = d->nwhole + d->nfrac, k = leading_zeros(d);
	size_t stop = total - k > 19 ? k + 19 : total;

	for (d->w = 0; k < stop; k++)
		d->w = d->w * 10 + (uint64_t)(digit_at(d, k) - '0');
	d->cut = k < total;
	d->e10 += (int64_t)(total - k);
}

/* The digits after the 'e', if it is followed by any; bytes used. */
static size_t
take_exponent(const char *p, size_t n, int64_t *e)
{
	size_t i = 1;
	int negative = 0;

	*e = 0;
	if (n < 2 || (*p | 0x20) != 'e')
		return 0;
	if (p[i] == '+' || p[i] == '-')
		negative = p[i++] == '-';
	if (i == n || !is_digit(p[i]))
		return 0;
	for (; i < n && is_digit(p[i]); i++)
		if (*e < INT64_C(1000000000000000))
			*e = *e * 10 + (p[i] - '0');
	if (negative)
		*e = -*e;
	return i;
}

/*
 * The number at the start of s: [n]; bytes used, 0 if none.  A lax one may
 * lack the digits on one side of its point, or end in the point.
 */
static size_t
take_decimal(const char *s, size_t n, int lax, struct decimal *d)
{
	const char *p = s, *end = s + n, *f;
	uint64_t w = 0;

	d->negative = n > 0 && *p == '-';
	p += d->negative;
	d->whole = p;
	if (p < end && *p == '0')
		p++;
	else
		for (; p < end && is_digit(*p); p++)
			w = w * 10 + (uint64_t)(*p - '0');
	d->nwhole = (size_t)(p - d->whole);
	if (d->nwhole == 0 && !lax)
		return 0;
	d->nfrac = 0;
	if (p < end && *p == '.') {
		for (f = p + 1; f < end && is_digit(*f); f++)
			w = w * 10 + (uint64_t)(*f - '0');
		d->nfrac = (size_t)(f - p - 1);
		if (d->nfrac > 0 || lax)
			p = f;
	}
	if (d->nwhole + d->nfrac == 0)
		return 0;
	p += take_exponent(p, (size_t)(end - p), &d->exponent);
	d->w = w;
	d->e10 = d->exponent - (int64_t)d->nfrac;
	d->cut = 0;
	if (d->nwhole + d->nfrac > 19)
		cut_digits(d);
	return (size_t)(p - s);
}

/* What differs between float and double in the method of Lemire. */
struct format {
	int mantissa; /* stored bits */
	int bias;
	int infinite;            /* exponent field of infinity */
	int even_low, even_high; /* powers of ten where ties can occur */
	int low, high;           /* below: zero, above: infinity */
};

static const struct format FLOAT = { 23, 127, 0xFF, -17, 10, -64, 38 };
static const struct format DOUBLE = { 52, 1023, 0x7FF, -4, 23, -342, 308 };

/* floor(log2(10^q)), |q| <= 400. */
static int
log2_pow10(int q)
{
	return (q * 217706) >> 16;
}

static int
leading_zero_bits(uint64_t x)
{
	return __builtin_clzll(x);
}

/*
 * w * 10^e10 rounded to the format, as its bits without the sign.
 * 0, or -1 where 128 bits of the power do not decide the rounding
 * (Lemire 2021, algorithm 1, and section 6 for subnormals and ties).
 */
static int
round_decimal(const struct format *f, uint64_t w, int64_t e10, uint64_t *bits)
{
	uint64_t infinity = (uint64_t)f->infinite << f->mantissa;
	uint64_t power[2], high, low, more, m;
	int q = (int)e10, lz, shift, e2;

	*bits = 0;
	if (w == 0 || e10 < f->low)
		return 0;
	*bits = infinity;
	if (e10 > f->high)
		return 0;
	lz = leading_zero_bits(w);
	w <<= lz;
	/* The method wants reciprocals rounded up; the table cuts them. */
	power[0] = POWERS[q - POWER_LOW][0];
	power[1] = POWERS[q - POWER_LOW][1] + (q < 0);
	high = mul_high(w, power[0], &low);
	if ((high & UINT64_MAX >> (f->mantissa + 3)) ==
	    UINT64_MAX >> (f->mantissa + 3)) {
		uint64_t unused;

		more = mul_high(w, power[1], &unused);
		low += more;
		high += low < more;
		if (low == UINT64_MAX && (q < -27 || q > 55))
			return -1;
	}
	shift = (int)(high >> 63) + 64 - f->mantissa - 3;
	m = high >> shift;
	e2 = log2_pow10(q) + 63 + (int)(high >> 63) - lz + f->bias;
	if (e2 <= 0) {
		if (e2 <= -63) {
			*bits = 0;
			return 0;
		}
		m >>= 1 - e2;
		*bits = (m + (m & 1)) >> 1; /* may carry to a normal one */
		return 0;
	}
	if (low <= 1 && q >= f->even_low && q <= f->even_high && (m & 3) == 1 &&
	    m << shift == high)
		m &= ~UINT64_C(1); /* a tie, and even is below */
	m = (m + (m & 1)) >> 1;
	if (m >> (f->mantissa + 1) != 0) {
		m >>= 1;
		e2++;
	}
	if (e2 < f->infinite)
		*bits = (m & ~(UINT64_C(1) << f->mantissa)) |
			(uint64_t)e2 << f->mantissa;
	return 0;
}

/* Digits of any double's midpoint: 767; one more stands for all the rest. */
enum { EXACT_DIGITS = 770 };

/*
 * The significant digits as text without a point, for strtod: it rounds
 * correctly, and without a point no locale matters.
 */
static void
exact_text(const struct decimal *d, char out[EXACT_DIGITS + 32])
{
	size_t total = d->nwhole + d->nfrac, k = leading_zeros(d), n = 0;
	int64_t e = d->exponent - (int64_t)d->nfrac;

	for (; k < total && n < EXACT_DIGITS; k++)
		out[n++] = digit_at(d, k);
	e += (int64_t)(total - k);
	for (; k < total; k++)
		if (digit_at(d, k) != '0') {
			out[n++] = '1';
			e--;
			break;
		}
	if (n == 0)
		out[n++] = '0';
	out[n++] = 'e';
	if (e < -99999)
		e = -99999;
	if (e > 99999)
		e = 99999;
	n += num_print_i64(out + n, e);
	out[n] = '\0';
}

static uint64_t
double_bits(double x)
{
	uint64_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static double
double_from(uint64_t b)
{
	double x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

static uint32_t
float_bits(float x)
{
	uint32_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static float
float_from(uint32_t b)
{
	float x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

/* Decide by Lemire's method, for cut digits at both ends of the doubt. */
static int
decide(const struct format *f, const struct decimal *d, uint64_t *bits)
{
	uint64_t other;

	if (round_decimal(f, d->w, d->e10, bits) < 0)
		return -1;
	if (!d->cut)
		return 0;
	if (round_decimal(f, d->w + 1, d->e10, &other) < 0)
		return -1;
	return other == *bits ? 0 : -1;
}

static double
to_double(const struct decimal *d)
{
	char exact[EXACT_DIGITS + 32];
	uint64_t bits;

#if FLT_EVAL_METHOD == 0
	/* Both exact, so the one operation rounds correctly (Clinger 1990). */
	static const double TENS[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
		1e19, 1e20, 1e21, 1e22 };

	if (!d->cut && d->w <= UINT64_C(1) << 53 && d->e10 >= -22 &&
	    d->e10 <= 22) {
		double x = (double)d->w;

		x = d->e10 < 0 ? x / TENS[-d->e10] : x * TENS[d->e10];
		return d->negative ? -x : x;
	}
#endif
	if (decide(&DOUBLE, d, &bits) < 0) {
		exact_text(d, exact);
		bits = double_bits(strtod(exact, NULL));
	}
	return double_from(bits | (uint64_t)d->negative << 63);
}

static float
to_float(const struct decimal *d)
{
	char exact[EXACT_DIGITS + 32];
	uint64_t bits;

	if (decide(&FLOAT, d, &bits) < 0) {
		exact_text(d, exact);
		bits = float_bits(strtof(exact, NULL));
	}
	return float_from((uint32_t)bits | (uint32_t)d->negative << 31);
}

size_t
num_scan(const char *s, size_t n)
{
	struct decimal d;

	return take_decimal(s, n, 0, &d);
}

size_t
num_read_double(const char *s, size_t n, double *out)
{
	struct decimal d;
	size_t used = take_decimal(s, n, 0, &d);

	if (used > 0)
		*out = to_double(&d);
	return used;
}

size_t
num_read_float(const char *s, size_t n, float *out)
{
	struct decimal d;
	size_t used = take_decimal(s, n, 0, &d);

	if (used > 0)
		*out = to_float(&d);
	return used;
}

int
num_parse_double(const char *s, double min, double max, double *out)
{
	size_t n = strlen(s);
	struct decimal d;
	double x;

	if (n == 0 || take_decimal(s, n, 1, &d) != n)
		return -1;
	x = to_double(&d);
	if (!isfinite(x) || x < min || x > max)
		return -1;
	*out = x;
	return 0;
}

int
num_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t x = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (!is_digit(*s) || x > (UINT64_MAX - digit) / 10)
			return -1;
		x = x * 10 + digit;
	}
	if (x < min || x > max)
		return -1;
	*out = x;
	return 0;
}

int
num_parse_long(const char *s, long min, long max, long *out)
{
	int negative = *s == '-';
	uint64_t u;
	long x;

	if (num_parse_u64(s + negative, 0,
		(uint64_t)LONG_MAX + (uint64_t)negative, &u) < 0)
		return -1;
	/* Never negate LONG_MIN. */
	x = negative && u > 0 ? -(long)(u - 1) - 1 : (long)u;
	if (x < min || x > max)
		return -1;
	*out = x;
	return 0;
}

/*
 * Printing.
 */

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

	power[1] = POWERS[k - POWER_LOW][1] + (uint64_t)up;
	power[0] = POWERS[k - POWER_LOW][0] + (up && power[1] == 0);
}

/* power * c / 2^128, its lowest bit set where the result is not exact. */
static uint64_t
round_to_odd(const uint64_t power[2], uint64_t c)
{
	uint64_t low, high, unused, carry = mul_high(power[1], c, &unused);

	high = mul_high(power[0], c, &low);
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
	int h = q + log2_pow10(-k) + 1;
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
print_bits(char *out, const struct format *f, int negative, uint64_t fraction,
    int exponent)
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
	uint64_t b = double_bits(x);

	return print_bits(out, &DOUBLE, (int)(b >> 63),
	    b & ((UINT64_C(1) << 52) - 1), (int)(b >> 52 & 0x7FF));
}

size_t
num_print_float(char *out, float x)
{
	uint32_t b = float_bits(x);

	return print_bits(
	    out, &FLOAT, (int)(b >> 31), b & 0x7FFFFF, (int)(b >> 23 & 0xFF));
}
