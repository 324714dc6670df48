#include "learn/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct score_name class_names[CLASS_SCORES] = {
	[CLASS_ACCURACY] = { "accuracy", "accuracy", 0 },
	[CLASS_MACRO_F1] = { "macro_f1", "macro F1", 0 },
	[CLASS_WEIGHTED_F1] = { "weighted_f1", "weighted F1", 0 },
	[CLASS_MICRO_F1] = { "micro_f1", "micro F1", 0 },
	[CLASS_LOG_LOSS] = { "log_loss", "log-loss", 0 },
	[CLASS_BRIER] = { "brier", "Brier score", 0 },
	[CLASS_ECE] = { "ece", "calibration error", 0 },
	[CLASS_ECE_MASS] = { "ece_mass", "  bins of equal mass", 0 },
	[CLASS_ECE_LIMIT] = { "ece_limit", "  the limit of chance", 1 },
	[CLASS_AUC] = { "auc", "AUC", 0 },
	[CLASS_TOP3] = { "top3_accuracy", "top-3 accuracy", 0 },
	[CLASS_TOP5] = { "top5_accuracy", "top-5 accuracy", 0 },
	[CLASS_COVERAGE] = { "coverage", "coverage of the sets", 0 },
	[CLASS_SET_SIZE] = { "set_size", "labels in a set", 0 },
};

static const struct score_name multi_names[MULTI_SCORES] = {
	[MULTI_SUBSET_ACCURACY] = { "subset_accuracy", "subset accuracy", 0 },
	[MULTI_HAMMING_LOSS] = { "hamming_loss", "Hamming loss", 0 },
	[MULTI_MACRO_F1] = { "macro_f1", "macro F1", 0 },
	[MULTI_WEIGHTED_F1] = { "weighted_f1", "weighted F1", 0 },
	[MULTI_MICRO_F1] = { "micro_f1", "micro F1", 0 },
	[MULTI_AUC] = { "auc", "AUC", 0 },
	[MULTI_PRECISION] = { "average_precision", "average precision", 0 },
	[MULTI_RANK_PRECISION] = { "lrap", "ranking precision", 0 },
	[MULTI_RANK_COVERAGE] = { "coverage_error", "coverage error", 0 },
	[MULTI_RANK_LOSS] = { "ranking_loss", "ranking loss", 0 },
	[MULTI_COVERAGE] = { "coverage", "coverage of the sets", 0 },
	[MULTI_SET_SIZE] = { "set_size", "labels in a set", 0 },
};

static const struct score_name regress_names[REGRESS_SCORES] = {
	[REGRESS_R2] = { "r2", "R2", 0 },
	[REGRESS_MAE] = { "mae", "mean absolute error", 0 },
	[REGRESS_RMSE] = { "rmse", "root mean square error", 0 },
	[REGRESS_SPEARMAN] = { "spearman", "Spearman", 0 },
	[REGRESS_COVERAGE] = { "coverage", "coverage of intervals", 0 },
	[REGRESS_WIDTH] = { "width", "width of an interval", 0 },
};

const struct score_name *
scores_names(enum score_task task, size_t *count)
{
	switch (task) {
	case SCORE_MULTILABEL:
		*count = MULTI_SCORES;
		return multi_names;
	case SCORE_REGRESS:
		*count = REGRESS_SCORES;
		return regress_names;
	default:
		*count = CLASS_SCORES;
		return class_names;
	}
}

uint32_t
scores_has(const struct scores *s)
{
	uint32_t sets = 0, few = 0;

	switch (s->task) {
	case SCORE_MULTILABEL:
		sets = 1u << MULTI_COVERAGE | 1u << MULTI_SET_SIZE;
		break;
	case SCORE_REGRESS:
		sets = 1u << REGRESS_COVERAGE | 1u << REGRESS_WIDTH;
		break;
	default:
		sets = 1u << CLASS_COVERAGE | 1u << CLASS_SET_SIZE;
		few = (s->K <= 3 ? 1u << CLASS_TOP3 : 0) |
		      (s->K <= 5 ? 1u << CLASS_TOP5 : 0);
	}
	return ~((s->covered == NULL ? sets : 0) | few);
}

static int
asked(const struct scores *s, int figure)
{
	return s->only == 0 || (s->only >> figure & 1) != 0;
}

