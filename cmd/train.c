/* train: learn classes, labels or numbers from vectors. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "base/pool.h"
#include "fusion/trainer.h"
#include "learn/gather.h"

enum {
	KEY_HEADER = 256,
	KEY_TASK,
	KEY_CV,
	KEY_LAMBDA,
	KEY_WEIGHT,
	KEY_CLASS_WEIGHT,
	KEY_TOLERANCE,
	KEY_MAX_ERRORS,
	KEY_PROGRESS,
	KEY_FUSION,
	KEY_BUDGET,
	KEY_HIDDEN,
	KEY_RANK,
	KEY_EPOCHS,
	KEY_LR,
	KEY_WEIGHT_DECAY,
	KEY_DROPOUT,
	KEY_PART_DROPOUT,
	KEY_BATCH,
	KEY_FOCAL,
	KEY_LOGIT_ADJUST,
	KEY_BACKOFF,
	KEY_IMPUTE,
	KEY_CHECKPOINT
};

static const struct option_row rows[] = {
	{ 'o', "output", "FILE", "write the model to FILE (required)" },
	{ 'l', "labels", "FILE",
	    "labels as TSV, id and labels (those in the stream)" },
	{ KEY_HEADER, "header", NULL, "FILE's first line is a header" },
	{ KEY_TASK, "task", "TASK",
	    "class|multilabel|regress (class, or multilabel where a record "
	    "has several labels)" },
	{ KEY_CV, "cv", "K|off", "folds of the cross-validation (5)" },
	{ KEY_LAMBDA, "lambda", "X",
	    "penalty (chosen by cross-validation; 1e-3 with --cv off)" },
	{ KEY_WEIGHT, "weight", "PART=X",
	    "weight of a part (chosen); may be given again" },
	{ KEY_CLASS_WEIGHT, "class-weight", "HOW",
	    "none|sqrt|balanced|auto: how much rare classes count (auto)" },
	{ KEY_TOLERANCE, "tolerance", "X",
	    "stop when no more than this share of the loss is left to gain "
	    "(1e-5)" },
	{ KEY_FUSION, "fusion", "METHOD",
	    "concat|late|mlp|gated|lowrank|tensor|bilinear|attention|ensemble|"
	    "auto (concat)" },
	{ KEY_BUDGET, "budget", "N|Ns",
	    "methods that auto and ensemble try (all that suit), or seconds in "
	    "which they begin new ones" },
	{ KEY_HIDDEN, "hidden", "H", "nets: hidden units (what suits)" },
	{ KEY_RANK, "rank", "R",
	    "lowrank: rank; bilinear: length of the sketch; attention: "
	    "bottleneck tokens (what suits)" },
	{ KEY_EPOCHS, "epochs", "N", "nets: passes over the records (chosen)" },
	{ KEY_LR, "lr", "X", "nets: highest learning rate (what suits)" },
	{ KEY_WEIGHT_DECAY, "weight-decay", "X",
	    "nets: of AdamW (what suits)" },
	{ KEY_DROPOUT, "dropout", "P", "nets: of hidden units (what suits)" },
	{ KEY_PART_DROPOUT, "part-dropout", "P",
	    "nets: share of records of which a part is hidden (what suits)" },
	{ KEY_BATCH, "batch", "N", "nets: records a step (what suits)" },
	{ KEY_FOCAL, "focal", "GAMMA", "nets: the focal loss (0: plain)" },
	{ KEY_LOGIT_ADJUST, "logit-adjust", "TAU",
	    "scores minus TAU times the log of how frequent a class is (0)" },
	{ KEY_BACKOFF, "backoff", "on|off",
	    "further models for records that lack parts (on)" },
	{ KEY_IMPUTE, "impute", "HOW",
	    "none|mean|ridge: guess missing dense parts (none)" },
	{ KEY_CHECKPOINT, "checkpoint", "FILE",
	    "keep finished steps in FILE, and go on from there" },
	{ 's', "seed", "SEED", "salt of the folds (0)" },
	{ 'j', "threads", "N", "workers (all processors)" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	{ KEY_PROGRESS, "progress", "WHEN", "auto|never|json (auto)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "train", "[options] -o FILE [FILE ...]",
	"Learn to predict labels or numbers from vectors.", rows };

struct settings {
	const char *output, *labels;
	int header;
	int task;   /* gather.h */
	long folds; /* 0: no cross-validation */
	double lambda;
	struct given_weight *weights; /* [nweights] */
	size_t nweights;
	enum class_weight class_weight;
	double tolerance;
	uint64_t seed;
	long threads;
	struct tolerance errors;
	enum progress_mode progress;
	int quiet, verbose;
	enum fusion_method method;
	long budget;
	double seconds;
	struct net_shape shape;
	struct net_options net;
	int no_backoff;
	enum impute_kind impute;
	double logit_adjust;
	const char *checkpoint;
	int of_nets; /* an option came that only nets have */
};

