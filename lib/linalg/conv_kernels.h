#ifndef LINALG_CONV_KERNELS_H
#define LINALG_CONV_KERNELS_H

/*
 * The kernels of conv_impl.h in the words of a simd_*.h that is included
 * before.  conv_plain.h says the same in plain loops.
 */

#include "linalg/conv_depth.h"

/* n channels; masked loads and stores are slow on some machines. */
static inline vf
some_load(const float *p, size_t n)
{
	return n == VF_N ? vf_load(p) : vf_load_n(p, n);
}

static inline void
some_store(float *p, size_t n, vf a)
{
	if (n == VF_N)
		vf_store(p, a);
	else
		vf_store_n(p, n, a);
}

/* Vectors of n channels, the last one of fewer. */
#define CHANNELS(j, n, c)                                                      \
	for (size_t j = 0, n; n = c - j < VF_N ? c - j : VF_N, j < c; j += n)

static void
pool_pixel(float *y, const struct picture_rows *x, const struct window *win,
    size_t c, int mean, uint32_t i, uint32_t j)
{
	int64_t y0 = (int64_t)i * win->stride - win->top;
	int64_t x0 = (int64_t)j * win->stride - win->left;
	uint32_t ya, yb, xa, xb;

	window_clip(y0, win->kh, win->h, &ya, &yb);
	window_clip(x0, win->kw, win->w, &xa, &xb);
	CHANNELS(ch, n, c)
	{
		vf s = vf_set(mean ? 0.0f : -INFINITY);

		for (uint32_t a = ya; a < yb; a++) {
			const float *p = picture_row(x, (size_t)(y0 + a)) +
					 (size_t)(x0 + xa) * c + ch;

			for (uint32_t b = xa; b < xb; b++, p += c)
				s = mean ? vf_add(s, some_load(p, n))
					 : vf_max(some_load(p, n), s);
		}
		if (mean)
			s = vf_div(s, vf_set((float)((yb - ya) * (xb - xa))));
		some_store(y + ch, n, s);
	}
}

static void
k_pool(float *y, const struct picture_rows *x, const struct window *win,
    uint32_t c, int mean, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		for (uint32_t j = 0; j < win->ow; j++, y += c)
			pool_pixel(y, x, win, c, mean, i, j);
}

static void
k_mean_add(float *s, float *t, const float *x, size_t w, size_t c)
{
	memset(t, 0, c * sizeof(*t));
	for (size_t i = 0; i < w; i++, x += c)
		CHANNELS(j, n, c)
	some_store(t + j, n, vf_add(some_load(t + j, n), some_load(x + j, n)));
	CHANNELS(j, n, c)
	some_store(s + j, n, vf_add(some_load(s + j, n), some_load(t + j, n)));
}

static void
k_mean_end(float *s, size_t n, size_t c)
{
	vf all = vf_set((float)n);

	CHANNELS(j, m, c)
	some_store(s + j, m, vf_div(some_load(s + j, m), all));
}

static void
k_largest_add(float *s, const float *x, size_t n, size_t c)
{
	for (size_t i = 0; i < n; i++, x += c)
		CHANNELS(j, m, c)
	some_store(s + j, m, vf_max(some_load(x + j, m), some_load(s + j, m)));
}

static void
k_gate(float *x, const float *g, size_t n, size_t c)
{
	for (size_t i = 0; i < n; i++, x += c)
		CHANNELS(j, m, c)
	some_store(x + j, m, vf_mul(some_load(x + j, m), some_load(g + j, m)));
}

#endif
