/* Ridge regression of many outputs against scikit-learn and closed forms. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
#include "learn/ridge.h"
#include "unit.h"

static const struct error no_error;

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

struct data {
	size_t n, d, m;
	float *x, *y; /* [n, d], [n, m] */
	double lambda;
	float *weight, *bias; /* [d, m], [m] as recorded */
	size_t most;          /* records that were asked for at once */
	int fails;
};

static int
data_rows(void *ctx, size_t first, size_t count, float *z, struct error *e)
{
	struct data *t = ctx;

	if (count > t->most)
		t->most = count;
	if (t->fails)
		return error_set(e, "no rows today");
	for (size_t i = first; i < first + count; i++) {
		memcpy(z, t->x + i * t->d, t->d * sizeof(*z));
		memcpy(z + t->d, t->y + i * t->m, t->m * sizeof(*z));
		z += t->d + t->m;
	}
	return 0;
}

static struct ridge_problem
problem_of(struct data *t)
{
	return (struct ridge_problem){ t->n, t->d, t->m, data_rows, t };
}

static void
data_free(struct data *t)
{
	free(t->x);
	free(t->y);
	free(t->weight);
	free(t->bias);
}

static float *
read_floats(struct json *j, size_t *n)
{
	float *x = mem_array(4096, sizeof(*x));

	ck_assert_ptr_nonnull(x);
	ck_assert_int_eq(json_floats(j, x, 4096, n), 0);
	return x;
}

static void
read_case(struct json *j, struct data *t)
{
	struct str key;
	int64_t k;
	size_t n;

	*t = (struct data){ 0 };
	ck_assert_int_eq(json_object(j), 0);
	while (json_object_next(j, &key) > 0) {
		float **to = str_is(key, "x")        ? &t->x
			     : str_is(key, "y")      ? &t->y
			     : str_is(key, "weight") ? &t->weight
			     : str_is(key, "bias")   ? &t->bias
						     : NULL;
		size_t *size = str_is(key, "n")   ? &t->n
			       : str_is(key, "d") ? &t->d
			       : str_is(key, "m") ? &t->m
						  : NULL;

		if (to != NULL)
			*to = read_floats(j, &n);
		else if (size != NULL) {
			ck_assert_int_eq(json_integer(j, 1, 4096, &k), 0);
			*size = (size_t)k;
		} else
			ck_assert_int_eq(json_double(j, &t->lambda), 0);
	}
}

/* Case k of the recorded ones. */
static void
recorded(struct data *t, int k)
{
	struct error e = no_error;
	struct buf text = { 0 };
	struct json j = { 0 };
	struct str key;
	char path[1000];

	snprintf(path, sizeof(path), "%s/ridge.json", getenv("DATA"));
	ck_assert_msg(
	    io_read_file(path, 1 << 20, &text, &e) == 0, "%s", e.text);
	json_init(&j, text.data, text.len);
	ck_assert_int_eq(json_object(&j), 0);
	while (json_object_next(&j, &key) > 0) {
		if (!str_is(key, "cases")) {
			json_skip(&j);
			continue;
		}
		json_array(&j);
		for (int i = 0; json_array_next(&j) > 0; i++)
			if (i == k)
				read_case(&j, t);
			else
				json_skip(&j);
	}
	ck_assert_int_eq(json_end(&j), 0);
	json_free(&j);
	buf_free(&text);
}

/* n records of random inputs; y = 2 + x A where noise is 0. */
static void
made(struct data *t, size_t n, size_t d, size_t m, double noise)
{
	struct rng r;

	*t = (struct data){ .n = n, .d = d, .m = m };
	t->x = mem_array(n * d, sizeof(float));
	t->y = mem_array(n * m, sizeof(float));
	ck_assert(t->x != NULL && t->y != NULL);
	rng_seed(&r, n + d);
	for (size_t i = 0; i < n * d; i++)
		t->x[i] = (float)(rng_double(&r) - 0.4);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < m; c++) {
			double sum = 2 + noise * (rng_double(&r) - 0.5);

			for (size_t k = 0; k < d; k++)
				sum += (double)t->x[i * d + k] *
				       (double)((k * 7 + c * 3) % 5) / 4;
			t->y[i * m + c] = (float)sum;
		}
}

