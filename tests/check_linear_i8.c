#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/linear_i8.h"
#include "linalg/linear_i8_kernels.h"
#include "unit.h"

/*
 * The int8 layer against the formulas of linear_i8.h, written anew in double,
 * and against the layer of unrounded weights within the bound given there;
 * then every kernel that runs here against the portable one, byte for byte.
 */

struct variant {
	const struct i8_kernels *k;
	enum isa isa;
};

/* All that run here; their count. */
static size_t
variants(struct variant v[5])
{
	size_t n = 0;

	v[n++] = (struct variant){ &i8_portable, ISA_PORTABLE };
#if defined(__x86_64__)
	if (cpu_isa() >= ISA_AVX2)
		v[n++] = (struct variant){ &i8_avx2, ISA_AVX2 };
	if (cpu_isa() >= ISA_AVX512)
		v[n++] = (struct variant){ &i8_avx512, ISA_AVX512 };
	if (cpu_isa() >= ISA_AVX512 && cpu_has_vnni())
		v[n++] = (struct variant){ &i8_vnni, ISA_AVX512 };
	if (cpu_isa() >= ISA_AMX)
		v[n++] = (struct variant){ &i8_amx, ISA_AMX };
#endif
	return n;
}

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

/* A layer, rows for it and where their results go. */
struct trial {
	struct linear l;
	size_t rows, ldx, ldy;
	float *W, *x, *y, *want;
	void *packed, *room;
};

static struct trial
trial_new(uint64_t *state, size_t rows, uint32_t in, uint32_t out)
{
	struct trial t = { { PRECISION_I8, in, out, NULL, NULL }, rows, in + 3,
		out + 5, NULL, NULL, NULL, NULL, NULL, NULL };

	t.W = numbers(state, (size_t)in * out);
	t.x = numbers(state, rows * t.ldx);
	t.y = numbers(state, rows * t.ldy);
	t.want = numbers(state, rows * t.ldy);
	t.packed = mem_aligned(linear_size(PRECISION_I8, in, out), 1);
	t.l.packed = t.packed;
	t.room = mem_aligned(linear_room(&t.l, rows), 1);
	ck_assert_ptr_nonnull(t.packed);
	ck_assert_ptr_nonnull(t.room);
	return t;
}

static void
trial_free(struct trial *t)
{
	free(t->W);
	free(t->x);
	free(t->y);
	free(t->want);
	free(t->packed);
	free(t->room);
}

static void
trial_pack(struct trial *t)
{
	linear_pack(t->packed, PRECISION_I8, t->W, t->l.in, t->l.in, t->l.out);
}

/* Every kernel, for the given rows, leaves want's bytes in y, and nothing
 * beside them. */
static void
same_everywhere(struct trial *t, size_t rows, const struct linear_after *after)
{
	struct variant v[5];
	size_t n = variants(v);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < t->rows * t->ldy; j++)
			t->y[j] = 77;
		memset(t->room, 0xa5, linear_room(&t->l, rows));
		i8_run(v[i].k, v[i].isa, t->y, t->ldy, t->x, t->ldx, rows,
		    &t->l, after, t->room);
		for (size_t r = 0; r < t->rows; r++)
			for (size_t j = 0; j < t->ldy; j++) {
				float a = t->y[r * t->ldy + j];
				float b = t->want[r * t->ldy + j];

				if (r >= rows || j >= t->l.out)
					b = 77;
				ck_assert_msg(memcmp(&a, &b, sizeof(a)) == 0 ||
						  (isnan(a) && isnan(b)),
				    "%s: row %zu of %zu, output %zu: %a, not "
				    "%a",
				    v[i].k->name, r, rows, j, (double)a,
				    (double)b);
			}
	}
}

static void
run_portable(struct trial *t, const struct linear_after *after)
{
	i8_run(&i8_portable, ISA_PORTABLE, t->want, t->ldy, t->x, t->ldx,
	    t->rows, &t->l, after, t->room);
}

/* linear_i8.h in double, the scales rounded to float as there. */
struct answer {
	double quantised, exact, bound;
};

