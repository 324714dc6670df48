#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
#include "learn/metrics.h"
#include "learn/resample.h"
#include "learn/scores.h"
#include "unit.h"

/* tests/data/metrics.json: what tools/record-metrics.py got from
 * scikit-learn and SciPy. */
static struct buf recorded;

static void
load(void)
{
	const char *data = getenv("DATA");
	struct buf path = { 0 };
	struct error e;

	buf_printf(
	    &path, "%s/metrics.json", data != NULL ? data : "tests/data");
	if (io_read_file(path.data, IO_MAX_FILE, &recorded, &e) < 0)
		ck_abort_msg("%s", e.text);
	buf_free(&path);
}

static void
unload(void)
{
	buf_free(&recorded);
}

/* One recorded case: every array and number in it, by name. */
struct field {
	char name[16];
	double *x; /* NaN for null */
	size_t n;
};

struct recorded_case {
	struct field field[24];
	size_t n;
};

static void
read_number(struct json *j, struct field *f)
{
	f->x = realloc(f->x, (f->n + 1) * sizeof(*f->x));
	f->x[f->n] = NAN;
	if (json_peek(j) == JSON_NULL)
		json_null(j);
	else
		json_double(j, &f->x[f->n]);
	f->n++;
}

static void
read_case(struct json *j, struct recorded_case *c)
{
	struct str key;

	memset(c, 0, sizeof(*c));
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		struct field *f = &c->field[c->n++];

		snprintf(f->name, sizeof(f->name), "%.*s", (int)key.len, key.s);
		if (json_peek(j) == JSON_ARRAY) {
			json_array(j);
			while (json_array_next(j) > 0)
				read_number(j, f);
		} else {
			read_number(j, f);
		}
	}
}

static void
free_case(struct recorded_case *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->field[i].x);
}

static const struct field *
get(const struct recorded_case *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->field[i].name, name) == 0)
			return &c->field[i];
	ck_abort_msg("no field %s", name);
	return NULL;
}

static double
value(const struct recorded_case *c, const char *name)
{
	return get(c, name)->x[0];
}

/* Call fn for each case of the kind; returns how many there were. */
static int
for_each(const char *kind, void (*fn)(const struct recorded_case *))
{
	struct json j = { 0 };
	struct str key;
	int cases = 0;

	json_init(&j, recorded.data, recorded.len);
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		if (!str_is(key, kind)) {
			json_skip(&j);
			continue;
		}
		json_array(&j);
		while (json_array_next(&j) > 0) {
			struct recorded_case c;

			read_case(&j, &c);
			fn(&c);
			free_case(&c);
			cases++;
		}
	}
	ck_assert_int_eq(json_end(&j), 0);
	json_free(&j);
	return cases;
}

/* Equal up to rounding; both NaN is equal. */
static void
near(const char *what, double got, double want)
{
	if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-12))
		ck_abort_msg("%s is %.17g, not %.17g", what, got, want);
}

static uint32_t *
whole_numbers(const struct field *f)
{
	uint32_t *x = mem_array(f->n, sizeof(*x));

	for (size_t i = 0; i < f->n; i++)
		x[i] = (uint32_t)f->x[i];
	return x;
}

/* [n, K] as [K, n] */
static double *
transposed(const double *x, size_t n, size_t K)
{
	double *t = mem_array(n * K, sizeof(*t));

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < K; k++)
			t[k * n + i] = x[i * K + k];
	return t;
}

static uint8_t *
transposed_bits(const double *x, size_t n, size_t K)
{
	uint8_t *t = mem_array(n * K, 1);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < K; k++)
			t[k * n + i] = x[i * K + k] > 0;
	return t;
}

static void
class_scores(struct scores *s, const struct recorded_case *c)
{
	memset(s, 0, sizeof(*s));
	s->task = SCORE_CLASS;
	s->n = get(c, "truth")->n;
	s->K = (size_t)value(c, "K");
	s->truth = whole_numbers(get(c, "truth"));
	s->guess = whole_numbers(get(c, "guess"));
	s->probs = transposed(get(c, "probs")->x, s->n, s->K);
	s->conf = mem_array(s->n, sizeof(*s->conf));
	for (size_t i = 0; i < s->n; i++)
		s->conf[i] = s->probs[s->guess[i] * s->n + i];
	ck_assert_int_eq(scores_prepare(s), 0);
}