static void
fit(struct data *t, struct pool *pool, const struct linalg *la, float *W,
    float *b, double *lambda)
{
	struct ridge_problem p = problem_of(t);
	struct error e = no_error;

	ck_assert_msg(
	    ridge_fit(la, pool, &p, W, b, lambda, &e) == 0, "%s", e.text);
}

START_TEST(scikit_learn_agrees)
{
	struct data t;
	float W[256], b[8];
	double lambda;

	recorded(&t, _i);
	fit(&t, NULL, best(), W, b, &lambda);
	ck_assert_double_eq_tol(lambda / t.lambda, 1, 1e-6);
	for (size_t i = 0; i < t.d * t.m; i++)
		ck_assert_float_eq_tol(W[i], t.weight[i], 2e-6f);
	for (size_t c = 0; c < t.m; c++)
		ck_assert_float_eq_tol(b[c], t.bias[c], 1e-5f);
	data_free(&t);
}
END_TEST

/* Without noise the map itself comes back, from more records than a block
 * holds; with fewer records than inputs it is not the only solution, and its
 * fit comes back. */
START_TEST(a_known_map_comes_back)
{
	struct data t;
	float *W = mem_array(700 * 3, sizeof(*W)), b[3];
	double lambda, worst = 0;

	made(&t, _i ? 400 : 700, _i ? 600 : 20, 3, 0);
	fit(&t, NULL, best(), W, b, &lambda);
	for (size_t i = 0; i < t.n; i++)
		for (size_t c = 0; c < t.m; c++) {
			double y = (double)b[c];

			for (size_t k = 0; k < t.d; k++)
				y += (double)t.x[i * t.d + k] *
				     (double)W[k * t.m + c];
			worst = fmax(worst, fabs(y - (double)t.y[i * 3 + c]));
		}
	ck_assert_double_lt(worst, _i ? 0.1 : 1e-3);
	for (size_t k = 0; !_i && k < t.d; k++)
		for (size_t c = 0; c < t.m; c++)
			ck_assert_float_eq_tol(W[k * t.m + c],
			    (float)((k * 7 + c * 3) % 5) / 4, 1e-4f);
	ck_assert_uint_le(t.most, 256);
	free(W);
	data_free(&t);
}
END_TEST

/* Of many outputs random sums choose the penalty: here of 4 that stand there
 * 20 times over, and it is the one that the 4 choose. */
START_TEST(many_outputs_choose_by_their_sums)
{
	enum { D = 40, FEW = 4, MANY = 80 };
	struct data few, many;
	float W[D * FEW], b[FEW], bb[MANY];
	float *WW = mem_array(D * MANY, sizeof(*WW));
	size_t n = _i ? 30 : 120;
	double lambda[2];

	made(&few, n, D, FEW, 2);
	many = few;
	many.m = MANY;
	many.y = mem_array(n * MANY, sizeof(*many.y));
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < MANY; c++)
			many.y[i * MANY + c] = few.y[i * FEW + c % FEW];
	fit(&few, NULL, best(), W, b, &lambda[0]);
	fit(&many, NULL, best(), WW, bb, &lambda[1]);
	ck_assert_double_eq_tol(lambda[1] / lambda[0], 1, 1e-9);
	for (size_t c = 0; c < MANY; c++) {
		ck_assert_float_eq_tol(bb[c], b[c % FEW], 1e-5f);
		for (size_t k = 0; k < D; k++)
			ck_assert_float_eq_tol(
			    WW[k * MANY + c], W[k * FEW + c % FEW], 1e-5f);
	}
	free(WW);
	free(many.y);
	data_free(&few);
}
END_TEST

/* Outputs that the inputs say nothing of: a large penalty is best, and
 * weights are a tenth of what least squares alone would make of them. */
