#ifndef LEARN_PREDICTIONS_IMPL_H
#define LEARN_PREDICTIONS_IMPL_H

#include "learn/predictions.h"

/* predictions_true: one more true value of the row, from wherever it comes. */
int predictions_true(struct predictions *p, struct prediction *row,
    struct str s, struct error *e);

/* predictions_count: refuses several true values of one record, unless it is
 * a multi-label one. */
int predictions_count(
    const struct predictions *p, size_t values, struct error *e);

#endif
