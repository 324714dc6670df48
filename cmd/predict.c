/* predict: what a model says about vectors. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/io.h"
#include "base/message.h"
#include "base/options.h"
#include "base/pool.h"
#include "fusion/answers.h"
#include "fusion/predictor.h"
#include "fusion/zero_shot.h"
#include "vec/input.h"
#include "vec/output.h"

enum { KEY_THRESHOLD = 256, KEY_MAX_ERRORS, KEY_ZERO_SHOT, KEY_TEMPLATE };

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
	    "multilabel: say labels from this probability on (0.5)" },
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
	long most;
	double threshold; /* NaN: the model's */
	long threads;
	struct tolerance errors;
	int quiet;
	struct zero_shot_options zero_shot; /* labels NULL: a trained model */
};

enum { ROWS = 64 }; /* records that one worker takes at a time */

struct work {
	const struct settings *set;
	struct predictor trained_model;
	struct zero_shot zero_shot;
	const struct predictor *predictor; /* one of the two */
	const struct linalg *la;
	struct pool *pool;
	struct input *in;
	struct batch block;
	int *map; /* [parts of the model] */
	float *F; /* [cap, C] */
	size_t cap;
	struct predictor_room **room; /* [threads] */
	struct error *bad;            /* [threads] */
	float *threshold;             /* --threshold: [C] */
	struct writer writer;         /* lines */
	struct buf text;
	struct output *out; /* vp */
	struct schema schema;
	struct batch answers;
	uint64_t records, errors, trained;
};

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
		set->most = options_long(o, 1, INT32_MAX);
		break;
	case KEY_THRESHOLD:
		set->threshold = options_double(o, 0, 1);
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

/* One dense part, a column for each class. */
static int
stream_schema(struct work *w, struct error *e)
{
	const struct predictor *p = w->predictor;
	char space[80];
	struct strs *names;

	snprintf(space, sizeof(space), "{\"model\":\"%016" PRIx64 "\"}",
	    w->set->zero_shot.labels != NULL ? w->zero_shot.hash
					     : model_hash(&p->model));
	if (schema_add(&w->schema, p->task == TASK_REGRESS ? "value" : "probs",
		PART_DENSE, (uint32_t)p->C, space, NULL, e) < 0)
		return -1;
	names = &w->schema.parts[0].columns;
	for (size_t c = 0; c < p->classes.n; c++) {
		struct str s = strs_get(&p->classes, c);

		if (strs_add(names, s.s, s.len) < 0)
			return error_memory(e);
	}
	return 0;
}

static int
open_output(struct work *w, struct error *e)
{
	if (w->set->format == FORMAT_STREAM) {
		if (stream_schema(w, e) < 0 ||
		    batch_init(&w->answers, &w->schema, e) < 0)
			return -1;
		w->out = output_open(w->set->output, FORMAT_VP, &w->schema, e);
		return w->out != NULL ? 0 : -1;
	}
	if (io_create(&w->writer, w->set->output, e) < 0)
		return -1;
	if (w->set->format == FORMAT_TSV && answer_tsv_header(&w->text) < 0)
		return error_memory(e);
	return 0;
}

/* The record with its answer in place of its vectors. */
static int
put_vector(
    struct work *w, size_t i, const float *P, const char *why, struct error *e)
{
	const struct batch *b = &w->block;
	struct batch *to = &w->answers;
	struct str id = strs_get(&b->id, i), group = strs_get(&b->group, i);
	size_t first, n = batch_range(b->label_end, i, &first);
	float *x;

	batch_clear(to);
	if (batch_add(to, id.s, id.len, e) < 0 ||
	    (group.len > 0 && batch_group(to, group.s, group.len, e) < 0))
		return -1;
	for (size_t k = 0; k < n; k++) {
		struct str s = strs_get(&b->label, first + k);

		if (batch_label(to, s.s, s.len, e) < 0)
			return -1;
	}
	to->target[0] = b->target[i];
	to->weight[0] = b->weight[i];
	to->source[0] = b->source[i];
	to->flags[0] = b->flags[i];
	if (predictor_knows(w->predictor, id, group))
		to->flags[0] |= FLAG_TRAINED;
	if (P == NULL) {
		if (batch_error(to, 0, why, e) < 0)
			return -1;
		return output_put(w->out, to, 0, e);
	}
	x = batch_dense(to, 0);
	if (x == NULL)
		return error_memory(e);
	memcpy(x, P, w->predictor->C * sizeof(*x));
	return output_put(w->out, to, 0, e);
}