static void
one_class_case(const struct recorded_case *c)
{
	struct scores s;
	double out[SCORES_MAX];
	uint32_t *w = whole_numbers(get(c, "w"));
	void *scratch;
	struct tally *tally;

	class_scores(&s, c);
	scratch = mem_aligned(1, scores_scratch(&s));
	tally = mem_array(s.K, sizeof(*tally));
	scores_at(&s, w, scratch, out);
	near("accuracy", out[CLASS_ACCURACY], value(c, "accuracy"));
	near("macro F1", out[CLASS_MACRO_F1], value(c, "macro"));
	near("micro F1", out[CLASS_MICRO_F1], value(c, "micro"));
	near("weighted F1", out[CLASS_WEIGHTED_F1], value(c, "weighted"));
	near("log-loss", out[CLASS_LOG_LOSS], value(c, "log_loss"));
	near("Brier", out[CLASS_BRIER], value(c, "brier"));
	near("ECE", out[CLASS_ECE], value(c, "ece"));
	near("ECE by mass", out[CLASS_ECE_MASS], value(c, "ece_mass"));
	near("top 3", out[CLASS_TOP3], value(c, "top3"));
	near("top 5", out[CLASS_TOP5], value(c, "top5"));
	if (!isnan(value(c, "auc")))
		near("AUC", out[CLASS_AUC], value(c, "auc"));
	near("accuracy", metrics_accuracy(s.truth, s.guess, w, s.n),
	    value(c, "accuracy"));
	scores_tally(&s, w, tally);
	for (size_t k = 0; k < s.K; k++) {
		near("precision", metrics_precision(&tally[k]),
		    get(c, "precision")->x[k]);
		near("recall", metrics_recall(&tally[k]),
		    get(c, "recall")->x[k]);
		near("F1", metrics_f1(&tally[k]), get(c, "f1")->x[k]);
	}
	free(w);
	free(scratch);
	free(tally);
	scores_free(&s);
}

START_TEST(classes_as_scikit_learn)
{
	ck_assert_int_ge(for_each("class", one_class_case), 5);
}
END_TEST

static void
one_multilabel_case(const struct recorded_case *c)
{
	struct scores s = { .task = SCORE_MULTILABEL };
	double out[SCORES_MAX];
	void *scratch;

	s.K = (size_t)value(c, "L");
	s.n = get(c, "truth")->n / s.K;
	s.is = transposed_bits(get(c, "truth")->x, s.n, s.K);
	s.said = transposed_bits(get(c, "guess")->x, s.n, s.K);
	s.probs = transposed(get(c, "score")->x, s.n, s.K);
	ck_assert_int_eq(scores_prepare(&s), 0);
	scratch = mem_aligned(1, scores_scratch(&s));
	scores_at(&s, NULL, scratch, out);
	near("subset", out[MULTI_SUBSET_ACCURACY], value(c, "subset"));
	near("Hamming", out[MULTI_HAMMING_LOSS], value(c, "hamming"));
	near("macro F1", out[MULTI_MACRO_F1], value(c, "macro"));
	near("micro F1", out[MULTI_MICRO_F1], value(c, "micro"));
	near("weighted F1", out[MULTI_WEIGHTED_F1], value(c, "weighted"));
	near("AUC", out[MULTI_AUC], value(c, "auc"));
	near("precision", out[MULTI_PRECISION], value(c, "precision"));
	near("LRAP", out[MULTI_RANK_PRECISION], value(c, "rank_precision"));
	near("coverage error", out[MULTI_RANK_COVERAGE],
	    value(c, "rank_coverage"));
	near("ranking loss", out[MULTI_RANK_LOSS], value(c, "rank_loss"));
	free(scratch);
	scores_free(&s);
}

START_TEST(labels_as_scikit_learn)
{
	ck_assert_int_ge(for_each("multilabel", one_multilabel_case), 2);
}
END_TEST

static void
copy_numbers(struct scores *s, const struct recorded_case *c)
{
	memset(s, 0, sizeof(*s));
	s->task = SCORE_REGRESS;
	s->n = get(c, "truth")->n;
	s->y = mem_array(s->n, sizeof(double));
	s->f = mem_array(s->n, sizeof(double));
	memcpy(s->y, get(c, "truth")->x, s->n * sizeof(double));
	memcpy(s->f, get(c, "value")->x, s->n * sizeof(double));
	ck_assert_int_eq(scores_prepare(s), 0);
}

