#include "linalg/mathd.h"

#include "linalg/simd_portable.h"

#include "linalg/mathd_kernels.h"

double
mathd_exp(double x)
{
	return exp_d(x);
}

double
mathd_log(double x)
{
	return log_d(x);
}

double
mathd_log1p(double x)
{
	return log1p_d(x);
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1) */
double
mathd_expm1(double x)
{
	double n, r, t, s;

	if (!(fabs(x) < 40.0))
		return x < 0 ? -1.0 : exp_d(x);
	n = rint(x * 0x1.71547652b82fep+0);
	t = n * LN2_LO;
	s = fma(-n, LN2_HI, x);
	r = s - t;
	t = (s - r) - t + exp_rest_d(r);
	if (n == 0)
		return x == 0 ? x : r + t;
	s = vd_ldexp(1.0, n);
	return fma(s, r, s - 1) + s * t;
}

/* A sum of two doubles, the second below the last place of the first. */
struct pair {
	double hi, lo;
};

static struct pair
add(double a, double b)
{
	double s = a + b, t = s - a;

	return (struct pair){ s, (a - (s - t)) + (b - t) };
}

static struct pair
mul(double a, double b)
{
	double p = a * b;

	return (struct pair){ p, fma(a, b, -p) };
}

static struct pair
pair_add(struct pair a, struct pair b)
{
	struct pair s = add(a.hi, b.hi);

	return add(s.hi, s.lo + (a.lo + b.lo));
}

static struct pair
pair_mul(struct pair a, struct pair b)
{
	struct pair p = mul(a.hi, b.hi);

	return add(p.hi, fma(a.hi, b.lo, fma(a.lo, b.hi, p.lo)));
}

/*
 * log(x) to about 2^-66 of itself, for 0 < x < inf: with s = f / (2 + f),
 * log(1 + f) = 2 s + s z (2/3 + z Q(z)), z = s^2, all but Q in pairs.
 */
static struct pair
log_pair(double x)
{
	static const double c[] = { 0x1.9999999999b2fp-2, 0x1.2492492457fe4p-2,
		0x1.c71c722d2f3cap-3, 0x1.745ce9f5c19fdp-3,
		0x1.3b1ee8cfe0965p-3, 0x1.0f80330b7ad44p-3,
		0x1.0e4012901b8c5p-3 };
	double e, f, shift = 0, d;
	struct pair s, z, t;

	if (x < 0x1p-1022) {
		x *= 0x1p52;
		shift = 52;
	}
	split_d(x, &e, &f);
	e -= shift;
	d = 2.0 + f;
	s.hi = f / d;
	s.lo = (fma(-s.hi, d, f) - s.hi * (f - (d - 2.0))) / d;
	z = pair_mul(s, s);
	t = add(0x1.5555555555555p-1, z.hi * POLY_D(z.hi, c));
	t.lo += 0x1.5555555555555p-55;
	t = pair_mul(pair_mul(s, z), t);
	t = pair_add((struct pair){ 2 * s.hi, 2 * s.lo }, t);
	return pair_add(
	    pair_add((struct pair){ e * LN2_HI, 0 }, mul(e, LN2_LO)), t);
}

/* The powers of |x|, for finite arguments other than 0. */
static double
pow_positive(double x, double y)
{
	struct pair l = log_pair(x), p = mul(l.hi, y);

	if (fabs(p.hi) > 800)
		return p.hi < 0 ? 0 : INFINITY;
	p = add(p.hi, fma(l.lo, y, p.lo));
	return exp_sum_d(p.hi, p.lo);
}

double
mathd_pow(double x, double y)
{
	int whole = y == floor(y), odd;
	double r;

	if (x == 1 || y == 0)
		return 1;
	if (x != x || y != y)
		return x + y;
	odd = whole && y / 2 != floor(y / 2);
	if (isinf(y)) {
		if (fabs(x) == 1)
			return 1;
		return (fabs(x) > 1) == (y > 0) ? INFINITY : 0;
	}
	if (x == 0 || isinf(x))
		r = (x == 0) == (y > 0) ? 0 : INFINITY;
	else if (x < 0 && !whole)
		return NAN;
	else
		r = pow_positive(fabs(x), y);
	return odd && signbit(x) ? -r : r;
}

