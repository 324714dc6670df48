#ifndef LEARN_SCORES_H
#define LEARN_SCORES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "learn/metrics.h"

/*
 * All figures of a task at once, from predictions and truth in memory, for
 * any weights of the records.  The caller fills the arrays of a zeroed struct
 * (each from mem_array; they then belong to the struct), calls
 * scores_prepare, and may ask scores_at as often as it likes, from several
 * threads.  Functions return 0 or -1 when memory is out.
 *
 *	n = records   K = classes or labels
 */

enum score_task { SCORE_CLASS, SCORE_MULTILABEL, SCORE_REGRESS };

struct scores {
	enum score_task task;
	size_t n, K;

	/* SCORE_CLASS.  K counts the classes of truth, guess and probs. */
	uint32_t *truth; /* [n] */
	uint32_t *guess; /* [n] */
	double *conf;    /* [n] probability of the guess, or NULL */

	/* SCORE_MULTILABEL */
	uint8_t *is;   /* [K, n] 1 where the record has the label */
	uint8_t *said; /* [K, n] 1 where it is predicted */

	/* Both; of every class for every record, or NULL */
	double *probs; /* [K, n] */

	/* SCORE_REGRESS */
	double *y, *f; /* [n] truth and prediction */

	/* Of predictions that come with a set of labels or an interval; or
	 * NULL */
	uint8_t *covered; /* [n] the truth lies in it */
	double *size;     /* [n] labels in it, or its width */

	uint32_t only; /* bit k: figure number k is asked for; 0: all are.
			* Those that are not may be NaN, and cost nothing. */

	/* Made by scores_prepare. */
	double *loss;    /* [n] class: log-loss; regress: absolute error */
	double *square;  /* [n] class: Brier; regress: squared error */
	uint8_t *right;  /* [n] class, multilabel: all is as in the truth */
	uint8_t *near;   /* [n] class: probabilities not below that of the
			  * truth, itself counted; at most 255 */
	double *rank;    /* [3, n] multilabel: struct label_ranking */
	uint32_t *order; /* [K, n] of probs, or [2, n] of y and f */
	uint8_t *mark;   /* [K, n] of probs, for AUC */
	uint32_t *conf_order; /* [n] of conf */
	uint8_t *conf_mark;   /* [n] */
};

/* The figures of a task, in this order.  AUC and average precision are means
 * over the classes that have both positive and negative records, or positive
 * ones, one against the rest. */
enum { SCORES_MAX = 16 };
enum {
	CLASS_ACCURACY,
	CLASS_MACRO_F1,
	CLASS_WEIGHTED_F1,
	CLASS_MICRO_F1,
	CLASS_LOG_LOSS,
	CLASS_BRIER,
	CLASS_ECE,
	CLASS_ECE_MASS,
	CLASS_ECE_LIMIT, /* of no weights: resample_calibrated makes it */
	CLASS_AUC,
	CLASS_TOP3, /* share of records whose class is among the first three */
	CLASS_TOP5,
	CLASS_COVERAGE, /* share of sets that hold the truth */
	CLASS_SET_SIZE,
	CLASS_SCORES
};
enum {
	MULTI_SUBSET_ACCURACY, /* share of records with exactly the labels */
	MULTI_HAMMING_LOSS,    /* share of wrong yes-or-no decisions */
	MULTI_MACRO_F1,
	MULTI_WEIGHTED_F1,
	MULTI_MICRO_F1,
	MULTI_AUC,
	MULTI_PRECISION,      /* mean average precision */
	MULTI_RANK_PRECISION, /* struct label_ranking */
	MULTI_RANK_COVERAGE,
	MULTI_RANK_LOSS,
	MULTI_COVERAGE, /* share of sets that hold all of the truth */
	MULTI_SET_SIZE,
	MULTI_SCORES
};
enum {
	REGRESS_R2,
	REGRESS_MAE,
	REGRESS_RMSE,
	REGRESS_SPEARMAN,
	REGRESS_COVERAGE, /* share of intervals that hold the truth */
	REGRESS_WIDTH,
	REGRESS_SCORES
};

struct score_name {
	const char *key;   /* for JSON and options: "macro_f1" */
	const char *title; /* for people: "macro F1" */
	int alone;         /* it has no interval and no difference */
};

/* scores_names(task, count): the names of its figures: [*count]. */
const struct score_name *scores_names(enum score_task task, size_t *count);

/* scores_has: bit k: figure number k is one of these predictions: top-3 needs
 * four classes and more, coverage needs sets. */
uint32_t scores_has(const struct scores *s);

int scores_prepare(struct scores *s);

/* scores_scratch: bytes of scratch that scores_at needs, 64-byte aligned. */
size_t scores_scratch(const struct scores *s);

/* scores_at(s, w, scratch, out): every figure; NaN where there is none.
 *   w: [n] or NULL   out: [count] */
void scores_at(
    const struct scores *s, const uint32_t *w, void *scratch, double *out);

/* scores_tally: hits, predictions and support of each class or label.
 *   tally: [K] */
void scores_tally(
    const struct scores *s, const uint32_t *w, struct tally *tally);

void scores_free(struct scores *s);

#endif
