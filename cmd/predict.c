/* predict: what a model says about vectors. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/io.h"
#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "base/pool.h"
#include "fusion/asking.h"
#include "fusion/predictor.h"
#include "fusion/zero_shot.h"
#include "vec/input.h"
#include "vec/output.h"

enum {
	KEY_THRESHOLD = 256,
	KEY_MAX_ERRORS,
	KEY_ZERO_SHOT,
	KEY_TEMPLATE,
	KEY_COVER,
	KEY_REJECT,
	KEY_WHY,
	KEY_NEIGHBOURS
};

static const struct option_row rows[] = {
	{ 'm', "model", "FILE", "the model that train wrote (required)" },
	{ KEY_ZERO_SHOT, "zero-shot", "LABELS",
	    "-m is a pair like CLIP; LABELS, one a line, [TAB text]" },
	{ KEY_TEMPLATE, "template", "TEXT",
	    "text of a label {}; may come again (" ZERO_SHOT_TEMPLATE ")" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ 'f', "format", "FORMAT",
	    "jsonl|tsv|vp; vp: a dense part 'probs' (jsonl)" },
	{ 'k', "top", "K", "write only the K highest probs (all)" },
	{ KEY_THRESHOLD, "threshold", "P",
	    "multilabel: say labels from this probability on (the "
	    "model's own for each)" },
	{ KEY_COVER, "cover", "P",
	    "a set, or an interval, that holds the truth with this "
	    "probability, 0.5 to 0.999" },
	{ KEY_REJECT, "reject", "P",
	    "say no class whose probability is below this" },
	{ KEY_WHY, "why", "[=near:K]",
	    "the share of each part in what is said; or the K training "
	    "records that are nearest" },
	{ KEY_NEIGHBOURS, "neighbours", "FILE",
	    "the training records, for --why=near:K" },
	{ 'j', "threads", "N", "workers (all processors)" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "predict", "[options] -m FILE [FILE ...]",
	"Say what a model makes of vectors, one line for each record.", rows };

enum format { FORMAT_LINES, FORMAT_TSV, FORMAT_STREAM };

struct settings {
	const char *model, *output;
	enum format format;
	double threshold; /* NaN: the model's */
	long threads;
	struct tolerance errors;
	int quiet;
	struct question question;
	struct zero_shot_options zero_shot; /* labels NULL: a trained model */
};

struct work {
	const struct settings *set;
	struct predictor trained_model;
	struct zero_shot zero_shot;
	const struct predictor *predictor; /* one of the two */
	const struct linalg *la;
	struct pool *pool;
	struct input *in;
	struct batch block;
	struct asking *asking;
	float *threshold;     /* --threshold: [C] */
	struct writer writer; /* lines */
	struct buf text;
	struct output *out; /* vp */
	struct schema schema;
	struct batch answers;
	uint64_t records, errors, trained;
};

/* --why, or --why=near:K; both may be given. */
static void
take_why(struct question *q, const struct options *o)
{
	long k;

	if (o->arg == NULL) {
		q->asked |= ANSWER_WHY;
		return;
	}
	if (strncmp(o->arg, "near:", 5) != 0 ||
	    num_parse_long(o->arg + 5, 1, NEIGHBOURS_MAX, &k) < 0)
		usage_error("%s: '%s' is not near:K with K from 1 to %d",
		    o->shown, o->arg, NEIGHBOURS_MAX);
	q->asked |= ANSWER_NEAR;
	q->near = (size_t)k;
}

static void
take_option(struct settings *set, const struct options *o, int key)
{
	switch (key) {
	case 'm':
		set->model = o->arg;
		break;
	case 'o':
		set->output = o->arg;
		break;
	case 'f':
		set->format = (enum format)options_choice(o, "jsonl|tsv|vp");
		break;
	case 'k':
		set->question.most = (size_t)options_long(o, 1, INT32_MAX);
		break;
	case KEY_THRESHOLD:
		set->threshold = options_double(o, 0, 1);
		break;
	case KEY_COVER:
		set->question.asked |= ANSWER_COVER;
		set->question.cover = options_double(o, 0.5, 0.999);
		break;
	case KEY_REJECT:
		set->question.asked |= ANSWER_REJECT;
		set->question.reject = options_double(o, 0, 1);
		break;
	case KEY_WHY:
		take_why(&set->question, o);
		break;
	case KEY_NEIGHBOURS:
		set->question.neighbours = o->arg;
		break;
	case 'j':
		set->threads = options_long(o, 1, POOL_MAX);
		break;
	case KEY_MAX_ERRORS:
		set->errors = options_tolerance(o);
		break;
	case KEY_ZERO_SHOT:
		set->zero_shot.labels = o->arg;
		break;
	case KEY_TEMPLATE:
		if (strstr(o->arg, "{}") == NULL)
			usage_error("%s: '%s' has no {}", o->shown, o->arg);
		set->zero_shot.template[set->zero_shot.templates++] = o->arg;
		break;
	case 'q':
		set->quiet = 1;
		break;
	}
}

