#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "fusion/ablate.h"
#include "learn/scale.h"
#include "unit.h"

/* Records with a dense part of two blocks of columns, one of them constant in
 * part, a sparse part and a sequence. */
enum { N = 400, DENSE = 7, SPARSE = 90, PAIRS = 30, WIDE = 3 };

static const struct error no_error;

static void
fine(int rc, const struct error *e)
{
	ck_assert_msg(rc == 0, "%s", e->text);
}

static void
make_schema(struct schema *s)
{
	static const char *const names[DENSE] = { "hog.0", "hog.1", "hog.2",
		"lbp.0", "lbp.1", "size", "flat" };
	struct error e = no_error;
	struct strs columns = { 0 };

	*s = (struct schema){ 0 };
	for (int c = 0; c < DENSE; c++)
		ck_assert_int_eq(
		    strs_add(&columns, names[c], strlen(names[c])), 0);
	fine(schema_add(s, "d", PART_DENSE, DENSE, NULL, NULL, &e), &e);
	fine(schema_columns(s, 0, &columns, &e), &e);
	fine(schema_add(s, "s", PART_SPARSE, SPARSE, NULL, NULL, &e), &e);
	fine(schema_add(s, "q", PART_SEQUENCE, WIDE, NULL, NULL, &e), &e);
	strs_free(&columns);
}

/* Record i, alike whatever stands before it. */
static void
add_record(struct batch *b, size_t i)
{
	struct error e = no_error;
	uint32_t *index;
	float *x, *value;
	char id[32];
	struct rng r;

	rng_seed(&r, i);
	snprintf(id, sizeof(id), "r%zu", i);
	fine(batch_add(b, id, strlen(id), &e), &e);
	fine(batch_label(b, i % 2 ? "x" : "y", 1, &e), &e);
	if (i % 5 != 4) {
		x = batch_dense(b, 0);
		for (int c = 0; c < DENSE; c++)
			x[c] = (float)((c + 1) * rng_double(&r) * 5 + 100);
		x[6] = 3;
	}
	ck_assert_int_eq(batch_sparse(b, 1, PAIRS, &index, &value), 0);
	for (uint32_t k = 0; k < PAIRS; k++) {
		index[k] = 3 * k + rng_below(&r, 3);
		value[k] = (float)(1 + rng_double(&r));
	}
	x = batch_sequence(b, 2, 1 + i % 4, NULL);
	for (size_t k = 0; k < (1 + i % 4) * WIDE; k++)
		x[k] = (float)rng_double(&r);
}

/* What the tests work on: records, as they are and with noise. */
static struct schema schema;
static struct batch batch;
static struct dataset ds;
static struct scaling scaling;
static struct inputs plain, noisy;
static double dense_sd[DENSE], wide_sd[WIDE];
static const int map[3] = { 0, 1, 2 };

static void
setup(void)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct error e = no_error;
	struct rows all;

	make_schema(&schema);
	batch = (struct batch){ 0 };
	fine(batch_init(&batch, &schema, &e), &e);
	for (size_t i = 0; i < N; i++)
		add_record(&batch, i);
	ds = (struct dataset){ 0 };
	fine(dataset_init(&ds, &schema, TASK_CLASS, 0, &e), &e);
	for (size_t i = 0; i < N; i++) {
		struct str label = strs_get(&batch.label, i);
		enum dataset_taken taken;

		fine(dataset_add(&ds, &batch, i, &label, 1, 1, 0, &taken, &e),
		    &e);
	}
	fine(dataset_finish(&ds, 1, 0, &e), &e);
	all = dataset_rows(&ds);
	fine(dataset_scale(la, NULL, &ds, &all, &e), &e);
	fine(scaling_take(&scaling, &ds, &e), &e);
	fine(inputs_init(&plain, &scaling, &e), &e);
	fine(inputs_init(&noisy, &scaling, &e), &e);
	fine(inputs_batch(&plain, &batch, map, 0, N, ~(uint64_t)0, &e), &e);
	ablate_spread(dense_sd, &scaling.part[0], &schema.parts[0].columns);
	ablate_spread(wide_sd, &scaling.part[2], &schema.parts[2].columns);
}

static void
teardown(void)
{
	inputs_free(&plain);
	inputs_free(&noisy);
	scaling_free(&scaling);
	dataset_free(&ds);
	batch_free(&batch);
	schema_free(&schema);
}

/* Noise over part k of records [first, first + n). */
static void
cover(size_t k, double level, size_t first, size_t n)
{
	const double *sd = k == 0 ? dense_sd : k == 2 ? wide_sd : NULL;
	struct error e = no_error;

	fine(inputs_batch(&noisy, &batch, map, first, n, ~(uint64_t)0, &e), &e);
	ablate_cover(&noisy, k, sd, level, &batch, first, 5);
}

