#ifndef LINALG_LINALG_H
#define LINALG_LINALG_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/*
 * Kernels on float32 and double arrays, once for each instruction set.
 *
 *	const struct linalg *la = linalg_get(cpu_isa());
 *	la->gemm(C, n, mat_rows(A, k), mat_cols(B, k), m, n, k, 0);
 *
 * Every kernel has one order of summation, written here, and gives the same
 * bytes under every instruction set (the payload of a NaN excepted) and for
 * every split of its outputs over threads.  Matrices are row-major unless
 * their strides say otherwise; distances between rows (ld...) count elements.
 * Outputs must not overlap inputs, except where y and x may be the same
 * array.  Nothing here can fail, allocates, or keeps a pointer; gemm and gram
 * use up to 384 KiB of stack.  Sizes of 0 are fine everywhere.
 *
 * FMA ORDER: an output accumulates over k in increasing order from +0, one
 * fused multiply-add a step, in blocks of LINALG_KBLOCK (double: LINALG_DBLOCK)
 * values of k; the blocks' sums are added in order.
 *
 * LANE ORDER: 16 partial sums from +0, lane i taking the elements i, i + 16,
 * ... in order (with one fused multiply-add where there is a product), folded
 * as lane[i] += lane[i + h] for h = 8, 4, 2, 1.
 */

enum {
	LINALG_KBLOCK = 384,
	LINALG_DBLOCK = 256,
	LINALG_PANEL = 16 /* columns of a packed panel */
};

/* A matrix to read, by strides: element (i, j) is p[i * row + j * col]. */
struct fmat {
	const float *p;
	size_t row, col;
};

struct dmat {
	const double *p;
	size_t row, col;
};

/* mat_rows(p, ld): the matrix stored there.  mat_cols: its transpose. */
static inline struct fmat
mat_rows(const float *p, size_t ld)
{
	return (struct fmat){ p, ld, 1 };
}

static inline struct fmat
mat_cols(const float *p, size_t ld)
{
	return (struct fmat){ p, 1, ld };
}

static inline struct dmat
dmat_rows(const double *p, size_t ld)
{
	return (struct dmat){ p, ld, 1 };
}

static inline struct dmat
dmat_cols(const double *p, size_t ld)
{
	return (struct dmat){ p, 1, ld };
}

/* linalg_packed_size(k, n): floats that gemm_pack writes for B: [k, n]. */
size_t linalg_packed_size(size_t k, size_t n);

struct linalg {
	const char *name; /* "portable", "avx2", "avx512" */

	/*
	 * gemm: C = A B, or C += A B when add is not 0, in FMA ORDER; with
	 * add each block's sum is added to C in turn.
	 *   A: [m, k]   B: [k, n]   C: [m, n], rows ldc apart
	 * A row of C does not depend on m, nor a column on n.  The shapes of
	 * a learner: scores X W' are gemm(C, n, mat_rows(X, d),
	 * mat_cols(W, d), ...), gradients R' X gemm(G, d, mat_cols(R, n),
	 * mat_rows(X, d), ...), with add over blocks of rows.
	 */
	void (*gemm)(float *C, size_t ldc, struct fmat A, struct fmat B,
	    size_t m, size_t n, size_t k, int add);

	/*
	 * gemm_pack: lay B: [k, n] out for gemm_packed, which then gives
	 * gemm's bytes without packing it again; the layout is the same for
	 * all instruction sets.
	 *   packed: linalg_packed_size(k, n) floats, 64-byte aligned
	 */
	void (*gemm_pack)(float *packed, struct fmat B, size_t k, size_t n);
	void (*gemm_packed)(float *C, size_t ldc, struct fmat A,
	    const float *packed, size_t m, size_t n, size_t k, int add);

	/* gemv: y = A x, or y += A x, in FMA ORDER.
	 *   A: [m, k]   x: [k]   y: [m] */
	void (*gemv)(float *y, struct fmat A, const float *x, size_t m,
	    size_t k, int add);

	/* dgemm: C = A B (sign 1: C += A B, sign -1: C -= A B, each block's
	 * sum in turn; sign 0: C = A B) in double, in FMA ORDER. */
	void (*dgemm)(double *C, size_t ldc, struct dmat A, struct dmat B,
	    size_t m, size_t n, size_t k, int sign);

