/*
 * AVX-512, VNNI and AMX for machines that have AVX2: this header stands before
 * the compiler's, so that the kernels of those sets compile unchanged and can
 * be tested for equal bytes anywhere.  SIMDe has most of AVX-512; what it
 * lacks, or does otherwise than the machine, is here.  An intrinsic that
 * neither has fails to compile ("target specific option mismatch"): add it
 * here, lane by lane, as Intel's guide defines it.
 */
#pragma GCC system_header /* SIMDe's warnings are not ours */
#include_next <immintrin.h>

#ifndef TESTS_EMULATE_IMMINTRIN_H
#define TESTS_EMULATE_IMMINTRIN_H

#if defined(__AVX512F__)
#error "compile without -mavx512f: this is for the emulation"
#endif

#define UNROLL /* what unrolled would take minutes to compile */

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * Masked loads and stores: lanes that are masked out are not touched, not even
 * where their page is missing.
 */
#define EMULATE_MASKED(name, type, elem, mask)                                 \
	static inline type emulate_load_##name(type t, mask k, const void *p)  \
	{                                                                      \
		elem v[sizeof(type) / sizeof(elem)];                           \
                                                                               \
		memcpy(v, &t, sizeof(t));                                      \
		for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)            \
			if (k >> i & 1)                                        \
				memcpy(v + i,                                  \
				    (const char *)p + i * sizeof(*v),          \
				    sizeof(*v));                               \
		memcpy(&t, v, sizeof(t));                                      \
		return t;                                                      \
	}                                                                      \
	static inline void emulate_store_##name(void *p, mask k, type t)       \
	{                                                                      \
		elem v[sizeof(type) / sizeof(elem)];                           \
                                                                               \
		memcpy(v, &t, sizeof(t));                                      \
		for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)            \
			if (k >> i & 1)                                        \
				memcpy((char *)p + i * sizeof(*v), v + i,      \
				    sizeof(*v));                               \
	}

EMULATE_MASKED(512_ps, __m512, float, uint16_t)
EMULATE_MASKED(512_pd, __m512d, double, uint8_t)
EMULATE_MASKED(512_epi32, __m512i, int32_t, uint16_t)
EMULATE_MASKED(512_epi16, __m512i, int16_t, uint32_t)
EMULATE_MASKED(512_epi8, __m512i, int8_t, uint64_t)
EMULATE_MASKED(256_ps, __m256, float, uint8_t)
EMULATE_MASKED(256_pd, __m256d, double, uint8_t)
EMULATE_MASKED(256_epi32, __m256i, int32_t, uint8_t)
EMULATE_MASKED(256_epi16, __m256i, int16_t, uint16_t)
EMULATE_MASKED(256_epi8, __m256i, int8_t, uint32_t)
EMULATE_MASKED(128_epi32, __m128i, int32_t, uint8_t)
EMULATE_MASKED(128_epi16, __m128i, int16_t, uint8_t)
EMULATE_MASKED(128_epi8, __m128i, int8_t, uint16_t)

#undef _mm512_maskz_loadu_ps
#undef _mm512_maskz_loadu_pd
#undef _mm512_maskz_loadu_epi32
#undef _mm512_maskz_loadu_epi16
#undef _mm512_maskz_loadu_epi8
#undef _mm256_maskz_loadu_ps
#undef _mm256_maskz_loadu_pd
#undef _mm256_maskz_loadu_epi32
#undef _mm256_maskz_loadu_epi16
#undef _mm256_maskz_loadu_epi8
#undef _mm_maskz_loadu_epi32
#undef _mm_maskz_loadu_epi16
#undef _mm_maskz_loadu_epi8
#define _mm512_maskz_loadu_ps(k, p)                                            \
	emulate_load_512_ps(_mm512_setzero_ps(), k, p)
#define _mm512_maskz_loadu_pd(k, p)                                            \
	emulate_load_512_pd(_mm512_setzero_pd(), k, p)
#define _mm512_maskz_loadu_epi32(k, p)                                         \
	emulate_load_512_epi32(_mm512_setzero_si512(), k, p)
#define _mm512_maskz_loadu_epi16(k, p)                                         \
	emulate_load_512_epi16(_mm512_setzero_si512(), k, p)
#define _mm512_maskz_loadu_epi8(k, p)                                          \
	emulate_load_512_epi8(_mm512_setzero_si512(), k, p)
#define _mm256_maskz_loadu_ps(k, p)                                            \
	emulate_load_256_ps(_mm256_setzero_ps(), k, p)
