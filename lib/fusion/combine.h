#ifndef FUSION_COMBINE_H
#define FUSION_COMBINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vec/batch.h"

/*
 * One vector of the parts of a record, by rule.  Of each part x, [D], first
 *
 *	none  w x        l2  w x / |x|        z  w (x - mean) / deviation
 *
 * with its weight w, mean and standard deviation being those of the records
 * that were fitted (a value that is constant there is only centred).  Then
 *
 *	concat   one after another
 *	sum, mean, max, product
 *		 element by element over the parts that are there; the mean
 *		 is sum w x / sum w.  All parts have one dim.
 *
 * A sparse part makes the result sparse; a sequence is refused.  The result's
 * space says what was done, to parts of which space, by which fitted model.
 *
 * Arithmetic is in double and rounded to float once; the length of a dense
 * part is a float sum in the lane order of linalg.h, of a sparse one a double
 * sum in order of its pairs.
 *
 * Functions return 0 or -1 with a sentence; combine_free takes any state.
 */

enum combine_to {
	COMBINE_CONCAT,
	COMBINE_SUM,
	COMBINE_MEAN,
	COMBINE_MAX,
	COMBINE_PRODUCT
};
#define COMBINE_TO "concat|sum|mean|max|product"

enum combine_norm { COMBINE_NONE, COMBINE_L2, COMBINE_Z };
#define COMBINE_NORM "none|l2|z"

/* What stands for a missing part in a concatenation.  Where all parts are
 * missing, so is the result. */
enum combine_missing {
	COMBINE_DROP,      /* nothing: the whole result is missing */
	COMBINE_FILL,      /* the part's mean over the fitted records */
	COMBINE_INDICATOR, /* zeros, and one more dim for each part, behind
			    * all others, that is 1 where it is missing */
	COMBINE_REFUSE     /* it is an error */
};
#define COMBINE_MISSING "drop|mean|indicator"

struct combine_part {
	char *name, *space;
	enum part_kind kind;
	uint32_t dim;
	double weight;
	double *mean, *scale; /* [dim] scale = 1 / deviation; or NULL */
	uint64_t seen;        /* records fitted */
	int at;               /* which part of the stream; -1: none */
	uint32_t offset;      /* where it begins in a concatenation */
};

struct combine {
	enum combine_to to;
	enum combine_norm norm;
	enum combine_missing missing;
	size_t n;
	struct combine_part *parts; /* [n] */
	uint64_t model;             /* hash of the fitted model, or 0 */
	struct schema schema;       /* of the result, after combine_open */
	/* The rest is combine_apply.c's own. */
	float *values;       /* [sum of dense dims] parts after their norm */
	double *sum;         /* [dim] */
	struct pairs *pairs; /* [n] */
	struct pairs *result;
};

/* combine_init: combine all parts of these streams, every weight being 1. */
int combine_init(struct combine *c, const struct schema *in, enum combine_to to,
    enum combine_norm norm, enum combine_missing missing, struct error *e);
void combine_free(struct combine *c);

/* combine_weight: the weight of the part, > 0. */
int combine_weight(
    struct combine *c, const char *name, double w, struct error *e);

/* combine_fitted: 1 when statistics over records are needed. */
int combine_fitted(const struct combine *c);

/* combine_fit: take the records' statistics in, in their order. */
void combine_fit(struct combine *c, const struct batch *b);

/* combine_save: write settings and statistics as a model; combine_load reads
 * it, and combine_bind finds its parts in a stream: one that is absent there
 * is missing in every record, one that the model does not know is an error. */
int combine_save(struct combine *c, const char *path, struct error *e);
int combine_load(struct combine *c, const char *path, struct error *e);
int combine_bind(struct combine *c, const struct schema *in, struct error *e);

/* combine_open: make c->schema, one part of this name. */
int combine_open(struct combine *c, const char *name, struct error *e);

/* combine_apply: append every record of ${in} to ${out}, whose schema is
 * c->schema. */
int combine_apply(struct combine *c, const struct batch *in, struct batch *out,
    struct error *e);

#endif
