/* Guesses of missing parts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "fusion/impute.h"
#include "learning.h"
#include "unit.h"

enum {
	N = 300,
	DIM_A = 6,
	DIM_B = 4,
	DIM_Q = 3,
	A = 1, /* bits */
	B = 2,
	S = 4,
	Q = 8
};

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

/* Record i: a random, b a map of a (and of what q's rows have in common), s
 * sparse, q a sequence; ${has} says which are there. */
static void
add_record(struct batch *b, size_t i, unsigned has)
{
	struct error e = no_error;
	char id[16];
	int n = snprintf(id, sizeof(id), "%zu", i);
	float a[DIM_A], *x, common = (float)((i * 29) % 17) - 8, *value;
	uint32_t *index;
	struct rng r;

	rng_seed(&r, i);
	for (size_t k = 0; k < DIM_A; k++)
		a[k] = (float)(rng_double(&r) * (double)(k + 1) + 3);
	ck_assert_int_eq(batch_add(b, id, (size_t)n, &e), 0);
	batch_label(b, i % 2 ? "x" : "y", 1, &e);
	if (has & A)
		memcpy(batch_dense(b, 0), a, sizeof(a));
	if (has & B) {
		x = batch_dense(b, 1);
		for (size_t c = 0; c < DIM_B; c++)
			x[c] = 10 * a[c] - a[c + 1] + (float)c * common + 7;
	}
	if (has & S) {
		ck_assert_int_eq(batch_sparse(b, 2, 1, &index, &value), 0);
		index[0] = (uint32_t)(i % 5);
		value[0] = 1;
	}
	if (has & Q) {
		x = batch_sequence(b, 3, 2, NULL);
		for (size_t c = 0; c < DIM_Q; c++) {
			float spread = (float)rng_double(&r);

			x[c] = (float)(c + 1) * common + spread;
			x[DIM_Q + c] = (float)(c + 1) * common - spread;
		}
	}
}

/* Which parts record i of the training data has. */
static unsigned
present(size_t i)
{
	static const unsigned has[] = { A | B | S | Q, A | B | S | Q, A | B | Q,
		A | S | Q, A | B | S | Q, B | S | Q, S, A | B };

	return has[i % 8];
}

struct lab {
	struct schema schema;
	struct dataset ds;
	struct scaling scaling;
	struct inputs in; /* of all rows */
};

static void
lab_inputs(struct lab *l, uint64_t keep)
{
	struct error e = no_error;
	uint32_t row[N];

	for (uint32_t i = 0; i < N; i++)
		row[i] = i;
	ck_assert_int_eq(inputs_rows(&l->in, &l->ds, row, N, keep, &e), 0);
}

/* bits: 0: as present() says. */
static void
lab_init(struct lab *l, unsigned bits)
{
	struct error e = no_error;
	struct batch b = { 0 };
	struct rows all;

	memset(l, 0, sizeof(*l));
	ck_assert(
	    schema_add(&l->schema, "a", PART_DENSE, DIM_A, NULL, NULL, &e) ==
		0 &&
	    schema_add(&l->schema, "b", PART_DENSE, DIM_B, NULL, NULL, &e) ==
		0 &&
	    schema_add(&l->schema, "s", PART_SPARSE, 9, NULL, NULL, &e) == 0 &&
	    schema_add(&l->schema, "q", PART_SEQUENCE, DIM_Q, NULL, NULL, &e) ==
		0);
	ck_assert_int_eq(batch_init(&b, &l->schema, &e), 0);
	for (size_t i = 0; i < N; i++)
		add_record(&b, i, bits != 0 ? bits : present(i));
	learning_dataset(&l->ds, &l->schema, &b, TASK_CLASS, 2);
	batch_free(&b);
	all = dataset_rows(&l->ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, &l->ds, &all, &e), 0);
	ck_assert_int_eq(scaling_take(&l->scaling, &l->ds, &e), 0);
	ck_assert_int_eq(inputs_init(&l->in, &l->scaling, &e), 0);
	lab_inputs(l, UINT64_MAX);
}

static void
lab_free(struct lab *l)
{
	inputs_free(&l->in);
	scaling_free(&l->scaling);
	dataset_free(&l->ds);
	schema_free(&l->schema);
}

static struct impute *
learn(struct lab *l, enum impute_kind kind, struct pool *pool,
    const struct linalg *la)
{
	struct error e = no_error;
	struct rows all = dataset_rows(&l->ds);
	struct impute *m =
	    impute_learn(kind, la, pool, &l->ds, &l->scaling, &all, &e);

	ck_assert_msg(m != NULL, "%s", e.text);
	ck_assert_int_eq(impute_kind(m), kind);
	return m;
}

