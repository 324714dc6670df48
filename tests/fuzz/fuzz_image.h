#ifndef FUZZ_FUZZ_IMAGE_H
#define FUZZ_FUZZ_IMAGE_H

#include "base/error.h"
#include "fuzz.h"
#include "image/meta.h"

/*
 * Decode p: [n] if it is of this type: small, kept, and strictly.  What is
 * sound when decoded small must be sound at full size.  Pictures that claim
 * more than a million pixels cost time and find nothing.
 */
static inline void
fuzz_image(enum image_type type, const uint8_t *p, size_t n)
{
	const struct image_how kept = { .keep = true };
	const struct image_how small = { .keep = true, .side = 128 };
	struct image a, b;
	struct meta m;
	struct error e;
	uint64_t pixels;

	if (image_type(p, n) != type || meta_read(&m, p, n, &e) == -1)
		return;
	pixels = (uint64_t)m.w * m.h;
	meta_free(&m);
	if (pixels > 1000000)
		return;
	if (image_decode(&a, p, n, &small, &e) == -1)
		return;
	FUZZ_MUST(image_decode(&b, p, n, &kept, &e) == 0);
	FUZZ_MUST(b.damaged == a.damaged);
	image_free(&b);
	if (!a.damaged) {
		FUZZ_MUST(image_decode(&b, p, n, NULL, &e) == 0);
		FUZZ_MUST(b.w == a.full_w && b.h == a.full_h);
		image_free(&b);
	}
	image_free(&a);
}

#endif
