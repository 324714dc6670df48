#include "image/preprocess.h"

#include <string.h>

#include "image/resize.h"

/* The two lists of Pillow's codes are one. */
_Static_assert((int)RESIZE_NEAREST == (int)PIXELS_NEAREST &&
		   (int)RESIZE_LANCZOS == (int)PIXELS_LANCZOS &&
		   (int)RESIZE_BILINEAR == (int)PIXELS_BILINEAR &&
		   (int)RESIZE_BICUBIC == (int)PIXELS_BICUBIC &&
		   (int)RESIZE_BOX == (int)PIXELS_BOX &&
		   (int)RESIZE_HAMMING == (int)PIXELS_HAMMING,
    "filters");

static void
new_size(
    const struct pixels *p, const struct image *im, uint32_t *w, uint32_t *h)
{
	*w = im->w;
	*h = im->h;
	if (p->resize == PIXELS_STRETCH) {
		*w = p->resize_w;
		*h = p->resize_h;
	} else if (p->resize == PIXELS_SHORTEST && im->w <= im->h) {
		/* Below 2^16 and at most 2^14, so the product fits. */
		*w = p->resize_w;
		*h = p->resize_w * im->h / im->w;
	} else if (p->resize == PIXELS_SHORTEST) {
		*h = p->resize_w;
		*w = p->resize_w * im->w / im->h;
	}
}

/*
 * Where the middle of n outputs begins in ``have`` samples; below 0 where
 * there are fewer.  torchvision pads floor(d / 2) before the picture and
 * rounds d / 2 half to even when it cuts; transformers takes the floor.
 */
static int32_t
middle(uint32_t have, uint32_t n, int round)
{
	int32_t d = (int32_t)have - (int32_t)n;

	if (d < 0)
		return round ? -(-d / 2) : -((1 - d) / 2);
	return d / 2 + (round && d % 4 == 3);
}

/* One axis of the crop: outputs to .. to + n are the samples from .. from + n
 * of the resized picture; the rest is zero. */
struct cut {
	uint32_t from, to, n;
};

static struct cut
cut_of(uint32_t have, uint32_t n, int round)
{
	int32_t at = middle(have, n, round);

	if (at < 0)
		return (struct cut){ 0, (uint32_t)-at, have };
	return (struct cut){ (uint32_t)at, 0, n };
}

/* What each of the 256 samples becomes, in each channel. */
static void
make_table(float table[3][256], const struct pixels *p)
{
	for (int c = 0; c < 3; c++)
		for (int v = 0; v < 256; v++)
			table[c][v] =
			    ((float)(v * p->scale) - p->mean[c]) / p->std[c];
}

static void
row_to_floats(
    float *out, const uint8_t *px, uint32_t w, int channels, float t[3][256])
{
	/* Grey is read three times. */
	const size_t g = channels == 1 ? 0 : 1, b = channels == 1 ? 0 : 2;

	for (uint32_t x = 0; x < w; x++, out += 3, px += channels) {
		out[0] = t[0][px[0]];
		out[1] = t[1][px[g]];
		out[2] = t[2][px[b]];
	}
}

static void
fill_zeros(float *out, size_t n, float t[3][256])
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < 3; c++)
			out[3 * i + (size_t)c] = t[c][0];
}

int
preprocess(const struct pixels *p, const uint8_t background[3],
    struct image *im, float *out, struct error *e)
{
	float table[3][256];
	struct image part = { 0 };
	uint32_t w, h;
	struct cut x, y;

	image_over(im, background);
	new_size(p, im, &w, &h);
	x = cut_of(w, p->width, p->crop_round);
	y = cut_of(h, p->height, p->crop_round);
	if (resize_part(&part, im, w, h,
		(struct resize_part){ x.from, y.from, x.n, y.n },
		p->resize == PIXELS_KEEP ? RESIZE_NEAREST
					 : (enum resize_filter)p->filter,
		e) == -1)
		return -1;
	make_table(table, p);
	if (x.n < p->width || y.n < p->height)
		fill_zeros(out, (size_t)p->width * p->height, table);
	for (uint32_t i = 0; i < y.n; i++)
		row_to_floats(out + ((size_t)(y.to + i) * p->width + x.to) * 3,
		    part.px + (size_t)i * part.w * (size_t)part.channels,
		    part.w, part.channels, table);
	image_free(&part);
	return 0;
}
