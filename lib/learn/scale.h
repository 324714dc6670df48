#ifndef LEARN_SCALE_H
#define LEARN_SCALE_H

#include "base/pool.h"
#include "learn/dataset.h"
#include "linalg/linalg.h"

/*
 * Scaling that is learnt from some rows of a dataset and applied to all, so
 * that parts are comparable: the mean squared length of a part's rows is 1
 * over the rows that were learnt from.
 *
 *	dense   every column to mean 0 and equal variance; every block of
 *	        columns to an equal share of the part's length.  A constant
 *	        column is dropped: it gets no weight.
 *	sparse  value * (log((1 + n) / (1 + df)) + 1), then the row to length
 *	        1; n and df count the rows that have the part and the column.
 *	        A column that none of them has counts for nothing
 *	sequence  every row as a dense vector, by the statistics of all rows of
 *	        the records; the mean of a record's rows is scaled as a row.
 *	        Means are shorter than rows: feature.gain says by how much
 *	indicators of missing parts   centred only
 *
 * Rows without the part are zero afterwards and count in no statistic.
 */

/* dataset_scale(ds, rows): learn from ${rows} and apply.  Dense values change
 * in place; repeating it with other rows undoes the first.  The rows of a
 * sequence stay as they came: whoever reads them scales them (inputs.h).  0 or
 * -1. */
int dataset_scale(const struct linalg *la, struct pool *pool,
    struct dataset *ds, const struct rows *rows, struct error *e);

#endif
