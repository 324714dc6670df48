#include "linalg/conv.h"

#include <string.h>

#include "linalg/conv_impl.h"
#include "linalg/linalg.h"

static const struct conv_kernels *
kernels(enum isa isa)
{
#if defined(__x86_64__)
	if (isa >= ISA_AVX512)
		return &conv_avx512;
	if (isa == ISA_AVX2)
		return &conv_avx2;
	if (cpu_has_fma())
		return &conv_fma;
#endif
	(void)isa;
	return &conv_portable;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

int
window_even(struct window *win, uint32_t k, uint32_t stride, uint32_t pad,
    uint32_t h, uint32_t w)
{
	if ((uint64_t)h + 2 * (uint64_t)pad < k ||
	    (uint64_t)w + 2 * (uint64_t)pad < k)
		return -1;
	*win = (struct window){ k, k, stride, pad, pad, h, w,
		(h + 2 * pad - k) / stride + 1,
		(w + 2 * pad - k) / stride + 1 };
	return 0;
}

/* Of SAME, the padding before one axis. */
static uint32_t
same_before(uint32_t size, uint32_t out, uint32_t k, uint32_t stride)
{
	uint64_t covers = (uint64_t)(out - 1) * stride + k;

	return covers > size ? (uint32_t)((covers - size) / 2) : 0;
}

int
window_same(
    struct window *win, uint32_t k, uint32_t stride, uint32_t h, uint32_t w)
{
	uint32_t oh = (h - 1) / stride + 1, ow = (w - 1) / stride + 1;

	*win = (struct window){ k, k, stride, same_before(h, oh, k, stride),
		same_before(w, ow, k, stride), h, w, oh, ow };
	return 0;
}

/* Whether the taps of a pixel are that pixel. */
static int
is_linear(const struct conv *c)
{
	const struct window *w = &c->win;

	return w->kh == 1 && w->kw == 1 && w->stride == 1 && w->top == 0 &&
	       w->left == 0 && c->groups == 1;
}

/* Pixels whose taps are laid side by side at once: enough for the weights to
 * be worth reading, and where the taps are few, few enough for the second
 * cache. */
static size_t
strip_pixels(const struct conv *c)
{
	size_t pixels = ((size_t)1 << 15) / c->l.in / 12 * 12;
	size_t all = (size_t)c->win.oh * c->win.ow;

	pixels = pixels < 96 ? 96 : pixels;
	return least(pixels, all);
}

static size_t
strip_bytes(const struct conv *c)
{
	return (strip_pixels(c) * c->l.in * sizeof(float) + 63) / 64 * 64;
}

/* Floats of a row of the input with its padding. */
static size_t
padded_row(const struct conv *c)
{
	const struct window *w = &c->win;

	return (((size_t)w->ow - 1) * w->stride + w->kw) * c->in;
}

size_t
conv_room(const struct conv *c)
{
	size_t taps, rows;

	if (is_linear(c))
		return linear_room(&c->l, (size_t)c->win.oh * c->win.ow);
	taps = strip_bytes(c) + linear_room(&c->l, strip_pixels(c));
	rows = c->l.in <= LINALG_KBLOCK
		   ? c->win.kh * padded_row(c) * sizeof(float)
		   : 0;
	return taps > rows ? taps : rows;
}

static int
is_simple(enum activation act)
{
	return act == ACT_NONE || act == ACT_RELU || act == ACT_RELU6;
}

/* Whether the kernel for few inputs may be used. */
static int
is_dense(enum isa isa, const struct linear *l, const struct linear_after *a,
    enum activation last)
{
	return kernels(isa)->dense != NULL && l->precision == PRECISION_F32 &&
	       l->in <= LINALG_KBLOCK && l->bias != NULL && a->gamma == NULL &&
	       is_simple(last) && (is_simple(a->act) || a->residual == NULL);
}

static void
dense(enum isa isa, float *y, size_t ldy, const struct dense_rows *x,
    const struct linear *l, const struct linear_after *after,
    enum activation last)
{
	struct linear_after a = *after;

	if (!is_simple(a.act))
		a.act = ACT_NONE;
	kernels(isa)->dense(y, ldy, x, l, &a, last);
	for (size_t i = 0; a.act != after->act && i < x->n; i++)
		linear_activate(isa, after->act, y + i * ldy, l->out);
}

/* linear_run and the activation ${last}. */
static void
layer(enum isa isa, float *y, size_t ldy, const float *x, size_t ldx,
    size_t rows, const struct linear *l, const struct linear_after *a,
    enum activation last, void *room)
{
	struct dense_rows in = { x, ldx, rows, 1, l->in, l->in };

	if (is_dense(isa, l, a, last)) {
		dense(isa, y, ldy, &in, l, a, last);
		return;
	}
	linear_run(isa, y, ldy, x, ldx, rows, l, a, room);
	for (size_t i = 0; last != ACT_NONE && i < rows; i++)
		linear_activate(isa, last, y + i * ldy, l->out);
}

/* The taps of group g of output pixel (i, j) to t: [kh, kw, in / groups]. */
static void
gather(float *t, const struct picture_rows *x, const struct conv *c, size_t g,
    uint32_t i, uint32_t j)
{
	const struct window *w = &c->win;
	size_t in = c->in / c->groups, row = w->kw * in;
	int64_t y0 = (int64_t)i * w->stride - w->top;
	int64_t x0 = (int64_t)j * w->stride - w->left;
	uint32_t ya, yb, xa, xb;

	window_clip(y0, w->kh, w->h, &ya, &yb);
	window_clip(x0, w->kw, w->w, &xa, &xb);
	if (yb - ya < w->kh || xb - xa < w->kw)
		memset(t, 0, w->kh * row * sizeof(*t));
	for (uint32_t a = ya; a < yb; a++) {
		const float *from = picture_row(x, (size_t)(y0 + a)) +
				    (size_t)(x0 + xa) * c->in + g * in;
		float *to = t + a * row + xa * in;

		if (c->groups == 1) {
			memcpy(to, from, (xb - xa) * in * sizeof(*t));
			continue;
		}
		for (uint32_t b = xa; b < xb; b++, from += c->in, to += in)
			memcpy(to, from, in * sizeof(*t));
	}
}

/*
 * One row of the output: the rows under the kernel with their padding are laid
 * out in t, and there the taps of a pixel are parts of these rows.
 */
static void
padded(enum isa isa, float *y, const struct picture_rows *x,
    const struct conv *c, uint32_t i, const struct linear_after *a, float *t)
{
	const struct window *w = &c->win;
	size_t ld = padded_row(c), columns = ld / c->in;
	struct dense_rows in = { t, (size_t)w->stride * c->in, w->ow, w->kh,
		(size_t)w->kw * c->in, ld };
	int64_t y0 = (int64_t)i * w->stride - w->top;
	uint32_t ya, yb, xa, xb;

	window_clip(y0, w->kh, w->h, &ya, &yb);
	window_clip(-(int64_t)w->left, (uint32_t)columns, w->w, &xa, &xb);
	for (uint32_t r = 0; r < w->kh; r++) {
		float *to = t + r * ld;
		size_t from = r >= ya && r < yb ? xa : columns;
		size_t end = r >= ya && r < yb ? xb : columns;

		memset(to, 0, from * c->in * sizeof(*to));
		memset(
		    to + end * c->in, 0, (columns - end) * c->in * sizeof(*to));
		if (from < end)
			memcpy(to + from * c->in,
			    picture_row(x, (size_t)(y0 + r)) +
				(from - w->left) * c->in,
			    (end - from) * c->in * sizeof(*to));
	}
	dense(isa, y, c->out, &in, &c->l, a, c->last);
}

/* Output pixels from .. from + n, counted from y's first one at ${base}. */
static void
strip(enum isa isa, float *y, const struct picture_rows *x,
    const struct conv *c, size_t base, size_t from, size_t n,
    const struct linear_after *after, void *room)
{
	size_t out = c->out / c->groups;
	struct linear l = c->l;
	float *taps = room;
	void *rest = (char *)room + strip_bytes(c);

	y += (from - base) * c->out;
	for (size_t g = 0; g < c->groups; g++) {
		struct linear_after a = { ACT_NONE, NULL, NULL, 0 };

		if (after != NULL)
			a = *after;
		if (a.gamma != NULL)
			a.gamma += g * out;
		if (a.residual != NULL)
			a.residual += (from - base) * a.ldr + g * out;
		for (size_t p = 0; p < n; p++)
			gather(taps + p * l.in, x, c, g,
			    (uint32_t)((from + p) / c->win.ow),
			    (uint32_t)((from + p) % c->win.ow));
		layer(isa, y + g * out, c->out, taps, l.in, n, &l, &a, c->last,
		    rest);
		l.packed = (const char *)l.packed +
			   linear_size(l.precision, l.in, l.out);
		l.bias = l.bias != NULL ? l.bias + out : NULL;
	}
}

void
conv_run(enum isa isa, float *y, const struct picture_rows *x,
    const struct conv *c, uint32_t from, uint32_t to,
    const struct linear_after *after, void *room)
{
	size_t ow = c->win.ow, base = from * ow, end = to * ow;
	struct linear_after a = { ACT_NONE, NULL, NULL, 0 };

	if (after != NULL)
		a = *after;
	if (!is_linear(c) && c->groups == 1 &&
	    is_dense(isa, &c->l, &a, c->last)) {
		for (uint32_t i = from; i < to; i++, y += ow * c->out) {
			padded(isa, y, x, c, i, &a, room);
			if (a.residual != NULL)
				a.residual += ow * a.ldr;
		}
		return;
	}
	if (!is_linear(c)) {
		for (size_t p = base, n; p < end; p += n) {
			n = least(end - p, strip_pixels(c));
			strip(isa, y, x, c, base, p, n, &a, room);
		}
		return;
	}
	/* As many rows at once as lie one behind the other. */
	for (size_t i = from, n; i < to; i += n) {
		n = least(to - i, x->keep - i % x->keep);
		layer(isa, y, c->out, picture_row(x, i), c->in, n * ow, &c->l,
		    &a, c->last, room);
		y += n * ow * c->out;
		if (a.residual != NULL)
			a.residual += n * ow * a.ldr;
	}
}

uint64_t
conv_macs(const struct conv *c)
{
	return (uint64_t)c->win.oh * c->win.ow * c->l.in * c->out;
}

size_t
depth_size(size_t taps, size_t c)
{
	return (c + CONV_LINE - 1) / CONV_LINE * CONV_LINE * taps;
}

void
depth_pack(float *packed, const float *W, size_t taps, size_t c)
{
	memset(packed, 0, depth_size(taps, c) * sizeof(*packed));
	for (size_t j = 0; j < c; j++)
		for (size_t k = 0; k < taps; k++)
			packed[(j / CONV_LINE * taps + k) * CONV_LINE +
			       j % CONV_LINE] = W[j * taps + k];
}

void
depth_run(enum isa isa, float *y, const struct picture_rows *x,
    const struct depth *d, uint32_t from, uint32_t to)
{
	kernels(isa)->depth(y, x, d, from, to);
	if (d->act != ACT_NONE && d->act != ACT_RELU && d->act != ACT_RELU6)
		linear_activate(
		    isa, d->act, y, (size_t)(to - from) * d->win.ow * d->c);
}

void
conv_pool(enum isa isa, float *y, const struct picture_rows *x,
    const struct window *win, uint32_t c, int mean, uint32_t from, uint32_t to)
{
	kernels(isa)->pool(y, x, win, c, mean, from, to);
}

void
conv_mean_add(
    enum isa isa, float *s, float *t, const float *x, size_t w, size_t c)
{
	kernels(isa)->mean_add(s, t, x, w, c);
}

void
conv_mean_end(enum isa isa, float *s, size_t n, size_t c)
{
	kernels(isa)->mean_end(s, n, c);
}

void
conv_largest_add(enum isa isa, float *s, const float *x, size_t n, size_t c)
{
	kernels(isa)->largest_add(s, x, n, c);
}

void
conv_gate(enum isa isa, float *x, const float *g, size_t n, size_t c)
{
	kernels(isa)->gate(x, g, n, c);
}
