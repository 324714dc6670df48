#ifndef LINALG_SIMD_AVX512_H
#define LINALG_SIMD_AVX512_H

/* The words of simd_portable.h in AVX-512: 16 floats, 8 doubles. */

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VF_N = 16, VD_N = 8 };

typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;
typedef __m512d vd;
typedef __m512i vl;
typedef __mmask8 vn;

/* the first n elements */
static inline __mmask16
first_f(size_t n)
{
	return (__mmask16)((1u << n) - 1);
}

static inline __mmask8
first_d(size_t n)
{
	return (__mmask8)((1u << n) - 1);
}

static inline vf
vf_set(float a)
{
	return _mm512_set1_ps(a);
}

static inline vf
vf_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

static inline vf
vf_load_n(const float *p, size_t n)
{
	return _mm512_maskz_loadu_ps(first_f(n), p);
}

static inline vf
vf_load_half(const uint16_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline void
vf_store(float *p, vf a)
{
	_mm512_storeu_ps(p, a);
}

static inline void
vf_store_n(float *p, size_t n, vf a)
{
	_mm512_mask_storeu_ps(p, first_f(n), a);
}

static inline vf
vf_keep(vf a, size_t n)
{
	return _mm512_maskz_mov_ps(first_f(n), a);
}

static inline vf
vf_add(vf a, vf b)
{
	return _mm512_add_ps(a, b);
}

static inline vf
vf_sub(vf a, vf b)
{
	return _mm512_sub_ps(a, b);
}

static inline vf
vf_mul(vf a, vf b)
{
	return _mm512_mul_ps(a, b);
}

static inline vf
vf_div(vf a, vf b)
{
	return _mm512_div_ps(a, b);
}

static inline vf
vf_max(vf a, vf b)
{
	return _mm512_max_ps(a, b);
}

static inline vf
vf_min(vf a, vf b)
{
	return _mm512_min_ps(a, b);
}

static inline vf
vf_fma(vf a, vf b, vf c)
{
	return _mm512_fmadd_ps(a, b, c);
}

static inline vf
vf_fnma(vf a, vf b, vf c)
{
	return _mm512_fnmadd_ps(a, b, c);
}

static inline vf
vf_rint(vf a)
{
	return _mm512_roundscale_ps(
	    a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vi
vf_bits(vf a)
{
	return _mm512_castps_si512(a);
}

static inline vf
vf_from(vi a)
{
	return _mm512_castsi512_ps(a);
}

static inline vm
vf_lt(vf a, vf b)
{
	return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline vm
vf_eq(vf a, vf b)
{
	return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}

static inline vf
vf_sel(vm m, vf a, vf b)
{
	return _mm512_mask_blend_ps(m, b, a);
}

static inline vm
vm_and(vm a, vm b)
{
	return (vm)(a & b);
}

static inline vi
vi_set(uint32_t a)
{
	return _mm512_set1_epi32((int)a);
}

static inline vi
vi_add(vi a, vi b)
{
	return _mm512_add_epi32(a, b);
}

static inline vi
vi_sub(vi a, vi b)
{
	return _mm512_sub_epi32(a, b);
}

static inline vi
vi_and(vi a, vi b)
{
	return _mm512_and_si512(a, b);
}

static inline vi
vi_or(vi a, vi b)
{
	return _mm512_or_si512(a, b);
}

#define vi_shl(a, n) _mm512_slli_epi32(a, n)
#define vi_sar(a, n) _mm512_srai_epi32(a, n)

static inline vf
vi_float(vi a)
{
	return _mm512_cvtepi32_ps(a);
}

static inline vf
vf_ldexp(vf a, vf n)
{
	return _mm512_scalef_ps(a, n);
}

static inline vd
vd_set(double a)
{
	return _mm512_set1_pd(a);
}

static inline vd
vd_load(const double *p)
{
	return _mm512_loadu_pd(p);
}

static inline vd
vd_load_n(const double *p, size_t n)
{
	return _mm512_maskz_loadu_pd(first_d(n), p);
}

static inline void
vd_store(double *p, vd a)
{
	_mm512_storeu_pd(p, a);
}

static inline void
vd_store_n(double *p, size_t n, vd a)
{
	_mm512_mask_storeu_pd(p, first_d(n), a);
}

static inline vd
vd_keep(vd a, size_t n)
{
	return _mm512_maskz_mov_pd(first_d(n), a);
}

static inline vd
vd_add(vd a, vd b)
{
	return _mm512_add_pd(a, b);
}

static inline vd
vd_sub(vd a, vd b)
{
	return _mm512_sub_pd(a, b);
}

static inline vd
vd_mul(vd a, vd b)
{
	return _mm512_mul_pd(a, b);
}

static inline vd
vd_div(vd a, vd b)
{
	return _mm512_div_pd(a, b);
}

static inline vd
vd_max(vd a, vd b)
{
	return _mm512_max_pd(a, b);
}

static inline vd
vd_min(vd a, vd b)
{
	return _mm512_min_pd(a, b);
}

static inline vd
vd_fma(vd a, vd b, vd c)
{
	return _mm512_fmadd_pd(a, b, c);
}

static inline vd
vd_fnma(vd a, vd b, vd c)
{
	return _mm512_fnmadd_pd(a, b, c);
}

static inline vd
vd_rint(vd a)
{
	return _mm512_roundscale_pd(
	    a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vl
vd_bits(vd a)
{
	return _mm512_castpd_si512(a);
}

static inline vd
vd_from(vl a)
{
	return _mm512_castsi512_pd(a);
}

static inline vn
vd_lt(vd a, vd b)
{
	return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}

static inline vn
vd_eq(vd a, vd b)
{
	return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}

static inline vd
vd_sel(vn m, vd a, vd b)
{
	return _mm512_mask_blend_pd(m, b, a);
}

static inline vd
vd_loadf(const float *p)
{
	return _mm512_cvtps_pd(_mm256_loadu_ps(p));
}

static inline vd
vd_loadf_n(const float *p, size_t n)
{
	return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(first_d(n), p));
}

static inline vl
vl_set(uint64_t a)
{
	return _mm512_set1_epi64((long long)a);
}

static inline vl
vl_add(vl a, vl b)
{
	return _mm512_add_epi64(a, b);
}

static inline vl
vl_sub(vl a, vl b)
{
	return _mm512_sub_epi64(a, b);
}

static inline vl
vl_and(vl a, vl b)
{
	return _mm512_and_si512(a, b);
}

static inline vl
vl_or(vl a, vl b)
{
	return _mm512_or_si512(a, b);
}

#define vl_shl(a, n) _mm512_slli_epi64(a, n)
#define vl_shr(a, n) _mm512_srli_epi64(a, n)

static inline vd
vd_ldexp(vd a, vd n)
{
	return _mm512_scalef_pd(a, n);
}

#include "linalg/simd_x86.h"

/* r[i][j] becomes r[j][i]: within pairs of rows, then of pairs, of fours and
 * of halves. */
static inline void
vf_turn_square(vf r[VF_N])
{
	vf t[VF_N];

	UNROLL
	for (int i = 0; i < 16; i += 4) {
		vf a = _mm512_unpacklo_ps(r[i], r[i + 1]);
		vf b = _mm512_unpackhi_ps(r[i], r[i + 1]);
		vf c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]);
		vf d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);

		t[i] = _mm512_shuffle_ps(a, c, 0x44);
		t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
		t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
		t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		vf a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88);
		vf b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd);
		vf c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88);
		vf d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xdd);

		r[i] = _mm512_shuffle_f32x4(a, c, 0x88);
		r[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
		r[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
		r[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
	}
}

#endif
