/* Data sets: who is taken, folds, scaling against brute force, order. */
#include <stdbool.h>

#include "base/cpu.h"
#include "learn/crossfit.h"
#include "learning.h"
#include "linalg/mathd.h"
#include "unit.h"

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

/* Give record i, of 8 without errors, one. */
static void
set_error(struct strs *errors, size_t i)
{
	strs_clear(errors);
	for (size_t k = 0; k < 8; k++)
		ck_assert_int_eq(strs_add(errors, "bad", k == i ? 3 : 0), 0);
}

START_TEST(records_are_refused_or_left_out)
{
	struct dataset ds = { 0 };
	struct error e = no_error;
	struct schema s;
	struct batch b;
	struct str label = { "ash", 3 };
	enum dataset_taken taken;

	learning_schema(&s);
	learning_batch(&b, &s, NULL, 8, 0, 0);
	b.parts[0].dense[1 * DIM_D + 2] = NAN;
	b.parts[1].value[b.parts[1].end[1]] = INFINITY; /* record 2 */
	b.parts[0].mask[3] = b.parts[1].mask[3] = 0;
	set_error(&b.parts[1].error, 3);
	/* Missing altogether, which is no error. */
	b.parts[0].mask[7] = b.parts[1].mask[7] = 0;
	b.weight[4] = 0;
	b.weight[5] = -1;
	ck_assert_int_eq(dataset_init(&ds, &s, TASK_CLASS, 1, &e), 0);
	for (size_t i = 0; i < 8; i++) {
		static const enum dataset_taken want[] = { DATASET_TAKEN,
			DATASET_NOT_FINITE, DATASET_NOT_FINITE, DATASET_NO_PART,
			DATASET_NO_WEIGHT, DATASET_NOT_FINITE, DATASET_NO_LABEL,
			DATASET_TAKEN };

		ck_assert_int_eq(
		    dataset_add(&ds, &b, i, &label, i != 6, 1, NAN, &taken, &e),
		    0);
		ck_assert_int_eq(taken, want[i]);
	}
	ck_assert_uint_eq(ds.n, 2);
	ck_assert_int_eq(
	    dataset_add(&ds, &b, 7, &label, 1, 1, NAN, &taken, &e), -1);
	ck_assert_str_eq(e.text, "id 'r7' came before");
	/* One class only. */
	ck_assert_int_eq(dataset_finish(&ds, 2, 0, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "only one class, 'ash'"));
	dataset_free(&ds);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(nothing_and_equal_targets_are_refused)
{
	struct dataset ds = { 0 };
	struct error e = no_error;
	struct schema s;
	struct batch b;
	enum dataset_taken taken;

	learning_schema(&s);
	learning_batch(&b, &s, NULL, 4, 0, 0);
	ck_assert_int_eq(dataset_init(&ds, &s, TASK_CLASS, 1, &e), 0);
	ck_assert_int_eq(dataset_finish(&ds, 2, 0, &e), -1);
	ck_assert_str_eq(e.text, "no records");
	dataset_free(&ds);
	ck_assert_int_eq(dataset_init(&ds, &s, TASK_REGRESS, 0, &e), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(
		    dataset_add(&ds, &b, i, NULL, 0, 1, 2.5, &taken, &e), 0);
	ck_assert_int_eq(dataset_finish(&ds, 2, 0, &e), -1);
	ck_assert_str_eq(e.text, "all targets are equal");
	dataset_free(&ds);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(folds_keep_groups_and_shares)
{
	struct dataset ds;
	struct schema s;
	struct batch b;
	size_t count[5][3] = { { 0 } };

	learning_schema(&s);
	learning_batch(&b, &s, NULL, 300, 0, 0);
	learning_dataset(&ds, &s, &b, TASK_CLASS, 5);
	ck_assert_uint_eq(ds.folds, 5);
	for (size_t k = 0; k < 5; k++)
		for (size_t i = ds.fold_first[k]; i < ds.fold_first[k + 1];
		     i++) {
			count[k][ds.y_class[i]]++;
			/* The other of its group is in the same fold. */
			for (size_t m = 0; m < ds.n; m++)
				if (ds.group_hash[m] == ds.group_hash[i])
					ck_assert(m >= ds.fold_first[k] &&
						  m < ds.fold_first[k + 1]);
		}
	for (size_t k = 0; k < 5; k++)
		for (size_t c = 0; c < 3; c++) {
			ck_assert_uint_ge(count[k][c], 18);
			ck_assert_uint_le(count[k][c], 22);
		}
	dataset_free(&ds);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(order_of_the_input_is_forgotten)
{
	struct dataset ds[2];
	struct schema s;
	struct rng r;
	uint32_t order[100];

	learning_schema(&s);
	for (uint32_t i = 0; i < 100; i++)
		order[i] = i;
	rng_seed(&r, 3);
	rng_shuffle(&r, order, 100);
	for (int k = 0; k < 2; k++) {
		struct error e = no_error;
		struct rows all;
		struct batch b;

		learning_batch(&b, &s, k == 0 ? NULL : order, 100, 1, 1);
		learning_dataset(&ds[k], &s, &b, (enum task)_i, 4);
		batch_free(&b);
		all = dataset_not_in_fold(&ds[k], 1);
		ck_assert_int_eq(
		    dataset_scale(best(), NULL, &ds[k], &all, &e), 0);
	}
	ck_assert_mem_eq(ds[0].id_hash, ds[1].id_hash, 100 * sizeof(uint64_t));
	ck_assert_mem_eq(ds[0].feature[0].x, ds[1].feature[0].x,
	    100 * DIM_D * sizeof(float));
	ck_assert_mem_eq(ds[0].feature[1].idf, ds[1].feature[1].idf,
	    ds[0].feature[1].active * sizeof(float));
	ck_assert_mem_eq(ds[0].feature[1].inverse, ds[1].feature[1].inverse,
	    100 * sizeof(float));
	ck_assert_mem_eq(ds[0].feature[2].x, ds[1].feature[2].x,
	    100 * ds[0].feature[2].dim * sizeof(float));
	if (ds[0].y != NULL)
		ck_assert_mem_eq(
		    ds[0].y, ds[1].y, 100 * ds[0].C * sizeof(float));
	else
		ck_assert_mem_eq(
		    ds[0].y_class, ds[1].y_class, 100 * sizeof(uint32_t));
	dataset_free(&ds[0]);
	dataset_free(&ds[1]);
	schema_free(&s);
}
END_TEST

static bool
in(const struct rows *r, size_t i)
{
	return (i >= r->first[0] && i < r->first[0] + r->count[0]) ||
	       (i >= r->first[1] && i < r->first[1] + r->count[1]);
}

START_TEST(dense_columns_have_mean_0_and_equal_shares)
{
	struct dataset ds;
	struct error e = no_error;

	learning_ready(&ds, best(), TASK_CLASS, 90, 1);
	/* Again and again on other rows: the last one counts. */
	for (size_t k = 0; k < ds.folds; k++) {
		struct rows rows = dataset_not_in_fold(&ds, k);
		const struct feature *f = &ds.feature[0];
		double length = 0, n = 0;

		ck_assert_int_eq(
		    dataset_scale(best(), NULL, &ds, &rows, &e), 0);
		for (size_t j = 0; j < DIM_D; j++) {
			double sum = 0, sq = 0;

			n = 0;
			for (size_t i = 0; i < ds.n; i++) {
				double x = (double)f->x[i * DIM_D + j];

				if (!f->mask[i])
					ck_assert_double_eq(x, 0);
				if (!f->mask[i] || !in(&rows, i))
					continue;
				n++;
				sum += x;
				sq += x * x;
			}
			ck_assert_double_eq_tol(sum / n, 0, 1e-6);
			ck_assert_double_eq_tol(
			    sq / n, j == 6 ? 0 : 1.0 / 6, 1e-6);
			ck_assert_int_eq(f->live[j], j != 6);
			length += sq;
		}
		ck_assert_double_eq_tol(length / n, 1, 1e-5);
	}
	dataset_free(&ds);
}
END_TEST

START_TEST(blocks_of_columns_get_equal_shares)
{
	struct dataset ds;
	struct error e = no_error;
	struct schema s = { 0 };
	struct batch b = { 0 };
	struct rows all;
	double share[2] = { 0 };

	ck_assert_int_eq(schema_add(&s, "d", PART_DENSE, 5, NULL, NULL, &e), 0);
	for (size_t j = 0; j < 5; j++) {
		static const char *const names[] = { "hog.8", "hog.9", "hog.10",
			"hog.11", "v2.3x" };

		ck_assert_int_eq(
		    strs_add(&s.parts[0].columns, names[j], strlen(names[j])),
		    0);
	}
	ck_assert_int_eq(batch_init(&b, &s, &e), 0);
	for (size_t i = 0; i < 20; i++) {
		struct rng r;
		char id[8];
		int n = snprintf(id, sizeof(id), "%zu", i);
		float *x;

		rng_seed(&r, i);
		ck_assert_int_eq(batch_add(&b, id, (size_t)n, &e), 0);
		batch_label(&b, i % 2 ? "a" : "b", 1, &e);
		x = batch_dense(&b, 0);
		for (size_t j = 0; j < 5; j++)
			x[j] = (float)rng_double(&r);
	}
	learning_dataset(&ds, &s, &b, TASK_CLASS, 2);
	all = dataset_rows(&ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, &ds, &all, &e), 0);
	for (size_t i = 0; i < 20; i++)
		for (size_t j = 0; j < 5; j++) {
			double x = (double)ds.feature[0].x[i * 5 + j];

			share[j == 4] += x * x / 20;
		}
	ck_assert_double_eq_tol(share[0], 0.5, 1e-5);
	ck_assert_double_eq_tol(share[1], 0.5, 1e-5);
	dataset_free(&ds);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(sparse_rows_have_length_1_after_idf)
{
	struct dataset ds;
	struct error e = no_error;
	struct rows rows;
	const struct feature *f;
	double n = 0;

	learning_ready(&ds, best(), TASK_CLASS, 90, 1);
	rows = dataset_not_in_fold(&ds, 0);
	ck_assert_int_eq(dataset_scale(best(), NULL, &ds, &rows, &e), 0);
	f = &ds.feature[1];
	for (size_t i = 0; i < ds.n; i++)
		n += in(&rows, i) && f->mask[i];
	for (size_t c = 0; c < f->active; c++) {
		double df = 0, want;

		for (size_t i = 0; i < ds.n; i++)
			for (size_t k = 0; k < f->count[i]; k++)
				df += in(&rows, i) &&
				      f->index[f->start[i] + k] == c;
		want = df > 0 ? mathd_log((1 + n) / (1 + df)) + 1 : 0;
		ck_assert_double_eq_tol((double)f->idf[c], want, 1e-6);
	}
	for (size_t i = 0; i < ds.n; i++) {
		double sq = 0;

		for (size_t k = 0; k < f->count[i]; k++) {
			size_t at = f->start[i] + k;
			double v = (double)f->value[at] *
				   (double)f->idf[f->index[at]] *
				   (double)f->inverse[i];

			sq += v * v;
		}
		if (in(&rows, i) && f->mask[i])
			ck_assert_double_eq_tol(sq, 1, 1e-6);
	}
	dataset_free(&ds);
}
END_TEST

START_TEST(indicators_stand_for_missing_parts)
{
	struct dataset ds;

	learning_ready(&ds, best(), TASK_CLASS, 90, 1);
	ck_assert_uint_eq(ds.features, 3);
	ck_assert_uint_eq(ds.feature[2].dim, 2);
	for (size_t i = 0; i < ds.n; i++)
		for (size_t p = 0; p < 2; p++) {
			double shift = ds.feature[2].shift[p];

			ck_assert_double_eq_tol(
			    (double)ds.feature[2].x[i * 2 + p],
			    (ds.feature[p].mask[i] ? 0 : 1) - shift, 1e-6);
		}
	dataset_free(&ds);
	learning_ready(&ds, best(), TASK_CLASS, 30, 0);
	ck_assert_uint_eq(ds.features, 2);
	dataset_free(&ds);
}
END_TEST

START_TEST(classes_weigh_as_they_should)
{
	struct dataset ds;
	struct error e = no_error;
	struct rows rows;
	float *w;

	learning_ready(&ds, best(), TASK_CLASS, 91, 0);
	for (size_t i = 0; i < ds.n; i++) {
		ds.weight[i] = 1;
		if (i % 3 == 0)
			ds.y_class[i] = 0;
	}
	rows = dataset_not_in_fold(&ds, 1);
	w = mem_array(ds.n, sizeof(*w));
	for (int kind = CLASS_NONE; kind <= CLASS_BALANCED; kind++) {
		double sum[3] = { 0 }, n[3] = { 0 }, total = 0;

		ck_assert_int_eq(class_weights(&ds, &rows,
				     (enum class_weight)kind, 0, w, &e),
		    0);
		for (size_t i = 0; i < ds.n; i++)
			if (in(&rows, i)) {
				n[ds.y_class[i]]++;
				sum[ds.y_class[i]] += (double)w[i];
				total += (double)w[i];
			}
		ck_assert_double_eq_tol(total, (double)rows_count(&rows), 1e-3);
		/* A class of n counts n, sqrt(n), 1 together. */
		for (int c = 1; c < 3; c++) {
			double ratio = n[c] / n[0];

			if (kind == CLASS_SQRT)
				ratio = sqrt(ratio);
			if (kind == CLASS_BALANCED)
				ratio = 1;
			ck_assert_double_eq_tol(sum[c] / sum[0], ratio, 1e-4);
		}
	}
	free(w);
	dataset_free(&ds);
}
END_TEST

/* Records that lack a part that is needed weigh nothing, and no class of
 * theirs counts. */
START_TEST(lacking_records_weigh_nothing)
{
	struct dataset ds;
	struct error e = no_error;
	struct rows all;
	double total = 0, n = 0;
	float *w;

	learning_ready(&ds, best(), TASK_CLASS, 90, 1);
	all = dataset_rows(&ds);
	w = mem_array(ds.n, sizeof(*w));
	ck_assert_int_eq(class_weights(&ds, &all, CLASS_BALANCED, 1, w, &e), 0);
	for (size_t i = 0; i < ds.n; i++) {
		ck_assert_int_eq(w[i] > 0, ds.feature[0].mask[i]);
		n += ds.feature[0].mask[i] ? (double)ds.weight[i] : 0;
		total += (double)w[i];
	}
	ck_assert_double_eq_tol(total, n, 1e-3);
	free(w);
	dataset_free(&ds);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dataset");
	TCase *t = tcase_create("core");

	tcase_add_test(t, records_are_refused_or_left_out);
	tcase_add_test(t, nothing_and_equal_targets_are_refused);
	tcase_add_test(t, folds_keep_groups_and_shares);
	tcase_add_loop_test(t, order_of_the_input_is_forgotten, 0, 3);
	tcase_add_test(t, dense_columns_have_mean_0_and_equal_shares);
	tcase_add_test(t, blocks_of_columns_get_equal_shares);
	tcase_add_test(t, sparse_rows_have_length_1_after_idf);
	tcase_add_test(t, indicators_stand_for_missing_parts);
	tcase_add_test(t, classes_weigh_as_they_should);
	tcase_add_test(t, lacking_records_weigh_nothing);
	suite_add_tcase(s, t);
	return unit_main(s);
}
