#include "linalg/linear_i8_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "linalg/simd_x86.h"

/* Sums of 4 rows and 16 outputs take 8 of the 16 registers, the weights of a
 * pair of steps 4. */
enum { GROUP = 4, RECORD = 72 * GROUP };

static inline __m256i
four_bytes(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return _mm256_set1_epi32(v);
}

static inline float
least(__m256 a)
{
	__m128 t =
	    _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	t = _mm_min_ps(t, _mm_movehl_ps(t, t));
	return _mm_cvtss_f32(_mm_min_ss(t, _mm_movehdup_ps(t)));
}

/* One row's 64 columns of a block: x: [64].  q: 16 steps in two vectors. */
static inline void
quantize_block(__m256i q[2], float *scale, int32_t *zero, const float *x)
{
	const __m256 none = _mm256_setzero_ps(), top = _mm256_set1_ps(127);
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	__m256 lo = none, hi = none, bad = none, r, z;
	__m256i v[8];
	float s, inverse, f;

	UNROLL
	for (int i = 0; i < 8; i++) {
		__m256 t = _mm256_loadu_ps(x + 8 * i);

		lo = _mm256_min_ps(t, lo);
		hi = _mm256_min_ps(_mm256_sub_ps(none, t), hi);
		bad = _mm256_fmadd_ps(t, none, bad);
	}
	bad = _mm256_add_ps(bad, _mm256_permute2f128_ps(bad, bad, 1));
	bad = _mm256_hadd_ps(bad, bad);
	bad = _mm256_hadd_ps(bad, bad);
	f = least(lo);
	s = -least(hi) * (1.0f / 127) - f * (1.0f / 127) +
	    _mm256_cvtss_f32(bad);
	inverse = 1 / s;
	if (s < 0x1p-126f)
		s = inverse = 0;
	r = _mm256_set1_ps(inverse);
	z = _mm256_min_ps(_mm256_round_ps(_mm256_mul_ps(_mm256_set1_ps(-f), r),
			      _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
	    top);
	UNROLL
	for (int i = 0; i < 8; i++) {
		__m256 t = _mm256_fmadd_ps(_mm256_loadu_ps(x + 8 * i), r, z);

		/* Conversion rounds; rint after the bounds is rint before. */
		t = _mm256_min_ps(_mm256_max_ps(t, none), top);
		v[i] = _mm256_cvtps_epi32(t);
	}
	UNROLL
	for (int i = 0; i < 2; i++) {
		__m256i a = _mm256_packs_epi32(v[4 * i], v[4 * i + 1]);
		__m256i b = _mm256_packs_epi32(v[4 * i + 2], v[4 * i + 3]);

		q[i] = _mm256_permutevar8x32_epi32(
		    _mm256_packus_epi16(a, b), order);
	}
	*scale = s;
	*zero = _mm_cvtsi128_si32(_mm_cvtps_epi32(_mm256_castps256_ps128(z)));
}

/* Four rows of a block: rows of steps become steps of rows. */
static void
quantize_group(uint8_t *q, const float *const x[GROUP])
{
	__m256i v[GROUP][2];
	float scale[GROUP];
	int32_t zero[GROUP];

	for (int r = 0; r < GROUP; r++)
		quantize_block(v[r], scale + r, zero + r, x[r]);
	for (int i = 0; i < 2; i++, q += 128) {
		__m256i a = _mm256_unpacklo_epi32(v[0][i], v[1][i]);
		__m256i b = _mm256_unpackhi_epi32(v[0][i], v[1][i]);
		__m256i c = _mm256_unpacklo_epi32(v[2][i], v[3][i]);
		__m256i d = _mm256_unpackhi_epi32(v[2][i], v[3][i]);
		__m256i s0 = _mm256_unpacklo_epi64(a, c);
		__m256i s1 = _mm256_unpackhi_epi64(a, c);
		__m256i s2 = _mm256_unpacklo_epi64(b, d);
		__m256i s3 = _mm256_unpackhi_epi64(b, d);
		__m256i *to = (__m256i *)(void *)q;

		_mm256_storeu_si256(
		    to, _mm256_permute2x128_si256(s0, s1, 0x20));
		_mm256_storeu_si256(
		    to + 1, _mm256_permute2x128_si256(s2, s3, 0x20));
		_mm256_storeu_si256(
		    to + 2, _mm256_permute2x128_si256(s0, s1, 0x31));
		_mm256_storeu_si256(
		    to + 3, _mm256_permute2x128_si256(s2, s3, 0x31));
	}
	memcpy(q, scale, sizeof(scale));
	memcpy(q + sizeof(scale), zero, sizeof(zero));
}

static void
quantize(uint8_t *q, const float *x, size_t ldx, size_t rows, size_t in)
{
	static const float nothing[64];
	float tail[GROUP][64] = { { 0 } };

	for (size_t i = 0; i < rows; i += GROUP) {
		for (size_t k = 0; k < in; k += 64, q += RECORD) {
			const float *p[GROUP];

			for (size_t r = 0; r < GROUP; r++) {
				p[r] = i + r < rows ? x + (i + r) * ldx + k
						    : nothing;
				if (in - k < 64 && i + r < rows)
					p[r] = memcpy(tail[r], p[r],
					    (in - k) * sizeof(*x));
			}
			quantize_group(q, p);
		}
	}
}

/* a[0] and a[1] += the products of a pair of steps, or of one, of one row */
#define PAIR(a, qi, qj)                                                        \
	do {                                                                   \
		__m256i x = four_bytes(qi), u = four_bytes(qj);                \
                                                                               \
		(a)[0] = _mm256_add_epi32((a)[0],                              \
		    _mm256_madd_epi16(                                         \
			_mm256_add_epi16(_mm256_maddubs_epi16(x, wi[0]),       \
			    _mm256_maddubs_epi16(u, wj[0])),                   \
			ones));                                                \
		(a)[1] = _mm256_add_epi32((a)[1],                              \
		    _mm256_madd_epi16(                                         \
			_mm256_add_epi16(_mm256_maddubs_epi16(x, wi[1]),       \
			    _mm256_maddubs_epi16(u, wj[1])),                   \
			ones));                                                \
	} while (0)

#define SINGLE(a, qi)                                                          \
	do {                                                                   \
		__m256i x = four_bytes(qi);                                    \
                                                                               \
		(a)[0] = _mm256_add_epi32((a)[0],                              \
		    _mm256_madd_epi16(_mm256_maddubs_epi16(x, wi[0]), ones));  \
		(a)[1] = _mm256_add_epi32((a)[1],                              \
		    _mm256_madd_epi16(_mm256_maddubs_epi16(x, wi[1]), ones));  \
	} while (0)

static inline void
load_step(__m256i w[2], const uint8_t *p)
{
	w[0] = _mm256_load_si256((const __m256i *)(const void *)p);
	w[1] = _mm256_load_si256((const __m256i *)(const void *)(p + 32));
}

/* Sums of the first ${n} rows of a group with one panel. */
static inline __attribute__((always_inline)) void
tile(float *t, const uint8_t *q, const uint8_t *w, size_t blocks, const int n)
{
	const __m256i ones = _mm256_set1_epi16(1);

	for (int r = 0; r < n; r++) {
		_mm256_store_ps(t + r * I8_WIDE, _mm256_setzero_ps());
		_mm256_store_ps(t + r * I8_WIDE + 8, _mm256_setzero_ps());
	}
	for (size_t b = 0; b < blocks; b++, q += RECORD, w += I8_BLOCK) {
		const uint8_t *order = w + I8_ORDER;
		const float *sw = (const float *)(const void *)(w + I8_SCALES);
		const uint8_t *end = order + 2 * w[I8_PAIRS];
		__m256i a[GROUP][2], wi[2], wj[2];

		wi[0] = _mm256_cvtepi16_epi32(_mm_load_si128(
		    (const __m128i *)(const void *)(w + I8_SUMS)));
		wi[1] = _mm256_cvtepi16_epi32(_mm_load_si128(
		    (const __m128i *)(const void *)(w + I8_SUMS + 16)));
		UNROLL
		for (int r = 0; r < n; r++) {
			/* 16 bits of each are all there is */
			__m256i z = four_bytes(q + 68 * GROUP + 4 * r);

			a[r][0] = _mm256_madd_epi16(wi[0], z);
			a[r][1] = _mm256_madd_epi16(wi[1], z);
		}
		for (; order < end; order += 2) {
			const uint8_t *qi = q + order[0], *qj = q + order[1];

			load_step(wi, w + 4 * (size_t)order[0]);
			load_step(wj, w + 4 * (size_t)order[1]);
			UNROLL
			for (int r = 0; r < n; r++)
				PAIR(a[r], qi + 4 * r, qj + 4 * r);
		}
		for (; order < w + I8_ORDER + I8_STEPS; order++) {
			const uint8_t *qi = q + order[0];

			load_step(wi, w + 4 * (size_t)order[0]);
			UNROLL
			for (int r = 0; r < n; r++)
				SINGLE(a[r], qi + 4 * r);
		}
		UNROLL
		for (int r = 0; r < n; r++) {
			__m256 sx = _mm256_castsi256_ps(
			    four_bytes(q + 64 * GROUP + 4 * r));
			float *to = t + r * I8_WIDE;

			_mm256_store_ps(
			    to, _mm256_fmadd_ps(_mm256_cvtepi32_ps(a[r][0]),
				    _mm256_mul_ps(sx, _mm256_load_ps(sw)),
				    _mm256_load_ps(to)));
			_mm256_store_ps(to + 8,
			    _mm256_fmadd_ps(_mm256_cvtepi32_ps(a[r][1]),
				_mm256_mul_ps(sx, _mm256_load_ps(sw + 8)),
				_mm256_load_ps(to + 8)));
		}
	}
}

static void
product(float *t, const uint8_t *q, size_t rows, const uint8_t *w,
    size_t blocks, size_t panels)
{
	for (size_t p = 0; p < panels; p++, w += blocks * I8_BLOCK)
		for (size_t i = 0; i < rows; i += GROUP) {
			const uint8_t *a = q + i * blocks * 72;
			float *to = t + i * I8_WIDE + p * I8_PANEL;

			switch (rows - i) {
			case 1:
				tile(to, a, w, blocks, 1);
				break;
			case 2:
				tile(to, a, w, blocks, 2);
				break;
			case 3:
				tile(to, a, w, blocks, 3);
				break;
			default:
				tile(to, a, w, blocks, 4);
			}
		}
}

const struct i8_kernels i8_avx2 = { "avx2", GROUP, quantize, product, NULL,
	NULL };

#endif