/* Take the parts of these bits out of every record. */
static void
hide(struct inputs *in, unsigned bits)
{
	for (size_t i = 0; i < in->n; i++) {
		in->has[i] &= ~(uint64_t)bits;
		for (size_t p = 0; p < 2; p++)
			if (bits >> p & 1)
				memset(in->part[p].dense +
					   i * in->scaling->part[p].dim,
				    0,
				    in->scaling->part[p].dim * sizeof(float));
	}
}

static void
fill(const struct impute *m, struct inputs *in, uint64_t *filled)
{
	struct error e = no_error;

	ck_assert_int_eq(impute_fill(m, best(), in, filled, &e), 0);
}

/* b is a linear map of a and of q's means: from both it comes back. */
START_TEST(a_known_map_is_recovered)
{
	struct lab l;
	struct impute *m;
	uint64_t filled[N];
	float *want;

	lab_init(&l, A | B | S | Q);
	m = learn(&l, IMPUTE_RIDGE, NULL, best());
	want = mem_array(N * DIM_B, sizeof(*want));
	memcpy(want, l.in.part[1].dense, N * DIM_B * sizeof(*want));
	fill(m, &l.in, filled);
	ck_assert_mem_eq(want, l.in.part[1].dense, N * DIM_B * sizeof(*want));
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(filled[i], 0);
	hide(&l.in, B);
	fill(m, &l.in, filled);
	for (size_t i = 0; i < N; i++) {
		ck_assert_uint_eq(filled[i], B);
		ck_assert_uint_eq(l.in.has[i], A | B | S | Q);
		for (size_t c = 0; c < DIM_B; c++)
			ck_assert_float_eq_tol(
			    l.in.part[1].dense[i * DIM_B + c],
			    want[i * DIM_B + c], 2e-3f);
	}
	free(want);
	impute_free(m);
	lab_free(&l);
}
END_TEST

START_TEST(the_mean_is_zero)
{
	struct lab l;
	struct impute *m;
	uint64_t filled[N];

	lab_init(&l, 0);
	m = learn(&l, IMPUTE_MEAN, NULL, best());
	ck_assert_uint_eq(impute_tensor_count(m), 0);
	fill(m, &l.in, filled);
	for (size_t i = 0; i < N; i++)
		for (size_t p = 0; p < 2; p++) {
			size_t D = l.scaling.part[p].dim;
			int had = l.ds.feature[p].mask[i];

			ck_assert_uint_eq(filled[i] >> p & 1, !had);
			ck_assert_uint_eq(l.in.has[i] >> p & 1, 1);
			for (size_t c = 0; !had && c < D; c++)
				ck_assert_float_eq(
				    l.in.part[p].dense[i * D + c], 0);
		}
	impute_free(m);
	lab_free(&l);
}
END_TEST

/* No part: no guess.  Sparse ones alone: the mean.  Sequences and sparse parts
 * are never guessed.  No impute at all: nothing happens. */
START_TEST(guesses_need_something_to_go_by)
{
	struct lab l;
	struct impute *m;
	uint64_t filled[N];

	lab_init(&l, 0);
	m = learn(&l, _i ? IMPUTE_RIDGE : IMPUTE_MEAN, NULL, best());
	hide(&l.in, A | B);
	for (size_t i = 0; i < N; i++)
		l.in.has[i] &= i % 2 ? S : 0;
	fill(NULL, &l.in, filled);
	for (size_t i = 0; i < N; i++)
		ck_assert_uint_eq(filled[i], 0);
	fill(m, &l.in, filled);
	for (size_t i = 0; i < N; i++) {
		uint64_t some = l.in.has[i] & S ? A | B : 0;

		ck_assert_uint_eq(filled[i], some);
		ck_assert_uint_eq(l.in.has[i] & ~(uint64_t)S, some);
		for (size_t c = 0; c < DIM_B; c++)
			ck_assert_float_eq(
			    l.in.part[1].dense[i * DIM_B + c], 0);
	}
	impute_free(m);
	lab_free(&l);
}
END_TEST

/* What is guessed of a record depends neither on its neighbours nor on other
 * guesses, and better than the mean it is. */
