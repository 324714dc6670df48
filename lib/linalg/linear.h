#ifndef LINALG_LINEAR_H
#define LINALG_LINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/*
 * Linear layers with packed weights: what nine tenths of an encoder's time
 * goes into.  y = x W' + b, then what follows it in the same pass.
 *
 * Weights are packed once into memory that the caller brings (64-byte
 * aligned, linear_size bytes) and are only read afterwards, by any number of
 * threads; the packed bytes are the same for every instruction set and may
 * lie in a mapped file.  Nothing here allocates, fails, or keeps a pointer to
 * x or y.
 *
 * ORDER, the same bytes under every instruction set, for any number of rows:
 *
 *	f32, f16  FMA ORDER of linalg.h, from +0, in blocks of LINALG_KBLOCK;
 *	          f16 weights are widened exactly, the sums are f32
 *	i8        blocks of LINEAR_QBLOCK columns; see linear_i8.h
 *	after     t = sum + bias;  t = act(t);  t = gamma t;
 *	          y = residual + t; each step rounded by itself, and left out
 *	          where there is no such thing
 */

enum precision { PRECISION_F32, PRECISION_F16, PRECISION_I8 };

/*
 * Activations, no more exact than a sum in f32 is: their largest error, in
 * units of max(1, |t|), is below 1.8e-7 (GELU), 2e-7 (GELU_TANH),
 * 1.4e-7 (QUICK_GELU, SILU), 2.5e-7 (HARDSWISH), 1.3e-7 (SIGMOID, HARDSIGMOID)
 * and 1e-7 (TANH).  NaN in, NaN out.
 */
enum activation {
	ACT_NONE,
	ACT_RELU,
	ACT_RELU6,       /* min(max(t, 0), 6) */
	ACT_GELU,        /* t normal_cdf(t) */
	ACT_GELU_TANH,   /* t/2 (1 + tanh(sqrt(2/pi) (t + 0.044715 t^3))) */
	ACT_QUICK_GELU,  /* t sigmoid(1.702 t) */
	ACT_SILU,        /* t sigmoid(t) */
	ACT_HARDSWISH,   /* t min(max(t + 3, 0), 6) / 6 */
	ACT_HARDSIGMOID, /* min(max(t + 3, 0), 6) / 6 */
	ACT_SIGMOID,
	ACT_TANH
};

enum { LINEAR_QBLOCK = 64 };

/* A packed layer, plain data. */
struct linear {
	enum precision precision;
	uint32_t in, out;
	const void *packed; /* linear_size bytes, 64-byte aligned */
	const float *bias;  /* [out], or NULL */
};

/* linear_size: bytes of the packed weights, a multiple of 64. */
size_t linear_size(enum precision precision, uint32_t in, uint32_t out);

/*
 * linear_pack(packed, precision, W, ldw, in, out): W: [out, in], rows ldw
 * apart, finite.  f16 rounds to nearest even, beyond its range to the largest
 * finite; i8 takes the scale of each output and block from its largest value.
 * A change of the packed bytes raises STORE_LAYOUT (nn/store_packed.c), since
 * they are kept in files.
 */
void linear_pack(void *packed, enum precision precision, const float *W,
    size_t ldw, uint32_t in, uint32_t out);

/* What follows the sum; zero is nothing. */
struct linear_after {
	enum activation act;
	const float *gamma;    /* [out], or NULL */
	const float *residual; /* [rows, out], rows ldr apart, or NULL; may
				* be y */
	size_t ldr;
};

/* linear_room(l, rows): bytes of scratch that linear_run wants, 64-byte
 * aligned: quantised rows, or a few rows in the order of the kernel. */
size_t linear_room(const struct linear *l, size_t rows);

/*
 * linear_run(isa, y, ldy, x, ldx, rows, l, after, room): x: [rows, in], rows
 * ldx apart; y: [rows, out], rows ldy apart.  y does not overlap x.  after
 * may be NULL.
 */
void linear_run(enum isa isa, float *y, size_t ldy, const float *x, size_t ldx,
    size_t rows, const struct linear *l, const struct linear_after *after,
    void *room);

/*
 * linear_run_part: the same bytes, of outputs [from, from + n) only; from is a
 * multiple of LINEAR_OUTPUTS, and n is one too unless it reaches the end.
 * Parts may run at once, each with a room of its own.
 */
enum { LINEAR_OUTPUTS = 32 };
void linear_run_part(enum isa isa, float *y, size_t ldy, const float *x,
    size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, uint32_t from, uint32_t n, void *room);

/* linear_activate(isa, act, y, n): y[i] = act(y[i]), the same bytes as within
 * linear_run. */
void linear_activate(enum isa isa, enum activation act, float *y, size_t n);

#endif
