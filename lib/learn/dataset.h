#ifndef LEARN_DATASET_H
#define LEARN_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/mem.h"
#include "learn/loss.h"
#include "vec/batch.h"

/*
 * Records to learn from, in memory, taken from batches one by one.  Vectors
 * are held once; scaling (scale.h) changes them in place.
 *
 *	n = records, D = a part's dim, A = columns of a part that occur
 *	R = rows of a sequence, C = outputs: classes, labels or targets
 *
 * A sequence has two sides.  Whoever can attend to its rows reads them from
 * ${value}.  For everyone else, solvers and kernels among them, it is a dense
 * part: x holds the mean of the record's rows, scaled as a row is, and ${kind}
 * says PART_DENSE.  A sequence without rows is a missing part.
 *
 * dataset_add takes records in the order they come; dataset_finish numbers
 * classes and columns and orders the records by fold and hash, so that nothing
 * afterwards depends on the order of the input.
 *
 * Functions return 0 or -1 with a sentence; dataset_free takes any state.
 */

/* One part's values.  Where mask is 0, dense rows are zero and sparse rows
 * empty. */
struct feature {
	char *name;
	enum part_kind kind; /* of x: a sequence is dense here */
	int sequence;
	uint32_t dim;
	size_t active; /* A; dense: D */
	uint8_t *mask; /* [n] */
	size_t mask_cap;

	float *x; /* dense: [n, D], scaled: (raw - shift) * factor */
	size_t x_cap;
	double *shift;   /* dense: [D] */
	double *factor;  /* dense: [D] */
	uint8_t *live;   /* dense: [D], 0 where constant in training */
	uint32_t *block; /* dense: [blocks] ends of the blocks of columns */
	size_t blocks;
	int fixed;   /* dense: centred, but not scaled */
	double gain; /* dense: what makes the mean squared length of x 1; of
		      * a sequence, whose rows are scaled to that and not
		      * their means, it is more than 1, else it is 1 */

	size_t *start;   /* [n] where a record's pairs or rows begin */
	uint32_t *count; /* [n] and how many they are */
	size_t start_cap, count_cap;
	uint32_t *index; /* sparse: [pairs] < A after dataset_finish */
	float *value;    /* sparse: [pairs]; sequence: [R, D]; as they came */
	size_t pairs, index_cap, value_cap; /* pairs: or R */
	uint32_t *column; /* sparse: [A] their index in the stream, rising */
	float *idf;       /* sparse: [A] */
	float *inverse;   /* sparse: [n] 1 / length of the row times idf */
};

struct dataset {
	size_t n;
	size_t parts; /* of the stream; feature[parts] may be a further one,
		       * the indicators of missing parts (dataset_finish) */
	size_t features;
	struct feature *feature; /* [features] */

	struct intern id;
	uint64_t *id_hash, *group_hash; /* [n] equal where there is no group */
	size_t id_cap, group_cap;
	int grouped;   /* some record has a group */
	float *weight; /* [n] as the records say */
	size_t weight_cap;

	enum task task;
	int may_widen; /* class may become multilabel */
	size_t C;
	struct intern label; /* class names, sorted, or empty */
	uint32_t *of;        /* [of_n] labels of all records */
	size_t *of_end;      /* [n] */
	size_t of_n, of_cap, end_cap;
	double *target; /* [n] regress */
	size_t target_cap;
	uint32_t *y_class;      /* [n] class */
	float *y;               /* [n, C] multilabel, regress (standardised) */
	double y_mean, y_scale; /* regress: target = mean + scale * y */

	size_t folds;
	size_t *fold_first; /* [folds + 1] rows of fold k */
};

/* Some rows of a dataset: at most two spans, in order. */
struct rows {
	size_t first[2], count[2];
};

static inline size_t
rows_count(const struct rows *r)
{
	return r->count[0] + r->count[1];
}

/* dataset_init: for records of this schema.  With ${may_widen}, class becomes
 * multilabel when some record has several labels; without, that is an error.
 * Columns in a row whose names differ only in a number behind a dot (hog.0,
 * hog.1) are a block (scale.h). */
int dataset_init(struct dataset *ds, const struct schema *s, enum task task,
    int may_widen, struct error *e);
void dataset_free(struct dataset *ds);

enum dataset_taken {
	DATASET_TAKEN,
	DATASET_NO_LABEL,  /* left out: no label, or no target */
	DATASET_NO_PART,   /* left out: no part is there, some in error */
	DATASET_NO_WEIGHT, /* left out: its weight is 0 */
	DATASET_NOT_FINITE /* left out: NaN or infinity in a vector or weight */
};

/*
 * dataset_add: take record i of ${b} with these labels (class, multilabel) or
 * this target (regress).  Multilabel: a record without labels is one that none
 * applies to, unless ${known} is 0.  An id that came before is an error: "id
 * 'x' came before".  What became of the record goes to *taken.
 */
int dataset_add(struct dataset *ds, const struct batch *b, size_t i,
    const struct str *labels, size_t nlabels, int known, double target,
    enum dataset_taken *taken, struct error *e);

/*
 * dataset_finish(ds, folds, seed): no record follows.  Refuses no records, a
 * single class, equal targets.  Where a part is missing in some records and
 * present in others, an indicator column for it joins the extra feature.
 *
 * Each group of records gets a fold: groups in the order of their salted hash,
 * each to the fold that has least of its labels, then fewest records, then the
 * lowest number.  Records are then ordered by fold and salted hash of the id.
 * Fewer folds where there are fewer groups; 1 means the order alone.
 */
int dataset_finish(
    struct dataset *ds, size_t folds, uint64_t seed, struct error *e);

/* dataset_fold: the second half of that (folds.c). */
int dataset_fold(
    struct dataset *ds, size_t folds, uint64_t seed, struct error *e);

/* dataset_rows: all rows; fold k's; all but fold k's. */
struct rows dataset_rows(const struct dataset *ds);
struct rows dataset_in_fold(const struct dataset *ds, size_t k);
struct rows dataset_not_in_fold(const struct dataset *ds, size_t k);

/* dataset_truth: the truth with these weights: [n]. */
struct truth dataset_truth(const struct dataset *ds, const float *weight);

/* dataset_hash_id, dataset_hash_group: what a model remembers of a name. */
uint64_t dataset_hash_id(struct str id);
uint64_t dataset_hash_group(struct str group);

/* feature_block: where the block of columns that begins with column ${from} of
 * a part ends.  Columns in a row with one stem are a block; columns without
 * names are. */
uint32_t feature_block(const struct strs *names, uint32_t dim, uint32_t from);

/* feature_present: how many of the n rows have the part. */
size_t feature_present(const struct feature *f, size_t n);

/* feature_mixed: whether the part is missing in some of the n rows and there
 * in others. */
int feature_mixed(const struct feature *f, size_t n);

/* feature_mean: the mean of a record's rows x: [rows, D], in double, summed in
 * their order.  mean: [D] */
void feature_mean(double *mean, const float *x, size_t rows, size_t D);

/* dataset_columns: sum of A over the features. */
size_t dataset_columns(const struct dataset *ds);

#endif
