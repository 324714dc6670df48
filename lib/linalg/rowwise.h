#ifndef LINALG_ROWWISE_H
#define LINALG_ROWWISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/*
 * What an encoder does to rows of numbers between its linear layers, once for
 * each instruction set, with the same bytes under each of them:
 *
 *	const struct rowwise *rk = rowwise_get(cpu_isa());
 *	rk->layer_norm(y, D, x, D, n, D, weight, bias, 1e-12f);
 *
 * Orders of summation are those of linalg.h: products in FMA ORDER, sums
 * within a row in LANE ORDER.  A row's result depends on that row alone (in
 * attention: on its record).  Nothing here fails, allocates, or keeps a
 * pointer.  Distances between rows (ld...) count floats.  Outputs may be their
 * inputs where a comment says so, and do not overlap them otherwise.
 */

/*
 * Attention of one record, all heads: for query i (which stands at position
 * first + i among the keys) and head h,
 *
 *	s[j] = scale q[i] k[j]' + bias[h][j - (first + i)]
 *	y[i] = sum e[j] v[j] / sum e[j],  e[j] = exp(s[j] - max s)
 *
 * over the keys j < n, or with causal over j <= first + i.  Sums over j go in
 * increasing order in blocks of LINALG_KBLOCK, the sum of e in LANE ORDER.
 * The exponential is within 2 ulp of that of its rounded argument
 * log2(e) (s[j] - max s), and not below 2^-126.
 * Head h has the columns h size .. (h + 1) size of q, k, v and y.
 */
struct attention {
	const float *q, *k, *v; /* [rows, ...], [n, ...], [n, ...] */
	size_t ldq, ldk, ldv;
	float *y; /* [rows, heads * size] */
	size_t ldy;
	size_t n, rows, first; /* first + rows <= n */
	size_t heads, size;
	float scale; /* above 0 */
	int causal;
	/* [heads, 2 span - 1]: the middle is distance 0; beyond the ends
	 * they count on; or NULL */
	const float *bias;
	size_t span;
	float *room; /* rowwise_attention_room(n, size) floats */
};

size_t rowwise_attention_room(size_t n, size_t size);

struct rowwise {
	const char *name; /* "portable", "avx2", "avx512" */

	/*
	 * layer_norm: for each row, t = x - mean(x), and with its variance
	 * mean(t^2): y = t / sqrt(variance + eps) * weight + bias, the last
	 * two steps one fused multiply-add.
	 * rms_norm: y = x / sqrt(mean(x^2) + eps) * weight.
	 *   x, y: [rows, n]; y may be x   weight, bias: [n]
	 */
	void (*layer_norm)(float *y, size_t ldy, const float *x, size_t ldx,
	    size_t rows, size_t n, const float *weight, const float *bias,
	    float eps);
	void (*rms_norm)(float *y, size_t ldy, const float *x, size_t ldx,
	    size_t rows, size_t n, const float *weight, float eps);

	/* unit: y = x / max(|x|, 1e-12), each row.  x, y: [rows, n]; y may be
	 * x. */
	void (*unit)(float *y, size_t ldy, const float *x, size_t ldx,
	    size_t rows, size_t n);

	/* add: y += x.  x, y: [n] */
	void (*add)(float *y, const float *x, size_t n);

	/* mean, max: of each column over the rows, in increasing order; the
	 * mean is a sum divided once.  x: [rows, n], rows > 0   y: [n] */
	void (*mean)(
	    float *y, const float *x, size_t ldx, size_t rows, size_t n);
	void (*max)(
	    float *y, const float *x, size_t ldx, size_t rows, size_t n);

	void (*attention)(const struct attention *a);
};

/* rowwise_get(isa): the kernels of that set, or of the best one below it that
 * this build has.  The table lives as long as the program. */
const struct rowwise *rowwise_get(enum isa isa);

#endif
