#ifndef LINALG_CONV_TILE_H
#define LINALG_CONV_TILE_H

/*
 * Dense layers of few inputs on many pixels, in the words of a simd_*.h that
 * is included before: what an inverted bottleneck begins with.  There is one K
 * block and it is short, so x is read where it lies, and bias, the usual
 * activations and the residual are done while the sums are in registers.  The
 * bytes are linear_run's.
 */

#include "linalg/conv_impl.h"
#include "linalg/linalg.h"

enum {
	TALL = VF_N == 16 ? 12 : 6, /* rows of a tile of two vectors */
	BROAD = VF_N == 16 ? 8 : 4, /* of one of three */
	GROUP = VF_N == 16 ? 4 : 8, /* values of k in a round */
	PIXELS = 120 /* rows that are done with all panels, then the next */
};

/* Some strips of rows, one below the other, by two or three vectors. */
struct dense_tile {
	struct dense_rows x; /* from its first row on */
	size_t in, strips;
	const float *w[3]; /* each vector's weights, LINALG_PANEL apart */
	const float
	    *soon;        /* to ask memory for meanwhile, ${soon_step} floats */
	size_t soon_step; /* with each k */
	const float *bias;
	const float *residual; /* rows ldr apart, or NULL */
	size_t ldr;
	float *y; /* rows ldy apart */
	size_t ldy;
	enum activation act, last; /* none, ReLU or ReLU6 */
};

static inline __attribute__((always_inline)) vf
clamp(enum activation act, vf s)
{
	if (act != ACT_NONE)
		s = vf_max(s, vf_set(0.0f));
	if (act == ACT_RELU6)
		s = vf_min(s, vf_set(6.0f));
	return s;
}

/* rows and vecs are constants wherever this is inlined, so that the sums get
 * names, and with them registers. */
static inline __attribute__((always_inline)) void
dense_tile(size_t rows, size_t vecs, const struct dense_tile *t)
{
	const size_t ldy = t->ldy, ldr = t->ldr;
	size_t ldx = t->x.ld;
	const float *top = t->x.x, *residual = t->residual, *soon = t->soon;
	const enum activation act = t->act, last = t->last;
	const size_t step = t->soon_step, skip = t->x.step - t->x.part;
	float *y = t->y;
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)
#define START(r)                                                               \
	vf s##r##_0 = vf_set(0.0f), s##r##_1 = s##r##_0, s##r##_2 = s##r##_0;  \
	if (r < rows)                                                          \
		__builtin_prefetch(y + r * ldy, 1);
#define STEP(r)                                                                \
	if (r < rows) {                                                        \
		vf v = vf_set((r < 3   ? x                                     \
			       : r < 6 ? x3                                    \
			       : r < 9 ? x6                                    \
				       : x9)[r % 3 * ldx + u]);                \
		s##r##_0 = vf_fma(v, p0, s##r##_0);                            \
		if (vecs > 1)                                                  \
			s##r##_1 = vf_fma(v, p1, s##r##_1);                    \
		if (vecs > 2)                                                  \
			s##r##_2 = vf_fma(v, p2, s##r##_2);                    \
	}
/* Here gcc must neither have loaded anything ahead nor know multiples of ldx:
 * either would cost registers, and then sums go to memory. */
#define FENCE(n) __asm__ volatile("" : "+r"(n) : : "memory");
#define ONE(at)                                                                \
	{                                                                      \
		const size_t u = at;                                           \
		FENCE(ldx)                                                     \
		vf p0 = vf_load(w0 + u * LINALG_PANEL);                        \
		vf p1 = vf_load(w1 + u * LINALG_PANEL);                        \
		vf p2 = vecs > 2 ? vf_load(w2 + u * LINALG_PANEL) : p0;        \
		EACH(STEP)                                                     \
	}
#define GO(n)                                                                  \
	w0 += (n)*LINALG_PANEL;                                                \
	w1 += (n)*LINALG_PANEL;                                                \
	w2 += (n)*LINALG_PANEL;                                                \
	x += (n);                                                              \
	x3 += (n);                                                             \
	x6 += (n);                                                             \
	x9 += (n);
