#ifndef LINALG_VEC_KERNELS_H
#define LINALG_VEC_KERNELS_H

/*
 * Everything of struct linalg but the matrix products, in the words of a
 * simd_*.h that is included before, together with mathf_kernels.h and
 * mathd_kernels.h.  Loops run over whole vectors and end with a short one;
 * its missing elements read as 0, which no sum and no maximum here notices.
 */

#include "linalg/lane_kernels.h"

enum { LD = LANES / VD_N };

static inline double
fold_d(const vd *acc)
{
	double lane[LANES];

	for (int i = 0; i < LD; i++)
		vd_store(lane + i * VD_N, acc[i]);
	for (int h = LANES / 2; h > 0; h /= 2)
		for (int i = 0; i < h; i++)
			lane[i] += lane[i + h];
	return lane[0];
}

static inline size_t
span_d(size_t n, size_t i)
{
	return n - i < VD_N ? n - i : VD_N;
}

static float
k_dot(const float *x, const float *y, size_t n)
{
	vf acc[LF];
	size_t i = 0;

	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(0.0f);
	for (; n - i >= LANES; i += LANES)
		for (int l = 0; l < LF; l++)
			acc[l] = vf_fma(vf_load(x + i + l * VF_N),
			    vf_load(y + i + l * VF_N), acc[l]);
	for (int l = 0; i < n; l++, i += span_f(n, i))
		acc[l] = vf_fma(vf_load_n(x + i, span_f(n, i)),
		    vf_load_n(y + i, span_f(n, i)), acc[l]);
	return fold_f(acc);
}

static float
k_norm2(const float *x, size_t n)
{
	return k_dot(x, x, n);
}

static float
k_sum(const float *x, size_t n)
{
	vf acc[LF];
	size_t i = 0;

	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(0.0f);
	for (; n - i >= LANES; i += LANES)
		for (int l = 0; l < LF; l++)
			acc[l] = vf_add(acc[l], vf_load(x + i + l * VF_N));
	for (int l = 0; i < n; l++, i += span_f(n, i))
		acc[l] = vf_add(acc[l], vf_load_n(x + i, span_f(n, i)));
	return fold_f(acc);
}

static float
k_max(const float *x, size_t n)
{
	float lane[LANES];
	vf acc[LF];
	size_t i = 0;

	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(-INFINITY);
	for (; n - i >= LANES; i += LANES)
		for (int l = 0; l < LF; l++)
			acc[l] = vf_max(vf_load(x + i + l * VF_N), acc[l]);
	for (int l = 0; l < LF; l++)
		vf_store(lane + l * VF_N, acc[l]);
	for (int l = 0; i < n; l++, i++)
		lane[l] = x[i] > lane[l] ? x[i] : lane[l];
	for (int h = LANES / 2; h > 0; h /= 2)
		for (int l = 0; l < h; l++)
			if (lane[l + h] > lane[l])
				lane[l] = lane[l + h];
	return lane[0];
}

static double
k_ddot(const double *x, const double *y, size_t n)
{
	vd acc[LD];
	size_t i = 0;

	for (int l = 0; l < LD; l++)
		acc[l] = vd_set(0.0);
	for (; n - i >= LANES; i += LANES)
		for (int l = 0; l < LD; l++)
			acc[l] = vd_fma(vd_load(x + i + l * VD_N),
			    vd_load(y + i + l * VD_N), acc[l]);
	for (int l = 0; i < n; l++, i += span_d(n, i))
		acc[l] = vd_fma(vd_load_n(x + i, span_d(n, i)),
		    vd_load_n(y + i, span_d(n, i)), acc[l]);
	return fold_d(acc);
}

static double
k_dsum(const double *x, size_t n)
{
	vd acc[LD];
	size_t i = 0;

	for (int l = 0; l < LD; l++)
		acc[l] = vd_set(0.0);
	for (; n - i >= LANES; i += LANES)
		for (int l = 0; l < LD; l++)
			acc[l] = vd_add(acc[l], vd_load(x + i + l * VD_N));
	for (int l = 0; i < n; l++, i += span_d(n, i))
		acc[l] = vd_add(acc[l], vd_load_n(x + i, span_d(n, i)));
	return fold_d(acc);
}

