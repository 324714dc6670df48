#ifndef FUSION_TRAINER_IMPL_H
#define FUSION_TRAINER_IMPL_H

#include "fusion/checkpoint.h"
#include "fusion/trainer.h"
#include "learn/crossfit.h"

/*
 * What the files of the trainer share.
 *
 *	n = records, C = outputs, S = sets of parts
 *
 * A candidate is a model that could become a member.  Its held scores come
 * from the folds: own [n, C] from the parts that each record has, and for set
 * s, where that differs, from those parts alone, in the rows of records that
 * have them all.
 */

enum { SETS_MAX = 24 };

struct candidate {
	char *name;
	size_t number; /* in the order they were made: what a checkpoint
			* knows it by, as parts may have any names */
	enum member_kind kind;
	uint64_t parts; /* that it reads */
	uint64_t need;  /* learnt from records that have these; 0: from all */
	/* linear */
	struct search tried;
	struct search_trial choice;
	double *weight; /* [features] */
	/* net */
	struct net_shape shape;
	struct net_options net;
	size_t stop;  /* after so many of its epochs */
	size_t steps; /* an epoch, in the folds; 0: there are none */
	double loss; /* there, of the records that the worst fold learnt from */
	size_t runs; /* over the folds that it took */
	/* held out */
	float *own;  /* [n, C] */
	float **set; /* [sets] each [n, C], or NULL: as own */
	struct search_score score;
	int member; /* its place in the predictor, or -1 */
};

/* One row of the table to be. */
struct table_row {
	float *mix;    /* [cands] */
	float *shift;  /* [C] */
	float *chance; /* [C], or NULL: none */
	float *doubt;
	size_t doubts;
	double log_loss; /* held out */
	double rate;     /* of labels by chance */
};

/* What auto says of a method. */
struct fusion_trial {
	enum fusion_method method;
	int bold; /* its net is (net.h) */
	struct search_score score;
	double gain, error; /* over concat, a record, and its standard error */
};

struct learner {
	struct trainer *t;
	const struct linalg *la;
	struct pool *pool;
	struct dataset *ds;
	size_t n, C;
	uint64_t live;
	uint64_t *has;          /* [n] live parts of each record */
	int whole;              /* enough records have all live parts */
	uint64_t set[SETS_MAX]; /* set[0]: all live parts */
	size_t sets;
	int folded;             /* there is cross-validation */
	struct crossfit *cf;    /* until the table is made */
	struct candidate *cand; /* [cands] 0: concat */
	size_t cands, cands_cap;
	int fallback[SETS_MAX]; /* the linear model of just that set, or -1;
				 * that of all parts is concat itself: -1 */
	struct table_row table[SETS_MAX];
	struct fusion_trial *trial; /* [ntrials] of auto and ensemble */
	size_t ntrials, trials_cap, spent;
	enum fusion_method chosen;
	double started;               /* by the clock of seconds */
	struct scaling *fold_scaling; /* [folds] of nets; NULL before */
};

