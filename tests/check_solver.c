/* The two solvers: gradients, minima against closed forms, scikit-learn and
 * each other, and equal bytes. */
#include "base/cpu.h"
#include "base/io.h"
#include "base/json.h"
#include "learn/solver_impl.h"
#include "learning.h"
#include "linalg/chol.h"
#include "unit.h"

static const enum task tasks[] = { TASK_CLASS, TASK_MULTILABEL, TASK_REGRESS };
static const double even[] = { 0.6, 0.4, 1 };

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

static void
fill(struct rng *r, float *x, size_t n, double scale)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(scale * (rng_double(r) - 0.5));
}

/* A solver ready for evaluation, with a penalty. */
static struct solver *
ready(enum solver_way way, const struct dataset *ds)
{
	struct rows all = dataset_rows(ds);
	struct truth t = dataset_truth(ds, ds->weight);
	struct error e = no_error;
	struct solver *s = solver_new(way, best(), NULL, ds, &all, NULL, &e);

	ck_assert_msg(s != NULL && solver_weigh(s, even, &e) == 0 &&
			  solver_truth(s, &t, &e) == 0,
	    "%s", e.text);
	s->lambda = 0.05;
	return s;
}

/* In the dual, a vector is A, K A and b: make the middle fit the first. */
static void
complete(struct solver *s, float *x)
{
	if (s->dual)
		s->la->gemm(x + s->n * s->C, s->C, mat_rows(s->K, s->n),
		    mat_rows(x, s->C), s->n, s->C, s->n, 0);
}

/* The slope along random directions against central differences. */
static void
check_gradient(enum solver_way way, enum task task)
{
	struct dataset ds;
	struct solver *s;
	struct rng r;
	float *x, *g, *d, *at;

	learning_ready(&ds, best(), task, 60, 1);
	s = ready(way, &ds);
	x = mem_array(4 * s->size, sizeof(*x));
	g = x + s->size;
	d = g + s->size;
	at = d + s->size;
	rng_seed(&r, 5);
	for (int k = 0; k < 5; k++) {
		const double step = 1.0 / 64;
		double f[2], slope, measured;

		fill(&r, x, s->size, 1);
		fill(&r, d, s->size, 1);
		complete(s, x);
		complete(s, d);
		(s->dual ? dual_eval : primal_eval)(s, x, g);
		slope = s->dual ? dual_dot(s, g, d) : primal_dot(s, g, d);
		for (int side = 0; side < 2; side++) {
			memcpy(at, x, s->size * sizeof(*x));
			s->la->axpy(
			    at, (float)(side == 0 ? step : -step), d, s->size);
			f[side] = (s->dual ? dual_eval : primal_eval)(s, at, g);
		}
		measured = (f[0] - f[1]) / (2 * step);
		ck_assert_double_eq_tol(
		    slope, measured, 2e-4 * (1 + fabs(slope)));
	}
	free(x);
	solver_free(s);
	dataset_free(&ds);
}

START_TEST(gradient_is_the_slope)
{
	check_gradient(SOLVER_PRIMAL, tasks[_i]);
	check_gradient(SOLVER_DUAL, tasks[_i]);
}
END_TEST

START_TEST(preconditioner_of_the_dual_knows_its_product)
{
	struct dataset ds;
	struct solver *s;
	struct error e = no_error;
	struct rng r;
	float *g, *z, *Kz;

	learning_ready(&ds, best(), TASK_CLASS, 60, 1);
	s = ready(SOLVER_DUAL, &ds);
	s->factored = 0.05;
	ck_assert_int_eq(dual_factor(s, &e), 0);
	g = mem_array(3 * s->size, sizeof(*g));
	z = g + s->size;
	Kz = z + s->size;
	rng_seed(&r, 6);
	fill(&r, g, s->size, 1);
	dual_precondition(s, g, z);
	memcpy(Kz, z, s->size * sizeof(*z));
	complete(s, Kz);
	for (size_t i = 0; i < s->size; i++)
		ck_assert_float_eq_tol(z[i], Kz[i], 2e-3f);
	free(g);
	solver_free(s);
	dataset_free(&ds);
}
END_TEST

START_TEST(primal_and_dual_meet)
{
	for (int holes = 0; holes < 2; holes++) {
		struct dataset ds;
		float *W[2], *b[2];

		learning_ready(&ds, best(), tasks[_i], 90, holes);
		learning_solve(SOLVER_PRIMAL, best(), NULL, &ds, even, 0.01,
		    1e-9, &W[0], &b[0]);
		learning_solve(SOLVER_DUAL, best(), NULL, &ds, even, 0.01, 1e-9,
		    &W[1], &b[1]);
		for (size_t i = 0; i < dataset_columns(&ds) * ds.C; i++)
			ck_assert_float_eq_tol(W[0][i], W[1][i], 1e-3f);
		for (size_t c = 0; c < ds.C; c++)
			ck_assert_float_eq_tol(b[0][c], b[1][c], 1e-3f);
		for (int k = 0; k < 2; k++) {
			free(W[k]);
			free(b[k]);
		}
		dataset_free(&ds);
	}
}
END_TEST