static void
one_regress_case(const struct recorded_case *c)
{
	struct scores s;
	double out[SCORES_MAX];
	uint32_t *w = whole_numbers(get(c, "w"));
	void *scratch;

	copy_numbers(&s, c);
	scratch = mem_aligned(1, scores_scratch(&s));
	scores_at(&s, w, scratch, out);
	near("R2", out[REGRESS_R2], value(c, "r2"));
	near("MAE", out[REGRESS_MAE], value(c, "mae"));
	near("RMSE", out[REGRESS_RMSE], value(c, "rmse"));
	near("Spearman", out[REGRESS_SPEARMAN], value(c, "spearman"));
	free(w);
	free(scratch);
	scores_free(&s);
}

START_TEST(numbers_as_scikit_learn_and_scipy)
{
	ck_assert_int_ge(for_each("regress", one_regress_case), 3);
}
END_TEST

/* AUC by its definition: every positive against every negative. */
START_TEST(auc_is_the_share_of_ordered_pairs)
{
	enum { N = 57 };
	double x[N];
	uint8_t positive[N], mark[N];
	uint32_t w[N], order[N];
	struct rng rng;

	rng_seed(&rng, (uint64_t)_i);
	for (int i = 0; i < N; i++) {
		x[i] = rng_below(&rng, 2 + (uint32_t)_i * 4);
		positive[i] = rng_below(&rng, 3) == 0;
		w[i] = rng_below(&rng, 3);
	}
	ck_assert_int_eq(metrics_order(order, x, N), 0);
	metrics_mark(mark, order, x, positive, N);
	{
		double pairs = 0, good = 0;

		for (int i = 0; i < N; i++)
			for (int k = 0; k < N; k++) {
				double c = (double)w[i] * w[k];

				if (!positive[i] || positive[k])
					continue;
				pairs += c;
				good += x[i] > x[k]   ? c
					: x[i] < x[k] ? 0
						      : c / 2;
			}
		near("AUC", metrics_auc(order, mark, w, N), good / pairs);
	}
}
END_TEST

/* A weight of c must be the same as c copies of the record. */
static void
repeated_case(const struct recorded_case *c)
{
	struct scores s, twice = { .task = SCORE_CLASS };
	double a[SCORES_MAX], b[SCORES_MAX];
	uint32_t *w = whole_numbers(get(c, "w"));
	size_t n = 0;
	void *scratch;

	class_scores(&s, c);
	for (size_t i = 0; i < s.n; i++)
		n += w[i];
	twice.n = n;
	twice.K = s.K;
	twice.truth = mem_array(n, sizeof(uint32_t));
	twice.guess = mem_array(n, sizeof(uint32_t));
	twice.conf = mem_array(n, sizeof(double));
	twice.probs = mem_array(n * s.K, sizeof(double));
	/* From the last to the first: the order must not matter either. */
	for (size_t i = 0, at = n; i < s.n; i++)
		for (uint32_t r = 0; r < w[i]; r++) {
			at--;
			twice.truth[at] = s.truth[i];
			twice.guess[at] = s.guess[i];
			twice.conf[at] = s.conf[i];
			for (size_t k = 0; k < s.K; k++)
				twice.probs[k * n + at] = s.probs[k * s.n + i];
		}
	ck_assert_int_eq(scores_prepare(&twice), 0);
	scratch = mem_aligned(1, scores_scratch(&s));
	scores_at(&s, w, scratch, a);
	scores_at(&twice, NULL, scratch, b);
	for (int k = 0; k < CLASS_SCORES; k++)
		near("repeated", b[k], a[k]);
	free(w);
	free(scratch);
	scores_free(&s);
	scores_free(&twice);
}

START_TEST(weights_are_copies_in_any_order)
{
	for_each("class", repeated_case);
}
END_TEST

