/* The tape: values against plain loops in double, gradients against finite
 * differences, the same bytes under every instruction set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "learn/adamw.h"
#include "learn/tape.h"
#include "unit.h"

enum { IN = 3, MOST = 512 };

/* An operation of up to three matrices, whose sizes are given. */
struct op {
	const char *name;
	struct var *(*make)(struct tape *t, struct var **x);
	size_t rows[IN], cols[IN];
};

static const uint64_t has[] = { 5, 1, 4, 0, 7, 5, 2 };
static const size_t ends[] = { 2, 2, 5 };
static const uint32_t columns[] = { 4, 1, 0, 1, 3 };
static const float values[] = { 0.5f, -1, 2, 0.25f, -0.75f };

static struct var *
do_linear(struct tape *t, struct var **x)
{
	return tape_linear(t, x[0], x[1], x[2], 1);
}

static struct var *
do_gain(struct tape *t, struct var **x)
{
	return tape_linear(t, x[0], x[1], x[2], 3);
}

/* One matrix in both places. */
static struct var *
do_square(struct tape *t, struct var **x)
{
	return tape_product(t, x[0], x[0], 0.5f);
}

static struct var *
do_sparse(struct tape *t, struct var **x)
{
	struct sparse_rows s = { 3, 0, ends, columns, values };

	return tape_sparse(t, &s, x[0], 1.5f);
}

static struct var *
do_add(struct tape *t, struct var **x)
{
	return tape_add(t, x[0], x[1]);
}

static struct var *
do_mul(struct tape *t, struct var **x)
{
	return tape_mul(t, x[0], x[1]);
}

static struct var *
do_scale(struct tape *t, struct var **x)
{
	return tape_scale(t, x[0], -2.5f);
}

static struct var *
do_bias(struct tape *t, struct var **x)
{
	return tape_bias(t, x[0], x[1]);
}

static struct var *
do_relu(struct tape *t, struct var **x)
{
	return tape_relu(t, x[0]);
}

static struct var *
do_tanh(struct tape *t, struct var **x)
{
	return tape_tanh(t, x[0]);
}

static struct var *
do_sigmoid(struct tape *t, struct var **x)
{
	return tape_sigmoid(t, x[0]);
}

static struct var *
do_gelu(struct tape *t, struct var **x)
{
	return tape_gelu(t, x[0]);
}

static struct var *
do_dropout(struct tape *t, struct var **x)
{
	struct rng r;

	rng_seed(&r, 3);
	return tape_dropout(t, x[0], 0.25, &r);
}

static struct var *
do_select(struct tape *t, struct var **x)
{
	return tape_select(t, x[0], x[1], has, 2);
}

static struct var *
do_concat(struct tape *t, struct var **x)
{
	return tape_concat(t, x, 3);
}

static struct var *
do_gates(struct tape *t, struct var **x)
{
	return tape_gates(t, x[0], 3, has, 7);
}

static struct var *
do_gates_of_two(struct tape *t, struct var **x)
{
	return tape_gates(t, x[0], 2, has, 5);
}

static struct var *
do_fold(struct tape *t, struct var **x)
{
	return tape_fold(t, x[0], 3, 0.5f);
}

static struct var *
do_outer(struct tape *t, struct var **x)
{
	return tape_outer(t, x[0], x[1], 0);
}

static struct var *
do_outer_one(struct tape *t, struct var **x)
{
	return tape_outer(t, x[0], x[1], 1);
}

static struct var *
do_mean(struct tape *t, struct var **x)
{
	static const struct span s[] = { { 4, 3 }, { 0, 0 }, { 0, 1 },
		{ 1, 3 } };

	return tape_mean(t, x[0], s, 4);
}

static const uint32_t places[] = { 3, 0, 3, 6, 1 };
static const float signs[] = { 1, -1, -1, 1, 1 };
static const struct sketch one_sketch = { 7, places, signs };

static struct var *
do_sketch(struct tape *t, struct var **x)
{
	return tape_sketch(t, x[0], &one_sketch);
}

static struct var *
do_convolve(struct tape *t, struct var **x)
{
	return tape_convolve(t, x[0], x[1], &one_sketch);
}

