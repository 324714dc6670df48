#ifndef LEARN_NEAR_H
#define LEARN_NEAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "vec/batch.h"

/*
 * Near copies: all pairs of records whose vectors have a cosine of at least
 * so much, found exactly, and joined in a forest of sets (split.h).
 *
 *	n = records, D = dim
 *
 * Time grows with n^2 D for dense vectors, and for sparse ones with the
 * number of pairs of records that share an index.  NEAR_SLACK is what the
 * rounding of a cosine may take away: 1 finds equal vectors.
 */

#define NEAR_SLACK 1e-6f

/* Vectors of one part, scaled to unit length as they are taken. */
struct near {
	enum part_kind kind;
	uint32_t dim;
	size_t n;
	float *x;    /* dense: [n, D] zero where a record has none */
	size_t *end; /* sparse: [n] pairs up to and with record i */
	uint32_t *index;
	float *value;
	size_t x_cap, end_cap, index_cap, value_cap;
};

/* near_add: take part p of record i.  0 or -1. */
int near_add(
    struct near *v, const struct batch *b, size_t i, size_t p, struct error *e);

/* near_join: join all pairs with cosine >= least in parent: [n]. */
int near_join(const struct near *v, float least, uint32_t *parent,
    struct pool *pool, struct error *e);

void near_free(struct near *v);

#endif
