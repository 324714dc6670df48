#ifndef LINALG_AFTER_KERNELS_H
#define LINALG_AFTER_KERNELS_H

/*
 * What follows a sum: activations and the rest of linear.h's ORDER, in the
 * words of a simd_*.h that is included before.
 */

#include "linalg/linear_kernels.h"
#include "linalg/mathf_kernels.h"

static inline vf
relu6_f(vf t)
{
	return vf_min(vf_max(t, vf_set(0.0f)), vf_set(6.0f));
}

static inline vf
hard_f(vf t)
{
	return vf_mul(relu6_f(vf_add(t, vf_set(3.0f))), vf_set(1.0f / 6.0f));
}

static inline vf
gelu_tanh_f(vf t)
{
	vf u = vf_mul(t, vf_fma(vf_mul(t, t), vf_set(0.044715f * 0.7978845608f),
			     vf_set(0.7978845608f)));

	return vf_mul(t, sigmoid_f(vf_add(u, u)));
}

/* One activation; act is a constant wherever speed matters. */
static inline __attribute__((always_inline)) vf
act_f(enum activation act, vf t)
{
	switch (act) {
	case ACT_NONE:
		return t;
	case ACT_RELU:
		return vf_max(t, vf_set(0.0f));
	case ACT_RELU6:
		return relu6_f(t);
	case ACT_GELU:
		return gelu_near_f(t);
	case ACT_GELU_TANH:
		return gelu_tanh_f(t);
	case ACT_QUICK_GELU:
		return vf_mul(t, sigmoid_f(vf_mul(t, vf_set(1.702f))));
	case ACT_SILU:
		return vf_mul(t, sigmoid_f(t));
	case ACT_HARDSWISH:
		return vf_mul(t, hard_f(t));
	case ACT_HARDSIGMOID:
		return hard_f(t);
	case ACT_SIGMOID:
		return sigmoid_f(t);
	case ACT_TANH:
		return tanh_f(t);
	}
	return t;
}

/* What follows the sum s of the output at a's pointers and j. */
static inline __attribute__((always_inline)) vf
after_sum(vf s, const struct after *a, const float *residual, size_t j)
{
	if (a->bias != NULL)
		s = vf_add(s, vf_load(a->bias + j));
	s = act_f(a->act, s);
	if (a->gamma != NULL)
		s = vf_mul(vf_load(a->gamma + j), s);
	if (residual != NULL)
		s = vf_add(vf_load(residual + j), s);
	return s;
}

static inline vf
after_sum_n(
    vf s, const struct after *a, const float *residual, size_t j, size_t n)
{
	if (a->bias != NULL)
		s = vf_add(s, vf_load_n(a->bias + j, n));
	s = act_f(a->act, s);
	if (a->gamma != NULL)
		s = vf_mul(vf_load_n(a->gamma + j, n), s);
	if (residual != NULL)
		s = vf_add(vf_load_n(residual + j, n), s);
	return s;
}

/* after_rows: linear_finish. */
static inline void
after_rows(float *y, size_t ldy, const float *t, size_t ldt, size_t rows,
    size_t n, const struct after *a)
{
	for (size_t i = 0; i < rows; i++) {
		const float *residual =
		    a->residual != NULL ? a->residual + i * a->ldr : NULL;
		float *to = y + i * ldy;
		const float *from = t + i * ldt;
		size_t j = 0;

		/* Masked stores are slow. */
		for (; n - j >= VF_N; j += VF_N)
			vf_store(to + j,
			    after_sum(vf_load(from + j), a, residual, j));
		if (j < n)
			vf_store_n(to + j, n - j,
			    after_sum_n(vf_load_n(from + j, n - j), a, residual,
				j, n - j));
	}
}

static inline void
k_activate(enum activation act, float *y, size_t n)
{
	struct after a = { act, NULL, NULL, NULL, 0 };

	after_rows(y, n, y, n, 1, n, &a);
}

#endif
