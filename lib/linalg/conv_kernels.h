#ifndef LINALG_CONV_KERNELS_H
#define LINALG_CONV_KERNELS_H

/*
 * The kernels of conv_impl.h in the words of a simd_*.h that is included
 * before.  conv_plain.h says the same in plain loops.
 *
 * Depthwise convolution takes CONV_LINE channels at a time, a cache line of
 * each pixel, and copies those of the rows under the kernel side by side with
 * zeros for the padding: read once, they stay in the first cache, at distances
 * that are constants.  A tile then keeps SIDE output pixels of one vector of
 * channels in registers and passes over the columns of each row once: a column
 * is loaded once and serves up to kw pixels.
 */

#include <math.h>

#include "linalg/conv_impl.h"

enum {
	SIDE = 8,  /* pixels of a tile; or one less, see tile_side */
	MOST = 7,  /* rows and columns of a kernel that has tiles */
	SPAN = 56, /* output pixels at once; half of it with stride 2 */
	WIDE = SPAN + 2 * SIDE + MOST /* columns that they look at */
};

/* What the tiles of a row have in common. */
struct depth_row {
	const float *row[MOST]; /* [WIDE, CONV_LINE] each */
	const float *W;         /* [k, k, CONV_LINE] */
	float bias[CONV_LINE];
	float lo, hi; /* bounds of the activation */
	float *y;     /* of the row's first pixel and channel */
	size_t c;     /* from one pixel to the next */
	size_t n;     /* channels, at most CONV_LINE */
};

/*
 * Output pixels j .. j + side, of which ${some} are wanted.  side, k and
 * stride are constants wherever this is inlined; sums and weights have names,
 * or gcc leaves them in memory.
 */
static inline __attribute__((always_inline)) void
depth_tile(const struct depth_row *t, size_t j, size_t some, int side, int k,
    int stride)
{
#define START(o) vf s##o = vf_set(0.0f);
#define WEIGHT(b)                                                              \
	vf w##b = b < k ? vf_load(w + (a * k + b) * CONV_LINE) : vf_set(0.0f);
#define TAP(o, b, col)                                                         \
	if (o < side && b < k && o * stride + b == col)                        \
		s##o = vf_fma(w##b, v, s##o);
#define TAPS(o, col)                                                           \
	TAP(o, 0, col)                                                         \
	TAP(o, 1, col)                                                         \
	TAP(o, 2, col)                                                         \
	TAP(o, 3, col)                                                         \
	TAP(o, 4, col)                                                         \
	TAP(o, 5, col)                                                         \
	TAP(o, 6, col)
#define COLUMN(col)                                                            \
	if (col < (side - 1) * stride + k) {                                   \
		vf v = vf_load(x + col * CONV_LINE);                           \
		TAPS(0, col)                                                   \
		TAPS(1, col)                                                   \
		TAPS(2, col)                                                   \
		TAPS(3, col)                                                   \
		TAPS(4, col)                                                   \
		TAPS(5, col)                                                   \
		TAPS(6, col)                                                   \
		TAPS(7, col)                                                   \
	}
#define END(o)                                                                 \
	if (o < side) {                                                        \
		s##o = vf_min(hi, vf_max(lo, vf_add(s##o, bias)));             \
		if (o < some && n == VF_N)                                     \
			vf_store(y + o * t->c, s##o);                          \
		else if (o < some)                                             \
			vf_store_n(y + o * t->c, n, s##o);                     \
	}
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
	const vf lo = vf_set(t->lo), hi = vf_set(t->hi);

	for (size_t ch = 0; ch < t->n; ch += VF_N) {
		const float *w = t->W + ch;
		const vf bias = vf_load(t->bias + ch);
		size_t n = t->n - ch < VF_N ? t->n - ch : VF_N;
		float *y = t->y + j * t->c + ch;

		EACH(START)
		for (int a = 0; a < k; a++) {
			const float *x =
			    t->row[a] + j * (size_t)stride * CONV_LINE + ch;

			WEIGHT(0)
			WEIGHT(1)
			WEIGHT(2)
			WEIGHT(3)
			WEIGHT(4)
			WEIGHT(5)
			WEIGHT(6)
			EACH(COLUMN)
			COLUMN(8)
			COLUMN(9)
			COLUMN(10)
			COLUMN(11)
			COLUMN(12)
			COLUMN(13)
			COLUMN(14)
			COLUMN(15)
			COLUMN(16)
			COLUMN(17)
			COLUMN(18)
			COLUMN(19)
			COLUMN(20)
		}
		EACH(END)
	}
#undef START
#undef WEIGHT
#undef TAP
#undef TAPS
#undef COLUMN
#undef END
#undef EACH
}

typedef void depth_fn(const struct depth_row *t, size_t j, size_t some);

#define DEPTH(k, stride)                                                       \
	static void depth_##k##_##stride(                                      \
	    const struct depth_row *t, size_t j, size_t some)                  \
	{                                                                      \
		depth_tile(t, j, some, SIDE, k, stride);                       \
	}                                                                      \
	static void odd_##k##_##stride(                                        \
	    const struct depth_row *t, size_t j, size_t some)                  \
	{                                                                      \
		depth_tile(t, j, some, SIDE - 1, k, stride);                   \
	}
