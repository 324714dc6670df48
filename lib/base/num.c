#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/num_impl.h"

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
round_decimal(
    const struct num_format *f, uint64_t w, int64_t e10, uint64_t *bits)
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
	power[0] = NUM_POWERS[q - NUM_POWER_LOW][0];
	power[1] = NUM_POWERS[q - NUM_POWER_LOW][1] + (q < 0);
	high = num_mul_high(w, power[0], &low);
	if ((high & UINT64_MAX >> (f->mantissa + 3)) ==
	    UINT64_MAX >> (f->mantissa + 3)) {
		uint64_t unused;

		more = num_mul_high(w, power[1], &unused);
		low += more;
		high += low < more;
		if (low == UINT64_MAX && (q < -27 || q > 55))
			return -1;
	}
	shift = (int)(high >> 63) + 64 - f->mantissa - 3;
	m = high >> shift;
	e2 = num_log2_pow10(q) + 63 + (int)(high >> 63) - lz + f->bias;
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

/* Decide by Lemire's method, for cut digits at both ends of the doubt. */
static int
decide(const struct num_format *f, const struct decimal *d, uint64_t *bits)
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
	if (decide(&NUM_DOUBLE, d, &bits) < 0) {
		exact_text(d, exact);
		bits = num_double_bits(strtod(exact, NULL));
	}
	return num_double_from(bits | (uint64_t)d->negative << 63);
}

static float
to_float(const struct decimal *d)
{
	char exact[EXACT_DIGITS + 32];
	uint64_t bits;

	if (decide(&NUM_FLOAT, d, &bits) < 0) {
		exact_text(d, exact);
		bits = num_float_bits(strtof(exact, NULL));
	}
	return num_float_from((uint32_t)bits | (uint32_t)d->negative << 31);
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