static void
add_weight(struct settings *set, const struct options *o)
{
	struct given_weight *w =
	    realloc(set->weights, (set->nweights + 1) * sizeof(*w));

	if (w == NULL)
		die("out of memory");
	set->weights = w;
	if (given_weight(&w[set->nweights++], o->arg) < 0)
		usage_error("%s: '%s' is not PART=X with X from 0 to 1e6",
		    o->shown, o->arg);
}

static void
take_budget(struct settings *set, const struct options *o)
{
	size_t n = strlen(o->arg);
	char digits[16];

	if (n > 1 && n < sizeof(digits) && o->arg[n - 1] == 's') {
		memcpy(digits, o->arg, n - 1);
		digits[n - 1] = '\0';
		if (num_parse_double(digits, 1, 1e7, &set->seconds) == 0)
			return;
	}
	if (n > 0 && o->arg[n - 1] == 's')
		usage_error("%s: '%s' is not Ns with N from 1 to 10000000",
		    o->shown, o->arg);
	set->budget = options_long(o, 1, 1000);
	set->seconds = 0;
}

/* Options that only nets have. */
static int
take_net(struct settings *set, const struct options *o, int key)
{
	switch (key) {
	case KEY_HIDDEN:
		set->shape.hidden = (size_t)options_long(o, 1, 4096);
		break;
	case KEY_RANK:
		set->shape.rank = (size_t)options_long(o, 1, 65536);
		break;
	case KEY_EPOCHS:
		set->net.epochs = (size_t)options_long(o, 1, 10000);
		break;
	case KEY_LR:
		set->net.lr = options_double(o, 1e-7, 10);
		break;
	case KEY_WEIGHT_DECAY:
		set->net.weight_decay = options_double(o, 0, 100);
		break;
	case KEY_DROPOUT:
		set->net.dropout = options_double(o, 0, 0.95);
		break;
	case KEY_PART_DROPOUT:
		set->net.part_dropout = options_double(o, 0, 1);
		break;
	case KEY_BATCH:
		set->net.batch = (size_t)options_long(o, 1, 65536);
		break;
	case KEY_FOCAL:
		set->net.focal = options_double(o, 0, 10);
		break;
	default:
		return 0;
	}
	set->of_nets = 1;
	return 1;
}

static void
take_option(struct settings *set, const struct options *o, int key)
{
	if (take_net(set, o, key))
		return;
	switch (key) {
	case KEY_FUSION:
		set->method = (enum fusion_method)options_choice(o,
		    "concat|late|mlp|gated|lowrank|tensor|bilinear|attention|"
		    "ensemble|auto");
		break;
	case KEY_BUDGET:
		take_budget(set, o);
		break;
	case KEY_LOGIT_ADJUST:
		set->logit_adjust = options_double(o, 0, 10);
		break;
	case KEY_BACKOFF:
		set->no_backoff = options_choice(o, "on|off") == 1;
		break;
	case KEY_IMPUTE:
		set->impute =
		    (enum impute_kind)options_choice(o, "none|mean|ridge");
		break;
	case KEY_CHECKPOINT:
		set->checkpoint = o->arg;
		break;
	case 'o':
		set->output = o->arg;
		break;
	case 'l':
		set->labels = o->arg;
		break;
	case KEY_HEADER:
		set->header = 1;
		break;
	case KEY_TASK:
		set->task = 1 + options_choice(o, "class|multilabel|regress");
		break;
	case KEY_CV:
		set->folds =
		    strcmp(o->arg, "off") == 0 ? 0 : options_long(o, 2, 100);
		break;
	case KEY_LAMBDA:
		set->lambda = options_double(o, 1e-10, 1e6);
		break;
	case KEY_WEIGHT:
		add_weight(set, o);
		break;
	case KEY_CLASS_WEIGHT:
		set->class_weight = (enum class_weight)options_choice(
		    o, "none|sqrt|balanced|auto");
		break;
	case KEY_TOLERANCE:
		set->tolerance = options_double(o, 1e-7, 0.1);
		break;
	case 's':
		set->seed = options_u64(o, 0, UINT64_MAX);
		break;
	case 'j':
		set->threads = options_long(o, 1, POOL_MAX);
		break;
	case KEY_MAX_ERRORS:
		set->errors = options_tolerance(o);
		break;
	case KEY_PROGRESS:
		set->progress =
		    (enum progress_mode)options_choice(o, "auto|never|json");
		break;
	case 'q':
		set->quiet = 1;
		break;
	case 'v':
		set->verbose = 1;
		break;
	}
}

