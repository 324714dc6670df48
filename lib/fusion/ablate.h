#ifndef FUSION_ABLATE_H
#define FUSION_ABLATE_H

#include "base/mem.h"
#include "base/pool.h"
#include "fusion/predictor.h"
#include "learn/labels.h"
#include "learn/scoring.h"
#include "linalg/linalg.h"

/*
 * What each part is worth to a trained model: its figures where parts are
 * taken away, or where noise covers one of them, beside those with everything
 * that is there, of the same records.
 *
 * All records are held in memory, as they are in training.  Who counts is as
 * in learn/scoring.h, and nothing depends on the order of the records or the
 * number of threads.
 *
 * Functions return 0 or -1 with a sentence; ablation_free takes any state.
 */

enum { ABLATE_PARTS = 8 }; /* 2^8 subsets are scored at most */

struct ablate_options {
	int noise;                  /* else subsets */
	const struct labels *truth; /* NULL: that of the stream */
	const struct intern *ids;   /* only these; NULL: all */
	int resubstitution;
	unsigned figures; /* bits of the task's; 0: ablate_figures */
	size_t rounds;    /* of resampling */
	uint64_t seed;
};

/* One way of looking at the records, and what came of it. */
struct probe {
	uint64_t keep;    /* parts of the model that count */
	int part;         /* that noise covers, or -1 */
	double noise;     /* in standard deviations */
	int pattern;      /* of those records alone that have just ${keep} */
	size_t n;         /* records scored */
	struct figures f; /* A: so; B: with everything.  Of a pattern A
			   * alone. */
	int paired;       /* there is a B, which is not A itself */
};

struct ablation {
	const struct predictor *p;
	enum score_task task;
	unsigned figures;
	uint64_t parts; /* of the model, that the stream has */
	struct probe *probe;
	size_t n;
	struct scoring_count count;
	size_t K, units, rounds;
	int grouped;
	uint64_t rejected; /* records that the stream's maker could not read */
	int partial;       /* and that it is not whole */
	struct error bad;  /* why the first was rejected here, or "" */
};

/*
 * ablation_run: read the files, predict and score.
 *
 * Subsets: all parts first, then by falling number, none last; behind them one
 * probe for each pattern of parts that some records have, other than all.  A
 * part that is taken away is missing, as predictor_scores has it.
 *
 * Noise: with everything first, then ABLATE_LEVELS for each part.
 *   dense, sequence   each value x becomes x + level * sd * g, with the
 *                     column's standard deviation in training and g from a
 *                     standard normal; constant columns stay
 *   sparse            each pair is dropped with probability
 *                     level^2 / (1 + level^2): the squared cosine between
 *                     what is left and what was is 1 / (1 + level^2) in the
 *                     mean, as it is for dense values
 * The draws of a record depend on the seed, its id and the part, and are the
 * same for every level.
 */
enum { ABLATE_LEVELS = 6 };
extern const double ablate_level[ABLATE_LEVELS];

int ablation_run(struct ablation *a, const struct predictor *p,
    const struct linalg *la, struct pool *pool, char *const *paths, int n,
    const struct ablate_options *o, struct error *e);
void ablation_free(struct ablation *a);

/* ablate_task: what it is called in scores.h. */
enum score_task ablate_task(enum task task);

/* ablate_figures(task): accuracy, macro-F1, log-loss; micro- and macro-F1; R2
 * and mean absolute error. */
unsigned ablate_figures(enum score_task task);

/*
 * ablate_spread: sd: [D] the standard deviations of the scaled columns over
 * the training records, as scaling made them; 0 where constant.  names: of the
 * columns.  Dense and sequence parts.
 */
void ablate_spread(
    double *sd, const struct scaled_part *s, const struct strs *names);

/*
 * ablate_cover: noise over part k of these inputs: of batch records [first,
 * first + in->n), whose ids seed it.  sd: from ablate_spread; NULL for a
 * sparse part.
 */
void ablate_cover(struct inputs *in, size_t k, const double *sd, double level,
    const struct batch *b, size_t first, uint64_t seed);

/* ablation_text, ablation_json: the table.  0, or -1 when memory is out. */
int ablation_text(struct buf *out, const struct ablation *a);
int ablation_json(struct buf *out, const struct ablation *a);

/* ablation_undefined: how many of its figures have no value. */
int ablation_undefined(const struct ablation *a);

#endif
