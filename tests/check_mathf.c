#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "linalg/linalg.h"
#include "linalg/mathf.h"
#include "unit.h"

/*
 * Each function of mathf.h against libm's double one, on a sample of all
 * floats (CHECK_FLOAT_STEP=1: on all of them, which takes half an hour), and
 * the array forms of each instruction set against the scalar ones.
 */

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double
gelu(double x)
{
	return x * 0.5 * erfc(-x / sqrt(2));
}

static double
softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

struct function {
	const char *name;
	float (*scalar)(float);
	void (*array[ISA_COUNT])(float *, const float *, size_t);
	double (*exact)(double);
	double ulp; /* as mathf.h says */
};

enum { FUNCTIONS = 7, CHUNK = 1000 };

static struct function
function(int i)
{
	struct function all[FUNCTIONS] = {
		{ .name = "exp", mathf_exp, .exact = exp, .ulp = 1.02 },
		{ .name = "log", mathf_log, .exact = log, .ulp = 0.93 },
		{ .name = "tanh", mathf_tanh, .exact = tanh, .ulp = 1.07 },
		{ .name = "erf", mathf_erf, .exact = erf, .ulp = 1.41 },
		{ .name = "sigmoid",
		    mathf_sigmoid,
		    .exact = sigmoid,
		    .ulp = 2.41 },
		{ .name = "gelu", mathf_gelu, .exact = gelu, .ulp = 5.68 },
		{ .name = "softplus",
		    mathf_softplus,
		    .exact = softplus,
		    .ulp = 1.78 },
	};

	for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
		const struct linalg *la = linalg_get((enum isa)isa);
		void (*f[FUNCTIONS])(float *, const float *,
		    size_t) = { la->exp, la->log, la->tanh, la->erf,
			la->sigmoid, la->gelu, la->softplus };

		all[i].array[isa] = f[i];
	}
	return all[i];
}

/* Units of the last place of the exact result between it and ours. */
static double
ulps(float ours, double exact)
{
	int e;

	if (isnan(exact))
		return isnan(ours) ? 0 : INFINITY;
	if ((float)exact == ours)
		return isinf(exact) || isinf(ours)
			   ? 0
			   : fabs((double)ours - exact) /
				 (double)(nextafterf(fabsf(ours), INFINITY) -
					  fabsf(ours));
	if (isinf(ours) || isinf((float)exact))
		return INFINITY;
	frexp(exact, &e);
	return fabs((double)ours - exact) /
	       ldexp(1, (e < -125 ? -125 : e) - 24);
}

static float
from_bits(uint32_t u)
{
	float x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

START_TEST(all_floats)
{
	struct function f = function(_i);
	const char *every = getenv("CHECK_FLOAT_STEP");
	uint32_t step = every != NULL ? (uint32_t)atoi(every) : 30011;
	float x[CHUNK], y[CHUNK], at = 0;
	double worst = 0;

	for (uint64_t u = 0, n; u < (uint64_t)1 << 32; u += n * step) {
		for (n = 0; n < CHUNK && u + n * step < (uint64_t)1 << 32; n++)
			x[n] = from_bits((uint32_t)(u + n * step));
		f.array[cpu_isa()](y, x, n);
		for (size_t i = 0; i < n; i++) {
			double e = ulps(y[i], f.exact((double)x[i]));

			if (e > worst) {
				worst = e;
				at = x[i];
			}
		}
	}
	if (every != NULL)
		printf("# %s: %.4f ulp at %a\n", f.name, worst, (double)at);
	ck_assert_msg(
	    worst <= f.ulp, "%s: %g ulp at %a", f.name, worst, (double)at);
}
END_TEST

START_TEST(arrays_have_the_scalar_bytes)
{
	struct function f = function(_i);
	float x[CHUNK], y[CHUNK], z[CHUNK];

	for (uint64_t u = 0, n; u < (uint64_t)1 << 32; u += n * 150011) {
		for (n = 0; n < CHUNK && u + n * 150011 < (uint64_t)1 << 32;
		     n++)
			x[n] = from_bits((uint32_t)(u + n * 150011));
		if (u % 3 == 0 && n > 5)
			n -= 5;
		for (size_t i = 0; i < n; i++)
			y[i] = f.scalar(x[i]);
		for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
			f.array[isa](z, x, n);
			for (size_t i = 0; i < n; i++)
				ck_assert_msg(
				    memcmp(y + i, z + i, sizeof(*z)) == 0 ||
					(isnan(y[i]) && isnan(z[i])),
				    "%s(%a): %a, %s %a", f.name, (double)x[i],
				    (double)y[i], cpu_isa_name((enum isa)isa),
				    (double)z[i]);
		}
	}
}
END_TEST