/* ---- what is said ---- */

static void
say_records(const struct gathered *c, const struct dataset *ds, int quiet)
{
	struct strs notes = { 0 };

	if (gathered_notes(c, ds, quiet, &notes) < 0)
		die("out of memory");
	for (size_t i = 0; i < notes.n; i++) {
		struct str s = strs_get(&notes, i);

		warn("%.*s", (int)s.len, s.s);
	}
	strs_free(&notes);
}

static void
put_score(struct buf *b, const struct search_score *s, enum task task)
{
	if (task == TASK_REGRESS)
		buf_printf(b, "R2 %.4f", s->r2);
	else
		buf_printf(b, "accuracy %.4f, macro-F1 %.4f, log-loss %.4f",
		    s->accuracy, s->macro_f1, s->log_loss);
}

static void
put_trial(struct buf *b, const struct dataset *ds, const struct search_trial *t)
{
	buf_printf(b, "lambda %.3g", t->lambda);
	if (ds->task == TASK_CLASS)
		buf_printf(
		    b, ", class weight %s", class_weight_name(t->class_weight));
	for (size_t p = 0; ds->parts > 1 && p < ds->parts; p++)
		buf_printf(
		    b, ", %s=%.3g", ds->feature[p].name, t->part_weight[p]);
}

static void
say_trial(const struct dataset *ds, const struct search_trial *t)
{
	struct buf b = { 0 };

	put_trial(&b, ds, t);
	buf_puts(&b, ": ");
	put_score(&b, &t->score, ds->task);
	if (buf_putc(&b, '\0') == 0)
		warn("tried %s", b.data);
	buf_free(&b);
}

/* What makes the scores of records that have all parts. */
static void
put_mix(struct buf *b, const struct predictor *p)
{
	buf_printf(b, "%s:", p->method);
	for (size_t m = 0, n = 0; m < p->members; m++)
		if (p->set[0].mix[m] > 0)
			buf_printf(b, "%s %s=%.3g", n++ > 0 ? "," : "",
			    p->member[m].name, (double)p->set[0].mix[m]);
}

/*
 * train: 2498 records in 1893 groups, 15 classes, 29142 columns
 * train: cross-validation, 5 folds: accuracy ..., macro-F1 ..., log-loss ...
 * train: lambda 1e-05, class weight sqrt, words=0.75, image=0.25
 */
static void
say_result(const struct trainer *t, const struct dataset *ds)
{
	struct buf b = { 0 };

	buf_printf(&b, "%zu records", ds->n);
	if (t->groups < ds->n)
		buf_printf(&b, " in %zu groups", t->groups);
	if (ds->task != TASK_REGRESS)
		buf_printf(&b, ", %zu %s", ds->C,
		    ds->task == TASK_CLASS ? "classes" : "labels");
	buf_printf(&b, ", %zu columns", dataset_columns(ds));
	if (buf_putc(&b, '\0') == 0)
		warn("%s", b.data);
	b.len = 0;
	if (t->tried.n > 0) {
		buf_printf(&b, "cross-validation, %zu folds: ", ds->folds);
		put_score(&b, &t->score, ds->task);
		if (buf_putc(&b, '\0') == 0)
			warn("%s", b.data);
		b.len = 0;
	}
	if (strcmp(t->predictor.method, "concat") == 0)
		put_trial(&b, ds, &t->choice);
	else
		put_mix(&b, &t->predictor);
	if (buf_putc(&b, '\0') == 0)
		warn("%s", b.data);
	buf_free(&b);
	if (t->fit.evaluations > 0 && !t->fit.converged)
		warn("not converged after %d evaluations: the gradient is "
		     "%.2g",
		    t->fit.evaluations, t->fit.gradient);
}

