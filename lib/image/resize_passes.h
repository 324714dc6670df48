#ifndef IMAGE_RESIZE_PASSES_H
#define IMAGE_RESIZE_PASSES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The two passes of resize.c, once for each instruction set.  A sum is that
 * of integers, so any order gives the same bytes; in the second form it is
 * taken modulo 2^32 in two halves, and the whole fits 32 bits again.
 */

/*
 * Weights are fixed point: 8 bits of sample, 2 for overshoot of the bicubic
 * filter and for signs, 22 for the fraction.
 */
enum { RESIZE_FRACTION = 32 - 8 - 2 };

/* A weight w is high 2^RESIZE_LOW + low with 0 <= low < 2^RESIZE_LOW, both of
 * 16 bits, for multipliers that take pairs of those. */
enum { RESIZE_LOW = 11 };

/* The inputs of one output sample: first .. first + n. */
struct resize_span {
	uint32_t first, n;
};

struct resize_axis {
	struct resize_span *span; /* [out] */
	int32_t *weight;          /* [out, stride], zeros behind n */
	/* [out, stride / 4, 8]: of four weights, the low halves and the high
	 * ones */
	int16_t *halves;
	size_t stride; /* a multiple of 4 */
};

/* What lies behind a row of samples, for kernels that read whole vectors. */
enum { RESIZE_SPARE = 64 };

struct resize_passes {
	/*
	 * along_x: ${rows} rows at once, at most RESIZE_ROWS, in: [in_w,
	 * channels] to out: [w, channels].  RESIZE_SPARE bytes behind each
	 * row of ${in} can be read.
	 */
	void (*along_x)(uint8_t *const *out, const uint8_t *const *in, int rows,
	    const struct resize_axis *a, uint32_t w, int channels);
	/* along_y: one output row, number y of the axis; in: rows of
	 * ${stride} samples. */
	void (*along_y)(uint8_t *out, const uint8_t *in,
	    const struct resize_axis *a, uint32_t y, size_t stride);
};

enum { RESIZE_ROWS = 4 };

extern const struct resize_passes resize_plain;
#if defined(__x86_64__)
extern const struct resize_passes resize_avx2;
#endif

#endif
