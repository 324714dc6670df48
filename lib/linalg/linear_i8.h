#ifndef LINALG_LINEAR_I8_H
#define LINALG_LINEAR_I8_H

#include "linalg/linear.h"

/*
 * The i8 half of linear.h, which calls these: 8-bit weights, 7-bit activations
 * that are quantised on the way in, both with scales for each LINEAR_QBLOCK
 * (64) columns of K.  Columns beyond ${in} in the last block are 0 on both
 * sides.  Every step below is rounded by itself, in f32.
 *
 * Weights w[64] of one output and block, once, in linear_pack:
 *
 *	sw = max |w| / 127       0, and all qw 0, if that is below 2^-126
 *	qw = rint(w (1 / sw))    -127 .. 127
 *
 * Activations x[64] of one row and block, in every linear_run:
 *
 *	lo = min(0, min x)   hi = max(0, max x)
 *	sx = hi (1/127) - lo (1/127)
 *	r = 1 / sx           sx = r = 0 if sx is below 2^-126
 *	z = min(rint(-lo r), 127)
 *	qx = min(max(rint(fma(x, r, z)), 0), 127)
 *
 * so that x is about sx (qx - z), and 0 is 0 exactly.  A block that holds NaN
 * or an infinity has sx = NaN, and so the whole row becomes NaN.
 *
 * Sums of one row and output, blocks in increasing order, from +0:
 *
 *	isum = sum of qx qw - z sum of qw       exact, |isum| < 2^21
 *	sum = fma(isum, sx sw, sum)
 *
 * A linear layer's output is off by at most sum |x - sx (qx - z)| |w| +
 * sum |x| |w - sw qw|, where each first factor is at most sx / 2 and each last
 * one at most sw / 2, and rounding.
 *
 * With qx < 128 the sum of two products, 2 * 127 * 127, fits the 16 bits of
 * AVX2's vpmaddubsw, so that no instruction set saturates; vpdpbusd and the
 * tiles of AMX sum four in 32 bits.
 */

/* linear_i8_size, linear_i8_room: bytes, multiples of 64. */
size_t linear_i8_size(uint32_t in, uint32_t out);
void linear_i8_pack(
    void *packed, const float *W, size_t ldw, uint32_t in, uint32_t out);
size_t linear_i8_room(uint32_t in, size_t rows);
void linear_i8_run(enum isa isa, float *y, size_t ldy, const float *x,
    size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, void *room);

#endif
