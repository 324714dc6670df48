#ifndef LINALG_MATHF_KERNELS_H
#define LINALG_MATHF_KERNELS_H

/*
 * The functions of mathf.h on one vector, in the words of a simd_*.h that is
 * included before.  Coefficients by tools/minimax.py.
 */

#if !defined(UNROLL) && defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif !defined(UNROLL)
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) */
static inline __attribute__((always_inline)) vf
poly_f(vf x, const float *c, int n)
{
	vf p = vf_set(c[n - 1]);

	UNROLL
	for (int i = n - 2; i >= 0; i--)
		p = vf_fma(p, x, vf_set(c[i]));
	return p;
}

#define POLY_F(x, c) poly_f(x, c, (int)(sizeof(c) / sizeof(*(c))))

static inline vf
abs_f(vf x)
{
	return vf_from(vi_and(vf_bits(x), vi_set(0x7fffffff)));
}

/* |x| with the sign bit of s */
static inline vf
sign_f(vf x, vf s)
{
	return vf_from(vi_or(vi_and(vf_bits(x), vi_set(0x7fffffff)),
	    vi_and(vf_bits(s), vi_set(0x80000000))));
}

/*
 * exp(x) = 2^n exp(r), n = rint(x / log 2), |r| <= log(2) / 2.  The high part
 * of log 2 has 15 bits, so n times it is exact.  The bounds are where the
 * result has become 0 and infinity; NaN passes them.
 */
static inline vf
exp_f(vf x)
{
	static const float c[] = { 0x1.fffffcp-2f, 0x1.555492p-3f,
		0x1.5558f2p-5f, 0x1.1239d4p-7f, 0x1.6a244cp-10f };
	vf y = vf_max(vf_set(-104.0f), vf_min(vf_set(89.0f), x));
	vf n = vf_rint(vf_mul(y, vf_set(0x1.715476p+0f)));
	vf r = vf_fnma(n, vf_set(0x1.62e4p-1f), y);

	r = vf_fnma(n, vf_set(0x1.7f7d1cp-20f), r);
	r = vf_fma(vf_mul(r, r), POLY_F(r, c), r);
	return vf_ldexp(vf_add(vf_set(1.0f), r), n);
}

/* e log 2 + log(1 + f) for an integral e and sqrt(1/2) <= 1 + f < sqrt(2) */
static inline vf
log_sum_f(vf e, vf f)
{
	static const float c[] = { 0x1.555554p-2f, -0x1.000226p-2f,
		0x1.99a008p-3f, -0x1.547244p-3f, 0x1.22da1cp-3f,
		-0x1.0d8542p-3f, 0x1.055b6cp-3f, -0x1.38b588p-4f };
	vf q = vf_fma(POLY_F(f, c), f, vf_set(-0.5f));
	vf t = vf_fma(e, vf_set(0x1.7f7d1cp-20f), vf_mul(vf_mul(f, f), q));

	return vf_fma(e, vf_set(0x1.62e4p-1f), vf_add(f, t));
}

static inline vf
log_f(vf x)
{
	vm tiny = vf_lt(x, vf_set(0x1p-126f));
	vf y = vf_sel(tiny, vf_mul(x, vf_set(0x1p23f)), x);
	vi u = vi_sub(vf_bits(y), vi_set(0x3f3504f3));
	vf e = vi_float(vi_sar(u, 23));
	vf m = vf_from(vi_add(vi_and(u, vi_set(0x7fffff)), vi_set(0x3f3504f3)));
	vf r = log_sum_f(vf_sub(e, vf_sel(tiny, vf_set(23.0f), vf_set(0.0f))),
	    vf_sub(m, vf_set(1.0f)));
	vf inf = vf_set(INFINITY);

	r = vf_sel(vf_lt(x, inf), r, vf_add(x, inf));
	r = vf_sel(vf_eq(x, vf_set(0.0f)), vf_set(-INFINITY), r);
	return vf_sel(vf_lt(x, vf_set(0.0f)), vf_set(NAN), r);
}

/* log(1 + z), 0 <= z <= 1 */
static inline vf
log1p_unit_f(vf z)
{
	vm low = vf_lt(z, vf_set(0x1.a8279ap-2f));
	vf f = vf_mul(vf_sub(z, vf_set(1.0f)), vf_set(0.5f));

	return log_sum_f(
	    vf_sel(low, vf_set(0.0f), vf_set(1.0f)), vf_sel(low, z, f));
}

static inline vf
tanh_f(vf x)
{
	static const float c[] = { -0x1.55555p-2f, 0x1.110f3cp-3f,
		-0x1.b9b87p-5f, 0x1.616b96p-6f, -0x1.025202p-7f,
		0x1.f0f01ap-10f };
	vf a = abs_f(x), z = vf_mul(a, a);
	vf low = vf_fma(vf_mul(a, z), POLY_F(z, c), a);
	vf e = exp_f(vf_add(a, a));
	vf high =
	    vf_sub(vf_set(1.0f), vf_div(vf_set(2.0f), vf_add(e, vf_set(1.0f))));

	return sign_f(vf_sel(vf_lt(a, vf_set(0.7f)), low, high), x);
}