/* Renaming the classes changes no figure. */
static void
renamed_case(const struct recorded_case *c)
{
	struct scores s, t;
	double a[SCORES_MAX], b[SCORES_MAX];
	void *scratch;

	class_scores(&s, c);
	class_scores(&t, c);
	free(t.loss);
	free(t.square);
	free(t.right);
	free(t.near);
	free(t.is);
	free(t.order);
	free(t.mark);
	free(t.conf_order);
	free(t.conf_mark);
	for (size_t i = 0; i < t.n; i++) {
		t.truth[i] = (s.truth[i] + 1) % (uint32_t)s.K;
		t.guess[i] = (s.guess[i] + 1) % (uint32_t)s.K;
		for (size_t k = 0; k < s.K; k++)
			t.probs[(k + 1) % s.K * t.n + i] = s.probs[k * s.n + i];
	}
	ck_assert_int_eq(scores_prepare(&t), 0);
	scratch = mem_aligned(1, scores_scratch(&s));
	scores_at(&s, NULL, scratch, a);
	scores_at(&t, NULL, scratch, b);
	for (int k = 0; k < CLASS_SCORES; k++)
		near("renamed", b[k], a[k]);
	free(scratch);
	scores_free(&s);
	scores_free(&t);
}

START_TEST(names_of_classes_do_not_matter)
{
	for_each("class", renamed_case);
}
END_TEST

START_TEST(what_has_no_value_is_nan)
{
	double x[] = { .1, .1, .1, .1, .1, .1 }, y[] = { 1, 2, 3, 4, 5, 6 };
	uint8_t one[6] = { 1, 1, 1, 1, 1, 1 }, mark[6];
	uint32_t none[6] = { 0 }, ox[6], oy[6];
	double rank[12];
	struct tally t = { 0, 0, 3 };

	metrics_order(ox, x, 6);
	metrics_order(oy, y, 6);
	metrics_mark(mark, oy, y, one, 6);
	ck_assert(isnan(metrics_auc(oy, mark, NULL, 6)));
	ck_assert(isnan(metrics_r2(x, y, NULL, 6)));
	ck_assert(isnan(metrics_spearman(x, y, ox, oy, NULL, 6, rank)));
	ck_assert(isnan(metrics_spearman(y, x, oy, ox, NULL, 6, rank)));
	ck_assert(isnan(metrics_mean(y, none, 6)));
	ck_assert(isnan(metrics_ece(x, one, none, 6)));
	ck_assert(isnan(metrics_f1_all(&t, 0).macro));
	ck_assert(isnan(metrics_precision(&t)));
	near("F1", metrics_f1(&t), 0);
	near("recall", metrics_recall(&t), 0);
}
END_TEST

START_TEST(log_loss_is_clipped)
{
	near("log-loss", metrics_log_loss_of(0), 52 * 0.69314718055994531);
	near("log-loss", metrics_log_loss_of(1), 0);
	near("log-loss", metrics_log_loss_of(.25), 2 * 0.69314718055994531);
}
END_TEST

/* Made-up right and wrong answers: n records, the share p right. */
static void
coins(struct scores *s, size_t n, double p, double q)
{
	struct rng rng;

	memset(s, 0, sizeof(*s));
	s->task = SCORE_CLASS;
	s->n = q > 0 ? 2 * n : n;
	s->K = 2;
	s->truth = mem_array(s->n, sizeof(uint32_t));
	s->guess = mem_array(s->n, sizeof(uint32_t));
	rng_seed(&rng, 3);
	for (size_t i = 0; i < s->n; i++)
		s->guess[i] = rng_double(&rng) >= (i < n ? p : q);
	ck_assert_int_eq(scores_prepare(s), 0);
}

/* Only figures that are asked for are made, and they are the same. */
static void
asked_case(const struct recorded_case *c)
{
	struct scores s, t = { .task = SCORE_CLASS };
	double a[SCORES_MAX], b[SCORES_MAX];
	void *scratch;

	class_scores(&s, c);
	t.only = 1u << CLASS_ACCURACY | 1u << CLASS_LOG_LOSS;
	t.n = s.n;
	t.K = s.K;
	t.truth = whole_numbers(get(c, "truth"));
	t.guess = whole_numbers(get(c, "guess"));
	t.probs = transposed(get(c, "probs")->x, s.n, s.K);
	t.conf = mem_array(s.n, sizeof(double));
	ck_assert_int_eq(scores_prepare(&t), 0);
	scratch = mem_aligned(1, scores_scratch(&s));
	scores_at(&s, NULL, scratch, a);
	scores_at(&t, NULL, scratch, b);
	near("accuracy", b[CLASS_ACCURACY], a[CLASS_ACCURACY]);
	near("log-loss", b[CLASS_LOG_LOSS], a[CLASS_LOG_LOSS]);
	ck_assert(isnan(b[CLASS_AUC]) && !isnan(a[CLASS_AUC]));
	ck_assert(isnan(b[CLASS_ECE_MASS]) && !isnan(a[CLASS_ECE_MASS]));
	ck_assert_ptr_null(t.order);
	ck_assert_ptr_null(t.conf_order);
	free(scratch);
	scores_free(&s);
	scores_free(&t);
}