static struct var *
do_root(struct tape *t, struct var **x)
{
	return tape_root(t, x[0]);
}

static struct var *
do_unit(struct tape *t, struct var **x)
{
	return tape_unit(t, x[0]);
}

static struct var *
do_norm(struct tape *t, struct var **x)
{
	return tape_norm(t, x[0], x[1], x[2]);
}

static struct var *
do_rows(struct tape *t, struct var **x)
{
	return tape_rows(t, x[0], places, 5);
}

static struct var *
do_stack(struct tape *t, struct var **x)
{
	return tape_stack(t, x[0], x[1]);
}

/* Two records: tokens 0 and 1 see all of the first's, token 2 itself and
 * them, and 3 alone is the second's; 4 is nobody's. */
static const struct attend groups[] = { { { 0, 2 }, { { 0, 3 }, { 0, 0 } } },
	{ { 2, 1 }, { { 0, 2 }, { 2, 1 } } },
	{ { 3, 1 }, { { 3, 1 }, { 0, 0 } } } };

static struct var *
do_attend(struct tape *t, struct var **x)
{
	return tape_attend(t, x[0], 2, groups, 3);
}

/* More queries than a block has. */
static const struct attend many[] = { { { 0, 70 }, { { 0, 70 }, { 0, 0 } } } };

static struct var *
do_attend_many(struct tape *t, struct var **x)
{
	return tape_attend(t, x[0], 1, many, 1);
}

/* A gradient that comes by two ways. */
static struct var *
do_twice(struct tape *t, struct var **x)
{
	struct var *h = tape_tanh(t, tape_product(t, x[0], x[1], 1));

	return tape_mul(t, tape_add(t, h, x[2]), h);
}

static const struct op ops[] = {
	{ "linear", do_linear, { 4, 5, 1 }, { 5, 3, 3 } },
	{ "linear with gain", do_gain, { 4, 5, 1 }, { 5, 3, 3 } },
	{ "square", do_square, { 4 }, { 4 } },
	{ "sparse", do_sparse, { 5 }, { 3 } },
	{ "add", do_add, { 3, 3 }, { 4, 4 } },
	{ "mul", do_mul, { 3, 3 }, { 4, 4 } },
	{ "scale", do_scale, { 3 }, { 4 } },
	{ "bias", do_bias, { 3, 1 }, { 4, 4 } },
	{ "relu", do_relu, { 3 }, { 7 } },
	{ "tanh", do_tanh, { 3 }, { 7 } },
	{ "sigmoid", do_sigmoid, { 3 }, { 7 } },
	{ "gelu", do_gelu, { 3 }, { 7 } },
	{ "dropout", do_dropout, { 5 }, { 7 } },
	{ "select", do_select, { 7, 1 }, { 3, 3 } },
	{ "concat", do_concat, { 3, 3, 3 }, { 2, 1, 4 } },
	{ "gates", do_gates, { 7 }, { 6 } },
	{ "gates of two", do_gates_of_two, { 7 }, { 4 } },
	{ "fold", do_fold, { 3 }, { 12 } },
	{ "outer", do_outer, { 3, 3 }, { 2, 3 } },
	{ "outer with ones", do_outer_one, { 3, 3 }, { 2, 3 } },
	{ "mean", do_mean, { 7 }, { 3 } },
	{ "sketch", do_sketch, { 3 }, { 4 } },
	{ "convolve", do_convolve, { 2, 2 }, { 7, 4 } },
	{ "root", do_root, { 3 }, { 4 } },
	{ "unit", do_unit, { 3 }, { 5 } },
	{ "norm", do_norm, { 3, 1, 1 }, { 6, 6, 6 } },
	{ "rows", do_rows, { 7 }, { 3 } },
	{ "stack", do_stack, { 2, 3 }, { 3, 3 } },
	{ "attend", do_attend, { 5 }, { 12 } },
	{ "attend in blocks", do_attend_many, { 70 }, { 6 } },
	{ "twice", do_twice, { 3, 4, 3 }, { 4, 2, 2 } },
};
enum { OPS = sizeof(ops) / sizeof(*ops) };

