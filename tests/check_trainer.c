/* Out-of-fold training: mixing against closed forms and brute force, tables of
 * part sets, the same bytes however it is run. */
#include "base/cpu.h"
#include "base/io.h"
#include "base/pool.h"
#include "fusion/net_impl.h"
#include "fusion/trainer_impl.h"
#include "learning.h"
#include "linalg/cholf.h"
#include "linalg/mathd.h"
#include "unit.h"

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

/* ---- mixing ---- */

enum { M = 2000, C3 = 3 };

/* Rows of a made-up problem: G and scratch are there, all weights are 1. */
static void
rows_make(struct held_rows *h, enum task task, size_t C)
{
	memset(h, 0, sizeof(*h));
	h->m = M;
	h->C = C;
	h->task = task;
	h->label = mem_array(M, sizeof(*h->label));
	h->y = mem_array(M * C, sizeof(*h->y));
	h->weight = mem_array(M, sizeof(*h->weight));
	h->G = mem_aligned(M * C, sizeof(*h->G));
	h->scratch = mem_aligned(M * C, sizeof(*h->scratch));
	for (size_t i = 0; i < M; i++)
		h->weight[i] = 1;
}

static float *
random_scores(uint64_t seed, size_t n, double size)
{
	float *F = mem_aligned(n, sizeof(*F));
	struct rng r;

	rng_seed(&r, seed);
	for (size_t i = 0; i < n; i++)
		F[i] = (float)(size * (2 * rng_double(&r) - 1));
	return F;
}

/* Labels drawn from the softmax of the scores. */
static void
draw_labels(struct held_rows *h, const float *F, uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed);
	for (size_t i = 0; i < h->m; i++) {
		double sum = 0, u = rng_double(&r), at = 0;
		size_t c = 0;

		for (size_t k = 0; k < h->C; k++)
			sum += mathd_exp((double)F[i * h->C + k]);
		for (; c + 1 < h->C; c++) {
			at += mathd_exp((double)F[i * h->C + c]) / sum;
			if (u < at)
				break;
		}
		h->label[i] = (uint32_t)c;
	}
}

START_TEST(temperature_undoes_a_known_factor)
{
	struct held_rows h;
	float *F = random_scores(1, M * C3, 3),
	      *G = random_scores(1, M * C3, 3);
	double loss[2], k[2];

	rows_make(&h, TASK_CLASS, C3);
	draw_labels(&h, F, 2);
	best()->scale(G, 4, F, M * C3);
	k[0] = blend_scale(&h, best(), F, &loss[0]);
	k[1] = blend_scale(&h, best(), G, &loss[1]);
	/* Labels come from the scores themselves: the factor is near 1. */
	ck_assert_double_eq_tol(k[0], 1, 0.15);
	ck_assert_double_eq_tol(4 * k[1], k[0], 2e-3);
	ck_assert_double_eq_tol(loss[0], loss[1], 1e-5);
	/* The least: no neighbour is lower. */
	ck_assert_double_le(loss[0], blend_loss(&h, best(), F, k[0] * 1.01));
	ck_assert_double_le(loss[0], blend_loss(&h, best(), F, k[0] / 1.01));
	free(F);
	free(G);
	held_rows_free(&h);
}
END_TEST

/* Every ${nth} label is another one, c = i % C. */
static void
spoil_labels(struct held_rows *h, size_t nth)
{
	for (size_t i = 0; i < h->m; i += nth)
		h->label[i] = (uint32_t)(i / nth % h->C);
}

/* The mean loss of scores with that scale and chance, the long way round. */
static double
loss_of(const struct held_rows *h, const float *F, double scale,
    const float *chance)
{
	double loss = 0;

	for (size_t i = 0; i < h->m; i++) {
		double sum = 0, rest = 1, y = (double)chance[h->label[i]];

		for (size_t c = 0; c < h->C; c++) {
			sum += mathd_exp(scale * (double)F[i * h->C + c]);
			rest -= (double)chance[c];
		}
		loss -= mathd_log(
		    y +
		    rest *
			mathd_exp(scale * (double)F[i * h->C + h->label[i]]) /
			sum);
	}
	return loss / (double)h->m;
}