#define RELU(r, v)                                                             \
	if (r < rows && v < vecs)                                              \
		vf_store(y + r * ldy + v * VF_N,                               \
		    vf_min(                                                    \
			vf_max(vf_add(s##r##_##v, b##v), vf_set(0.0f)), hi));
#define PUT(r, v)                                                              \
	if (r < rows && v < vecs) {                                            \
		vf s = clamp(act, vf_add(s##r##_##v, b##v));                   \
		if (residual != NULL)                                          \
			s = vf_add(vf_load(residual + r * ldr + v * VF_N), s); \
		vf_store(y + r * ldy + v * VF_N, clamp(last, s));              \
	}
#define END_RELU(r) RELU(r, 0) RELU(r, 1) RELU(r, 2)
#define END(r)      PUT(r, 0) PUT(r, 1) PUT(r, 2)

	for (size_t n = t->strips; n > 0; n--) {
		const float *x = top, *x3 = x + 3 * ldx, *x6 = x + 6 * ldx;
		const float *x9 = x + 9 * ldx;
		const float *w0 = t->w[0], *w1 = t->w[1], *w2 = t->w[2];
		vf b0, b1, b2;

		EACH(START)
		for (size_t q = t->x.parts; q > 0; q--) {
			size_t k = t->x.part;

			for (; k >= GROUP; k -= GROUP) {
				ONE(0)
				ONE(1)
				ONE(2)
				ONE(3)
				if (GROUP == 8) {
					ONE(4)
					ONE(5)
					ONE(6)
					ONE(7)
				}
				__builtin_prefetch(soon, 0, 2);
				__builtin_prefetch(soon + LINALG_PANEL, 0, 2);
				soon += step;
				GO(GROUP)
			}
			for (; k > 0; k--) {
				ONE(0)
				GO(1)
			}
			x += skip;
			x3 += skip;
			x6 += skip;
			x9 += skip;
		}
		b0 = vf_load(t->bias);
		b1 = vecs > 1 ? vf_load(t->bias + VF_N) : b0;
		b2 = vecs > 2 ? vf_load(t->bias + 2 * VF_N) : b0;
		if (act != ACT_NONE && last == ACT_NONE && residual == NULL) {
			vf hi = vf_set(act == ACT_RELU6 ? 6.0f : INFINITY);

			EACH(END_RELU)
		} else {
			EACH(END)
		}
		top += rows * ldx;
		y += rows * ldy;
		if (residual != NULL)
			residual += rows * ldr;
	}
#undef EACH
#undef START
#undef STEP
#undef FENCE
#undef ONE
#undef GO
#undef RELU
#undef PUT
#undef END_RELU
#undef END
}

#define CASE(r, vecs, most)                                                    \
	case r:                                                                \
		if (r <= most && (r == 1 || 2 * r >= most))                    \
			dense_tile(r, vecs, t);                                \
		break;
#define TILE(name, vecs, most)                                                 \
	static __attribute__((noinline)) void name(                            \
	    size_t rows, const struct dense_tile *t)                           \
	{                                                                      \
		switch (rows) {                                                \
			CASE(1, vecs, most)                                    \
			CASE(2, vecs, most)                                    \
			CASE(3, vecs, most)                                    \
			CASE(4, vecs, most)                                    \
			CASE(5, vecs, most)                                    \
			CASE(6, vecs, most)                                    \
			CASE(7, vecs, most)                                    \
			CASE(8, vecs, most)                                    \
			CASE(9, vecs, most)                                    \
			CASE(10, vecs, most)                                   \
			CASE(11, vecs, most)                                   \
			CASE(12, vecs, most)                                   \
		}                                                              \
	}
TILE(tile_2, 2, TALL)
TILE(tile_3, 3, BROAD)
#undef TILE
#undef CASE

/* The tile's n columns, fewer than its vectors hold, by way of a copy. */
static void
dense_part(void (*fn)(size_t, const struct dense_tile *), size_t rows,
    const struct dense_tile *t, size_t n)
{
	enum { STEP = 3 * VF_N };
	float y[TALL * STEP], residual[TALL * STEP], bias[STEP] = { 0 };
	struct dense_tile u = *t;

	memcpy(bias, t->bias, n * sizeof(*bias));
	memset(residual, 0, sizeof(residual));
	u.bias = bias;
	u.y = y;
	u.ldy = STEP;
	u.ldr = STEP;
	u.strips = 1;
	for (size_t i = 0; i < t->strips * rows; i += rows) {
		const float *from = t->residual;

		for (size_t r = 0; from != NULL && r < rows; r++)
			memcpy(residual + r * STEP, from + (i + r) * t->ldr,
			    n * sizeof(*residual));
		u.x.x = t->x.x + i * t->x.ld;
		u.residual = from != NULL ? residual : NULL;
		fn(rows, &u);
		for (size_t r = 0; r < rows; r++)
			memcpy(t->y + (i + r) * t->ldy, y + r * STEP,
			    n * sizeof(*y));
	}
}

/* The columns from j on of m rows; gives how many columns that were. */
static size_t
dense_columns(const struct dense_tile *t, size_t m, const float *packed,
    size_t out, size_t j)
{
	size_t left = out - j, vecs = 2, most = TALL, n, strips;
	void (*fn)(size_t, const struct dense_tile *) = tile_2;
	struct dense_tile u = *t;

	/* What is left at the end is at most three vectors. */
	if (left > 2 * VF_N && left <= 3 * VF_N) {
		vecs = 3;
		most = BROAD;
		fn = tile_3;
	}
	n = left < vecs * VF_N ? left : vecs * VF_N;
	for (size_t v = 0; v < 3; v++) {
		size_t c = j + (v * VF_N < n ? v : 0) * VF_N;

		u.w[v] = packed + c / LINALG_PANEL * LINALG_PANEL * t->in +
			 c % LINALG_PANEL;
	}
	u.bias += j;
	u.y += j;
	if (u.residual != NULL)
		u.residual += j;
	/* There are tiles of one row and of at least half the most. */
	strips = 2 * m < most ? m : (m + most - 1) / most;
	u.soon = u.w[vecs - 1] + LINALG_PANEL * t->in;
	u.soon_step = (GROUP * LINALG_PANEL + strips - 1) / strips;
	/* Strips as even as can be: first those of one row more. */
	for (size_t i = 0, s = 0, rows; i < m; i += rows * u.strips) {
		size_t alike = m % strips == 0 ? strips : m % strips;

		u.strips = s == 0 ? alike : strips - alike;
		rows = s == 0 ? (m + strips - 1) / strips : m / strips;
		s += u.strips;
		if (n == vecs * VF_N)
			fn(rows, &u);
		else
			dense_part(fn, rows, &u, n);
		u.x.x += rows * u.strips * u.x.ld;
		u.y += rows * u.strips * u.ldy;
		u.soon += u.strips * (u.in / GROUP) * u.soon_step;
		if (u.residual != NULL)
			u.residual += rows * u.strips * u.ldr;
	}
	return n;
}

static void
k_dense(float *y, size_t ldy, const struct dense_rows *x,
    const struct linear *l, const struct linear_after *a, enum activation last)
{
	struct dense_tile t = { .x = *x,
		.in = l->in,
		.bias = l->bias,
		.residual = a->residual,
		.ldr = a->ldr,
		.y = y,
		.ldy = ldy,
		.act = a->act,
		.last = last };
	size_t blocks = (x->n + PIXELS - 1) / PIXELS;

	for (size_t i = 0, b = 0, m; i < x->n; i += m, b++) {
		m = (x->n + blocks - 1 - b) / blocks;
		for (size_t j = 0; j < l->out;)
			j += dense_columns(&t, m, l->packed, l->out, j);
		t.x.x += m * x->ld;
		t.y += m * ldy;
		if (t.residual != NULL)
			t.residual += m * t.ldr;
	}
}

#endif
