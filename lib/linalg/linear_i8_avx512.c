#include "linalg/linear_i8_kernels.h"

#if defined(__x86_64__)

#include "linalg/linear_i8_rows.h"

#define BEGIN(r) __m512i a##r = none;
#define PAIR(r)                                                                \
	if (r < n) {                                                           \
		__m512i x =                                                    \
		    _mm512_maddubs_epi16(four_bytes(q + 2 * i + 4 * r), one);  \
		__m512i y =                                                    \
		    _mm512_maddubs_epi16(four_bytes(q + 2 * j + 4 * r), two);  \
                                                                               \
		x = _mm512_madd_epi16(_mm512_add_epi16(x, y), ones);           \
		a##r = _mm512_add_epi32(a##r, x);                              \
	}
#define SINGLE(r)                                                              \
	if (r < n) {                                                           \
		__m512i x =                                                    \
		    _mm512_maddubs_epi16(four_bytes(q + 2 * i + 4 * r), one);  \
                                                                               \
		a##r = _mm512_add_epi32(a##r, _mm512_madd_epi16(x, ones));     \
	}
#define ADD(r)                                                                 \
	if (r < n)                                                             \
		add_row(t + r * I8_WIDE, a##r, q, r, minus, sw);

/* One panel: each pairs its steps in its own way. */
static inline __attribute__((always_inline)) void
panel(
    float *t, const uint8_t *q, const uint8_t *w, size_t blocks, const size_t n)
{
	const __m512i none = _mm512_setzero_si512();
	const __m512i ones = _mm512_set1_epi16(1);

	for (size_t b = 0; b < blocks; b++, q += RECORD, w += I8_BLOCK) {
		const uint8_t *order = w + I8_ORDER;
		const uint8_t *end = order + 2 * w[I8_PAIRS];
		__m512i minus = panel_sums(w);
		__m512 sw = panel_scales(w);

		EACH_ROW(BEGIN)
		for (; order < end; order += 2) {
			size_t i = order[0], j = order[1];
			__m512i one = _mm512_loadu_si512(w + 4 * i);
			__m512i two = _mm512_loadu_si512(w + 4 * j);

			EACH_ROW(PAIR)
		}
		for (; order < w + I8_ORDER + I8_STEPS; order++) {
			size_t i = order[0];
			__m512i one = _mm512_loadu_si512(w + 4 * i);

			EACH_ROW(SINGLE)
		}
		EACH_ROW(ADD)
	}
}

static inline __attribute__((always_inline)) void
tile(float *t, const uint8_t *q, const uint8_t *w, size_t blocks,
    const size_t n, const size_t panels)
{
	clear_rows(t, n, panels);
	for (size_t p = 0; p < panels; p++)
		panel(
		    t + p * I8_PANEL, q, w + p * blocks * I8_BLOCK, blocks, n);
}

const struct i8_kernels i8_avx512 = { "avx512", GROUP, quantize, product, NULL,
	NULL };

#endif
