#ifndef FUSION_PREDICTOR_H
#define FUSION_PREDICTOR_H

#include "base/mem.h"
#include "learn/dataset.h"
#include "linalg/linalg.h"
#include "vec/batch.h"
#include "vec/model.h"

/*
 * A trained linear model: scaling, weights, classes, and what it remembers of
 * its training.  As a file, tensors by name:
 *
 *	bias                 f32 [C]
 *	part.NAME.weight     f32 [A, C]
 *	part.NAME.shift      f64 [D]     dense: z = (x - shift) * factor
 *	part.NAME.factor     f64 [D]
 *	part.NAME.column     u32 [A]     sparse: known columns, rising
 *	part.NAME.idf        f32 [A]     z = x * idf, then to length 1
 *	missing              f32 [parts, C] added where the part is missing
 *	train.ids            u64 [n]     hashes of the training ids, rising
 *	train.groups         u64 [g]     of their groups, where they had any
 *
 * and the scores of a record are F = bias + sum over parts of z W, or the
 * row of missing.  Classes: softmax; labels: 1 / (1 + exp -F), said where it
 * reaches the threshold; regression: mean + scale * F.
 * The configuration names task, classes, parts with dim and space, and holds
 * the report of the training.
 *
 * Functions return 0 or -1 with a sentence.  Arrays belong to whoever made
 * them; of a loaded predictor to its file.  predictor_free takes any state.
 */

struct predictor_part {
	size_t active; /* A */
	const float *weight;
	const double *shift, *factor;
	const uint32_t *column;
	const float *idf;
};

struct predictor {
	enum task task;
	size_t C;
	struct strs classes; /* C names; none for regression */
	double threshold;    /* multilabel */
	double mean, scale;  /* regression */
	struct schema schema;
	struct predictor_part *part; /* [schema.n] */
	const float *bias, *missing;
	const uint64_t *ids, *groups;
	size_t nids, ngroups;
	char *report;       /* JSON object, or NULL */
	struct model model; /* the file, when loaded */
};

/* predictor_save: whole or not at all. */
int predictor_save(
    const struct predictor *p, const char *path, struct error *e);

/* predictor_load: everything in the file is checked: shapes against each
 * other, columns rising, numbers finite. */
int predictor_load(struct predictor *p, const char *path, struct error *e);
void predictor_free(struct predictor *p);

/*
 * predictor_bind: which part of the stream each part of the model is:
 * map: [schema.n], -1 where the stream has none (it is then missing in every
 * record).  Refuses a part that the model does not know, and one of other
 * kind, dim or space, naming what differs; also a stream without any.
 */
int predictor_bind(const struct predictor *p, const struct schema *s, int *map,
    struct error *e);

/*
 * predictor_scores: F: [n, C] for records [first, first + n) of a batch.
 * Records do not influence each other.  predictor_link then makes them
 * probabilities or values.  scratch: predictor_scratch(p, n) floats.
 */
size_t predictor_scratch(const struct predictor *p, size_t n);
void predictor_scores(const struct predictor *p, const struct linalg *la,
    const struct batch *b, const int *map, size_t first, size_t n, float *F,
    float *scratch);
void predictor_link(
    const struct predictor *p, const struct linalg *la, float *F, size_t n);

/* predictor_can: 1 when record i can be predicted: the parts that it has are
 * finite, and where it has none, none is in error.  Else 0, and *why says it.
 */
int predictor_can(const struct predictor *p, const struct batch *b,
    const int *map, size_t i, struct error *why);

/* predictor_knows: the record was trained on: by its id, or by its group. */
int predictor_knows(const struct predictor *p, struct str id, struct str group);

#endif