DEPTH(3, 1)
DEPTH(3, 2)
DEPTH(5, 1)
DEPTH(5, 2)
DEPTH(7, 1)
DEPTH(7, 2)
#undef DEPTH

/* Pixels of a tile: what divides a row, because 7, 14 and 28 are common. */
static size_t
tile_side(size_t ow)
{
	if (ow % SIDE != 0 && ow % (SIDE - 1) == 0)
		return SIDE - 1;
	return SIDE;
}

/* The tile for a window, or NULL. */
static depth_fn *
depth_choose(const struct window *w, size_t side)
{
	static depth_fn *const all[2][3][2] = {
		{ { depth_3_1, depth_3_2 }, { depth_5_1, depth_5_2 },
		    { depth_7_1, depth_7_2 } },
		{ { odd_3_1, odd_3_2 }, { odd_5_1, odd_5_2 },
		    { odd_7_1, odd_7_2 } },
	};

	if (w->kh != w->kw || w->kw < 3 || w->kw > MOST || w->kw % 2 == 0 ||
	    w->stride > 2)
		return NULL;
	return all[side != SIDE][(w->kw - 3) / 2][w->stride - 1];
}

/* n channels of a pixel, and zeros. */
static inline void
copy_pixel(float *to, const float *from, size_t n)
{
	if (n == CONV_LINE) {
		for (size_t i = 0; i < CONV_LINE; i += VF_N)
			vf_store(to + i, vf_load(from + i));
		return;
	}
	for (size_t i = 0; i < CONV_LINE; i++)
		to[i] = i < n ? from[i] : 0;
}

/* Columns x0 .. x0 + wide of row y: [w, c], n channels of them, to t:
 * [wide, CONV_LINE]; zeros beyond the border. */
static void
copy_row(float *t, const struct picture_rows *x, const struct window *w,
    size_t c, size_t ch, size_t n, int64_t y, int64_t x0, size_t wide)
{
	uint32_t a, b;
	const float *from;

	window_clip(x0, (uint32_t)wide, w->w, &a, &b);
	if (y < 0 || y >= w->h)
		a = b = (uint32_t)wide;
	memset(t, 0, a * CONV_LINE * sizeof(*t));
	memset(t + b * CONV_LINE, 0, (wide - b) * CONV_LINE * sizeof(*t));
	if (a == b)
		return;
	from = picture_row(x, (size_t)y) + (size_t)(x0 + a) * c + ch;
	for (size_t i = a; i < b; i++, from += c)
		copy_pixel(t + i * CONV_LINE, from, n);
}

/* The channels ch .. ch + t->n of the columns j .. j + span of the output's
 * rows from .. to. */
static void
depth_span(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to, size_t j, size_t span, size_t side,
    struct depth_row *t, size_t ch)
{
	_Alignas(64) float rows[MOST][WIDE * CONV_LINE];
	const struct window *w = &d->win;
	depth_fn *fn = depth_choose(w, side);
	size_t tiles = (span + side - 1) / side, k = w->kh;
	size_t wide = (tiles * side - 1) * w->stride + k;
	int64_t x0 = (int64_t)(j * w->stride) - w->left;
	int64_t next = (int64_t)from * w->stride - w->top;

	for (uint32_t i = from; i < to; i++) {
		int64_t y0 = (int64_t)i * w->stride - w->top;

		/* Row y0 + a of the input lies in rows[(y0 + a) mod k]. */
		for (; next < y0 + (int64_t)k; next++)
			copy_row(rows[(size_t)(next + MOST) % k], x, w, d->c,
			    ch, t->n, next, x0, wide);
		for (size_t a = 0; a < k; a++)
			t->row[a] = rows[((size_t)(y0 + MOST) + a) % k];
		t->y = y + ((size_t)(i - from) * w->ow + j) * d->c + ch;
		for (size_t p = 0; p < span; p += side)
			fn(t, p, span - p < side ? span - p : side);
	}
}

/* Any kernel, without tiles. */
static void
depth_any(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to, struct depth_row *t, size_t ch)
{
	const struct window *w = &d->win;

	for (uint32_t p = from * w->ow; p < to * w->ow; p++) {
		int64_t y0 = (int64_t)(p / w->ow) * w->stride - w->top;
		int64_t x0 = (int64_t)(p % w->ow) * w->stride - w->left;
		float s[CONV_LINE] = { 0 }, v[CONV_LINE];

		for (uint32_t a = 0; a < w->kh * w->kw; a++) {
			copy_row(v, x, w, d->c, ch, t->n, y0 + a / w->kw,
			    x0 + a % w->kw, 1);
			for (size_t i = 0; i < CONV_LINE; i += VF_N)
				vf_store(s + i,
				    vf_fma(vf_load(t->W + a * CONV_LINE + i),
					vf_load(v + i), vf_load(s + i)));
		}
		for (size_t i = 0; i < t->n; i++) {
			s[i] += t->bias[i];
			s[i] = t->lo > s[i] ? t->lo : s[i];
			y[(p - from * w->ow) * (size_t)d->c + ch + i] =
			    t->hi < s[i] ? t->hi : s[i];
		}
	}
}

