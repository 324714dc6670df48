#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/linear.h"
#include "unit.h"

/*
 * Linear layers against plain loops in double, and every instruction set of
 * this machine against the portable one, byte for byte.
 */

static float
number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (float)((int32_t)(*state >> 32) >> 8) * 0x1p-23f;
}

static float *
numbers(uint64_t *state, size_t n)
{
	float *x = mem_aligned(n, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++)
		x[i] = number(state);
	return x;
}

START_TEST(sums)
{
	static const uint32_t shapes[][2] = { { 1, 1 }, { 3, 17 }, { 384, 32 },
		{ 385, 40 }, { 769, 15 }, { 400, 100 } };
	enum precision p = (enum precision)_i;
	uint64_t state = 7;

	for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++) {
		uint32_t in = shapes[s][0], out = shapes[s][1];
		float *W = numbers(&state, in * out);
		float *b = numbers(&state, out);
		float *x = numbers(&state, 41 * in);
		float *y = numbers(&state, 41 * out);
		float *ref = numbers(&state, 41 * out);
		void *packed = mem_aligned(linear_size(p, in, out), 1);
		struct linear l = { p, in, out, packed, b };
		struct linear_after after = { ACT_RELU, NULL, x, 0 };
		void *room = mem_aligned(linear_room(&l, 41) + 64, 1);

		after.residual = b;
		linear_pack(packed, p, W, in, in, out);
		linear_run(ISA_PORTABLE, ref, out, x, in, 41, &l, &after, room);
		for (size_t i = 0; i < 41 * out; i++) {
			const float *w = W + i % out * in;
			const float *v = x + i / out * in;
			double t = (double)b[i % out];

			for (size_t k = 0; k < in; k++)
				t += (double)w[k] * (double)v[k];
			t = fmax(t, 0) + (double)b[i % out];
			ck_assert_double_eq_tol(t, (double)ref[i],
			    (p == PRECISION_F32 ? 1e-6 : 1e-3) * in + 1e-6);
		}
		for (size_t m = 1; m <= 41; m++)
			for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
				linear_run((enum isa)isa, y, out, x, in, m, &l,
				    &after, room);
				ck_assert_int_eq(
				    memcmp(y, ref, m * out * sizeof(*y)), 0);
			}
		free(W);
		free(b);
		free(x);
		free(y);
		free(ref);
		free(packed);
		free(room);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("linear");
	TCase *t = tcase_create("linear");

	tcase_add_loop_test(t, sums, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
