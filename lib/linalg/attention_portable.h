#ifndef LINALG_ATTENTION_PORTABLE_H
#define LINALG_ATTENTION_PORTABLE_H

/*
 * Attention as plain loops: the reference for attention_kernels.h, and what a
 * machine without a file of its own runs.  After simd_portable.h and
 * rowwise_kernels.h.
 */

#include "linalg/linalg.h"

/* sum over k of a[k * as] b[k * bs], in FMA ORDER */
static inline float
chain(const float *a, size_t as, const float *b, size_t bs, size_t n)
{
	float sum = 0;

	for (size_t from = 0, to; from < n; from = to) {
		float t = 0;

		to = n - from < LINALG_KBLOCK ? n : from + LINALG_KBLOCK;
		for (size_t k = from; k < to; k++)
			t = fma_float(a[k * as], b[k * bs], t);
		sum = from == 0 ? t : sum + t;
	}
	return sum;
}

/* the bias of a distance: [2 span - 1], the middle is 0 */
static inline float
bias_at(const float *bias, size_t span, size_t key, size_t query)
{
	size_t far = key > query ? key - query : query - key;

	far = far < span ? far : span - 1;
	return key > query ? bias[span - 1 + far] : bias[span - 1 - far];
}

static void
k_attention(const struct attention *a)
{
	const float log2e = 0x1.715476p+0f;
	float by = a->bias != NULL ? log2e : a->scale * log2e;
	float *s = a->room;

	for (size_t h = 0; h < a->heads; h++)
		for (size_t i = 0; i < a->rows; i++) {
			size_t at = a->first + i;
			size_t n = a->causal ? at + 1 : a->n;
			size_t c = h * a->size;
			const float *bias = a->bias;
			float top = -INFINITY, part;
			float *y = a->y + i * a->ldy + c;

			if (bias != NULL)
				bias += h * (2 * a->span - 1);
			for (size_t j = 0; j < n; j++) {
				s[j] = chain(a->q + i * a->ldq + c, 1,
				    a->k + j * a->ldk + c, 1, a->size);
				if (bias != NULL)
					s[j] = fma_float(s[j], a->scale,
					    bias_at(bias, a->span, j, at));
				top = s[j] > top ? s[j] : top;
			}
			for (size_t j = 0; j < n; j++)
				s[j] = exp2_f((s[j] - top) * by);
			part = 1.0f / row_sum(s, n);
			for (size_t d = 0; d < a->size; d++)
				y[d] = fma_float(
				    chain(s, 1, a->v + c + d, a->ldv, n), part,
				    0.0f);
		}
}

#endif
