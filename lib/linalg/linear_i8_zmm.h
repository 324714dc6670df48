#ifndef LINALG_LINEAR_I8_ZMM_H
#define LINALG_LINEAR_I8_ZMM_H

/*
 * What the kernels of AVX-512, VNNI and AMX share: they differ in how the
 * integers are summed, and in where the rows of a group lie.
 */

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "linalg/linear_i8_kernels.h"
#include "linalg/simd_x86.h"

/* One row's columns of a block, of which there are n <= 64; q: 16 steps. */
static inline __m512i
quantize_block(float *scale, int32_t *zero, const float *x, size_t n)
{
	const __m512 none = _mm512_setzero_ps(), top = _mm512_set1_ps(127);
	__m512 lo = none, hi = none, bad = none, v[4], r, z;
	__m128i q[4];
	__m512i all;
	float s, inverse, low;

	UNROLL
	for (size_t i = 0; i < 4; i++) {
		size_t left = n > 16 * i ? n - 16 * i : 0;

		v[i] = left >= 16
			   ? _mm512_loadu_ps(x + 16 * i)
			   : _mm512_maskz_loadu_ps(
				 (__mmask16)((1u << left) - 1), x + 16 * i);
		lo = _mm512_min_ps(v[i], lo);
		hi = _mm512_max_ps(v[i], hi);
		bad = _mm512_fmadd_ps(v[i], none, bad);
	}
	low = _mm512_reduce_min_ps(lo);
	s = _mm512_reduce_max_ps(hi) * (1.0f / 127) - low * (1.0f / 127);
	if (_mm512_cmp_ps_mask(bad, bad, _CMP_UNORD_Q) != 0)
		s = NAN;
	inverse = 1 / s;
	if (s < 0x1p-126f)
		s = inverse = 0;
	r = _mm512_set1_ps(inverse);
	z = _mm512_mul_ps(_mm512_set1_ps(-low), r);
	z = _mm512_min_ps(_mm512_roundscale_ps(z, 8), top);
	UNROLL
	for (int i = 0; i < 4; i++) {
		__m512 t = _mm512_fmadd_ps(v[i], r, z);

		/* Conversion rounds; rint after the bounds is rint before. */
		t = _mm512_min_ps(_mm512_max_ps(t, none), top);
		q[i] = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(t));
	}
	memcpy(&all, q, sizeof(all));
	*scale = s;
	*zero =
	    _mm_cvtsi128_si32(_mm512_castsi512_si128(_mm512_cvtps_epi32(z)));
	return all;
}

/* sum + (total - z sum of qw) sx sw for 16 outputs */
static inline __m512
add_block(__m512 sum, __m512i total, const uint8_t *sx, const uint8_t *z,
    __m512i minus, __m512 sw)
{
	int32_t zero;
	float scale;

	memcpy(&zero, z, sizeof(zero));
	memcpy(&scale, sx, sizeof(scale));
	total = _mm512_add_epi32(
	    total, _mm512_madd_epi16(minus, _mm512_set1_epi32(zero)));
	return _mm512_fmadd_ps(_mm512_cvtepi32_ps(total),
	    _mm512_mul_ps(_mm512_set1_ps(scale), sw), sum);
}

static inline __m512i
panel_sums(const uint8_t *w)
{
	return _mm512_cvtepi16_epi32(
	    _mm256_loadu_si256((const __m256i *)(const void *)(w + I8_SUMS)));
}

static inline __m512
panel_scales(const uint8_t *w)
{
	return _mm512_loadu_ps((const float *)(const void *)(w + I8_SCALES));
}

#endif
