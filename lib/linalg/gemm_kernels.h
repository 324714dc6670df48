#ifndef LINALG_GEMM_KERNELS_H
#define LINALG_GEMM_KERNELS_H

/*
 * The matrix products, in the words of a simd_*.h that is included before.
 * gemm_portable.h says the same in plain loops, and draws a packed B.
 */

#include "linalg/linalg.h"

enum {
	/* 12 x 2 sums, 2 vectors of B and a value of A fill 32 registers
	 * well, and 6 x 2 the 16 of AVX2. */
	ROWS = VF_N == 16 ? 12 : 6,
	FEW = 4,    /* strips of A that are packed at once */
	NEAR = 64,  /* values of k that are turned at once */
	CHUNK = 64, /* columns of B that are packed at once */
};

#define REAL   float
#define MAT    struct fmat
#define V      vf
#define V_(op) vf_##op
#define F_(f)  f##_f
#define WIDTH  ((size_t)VF_N)
#define PANEL  ((size_t)LINALG_PANEL)
#define KBLOCK ((size_t)LINALG_KBLOCK)
#define TURN   ((size_t)8)
#include "linalg/gemm_tile.h"

#define REAL   double
#define MAT    struct dmat
#define V      vd
#define V_(op) vd_##op
#define F_(f)  f##_d
#define WIDTH  ((size_t)VD_N)
#define PANEL  ((size_t)LINALG_PANEL / 2)
#define KBLOCK ((size_t)LINALG_DBLOCK)
#define TURN   ((size_t)4)
#include "linalg/gemm_tile.h"

static void
k_gemm(float *C, size_t ldc, struct fmat A, struct fmat B, size_t m, size_t n,
    size_t k, int add)
{
	product_f(C, ldc, A, B, m, n, k, add != 0);
}

static void
k_dgemm(double *C, size_t ldc, struct dmat A, struct dmat B, size_t m, size_t n,
    size_t k, int sign)
{
	product_d(C, ldc, A, B, m, n, k, sign);
}

/*
 * VF_N whole rows of A by x over one K block: squares of A are turned, so that
 * each of their columns becomes a vector over the rows.
 */
static inline vf
rows_by_x(const float *a, size_t row, const float *x, size_t len)
{
	vf sum = vf_set(0.0f);
	size_t k = 0;

	for (; len - k >= VF_N; k += VF_N) {
		vf r[VF_N];

		UNROLL
		for (size_t i = 0; i < VF_N; i++) {
			__builtin_prefetch(a + (i + VF_N) * row + k);
			r[i] = vf_load(a + i * row + k);
		}
		vf_turn_square(r);
		UNROLL
		for (size_t i = 0; i < VF_N; i++)
			sum = vf_fma(vf_set(x[k + i]), r[i], sum);
	}
	for (; k < len; k++) {
		float column[VF_N];

		for (size_t i = 0; i < VF_N; i++)
			column[i] = a[i * row + k];
		sum = vf_fma(vf_set(x[k]), vf_load(column), sum);
	}
	return sum;
}

/* What is left of the rows, or all where they are not whole, is x' A'. */
static void
k_gemv(float *y, struct fmat A, const float *x, size_t m, size_t k, int add)
{
	size_t i = 0;

	for (; A.col == 1 && m - i >= VF_N; i += VF_N) {
		vf t = add ? vf_load(y + i) : vf_set(0.0f);

		for (size_t from = 0, len; from < k; from += len) {
			vf sum;

			len =
			    k - from < LINALG_KBLOCK ? k - from : LINALG_KBLOCK;
			sum = rows_by_x(
			    A.p + i * A.row + from, A.row, x + from, len);
			t = add || from > 0 ? vf_add(t, sum) : sum;
		}
		vf_store(y + i, t);
	}
	product_f(y + i, m - i, mat_rows(x, k),
	    (struct fmat){ A.p + i * A.row, A.col, A.row }, 1, m - i, k,
	    add != 0);
}

static void
k_gemm_pack(float *packed, struct fmat B, size_t k, size_t n)
{
	for (size_t from = 0, len; from < k; from += len) {
		len = k - from < LINALG_KBLOCK ? k - from : LINALG_KBLOCK;
		panels_f(packed, B, 0, n, len);
		packed += linalg_packed_size(len, n);
		B.p += len * B.row;
	}
}

