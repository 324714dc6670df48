#ifndef IMAGE_RESIZE_H
#define IMAGE_RESIZE_H

#include "image/image.h"

/*
 * Resampling that gives Pillow's bytes (Image.resize of 8-bit modes without
 * reducing_gap): every output sample is a weighted mean of the input under a
 * filter stretched by the scale when shrinking, so nothing aliases, along
 * one axis, rounded to 8 bits, and then along the other.  Weights are integers
 * of 22 fractional bits, so every machine gives equal bytes.  RESIZE_NEAREST
 * takes the sample under the middle of the output's.
 */
enum resize_filter { /* Pillow's codes */
	RESIZE_NEAREST,
	RESIZE_LANCZOS,
	RESIZE_BILINEAR,
	RESIZE_BICUBIC,
	RESIZE_BOX,
	RESIZE_HAMMING
};

/*
 * resize(out, in, w, h, filter, e): in resampled to w x h pixels, each channel
 * by itself: compose transparency first (image_over).  out must not be in.
 * 0, or -1 with a sentence and *out empty.
 */
int resize(struct image *out, const struct image *in, uint32_t w, uint32_t h,
    enum resize_filter filter, struct error *e);

/* A rectangle of pixels. */
struct resize_part {
	uint32_t x, y, w, h;
};

/* resize_part(out, in, w, h, part, filter, e): only that part of the result,
 * which is within w x h; the rest is not computed, nor limited in size. */
int resize_part(struct image *out, const struct image *in, uint32_t w,
    uint32_t h, struct resize_part part, enum resize_filter filter,
    struct error *e);

#endif