/* Row i of the scaled columns of both parts, in double. */
static void
scaled_row(const struct dataset *ds, size_t i, double *z)
{
	const struct feature *d = &ds->feature[0], *s = &ds->feature[1];

	memset(z, 0, dataset_columns(ds) * sizeof(*z));
	for (size_t j = 0; j < d->dim; j++)
		z[j] = sqrt(even[0]) * (double)d->x[i * d->dim + j];
	for (size_t k = 0; k < s->count[i]; k++) {
		size_t at = s->start[i] + k;

		z[d->dim + s->index[at]] +=
		    sqrt(even[1]) * (double)s->value[at] *
		    (double)s->idf[s->index[at]] * (double)s->inverse[i];
	}
}

START_TEST(ridge_solves_the_normal_equations)
{
	struct dataset ds;
	struct error e = no_error;
	float *W, *b;
	double *A, *rhs, *z, S = 0;
	const double lambda = 0.02;
	size_t n;

	learning_ready(&ds, best(), TASK_REGRESS, 80, 0);
	/* The last column is the intercept, without penalty. */
	n = dataset_columns(&ds) + 1;
	A = mem_array(n * n, sizeof(*A));
	rhs = mem_array(n, sizeof(*rhs));
	z = mem_array(n, sizeof(*z));
	for (size_t i = 0; i < ds.n; i++) {
		double w = (double)ds.weight[i];

		S += w;
		scaled_row(&ds, i, z);
		z[n - 1] = 1;
		for (size_t j = 0; j < n; j++) {
			rhs[j] += w * z[j] * (double)ds.y[i];
			for (size_t k = 0; k < n; k++)
				A[j * n + k] += w * z[j] * z[k];
		}
	}
	for (size_t j = 0; j + 1 < n; j++)
		A[j * n + j] += lambda * S;
	ck_assert_int_eq(chol_factor(best(), A, n, &e), 0);
	chol_forward(best(), A, n, rhs, 1);
	chol_backward(best(), A, n, rhs, 1);
	learning_solve(_i == 0 ? SOLVER_PRIMAL : SOLVER_DUAL, best(), NULL, &ds,
	    even, lambda, 1e-12, &W, &b);
	for (size_t j = 0; j + 1 < n; j++)
		ck_assert_double_eq_tol(
		    (double)W[j], rhs[j] * sqrt(even[j >= DIM_D]), 2e-5);
	ck_assert_double_eq_tol((double)b[0], rhs[n - 1], 2e-5);
	free(A);
	free(rhs);
	free(z);
	free(W);
	free(b);
	dataset_free(&ds);
}
END_TEST

START_TEST(same_bytes_for_threads_and_instruction_sets)
{
	struct dataset ds;
	float *W0 = NULL, *b0 = NULL;
	size_t size;

	learning_ready(&ds, linalg_get(ISA_PORTABLE), tasks[_i], 300, 1);
	size = dataset_columns(&ds) * ds.C * sizeof(float);
	for (int way = SOLVER_DUAL; way <= SOLVER_PRIMAL; way++) {
		for (int isa = ISA_PORTABLE; isa <= (int)cpu_isa(); isa++)
			for (int j = 1; j <= 4; j *= 2) {
				struct error e = no_error;
				struct pool *pool = pool_new(j, &e);
				float *W, *b;

				learning_solve((enum solver_way)way,
				    linalg_get((enum isa)isa), pool, &ds, even,
				    1e-3, 1e-6, &W, &b);
				if (W0 == NULL) {
					W0 = W;
					b0 = b;
				} else {
					ck_assert_mem_eq(W, W0, size);
					ck_assert_mem_eq(
					    b, b0, ds.C * sizeof(*b));
					free(W);
					free(b);
				}
				pool_free(pool);
			}
		free(W0);
		free(b0);
		W0 = b0 = NULL;
	}
	dataset_free(&ds);
}
END_TEST

/* ---- against scikit-learn ---- */

struct recorded {
	struct dataset ds[3]; /* class, multilabel, regress */
	double lambda, weights[3];
	float *want[4]; /* class, balanced, multilabel, regress: [n, C] */
};

