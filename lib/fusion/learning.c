#include "fusion/learning.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/pool.h"

/* ---- options ---- */

static void
add_weight(struct learning *l, const struct options *o)
{
	if (mem_grow(&l->weights, &l->weights_cap, l->nweights + 1,
		sizeof(*l->weights)) < 0)
		die("out of memory");
	if (given_weight(&l->weights[l->nweights++], o->arg) < 0)
		usage_error("%s: '%s' is not PART=X with X from 0 to 1e6",
		    o->shown, o->arg);
}

static void
take_budget(struct learning *l, const struct options *o)
{
	size_t n = strlen(o->arg);
	char digits[16];

	l->seconds = 0;
	if (n == 0 || o->arg[n - 1] != 's') {
		l->budget = options_long(o, 1, 1000);
		return;
	}
	l->budget = 0;
	if (n > 1 && n <= sizeof(digits)) {
		memcpy(digits, o->arg, n - 1);
		digits[n - 1] = '\0';
		if (num_parse_double(digits, 1, 1e7, &l->seconds) == 0)
			return;
	}
	usage_error(
	    "%s: '%s' is not Ns with N from 1 to 10000000", o->shown, o->arg);
}

int
learning_option(struct learning *l, const struct options *o, int key)
{
	switch (key) {
	case 'l':
		l->from.labels = o->arg;
		break;
	case LEARNING_KEY_HEADER:
		l->from.header = 1;
		break;
	case LEARNING_KEY_TASK:
		l->from.task =
		    1 + options_choice(o, "class|multilabel|regress");
		break;
	case LEARNING_KEY_CV:
		l->folds = l->may_be_off && strcmp(o->arg, "off") == 0
			       ? 0
			       : options_long(o, 2, 100);
		break;
	case LEARNING_KEY_LAMBDA:
		l->lambda = options_double(o, 1e-10, 1e6);
		break;
	case LEARNING_KEY_WEIGHT:
		add_weight(l, o);
		break;
	case LEARNING_KEY_CLASS_WEIGHT:
		l->class_weight = (enum class_weight)options_choice(
		    o, "none|sqrt|balanced|auto");
		break;
	case LEARNING_KEY_FUSION:
		l->method =
		    (enum fusion_method)options_choice(o, LEARNING_METHODS);
		break;
	case LEARNING_KEY_BUDGET:
		take_budget(l, o);
		break;
	case 's':
		l->seed = options_u64(o, 0, UINT64_MAX);
		break;
	case 'j':
		l->threads = options_long(o, 1, POOL_MAX);
		break;
	case LEARNING_KEY_MAX_ERRORS:
		l->errors = options_tolerance(o);
		break;
	case LEARNING_KEY_PROGRESS:
		l->progress =
		    (enum progress_mode)options_choice(o, "auto|never|json");
		break;
	case 'q':
		l->quiet = 1;
		break;
	default:
		return 0;
	}
	return 1;
}

void
learning_check(const struct learning *l)
{
	if (l->from.header && l->from.labels == NULL)
		usage_error("--header is for -l");
	if ((l->budget > 0 || l->seconds > 0) && l->method < FUSION_ENSEMBLE)
		usage_error("--budget is for --fusion ensemble and auto");
	if (l->folds == 0 && l->method >= FUSION_ENSEMBLE)
		usage_error("--fusion %s needs cross-validation",
		    fusion_name(l->method));
}

/* ---- the work ---- */

/* An option that says nothing for such answers is no way to get others. */
static int
check_weighting(const struct learning *l, struct error *e)
{
	if (l->ds.task == TASK_CLASS || (l->class_weight != CLASS_SQRT &&
					    l->class_weight != CLASS_BALANCED))
		return 0;
	return error_set(e, "--class-weight is for one class of several: %s",
	    l->ds.task == TASK_REGRESS
		? "these are numbers"
		: "each label of these records has its threshold");
}

int
learning_gather(struct learning *l, char *const *paths, int n, struct error *e)
{
	struct strs notes = { 0 };
	int rc =
	    gather(&l->ds, &l->schema, paths, n, &l->from, &l->gathered, e);

	if (rc == 0 &&
	    gathered_notes(&l->gathered, &l->ds, l->quiet, &notes) < 0)
		rc = error_memory(e);
	for (size_t i = 0; rc == 0 && i < notes.n; i++) {
		struct str s = strs_get(&notes, i);

		warn("%.*s", (int)s.len, s.s);
	}
	strs_free(&notes);
	return rc == 0 ? check_weighting(l, e) : rc;
}

/* Each candidate counts from 0 on: all of them together. */
struct course {
	struct progress progress;
	size_t before, last;
};

static void
show_progress(void *ctx, size_t done)
{
	struct course *c = ctx;

	if (done < c->last)
		c->before += c->last;
	c->last = done;
	progress_at(&c->progress, c->before + done);
}

int
learning_run(struct learning *l, struct trainer *t, struct error *e)
{
	struct course course = { 0 };
	struct pool *pool = pool_new((int)l->threads, e);
	double *weights = NULL;
	int rc = -1;

	if (pool != NULL) {
		weights = given_weights(&l->ds, l->weights, l->nweights, e);
		if (weights == NULL)
			error_at(e, "--weight");
	}
	if (weights != NULL)
		rc = dataset_finish(&l->ds, (size_t)l->folds, l->seed, e);
	t->cross_validate = l->folds > 0;
	t->seed = l->seed;
	t->method = l->method;
	t->budget = (size_t)l->budget;
	t->seconds = l->seconds;
	t->search = (struct search_options){ .lambda = l->lambda,
		.part_weight = weights,
		.class_weight = l->class_weight,
		.tolerance = TRAINER_SEARCH_TOLERANCE,
		.progress = show_progress,
		.ctx = &course };
	if (rc == 0) {
		progress_start(&course.progress,
		    l->quiet ? PROGRESS_NEVER : l->progress, "fits", 0);
		rc = trainer_run(
		    t, linalg_get(cpu_isa()), pool, &l->ds, &l->schema, e);
		progress_end(&course.progress);
	}
	t->search.part_weight = NULL;
	t->search.ctx = NULL;
	free(weights);
	pool_free(pool);
	return rc;
}

int
learning_status(const struct learning *l)
{
	return tolerance_status(
	    &l->errors, l->gathered.errors, l->gathered.records);
}

void
learning_free(struct learning *l)
{
	dataset_free(&l->ds);
	schema_free(&l->schema);
	free(l->weights);
	l->weights = NULL;
	l->nweights = l->weights_cap = 0;
}
