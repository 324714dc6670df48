#ifndef LINALG_ATTENTION_KERNELS_H
#define LINALG_ATTENTION_KERNELS_H

/*
 * Attention in the words of a simd_*.h and rowwise_kernels.h that are included
 * before; attention_portable.h says the same in plain loops.
 *
 * Vectors run over queries: a strip of W queries, one vector or two, is turned
 * to [size][W], and its scores lie key by key, [n][W].  So keys are read row by
 * row as they lie, the softmax takes no step across a vector, and the weights
 * of a key stand side by side where the product with values wants them.  Lanes
 * behind the last query repeat it.  With causal a strip adds some values with
 * weight 0 at its end; the last step, one fused multiply-add with +0, makes
 * that invisible.
 */

#include <string.h>

#include "linalg/attention_tile.h"

enum { WIDEST = 2 * VF_N };

/* One strip of one head. */
struct strip {
	const struct attention *a;
	size_t at, rows, n;   /* queries at .. at + rows; keys below n */
	const float *queries; /* rows a->ldq apart */
	const float *k, *v;   /* rows ldk and ldv apart; of v 16 columns, the */
	size_t ldk, ldv, panel; /* next of which are ${panel} behind */
	const float *near; /* near[-j] = bias of key - query = j, or NULL */
	float *q, *s;      /* [size][W]; [n][W] and up to 16 rows of zeros */
	float *y;          /* rows a->ldy apart */
	float *part;       /* [W]: 1 / sum e */
};

/* WALL lanes that a key is ahead of, and as many that have it behind them. */
#define EIGHT(x) x, x, x, x, x, x, x, x
static const float wall[] = { EIGHT(-INFINITY), EIGHT(-INFINITY),
	EIGHT(-INFINITY), EIGHT(-INFINITY), EIGHT(INFINITY), EIGHT(INFINITY),
	EIGHT(INFINITY), EIGHT(INFINITY) };
#undef EIGHT
enum { WALL = 32 };

/* q: [size][W], from the strip's rows. */
static inline __attribute__((always_inline)) void
turn_queries(const struct strip *s, const size_t W)
{
	size_t size = s->a->size, d;

	for (size_t i = 0; i < W; i += VF_N) {
		const float *row[VF_N];
		float *q = s->q + i;

		for (size_t j = 0; j < VF_N; j++)
			row[j] =
			    s->queries +
			    (i + j < s->rows ? i + j : s->rows - 1) * s->a->ldq;
		for (d = 0; size - d >= VF_N; d += VF_N) {
			vf r[VF_N];

			UNROLL
			for (size_t j = 0; j < VF_N; j++)
				r[j] = vf_load(row[j] + d);
			vf_turn_square(r);
			UNROLL
			for (size_t j = 0; j < VF_N; j++, q += W)
				vf_store(q, r[j]);
		}
		for (; d < size; d++, q += W)
			for (size_t j = 0; j < VF_N; j++)
				q[j] = row[j][d];
	}
}

/* s[j] = k[j] q, tile by tile. */
static inline __attribute__((always_inline)) void
score(const struct strip *s, const size_t vecs)
{
	size_t most = tile_rows(vecs), tiles = (s->n + most - 1) / most;
	struct product p = { .a = s->k,
		.ar = s->ldk,
		.b = s->q,
		.step = vecs * VF_N,
		.len = s->a->size,
		.y = s->s,
		.ldy = vecs * VF_N };

	for (size_t j = 0, rows; j < s->n; j += rows, tiles--) {
		rows = (s->n - j + tiles - 1) / tiles;
		(vecs == 1 ? score_1 : score_2)(rows, &p);
		p.a += rows * p.ar;
		p.y += rows * p.ldy;
	}
}

/* s = scale s + bias */
static inline void
add_bias(const struct strip *s, size_t W)
{
	const float *near = s->near + s->at;
	vf scale = vf_set(s->a->scale);
	float *x = s->s;

	for (size_t j = 0; j < s->n; j++, near--)
		for (size_t i = 0; i < W; i += VF_N, x += VF_N)
			vf_store(
			    x, vf_fma(vf_load(x), scale, vf_load(near + i)));
}

/* top[v] = the largest score of each query.  Keys below ${all} are behind all
 * of them. */
