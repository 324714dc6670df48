#ifndef LINALG_ACT_KERNELS_H
#define LINALG_ACT_KERNELS_H

/*
 * The activations of linear.h on one vector, in the words of a simd_*.h that
 * is included before: cheaper than mathf's functions, and less exact, because
 * they come after every sum of a network.  Errors are in linear.h;
 * coefficients by tools/minimax.py.
 */

#include "linalg/linear.h"
#include "linalg/mathf_kernels.h"

/*
 * t gate(t) for a gate from 0 to 1 with gate(-t) = 1 - gate(t): max(t, 0) - a
 * gate(-a) with a = |t|, where gate(-a) is the fourth power of a polynomial.
 * A root is far smoother than what falls so steeply; and at ${top} nothing is
 * left of it.
 */
static inline vf
gated_f(vf t, vf top, vf root)
{
	vf a = vf_min(top, abs_f(t)), q = vf_mul(root, root);

	return vf_fnma(a, vf_mul(q, q), vf_max(vf_set(0.0f), t));
}

static inline vf
act_gelu_f(vf t)
{
	static const float c[] = { 0x1.ae8a0cp-1f, -0x1.578758p-3f,
		-0x1.9b1be6p-5f, 0x1.2f8bbep-8f, 0x1.f30c2p-9f,
		-0x1.4643fcp-15f, -0x1.41fadcp-12f, 0x1.ea7bacp-15f,
		-0x1.c9bdcap-19f };
	vf top = vf_set(5.5f), a = vf_min(top, abs_f(t));

	return gated_f(t, top, POLY_F(a, c));
}

static inline vf
act_gelu_tanh_f(vf t)
{
	static const float c[] = { 0x1.ae89dap-1f, -0x1.5779f8p-3f,
		-0x1.9c6b42p-5f, 0x1.598d1cp-8f, 0x1.879086p-9f,
		0x1.d718a4p-11f, -0x1.fba16p-11f, 0x1.27b514p-12f,
		-0x1.436a18p-15f, 0x1.199148p-19f };
	vf top = vf_set(5.2f), a = vf_min(top, abs_f(t));

	return gated_f(t, top, POLY_F(a, c));
}

/*
 * 1 + exp(-x) as exp_f has it, but only between exp(-87) and exp(88), which
 * one factor reaches: added to ${magic}, n stands in the last bits.
 */
static inline vf
one_exp_f(vf x)
{
	static const float c[] = { 0x1.fffffcp-2f, 0x1.555492p-3f,
		0x1.5558f2p-5f, 0x1.1239d4p-7f, 0x1.6a244cp-10f };
	vf magic = vf_set(0x1.8p23f);
	vf y = vf_max(vf_set(-88.0f), vf_min(vf_set(87.0f), x));
	vf m = vf_fma(y, vf_set(-0x1.715476p+0f), magic);
	vf n = vf_sub(m, magic);
	vf s = vf_from(vi_shl(vi_add(vf_bits(m), vi_set(127)), 23));
	vf r = vf_fnma(n, vf_set(0x1.62e4p-1f), vf_sub(vf_set(0.0f), y));

	r = vf_fnma(n, vf_set(0x1.7f7d1cp-20f), r);
	r = vf_fma(vf_mul(r, r), POLY_F(r, c), r);
	return vf_add(vf_set(1.0f), vf_fma(s, r, s));
}

static inline vf
relu6_f(vf t)
{
	return vf_min(vf_set(6.0f), vf_max(vf_set(0.0f), t));
}

static inline vf
hard_f(vf t)
{
	return vf_mul(relu6_f(vf_add(t, vf_set(3.0f))), vf_set(1.0f / 6.0f));
}

/* One activation; act is a constant wherever speed matters. */
static inline __attribute__((always_inline)) vf
act_f(enum activation act, vf t)
{
	switch (act) {
	case ACT_NONE:
		return t;
	case ACT_RELU:
		return vf_max(vf_set(0.0f), t);
	case ACT_RELU6:
		return relu6_f(t);
	case ACT_GELU:
		return act_gelu_f(t);
	case ACT_GELU_TANH:
		return act_gelu_tanh_f(t);
	case ACT_QUICK_GELU:
		return vf_div(t, one_exp_f(vf_mul(t, vf_set(1.702f))));
	case ACT_SILU:
		return vf_div(t, one_exp_f(t));
	case ACT_HARDSWISH:
		return vf_mul(t, hard_f(t));
	case ACT_HARDSIGMOID:
		return hard_f(t);
	case ACT_SIGMOID:
		return vf_div(vf_set(1.0f), one_exp_f(t));
	case ACT_TANH:
		return tanh_f(t);
	}
	return t;
}

#endif
