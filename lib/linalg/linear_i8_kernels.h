#ifndef LINALG_LINEAR_I8_KERNELS_H
#define LINALG_LINEAR_I8_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/linear.h"

/*
 * What linear_i8.c is made of: one table for each instruction set, and what
 * lies in the memory between its parts.
 *
 * Packed weights: panels of 16 outputs one behind the other, each of them
 * [blocks] records of I8_BLOCK bytes:
 *
 *	   0  qw   [16 steps][16 outputs][4 columns] int8: step s has the
 *	           columns 4 s .. 4 s + 3 of the block.  One step is a vector of
 *	           vpdpbusd, two of vpmaddubsw, or a row of a tile of AMX.
 *	1024  sw   [16] float
 *	1088  -sum of qw  [16] int16
 *	1120  order  [16] uint8, 16 times a step each: the first 2 ${pairs} of
 *	           them are pairs of steps whose sums in vpmaddubsw cannot leave
 *	           16 bits together, whatever the activations; so they may be
 *	           added before they are widened
 *	1136  pairs  uint8, <= 8
 *
 * Quantised rows: groups of ${group} rows, each [blocks] records of 72 group
 * bytes:
 *
 *	qx  uint8, where the four columns of step s of row r begin at
 *	    4 (s group + r), or, in tiles, at 64 r + 4 s
 *	sx  [group] float
 *	z   [group] int32
 *
 * Rows that a last group lacks are 0.
 */

enum {
	I8_STEPS = 16,
	I8_PANEL = 16, /* outputs */
	I8_SCALES = 1024,
	I8_SUMS = 1088,
	I8_ORDER = 1120,
	I8_PAIRS = 1136,
	I8_BLOCK = 1152,
	I8_WIDE = 2 * I8_PANEL, /* outputs, at most, of one product */
	I8_ROWS = 64 /* rows, at most, of one product; a multiple of group */
};

struct i8_kernels {
	const char *name;
	size_t group;

	/* quantize: x: [rows, in], rows ldx apart, into groups of rows. */
	void (*quantize)(
	    uint8_t *q, const float *x, size_t ldx, size_t rows, size_t in);

	/* product: t = the sums of some rows, from a group's first on, and of
	 * one or two panels.  t: [rows, I8_WIDE] */
	void (*product)(float *t, const uint8_t *q, size_t rows,
	    const uint8_t *w, size_t blocks, size_t panels);

	/* Around all products of a run, or NULL. */
	void (*begin)(void);
	void (*end)(void);
};

/* i8_kernels(isa): of that set, or the best one below it.  i8_run: what
 * linear_i8_run does with them. */
const struct i8_kernels *i8_kernels(enum isa isa);
void i8_run(const struct i8_kernels *k, enum isa isa, float *y, size_t ldy,
    const float *x, size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, void *room);

extern const struct i8_kernels i8_portable;
#if defined(__x86_64__)
extern const struct i8_kernels i8_avx2;
extern const struct i8_kernels i8_avx512;
extern const struct i8_kernels i8_vnni;
extern const struct i8_kernels i8_amx;
#endif

static inline size_t
i8_blocks(size_t in)
{
	return (in + 63) / 64;
}

#endif