static void
k_axpy(float *y, float a, const float *x, size_t n)
{
	vf va = vf_set(a);
	size_t i = 0, r;

	for (; n - i >= VF_N; i += VF_N)
		vf_store(y + i, vf_fma(va, vf_load(x + i), vf_load(y + i)));
	if ((r = n - i) > 0)
		vf_store_n(y + i, r,
		    vf_fma(va, vf_load_n(x + i, r), vf_load_n(y + i, r)));
}

static void
k_scale(float *y, float a, const float *x, size_t n)
{
	vf va = vf_set(a);
	size_t i = 0, r;

	for (; n - i >= VF_N; i += VF_N)
		vf_store(y + i, vf_mul(va, vf_load(x + i)));
	if ((r = n - i) > 0)
		vf_store_n(y + i, r, vf_mul(va, vf_load_n(x + i, r)));
}

static void
k_daxpy(double *y, double a, const double *x, size_t n)
{
	vd va = vd_set(a);
	size_t i = 0, r;

	for (; n - i >= VD_N; i += VD_N)
		vd_store(y + i, vd_fma(va, vd_load(x + i), vd_load(y + i)));
	if ((r = n - i) > 0)
		vd_store_n(y + i, r,
		    vd_fma(va, vd_load_n(x + i, r), vd_load_n(y + i, r)));
}

static void
k_dscale(double *y, double a, const double *x, size_t n)
{
	vd va = vd_set(a);
	size_t i = 0, r;

	for (; n - i >= VD_N; i += VD_N)
		vd_store(y + i, vd_mul(va, vd_load(x + i)));
	if ((r = n - i) > 0)
		vd_store_n(y + i, r, vd_mul(va, vd_load_n(x + i, r)));
}

static void
k_col_sum(double *s, const float *X, size_t ldx, size_t n, size_t d)
{
	for (size_t row = 0; row < n; row++) {
		const float *x = X + row * ldx;
		size_t j = 0, r;

		for (; d - j >= VD_N; j += VD_N)
			vd_store(
			    s + j, vd_add(vd_load(s + j), vd_loadf(x + j)));
		if ((r = d - j) > 0)
			vd_store_n(s + j, r,
			    vd_add(vd_load_n(s + j, r), vd_loadf_n(x + j, r)));
	}
}

static void
k_col_sq(double *q, const double *mean, const float *X, size_t ldx, size_t n,
    size_t d)
{
	for (size_t row = 0; row < n; row++) {
		const float *x = X + row * ldx;

		for (size_t j = 0, r; j < d; j += r) {
			vd t, u;

			r = span_d(d, j);
			t = vd_loadf_n(x + j, r);
			u = mean != NULL ? vd_load_n(mean + j, r) : vd_set(0.0);
			t = vd_sub(t, u);
			vd_store_n(q + j, r, vd_fma(t, t, vd_load_n(q + j, r)));
		}
	}
}

/* The rows of W that come soon are asked for ahead of their use: they lie
 * anywhere in a large table. */
enum { SPARSE_AHEAD = 12 };

/* The part of vector l among w elements, which reach into it. */
static inline size_t
part_f(size_t w, int l)
{
	return span_f(w, (size_t)l * VF_N);
}

/* 16 columns at a time, w of them wanted. */
static inline void
sparse_mul_at(float *y, const uint32_t *idx, const float *val, size_t nnz,
    const float *W, size_t ldw, size_t w)
{
	vf acc[LF];

	for (int l = 0; l < LF; l++)
		acc[l] = (size_t)l * VF_N < w
			     ? vf_load_n(y + l * VF_N, part_f(w, l))
			     : vf_set(0.0f);
	for (size_t e = 0; e < nnz; e++) {
		const float *row = W + (size_t)idx[e] * ldw;
		vf x = vf_set(val[e]);

		if (e + SPARSE_AHEAD < nnz)
			__builtin_prefetch(
			    W + (size_t)idx[e + SPARSE_AHEAD] * ldw);
		for (int l = 0; l < LF; l++)
			if ((size_t)l * VF_N < w)
				acc[l] = vf_fma(x,
				    vf_load_n(row + l * VF_N, part_f(w, l)),
				    acc[l]);
	}
	for (int l = 0; l < LF; l++)
		if ((size_t)l * VF_N < w)
			vf_store_n(y + l * VF_N, part_f(w, l), acc[l]);
}

