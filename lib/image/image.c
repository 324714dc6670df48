#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "image/rows.h"

enum image_type
image_type(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	if (n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
		return IMAGE_PNG;
	if (n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0)
		return IMAGE_JPEG;
	if (n >= 3 && p[0] == 'P' && p[1] >= '1' && p[1] <= '7' &&
	    (p[2] == '#' || p[2] == ' ' || (p[2] >= '\t' && p[2] <= '\r')))
		return IMAGE_PNM;
	return IMAGE_UNKNOWN;
}

void
image_free(struct image *im)
{
	if (im == NULL)
		return;
	free(im->px);
	*im = (struct image){ 0 };
}

int
image_alloc(
    struct image *im, uint32_t w, uint32_t h, int channels, struct error *e)
{
	*im = (struct image){ 0 };
	if (image_limits(w, h, e) == -1)
		return -1;
	im->px = mem_array((size_t)w * h, (size_t)channels);
	if (im->px == NULL)
		return error_memory(e);
	im->w = im->full_w = w;
	im->h = im->full_h = h;
	im->channels = channels;
	return 0;
}

void
image_over(struct image *im, const uint8_t background[3])
{
	size_t n = (size_t)im->w * im->h;
	const uint8_t *in = im->px;
	uint8_t *out = im->px;

	if (im->channels != 4)
		return;
	for (size_t i = 0; i < n; i++, in += 4, out += 3) {
		uint32_t a = in[3];

		for (int c = 0; c < 3; c++) {
			uint32_t t =
			    in[c] * a + background[c] * (255 - a) + 128;

			out[c] = (uint8_t)((t + (t >> 8)) >> 8);
		}
	}
	im->channels = 3;
}

/*
 * EXIF 2.32, tag 274: where row 0 and column 0 of what is stored are in what
 * is shown.  From 5 on, rows are columns.
 *
 *	1 top left	2 top right	3 bottom right	4 bottom left
 *	5 left top	6 right top	7 right bottom	8 left bottom
 */
int
image_orient(struct image *im, int o, struct error *e)
{
	bool turn = o >= 5, flip_x, flip_y;
	size_t c = (size_t)im->channels;
	struct image up;

	if (o <= 1 || o > 8)
		return 0;
	flip_x = o == 2 || o == 3 || o == 6 || o == 7;
	flip_y = o == 3 || o == 4 || o == 7 || o == 8;
	if (image_alloc(&up, turn ? im->h : im->w, turn ? im->w : im->h,
		im->channels, e) == -1)
		return -1;
	for (uint32_t y = 0; y < up.h; y++) {
		uint32_t fy = flip_y ? up.h - 1 - y : y;
		uint8_t *out = up.px + (size_t)y * up.w * c;

		for (uint32_t x = 0; x < up.w; x++, out += c) {
			uint32_t fx = flip_x ? up.w - 1 - x : x;
			size_t at = turn ? (size_t)fx * im->w + fy
					 : (size_t)fy * im->w + fx;

			memcpy(out, im->px + at * c, c);
		}
	}
	up.damaged = im->damaged;
	up.full_w = turn ? im->full_h : im->full_w;
	up.full_h = turn ? im->full_w : im->full_h;
	image_free(im);
	*im = up;
	return 0;
}