/* Away from 0, where some slopes jump. */
static void
fill(struct rng *r, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double v = rng_double(r) * 2 - 1;

		x[i] = (float)(v < 0 ? v - 0.25 : v + 0.25);
	}
}

struct state {
	const struct op *op;
	const struct linalg *la;
	float x[IN][MOST], g[IN][MOST], slope[MOST], y[MOST];
	size_t n; /* of the result */
};

/* The result, and the gradients of a random combination of it. */
static void
run(struct state *s, int learn)
{
	struct tape *t = tape_new(s->la, learn);
	struct var *in[IN], *y;

	ck_assert_ptr_nonnull(t);
	for (int k = 0; k < IN; k++)
		in[k] = tape_leaf(t, s->op->rows[k], s->op->cols[k], s->x[k],
		    learn ? s->g[k] : NULL);
	y = s->op->make(t, in);
	ck_assert_ptr_nonnull(y);
	s->n = y->rows * y->cols;
	ck_assert_uint_le(s->n, MOST);
	memcpy(s->y, y->v, s->n * sizeof(float));
	if (learn) {
		tape_seed(y, s->slope);
		tape_backward(t);
	}
	tape_free(t);
}

static double
combined(struct state *s)
{
	double sum = 0;

	run(s, 0);
	for (size_t i = 0; i < s->n; i++)
		sum += (double)s->slope[i] * (double)s->y[i];
	return sum;
}

static void
start(struct state *s, const struct op *op, enum isa isa)
{
	struct rng r;

	memset(s, 0, sizeof(*s));
	s->op = op;
	s->la = linalg_get(isa);
	rng_seed(&r, 7);
	for (int k = 0; k < IN; k++)
		fill(&r, s->x[k], op->rows[k] * op->cols[k]);
	fill(&r, s->slope, MOST);
	/* What gradients overwrite must not matter. */
	for (int k = 0; k < IN; k++)
		fill(&r, s->g[k], MOST);
	run(s, 1);
}

/* Differences of the fourth order over steps that float32 carries. */
START_TEST(op_gradient)
{
	const double h = 1.0 / 32;
	struct state *s = mem_array(1, sizeof(*s));

	start(s, &ops[_i], cpu_isa());
	for (int k = 0; k < IN; k++)
		for (size_t i = 0; i < s->op->rows[k] * s->op->cols[k]; i++) {
			float x = s->x[k][i];
			double g = (double)s->g[k][i], f[4], d;
			static const double at[] = { -2, -1, 1, 2 };

			for (int j = 0; j < 4; j++) {
				s->x[k][i] = (float)((double)x + at[j] * h);
				f[j] = combined(s);
			}
			s->x[k][i] = x;
			d = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
			ck_assert_msg(fabs(d - g) <= 2e-4 * (1 + fabs(g)),
			    "%s: operand %d, element %zu: %g, measured %g",
			    s->op->name, k, i, g, d);
		}
	free(s);
}
END_TEST

START_TEST(op_same_bytes)
{
	struct state *a = mem_array(1, sizeof(*a));
	struct state *b = mem_array(1, sizeof(*b));

	start(a, &ops[_i], ISA_PORTABLE);
	for (enum isa isa = ISA_AVX2; isa <= cpu_isa(); isa++) {
		start(b, &ops[_i], isa);
		ck_assert_mem_eq(a->y, b->y, sizeof(a->y));
		ck_assert_mem_eq(a->g, b->g, sizeof(a->g));
	}
	free(a);
	free(b);
}
END_TEST

/* ---- values ---- */

START_TEST(gates_by_hand)
{
	struct tape *t = tape_new(linalg_get(cpu_isa()), 0);
	float x[7 * 6];
	struct rng r;
	struct var *y;

	rng_seed(&r, 1);
	fill(&r, x, 7 * 6);
	y = tape_gates(t, tape_leaf(t, 7, 6, x, NULL), 3, has, 7);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < 2; j++) {
			double sum = 0, p[3];

			for (size_t q = 0; q < 3; q++) {
				p[q] = has[i] >> q & 1
					   ? exp((double)x[i * 6 + q * 2 + j])
					   : 0;
				sum += p[q];
			}
			for (size_t q = 0; q < 3; q++)
				ck_assert_double_eq_tol(
				    (double)y->v[i * 6 + q * 2 + j],
				    sum > 0 ? p[q] / sum : 0, 1e-6);
		}
	tape_free(t);
}
END_TEST