START_TEST(guesses_depend_on_what_came_alone)
{
	struct lab l;
	struct impute *m;
	struct inputs one = { 0 };
	struct error e = no_error;
	double left = 0, all = 0;
	float *want = mem_array(N * DIM_B, sizeof(*want));

	lab_init(&l, 0);
	m = learn(&l, IMPUTE_RIDGE, NULL, best());
	ck_assert_int_eq(inputs_init(&one, &l.scaling, &e), 0);
	memcpy(want, l.in.part[1].dense, N * DIM_B * sizeof(*want));
	hide(&l.in, B);
	fill(m, &l.in, NULL);
	for (uint32_t i = 0; i < N; i++) {
		ck_assert_int_eq(
		    inputs_rows(&one, &l.ds, &i, 1, ~(uint64_t)B, &e), 0);
		fill(m, &one, NULL);
		for (size_t p = 0; p < 2; p++) {
			size_t D = l.scaling.part[p].dim;

			ck_assert_mem_eq(one.part[p].dense,
			    l.in.part[p].dense + i * D, D * sizeof(float));
		}
		for (size_t c = 0; l.ds.feature[1].mask[i] && c < DIM_B; c++) {
			double w = (double)want[i * DIM_B + c];
			double g = (double)one.part[1].dense[c];

			left += (w - g) * (w - g);
			all += w * w;
		}
	}
	ck_assert_double_lt(left, all / 4);
	free(want);
	inputs_free(&one);
	impute_free(m);
	lab_free(&l);
}
END_TEST

static void
check_same(const struct impute *x, const struct impute *y)
{
	struct error e = no_error;
	struct tensor s[8], t[8];
	size_t n = impute_tensor_count(x);

	ck_assert_uint_eq(n, 4);
	ck_assert_uint_eq(impute_tensor_count(y), n);
	ck_assert_int_eq(impute_tensors(x, "impute.", s, &e), 0);
	ck_assert_int_eq(impute_tensors(y, "impute.", t, &e), 0);
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(s[i].name, t[i].name);
		ck_assert_uint_eq(s[i].bytes, t[i].bytes);
		ck_assert_mem_eq(s[i].data, t[i].data, s[i].bytes);
		free(s[i].name);
		free(t[i].name);
	}
}

START_TEST(bytes_are_the_same_for_any_pool_and_machine)
{
	struct lab l;
	struct pool *pool = pool_new(3, NULL);
	struct impute *m, *other;

	lab_init(&l, 0);
	m = learn(&l, IMPUTE_RIDGE, NULL, best());
	other = learn(&l, IMPUTE_RIDGE, pool, best());
	check_same(m, other);
	impute_free(other);
	other = learn(&l, IMPUTE_RIDGE, NULL, linalg_get(ISA_PORTABLE));
	check_same(m, other);
	impute_free(other);
	impute_free(m);
	pool_free(pool);
	lab_free(&l);
}
END_TEST

/* ---- files ---- */

/* Save with tensor ${drop} left out, or ${spoil} changed: 1 a NaN, 2 another
 * shape. */
static void
save(const struct impute *m, size_t drop, int spoil)
{
	struct error e = no_error;
	struct tensor t[8];
	size_t n = impute_tensor_count(m), kept = 0;
	float *copy = NULL;

	ck_assert_int_eq(impute_tensors(m, "impute.", t, &e), 0);
	ck_assert_str_eq(t[0].name, "impute.0.weight");
	ck_assert_str_eq(t[3].name, "impute.1.bias");
	if (spoil == 1) {
		copy = mem_array(t[2].bytes, 1);
		memcpy(copy, t[2].data, t[2].bytes);
		copy[5] = NAN;
		t[2].data = copy;
	}
	if (spoil == 2) {
		t[2].shape[0] *= 2;
		t[2].shape[1] /= 2;
	}
	for (size_t i = 0; i < n; i++)
		if (i == drop)
			free(t[i].name);
		else
			t[kept++] = t[i];
	ck_assert_int_eq(model_save("m", "{}", t, kept, &e), 0);
	for (size_t i = 0; i < kept; i++)
		free(t[i].name);
	free(copy);
}

