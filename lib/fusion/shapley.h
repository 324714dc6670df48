#ifndef FUSION_SHAPLEY_H
#define FUSION_SHAPLEY_H

#include "fusion/predictor.h"

/*
 * What each part of a record contributed to what a model says of it: exact
 * Shapley values (Shapley 1953; Lundberg and Lee 2017,
 * https://arxiv.org/abs/1705.07874) of the game whose players are the parts
 * that the record has, and whose value is what the model itself says when only
 * the parts in S are there:
 *
 *	class        v(S) = log(p / (1 - p)) of the said class
 *	multilabel   the same of a label
 *	regress      v(S) = the value
 *
 *	share_p = sum over S without p of
 *	          |S|! (k - |S| - 1)! / k!  (v(S and p) - v(S))
 *
 * with k the number of players.  base = v(nothing); base and shares sum to
 * v(all).  A part that the record lacks, or that is not live, is no player:
 * its share is 0.  A part that is guessed is none either: it says what those
 * that are there say.
 *
 *	n = records, P = parts, C = outputs
 */

enum { SHAPLEY_MAX_PARTS = 12 };

struct shares {
	size_t parts;     /* P */
	size_t n;         /* records */
	size_t *end;      /* [n] outputs up to and with record i */
	uint32_t *output; /* [outputs] the class, or label */
	double *base;     /* [outputs] */
	double *share;    /* [outputs, P] */
	/* The rest is shapley.c's own. */
	size_t end_cap, output_cap, base_cap, share_cap;
	struct inputs in, some;
	uint32_t *row;
	float *F;
	size_t row_cap, F_cap;
};

/* shares_init: for answers of this model.  shares_free takes any state. */
int shares_init(struct shares *s, const struct predictor *p, struct error *e);
void shares_free(struct shares *s);

/* shapley_parts: 0, or -1 with a sentence where a stream with this map has
 * more than SHAPLEY_MAX_PARTS parts that are live, or the model a part that is
 * called "base". */
int shapley_parts(const struct predictor *p, const int *map, struct error *e);

/*
 * shapley_shares: of records [first, first + n) of a batch, of which the model
 * says A: [n, C] (after predictor_link), into ${s} in place of what is there.
 * class: of the said class; multilabel: of each said label, or of the
 * likeliest where none is said.
 */
int shapley_shares(struct shares *s, const struct predictor *p,
    const struct linalg *la, const struct batch *b, const int *map,
    size_t first, size_t n, const float *A, struct predictor_room *room,
    struct error *e);

/* shapley_value: v of a record with scores F: [C], of one output. */
double shapley_value(const struct predictor *p, const float *F, size_t output);

#endif
