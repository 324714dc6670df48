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
 * t[r * ldt + j] = or += sum over k < len of a[r * ar + k] b[k * step + j], for
 * r < rows, j < 16.  rows is a constant wherever this is inlined, so that the
 * sums get names, and with them registers.
 */
static inline __attribute__((always_inline)) void
panel_tile(size_t rows, float *t, size_t ldt, const float *a, size_t ar,
    const float *b, size_t step, size_t len, int add)
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
		b += step;
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
    const float *b, size_t step, size_t len, int add)
{
#define CASE(r)                                                                \
	case r:                                                                \
		if (r <= STRIP)                                                \
			panel_tile(r, t, ldt, a, ar, b, step, len, add);       \
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
    const float *b, size_t step, size_t len)
{
	for (size_t from = 0, n; from < len; from += n) {
		n = len - from < LINALG_KBLOCK ? len - from : LINALG_KBLOCK;
		panel_rows(rows, t, ldt, a + from, ar, b + from * step, step, n,
		    from > 0);
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

/* One strip of scores: rows ld apart, of which row r has n + r step keys. */
struct scores {
	float *s;
	size_t ld, rows, n, step;
};

/* s[j] = scale s[j] + bias[j] for the row at the top of dist, which every
 * further row finds one place before. */
static void
add_bias(const struct scores *s, float scale, const float *dist)
{
	for (size_t r = 0; r < s->rows; r++, dist--)
		for (size_t j = 0; j < s->n + r * s->step; j += VF_N) {
			float *to = s->s + r * s->ld + j;
			size_t w = span_f(s->n + r * s->step, j);

			vf_store(to, vf_fma(vf_load(to), vf_set(scale),
					 vf_load_n(dist + j, w)));
		}
}

/* top[r] = the largest score of row r.  Behind its end a row gets its first
 * score again, up to whole vectors, which takes no part in that. */
static void
largest(const struct scores *s, float *top)
{
	float lane[STRIP][VF_N];

	for (size_t r = 0; r < s->rows; r++) {
		float *x = s->s + r * s->ld;
		size_t n = s->n + r * s->step;
		vf m[LF];

		for (; n % LANES != 0; n++)
			x[n] = x[0];
		UNROLL
		for (int l = 0; l < LF; l++)
			m[l] = vf_load(x + l * VF_N);
		for (size_t j = LANES; j < n; j += LANES) {
			UNROLL
			for (int l = 0; l < LF; l++)
				m[l] = vf_max(vf_load(x + j + l * VF_N), m[l]);
		}
		vf_store(lane[r], vf_max(m[LF - 1], m[0]));
	}
	for (size_t r = 0; r < s->rows; r++) {
		for (size_t h = VF_N / 2; h > 0; h /= 2)
			for (size_t l = 0; l < h; l++)
				lane[r][l] = lane[r][l + h] > lane[r][l]
						 ? lane[r][l + h]
						 : lane[r][l];
		top[r] = lane[r][0];
	}
}

/*
 * Scores to weights, in place: e[j] = 2^((s[j] - top) by) for the keys of each
 * row, zeros behind them up to ld; part[r] = 1 / sum e.  Rows are folded after
 * the last of them, so that the one waits for the other as little as may be.
 */
static void
weigh(const struct scores *s, float by, float *part)
{
	float lane[STRIP][LANES], top[STRIP];

	largest(s, top);
	for (size_t r = 0; r < s->rows; r++) {
		float *x = s->s + r * s->ld;
		size_t n = s->n + r * s->step, j = 0;
		vf acc[LF], m = vf_set(top[r]), vby = vf_set(by);

		UNROLL
		for (int l = 0; l < LF; l++)
			acc[l] = vf_set(0.0f);
		for (; n - j >= LANES; j += LANES) {
			UNROLL
			for (int l = 0; l < LF; l++) {
				float *at = x + j + l * VF_N;
				vf e =
				    exp2_f(vf_mul(vf_sub(vf_load(at), m), vby));

				acc[l] = vf_add(acc[l], e);
				vf_store(at, e);
			}
		}
		UNROLL
		for (int l = 0; l < LF; l++)
			if (j < n) {
				vf e = exp2_f(
				    vf_mul(vf_sub(vf_load(x + j), m), vby));

				e = vf_keep(e, span_f(n, j));
				acc[l] = vf_add(acc[l], e);
				vf_store(x + j, e);
				j += VF_N;
			}
		for (; j < s->ld; j += VF_N)
			vf_store(x + j, vf_set(0.0f));
		UNROLL
		for (int l = 0; l < LF; l++)
			vf_store(lane[r] + l * VF_N, acc[l]);
	}
	for (size_t r = 0; r < s->rows; r++) {
		for (size_t h = LANES / 2; h > 0; h /= 2)
			for (size_t l = 0; l < h; l++)
				lane[r][l] += lane[r][l + h];
		part[r] = 1.0f / lane[r][0];
	}
}

/* Keys and values of one head, as attend_strip wants them: values packed, or
 * as they lie. */
struct head {
	const float *q, *keys, *values;
	float *y, *s;
	size_t next, step; /* between panels of values, and between rows */
	const float *dist; /* bias of distance 0 in the middle, or NULL */
};

/* One strip of rows from ${row} on. */
static void
attend_strip(
    const struct attention *a, const struct head *h, size_t row, size_t rows)
{
	const float log2e = 0x1.715476p+0f;
	const float *q = h->q + row * a->ldq;
	size_t at = a->first + row;
	size_t n = a->causal ? at + rows : a->n;
	size_t ld = (n + LANES - 1) / LANES * LANES;
	struct scores s = { h->s, ld, rows, a->causal ? at + 1 : n,
		a->causal != 0 };
	float t[STRIP * LANES], part[STRIP];

	for (size_t j = 0; j < n; j += LANES)
		panel_product(rows, h->s + j, ld, q, a->ldq,
		    h->keys + j * a->size, LANES, a->size);
	if (h->dist != NULL)
		add_bias(&s, a->scale, h->dist - at);
	weigh(&s, h->dist != NULL ? log2e : a->scale * log2e, part);
	for (size_t d = 0; d < a->size; d += LANES) {
		size_t w = a->size - d < LANES ? a->size - d : LANES;
		float *y = h->y + row * a->ldy + d;

		panel_product(rows, t, LANES, h->s, ld,
		    h->values + d / LANES * h->next, h->step, n);
		for (size_t r = 0; r < rows; r++, y += a->ldy)
			for (size_t c = 0; c < w; c += VF_N) {
				vf x = vf_fma(vf_load(t + r * LANES + c),
				    vf_set(part[r]), vf_set(0.0f));

				if (w >= c + VF_N)
					vf_store(y + c, x);
				else
					vf_store_n(y + c, w - c, x);
			}
	}
}

/* dist[j] and dist[-j] for all j < n from the biases of one head. */
static void
spread_bias(float *dist, const float *bias, size_t span, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		size_t far = j < span ? j : span - 1;

		dist[j] = bias[span - 1 + far];
		*(dist - j) = bias[span - 1 - far];
	}
}

/* Values of few rows are read where they lie: so far apart, more of them
 * would not stay in the first cache. */
enum { NEAR_ROWS = 32 };

static void
k_attention(const struct attention *a)
{
	size_t padded = (a->n + LANES - 1) / LANES * LANES;
	size_t columns = (a->size + LANES - 1) / LANES * LANES;
	float *keys = a->room, *values = keys + padded * a->size;
	float *s = values + a->n * columns;
	float *dist = a->bias != NULL ? s + STRIP * padded + a->n : NULL;
	int as_is = a->n <= NEAR_ROWS && a->size % LANES == 0;

	for (size_t i = 0; i < a->heads; i++) {
		size_t c = i * a->size, strips = (a->rows + STRIP - 1) / STRIP;
		struct head h = { a->q + c, keys, values, a->y + c, s,
			a->n * LANES, LANES, dist };

		pack_keys(keys, a->k + c, a->ldk, a->n, a->size);
		if (as_is) {
			h.values = a->v + c;
			h.next = LANES;
			h.step = a->ldv;
		} else
			pack_values(values, a->v + c, a->ldv, a->n, a->size);
		if (dist != NULL)
			spread_bias(dist, a->bias + i * (2 * a->span - 1),
			    a->span, a->n);
		for (size_t row = 0, rows; row < a->rows; row += rows) {
			rows = (a->rows - row + strips - 1) / strips;
			strips--;
			attend_strip(a, &h, row, rows);
		}
	}
}

#endif