void trainer_say(const struct learner *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- candidates (trainer_linear.c, trainer_net.c, trainer_fit.c) ---- */

/* candidate_new: its number, or -1. */
int candidate_new(struct learner *l, const char *name, enum member_kind kind,
    uint64_t parts, uint64_t need, struct error *e);

/* candidate_under: its held scores from set s: [n, C]; NULL where it reads
 * none of the parts, or has none. */
const float *candidate_under(
    const struct learner *l, const struct candidate *c, size_t s);

/* candidate_room: for its held scores; candidate_no_room: it has none. */
int candidate_room(struct learner *l, struct candidate *c, struct error *e);
void candidate_no_room(const struct learner *l, struct candidate *c);

/* linear_learn: choose its settings and hold its scores.  Without folds:
 * settings as given.  start: of another one, or NULL. */
int linear_learn(struct learner *l, struct candidate *c,
    const struct search_trial *start, struct error *e);

/* net_learn: the same for a net; number i of the candidates.  1: it cannot be
 * learnt from these records, for the reason in e; it has no held scores. */
int net_learn(
    struct learner *l, size_t i, enum net_kind kind, int bold, struct error *e);

/* linear_fit, nets_fit: learn the linear members of the predictor from all
 * records. */
int linear_fit(struct learner *l, struct error *e);
int nets_fit(struct learner *l, struct error *e);

/* ---- checkpoints (trainer_kept.c) ---- */

enum { KEPT_NAME = 40 };

/* kept_name: what a checkpoint calls something of a candidate's. */
const char *kept_name(
    const struct candidate *c, const char *what, char name[KEPT_NAME]);

/* kept_open: t->kept, where a checkpoint is asked for.  kept_take: settings
 * and held scores of a candidate that has room for them: 1; 0 where they are
 * not there; -1.  kept_put: keep them. */
int kept_open(struct learner *l, struct error *e);
int kept_take(struct learner *l, struct candidate *c, struct error *e);
int kept_put(struct learner *l, struct candidate *c, struct error *e);

/* ---- mixing (blend.c, blend_scale.c) ---- */

/* Some rows of held scores, end to end, with their truth. */
struct held_rows {
	size_t m, C;
	enum task task;
	uint32_t *row;      /* [m] of the dataset */
	uint32_t *label;    /* class: [m] */
	float *y;           /* [m, C] */
	float *weight;      /* [m] */
	float *G, *scratch; /* [m, C] each */
};

/* held_rows_take: the records that have all parts of ${need} (0: all). */
int held_rows_take(struct held_rows *h, const struct learner *l, uint64_t need,
    struct error *e);
void held_rows_free(struct held_rows *h);
struct truth held_truth(const struct held_rows *h, const float *weight);

/* blend_gather: out = rows of F. */
void blend_gather(const struct held_rows *h, const float *F, float *out);

/* blend_loss: mean loss of scale * F; F: [m, C] gathered.  blend_scale: the
 * scale with the least; regression: 1. */
double blend_loss(
    struct held_rows *h, const struct linalg *la, const float *F, double scale);
double blend_scale(
    struct held_rows *h, const struct linalg *la, const float *F, double *loss);

/* blend_calibrate: the scale, and of classes the chance: [C] (learn/loss.h),
 * that have the least loss together.  *rate: the sum of chance, of which
 * nothing is to be used where it is 0. */
double blend_calibrate(struct held_rows *h, const struct linalg *la,
    const float *F, float *chance, double *rate, double *loss);

/* blend_stack: weights w: [k] >= 0 and shifts b: [C] with the least weighted
 * loss of b + sum_j w_j F_j; F: [k] gathered. */
int blend_stack(struct held_rows *h, const struct linalg *la,
    const float *const *F, size_t k, const float *weight, double *w, float *b,
    struct error *e);

/* blend_greedy: weights w: [k] that sum to 1, by adding again and again the
 * one that lowers the loss most (Caruana et al. 2004, with replacement). */
int blend_greedy(struct held_rows *h, const struct linalg *la,
    const float *const *F, size_t k, const float *weight, double *w,
    struct error *e);

/* ---- what is better (trainer_worth.c) ---- */

/*
 * worth_of: u: [n] of scores F: [n, C], which are overwritten.  Classes: the
 * mean of accuracy and macro-F1 less a fifth of the log-loss, as in search.h,
 * with F1 to first order around D, so that it is a sum over records; else, and
 * without D, less the loss.
 *
 * worth_f1: F1 of a class is 2 right / (said + true); D: [2, C] gets said +
 * true and F1 of scores F: [n, C].
 *
 * worth_gain: the mean of u - base over records, and its standard error, where
 * records of a group count together.
 */
int worth_of(const struct learner *l, float *F, const double *D, double *u,
    struct error *e);
void worth_f1(const struct learner *l, const float *F, double *D);
int worth_gain(const struct learner *l, const double *u, const double *base,
    double *gain, double *error, struct error *e);

/* ---- how frequent answers are (trainer_none.c) ---- */

/* trainer_shares: p: [C] of all records, as though each answer had been seen
 * half a time more; of numbers the mean.  Returns the sum of their weights.
 * trainer_score_of: the score that says an answer of that share. */
double trainer_shares(const struct learner *l, double *p);
double trainer_score_of(const struct learner *l, double p);

/* ---- the method (trainer_choice.c) ---- */

/* choose_method: learn what the method needs beyond the linear candidates, and
 * make the table. */
int choose_method(struct learner *l, struct error *e);

/* trainer_judge: what held scores F: [n, C] are worth; F is overwritten. */
int trainer_judge(const struct learner *l, float *F, struct search_score *score,
    struct error *e);

/* ---- the table (trainer_table.c) ---- */

/* table_make: a row for every set, the candidates' weights in the whole model
 * being base: [cands]; late: stacked anew for every set; brief: only for sets
 * that records of the dataset have. */
int table_make(struct learner *l, const double *base, int late, int brief,
    struct error *e);
void table_clear(struct learner *l);

/* trainer_doubt: about the truth of row i, with these probabilities p: [C];
 * negative where there is no truth to doubt.  trainer_sort_doubts: rising. */
float trainer_doubt(const struct dataset *ds, size_t i, const float *p);
void trainer_sort_doubts(float *doubt, size_t n);

/* table_held: scores F: [n, C] that the table gives from the records' own
 * parts. */
void table_held(const struct learner *l, float *F);

/* ---- afterwards (trainer_report.c, trainer_model.c) ---- */

/* trainer_thresholds: of labels, by held-out probabilities P: [n, C]: that with
 * the best F1, or 0.5 where that is no better than to say the label always
 * (trainer_thresholds.c). */
int trainer_thresholds(struct learner *l, const float *P, struct error *e);

int trainer_report(struct learner *l, struct error *e);
int trainer_model(
    struct learner *l, const struct schema *schema, struct error *e);
/* trainer_none: the row for records without any part (trainer_none.c); there is
 * room for it in the table. */
int trainer_none(struct learner *l, struct error *e);
void *trainer_own(struct trainer *t, void *p); /* NULL, and frees p, when out
						* of memory */

#endif