static struct answer
answer(const float *x, const float *w, size_t in)
{
	struct answer a = { 0, 0, 0 };

	for (size_t k = 0; k < in; k += 64) {
		size_t n = in - k < 64 ? in - k : 64;
		float lo = 0, hi = 0, most = 0, sx, sw;
		double r, z;

		for (size_t i = k; i < k + n; i++) {
			lo = fminf(lo, x[i]);
			hi = fmaxf(hi, x[i]);
			most = fmaxf(most, fabsf(w[i]));
		}
		sx = hi * (1.0f / 127) - lo * (1.0f / 127);
		sw = most / 127;
		r = sx > 0 ? (double)(1 / sx) : 0;
		z = fmin(rint((double)(-lo * (float)r)), 127);
		for (size_t i = k; i < k + n; i++) {
			double q = rint((double)fmaf(x[i], (float)r, (float)z));
			double v = sw > 0 ? rint((double)(w[i] * (1 / sw))) : 0;

			q = fmin(fmax(q, 0), 127);
			a.quantised += (q - z) * v * (double)sx * (double)sw;
			a.exact += (double)x[i] * (double)w[i];
			a.bound += (double)sx / 2 * fabs((double)w[i]) +
				   (double)sw / 2 *
				       (fabs((double)x[i]) + (double)sx / 2);
		}
	}
	return a;
}

static const uint32_t shapes[][2] = { { 1, 1 }, { 3, 17 }, { 64, 16 },
	{ 65, 33 }, { 127, 15 }, { 384, 48 }, { 200, 100 }, { 1536, 20 } };
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

START_TEST(sums)
{
	uint64_t state = 1 + (uint64_t)_i;
	struct trial t = trial_new(&state, 19, shapes[_i][0], shapes[_i][1]);

	/* Rows lie around 0, above and below it. */
	for (size_t i = 0; i < t.rows * t.ldx; i++)
		t.x[i] += (float)(int)(i / t.ldx % 3) - 1;
	trial_pack(&t);
	run_portable(&t, NULL);
	for (size_t i = 0; i < t.rows; i++)
		for (size_t j = 0; j < t.l.out; j++) {
			struct answer a =
			    answer(t.x + i * t.ldx, t.W + j * t.l.in, t.l.in);
			double y = (double)t.want[i * t.ldy + j];

			ck_assert_double_eq_tol(
			    a.quantised, y, 1e-6 * (1 + a.bound + fabs(y)));
			ck_assert_double_le(
			    fabs(y - a.exact), a.bound * (1 + 1e-5));
		}
	trial_free(&t);
}
END_TEST

