#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/io.h"
#include "base/rng.h"
#include "unit.h"
#include "vec/input.h"
#include "vec/le.h"
#include "vec/output.h"
#include "vec/stream.h"

#include "records.h"

/* ---- round trips ---- */

START_TEST(records_survive_both_forms)
{
	static const enum vec_format forms[] = { FORMAT_VP, FORMAT_JSONL,
		FORMAT_JSONL_FRAMED };
	struct schema s;
	struct batch b, back;
	struct error e = { 0 };
	enum vec_format form = forms[_i % 3];

	make_schema(&s);
	make_batch(&b, &s, (size_t)(40 + 1000 * (_i / 3)), 7);
	write_file("x", form, &b);
	read_file("x", &back, &e);
	ck_assert_str_eq(e.text, "");
	assert_same_batch(&b, &back);
	if (form != FORMAT_JSONL)
		ck_assert_int_eq(schema_meets(&s, back.schema, &e), 0);
	free_read(&back);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

START_TEST(same_records_make_the_same_bytes)
{
	struct schema s;
	struct batch b;
	struct error e;
	struct output *o;
	struct buf x, y;

	make_schema(&s);
	make_batch(&b, &s, 3000, 11);
	write_file("x", FORMAT_VP, &b);
	o = output_open("y", FORMAT_VP, &s, &e);
	ck_assert_ptr_nonnull(o);
	for (size_t i = 0; i < b.n; i++)
		ck_assert_int_eq(output_put(o, &b, i, &e), 0);
	ck_assert_int_eq(output_close(o, &e), 0);
	x = slurp("x");
	y = slurp("y");
	ck_assert_uint_eq(x.len, y.len);
	ck_assert_mem_eq(x.data, y.data, x.len);
	buf_free(&x);
	buf_free(&y);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

/* A record of more than a block: its rows go on in the next ones. */
START_TEST(long_sequence_goes_on)
{
	struct schema s = { 0 };
	struct batch b, back;
	struct error e = { 0 };
	struct rng r;

	rng_seed(&r, 5);
	schema_add(&s, "a", PART_SEQUENCE, 100, NULL, NULL, &e);
	schema_add(&s, "b", PART_DENSE, 3, NULL, NULL, &e);
	schema_add(&s, "c", PART_SEQUENCE, 1000, NULL, NULL, &e);
	batch_init(&b, &s, &e);
	for (int i = 0; i < 3; i++) {
		char id[8];
		double *time;
		float *x;
		size_t rows = i == 1 ? 50000 : 2, more = i == 1 ? 4300 : 1;

		snprintf(id, sizeof(id), "r%d", i);
		batch_add(&b, id, strlen(id), &e);
		x = batch_sequence(&b, 0, rows, &time);
		for (size_t k = 0; k < rows * 100; k++)
			x[k] = (float)rng_double(&r);
		for (size_t k = 0; k < rows; k++)
			time[2 * k] = (double)k;
		batch_dense(&b, 1)[2] = 2;
		x = batch_sequence(&b, 2, more, NULL);
		for (size_t k = 0; k < more * 1000; k++)
			x[k] = (float)rng_double(&r);
	}
	write_file("x", FORMAT_VP, &b);
	read_file("x", &back, &e);
	ck_assert_str_eq(e.text, "");
	assert_same_batch(&b, &back);
	free_read(&back);
	batch_free(&b);
	schema_free(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stream");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, records_survive_both_forms, 0, 6);
	tcase_add_test(t, same_records_make_the_same_bytes);
	tcase_add_test(t, long_sequence_goes_on);
	suite_add_tcase(s, t);
	return unit_main(s);
}
