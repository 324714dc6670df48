#ifndef LINALG_LINEAR_I8_ROWS_H
#define LINALG_LINEAR_I8_ROWS_H

/*
 * The kernels of AVX-512 with and without VNNI, each of which defines tile:
 * the sums of the first ${n} rows of a group with ${panels} panels.  Sums wait
 * in t while the registers hold a block's integers, each under a name of its
 * own: of arrays gcc 12 keeps copies.
 */

#include "linalg/linear_i8_zmm.h"

enum { GROUP = 8, RECORD = 72 * GROUP };

#define EACH_ROW(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)

static inline void tile(float *t, const uint8_t *q, const uint8_t *w,
    size_t blocks, const size_t n, const size_t panels);

static inline __m512i
four_bytes(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return _mm512_set1_epi32(v);
}

static void
quantize(uint8_t *q, const float *x, size_t ldx, size_t rows, size_t in)
{
	for (size_t i = 0; i < rows; i += GROUP)
		for (size_t k = 0; k < in; k += 64, q += RECORD) {
			uint32_t v[GROUP][I8_STEPS] = { { 0 } };
			uint32_t by_step[I8_STEPS][GROUP];
			float scale[GROUP] = { 0 };
			int32_t zero[GROUP] = { 0 };

			for (size_t r = 0; r < GROUP && i + r < rows; r++) {
				__m512i t = quantize_block(scale + r, zero + r,
				    x + (i + r) * ldx + k,
				    in - k < 64 ? in - k : 64);

				memcpy(v[r], &t, sizeof(t));
			}
			for (int s = 0; s < I8_STEPS; s++)
				for (int r = 0; r < GROUP; r++)
					by_step[s][r] = v[r][s];
			memcpy(q, by_step, sizeof(by_step));
			memcpy(q + 64 * GROUP, scale, sizeof(scale));
			memcpy(q + 68 * GROUP, zero, sizeof(zero));
		}
}

/* t[16] += what a block's integers of row r are worth. */
static inline void
add_row(
    float *t, __m512i a, const uint8_t *q, size_t r, __m512i minus, __m512 sw)
{
	_mm512_storeu_ps(
	    t, add_block(_mm512_loadu_ps(t), a, q + 64 * GROUP + 4 * r,
		   q + 68 * GROUP + 4 * r, minus, sw));
}

static inline void
clear_rows(float *t, size_t n, size_t panels)
{
	for (size_t r = 0; r < n; r++, t += I8_WIDE)
		for (size_t p = 0; p < panels; p++)
			_mm512_storeu_ps(t + p * I8_PANEL, _mm512_setzero_ps());
}

/* Rows beyond those that there are, are 0 and not stored where they do not
 * belong: t has room for whole groups. */
static void
product(float *t, const uint8_t *q, size_t rows, const uint8_t *w,
    size_t blocks, size_t panels)
{
	for (size_t i = 0; i < rows; i += GROUP, t += GROUP * I8_WIDE) {
		size_t n = rows - i;

		if (panels == 2) {
			if (n == 1)
				tile(t, q, w, blocks, 1, 2);
			else if (n <= 4)
				tile(t, q, w, blocks, 4, 2);
			else
				tile(t, q, w, blocks, 8, 2);
		} else {
			if (n == 1)
				tile(t, q, w, blocks, 1, 1);
			else
				tile(t, q, w, blocks, 8, 1);
		}
		q += blocks * RECORD;
	}
}

#endif