static inline __attribute__((always_inline)) void
largest(const struct strip *s, const size_t vecs, size_t all, vf *top)
{
	const float *x = s->s, *w;
	size_t j;

	UNROLL
	for (size_t v = 0; v < vecs; v++)
		top[v] = vf_set(-INFINITY);
	for (j = 0; j < all; j++) {
		UNROLL
		for (size_t v = 0; v < vecs; v++, x += VF_N)
			top[v] = vf_max(vf_load(x), top[v]);
	}
	for (; j < s->n; j++) {
		w = wall + WALL - (j - s->at);
		UNROLL
		for (size_t v = 0; v < vecs; v++, x += VF_N, w += VF_N)
			top[v] = vf_max(vf_min(vf_load(w), vf_load(x)), top[v]);
	}
}

/* e = 2^((x - top) by) of n vectors, in turns of ${vecs} queries' */
static inline __attribute__((always_inline)) void
powers(vf *e, const float *x, const size_t n, const vf *top, const size_t vecs,
    vf by)
{
	UNROLL
	for (size_t i = 0; i < n; i++)
		e[i] = vf_mul(vf_sub(vf_load(x + i * VF_N), top[i % vecs]), by);
	exp2_some(e, n);
}

/* part = 1 / the sum of 16 rows, folded. */
static inline __attribute__((always_inline)) void
fold_rows(float *part, const float *x, const size_t vecs)
{
	UNROLL
	for (size_t v = 0; v < vecs; v++) {
		vf lane[LANES];

		UNROLL
		for (size_t i = 0; i < LANES; i++)
			lane[i] = vf_load(x + (i * vecs + v) * VF_N);
		UNROLL
		for (size_t h = LANES / 2; h > 0; h /= 2) {
			UNROLL
			for (size_t i = 0; i < h; i++)
				lane[i] = vf_add(lane[i], lane[i + h]);
		}
		vf_store(part + v * VF_N, vf_div(vf_set(1.0f), lane[0]));
	}
}

/*
 * Scores to weights, in place: e = 2^((s - top) by).  LANE ORDER: the weights
 * of keys j, j + 16, ... are summed; up to 16 of them are those sums.
 */
static inline __attribute__((always_inline)) void
weigh(const struct strip *s, const size_t vecs, float by)
{
	enum { SOME = 4 };
	const size_t W = vecs * VF_N;
	_Alignas(64) float sums[LANES * WIDEST];
	size_t all = s->a->causal ? s->at + 1 : s->n, j = 0;
	int few = s->n <= LANES;
	float *x = s->s, *clear = few ? x + s->n * W : sums;
	vf top[2], e[SOME], vby = vf_set(by), zero = vf_set(0.0f);

	largest(s, vecs, all, top);
	for (size_t i = few ? s->n * W : 0; i < LANES * W; i += VF_N)
		vf_store(clear, zero), clear += VF_N;
	for (; all - j >= SOME / vecs; j += SOME / vecs) {
		float *to = sums + j % LANES * W;

		powers(e, x, SOME, top, vecs, vby);
		UNROLL
		for (size_t i = 0; i < SOME; i++, x += VF_N)
			vf_store(x, e[i]);
		UNROLL
		for (size_t i = 0; i < SOME && !few; i++, to += VF_N)
			vf_store(to, vf_add(vf_load(to), e[i]));
	}
	for (; j < s->n; j++) {
		const float *w = wall + WALL - (j < all ? 0 : j - s->at);
		float *to = sums + j % LANES * W;

		powers(e, x, vecs, top, vecs, vby);
		UNROLL
		for (size_t v = 0; v < vecs; v++, x += VF_N, w += VF_N) {
			e[v] = vf_sel(vf_lt(vf_load(w), zero), zero, e[v]);
			vf_store(x, e[v]);
			if (!few)
				vf_store(to, vf_add(vf_load(to), e[v]));
			to += VF_N;
		}
	}
	fold_rows(s->part, few ? s->s : sums, vecs);
}

