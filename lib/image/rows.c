#include "image/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

int
image_limits(uint32_t w, uint32_t h, struct error *e)
{
	if (w == 0 || h == 0)
		return error_set(e, "image has no pixels");
	if (w > IMAGE_MAX_SIDE || h > IMAGE_MAX_SIDE)
		return error_set(
		    e, "image dimensions exceed limit (%d)", IMAGE_MAX_SIDE);
	if ((uint64_t)w * h > IMAGE_MAX_PIXELS)
		return error_set(
		    e, "image exceeds %d pixels", IMAGE_MAX_PIXELS);
	return 0;
}

static uint32_t
box(uint32_t n, uint32_t side)
{
	return n / side > 1 ? n / side : 1;
}

int
rows_whole(
    struct rows *r, uint32_t w, uint32_t h, int channels, struct error *e)
{
	r->w = w;
	r->h = h;
	r->kx = r->ky = 1;
	r->stride = (size_t)w * (size_t)channels;
	r->whole = true;
	return image_alloc(&r->im, w, h, channels, e);
}

int
rows_begin(
    struct rows *r, uint32_t w, uint32_t h, int channels, struct error *e)
{
	uint32_t kx = 1, ky = 1, sw, sh;

	if (r->how.side > 0) {
		kx = box(w, r->how.side);
		ky = box(h, r->how.side);
	}
	/* A picture with alpha goes this way in any case: to be composed. */
	if (r->how.side == 0 || (kx == 1 && ky == 1 && channels != 4))
		return rows_whole(r, w, h, channels, e);
	if (image_limits(w, h, e) == -1)
		return -1;
	sw = (w + kx - 1) / kx;
	sh = (h + ky - 1) / ky;
	if (image_alloc(&r->im, sw, sh, channels, e) == -1)
		return -1;
	r->im.full_w = w;
	r->im.full_h = h;
	r->w = w;
	r->h = h;
	r->kx = kx;
	r->ky = ky;
	r->stride = (size_t)w * (size_t)channels;
	r->reduce = true;
	r->line = mem_array(w, (size_t)channels);
	r->sum = mem_array(r->stride, sizeof(*r->sum));
	if (r->line == NULL || r->sum == NULL)
		return error_memory(e);
	return 0;
}

/*
 * Eight samples at a time.  Vectors of the compiler, which any machine has:
 * these loops see every pixel of every picture.
 */
typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x4 __attribute__((vector_size(4)));
typedef uint16_t u16x4 __attribute__((vector_size(8)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));

/* Two pixels, premultiplied; a channel at most 255^2. */
static u16x8
premultiplied(const uint8_t *px)
{
	const u16x8 opaque = { 0, 0, 0, 255, 0, 0, 0, 255 };
	const u16x8 color = { 65535, 65535, 65535, 0, 65535, 65535, 65535, 0 };
	u16x8 v, a;
	u8x8 p;

	memcpy(&p, px, sizeof(p));
	v = __builtin_convertvector(p, u16x8);
	a = __builtin_shufflevector(v, v, 3, 3, 3, 3, 7, 7, 7, 7);
	return a * ((v & color) | opaque);
}

/*
 * Add a row to the sums of its columns.  Pixels with alpha are added
 * premultiplied, so that composing costs one division a box and not one a
 * pixel; alpha is 255 times too large, as the colours are.  A box of 128 x 128
 * full samples is 128^2 * 255^2 < 2^32.
 */
static void
add_alpha(uint32_t *sum, const uint8_t *px, uint32_t w)
{
	const uint8_t *end = px + 4 * (size_t)w;

	for (; px + 8 <= end; px += 8, sum += 8) {
		static const uint8_t clear[8];
		u16x8 v;
		u16x4 a, b;
		u32x4 s[2];

		/* Much of many pictures is clear, and adds nothing. */
		if (memcmp(px, clear, 8) == 0)
			continue;
		v = premultiplied(px);
		a = __builtin_shufflevector(v, v, 0, 1, 2, 3);
		b = __builtin_shufflevector(v, v, 4, 5, 6, 7);
		memcpy(s, sum, sizeof(s));
		s[0] += __builtin_convertvector(a, u32x4);
		s[1] += __builtin_convertvector(b, u32x4);
		memcpy(sum, s, sizeof(s));
	}
	if (px < end) {
		for (int c = 0; c < 3; c++)
			sum[c] += (uint32_t)px[c] * px[3];
		sum[3] += 255u * px[3];
	}
}

static void
add_plain(uint32_t *sum, const uint8_t *px, size_t n)
{
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		u8x4 v;
		u32x4 s;

		memcpy(&v, px + i, sizeof(v));
		memcpy(&s, sum + i, sizeof(s));
		s += __builtin_convertvector(v, u32x4);
		memcpy(sum + i, &s, sizeof(s));
	}
	for (; i < n; i++)
		sum[i] += px[i];
}

