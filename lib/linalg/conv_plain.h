#ifndef LINALG_CONV_PLAIN_H
#define LINALG_CONV_PLAIN_H

/* The kernels of conv_impl.h as plain loops: the reference. */

#include <math.h>
#include <string.h>

#include "linalg/conv_impl.h"
#include "linalg/fma.h"

/* The taps of window ${win} of output pixel (i, j) that lie within. */
struct taps {
	int64_t y0, x0;
	uint32_t ya, yb, xa, xb;
};

static struct taps
taps_of(const struct window *win, uint32_t i, uint32_t j)
{
	struct taps t;

	t.y0 = (int64_t)i * win->stride - win->top;
	t.x0 = (int64_t)j * win->stride - win->left;
	window_clip(t.y0, win->kh, win->h, &t.ya, &t.yb);
	window_clip(t.x0, win->kw, win->w, &t.xa, &t.xb);
	return t;
}

/* x(y, xx)[ch], or 0 beyond the border */
static float
picture_value(const struct picture_rows *x, const struct window *w, size_t c,
    int64_t y, int64_t xx, size_t ch)
{
	if (y < 0 || y >= w->h || xx < 0 || xx >= w->w)
		return 0;
	return picture_row(x, (size_t)y)[(size_t)xx * c + ch];
}

static float
depth_value(const struct picture_rows *x, const struct depth *d, uint32_t i,
    uint32_t j, size_t ch)
{
	const struct window *w = &d->win;
	const float *W = d->packed +
			 ch / CONV_LINE * w->kh * w->kw * CONV_LINE +
			 ch % CONV_LINE;
	int64_t y0 = (int64_t)i * w->stride - w->top;
	int64_t x0 = (int64_t)j * w->stride - w->left;
	float s = 0;

	for (uint32_t a = 0; a < w->kh; a++)
		for (uint32_t b = 0; b < w->kw; b++)
			s = fma_float(W[(a * w->kw + b) * CONV_LINE],
			    picture_value(x, w, d->c, y0 + a, x0 + b, ch), s);
	s += d->bias != NULL ? d->bias[ch] : 0;
	if (d->act == ACT_RELU || d->act == ACT_RELU6)
		s = 0 > s ? 0 : s;
	if (d->act == ACT_RELU6)
		s = 6 < s ? 6 : s;
	return s;
}

static void
k_depth(float *y, const struct picture_rows *x, const struct depth *d,
    uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		for (uint32_t j = 0; j < d->win.ow; j++)
			for (size_t ch = 0; ch < d->c; ch++)
				*y++ = depth_value(x, d, i, j, ch);
}

static float
pool_value(const struct picture_rows *x, size_t c, int mean,
    const struct taps *t, size_t ch)
{
	float s = mean ? 0 : -INFINITY;

	for (uint32_t a = t->ya; a < t->yb; a++)
		for (uint32_t b = t->xa; b < t->xb; b++) {
			float v = picture_row(x,
			    (size_t)(t->y0 + a))[(size_t)(t->x0 + b) * c + ch];

			s = mean ? s + v : v > s ? v : s;
		}
	if (mean)
		s /= (float)((t->yb - t->ya) * (t->xb - t->xa));
	return s;
}

static void
k_pool(float *y, const struct picture_rows *x, const struct window *win,
    uint32_t c, int mean, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		for (uint32_t j = 0; j < win->ow; j++) {
			struct taps t = taps_of(win, i, j);

			for (size_t ch = 0; ch < c; ch++)
				*y++ = pool_value(x, c, mean, &t, ch);
		}
}

static void
k_mean_add(float *s, float *t, const float *x, size_t w, size_t c)
{
	memset(t, 0, c * sizeof(*t));
	for (size_t i = 0; i < w; i++)
		for (size_t j = 0; j < c; j++)
			t[j] += x[i * c + j];
	for (size_t j = 0; j < c; j++)
		s[j] += t[j];
}

static void
k_mean_end(float *s, size_t n, size_t c)
{
	for (size_t j = 0; j < c; j++)
		s[j] /= (float)n;
}

static void
k_largest_add(float *s, const float *x, size_t n, size_t c)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < c; j++)
			s[j] = x[i * c + j] > s[j] ? x[i * c + j] : s[j];
}

static void
k_gate(float *x, const float *g, size_t n, size_t c)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < c; j++)
			x[i * c + j] *= g[j];
}

#endif
