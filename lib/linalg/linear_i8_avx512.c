#include "linalg/linear_i8_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "linalg/simd_x86.h"

static inline __m512i
four_bytes(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return _mm512_set1_epi32(v);
}

/* Panels pair their steps each in its own way, so they go one by one. */
#define STEPS(a, q, w, next, n, panels)                                        \
	UNROLL                                                                 \
	for (size_t p = 0; p < (panels); p++)                                  \
	sum_steps((a)[p], q, (w) + p * (next), n)

static inline void sum_steps(
    __m512i *a, const uint8_t *q, const uint8_t *w, const int n);

#include "linalg/linear_i8_rows.h"

static inline __attribute__((always_inline)) void
sum_steps(__m512i *a, const uint8_t *q, const uint8_t *w, const int n)
{
	const __m512i ones = _mm512_set1_epi16(1);
	const uint8_t *order = w + I8_ORDER;
	const uint8_t *end = order + 2 * w[I8_PAIRS];

	for (; order < end; order += 2) {
		size_t i = order[0], j = order[1];
		__m512i v = _mm512_loadu_si512(w + 4 * i);
		__m512i u = _mm512_loadu_si512(w + 4 * j);

		UNROLL
		for (int r = 0; r < n; r++) {
			__m512i x = _mm512_maddubs_epi16(
			    four_bytes(q + 2 * i + 4 * r), v);
			__m512i y = _mm512_maddubs_epi16(
			    four_bytes(q + 2 * j + 4 * r), u);

			a[r] = _mm512_add_epi32(a[r],
			    _mm512_madd_epi16(_mm512_add_epi16(x, y), ones));
		}
	}
	for (; order < w + I8_ORDER + I8_STEPS; order++) {
		size_t i = order[0];
		__m512i v = _mm512_loadu_si512(w + 4 * i);

		UNROLL
		for (int r = 0; r < n; r++)
			a[r] = _mm512_add_epi32(
			    a[r], _mm512_madd_epi16(
				      _mm512_maddubs_epi16(
					  four_bytes(q + 2 * i + 4 * r), v),
				      ones));
	}
}

const struct i8_kernels i8_avx512 = { "avx512", GROUP, quantize, product, NULL,
	NULL };

#endif