START_TEST(labels_by_chance_do_not_hold_the_others_down)
{
	struct held_rows h;
	float *F = random_scores(1, M * C3, 9), chance[C3], other[C3];
	double loss, alone, rate, scale;

	rows_make(&h, TASK_CLASS, C3);
	draw_labels(&h, F, 2);
	scale = blend_calibrate(&h, best(), F, chance, &rate, &loss);
	ck_assert_double_eq_tol(scale, 1, 0.15);
	ck_assert_double_lt(rate, 0.02);
	/* Of every fifth label two in three are wrong, by chance. */
	spoil_labels(&h, 5);
	ck_assert_double_lt(blend_scale(&h, best(), F, &alone), 0.7);
	scale = blend_calibrate(&h, best(), F, chance, &rate, &loss);
	ck_assert_double_eq_tol(scale, 1, 0.2);
	ck_assert_double_eq_tol(rate, 0.2, 0.03);
	ck_assert_double_lt(loss, alone - 0.02);
	ck_assert_double_eq_tol(loss, loss_of(&h, F, scale, chance), 1e-5);
	ck_assert_double_eq_tol(
	    (double)chance[0] + (double)chance[1] + (double)chance[2], rate,
	    1e-6);
	/* The least: no neighbour is lower. */
	for (int k = -1; k <= 1; k += 2) {
		best()->scale(other, 1 + 0.05f * (float)k, chance, C3);
		ck_assert_double_ge(loss_of(&h, F, scale, other), loss);
		ck_assert_double_ge(
		    loss_of(&h, F, scale * (1 + 0.02 * k), chance), loss);
	}
	free(F);
	held_rows_free(&h);
}
END_TEST

START_TEST(stacking_is_least_squares)
{
	struct held_rows h;
	const float *F[3];
	double w[3];
	float b;
	struct error e = no_error;

	rows_make(&h, TASK_REGRESS, 1);
	for (size_t k = 0; k < 3; k++)
		F[k] = random_scores(k + 3, M, 2);
	for (size_t i = 0; i < M; i++)
		h.y[i] = 0.8f * F[0][i] + 0.3f * F[1][i] + 0.25f;
	ck_assert_int_eq(blend_stack(&h, best(), F, 3, h.weight, w, &b, &e), 0);
	/* Shrinking takes a little; what says nothing gets next to nothing. */
	ck_assert_double_eq_tol(w[0], 0.8, 0.01);
	ck_assert_double_eq_tol(w[1], 0.3, 0.01);
	ck_assert_double_lt(w[2], 0.02);
	ck_assert_double_eq_tol((double)b, 0.25, 0.01);
	for (size_t k = 0; k < 3; k++)
		free((void *)(uintptr_t)F[k]);
	held_rows_free(&h);
}
END_TEST

START_TEST(stacking_finds_the_lowest_loss)
{
	struct held_rows h;
	const float *F[2];
	float *sum, *near, b[C3];
	double w[2], least;
	struct error e = no_error;

	rows_make(&h, TASK_CLASS, C3);
	F[0] = random_scores(7, M * C3, 3);
	F[1] = random_scores(8, M * C3, 3);
	sum = random_scores(9, M * C3, 1);
	near = random_scores(9, M * C3, 1);
	best()->scale(sum, 0.9f, F[0], M * C3);
	best()->axpy(sum, 0.4f, F[1], M * C3);
	draw_labels(&h, sum, 10);
	ck_assert_int_eq(blend_stack(&h, best(), F, 2, h.weight, w, b, &e), 0);
	for (int k = 0; k < 5; k++) {
		static const double move[5][2] = { { 0, 0 }, { 0.05, 0 },
			{ -0.05, 0 }, { 0, 0.05 }, { 0, -0.05 } };
		double loss;

		for (size_t i = 0; i < M; i++)
			memcpy(near + i * C3, b, sizeof(b));
		best()->axpy(near, (float)(w[0] + move[k][0]), F[0], M * C3);
		best()->axpy(near, (float)(w[1] + move[k][1]), F[1], M * C3);
		loss = blend_loss(&h, best(), near, 1);
		if (k == 0)
			least = loss;
		else
			ck_assert_double_lt(least, loss);
	}
	free((void *)(uintptr_t)F[0]);
	free((void *)(uintptr_t)F[1]);
	free(sum);
	free(near);
	held_rows_free(&h);
}
END_TEST

/* Every count of up to 25 additions of three models, by brute force: greedy
 * selection comes as near to the lowest loss as its steps allow, and is not
 * above any single model. */