/* ---- output ---- */

static int
open_output(struct work *w, struct error *e)
{
	if (w->set->format == FORMAT_STREAM) {
		uint64_t hash = w->set->zero_shot.labels != NULL
				    ? w->zero_shot.hash
				    : model_hash(&w->predictor->model);

		if (answer_schema(&w->schema, w->predictor,
			w->set->question.asked, hash, e) < 0 ||
		    batch_init(&w->answers, &w->schema, e) < 0)
			return -1;
		w->out = output_open(w->set->output, FORMAT_VP, &w->schema, e);
		return w->out != NULL ? 0 : -1;
	}
	if (io_create(&w->writer, w->set->output, e) < 0)
		return -1;
	if (w->set->format == FORMAT_TSV &&
	    answer_tsv_header(&w->text, w->predictor, w->set->question.asked) <
		0)
		return error_memory(e);
	return 0;
}

static int
put_record(struct work *w, size_t i, struct error *e)
{
	struct answer a;
	struct error why;
	int rc;

	asking_answer(w->asking, i, &a, &why);
	w->records++;
	w->errors += a.P == NULL || batch_bad(&w->block, i);
	w->trained += (uint64_t)predictor_knows(w->predictor,
	    strs_get(&w->block.id, i), strs_get(&w->block.group, i));
	if (w->set->format == FORMAT_STREAM) {
		batch_clear(&w->answers);
		return answer_batch(&w->answers, &a, e) < 0
			   ? -1
			   : output_put(w->out, &w->answers, 0, e);
	}
	rc = w->set->format == FORMAT_TSV ? answer_tsv(&w->text, &a)
					  : answer_jsonl(&w->text, &a);
	return rc < 0 ? error_memory(e) : 0;
}

/* ---- the work ---- */

static int
do_block(struct work *w, struct error *e)
{
	if (w->set->zero_shot.labels != NULL)
		zero_shot_unit(
		    &w->zero_shot, &w->block, asking_map(w->asking)[0]);
	if (asking_batch(w->asking, &w->block, e) < 0)
		return -1;
	for (size_t i = 0; i < w->block.n; i++)
		if (put_record(w, i, e) < 0)
			return -1;
	if (w->set->format == FORMAT_STREAM)
		return 0;
	/* A block is what came together: the reader gets it at once. */
	if (io_put(&w->writer, w->text.data, w->text.len, e) < 0)
		return -1;
	w->text.len = 0;
	return io_flush(&w->writer, e);
}

static int
load_model(struct work *w, struct error *e)
{
	const struct settings *set = w->set;
	struct predictor *p = &w->trained_model;

	if (set->zero_shot.labels != NULL) {
		p = &w->zero_shot.predictor;
		if (zero_shot_open(&w->zero_shot, &set->zero_shot,
			input_schema(w->in), e) < 0)
			return -1;
	} else if (predictor_load(p, set->model, e) < 0) {
		return -1;
	}
	w->predictor = p;
	if (isnan(set->threshold))
		return 0;
	if (p->task != TASK_MULTILABEL)
		return error_set(e,
		    "--threshold is for records that may have several labels, "
		    "not for %s",
		    p->task == TASK_CLASS ? "one class of several (--reject)"
					  : "numbers");
	w->threshold = mem_array(p->C, sizeof(*w->threshold));
	if (w->threshold == NULL)
		return error_memory(e);
	for (size_t c = 0; c < p->C; c++)
		w->threshold[c] = (float)set->threshold;
	p->threshold = w->threshold;
	return 0;
}

static void
link_labels(const void *ctx, float *F, size_t n)
{
	zero_shot_link(ctx, F, n);
}

static int
prepare(struct work *w, struct error *e)
{
	const struct schema *s = input_schema(w->in);
	struct question q = w->set->question;

	if (load_model(w, e) < 0)
		return -1;
	if (w->set->zero_shot.labels != NULL) {
		q.link = link_labels;
		q.ctx = &w->zero_shot;
	}
	w->pool = pool_new((int)w->set->threads, e);
	if (w->pool == NULL)
		return -1;
	w->asking =
	    asking_new(w->predictor, linalg_get(cpu_isa()), w->pool, s, &q, e);
	if (w->asking == NULL)
		return error_at(e, "'%s'", w->set->model);
	return batch_init(&w->block, s, e);
}

