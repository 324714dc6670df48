#ifndef LINALG_SIMD_X86_H
#define LINALG_SIMD_X86_H

/* A loop of few rounds over an array of vectors: only unrolled does it leave
 * them in registers. */
#if defined(UNROLL) /* the emulation of tests/emulate needs none */
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/*
 * d[k * to + i] = s[i * from + k] for i < 4 and k < 8 (doubles: k < 4): what
 * packing turns rows into columns with, the same for AVX2 and AVX-512.
 */

static inline void
vf_turn(float *d, size_t to, const float *s, size_t from)
{
	__m256 a = _mm256_loadu_ps(s), b = _mm256_loadu_ps(s + from);
	__m256 c = _mm256_loadu_ps(s + 2 * from);
	__m256 e = _mm256_loadu_ps(s + 3 * from);
	__m256 ac = _mm256_unpacklo_ps(a, c), AC = _mm256_unpackhi_ps(a, c);
	__m256 be = _mm256_unpacklo_ps(b, e), BE = _mm256_unpackhi_ps(b, e);
	/* rows 0 and 4, 1 and 5, 2 and 6, 3 and 7 of the result */
	__m256 r0 = _mm256_unpacklo_ps(ac, be), r1 = _mm256_unpackhi_ps(ac, be);
	__m256 r2 = _mm256_unpacklo_ps(AC, BE), r3 = _mm256_unpackhi_ps(AC, BE);

	_mm_storeu_ps(d, _mm256_castps256_ps128(r0));
	_mm_storeu_ps(d + to, _mm256_castps256_ps128(r1));
	_mm_storeu_ps(d + 2 * to, _mm256_castps256_ps128(r2));
	_mm_storeu_ps(d + 3 * to, _mm256_castps256_ps128(r3));
	_mm_storeu_ps(d + 4 * to, _mm256_extractf128_ps(r0, 1));
	_mm_storeu_ps(d + 5 * to, _mm256_extractf128_ps(r1, 1));
	_mm_storeu_ps(d + 6 * to, _mm256_extractf128_ps(r2, 1));
	_mm_storeu_ps(d + 7 * to, _mm256_extractf128_ps(r3, 1));
}

static inline void
vd_turn(double *d, size_t to, const double *s, size_t from)
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