START_TEST(greedy_selection_comes_near_brute_force)
{
	struct held_rows h;
	const float *F[3];
	float *truth, *sum;
	double w[3], least = 1e9, single = 1e9, got, total = 0;
	struct error e = no_error;

	rows_make(&h, TASK_CLASS, C3);
	truth = random_scores(20, M * C3, 3);
	draw_labels(&h, truth, 21);
	for (size_t k = 0; k < 3; k++) {
		float *noise = random_scores(22 + k, M * C3, 3);

		best()->axpy(noise, 0.8f, truth, M * C3);
		F[k] = noise;
	}
	sum = random_scores(1, M * C3, 1);
	for (int i = 0; i <= 25; i++)
		for (int j = 0; i + j <= 25; j++) {
			double loss;

			best()->scale(sum, (float)i / 25, F[0], M * C3);
			best()->axpy(sum, (float)j / 25, F[1], M * C3);
			best()->axpy(
			    sum, (float)(25 - i - j) / 25, F[2], M * C3);
			loss = blend_loss(&h, best(), sum, 1);
			least = loss < least ? loss : least;
			if (i == 25 || j == 25 || i + j == 0)
				single = loss < single ? loss : single;
		}
	ck_assert_int_eq(blend_greedy(&h, best(), F, 3, h.weight, w, &e), 0);
	memset(sum, 0, M * C3 * sizeof(*sum));
	for (size_t k = 0; k < 3; k++) {
		best()->axpy(sum, (float)w[k], F[k], M * C3);
		total += w[k];
	}
	got = blend_loss(&h, best(), sum, 1);
	ck_assert_double_eq_tol(total, 1, 1e-12);
	ck_assert_double_le(got, single);
	ck_assert_double_lt(got, least + 2e-3);
	for (size_t k = 0; k < 3; k++)
		free((void *)(uintptr_t)F[k]);
	free(truth);
	free(sum);
	held_rows_free(&h);
}
END_TEST

/* ---- what is better ---- */

/* The mean of groups that are alike inside varies as that of as many single
 * records. */
START_TEST(a_gain_varies_with_its_groups)
{
	enum { GROUPS = 50, EACH = 4, ALL = GROUPS * EACH };
	uint64_t hash[ALL], own[GROUPS];
	double u[ALL], v[GROUPS], zero[ALL] = { 0 }, sum = 0, sq = 0;
	double gain, error[3];
	struct error e = no_error;
	struct dataset ds = { .n = ALL, .group_hash = hash };
	struct dataset few = { .n = GROUPS, .group_hash = own };
	struct learner l = { .ds = &ds, .n = ALL };
	struct learner m = { .ds = &few, .n = GROUPS };
	struct rng r;

	rng_seed(&r, 4);
	for (size_t i = 0; i < GROUPS; i++) {
		v[i] = rng_double(&r) - 0.3;
		own[i] = i;
		sum += v[i] / GROUPS;
	}
	for (size_t i = 0; i < GROUPS; i++)
		sq += (v[i] - sum) * (v[i] - sum);
	for (size_t i = 0; i < ALL; i++) {
		u[i] = v[i % GROUPS];
		hash[i] = i % GROUPS;
	}
	ck_assert_int_eq(worth_gain(&l, u, zero, &gain, &error[0], &e), 0);
	ck_assert_double_eq_tol(gain, sum, 1e-12);
	ck_assert_int_eq(worth_gain(&m, v, zero, &gain, &error[1], &e), 0);
	ck_assert_double_eq_tol(gain, sum, 1e-12);
	ck_assert_double_eq_tol(error[0], error[1], 1e-12);
	ck_assert_double_eq_tol(error[1], sqrt(sq) / GROUPS, 1e-12);
	/* Taken as single ones they seem to vary less. */
	for (size_t i = 0; i < ALL; i++)
		hash[i] = i;
	ck_assert_int_eq(worth_gain(&l, u, zero, &gain, &error[2], &e), 0);
	ck_assert_double_eq_tol(error[2], error[1] / 2, 1e-12);
}
END_TEST

/* ---- the float factor ---- */

