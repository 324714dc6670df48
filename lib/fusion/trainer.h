#ifndef FUSION_TRAINER_H
#define FUSION_TRAINER_H

#include "fusion/checkpoint.h"
#include "fusion/predictor.h"
#include "learn/search.h"

/*
 * From a dataset to a predictor.  Everything that is chosen, is chosen by what
 * models say of records of folds that they had not seen: the settings of each
 * model, the way models are mixed, which of them stands for records that lack
 * parts, temperature and thresholds, and the method itself where it is left
 * open.  Then the chosen models are learnt from all records.
 *
 *	concat     one linear model over all parts
 *	late       one of each part, stacked for each set of parts
 *	mlp ...    a net (net.h)
 *	ensemble   several of these, chosen greedily (Caruana et al. 2004)
 *	auto       tries them, and keeps concat unless another is better
 */

enum fusion_method {
	FUSION_CONCAT,
	FUSION_LATE,
	FUSION_MLP,
	FUSION_GATED,
	FUSION_LOWRANK,
	FUSION_TENSOR,
	FUSION_BILINEAR,
	FUSION_ATTENTION,
	FUSION_ENSEMBLE,
	FUSION_AUTO
};

struct trainer {
	struct search_options search;
	int cross_validate; /* else everything must be given or defaults */
	double tolerance;   /* of the last fit */
	uint64_t seed;      /* for the report: what dataset_finish got */
	int keep;           /* fill held and held_part; needs two folds */

	enum fusion_method method;
	struct net_shape shape; /* hidden, rank: as given, 0: what suits */
	struct net_options net; /* zeros and NaNs: what suits */
	int net_given;          /* the two were set; else they are not read */
	int no_backoff;         /* no models for records that lack parts */
	enum impute_kind impute;
	double logit_adjust; /* scores minus this times the log prior */
	size_t budget;       /* models that auto and ensemble try; 0: default */
	double seconds;      /* or for how long they begin new ones; 0: no */
	const char *checkpoint; /* file, or NULL */
	/* A sentence on what was tried or chosen; may be NULL. */
	void (*say)(void *ctx, const char *text);
	void *say_ctx;

	/* Set by trainer_run. */
	struct search tried; /* of the linear model over all parts; nothing in
			      * it without cross-validation */
	struct search_trial choice;
	double *weight; /* [features] choice.part_weight */
	struct lbfgs_result fit;
	int dual;
	size_t groups;
	struct search_score score; /* out of fold, of the whole model */
	struct checkpoint *kept;
	struct predictor predictor;
	void **owned; /* [nowned] its arrays */
	size_t nowned, owned_cap;

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
	float **held_part; /* [held_parts] */
	size_t held_parts;
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

/* trainer_saved: the model is safe: the checkpoint's file is removed. */
void trainer_saved(struct trainer *t);

/* class_weight_name: "none", "sqrt", "balanced" or "auto".  fusion_name:
 * "concat", ... */
const char *class_weight_name(enum class_weight kind);
const char *fusion_name(enum fusion_method method);

#endif
