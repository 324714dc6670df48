#ifndef FUSION_NEIGHBOURS_H
#define FUSION_NEIGHBOURS_H

#include "base/intern.h"
#include "base/pool.h"
#include "fusion/predictor.h"

/*
 * The records that a model sees nearest to one: by the cosine of its joint
 * representation (predictor_vector).
 *
 *	n = records asked about, N = records to choose from, V = length of
 *	the vectors, k = how many are wanted
 */

enum { NEIGHBOURS_MAX = 1000 }; /* k */

struct neighbours {
	size_t n; /* N */
	size_t V;
	struct intern id; /* [N] */
	float *x;         /* [N, V] of unit length */
	size_t x_cap;
};

/*
 * neighbours_read: all records of a stream that can be predicted and have a
 * vector.  A sentence names the file.  neighbours_free takes any state.
 */
int neighbours_read(struct neighbours *nb, const struct predictor *p,
    const struct linalg *la, struct pool *pool, const char *path,
    struct error *e);
void neighbours_free(struct neighbours *nb);

/* Scratch of one thread. */
struct neighbours_room {
	float *x, *cosine; /* [n, V], [n, N of a block] */
	size_t x_cap, cosine_cap;
};
void neighbours_room_free(struct neighbours_room *room);

/*
 * neighbours_find: for records [first, first + n) of a batch, near: [n, k]
 * the nearest, nearest first, of equal cosines the one whose id is first, and
 * their cosines; *found of them (fewer than k where there are fewer, none of a
 * record without a vector).  The record itself, by its id, is no neighbour:
 * found: [n].
 */
int neighbours_find(const struct neighbours *nb, const struct predictor *p,
    const struct linalg *la, const struct batch *b, const int *map,
    size_t first, size_t n, size_t k, uint32_t *near, float *cosine,
    size_t *found, struct predictor_room *room, struct neighbours_room *scratch,
    struct error *e);

#endif