	/*
	 * gram: G += X' X in double, in FMA ORDER over the rows of X; each
	 * block's sum is added to G in turn.
	 *   X: [n, d], rows ldx apart   G: [d, d]
	 * Only rows from <= i < to of G and of them only columns <= i are
	 * read and written, so threads can share the rows.
	 */
	void (*gram)(double *G, const float *X, size_t ldx, size_t n, size_t d,
	    size_t from, size_t to);

	/* Reductions in LANE ORDER.  x, y: [n] */
	float (*dot)(const float *x, const float *y, size_t n);
	float (*sum)(const float *x, size_t n);
	float (*norm2)(const float *x, size_t n); /* sum of squares */
	float (*max)(const float *x, size_t n);   /* -inf when n is 0 */
	double (*ddot)(const double *x, const double *y, size_t n);
	double (*dsum)(const double *x, size_t n);

	/* axpy: y[i] = fma(a, x[i], y[i]).  scale: y[i] = a * x[i]; y may be
	 * x.  x, y: [n] */
	void (*axpy)(float *y, float a, const float *x, size_t n);
	void (*scale)(float *y, float a, const float *x, size_t n);
	void (*daxpy)(double *y, double a, const double *x, size_t n);
	void (*dscale)(double *y, double a, const double *x, size_t n);

	/*
	 * Statistics of columns in double, rows in increasing order:
	 *   col_sum: s[j] += X[i][j]
	 *   col_sq:  q[j] = fma(t, t, q[j]) with t = X[i][j] - mean[j]
	 * X: [n, d], rows ldx apart   s, q, mean: [d]   mean NULL: zeros
	 */
	void (*col_sum)(
	    double *s, const float *X, size_t ldx, size_t n, size_t d);
	void (*col_sq)(double *q, const double *mean, const float *X,
	    size_t ldx, size_t n, size_t d);

	/*
	 * Products with one sparse row of nnz pairs (idx, val):
	 *   sparse_mul: y[c] = fma(val[e], W[idx[e]][c], y[c])
	 *   sparse_add: W[idx[e]][c] = fma(val[e], r[c], W[idx[e]][c])
	 * for e in increasing order; the caller sets y first.
	 *   W: [dim, n], rows ldw apart   y, r: [n]   idx[e] < dim
	 */
	void (*sparse_mul)(float *y, const uint32_t *idx, const float *val,
	    size_t nnz, const float *W, size_t ldw, size_t n);
	void (*sparse_add)(float *W, size_t ldw, const uint32_t *idx,
	    const float *val, size_t nnz, const float *r, size_t n);

	/*
	 * The functions of mathf.h and mathd.h on arrays: y[i] = f(x[i]), the
	 * bytes of the scalar functions.  x, y: [n]; y may be x.
	 */
	void (*exp)(float *y, const float *x, size_t n);
	void (*log)(float *y, const float *x, size_t n);
	void (*tanh)(float *y, const float *x, size_t n);
	void (*erf)(float *y, const float *x, size_t n);
	void (*sigmoid)(float *y, const float *x, size_t n);
	void (*gelu)(float *y, const float *x, size_t n);
	void (*softplus)(float *y, const float *x, size_t n);
	void (*atan2)(float *t, const float *y, const float *x, size_t n);
	void (*dexp)(double *y, const double *x, size_t n);
	void (*dlog)(double *y, const double *x, size_t n);
	void (*dlog1p)(double *y, const double *x, size_t n);

	/*
	 * softmax: for each row, with m its largest value and s the sum, in
	 * LANE ORDER, of e[j] = exp(x[j] - m):
	 *   p[j] = e[j] / s   lse = m + log(s), in double
	 *   x, p: [rows, n], rows ld apart; p may be x, or NULL when only
	 *   lse is wanted; lse: [rows] or NULL
	 * -inf gives p = 0; a row of nothing but -inf gives NaN.
	 */
	void (*softmax)(float *p, double *lse, const float *x, size_t ld,
	    size_t rows, size_t n);
};

/* linalg_get(isa): the kernels of that set, or of the best one below it that
 * this build has.  The table lives as long as the program. */
const struct linalg *linalg_get(enum isa isa);

#endif
