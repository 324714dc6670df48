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

static uint64_t
bits(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 32;
}

static float
number(uint64_t *state)
{
	return (float)((int32_t)bits(state) >> 8) * 0x1p-23f;
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

/* What an activation is, in double. */
static double
exact(enum activation act, double t)
{
	double hard = fmin(fmax(t + 3, 0), 6) / 6;

	switch (act) {
	case ACT_NONE:
		return t;
	case ACT_RELU:
		return fmax(t, 0);
	case ACT_RELU6:
		return fmin(fmax(t, 0), 6);
	case ACT_GELU:
		return t * erfc(-t / sqrt(2)) / 2;
	case ACT_GELU_TANH:
		/* (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)) */
		return t / (1 + exp(-2 * sqrt(2 / acos(-1)) *
				    (t + 0.044715 * t * t * t)));
	case ACT_QUICK_GELU:
		return t / (1 + exp(-1.702 * t));
	case ACT_SILU:
		return t / (1 + exp(-t));
	case ACT_HARDSWISH:
		return t * hard;
	case ACT_HARDSIGMOID:
		return hard;
	case ACT_SIGMOID:
		return 1 / (1 + exp(-t));
	case ACT_TANH:
		return tanh(t);
	}
	return NAN;
}

/* A layer with everything around it.  Rows of x, y and the residual are
 * apart by more than their length. */
struct layer {
	enum precision p;
	uint32_t in, out;
	size_t rows, ldx, ldy;
	float *W, *bias, *gamma, *x, *residual;
	void *packed, *room;
};

static struct layer
layer(uint64_t *state, enum precision p, uint32_t in, uint32_t out, size_t rows)
{
	struct layer l = { p, in, out, rows, in + bits(state) % 3,
		out + bits(state) % 3, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL };
	struct linear plain = { p, in, out, NULL, NULL };

	l.W = numbers(state, (size_t)in * out);
	l.bias = numbers(state, out);
	l.gamma = numbers(state, out);
	l.x = numbers(state, rows * l.ldx);
	l.residual = numbers(state, rows * l.ldy);
	l.packed = mem_aligned(linear_size(p, in, out), 1);
	l.room = mem_aligned(linear_room(&plain, rows) + 64, 1);
	ck_assert(l.packed != NULL && l.room != NULL);
	ck_assert_uint_eq(linear_size(p, in, out) % 64, 0);
	linear_pack(l.packed, p, l.W, in, in, out);
	return l;
}

static void
layer_free(struct layer *l)
{
	free(l->W);
	free(l->bias);
	free(l->gamma);
	free(l->x);
	free(l->residual);
	free(l->packed);
	free(l->room);
}

/* What may follow: bits 0 bias, 1 gamma, 2 residual, 3 residual in y. */
enum { BIAS = 1, GAMMA = 2, RESIDUAL = 4, IN_PLACE = 8 };

/* y: rows of l from ${from} on, by one instruction set. */
static void
run(const struct layer *l, int isa, enum activation act, int what, size_t from,
    size_t rows, float *y)
{
	struct linear k = { l->p, l->in, l->out, l->packed,
		what & BIAS ? l->bias : NULL };
	struct linear_after after = { act, what & GAMMA ? l->gamma : NULL, NULL,
		l->ldy };
	size_t n = l->rows * l->ldy;

	for (size_t i = 0; i < n; i++)
		y[i] = what & IN_PLACE ? l->residual[i] : -77;
	if (what & IN_PLACE)
		after.residual = y + from * l->ldy;
	else if (what & RESIDUAL)
		after.residual = l->residual + from * l->ldy;
	linear_run((enum isa)isa, y + from * l->ldy, l->ldy,
	    l->x + from * l->ldx, l->ldx, rows, &k,
	    act == ACT_NONE && !(what & ~BIAS) ? NULL : &after, l->room);
}

static const uint32_t shapes[][2] = { { 1, 1 }, { 3, 17 }, { 8, 33 },
	{ 384, 32 }, { 385, 40 }, { 391, 64 }, { 769, 15 }, { 400, 100 },
	{ 64, 130 } };
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* The portable sums against double; f16 weights lose 11 bits. */
START_TEST(sums)
{
	static const enum activation acts[] = { ACT_NONE, ACT_GELU, ACT_RELU };
	enum precision p = _i / SHAPES == 0 ? PRECISION_F32 : PRECISION_F16;
	uint32_t in = shapes[_i % SHAPES][0], out = shapes[_i % SHAPES][1];
	uint64_t state = (uint64_t)_i + 7;
	struct layer l = layer(&state, p, in, out, 9);
	float *y = numbers(&state, 9 * l.ldy);

	for (int what = 0; what < 8; what++) {
		enum activation act = acts[what % 3];

		run(&l, ISA_PORTABLE, act, what, 0, 9, y);
		for (size_t i = 0; i < 9; i++)
			for (size_t j = 0; j < out; j++) {
				double t = what & BIAS ? (double)l.bias[j] : 0;
				double got = (double)y[i * l.ldy + j];

				for (size_t k = 0; k < in; k++)
					t += (double)l.W[j * in + k] *
					     (double)l.x[i * l.ldx + k];
				t = exact(act, t);
				if (what & GAMMA)
					t *= (double)l.gamma[j];
				if (what & RESIDUAL)
					t += (double)l.residual[i * l.ldy + j];
				ck_assert_double_eq_tol(got, t,
				    (p == PRECISION_F32 ? 3e-7 : 4e-4) *
					    sqrt(in) * 4 +
					1e-6);
			}
	}
	free(y);
	layer_free(&l);
}
END_TEST

/* Every set, any number of rows, from any row on: the bytes of all rows at
 * once by the portable one; and nothing is written beside them. */
START_TEST(same)
{
	enum { ROWS = 41 };
	enum precision p = _i / SHAPES == 0 ? PRECISION_F32 : PRECISION_F16;
	uint32_t in = shapes[_i % SHAPES][0], out = shapes[_i % SHAPES][1];
	uint64_t state = (uint64_t)_i + 70;
	struct layer l = layer(&state, p, in, out, ROWS);
	float *y = numbers(&state, ROWS * l.ldy);
	float *ref = numbers(&state, ROWS * l.ldy);

	for (int round = 0; round < 44; round++) {
		enum activation act = (enum activation)(round % (ACT_TANH + 1));
		int what = (int)(bits(&state) % 16);

		run(&l, ISA_PORTABLE, act, what, 0, ROWS, ref);
		for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
			size_t rows = 1 + ((size_t)round * 7 + 3) % ROWS;
			size_t from = bits(&state) % (ROWS - rows + 1);

			run(&l, isa, act, what, from, rows, y);
			for (size_t i = 0; i < ROWS * l.ldy; i++) {
				size_t row = i / l.ldy;
				int in_it = row >= from && row < from + rows;
				float old =
				    what & IN_PLACE ? l.residual[i] : -77;
				const float *want =
				    in_it && i % l.ldy < out ? ref + i : &old;

				ck_assert_msg(
				    memcmp(want, y + i, sizeof(*y)) == 0,
				    "%s: %zu rows, row %zu, column %zu, "
				    "activation %d, what %d: %a, not %a",
				    cpu_isa_name((enum isa)isa), rows, row,
				    i % l.ldy, (int)act, what, (double)y[i],
				    (double)*want);
			}
		}
	}
	free(y);
	free(ref);
	layer_free(&l);
}
END_TEST

