#include "linalg/linear_i8_kernels.h"

#if defined(__x86_64__)

#include "linalg/linear_i8_rows.h"

/* gcc 12 moves the sums of the intrinsic from register to register, twice for
 * each product.  Where it is emulated there is no such instruction. */
static inline __m512i
dpbusd(__m512i a, __m512i x, __m512i w)
{
#if defined(__AVX512VNNI__)
	__asm__("vpdpbusd %2, %1, %0" : "+v"(a) : "v"(x), "v"(w));
	return a;
#else
	return _mm512_dpbusd_epi32(a, x, w);
#endif
}

#define BEGIN(r) __m512i a##r = none, c##r = none;
#define STEP(r)                                                                \
	if (r < n) {                                                           \
		__m512i x = four_bytes(x0 + 4 * r);                            \
                                                                               \
		a##r = dpbusd(a##r, x, one);                                   \
		if (panels > 1)                                                \
			c##r = dpbusd(c##r, x, two);                           \
	}
#define ADD(r)                                                                 \
	if (r < n)                                                             \
		add_row(t + r * I8_WIDE, a##r, q, r, minus, sw);
#define ADD_SECOND(r)                                                          \
	if (r < n)                                                             \
		add_row(t + r * I8_WIDE + I8_PANEL, c##r, q, r, minus, sw);

static inline __attribute__((always_inline)) void
tile(float *t, const uint8_t *q, const uint8_t *w, size_t blocks,
    const size_t n, const size_t panels)
{
	const uint8_t *v = w + blocks * I8_BLOCK;
	const __m512i none = _mm512_setzero_si512();

	clear_rows(t, n, panels);
	for (size_t b = 0; b < blocks; b++) {
		const uint8_t *x0 = q;
		__m512i minus = panel_sums(w);
		__m512 sw = panel_scales(w);

		EACH_ROW(BEGIN)
		for (size_t s = 0; s < I8_STEPS; s++, x0 += 4 * GROUP) {
			__m512i one = _mm512_loadu_si512(w + 64 * s), two = one;

			if (panels > 1)
				two = _mm512_loadu_si512(v + 64 * s);
			EACH_ROW(STEP)
		}
		EACH_ROW(ADD)
		if (panels > 1) {
			minus = panel_sums(v);
			sw = panel_scales(v);
			EACH_ROW(ADD_SECOND)
		}
		q += RECORD;
		w += I8_BLOCK;
		v += I8_BLOCK;
	}
}

const struct i8_kernels i8_vnni = { "vnni", GROUP, quantize, product, NULL,
	NULL };

#endif
