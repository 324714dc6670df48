#ifndef LINALG_ROWWISE_KERNELS_H
#define LINALG_ROWWISE_KERNELS_H

/*
 * struct rowwise but attention, in the words of a simd_*.h that is included
 * before.
 */

#include "linalg/lane_kernels.h"

/* Loops over the vectors of all lanes are unrolled, or gcc leaves the sums in
 * memory. */
#ifndef UNROLL
#define UNROLL
#endif

/* 2^t of some vectors with t <= 0, relative error 2.1e-8 and two roundings;
 * 2^-126 below that.  The sum with 1.5 2^23 leaves rint(t) in its low bits.
 * Coefficients by tools/minimax.py exp2f. */
static inline __attribute__((always_inline)) void
exp2_some(vf *t, const size_t n)
{
	const vf magic = vf_set(0x1.8p23f);
	vf whole[4], p[4];
#define EACH(does)                                                             \
	UNROLL                                                                 \
	for (size_t i = 0; i < n; i++)                                         \
		does;
#define TERM(c) EACH(p[i] = vf_fma(p[i], t[i], vf_set(c)))

	EACH(t[i] = vf_max(vf_set(-126.0f), t[i]))
	EACH(whole[i] = vf_add(t[i], magic))
	EACH(p[i] = vf_sub(whole[i], magic))
	EACH(t[i] = vf_sub(t[i], p[i]))
	EACH(p[i] =
		 vf_fma(vf_set(0x1.470b4ap-13f), t[i], vf_set(0x1.5f7276p-10f)))
	TERM(0x1.3b270ep-7f)
	TERM(0x1.c6ae72p-5f)
	TERM(0x1.ebfbe2p-3f)
	TERM(0x1.62e432p-1f)
	TERM(1.0f)
	EACH(t[i] =
		 vf_from(vi_add(vf_bits(p[i]), vi_shl(vf_bits(whole[i]), 23))))
#undef TERM
#undef EACH
}

static inline vf
exp2_f(vf t)
{
	exp2_some(&t, 1);
	return t;
}

/* sum x, and sum (x - mean)^2 */
static inline float
row_sum(const float *x, size_t n)
{
	vf acc[LF];
	size_t i = 0;

	UNROLL
	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(0.0f);
	for (; n - i >= LANES; i += LANES) {
		UNROLL
		for (int l = 0; l < LF; l++)
			acc[l] = vf_add(acc[l], vf_load(x + i + l * VF_N));
	}
	UNROLL
	for (int l = 0; l < LF; l++)
		if (i < n) {
			size_t r = span_f(n, i);

			acc[l] = vf_add(acc[l], vf_load_n(x + i, r));
			i += r;
		}
	return fold_f(acc);
}

static inline float
row_squares(const float *x, float mean, size_t n)
{
	vf acc[LF], m = vf_set(mean), t;
	size_t i = 0;

	UNROLL
	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(0.0f);
	for (; n - i >= LANES; i += LANES) {
		UNROLL
		for (int l = 0; l < LF; l++) {
			t = vf_sub(vf_load(x + i + l * VF_N), m);
			acc[l] = vf_fma(t, t, acc[l]);
		}
	}
	UNROLL
	for (int l = 0; l < LF; l++)
		if (i < n) {
			size_t r = span_f(n, i);

			t = vf_keep(vf_sub(vf_load_n(x + i, r), m), r);
			acc[l] = vf_fma(t, t, acc[l]);
			i += r;
		}
	return fold_f(acc);
}

static void
k_layer_norm(float *y, size_t ldy, const float *x, size_t ldx, size_t rows,
    size_t n, const float *weight, const float *bias, float eps)
{
	for (size_t row = 0; row < rows; row++, x += ldx, y += ldy) {
		float mean = row_sum(x, n) / (float)n;
		float var = row_squares(x, mean, n) / (float)n;
		vf m = vf_set(mean), s = vf_set(1.0f / sqrtf(var + eps));
		size_t i = 0, r;

		for (; n - i >= VF_N; i += VF_N)
			vf_store(
			    y + i, vf_fma(vf_mul(vf_sub(vf_load(x + i), m), s),
				       vf_load(weight + i), vf_load(bias + i)));
		if ((r = n - i) > 0)
			vf_store_n(y + i, r,
			    vf_fma(vf_mul(vf_sub(vf_load_n(x + i, r), m), s),
				vf_load_n(weight + i, r),
				vf_load_n(bias + i, r)));
	}
}

static void
k_rms_norm(float *y, size_t ldy, const float *x, size_t ldx, size_t rows,
    size_t n, const float *weight, float eps)
{
	for (size_t row = 0; row < rows; row++, x += ldx, y += ldy) {
		float square = row_squares(x, 0.0f, n) / (float)n;
		vf s = vf_set(1.0f / sqrtf(square + eps));

		for (size_t i = 0, r; i < n; i += r) {
			r = span_f(n, i);
			vf_store_n(y + i, r,
			    vf_mul(vf_mul(vf_load_n(x + i, r), s),
				vf_load_n(weight + i, r)));
		}
	}
}

static void
k_unit(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t n)
{
	for (size_t row = 0; row < rows; row++, x += ldx, y += ldy) {
		float norm = sqrtf(row_squares(x, 0.0f, n));
		vf s = vf_set(norm > 1e-12f ? norm : 1e-12f);

		for (size_t i = 0, r; i < n; i += r) {
			r = span_f(n, i);
			vf_store_n(y + i, r, vf_div(vf_load_n(x + i, r), s));
		}
	}
}

static void
k_add(float *y, const float *x, size_t n)
{
	size_t i = 0, r;

	for (; n - i >= VF_N; i += VF_N)
		vf_store(y + i, vf_add(vf_load(y + i), vf_load(x + i)));
	if ((r = n - i) > 0)
		vf_store_n(
		    y + i, r, vf_add(vf_load_n(y + i, r), vf_load_n(x + i, r)));
}

static void
k_mean(float *y, const float *x, size_t ldx, size_t rows, size_t n)
{
	vf by = vf_set((float)rows);

	for (size_t i = 0, r; i < n; i += r) {
		vf sum = vf_set(0.0f);

		r = span_f(n, i);
		for (size_t row = 0; row < rows; row++)
			sum = vf_add(sum, vf_load_n(x + row * ldx + i, r));
		vf_store_n(y + i, r, vf_div(sum, by));
	}
}

static void
k_max(float *y, const float *x, size_t ldx, size_t rows, size_t n)
{
	for (size_t i = 0, r; i < n; i += r) {
		vf top;

		r = span_f(n, i);
		top = vf_load_n(x + i, r);
		for (size_t row = 1; row < rows; row++)
			top = vf_max(top, vf_load_n(x + row * ldx + i, r));
		vf_store_n(y + i, r, top);
	}
}

#endif