/* The convolution of two sketches is the sketch of the outer product. */
START_TEST(sketch_of_outer_product)
{
	static const uint32_t other[] = { 5, 5, 2, 0 };
	static const float others[] = { -1, 1, 1, -1 };
	static const struct sketch two = { 7, other, others };
	const struct linalg *la = linalg_get(cpu_isa());
	struct tape *t = tape_new(la, 0);
	float x[4], z[3];
	double want[7] = { 0 };
	struct rng r;
	struct var *y;

	rng_seed(&r, 1);
	fill(&r, x, 4);
	fill(&r, z, 3);
	y = tape_convolve(t,
	    tape_sketch(t, tape_leaf(t, 1, 4, x, NULL), &one_sketch),
	    tape_leaf(t, 1, 3, z, NULL), &two);
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 4; j++)
			want[(places[i] + other[j]) % 7] +=
			    (double)(signs[i] * others[j]) *
			    (i < 4 ? (double)x[i] : 1) *
			    (j < 3 ? (double)z[j] : 1);
	for (size_t k = 0; k < 7; k++)
		ck_assert_double_eq_tol((double)y->v[k], want[k], 1e-5);
	tape_free(t);
}
END_TEST

/* One head of one query, in double. */
START_TEST(attend_by_hand)
{
	struct tape *t = tape_new(linalg_get(cpu_isa()), 0);
	float x[5 * 12];
	struct rng r;
	struct var *y;

	rng_seed(&r, 1);
	fill(&r, x, 5 * 12);
	y = tape_attend(t, tape_leaf(t, 5, 12, x, NULL), 2, groups, 3);
	for (size_t h = 0; h < 2; h++) {
		double p[3], sum = 0, v[2] = { 0 };

		for (size_t k = 0; k < 3; k++) {
			double s = 0;

			for (size_t j = 0; j < 2; j++)
				s += (double)x[2 * 12 + 2 * h + j] *
				     (double)x[k * 12 + 4 + 2 * h + j];
			sum += p[k] = exp(s / sqrt(2));
			for (size_t j = 0; j < 2; j++)
				v[j] +=
				    p[k] * (double)x[k * 12 + 8 + 2 * h + j];
		}
		for (size_t j = 0; j < 2; j++)
			ck_assert_double_eq_tol(
			    (double)y->v[2 * 4 + 2 * h + j], v[j] / sum, 1e-6);
	}
	/* A token alone sees itself; nobody's is zero. */
	for (size_t j = 0; j < 4; j++) {
		ck_assert_double_eq_tol(
		    (double)y->v[3 * 4 + j], (double)x[3 * 12 + 8 + j], 1e-6);
		ck_assert(y->v[4 * 4 + j] == 0);
	}
	tape_free(t);
}
END_TEST

START_TEST(dropout_shares)
{
	enum { N = 1 << 16 };
	struct tape *t = tape_new(linalg_get(cpu_isa()), 0);
	float *x = mem_array(N, sizeof(*x));
	size_t kept = 0;
	struct var *leaf, *y;
	struct rng r;

	for (size_t i = 0; i < N; i++)
		x[i] = 1;
	rng_seed(&r, 2);
	leaf = tape_leaf(t, 1, N, x, NULL);
	ck_assert_ptr_eq(tape_dropout(t, leaf, 0, &r), leaf);
	y = tape_dropout(t, leaf, 0.3, &r);
	for (size_t i = 0; i < N; i++) {
		kept += y->v[i] != 0;
		ck_assert(
		    y->v[i] == 0 || fabs((double)y->v[i] - 1 / 0.7) < 1e-4);
	}
	/* Five standard deviations. */
	ck_assert_double_eq_tol((double)kept / N, 0.7, 0.009);
	free(x);
	tape_free(t);
}
END_TEST

/* ---- losses ---- */

enum { LN = 6, LC = 4 };

struct truths {
	struct truth t;
	uint32_t label[LN];
	float y[LN * LC], weight[LN];
};