START_TEST(what_is_saved_comes_back)
{
	struct lab l;
	struct impute *m, *loaded;
	struct error e = no_error;
	struct model file;
	float *want;

	lab_init(&l, 0);
	m = learn(&l, IMPUTE_RIDGE, NULL, best());
	save(m, 99, 0);
	ck_assert_msg(model_open(&file, "m", &e) == 0, "%s", e.text);
	loaded = impute_load(IMPUTE_RIDGE, &l.scaling, &file, "impute.", &e);
	ck_assert_msg(loaded != NULL, "%s", e.text);
	check_same(m, loaded);
	lab_inputs(&l, ~(uint64_t)B);
	fill(loaded, &l.in, NULL);
	want = mem_array(N * DIM_B, sizeof(*want));
	memcpy(want, l.in.part[1].dense, N * DIM_B * sizeof(*want));
	lab_inputs(&l, ~(uint64_t)B);
	fill(m, &l.in, NULL);
	ck_assert_mem_eq(want, l.in.part[1].dense, N * DIM_B * sizeof(*want));
	free(want);
	impute_free(loaded);
	loaded = impute_load(IMPUTE_MEAN, &l.scaling, &file, "impute.", &e);
	ck_assert_int_eq(impute_kind(loaded), IMPUTE_MEAN);
	impute_free(loaded);
	impute_free(m);
	model_close(&file);
	lab_free(&l);
}
END_TEST

static const struct {
	size_t drop;
	int spoil;
	const char *sentence;
} bad[] = {
	{ 0, 0, "impute.0.weight" },
	{ 3, 0, "impute.1.bias" },
	{ 99, 1, "tensor 'impute.1.weight': a number is not finite" },
	{ 99, 2, "impute.1.weight" },
};

START_TEST(bad_files_are_refused)
{
	struct lab l;
	struct impute *m;
	struct error e = no_error;
	struct model file;

	lab_init(&l, 0);
	m = learn(&l, IMPUTE_RIDGE, NULL, best());
	save(m, bad[_i].drop, bad[_i].spoil);
	impute_free(m);
	ck_assert_msg(model_open(&file, "m", &e) == 0, "%s", e.text);
	ck_assert_ptr_null(
	    impute_load(IMPUTE_RIDGE, &l.scaling, &file, "impute.", &e));
	ck_assert_msg(strstr(e.text, bad[_i].sentence) != NULL, "%s", e.text);
	model_close(&file);
	lab_free(&l);
}
END_TEST

/* One part alone: there is nothing to guess it from, and no columns are read.
 */
START_TEST(a_single_part_gets_its_mean)
{
	struct lab l;
	struct impute *m, *loaded;
	struct error e = no_error;
	struct model file;
	struct tensor t[2];
	uint64_t filled[N];

	lab_init(&l, A | S);
	m = learn(&l, IMPUTE_RIDGE, NULL, best());
	ck_assert_uint_eq(impute_tensor_count(m), 2);
	ck_assert_int_eq(impute_tensors(m, "", t, &e), 0);
	ck_assert_int_eq(model_save("m", "{}", t, 2, &e), 0);
	ck_assert_int_eq(model_open(&file, "m", &e), 0);
	loaded = impute_load(IMPUTE_RIDGE, &l.scaling, &file, "", &e);
	ck_assert_msg(loaded != NULL, "%s", e.text);
	hide(&l.in, A);
	fill(loaded, &l.in, filled);
	for (size_t i = 0; i < N; i++) {
		ck_assert_uint_eq(filled[i], A);
		for (size_t c = 0; c < DIM_A; c++)
			ck_assert_float_eq(
			    l.in.part[0].dense[i * DIM_A + c], 0);
	}
	free(t[0].name);
	free(t[1].name);
	impute_free(loaded);
	impute_free(m);
	model_close(&file);
	lab_free(&l);
}
END_TEST

START_TEST(kinds_have_names)
{
	for (int k = 0; k < 3; k++) {
		const char *name = impute_kind_name((enum impute_kind)k);

		ck_assert_int_eq(
		    impute_kind_of((struct str){ name, strlen(name) }), k);
	}
	ck_assert_int_eq(impute_kind_of((struct str){ "rid", 3 }), -1);
	ck_assert_int_eq(impute_kind(NULL), IMPUTE_NONE);
	impute_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("impute");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_known_map_is_recovered);
	tcase_add_test(t, the_mean_is_zero);
	tcase_add_loop_test(t, guesses_need_something_to_go_by, 0, 2);
	tcase_add_test(t, guesses_depend_on_what_came_alone);
	tcase_add_test(t, bytes_are_the_same_for_any_pool_and_machine);
	tcase_add_test(t, what_is_saved_comes_back);
	tcase_add_loop_test(t, bad_files_are_refused, 0, 4);
	tcase_add_test(t, a_single_part_gets_its_mean);
	tcase_add_test(t, kinds_have_names);
	suite_add_tcase(s, t);
	return unit_main(s);
}