static void
read_row(struct json *j, struct batch *b, size_t i)
{
	struct error e = no_error;
	struct str key;
	float dense[16], value[64];
	uint32_t index[64];
	size_t nd = 0, ns = 0, nv = 0;
	int64_t y = -1, bit;
	char name[8];
	int n;

	ck_assert_int_eq(json_object(j), 0);
	n = snprintf(name, sizeof(name), "%zu", i);
	ck_assert_int_eq(batch_add(b, name, (size_t)n, &e), 0);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "dense"))
			json_floats(j, dense, 16, &nd);
		else if (str_is(key, "value"))
			json_floats(j, value, 64, &nv);
		else if (str_is(key, "index")) {
			json_array(j);
			while (json_array_next(j) > 0) {
				json_integer(j, 0, 1000, &bit);
				index[ns++] = (uint32_t)bit;
			}
		} else if (str_is(key, "class"))
			json_integer(j, 0, 9, &y);
		else if (str_is(key, "target"))
			json_double(j, &b->target[b->n - 1]);
		else { /* labels: kept after the class, as l0, l1, ... */
			n = snprintf(name, sizeof(name), "c%d", (int)y);
			batch_label(b, name, (size_t)n, &e);
			json_array(j);
			for (int k = 0; json_array_next(j) > 0; k++) {
				json_integer(j, 0, 1, &bit);
				n = snprintf(name, sizeof(name), "l%d", k);
				if (bit)
					batch_label(b, name, (size_t)n, &e);
			}
		}
	}
	memcpy(batch_dense(b, 0), dense, nd * sizeof(*dense));
	{
		uint32_t *to;
		float *v;

		ck_assert_int_eq(batch_sparse(b, 1, ns, &to, &v), 0);
		memcpy(to, index, ns * sizeof(*to));
		memcpy(v, value, nv * sizeof(*v));
	}
}

static float *
read_matrix(struct json *j)
{
	float *x = mem_array(72 * 3, sizeof(*x));
	size_t n = 0, m;

	ck_assert_int_eq(json_array(j), 0);
	while (json_array_next(j) > 0) {
		ck_assert_int_eq(json_floats(j, x + n, 3, &m), 0);
		n += m;
	}
	return x;
}

static void
make_dataset(struct dataset *ds, const struct batch *b, enum task task)
{
	struct error e = no_error;
	struct rows all;

	ck_assert_int_eq(dataset_init(ds, b->schema, task, 0, &e), 0);
	for (size_t i = 0; i < b->n; i++) {
		size_t first, n = batch_range(b->label_end, i, &first);
		struct str labels[4];
		enum dataset_taken taken;

		for (size_t k = 0; k < n; k++)
			labels[k] = strs_get(&b->label, first + k);
		ck_assert_int_eq(
		    dataset_add(ds, b, i,
			task == TASK_MULTILABEL ? labels + 1 : labels,
			task == TASK_CLASS ? 1 : n - 1, 1, b->target[i], &taken,
			&e),
		    0);
		ck_assert_int_eq(taken, DATASET_TAKEN);
	}
	ck_assert_msg(dataset_finish(ds, 1, 0, &e) == 0, "%s", e.text);
	all = dataset_rows(ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, ds, &all, &e), 0);
}

static void
read_recorded(struct recorded *r)
{
	static const char *const names[] = { "class", "balanced", "multilabel",
		"regress" };
	struct error e = no_error;
	struct schema s = { 0 };
	struct batch b = { 0 };
	struct buf text = { 0 };
	struct json j = { 0 };
	struct str key;
	char path[1000];

	snprintf(path, sizeof(path), "%s/learn.json", getenv("DATA"));
	ck_assert_msg(
	    io_read_file(path, 1 << 20, &text, &e) == 0, "%s", e.text);
	ck_assert_int_eq(
	    schema_add(&s, "dense", PART_DENSE, 6, NULL, NULL, &e), 0);
	ck_assert_int_eq(
	    schema_add(&s, "sparse", PART_SPARSE, 50, NULL, NULL, &e), 0);
	ck_assert_int_eq(batch_init(&b, &s, &e), 0);
	json_init(&j, text.data, text.len);
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		int k = 0;

		while (k < 4 && !str_is(key, names[k]))
			k++;
		if (k < 4)
			r->want[k] = read_matrix(&j);
		else if (str_is(key, "lambda"))
			json_double(&j, &r->lambda);
		else if (str_is(key, "weights")) {
			json_object(&j);
			while (json_object_next(&j, &key) > 0)
				json_double(
				    &j, &r->weights[str_is(key, "sparse")]);
		} else if (str_is(key, "rows")) {
			json_array(&j);
			for (size_t i = 0; json_array_next(&j) > 0; i++)
				read_row(&j, &b, i);
		} else
			json_skip(&j);
	}
	ck_assert_int_eq(json_end(&j), 0);
	ck_assert_uint_eq(b.n, 72);
	for (int k = 0; k < 3; k++)
		make_dataset(&r->ds[k], &b, tasks[k]);
	json_free(&j);
	buf_free(&text);
	batch_free(&b);
	schema_free(&s);
}

