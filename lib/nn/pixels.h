#ifndef NN_PIXELS_H
#define NN_PIXELS_H

#include <stdint.h>

#include "base/error.h"
#include "nn/store.h"

/*
 * What pixels a network for pictures wants: how a decoded picture of any size
 * becomes the numbers that it was trained on.  lib/image/preprocess.h does
 * what is said here.  Plain data.
 */

/* The codes of Pillow, which preprocessor_config.json uses. */
enum pixels_filter {
	PIXELS_NEAREST,
	PIXELS_LANCZOS,
	PIXELS_BILINEAR,
	PIXELS_BICUBIC,
	PIXELS_BOX,
	PIXELS_HAMMING
};

enum pixels_resize {
	PIXELS_KEEP,    /* as it comes */
	PIXELS_STRETCH, /* to resize_w x resize_h */
	PIXELS_SHORTEST /* the shorter side to resize_w, the longer one to
			 * floor(resize_w longer / shorter) */
};

struct pixels {
	uint32_t width, height; /* that go in */
	enum pixels_resize resize;
	uint32_t resize_w, resize_h;
	enum pixels_filter filter;
	/* Where the resized picture is larger than width x height its middle
	 * is taken; where it is smaller, it is put in the middle of zeros.
	 * An odd difference d of sizes puts the cut at floor(d / 2)
	 * (transformers) or, with this flag, at d / 2 rounded to even
	 * (torchvision, timm). */
	int crop_round;
	double scale; /* of a sample: 1/255 */
	/* in = ((float)(sample scale) - mean) / std */
	float mean[3], std[3];
};

/*
 * pixels_read(s, fallback, out, e): from preprocessor_config.json (the image
 * processors and feature extractors of ViT, DeiT, BiT, CLIP, SigLIP and
 * ConvNeXT), else from pretrained_cfg in timm's config.json, else ${fallback}.
 * Whatever a file asks for that is not done here is an error that names file
 * and field.  0 or -1.
 */
int pixels_read(const struct store *s, const struct pixels *fallback,
    struct pixels *out, struct error *e);

/* pixels_tag(p, out): a canonical JSON object of all fields, for a part's
 * space.  0, or -1 when memory is out. */
int pixels_tag(const struct pixels *p, struct buf *out);

#endif
