#ifndef LINALG_LINEAR_I8_ROWS_H
#define LINALG_LINEAR_I8_ROWS_H

/*
 * The kernels of AVX-512 with and without VNNI.  Before it is included,
 * STEPS(a, q, w, n) is defined: a[r] += the products of a block of row
 * r < n of a group with one panel.
 */

#include "linalg/linear_i8_zmm.h"

enum { GROUP = 8, RECORD = 72 * GROUP };

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

/* Sums of the first ${n} rows of a group with ${panels} panels. */
static inline __attribute__((always_inline)) void
tile(float *t, const uint8_t *q, const uint8_t *w, size_t blocks, const int n,
    const size_t panels)
{
	size_t next = blocks * I8_BLOCK;
	__m512 sum[2][GROUP];

	UNROLL
	for (size_t p = 0; p < panels; p++)
		UNROLL
	for (int r = 0; r < n; r++)
		sum[p][r] = _mm512_setzero_ps();
	for (size_t b = 0; b < blocks; b++, q += RECORD, w += I8_BLOCK) {
		__m512i a[2][GROUP];

		UNROLL
		for (size_t p = 0; p < panels; p++)
			UNROLL
		for (int r = 0; r < n; r++)
			a[p][r] = _mm512_setzero_si512();
		STEPS(a, q, w, next, n, panels);
		UNROLL
		for (size_t p = 0; p < panels; p++) {
			__m512i minus = panel_sums(w + p * next);
			__m512 sw = panel_scales(w + p * next);

			UNROLL
			for (int r = 0; r < n; r++)
				sum[p][r] = add_block(sum[p][r], a[p][r],
				    q + 64 * GROUP + 4 * r,
				    q + 68 * GROUP + 4 * r, minus, sw);
		}
	}
	UNROLL
	for (size_t p = 0; p < panels; p++)
		UNROLL
	for (int r = 0; r < n; r++)
		_mm512_storeu_ps(t + r * I8_WIDE + p * I8_PANEL, sum[p][r]);
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
