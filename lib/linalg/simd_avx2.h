#ifndef LINALG_SIMD_AVX2_H
#define LINALG_SIMD_AVX2_H

/* The words of simd_portable.h in AVX2: 8 floats, 4 doubles. */

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VF_N = 8, VD_N = 4 };

typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;
typedef __m256d vd;
typedef __m256i vl;
typedef __m256d vn;

/* the first n elements */
static inline __m256i
first_f(size_t n)
{
	const __m256i order = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), order);
}

static inline __m256i
first_d(size_t n)
{
	const __m256i order = _mm256_setr_epi64x(0, 1, 2, 3);

	return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), order);
}

static inline vf
vf_set(float a)
{
	return _mm256_set1_ps(a);
}

static inline vf
vf_load(const float *p)
{
	return _mm256_loadu_ps(p);
}

static inline vf
vf_load_n(const float *p, size_t n)
{
	return _mm256_maskload_ps(p, first_f(n));
}

static inline vf
vf_load_half(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline void
vf_store(float *p, vf a)
{
	_mm256_storeu_ps(p, a);
}

static inline void
vf_store_n(float *p, size_t n, vf a)
{
	_mm256_maskstore_ps(p, first_f(n), a);
}

static inline vf
vf_keep(vf a, size_t n)
{
	return _mm256_and_ps(a, _mm256_castsi256_ps(first_f(n)));
}

static inline vf
vf_add(vf a, vf b)
{
	return _mm256_add_ps(a, b);
}

static inline vf
vf_sub(vf a, vf b)
{
	return _mm256_sub_ps(a, b);
}

static inline vf
vf_mul(vf a, vf b)
{
	return _mm256_mul_ps(a, b);
}

static inline vf
vf_div(vf a, vf b)
{
	return _mm256_div_ps(a, b);
}

static inline vf
vf_max(vf a, vf b)
{
	return _mm256_max_ps(a, b);
}

static inline vf
vf_min(vf a, vf b)
{
	return _mm256_min_ps(a, b);
}

static inline vf
vf_fma(vf a, vf b, vf c)
{
	return _mm256_fmadd_ps(a, b, c);
}

static inline vf
vf_fnma(vf a, vf b, vf c)
{
	return _mm256_fnmadd_ps(a, b, c);
}

static inline vf
vf_rint(vf a)
{
	return _mm256_round_ps(
	    a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vi
vf_bits(vf a)
{
	return _mm256_castps_si256(a);
}

static inline vf
vf_from(vi a)
{
	return _mm256_castsi256_ps(a);
}

static inline vm
vf_lt(vf a, vf b)
{
	return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static inline vm
vf_eq(vf a, vf b)
{
	return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}

static inline vf
vf_sel(vm m, vf a, vf b)
{
	return _mm256_blendv_ps(b, a, m);
}

static inline vm
vm_and(vm a, vm b)
{
	return _mm256_and_ps(a, b);
}

static inline vi
vi_set(uint32_t a)
{
	return _mm256_set1_epi32((int)a);
}

static inline vi
vi_add(vi a, vi b)
{
	return _mm256_add_epi32(a, b);
}

static inline vi
vi_sub(vi a, vi b)
{
	return _mm256_sub_epi32(a, b);
}

static inline vi
vi_and(vi a, vi b)
{
	return _mm256_and_si256(a, b);
}

static inline vi
vi_or(vi a, vi b)
{
	return _mm256_or_si256(a, b);
}

#define vi_shl(a, n) _mm256_slli_epi32(a, n)
#define vi_sar(a, n) _mm256_srai_epi32(a, n)

static inline vf
vi_float(vi a)
{
	return _mm256_cvtepi32_ps(a);
}

static inline vf
vf_ldexp(vf a, vf n)
{
	vi bias = vi_set(127), whole = _mm256_cvtps_epi32(n);
	vi half = vi_sar(whole, 1);
	vi rest = vi_sub(whole, half);
	vf s = vf_from(vi_shl(vi_add(half, bias), 23));
	vf t = vf_from(vi_shl(vi_add(rest, bias), 23));

	return vf_mul(vf_mul(a, s), t);
}

static inline vd
vd_set(double a)
{
	return _mm256_set1_pd(a);
}

static inline vd
vd_load(const double *p)
{
	return _mm256_loadu_pd(p);
}

static inline vd
vd_load_n(const double *p, size_t n)
{
	return _mm256_maskload_pd(p, first_d(n));
}

static inline void
vd_store(double *p, vd a)
{
	_mm256_storeu_pd(p, a);
}

static inline void
vd_store_n(double *p, size_t n, vd a)
{
	_mm256_maskstore_pd(p, first_d(n), a);
}

static inline vd
vd_keep(vd a, size_t n)
{
	return _mm256_and_pd(a, _mm256_castsi256_pd(first_d(n)));
}

static inline vd
vd_add(vd a, vd b)
{
	return _mm256_add_pd(a, b);
}

static inline vd
vd_sub(vd a, vd b)
{
	return _mm256_sub_pd(a, b);
}

static inline vd
vd_mul(vd a, vd b)
{
	return _mm256_mul_pd(a, b);
}

static inline vd
vd_div(vd a, vd b)
{
	return _mm256_div_pd(a, b);
}

static inline vd
vd_max(vd a, vd b)
{
	return _mm256_max_pd(a, b);
}

static inline vd
vd_min(vd a, vd b)
{
	return _mm256_min_pd(a, b);
}

static inline vd
vd_fma(vd a, vd b, vd c)
{
	return _mm256_fmadd_pd(a, b, c);
}

static inline vd
vd_fnma(vd a, vd b, vd c)
{
	return _mm256_fnmadd_pd(a, b, c);
}

static inline vd
vd_rint(vd a)
{
	return _mm256_round_pd(
	    a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vl
vd_bits(vd a)
{
	return _mm256_castpd_si256(a);
}

static inline vd
vd_from(vl a)
{
	return _mm256_castsi256_pd(a);
}

static inline vn
vd_lt(vd a, vd b)
{
	return _mm256_cmp_pd(a, b, _CMP_LT_OQ);
}

static inline vn
vd_eq(vd a, vd b)
{
	return _mm256_cmp_pd(a, b, _CMP_EQ_OQ);
}

static inline vd
vd_sel(vn m, vd a, vd b)
{
	return _mm256_blendv_pd(b, a, m);
}

static inline vd
vd_loadf(const float *p)
{
	return _mm256_cvtps_pd(_mm_loadu_ps(p));
}

static inline vd
vd_loadf_n(const float *p, size_t n)
{
	__m128i mask = _mm256_castsi256_si128(first_f(n));

	return _mm256_cvtps_pd(_mm_maskload_ps(p, mask));
}

static inline vl
vl_set(uint64_t a)
{
	return _mm256_set1_epi64x((long long)a);
}

static inline vl
vl_add(vl a, vl b)
{
	return _mm256_add_epi64(a, b);
}

static inline vl
vl_sub(vl a, vl b)
{
	return _mm256_sub_epi64(a, b);
}

static inline vl
vl_and(vl a, vl b)
{
	return _mm256_and_si256(a, b);
}

static inline vl
vl_or(vl a, vl b)
{
	return _mm256_or_si256(a, b);
}

#define vl_shl(a, n) _mm256_slli_epi64(a, n)
#define vl_shr(a, n) _mm256_srli_epi64(a, n)

static inline vd
vd_ldexp(vd a, vd n)
{
	/* Added to this, an integer stands in the low bits. */
	vd magic = vd_set(0x1.8p52 + 1023.0);
	vd half = _mm256_floor_pd(vd_mul(n, vd_set(0.5)));
	vd s = vd_from(vl_shl(vd_bits(vd_add(half, magic)), 52));
	vd t = vd_from(vl_shl(vd_bits(vd_add(vd_sub(n, half), magic)), 52));

	return vd_mul(vd_mul(a, s), t);
}

#include "linalg/simd_x86.h"

/* r[i][j] becomes r[j][i]: within pairs of rows, then of pairs, then of
 * halves. */
static inline void
vf_turn_square(vf r[VF_N])
{
	vf t[VF_N];

	UNROLL
	for (int i = 0; i < 8; i += 4) {
		vf a = _mm256_unpacklo_ps(r[i], r[i + 1]);
		vf b = _mm256_unpackhi_ps(r[i], r[i + 1]);
		vf c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]);
		vf d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);

		t[i] = _mm256_shuffle_ps(a, c, 0x44);
		t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
		t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
		t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		r[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
		r[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
	}
}

#endif
