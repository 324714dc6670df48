#ifndef IMAGE_PREPROCESS_H
#define IMAGE_PREPROCESS_H

#include "base/error.h"
#include "image/image.h"
#include "image/resize.h"

/*
 * A decoded picture to the numbers that a pretrained network wants, in the
 * order of the reference (torchvision, transformers' image processors on
 * Pillow): upright, over a colour, resized with Pillow's 8-bit arithmetic,
 * cropped, scaled to 0..1, less mean, by standard deviation.
 */
struct preprocess {
	/* resize to exactly width x height (shortest = 0), or so that the
	 * shorter side becomes ${shortest} and then crop the middle. */
	uint32_t width, height, shortest;
	int shortest_longer_floor; /* the longer side is cut (1) or rounded
				    * (0) to whole pixels */
	enum resize_filter filter;
	uint8_t background[3];
	float scale;            /* of a sample, 1/255 */
	float mean[3], std[3];
};

/*
 * preprocess(p, im, out, e): im is changed.  out: [height, width, 3];
 * out = (sample * scale - mean) / std, each step rounded.  0 or -1.
 */
int preprocess(const struct preprocess *p, struct image *im, float *out,
    struct error *e);

#endif
