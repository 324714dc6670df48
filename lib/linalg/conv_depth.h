#ifndef LINALG_CONV_DEPTH_H
#define LINALG_CONV_DEPTH_H

/*
 * Depthwise convolution in the words of a simd_*.h that is included before.
 * CONV_LINE channels are done at a time, a cache line of each pixel.  A tile
 * keeps SIDE output pixels of one vector of channels in registers and passes
 * over the columns of each row once: a column is loaded once and serves up to
 * kw pixels.  It finds them by pointers: into the picture, to zeros beyond its
 * border, or to copies of lines, where the picture's would drive each other
 * out of the cache or end amid a line.
 */

#include <math.h>

#include "linalg/conv_impl.h"

enum {
	SIDE = 8,  /* pixels of a tile; or one less, see tile_side */
	MOST = 7,  /* rows and columns of a kernel that has tiles */
	SPAN = 56, /* output pixels at once; half of it with stride 2 */
	WIDE = SPAN + 2 * SIDE + MOST, /* columns that they look at */
	BAND = 8,      /* rows of the output whose pointers are made at once */
	NOTHING = 2048 /* channels of a pixel of zeros */
};

/* What the tiles of a row have in common. */
struct depth_row {
	/* Where the columns of each row lie, [WIDE] each, and how many floats
	 * further the first channel. */
	const float *const *row[MOST];
	size_t first;
	const float *W; /* [k, k, CONV_LINE] */
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
		vf v = vf_load(x[col] + first);                                \
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
		size_t first = t->first + ch;
		float *y = t->y + j * t->c + ch;