/*
 * x = q pi/2 + r, |r| <= pi/4: pi/2 in three parts, of which the products of
 * the first two with q are exact.  Returns q, and r as a pair.
 */
static double
quarter_turns(double x, struct pair *r)
{
	double q = rint(x * 0x1.45f306dc9c883p-1);
	double a = fma(-q, 0x1.921fb544p+0, x);
	struct pair s = add(a, -q * 0x1.0b4611a6p-34);

	*r = add(s.hi, fma(-q, 0x1.3198a2e037073p-69, s.lo));
	return q;
}

static double
sin_small(struct pair r)
{
	static const double c[] = { -0x1.5555555555548p-3, 0x1.111111110f7dp-7,
		-0x1.a01a019bfdf03p-13, 0x1.71de3567d4897p-19,
		-0x1.ae5e5a9290b03p-26, 0x1.5d8fd1fc8f02ep-33 };
	double z = r.hi * r.hi;
	double t = fma(z * r.hi, POLY_D(z, c), fma(-0.5 * z, r.lo, r.lo));

	return r.hi + t;
}

static double
cos_small(struct pair r)
{
	static const double c[] = { 0x1.555555555554bp-5,
		-0x1.6c16c16c14f91p-10, 0x1.a01a019c844f5p-16,
		-0x1.27e4f7eac4b6ap-22, 0x1.1ee9d7b4dfc43p-29,
		-0x1.8fa49a06261e5p-37 };
	double z = r.hi * r.hi, half = 0.5 * z, w = 1 - half;
	double t = fma(z * z, POLY_D(z, c), -r.hi * r.lo);

	return w + (((1 - w) - half) + t);
}

/* sin(x + turns pi/2) */
static double
sin_turned(double x, int turns)
{
	struct pair r;
	double y;
	int q;

	if (!(fabs(x) <= 0x1p20))
		return NAN;
	q = (int)quarter_turns(x, &r) + turns;
	y = (q & 1) != 0 ? cos_small(r) : sin_small(r);
	return (q & 2) != 0 ? -y : y;
}

double
mathd_sin(double x)
{
	return x == 0 ? x : sin_turned(x, 0);
}

double
mathd_cos(double x)
{
	return sin_turned(x, 1);
}

/* n / d, and what the division lost */
static struct pair
divide(struct pair n, struct pair d)
{
	double q = n.hi / d.hi;

	return (
	    struct pair){ q, ((fma(-q, d.hi, n.hi) + n.lo) - q * d.lo) / d.hi };
}

/*
 * The angle of (x, y) for x, y >= 0, x + y > 0, mirrored or not: the ratio of
 * the smaller to the larger, above tan(pi/8) turned by pi/4.
 */
static double
angle(double y, double x, int mirror)
{
	static const double c[] = { -0x1.5555555555555p-2, 0x1.999999999975cp-3,
		-0x1.249249247b627p-3, 0x1.c71c71b948db8p-4,
		-0x1.745d14e813827p-4, 0x1.3b13707ba1e2ep-4,
		-0x1.110c7fb78e05fp-4, 0x1.e171afd4bf97ep-5,
		-0x1.ab74b17600b6dp-5, 0x1.70b2f07ee6634p-5,
		-0x1.1184f03a4e5c5p-5, 0x1.ee82a0c89a57ap-7 };
	static const struct pair eighth[] = { { 0, 0 },
		{ 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55 },
		{ 0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54 },
		{ 0x1.2d97c7f3321d2p+1, 0x1.a79394c9e8a0ap-54 },
		{ 0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53 } };
	double small = x < y ? x : y, big = x < y ? y : x, z, lo, scale;
	int k = 0, sign = 1;
	struct pair s, r;

	/* Keep sums finite and remainders above the subnormal numbers. */
	scale = big > 0x1p500 ? 0x1p-520 : big < 0x1p-500 ? 0x1p520 : 1;
	if (small < big * 0x1p-60) {
		s = (struct pair){ small / big, 0 };
	} else if (small > big * 0x1.a827999fcef32p-2) {
		small *= scale;
		big *= scale;
		s = divide(add(small, -big), add(small, big));
		k = 1;
	} else {
		s = divide((struct pair){ small * scale, 0 },
		    (struct pair){ big * scale, 0 });
	}
	z = s.hi * s.hi;
	lo = fma(s.hi * z, POLY_D(z, c), s.lo);
	if (x < y) {
		k = 2 - k;
		sign = -sign;
	}
	if (mirror) {
		k = 4 - k;
		sign = -sign;
	}
	r = add(eighth[k].hi, sign * s.hi);
	return r.hi + (r.lo + (eighth[k].lo + sign * lo));
}