static void
make_truth(struct truths *s, enum task task)
{
	for (uint32_t i = 0; i < LN; i++) {
		s->label[i] = i * 3 % LC;
		s->weight[i] = 0.5f + 0.25f * (float)i;
	}
	for (size_t i = 0; i < LN * LC; i++)
		s->y[i] = task == TASK_REGRESS ? (float)i / 7
					       : (float)(i * 5 % 3 == 0);
	s->t = (struct truth){ task, LC, s->label, s->y, s->weight };
}

static double
loss_at(const float *F, const struct truth *truth, double gamma, float *g)
{
	struct tape *t = tape_new(linalg_get(cpu_isa()), 1);
	double loss = tape_loss(t, tape_leaf(t, LN, LC, F, g), truth, gamma);

	tape_backward(t);
	tape_free(t);
	return loss;
}

/* Task and gamma from the number of the test. */
START_TEST(loss_gradient_measured)
{
	static const double gammas[] = { 0, 0.5, 2 };
	const double h = 1.0 / 32;
	double gamma = gammas[_i / 3];
	float F[LN * LC], g[LN * LC], none[LN * LC];
	struct truths s;
	struct rng r;

	make_truth(&s, (enum task)(_i % 3));
	rng_seed(&r, 4);
	fill(&r, F, LN * LC);
	loss_at(F, &s.t, gamma, g);
	for (size_t i = 0; i < LN * LC; i++) {
		float x = F[i];
		double f[2], d;

		F[i] = (float)((double)x + h);
		f[1] = loss_at(F, &s.t, gamma, none);
		F[i] = (float)((double)x - h);
		f[0] = loss_at(F, &s.t, gamma, none);
		F[i] = x;
		d = (f[1] - f[0]) / (2 * h);
		ck_assert_msg(fabs(d - (double)g[i]) <= 1e-3 * (1 + fabs(d)),
		    "%zu: %g, measured %g", i, (double)g[i], d);
	}
}
END_TEST

/* A record that is told well counts for little. */
START_TEST(loss_focal_by_hand)
{
	static const float F[] = { 3, 0, 0, 0 };
	uint32_t label = 0;
	float one = 1, g[4];
	struct truth truth = { TASK_CLASS, 4, &label, NULL, &one };
	double p = exp(3) / (exp(3) + 3), want = -pow(1 - p, 2) * log(p);
	struct tape *t = tape_new(linalg_get(cpu_isa()), 1);

	ck_assert_double_eq_tol(
	    tape_loss(t, tape_leaf(t, 1, 4, F, g), &truth, 2), want, 1e-7);
	tape_free(t);
}
END_TEST

/* Scores far out: no infinity, no NaN. */
START_TEST(loss_far_out)
{
	static const float F[] = { 200, -200, 0, 100, -300, 300, 0, 0 };
	static const float y[] = { 1, 1, 0, 0, 0, 1, 0, 1 };
	uint32_t label[] = { 1, 1 };
	float w[] = { 1, 1 }, g[8];
	double gamma = _i / 2 * 2;
	struct truth truth = { _i % 2 ? TASK_CLASS : TASK_MULTILABEL, 4, label,
		y, w };
	struct tape *t = tape_new(linalg_get(cpu_isa()), 1);
	double loss = tape_loss(t, tape_leaf(t, 2, 4, F, g), &truth, gamma);

	ck_assert(isfinite(loss));
	for (size_t i = 0; i < 8; i++)
		ck_assert(isfinite(g[i]));
	tape_free(t);
}
END_TEST

/* ---- the tape itself ---- */

/* Rounds of any size in one memory; the second round's results are the
 * first's. */
START_TEST(tape_rounds)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct tape *t = tape_new(la, 1);
	float *x = mem_array(1 << 20, sizeof(*x));

	for (size_t n = 1; n <= 1 << 20; n *= 4)
		for (int round = 0; round < 2; round++) {
			struct var *leaf, *y;

			tape_reset(t, la);
			x[n - 1] = 3;
			leaf = tape_leaf(t, 1, n, x, NULL);
			y = tape_add(t, leaf, tape_scale(t, leaf, 2));
			ck_assert_ptr_nonnull(y);
			ck_assert(y->v[n - 1] == 9);
			ck_assert_uint_eq((uintptr_t)y->v % 64, 0);
		}
	free(x);
	tape_free(t);
}
END_TEST