#define _mm256_maskz_loadu_pd(k, p)                                            \
	emulate_load_256_pd(_mm256_setzero_pd(), k, p)
#define _mm256_maskz_loadu_epi32(k, p)                                         \
	emulate_load_256_epi32(_mm256_setzero_si256(), k, p)
#define _mm256_maskz_loadu_epi16(k, p)                                         \
	emulate_load_256_epi16(_mm256_setzero_si256(), k, p)
#define _mm256_maskz_loadu_epi8(k, p)                                          \
	emulate_load_256_epi8(_mm256_setzero_si256(), k, p)
#define _mm_maskz_loadu_epi32(k, p)                                            \
	emulate_load_128_epi32(_mm_setzero_si128(), k, p)
#define _mm_maskz_loadu_epi16(k, p)                                            \
	emulate_load_128_epi16(_mm_setzero_si128(), k, p)
#define _mm_maskz_loadu_epi8(k, p)                                             \
	emulate_load_128_epi8(_mm_setzero_si128(), k, p)

#undef _mm512_mask_loadu_ps
#undef _mm512_mask_loadu_pd
#undef _mm512_mask_loadu_epi32
#undef _mm512_mask_loadu_epi16
#undef _mm512_mask_loadu_epi8
#define _mm512_mask_loadu_ps(t, k, p)    emulate_load_512_ps(t, k, p)
#define _mm512_mask_loadu_pd(t, k, p)    emulate_load_512_pd(t, k, p)
#define _mm512_mask_loadu_epi32(t, k, p) emulate_load_512_epi32(t, k, p)
#define _mm512_mask_loadu_epi16(t, k, p) emulate_load_512_epi16(t, k, p)
#define _mm512_mask_loadu_epi8(t, k, p)  emulate_load_512_epi8(t, k, p)

#undef _mm512_mask_storeu_ps
#undef _mm512_mask_storeu_pd
#undef _mm512_mask_storeu_epi32
#undef _mm512_mask_storeu_epi16
#undef _mm512_mask_storeu_epi8
#undef _mm256_mask_storeu_ps
#undef _mm256_mask_storeu_pd
#undef _mm256_mask_storeu_epi32
#undef _mm256_mask_storeu_epi16
#undef _mm256_mask_storeu_epi8
#undef _mm_mask_storeu_epi32
#undef _mm_mask_storeu_epi16
#undef _mm_mask_storeu_epi8
#define _mm512_mask_storeu_ps(p, k, a)    emulate_store_512_ps(p, k, a)
#define _mm512_mask_storeu_pd(p, k, a)    emulate_store_512_pd(p, k, a)
#define _mm512_mask_storeu_epi32(p, k, a) emulate_store_512_epi32(p, k, a)
#define _mm512_mask_storeu_epi16(p, k, a) emulate_store_512_epi16(p, k, a)
#define _mm512_mask_storeu_epi8(p, k, a)  emulate_store_512_epi8(p, k, a)
#define _mm256_mask_storeu_ps(p, k, a)    emulate_store_256_ps(p, k, a)
#define _mm256_mask_storeu_pd(p, k, a)    emulate_store_256_pd(p, k, a)
#define _mm256_mask_storeu_epi32(p, k, a) emulate_store_256_epi32(p, k, a)
#define _mm256_mask_storeu_epi16(p, k, a) emulate_store_256_epi16(p, k, a)
#define _mm256_mask_storeu_epi8(p, k, a)  emulate_store_256_epi8(p, k, a)
#define _mm_mask_storeu_epi32(p, k, a)    emulate_store_128_epi32(p, k, a)
#define _mm_mask_storeu_epi16(p, k, a)    emulate_store_128_epi16(p, k, a)
#define _mm_mask_storeu_epi8(p, k, a)     emulate_store_128_epi8(p, k, a)

/* What SIMDe 0.7.4 lacks: lane by lane. */
#define EMULATE_MAP(name, to, t, from, f, expr)                                \
	static inline to emulate_##name(from a)                                \
	{                                                                      \
		f x[sizeof(from) / sizeof(f)];                                 \
		t y[sizeof(to) / sizeof(t)];                                   \
                                                                               \
		memcpy(x, &a, sizeof(x));                                      \
		for (size_t i = 0; i < sizeof(y) / sizeof(*y); i++)            \
			y[i] = expr;                                           \
		to r;                                                          \
		memcpy(&r, y, sizeof(r));                                      \
		return r;                                                      \
	}

