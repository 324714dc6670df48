#ifndef LINALG_MATHD_KERNELS_H
#define LINALG_MATHD_KERNELS_H

/*
 * Those functions of mathd.h that arrays need, on one vector, in the words of
 * a simd_*.h that is included before.  Coefficients by tools/minimax.py.
 */

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) */
static inline vd
poly_d(vd x, const double *c, int n)
{
	vd p = vd_set(c[n - 1]);

	for (int i = n - 2; i >= 0; i--)
		p = vd_fma(p, x, vd_set(c[i]));
	return p;
}

#define POLY_D(x, c) poly_d(x, c, (int)(sizeof(c) / sizeof(*(c))))

/* log 2 in two parts; the high one has 38 bits, so that its products with
 * exponents are exact. */
#define LN2_HI 0x1.62e42fefap-1
#define LN2_LO 0x1.cf79abc9e3b3ap-40

/* exp(r) - 1 - r for |r| <= log(2) / 2 */
static inline vd
exp_rest_d(vd r)
{
	static const double c[] = { 0x1.0p-1, 0x1.555555555555bp-3,
		0x1.5555555555503p-5, 0x1.111111110ec65p-7,
		0x1.6c16c16c30439p-10, 0x1.a01a01b37b43bp-13,
		0x1.a01a01369f98ep-16, 0x1.71ddf02858fcap-19,
		0x1.27e5b4337d593p-22, 0x1.af6bda7b91aadp-26,
		0x1.1e3d35f1f03e8p-29 };

	return vd_mul(vd_mul(r, r), POLY_D(r, c));
}

/* exp(x + lo) for a small lo: 2^n exp(r) with n = rint(x / log 2).  The bounds
 * are where the result has become 0 and infinity; NaN passes them. */
static inline vd
exp_sum_d(vd x, vd lo)
{
	vd y = vd_max(vd_set(-746.0), vd_min(vd_set(710.0), x));
	vd n = vd_rint(vd_mul(y, vd_set(0x1.71547652b82fep+0)));
	vd hi = vd_fnma(n, vd_set(LN2_HI), y);
	vd t = vd_fnma(n, vd_set(LN2_LO), lo);
	vd r = vd_add(hi, t);

	/* What r lost of hi + t comes back with the small terms. */
	t = vd_add(vd_sub(hi, r), t);
	t = vd_add(exp_rest_d(r), t);
	return vd_ldexp(vd_add(vd_set(1.0), vd_add(r, t)), n);
}

static inline vd
exp_d(vd x)
{
	return exp_sum_d(x, vd_set(0.0));
}

/*
 * e log 2 + log(1 + f) + lo for an integral e, sqrt(1/2) <= 1 + f < sqrt(2)
 * and a small lo.  With s = f / (2 + f), log(1 + f) = log((1 + s) / (1 - s))
 * = f - f^2/2 + s (f^2/2 + R(s^2)).
 */
static inline vd
log_sum_d(vd e, vd f, vd lo)
{
	static const double c[] = { 0x1.5555555555592p-1, 0x1.999999997fee9p-2,
		0x1.24924941e0c26p-2, 0x1.c71c52164ca07p-3, 0x1.74663c537bb6p-3,
		0x1.39a1fb9cc0418p-3, 0x1.2f02e5af57dd2p-3 };
	vd s = vd_div(f, vd_add(vd_set(2.0), f));
	vd z = vd_mul(s, s);
	vd half = vd_mul(vd_mul(f, f), vd_set(0.5));
	vd t = vd_fma(
	    s, vd_fma(z, POLY_D(z, c), half), vd_fma(e, vd_set(LN2_LO), lo));

	return vd_fma(e, vd_set(LN2_HI), vd_sub(f, vd_sub(half, t)));
}

/* x = 2^*e (1 + *f) for a positive, normal x; sqrt(1/2) <= 1 + *f < sqrt(2) */
static inline void
split_d(vd x, vd *e, vd *f)
{
	vl root = vl_set(0x3fe6a09e667f3bcd);
	/* Exponents count from that of root; 1023 more keep u positive. */
	vl u = vl_add(vl_sub(vd_bits(x), root), vl_set((uint64_t)1023 << 52));
	vd big = vd_from(vl_or(vl_shr(u, 52), vl_set(0x4330000000000000)));

	*e = vd_sub(big, vd_set(0x1p52 + 1023.0));
	*f = vd_sub(vd_from(vl_add(vl_and(u, vl_set(0xfffffffffffff)), root)),
	    vd_set(1.0));
}

/* What log(x) is outside of 0 < x < inf, else r. */
static inline vd
log_edges_d(vd x, vd r)
{
	vd inf = vd_set(INFINITY), zero = vd_set(0.0);

	r = vd_sel(vd_lt(x, inf), r, vd_add(x, inf));
	r = vd_sel(vd_eq(x, zero), vd_set(-INFINITY), r);
	return vd_sel(vd_lt(x, zero), vd_set(NAN), r);
}

static inline vd
log_d(vd x)
{
	vn tiny = vd_lt(x, vd_set(0x1p-1022));
	vd e, f;

	split_d(vd_sel(tiny, vd_mul(x, vd_set(0x1p52)), x), &e, &f);
	e = vd_sub(e, vd_sel(tiny, vd_set(52.0), vd_set(0.0)));
	return log_edges_d(x, log_sum_d(e, f, vd_set(0.0)));
}

/*
 * log(1 + x): of u = 1 + x rounded, and what u lost, over u.  Near 0, where
 * u is 2^0 (1 + f), f is x itself.
 */
static inline vd
log1p_d(vd x)
{
	vd one = vd_set(1.0), zero = vd_set(0.0);
	vd u = vd_add(one, x), e, f, lost;
	vd r;

	split_d(u, &e, &f);
	lost = vd_sel(vd_lt(x, one), vd_sub(x, vd_sub(u, one)),
	    vd_sub(one, vd_sub(u, x)));
	lost = vd_div(lost, u);
	lost = vd_sel(vd_eq(e, zero), zero, lost);
	f = vd_sel(vd_eq(e, zero), x, f);
	r = log_edges_d(u, log_sum_d(e, f, lost));
	return vd_sel(vd_eq(x, zero), x, r);
}

#endif
