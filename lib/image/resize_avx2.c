#include "image/resize_passes.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

/*
 * vpmaddwd multiplies pairs of 16-bit numbers and adds their products: two
 * inputs of the filter for each of eight sums, once with the low halves of
 * the weights and once with the high ones.
 */

/* low + 2^RESIZE_LOW high, and the half for rounding. */
static inline __m256i
whole(__m256i low, __m256i high)
{
	return _mm256_add_epi32(low, _mm256_slli_epi32(high, RESIZE_LOW));
}

/*
 * The bytes of four neighbouring pixels to pairs of 16 bits: the first half
 * of the vector gets (pixel 0, pixel 1) of each channel, the second half
 * (pixel 2, pixel 3).
 */
#define PAIR(i, j) (char)(i), -1, (char)(j), -1
#define NONE       -1, -1, -1, -1

static inline __m256i
pairs_of(int channels)
{
	return channels == 3
		   ? _mm256_setr_epi8(PAIR(0, 3), PAIR(1, 4), PAIR(2, 5), NONE,
			 PAIR(6, 9), PAIR(7, 10), PAIR(8, 11), NONE)
		   : _mm256_setr_epi8(PAIR(0, 4), PAIR(1, 5), PAIR(2, 6),
			 PAIR(3, 7), PAIR(8, 12), PAIR(9, 13), PAIR(10, 14),
			 PAIR(11, 15));
}

/* The same weights for every channel, from the four low and high halves. */
static inline __m256i
spread_low(__m256i v)
{
	return _mm256_shuffle_epi8(
	    v, _mm256_setr_epi8(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
		   4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7));
}

static inline __m256i
spread_high(__m256i v)
{
	return _mm256_shuffle_epi8(
	    v, _mm256_setr_epi8(8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9,
		   10, 11, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12,
		   13, 14, 15));
}

static inline __m256i
both_halves(const void *p)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128(p));
}

/* Four sums to four bytes, each shifted, then kept within 0..255. */
static inline uint32_t
four_bytes(__m256i v)
{
	__m128i s = _mm_add_epi32(
	    _mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_set1_epi32(1 << (RESIZE_FRACTION - 1)));
	s = _mm_srai_epi32(s, RESIZE_FRACTION);
	s = _mm_packs_epi32(s, s);
	return (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(s, s));
}

/* ROWS rows of RGB or RGBA; both are constants where this is inlined. */
static inline __attribute__((always_inline)) void
colours_along_x(uint8_t *const *out, const uint8_t *const *in, int rows,
    const struct resize_axis *a, uint32_t w, int channels)
{
	const __m256i pairs = pairs_of(channels);

	for (uint32_t x = 0; x < w; x++) {
		const int16_t *t = a->halves + x * a->stride * 2;
		size_t at = (size_t)a->span[x].first * (size_t)channels;
		size_t to = (size_t)x * (size_t)channels;
		__m256i low[RESIZE_ROWS], high[RESIZE_ROWS];

		for (int r = 0; r < rows; r++)
			low[r] = high[r] = _mm256_setzero_si256();
		for (uint32_t i = 0; i < a->span[x].n; i += 4, t += 8) {
			__m256i v = both_halves(t);
			__m256i l = spread_low(v), h = spread_high(v);

			for (int r = 0; r < rows; r++) {
				__m256i p = _mm256_shuffle_epi8(
				    both_halves(in[r] + at), pairs);

				low[r] = _mm256_add_epi32(
				    low[r], _mm256_madd_epi16(p, l));
				high[r] = _mm256_add_epi32(
				    high[r], _mm256_madd_epi16(p, h));
			}
			at += (size_t)channels * 4;
		}
		for (int r = 0; r < rows; r++) {
			uint32_t v = four_bytes(whole(low[r], high[r]));

			memcpy(out[r] + to, &v, (size_t)channels);
		}
	}
}

/* One row of grey: eight inputs at a time. */
static void
grey_along_x(
    uint8_t *out, const uint8_t *in, const struct resize_axis *a, uint32_t w)
{
	for (uint32_t x = 0; x < w; x++) {
		const int16_t *t = a->halves + x * a->stride * 2;
		const uint8_t *p = in + a->span[x].first;
		__m128i low = _mm_setzero_si128(), high = low;

		for (uint32_t i = 0; i < a->span[x].n; i += 4, t += 8) {
			__m128i v = _mm_loadu_si128((const void *)t);
			uint32_t four;
			__m128i q;

			memcpy(&four, p + i, sizeof(four));
			q = _mm_cvtepu8_epi16(_mm_cvtsi32_si128((int)four));
			low = _mm_add_epi32(low, _mm_madd_epi16(q, v));
			high = _mm_add_epi32(
			    high, _mm_madd_epi16(q, _mm_unpackhi_epi64(v, v)));
		}
		low = _mm_add_epi32(low, _mm_slli_epi32(high, RESIZE_LOW));
		low = _mm_add_epi32(low, _mm_srli_epi64(low, 32));
		out[x] = (uint8_t)four_bytes(_mm256_zextsi128_si256(low));
	}
}