/* More rows than a block has, more than one block of k, and both. */
START_TEST(many)
{
	static const size_t rows[] = { 144, 145, 300, 577 };
	enum precision p = _i % 2 == 0 ? PRECISION_F32 : PRECISION_F16;
	uint64_t state = (uint64_t)_i + 700;
	struct layer l =
	    layer(&state, p, _i / 2 % 2 ? 50 : 800, 48, rows[_i / 4]);
	size_t n = l.rows * l.ldy;
	float *y = numbers(&state, n), *ref = numbers(&state, n);

	for (int what = 0; what < 16; what++) {
		run(&l, ISA_PORTABLE, ACT_SILU, what, 0, l.rows, ref);
		for (int isa = 1; isa <= (int)cpu_isa(); isa++) {
			run(&l, isa, ACT_SILU, what, 0, l.rows, y);
			ck_assert_int_eq(memcmp(y, ref, n * sizeof(*y)), 0);
		}
	}
	free(y);
	free(ref);
	layer_free(&l);
}
END_TEST

/* Some outputs at a time, with and without what follows them. */
START_TEST(parts)
{
	static const enum precision p[] = { PRECISION_F32, PRECISION_F16,
		PRECISION_I8 };
	static const uint32_t cuts[] = { 0, 32, 128, 160, 183 };
	uint64_t state = (uint64_t)_i + 7000;
	struct layer l =
	    layer(&state, p[_i / 2], _i % 2 ? 70 : 800, cuts[4], 23);
	struct linear k = { l.p, l.in, l.out, l.packed, NULL };
	size_t n = l.rows * l.ldy;
	float *y = numbers(&state, n), *ref = numbers(&state, n);

	for (int what = 0; what < 8; what++)
		for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
			struct linear_after after = { ACT_GELU,
				what & GAMMA ? l.gamma : NULL,
				what & RESIDUAL ? l.residual : NULL, l.ldy };

			k.bias = what & BIAS ? l.bias : NULL;
			for (size_t i = 0; i < n; i++)
				y[i] = ref[i] = -77;
			linear_run((enum isa)isa, ref, l.ldy, l.x, l.ldx,
			    l.rows, &k, what ? &after : NULL, l.room);
			for (int c = 0; c < 4; c++)
				linear_run_part((enum isa)isa, y, l.ldy, l.x,
				    l.ldx, l.rows, &k, what ? &after : NULL,
				    cuts[c], cuts[c + 1] - cuts[c], l.room);
			ck_assert_mem_eq(y, ref, n * sizeof(*y));
		}
	free(y);
	free(ref);
	layer_free(&l);
}
END_TEST