START_TEST(float_factor_solves)
{
	static const size_t sizes[] = { 1, 63, 64, 65, 200, 600 };
	size_t n = sizes[_i], m = 3;
	float *X = random_scores(30, n * n, 1),
	      *A = random_scores(31, n * n, 1);
	float *B = random_scores(32, n * m, 1);
	float *K = random_scores(34, n * n, 1);
	float *Y = random_scores(35, n * m, 1);
	float *room = mem_aligned(cholf_scratch(n, m), sizeof(*room));
	struct error e = no_error;
	struct pool *threads;
	double worst = 0;

	best()->gemm(A, n, mat_rows(X, n), mat_cols(X, n), n, n, n, 0);
	for (size_t i = 0; i < n; i++)
		A[i * n + i] += (float)n;
	memcpy(K, A, n * n * sizeof(*K));
	ck_assert_int_eq(cholf_factor(best(), NULL, K, n, room), 0);
	memcpy(Y, B, n * m * sizeof(*Y));
	cholf_solve(best(), NULL, K, n, Y, m, room);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++) {
			double sum = 0;

			for (size_t j = 0; j < n; j++)
				sum +=
				    (double)A[i * n + j] * (double)Y[j * m + k];
			sum = fabs(sum - (double)B[i * m + k]);
			worst = sum > worst ? sum : worst;
		}
	ck_assert_double_lt(worst, 1e-4);
	/* Three threads: the same bytes. */
	threads = pool_new(3, &e);
	ck_assert_ptr_nonnull(threads);
	memcpy(X, A, n * n * sizeof(*X));
	ck_assert_int_eq(cholf_factor(best(), threads, X, n, room), 0);
	ck_assert_mem_eq(X, K, n * n * sizeof(*X));
	cholf_solve(best(), threads, X, n, B, m, room);
	ck_assert_mem_eq(B, Y, n * m * sizeof(*B));
	pool_free(threads);
	free(Y);
	/* Not positive definite. */
	A[(n - 1) * n + n - 1] = -1;
	ck_assert_int_eq(cholf_factor(best(), NULL, A, n, room), -1);
	free(X);
	free(A);
	free(B);
	free(K);
	free(room);
}
END_TEST

/* ---- whole trainings ---- */

struct made {
	struct schema schema;
	struct batch batch;
	struct dataset ds;
	struct trainer t;
};

static void
prepare(
    struct made *m, enum task task, size_t n, int holes, const uint32_t *order)
{
	memset(m, 0, sizeof(*m));
	learning_schema(&m->schema);
	learning_batch(
	    &m->batch, &m->schema, order, n, holes, task == TASK_MULTILABEL);
	learning_dataset(&m->ds, &m->schema, &m->batch, task, 3);
	m->t.search = (struct search_options){
		.lambda = NAN, .class_weight = CLASS_AUTO, .tolerance = 1e-3
	};
	m->t.cross_validate = 1;
	m->t.tolerance = 1e-5;
	m->t.keep = 1;
	m->t.net_given = 1;
	m->t.net = (struct net_options){ .epochs = 3,
		.weight_decay = NAN,
		.dropout = NAN,
		.part_dropout = NAN };
	m->t.shape.hidden = 8;
}

static void
run(struct made *m, const struct linalg *la, struct pool *pool)
{
	struct error e = no_error;

	ck_assert_msg(trainer_run(&m->t, la, pool, &m->ds, &m->schema, &e) == 0,
	    "%s", e.text);
}

static void
unmake(struct made *m)
{
	trainer_free(&m->t);
	dataset_free(&m->ds);
	batch_free(&m->batch);
	schema_free(&m->schema);
}

/* The same file for threads, order of records, instruction set. */
START_TEST(same_bytes_however_it_is_run)
{
	struct error e = no_error;
	struct buf file[4] = { { 0 } };
	uint32_t order[72];
	struct rng r;

	for (uint32_t i = 0; i < 72; i++)
		order[i] = i;
	rng_seed(&r, 8);
	rng_shuffle(&r, order, 72);
	for (int k = 0; k < 4; k++) {
		struct pool *pool = k == 1 ? pool_new(3, &e) : NULL;
		struct made m;

		prepare(&m, TASK_CLASS, 72, 1, k == 2 ? order : NULL);
		m.t.method = (enum fusion_method)_i;
		run(&m, k == 3 ? linalg_get(ISA_PORTABLE) : best(), pool);
		ck_assert_int_eq(
		    predictor_save(&m.t.predictor, "t.model", &e), 0);
		ck_assert_int_eq(
		    io_read_file("t.model", 1 << 24, &file[k], &e), 0);
		pool_free(pool);
		unmake(&m);
	}
	for (int k = 1; k < 4; k++) {
		ck_assert_uint_eq(file[0].len, file[k].len);
		ck_assert_mem_eq(file[0].data, file[k].data, file[0].len);
	}
	for (int k = 0; k < 4; k++)
		buf_free(&file[k]);
}
END_TEST

/* The net of all records, trained by hand in as many steps as the nets of the
 * folds: those have fewer records, and there are batches less full. */
