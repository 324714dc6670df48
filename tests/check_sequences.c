/* Sequences in a data set: their rows, and their means as a dense part. */
#include <stdbool.h>

#include "base/cpu.h"
#include "learning.h"
#include "unit.h"

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

static bool
in(const struct rows *r, size_t i)
{
	return (i >= r->first[0] && i < r->first[0] + r->count[0]) ||
	       (i >= r->first[1] && i < r->first[1] + r->count[1]);
}

enum { SEQ_N = 60, SEQ_D = 5 };

/* Rows of record i: some have none, some lack the part. */
static size_t
sequence_rows(size_t i, float *x)
{
	struct rng r;
	size_t n = i % 7 == 3 ? 0 : 1 + i % 6;

	rng_seed(&r, 1000 + i);
	for (size_t k = 0; k < n * SEQ_D; k++)
		x[k] = (float)(rng_double(&r) * (double)(1 + k % SEQ_D) +
			       (double)(i % 3));
	for (size_t k = 0; k < n; k++)
		x[k * SEQ_D + 2] = 7.25f; /* constant */
	return n;
}

static void
sequence_batch(struct batch *b, const struct schema *s, const uint32_t *order)
{
	struct error e = no_error;
	float x[6 * SEQ_D];

	*b = (struct batch){ 0 };
	ck_assert_int_eq(batch_init(b, s, &e), 0);
	for (size_t i = 0; i < SEQ_N; i++) {
		size_t at = order != NULL ? order[i] : i;
		char id[16];
		int len = snprintf(id, sizeof(id), "%zu", at);
		float *to;

		ck_assert_int_eq(batch_add(b, id, (size_t)len, &e), 0);
		batch_label(b, at % 2 ? "a" : "b", 1, &e);
		to = batch_dense(b, 1);
		for (size_t j = 0; j < 2; j++)
			to[j] = (float)((at * (j + 3)) % 11);
		if (at % 10 != 9) {
			size_t n = sequence_rows(at, x);

			to = batch_sequence(b, 0, n, NULL);
			ck_assert_ptr_nonnull(to);
			memcpy(to, x, n * SEQ_D * sizeof(*x));
		}
	}
}

static void
sequence_schema(struct schema *s)
{
	struct error e = no_error;

	*s = (struct schema){ 0 };
	ck_assert_int_eq(
	    schema_add(s, "q", PART_SEQUENCE, SEQ_D, NULL, NULL, &e), 0);
	ck_assert_int_eq(schema_add(s, "d", PART_DENSE, 2, NULL, NULL, &e), 0);
}

/* The number of the record that stands in this row. */
static size_t
record_of(const struct dataset *ds, size_t row)
{
	for (size_t i = 0; i < SEQ_N; i++) {
		char id[16];
		int n = snprintf(id, sizeof(id), "%zu", i);

		if (dataset_hash_id((struct str){ id, (size_t)n }) ==
		    ds->id_hash[row])
			return i;
	}
	ck_abort_msg("row %zu is nobody's", row);
	return 0;
}

/* Mean and variance of the rows of the records that are learnt from. */
static void
brute_statistics(const struct dataset *ds, const struct rows *rows, size_t c,
    double *mean, double *var)
{
	const struct feature *f = &ds->feature[0];
	double n = 0;

	*mean = *var = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ds->n; i++)
			for (size_t k = 0; in(rows, i) && k < f->count[i];
			     k++) {
				double x =
				    (double)
					f->value[(f->start[i] + k) * SEQ_D + c];

				n += pass == 0;
				*(pass == 0 ? mean : var) +=
				    pass == 0 ? x : (x - *mean) * (x - *mean);
			}
		*(pass == 0 ? mean : var) /= n;
	}
}

