#ifndef NN_SPREAD_H
#define NN_SPREAD_H

#include "base/pool.h"
#include "linalg/linear.h"
#include "linalg/rowwise.h"

/*
 * The work of one call by several threads: a record that comes alone would
 * leave all but one of them without any.  A linear layer is cut by outputs and
 * attention by heads, whose bytes do not depend on where.
 */

struct spread {
	struct pool *pool; /* whose spare threads help (base/pool.h), or NULL */
	size_t team; /* parts that there may be in this call; 1: no help */
};

/* spread_begin(s): set team.  Rooms are for so many parts, spread_room(size)
 * apart. */
void spread_begin(struct spread *s);
size_t spread_room(size_t size);

/* spread_linear: linear_run.  room: [team] of linear_room(l, rows) bytes. */
void spread_linear(const struct spread *s, enum isa isa, float *y, size_t ldy,
    const float *x, size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, void *room, size_t room_step);

/* spread_attention: a->room: [team] of rowwise_attention_room. */
void spread_attention(const struct spread *s, enum isa isa,
    const struct attention *a, size_t room_step);

#endif
