#ifndef VEC_COMPARE_H
#define VEC_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vec/batch.h"

/*
 * How far apart records of the same id are: of two batches, whose parts may
 * be more and other than those that both have.  Plain double sums in order of
 * the index, so the figures do not depend on the machine.  No function here
 * fails.
 */

/* Two vectors. */
struct distance {
	double cosine; /* in [-1, 1]; 1 for two zero vectors, 0 for one */
	double max;    /* largest absolute difference of two values */
	int shape;     /* 1: another number of rows, or other times: then only
			* the rows that both have were compared */
};

/*
 * compare_vectors(p, a, i, b, k, d): record i of column a and record k of
 * column b, of kind and dim as in p, which both have (masks are 1).
 * Sequences are compared as one long vector of all their rows.
 */
void compare_vectors(const struct part *p, const struct part_column *a,
    size_t i, const struct part_column *b, size_t k, struct distance *d);

enum { /* columns that may differ, as bits */
	DIFF_LABEL = 1 << 0,
	DIFF_TARGET = 1 << 1,
	DIFF_WEIGHT = 1 << 2,
	DIFF_GROUP = 1 << 3,
	DIFF_FLAGS = 1 << 4,
	DIFF_COLUMNS = 5
};

/* compare_columns: which columns of record i of a and record k of b differ. */
int compare_columns(
    const struct batch *a, size_t i, const struct batch *b, size_t k);

#endif