/* Out of range, and NaN, is the most negative integer. */
static inline int32_t
emulate_int(double rounded)
{
	return rounded >= -2147483648.0 && rounded < 2147483648.0
		   ? (int32_t)rounded
		   : INT32_MIN;
}

static inline int32_t
emulate_clamp(int64_t a, int64_t low, int64_t high)
{
	return (int32_t)(a < low ? low : a > high ? high : a);
}

EMULATE_MAP(cvtepi32_ps, __m512, float, __m512i, int32_t, (float)x[i])
EMULATE_MAP(cvtps_epi32, __m512i, int32_t, __m512, float,
    emulate_int(rint((double)x[i])))
EMULATE_MAP(cvttps_epi32, __m512i, int32_t, __m512, float,
    emulate_int(trunc((double)x[i])))
EMULATE_MAP(cvtepi32_pd, __m512d, double, __m256i, int32_t, (double)x[i])
EMULATE_MAP(cvtps_pd, __m512d, double, __m256, float, (double)x[i])
EMULATE_MAP(cvtpd_ps, __m256, float, __m512d, double, (float)x[i])
EMULATE_MAP(
    cvtpd_epi32, __m256i, int32_t, __m512d, double, emulate_int(rint(x[i])))
EMULATE_MAP(cvtepi8_epi32, __m512i, int32_t, __m128i, int8_t, x[i])
EMULATE_MAP(cvtepu8_epi32, __m512i, int32_t, __m128i, uint8_t, x[i])
EMULATE_MAP(cvtepi16_epi32, __m512i, int32_t, __m256i, int16_t, x[i])
EMULATE_MAP(cvtepu16_epi32, __m512i, int32_t, __m256i, uint16_t, x[i])
EMULATE_MAP(cvtepi32_epi8, __m128i, int8_t, __m512i, int32_t, (int8_t)x[i])
EMULATE_MAP(cvtepi32_epi16, __m256i, int16_t, __m512i, int32_t, (int16_t)x[i])
EMULATE_MAP(cvtsepi32_epi8, __m128i, int8_t, __m512i, int32_t,
    (int8_t)emulate_clamp(x[i], -128, 127))
EMULATE_MAP(cvtusepi32_epi8, __m128i, uint8_t, __m512i, uint32_t,
    (uint8_t)emulate_clamp(x[i], 0, 255))

static inline __m512i
emulate_srai_epi32(__m512i a, unsigned n)
{
	int32_t x[16];

	memcpy(x, &a, sizeof(x));
	for (int i = 0; i < 16; i++)
		x[i] = x[i] >> (n > 31 ? 31 : n);
	memcpy(&a, x, sizeof(a));
	return a;
}

/* a 2^floor(n), rounded once */
static inline __m512
emulate_scalef_ps(__m512 a, __m512 n)
{
	float x[16], y[16];

	memcpy(x, &a, sizeof(x));
	memcpy(y, &n, sizeof(y));
	for (int i = 0; i < 16; i++)
		x[i] = (float)scalbn((double)x[i],
		    emulate_int(fmin(fmax(floor((double)y[i]), -1e4), 1e4)));
	memcpy(&a, x, sizeof(a));
	return a;
}

static inline __m512d
emulate_scalef_pd(__m512d a, __m512d n)
{
	double x[8], y[8];

	memcpy(x, &a, sizeof(x));
	memcpy(y, &n, sizeof(y));
	for (int i = 0; i < 8; i++)
		x[i] = scalbn(
		    x[i], emulate_int(fmin(fmax(floor(y[i]), -1e4), 1e4)));
	memcpy(&a, x, sizeof(a));
	return a;
}

static inline __m256
emulate_half(__m512 a, int which)
{
	__m256 half[2];

	memcpy(half, &a, sizeof(a));
	return half[which];
}

/* Of no NaN, so that the order is of no consequence. */
static inline float
emulate_extreme(__m512 a, int max)
{
	float x[16];

	memcpy(x, &a, sizeof(x));
	for (int i = 1; i < 16; i++)
		if (max ? x[i] > x[0] : x[i] < x[0])
			x[0] = x[i];
	return x[0];
}

static inline __m512
emulate_cvtph_ps(__m256i a)
{
	__m256 half[2] = { _mm256_cvtph_ps(_mm256_castsi256_si128(a)),
		_mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)) };
	__m512 r;

	memcpy(&r, half, sizeof(r));
	return r;
}