static void
say_missing(const struct work *w)
{
	for (size_t k = 0; k < w->predictor->schema.n; k++)
		if (asking_map(w->asking)[k] < 0)
			warn("part '%s' of the model is not in the stream: "
			     "it is missing in every record",
			    w->predictor->schema.parts[k].name);
}

static int
run(struct work *w, char *const *paths, int n, struct error *e)
{
	const struct input_end *end;
	int rc;

	w->in = input_open(paths, n, e);
	if (w->in == NULL || prepare(w, e) < 0 || open_output(w, e) < 0)
		return -1;
	if (!w->set->quiet)
		say_missing(w);
	while ((rc = input_next(w->in, &w->block, e)) > 0)
		if (do_block(w, e) < 0)
			return -1;
	if (rc < 0)
		return -1;
	end = input_end(w->in);
	if (w->set->format == FORMAT_STREAM) {
		struct output *out = w->out;

		if (end->partial)
			output_partial(out);
		output_reject(out, end->rejected);
		w->out = NULL;
		return output_close(out, e);
	}
	if (io_put(&w->writer, w->text.data, w->text.len, e) < 0)
		return -1;
	return io_commit(&w->writer, e);
}

static void
fail(struct work *w, const struct error *e)
{
	output_abort(w->out, self.name);
	if (w->set->format != FORMAT_STREAM)
		io_abandon(&w->writer);
	die("%s", e->text);
}

static void
release(struct work *w)
{
	asking_free(w->asking);
	pool_free(w->pool);
	batch_free(&w->block);
	batch_free(&w->answers);
	schema_free(&w->schema);
	predictor_free(&w->trained_model);
	zero_shot_free(&w->zero_shot);
	input_close(w->in);
	buf_free(&w->text);
	free(w->threshold);
}

static int
predict(const struct settings *set, char *const *paths, int n)
{
	struct work w = { .set = set };
	const struct input_end *end;
	struct error e = { 0 };
	int rc;

	if (run(&w, paths, n, &e) < 0)
		fail(&w, &e);
	end = input_end(w.in);
	if (end->bad.text[0] != '\0')
		warn("%s", end->bad.text);
	if (w.trained > 0 && !set->quiet)
		warn("%" PRIu64 " of %" PRIu64
		     " records were in training, or others of their group",
		    w.trained, w.records);
	if (w.errors > 0 && !set->quiet)
		warn("%" PRIu64 " of %" PRIu64 " records carry errors",
		    w.errors, w.records);
	rc = tolerance_status(
	    &set->errors, w.errors + end->rejected, w.records + end->rejected);
	release(&w);
	return rc;
}

/* Options that contradict each other. */
static void
check_options(const struct settings *set, int operands)
{
	unsigned asked = set->question.asked;
	const char *labels = set->zero_shot.labels;

	if (set->model == NULL)
		usage_error("-m FILE, the model, is required");
	if (set->zero_shot.templates > 0 && labels == NULL)
		usage_error("--template needs --zero-shot");
	if (labels != NULL && operands == 0 && strcmp(labels, "-") == 0)
		usage_error("labels and vectors cannot both be standard input");
	if (labels != NULL && asked & ~(unsigned)ANSWER_REJECT)
		usage_error("--cover and --why need a model of train");
	if ((asked & ANSWER_NEAR) != 0 && set->question.neighbours == NULL)
		usage_error("--why=near:K needs --neighbours FILE, the "
			    "training records");
	if (!(asked & ANSWER_NEAR) && set->question.neighbours != NULL)
		usage_error("--neighbours needs --why=near:K");
	if (asked & ANSWER_NEAR && operands == 0 &&
	    strcmp(set->question.neighbours, "-") == 0)
		usage_error("training records and vectors cannot both be "
			    "standard input");
	if (set->format == FORMAT_STREAM &&
	    asked & (ANSWER_REJECT | ANSWER_NEAR))
		usage_error("-f vp holds numbers alone: no --reject, no "
			    "--why=near:K");
}

int
main(int argc, char *argv[])
{
	struct settings set = { .threshold = NAN };
	struct options o;
	int key;

	options_start(&o, &self, argc, argv);
	set.zero_shot.template =
	    mem_array((size_t)argc, sizeof(*set.zero_shot.template));
	if (set.zero_shot.template == NULL)
		die("out of memory");
	while ((key = options_next(&o)) != -1)
		take_option(&set, &o, key);
	check_options(&set, o.argc);
	set.zero_shot.model.encoder.model = set.model;
	set.zero_shot.model.encoder.normalize = NORMALIZE_YES;
	set.zero_shot.independent = !isnan(set.threshold);
	key = predict(&set, o.argv, o.argc);
	free(set.zero_shot.template);
	return key;
}
