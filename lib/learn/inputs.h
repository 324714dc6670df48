#ifndef LEARN_INPUTS_H
#define LEARN_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "learn/dataset.h"
#include "linalg/linalg.h"
#include "vec/batch.h"

/*
 * What a model reads: records with the values of their parts scaled, whether
 * they come from the training data or from a stream.
 *
 *	n = records, P = parts, D = a part's dim, A = known columns of a sparse
 *	part, R = rows of a sequence
 *
 * Functions return 0 or -1 with a sentence; the caller owns the structs, and
 * a zeroed one is valid and empty.
 */

enum { INPUTS_MAX_PARTS = 64 }; /* a set of parts is the bits of a word */

/*
 * The scaling of one part, as scale.h learns it:
 *
 *	dense     z = (x - shift) * factor, in double, rounded once
 *	sparse    z = x * idf for the known columns, then to length 1; pairs of
 *	          unknown columns are dropped
 *	sequence  every row as a dense vector; the mean of the rows as they
 *	          came (feature_mean) likewise.  No rows: missing
 */
struct scaled_part {
	enum part_kind kind;
	uint32_t dim;
	size_t active;          /* dense, sequence: D; sparse: A */
	const double *shift;    /* dense, sequence: [D] */
	const double *factor;   /* [D] 0 where constant in training */
	const uint32_t *column; /* sparse: [A] rising */
	const float *idf;       /* sparse: [A] */
};

struct scaling {
	size_t n; /* parts */
	struct scaled_part *part;
	uint64_t live; /* parts that may say something: the others are
			* constant wherever they are there, and are treated as
			* missing in every record */
	int owned;     /* the arrays are freed with the struct */
};

/* scaling_take: a copy of what dataset_scale learnt last, of ds->parts. */
int scaling_take(struct scaling *s, const struct dataset *ds, struct error *e);
void scaling_free(struct scaling *s);

/* scaling_look: set ${live} from the factors that are there. */
void scaling_look(struct scaling *s);

/* One part of n records.  Missing: dense rows are zero, others empty. */
struct input_part {
	float *dense;    /* dense: [n, D]; sequence: [n, D] the means of the
			  * rows, for members that read one vector */
	size_t *end;     /* sparse: pairs, sequence: rows, up to and with
			  * record i */
	uint32_t *index; /* sparse: [pairs] below A */
	float *value;    /* sparse: [pairs]; sequence: [R, D] */
	size_t dense_cap, end_cap, index_cap, value_cap;
};

struct inputs {
	const struct scaling *scaling; /* borrowed */
	size_t n;
	uint64_t *has; /* [n] bit p: the record has part p */
	size_t has_cap;
	struct input_part *part; /* [P] */
	double *column;          /* scratch: [2 D] of the widest part */
};

/* inputs_init: for that scaling.  inputs_free takes any state. */
int inputs_init(struct inputs *in, const struct scaling *s, struct error *e);
void inputs_free(struct inputs *in);

/*
 * inputs_rows: rows of a dataset, in this order, replacing what is there.
 * inputs_batch: records [first, first + n) of a batch; map: [P] which part of
 * it each is, or -1.  Parts whose bit is not in ${keep} are missing, as are
 * those that are not live.  What a record's inputs are depends on that record
 * alone.  A dataset's values are brought back to what came and scaled anew, so
 * its present scaling does not matter beyond rounding.
 */
int inputs_rows(struct inputs *in, const struct dataset *ds,
    const uint32_t *row, size_t n, uint64_t keep, struct error *e);
int inputs_batch(struct inputs *in, const struct batch *b, const int *map,
    size_t first, size_t n, uint64_t keep, struct error *e);

/* inputs_pick: of other inputs, with the same scaling, these records (row:
 * [n], or NULL for the first n) and of their parts those in ${keep}. */
int inputs_pick(struct inputs *to, const struct inputs *from,
    const uint32_t *row, size_t n, uint64_t keep, struct error *e);

/* inputs_keep: take the parts that are not in ${keep} out of every record, in
 * place. */
void inputs_keep(struct inputs *in, uint64_t keep);

#endif