static inline vf
sigmoid_f(vf x)
{
	vf z = exp_f(vf_sub(vf_set(0.0f), abs_f(x)));
	vf one = vf_set(1.0f);
	vf top = vf_sel(vf_lt(x, vf_set(0.0f)), z, one);

	return vf_div(top, vf_add(one, z));
}

static inline vf
softplus_f(vf x)
{
	vf z = exp_f(vf_sub(vf_set(0.0f), abs_f(x)));

	return vf_add(vf_max(vf_set(0.0f), x), log1p_unit_f(z));
}

/*
 * w normal_cdf(-u) for u >= 0: w M(u) exp(-u^2 / 2), where M, half of Mills'
 * ratio's kin erfcx, is P(t) / (u + 2) with t = (u - 2) / (u + 2).  What the
 * rounding of u^2 loses is put back as a factor 1 - lost / 2.
 */
static inline vf
tail_f(vf w, vf u)
{
	static const float c[] = { 0x1.5845dcp-1f, -0x1.535bb2p-2f,
		0x1.d7d0ecp-6f, 0x1.2ccdecp-5f, -0x1.ec8ddcp-12f,
		-0x1.b94ecap-8f, -0x1.ff96a6p-10f, 0x1.aee9e6p-11f,
		0x1.b68352p-11f, 0x1.1a75b2p-13f, -0x1.386f72p-13f,
		-0x1.153026p-14f };
	vf v = vf_min(vf_set(14.5f), u);
	vf q = vf_div(vf_set(1.0f), vf_add(v, vf_set(2.0f)));
	vf t = vf_mul(vf_sub(v, vf_set(2.0f)), q);
	vf s = vf_mul(v, v);
	vf lost = vf_fnma(v, v, s);
	vf e = exp_f(vf_mul(s, vf_set(-0.5f)));

	e = vf_fma(e, vf_mul(lost, vf_set(0.5f)), e);
	return vf_mul(e, vf_mul(w, vf_mul(q, POLY_F(t, c))));
}

static inline vf
erf_f(vf x)
{
	static const float c[] = { 0x1.06eba8p-3f, -0x1.812746p-2f,
		0x1.ce2f08p-4f, -0x1.b829a8p-6f, 0x1.5628eep-8f,
		-0x1.bcbe9ap-11f, 0x1.d8268ep-14f, -0x1.4383fcp-17f };
	vf a = abs_f(x), z = vf_mul(a, a);
	vf low = vf_fma(a, POLY_F(z, c), a);
	vf one = vf_set(1.0f);
	vf tail = tail_f(one, vf_mul(a, vf_set(0x1.6a09e6p+0f)));
	vf high = vf_fnma(vf_set(2.0f), tail, one);

	return sign_f(vf_sel(vf_lt(a, one), low, high), x);
}

static inline vf
gelu_f(vf x)
{
	vf y = vf_max(vf_set(-14.5f), vf_min(vf_set(14.5f), x));
	vf tail = tail_f(y, abs_f(y));

	return vf_sel(vf_lt(x, vf_set(0.0f)), tail, vf_sub(x, tail));
}

/*
 * The angle of the smaller to the larger coordinate, 0..pi/4, by an odd
 * polynomial, then turned and mirrored into its octant.
 */
static inline vf
atan2_f(vf y, vf x)
{
	static const float c[] = { -0x1.55553ep-2f, 0x1.9991fep-3f,
		-0x1.2421b6p-3f, 0x1.c099fep-4f, -0x1.583492p-4f,
		0x1.dac9e8p-5f, -0x1.fed168p-6f, 0x1.65a666p-7f,
		-0x1.d63p-10f };
	vf ax = abs_f(x), ay = abs_f(y), zero = vf_set(0.0f);
	vf big = vf_max(ax, ay), small = vf_min(ax, ay);
	vf t = vf_div(small, big), z, r;

	t = vf_sel(vf_eq(big, zero), zero, t);
	t = vf_sel(vf_eq(small, vf_set(INFINITY)), vf_set(1.0f), t);
	z = vf_mul(t, t);
	r = vf_fma(vf_mul(t, z), POLY_F(z, c), t);
	r = vf_sel(vf_lt(ax, ay),
	    vf_add(vf_sub(vf_set(0x1.921fb6p+0f), r), vf_set(-0x1.777a5cp-25f)),
	    r);
	/* The sign bit of x, so that -0 counts. */
	z = vf_from(
	    vi_or(vi_and(vf_bits(x), vi_set(0x80000000)), vi_set(0x3f800000)));
	r = vf_sel(vf_lt(z, zero),
	    vf_add(vf_sub(vf_set(0x1.921fb6p+1f), r), vf_set(-0x1.777a5cp-24f)),
	    r);
	r = sign_f(r, y);
	z = vf_add(x, y);
	return vf_sel(vm_and(vf_eq(x, x), vf_eq(y, y)), r, z);
}

#endif
