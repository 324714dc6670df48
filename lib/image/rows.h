#ifndef IMAGE_ROWS_H
#define IMAGE_ROWS_H

#include "image/image.h"

/*
 * Where decoders put their rows: into a whole picture, or, where a small one
 * is enough, into the running means of its boxes (image.h, image_how.side).
 * Private to lib/image.  A decoder calls
 *
 *	rows_begin(r, w, h, channels, e)	once, with true sizes
 *	rows_at(r)				where the next row goes
 *	rows_push(r)				that row is there now
 *
 * or, where it needs all rows at once (interlaced PNG), begins with
 * rows_whole() and finds row y at r->im.px + y * r->stride; rows_end() then
 * reduces it if a small picture was asked for.
 */
struct rows {
	struct image_how how;
	struct image im; /* the result */
	size_t stride;   /* bytes of one decoded row */
	uint32_t w, h;   /* of what is decoded */
	uint32_t y;      /* rows pushed */
	uint32_t kx, ky; /* box, 1 and 1 for a whole picture */
	uint8_t *line;   /* [w, channels] when reducing */
	uint32_t *sum;   /* [w, channels] of columns, when reducing */
	bool reduce, whole;
};

int rows_begin(
    struct rows *r, uint32_t w, uint32_t h, int channels, struct error *e);
int rows_whole(
    struct rows *r, uint32_t w, uint32_t h, int channels, struct error *e);
void rows_push(struct rows *r);
int rows_end(struct rows *r, struct error *e);
void rows_free(struct rows *r);

static inline uint8_t *
rows_at(const struct rows *r)
{
	return r->line != NULL ? r->line : r->im.px + r->y * r->stride;
}

/*
 * The decoders.  p: [n] bytes.  0 when every row was pushed; -1 with a
 * sentence otherwise, with the rows so far in *r.  They leave the orientation
 * and the check of n to image_decode().
 */
int decode_png(struct rows *r, const uint8_t *p, size_t n, struct error *e);
int decode_jpeg(struct rows *r, const uint8_t *p, size_t n, struct error *e);
int decode_pnm(struct rows *r, const uint8_t *p, size_t n, struct error *e);

/* image_limits(w, h, e): 0 if a picture of this size may be decoded. */
int image_limits(uint32_t w, uint32_t h, struct error *e);

#endif