/* The order of the probabilities of every class, for AUC. */
static int
order_probs(struct scores *s)
{
	int wanted = s->task == SCORE_CLASS
			 ? asked(s, CLASS_AUC)
			 : asked(s, MULTI_AUC) || asked(s, MULTI_PRECISION);

	if (s->probs == NULL || !wanted)
		return 0;
	s->order = mem_array(s->K * s->n, sizeof(*s->order));
	s->mark = mem_array(s->K * s->n, 1);
	if (s->order == NULL || s->mark == NULL)
		return -1;
	for (size_t at = 0; at < s->K * s->n; at += s->n) {
		if (metrics_order(&s->order[at], &s->probs[at], s->n) < 0)
			return -1;
		metrics_mark(&s->mark[at], &s->order[at], &s->probs[at],
		    &s->is[at], s->n);
	}
	return 0;
}

/* The order of the confidences, for bins of equal mass. */
static int
order_conf(struct scores *s)
{
	if (s->conf == NULL ||
	    !(asked(s, CLASS_ECE_MASS) || asked(s, CLASS_ECE_LIMIT)))
		return 0;
	s->conf_order = mem_array(s->n, sizeof(*s->conf_order));
	s->conf_mark = mem_array(s->n, 1);
	if (s->conf_order == NULL || s->conf_mark == NULL ||
	    metrics_order(s->conf_order, s->conf, s->n) < 0)
		return -1;
	metrics_mark(s->conf_mark, s->conf_order, s->conf, s->right, s->n);
	return 0;
}

/* How many classes stand no lower than the true one; of equal ones the first
 * stands highest. */
static uint8_t
rank_of(const double *p, size_t K, size_t truth)
{
	size_t n = 0;

	for (size_t k = 0; k < K && n < UINT8_MAX; k++)
		n += k <= truth ? p[k] >= p[truth] : p[k] > p[truth];
	return (uint8_t)n;
}

static int
prepare_class(struct scores *s)
{
	double *p;

	s->right = mem_array(s->n, 1);
	s->is = mem_array(s->K * s->n, 1);
	if (s->right == NULL || s->is == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		s->right[i] = s->truth[i] == s->guess[i];
		s->is[s->truth[i] * s->n + i] = 1;
	}
	if (order_conf(s) < 0)
		return -1;
	if (s->probs == NULL)
		return 0;
	s->near = mem_array(s->n, 1);
	s->loss = mem_array(s->n, sizeof(*s->loss));
	s->square = mem_array(s->n, sizeof(*s->square));
	p = mem_array(s->K, sizeof(*p));
	if (s->near == NULL || s->loss == NULL || s->square == NULL ||
	    p == NULL) {
		free(p);
		return -1;
	}
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->K; k++)
			p[k] = s->probs[k * s->n + i];
		s->loss[i] = metrics_log_loss_of(p[s->truth[i]]);
		s->square[i] = metrics_brier_of(p, s->K, s->truth[i]);
		s->near[i] = rank_of(p, s->K, s->truth[i]);
	}
	free(p);
	return order_probs(s);
}

/* How each record's probabilities rank its labels. */
static int
rank_labels(struct scores *s)
{
	double *p;
	uint8_t *is;

	if (s->probs == NULL ||
	    !(asked(s, MULTI_RANK_PRECISION) || asked(s, MULTI_RANK_COVERAGE) ||
		asked(s, MULTI_RANK_LOSS)))
		return 0;
	s->rank = mem_array(3 * s->n, sizeof(*s->rank));
	p = mem_array(s->K, sizeof(*p));
	is = mem_array(s->K, 1);
	for (size_t i = 0;
	     p != NULL && is != NULL && s->rank != NULL && i < s->n; i++) {
		struct label_ranking r;

		for (size_t k = 0; k < s->K; k++) {
			p[k] = s->probs[k * s->n + i];
			is[k] = s->is[k * s->n + i];
		}
		r = metrics_label_ranking(p, is, s->K);
		s->rank[i] = r.precision;
		s->rank[s->n + i] = r.coverage;
		s->rank[2 * s->n + i] = r.loss;
	}
	free(p);
	free(is);
	return p == NULL || is == NULL || s->rank == NULL ? -1 : 0;
}

static int
prepare_multi(struct scores *s)
{
	s->right = mem_array(s->n, 1);
	if (s->right == NULL)
		return -1;
	memset(s->right, 1, s->n);
	for (size_t k = 0; k < s->K; k++)
		for (size_t i = 0; i < s->n; i++)
			if (s->is[k * s->n + i] != s->said[k * s->n + i])
				s->right[i] = 0;
	return rank_labels(s) < 0 ? -1 : order_probs(s);
}