/* What nobody asks for costs nothing and is not written. */
START_TEST(tape_constants)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct tape *t = tape_new(la, 1);
	static const float x[] = { 1, 2 };
	float g[] = { 5, 6 }, unused[] = { 7, 8 };
	struct var *a = tape_leaf(t, 1, 2, x, NULL);
	struct var *b = tape_leaf(t, 1, 2, x, g);
	struct var *y;

	tape_leaf(t, 1, 2, x, unused);
	ck_assert_ptr_null(tape_mul(t, a, a)->g);
	y = tape_mul(t, a, b);
	tape_seed(y, x);
	tape_backward(t);
	ck_assert(g[0] == 1 && g[1] == 4);
	ck_assert(unused[0] == 0 && unused[1] == 0);
	ck_assert_ptr_null(tape_mul(t, NULL, b));
	tape_free(t);
}
END_TEST

/* ---- AdamW ---- */

/* The formulas in double, over 40 steps. */
START_TEST(adamw_by_hand)
{
	float w[3] = { 1, -2, 0.5f }, m[3] = { 0 }, v[3] = { 0 }, g[3];
	double W[3] = { 1, -2, 0.5 }, M[3] = { 0 }, V[3] = { 0 };

	for (size_t t = 1; t <= 40; t++) {
		double lr = adamw_rate(0.05, t - 1, 4, 40);
		struct adamw a = adamw_step(lr, t);

		for (size_t i = 0; i < 3; i++) {
			double G = sin((double)(t * (i + 1)));

			g[i] = (float)G;
			W[i] -= lr * 0.1 * W[i];
			M[i] = 0.9 * M[i] + 0.1 * G;
			V[i] = 0.999 * V[i] + 0.001 * G * G;
			W[i] -=
			    lr / (1 - pow(0.9, (double)t)) * M[i] /
			    (sqrt(V[i] / (1 - pow(0.999, (double)t))) + 1e-8);
		}
		adamw_update(&a, 0.1f, w, m, v, g, 3);
	}
	for (size_t i = 0; i < 3; i++)
		ck_assert_double_eq_tol((double)w[i], W[i], 2e-6);
}
END_TEST

START_TEST(adamw_schedule)
{
	ck_assert_double_eq_tol(adamw_rate(2, 0, 4, 24), 0.5, 1e-12);
	ck_assert_double_eq_tol(adamw_rate(2, 3, 4, 24), 2, 1e-12);
	ck_assert_double_eq_tol(adamw_rate(2, 4, 4, 24), 2, 1e-12);
	ck_assert_double_eq_tol(adamw_rate(2, 14, 4, 24), 1, 1e-12);
	ck_assert(adamw_rate(2, 23, 4, 24) > 0);
	ck_assert(adamw_rate(2, 24, 4, 24) == 0);
	ck_assert(adamw_rate(2, 0, 0, 1) == 2);
}
END_TEST

static Suite *
tape_suite(void)
{
	Suite *s = suite_create("tape");
	TCase *c = tcase_create("operations");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, op_gradient, 0, OPS);
	tcase_add_loop_test(c, op_same_bytes, 0, OPS);
	tcase_add_test(c, gates_by_hand);
	tcase_add_test(c, sketch_of_outer_product);
	tcase_add_test(c, attend_by_hand);
	tcase_add_test(c, dropout_shares);
	suite_add_tcase(s, c);
	c = tcase_create("losses");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, loss_gradient_measured, 0, 9);
	tcase_add_test(c, loss_focal_by_hand);
	tcase_add_loop_test(c, loss_far_out, 0, 4);
	suite_add_tcase(s, c);
	c = tcase_create("tape");
	tcase_set_timeout(c, 60);
	tcase_add_test(c, tape_rounds);
	tcase_add_test(c, tape_constants);
	suite_add_tcase(s, c);
	c = tcase_create("adamw");
	tcase_set_timeout(c, 60);
	tcase_add_test(c, adamw_by_hand);
	tcase_add_test(c, adamw_schedule);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(tape_suite());
}
