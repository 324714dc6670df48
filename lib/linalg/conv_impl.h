#ifndef LINALG_CONV_IMPL_H
#define LINALG_CONV_IMPL_H

#include "linalg/conv.h"

/* What conv.c chooses from, one table for each instruction set. */
/* Rows of inputs, each ${parts} times ${part} floats, the parts ${step}
 * apart: the taps of pixels, of which those of a kernel's row lie together.
 * Rows are ld apart and may overlap. */
struct dense_rows {
	const float *x;
	size_t ld, n;
	size_t parts, part, step;
};

struct conv_kernels {
	/* linear_run with one K block, f32, a bias, no gamma, and none but
	 * ReLU and ReLU6 for activations; or NULL. */
	void (*dense)(float *y, size_t ldy, const struct dense_rows *x,
	    const struct linear *l, const struct linear_after *a,
	    enum activation last);
	void (*depth)(float *y, const struct picture_rows *x,
	    const struct depth *d, uint32_t from, uint32_t to);
	void (*pool)(float *y, const struct picture_rows *x,
	    const struct window *win, uint32_t c, int mean, uint32_t from,
	    uint32_t to);
	void (*mean_add)(
	    float *s, float *t, const float *x, size_t w, size_t c);
	void (*mean_end)(float *s, size_t n, size_t c);
	void (*largest_add)(float *s, const float *x, size_t n, size_t c);
	void (*gate)(float *x, const float *g, size_t n, size_t c);
};

#define CONV_TABLE(dense)                                                      \
	{                                                                      \
		dense, k_depth, k_pool, k_mean_add, k_mean_end, k_largest_add, \
		    k_gate                                                     \
	}

extern const struct conv_kernels conv_portable;
#if defined(__x86_64__)
extern const struct conv_kernels conv_fma;
extern const struct conv_kernels conv_avx2;
extern const struct conv_kernels conv_avx512;
#endif

/* The kernel's rows or columns [*a, *b) that meet the picture, when its first
 * one lies at ${at} of ${size}. */
static inline void
window_clip(int64_t at, uint32_t k, uint32_t size, uint32_t *a, uint32_t *b)
{
	int64_t left = (int64_t)size - at;

	*a = at < 0 ? (uint32_t)(-at < k ? -at : k) : 0;
	*b = left < 0 ? 0 : left < k ? (uint32_t)left : k;
	if (*b < *a)
		*b = *a;
}

/* Row i of a picture. */
static inline const float *
picture_row(const struct picture_rows *x, size_t i)
{
	return x->p + i % x->keep * x->ld;
}

#endif