double
mathd_atan2(double y, double x)
{
	double ax = fabs(x), ay = fabs(y);

	if (x != x || y != y)
		return x + y;
	if (isinf(ax) || isinf(ay)) {
		ax = isinf(ax) ? 1 : 0;
		ay = isinf(ay) ? 1 : 0;
	} else if (ax == 0 && ay == 0) {
		ax = 1;
	}
	return copysign(angle(ay, ax, signbit(x) != 0), y);
}

/*
 * P(Z > u) = exp(-u^2 / 2) M(u) for u >= 0, and M: P(t) / (u + 6) with
 * t = (u - 6) / (u + 6).
 */
static double
mills(double u)
{
	static const double c[] = { 0x1.8e010d2b8a0eap-1, -0x1.66eaa7d09640ep-1,
		0x1.234fe3fd925c2p-1, -0x1.a7d6577269c53p-2,
		0x1.1267d7383d8d8p-2, -0x1.38b069dbb3a05p-3,
		0x1.33e777760a2fp-4, -0x1.fba9d530b4a2ep-6,
		0x1.48a83bce6fe82p-7, -0x1.1764cd565d747p-9,
		0x1.13bbebda8b51p-15, 0x1.7c57226272d95p-13,
		-0x1.0f972a4b9ec6cp-14, 0x1.20ba36ea37cf2p-20,
		0x1.c825202a3275p-18, -0x1.e31b0d30148d4p-20,
		-0x1.cef3c524fdcfp-22, 0x1.4d3ccf5b98f8cp-22,
		0x1.53bc40a1ca582p-27, -0x1.719bcbe8acaa9p-25,
		0x1.2c41ef88b6389p-37, 0x1.468562c37cd5bp-28,
		0x1.82e9d0309d5cp-31 };

	return POLY_D((u - 6) / (u + 6), c) / (u + 6);
}

static double
normal_tail(double u)
{
	double s = u * u;

	if (u > 38.6)
		return 0;
	return exp_sum_d(-0.5 * s, -0.5 * fma(u, u, -s)) * mills(u);
}

double
mathd_normal_cdf(double x)
{
	if (x != x)
		return x;
	return x < 0 ? normal_tail(-x) : 1 - normal_tail(x);
}

/*
 * In the middle an odd polynomial of p - 1/2; outside, Newton's iteration on
 * log P(Z > x) = log q, which is concave and so nearly a parabola that six
 * steps are more than it needs anywhere.
 */
double
mathd_normal_quantile(double p)
{
	static const double c[] = { 0x1.40d931ff62706p+1, 0x1.4ffddeaa22dc8p+1,
		0x1.71713082d9a2bp+2, 0x1.f55d0d78fa712p+3,
		0x1.78494af2458eep+5, 0x1.2ba8db280a74dp+7,
		0x1.f0460984905d7p+8, 0x1.a67768ede88dp+10,
		0x1.6f1ff944e7c86p+12, 0x1.4427f81c1079ep+14,
		0x1.21ff1f9776661p+16, 0x1.049ee81afdf7ap+18,
		0x1.f399753cbafa4p+19, 0x1.3efea94d34f9bp+21,
		0x1.7e9185ba22d5dp+24 };
	double d = p - 0.5, q = p < 0.5 ? p : 1 - p, l, t, x;

	if (!(p >= 0 && p <= 1))
		return NAN;
	if (fabs(d) <= 0.15)
		return d * POLY_D(d * d, c);
	if (q == 0)
		return d < 0 ? -INFINITY : INFINITY;
	l = log_d(q);
	t = sqrt(-2 * l);
	x = t - log_d(t * 0x1.40d931ff62706p+1) / t;
	for (int i = 0; i < 6; i++) {
		double m = mills(x);

		x -= (0.5 * x * x - log_d(m) + l) * (0x1.40d931ff62706p+1 * m);
	}
	return d < 0 ? -x : x;
}