START_TEST(a_net_of_all_goes_step_for_step)
{
	static const struct net_options with = { .lr = 0.01,
		.weight_decay = 0.1,
		.dropout = 0.2,
		.part_dropout = 0.2,
		.epochs = 3 };
	struct net_options o = with;
	struct error e = no_error;
	const struct member *member;
	struct made m;
	struct truth truth;
	struct net *net, *own;
	struct net_run *run_of;
	double loss;

	prepare(&m, TASK_CLASS, 600, 0, NULL);
	m.t.method = FUSION_MLP;
	m.t.net = with;
	m.t.search.class_weight = CLASS_NONE;
	m.t.no_backoff = 1;
	run(&m, best(), NULL);
	ck_assert_uint_eq(m.t.predictor.members, 1);
	member = &m.t.predictor.member[0];
	own = member->net;
	truth = dataset_truth(&m.ds, m.ds.weight);
	for (int k = 0; k < 2; k++) {
		struct rows rows = k == 0 ? dataset_not_in_fold(&m.ds, 0)
					  : dataset_rows(&m.ds);

		net = net_new(net_shape(own), &m.t.predictor.scaling, &e);
		ck_assert_ptr_nonnull(net);
		run_of = net_run_new(net, &o, &m.ds, &rows, &truth, &e);
		ck_assert_ptr_nonnull(run_of);
		if (k == 0) {
			o.steps = net_run_steps(run_of);
			ck_assert_uint_eq(o.steps, 25); /* 400 / 16 */
		} else {
			ck_assert_uint_eq(net_run_steps(run_of), 25);
			for (int i = 0; i < 3; i++)
				ck_assert_int_eq(net_run_epoch(run_of, best(),
						     NULL, &loss, &e),
				    0);
			ck_assert_mem_eq(
			    own->w, net->w, net->size * sizeof(*net->w));
		}
		net_run_free(run_of);
		net_free(net);
	}
	unmake(&m);
}
END_TEST

static int
all_finite(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return 0;
	return 1;
}

/* Every method on every task: numbers, a row for each set of parts, doubts
 * that rise, scores of records that were held out. */
START_TEST(every_method_fits_every_task)
{
	struct made m;
	enum fusion_method method = (enum fusion_method)(_i / 3);

	prepare(&m, (enum task)(_i % 3), 90, 1, NULL);
	m.t.method = method;
	if (method == FUSION_ATTENTION || method == FUSION_AUTO)
		m.t.budget = 2;
	run(&m, best(), NULL);
	/* Both, each alone, and none. */
	ck_assert_uint_eq(m.t.predictor.sets, 4);
	ck_assert_uint_eq(m.t.predictor.set[0].parts, 3);
	for (size_t s = 0; s < m.t.predictor.sets; s++) {
		const struct part_set *set = &m.t.predictor.set[s];
		double sum = 0;

		for (size_t k = 0; k < m.t.predictor.members; k++) {
			ck_assert_float_ge(set->mix[k], 0);
			sum += (double)set->mix[k];
		}
		ck_assert_int_eq(sum > 0, set->parts != 0);
		ck_assert(all_finite(set->mix, m.t.predictor.members));
		ck_assert(all_finite(set->shift, m.t.predictor.C));
		ck_assert(all_finite(set->doubt, set->doubts));
		if (set->parts != 0)
			ck_assert_uint_gt(set->doubts, 30);
		for (size_t i = 1; i < set->doubts; i++)
			ck_assert_float_le(set->doubt[i - 1], set->doubt[i]);
	}
	ck_assert(all_finite(m.t.held, 90 * m.t.predictor.C));
	for (size_t p = 0; p < 2; p++)
		for (size_t i = 0; i < 90; i++)
			ck_assert_int_eq(
			    isfinite(m.t.held_part[p][i * m.t.predictor.C]),
			    m.ds.feature[p].mask[i] != 0);
	unmake(&m);
}
END_TEST

