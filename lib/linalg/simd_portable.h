#ifndef LINALG_SIMD_PORTABLE_H
#define LINALG_SIMD_PORTABLE_H

/*
 * The vocabulary that *_kernels.h are written in, for a machine about which
 * nothing is known: vectors of one element.  simd_avx2.h and simd_avx512.h
 * speak the same words with wider ones:
 *
 *	vf vi vm	VF_N floats, their bits as integers, their truth values
 *	vd vl vn	VD_N doubles, their bits, their truth values
 *
 * _n loads and stores touch n elements, 0 < n <= VF_N or VD_N; the others
 * read as 0, and keep makes them 0.  max and min give their second argument
 *when one is NaN, as the machine's instructions do.
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "linalg/fma.h"
#include "linalg/half.h"

enum { VF_N = 1, VD_N = 1 };

typedef float vf;
typedef uint32_t vi;
typedef int vm;
typedef double vd;
typedef uint64_t vl;
typedef int vn;

static inline vf
vf_set(float a)
{
	return a;
}

static inline vf
vf_load(const float *p)
{
	return *p;
}

static inline vf
vf_load_n(const float *p, size_t n)
{
	(void)n;
	return *p;
}

/* VF_N numbers of 16 bits, binary16 */
static inline vf
vf_load_half(const uint16_t *p)
{
	return half_widen(*p);
}

static inline void
vf_store(float *p, vf a)
{
	*p = a;
}

static inline void
vf_store_n(float *p, size_t n, vf a)
{
	(void)n;
	*p = a;
}

static inline vf
vf_keep(vf a, size_t n)
{
	(void)n;
	return a;
}

static inline vf
vf_add(vf a, vf b)
{
	return a + b;
}

static inline vf
vf_sub(vf a, vf b)
{
	return a - b;
}

static inline vf
vf_mul(vf a, vf b)
{
	return a * b;
}

static inline vf
vf_div(vf a, vf b)
{
	return a / b;
}

/* a b + c, and c - a b */
static inline vf
vf_fma(vf a, vf b, vf c)
{
	return fma_float(a, b, c);
}

static inline vf
vf_fnma(vf a, vf b, vf c)
{
	return fma_float(-a, b, c);
}

static inline vf
vf_max(vf a, vf b)
{
	return a > b ? a : b;
}

static inline vf
vf_min(vf a, vf b)
{
	return a < b ? a : b;
}

static inline vf
vf_rint(vf a)
{
	return rintf(a);
}

static inline vi
vf_bits(vf a)
{
	vi u;

	memcpy(&u, &a, sizeof(u));
	return u;
}

static inline vf
vf_from(vi u)
{
	vf a;

	memcpy(&a, &u, sizeof(a));
	return a;
}

static inline vm
vf_lt(vf a, vf b)
{
	return a < b;
}

static inline vm
vf_eq(vf a, vf b)
{
	return a == b;
}

/* m ? a : b */
static inline vf
vf_sel(vm m, vf a, vf b)
{
	return m ? a : b;
}

static inline vm
vm_and(vm a, vm b)
{
	return a & b;
}

static inline vi
vi_set(uint32_t a)
{
	return a;
}

static inline vi
vi_add(vi a, vi b)
{
	return a + b;
}

static inline vi
vi_sub(vi a, vi b)
{
	return a - b;
}

static inline vi
vi_and(vi a, vi b)
{
	return a & b;
}

static inline vi
vi_or(vi a, vi b)
{
	return a | b;
}

#define vi_shl(a, n) ((a) << (n))

/* The arithmetic shift: the sign stays. */
#define vi_sar(a, n) ((a) >> 31 ? ~(~(a) >> (n)) : (a) >> (n))

/* Signed integers of less than 2^22 to floats. */
static inline vf
vi_float(vi a)
{
	return vf_from(a + 0x4b400000u) - 0x1.8p23f;
}

/* a 2^n for an integral n, rounded once; |n| <= 252 */
static inline vf
vf_ldexp(vf a, vf n)
{
	vi whole = vf_bits(n + 0x1.8p23f) - 0x4b400000u;
	vi half = vi_sar(whole, 1);
	vf s = vf_from((half + 127) << 23);
	vf t = vf_from((whole - half + 127) << 23);

	return a * s * t;
}

static inline vd
vd_set(double a)
{
	return a;
}

static inline vd
vd_load(const double *p)
{
	return *p;
}

static inline vd
vd_load_n(const double *p, size_t n)
{
	(void)n;
	return *p;
}

/* VD_N, or n, floats as doubles */
static inline vd
vd_loadf(const float *p)
{
	return (double)*p;
}

static inline vd
vd_loadf_n(const float *p, size_t n)
{
	(void)n;
	return (double)*p;
}

static inline void
vd_store(double *p, vd a)
{
	*p = a;
}

static inline void
vd_store_n(double *p, size_t n, vd a)
{
	(void)n;
	*p = a;
}

static inline vd
vd_keep(vd a, size_t n)
{
	(void)n;
	return a;
}

static inline vd
vd_add(vd a, vd b)
{
	return a + b;
}

static inline vd
vd_sub(vd a, vd b)
{
	return a - b;
}

static inline vd
vd_mul(vd a, vd b)
{
	return a * b;
}

static inline vd
vd_div(vd a, vd b)
{
	return a / b;
}

static inline vd
vd_fma(vd a, vd b, vd c)
{
	return fma(a, b, c);
}

static inline vd
vd_fnma(vd a, vd b, vd c)
{
	return fma(-a, b, c);
}

static inline vd
vd_max(vd a, vd b)
{
	return a > b ? a : b;
}

static inline vd
vd_min(vd a, vd b)
{
	return a < b ? a : b;
}

static inline vd
vd_rint(vd a)
{
	return rint(a);
}

static inline vl
vd_bits(vd a)
{
	vl u;

	memcpy(&u, &a, sizeof(u));
	return u;
}

static inline vd
vd_from(vl u)
{
	vd a;

	memcpy(&a, &u, sizeof(a));
	return a;
}

static inline vn
vd_lt(vd a, vd b)
{
	return a < b;
}

static inline vn
vd_eq(vd a, vd b)
{
	return a == b;
}

static inline vd
vd_sel(vn m, vd a, vd b)
{
	return m ? a : b;
}

static inline vl
vl_set(uint64_t a)
{
	return a;
}

static inline vl
vl_add(vl a, vl b)
{
	return a + b;
}

static inline vl
vl_sub(vl a, vl b)
{
	return a - b;
}

static inline vl
vl_and(vl a, vl b)
{
	return a & b;
}

static inline vl
vl_or(vl a, vl b)
{
	return a | b;
}

#define vl_shl(a, n) ((a) << (n))
#define vl_shr(a, n) ((a) >> (n))

/* a 2^n for an integral n, rounded once; |n| <= 2044 */
static inline vd
vd_ldexp(vd a, vd n)
{
	double half = floor(n * 0.5);
	vd s = vd_from((vd_bits(half + (0x1.8p52 + 1023.0))) << 52);
	vd t = vd_from((vd_bits((n - half) + (0x1.8p52 + 1023.0))) << 52);

	return a * s * t;
}

#endif
