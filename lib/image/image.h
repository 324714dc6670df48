#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/*
 * Pictures: encoded bytes in, 8-bit samples out.  PNG, JPEG and PNM/PAM are
 * told apart by their content.  Functions that can fail return -1 with a
 * sentence in *e; a struct image that a function filled belongs to the caller,
 * who releases it with image_free().
 *
 * What decoding means here, whatever the format:
 *
 *	samples of 16 bits become 8 by v >> 8, samples of fewer bits are
 *	  stretched to 0..255, palettes are looked up, interlacing is undone;
 *	transparency (alpha or tRNS) makes an RGBA picture, not premultiplied;
 *	CMYK and YCCK JPEG are read in Adobe's inverted convention and become
 *	  RGB by r = k - c k;
 *	the EXIF orientation is applied;
 *	ICC profiles and gAMA are ignored: samples are taken as sRGB;
 *	a JPEG is decoded with the accurate integer DCT and fancy upsampling;
 *	any warning of libjpeg is an error of the picture.
 */

/* Checked before anything is decoded. */
enum {
	IMAGE_MAX_SIDE = 16384,      /* pixels */
	IMAGE_MAX_PIXELS = 67108864, /* pixels */
	IMAGE_MAX_SCANS = 100,       /* of a JPEG */
	IMAGE_MAX_CHUNK = 8388608,   /* bytes of one PNG chunk but IDAT */
	IMAGE_MAX_BYTES = 268435456, /* bytes of the encoded picture */
};

enum image_type { IMAGE_UNKNOWN, IMAGE_PNG, IMAGE_JPEG, IMAGE_PNM };

struct image {
	uint32_t w, h;           /* pixels */
	uint32_t full_w, full_h; /* of the picture before it was reduced */
	int channels;            /* 1 grey, 3 RGB, 4 RGBA */
	bool damaged; /* decoded in part; the rest is 0 or libjpeg's grey */
	uint8_t *px;  /* [h, w, channels], 0..255, rows top to bottom */
};

struct image_how {
	/* Return a damaged picture, flagged, if its first row could be read. */
	bool keep;
	/*
	 * 0: the picture at full size.  Otherwise a smaller one is enough,
	 * of at least ${side} pixels each way where the picture has them: a
	 * JPEG is decoded at 1/2, 1/4 or 1/8 where both sides stay at least
	 * ${side}, and every axis is then divided by k = max(1, n / side),
	 * each output sample the mean of its box, rounded to nearest (boxes at
	 * the far edge may be smaller).  Colours are composed over the
	 * background before the mean is taken; channel 4 is the mean alpha.
	 * Memory is then 16 side^2 bytes and one row, except for interlaced
	 * PNG, which is decoded whole first.  At least 128.
	 */
	uint32_t side;
	uint8_t background[3]; /* RGB, used with side */
};

/* image_type(p, n): by the first bytes of p: [n]. */
enum image_type image_type(const void *p, size_t n);

/*
 * image_decode(im, p, n, how, e): decode the picture in p: [n] bytes into *im.
 * how == NULL means full size and nothing kept.  0, or -1 and *im is empty.
 */
int image_decode(struct image *im, const void *p, size_t n,
    const struct image_how *how, struct error *e);

void image_free(struct image *im); /* and back to empty; NULL is fine */

/* image_alloc(im, w, h, channels, e): zeroed samples, limits checked. */
int image_alloc(
    struct image *im, uint32_t w, uint32_t h, int channels, struct error *e);

/*
 * image_over(im, background): compose an RGBA picture over one colour, in
 * place; it becomes RGB.  v = (c a + b (255 - a)) / 255, rounded to nearest.
 * Grey and RGB pictures stay as they are.
 */
void image_over(struct image *im, const uint8_t background[3]);

/*
 * image_orient(im, o, e): turn and flip so that a picture stored with EXIF
 * orientation o (1..8, others count as 1) is upright.  0 or -1.
 */
int image_orient(struct image *im, int o, struct error *e);

/* image_png_version, image_jpeg_version: of the decoders' libraries, "1.6.39"
 * and "2.1.5" of libjpeg-turbo.  Static strings. */
const char *image_png_version(void);
const char *image_jpeg_version(void);

#endif