/* A label's threshold is the best of all that could be, on what was held. */
START_TEST(thresholds_have_the_best_f1)
{
	struct made m;
	size_t C, n = 90;

	prepare(&m, TASK_MULTILABEL, n, 0, NULL);
	run(&m, best(), NULL);
	C = m.t.predictor.C;
	for (size_t c = 0; c < C; c++) {
		double got = 0, most = 0;

		for (size_t k = 0; k <= n; k++) {
			double at =
			    k < n ? (double)m.t.held[k * C + c]
				  : predictor_threshold(&m.t.predictor, c);
			double right = 0, said = 0, is = 0, f1;

			for (size_t i = 0; i < n; i++) {
				int s = (double)m.t.held[i * C + c] >= at;
				int y = m.ds.y[i * C + c] > 0;

				right += s && y;
				said += s;
				is += y;
			}
			f1 = 2 * right / (said + is);
			if (k < n)
				most = f1 > most ? f1 : most;
			else
				got = f1;
		}
		ck_assert_double_eq_tol(got, most, 1e-12);
	}
	unmake(&m);
}
END_TEST

/* The model for records that have one part alone is what is learnt from that
 * part alone, given the same settings. */
START_TEST(fallback_is_the_model_of_that_part)
{
	struct made m;
	const struct member *one = NULL;
	struct rows all;
	struct dataset ds;
	struct schema s = { 0 };
	struct batch b = { 0 };
	struct error e = no_error;
	float *W, bias[3];
	double weight[1] = { 1 };

	prepare(&m, TASK_CLASS, 90, 0, NULL);
	m.t.search.lambda = 1e-3;
	m.t.search.class_weight = CLASS_NONE;
	m.t.tolerance = 1e-7;
	run(&m, best(), NULL);
	for (size_t k = 0; k < m.t.predictor.members; k++)
		if (m.t.predictor.member[k].parts == 1)
			one = &m.t.predictor.member[k];
	ck_assert_ptr_nonnull(one);
	ck_assert_str_eq(one->name, "d");
	ck_assert_int_eq(
	    schema_add(&s, "d", PART_DENSE, DIM_D, NULL, NULL, &e), 0);
	ck_assert_int_eq(batch_init(&b, &s, &e), 0);
	for (size_t i = 0; i < 90; i++) {
		struct str id = strs_get(&m.batch.id, i);
		struct str label = strs_get(&m.batch.label, i);
		struct str group = strs_get(&m.batch.group, i);

		ck_assert_int_eq(batch_add(&b, id.s, id.len, &e), 0);
		ck_assert_int_eq(batch_label(&b, label.s, label.len, &e), 0);
		ck_assert_int_eq(batch_group(&b, group.s, group.len, &e), 0);
		b.weight[i] = m.batch.weight[i];
		memcpy(batch_dense(&b, 0), m.batch.parts[0].dense + i * DIM_D,
		    DIM_D * sizeof(float));
	}
	learning_dataset(&ds, &s, &b, TASK_CLASS, 3);
	all = dataset_rows(&ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, &ds, &all, &e), 0);
	W = mem_array(DIM_D * 3, sizeof(*W));
	{
		struct truth t = dataset_truth(&ds, ds.weight);
		struct solver *solver =
		    solver_new(SOLVER_AUTO, best(), NULL, &ds, &all, NULL, &e);
		struct lbfgs_result r;

		ck_assert(solver != NULL &&
			  solver_weigh(solver, weight, &e) == 0 &&
			  solver_truth(solver, &t, &e) == 0 &&
			  solver_fit(solver, 1e-3, 1e-7, &r, &e) == 0 &&
			  solver_model(solver, W, bias, &e) == 0);
		solver_free(solver);
	}
	for (size_t i = 0; i < DIM_D * 3; i++)
		ck_assert_float_eq_tol(one->weight[0][i], W[i], 2e-2f);
	free(W);
	batch_free(&b);
	schema_free(&s);
	dataset_free(&ds);
	unmake(&m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trainer");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, temperature_undoes_a_known_factor);
	tcase_add_test(t, labels_by_chance_do_not_hold_the_others_down);
	tcase_add_test(t, stacking_is_least_squares);
	tcase_add_test(t, stacking_finds_the_lowest_loss);
	tcase_add_test(t, greedy_selection_comes_near_brute_force);
	tcase_add_test(t, a_gain_varies_with_its_groups);
	tcase_add_loop_test(t, float_factor_solves, 0, 6);
	tcase_add_loop_test(
	    t, same_bytes_however_it_is_run, 0, FUSION_AUTO + 1);
	tcase_add_loop_test(
	    t, every_method_fits_every_task, 0, 3 * (FUSION_AUTO + 1));
	tcase_add_test(t, a_net_of_all_goes_step_for_step);
	tcase_add_test(t, thresholds_have_the_best_f1);
	tcase_add_test(t, fallback_is_the_model_of_that_part);
	suite_add_tcase(s, t);
	return unit_main(s);
}
