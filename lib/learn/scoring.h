#ifndef LEARN_SCORING_H
#define LEARN_SCORING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/pool.h"
#include "learn/predictions.h"
#include "learn/resample.h"
#include "learn/scores.h"

/*
 * From predictions to figures: which records count, and what they say.
 *
 * Records are taken in the order of their ids, classes in the order of their
 * names, both by bytes, so that no figure depends on the order of lines.  Left
 * out, and counted, are records in error, without a known truth, among the
 * model's training records unless they are asked for, and those on which the
 * model declined to say anything.
 *
 * Functions return 0 or -1 with a sentence; the caller owns struct scoring
 * and frees it with scoring_free, also after a failure.
 */

struct scoring_options {
	const struct intern *ids; /* only these records; NULL for all.  One
				   * without a prediction is an error */
	int resubstitution;       /* training records count too */
	uint32_t only;            /* figures, as in struct scores; 0: all */
};

/* Of all records that were asked for, in each system. */
struct scoring_count {
	size_t records, errors, trained, no_truth, rejected, accepted;
};

struct scoring {
	int systems;        /* 1, or 2 to be compared */
	size_t n;           /* records that are scored, in each system */
	struct scores s;    /* of systems * n predictions */
	struct intern name; /* its K classes or labels, sorted */
	uint32_t *unit;     /* [n] for resampling */
	size_t units;
	int grouped; /* units are groups */
	struct scoring_count count[2];
};

/*
 * scoring_make(g, p, systems, o): p: [systems], all of one task.  Two systems
 * must have predicted the same records and agree in the truth; what is left
 * out in one is left out in both.
 */
int scoring_make(struct scoring *g, const struct predictions *const *p,
    int systems, const struct scoring_options *o, struct error *e);
void scoring_free(struct scoring *g);

/* All that is known then.  F = the figures of the task. */
struct figures {
	double value[2][SCORES_MAX];              /* of A and B */
	struct interval interval[3 * SCORES_MAX]; /* [3, F] A, B, A - B */
	double p[SCORES_MAX];                     /* of A - B, by permutation */
	size_t rounds;                            /* 0: no intervals, no p */
	uint64_t only_a, only_b; /* class: one system alone was right */
	double mcnemar;          /* NaN unless classes, two, no groups */
};

/* scoring_figures: every figure, with ${rounds} rounds of resampling. */
int scoring_figures(const struct scoring *g, size_t rounds, uint64_t seed,
    struct pool *pool, struct figures *f, struct error *e);

#endif
