#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"
#include "linalg/linalg.h"
#include "linalg/mathd.h"
#include "unit.h"

/*
 * Each function of mathd.h against libm's long double one on random numbers
 * of its whole range, and the array forms of each instruction set against the
 * scalar ones.
 */

enum { SAMPLES = 60000 };

/* A congruential generator: uniform in [0, 1). */
static double
uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 11) * 0x1p-53;
}

static double
between(uint64_t *state, double low, double high)
{
	return low + (high - low) * uniform(state);
}

/* +-2^e times something in [1, 2), e between low and high */
static double
scaled(uint64_t *state, int low, int high)
{
	double x = ldexp(
	    1 + uniform(state), (int)floor(between(state, low, high + 1)));

	return uniform(state) < 0.5 ? -x : x;
}

/* Units of the last place of the exact result between it and ours. */
static double
ulps(double ours, long double exact)
{
	int e;

	if (isnan(exact))
		return isnan(ours) ? 0 : INFINITY;
	if (isinf((double)exact) || isinf(ours))
		return (double)exact == ours ? 0 : INFINITY;
	frexpl(exact, &e);
	e = exact == 0 || e < -1021 ? -1021 : e;
	return (double)(fabsl((long double)ours - exact) / ldexpl(1, e - 53));
}

static long double
normal_cdf(long double x)
{
	return 0.5L * erfcl(-x / sqrtl(2));
}

struct range {
	const char *name;
	double (*f)(double);
	long double (*exact)(long double);
	double low, high;
	int power;  /* low and high are exponents of 2 */
	double ulp; /* as mathd.h says */
};

static const struct range ranges[] = {
	{ "exp", mathd_exp, expl, -745.2, 709.7, 0, 0.85 },
	{ "exp", mathd_exp, expl, -1070, 0, 1, 0.85 },
	{ "expm1", mathd_expm1, expm1l, -40, 709.7, 0, 1.4 },
	{ "expm1", mathd_expm1, expm1l, -1070, 3, 1, 1.4 },
	{ "log", mathd_log, logl, -1074, 1023, 1, 0.85 },
	{ "log", mathd_log, logl, 0.5, 2, 0, 0.85 },
	{ "log1p", mathd_log1p, log1pl, -0.999999, 3, 0, 0.85 },
	{ "log1p", mathd_log1p, log1pl, -1070, 1023, 1, 0.85 },
	{ "sin", mathd_sin, sinl, -10, 10, 0, 0.8 },
	{ "sin", mathd_sin, sinl, -1070, 19, 1, 0.8 },
	{ "cos", mathd_cos, cosl, -10, 10, 0, 0.8 },
	{ "cos", mathd_cos, cosl, -1070, 19, 1, 0.8 },
	{ "normal_cdf", mathd_normal_cdf, normal_cdf, -38.5, 9, 0, 8 },
	{ "normal_cdf", mathd_normal_cdf, normal_cdf, -1070, 3, 1, 8 },
};

START_TEST(errors)
{
	const struct range *r = &ranges[_i];
	uint64_t state = (uint64_t)_i + 1;
	double worst = 0, at = 0;

	for (int i = 0; i < SAMPLES; i++) {
		double x = r->power ? scaled(&state, (int)r->low, (int)r->high)
				    : between(&state, r->low, r->high);
		double e = ulps(r->f(x), r->exact((long double)x));

		if (!(e <= worst)) {
			worst = e;
			at = x;
		}
	}
	ck_assert_msg(worst <= r->ulp, "%s: %g ulp at %a", r->name, worst, at);
}
END_TEST

START_TEST(arrays_have_the_scalar_bytes)
{
	enum { N = 1003 };
	static double (*const scalar[])(
	    double) = { mathd_exp, mathd_log, mathd_log1p };
	double x[N], y[N], z[N];
	uint64_t state = 99;

	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < N; i++)
			x[i] = scaled(&state, -1074, round % 3 > 0 ? 1023 : 12);
		if (round == 0) {
			x[0] = 0;
			x[1] = -0.0;
			x[2] = INFINITY;
			x[3] = -INFINITY;
			x[4] = NAN;
			x[5] = -1;
		}
		for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
			const struct linalg *la = linalg_get((enum isa)isa);
			void (*array[])(double *, const double *,
			    size_t) = { la->dexp, la->dlog, la->dlog1p };

			for (int f = 0; f < 3; f++) {
				array[f](z, x, N);
				for (int i = 0; i < N; i++) {
					y[i] = scalar[f](x[i]);
					ck_assert_msg(
					    memcmp(y + i, z + i, 8) == 0 ||
						(isnan(y[i]) && isnan(z[i])),
					    "%d(%a): %a, %s %a", f, x[i], y[i],
					    la->name, z[i]);
				}
			}
		}
	}
}
END_TEST

