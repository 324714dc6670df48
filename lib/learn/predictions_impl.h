#ifndef LEARN_PREDICTIONS_IMPL_H
#define LEARN_PREDICTIONS_IMPL_H

#include "learn/predictions.h"

/* predictions_name: the number of a label, which must be fit to be one. */
int predictions_name(
    struct predictions *p, struct str s, uint32_t *number, struct error *e);

/* predictions_row: an empty row for an id, which must be new. */
struct prediction *predictions_row(
    struct predictions *p, struct str id, struct str group, struct error *e);

/* One more label that is said, that its set holds, or probability, of the last
 * row. */
int predictions_say(struct predictions *p, uint32_t name, struct error *e);
int predictions_hold(struct predictions *p, uint32_t name, struct error *e);
int predictions_prob(
    struct predictions *p, uint32_t name, double prob, struct error *e);

/* predictions_true: one more true value of the row, from wherever it comes. */
int predictions_true(struct predictions *p, struct prediction *row,
    struct str s, struct error *e);

/* predictions_count: refuses several true values of one record, unless it is
 * a multi-label one. */
int predictions_count(
    const struct predictions *p, size_t values, struct error *e);

#endif