/*
 * The errors that linear.h states, in units of max(1, |t|), at many places
 * between -100 and 100, and far out; and the same bytes from every set.
 */
START_TEST(activations)
{
	static const double stated[] = { 0, 0, 0, 1.8e-7, 2e-7, 1.4e-7, 1.4e-7,
		2.5e-7, 1.3e-7, 1.3e-7, 1e-7 };
	enum { COUNT = 400003 };
	enum activation act = (enum activation)_i;
	float *x = mem_aligned(COUNT, sizeof(*x));
	float *ref = mem_aligned(COUNT, sizeof(*x));
	float *y = mem_aligned(COUNT, sizeof(*x));
	double worst = 0, at = 0;

	ck_assert(x != NULL && y != NULL && ref != NULL);
	for (int i = 0; i < COUNT; i++) {
		double t = (i - COUNT / 2) / (COUNT / 2.0);

		x[i] = (float)(i % 2 ? t * 8 : t * t * t * 100);
	}
	x[0] = -1e30f;
	x[1] = 1e30f;
	x[2] = -0.0f;
	x[3] = -1e-30f;
	memcpy(ref, x, COUNT * sizeof(*x));
	linear_activate(ISA_PORTABLE, act, ref, COUNT);
	for (int i = 0; i < COUNT; i++) {
		double t = (double)x[i];
		double e = fabs((double)ref[i] - exact(act, t));

		e /= fmax(1, fabs(t));
		if (!(e <= worst)) {
			worst = e;
			at = t;
		}
	}
	ck_assert_msg(worst <= stated[_i], "%d: %g at %.9g", _i, worst, at);
	for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
		memcpy(y, x, COUNT * sizeof(*x));
		linear_activate((enum isa)isa, act, y, COUNT);
		ck_assert_int_eq(memcmp(y, ref, COUNT * sizeof(*y)), 0);
		y[0] = NAN;
		linear_activate((enum isa)isa, act, y, 1);
		ck_assert(isnan(y[0]));
	}
	free(x);
	free(y);
	free(ref);
}
END_TEST

/* f16 rounds to nearest even and never to infinity. */
START_TEST(halves)
{
	static const struct {
		float w, want;
	} cases[] = { { 1, 1 }, { -0.0f, -0.0f }, { 1e6f, 65504 },
		{ -65520, -65504 }, { 65504, 65504 }, { 65519, 65504 },
		{ 0x1.002p0f, 0x1p0f }, { 0x1.006p0f, 0x1.008p0f },
		{ 0x1.003p0f, 0x1.004p0f }, { 0x1p-24f, 0x1p-24f },
		{ 0x1p-25f, 0 }, { 0x1.8p-25f, 0x1p-24f },
		{ 0x1.ffep-15f, 0x1p-14f }, { 0x1.8p-24f, 0x1p-23f },
		{ 0x1.ff8p-15f, 0x1.ff8p-15f } };
	enum { COUNT = sizeof(cases) / sizeof(*cases) };
	uint64_t state = 5;
	struct layer l = layer(&state, PRECISION_F16, 1, COUNT, 1);
	float y[COUNT + 3];

	for (size_t j = 0; j < COUNT; j++)
		l.W[j] = cases[j].w;
	l.x[0] = 1;
	linear_pack(l.packed, PRECISION_F16, l.W, 1, 1, COUNT);
	for (int isa = 0; isa <= (int)cpu_isa(); isa++) {
		run(&l, isa, ACT_NONE, 0, 0, 1, y);
		for (size_t j = 0; j < COUNT; j++)
			ck_assert_float_eq(y[j], cases[j].want);
	}
	layer_free(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("linear");
	TCase *t = tcase_create("linear");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, sums, 0, 2 * SHAPES);
	tcase_add_loop_test(t, same, 0, 2 * SHAPES);
	tcase_add_loop_test(t, parts, 0, 6);
	tcase_add_loop_test(t, many, 0, 16);
	tcase_add_loop_test(t, activations, 0, ACT_TANH + 1);
	tcase_add_test(t, halves);
	suite_add_tcase(s, t);
	return unit_main(s);
}
