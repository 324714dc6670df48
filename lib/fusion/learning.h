#ifndef FUSION_LEARNING_H
#define FUSION_LEARNING_H

#include <math.h>

#include "base/message.h"
#include "base/options.h"
#include "fusion/trainer.h"
#include "learn/gather.h"

/*
 * The options of commands that learn from records (train, suspect), and the way
 * from files to what was learnt.  For commands: a bad option is a usage error,
 * and what is to be said of the records is said.
 *
 *	struct learning l = LEARNING_DEFAULTS;
 *	...	default: if (!learning_option(&l, &o, key)) ...
 *	learning_check(&l);
 *	learning_gather(&l, paths, n, &e)
 *	...what else t is to know...
 *	learning_run(&l, &t, &e)
 *	return learning_status(&l), after learning_free
 */

struct learning {
	struct gather_options from;
	int may_be_off;               /* set before: --cv off is allowed */
	long folds;                   /* 0: no cross-validation */
	double lambda;                /* NaN: chosen */
	struct given_weight *weights; /* [nweights] */
	size_t nweights, weights_cap;
	enum class_weight class_weight;
	enum fusion_method method;
	long budget;
	double seconds;
	uint64_t seed;
	long threads;
	struct tolerance errors;
	enum progress_mode progress;
	int quiet;

	/* Set by learning_gather. */
	struct schema schema;
	struct dataset ds;
	struct gathered gathered;
};

#define LEARNING_DEFAULTS                                                      \
	{                                                                      \
		.folds = 5, .lambda = NAN, .class_weight = CLASS_AUTO          \
	}

enum {
	LEARNING_KEY_FIRST = 1300,
	LEARNING_KEY_HEADER = LEARNING_KEY_FIRST,
	LEARNING_KEY_TASK,
	LEARNING_KEY_CV,
	LEARNING_KEY_LAMBDA,
	LEARNING_KEY_WEIGHT,
	LEARNING_KEY_CLASS_WEIGHT,
	LEARNING_KEY_FUSION,
	LEARNING_KEY_BUDGET,
	LEARNING_KEY_MAX_ERRORS,
	LEARNING_KEY_PROGRESS
};

/* What is learnt from; how; and the rest.  The rows of LEARNING_KEY_CV and
 * LEARNING_KEY_LAMBDA are each command's own. */
// clang-format off
#define LEARNING_FROM \
	{ 'l', "labels", "FILE", \
	  "labels as TSV, id and labels (those in the stream)" }, \
	{ LEARNING_KEY_HEADER, "header", NULL, "FILE's first line is a header" }, \
	{ LEARNING_KEY_TASK, "task", "TASK", \
	  "class|multilabel|regress (class, or multilabel where a record has " \
	  "several labels)" }
#define LEARNING_WEIGHTS \
	{ LEARNING_KEY_WEIGHT, "weight", "PART=X", \
	  "weight of a part (chosen); may be given again" }, \
	{ LEARNING_KEY_CLASS_WEIGHT, "class-weight", "HOW", \
	  "none|sqrt|balanced|auto: how much rare classes count (auto)" }
#define LEARNING_METHODS \
	"concat|late|mlp|gated|lowrank|tensor|bilinear|attention|ensemble|auto"
#define LEARNING_FUSION \
	{ LEARNING_KEY_FUSION, "fusion", "METHOD", LEARNING_METHODS " (concat)" }, \
	{ LEARNING_KEY_BUDGET, "budget", "N|Ns", \
	  "methods that auto and ensemble try (5), or seconds in " \
	  "which they begin new ones" }
#define LEARNING_RUN \
	{ 's', "seed", "SEED", "salt of the folds (0)" }, \
	{ 'j', "threads", "N", "workers (all processors)" }, \
	{ LEARNING_KEY_MAX_ERRORS, "max-errors", "N|P%", \
	  "end with 0 for up to so many records in error (0)" }, \
	{ LEARNING_KEY_PROGRESS, "progress", "WHEN", "auto|never|json (auto)" }
// clang-format on

/* learning_option: take the option that options_next gave, -q too.  1, or 0
 * when the key is none of the above.  learning_check: whether they go
 * together. */
int learning_option(struct learning *l, const struct options *o, int key);
void learning_check(const struct learning *l);

/* learning_gather: read the records.  learning_run: number, fold and train.
 * 0, or -1 with a sentence. */
int learning_gather(
    struct learning *l, char *const *paths, int n, struct error *e);
int learning_run(struct learning *l, struct trainer *t, struct error *e);

/* learning_status: what the command ends with.  learning_free takes any
 * state. */
int learning_status(const struct learning *l);
void learning_free(struct learning *l);

#endif
