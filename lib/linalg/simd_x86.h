#ifndef LINALG_SIMD_X86_H
#define LINALG_SIMD_X86_H

/* d[j * to + i] = s[i * from + j] for i, j < 4: what packing turns rows into
 * columns with, the same for AVX2 and AVX-512. */

static inline void
vf_turn4(float *d, size_t to, const float *s, size_t from)
{
	__m128 a = _mm_loadu_ps(s), b = _mm_loadu_ps(s + from);
	__m128 c = _mm_loadu_ps(s + 2 * from), e = _mm_loadu_ps(s + 3 * from);

	_MM_TRANSPOSE4_PS(a, b, c, e);
	_mm_storeu_ps(d, a);
	_mm_storeu_ps(d + to, b);
	_mm_storeu_ps(d + 2 * to, c);
	_mm_storeu_ps(d + 3 * to, e);
}

static inline void
vd_turn4(double *d, size_t to, const double *s, size_t from)
{
	__m256d a = _mm256_loadu_pd(s), b = _mm256_loadu_pd(s + from);
	__m256d c = _mm256_loadu_pd(s + 2 * from);
	__m256d e = _mm256_loadu_pd(s + 3 * from);
	__m256d ab = _mm256_unpacklo_pd(a, b), AB = _mm256_unpackhi_pd(a, b);
	__m256d ce = _mm256_unpacklo_pd(c, e), CE = _mm256_unpackhi_pd(c, e);

	_mm256_storeu_pd(d, _mm256_permute2f128_pd(ab, ce, 0x20));
	_mm256_storeu_pd(d + to, _mm256_permute2f128_pd(AB, CE, 0x20));
	_mm256_storeu_pd(d + 2 * to, _mm256_permute2f128_pd(ab, ce, 0x31));
	_mm256_storeu_pd(d + 3 * to, _mm256_permute2f128_pd(AB, CE, 0x31));
}

#endif
