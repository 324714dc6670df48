#ifndef LINALG_AFTER_KERNELS_H
#define LINALG_AFTER_KERNELS_H

/*
 * What follows a sum: activations and the rest of linear.h's ORDER, in the
 * words of a simd_*.h that is included before.
 */

#include "linalg/act_kernels.h"
#include "linalg/linear_kernels.h"

enum { HAS_BIAS = 1, HAS_GAMMA = 2, HAS_RESIDUAL = 4 };

/* Whole vectors, two at once.  act and what there is are constants, lest a
 * loop of a dozen vectors ask for each. */
static inline __attribute__((always_inline)) void
after_whole(enum activation act, int has, float *y, size_t ldy, const float *t,
    size_t ldt, size_t rows, size_t n, const struct after *a)
{
	const float *residual = a->residual;

	for (; rows > 0; rows--, y += ldy, t += ldt) {
		for (size_t j = 0; j < n; j += 2 * VF_N) {
			size_t i = j + VF_N;
			vf p = vf_load(t + j), q = vf_load(t + i);

			if (has & HAS_BIAS) {
				p = vf_add(p, vf_load(a->bias + j));
				q = vf_add(q, vf_load(a->bias + i));
			}
			p = act_f(act, p);
			q = act_f(act, q);
			if (has & HAS_GAMMA) {
				p = vf_mul(vf_load(a->gamma + j), p);
				q = vf_mul(vf_load(a->gamma + i), q);
			}
			if (has & HAS_RESIDUAL) {
				p = vf_add(vf_load(residual + j), p);
				q = vf_add(vf_load(residual + i), q);
			}
			vf_store(y + j, p);
			vf_store(y + i, q);
		}
		if (has & HAS_RESIDUAL)
			residual += a->ldr;
	}
}

/* Any n, anything there. */
static inline __attribute__((always_inline)) void
after_any(enum activation act, float *y, size_t ldy, const float *t, size_t ldt,
    size_t rows, size_t n, const struct after *a)
{
	const float *bias = a->bias, *gamma = a->gamma;
	const float *residual = a->residual;

	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0, w; j < n; j += w) {
			vf s;

			w = n - j < VF_N ? n - j : VF_N;
			s = vf_load_n(t + j, w);
			if (bias != NULL)
				s = vf_add(s, vf_load_n(bias + j, w));
			s = act_f(act, s);
			if (gamma != NULL)
				s = vf_mul(vf_load_n(gamma + j, w), s);
			if (residual != NULL)
				s = vf_add(vf_load_n(residual + j, w), s);
			vf_store_n(y + j, w, s);
		}
		y += ldy;
		t += ldt;
		if (residual != NULL)
			residual += a->ldr;
	}
}

/* after_rows for one activation, which is a constant. */
static inline __attribute__((always_inline)) void
after_each(enum activation act, float *y, size_t ldy, const float *t,
    size_t ldt, size_t rows, size_t n, const struct after *a)
{
	int has = (a->bias != NULL ? HAS_BIAS : 0) |
		  (a->gamma != NULL ? HAS_GAMMA : 0) |
		  (a->residual != NULL ? HAS_RESIDUAL : 0);

	if (n % (2 * VF_N) != 0)
		has = -1;
	if (has == 0)
		after_whole(act, 0, y, ldy, t, ldt, rows, n, a);
	else if (has == HAS_BIAS)
		after_whole(act, HAS_BIAS, y, ldy, t, ldt, rows, n, a);
	else if (has == (HAS_BIAS | HAS_RESIDUAL))
		after_whole(
		    act, HAS_BIAS | HAS_RESIDUAL, y, ldy, t, ldt, rows, n, a);
	else if (act == ACT_NONE && has == (HAS_GAMMA | HAS_RESIDUAL))
		after_whole(
		    act, HAS_GAMMA | HAS_RESIDUAL, y, ldy, t, ldt, rows, n, a);
	else if (act == ACT_NONE &&
		 has == (HAS_BIAS | HAS_GAMMA | HAS_RESIDUAL))
		after_whole(act, HAS_BIAS | HAS_GAMMA | HAS_RESIDUAL, y, ldy, t,
		    ldt, rows, n, a);
	else
		after_any(act, y, ldy, t, ldt, rows, n, a);
}

/* after_rows: linear_finish. */
static inline void
after_rows(float *y, size_t ldy, const float *t, size_t ldt, size_t rows,
    size_t n, const struct after *a)
{
#define CASE(act)                                                              \
	case act:                                                              \
		after_each(act, y, ldy, t, ldt, rows, n, a);                   \
		break;

	switch (a->act) {
		CASE(ACT_NONE)
		CASE(ACT_RELU)
		CASE(ACT_RELU6)
		CASE(ACT_GELU)
		CASE(ACT_GELU_TANH)
		CASE(ACT_QUICK_GELU)
		CASE(ACT_SILU)
		CASE(ACT_HARDSWISH)
		CASE(ACT_HARDSIGMOID)
		CASE(ACT_SIGMOID)
		CASE(ACT_TANH)
	}
#undef CASE
}

static inline void
k_activate(enum activation act, float *y, size_t n)
{
	struct after a = { act, NULL, NULL, NULL, 0 };

	size_t whole = n / (2 * VF_N) * (2 * VF_N);

	after_rows(y, n, y, n, 1, whole, &a);
	after_rows(y + whole, n, y + whole, n, 1, n - whole, &a);
}

#endif