static void
along_x(uint8_t *const *out, const uint8_t *const *in, int rows,
    const struct resize_axis *a, uint32_t w, int channels)
{
	if (channels == 1)
		for (int r = 0; r < rows; r++)
			grey_along_x(out[r], in[r], a, w);
	else if (rows == RESIZE_ROWS && channels == 3)
		colours_along_x(out, in, RESIZE_ROWS, a, w, 3);
	else if (rows == RESIZE_ROWS)
		colours_along_x(out, in, RESIZE_ROWS, a, w, 4);
	else
		for (int r = 0; r < rows; r++)
			if (channels == 3)
				colours_along_x(out + r, in + r, 1, a, w, 3);
			else
				colours_along_x(out + r, in + r, 1, a, w, 4);
}

/* The sums of 32 columns. */
struct sums {
	__m256i low[4], high[4];
};

static inline void
add_four(struct sums *s, int i, __m256i v, __m256i l, __m256i h)
{
	s->low[i] = _mm256_add_epi32(s->low[i], _mm256_madd_epi16(v, l));
	s->high[i] = _mm256_add_epi32(s->high[i], _mm256_madd_epi16(v, h));
}

static inline __m256i
rounded(const struct sums *s, int i)
{
	__m256i v = whole(s->low[i], s->high[i]);

	v = _mm256_add_epi32(v, _mm256_set1_epi32(1 << (RESIZE_FRACTION - 1)));
	return _mm256_srai_epi32(v, RESIZE_FRACTION);
}

/* 32 columns; unpacking and packing both work within halves, so the order of
 * the columns comes back. */
static inline void
columns_along_y(
    uint8_t *out, const uint8_t *p, const int16_t *t, uint32_t n, size_t stride)
{
	const __m256i zero = _mm256_setzero_si256();
	struct sums s = { { zero, zero, zero, zero },
		{ zero, zero, zero, zero } };

	for (uint32_t j = 0; j < n; j += 2, p += 2 * stride) {
		const int16_t *k = t + j / 4 * 8 + j % 4;
		int32_t low, high;
		__m256i a, b, c, d, l, h;

		memcpy(&low, k, sizeof(low));
		memcpy(&high, k + 4, sizeof(high));
		l = _mm256_set1_epi32(low);
		h = _mm256_set1_epi32(high);
		a = _mm256_loadu_si256((const void *)p);
		b = j + 1 < n ? _mm256_loadu_si256((const void *)(p + stride))
			      : zero;
		c = _mm256_unpacklo_epi8(a, b);
		d = _mm256_unpackhi_epi8(a, b);
		add_four(&s, 0, _mm256_unpacklo_epi8(c, zero), l, h);
		add_four(&s, 1, _mm256_unpackhi_epi8(c, zero), l, h);
		add_four(&s, 2, _mm256_unpacklo_epi8(d, zero), l, h);
		add_four(&s, 3, _mm256_unpackhi_epi8(d, zero), l, h);
	}

	__m256i lo = _mm256_packs_epi32(rounded(&s, 0), rounded(&s, 1));
	__m256i hi = _mm256_packs_epi32(rounded(&s, 2), rounded(&s, 3));

	_mm256_storeu_si256((void *)out, _mm256_packus_epi16(lo, hi));
}

static void
along_y(uint8_t *out, const uint8_t *in, const struct resize_axis *a,
    uint32_t y, size_t stride)
{
	const struct resize_span *s = &a->span[y];
	const uint8_t *top = in + s->first * stride;
	const int16_t *t = a->halves + y * a->stride * 2;
	size_t i = 0;

	if (stride < 32) {
		resize_plain.along_y(out, in, a, y, stride);
		return;
	}
	for (; i + 32 <= stride; i += 32)
		columns_along_y(out + i, top + i, t, s->n, stride);
	/* The last columns again, with some before them. */
	if (i < stride)
		columns_along_y(
		    out + stride - 32, top + stride - 32, t, s->n, stride);
}

const struct resize_passes resize_avx2 = { along_x, along_y };

#endif
