/* suspect: labels that are likely to be wrong. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/options.h"
#include "base/pool.h"
#include "fusion/suspect.h"
#include "fusion/trainer.h"
#include "learn/gather.h"

enum {
	KEY_HEADER = 256,
	KEY_TASK,
	KEY_CV,
	KEY_LAMBDA,
	KEY_WEIGHT,
	KEY_CLASS_WEIGHT,
	KEY_FUSION,
	KEY_BUDGET,
	KEY_MAX_ERRORS,
	KEY_PROGRESS
};

static const struct option_row rows[] = {
	{ 'l', "labels", "FILE",
	    "labels as TSV, id and labels (those in the stream)" },
	{ KEY_HEADER, "header", NULL, "FILE's first line is a header" },
	{ 'k', "top", "K", "only the K most doubtful (all)" },
	{ 'f', "format", "FORMAT", "jsonl|tsv (jsonl)" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ KEY_TASK, "task", "TASK",
	    "class|multilabel|regress (class, or multilabel where a record "
	    "has several labels)" },
	{ KEY_CV, "cv", "K", "folds of the cross-validation (5)" },
	{ KEY_LAMBDA, "lambda", "X", "penalty (chosen)" },
	{ KEY_WEIGHT, "weight", "PART=X",
	    "weight of a part (chosen); may be given again" },
	{ KEY_CLASS_WEIGHT, "class-weight", "HOW",
	    "none|sqrt|balanced|auto: how much rare classes count (auto)" },
	{ KEY_FUSION, "fusion", "METHOD",
	    "concat|late|mlp|gated|lowrank|tensor|bilinear|attention|ensemble|"
	    "auto (concat)" },
	{ KEY_BUDGET, "budget", "N",
	    "methods that auto and ensemble try (all that suit)" },
	{ 's', "seed", "SEED", "salt of the folds (0)" },
	{ 'j', "threads", "N", "workers (all processors)" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	{ KEY_PROGRESS, "progress", "WHEN", "auto|never|json (auto)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "suspect", "[options] [FILE ...]",
	"Name the labels that are likely to be wrong, most doubtful first.",
	rows };

enum format { FORMAT_LINES, FORMAT_TSV };

struct settings {
	const char *output;
	struct gather_options from;
	size_t most; /* 0: all */
	enum format format;
	long folds;
	double lambda;
	struct given_weight *weights; /* [nweights] */
	size_t nweights;
	enum class_weight class_weight;
	enum fusion_method method;
	size_t budget;
	uint64_t seed;
	long threads;
	struct tolerance errors;
	enum progress_mode progress;
	int quiet;
};

static void
add_weight(struct settings *set, const struct options *o)
{
	if (given_weight(&set->weights[set->nweights++], o->arg) < 0)
		usage_error("%s: '%s' is not PART=X with X from 0 to 1e6",
		    o->shown, o->arg);
}

static void
take_option(struct settings *set, const struct options *o, int key)
{
	switch (key) {
	case 'l':
		set->from.labels = o->arg;
		break;
	case KEY_HEADER:
		set->from.header = 1;
		break;
	case 'k':
		set->most = (size_t)options_long(o, 1, INT32_MAX);
		break;
	case 'f':
		set->format = (enum format)options_choice(o, "jsonl|tsv");
		break;
	case 'o':
		set->output = o->arg;
		break;
	case KEY_TASK:
		set->from.task =
		    1 + options_choice(o, "class|multilabel|regress");
		break;
	case KEY_CV:
		set->folds = options_long(o, 2, 100);
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
	case KEY_FUSION:
		set->method = (enum fusion_method)options_choice(o,
		    "concat|late|mlp|gated|lowrank|tensor|bilinear|attention|"
		    "ensemble|auto");
		break;
	case KEY_BUDGET:
		set->budget = (size_t)options_long(o, 1, 1000);
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
show_progress(void *ctx, size_t done, size_t total)
{
	struct progress *p = ctx;

	p->total = total;
	progress_at(p, done);
}

/* ---- the work ---- */

/* Train inside cross-validation and keep what is said out of fold. */
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
	t->cross_validate = 1;
	t->keep = 1;
	t->method = set->method;
	t->budget = set->budget;
	t->tolerance = TRAINER_SEARCH_TOLERANCE;
	t->seed = set->seed;
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
write_lines(
    const struct settings *set, const struct suspects *s, struct error *e)
{
	size_t n = set->most > 0 && set->most < s->n ? set->most : s->n;
	struct writer out = { 0 };
	struct buf text = { 0 };
	int rc = io_create(&out, set->output, e), bad = 0;

	if (set->format == FORMAT_TSV)
		bad = suspect_tsv_header(&text, s);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		bad |= set->format == FORMAT_TSV ? suspect_tsv(&text, s, i)
						 : suspect_jsonl(&text, s, i);
		if (bad)
			rc = error_memory(e);
		else if (text.len >= 1 << 16 || i + 1 == n) {
			rc = io_put(&out, text.data, text.len, e);
			text.len = 0;
		}
	}
	if (rc == 0)
		rc = io_commit(&out, e);
	else
		io_abandon(&out);
	buf_free(&text);
	return rc;
}

static int
suspect(const struct settings *set, char *const *paths, int n)
{
	struct schema schema = { 0 };
	struct dataset ds = { 0 };
	struct trainer t = { 0 };
	struct suspects s = { 0 };
	struct gathered c = { 0 };
	struct intern ids;
	struct error e = { 0 };

	if (gather(&ds, &schema, paths, n, &set->from, &c, &e) < 0)
		die("%s", e.text);
	say_records(&c, &ds, set->quiet);
	/* dataset_finish forgets the ids; their hashes stay with the rows. */
	ids = ds.id;
	ds.id = (struct intern){ 0 };
	if (learn(set, &ds, &schema, &t, &e) < 0 ||
	    suspects_find(&s, &ds, &t, &ids, &e) < 0 ||
	    write_lines(set, &s, &e) < 0)
		die("%s", e.text);
	suspects_free(&s);
	intern_free(&ids);
	trainer_free(&t);
	dataset_free(&ds);
	schema_free(&schema);
	return tolerance_status(&set->errors, c.errors, c.records);
}

int
main(int argc, char *argv[])
{
	struct settings set = {
		.folds = 5, .lambda = NAN, .class_weight = CLASS_AUTO
	};
	struct options o;
	int key, rc;

	mem_give_back();
	options_start(&o, &self, argc, argv);
	set.weights = mem_array((size_t)argc, sizeof(*set.weights));
	if (set.weights == NULL)
		die("out of memory");
	while ((key = options_next(&o)) != -1)
		take_option(&set, &o, key);
	if (set.from.header && set.from.labels == NULL)
		usage_error("--header is for -l");
	if (set.budget > 0 && set.method < FUSION_ENSEMBLE)
		usage_error("--budget is for --fusion ensemble or auto");
	rc = suspect(&set, o.argv, o.argc);
	free(set.weights);
	return rc;
}