/* The row of the input that became row i: ids are its number. */
static size_t
row_of(const struct dataset *ds, size_t i)
{
	for (size_t k = 0; k < ds->n; k++) {
		char name[8];
		int n = snprintf(name, sizeof(name), "%zu", k);

		if (dataset_hash_id((struct str){ name, (size_t)n }) ==
		    ds->id_hash[i])
			return k;
	}
	ck_abort_msg("row %zu has no id", i);
}

/* scikit-learn's balanced weights, n / (C n_c), whose mean is 1. */
static float *
balanced(const struct dataset *ds)
{
	float *w = mem_array(ds->n, sizeof(*w));

	for (size_t i = 0; i < ds->n; i++) {
		double count = 0;

		for (size_t k = 0; k < ds->n; k++)
			count += ds->y_class[k] == ds->y_class[i];
		w[i] = (float)((double)ds->n / ((double)ds->C * count));
	}
	return w;
}

static void
compare(struct recorded *r, enum solver_way way, int model)
{
	static const int dataset_of[] = { 0, 0, 1, 2 };
	struct dataset *ds = &r->ds[dataset_of[model]];
	struct rows all = dataset_rows(ds);
	float *weight = model == 1 ? balanced(ds) : NULL;
	struct truth t = dataset_truth(ds, model == 1 ? weight : ds->weight);
	struct error e = no_error;
	struct lbfgs_result result;
	struct solver *s = solver_new(way, best(), NULL, ds, &all, &all, &e);
	float *F = mem_array(ds->n * ds->C, sizeof(*F));
	double worst = 0;

	ck_assert_msg(s != NULL && solver_weigh(s, r->weights, &e) == 0 &&
			  solver_truth(s, &t, &e) == 0 &&
			  solver_fit(s, r->lambda, 1e-10, &result, &e) == 0 &&
			  solver_scores(s, F, &e) == 0,
	    "%s", e.text);
	loss_link(best(), ds->task, F, ds->n, ds->C);
	for (size_t i = 0; i < ds->n; i++)
		for (size_t c = 0; c < ds->C; c++) {
			double got = (double)F[i * ds->C + c];
			double want =
			    (double)r->want[model][row_of(ds, i) * ds->C + c];
			double d;

			if (ds->task == TASK_REGRESS)
				want = (want - ds->y_mean) / ds->y_scale;
			d = fabs(got - want);
			worst = d > worst ? d : worst;
		}
	ck_assert_msg(worst < 1e-4, "model %d: off by %g", model, worst);
	free(F);
	free(weight);
	solver_free(s);
}

START_TEST(scores_are_those_of_scikit_learn)
{
	struct recorded r = { 0 };

	read_recorded(&r);
	r.weights[2] = 1;
	for (int model = 0; model < 4; model++) {
		compare(&r, SOLVER_PRIMAL, model);
		compare(&r, SOLVER_DUAL, model);
	}
	for (int k = 0; k < 3; k++)
		dataset_free(&r.ds[k]);
	for (int k = 0; k < 4; k++)
		free(r.want[k]);
}
END_TEST

START_TEST(back_substitution_by_rows_is_the_same)
{
	enum { N = 150, M = 3 };
	static double A[N * N], B[N * M], R[M * N];
	struct error e = no_error;
	struct rng r;

	rng_seed(&r, 9);
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k <= i; k++)
			A[i * N + k] = i == k ? N : rng_double(&r);
	for (size_t i = 0; i < N * M; i++)
		B[i] = R[i % M * N + i / M] = rng_double(&r);
	ck_assert_int_eq(chol_factor(best(), A, N, &e), 0);
	chol_backward(best(), A, N, B, M);
	chol_backward_rows(best(), A, N, R, M);
	for (size_t i = 0; i < N * M; i++)
		ck_assert_double_eq_tol(B[i], R[i % M * N + i / M], 1e-14);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("solver");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, gradient_is_the_slope, 0, 3);
	tcase_add_test(t, preconditioner_of_the_dual_knows_its_product);
	tcase_add_loop_test(t, primal_and_dual_meet, 0, 3);
	tcase_add_loop_test(t, ridge_solves_the_normal_equations, 0, 2);
	tcase_add_loop_test(
	    t, same_bytes_for_threads_and_instruction_sets, 0, 3);
	tcase_add_test(t, scores_are_those_of_scikit_learn);
	tcase_add_test(t, back_substitution_by_rows_is_the_same);
	suite_add_tcase(s, t);
	return unit_main(s);
}
