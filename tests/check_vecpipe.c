#include <math.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "vec/vecpipe.h"

START_TEST(stream_survives)
{
	static const float x[3] = { 1, -2.5f, 0 }, rows[4] = { 1, 2, 3, 4 };
	static const uint32_t index[2] = { 7, 99999 };
	static const double time[4] = { 0, 0.5, 0.5, 1 };
	struct vp_error e = { "" };
	struct vp_writer *w = vp_create("x.vp", &e);
	struct vp_reader *r;
	const uint32_t *i;
	const float *v;
	const double *t;
	size_t len;

	ck_assert_ptr_nonnull(w);
	ck_assert_int_eq(
	    vp_add_part(w, "text", VP_DENSE, 3, "{\"by\": \"me\"}", &e), 0);
	ck_assert_int_eq(
	    vp_add_part(w, "words", VP_SPARSE, 100000, NULL, &e), 1);
	ck_assert_int_eq(vp_add_part(w, "steps", VP_SEQUENCE, 2, NULL, &e), 2);
	ck_assert_int_eq(vp_put(w, "a", 1, &e), 0);
	ck_assert_int_eq(vp_put_dense(w, 0, x, &e), 0);
	ck_assert_int_eq(vp_put_sparse(w, 1, index, x, 2, &e), 0);
	ck_assert_int_eq(vp_put_rows(w, 2, rows, time, 2, &e), 0);
	ck_assert_int_eq(vp_put_label(w, "yes", 3, &e), 0);
	ck_assert_int_eq(vp_put_label(w, "no", 2, &e), 0);
	ck_assert_int_eq(vp_put_group(w, "g1", 2, &e), 0);
	vp_put_target(w, 0.25);
	ck_assert_int_eq(vp_put(w, "bc", 2, &e), 0);
	ck_assert_int_eq(vp_put_error(w, 0, "cut", &e), 0);
	ck_assert_int_eq(access("x.vp", F_OK), -1);
	ck_assert_int_eq(vp_commit(w, &e), 0);

	r = vp_open("x.vp", &e);
	ck_assert_msg(r != NULL, "%s", e.text);
	ck_assert_int_eq(vp_parts(r), 3);
	ck_assert_int_eq(vp_part(r, "steps"), 2);
	ck_assert_int_eq(vp_part(r, "none"), -1);
	ck_assert_str_eq(vp_part_name(r, 1), "words");
	ck_assert_int_eq(vp_part_kind(r, 2), VP_SEQUENCE);
	ck_assert_uint_eq(vp_part_dim(r, 1), 100000);
	ck_assert_str_eq(vp_part_space(r, 0), "{\"by\":\"me\"}");

	ck_assert_int_eq(vp_next(r, &e), 1);
	ck_assert_str_eq(vp_id(r, &len), "a");
	ck_assert_uint_eq(len, 1);
	ck_assert_str_eq(vp_group(r, NULL), "g1");
	ck_assert_uint_eq(vp_labels(r), 2);
	ck_assert_str_eq(vp_label(r, 0, NULL), "yes");
	ck_assert_str_eq(vp_label(r, 1, NULL), "no");
	ck_assert_double_eq(vp_target(r), 0.25);
	ck_assert_double_eq(vp_weight(r), 1);
	ck_assert_mem_eq(vp_dense(r, 0), x, sizeof(x));
	ck_assert_uint_eq(vp_sparse(r, 1, &i, &v), 2);
	ck_assert_mem_eq(i, index, sizeof(index));
	ck_assert_mem_eq(v, x, 2 * sizeof(*x));
	ck_assert_uint_eq(vp_rows(r, 2, &v, &t), 2);
	ck_assert_mem_eq(v, rows, sizeof(rows));
	ck_assert_mem_eq(t, time, sizeof(time));
	ck_assert_str_eq(vp_part_error(r, 0, NULL), "");

	ck_assert_int_eq(vp_next(r, &e), 1);
	ck_assert_str_eq(vp_id(r, NULL), "bc");
	ck_assert_str_eq(vp_group(r, NULL), "");
	ck_assert_uint_eq(vp_labels(r), 0);
	ck_assert(isnan(vp_target(r)));
	ck_assert_int_eq(vp_has(r, 0), 0);
	ck_assert_ptr_null(vp_dense(r, 0));
	ck_assert_str_eq(vp_part_error(r, 0, &len), "cut");
	ck_assert_uint_eq(len, 3);
	ck_assert_str_eq(vp_part_error(r, 1, NULL), "");
	ck_assert_uint_eq(vp_sparse(r, 1, &i, &v), 0);

	ck_assert_int_eq(vp_next(r, &e), 0);
	vp_close(r);
}
END_TEST

START_TEST(mistakes_are_told)
{
	static const float bad[2] = { 1, NAN };
	static const uint32_t index[2] = { 5, 5 };
	struct vp_error e;
	struct vp_writer *w = vp_create("never.vp", &e);

	ck_assert_int_eq(vp_add_part(w, "d", VP_DENSE, 2, NULL, &e), 0);
	ck_assert_int_eq(vp_add_part(w, "d", VP_DENSE, 2, NULL, &e), -1);
	ck_assert_str_eq(e.text, "two parts are named 'd'");
	ck_assert_int_eq(vp_add_part(w, "s", VP_SPARSE, 9, NULL, &e), 1);
	ck_assert_int_eq(vp_put_dense(w, 0, bad, &e), -1);
	ck_assert_str_eq(e.text, "no record was begun");
	ck_assert_int_eq(vp_put(w, "", 0, &e), -1);
	ck_assert_str_eq(e.text, "empty id");
	ck_assert_int_eq(vp_put(w, "a", 1, &e), 0);
	ck_assert_int_eq(vp_add_part(w, "late", VP_DENSE, 2, NULL, &e), -1);
	ck_assert_str_eq(e.text, "part 'late' comes after the first record");
	ck_assert_int_eq(vp_put_dense(w, 0, bad, &e), -1);
	ck_assert_str_eq(e.text, "part 'd': non-finite value");
	ck_assert_int_eq(vp_put_dense(w, 1, bad, &e), -1);
	ck_assert_str_eq(e.text, "part 's' is sparse");
	ck_assert_int_eq(vp_put_dense(w, 2, bad, &e), -1);
	ck_assert_str_eq(e.text, "no part 2");
	ck_assert_int_eq(vp_put_sparse(w, 1, index, bad, 2, &e), -1);
	ck_assert_str_eq(
	    e.text, "part 's': index 5 is not in order, or not below dim");
	vp_abort(w, "test");
	vp_abort(NULL, "test");
	ck_assert_int_eq(access("never.vp", F_OK), -1);

	ck_assert_ptr_null(vp_open("absent", &e));
	ck_assert_str_eq(e.text, "'absent': No such file or directory");
	vp_close(NULL);
}
END_TEST

START_TEST(nothing_is_a_stream_too)
{
	struct vp_error e;
	struct vp_writer *w = vp_create("empty.vp", &e);
	struct vp_reader *r;

	ck_assert_int_eq(vp_commit(w, &e), 0);
	r = vp_open("empty.vp", &e);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(vp_parts(r), 0);
	ck_assert_int_eq(vp_next(r, &e), 0);
	vp_close(r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vecpipe");
	TCase *t = tcase_create("core");

	tcase_add_test(t, stream_survives);
	tcase_add_test(t, mistakes_are_told);
	tcase_add_test(t, nothing_is_a_stream_too);
	suite_add_tcase(s, t);
	return unit_main(s);
}
