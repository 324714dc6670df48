#ifndef IMAGE_PNG_FILTER_H
#define IMAGE_PNG_FILTER_H

#include <stddef.h>
#include <stdint.h>

/*
 * png_unfilter(out, in, up, n, bpp, filter): undo a row's filter (PNG,
 * section 9).  in: [n] bytes as they are stored; up: [n] the row above, zeros
 * for the first; out: [n], neither in nor up; bpp bytes a pixel, 1..8, which
 * divides n.  Up to PNG_FILTER_PAD bytes behind n are read and written.
 * 0, or -1 when there is no such filter.
 */
enum { PNG_FILTER_PAD = 16 };

int png_unfilter(uint8_t *out, const uint8_t *in, const uint8_t *up, size_t n,
    size_t bpp, int filter);

#endif