static void
k_sparse_mul(float *y, const uint32_t *idx, const float *val, size_t nnz,
    const float *W, size_t ldw, size_t n)
{
	for (size_t j = 0; j < n; j += LANES)
		sparse_mul_at(y + j, idx, val, nnz, W + j, ldw,
		    n - j < LANES ? n - j : LANES);
}

static void
k_sparse_add(float *W, size_t ldw, const uint32_t *idx, const float *val,
    size_t nnz, const float *r, size_t n)
{
	for (size_t e = 0; e < nnz; e++) {
		if (e + SPARSE_AHEAD < nnz)
			__builtin_prefetch(
			    W + (size_t)idx[e + SPARSE_AHEAD] * ldw, 1);
		k_axpy(W + (size_t)idx[e] * ldw, val[e], r, n);
	}
}

/* y[i] = f(x[i]) */
#define MAP_F(name, f)                                                         \
	static void name(float *y, const float *x, size_t n)                   \
	{                                                                      \
		size_t i = 0;                                                  \
                                                                               \
		for (; n - i >= VF_N; i += VF_N)                               \
			vf_store(y + i, f(vf_load(x + i)));                    \
		if (i < n)                                                     \
			vf_store_n(y + i, n - i, f(vf_load_n(x + i, n - i)));  \
	}

#define MAP_D(name, f)                                                         \
	static void name(double *y, const double *x, size_t n)                 \
	{                                                                      \
		size_t i = 0;                                                  \
                                                                               \
		for (; n - i >= VD_N; i += VD_N)                               \
			vd_store(y + i, f(vd_load(x + i)));                    \
		if (i < n)                                                     \
			vd_store_n(y + i, n - i, f(vd_load_n(x + i, n - i)));  \
	}

MAP_F(k_exp, exp_f)
MAP_F(k_log, log_f)
MAP_F(k_tanh, tanh_f)
MAP_F(k_erf, erf_f)
MAP_F(k_sigmoid, sigmoid_f)
MAP_F(k_gelu, gelu_f)
MAP_F(k_softplus, softplus_f)
MAP_D(k_dexp, exp_d)
MAP_D(k_dlog, log_d)
MAP_D(k_dlog1p, log1p_d)

static void
k_atan2(float *t, const float *y, const float *x, size_t n)
{
	for (size_t i = 0, r; i < n; i += r) {
		r = span_f(n, i);
		vf_store_n(t + i, r,
		    atan2_f(vf_load_n(y + i, r), vf_load_n(x + i, r)));
	}
}

/* sum exp(x[j] - m) in LANE ORDER; the terms go to p unless it is NULL. */
static float
exp_sum(float *p, const float *x, float m, size_t n)
{
	vf acc[LF], vm_ = vf_set(m);
	size_t i = 0;

	for (int l = 0; l < LF; l++)
		acc[l] = vf_set(0.0f);
	for (; n - i >= LANES; i += LANES)
		for (int l = 0; l < LF; l++) {
			vf e = exp_f(vf_sub(vf_load(x + i + l * VF_N), vm_));

			acc[l] = vf_add(acc[l], e);
			if (p != NULL)
				vf_store(p + i + l * VF_N, e);
		}
	for (int l = 0; i < n; l++) {
		size_t r = span_f(n, i);
		vf e = exp_f(vf_sub(vf_load_n(x + i, r), vm_));

		acc[l] = vf_add(acc[l], vf_keep(e, r));
		if (p != NULL)
			vf_store_n(p + i, r, e);
		i += r;
	}
	return fold_f(acc);
}

static void
k_softmax(
    float *p, double *lse, const float *x, size_t ld, size_t rows, size_t n)
{
	for (size_t row = 0; row < rows; row++) {
		const float *xr = x + row * ld;
		float *pr = p != NULL ? p + row * ld : NULL;
		float m = k_max(xr, n);
		float s = exp_sum(pr, xr, m, n);
		vf vs = vf_set(s);

		if (lse != NULL) {
			double last[VD_N];

			vd_store_n(last, 1, log_d(vd_set((double)s)));
			lse[row] = (double)m + last[0];
		}
		for (size_t i = 0, r; pr != NULL && i < n; i += r) {
			r = span_f(n, i);
			vf_store_n(pr + i, r, vf_div(vf_load_n(pr + i, r), vs));
		}
	}
}

#endif
