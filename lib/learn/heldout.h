#ifndef LEARN_HELDOUT_H
#define LEARN_HELDOUT_H

#include "learn/dataset.h"
#include "learn/search.h"

/*
 * Running counts from which the scores of a trial are made, so that no
 * prediction of a record need be kept.  The log-loss is counted for scores
 * times each of HELDOUT_SCALES factors; the least is found between them.
 */

enum { HELDOUT_SCALES = 9 };

struct heldout {
	uint64_t *right, *said, *true_; /* [C] of each class or label */
	double n, weight, loss[HELDOUT_SCALES];
	double error2, sum, sum2; /* regress: squares of errors; targets */
};

int heldout_init(struct heldout *t, size_t C, struct error *e);
void heldout_free(struct heldout *t);

/* heldout_merge: t += u, of as many classes. */
void heldout_merge(struct heldout *t, const struct heldout *u, size_t C);

/* heldout_add: scores F: [n, C] of rows [row, row + n); F is overwritten.
 * scratch: [2 * n * C] */
void heldout_add(struct heldout *t, const struct linalg *la,
    const struct dataset *ds, size_t row, size_t n, float *F, float *scratch);

void heldout_score(
    const struct heldout *t, const struct dataset *ds, struct search_score *s);

#endif