START_TEST(what_is_not_asked_for_is_not_made)
{
	for_each("class", asked_case);
}
END_TEST

/* Confidences in .5 .. 1, all distinct or all .5; the truth is drawn from
 * them. */
static void
calibrated(struct scores *s, size_t n, int distinct, uint64_t seed)
{
	struct rng rng;

	memset(s, 0, sizeof(*s));
	s->task = SCORE_CLASS;
	s->n = n;
	s->K = 2;
	s->only = 1u << CLASS_ECE_MASS;
	s->truth = mem_array(n, sizeof(uint32_t));
	s->guess = mem_array(n, sizeof(uint32_t));
	s->conf = mem_array(n, sizeof(double));
	rng_seed(&rng, seed);
	for (size_t i = 0; i < n; i++) {
		s->conf[i] = distinct ? .5 + rng_double(&rng) / 2 : .5;
		s->guess[i] = rng_double(&rng) >= s->conf[i];
	}
	ck_assert_int_eq(scores_prepare(s), 0);
}

/* Of equal confidences the error is the distance of one share of n coins from
 * a half, whose quantile is 1.96 standard errors. */
START_TEST(limit_of_coins_is_that_of_the_binomial)
{
	enum { N = 10000 };
	struct resample r = { .n = N, .units = N, .seed = 5 };
	struct scores s;
	double limit;

	calibrated(&s, N, 0, 1);
	ck_assert_int_eq(resample_calibrated(&s, 0, &r, &limit), 0);
	ck_assert(fabs(limit / (1.96 * .5 / 100) - 1) < .08);
	scores_free(&s);
}
END_TEST

/* Of calibrated models, one in twenty is above its limit. */
START_TEST(one_calibrated_model_in_twenty_is_above_the_limit)
{
	enum { N = 150, MODELS = 400 };
	struct resample r = { .n = N, .units = N };
	int above = 0;

	for (uint64_t i = 0; i < MODELS; i++) {
		double out[SCORES_MAX], limit;
		struct tally tally[2];
		struct scores s;

		calibrated(&s, N, 1, i);
		r.seed = i + MODELS;
		scores_at(&s, NULL, tally, out);
		ck_assert_int_eq(resample_calibrated(&s, 0, &r, &limit), 0);
		above += out[CLASS_ECE_MASS] > limit;
		scores_free(&s);
	}
	/* 20 expected; five standard deviations to either side. */
	ck_assert_msg(above > 1 && above < 42, "%d of %d", above, MODELS);
}
END_TEST

/* Groups of four that are right or wrong together have the error of a quarter
 * as many coins; and of models that are calibrated so, one in twenty is above
 * its limit. */
START_TEST(limit_of_groups_is_that_of_fewer_records)
{
	enum { N = 1200, GROUP = 4, MODELS = 200 };
	struct resample r = { .n = N, .units = N / GROUP };
	uint32_t unit[N];
	int above = 0;
	double sum = 0;

	r.unit = unit;
	for (size_t i = 0; i < N; i++)
		unit[i] = (uint32_t)(i / GROUP);
	for (uint64_t k = 0; k < MODELS; k++) {
		double out[SCORES_MAX], limit;
		struct tally tally[2];
		struct scores s;

		calibrated(&s, N, 0, k);
		for (size_t i = 0; i < N; i++) {
			s.guess[i] = s.guess[i - i % GROUP];
			s.right[i] = s.right[i - i % GROUP];
		}
		metrics_mark(s.conf_mark, s.conf_order, s.conf, s.right, N);
		r.seed = k + MODELS;
		scores_at(&s, NULL, tally, out);
		ck_assert_int_eq(resample_calibrated(&s, 0, &r, &limit), 0);
		above += out[CLASS_ECE_MASS] > limit;
		sum += limit;
		scores_free(&s);
	}
	/* The records of all bins have the same confidence: one bin. */
	ck_assert(fabs(sum / MODELS / (1.96 * .5 / sqrt(N / GROUP)) - 1) < .05);
	/* 10 expected; five standard deviations. */
	ck_assert_msg(above > 0 && above < 26, "%d of %d", above, MODELS);
}
END_TEST

