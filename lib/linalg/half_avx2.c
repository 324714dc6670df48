#include "linalg/half_kernels.h"

#ifdef __F16C__
#include <immintrin.h>

size_t
half_from_floats_avx2(uint16_t *h, const float *x, size_t n)
{
	__m256 top = _mm256_set1_ps(65504), low = _mm256_set1_ps(-65504);
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		__m256 v = _mm256_loadu_ps(x + i);

		v = _mm256_max_ps(_mm256_min_ps(v, top), low);
		_mm_storeu_si128((__m128i *)(void *)(h + i),
		    _mm256_cvtps_ph(
			v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
	}
	return i;
}

size_t
half_to_floats_avx2(float *x, const uint16_t *h, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(
		    x + i, _mm256_cvtph_ps(_mm_loadu_si128(
			       (const __m128i *)(const void *)(h + i))));
	return i;
}
#endif
