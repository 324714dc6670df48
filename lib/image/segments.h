#ifndef IMAGE_SEGMENTS_H
#define IMAGE_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Walk over the chunks of a PNG and the segments of a JPEG without decoding
 * pixels.  Nothing is allocated, pointers go into the bytes walked over, and
 * a file that ends early ends the walk early; no error is possible.
 */
struct segments {
	const uint8_t *p, *end;
};

struct segment {
	uint32_t tag;        /* PNG: four letters, big-endian; JPEG: marker */
	const uint8_t *data; /* [n], complete */
	size_t n;
};

#define PNG_TAG(a, b, c, d)                                                    \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 |      \
	    (uint32_t)(d))

/* segments_png(p, n), segments_jpeg(p, n): begin; p starts as such a file. */
struct segments segments_png(const uint8_t *p, size_t n);
struct segments segments_jpeg(const uint8_t *p, size_t n);

/*
 * The next one into *s, or false at the end.  Checksums are not looked at.
 * The JPEG walk ends at the first scan, after which only pixels come.
 */
bool segments_next_png(struct segments *w, struct segment *s);
bool segments_next_jpeg(struct segments *w, struct segment *s);

#endif
