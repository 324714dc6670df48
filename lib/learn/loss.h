#ifndef LEARN_LOSS_H
#define LEARN_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "linalg/linalg.h"

/*
 * What the learners minimise, for scores F: [n, C].  Losses are doubles in
 * nats (regression: half squares).  Nothing here can fail.
 *
 *	class        log sum_c exp F_c  -  F_y          softmax
 *	multilabel   sum_c log(1 + exp F_c) - y_c F_c   one logistic a label
 *	regress      sum_c (F_c - y_c)^2 / 2
 */

enum task { TASK_CLASS, TASK_MULTILABEL, TASK_REGRESS };

/* The truth of n records, with a weight for each. */
struct truth {
	enum task task;
	size_t C;
	const uint32_t *label; /* class: [n] */
	const float *y;        /* multilabel (0, 1), regress: [n, C] */
	const float *weight;   /* [n] */
};

enum { LOSS_ROWS = 128 };

/*
 * loss_gradient(t, first, n, F, scratch): the weighted loss of records
 * [first, first + n), summed in order of the records; F: [n, C] is replaced
 * by its derivative.  scratch: [n * C] floats.
 */
double loss_gradient(const struct linalg *la, const struct truth *t,
    size_t first, size_t n, float *F, float *scratch);

/* loss_best: the class of the highest of C scores or probabilities, the first
 * of equals. */
size_t loss_best(const float *F, size_t C);

/* loss_link: scores to what people read, in place: probabilities (class:
 * rows sum to 1; multilabel: each in (0, 1)); regression stays. */
void loss_link(
    const struct linalg *la, enum task task, float *F, size_t n, size_t C);

/*
 * loss_chance: scores of classes, in place, to those of a record whose label is
 * by chance with the probability sum_c chance_c, and then c in proportion to
 * chance_c: F = log((1 - sum chance) softmax(F) + chance).
 * chance: [C] each above 0, their sum below 1
 */
void loss_chance(
    const struct linalg *la, const float *chance, float *F, size_t n, size_t C);

#endif
