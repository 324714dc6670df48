#ifndef FUSION_TRAINER_H
#define FUSION_TRAINER_H

#include "fusion/predictor.h"
#include "learn/search.h"

/*
 * From a dataset to a predictor: search by cross-validation or take what is
 * given, fit on all records, calibrate, and write down what was done.
 */

struct trainer {
	struct search_options search;
	int cross_validate; /* else everything must be given or defaults */
	double tolerance;   /* of the last fit */
	uint64_t seed;      /* for the report: what dataset_finish got */
	int keep;           /* fill held and held_part; needs two folds */

	/* Set by trainer_run. */
	struct search tried; /* nothing in it without cross-validation */
	struct search_trial choice;
	double *weight; /* [features] choice.part_weight */
	struct lbfgs_result fit;
	int dual;
	size_t groups;
	struct predictor predictor; /* its arrays are those below */
	float *W, *b, *missing, *mix, *shift;
	uint64_t *ids, *group_ids;

	/*
	 * With ${keep}: what models that had not seen a record say of it, rows
	 * as in the dataset after trainer_run (the record of row i is the one
	 * whose dataset_hash_id is ds->id_hash[i]).  Probabilities, or
	 * values as people read them: [n, C].
	 *	held          the whole model, from the parts that the record
	 *has held_part[p]  part p alone, NaN in rows that lack it; NULL where
	 *	              nothing can be learnt from the part
	 */
	float *held;
	float **held_part; /* [parts] */
};

/* Without cross-validation: the penalty of scikit-learn's C = 1 on 1,000
 * records. */
#define TRAINER_LAMBDA 1e-3

/* Tolerance of the fits in the folds: what follows no longer changes who is
 * right. */
#define TRAINER_SEARCH_TOLERANCE 1e-3

/*
 * trainer_run(t, ds, schema): ${schema} is the stream's that the dataset was
 * made from.  Afterwards t->predictor can be saved and used while t and ds
 * live.  0, or -1 with a sentence; trainer_free takes any state.
 */
int trainer_run(struct trainer *t, const struct linalg *la, struct pool *pool,
    struct dataset *ds, const struct schema *schema, struct error *e);
void trainer_free(struct trainer *t);

/* class_weight_name: "none", "sqrt", "balanced" or "auto". */
const char *class_weight_name(enum class_weight kind);

#endif