START_TEST(noise_is_shrunk)
{
	struct data t;
	float W[40], b[1];
	double lambda, total = 0, mean[40] = { 0 }, sq = 0;

	made(&t, 60, 40, 1, 0);
	for (size_t i = 0; i < 60; i++)
		t.y[i] = (float)((i * 37) % 11);
	fit(&t, NULL, best(), W, b, &lambda);
	for (size_t i = 0; i < 60 * 40; i++)
		mean[i % 40] += (double)t.x[i] / 60;
	for (size_t i = 0; i < 60 * 40; i++)
		total += ((double)t.x[i] - mean[i % 40]) *
			 ((double)t.x[i] - mean[i % 40]);
	ck_assert_double_gt(lambda, total / 40);
	for (size_t k = 0; k < 40; k++)
		sq += (double)W[k] * (double)W[k];
	ck_assert_double_lt(sq, 10);
	data_free(&t);
}
END_TEST

START_TEST(bytes_are_the_same_for_any_pool_and_machine)
{
	struct data t;
	size_t size;
	float *W[3], b[3][4];
	double lambda[3];

	made(&t, _i ? 150 : 300, _i ? 190 : 90, 4, 0.5);
	size = t.d * t.m;
	for (int k = 0; k < 3; k++) {
		struct pool *pool = k == 1 ? pool_new(3, NULL) : NULL;

		W[k] = mem_array(size, sizeof(**W));
		fit(&t, pool, k == 2 ? linalg_get(ISA_PORTABLE) : best(), W[k],
		    b[k], &lambda[k]);
		pool_free(pool);
	}
	for (int k = 1; k < 3; k++) {
		ck_assert_mem_eq(W[0], W[k], size * sizeof(**W));
		ck_assert_mem_eq(b[0], b[k], sizeof(b[0]));
		ck_assert_mem_eq(&lambda[0], &lambda[k], sizeof(*lambda));
	}
	for (int k = 0; k < 3; k++)
		free(W[k]);
	data_free(&t);
}
END_TEST

START_TEST(nothing_to_learn_from_gives_the_mean)
{
	struct data t;
	float W[5 * 2], b[2];
	double lambda = 9;

	made(&t, 20, 5, 2, 1);
	for (size_t i = 0; i < 20 * 5; i++)
		t.x[i] = 3.7f;
	for (size_t n = 0; n <= 20; n += n < 4 ? 1 : 16) {
		double mean[2] = { 0 };

		t.n = n;
		for (size_t i = 0; i < 2 * n; i++)
			mean[i % 2] += (double)t.y[i] / (double)n;
		fit(&t, NULL, best(), W, b, &lambda);
		ck_assert_double_eq(lambda, 0);
		for (size_t i = 0; i < 5 * 2; i++)
			ck_assert_float_eq(W[i], 0);
		for (size_t c = 0; c < 2; c++)
			ck_assert_float_eq_tol(b[c], (float)mean[c], 1e-6f);
	}
	/* No inputs at all. */
	t.d = 0;
	fit(&t, NULL, best(), W, b, &lambda);
	ck_assert_double_eq(lambda, 0);
	data_free(&t);
}
END_TEST

START_TEST(what_cannot_be_is_told)
{
	struct data t;
	struct ridge_problem p;
	struct error e = no_error;
	float W[5 * 2], b[2];
	double lambda;

	made(&t, _i ? 4 : 20, 5, 2, 1);
	t.fails = 1;
	p = problem_of(&t);
	ck_assert_int_eq(ridge_fit(best(), NULL, &p, W, b, &lambda, &e), -1);
	ck_assert_str_eq(e.text, "no rows today");
	p.n = p.d = RIDGE_MAX_SIDE + 1;
	p.m = 0;
	ck_assert_int_eq(ridge_fit(best(), NULL, &p, W, b, &lambda, &e), -1);
	ck_assert_str_eq(e.text, "ridge: 4097 records of 4097 inputs");
	data_free(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ridge");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, scikit_learn_agrees, 0, 4);
	tcase_add_loop_test(t, a_known_map_comes_back, 0, 2);
	tcase_add_loop_test(t, many_outputs_choose_by_their_sums, 0, 2);
	tcase_add_test(t, noise_is_shrunk);
	tcase_add_loop_test(
	    t, bytes_are_the_same_for_any_pool_and_machine, 0, 2);
	tcase_add_test(t, nothing_to_learn_from_gives_the_mean);
	tcase_add_loop_test(t, what_cannot_be_is_told, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
