#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stdlib.h>

#include "base/error.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/*
 * Decode p: [n] if it is of this type: small, kept, and strictly.  What is
 * sound when decoded small must be sound at full size.
 */
static inline int
fuzz_image(enum image_type type, const uint8_t *p, size_t n)
{
	const struct image_how kept = { .keep = true };
	const struct image_how small = { .keep = true, .side = 128 };
	struct image a, b;
	struct error e;

	if (image_type(p, n) != type)
		return 0;
	if (image_decode(&a, p, n, &small, &e) == -1)
		return 0;
	if (a.w < 512 && a.h < 512 && image_decode(&b, p, n, &kept, &e) == 0)
		image_free(&b);
	if (!a.damaged && image_decode(&b, p, n, NULL, &e) == -1)
		abort();
	else if (!a.damaged)
		image_free(&b);
	image_free(&a);
	return 0;
}

#endif
