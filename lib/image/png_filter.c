#include "image/png_filter.h"

#include <string.h>

/* Pixels of up to four bytes go through the lanes of one word or vector. */
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x4 __attribute__((vector_size(4)));
typedef int16_t i16x4 __attribute__((vector_size(8)));

static inline uint32_t
load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
store32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Sums of bytes modulo 256, without carries from one to the next. */
static inline uint32_t
add_bytes(uint32_t a, uint32_t b)
{
	return ((a & 0x7f7f7f7f) + (b & 0x7f7f7f7f)) ^ ((a ^ b) & 0x80808080);
}

/* Means of bytes, rounded down. */
static inline uint32_t
mean_bytes(uint32_t a, uint32_t b)
{
	return (a & b) + (((a ^ b) & 0xfefefefe) >> 1);
}

/*
 * A store of four bytes where a pixel has three spoils the first byte of the
 * next, which is written later; the row's end has PNG_FILTER_PAD.
 */
static inline void
sub(uint8_t *out, const uint8_t *in, size_t n, size_t bpp)
{
	uint32_t left = 0;

	for (size_t i = 0; i < n; i += bpp) {
		left = add_bytes(left, load32(in + i));
		store32(out + i, left);
	}
}

static inline void
average(
    uint8_t *out, const uint8_t *in, const uint8_t *up, size_t n, size_t bpp)
{
	uint32_t left = 0;

	for (size_t i = 0; i < n; i += bpp) {
		left =
		    add_bytes(mean_bytes(left, load32(up + i)), load32(in + i));
		store32(out + i, left);
	}
}

static inline i16x4
widen(const uint8_t *p)
{
	u8x4 v;

	memcpy(&v, p, sizeof(v));
	return __builtin_convertvector(v, i16x4);
}

static inline i16x4
distance(i16x4 a)
{
	i16x4 sign = a < 0;

	return (a ^ sign) - sign;
}

/* The one of left, up and upper left that is nearest to left + up - upper
 * left; ties go in this order. */
static inline void
paeth(uint8_t *out, const uint8_t *in, const uint8_t *up, size_t n, size_t bpp)
{
	i16x4 left = { 0 }, corner = { 0 };

	for (size_t i = 0; i < n; i += bpp) {
		i16x4 above = widen(up + i);
		i16x4 to_left = above - corner, to_above = left - corner;
		i16x4 a = distance(to_left), b = distance(to_above);
		i16x4 c = distance(to_left + to_above);
		i16x4 take_left = (a <= b) & (a <= c);
		i16x4 take_above = ~take_left & (b <= c);
		i16x4 best = (left & take_left) | (above & take_above) |
			     (corner & ~(take_left | take_above));
		u8x4 px;

		left = (best + widen(in + i)) & 255;
		corner = above;
		px = __builtin_convertvector(left, u8x4);
		memcpy(out + i, &px, sizeof(px));
	}
}

static void
add_up(uint8_t *out, const uint8_t *in, const uint8_t *up, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		u8x16 a, b;

		memcpy(&a, in + i, sizeof(a));
		memcpy(&b, up + i, sizeof(b));
		a += b;
		memcpy(out + i, &a, sizeof(a));
	}
}

/* Any pixel, a byte at a time: the definition. */
static void
plain(uint8_t *out, const uint8_t *in, const uint8_t *up, size_t n, size_t bpp,
    int filter)
{
	for (size_t i = 0; i < n; i++) {
		int a = i >= bpp ? out[i - bpp] : 0, b = up[i];
		int c = i >= bpp ? up[i - bpp] : 0, p = a + b - c;
		int pa = p > a ? p - a : a - p, pb = p > b ? p - b : b - p;
		int pc = p > c ? p - c : c - p;

		if (filter == 1)
			p = a;
		else if (filter == 3)
			p = (a + b) / 2;
		else
			p = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
		out[i] = (uint8_t)(in[i] + p);
	}
}

int
png_unfilter(uint8_t *out, const uint8_t *in, const uint8_t *up, size_t n,
    size_t bpp, int filter)
{
	if (filter == 0)
		memcpy(out, in, n);
	else if (filter == 2)
		add_up(out, in, up, n);
	else if (filter < 0 || filter > 4)
		return -1;
	else if (bpp == 3 && filter == 1)
		sub(out, in, n, 3);
	else if (bpp == 4 && filter == 1)
		sub(out, in, n, 4);
	else if (bpp == 3 && filter == 3)
		average(out, in, up, n, 3);
	else if (bpp == 4 && filter == 3)
		average(out, in, up, n, 4);
	else if (bpp == 3)
		paeth(out, in, up, n, 3);
	else if (bpp == 4)
		paeth(out, in, up, n, 4);
	else
		plain(out, in, up, n, bpp, filter);
	return 0;
}