START_TEST(sequences_are_scaled_by_their_rows)
{
	struct dataset ds[2];
	struct schema s;
	uint32_t order[SEQ_N];
	struct rng r;
	struct rows rows;
	const struct feature *f;
	double length = 0, centre[SEQ_D] = { 0 }, seen = 0;

	sequence_schema(&s);
	for (uint32_t i = 0; i < SEQ_N; i++)
		order[i] = i;
	rng_seed(&r, 5);
	rng_shuffle(&r, order, SEQ_N);
	for (int k = 0; k < 2; k++) {
		struct error e = no_error;
		struct batch b;

		sequence_batch(&b, &s, k == 0 ? NULL : order);
		learning_dataset(&ds[k], &s, &b, TASK_CLASS, 3);
		batch_free(&b);
		/* The last one counts. */
		rows = dataset_rows(&ds[k]);
		ck_assert_int_eq(
		    dataset_scale(best(), NULL, &ds[k], &rows, &e), 0);
		rows = dataset_not_in_fold(&ds[k], 1);
		ck_assert_int_eq(
		    dataset_scale(best(), NULL, &ds[k], &rows, &e), 0);
	}
	f = &ds[0].feature[0];
	ck_assert_int_eq(f->kind, PART_DENSE);
	ck_assert(f->sequence && !ds[0].feature[1].sequence);
	ck_assert_double_eq(ds[0].feature[1].gain, 1);
	/* Whatever the order: the same rows beside the same records. */
	ck_assert_mem_eq(
	    f->x, ds[1].feature[0].x, SEQ_N * SEQ_D * sizeof(float));
	ck_assert_mem_eq(f->mask, ds[1].feature[0].mask, SEQ_N);
	ck_assert_double_eq(f->gain, ds[1].feature[0].gain);
	for (size_t i = 0; i < SEQ_N; i++) {
		float x[6 * SEQ_D];
		size_t at = record_of(&ds[0], i);
		size_t n = at % 10 == 9 ? 0 : sequence_rows(at, x);

		ck_assert_uint_eq(f->count[i], n);
		ck_assert_uint_eq(ds[1].feature[0].count[i], n);
		ck_assert_uint_eq(f->mask[i], n > 0);
		ck_assert_mem_eq(
		    f->value + f->start[i] * SEQ_D, x, n * SEQ_D * sizeof(*x));
		ck_assert_mem_eq(
		    ds[1].feature[0].value + ds[1].feature[0].start[i] * SEQ_D,
		    x, n * SEQ_D * sizeof(*x));
	}
	for (size_t c = 0; c < SEQ_D; c++) {
		double mean, var;

		brute_statistics(&ds[0], &rows, c, &mean, &var);
		ck_assert_int_eq(f->live[c], c != 2);
		ck_assert_double_eq_tol(f->shift[c], mean, 1e-9);
		ck_assert_double_eq_tol(
		    f->factor[c], c == 2 ? 1 : 1 / sqrt(4 * var), 1e-9);
	}
	/* x is the scaled mean; with the gain, its mean squared length is 1. */
	for (size_t i = 0; i < SEQ_N; i++) {
		double mean[SEQ_D] = { 0 };

		if (f->mask[i])
			feature_mean(mean, f->value + f->start[i] * SEQ_D,
			    f->count[i], SEQ_D);
		for (size_t c = 0; c < SEQ_D; c++) {
			double z = (mean[c] - f->shift[c]) * f->factor[c];

			ck_assert_float_eq(
			    f->x[i * SEQ_D + c], f->mask[i] ? (float)z : 0);
			if (in(&rows, i) && f->mask[i])
				centre[c] += z;
		}
		seen += in(&rows, i) && f->mask[i];
	}
	for (size_t i = 0; i < SEQ_N; i++)
		for (size_t c = 0; in(&rows, i) && f->mask[i] && c < SEQ_D;
		     c++) {
			double z =
			    (double)f->x[i * SEQ_D + c] - centre[c] / seen;

			length += f->gain * f->gain * z * z / seen;
		}
	ck_assert_double_gt(f->gain, 1.01);
	ck_assert_double_eq_tol(length, 1, 1e-6);
	dataset_free(&ds[0]);
	dataset_free(&ds[1]);
	schema_free(&s);
}
END_TEST

