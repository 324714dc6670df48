#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/cpu.h"
#include "fusion/suspect.h"
#include "learning.h"
#include "unit.h"

enum { N = 90 };

/* A dataset of three classes, and a trainer that kept what we say it did. */
struct bench {
	struct schema schema;
	struct batch batch;
	struct dataset ds;
	struct intern ids;
	struct trainer t;
	float *part[2];
	struct suspects s;
};

static void
fine(int rc, const struct error *e)
{
	ck_assert_msg(rc == 0, "%s", e->text);
}

static void
open_bench(struct bench *b, enum task task, const uint32_t *order)
{
	struct error e = no_error;

	memset(b, 0, sizeof(*b));
	learning_schema(&b->schema);
	learning_batch(
	    &b->batch, &b->schema, order, N, 1, task == TASK_MULTILABEL);
	for (size_t i = 0; i < N; i++) {
		struct str id = strs_get(&b->batch.id, i);
		uint32_t number;

		ck_assert_int_eq(intern_add(&b->ids, id.s, id.len, &number), 1);
	}
	learning_dataset(&b->ds, &b->schema, &b->batch, task, 3);
	b->t.held = mem_array(N * b->ds.C, sizeof(float));
	for (int p = 0; p < 2; p++)
		b->part[p] = mem_array(N * b->ds.C, sizeof(float));
	b->t.held_part = b->part;
	b->t.held_parts = 2;
	(void)e;
}

/* Made-up probabilities that depend on the record and not on its row. */
static void
make_up(struct bench *b)
{
	for (size_t i = 0; i < N; i++) {
		float *p = b->t.held + i * b->ds.C, sum = 0;
		struct rng r;

		rng_seed(&r, b->ds.id_hash[i]);
		for (size_t k = 0; k < b->ds.C; k++) {
			p[k] = (float)(0.01 + rng_double(&r));
			sum += p[k];
		}
		for (size_t k = 0; k < b->ds.C; k++) {
			if (b->ds.task == TASK_CLASS)
				p[k] /= sum;
			b->part[0][i * b->ds.C + k] = p[b->ds.C - 1 - k];
			b->part[1][i * b->ds.C + k] = NAN;
		}
	}
}

static void
find(struct bench *b)
{
	struct error e = no_error;

	fine(suspects_find(&b->s, &b->ds, &b->t, &b->ids, &e), &e);
	ck_assert_uint_eq(b->s.n, N);
	for (size_t i = 1; i < N; i++)
		ck_assert(b->s.list[i - 1].doubt >= b->s.list[i].doubt);
}

static void
close_bench(struct bench *b)
{
	suspects_free(&b->s);
	free(b->t.held);
	free(b->part[0]);
	free(b->part[1]);
	dataset_free(&b->ds);
	intern_free(&b->ids);
	batch_free(&b->batch);
	schema_free(&b->schema);
}

/* The formula of suspect.h, written down once more. */
START_TEST(doubt_is_relative_to_the_class)
{
	double sum[3] = { 0 }, n[3] = { 0 }, all = 0;
	struct bench b;

	open_bench(&b, TASK_CLASS, NULL);
	make_up(&b);
	find(&b);
	for (size_t i = 0; i < N; i++) {
		double p = (double)b.t.held[i * 3 + b.ds.y_class[i]];

		sum[b.ds.y_class[i]] += p;
		n[b.ds.y_class[i]]++;
		all += p;
	}
	for (size_t i = 0; i < N; i++) {
		const struct suspect *x = &b.s.list[i];
		uint32_t y = b.ds.y_class[x->row];
		double t = (sum[y] + all / N) / (n[y] + 1);

		ck_assert_uint_eq(x->label, y);
		ck_assert(x->id.len > 0);
		ck_assert_uint_eq(dataset_hash_id(x->id), b.ds.id_hash[x->row]);
		ck_assert(fabs(x->doubt - (1 - x->p / t)) < 1e-12);
		for (size_t k = 0; k < 3; k++)
			ck_assert(
			    (double)b.t.held[x->row * 3 + k] <= x->says_p);
	}
	close_bench(&b);
}
END_TEST

/* The least believed of a record's labels, given or not. */
START_TEST(the_most_doubtful_label_speaks_for_its_record)
{
	double sum[3][2] = { { 0 } }, n[3][2] = { { 0 } };
	struct bench b;

	open_bench(&b, TASK_MULTILABEL, NULL);
	make_up(&b);
	find(&b);
	for (size_t i = 0; i < N * 3; i++) {
		int is = b.ds.y[i] > 0.5f;
		double p = (double)b.t.held[i];

		sum[i % 3][is] += is ? p : 1 - p;
		n[i % 3][is]++;
	}
	for (size_t i = 0; i < N; i++) {
		const struct suspect *x = &b.s.list[i];
		double most = -INFINITY;

		for (size_t k = 0; k < 3; k++) {
			int is = b.ds.y[x->row * 3 + k] > 0.5f;
			double p = (double)b.t.held[x->row * 3 + k];
			double mean = (sum[k][0] + sum[k][1]) / N;
			double t = (sum[k][is] + mean) / (n[k][is] + 1);
			double doubt = 1 - (is ? p : 1 - p) / t;

			if (doubt > most)
				most = doubt;
			if (k != x->label)
				continue;
			ck_assert(fabs(doubt - x->doubt) < 1e-12);
			ck_assert_int_eq(x->given, is);
			ck_assert_int_eq((int)x->says, p >= 0.5);
		}
		ck_assert(fabs(most - x->doubt) < 1e-12);
	}
	close_bench(&b);
}
END_TEST