static void
say(void *ctx, const char *text)
{
	(void)ctx;
	warn("%s", text);
}

static void
show_progress(void *ctx, size_t done, size_t total)
{
	struct progress *p = ctx;

	p->total = total;
	progress_at(p, done);
}

/* ---- the work ---- */

static int
learn(const struct settings *set, struct dataset *ds,
    const struct schema *schema, struct trainer *t, struct error *e)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct progress progress = { 0 };
	struct pool *pool = pool_new((int)set->threads, e);
	double *weights = NULL;
	int rc = -1;

	if (pool != NULL) {
		weights = given_weights(ds, set->weights, set->nweights, e);
		if (weights == NULL)
			error_at(e, "--weight");
	}
	if (weights != NULL)
		rc = dataset_finish(ds, (size_t)set->folds, set->seed, e);
	t->cross_validate = set->folds > 0;
	t->tolerance = set->tolerance;
	t->seed = set->seed;
	t->method = set->method;
	t->budget = (size_t)set->budget;
	t->seconds = set->seconds;
	t->shape = set->shape;
	t->net = set->net;
	t->net_given = 1;
	t->no_backoff = set->no_backoff;
	t->impute = set->impute;
	t->logit_adjust = set->logit_adjust;
	t->checkpoint = set->checkpoint;
	t->say = set->quiet ? NULL : say;
	t->search = (struct search_options){ .lambda = set->lambda,
		.part_weight = weights,
		.class_weight = set->class_weight,
		.tolerance = TRAINER_SEARCH_TOLERANCE,
		.progress = show_progress,
		.ctx = &progress };
	if (rc == 0) {
		progress_start(&progress,
		    set->quiet ? PROGRESS_NEVER : set->progress, "fits", 0);
		rc = trainer_run(t, la, pool, ds, schema, e);
		progress_end(&progress);
	}
	t->search.part_weight = NULL;
	t->search.ctx = NULL;
	free(weights);
	pool_free(pool);
	return rc;
}

static int
train(const struct settings *set, char *const *paths, int n)
{
	struct schema schema = { 0 };
	struct dataset ds = { 0 };
	struct trainer t = { 0 };
	struct gather_options from = { set->labels, set->header, set->task };
	struct gathered c = { 0 };
	struct error e = { 0 };

	if (gather(&ds, &schema, paths, n, &from, &c, &e) < 0)
		die("%s", e.text);
	say_records(&c, &ds, set->quiet);
	if (learn(set, &ds, &schema, &t, &e) < 0)
		die("%s", e.text);
	for (size_t i = 0; set->verbose && i < t.tried.n; i++)
		say_trial(&ds, &t.tried.trials[i]);
	if (predictor_save(&t.predictor, set->output, &e) < 0)
		die("%s", e.text);
	trainer_saved(&t);
	if (!set->quiet)
		say_result(&t, &ds);
	trainer_free(&t);
	dataset_free(&ds);
	schema_free(&schema);
	return tolerance_status(&set->errors, c.errors, c.records);
}

int
main(int argc, char *argv[])
{
	struct settings set = { .folds = 5,
		.lambda = NAN,
		.class_weight = CLASS_AUTO,

		.tolerance = 1e-5,
		.net = { .weight_decay = NAN,
		    .dropout = NAN,
		    .part_dropout = NAN } };
	struct options o;
	int key, rc;

	mem_give_back();
	options_start(&o, &self, argc, argv);
	while ((key = options_next(&o)) != -1)
		take_option(&set, &o, key);
	if (set.output == NULL)
		usage_error("-o FILE, the model to write, is required");
	if (set.of_nets && set.method < FUSION_MLP)
		usage_error("--hidden, --rank, --epochs, --lr, --weight-decay, "
			    "--dropout, --part-dropout, --batch and --focal "
			    "are for nets, and --fusion %s has none",
		    fusion_name(set.method));
	if ((set.budget > 0 || set.seconds > 0) && set.method < FUSION_ENSEMBLE)
		usage_error("--budget is for --fusion ensemble and auto");
	if (set.folds == 0 && set.method >= FUSION_ENSEMBLE)
		usage_error("--fusion %s needs cross-validation",
		    fusion_name(set.method));
	if (set.header && set.labels == NULL)
		usage_error("--header is for -l");
	rc = train(&set, o.argv, o.argc);
	free(set.weights);
	return rc;
}