START_TEST(sequences_of_bad_numbers_are_left_out)
{
	struct dataset ds = { 0 };
	struct error e = no_error;
	struct schema s;
	struct batch b;
	struct str label = { "a", 1 };
	enum dataset_taken taken;

	sequence_schema(&s);
	sequence_batch(&b, &s, NULL);
	/* The last number of record 5, and the first of record 7. */
	b.parts[0].value[b.parts[0].end[5] * SEQ_D - 1] = NAN;
	b.parts[0].value[b.parts[0].end[6] * SEQ_D] = INFINITY;
	ck_assert_int_eq(dataset_init(&ds, &s, TASK_CLASS, 0, &e), 0);
	for (size_t i = 0; i < 10; i++) {
		ck_assert_int_eq(
		    dataset_add(&ds, &b, i, &label, 1, 1, NAN, &taken, &e), 0);
		ck_assert_int_eq(taken,
		    i == 5 || i == 7 ? DATASET_NOT_FINITE : DATASET_TAKEN);
	}
	ck_assert_uint_eq(ds.n, 8);
	dataset_free(&ds);
	/* No rows, nothing else, and an error elsewhere: no part is there. */
	b.parts[1].mask[3] = 0;
	strs_clear(&b.parts[1].error);
	for (size_t i = 0; i < SEQ_N; i++)
		strs_add(&b.parts[1].error, "bad", i == 3 ? 3 : 0);
	ck_assert_int_eq(dataset_init(&ds, &s, TASK_CLASS, 0, &e), 0);
	ck_assert_int_eq(
	    dataset_add(&ds, &b, 3, &label, 1, 1, NAN, &taken, &e), 0);
	ck_assert_int_eq(taken, DATASET_NO_PART);
	dataset_free(&ds);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

/* A data set of one part, whose records have the same vectors m as a dense
 * part or as a sequence of the rows m + v and m - v, with v twice the
 * column's spread over the records. */
static void
paired_dataset(struct dataset *ds, int sequence)
{
	struct schema s = { 0 };
	struct batch b = { 0 };
	struct error e = no_error;
	struct rows all;
	double m[40][3], v[3];
	struct rng r;

	rng_seed(&r, 8);
	for (size_t c = 0; c < 3; c++) {
		double mean = 0, sq = 0;

		for (size_t i = 0; i < 40; i++) {
			m[i][c] = rng_double(&r) + (i % 2 == c ? 0.3 : 0);
			mean += m[i][c] / 40;
		}
		for (size_t i = 0; i < 40; i++)
			sq += (m[i][c] - mean) * (m[i][c] - mean) / 40;
		v[c] = 2 * sqrt(sq);
	}
	ck_assert_int_eq(
	    schema_add(&s, "p", sequence ? PART_SEQUENCE : PART_DENSE, 3, NULL,
		NULL, &e),
	    0);
	ck_assert_int_eq(batch_init(&b, &s, &e), 0);
	for (size_t i = 0; i < 40; i++) {
		char id[16];
		int len = snprintf(id, sizeof(id), "%zu", i);
		float *x;

		ck_assert_int_eq(batch_add(&b, id, (size_t)len, &e), 0);
		batch_label(&b, i % 2 ? "a" : "b", 1, &e);
		x = sequence ? batch_sequence(&b, 0, 2, NULL)
			     : batch_dense(&b, 0);
		for (size_t c = 0; c < 3; c++) {
			x[c] = (float)(m[i][c] + (sequence ? v[c] : 0));
			if (sequence)
				x[3 + c] = (float)(m[i][c] - v[c]);
		}
	}
	learning_dataset(ds, &s, &b, TASK_CLASS, 2);
	all = dataset_rows(ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, ds, &all, &e), 0);
	batch_free(&b);
	schema_free(&s);
}

/* The rows are sqrt(5) times as far apart as their means, so that is the gain;
 * a linear model comes to the same scores in either form. */
START_TEST(means_of_rows_weigh_as_vectors_do)
{
	struct dataset ds[2];
	float *W[2], *b[2];
	double one = 1;

	for (int k = 0; k < 2; k++) {
		paired_dataset(&ds[k], k);
		learning_solve(_i ? SOLVER_DUAL : SOLVER_PRIMAL, best(), NULL,
		    &ds[k], &one, 0.01, 1e-12, &W[k], &b[k]);
	}
	ck_assert_double_eq(ds[0].feature[0].gain, 1);
	ck_assert_double_eq_tol(ds[1].feature[0].gain, sqrt(5), 1e-5);
	ck_assert_mem_eq(ds[0].id_hash, ds[1].id_hash, 40 * sizeof(uint64_t));
	for (size_t i = 0; i < 40; i++)
		for (size_t c = 0; c < ds[0].C; c++) {
			double F[2];

			for (int k = 0; k < 2; k++) {
				F[k] = (double)b[k][c];
				for (size_t j = 0; j < 3; j++)
					F[k] += (double)ds[k]
						    .feature[0]
						    .x[i * 3 + j] *
						(double)W[k][j * ds[k].C + c];
			}
			ck_assert_double_eq_tol(F[0], F[1], 1e-3);
		}
	for (int k = 0; k < 2; k++) {
		dataset_free(&ds[k]);
		free(W[k]);
		free(b[k]);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sequences");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, sequences_are_scaled_by_their_rows);
	tcase_add_test(t, sequences_of_bad_numbers_are_left_out);
	tcase_add_loop_test(t, means_of_rows_weigh_as_vectors_do, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