/* Points at all angles and ratios, and all pairs of special coordinates. */
START_TEST(angles)
{
	static const float special[] = { 0, -0.0f, 1, -1, INFINITY, -INFINITY,
		NAN, 3e38f, -3e38f, 1e-45f, -1e-45f, 1e-38f, 0.4f };
	enum { N = sizeof(special) / sizeof(*special) };
	uint32_t state = 1;
	float x[CHUNK], y[CHUNK], t[CHUNK], u[CHUNK];

	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < CHUNK; i++) {
			state = state * 1664525 + 1013904223;
			x[i] = (float)(int32_t)state;
			state = state * 1664525 + 1013904223;
			y[i] = ldexpf((float)(int32_t)state,
			    round % 3 == 0 ? (int)(state % 60) - 30 : 0);
			if (round == 0 && i < N * N) {
				x[i] = special[i % N];
				y[i] = special[i / N];
			}
		}
		for (int i = 0; i < CHUNK; i++) {
			t[i] = mathf_atan2(y[i], x[i]);
			ck_assert_msg(ulps(t[i], atan2((double)y[i],
						     (double)x[i])) <= 1.6,
			    "atan2(%a, %a): %a", (double)y[i], (double)x[i],
			    (double)t[i]);
			ck_assert(
			    isnan(t[i]) || signbit(t[i]) == signbit(y[i]));
		}
		for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
			linalg_get((enum isa)isa)->atan2(u, y, x, CHUNK);
			for (int i = 0; i < CHUNK; i++)
				ck_assert(memcmp(t + i, u + i, 4) == 0 ||
					  (isnan(t[i]) && isnan(u[i])));
		}
	}
}
END_TEST

START_TEST(edges)
{
	ck_assert(mathf_exp(0) == 1 && mathf_exp(-INFINITY) == 0);
	ck_assert(isinf(mathf_exp(89)) && mathf_exp(-103.9f) == 1e-45f);
	ck_assert(mathf_log(1) == 0 && mathf_log(0) == -INFINITY);
	ck_assert(isnan(mathf_log(-1)) && isinf(mathf_log(INFINITY)));
	ck_assert(mathf_tanh(-INFINITY) == -1 && mathf_erf(INFINITY) == 1);
	ck_assert(signbit(mathf_tanh(-0.0f)) && signbit(mathf_erf(-0.0f)));
	ck_assert(mathf_sigmoid(0) == 0.5f && mathf_sigmoid(-INFINITY) == 0);
	ck_assert(mathf_gelu(-INFINITY) == 0 && isinf(mathf_gelu(INFINITY)));
	ck_assert(mathf_softplus(-INFINITY) == 0);
	ck_assert(isinf(mathf_softplus(INFINITY)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mathf");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, all_floats, 0, FUNCTIONS);
	tcase_add_loop_test(t, arrays_have_the_scalar_bytes, 0, FUNCTIONS);
	tcase_add_test(t, angles);
	tcase_add_test(t, edges);
	tcase_set_timeout(t, getenv("CHECK_FLOAT_STEP") != NULL ? 0 : 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
