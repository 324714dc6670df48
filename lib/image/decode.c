#include "base/error.h"
#include "image/exif.h"
#include "image/rows.h"

/* The least ${side}: the sums of rows.c are 32 bits wide. */
enum { LEAST_SIDE = 128 };

static int
decode_rows(struct rows *r, const uint8_t *p, size_t n, struct error *e)
{
	int rc;

	switch (image_type(p, n)) {
	case IMAGE_PNG:
		rc = decode_png(r, p, n, e);
		break;
	case IMAGE_JPEG:
		rc = decode_jpeg(r, p, n, e);
		break;
	case IMAGE_PNM:
		rc = decode_pnm(r, p, n, e);
		break;
	default:
		return error_set(e, "unknown image type");
	}
	if (rc == -1) {
		if (!r->how.keep || r->y == 0)
			return -1;
		r->im.damaged = true;
	}
	return rows_end(r, e);
}

int
image_decode(struct image *im, const void *p, size_t n,
    const struct image_how *how, struct error *e)
{
	struct rows r = { 0 };
	int rc;

	*im = (struct image){ 0 };
	if (how != NULL)
		r.how = *how;
	if (r.how.side > 0 && r.how.side < LEAST_SIDE)
		r.how.side = LEAST_SIDE;
	if (n > IMAGE_MAX_BYTES)
		return error_set(
		    e, "image file exceeds %d MiB", IMAGE_MAX_BYTES >> 20);
	rc = decode_rows(&r, p, n, e);
	if (rc == 0)
		rc = image_orient(&r.im, exif_orientation(p, n), e);
	if (rc == 0) {
		*im = r.im;
		r.im.px = NULL;
	}
	rows_free(&r);
	return rc;
}