/* The spread is what scaling left in the columns it learnt from. */
START_TEST(spread_is_that_of_the_training_records)
{
	for (int c = 0; c < DENSE; c++) {
		double n = 0, sum = 0, sq = 0;

		for (size_t i = 0; i < N; i++) {
			double z =
			    (double)ds.feature[0].x[i * DENSE + (size_t)c];

			if (!ds.feature[0].mask[i])
				continue;
			n++;
			sum += z;
			sq += z * z;
		}
		sq = sqrt(sq / n - sum / n * sum / n);
		if (c == 6)
			ck_assert(dense_sd[c] == 0);
		else
			ck_assert(fabs(dense_sd[c] / sq - 1) < 1e-5);
	}
}
END_TEST

START_TEST(dense_noise_is_normal_and_scales_with_the_level)
{
	double n = 0, sum = 0, sq = 0, *g = mem_array(N * DENSE, sizeof(*g));

	cover(0, 2, 0, N);
	for (size_t i = 0; i < N * DENSE; i++) {
		double sd = dense_sd[i % DENSE];
		double d = (double)noisy.part[0].dense[i] -
			   (double)plain.part[0].dense[i];

		if (!(noisy.has[i / DENSE] & 1) || i % DENSE == 6) {
			ck_assert(d == 0);
			continue;
		}
		g[i] = d / (2 * sd);
		sum += g[i];
		sq += g[i] * g[i];
		n++;
	}
	ck_assert(n > 1900);
	/* Standard errors are 0.023 and 0.032. */
	ck_assert(fabs(sum / n) < 0.1);
	ck_assert(fabs(sq / n - 1) < 0.15);
	cover(0, 0.5, 0, N);
	for (size_t i = 0; i < N * DENSE; i++) {
		double sd = dense_sd[i % DENSE];
		double d = (double)noisy.part[0].dense[i] -
			   (double)plain.part[0].dense[i];

		if ((noisy.has[i / DENSE] & 1) && i % DENSE != 6)
			ck_assert(fabs(d / (0.5 * sd) - g[i]) < 1e-5);
	}
	free(g);
}
END_TEST

/* The squared cosine with what was is 1 / (1 + level^2) in the mean, and what
 * is left has length 1. */
START_TEST(sparse_pairs_are_dropped)
{
	double level = (double[]){ 0.25, 1, 4 }[_i], cosines = 0;

	cover(1, level, 0, N);
	for (size_t i = 0, from = 0, at = 0; i < N; i++) {
		size_t to = plain.part[1].end[i], end = noisy.part[1].end[i];
		double sq = 0, dot = 0;

		for (; from < to; from++) {
			double x = (double)plain.part[1].value[from], z;

			if (at == end || noisy.part[1].index[at] !=
					     plain.part[1].index[from])
				continue;
			z = (double)noisy.part[1].value[at++];
			sq += z * z;
			dot += x * z;
		}
		ck_assert_uint_eq(at, end);
		ck_assert(sq == 0 || fabs(sq - 1) < 1e-6);
		cosines += dot * dot;
	}
	ck_assert(fabs(cosines / N - 1 / (1 + level * level)) < 0.02);
}
END_TEST

START_TEST(a_sequence_has_the_mean_of_its_rows)
{
	cover(2, 1, 0, N);
	for (size_t i = 0, from = 0; i < N; i++) {
		size_t to = noisy.part[2].end[i];

		for (size_t c = 0; c < WIDE; c++) {
			double sum = 0;

			for (size_t r = from; r < to; r++)
				sum +=
				    (double)noisy.part[2].value[r * WIDE + c];
			ck_assert(
			    fabs(sum / (double)(to - from) -
				 (double)noisy.part[2].dense[i * WIDE + c]) <
			    1e-6);
		}
		ck_assert(noisy.part[2].value[from * WIDE] !=
			  plain.part[2].value[from * WIDE]);
		from = to;
	}
}
END_TEST

/* Nothing but its id says what noise a record gets; none is none. */
START_TEST(noise_depends_on_the_id_alone)
{
	float dense[10 * DENSE];

	cover(0, 1, 0, N);
	memcpy(dense, noisy.part[0].dense + 37 * DENSE, sizeof(dense));
	cover(0, 1, 37, 10);
	ck_assert_int_eq(memcmp(dense, noisy.part[0].dense, sizeof(dense)), 0);
	cover(1, 0, 0, N);
	ck_assert_int_eq(memcmp(noisy.part[1].value, plain.part[1].value,
			     noisy.part[1].end[N - 1] * sizeof(float)),
	    0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ablate");
	TCase *t = tcase_create("noise");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, spread_is_that_of_the_training_records);
	tcase_add_test(t, dense_noise_is_normal_and_scales_with_the_level);
	tcase_add_loop_test(t, sparse_pairs_are_dropped, 0, 3);
	tcase_add_test(t, a_sequence_has_the_mean_of_its_rows);
	tcase_add_test(t, noise_depends_on_the_id_alone);
	suite_add_tcase(s, t);
	return unit_main(s);
}
