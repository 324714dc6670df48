#ifndef LINALG_GEMM_PORTABLE_H
#define LINALG_GEMM_PORTABLE_H

/*
 * The matrix products as plain loops: the reference for gemm_kernels.h, and
 * what a machine without a file of its own runs.
 *
 * A packed B: [k, n] is a row of K blocks, each a row of panels of
 * LINALG_PANEL columns, each of them [len, LINALG_PANEL] for the block's len
 * values of k; columns beyond n are 0.  Panels of doubles have 8 columns: the
 * same 64 bytes.
 */

#include "linalg/linalg.h"

enum { FPANEL = LINALG_PANEL, DPANEL = LINALG_PANEL / 2 };

static inline size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One panel: columns j .. j + FPANEL, rows from .. from + len of B. */
static void
pack_panel(float *b, struct fmat B, size_t from, size_t len, size_t j, size_t n)
{
	size_t w = least(n - j, FPANEL);

	memset(b, 0, len * FPANEL * sizeof(*b));
	for (size_t p = 0; p < len; p++)
		for (size_t c = 0; c < w; c++)
			b[p * FPANEL + c] =
			    B.p[(from + p) * B.row + (j + c) * B.col];
}

/* C: [m, w] = or += A b over one K block, a: A's first column there. */
static void
mul_panel(float *C, size_t ldc, struct fmat A, const float *b, size_t m,
    size_t w, size_t len, int add)
{
	for (size_t i = 0; i < m; i++) {
		float *c = C + i * ldc, t[FPANEL] = { 0 };

		for (size_t p = 0; p < len; p++) {
			float a = A.p[i * A.row + p * A.col];

			for (size_t j = 0; j < FPANEL; j++)
				t[j] = fma_float(a, b[p * FPANEL + j], t[j]);
		}
		for (size_t j = 0; j < w; j++)
			c[j] = add ? c[j] + t[j] : t[j];
	}
}

static void
k_gemm_pack(float *packed, struct fmat B, size_t k, size_t n)
{
	for (size_t from = 0; from < k; from += LINALG_KBLOCK) {
		size_t len = least(k - from, LINALG_KBLOCK);

		for (size_t j = 0; j < n; j += FPANEL) {
			pack_panel(packed, B, from, len, j, n);
			packed += len * FPANEL;
		}
	}
}

static void
clear_f(float *C, size_t ldc, size_t m, size_t n)
{
	for (size_t i = 0; i < m; i++)
		memset(C + i * ldc, 0, n * sizeof(*C));
}

static void
k_gemm_packed(float *C, size_t ldc, struct fmat A, const float *packed,
    size_t m, size_t n, size_t k, int add)
{
	if (k == 0 && !add)
		clear_f(C, ldc, m, n);
	for (size_t from = 0; from < k; from += LINALG_KBLOCK) {
		size_t len = least(k - from, LINALG_KBLOCK);

		for (size_t j = 0; j < n; j += FPANEL) {
			mul_panel(C + j, ldc, A, packed, m,
			    least(n - j, FPANEL), len, add || from > 0);
			packed += len * FPANEL;
		}
		A.p += len * A.col;
	}
}

static void
k_gemm(float *C, size_t ldc, struct fmat A, struct fmat B, size_t m, size_t n,
    size_t k, int add)
{
	float b[LINALG_KBLOCK * FPANEL];

	if (k == 0 && !add)
		clear_f(C, ldc, m, n);
	for (size_t from = 0; from < k; from += LINALG_KBLOCK) {
		size_t len = least(k - from, LINALG_KBLOCK);

		for (size_t j = 0; j < n; j += FPANEL) {
			pack_panel(b, B, from, len, j, n);
			mul_panel(C + j, ldc, A, b, m, least(n - j, FPANEL),
			    len, add || from > 0);
		}
		A.p += len * A.col;
	}
}

static void
k_gemv(float *y, struct fmat A, const float *x, size_t m, size_t k, int add)
{
	struct fmat At = { A.p, A.col, A.row };

	k_gemm(y, m, mat_rows(x, k), At, 1, m, k, add);
}

/* The same for doubles: one panel, and one K block of it. */
static void
pack_panel_d(
    double *b, struct dmat B, size_t from, size_t len, size_t j, size_t n)
{
	size_t w = least(n - j, DPANEL);

	memset(b, 0, len * DPANEL * sizeof(*b));
	for (size_t p = 0; p < len; p++)
		for (size_t c = 0; c < w; c++)
			b[p * DPANEL + c] =
			    B.p[(from + p) * B.row + (j + c) * B.col];
}

static void
mul_panel_d(double *C, size_t ldc, struct dmat A, const double *b, size_t m,
    size_t w, size_t len, int sign)
{
	for (size_t i = 0; i < m; i++) {
		double *c = C + i * ldc, t[DPANEL] = { 0 };

		for (size_t p = 0; p < len; p++) {
			double a = A.p[i * A.row + p * A.col];

			for (size_t j = 0; j < DPANEL; j++)
				t[j] = fma(a, b[p * DPANEL + j], t[j]);
		}
		for (size_t j = 0; j < w; j++)
			c[j] = sign > 0   ? c[j] + t[j]
			       : sign < 0 ? c[j] - t[j]
					  : t[j];
	}
}

static void
k_dgemm(double *C, size_t ldc, struct dmat A, struct dmat B, size_t m, size_t n,
    size_t k, int sign)
{
	double b[LINALG_DBLOCK * DPANEL];

	for (size_t i = 0; k == 0 && sign == 0 && i < m; i++)
		memset(C + i * ldc, 0, n * sizeof(*C));
	for (size_t from = 0; from < k; from += LINALG_DBLOCK) {
		size_t len = least(k - from, LINALG_DBLOCK);

		for (size_t j = 0; j < n; j += DPANEL) {
			pack_panel_d(b, B, from, len, j, n);
			mul_panel_d(C + j, ldc, A, b, m, least(n - j, DPANEL),
			    len, sign);
		}
		A.p += len * A.col;
		sign = sign == 0 ? 1 : sign;
	}
}

/* One K block of one panel of G's columns, j .. j + DPANEL, in the rows from
 * .. to.  A product of two floats is exact in double: as good as fused. */
static void
gram_panel(double *G, const float *X, size_t ldx, size_t len, size_t d,
    size_t from, size_t to, size_t j)
{
	double b[LINALG_DBLOCK * DPANEL];
	size_t w = least(d - j, DPANEL);

	memset(b, 0, sizeof(b));
	for (size_t p = 0; p < len; p++)
		for (size_t c = 0; c < w; c++)
			b[p * DPANEL + c] = (double)X[p * ldx + j + c];
	for (size_t i = from > j ? from : j; i < to; i++) {
		double *g = G + i * d + j, t[DPANEL] = { 0 };

		for (size_t p = 0; p < len; p++) {
			double x = (double)X[p * ldx + i];

			for (size_t c = 0; c < DPANEL; c++)
				t[c] += x * b[p * DPANEL + c];
		}
		for (size_t c = 0; c < w && j + c <= i; c++)
			g[c] += t[c];
	}
}

static void
k_gram(double *G, const float *X, size_t ldx, size_t n, size_t d, size_t from,
    size_t to)
{
	for (size_t row = 0; row < n; row += LINALG_DBLOCK) {
		size_t len = least(n - row, LINALG_DBLOCK);

		for (size_t j = 0; j < to; j += DPANEL)
			gram_panel(G, X + row * ldx, ldx, len, d, from, to, j);
	}
}

#endif
