#ifndef LEARN_METRICS_H
#define LEARN_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * Figures of merit, on plain arrays and in double.
 *
 *	n = records   K = classes or labels
 *	w: [n] how often each record counts, 0 and more; NULL for once each
 *
 * Whole-number weights make every figure serve the bootstrap as it is: a
 * resample is a w.  Sums run in the order of the records.  A figure that has
 * no value (no records, one class only, a constant) is NaN here: ask isnan;
 * commands print "undefined".  Nothing here can fail unless it says so, and
 * nothing is kept.  Names and conventions are those of scikit-learn.
 */

/* One class among the truth and the predictions. */
struct tally {
	uint64_t hit;       /* records of the class predicted as it */
	uint64_t predicted; /* records predicted as it */
	uint64_t support;   /* records that are of it */
};

/*
 * metrics_tally: count single-label predictions.  tally: [K], overwritten;
 * truth, guess: [n], each below K.
 */
void metrics_tally(struct tally *tally, size_t K, const uint32_t *truth,
    const uint32_t *guess, const uint32_t *w, size_t n);

/* Of one class; NaN where its denominator is 0.
 *   precision = hit / predicted      recall = hit / support
 *   F1 = 2 hit / (predicted + support) */
double metrics_precision(const struct tally *t);
double metrics_recall(const struct tally *t);
double metrics_f1(const struct tally *t);

/*
 * Over the classes that occur in the truth or in the predictions:
 *   macro: the plain mean of F1; weighted: the mean by support;
 *   micro: F1 of the sums, which is the accuracy when every record has one
 *   label and one prediction.
 */
struct f1 {
	double macro, micro, weighted;
};
struct f1 metrics_f1_all(const struct tally *tally, size_t K);

/* metrics_accuracy: share of records with truth == guess. */
double metrics_accuracy(
    const uint32_t *truth, const uint32_t *guess, const uint32_t *w, size_t n);

/* metrics_mean(x, w, n): the mean of x: [n].  Log-loss, the Brier score and
 * the errors of a regression are means of a value for each record: */
double metrics_mean(const double *x, const uint32_t *w, size_t n);

/* -log p of the true class, p clipped to [2^-52, 1 - 2^-52]; in nats. */
double metrics_log_loss_of(double p);

/*
 * Brier 1950, of one record: sum over classes of (p - [class is true])^2, in
 * 0..2; with K = 2 half of that, (p - y)^2, in 0..1, as is usual.
 * p: [K]; truth >= K when the true class is not among them.
 */
double metrics_brier_of(const double *p, size_t K, size_t truth);

/*
 * metrics_ece: expected calibration error (Guo et al. 2017, On Calibration of
 * Modern Neural Networks, equation 3) in METRICS_BINS bins of equal width
 * (i / 15, (i + 1) / 15]: the mean over records of |share right - mean p| of
 * the record's bin.  p: [n], the probability given to the guess, in 0..1;
 * right: [n], 1 where the guess is the truth.
 */
enum { METRICS_BINS = 15 };
double metrics_ece(
    const double *p, const uint8_t *right, const uint32_t *w, size_t n);

/*
 * metrics_ece_mass: the same in METRICS_BINS bins of equal mass: the records
 * in the order of p, cut into parts of n / 15 records.  A record or a group of
 * equal p that a cut goes through is shared between the bins, so neither the
 * order of records nor a constant weight matters.
 *   order: [n] from metrics_order of p   mark: [n] from metrics_mark with
 *   right for positive
 *
 * metrics_ece_share: the same of records that lie in the order of p, where one
 * may be right in part: right: [n], any numbers.
 */
double metrics_ece_mass(const uint32_t *order, const uint8_t *mark,
    const double *p, const uint32_t *w, size_t n);
double metrics_ece_share(const double *p, const double *right, size_t n);

/*
 * metrics_order(order, x, n): the permutation that sorts x: [n] ascending;
 * equal values by position.  NaN is not allowed.  0, or -1 when memory is
 * out.  What walks in that order wants it, once for many w.
 */
int metrics_order(uint32_t *order, const double *x, size_t n);

/*
 * metrics_mark(mark, order, score, positive, n): what such a walk wants to
 * know of record order[j], side by side: bits of mark[j].
 *   mark: [n]   positive: [n]
 */
enum {
	MARK_POSITIVE = 1, /* the record is */
	MARK_TIED = 2      /* its score is that of order[j + 1], too */
};
void metrics_mark(uint8_t *mark, const uint32_t *order, const double *score,
    const uint8_t *positive, size_t n);

/*
 * metrics_auc: the probability that a positive record scores higher than a
 * negative one, ties counting one half: the area under the ROC curve (Hanley
 * and McNeil 1982).  Exact: counts are whole numbers, below 2^31 in sum.  NaN
 * unless there are both.
 */
double metrics_auc(
    const uint32_t *order, const uint8_t *mark, const uint32_t *w, size_t n);

/*
 * metrics_ranking: the AUC, and beside it the average precision, the sum over
 * distinct scores, falling, of precision times the recall gained there, as
 * average_precision_score has it.  *precision: NaN without positive records;
 * may be NULL.
 */
double metrics_ranking(const uint32_t *order, const uint8_t *mark,
    const uint32_t *w, size_t n, double *precision);

/*
 * metrics_label_ranking: how well one record's scores rank its labels
 * (Tsoumakas, Katakis and Vlahavas 2010, Mining Multi-label Data):
 *   precision  label ranking average precision: the mean over true labels of
 *              the share of true ones among those ranked no lower; 1 where
 *              all are true or none
 *   coverage   how far down the list all true labels are met; 0 where none is
 *   loss       the share of (true, false) pairs that are not in order; 0 where
 *              there are no such pairs
 * Ties are the worst that they can be.  score, is: [K]
 */
struct label_ranking {
	double precision, coverage, loss;
};
struct label_ranking metrics_label_ranking(
    const double *score, const uint8_t *is, size_t K);

/* metrics_r2: 1 - sum (y - f)^2 / sum (y - mean y)^2; NaN when y is constant.
 * y, f: [n] truth and prediction. */
double metrics_r2(
    const double *y, const double *f, const uint32_t *w, size_t n);

/*
 * metrics_spearman: the correlation of ranks, tied values sharing the mean of
 * theirs.  NaN when x or y is constant.  x_order, y_order: from
 * metrics_order; rank: [2, n] scratch.
 */
double metrics_spearman(const double *x, const double *y,
    const uint32_t *x_order, const uint32_t *y_order, const uint32_t *w,
    size_t n, double *rank);

#endif