START_TEST(numbers_are_measured_by_the_median)
{
	double x[N], median;
	struct bench b;

	open_bench(&b, TASK_REGRESS, NULL);
	for (size_t i = 0; i < N; i++)
		b.t.held[i] = (float)(b.ds.target[i] +
				      (i % 2 ? 1 : -1) * (double)(i + 1));
	b.t.held[7] += 1000;
	find(&b);
	for (size_t i = 0; i < N; i++)
		x[i] = fabs(b.ds.target[b.s.list[i].row] -
			    (double)b.t.held[b.s.list[i].row]);
	/* The list falls; so the median stands in its middle. */
	median = (x[N / 2 - 1] + x[N / 2]) / 2;
	ck_assert_uint_eq(b.s.list[0].row, 7);
	for (size_t i = 0; i < N; i++)
		ck_assert(
		    fabs(b.s.list[i].doubt - x[i] / (1.4826 * median)) < 1e-9);
	/* All right: nothing to doubt, and no division by zero. */
	suspects_free(&b.s);
	for (size_t i = 0; i < N; i++)
		b.t.held[i] = (float)b.ds.target[i];
	for (size_t i = 0; i < N; i++)
		b.ds.target[i] = (double)b.t.held[i];
	find(&b);
	ck_assert(b.s.list[0].doubt == 0);
	close_bench(&b);
}
END_TEST

static void
put_lines(struct buf *out, const struct suspects *s)
{
	ck_assert_int_eq(suspect_tsv_header(out, s), 0);
	for (size_t i = 0; i < s->n; i++) {
		ck_assert_int_eq(suspect_jsonl(out, s, i), 0);
		ck_assert_int_eq(suspect_tsv(out, s, i), 0);
	}
}

/* Equal doubts too: those of multilabel records are made equal here. */
START_TEST(order_of_records_does_not_matter)
{
	enum task task = (enum task)_i;
	struct buf text[2] = { { 0 }, { 0 } };
	uint32_t order[N];
	struct rng r;

	for (uint32_t i = 0; i < N; i++)
		order[i] = i;
	rng_seed(&r, 3);
	rng_shuffle(&r, order, N);
	for (int k = 0; k < 2; k++) {
		struct bench b;

		open_bench(&b, task, k == 0 ? NULL : order);
		make_up(&b);
		for (size_t i = 0; task == TASK_MULTILABEL && i < N * b.ds.C;
		     i++)
			b.t.held[i] = 0.25f;
		find(&b);
		put_lines(&text[k], &b.s);
		close_bench(&b);
	}
	ck_assert_uint_eq(text[0].len, text[1].len);
	ck_assert_int_eq(memcmp(text[0].data, text[1].data, text[0].len), 0);
	buf_free(&text[0]);
	buf_free(&text[1]);
}
END_TEST

START_TEST(lines_say_what_parts_say)
{
	struct buf out = { 0 };
	struct bench b;
	size_t row;

	open_bench(&b, TASK_CLASS, NULL);
	make_up(&b);
	for (row = 0; b.ds.y_class[row] != 0;)
		row++;
	for (size_t k = 0; k < 3; k++) {
		b.t.held[row * 3 + k] = k == 2;
		b.part[0][row * 3 + k] = k == 1;
		b.part[1][row * 3 + k] = NAN;
	}
	find(&b);
	ck_assert_uint_eq(b.s.list[0].row, row);
	ck_assert_int_eq(suspect_jsonl(&out, &b.s, 0), 0);
	buf_putc(&out, '\0');
	ck_assert_ptr_nonnull(strstr(out.data,
	    "\"label\":\"ash\",\"p\":0,\"says\":\"cedar\",\"says_p\":1,"
	    "\"by\":{\"d\":\"beech\"},\"doubt\":1}\n"));
	out.len = 0;
	ck_assert_int_eq(suspect_tsv_header(&out, &b.s), 0);
	ck_assert_int_eq(suspect_tsv(&out, &b.s, 0), 0);
	buf_putc(&out, '\0');
	ck_assert_ptr_nonnull(strstr(
	    out.data, "id\tlabel\tp\tsays\tsays_p\tdoubt\tby.d\tby.s\n"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "\tash\t0\tcedar\t1\t1\tbeech\t\n"));
	buf_free(&out);
	close_bench(&b);
}
END_TEST

START_TEST(a_training_that_kept_nothing_is_refused)
{
	struct error e = no_error;
	struct bench b;
	float *held;

	open_bench(&b, TASK_CLASS, NULL);
	held = b.t.held;
	b.t.held = NULL;
	ck_assert_int_eq(suspects_find(&b.s, &b.ds, &b.t, &b.ids, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "kept nothing"));
	b.t.held = held;
	suspects_free(&b.s);
	intern_free(&b.ids);
	ck_assert_int_eq(suspects_find(&b.s, &b.ds, &b.t, &b.ids, &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "without an id"));
	close_bench(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("suspect");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, doubt_is_relative_to_the_class);
	tcase_add_test(t, the_most_doubtful_label_speaks_for_its_record);
	tcase_add_test(t, numbers_are_measured_by_the_median);
	tcase_add_loop_test(t, order_of_records_does_not_matter, 0, 3);
	tcase_add_test(t, lines_say_what_parts_say);
	tcase_add_test(t, a_training_that_kept_nothing_is_refused);
	suite_add_tcase(s, t);
	return unit_main(s);
}
