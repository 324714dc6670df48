#ifndef LINALG_HALF_H
#define LINALG_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"

/* IEEE 754 binary16 in plain C; NaN stays NaN. */

/* half_widen(h): exact. */
static inline float
half_widen(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff, u;
	float f;

	if (rest >= 0x7c00)
		u = 0x7f800000 | (rest & 0x3ff) << 13;
	else if (rest >= 0x400)
		u = (rest << 13) + ((127 - 15) << 23);
	else {
		/* 2^-24 times what is there */
		f = (float)rest * 0x1p-24f;
		memcpy(&u, &f, sizeof(u));
	}
	u |= sign;
	memcpy(&f, &u, sizeof(f));
	return f;
}

/* half_narrow(f): rounded to nearest even; finite values beyond the range
 * become the largest finite one. */
static inline uint16_t
half_narrow(float f)
{
	uint32_t u, sign, rest;

	memcpy(&u, &f, sizeof(u));
	sign = u >> 16 & 0x8000;
	u &= 0x7fffffff;
	if (u >= 0x7f800000)
		rest = u > 0x7f800000 ? 0x7e00 : 0x7c00;
	else if (u >= 0x477fe000)
		rest = 0x7bff;
	else if (u >= 0x38800000) {
		u -= (127 - 15) << 23;
		rest = (u + 0xfff + (u >> 13 & 1)) >> 13;
	} else {
		/* Added to 1/2, a subnormal half stands in the last bits. */
		memcpy(&f, &u, sizeof(f));
		f += 0.5f;
		memcpy(&rest, &f, sizeof(rest));
		rest &= 0x7fff;
	}
	return (uint16_t)(sign | rest);
}

/* bf16_widen(b): bfloat16, the upper half of a float; exact. */
static inline float
bf16_widen(uint16_t b)
{
	uint32_t u = (uint32_t)b << 16;
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

/* half_from_floats(isa, h, x, n), half_to_floats(isa, x, h, n): whole arrays
 * of finite numbers, the same under every instruction set. */
void half_from_floats(enum isa isa, uint16_t *h, const float *x, size_t n);
void half_to_floats(enum isa isa, float *x, const uint16_t *h, size_t n);

#endif
