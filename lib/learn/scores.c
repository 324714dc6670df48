#include "learn/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct score_name class_names[CLASS_SCORES] = {
	[CLASS_ACCURACY] = { "accuracy", "accuracy" },
	[CLASS_MACRO_F1] = { "macro_f1", "macro F1" },
	[CLASS_WEIGHTED_F1] = { "weighted_f1", "weighted F1" },
	[CLASS_MICRO_F1] = { "micro_f1", "micro F1" },
	[CLASS_LOG_LOSS] = { "log_loss", "log-loss" },
	[CLASS_BRIER] = { "brier", "Brier score" },
	[CLASS_ECE] = { "ece", "calibration error" },
	[CLASS_AUC] = { "auc", "AUC" },
};

static const struct score_name multi_names[MULTI_SCORES] = {
	[MULTI_SUBSET_ACCURACY] = { "subset_accuracy", "subset accuracy" },
	[MULTI_HAMMING_LOSS] = { "hamming_loss", "Hamming loss" },
	[MULTI_MACRO_F1] = { "macro_f1", "macro F1" },
	[MULTI_WEIGHTED_F1] = { "weighted_f1", "weighted F1" },
	[MULTI_MICRO_F1] = { "micro_f1", "micro F1" },
	[MULTI_AUC] = { "auc", "AUC" },
};

static const struct score_name regress_names[REGRESS_SCORES] = {
	[REGRESS_R2] = { "r2", "R2" },
	[REGRESS_MAE] = { "mae", "mean absolute error" },
	[REGRESS_RMSE] = { "rmse", "root mean square error" },
	[REGRESS_SPEARMAN] = { "spearman", "Spearman" },
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

/* The order of the probabilities of every class, for AUC. */
static int
order_probs(struct scores *s)
{
	if (s->probs == NULL)
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
	if (s->probs == NULL)
		return 0;
	s->loss = mem_array(s->n, sizeof(*s->loss));
	s->square = mem_array(s->n, sizeof(*s->square));
	p = mem_array(s->K, sizeof(*p));
	if (s->loss == NULL || s->square == NULL || p == NULL) {
		free(p);
		return -1;
	}
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->K; k++)
			p[k] = s->probs[k * s->n + i];
		s->loss[i] = metrics_log_loss_of(p[s->truth[i]]);
		s->square[i] = metrics_brier_of(p, s->K, s->truth[i]);
	}
	free(p);
	return order_probs(s);
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
	return order_probs(s);
}

static int
prepare_regress(struct scores *s)
{
	s->loss = mem_array(s->n, sizeof(*s->loss));
	s->square = mem_array(s->n, sizeof(*s->square));
	s->order = mem_array(2 * s->n, sizeof(*s->order));
	if (s->loss == NULL || s->square == NULL || s->order == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		double d = s->f[i] - s->y[i];

		s->loss[i] = fabs(d);
		s->square[i] = d * d;
	}
	if (metrics_order(s->order, s->y, s->n) < 0)
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

/* One against the rest, the mean over the classes where it is defined.  With
 * two classes that exclude each other one of them says it all. */
static double
mean_auc(const struct scores *s, const uint32_t *w)
{
	size_t first = s->task == SCORE_CLASS && s->K == 2, defined = 0;
	double sum = 0;

	if (s->probs == NULL)
		return (double)NAN;
	for (size_t k = first; k < s->K; k++) {
		double auc = metrics_auc(
		    &s->order[k * s->n], &s->mark[k * s->n], w, s->n);

		if (!isnan(auc)) {
			sum += auc;
			defined++;
		}
	}
	return defined > 0 ? sum / (double)defined : (double)NAN;
}

/* The mean of right: [n]. */
static double
share_right(const struct scores *s, const uint32_t *w, uint64_t *all)
{
	uint64_t right = 0;

	*all = 0;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t c = w != NULL ? w[i] : 1;

		*all += c;
		right += s->right[i] ? c : 0;
	}
	return *all > 0 ? (double)right / (double)*all : (double)NAN;
}

static void
class_at(
    const struct scores *s, const uint32_t *w, struct tally *tally, double *out)
{
	struct f1 f;
	uint64_t all;

	scores_tally(s, w, tally);
	f = metrics_f1_all(tally, s->K);
	out[CLASS_ACCURACY] = share_right(s, w, &all);
	out[CLASS_MACRO_F1] = f.macro;
	out[CLASS_WEIGHTED_F1] = f.weighted;
	out[CLASS_MICRO_F1] = f.micro;
	out[CLASS_LOG_LOSS] = out[CLASS_BRIER] = out[CLASS_ECE] = (double)NAN;
	if (s->probs != NULL) {
		out[CLASS_LOG_LOSS] = metrics_mean(s->loss, w, s->n);
		out[CLASS_BRIER] = metrics_mean(s->square, w, s->n);
	}
	if (s->conf != NULL)
		out[CLASS_ECE] = metrics_ece(s->conf, s->right, w, s->n);
	out[CLASS_AUC] = mean_auc(s, w);
}

static void
multi_at(
    const struct scores *s, const uint32_t *w, struct tally *tally, double *out)
{
	uint64_t wrong = 0, all;
	struct f1 f;

	scores_tally(s, w, tally);
	f = metrics_f1_all(tally, s->K);
	for (size_t k = 0; k < s->K; k++)
		wrong +=
		    tally[k].support + tally[k].predicted - 2 * tally[k].hit;
	out[MULTI_SUBSET_ACCURACY] = share_right(s, w, &all);
	out[MULTI_HAMMING_LOSS] =
	    all > 0 && s->K > 0 ? (double)wrong / ((double)all * (double)s->K)
				: (double)NAN;
	out[MULTI_MACRO_F1] = f.macro;
	out[MULTI_WEIGHTED_F1] = f.weighted;
	out[MULTI_MICRO_F1] = f.micro;
	out[MULTI_AUC] = mean_auc(s, w);
}

void
scores_at(const struct scores *s, const uint32_t *w, void *scratch, double *out)
{
	if (s->task == SCORE_CLASS) {
		class_at(s, w, scratch, out);
	} else if (s->task == SCORE_MULTILABEL) {
		multi_at(s, w, scratch, out);
	} else {
		out[REGRESS_R2] = metrics_r2(s->y, s->f, w, s->n);
		out[REGRESS_MAE] = metrics_mean(s->loss, w, s->n);
		out[REGRESS_RMSE] = sqrt(metrics_mean(s->square, w, s->n));
		out[REGRESS_SPEARMAN] = metrics_spearman(
		    s->y, s->f, s->order, s->order + s->n, w, s->n, scratch);
	}
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
	free(s->order);
	free(s->mark);
	memset(s, 0, sizeof(*s));
}