/* Binomial tails by Pascal's triangle, which is exact up to n = 50. */
START_TEST(mcnemar_is_the_binomial_tail)
{
	double C[51][51] = { { 0 } };

	for (int n = 0; n <= 50; n++)
		for (int k = 0; k <= n; k++)
			C[n][k] = k == 0 || k == n
				      ? 1
				      : C[n - 1][k - 1] + C[n - 1][k];
	for (int n = 0; n <= 50; n++)
		for (int b = 0; b <= n; b++) {
			int low = b < n - b ? b : n - b;
			double tail = 0;

			for (int k = 0; k <= low; k++)
				tail += C[n][k];
			tail = ldexp(2 * tail, -n);
			near("McNemar",
			    resample_mcnemar((uint64_t)b, (uint64_t)(n - b)),
			    tail < 1 ? tail : 1);
		}
	ck_assert(resample_mcnemar(0, 100000) >= 0);
	ck_assert(resample_mcnemar(100000, 0) < 1e-300);
	near("McNemar", resample_mcnemar(70000, 70000), 1);
}
END_TEST

/* The standard error of a share is sqrt(p (1 - p) / n), and with groups of
 * four copies, which bring nothing new, twice that. */
START_TEST(intervals_are_as_wide_as_theory_says)
{
	enum { N = 2000 };
	struct scores s;
	struct interval iv[SCORES_MAX];
	uint32_t unit[N];
	struct resample r = { N, unit, N, 2000, 1, NULL };
	double p, se, out[SCORES_MAX];
	void *scratch;

	coins(&s, N, .7, 0);
	scratch = mem_aligned(1, scores_scratch(&s));
	for (int group = 1; group <= 4; group += 3) {
		for (uint32_t i = 0; i < N; i++) {
			unit[i] = i / (uint32_t)group;
			s.guess[i] = s.guess[unit[i] * (uint32_t)group];
			s.right[i] = s.guess[i] == 0;
		}
		r.units = (size_t)(N / group);
		scores_at(&s, NULL, scratch, out);
		p = out[CLASS_ACCURACY];
		se = sqrt(p * (1 - p) / (double)r.units);
		ck_assert_int_eq(resample_bootstrap(&s, 1, &r, iv), 0);
		ck_assert(iv[CLASS_ACCURACY].lo < p);
		ck_assert(iv[CLASS_ACCURACY].hi > p);
		ck_assert(fabs((iv[CLASS_ACCURACY].hi - iv[CLASS_ACCURACY].lo) /
				   (2 * 1.96 * se) -
			       1) < .1);
		ck_assert(isnan(iv[CLASS_AUC].lo));
	}
	free(scratch);
	scores_free(&s);
}
END_TEST

static uint32_t *
own_units(size_t n)
{
	uint32_t *unit = mem_array(n, sizeof(*unit));

	for (size_t i = 0; i < n; i++)
		unit[i] = (uint32_t)i;
	return unit;
}

START_TEST(threads_do_not_change_a_bit)
{
	struct scores s;
	struct interval one[3 * SCORES_MAX], four[3 * SCORES_MAX];
	double p1[SCORES_MAX], p4[SCORES_MAX], limit[2];
	uint32_t *unit = own_units(300);
	struct resample r = { 300, unit, 300, 200, 9, NULL };
	struct error e;

	memset(one, 0, sizeof(one));
	memset(four, 0, sizeof(four));
	coins(&s, 300, .6, .7);
	ck_assert_int_eq(resample_bootstrap(&s, 2, &r, one), 0);
	ck_assert_int_eq(resample_permutation(&s, &r, p1), 0);
	r.pool = pool_new(4, &e);
	ck_assert_ptr_nonnull(r.pool);
	ck_assert_int_eq(resample_bootstrap(&s, 2, &r, four), 0);
	ck_assert_int_eq(resample_permutation(&s, &r, p4), 0);
	s.conf = mem_array(s.n, sizeof(double));
	s.conf_order = own_units(s.n);
	for (size_t i = 0; i < s.n; i++)
		s.conf[i] = (double)i / (double)s.n;
	r.n = 250;
	ck_assert_int_eq(resample_calibrated(&s, 20, &r, &limit[0]), 0);
	pool_free(r.pool);
	r.pool = NULL;
	ck_assert_int_eq(resample_calibrated(&s, 20, &r, &limit[1]), 0);
	ck_assert_int_eq(memcmp(&limit[0], &limit[1], sizeof(limit[0])), 0);
	ck_assert_int_eq(memcmp(one, four, sizeof(one)), 0);
	ck_assert_int_eq(memcmp(p1, p4, CLASS_SCORES * sizeof(p1[0])), 0);
	free(unit);
	scores_free(&s);
}
END_TEST

