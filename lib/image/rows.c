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
	r->sum = mem_array((size_t)sw * (size_t)channels, sizeof(*r->sum));
	if (r->line == NULL || r->sum == NULL)
		return error_memory(e);
	return 0;
}

/*
 * Add the boxes of one row.  Pixels with alpha are added premultiplied, so
 * that composing costs one division a box and not one a pixel: a box of
 * 128 x 128 full samples is 128^2 * 255^2 < 2^32.
 */
static void
add_alpha(uint32_t *sum, const uint8_t *px, uint32_t w, uint32_t k)
{
	for (uint32_t x = 0; x < w; x += k, sum += 4) {
		uint32_t n = w - x < k ? w - x : k;
		uint32_t r = 0, g = 0, b = 0, a = 0;

		for (uint32_t i = 0; i < n; i++, px += 4) {
			r += (uint32_t)px[0] * px[3];
			g += (uint32_t)px[1] * px[3];
			b += (uint32_t)px[2] * px[3];
			a += px[3];
		}
		sum[0] += r;
		sum[1] += g;
		sum[2] += b;
		sum[3] += a;
	}
}

static void
add_rgb(uint32_t *sum, const uint8_t *px, uint32_t w, uint32_t k)
{
	for (uint32_t x = 0; x < w; x += k, sum += 3) {
		uint32_t n = w - x < k ? w - x : k;

		for (uint32_t i = 0; i < n; i++, px += 3) {
			sum[0] += px[0];
			sum[1] += px[1];
			sum[2] += px[2];
		}
	}
}

static void
add_grey(uint32_t *sum, const uint8_t *px, uint32_t w, uint32_t k)
{
	for (uint32_t x = 0; x < w; x += k, sum++) {
		uint32_t n = w - x < k ? w - x : k;

		for (uint32_t i = 0; i < n; i++)
			sum[0] += *px++;
	}
}

/* Divide the sums of a row of boxes, of ${ky} rows each, into the picture. */
static void
close_boxes(struct rows *r, uint8_t *out, uint32_t ky)
{
	uint32_t c = (uint32_t)r->im.channels;

	for (uint32_t x = 0; x < r->im.w; x++, out += c) {
		uint32_t *s = r->sum + (size_t)x * c;
		uint32_t left = r->w - x * r->kx;
		uint32_t n = ky * (left < r->kx ? left : r->kx);

		if (c < 4) {
			for (uint32_t i = 0; i < c; i++)
				out[i] = (uint8_t)((s[i] + n / 2) / n);
			continue;
		}
		for (uint32_t i = 0; i < 3; i++) {
			uint64_t v =
			    (uint64_t)s[i] +
			    (uint64_t)r->how.background[i] * (255 * n - s[3]);

			out[i] = (uint8_t)((v + 255 * n / 2) / (255 * n));
		}
		out[3] = (uint8_t)((s[3] + n / 2) / n);
	}
	memset(r->sum, 0, (size_t)r->im.w * c * sizeof(*r->sum));
}

static void
reduce_row(struct rows *r, const uint8_t *px, uint32_t y)
{
	uint32_t in_box = y % r->ky + 1;

	if (r->im.channels == 4)
		add_alpha(r->sum, px, r->w, r->kx);
	else if (r->im.channels == 3)
		add_rgb(r->sum, px, r->w, r->kx);
	else
		add_grey(r->sum, px, r->w, r->kx);
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
