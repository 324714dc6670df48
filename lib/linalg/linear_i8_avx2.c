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

/* The least (or greatest) element of each of four vectors. */
#define FOLD(op, v)                                                            \
	fold_##op(halves_##op(v[0]), halves_##op(v[1]), halves_##op(v[2]),     \
	    halves_##op(v[3]))
#define FOLD_OF(op)                                                            \
	static inline __m128 halves_##op(__m256 a)                             \
	{                                                                      \
		return _mm_##op##_ps(                                          \
		    _mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));   \
	}                                                                      \
	static inline __m128 fold_##op(__m128 a, __m128 b, __m128 c, __m128 d) \
	{                                                                      \
		__m128 t = _mm_##op##_ps(                                      \
		    _mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));             \
		__m128 u = _mm_##op##_ps(                                      \
		    _mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));             \
                                                                               \
		return _mm_##op##_ps(                                          \
		    _mm_movelh_ps(t, u), _mm_movehl_ps(u, t));                 \
	}

FOLD_OF(min)
FOLD_OF(max)
FOLD_OF(add)

/* The scales and zeros of four rows of a block; v[0] and v[1] become 1 / scale
 * and zero as floats. */
static inline void
choose_scales(
    uint8_t *scale, uint8_t *zero, __m128 v[2], const float *const x[GROUP])
{
	const __m256 none = _mm256_setzero_ps();
	const __m128 part = _mm_set1_ps(1.0f / 127);
	__m256 lo[GROUP], hi[GROUP], bad[GROUP];
	__m128 s, r, z, small;

	UNROLL
	for (int i = 0; i < GROUP; i++) {
		lo[i] = hi[i] = bad[i] = none;
		UNROLL
		for (int k = 0; k < 8; k++) {
			__m256 t = _mm256_loadu_ps(x[i] + 8 * k);

			lo[i] = _mm256_min_ps(t, lo[i]);
			hi[i] = _mm256_max_ps(t, hi[i]);
			bad[i] = _mm256_fmadd_ps(t, none, bad[i]);
		}
	}
	z = FOLD(min, lo);
	s = _mm_add_ps(
	    _mm_sub_ps(_mm_mul_ps(FOLD(max, hi), part), _mm_mul_ps(z, part)),
	    FOLD(add, bad));
	r = _mm_div_ps(_mm_set1_ps(1), s);
	small = _mm_cmplt_ps(s, _mm_set1_ps(0x1p-126f));
	s = _mm_andnot_ps(small, s);
	r = _mm_andnot_ps(small, r);
	z = _mm_mul_ps(_mm_sub_ps(_mm_setzero_ps(), z), r);
	z = _mm_min_ps(
	    _mm_round_ps(z, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
	    _mm_set1_ps(127));
	_mm_storeu_ps((float *)(void *)scale, s);
	_mm_storeu_si128((__m128i *)(void *)zero, _mm_cvtps_epi32(z));
	v[0] = r;
	v[1] = z;
}

/* One row's 64 columns of a block: 16 steps in two vectors.  The upper bound
 * stands at the end and the lower one is packing's saturation: NaN becomes
 * the least integer, and that 0. */
static inline void
round_row(__m256i q[2], const float *x, __m256 r, __m256 z)
{
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	__m256i v[8];

	UNROLL
	for (int i = 0; i < 8; i++)
		v[i] = _mm256_cvtps_epi32(
		    _mm256_fmadd_ps(_mm256_loadu_ps(x + 8 * i), r, z));
	UNROLL
	for (int i = 0; i < 2; i++) {
		__m256i a = _mm256_packs_epi32(v[4 * i], v[4 * i + 1]);
		__m256i b = _mm256_packs_epi32(v[4 * i + 2], v[4 * i + 3]);

		a = _mm256_min_epu8(
		    _mm256_packus_epi16(a, b), _mm256_set1_epi8(127));
		q[i] = _mm256_permutevar8x32_epi32(a, order);
	}
}

/* Four rows of a block: rows of steps become steps of rows. */
static void
quantize_group(uint8_t *q, const float *const x[GROUP])
{
	__m256i v[GROUP][2];
	__m128 t[2];
	float r[GROUP], z[GROUP];

	choose_scales(q + 64 * GROUP, q + 68 * GROUP, t, x);
	_mm_storeu_ps(r, t[0]);
	_mm_storeu_ps(z, t[1]);
	UNROLL
	for (int i = 0; i < GROUP; i++)
		round_row(
		    v[i], x[i], _mm256_set1_ps(r[i]), _mm256_set1_ps(z[i]));
	UNROLL
	for (int i = 0; i < 2; i++) {
		__m256i a = _mm256_unpacklo_epi32(v[0][i], v[1][i]);
		__m256i b = _mm256_unpackhi_epi32(v[0][i], v[1][i]);
		__m256i c = _mm256_unpacklo_epi32(v[2][i], v[3][i]);
		__m256i d = _mm256_unpackhi_epi32(v[2][i], v[3][i]);
		__m256i s0 = _mm256_unpacklo_epi64(a, c);
		__m256i s1 = _mm256_unpackhi_epi64(a, c);
		__m256i s2 = _mm256_unpacklo_epi64(b, d);
		__m256i s3 = _mm256_unpackhi_epi64(b, d);
		__m256i *to = (__m256i *)(void *)(q + 128 * i);

		_mm256_storeu_si256(
		    to, _mm256_permute2x128_si256(s0, s1, 0x20));
		_mm256_storeu_si256(
		    to + 1, _mm256_permute2x128_si256(s2, s3, 0x20));
		_mm256_storeu_si256(
		    to + 2, _mm256_permute2x128_si256(s0, s1, 0x31));
		_mm256_storeu_si256(
		    to + 3, _mm256_permute2x128_si256(s2, s3, 0x31));
	}
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

/*
 * a[0] and a[1] += the products of a pair of steps, or of one, of one row.
 * The order and the last operand from memory leave no sum without a register;
 * AGAIN has that operand read once more for the next row, not kept.
 */
#define AGAIN() __asm__ volatile("" ::: "memory")
#define PAIR(a, qi, qj)                                                        \
	do {                                                                   \
		__m256i x = four_bytes(qi), u;                                 \
		__m256i t0 = _mm256_maddubs_epi16(x, wi[0]);                   \
		__m256i t1 = _mm256_maddubs_epi16(x, wi[1]);                   \
                                                                               \
		x = four_bytes(qj);                                            \
		u = _mm256_maddubs_epi16(x, wj);                               \
		x = _mm256_maddubs_epi16(x, load(pj + 32));                    \
		t0 = _mm256_madd_epi16(_mm256_add_epi16(t0, u), ones);         \
		t1 = _mm256_madd_epi16(_mm256_add_epi16(t1, x), ones);         \
		(a)[0] = _mm256_add_epi32((a)[0], t0);                         \
		(a)[1] = _mm256_add_epi32((a)[1], t1);                         \
		AGAIN();                                                       \
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

static inline __m256i
load(const uint8_t *p)
{
	return _mm256_load_si256((const __m256i *)(const void *)p);
}

/* Tiles one after the other: of one block and a panel all groups of rows, or
 * of one group all blocks.  Each step is from one tile's to the next one's. */
struct tiles {
	float *t;                    /* sums, [GROUP, I8_WIDE] */
	const uint8_t *q, *w, *next; /* next: weights to ask for meanwhile */
	size_t t_step, q_step, w_step, next_step;
	size_t fresh; /* tiles from the first on whose sums begin at 0 */
};

/* The sums of the first ${n} rows of ${count} tiles grow by a block. */
static inline __attribute__((always_inline)) void
grow(const struct tiles *s, size_t count, const int n)
{
	static const _Alignas(32) float none[GROUP * I8_WIDE];
	const __m256i ones = _mm256_set1_epi16(1);
	const uint8_t *q = s->q, *w = s->w, *next = s->next;
	float *t = s->t;

	for (size_t i = 0; i < count; i++) {
		const uint8_t *order = w + I8_ORDER, *soon = next;
		const float *sw = (const float *)(const void *)(w + I8_SCALES);
		const float *from = i < s->fresh ? none : t;
		const uint8_t *end = order + 2 * w[I8_PAIRS];
		__m256i a[GROUP][2], wi[2], wj;

		for (next += s->next_step; soon < next; soon += 64)
			__builtin_prefetch(soon);
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
			const uint8_t *pi = w + 4 * (size_t)order[0];
			const uint8_t *pj = w + 4 * (size_t)order[1];

			wi[0] = load(pi);
			wi[1] = load(pi + 32);
			wj = load(pj);
			UNROLL
			for (int r = 0; r < n; r++)
				PAIR(a[r], qi + 4 * r, qj + 4 * r);
		}
		for (; order < w + I8_ORDER + I8_STEPS; order++) {
			const uint8_t *qi = q + order[0];

			wi[0] = load(w + 4 * (size_t)order[0]);
			wi[1] = load(w + 4 * (size_t)order[0] + 32);
			UNROLL
			for (int r = 0; r < n; r++)
				SINGLE(a[r], qi + 4 * r);
		}
		UNROLL
		for (int r = 0; r < n; r++) {
			__m256 sx = _mm256_castsi256_ps(
			    four_bytes(q + 64 * GROUP + 4 * r));
			const float *x = from + r * I8_WIDE;
			float *to = t + r * I8_WIDE;

			_mm256_store_ps(
			    to, _mm256_fmadd_ps(_mm256_cvtepi32_ps(a[r][0]),
				    _mm256_mul_ps(sx, _mm256_load_ps(sw)),
				    _mm256_load_ps(x)));
			_mm256_store_ps(to + 8,
			    _mm256_fmadd_ps(_mm256_cvtepi32_ps(a[r][1]),
				_mm256_mul_ps(sx, _mm256_load_ps(sw + 8)),
				_mm256_load_ps(x + 8)));
		}
		t += s->t_step;
		q += s->q_step;
		w += s->w_step;
		AGAIN();
	}
}

static void
grow_rows(const struct tiles *s, size_t count, size_t n)
{
	switch (n) {
	case 1:
		grow(s, count, 1);
		break;
	case 2:
		grow(s, count, 2);
		break;
	case 3:
		grow(s, count, 3);
		break;
	default:
		grow(s, count, GROUP);
	}
}

/* A block of a panel in groups of rows. */
static void
grow_groups(struct tiles s, size_t rows)
{
	size_t whole = rows / GROUP;

	grow_rows(&s, whole, GROUP);
	if (rows % GROUP == 0)
		return;
	s.t += whole * s.t_step;
	s.q += whole * s.q_step;
	s.next += whole * s.next_step;
	grow_rows(&s, 1, rows % GROUP);
}

/* One group alone passes over all blocks and asks for the next panels; beyond
 * the end that is nothing that matters. */
static void
product_group(float *t, const uint8_t *q, size_t rows, const uint8_t *w,
    size_t blocks, size_t panels)
{
	size_t panel = blocks * I8_BLOCK;

	for (size_t p = 0; p < panels; p++) {
		struct tiles s = { .t = t + p * I8_PANEL,
			.q = q,
			.w = w + p * panel,
			.next = w + (panels + p) * panel,
			.q_step = RECORD,
			.w_step = I8_BLOCK,
			.next_step = I8_BLOCK,
			.fresh = 1 };

		grow_rows(&s, blocks, rows);
	}
}

/* A block's weights stay near while the groups of rows pass, each of which
 * asks for a share of the next one's. */
static void
product(float *t, const uint8_t *q, size_t rows, const uint8_t *w,
    size_t blocks, size_t panels)
{
	size_t groups = (rows + GROUP - 1) / GROUP, panel = blocks * I8_BLOCK;
	struct tiles s = { .t_step = GROUP * I8_WIDE,
		.q_step = blocks * RECORD,
		.next_step = (I8_BLOCK / 64 + groups - 1) / groups * 64 };

	if (groups == 1) {
		product_group(t, q, rows, w, blocks, panels);
		return;
	}
	for (size_t b = 0; b < blocks; b++)
		for (size_t p = 0; p < panels; p++) {
			s.t = t + p * I8_PANEL;
			s.q = q + b * RECORD;
			s.w = w + p * panel + b * I8_BLOCK;
			s.next = b + 1 < blocks ? s.w + I8_BLOCK
						: w + (panels + p) * panel;
			s.fresh = b == 0 ? groups : 0;
			grow_groups(s, rows);
		}
}

const struct i8_kernels i8_avx2 = { "avx2", GROUP, quantize, product, NULL,
	NULL };

#endif
