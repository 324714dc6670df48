#ifndef LINALG_LINEAR_TILE_H
#define LINALG_LINEAR_TILE_H

/*
 * The tile of a linear layer, in the words of a simd_*.h that is included
 * before: up to ROWS rows by ${vecs} vectors of outputs, whose sums stay in
 * registers while k runs over a block.
 *
 * The rows of x come as a strip, in groups of GROUP values of k so that
 * making it is copying: [len / GROUP, rows, GROUP].  The weights come as
 * panels, [len, LINALG_PANEL] each.
 */

#include "linalg/after_kernels.h"
#include "linalg/linalg.h"

enum {
	/* 12 x 2 sums, 2 vectors of weights and a value of x fill 32
	 * registers well, and 6 x 2 the 16 of AVX2; fewer rows take 4
	 * vectors, for their sums would wait for each other. */
	ROWS = VF_N == 16 ? 12 : 6,
	FEW = ROWS / 2,
	GROUP = 8
};

struct tile {
	const float *x; /* the strip */
	const void *w;  /* the first panel, f32 or f16 */
	size_t step;    /* from one panel to the next, in elements */
	size_t len;
	const char *soon; /* what to ask memory for meanwhile, in each panel: */
	size_t soon_step; /* two lines a group, so many bytes ahead */
	/* Added to the sums, in this order: earlier blocks, bias, residual; or
	 * NULL.  Rows ldp and ldr apart. */
	const float *part, *bias, *residual;
	size_t ldp, ldr;
	float *y; /* rows ldy apart */
	size_t ldy;
};

static inline __attribute__((always_inline)) vf
weights(const void *w, int half, size_t i)
{
	return half ? vf_load_half((const uint16_t *)w + i)
		    : vf_load((const float *)w + i);
}

/*
 * rows, vecs and half are constants wherever this is inlined, so that the sums
 * get names, and with them registers: gcc leaves an array of them in memory.
 */
static inline __attribute__((always_inline)) void
tile(size_t rows, size_t vecs, int half, const struct tile *t)
{
	const float *x = t->x;
	const char *soon = t->soon;
	size_t each = half ? sizeof(uint16_t) : sizeof(float);
	size_t per = LINALG_PANEL / VF_N;
	const char *w0 = t->w, *w3 = w0 + 3 * t->step * each;
	size_t step = t->step * each, k = 0;
#define PLACE(v)                                                               \
	((v) / per == 0      ? w0                                              \
	    : (v) / per == 1 ? w0 + step                                       \
	    : (v) / per == 2 ? w0 + 2 * step                                   \
			     : w3)
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)
#define START(r)                                                               \
	vf s##r##_0 = vf_set(0.0f), s##r##_1 = s##r##_0, s##r##_2 = s##r##_0,  \
	   s##r##_3 = s##r##_0;
#define EXPECT(r)                                                              \
	if (r < rows)                                                          \
		__builtin_prefetch(t->y + r * t->ldy, 1);
#define EXPECT_PART(r)                                                         \
	if (r < rows)                                                          \
		__builtin_prefetch(t->part + r * t->ldp);
#define EXPECT_RESIDUAL(r)                                                     \
	if (r < rows)                                                          \
		__builtin_prefetch(t->residual + r * t->ldr);
#define STEP(r)                                                                \
	if (r < rows) {                                                        \
		vf xr = vf_set(xk[r * GROUP]);                                 \
		s##r##_0 = vf_fma(xr, p0, s##r##_0);                           \
		if (vecs > 1)                                                  \
			s##r##_1 = vf_fma(xr, p1, s##r##_1);                   \
		if (vecs > 2) {                                                \
			s##r##_2 = vf_fma(xr, p2, s##r##_2);                   \
			s##r##_3 = vf_fma(xr, p3, s##r##_3);                   \
		}                                                              \
	}
#define LOAD(v) weights(PLACE(v), half, at + v % per * VF_N)
#define ONE(u)                                                                 \
	{                                                                      \
		const float *xk = x + (u);                                     \
		size_t at = (u)*LINALG_PANEL;                                  \
		vf p0 = LOAD(0), p1 = vecs > 1 ? LOAD(1) : p0;                 \
		vf p2 = vecs > 2 ? LOAD(2) : p0, p3 = vecs > 2 ? LOAD(3) : p0; \
		EACH(STEP)                                                     \
	}
/* f(r, sum, v) for each vector v of row r's sums. */
#define SUMS(r, f)                                                             \
	if (r < rows) {                                                        \
		f(r, s##r##_0, 0);                                             \
		if (vecs > 1)                                                  \
			f(r, s##r##_1, 1);                                     \
		if (vecs > 2) {                                                \
			f(r, s##r##_2, 2);                                     \
			f(r, s##r##_3, 3);                                     \
		}                                                              \
	}
#define TO_PART(r, s, v) s = vf_add(vf_load(t->part + r * t->ldp + v * VF_N), s)
#define BIAS(r, s, v)    s = vf_add(s, vf_load(t->bias + v * VF_N))
#define TO_RESIDUAL(r, s, v)                                                   \
	s = vf_add(vf_load(t->residual + r * t->ldr + v * VF_N), s)
#define STORE(r, s, v)  vf_store(t->y + r * t->ldy + v * VF_N, s)
#define ADD_PART(r)     SUMS(r, TO_PART)
#define ADD_BIAS(r)     SUMS(r, BIAS)
#define ADD_RESIDUAL(r) SUMS(r, TO_RESIDUAL)
#define END(r)          SUMS(r, STORE)

	EACH(START)
	EACH(EXPECT)
	if (t->part != NULL) {
		EACH(EXPECT_PART)
	}
	if (t->residual != NULL) {
		EACH(EXPECT_RESIDUAL)
	}
	for (; t->len - k >= GROUP; k += GROUP) {
		UNROLL
		for (size_t u = 0; u < GROUP; u++)
			ONE(u)
		__builtin_prefetch(soon, 0, 2);
		__builtin_prefetch(soon + 64, 0, 2);
		__builtin_prefetch(soon + 128, 0, 2);
		if (vecs > per) {
			__builtin_prefetch(soon + step, 0, 2);
			__builtin_prefetch(soon + step + 64, 0, 2);
		}
		soon += t->soon_step;
		x += rows * GROUP;
		w0 += GROUP * LINALG_PANEL * each;
		w3 += GROUP * LINALG_PANEL * each;
	}
	for (; k < t->len; k++) {
		ONE(0)
		x++;
		w0 += LINALG_PANEL * each;
		w3 += LINALG_PANEL * each;
	}
	if (t->part != NULL) {
		EACH(ADD_PART)
	}
	if (t->bias != NULL) {
		EACH(ADD_BIAS)
	}
	if (t->residual != NULL) {
		EACH(ADD_RESIDUAL)
	}
	EACH(END)
#undef PLACE
#undef START
#undef EXPECT
#undef EXPECT_PART
#undef EXPECT_RESIDUAL
#undef STEP
#undef LOAD
#undef ONE
#undef SUMS
#undef TO_PART
#undef BIAS
#undef TO_RESIDUAL
#undef STORE
#undef ADD_PART
#undef ADD_BIAS
#undef ADD_RESIDUAL
#undef END
}

#endif