/* Columns go in chunks, so that what is packed of B stays in the second cache
 * while the strips of A pass. */
static void
k_gemm_packed(float *C, size_t ldc, struct fmat A, const float *packed,
    size_t m, size_t n, size_t k, int add)
{
	enum { MANY = VF_N == 16 ? 384 : 256 };
	int sign = add != 0;

	for (size_t i = 0; k == 0 && sign == 0 && i < m; i++)
		memset(C + i * ldc, 0, n * sizeof(*C));
	for (size_t from = 0, len; from < k; from += len) {
		len = k - from < LINALG_KBLOCK ? k - from : LINALG_KBLOCK;
		for (size_t j = 0, w; j < n; j += w) {
			w = n - j < MANY ? n - j : MANY;
			block_f(C + j, ldc, A, packed, m, w, len, sign);
			packed += linalg_packed_size(len, w);
		}
		A.p += len * A.col;
		sign = 1;
	}
}

/* d[k * step + r] = X[k * ldx + r] as doubles; 0 for w <= r < step.  The last
 * vector of a row may begin before the end of the one before it. */
static void
widen(double *d, size_t step, const float *X, size_t ldx, size_t w, size_t len)
{
	for (size_t k = 0; k < len; k++, d += step, X += ldx) {
		size_t r = 0;

		for (; w - r >= VD_N; r += VD_N)
			vd_store(d + r, vd_loadf(X + r));
		if (r > 0 && r < w) {
			r = w - VD_N;
			vd_store(d + r, vd_loadf(X + r));
			r = w;
		}
		for (; r < w; r++)
			d[r] = (double)X[r];
		for (; r < step; r++)
			d[r] = 0;
	}
}

/* One block of rows of X and one chunk of G's columns, j .. j + w. */
static void
gram_block(double *G, size_t d, const float *X, size_t ldx, size_t len,
    size_t from, size_t to, size_t j, size_t w, const double *b)
{
	enum { TILE = 2 * VD_N };
	_Alignas(64) double a[LINALG_DBLOCK * ROWS], t[ROWS * TILE];
	size_t panels = TILE / (LINALG_PANEL / 2);

	for (size_t i = from, rows; i < to; i += rows) {
		struct strip_d s = { a, strip_rows_d(to - i, ROWS), 0, len, 0 };
		const double *p = b;

		rows = s.rows;
		widen(a, rows, X + i, ldx, rows, len);
		for (size_t c = j; c < j + w && c < i + rows; c += TILE) {
			size_t n = j + w - c < TILE ? j + w - c : TILE;

			sums_d(t, &s, p,
			    p + (panels == 2 ? len * LINALG_PANEL / 2 : VD_N),
			    LINALG_PANEL / 2, n);
			for (size_t r = 0; r < rows; r++)
				if (c <= i + r)
					put_row_d(G + (i + r) * d + c,
					    t + r * TILE,
					    i + r + 1 - c < n ? i + r + 1 - c
							      : n,
					    1);
			p += len * (LINALG_PANEL / 2) * panels;
		}
	}
}

static void
k_gram(double *G, const float *X, size_t ldx, size_t n, size_t d, size_t from,
    size_t to)
{
	enum { COLUMNS = 128, DPANEL = LINALG_PANEL / 2 };
	_Alignas(64) double b[LINALG_DBLOCK * COLUMNS];

	for (size_t row = 0, len; row < n; row += len, X += len * ldx) {
		len = n - row < LINALG_DBLOCK ? n - row : LINALG_DBLOCK;
		for (size_t j = 0, w; j < to; j += w) {
			w = to - j < COLUMNS ? to - j : COLUMNS;
			for (size_t c = 0; c < w; c += DPANEL)
				widen(b + len * c, DPANEL, X + j + c, ldx,
				    w - c < DPANEL ? w - c : DPANEL, len);
			gram_block(G, d, X, ldx, len, from > j ? from : j, to,
			    j, w, b);
		}
	}
}

#endif