#undef _mm512_cvtepi32_ps
#undef _mm512_cvtps_epi32
#undef _mm512_cvttps_epi32
#undef _mm512_cvtepi32_pd
#undef _mm512_cvtps_pd
#undef _mm512_cvtpd_ps
#undef _mm512_cvtpd_epi32
#undef _mm512_cvtepi8_epi32
#undef _mm512_cvtepu8_epi32
#undef _mm512_cvtepi16_epi32
#undef _mm512_cvtepu16_epi32
#undef _mm512_cvtepi32_epi8
#undef _mm512_cvtepi32_epi16
#undef _mm512_cvtsepi32_epi8
#undef _mm512_cvtusepi32_epi8
#undef _mm512_cvtph_ps
#undef _mm512_cvtps_ph
#undef _mm512_stream_ps
#undef _mm512_cvtss_f32
#undef _mm512_cvtsi512_si32
#define _mm512_cvtepi32_ps(a)     emulate_cvtepi32_ps(a)
#define _mm512_cvtps_epi32(a)     emulate_cvtps_epi32(a)
#define _mm512_cvttps_epi32(a)    emulate_cvttps_epi32(a)
#define _mm512_cvtepi32_pd(a)     emulate_cvtepi32_pd(a)
#define _mm512_cvtps_pd(a)        emulate_cvtps_pd(a)
#define _mm512_cvtpd_ps(a)        emulate_cvtpd_ps(a)
#define _mm512_cvtpd_epi32(a)     emulate_cvtpd_epi32(a)
#define _mm512_cvtepi8_epi32(a)   emulate_cvtepi8_epi32(a)
#define _mm512_cvtepu8_epi32(a)   emulate_cvtepu8_epi32(a)
#define _mm512_cvtepi16_epi32(a)  emulate_cvtepi16_epi32(a)
#define _mm512_cvtepu16_epi32(a)  emulate_cvtepu16_epi32(a)
#define _mm512_cvtepi32_epi8(a)   emulate_cvtepi32_epi8(a)
#define _mm512_cvtepi32_epi16(a)  emulate_cvtepi32_epi16(a)
#define _mm512_cvtsepi32_epi8(a)  emulate_cvtsepi32_epi8(a)
#define _mm512_cvtusepi32_epi8(a) emulate_cvtusepi32_epi8(a)
#define _mm512_cvtph_ps(a)        emulate_cvtph_ps(a)
#define _mm512_stream_ps(p, a)    _mm512_storeu_ps(p, a)
#define _mm512_cvtss_f32(a)       ((float)(a)[0])
#define _mm512_cvtsi512_si32(a)   _mm_cvtsi128_si32(_mm512_castsi512_si128(a))

#undef _mm512_srai_epi32
#undef _mm512_scalef_ps
#undef _mm512_scalef_pd
#undef _mm512_extractf32x8_ps
#undef _mm512_reduce_max_ps
#undef _mm512_reduce_min_ps
#define _mm512_srai_epi32(a, n)      emulate_srai_epi32(a, n)
#define _mm512_scalef_ps(a, n)       emulate_scalef_ps(a, n)
#define _mm512_scalef_pd(a, n)       emulate_scalef_pd(a, n)
#define _mm512_extractf32x8_ps(a, n) emulate_half(a, n)
#define _mm512_reduce_max_ps(a)      emulate_extreme(a, 1)
#define _mm512_reduce_min_ps(a)      emulate_extreme(a, 0)

/* Those that SIMDe has, but not under the machine's name, or wrongly. */
#undef _mm512_shuffle_f32x4
#undef _mm512_shuffle_f64x2
#undef _mm512_shuffle_i64x2
#undef _mm512_shuffle_epi32
#define _mm512_shuffle_f32x4(a, b, how) simde_mm512_shuffle_f32x4(a, b, how)
#define _mm512_shuffle_f64x2(a, b, how) simde_mm512_shuffle_f64x2(a, b, how)
#define _mm512_shuffle_i64x2(a, b, how) simde_mm512_shuffle_i64x2(a, b, how)
#define _mm512_shuffle_epi32(a, how)                                           \
	_mm512_castps_si512(_mm512_shuffle_ps(                                 \
	    _mm512_castsi512_ps(a), _mm512_castsi512_ps(a), how))

/* Each half by the machine's own; the rounding must be a constant. */
#define _mm512_cvtps_ph(a, how)                                                \
	_mm256_set_m128i(_mm256_cvtps_ph(_mm512_extractf32x8_ps(a, 1), how),   \
	    _mm256_cvtps_ph(_mm512_castps512_ps256(a), how))

