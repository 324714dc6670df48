#ifndef LINALG_ATTENTION_KERNELS_H
#define LINALG_ATTENTION_KERNELS_H

/*
 * Attention in the words of a simd_*.h and rowwise_kernels.h that are included
 * before; attention_portable.h says the same in plain loops.
 *
 * Keys and values of one head are first laid out in panels of 16 columns,
 *
 *	keys    [n / 16][size][16]    so that scores are k' panels times q
 *	values  [size / 16][n][16]
 *
 * with zeros behind the last.  Then strips of queries, ${STRIP} rows at most,
 * make their scores, turn them into weights in the first cache, and add up
 * the values.  With causal a strip adds some values with weight 0 at its end;
 * the last step, one fused multiply-add with +0, makes that invisible.
 */

#include "linalg/linalg.h"

enum { STRIP = VF_N == 16 ? 12 : 6 };

/*
 * t[r * ldt + j] = or += sum over k < len of a[r * ar + k] b[k * 16 + j], for
 * r < rows, j < 16.  rows is a constant wherever this is inlined, so that the
 * sums get names, and with them registers.
 */
static inline __attribute__((always_inline)) void
panel_tile(size_t rows, float *t, size_t ldt, const float *a, size_t ar,
    const float *b, size_t len, int add)
{
	const float *a3 = a + 3 * ar, *a6 = a + 6 * ar, *a9 = a + 9 * ar;
#define START(r) vf c##r = vf_set(0.0f), d##r = c##r;
#define STEP(r, from)                                                          \
	if (r < rows) {                                                        \
		vf x = vf_set(from[r % 3 * ar]);                               \
		c##r = vf_fma(x, p, c##r);                                     \
		if (LF > 1)                                                    \
			d##r = vf_fma(x, q, d##r);                             \
	}
#define END(r)                                                                 \
	if (r < rows) {                                                        \
		float *y = t + r * ldt;                                        \
		vf_store(y, add ? vf_add(vf_load(y), c##r) : c##r);            \
		y += VF_N;                                                     \
		if (LF > 1)                                                    \
			vf_store(y, add ? vf_add(vf_load(y), d##r) : d##r);    \
	}
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)

	EACH(START)
	for (size_t k = 0; k < len; k++) {
		vf p = vf_load(b), q = LF > 1 ? vf_load(b + VF_N) : p;

		STEP(0, a)
		STEP(1, a)
		STEP(2, a)
		STEP(3, a3)
		STEP(4, a3)
		STEP(5, a3)
		STEP(6, a6)
		STEP(7, a6)
		STEP(8, a6)
		STEP(9, a9)
		STEP(10, a9)
		STEP(11, a9)
		b += LANES;
		a++;
		a3++;
		a6++;
		a9++;
	}
	EACH(END)
#undef START
#undef STEP
#undef END
#undef EACH
}

static __attribute__((noinline)) void
panel_rows(size_t rows, float *t, size_t ldt, const float *a, size_t ar,
    const float *b, size_t len, int add)
{
#define CASE(r)                                                                \
	case r:                                                                \
		if (r <= STRIP)                                                \
			panel_tile(r, t, ldt, a, ar, b, len, add);             \
		break;

	switch (rows) {
		CASE(1)
		CASE(2)
		CASE(3)
		CASE(4)
		CASE(5)
		CASE(6)
		CASE(7)
		CASE(8)
		CASE(9)
		CASE(10)
		CASE(11)
		CASE(12)
	}
#undef CASE
}

/* The same over all K blocks. */
static inline void
panel_product(size_t rows, float *t, size_t ldt, const float *a, size_t ar,
    const float *b, size_t len)
{
	for (size_t from = 0, n; from < len; from += n) {
		n = len - from < LINALG_KBLOCK ? len - from : LINALG_KBLOCK;
		panel_rows(
		    rows, t, ldt, a + from, ar, b + from * LANES, n, from > 0);
	}
}

/* Panels of keys: b[j / 16][d][j % 16] = k[j][d]. */
static void
pack_keys(float *b, const float *k, size_t ld, size_t n, size_t size)
{
	for (size_t j = 0; j < n; j += LANES, b += size * LANES) {
		const float *from = k + j * ld;
		size_t w = n - j < LANES ? n - j : LANES, r = 0;

		for (; w - r >= 4; r += 4) {
			size_t d = 0;

			for (; size - d >= 8; d += 8)
				vf_turn(b + d * LANES + r, LANES,
				    from + r * ld + d, ld);
			for (; d < size; d++)
				for (size_t i = r; i < r + 4; i++)
					b[d * LANES + i] = from[i * ld + d];
		}
		for (; r < LANES; r++)
			for (size_t d = 0; d < size; d++)
				b[d * LANES + r] =
				    r < w ? from[r * ld + d] : 0.0f;
	}
}

/* Panels of values: b[d / 16][j][d % 16] = v[j][d]. */
static void
pack_values(float *b, const float *v, size_t ld, size_t n, size_t size)
{
	for (size_t d = 0; d < size; d += LANES) {
		size_t w = size - d < LANES ? size - d : LANES;

		for (size_t j = 0; j < n; j++, b += LANES)
			for (size_t c = 0; c < LANES; c += VF_N) {
				vf x = vf_set(0.0f);

				if (w >= c + VF_N)
					x = vf_load(v + j * ld + d + c);
				else if (w > c)
					x = vf_load_n(
					    v + j * ld + d + c, w - c);
				vf_store(b + c, x);
			}
	}
}

/*
 * Scores to weights, in place: e[j] = 2^((s[j] - max) by) for j < n, zeros
 * for n <= j < end, a multiple of 16.  With bias s[j] = scale s[j] + bias[j]
 * first.  Returns the sum.
 */
static inline float
weigh(float *s, size_t n, size_t end, float scale, float by, const float *bias)
{
	size_t full = (n + LANES - 1) / LANES * LANES, i;
	vf top[LF], acc[LF], vby = vf_set(by), m;
	float lane[VF_N];

	for (i = 0; bias != NULL && i < n; i += VF_N) {
		size_t r = span_f(n, i);

		vf_store(s + i, vf_fma(vf_load(s + i), vf_set(scale),
				    vf_load_n(bias + i, r)));
	}
	/* The first score again takes no part in the maximum. */
	for (i = n; i < full; i++)
		s[i] = s[0];
	for (int l = 0; l < LF; l++)
		top[l] = vf_load(s + l * VF_N);
	for (i = LANES; i < full; i += LANES)
		for (int l = 0; l < LF; l++)
			top[l] = vf_max(vf_load(s + i + l * VF_N), top[l]);
	for (int l = 1; l < LF; l++)
		top[0] = vf_max(top[l], top[0]);
	vf_store(lane, top[0]);
	for (size_t h = VF_N / 2; h > 0; h /= 2)
		for (size_t l = 0; l < h; l++)
			lane[l] = lane[l + h] > lane[l] ? lane[l + h] : lane[l];
	m = vf_set(lane[0]);

	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(0.0f);
	for (i = 0; n - i >= LANES; i += LANES)
		for (int l = 0; l < LF; l++) {
			vf e = exp2_f(
			    vf_mul(vf_sub(vf_load(s + i + l * VF_N), m), vby));

			acc[l] = vf_add(acc[l], e);
			vf_store(s + i + l * VF_N, e);
		}
	for (int l = 0; i < full; l++, i += VF_N) {
		vf e = exp2_f(vf_mul(vf_sub(vf_load(s + i), m), vby));

		e = vf_keep(e, i < n ? span_f(n, i) : 0);
		acc[l] = vf_add(acc[l], e);
		vf_store(s + i, e);
	}
	for (; i < end; i += VF_N)
		vf_store(s + i, vf_set(0.0f));
	return fold_f(acc);
}

/* One strip of rows from ${row} on of head h; what is there already: keys and
 * values packed, and the biases of every distance, dist[0] of distance 0. */
static void
attend_strip(const struct attention *a, size_t h, size_t row, size_t rows,
    const float *keys, const float *values, const float *dist, float *s)
{
	const float log2e = 0x1.715476p+0f;
	float by = dist != NULL ? log2e : a->scale * log2e;
	const float *q = a->q + row * a->ldq + h * a->size;
	float *y = a->y + row * a->ldy + h * a->size;
	size_t at = a->first + row;
	size_t n = a->causal ? at + rows : a->n;
	size_t ld = (n + LANES - 1) / LANES * LANES;
	float t[STRIP * LANES], part[STRIP];

	for (size_t j = 0; j < n; j += LANES)
		panel_product(
		    rows, s + j, ld, q, a->ldq, keys + j * a->size, a->size);
	for (size_t r = 0; r < rows; r++)
		part[r] = 1.0f / weigh(s + r * ld, a->causal ? at + r + 1 : n,
				     ld, a->scale, by,
				     dist != NULL ? dist - (at + r) : NULL);
	for (size_t d = 0; d < a->size; d += LANES, values += a->n * LANES) {
		size_t w = a->size - d < LANES ? a->size - d : LANES;

		panel_product(rows, t, LANES, s, ld, values, n);
		for (size_t r = 0; r < rows; r++)
			for (size_t c = 0; c < w; c += VF_N)
				vf_store_n(y + r * a->ldy + d + c, span_f(w, c),
				    vf_fma(vf_load(t + r * LANES + c),
					vf_set(part[r]), vf_set(0.0f)));
	}
}

static void
k_attention(const struct attention *a)
{
	size_t padded = (a->n + LANES - 1) / LANES * LANES;
	size_t columns = (a->size + LANES - 1) / LANES * LANES;
	float *keys = a->room, *values = keys + padded * a->size;
	float *s = values + a->n * columns;
	float *dist = a->bias != NULL ? s + STRIP * padded + a->n : NULL;

	for (size_t h = 0; h < a->heads; h++) {
		const float *bias = a->bias;

		pack_keys(keys, a->k + h * a->size, a->ldk, a->n, a->size);
		pack_values(values, a->v + h * a->size, a->ldv, a->n, a->size);
		if (bias != NULL) {
			size_t end = a->span - 1;

			bias += h * (2 * a->span - 1) + end;
			for (size_t j = 0; j < a->n; j++) {
				size_t far = j < end ? j : end;

				dist[j] = bias[far];
				*(dist - j) = *(bias - far);
			}
		}
		for (size_t i = 0, rows; i < a->rows; i += rows) {
			size_t left = a->rows - i;
			size_t strips = (left + STRIP - 1) / STRIP;

			rows = (left + strips - 1) / strips;
			attend_strip(a, h, i, rows, keys, values, dist, s);
		}
	}
}

#endif
