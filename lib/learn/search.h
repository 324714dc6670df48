#ifndef LEARN_SEARCH_H
#define LEARN_SEARCH_H

#include "base/mem.h"
#include "base/pool.h"
#include "learn/crossfit.h"
#include "learn/dataset.h"
#include "linalg/linalg.h"

/*
 * Cross-validation inside the training data: lambda, the weight of each part
 * and the weighting of classes, by what records of the fold left out get.
 * Everything that is learnt, scaling too, is learnt in the other folds.
 *
 * Maximised is (accuracy + macro-F1) / 2 - log-loss / 5: the first two are what
 * is wanted, the third is smooth where they are not; for numbers, R2.
 *
 * The search goes one thing at a time: lambda at equal weights of the parts;
 * then each part's weight times and through 3, and what was better together, or
 * twice (of two parts also times and through sqrt(3)); then the weighting of
 * classes, and lambda again in steps of sqrt(10).  Given values are not
 * searched.  Of trials that score equally the first wins.
 */

struct search_trial;

struct search_options {
	double lambda;             /* NaN: chosen */
	const double *part_weight; /* [parts], NaN: chosen; NULL: all are */
	enum class_weight class_weight;
	uint64_t parts; /* to use; a record that lacks one of ${need} is
			 * neither learnt from nor counted */
	uint64_t need;
	const struct search_trial *start; /* for weights and lambda: only
					   * what is near is tried; or NULL */
	double tolerance;                 /* of the fits in the folds */
	/* Called as work is done; may be NULL. */
	void (*progress)(void *ctx, size_t done);
	void *ctx;
};

/* What records left out got; all folds together. */
struct search_score {
	double accuracy;    /* class; multilabel: labels right */
	double macro_f1;    /* class, multilabel */
	double log_loss;    /* nats a record, after calibration */
	double r2;          /* regress */
	double value;       /* what the search maximises */
	double calibration; /* scores times this have the least log-loss */
};

struct search_trial {
	double lambda;
	enum class_weight class_weight;
	const double *part_weight; /* [features], shared by trials */
	struct search_score score;
};

struct search {
	struct search_trial *trials; /* [n] in the order they were made */
	size_t n, cap, best;
	double **weights; /* the vectors that part_weight points to */
	size_t nweights, weights_cap;
	size_t fits;
};

/* search_run: 0 or -1. */
int search_run(struct search *s, const struct linalg *la, struct crossfit *c,
    struct dataset *ds, const struct search_options *o, struct error *e);
void search_free(struct search *s);

/* search_defaults(ds, given, parts, weight): the weights of the features where
 * ${given} has them, equal ones elsewhere, 0 for parts not in ${parts}; those
 * of the parts sum to 1.
 * given: [parts], NaN where not given; or NULL   weight: [features] */
void search_defaults(const struct dataset *ds, const double *given,
    uint64_t parts, double *weight);

#endif
