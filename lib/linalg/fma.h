#ifndef LINALG_FMA_H
#define LINALG_FMA_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * fma_float(a, b, c): a b + c rounded once, as fmaf, but fast without the
 * instruction too.  In double the product is exact; the sum is rounded to odd
 * (when it is inexact, the neighbour with an odd last bit is taken), and with
 * 53 >= 24 + 2 bits the rounding to float is then as if it were the only one.
 * Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved
 * algorithms using rounding to odd", IEEE Trans. Computers 57 (2008).
 */
static inline float
fma_float(float a, float b, float c)
{
#ifdef FP_FAST_FMAF
	return fmaf(a, b, c);
#else
	double p = (double)a * (double)b;
	double s = p + (double)c;
	double t = s - p;
	double lost = (p - (s - t)) + ((double)c - t);
	uint64_t u;

	memcpy(&u, &s, sizeof(u));
	if ((lost < 0 || lost > 0) && (u & 1) == 0)
		u += (lost > 0) == (s > 0) ? 1 : UINT64_MAX;
	memcpy(&s, &u, sizeof(s));
	return (float)s;
#endif
}

#endif
