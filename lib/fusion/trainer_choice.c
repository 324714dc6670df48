/*
 * Which candidates make the model: as the method says, or by comparison.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fusion/trainer_impl.h"
#include "linalg/mathd.h"

/* Whether there are two parts or more to stack. */
static int
can_stack(const struct learner *l)
{
	size_t n = 0;

	for (size_t s = 1; s < l->sets; s++)
		n += l->fallback[s] >= 0 && (l->set[s] & (l->set[s] - 1)) == 0;
	return n > 1;
}

/* ---- what is compared ---- */

struct choice {
	struct learner *l;
	double *base;   /* [CHOICES, CANDS] */
	double *concat; /* [n] worth of concat */
	double *D;      /* [2, C] of concat */
	double *u;      /* [n] */
	float *F;       /* [n, C] */
	size_t best;    /* trial; 0: concat */
	double started;
};

enum { CANDS_MAX = 64, TRIALS_MAX = 32 };

static double *
base_of(const struct choice *x, size_t trial)
{
	return x->base + trial * CANDS_MAX;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "gated", "bold gated" */
static const char *
trial_name(enum fusion_method method, int bold)
{
	static const char *const name[] = { [FUSION_MLP] = "bold mlp",
		[FUSION_GATED] = "bold gated",
		[FUSION_LOWRANK] = "bold lowrank",
		[FUSION_TENSOR] = "bold tensor",
		[FUSION_BILINEAR] = "bold bilinear",
		[FUSION_ATTENTION] = "bold attention" };

	return bold ? name[method] : fusion_name(method);
}

static void
say_trial(const struct choice *x, const struct fusion_trial *f)
{
	const struct learner *l = x->l;

	if (l->ds->task == TASK_REGRESS)
		trainer_say(l,
		    "tried %s: R2 %.4f, gain over concat %.4f +- %.4f",
		    trial_name(f->method, f->bold), f->score.r2, f->gain,
		    f->error);
	else
		trainer_say(l,
		    "tried %s: accuracy %.4f, macro-F1 %.4f, log-loss %.4f, "
		    "gain over concat %.4f +- %.4f",
		    trial_name(f->method, f->bold), f->score.accuracy,
		    f->score.macro_f1, f->score.log_loss, f->gain, f->error);
}

/* The model of this method, of the weights in base: what it reached, and by
 * how much it is better than concat, a record. */
static int
compare(struct choice *x, enum fusion_method method, int bold, struct error *e)
{
	struct learner *l = x->l;
	struct fusion_trial *f;

	if (mem_grow(&l->trial, &l->trials_cap, l->ntrials + 1,
		sizeof(*l->trial)) < 0)
		return error_memory(e);
	f = &l->trial[l->ntrials];
	*f = (struct fusion_trial){ .method = method, .bold = bold };
	if (table_make(l, base_of(x, l->ntrials), method == FUSION_LATE, 1, e) <
	    0)
		return -1;
	table_held(l, x->F);
	if (l->ntrials == 0 && l->ds->task == TASK_CLASS)
		worth_f1(l, x->F, x->D);
	if (worth_of(l, x->F, x->D, x->u, e) < 0)
		return -1;
	table_held(l, x->F);
	if (trainer_judge(l, x->F, &f->score, e) < 0)
		return -1;
	if (l->ntrials == 0)
		memcpy(x->concat, x->u, l->n * sizeof(*x->u));
	if (worth_gain(l, x->u, x->concat, &f->gain, &f->error, e) < 0)
		return -1;
	if (f->gain > (method == FUSION_ENSEMBLE ? 0 : f->error) &&
	    f->gain > l->trial[x->best].gain)
		x->best = l->ntrials;
	l->ntrials++;
	say_trial(x, f);
	return 0;
}

/* ---- nets ---- */

static enum net_kind
kind_of(enum fusion_method method)
{
	return (enum net_kind)(method - FUSION_MLP + NET_MLP);
}

enum { NONE = -1, LEFT_OUT = -2 };

/* A new candidate, which reads these parts: its number, LEFT_OUT where it
 * cannot be learnt (e says why), or -1. */
static int
learn_net(struct learner *l, enum fusion_method method, int bold,
    uint64_t parts, struct error *e)
{
	int i =
	    candidate_new(l, trial_name(method, bold), MEMBER_NET, parts, 0, e);
	int rc = i < 0 ? -1 : net_learn(l, (size_t)i, kind_of(method), bold, e);

	return rc < 0 ? NONE : rc > 0 ? LEFT_OUT : i;
}

/* Whether it is ours to say how boldly a net learns. */
static int
may_be_bold(const struct learner *l)
{
	const struct net_options *o = &l->t->net;

	return l->folded &&
	       (!l->t->net_given || (!(o->lr > 0) && isnan(o->weight_decay) &&
					isnan(o->dropout)));
}

/* The worth of a candidate's own held scores: u. */
static int
own_worth(struct choice *x, int i, const double *D, double *u, struct error *e)
{
	struct learner *l = x->l;
	const struct candidate *c = &l->cand[i];

	l->la->scale(x->F, (float)c->score.calibration, c->own, l->n * l->C);
	return worth_of(l, x->F, D, u, e);
}

/* By how much candidate k is better than i, a record, and its error. */
static int
compare_nets(struct choice *x, int i, int k, double *gain, double *error,
    struct error *e)
{
	if (x->l->ds->task == TASK_CLASS)
		worth_f1(x->l, x->l->cand[i].own, x->D);
	if (own_worth(x, i, x->D, x->concat, e) < 0 ||
	    own_worth(x, k, x->D, x->u, e) < 0)
		return -1;
	return worth_gain(x->l, x->u, x->concat, gain, error, e);
}

/* The better one of a net that holds back and a bold one, which varies more
 * from fit to fit and has to be better by a standard error. */
static int
learn_better_net(struct choice *x, enum fusion_method method, struct error *e)
{
	struct learner *l = x->l;
	int i = learn_net(l, method, 0, l->live, e), k;
	double gain, error;

	if (i == NONE || !may_be_bold(l))
		return i < 0 ? NONE : i;
	k = learn_net(l, method, 1, l->live, e);
	if (k == NONE || (i < 0 && k < 0))
		return NONE;
	if (i < 0 || k < 0)
		return i < 0 ? k : i;
	if (compare_nets(x, i, k, &gain, &error, e) < 0)
		return NONE;
	return gain > error ? k : i;
}

/* Whether a method is worth a try on these parts. */
static int
suits(const struct learner *l, enum fusion_method method, uint64_t these)
{
	size_t parts = 0, sequences = 0;

	for (size_t p = 0; p < l->ds->parts; p++) {
		if (!(these >> p & 1))
			continue;
		parts++;
		sequences += l->ds->feature[p].sequence != 0;
	}
	switch (method) {
	case FUSION_LATE:
		return can_stack(l);
	case FUSION_MLP:
		return parts > 0;
	case FUSION_ATTENTION:
		return sequences > 0;
	case FUSION_TENSOR:
		return parts == 2 || parts == 3;
	default:
		return parts > 1;
	}
}

enum { IN_TURN = 8 }; /* parts that are left out in turn, at most */

/* Whether the model of part p alone is better than what is said of a record
 * without any part. */
static int
tells_something(struct choice *x, size_t p, struct error *e)
{
	struct learner *l = x->l;
	double gain, error, *share;
	int i = NONE;

	for (size_t s = 1; s < l->sets; s++)
		if (l->set[s] == UINT64_C(1) << p)
			i = l->fallback[s];
	if (i < 0 || l->cand[i].own == NULL)
		return 0;
	share = mem_array(l->C, sizeof(*share));
	if (share == NULL)
		return error_memory(e);
	trainer_shares(l, share);
	for (size_t k = 0; k < l->n * l->C; k++)
		x->F[k] = (float)trainer_score_of(l, share[k % l->C]);
	free(share);
	if (worth_of(l, x->F, NULL, x->concat, e) < 0 ||
	    own_worth(x, i, NULL, x->u, e) < 0 ||
	    worth_gain(l, x->u, x->concat, &gain, &error, e) < 0)
		return -1;
	return gain > 2 * error;
}

/*
 * Net i, or the same one without the parts that do it no good: a net that
 * learns its columns at once may learn noise with them, however it is held
 * back.  A part that alone tells something has to do harm that is more than
 * chance.
 */
static int
leave_parts_out(
    struct choice *x, enum fusion_method method, int i, struct error *e)
{
	struct learner *l = x->l;
	double gain, error;
	int bold = l->cand[i].net.bold, turns = 0;

	if (!l->folded)
		return i;
	for (size_t p = 0; p < l->ds->parts && turns < IN_TURN; p++) {
		uint64_t rest = l->cand[i].parts & ~(UINT64_C(1) << p);
		int k, tells;

		if (rest == l->cand[i].parts || !suits(l, method, rest))
			continue;
		turns++;
		k = learn_net(l, method, bold, rest, e);
		if (k == NONE)
			return NONE;
		if (k < 0)
			continue;
		if (compare_nets(x, i, k, &gain, &error, e) < 0)
			return NONE;
		trainer_say(l, "tried %s without part '%s': gain %.4f +- %.4f",
		    trial_name(method, bold), l->ds->feature[p].name, gain,
		    error);
		tells = tells_something(x, p, e);
		if (tells < 0)
			return NONE;
		if (gain > (tells ? error : 0))
			i = k;
	}
	for (size_t p = 0; p < l->ds->parts; p++)
		if (l->live >> p & 1 && !(l->cand[i].parts >> p & 1))
			trainer_say(l, "%s does not read part '%s'",
			    trial_name(method, bold), l->ds->feature[p].name);
	return i;
}

/* What is tried, the most promising first. */
static const enum fusion_method ORDER[] = { FUSION_LATE, FUSION_ATTENTION,
	FUSION_GATED, FUSION_MLP, FUSION_LOWRANK, FUSION_TENSOR,
	FUSION_BILINEAR };
enum { ORDERS = sizeof(ORDER) / sizeof(ORDER[0]), BUDGET = 5 };

static int
affordable(const struct choice *x)
{
	const struct trainer *t = x->l->t;

	if (t->seconds > 0)
		return now() - x->started < t->seconds;
	return x->l->spent < (t->budget > 0 ? t->budget : BUDGET);
}

/* One trial; the candidate's number, LEFT_OUT, or -1. */
static int
try_method(
    struct choice *x, enum fusion_method method, int bold, struct error *e)
{
	struct learner *l = x->l;
	int i = 0;

	l->spent++;
	if (method != FUSION_LATE)
		i = learn_net(l, method, bold, l->live, e);
	if (i == LEFT_OUT)
		trainer_say(
		    l, "left out %s: %s", trial_name(method, bold), e->text);
	if (i < 0)
		return i;
	base_of(x, l->ntrials)[i] = 1;
	return compare(x, method, bold, e) < 0 ? NONE : i;
}

/* The first net of many kinds says whether to be bold with the others. */
static int
try_methods(struct choice *x, struct error *e)
{
	struct learner *l = x->l;
	int bold = 0;

	for (size_t k = 0; k < ORDERS; k++) {
		enum fusion_method method = ORDER[k];
		int i, j;

		if (!suits(l, method, l->live) || !affordable(x))
			continue;
		i = try_method(x, method, method != FUSION_LATE && bold, e);
		if (i == NONE)
			return -1;
		if (method != FUSION_GATED || !may_be_bold(l) || !affordable(x))
			continue;
		j = try_method(x, method, 1, e);
		if (j == NONE)
			return -1;
		bold = j >= 0 && (i < 0 || l->cand[j].score.value >
					       l->cand[i].score.value);
	}
	return 0;
}

/* ---- the ensemble ---- */

/*
 * Of concat, the models of single parts and the nets, those that greedy
 * selection takes, weighed by how often it did; each calibrated first.
 */
static int
select_ensemble(struct choice *x, struct error *e)
{
	struct learner *l = x->l;
	struct rows all = dataset_rows(l->ds);
	struct held_rows h;
	float **F = mem_array(l->cands, sizeof(*F));
	float *by = mem_array(l->n, sizeof(*by));
	double *w = mem_array(l->cands, sizeof(*w)), loss;
	double *scale = mem_array(l->cands, sizeof(*scale));
	size_t *of = mem_array(l->cands, sizeof(*of)), k = 0;
	int rc =
	    F == NULL || by == NULL || w == NULL || scale == NULL || of == NULL
		? error_memory(e)
		: held_rows_take(&h, l, l->whole ? l->live : 0, e);
	int ready = rc == 0;

	for (size_t i = 0; rc == 0 && i < l->cands; i++) {
		const struct candidate *c = &l->cand[i];

		if (c->own == NULL || (c->need & (c->need - 1)) != 0)
			continue;
		F[k] = mem_aligned(h.m * h.C, sizeof(**F));
		if (F[k] == NULL) {
			rc = error_memory(e);
			break;
		}
		blend_gather(&h, c->own, F[k]);
		scale[k] = blend_scale(&h, l->la, F[k], &loss);
		l->la->scale(F[k], (float)scale[k], F[k], h.m * h.C);
		of[k++] = i;
	}
	if (rc == 0)
		rc = class_weights(
		    l->ds, &all, l->cand[0].choice.class_weight, 0, by, e);
	for (size_t i = 0; rc == 0 && i < h.m; i++)
		by[i] = by[h.row[i]]; /* rows rise */
	if (rc == 0)
		rc = blend_greedy(
		    &h, l->la, (const float *const *)F, k, by, w, e);
	for (size_t j = 0; rc == 0 && j < k; j++)
		base_of(x, l->ntrials)[of[j]] = w[j] * scale[j];
	for (size_t j = 0; F != NULL && j < k; j++)
		free(F[j]);
	if (ready)
		held_rows_free(&h);
	free(F);
	free(by);
	free(w);
	free(scale);
	free(of);
	return rc == 0 ? compare(x, FUSION_ENSEMBLE, 0, e) : rc;
}

/* ---- the choice ---- */

static int
choose_among(struct choice *x, struct error *e)
{
	struct learner *l = x->l;

	base_of(x, 0)[0] = 1;
	if (compare(x, FUSION_CONCAT, 0, e) < 0 || try_methods(x, e) < 0 ||
	    select_ensemble(x, e) < 0)
		return -1;
	if (l->t->method == FUSION_ENSEMBLE)
		x->best = l->ntrials - 1;
	else if (x->best == 0)
		trainer_say(l, "kept concat: no method was better by more than "
			       "one standard error, and no ensemble at all");
	else
		trainer_say(l, "chose %s: better than concat by %.4f +- %.4f",
		    trial_name(
			l->trial[x->best].method, l->trial[x->best].bold),
		    l->trial[x->best].gain, l->trial[x->best].error);
	l->chosen = l->trial[x->best].method;
	return table_make(
	    l, base_of(x, x->best), l->chosen == FUSION_LATE, 0, e);
}

int
choose_method(struct learner *l, struct error *e)
{
	struct choice x = { .l = l, .started = now() };
	enum fusion_method method = l->t->method;
	int rc = 0, i = 0;

	l->chosen = method;
	x.base = mem_array(TRIALS_MAX * CANDS_MAX, sizeof(*x.base));
	x.concat = mem_array(l->n, sizeof(*x.concat));
	x.u = mem_array(l->n, sizeof(*x.u));
	x.D = mem_array(2 * l->C, sizeof(*x.D));
	x.F = mem_aligned(l->n * l->C, sizeof(*x.F));
	if (x.base == NULL || x.concat == NULL || x.u == NULL || x.F == NULL ||
	    x.D == NULL)
		rc = error_memory(e);
	else if (method >= FUSION_ENSEMBLE)
		rc = choose_among(&x, e);
	else {
		if (method >= FUSION_MLP)
			i = learn_better_net(&x, method, e);
		if (i > 0)
			i = leave_parts_out(&x, method, i, e);
		if (i >= 0)
			x.base[i] = 1;
		rc = i < 0 ? -1
			   : table_make(l, x.base,
				 method == FUSION_LATE && can_stack(l), 0, e);
	}
	free(x.base);
	free(x.concat);
	free(x.u);
	free(x.D);
	free(x.F);
	return rc;
}