/* Add k columns up into the first of them. */
static inline void
join_columns(uint32_t *sum, uint32_t k, size_t channels)
{
	const uint32_t *at = sum + channels;

	for (uint32_t i = 1; i < k; i++, at += channels)
		for (size_t c = 0; c < channels; c++)
			sum[c] += at[c];
}

static inline void
join_four(uint32_t *sum, uint32_t k)
{
	u32x4 all, one;

	memcpy(&all, sum, sizeof(all));
	for (uint32_t i = 1; i < k; i++) {
		memcpy(&one, sum + 4 * (size_t)i, sizeof(one));
		all += one;
	}
	memcpy(sum, &all, sizeof(all));
}

/*
 * v / d for v < 2^31 by a multiplication, exact: with 2^b >= d, the multiplier
 * floor(2^(31 + b) / d) + 1 is too large by less than 2^b / d <= 2^(31 + b) /
 * (d v) (Granlund and Montgomery, doi:10.1145/178243.178249).
 */
struct divisor {
	uint64_t times;
	int shift;
};

static struct divisor
divisor_of(uint32_t d)
{
	int b = 0;

	while (1u << b < d)
		b++;
	return (struct divisor){ (1ull << (31 + b)) / d + 1, 31 + b };
}

static uint8_t
divide(uint32_t v, struct divisor d)
{
	return (uint8_t)(v * d.times >> d.shift);
}

/* The means of n samples a channel, rounded to nearest. */
static void
close_plain(uint8_t *out, const uint32_t *sum, size_t channels, uint32_t n,
    struct divisor by)
{
	for (size_t i = 0; i < channels; i++)
		out[i] = divide(sum[i] + n / 2, by);
}

/* The same of premultiplied pixels over the background.  full = 255 n. */
static void
close_alpha(uint8_t *out, const uint32_t *sum, const uint8_t *background,
    uint32_t full, struct divisor by)
{
	uint32_t clear = full - sum[3] / 255;

	for (int i = 0; i < 3; i++)
		out[i] = divide(sum[i] + background[i] * clear + full / 2, by);
	out[3] = divide(sum[3] + full / 2, by);
}

/* Divide the sums of a row of boxes, of ${ky} rows each, into the picture.
 * The last box of a row may be narrower. */
static void
close_boxes(struct rows *r, uint8_t *out, uint32_t ky)
{
	size_t c = (size_t)r->im.channels;
	uint32_t *sum = r->sum;

	for (uint32_t x = 0; x < r->im.w;) {
		uint32_t last = r->im.w - 1;
		uint32_t kx = x < last ? r->kx : r->w - last * r->kx;
		uint32_t n = kx * ky, end = x < last ? last : r->im.w;
		struct divisor by = divisor_of(c == 4 ? 255 * n : n);

		for (; x < end; x++, out += c, sum += c * kx) {
			if (c == 4) {
				join_four(sum, kx);
				close_alpha(
				    out, sum, r->how.background, 255 * n, by);
			} else {
				join_columns(sum, kx, c);
				close_plain(out, sum, c, n, by);
			}
		}
	}
	memset(r->sum, 0, r->w * c * sizeof(*r->sum));
}

static void
reduce_row(struct rows *r, const uint8_t *px, uint32_t y)
{
	uint32_t in_box = y % r->ky + 1;

	if (r->im.channels == 4)
		add_alpha(r->sum, px, r->w);
	else
		add_plain(r->sum, px, r->stride);
	if (in_box == r->ky || y + 1 == r->h)
		close_boxes(r,
		    r->im.px +
			(size_t)(y / r->ky) * r->im.w * (size_t)r->im.channels,
		    in_box);
}

void
rows_push(struct rows *r)
{
	if (r->reduce)
		reduce_row(r, r->line, r->y);
	r->y++;
}

/* A whole picture, where a small one was asked for: send it through again. */
static int
reduce_whole(struct rows *r, struct error *e)
{
	struct rows small = { .how = r->how };

	if (rows_begin(&small, r->w, r->h, r->im.channels, e) == -1) {
		rows_free(&small);
		return -1;
	}
	if (!small.reduce) {
		rows_free(&small);
		return 0;
	}
	for (uint32_t y = 0; y < r->h; y++)
		reduce_row(&small, r->im.px + y * r->stride, y);
	small.im.damaged = r->im.damaged;
	small.im.full_w = r->im.full_w;
	small.im.full_h = r->im.full_h;
	image_free(&r->im);
	r->im = small.im;
	small.im.px = NULL;
	rows_free(&small);
	return 0;
}

int
rows_end(struct rows *r, struct error *e)
{
	/* Rows that a damaged file does not have count as zeros. */
	if (r->reduce && r->y < r->h) {
		memset(r->line, 0, r->stride);
		while (r->y < r->h)
			rows_push(r);
	}
	if (r->whole && r->how.side > 0)
		return reduce_whole(r, e);
	return 0;
}

void
rows_free(struct rows *r)
{
	free(r->line);
	free(r->sum);
	image_free(&r->im);
	*r = (struct rows){ 0 };
}