static int
prepare_regress(struct scores *s)
{
	s->loss = mem_array(s->n, sizeof(*s->loss));
	s->square = mem_array(s->n, sizeof(*s->square));
	if (s->loss == NULL || s->square == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		double d = s->f[i] - s->y[i];

		s->loss[i] = fabs(d);
		s->square[i] = d * d;
	}
	if (!asked(s, REGRESS_SPEARMAN))
		return 0;
	s->order = mem_array(2 * s->n, sizeof(*s->order));
	if (s->order == NULL || metrics_order(s->order, s->y, s->n) < 0)
		return -1;
	return metrics_order(s->order + s->n, s->f, s->n);
}

int
scores_prepare(struct scores *s)
{
	switch (s->task) {
	case SCORE_MULTILABEL:
		return prepare_multi(s);
	case SCORE_REGRESS:
		return prepare_regress(s);
	default:
		return prepare_class(s);
	}
}

size_t
scores_scratch(const struct scores *s)
{
	return s->task == SCORE_REGRESS ? 2 * s->n * sizeof(double)
					: s->K * sizeof(struct tally);
}

void
scores_tally(const struct scores *s, const uint32_t *w, struct tally *tally)
{
	if (s->task == SCORE_CLASS) {
		metrics_tally(tally, s->K, s->truth, s->guess, w, s->n);
		return;
	}
	memset(tally, 0, s->K * sizeof(*tally));
	for (size_t k = 0; k < s->K; k++) {
		const uint8_t *is = &s->is[k * s->n];
		const uint8_t *said = &s->said[k * s->n];

		for (size_t i = 0; i < s->n; i++) {
			uint64_t c = w != NULL ? w[i] : 1;

			tally[k].support += is[i] ? c : 0;
			tally[k].predicted += said[i] ? c : 0;
			tally[k].hit += is[i] && said[i] ? c : 0;
		}
	}
}

/* One against the rest, the means over the classes where they are defined;
 * ap: NULL where it is not wanted.  With two classes that exclude each other
 * one of them says it all. */
static void
rank_records(const struct scores *s, const uint32_t *w, double *auc, double *ap)
{
	size_t first = s->task == SCORE_CLASS && s->K == 2, defined[2] = { 0 };
	double sum[2] = { 0 };

	for (size_t k = first; s->order != NULL && k < s->K; k++) {
		double x[2] = { (double)NAN, (double)NAN };

		x[0] = metrics_ranking(&s->order[k * s->n], &s->mark[k * s->n],
		    w, s->n, ap != NULL ? &x[1] : NULL);
		for (int i = 0; i < 2; i++)
			if (!isnan(x[i])) {
				sum[i] += x[i];
				defined[i]++;
			}
	}
	*auc = defined[0] > 0 ? sum[0] / (double)defined[0] : (double)NAN;
	if (ap != NULL)
		*ap =
		    defined[1] > 0 ? sum[1] / (double)defined[1] : (double)NAN;
}

/* The share of records with a mark; the mean of a value; NaN without them. */
static double
share(const uint8_t *is, const uint32_t *w, size_t n)
{
	uint64_t some = 0, all = 0;

	if (is == NULL)
		return (double)NAN;
	for (size_t i = 0; i < n; i++) {
		uint64_t c = w != NULL ? w[i] : 1;

		all += c;
		some += is[i] ? c : 0;
	}
	return all > 0 ? (double)some / (double)all : (double)NAN;
}

static double
mean(const double *x, const uint32_t *w, size_t n)
{
	return x != NULL ? metrics_mean(x, w, n) : (double)NAN;
}

/* The share of records whose class is among the first m. */
static double
share_near(const struct scores *s, const uint32_t *w, int m)
{
	uint64_t some = 0, all = 0;

	if (s->near == NULL)
		return (double)NAN;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t c = w != NULL ? w[i] : 1;

		all += c;
		some += s->near[i] <= m ? c : 0;
	}
	return all > 0 ? (double)some / (double)all : (double)NAN;
}

/* An infinite width has no mean. */
static double
mean_size(const struct scores *s, const uint32_t *w)
{
	double x = mean(s->size, w, s->n);

	return isfinite(x) ? x : (double)NAN;
}

