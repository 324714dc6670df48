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
		return gelu_f(t);
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

/* after_rows: linear_finish. */
static inline void
after_rows(float *y, size_t ldy, const float *t, size_t ldt, size_t rows,
    size_t n, const struct after *a)
{
	for (size_t i = 0; i < rows; i++) {
		float *to = y + i * ldy;
		const float *from = t + i * ldt;

		for (size_t j = 0; j < n; j += VF_N) {
			size_t w = n - j < VF_N ? n - j : VF_N;
			vf s = vf_load_n(from + j, w);

			if (a->bias != NULL)
				s = vf_add(s, vf_load_n(a->bias + j, w));
			s = act_f(a->act, s);
			if (a->gamma != NULL)
				s = vf_mul(vf_load_n(a->gamma + j, w), s);
			if (a->residual != NULL)
				s = vf_add(
				    vf_load_n(a->residual + i * a->ldr + j, w),
				    s);
			vf_store_n(to + j, w, s);
		}
	}
}

static inline void
k_activate(enum activation act, float *y, size_t n)
{
	struct after a = { act, NULL, NULL, NULL, 0 };

	after_rows(y, n, y, n, 1, n, &a);
}

#endif