/* VNNI: t[i] += a[4 i + j] b[4 i + j], a unsigned, b signed, for j < 4.  It is
 * not inlined, and neither are the next, because kernels that are written out
 * have hundreds of them and would take minutes to compile. */
static __attribute__((noinline, unused)) __m512i
emulate_dpbusd(__m512i t, __m512i a, __m512i b)
{
	uint8_t u[64];
	int8_t s[64];
	int32_t sum[16];

	memcpy(u, &a, sizeof(u));
	memcpy(s, &b, sizeof(s));
	memcpy(sum, &t, sizeof(sum));
	for (int i = 0; i < 64; i++)
		sum[i / 4] += u[i] * s[i];
	memcpy(&t, sum, sizeof(t));
	return t;
}

static __attribute__((noinline, unused)) __m512i
emulate_maddubs(__m512i a, __m512i b)
{
	return simde_mm512_maddubs_epi16(a, b);
}

static __attribute__((noinline, unused)) __m512i
emulate_madd(__m512i a, __m512i b)
{
	return simde_mm512_madd_epi16(a, b);
}

#undef _mm512_maddubs_epi16
#undef _mm512_madd_epi16
#define _mm512_maddubs_epi16(a, b) emulate_maddubs(a, b)
#define _mm512_madd_epi16(a, b)    emulate_madd(a, b)

#undef _mm512_dpbusd_epi32
#define _mm512_dpbusd_epi32(t, a, b) emulate_dpbusd(t, a, b)

/*
 * AMX: eight tiles of up to 16 rows of up to 64 bytes, their shapes set by
 * _tile_loadconfig.  Intel, Architecture Instruction Set Extensions
 * Programming Reference, chapter "Intel AMX".
 */
struct emulate_tile {
	int rows, bytes;
	uint8_t v[16][64];
};

static _Thread_local struct emulate_tile emulate_tiles[8];

static inline void
emulate_loadconfig(const void *config)
{
	const uint8_t *c = config;

	memset(emulate_tiles, 0, sizeof(emulate_tiles));
	for (int t = 0; c[0] == 1 && t < 8; t++) {
		emulate_tiles[t].bytes = c[16 + 2 * t] | c[17 + 2 * t] << 8;
		emulate_tiles[t].rows = c[48 + t];
	}
}

static inline void
emulate_tile_load(int t, const void *p, size_t step)
{
	struct emulate_tile *d = &emulate_tiles[t];

	memset(d->v, 0, sizeof(d->v));
	for (int i = 0; i < d->rows; i++)
		memcpy(d->v[i], (const char *)p + (size_t)i * step,
		    (size_t)d->bytes);
}

static inline void
emulate_tile_store(int t, void *p, size_t step)
{
	const struct emulate_tile *s = &emulate_tiles[t];

	for (int i = 0; i < s->rows; i++)
		memcpy((char *)p + (size_t)i * step, s->v[i], (size_t)s->bytes);
}

static inline void
emulate_tile_zero(int t)
{
	memset(emulate_tiles[t].v, 0, sizeof(emulate_tiles[t].v));
}

/* c[m][n] += a[m][4 k + j] b[k][4 n + j] */
static inline void
emulate_tile_dpbusd(int c, int a, int b)
{
	struct emulate_tile *d = &emulate_tiles[c];
	const struct emulate_tile *x = &emulate_tiles[a];
	const struct emulate_tile *w = &emulate_tiles[b];

	for (int m = 0; m < d->rows; m++)
		for (int n = 0; n < d->bytes / 4; n++) {
			int32_t sum;

			memcpy(&sum, d->v[m] + 4 * n, sizeof(sum));
			for (int i = 0; i < x->bytes; i++)
				sum += x->v[m][i] *
				       (int8_t)w->v[i / 4][4 * n + i % 4];
			memcpy(d->v[m] + 4 * n, &sum, sizeof(sum));
		}
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stream_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbusd
#define _tile_loadconfig(c)            emulate_loadconfig(c)
#define _tile_release()                memset(emulate_tiles, 0, sizeof(emulate_tiles))
#define _tile_loadd(t, p, step)        emulate_tile_load(t, p, (size_t)(step))
#define _tile_stream_loadd(t, p, step) emulate_tile_load(t, p, (size_t)(step))
#define _tile_stored(t, p, step)       emulate_tile_store(t, p, (size_t)(step))
#define _tile_zero(t)                  emulate_tile_zero(t)
#define _tile_dpbusd(c, a, b)          emulate_tile_dpbusd(c, a, b)

#endif