static int
put_record(struct work *w, size_t i, struct error *e)
{
	const struct predictor *p = w->predictor;
	struct answer a = { .predictor = p,
		.batch = &w->block,
		.map = w->map,
		.record = i,
		.P = w->F + i * p->C,
		.most = (size_t)w->set->most };
	struct error why;
	int rc;

	if (!predictor_can(p, &w->block, w->map, i, &why)) {
		a.P = NULL;
		a.error = why.text;
	}
	w->records++;
	w->errors += a.P == NULL || batch_bad(&w->block, i);
	w->trained += (uint64_t)predictor_knows(
	    p, strs_get(&w->block.id, i), strs_get(&w->block.group, i));
	if (w->set->format == FORMAT_STREAM)
		return put_vector(w, i, a.P, a.error, e);
	rc = w->set->format == FORMAT_TSV ? answer_tsv(&w->text, &a)
					  : answer_jsonl(&w->text, &a);
	return rc < 0 ? error_memory(e) : 0;
}

/* ---- the work ---- */

static void
score_rows(void *arg, size_t i, int worker)
{
	struct work *w = arg;
	size_t from = i * ROWS, C = w->predictor->C;
	size_t n = w->block.n - from < ROWS ? w->block.n - from : ROWS;

	if (predictor_scores(w->predictor, w->la, &w->block, w->map, from, n,
		~UINT64_C(0), w->F + from * C, w->room[worker],
		&w->bad[worker]) < 0)
		return;
	if (w->set->zero_shot.labels != NULL)
		zero_shot_link(&w->zero_shot, w->F + from * C, n);
	else
		predictor_link(w->predictor, w->la, w->F + from * C, n);
}

static int
do_block(struct work *w, struct error *e)
{
	if (mem_grow(&w->F, &w->cap, w->block.n,
		w->predictor->C * sizeof(*w->F)) < 0)
		return error_memory(e);
	if (w->set->zero_shot.labels != NULL)
		zero_shot_unit(&w->zero_shot, &w->block, w->map[0]);
	pool_run(w->pool, (w->block.n + ROWS - 1) / ROWS, score_rows, w);
	for (int t = 0; t < pool_threads(w->pool); t++)
		if (w->bad[t].text[0] != '\0') {
			*e = w->bad[t];
			return -1;
		}
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
	if (isnan(set->threshold) || p->task != TASK_MULTILABEL)
		return 0;
	w->threshold = mem_array(p->C, sizeof(*w->threshold));
	if (w->threshold == NULL)
		return error_memory(e);
	for (size_t c = 0; c < p->C; c++)
		w->threshold[c] = (float)set->threshold;
	p->threshold = w->threshold;
	return 0;
}

static int
prepare(struct work *w, struct error *e)
{
	int threads;

	if (load_model(w, e) < 0)
		return -1;
	w->la = linalg_get(cpu_isa());
	w->map = mem_array(w->predictor->schema.n, sizeof(*w->map));
	if (w->map == NULL)
		return error_memory(e);
	if (predictor_bind(w->predictor, input_schema(w->in), w->map, e) < 0)
		return error_at(e, "'%s'", w->set->model);
	w->pool = pool_new((int)w->set->threads, e);
	if (w->pool == NULL)
		return -1;
	threads = pool_threads(w->pool);
	w->room = mem_array((size_t)threads, sizeof(*w->room));
	w->bad = mem_array((size_t)threads, sizeof(*w->bad));
	if (w->room == NULL || w->bad == NULL)
		return error_memory(e);
	for (int t = 0; t < threads; t++) {
		w->room[t] = predictor_room_new(w->predictor, e);
		if (w->room[t] == NULL)
			return -1;
	}
	return batch_init(&w->block, input_schema(w->in), e);
}

static void
say_missing(const struct work *w)
{
	for (size_t k = 0; k < w->predictor->schema.n; k++)
		if (w->map[k] < 0)
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
	int threads = pool_threads(w->pool);

	for (int t = 0; t < threads; t++)
		predictor_room_free(w->room[t]);
	free(w->room);
	free(w->bad);
	free(w->threshold);
	pool_free(w->pool);
	batch_free(&w->block);
	batch_free(&w->answers);
	schema_free(&w->schema);
	predictor_free(&w->trained_model);
	zero_shot_free(&w->zero_shot);
	input_close(w->in);
	buf_free(&w->text);
	free(w->map);
	free(w->F);
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
	rc = tolerance_status(
	    &set->errors, w.errors + end->rejected, w.records + end->rejected);
	release(&w);
	return rc;
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
	if (set.model == NULL)
		usage_error("-m FILE, the model, is required");
	if (set.zero_shot.templates > 0 && set.zero_shot.labels == NULL)
		usage_error("--template needs --zero-shot");
	if (set.zero_shot.labels != NULL && o.argc == 0 &&
	    strcmp(set.zero_shot.labels, "-") == 0)
		usage_error("labels and vectors cannot both be standard input");
	set.zero_shot.model.encoder.model = set.model;
	set.zero_shot.model.encoder.normalize = NORMALIZE_YES;
	set.zero_shot.independent = !isnan(set.threshold);
	key = predict(&set, o.argv, o.argc);
	free(set.zero_shot.template);
	return key;
}
