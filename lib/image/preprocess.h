#ifndef IMAGE_PREPROCESS_H
#define IMAGE_PREPROCESS_H

#include "base/error.h"
#include "image/image.h"
#include "nn/pixels.h"

/*
 * A decoded picture to the numbers that a pretrained network wants, in the
 * order and with the rounding of the references (transformers' image
 * processors on Pillow; torchvision and timm): upright (image_decode does
 * that), over a colour, resized with Pillow's 8-bit arithmetic, cropped,
 * scaled, less mean, by standard deviation.
 */

/*
 * preprocess(p, background, im, out, e): im is changed, and freed by the
 * caller as ever.  out: [height, width, 3], RGB; grey pictures give three
 * equal channels.  0 or -1.
 */
int preprocess(const struct pixels *p, const uint8_t background[3],
    struct image *im, float *out, struct error *e);

#endif