START_TEST(angles)
{
	uint64_t state = 5;

	for (int i = 0; i < SAMPLES; i++) {
		double x = between(&state, -1, 1), y = between(&state, -1, 1);

		if (i % 3 == 1) {
			x = scaled(&state, -1070, 1023);
			y = scaled(&state, -1070, 1023);
		} else if (i % 3 == 2) {
			y *= ldexp(1, i % 60);
		}
		ck_assert_msg(
		    ulps(mathd_atan2(y, x),
			atan2l((long double)y, (long double)x)) <= 0.7,
		    "atan2(%a, %a): %a", y, x, mathd_atan2(y, x));
	}
}
END_TEST

START_TEST(powers)
{
	uint64_t state = 6;

	for (int i = 0; i < SAMPLES; i++) {
		double x = fabs(
		    scaled(&state, i % 2 ? -1074 : -10, i % 2 ? 1023 : 10));
		double y = between(&state, -760, 760) / fabs(log(x));

		if (i % 5 == 0)
			y = floor(between(&state, -9, 9));
		ck_assert_msg(ulps(mathd_pow(x, y),
				  powl((long double)x, (long double)y)) <= 0.87,
		    "pow(%a, %a): %a", x, y, mathd_pow(x, y));
	}
}
END_TEST

/* All pairs of special numbers: what C's annex F says, which libm does. */
START_TEST(special_pairs)
{
	static const double s[] = { 0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3,
		INFINITY, -INFINITY, NAN, 1e300, -1e300, 1e-320, 0x1p53,
		0x1p53 + 2, 1.5, -1.5 };
	enum { N = sizeof(s) / sizeof(*s) };

	for (int i = 0; i < N * N; i++) {
		double x = s[i / N], y = s[i % N];
		double p = mathd_pow(x, y), t = mathd_atan2(x, y);
		double q = pow(x, y), u = atan2(x, y);

		ck_assert_msg(ulps(p, (long double)q) <= 1.5 &&
				  (isnan(p) || signbit(p) == signbit(q)),
		    "pow(%g, %g): %g", x, y, p);
		ck_assert_msg(ulps(t, (long double)u) <= 1.5 &&
				  (isnan(t) || signbit(t) == signbit(u)),
		    "atan2(%g, %g): %g", x, y, t);
	}
}
END_TEST

START_TEST(edges)
{
	ck_assert(mathd_exp(0) == 1 && mathd_exp(-INFINITY) == 0);
	ck_assert(isinf(mathd_exp(710)) && mathd_exp(-745) == 0x1p-1074);
	ck_assert(mathd_expm1(-INFINITY) == -1 && isinf(mathd_expm1(1e9)));
	ck_assert(signbit(mathd_expm1(-0.0)) && signbit(mathd_log1p(-0.0)));
	ck_assert(mathd_log(1) == 0 && mathd_log(0) == -INFINITY);
	ck_assert(isnan(mathd_log(-1)) && isinf(mathd_log(INFINITY)));
	ck_assert(mathd_log1p(-1) == -INFINITY && isnan(mathd_log1p(-2)));
	ck_assert(isnan(mathd_sin(0x1p21)) && isnan(mathd_cos(INFINITY)));
	ck_assert(signbit(mathd_sin(-0.0)) && mathd_cos(0) == 1);
	ck_assert(mathd_normal_cdf(-INFINITY) == 0);
	ck_assert(mathd_normal_cdf(INFINITY) == 1);
	ck_assert(isnan(mathd_exp(NAN)) && isnan(mathd_normal_cdf(NAN)));
}
END_TEST

/* The quantile of p lies where the distribution crosses p: one step of
 * Newton's iteration in long double measures how far that is. */
START_TEST(quantiles)
{
	uint64_t state = 7;

	for (int i = 0; i < SAMPLES / 4; i++) {
		double p =
		    i % 2 ? uniform(&state) : fabs(scaled(&state, -1074, -2));
		double x = mathd_normal_quantile(p);
		long double at = (long double)x, d, q = (long double)p;

		if (x > 0) {
			at = -at;
			q = (long double)(1 - p);
		}
		d = (normal_cdf(at) - q) /
		    (expl(-at * at / 2) / sqrtl(2 * acosl(-1)));
		at = x > 0 ? -(at - d) : at - d;
		ck_assert_msg(ulps(x, at) <= 16, "quantile(%a): %a", p, x);
	}
	ck_assert(mathd_normal_quantile(0.5) == 0);
	ck_assert(mathd_normal_quantile(0) == -INFINITY);
	ck_assert(mathd_normal_quantile(1) == INFINITY);
	ck_assert(isnan(mathd_normal_quantile(-0.1)));
	ck_assert(isnan(mathd_normal_quantile(NAN)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mathd");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(
	    t, errors, 0, (int)(sizeof(ranges) / sizeof(*ranges)));
	tcase_add_test(t, arrays_have_the_scalar_bytes);
	tcase_add_test(t, angles);
	tcase_add_test(t, powers);
	tcase_add_test(t, special_pairs);
	tcase_add_test(t, edges);
	tcase_add_test(t, quantiles);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
