#ifndef LEARN_SCORING_IMPL_H
#define LEARN_SCORING_IMPL_H

#include "learn/scoring.h"

/* Which rows of the systems are scored: rows[x][r] is the row of record r in
 * system x. */
struct selection {
	uint32_t *rows[2];
	size_t n;
};

/* Numbers of a system's names in g->name; PREDICTION_NONE when unused. */
struct name_map {
	uint32_t *to;
};

/* scoring_fill: the arrays of g->s, whose task, n and K are known.  0, or -1
 * when memory is out. */
int scoring_fill(struct scoring *g, const struct predictions *const *p,
    const struct selection *q, const struct name_map *map);

#endif
