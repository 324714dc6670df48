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

#define STEPS(a, q, w, next, n, panels)                                        \
	for (size_t s = 0; s < I8_STEPS; s++) {                                \
		__m512i v[2];                                                  \
                                                                               \
		UNROLL                                                         \
		for (size_t p = 0; p < (panels); p++)                          \
			v[p] = _mm512_loadu_si512((w) + p * (next) + 64 * s);  \
		UNROLL                                                         \
		for (int r = 0; r < (n); r++) {                                \
			__m512i x =                                            \
			    four_bytes((q) + 4 * (GROUP * s + (size_t)r));     \
                                                                               \
			UNROLL                                                 \
			for (size_t p = 0; p < (panels); p++)                  \
				(a)[p][r] =                                    \
				    _mm512_dpbusd_epi32((a)[p][r], x, v[p]);   \
		}                                                              \
	}

#include "linalg/linear_i8_rows.h"

const struct i8_kernels i8_vnni = { "vnni", GROUP, quantize, product, NULL,
	NULL };

#endif
