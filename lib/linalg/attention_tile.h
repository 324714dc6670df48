#ifndef LINALG_ATTENTION_TILE_H
#define LINALG_ATTENTION_TILE_H

/*
 * The tile of both products of attention, in the words of a simd_*.h that is
 * included before.
 */

#include "linalg/linalg.h"

/* Rows whose sums of so many vectors fill the registers. */
static inline size_t
tile_rows(size_t vecs)
{
	return VF_N == 16 ? 12 : vecs == 1 ? 8 : 6;
}

/* a: element (r, k) at a[r * ar + k * ak]; b: rows of k, ${step} apart; y: rows
 * ldy apart. */
struct product {
	const float *a, *b;
	size_t ar, ak, step, len;
	float *y;
	size_t ldy;
	int add;           /* y += the sums, not y = */
	const float *part; /* and then times part[r]; or NULL */
};

/*
 * y[r][i] = sum over k < len of a(r, k) b[k][i] for r < rows and i < vecs
 * vectors.  These two are constants wherever this is inlined, and ar or ak,
 * so that the sums get names, and with them registers.  Rows are reached from
 * every third one, because addresses can add one or two strides and no more.
 */
static inline __attribute__((always_inline)) void
tile(const size_t rows, const size_t vecs, const size_t ar, const size_t ak,
    const struct product *p)
{
	const float *a = p->a, *a3 = a + 3 * ar, *a6 = a + 6 * ar;
	const float *a9 = a + 9 * ar, *b = p->b;
	size_t step = p->step;
#define START(r) vf c##r = vf_set(0.0f), d##r = c##r;
#define STEP(r, from)                                                          \
	if (r < rows) {                                                        \
		vf x = vf_set(from[r % 3 * ar]);                               \
		c##r = vf_fma(x, b0, c##r);                                    \
		if (vecs > 1)                                                  \
			d##r = vf_fma(x, b1, d##r);                            \
	}
#define PUT(r, v, sum)                                                         \
	if (r < rows && v < vecs) {                                            \
		float *y = p->y + r * p->ldy + v * VF_N;                       \
		vf x = sum;                                                    \
		if (p->add)                                                    \
			x = vf_add(vf_load(y), x);                             \
		if (p->part != NULL)                                           \
			x = vf_fma(x, vf_set(p->part[r]), vf_set(0.0f));       \
		vf_store(y, x);                                                \
	}
#define END(r)  PUT(r, 0, c##r) PUT(r, 1, d##r)
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)

	EACH(START)
	for (size_t k = 0; k < p->len; k++) {
		vf b0 = vf_load(b), b1 = vecs > 1 ? vf_load(b + VF_N) : b0;

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
		a += ak;
		a3 += ak;
		a6 += ak;
		a9 += ak;
	}
	EACH(END)
#undef START
#undef STEP
#undef PUT
#undef END
#undef EACH
}

#define TILE(name, vecs, ar, ak)                                               \
	static __attribute__((noinline)) void name(                            \
	    size_t rows, const struct product *p)                              \
	{                                                                      \
		switch (rows) {                                                \
			CASE(1, vecs, ar, ak)                                  \
			CASE(2, vecs, ar, ak)                                  \
			CASE(3, vecs, ar, ak)                                  \
			CASE(4, vecs, ar, ak)                                  \
			CASE(5, vecs, ar, ak)                                  \
			CASE(6, vecs, ar, ak)                                  \
			CASE(7, vecs, ar, ak)                                  \
			CASE(8, vecs, ar, ak)                                  \
			CASE(9, vecs, ar, ak)                                  \
			CASE(10, vecs, ar, ak)                                 \
			CASE(11, vecs, ar, ak)                                 \
			CASE(12, vecs, ar, ak)                                 \
		}                                                              \
	}
#define CASE(r, vecs, ar, ak)                                                  \
	case r:                                                                \
		if (r <= tile_rows(vecs))                                      \
			tile(r, vecs, ar, ak, p);                              \
		break;

/* Keys by turned queries, and weights of strips of one and two vectors by
 * values. */
TILE(score_1, 1, p->ar, 1)
TILE(score_2, 2, p->ar, 1)
TILE(value_1, LF, 1, VF_N)
TILE(value_2, LF, 1, 2 * VF_N)
#undef CASE
#undef TILE

#endif