static void
k_depth(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to)
{
	const struct window *w = &d->win;
	size_t side = tile_side(w->ow), most = SPAN / w->stride;
	struct depth_row t = { .lo = -INFINITY, .hi = INFINITY, .c = d->c };

	if (d->act == ACT_RELU || d->act == ACT_RELU6)
		t.lo = 0;
	if (d->act == ACT_RELU6)
		t.hi = 6;
	t.W = d->packed;
	for (size_t ch = 0; ch < d->c; ch += t.n) {
		t.n = d->c - ch < CONV_LINE ? d->c - ch : CONV_LINE;
		memset(t.bias, 0, sizeof(t.bias));
		if (d->bias != NULL)
			memcpy(t.bias, d->bias + ch, t.n * sizeof(*t.bias));
		if (depth_choose(w, side) == NULL)
			depth_any(y, x, d, from, to, &t, ch);
		else
			for (size_t j = 0; j < w->ow; j += most)
				depth_span(y, x, d, from, to, j,
				    w->ow - j < most ? w->ow - j : most, side,
				    &t, ch);
		t.W += (size_t)w->kh * w->kw * CONV_LINE;
	}
}

/* n channels; masked loads and stores are slow on some machines. */
static inline vf
some_load(const float *p, size_t n)
{
	return n == VF_N ? vf_load(p) : vf_load_n(p, n);
}

static inline void
some_store(float *p, size_t n, vf a)
{
	if (n == VF_N)
		vf_store(p, a);
	else
		vf_store_n(p, n, a);
}

/* Vectors of n channels, the last one of fewer. */
#define CHANNELS(j, n, c)                                                      \
	for (size_t j = 0, n; n = c - j < VF_N ? c - j : VF_N, j < c; j += n)

static void
pool_pixel(float *y, const struct picture_rows *x, const struct window *win,
    size_t c, int mean, uint32_t i, uint32_t j)
{
	int64_t y0 = (int64_t)i * win->stride - win->top;
	int64_t x0 = (int64_t)j * win->stride - win->left;
	uint32_t ya, yb, xa, xb;

	window_clip(y0, win->kh, win->h, &ya, &yb);
	window_clip(x0, win->kw, win->w, &xa, &xb);
	CHANNELS(ch, n, c)
	{
		vf s = vf_set(mean ? 0.0f : -INFINITY);

		for (uint32_t a = ya; a < yb; a++) {
			const float *p = picture_row(x, (size_t)(y0 + a)) +
					 (size_t)(x0 + xa) * c + ch;

			for (uint32_t b = xa; b < xb; b++, p += c)
				s = mean ? vf_add(s, some_load(p, n))
					 : vf_max(some_load(p, n), s);
		}
		if (mean)
			s = vf_div(s, vf_set((float)((yb - ya) * (xb - xa))));
		some_store(y + ch, n, s);
	}
}

static void
k_pool(float *y, const struct picture_rows *x, const struct window *win,
    uint32_t c, int mean, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		for (uint32_t j = 0; j < win->ow; j++, y += c)
			pool_pixel(y, x, win, c, mean, i, j);
}

static void
k_mean_add(float *s, float *t, const float *x, size_t w, size_t c)
{
	memset(t, 0, c * sizeof(*t));
	for (size_t i = 0; i < w; i++, x += c)
		CHANNELS(j, n, c)
	some_store(t + j, n, vf_add(some_load(t + j, n), some_load(x + j, n)));
	CHANNELS(j, n, c)
	some_store(s + j, n, vf_add(some_load(s + j, n), some_load(t + j, n)));
}

static void
k_mean_end(float *s, size_t n, size_t c)
{
	vf all = vf_set((float)n);

	CHANNELS(j, m, c)
	some_store(s + j, m, vf_div(some_load(s + j, m), all));
}

static void
k_largest_add(float *s, const float *x, size_t n, size_t c)
{
	for (size_t i = 0; i < n; i++, x += c)
		CHANNELS(j, m, c)
	some_store(s + j, m, vf_max(some_load(x + j, m), some_load(s + j, m)));
}

static void
k_gate(float *x, const float *g, size_t n, size_t c)
{
	for (size_t i = 0; i < n; i++, x += c)
		CHANNELS(j, m, c)
	some_store(x + j, m, vf_mul(some_load(x + j, m), some_load(g + j, m)));
}

#endif
