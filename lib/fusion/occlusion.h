#ifndef FUSION_OCCLUSION_H
#define FUSION_OCCLUSION_H

#include "fusion/predictor.h"
#include "vec/occlude.h"

/*
 * What the pieces of an item, words of a text or cells of a picture, contribute
 * to what a model says of a record, by taking each away (vec/occlude.h) while
 * all else of the record stays:
 *
 *	share = v(the record) - v(the record without the piece)
 *
 * where v is that of shapley.h, of the likeliest class or label.  Shares of
 * pieces do not sum to anything: two words that say the same are each worth
 * little.
 */

struct occlusion_piece {
	size_t part; /* of the model */
	double from, to, share;
};

struct occlusion {
	size_t *end; /* [records] pieces up to and with record i */
	struct occlusion_piece *piece;
	/* The rest is occlusion.c's own. */
	size_t end_cap, piece_cap;
	struct batch varied;
	float *F;
	size_t F_cap;
};

/* occlusion_plain: the schema of a stream as the model reads it, where parts
 * that are occluded of dense ones of the model are dense.  How many there are,
 * or -1. */
int occlusion_plain(struct schema *plain, const struct schema *s,
    const struct predictor *p, struct error *e);

/* occlusion_free takes any state. */
void occlusion_free(struct occlusion *o);

/*
 * occlusion_shares: of records [first, first + n) of ${b}, which are those of
 * ${plain} with the rows of what is occluded, into ${o} in place of what is
 * there.  map: of the plain schema.  0 or -1.
 */
int occlusion_shares(struct occlusion *o, const struct predictor *p,
    const struct linalg *la, const struct batch *b, const struct batch *plain,
    const int *map, size_t first, size_t n, struct predictor_room *room,
    struct error *e);

#endif
