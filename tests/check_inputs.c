/* What a model reads: values scaled as they were learnt, from a stream and from
 * a dataset, and with parts taken away. */
#include "base/cpu.h"
#include "learn/inputs.h"
#include "learning.h"
#include "unit.h"

enum { N = 40, DIM_Q = 3 };

/* Records with the parts "d" and "s" of learning.h, and a sequence "q". */
struct made {
	struct schema schema;
	struct batch batch;
	struct dataset ds;
	struct scaling scaling;
	size_t row[N]; /* of the dataset, by record of the batch */
};

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

static void
make(struct made *m)
{
	struct error e = no_error;
	struct rows all;
	struct rng r;

	memset(m, 0, sizeof(*m));
	learning_schema(&m->schema);
	ck_assert_int_eq(
	    schema_add(&m->schema, "q", PART_SEQUENCE, DIM_Q, NULL, NULL, &e),
	    0);
	ck_assert_int_eq(batch_init(&m->batch, &m->schema, &e), 0);
	rng_seed(&r, 5);
	for (size_t i = 0; i < N; i++) {
		size_t rows = i % 4; /* none: the part is missing */
		float *x;

		learning_record(&m->batch, i, 1, 0);
		if (i % 9 == 8)
			continue;
		x = batch_sequence(&m->batch, 2, rows, NULL);
		for (size_t k = 0; k < rows * DIM_Q; k++)
			x[k] = (float)(rng_double(&r) * 3 + (double)(k % 3));
	}
	learning_dataset(&m->ds, &m->schema, &m->batch, TASK_CLASS, 3);
	all = dataset_rows(&m->ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, &m->ds, &all, &e), 0);
	ck_assert_msg(scaling_take(&m->scaling, &m->ds, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < N; i++) {
		uint64_t id = dataset_hash_id(strs_get(&m->batch.id, i));

		while (m->ds.id_hash[m->row[i]] != id)
			m->row[i]++;
	}
}

static void
unmake(struct made *m)
{
	scaling_free(&m->scaling);
	dataset_free(&m->ds);
	batch_free(&m->batch);
	schema_free(&m->schema);
}

static const int map[] = { 0, 1, 2 };

static void
read_batch(struct inputs *in, const struct made *m, size_t first, size_t n,
    uint64_t keep)
{
	struct error e = no_error;

	ck_assert_int_eq(inputs_init(in, &m->scaling, &e), 0);
	ck_assert_int_eq(
	    inputs_batch(in, &m->batch, map, first, n, keep, &e), 0);
}

static void
near(double a, double b, double tolerance)
{
	ck_assert_double_le(fabs(a - b), tolerance);
}

/* Record i of a is record k of b, but for rounding of ${tolerance}. */
static void
same_record(const struct inputs *a, size_t i, const struct inputs *b, size_t k,
    double tolerance)
{
	ck_assert_uint_eq(a->has[i], b->has[k]);
	for (size_t p = 0; p < a->scaling->n; p++) {
		const struct scaled_part *s = &a->scaling->part[p];
		const struct input_part *x = &a->part[p], *y = &b->part[p];
		size_t D = s->dim, width, at, from, n;

		for (size_t j = 0; s->kind != PART_SPARSE && j < D; j++)
			near((double)x->dense[i * D + j],
			    (double)y->dense[k * D + j], tolerance);
		if (s->kind == PART_DENSE)
			continue;
		width = s->kind == PART_SPARSE ? 1 : D;
		n = batch_range(x->end, i, &at);
		ck_assert_uint_eq(n, batch_range(y->end, k, &from));
		for (size_t j = 0; j < n * width; j++)
			near((double)x->value[at * width + j],
			    (double)y->value[from * width + j], tolerance);
		for (size_t j = 0; s->kind == PART_SPARSE && j < n; j++)
			ck_assert_uint_eq(x->index[at + j], y->index[from + j]);
	}
}

