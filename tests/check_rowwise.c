#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "linalg/rowwise.h"
#include "unit.h"

/*
 * Each kernel against plain loops in double within a bound, every instruction
 * set of this machine against the portable one, byte for byte, and rows
 * against the same rows among other neighbours.
 */

static uint32_t
bits(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 32);
}

static size_t
below(uint64_t *state, size_t n)
{
	return bits(state) % n;
}

static float *
numbers(uint64_t *state, size_t n, float scale)
{
	float *x = mem_aligned(n, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	for (size_t i = 0; i < n; i++)
		x[i] = scale * (float)((int32_t)bits(state) >> 8) * 0x1p-23f;
	return x;
}

static const struct rowwise *
table(int i)
{
	return i <= (int)cpu_isa() ? rowwise_get((enum isa)i) : NULL;
}

/* [rows, n] of a and b, rows ld apart. */
static void
same(const float *a, const float *b, size_t rows, size_t n, size_t ld,
    const char *what)
{
	for (size_t i = 0; i < rows; i++)
		ck_assert_msg(
		    memcmp(a + i * ld, b + i * ld, n * sizeof(*a)) == 0,
		    "%s: row %zu of %zu, n = %zu, differs from portable", what,
		    i, rows, n);
}

static void
near(double got, double want, double scale, const char *what)
{
	ck_assert_msg(fabs(got - want) <= 4e-6 * (scale + fabs(want)),
	    "%s: %.9g is not %.9g", what, got, want);
}

START_TEST(norms)
{
	const struct rowwise *rk = table(_i), *ref = rowwise_get(ISA_PORTABLE);
	uint64_t state = 1;

	for (int round = 0; rk != NULL && round < 60; round++) {
		size_t rows = 1 + below(&state, 5);
		size_t n = 1 + below(&state, round % 2 ? 40 : 900);
		size_t ld = n + below(&state, 3);
		float *x = numbers(&state, rows * ld, 3.0f);
		float *w = numbers(&state, n, 2.0f);
		float *b = numbers(&state, n, 1.0f);
		float *got = numbers(&state, rows * ld, 1.0f);
		float *want = numbers(&state, rows * ld, 1.0f);

		rk->layer_norm(got, ld, x, ld, rows, n, w, b, 1e-5f);
		ref->layer_norm(want, ld, x, ld, rows, n, w, b, 1e-5f);
		same(got, want, rows, n, ld, "layer_norm");
		for (size_t i = 0; i < rows; i++) {
			double mean = 0, var = 0;

			for (size_t j = 0; j < n; j++)
				mean += (double)x[i * ld + j] / (double)n;
			for (size_t j = 0; j < n; j++)
				var += pow((double)x[i * ld + j] - mean, 2) /
				       (double)n;
			for (size_t j = 0; j < n; j++)
				near((double)got[i * ld + j],
				    ((double)x[i * ld + j] - mean) /
					    sqrt(var + 1e-5) * (double)w[j] +
					(double)b[j],
				    n == 1 ? 200 : 20, "layer_norm");
		}
		rk->rms_norm(got, ld, x, ld, rows, n, w, 1e-6f);
		ref->rms_norm(want, ld, x, ld, rows, n, w, 1e-6f);
		same(got, want, rows, n, ld, "rms_norm");
		for (size_t i = 0; i < rows; i++) {
			double square = 0;

			for (size_t j = 0; j < n; j++)
				square +=
				    pow((double)x[i * ld + j], 2) / (double)n;
			for (size_t j = 0; j < n; j++)
				near((double)got[i * ld + j],
				    (double)x[i * ld + j] /
					sqrt(square + 1e-6) * (double)w[j],
				    1, "rms_norm");
		}
		rk->unit(got, ld, x, ld, rows, n);
		ref->unit(want, ld, x, ld, rows, n);
		same(got, want, rows, n, ld, "unit");
		for (size_t i = 0; i < rows; i++) {
			double length = 0;

			for (size_t j = 0; j < n; j++)
				length += pow((double)got[i * ld + j], 2);
			near(length, 1, 1, "unit");
		}
		memset(x, 0, rows * ld * sizeof(*x));
		rk->unit(x, ld, x, ld, rows, n);
		for (size_t j = 0; j < n; j++)
			ck_assert(x[j] == 0);
		free(x);
		free(w);
		free(b);
		free(got);
		free(want);
	}
}
END_TEST

START_TEST(pooling)
{
	const struct rowwise *rk = table(_i), *ref = rowwise_get(ISA_PORTABLE);
	uint64_t state = 2;

	for (int round = 0; rk != NULL && round < 60; round++) {
		size_t rows = 1 + below(&state, 40), n = 1 + below(&state, 90);
		size_t ld = n + below(&state, 3);
		float *x = numbers(&state, rows * ld, 3.0f);
		float *got = numbers(&state, n, 1.0f);
		float *want = numbers(&state, n, 1.0f);

		rk->mean(got, x, ld, rows, n);
		ref->mean(want, x, ld, rows, n);
		same(got, want, 1, n, n, "mean");
		for (size_t j = 0; j < n; j++) {
			double mean = 0;

			for (size_t i = 0; i < rows; i++)
				mean += (double)x[i * ld + j] / (double)rows;
			near((double)got[j], mean, 1, "mean");
		}
		rk->max(got, x, ld, rows, n);
		for (size_t j = 0; j < n; j++) {
			float top = x[j];

			for (size_t i = 1; i < rows; i++)
				top = fmaxf(top, x[i * ld + j]);
			ck_assert_msg(got[j] == top, "max");
		}
		memcpy(want, got, n * sizeof(*got));
		rk->add(got, x, n);
		for (size_t j = 0; j < n; j++)
			ck_assert(got[j] == want[j] + x[j]);
		free(x);
		free(got);
		free(want);
	}
}
END_TEST

/* One element of attention in double. */
static double
attended(const struct attention *a, size_t h, size_t i, size_t column)
{
	size_t n = a->causal ? a->first + i + 1 : a->n;
	double s[600], top = -INFINITY, sum = 0, y = 0;

	for (size_t j = 0; j < n; j++) {
		s[j] = 0;
		for (size_t c = h * a->size; c < (h + 1) * a->size; c++)
			s[j] += (double)a->q[i * a->ldq + c] *
				(double)a->k[j * a->ldk + c];
		s[j] *= (double)a->scale;
		if (a->bias != NULL) {
			long far = (long)j - (long)(a->first + i);
			long most = (long)a->span - 1;

			far = far > most ? most : far < -most ? -most : far;
			s[j] += (double)a->bias[(long)(h * (2 * a->span - 1)) +
						most + far];
		}
		top = fmax(top, s[j]);
	}
	for (size_t j = 0; j < n; j++) {
		double e = exp(s[j] - top);

		sum += e;
		y += e * (double)a->v[j * a->ldv + h * a->size + column];
	}
	return y / sum;
}

START_TEST(attention)
{
	static const size_t lengths[] = { 1, 2, 5, 6, 7, 12, 15, 16, 17, 31, 33,
		64, 100, 128, 385, 512 };
	static const size_t sizes[] = { 32, 64, 8, 16, 20, 80, 7, 1 };
	const struct rowwise *rk = table(_i), *ref = rowwise_get(ISA_PORTABLE);
	uint64_t state = 3;

	for (int round = 0; rk != NULL && round < 96; round++) {
		struct attention a = { .n = lengths[round % 16],
			.size = sizes[(round / 16 + round % 3) % 8],
			.heads = 1 + below(&state, 3),
			.causal = round % 3 == 1,
			.span = 1 + below(&state, 40) };
		size_t D = a.heads * a.size, ld = 3 * D + below(&state, 2);
		float *qkv = numbers(&state, a.n * ld, 2.0f), *got, *want;
		float *bias = numbers(&state, a.heads * (2 * a.span - 1), 3.0f);

		got = numbers(&state, a.n * (D + 1), 1.0f);
		want = numbers(&state, a.n * (D + 1), 1.0f);
		if (round % 4 == 2) { /* one row, as for pooling by one token */
			a.first = below(&state, a.n);
			a.rows = 1;
		} else
			a.rows = a.n;
		if (round % 5 == 3)
			a.bias = bias;
		a.scale = 1 / sqrtf((float)a.size);
		a.q = qkv + a.first * ld;
		a.k = qkv + D;
		a.v = qkv + 2 * D;
		a.ldq = a.ldk = a.ldv = ld;
		a.ldy = D + 1;
		/* Exactly that much room, so that sanitizers see its end. */
		a.room =
		    numbers(&state, rowwise_attention_room(a.n, a.size), 1);
		a.y = got;
		rk->attention(&a);
		a.y = want;
		ref->attention(&a);
		same(got, want, a.rows, D, D + 1, "attention");
		for (size_t i = 0; i < a.rows; i += 1 + a.rows / 9)
			for (size_t c = 0; c < D; c += 1 + D / 7)
				near((double)got[i * a.ldy + c],
				    attended(&a, c / a.size, i, c % a.size), 1,
				    "attention");
		free(qkv);
		free(bias);
		free(got);
		free(want);
		free(a.room);
	}
}
END_TEST

/* The row that is asked for alone is the row among all; and with causal what
 * follows a row does not matter. */
START_TEST(attention_of_one_row)
{
	const struct rowwise *rk = table(_i);
	uint64_t state = 4;
	enum { N = 77, HEADS = 2, SIZE = 32, D = HEADS * SIZE };
	float *qkv = numbers(&state, N * 3 * D, 2.0f);
	float all[N * D], one[D];
	struct attention a = { .q = qkv,
		.k = qkv + D,
		.v = qkv + 2 * D,
		.ldq = 3 * D,
		.ldk = 3 * D,
		.ldv = 3 * D,
		.y = all,
		.ldy = D,
		.n = N,
		.rows = N,
		.heads = HEADS,
		.size = SIZE,
		.scale = 0.2f };

	a.room = numbers(&state, rowwise_attention_room(N, SIZE), 1);
	for (int causal = 0; rk != NULL && causal < 2; causal++) {
		a.causal = causal;
		a.n = a.rows = N;
		a.first = 0;
		a.q = qkv;
		a.y = all;
		rk->attention(&a);
		a.y = one;
		a.rows = 1;
		for (size_t i = 0; i < N; i += 5) {
			a.first = i;
			a.n = causal ? i + 1 : N;
			a.q = qkv + i * 3 * D;
			rk->attention(&a);
			ck_assert(memcmp(one, all + i * D, sizeof(one)) == 0);
		}
	}
	free(qkv);
	free(a.room);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rowwise");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, norms, 0, ISA_COUNT);
	tcase_add_loop_test(t, pooling, 0, ISA_COUNT);
	tcase_add_loop_test(t, attention, 0, ISA_COUNT);
	tcase_add_loop_test(t, attention_of_one_row, 0, ISA_COUNT);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