static void
class_at(
    const struct scores *s, const uint32_t *w, struct tally *tally, double *out)
{
	struct f1 f;

	scores_tally(s, w, tally);
	f = metrics_f1_all(tally, s->K);
	out[CLASS_ACCURACY] = share(s->right, w, s->n);
	out[CLASS_MACRO_F1] = f.macro;
	out[CLASS_WEIGHTED_F1] = f.weighted;
	out[CLASS_MICRO_F1] = f.micro;
	out[CLASS_LOG_LOSS] = mean(s->loss, w, s->n);
	out[CLASS_BRIER] = mean(s->square, w, s->n);
	out[CLASS_ECE] = out[CLASS_ECE_MASS] = (double)NAN;
	out[CLASS_ECE_LIMIT] = (double)NAN;
	if (s->conf != NULL && asked(s, CLASS_ECE))
		out[CLASS_ECE] = metrics_ece(s->conf, s->right, w, s->n);
	if (s->conf_order != NULL)
		out[CLASS_ECE_MASS] = metrics_ece_mass(
		    s->conf_order, s->conf_mark, s->conf, w, s->n);
	rank_records(s, w, &out[CLASS_AUC], NULL);
	out[CLASS_TOP3] = share_near(s, w, 3);
	out[CLASS_TOP5] = share_near(s, w, 5);
	out[CLASS_COVERAGE] = share(s->covered, w, s->n);
	out[CLASS_SET_SIZE] = mean_size(s, w);
}

static void
multi_at(
    const struct scores *s, const uint32_t *w, struct tally *tally, double *out)
{
	const double *rank = s->rank;
	uint64_t wrong = 0, all = 0;
	struct f1 f;

	scores_tally(s, w, tally);
	f = metrics_f1_all(tally, s->K);
	for (size_t k = 0; k < s->K; k++)
		wrong +=
		    tally[k].support + tally[k].predicted - 2 * tally[k].hit;
	for (size_t i = 0; i < s->n; i++)
		all += w != NULL ? w[i] : 1;
	out[MULTI_SUBSET_ACCURACY] = share(s->right, w, s->n);
	out[MULTI_HAMMING_LOSS] =
	    all > 0 && s->K > 0 ? (double)wrong / ((double)all * (double)s->K)
				: (double)NAN;
	out[MULTI_MACRO_F1] = f.macro;
	out[MULTI_WEIGHTED_F1] = f.weighted;
	out[MULTI_MICRO_F1] = f.micro;
	rank_records(s, w, &out[MULTI_AUC], &out[MULTI_PRECISION]);
	out[MULTI_RANK_PRECISION] = mean(rank, w, s->n);
	out[MULTI_RANK_COVERAGE] =
	    mean(rank != NULL ? rank + s->n : NULL, w, s->n);
	out[MULTI_RANK_LOSS] =
	    mean(rank != NULL ? rank + 2 * s->n : NULL, w, s->n);
	out[MULTI_COVERAGE] = share(s->covered, w, s->n);
	out[MULTI_SET_SIZE] = mean_size(s, w);
}

static void
regress_at(
    const struct scores *s, const uint32_t *w, double *scratch, double *out)
{
	out[REGRESS_R2] = metrics_r2(s->y, s->f, w, s->n);
	out[REGRESS_MAE] = metrics_mean(s->loss, w, s->n);
	out[REGRESS_RMSE] = sqrt(metrics_mean(s->square, w, s->n));
	out[REGRESS_SPEARMAN] = s->order != NULL
				    ? metrics_spearman(s->y, s->f, s->order,
					  s->order + s->n, w, s->n, scratch)
				    : (double)NAN;
	out[REGRESS_COVERAGE] = share(s->covered, w, s->n);
	out[REGRESS_WIDTH] = mean_size(s, w);
}

void
scores_at(const struct scores *s, const uint32_t *w, void *scratch, double *out)
{
	if (s->task == SCORE_CLASS)
		class_at(s, w, scratch, out);
	else if (s->task == SCORE_MULTILABEL)
		multi_at(s, w, scratch, out);
	else
		regress_at(s, w, scratch, out);
}

void
scores_free(struct scores *s)
{
	free(s->truth);
	free(s->guess);
	free(s->conf);
	free(s->is);
	free(s->said);
	free(s->probs);
	free(s->y);
	free(s->f);
	free(s->loss);
	free(s->square);
	free(s->right);
	free(s->near);
	free(s->rank);
	free(s->covered);
	free(s->size);
	free(s->order);
	free(s->mark);
	free(s->conf_order);
	free(s->conf_mark);
	memset(s, 0, sizeof(*s));
}
