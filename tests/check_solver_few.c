/* Few records of many columns, where K has directions that change no score:
 * the dual solver against the primal one, which has none. */
#include "base/cpu.h"
#include "learn/solver_impl.h"
#include "learning.h"
#include "unit.h"

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

/* Two normal numbers (Box and Muller 1958). */
static double
normal(struct rng *r)
{
	double u = 1 - rng_double(r), v = rng_double(r);

	return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* n records of D columns, whose class shows a little in each C-th column. */
static void
make(struct dataset *ds, uint64_t seed, size_t n, uint32_t D, size_t C)
{
	static const char *const name[] = { "ash", "beech", "cedar" };
	struct error e = no_error;
	struct schema s = { 0 };
	struct batch b = { 0 };
	struct rows all;
	struct rng r;

	rng_seed(&r, seed);
	ck_assert_int_eq(schema_add(&s, "d", PART_DENSE, D, NULL, NULL, &e), 0);
	ck_assert_int_eq(batch_init(&b, &s, &e), 0);
	for (size_t i = 0; i < n; i++) {
		size_t c = i < C ? i : (size_t)(rng_double(&r) * (double)C);
		char id[32];
		float *x;

		snprintf(id, sizeof(id), "r%zu", i);
		ck_assert_int_eq(batch_add(&b, id, strlen(id), &e), 0);
		ck_assert_int_eq(
		    batch_label(&b, name[c], strlen(name[c]), &e), 0);
		x = batch_dense(&b, 0);
		for (size_t j = 0; j < D; j++)
			x[j] = (float)(normal(&r) + (j % C == c ? 0.15 : 0));
	}
	learning_dataset(ds, &s, &b, TASK_CLASS, 3);
	all = dataset_rows(ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, ds, &all, &e), 0);
	batch_free(&b);
	schema_free(&s);
}

/* The value that a solver ends with, after those lambdas in turn. */
static double
end_of(enum solver_way way, const struct dataset *ds, double *most)
{
	static const double lambda[] = { 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 3e-6,
		1e-4 };
	static const double even[] = { 1, 1 };
	struct rows all = dataset_rows(ds);
	struct truth t = dataset_truth(ds, ds->weight);
	struct lbfgs_result r = { 0 };
	struct error e = no_error;
	struct solver *s = solver_new(way, best(), NULL, ds, &all, NULL, &e);
	size_t size = dataset_columns(ds) * ds->C;
	float *W = mem_array(size, sizeof(*W)), b[3];

	ck_assert_msg(s != NULL && solver_weigh(s, even, &e) == 0 &&
			  solver_truth(s, &t, &e) == 0,
	    "%s", e.text);
	for (size_t k = 0; k < sizeof(lambda) / sizeof(*lambda); k++)
		ck_assert_msg(
		    solver_fit(s, lambda[k], k < 6 ? 1e-3 : 1e-5, &r, &e) == 0,
		    "lambda %g: %s", lambda[k], e.text);
	ck_assert_int_eq(solver_model(s, W, b, &e), 0);
	*most = 0;
	for (size_t i = 0; i < size; i++)
		*most = fmax(*most, fabs((double)W[i]));
	free(W);
	solver_free(s);
	return r.value;
}

START_TEST(dual_is_the_primal_where_rows_are_few)
{
	for (uint64_t seed = 0; seed < 300; seed++) {
		size_t n = 30 + seed % 3 * 30, C = 2 + seed % 2;
		uint32_t D = (uint32_t)(_i == 0 ? 3 * n : n / 2);
		double primal, dual, most[2];
		struct dataset ds;

		make(&ds, 100 * seed + 7, n, D, C);
		primal = end_of(SOLVER_PRIMAL, &ds, &most[0]);
		dual = end_of(SOLVER_DUAL, &ds, &most[1]);
		ck_assert_double_eq_tol(dual / primal, 1, 2e-3);
		ck_assert_double_le(most[1], 1.1 * most[0]);
		dataset_free(&ds);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("solver_few");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, dual_is_the_primal_where_rows_are_few, 0, 2);
	suite_add_tcase(s, t);
	return unit_main(s);
}