/* The formulas of inputs.h, one by one. */
START_TEST(values_are_scaled_as_the_header_says)
{
	struct made m;
	struct inputs in;
	size_t seen[3] = { 0 };

	make(&m);
	ck_assert_uint_eq(m.scaling.live, 7);
	ck_assert_double_eq(m.scaling.part[0].factor[6], 0); /* constant */
	read_batch(&in, &m, 0, N, ~UINT64_C(0));
	for (size_t i = 0; i < N; i++) {
		const struct part_column *c = m.batch.parts;
		const struct scaled_part *s = m.scaling.part;
		size_t at, n, from;
		double sq = 0, mean[DIM_Q] = { 0 };

		ck_assert_int_eq(in.has[i] & 1, c[0].mask[i]);
		for (size_t j = 0; j < DIM_D; j++)
			ck_assert_float_eq(in.part[0].dense[i * DIM_D + j],
			    c[0].mask[i]
				? (float)(((double)c[0].dense[i * DIM_D + j] -
					      s[0].shift[j]) *
					  s[0].factor[j])
				: 0);
		ck_assert_int_eq(in.has[i] >> 1 & 1, c[1].mask[i]);
		n = batch_range(c[1].end, i, &at);
		ck_assert_uint_eq(batch_range(in.part[1].end, i, &from), n);
		for (size_t k = 0; k < n; k++) {
			uint32_t a = in.part[1].index[from + k];
			double v =
			    (double)c[1].value[at + k] * (double)s[1].idf[a];

			ck_assert_uint_eq(s[1].column[a], c[1].index[at + k]);
			sq += v * v;
		}
		for (size_t k = 0; k < n; k++)
			ck_assert_double_eq_tol(
			    (double)in.part[1].value[from + k],
			    (double)c[1].value[at + k] *
				(double)s[1].idf[in.part[1].index[from + k]] /
				sqrt(sq),
			    1e-6);
		n = c[2].mask[i] ? batch_range(c[2].end, i, &at) : 0;
		ck_assert_uint_eq(in.has[i] >> 2, n > 0);
		ck_assert_uint_eq(batch_range(in.part[2].end, i, &from), n);
		for (size_t k = 0; k < n * DIM_Q; k++) {
			double x = (double)c[2].value[at * DIM_Q + k];

			mean[k % DIM_Q] += x / (double)n;
			ck_assert_float_eq(in.part[2].value[from * DIM_Q + k],
			    (float)((x - s[2].shift[k % DIM_Q]) *
				    s[2].factor[k % DIM_Q]));
		}
		for (size_t j = 0; j < DIM_Q; j++)
			ck_assert_double_eq_tol(
			    (double)in.part[2].dense[i * DIM_Q + j],
			    n > 0 ? (mean[j] - s[2].shift[j]) * s[2].factor[j]
				  : 0,
			    1e-6);
		for (size_t p = 0; p < 3; p++)
			seen[p] += in.has[i] >> p & 1;
	}
	for (size_t p = 0; p < 3; p++)
		ck_assert(seen[p] > 5 && seen[p] < N);
	inputs_free(&in);
	unmake(&m);
}
END_TEST

/* From the dataset as from the stream; also when it has been scaled by other
 * rows since. */
START_TEST(a_dataset_gives_what_the_stream_gives)
{
	struct made m;
	struct inputs a, b;
	struct error e = no_error;
	uint32_t row[N];
	uint64_t keep = (uint64_t)_i;

	make(&m);
	for (size_t i = 0; i < N; i++)
		row[i] = (uint32_t)m.row[i];
	read_batch(&a, &m, 0, N, keep);
	ck_assert_int_eq(inputs_init(&b, &m.scaling, &e), 0);
	ck_assert_int_eq(inputs_rows(&b, &m.ds, row, N, keep, &e), 0);
	for (size_t i = 0; i < N; i++)
		same_record(&a, i, &b, i, 0);
	for (size_t k = 0; k < 3; k++) {
		struct rows some = dataset_not_in_fold(&m.ds, k);

		ck_assert_int_eq(
		    dataset_scale(best(), NULL, &m.ds, &some, &e), 0);
		ck_assert_int_eq(inputs_rows(&b, &m.ds, row, N, keep, &e), 0);
		for (size_t i = 0; i < N; i++)
			same_record(&a, i, &b, i, 2e-6);
	}
	inputs_free(&a);
	inputs_free(&b);
	unmake(&m);
}
END_TEST

/* Taking parts away before, after and in a copy is all the same, and records
 * do not depend on their neighbours. */