/* For accuracy the permutation test is McNemar's, drawn and not summed. */
START_TEST(permutation_agrees_with_mcnemar)
{
	static const double q[] = { .6, .63, .66, .72 };
	struct scores s;
	double p[SCORES_MAX], exact;
	uint32_t *unit = own_units(400);
	struct resample r = { 400, unit, 400, 4000, 2, NULL };
	uint64_t b = 0, c = 0;

	coins(&s, 400, .6, q[_i]);
	for (size_t i = 0; i < 400; i++) {
		b += s.right[i] && !s.right[400 + i];
		c += !s.right[i] && s.right[400 + i];
	}
	exact = resample_mcnemar(b, c);
	ck_assert_int_eq(resample_permutation(&s, &r, p), 0);
	ck_assert(fabs(p[CLASS_ACCURACY] - exact) <
		  4 * sqrt(exact * (1 - exact) / 4000) + 2. / 4000);
	ck_assert(isnan(p[CLASS_LOG_LOSS]));
	free(unit);
	scores_free(&s);
}
END_TEST

/* A system against itself: no difference, and p is 1. */
static void
same_systems(const struct recorded_case *c)
{
	struct scores one, both = { .task = SCORE_REGRESS };
	struct interval iv[3 * SCORES_MAX];
	double p[SCORES_MAX];
	uint32_t *unit;
	struct resample r = { .rounds = 100, .seed = 1 };

	copy_numbers(&one, c);
	unit = own_units(one.n);
	r.n = r.units = one.n;
	r.unit = unit;
	both.n = 2 * one.n;
	both.y = mem_array(both.n, sizeof(double));
	both.f = mem_array(both.n, sizeof(double));
	for (size_t i = 0; i < both.n; i++) {
		both.y[i] = one.y[i % one.n];
		both.f[i] = one.f[i % one.n];
	}
	ck_assert_int_eq(scores_prepare(&both), 0);
	ck_assert_int_eq(resample_bootstrap(&both, 2, &r, iv), 0);
	ck_assert_int_eq(resample_permutation(&both, &r, p), 0);
	for (int k = 0; k < REGRESS_COVERAGE; k++) {
		near("p", p[k], 1);
		near("lo", iv[2 * REGRESS_SCORES + k].lo, 0);
		near("hi", iv[2 * REGRESS_SCORES + k].hi, 0);
		near("A and B", iv[REGRESS_SCORES + k].lo, iv[k].lo);
	}
	free(unit);
	scores_free(&one);
	scores_free(&both);
}

START_TEST(a_system_does_not_differ_from_itself)
{
	for_each("regress", same_systems);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("core");

	tcase_add_unchecked_fixture(t, load, unload);
	tcase_add_test(t, classes_as_scikit_learn);
	tcase_add_test(t, labels_as_scikit_learn);
	tcase_add_test(t, numbers_as_scikit_learn_and_scipy);
	tcase_add_loop_test(t, auc_is_the_share_of_ordered_pairs, 0, 8);
	tcase_add_test(t, weights_are_copies_in_any_order);
	tcase_add_test(t, names_of_classes_do_not_matter);
	tcase_add_test(t, what_has_no_value_is_nan);
	tcase_add_test(t, log_loss_is_clipped);
	tcase_add_test(t, what_is_not_asked_for_is_not_made);
	tcase_add_test(t, limit_of_coins_is_that_of_the_binomial);
	tcase_add_test(t, one_calibrated_model_in_twenty_is_above_the_limit);
	tcase_add_test(t, limit_of_groups_is_that_of_fewer_records);
	tcase_add_test(t, mcnemar_is_the_binomial_tail);
	tcase_add_test(t, intervals_are_as_wide_as_theory_says);
	tcase_add_test(t, threads_do_not_change_a_bit);
	tcase_add_loop_test(t, permutation_agrees_with_mcnemar, 0, 4);
	tcase_add_test(t, a_system_does_not_differ_from_itself);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