/* y = part s' v, one panel of columns after the other. */
static inline __attribute__((always_inline)) void
sum_values(const struct strip *s, const size_t vecs)
{
	const size_t W = vecs * VF_N, most = tile_rows(LF);
	size_t size = s->a->size;
	_Alignas(64) float t[12 * LANES];

	for (size_t d = 0, i = 0, rows, tiles; d < size;) {
		size_t w = size - d < LANES ? size - d : LANES;
		float *y = s->y + i * s->a->ldy + d;
		struct product p = { .step = s->ldv,
			.y = w < LANES ? t : y,
			.ldy = w < LANES ? LANES : s->a->ldy };

		tiles = (s->rows - i + most - 1) / most;
		rows = (s->rows - i + tiles - 1) / tiles;
		for (size_t j = 0; j < s->n; j += p.len) {
			p.len =
			    s->n - j < LINALG_KBLOCK ? s->n - j : LINALG_KBLOCK;
			p.a = s->s + j * W + i;
			p.b = s->v + d / LANES * s->panel + j * s->ldv;
			p.add = j > 0;
			p.part = j + p.len == s->n ? s->part + i : NULL;
			(vecs == 1 ? value_1 : value_2)(rows, &p);
		}
		for (size_t r = 0; w < LANES && r < rows; r++)
			memcpy(
			    y + r * s->a->ldy, t + r * LANES, w * sizeof(*t));
		i += rows;
		if (i == s->rows) {
			i = 0;
			d += LANES;
		}
	}
}

static inline __attribute__((always_inline)) void
attend(const struct strip *s, const size_t vecs)
{
	const float log2e = 0x1.715476p+0f;

	turn_queries(s, vecs * VF_N);
	score(s, vecs);
	if (s->near != NULL)
		add_bias(s, vecs * VF_N);
	weigh(s, vecs, s->near != NULL ? log2e : s->a->scale * log2e);
	sum_values(s, vecs);
}

static __attribute__((noinline)) void
attend_1(const struct strip *s)
{
	attend(s, 1);
}

static __attribute__((noinline)) void
attend_2(const struct strip *s)
{
	attend(s, 2);
}

/* near[j] and near[-j] for all j < n from the biases of one head. */
static void
spread_bias(float *near, const float *bias, size_t span, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		size_t far = j < span ? j : span - 1;

		near[j] = bias[span - 1 - far];
		*(near - j) = bias[span - 1 + far];
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

/* Keys and values of few rows are read where they lie: so far apart, more of
 * them would not stay in the first cache. */
enum { NEAR_ROWS = 32 };

/* One head's keys, values and biases, to where strips want them. */
static void
set_head(struct strip *s, size_t h, float *keys, float *values, float *near)
{
	const struct attention *a = s->a;
	int far = a->n > NEAR_ROWS;

	s->k = a->k + h * a->size;
	s->ldk = a->ldk;
	s->v = a->v + h * a->size;
	s->ldv = a->ldv;
	s->panel = LANES;
	if (far) {
		for (size_t j = 0; j < a->n; j++)
			memcpy(keys + j * a->size, s->k + j * a->ldk,
			    a->size * sizeof(*keys));
		s->k = keys;
		s->ldk = a->size;
	}
	if (far || a->size % LANES != 0) {
		pack_values(values, s->v, a->ldv, a->n, a->size);
		s->v = values;
		s->ldv = LANES;
		s->panel = a->n * LANES;
	}
	if (a->bias != NULL) {
		spread_bias(
		    near, a->bias + h * (2 * a->span - 1), a->span, a->n);
		s->near = near;
	}
}

static void
k_attention(const struct attention *a)
{
	size_t columns = (a->size + LANES - 1) / LANES * LANES;
	float part[WIDEST];
	struct strip s = { .a = a, .q = a->room, .part = part };
	float *keys, *values, *near;

	s.s = s.q + WIDEST * a->size;
	keys = s.s + WIDEST * (a->n + LANES);
	values = keys + a->n * a->size;
	near = values + a->n * (columns + 1);
	for (size_t h = 0; h < a->heads; h++) {
		set_head(&s, h, keys, values, near);
		for (size_t row = 0; row < a->rows; row += s.rows) {
			s.rows = a->rows - row;
			if (s.rows > WIDEST)
				s.rows = WIDEST;
			s.at = a->first + row;
			s.n = a->causal ? s.at + s.rows : a->n;
			s.queries = a->q + row * a->ldq + h * a->size;
			s.y = a->y + row * a->ldy + h * a->size;
			(s.rows > VF_N ? attend_2 : attend_1)(&s);
		}
	}
}

#endif