START_TEST(parts_and_records_are_picked)
{
	struct made m;
	struct inputs whole, kept, picked, one;
	struct error e = no_error;
	uint64_t keep = (uint64_t)_i;
	uint32_t row[N];
	size_t n = 0;

	make(&m);
	read_batch(&whole, &m, 0, N, ~UINT64_C(0));
	read_batch(&kept, &m, 0, N, keep);
	ck_assert_int_eq(inputs_init(&picked, &m.scaling, &e), 0);
	for (uint32_t i = N; i-- > 0;)
		if (i % 3 != 1)
			row[n++] = i;
	ck_assert_int_eq(inputs_pick(&picked, &whole, row, n, keep, &e), 0);
	ck_assert_uint_eq(picked.n, n);
	for (size_t k = 0; k < n; k++)
		same_record(&picked, k, &kept, row[k], 0);
	for (size_t i = 0; i < N; i += 7) {
		read_batch(&one, &m, i, 1, keep);
		same_record(&one, 0, &kept, i, 0);
		inputs_free(&one);
	}
	inputs_keep(&whole, keep);
	for (size_t i = 0; i < N; i++)
		same_record(&whole, i, &kept, i, 0);
	inputs_free(&whole);
	inputs_free(&kept);
	inputs_free(&picked);
	unmake(&m);
}
END_TEST

/* A part that is constant wherever it is there says nothing: it is missing. */
START_TEST(a_constant_part_is_missing)
{
	struct schema s = { 0 };
	struct batch b = { 0 };
	struct dataset ds;
	struct scaling scaling;
	struct inputs in;
	struct error e = no_error;
	struct rows all;

	ck_assert_int_eq(
	    schema_add(&s, "same", PART_DENSE, 2, NULL, NULL, &e), 0);
	ck_assert_int_eq(schema_add(&s, "x", PART_DENSE, 1, NULL, NULL, &e), 0);
	ck_assert_int_eq(batch_init(&b, &s, &e), 0);
	for (int i = 0; i < 8; i++) {
		char id[16];
		float *x;

		snprintf(id, sizeof(id), "%d", i);
		ck_assert_int_eq(batch_add(&b, id, strlen(id), &e), 0);
		ck_assert_int_eq(batch_label(&b, i % 2 ? "a" : "b", 1, &e), 0);
		x = batch_dense(&b, 0);
		x[0] = 3;
		x[1] = -1;
		*batch_dense(&b, 1) = (float)i;
	}
	learning_dataset(&ds, &s, &b, TASK_CLASS, 2);
	all = dataset_rows(&ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, &ds, &all, &e), 0);
	ck_assert_int_eq(scaling_take(&scaling, &ds, &e), 0);
	ck_assert_uint_eq(scaling.live, 2);
	ck_assert_int_eq(inputs_init(&in, &scaling, &e), 0);
	ck_assert_int_eq(inputs_batch(&in, &b, map, 0, 8, ~UINT64_C(0), &e), 0);
	for (size_t i = 0; i < 8; i++) {
		ck_assert_uint_eq(in.has[i], 2);
		ck_assert_float_eq(in.part[0].dense[2 * i], 0);
	}
	inputs_free(&in);
	scaling_free(&scaling);
	dataset_free(&ds);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(too_many_parts_are_refused)
{
	struct schema s = { 0 };
	struct dataset ds;
	struct scaling scaling;
	struct error e = no_error;

	for (int p = 0; p <= INPUTS_MAX_PARTS; p++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", p);
		ck_assert_int_eq(
		    schema_add(&s, name, PART_DENSE, 1, NULL, NULL, &e), 0);
	}
	ck_assert_int_eq(dataset_init(&ds, &s, TASK_CLASS, 1, &e), 0);
	ck_assert_int_eq(scaling_take(&scaling, &ds, &e), -1);
	ck_assert_str_eq(e.text, "more than 64 parts");
	scaling_free(&scaling);
	dataset_free(&ds);
	schema_free(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("inputs");
	TCase *t = tcase_create("core");

	tcase_add_test(t, values_are_scaled_as_the_header_says);
	tcase_add_loop_test(t, a_dataset_gives_what_the_stream_gives, 0, 8);
	tcase_add_loop_test(t, parts_and_records_are_picked, 0, 8);
	tcase_add_test(t, a_constant_part_is_missing);
	tcase_add_test(t, too_many_parts_are_refused);
	suite_add_tcase(s, t);
	return unit_main(s);
}