		EACH(START)
		for (int a = 0; a < k; a++) {
			const float *const *x = t->row[a] + j * (size_t)stride;

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

/* Of the columns x0 .. x0 + wide of row y: [w, c], those [*a, *b) that are not
 * beyond the border, and where the first of them lies. */
static const float *
row_within(const struct picture_rows *x, const struct window *w, size_t c,
    int64_t y, int64_t x0, size_t wide, uint32_t *a, uint32_t *b)
{
	window_clip(x0, (uint32_t)wide, w->w, a, b);
	if (y < 0 || y >= w->h)
		*a = *b = (uint32_t)wide;
	if (*a == *b)
		return NULL;
	return picture_row(x, (size_t)y) + (size_t)(x0 + *a) * c;
}

/* These columns, n channels of them, to t: [wide, CONV_LINE]; zeros beyond the
 * border. */
static void
copy_row(float *t, const struct picture_rows *x, const struct window *w,
    size_t c, size_t ch, size_t n, int64_t y, int64_t x0, size_t wide)
{
	uint32_t a, b;
	const float *from = row_within(x, w, c, y, x0, wide, &a, &b);

	memset(t, 0, a * CONV_LINE * sizeof(*t));
	memset(t + b * CONV_LINE, 0, (wide - b) * CONV_LINE * sizeof(*t));
	for (size_t i = a; i < b; i++, from += c)
		copy_pixel(t + i * CONV_LINE, from + ch, n);
}

/* The output's columns j .. j + span, in tiles. */
struct span {
	depth_fn *fn;
	size_t j, span, side;
	size_t wide; /* columns that they look at, from x0 on */
	int64_t x0;
};

static void
span_row(const struct depth_row *t, const struct span *s)
{
	for (size_t p = 0; p < s->span; p += s->side)
		s->fn(t, p, s->span - p < s->side ? s->span - p : s->side);
}

/* The line that begins with channel ch. */
static void
choose_line(struct depth_row *t, const struct depth *d, size_t ch)
{
	t->n = d->c - ch < CONV_LINE ? d->c - ch : CONV_LINE;
	t->W = d->packed + (size_t)d->win.kh * d->win.kw * ch;
	memset(t->bias, 0, sizeof(t->bias));
	if (d->bias != NULL)
		memcpy(t->bias, d->bias + ch, t->n * sizeof(*t->bias));
}

/* Lines of as many rows as lie under the kernel, side by side. */
struct copies {
	_Alignas(64) float row[MOST][WIDE * CONV_LINE];
	const float *at[MOST][WIDE];
};

static void
point_copies(struct copies *c, size_t k, size_t wide)
{
	for (size_t a = 0; a < k; a++)
		for (size_t i = 0; i < wide; i++)
			c->at[a][i] = c->row[a] + i * CONV_LINE;
}

/* A line of channels of the output's rows from .. to, by way of copies. */
static void
line_copied(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to, const struct span *s, struct depth_row *t,
    struct copies *c, size_t ch)
{
	const struct window *w = &d->win;
	size_t k = w->kh;
	int64_t next = (int64_t)from * w->stride - w->top;

	for (uint32_t i = from; i < to; i++) {
		int64_t y0 = (int64_t)i * w->stride - w->top;

		/* Row y0 + a of the input lies in row[(y0 + a) mod k]. */
		for (; next < y0 + (int64_t)k; next++)
			copy_row(c->row[(size_t)(next + MOST) % k], x, w, d->c,
			    ch, t->n, next, s->x0, s->wide);
		for (size_t a = 0; a < k; a++)
			t->row[a] = c->at[((size_t)(y0 + MOST) + a) % k];
		t->y = y + ((size_t)(i - from) * w->ow + s->j) * d->c + ch;
		span_row(t, s);
	}
}

/*
 * Whether copies may be left out: the channels come in whole lines, and those
 * under the kernel have room in the first cache, where lines that lie a
 * multiple of NEAR_SETS lines apart share NEAR_WAYS places.
 */
static int
may_stay(const struct depth *d, const struct span *s)
{
	enum { NEAR_SETS = 64, NEAR_WAYS = 8 };
	size_t lines = d->c / CONV_LINE, sets = NEAR_SETS;

	if (d->c % CONV_LINE != 0 || d->c > NOTHING)
		return 0;
	for (; lines % 2 == 0 && sets > 1; lines /= 2)
		sets /= 2;
	return d->win.kh * s->wide <= sets * NEAR_WAYS;
}

/* Where the columns of row y lie; zeros beyond the border. */
static void
point_row(const float **at, const struct picture_rows *x,
    const struct window *w, size_t c, int64_t y, const struct span *s)
{
	static const _Alignas(64) float nothing[NOTHING];
	uint32_t a, b;
	const float *from = row_within(x, w, c, y, s->x0, s->wide, &a, &b);

	for (uint32_t i = 0; i < s->wide; i++)
		at[i] = nothing;
	for (uint32_t i = a; i < b; i++, from += c)
		at[i] = from;
}

/* All channels of at most BAND rows of the output from row i on, without
 * copies. */
static void
band_direct(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t i, uint32_t n, const struct span *s, struct depth_row *t)
{
	const float *at[(BAND - 1) * 2 + MOST][WIDE];
	const struct window *w = &d->win;
	int64_t y0 = (int64_t)i * w->stride - w->top;
	size_t k = w->kh, looks = (n - 1) * w->stride + k;

	for (size_t a = 0; a < looks; a++)
		point_row(at[a], x, w, d->c, y0 + (int64_t)a, s);
	for (size_t ch = 0; ch < d->c; ch += t->n) {
		choose_line(t, d, ch);
		t->first = ch;
		for (size_t r = 0; r < n; r++) {
			for (size_t a = 0; a < k; a++)
				t->row[a] = at[r * w->stride + a];
			t->y = y + (r * w->ow + s->j) * d->c + ch;
			span_row(t, s);
		}
	}
}

/* Any kernel, without tiles. */
static void
line_any(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to, const struct depth_row *t, size_t ch)
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
rows_any(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to, struct depth_row *t)
{
	for (size_t ch = 0; ch < d->c; ch += t->n) {
		choose_line(t, d, ch);
		line_any(y, x, d, from, to, t, ch);
	}
}

/* The output's rows from .. to of a span's columns. */
static void
span_rows(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to, const struct span *s, struct depth_row *t)
{
	size_t row = (size_t)d->win.ow * d->c;
	struct copies c;

	if (may_stay(d, s)) {
		for (uint32_t i = from, n; i < to; i += n, y += n * row) {
			n = to - i < BAND ? to - i : BAND;
			band_direct(y, x, d, i, n, s, t);
		}
		return;
	}
	point_copies(&c, d->win.kh, s->wide);
	t->first = 0;
	for (size_t ch = 0; ch < d->c; ch += t->n) {
		choose_line(t, d, ch);
		line_copied(y, x, d, from, to, s, t, &c, ch);
	}
}

static void
k_depth(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to)
{
	const struct window *w = &d->win;
	size_t most = SPAN / w->stride;
	struct depth_row t = { .lo = -INFINITY, .hi = INFINITY, .c = d->c };
	struct span s = { .side = tile_side(w->ow) };

	if (d->act == ACT_RELU || d->act == ACT_RELU6)
		t.lo = 0;
	if (d->act == ACT_RELU6)
		t.hi = 6;
	s.fn = depth_choose(w, s.side);
	if (s.fn == NULL) {
		rows_any(y, x, d, from, to, &t);
		return;
	}
	for (; s.j < w->ow; s.j += most) {
		size_t tiles;

		s.span = w->ow - s.j < most ? w->ow - s.j : most;
		tiles = (s.span + s.side - 1) / s.side;
		s.wide = (tiles * s.side - 1) * w->stride + w->kw;
		s.x0 = (int64_t)(s.j * w->stride) - w->left;
		span_rows(y, x, d, from, to, &s, &t);
	}
}

#endif
