/* train: learn classes, labels or numbers from vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fusion/learning.h"

enum {
	KEY_TOLERANCE = 256,
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
	LEARNING_FROM,
	{ LEARNING_KEY_CV, "cv", "K|off", "folds of the cross-validation (5)" },
	{ LEARNING_KEY_LAMBDA, "lambda", "X",
	    "penalty (chosen by cross-validation; 1e-3 with --cv off)" },
	LEARNING_WEIGHTS,
	{ KEY_TOLERANCE, "tolerance", "X",
	    "stop when no more than this share of the loss is left to gain "
	    "(1e-5)" },
	LEARNING_FUSION,
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
	LEARNING_RUN,
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "train", "[options] -o FILE [FILE ...]",
	"Learn to predict labels or numbers from vectors.", rows };

struct settings {
	struct learning learning;
	const char *output;
	double tolerance;
	int verbose;
	struct net_shape shape;
	struct net_options net;
	int no_backoff;
	enum impute_kind impute;
	double logit_adjust;
	const char *checkpoint;
	int of_nets; /* an option came that only nets have */
};

/* Options that only nets have. */
static int
take_net(struct settings *set, const struct options *o, int key)
{
	switch (key) {
	case KEY_HIDDEN:
		set->shape.hidden = (size_t)options_long(o, 1, 4096);
		break;
	case KEY_RANK:
		set->shape.rank = (size_t)options_long(o, 1, 4096);
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
	if (learning_option(&set->learning, o, key) || take_net(set, o, key))
		return;
	switch (key) {
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
	case KEY_TOLERANCE:
		set->tolerance = options_double(o, 1e-7, 0.1);
		break;
	case 'v':
		set->verbose = 1;
		break;
	}
}

/* ---- what is said ---- */

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

/* ---- the work ---- */

/* Options that say nothing for numbers. */
static void
check_numbers(const struct settings *set)
{
	if (set->learning.ds.task != TASK_REGRESS)
		return;
	if (set->logit_adjust > 0)
		die("--logit-adjust is for classes and labels: these are "
		    "numbers");
	if (set->net.focal > 0)
		die("--focal is for classes and labels: these are numbers");
}

static int
train(struct settings *set, char *const *paths, int n)
{
	struct learning *l = &set->learning;
	struct trainer t = { .tolerance = set->tolerance,
		.shape = set->shape,
		.net = set->net,
		.net_given = 1,
		.no_backoff = set->no_backoff,
		.impute = set->impute,
		.logit_adjust = set->logit_adjust,
		.checkpoint = set->checkpoint,
		.say = l->quiet ? NULL : say };
	struct error e = { 0 };

	if (learning_gather(l, paths, n, &e) < 0)
		die("%s", e.text);
	check_numbers(set);
	if (learning_run(l, &t, &e) < 0)
		die("%s", e.text);
	for (size_t i = 0; set->verbose && i < t.tried.n; i++)
		say_trial(&l->ds, &t.tried.trials[i]);
	if (predictor_save(&t.predictor, set->output, &e) < 0)
		die("%s", e.text);
	trainer_saved(&t);
	if (!l->quiet)
		say_result(&t, &l->ds);
	trainer_free(&t);
	return learning_status(l);
}

int
main(int argc, char *argv[])
{
	struct settings set = { .learning = LEARNING_DEFAULTS,
		.tolerance = 1e-5,
		.net = { .weight_decay = NAN,
		    .dropout = NAN,
		    .part_dropout = NAN } };
	struct options o;
	int key, rc;

	mem_give_back();
	options_start(&o, &self, argc, argv);
	set.learning.may_be_off = 1;
	while ((key = options_next(&o)) != -1)
		take_option(&set, &o, key);
	if (set.output == NULL)
		usage_error("-o FILE, the model to write, is required");
	if (set.checkpoint != NULL && strcmp(set.checkpoint, set.output) == 0)
		usage_error("--checkpoint and -o are to be two files");
	if (set.of_nets && set.learning.method < FUSION_MLP)
		usage_error("--hidden, --rank, --epochs, --lr, --weight-decay, "
			    "--dropout, --part-dropout, --batch and --focal "
			    "are for nets, and --fusion %s has none",
		    fusion_name(set.learning.method));
	if (set.shape.rank > 0 && (set.learning.method == FUSION_MLP ||
				      set.learning.method == FUSION_GATED ||
				      set.learning.method == FUSION_TENSOR))
		usage_error("--rank is for lowrank, bilinear and attention, "
			    "not for --fusion %s",
		    fusion_name(set.learning.method));
	learning_check(&set.learning);
	rc = train(&set, o.argv, o.argc);
	learning_free(&set.learning);
	return rc;
}
