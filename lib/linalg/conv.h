#ifndef LINALG_CONV_H
#define LINALG_CONV_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/linear.h"

/*
 * Convolution, pooling and scaling over pictures: what convolutional networks
 * are made of.  A picture is [h, w, c] with the channels of a pixel together.
 * Nothing here allocates, fails, or keeps a pointer; sizes are the caller's
 * to check.
 *
 * ORDER, the same bytes under every instruction set and for every split of
 * the output's rows over calls:
 *
 *	conv    a linear layer over the taps of a pixel, in the order kernel
 *	        row, kernel column, channel
 *	depth   from +0 one fused multiply-add for each tap, in the same
 *	        order;  t = sum + bias, or + 0;  y = act(t)
 *	mean    the pixels of a row are added in order, then the rows, and the
 *	        sum is divided by the number of pixels
 *
 * Taps beyond the border of the picture are zeros, and take part.  Int8 and
 * f16 are a matter of conv's weights alone (linear.h).
 */

enum { CONV_LINE = 16 }; /* channels that are packed together */

/* How a kernel of kh x kw moves over [h, w]: output pixel (i, j) looks at the
 * rows i * stride - top ... and the columns j * stride - left ... */
struct window {
	uint32_t kh, kw, stride;
	uint32_t top, left; /* rows and columns of padding before */
	uint32_t h, w, oh, ow;
};

/*
 * window_even: ${pad} rows and columns on all sides, as PyTorch does.
 * window_same: TensorFlow's SAME, ceil(size / stride) out, the odd one of
 * the padding behind.  0, or -1 when the padded picture is smaller than the
 * kernel.  0 < k, 0 < stride, h, w.
 */
int window_even(struct window *win, uint32_t k, uint32_t stride, uint32_t pad,
    uint32_t h, uint32_t w);
int window_same(
    struct window *win, uint32_t k, uint32_t stride, uint32_t h, uint32_t w);

/*
 * Rows of a picture, some of which may be gone: row i lies at
 * p + (i % keep) * ld.  With keep = h it is the whole picture.
 */
struct picture_rows {
	const float *p;
	size_t ld, keep;
};

/* ---- dense convolution ---- */

struct conv {
	struct window win;
	uint32_t in, out, groups; /* channels; groups divides both */
	/* The packed weights of the first group as [out / groups,
	 * kh * kw * in / groups]; those of the others follow, linear_size
	 * bytes apart; bias: [out]. */
	struct linear l;
	enum activation last; /* after the residual, for ResNet */
};

/* conv_room: bytes of scratch that conv_run wants, 64-byte aligned. */
size_t conv_room(const struct conv *c);

/*
 * conv_run(isa, y, x, c, from, to, after, room): the output's rows
 * from .. to.  x: [h, w, in]   y: [to - from, ow, out]
 * after: of linear.h, gamma: [out], residual: as y, rows (pixels) ldr apart,
 * may be y; or NULL.  y does not overlap the rows of x that are read.
 */
void conv_run(enum isa isa, float *y, const struct picture_rows *x,
    const struct conv *c, uint32_t from, uint32_t to,
    const struct linear_after *after, void *room);

/* conv_macs: multiply-adds of the whole output. */
uint64_t conv_macs(const struct conv *c);

/* ---- depthwise convolution: each channel by itself ---- */

struct depth {
	struct window win;
	uint32_t c;
	const float *packed; /* depth_size floats, 64-byte aligned */
	const float *bias;   /* [c], or NULL */
	enum activation act;
};

/* depth_pack: W: [c, taps] to packed: [c / CONV_LINE, taps, CONV_LINE], of
 * which depth_size(taps, c) is the number of floats. */
size_t depth_size(size_t taps, size_t c);
void depth_pack(float *packed, const float *W, size_t taps, size_t c);

/* depth_run: the output's rows from .. to.  y: [to - from, ow, c], apart
 * from x. */
void depth_run(enum isa isa, float *y, const struct picture_rows *x,
    const struct depth *d, uint32_t from, uint32_t to);

/* ---- pooling and scaling ---- */

/* conv_pool: the largest, or the mean, of the pixels under each window that
 * lie within the picture; in the same way. */
void conv_pool(enum isa isa, float *y, const struct picture_rows *x,
    const struct window *win, uint32_t c, int mean, uint32_t from, uint32_t to);

/* conv_mean_add: s[j] += the sum of a row's pixels.  x: [w, c]   s, t: [c], t
 * scratch.  conv_mean_end: s[j] /= n. */
void conv_mean_add(
    enum isa isa, float *s, float *t, const float *x, size_t w, size_t c);
void conv_mean_end(enum isa isa, float *s, size_t n, size_t c);

/* conv_largest_add: s[j] = the larger of s[j] and each pixel's. */
void conv_largest_add(
    enum isa isa, float *s, const float *x, size_t n, size_t c);

/* conv_gate: x[i][j] *= g[j].  x: [n, c]   g: [c] */
void conv_gate(enum isa isa, float *x, const float *g, size_t n, size_t c);

#endif
