#ifndef LEARN_SEARCH_H
#define LEARN_SEARCH_H

#include "base/mem.h"
#include "base/pool.h"
#include "learn/dataset.h"
#include "learn/solver.h"
#include "linalg/linalg.h"

/*
 * Cross-validation inside the training data: lambda, the weight of each part
 * and the weighting of classes, by what records of the fold left out get.
 * Everything that is learnt, scaling too, is learnt in the other folds.
 *
 * Maximised is (accuracy + macro-F1) / 2 - log-loss / 5: the first two are what
 * is wanted, the third is smooth where they are not; for numbers, R2.
 *
 * The search has two rounds.  The first tries every weighting of the parts on
 * a coarse grid of lambdas, with classes weighted by n^-1/2; the second refines
 * around the best: neighbours in the parts' weights, each weighting of classes,
 * a fine grid of lambdas.  Given values are not searched.  Of trials that score
 * equally the first wins.
 */

/* How much a record of a class of n records counts: 1, n^-1/2, n^-1, times a
 * constant that makes the mean over records 1. */
enum class_weight { CLASS_NONE, CLASS_SQRT, CLASS_BALANCED, CLASS_AUTO };

struct search_options {
	double lambda;             /* NaN: chosen */
	const double *part_weight; /* [parts], NaN: chosen; NULL: all are */
	enum class_weight class_weight;
	double tolerance; /* of the fits in the folds */
	/* Called as work is done; may be NULL. */
	void (*progress)(void *ctx, size_t done, size_t total);
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
	size_t fits, evaluations;
};

/* search_run: the dataset must have two folds or more.  0 or -1. */
int search_run(struct search *s, const struct linalg *la, struct pool *pool,
    struct dataset *ds, const struct search_options *o, struct error *e);
void search_free(struct search *s);

/* class_weights: weight[i] of the rows: the record's own times its class's.
 * weight: [ds->n], written for ${rows} only.  0 or -1. */
int class_weights(const struct dataset *ds, const struct rows *rows,
    enum class_weight kind, float *weight, struct error *e);

/* search_defaults(ds, given, weight): the weights of the features where
 * ${given} has them, equal ones elsewhere, those of the parts summing to 1.
 * given: [parts], NaN where not given; or NULL   weight: [features] */
void search_defaults(
    const struct dataset *ds, const double *given, double *weight);

#endif