START_TEST(same_bytes_for_any_number_of_rows)
{
	static const size_t rows[] = { 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31,
		63, 64, 65, 70 };
	uint64_t state = 2;
	struct trial t = trial_new(&state, 70, shapes[_i][0], shapes[_i][1]);

	trial_pack(&t);
	run_portable(&t, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		same_everywhere(&t, rows[i], NULL);
	/* The last rows alone are what they are among others. */
	for (size_t r = 1; r < 6; r++) {
		size_t i = t.rows - r;

		linear_run(cpu_isa(), t.y, t.ldy, t.x + i * t.ldx, t.ldx, r,
		    &t.l, NULL, t.room);
		for (size_t k = 0; k < r; k++)
			ck_assert_int_eq(
			    memcmp(t.y + k * t.ldy, t.want + (i + k) * t.ldy,
				t.l.out * sizeof(*t.y)),
			    0);
	}
	trial_free(&t);
}
END_TEST

/* More rows than are quantised at once. */
START_TEST(many_rows)
{
	uint64_t state = 3;
	struct trial t = trial_new(&state, 1200, 700, 19);

	ck_assert(linear_room(&t.l, 1200) < 1200 * 700);
	trial_pack(&t);
	run_portable(&t, NULL);
	same_everywhere(&t, 1200, NULL);
	trial_free(&t);
}
END_TEST

/* All products at their ends: nothing may saturate, whatever the pairs. */
START_TEST(no_saturation)
{
	uint64_t state = 4;
	struct trial t = trial_new(&state, 8, 192, 32);

	for (int how = 0; how < 6; how++) {
		for (size_t i = 0; i < t.l.out * t.l.in; i++) {
			size_t k = i % 64;

			switch (how) {
			case 0:
				t.W[i] = 1;
				break;
			case 1:
				t.W[i] = -1;
				break;
			case 2:
				t.W[i] = i & 1 ? 1 : -1;
				break;
			case 3: /* pairs that just fit, 258, and not */
				t.W[i] = k < 4       ? 127
					 : k % 4 < 2 ? 65 - (float)(k / 4 % 3)
						     : -64 - (float)(k / 4 % 2);
				break;
			case 4:
				t.W[i] = k < 32 ? 1 : 0;
				break;
			default:
				t.W[i] = number(&state) > 0 ? 1 : -1;
			}
		}
		for (size_t i = 0; i < t.rows * t.ldx; i++)
			t.x[i] = i / t.ldx < 4
				     ? (i / t.ldx % 2 ? 5.0f : -5.0f)
				     : (number(&state) > 0 ? 2.0f : -2.0f);
		trial_pack(&t);
		run_portable(&t, NULL);
		for (size_t i = 0; i < t.rows; i++)
			for (size_t j = 0; j < t.l.out; j++)
				ck_assert_double_eq_tol(
				    (double)t.want[i * t.ldy + j],
				    answer(t.x + i * t.ldx, t.W + j * t.l.in,
					t.l.in)
					.quantised,
				    1e-3);
		same_everywhere(&t, t.rows, NULL);
	}
	trial_free(&t);
}
END_TEST

START_TEST(extreme_values)
{
	enum { IN = 130, OUT = 20 };
	static const float rows[][3] = { /* most, every seventh, the last */
		{ 0, 0, 0 }, { 3, 3, 3 }, { -3, -3, -3 },
		{ FLT_MAX, -FLT_MAX, 1 }, { FLT_MAX, FLT_MAX, FLT_MAX },
		{ 1e-40f, -1e-42f, 0 }, { 0, 1e-36f, 1e-38f },
		{ 0.01f, -0.02f, 1e6f }, { -0.0f, 0.0f, -0.0f }, { 1, NAN, 1 },
		{ 1, 2, INFINITY }, { 1, -INFINITY, 2 },
		{ INFINITY, -INFINITY, NAN }, { 1, 2, 3 }
	};
	enum { ROWS = sizeof(rows) / sizeof(*rows) };
	uint64_t state = 5;
	struct trial t = trial_new(&state, ROWS, IN, OUT);

	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < IN; k++)
			t.x[i * t.ldx + k] = rows[i][k == IN - 1  ? 2
						     : k % 7 == 3 ? 1
								  : 0];
	for (size_t k = 0; k < IN; k++) {
		t.W[k] = 0;
		t.W[IN + k] = 1e-40f;
		t.W[2 * IN + k] = k == 70 ? 1e30f : 1;
		t.W[3 * IN + k] = 1e-30f * number(&state);
	}
	trial_pack(&t);
	run_portable(&t, NULL);
	same_everywhere(&t, ROWS, NULL);
	for (size_t i = 0; i < ROWS; i++) {
		int finite = 1;

		for (size_t k = 0; k < IN; k++)
			finite &= isfinite(t.x[i * t.ldx + k]) != 0;
		/* the first output has weights of 0 */
		if (finite)
			ck_assert(t.want[i * t.ldy] == 0);
		for (size_t j = 0; j < OUT; j++) {
			float y = t.want[i * t.ldy + j];

			ck_assert_msg(isnan(y) == !finite || rows[i][0] > 1e38f,
			    "row %zu, output %zu: %a", i, j, (double)y);
		}
	}
	trial_free(&t);
}
END_TEST

START_TEST(after_the_sum)
{
	uint64_t state = 6;
	struct trial t = trial_new(&state, 21, 100, 37);
	float *bias = numbers(&state, t.l.out);
	float *gamma = numbers(&state, t.l.out);
	float *residual = numbers(&state, t.rows * t.ldy);
	struct linear_after after = { (enum activation)_i, gamma, residual,
		t.ldy };
	float *plain;

	trial_pack(&t);
	run_portable(&t, NULL);
	plain = numbers(&state, t.rows * t.ldy);
	memcpy(plain, t.want, t.rows * t.ldy * sizeof(*plain));
	t.l.bias = bias;
	run_portable(&t, &after);
	for (size_t i = 0; i < t.rows; i++)
		for (size_t j = 0; j < t.l.out; j++) {
			float s = plain[i * t.ldy + j] + bias[j];

			linear_activate(ISA_PORTABLE, after.act, &s, 1);
			s = gamma[j] * s;
			s = residual[i * t.ldy + j] + s;
			ck_assert(s == t.want[i * t.ldy + j]);
		}
	same_everywhere(&t, t.rows, &after);
	trial_free(&t);
	free(bias);
	free(gamma);
	free(residual);
	free(plain);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("linear_i8");
	TCase *t = tcase_create("core");
	struct variant v[5];
	size_t n = variants(v);

	printf("# int8 kernels that run here:");
	for (size_t i = 0; i < n; i++)
		printf(" %s", v[i].k->name);
	puts("");
	fflush(stdout);
	tcase_add_loop_test(t, sums, 0, SHAPES);
	tcase_add_loop_test(t, same_bytes_for_any_number_of_rows, 0, SHAPES);
	tcase_add_test(t, many_rows);
	tcase_add_test(t, no_saturation);
	tcase_add_test(t, extreme_values);
	tcase_add_loop_test(t, after_the_sum, ACT_NONE, ACT_TANH + 1);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
