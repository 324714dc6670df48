#ifndef BASE_NUM_IMPL_H
#define BASE_NUM_IMPL_H

/* What reading (num.c) and printing (num_print.c) share. */
#include <stdint.h>
#include <string.h>

enum { NUM_POWER_LOW = -342, NUM_POWER_HIGH = 324 };

/* NUM_POWERS[k - NUM_POWER_LOW]: floor(10^k * 2^-s) in 128 bits, high word
 * first, with s such that the top bit is set. */
extern const uint64_t NUM_POWERS[NUM_POWER_HIGH - NUM_POWER_LOW + 1][2];

/* num_mul_high: the upper half of a * b; the lower in *low. */
#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

static inline uint64_t
num_mul_high(uint64_t a, uint64_t b, uint64_t *low)
{
	u128 p = (u128)a * b;

	*low = (uint64_t)p;
	return (uint64_t)(p >> 64);
}
#else
static inline uint64_t
num_mul_high(uint64_t a, uint64_t b, uint64_t *low)
{
	uint64_t al = (uint32_t)a, ah = a >> 32;
	uint64_t bl = (uint32_t)b, bh = b >> 32;
	uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;
	uint64_t mid = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;

	*low = mid << 32 | (uint32_t)ll;
	return ah * bh + (lh >> 32) + (hl >> 32) + (mid >> 32);
}
#endif

/* What differs between float and double in the method of Lemire. */
struct num_format {
	int mantissa; /* stored bits */
	int bias;
	int infinite;            /* exponent field of infinity */
	int even_low, even_high; /* powers of ten where ties can occur */
	int low, high;           /* below: zero, above: infinity */
};

static const struct num_format NUM_FLOAT = { 23, 127, 0xFF, -17, 10, -64, 38 };
static const struct num_format NUM_DOUBLE = { 52, 1023, 0x7FF, -4, 23, -342,
	308 };

/* floor(log2(10^q)), |q| <= 400. */
static inline int
num_log2_pow10(int q)
{
	return (q * 217706) >> 16;
}

/* Numbers as their bits, and back. */
static inline uint64_t
num_double_bits(double x)
{
	uint64_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static inline double
num_double_from(uint64_t b)
{
	double x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

static inline uint32_t
num_float_bits(float x)
{
	uint32_t b;

	memcpy(&b, &x, sizeof(b));
	return b;
}

static inline float
num_float_from(uint32_t b)
{
	float x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

#endif
