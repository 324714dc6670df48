/* fuse: join streams by id, side by side or into one vector. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "fusion/combine.h"
#include "fusion/join.h"
#include "fusion/represent.h"
#include "vec/input.h"
#include "vec/output.h"
#include "vec/spool.h"

enum {
	KEY_JOIN = 256,
	KEY_REPORT,
	KEY_MEMORY,
	KEY_TO,
	KEY_NORM,
	KEY_MISSING,
	KEY_WEIGHT,
	KEY_NAME,
	KEY_FIT,
	KEY_MAX_ERRORS
};

static const struct option_row rows[] = {
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ 'f', "format", "FORMAT", OUTPUT_FORMATS " (auto)" },
	{ KEY_JOIN, "join", "HOW",
	    "outer: every record; inner: those in all streams; left: those "
	    "of the first (outer)" },
	{ KEY_REPORT, "report", "FILE",
	    "write which streams have each id, as TSV" },
	{ KEY_MEMORY, "memory", "SIZE",
	    "bytes of records to hold before a temporary file, with K, M or "
	    "G (1G)" },
	{ KEY_TO, "to", "RULE", "one vector of the parts: " COMBINE_TO },
	{ KEY_NORM, "norm", "NORM",
	    "scale each part before: " COMBINE_NORM " (none)" },
	{ KEY_MISSING, "missing", "WHAT",
	    "what stands for a missing part in concat: " COMBINE_MISSING },
	{ KEY_WEIGHT, "weight", "PART=W", "multiply a part by W (1)" },
	{ KEY_NAME, "name", "NAME", "name of the one vector (fused)" },
	{ KEY_FIT, "fit", "FILE",
	    "write what was fitted on these records as a model" },
	{ 'm', "model", "FILE",
	    "combine as a model of --fit says, or as a model of train sees "
	    "them" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "fuse",
	"[options] [NAME=]FILE [[NAME=]FILE ...]",
	"Join streams of vectors by id.", rows };

struct options_of_fuse {
	const char *output, *report, *fit, *model, *name;
	enum vec_format format;
	struct join_options join;
	int combined; /* --to was given */
	enum combine_to to;
	enum combine_norm norm;
	enum combine_missing missing;
	struct {
		const char *part;
		double w;
	} weights[VEC_MAX_PARTS];
	int nweights;
	struct tolerance tolerance;
	int quiet, norm_given;
};

/* What is open while fuse runs, so that it can be closed on failure. */
struct work {
	const struct options_of_fuse *opt;
	size_t S;
	struct join_source *sources; /* [S] */
	struct join *join;
	struct combine combine;
	struct represent *represent; /* -m is a model of train */
	struct writer report;
	int reporting;
	struct output *out;
	struct buf line;
	uint64_t failed; /* records that could not be combined */
};

/* PART=W: the part's name is cut off where it stands. */
static void
add_weight(struct options_of_fuse *opt, const struct options *o)
{
	char *equals = strrchr(o->arg, '=');
	double w;

	if (equals == NULL || equals == o->arg ||
	    num_parse_double(equals + 1, 1e-30, 1e30, &w) < 0)
		usage_error(
		    "%s: '%s' is not PART=W with W > 0", o->shown, o->arg);
	if (opt->nweights == VEC_MAX_PARTS)
		usage_error("%s: too many", o->shown);
	*equals = '\0';
	opt->weights[opt->nweights].part = o->arg;
	opt->weights[opt->nweights++].w = w;
}

static int
parse_options(
    struct options_of_fuse *opt, struct options *o, int argc, char *argv[])
{
	int c;

	options_start(o, &self, argc, argv);
	while ((c = options_next(o)) != -1)
		switch (c) {
		case 'o':
			opt->output = o->arg;
			break;
		case 'f':
			opt->format =
			    (enum vec_format)options_choice(o, OUTPUT_FORMATS);
			break;
		case KEY_JOIN:
			opt->join.kind = (enum join_kind)options_choice(
			    o, "outer|inner|left");
			break;
		case KEY_REPORT:
			opt->report = o->arg;
			break;
		case KEY_MEMORY:
			opt->join.memory = options_size(o);
			break;
		case KEY_TO:
			opt->to =
			    (enum combine_to)options_choice(o, COMBINE_TO);
			opt->combined = 1;
			break;
		case KEY_NORM:
			opt->norm =
			    (enum combine_norm)options_choice(o, COMBINE_NORM);
			opt->norm_given = 1;
			break;
		case KEY_MISSING:
			opt->missing = (enum combine_missing)options_choice(
			    o, COMBINE_MISSING);
			break;
		case KEY_WEIGHT:
			add_weight(opt, o);
			break;
		case KEY_NAME:
			opt->name = o->arg;
			break;
		case KEY_FIT:
			opt->fit = o->arg;
			break;
		case KEY_MAX_ERRORS:
			opt->tolerance = options_tolerance(o);
			break;
		case 'm':
			opt->model = o->arg;
			break;
		case 'q':
			opt->quiet = 1;
			break;
		}
	return o->argc;
}

/* Options that contradict each other. */
static void
check_options(const struct options_of_fuse *opt)
{
	int fitted = opt->norm == COMBINE_Z || opt->missing == COMBINE_FILL;

	if (opt->model != NULL &&
	    (opt->combined || opt->norm_given || opt->nweights > 0 ||
		opt->missing != COMBINE_REFUSE || opt->fit != NULL))
		usage_error("-m says all: no --to, --norm, --missing, "
			    "--weight or --fit beside it");
	if (opt->model == NULL && !opt->combined &&
	    (opt->norm_given || opt->nweights > 0 ||
		opt->missing != COMBINE_REFUSE || opt->fit != NULL ||
		opt->name != NULL))
		usage_error("--norm, --missing, --weight, --name and --fit "
			    "need --to");
	if (opt->missing != COMBINE_REFUSE && opt->to != COMBINE_CONCAT)
		usage_error("--missing is for --to concat: the others take "
			    "the parts that are there");
	if (opt->combined && fitted && opt->fit == NULL)
		usage_error("%s is fitted on records: --fit FILE keeps what "
			    "was fitted, -m FILE applies it",
		    opt->norm == COMBINE_Z ? "--norm z" : "--missing mean");
}

/* NAME=FILE, where NAME holds no slash: rename the part. */
static int
open_source(struct join_source *s, char *operand, struct error *e)
{
	char *equals = strchr(operand, '=');
	char *slash = strchr(operand, '/');

	s->label = operand;
	if (equals != NULL && equals != operand &&
	    (slash == NULL || slash > equals)) {
		*equals = '\0';
		s->rename = operand;
		s->label = equals + 1;
	}
	s->in = input_open((char *const *)&s->label, 1, e);
	return s->in != NULL ? 0 : -1;
}

/* The header of the report, and one line for each id. */
static int
begin_report(struct work *w, struct error *e)
{
	int bad = buf_puts(&w->line, "id");

	for (size_t k = 0; k < w->S; k++) {
		const char *label = w->sources[k].label;

		bad |= buf_putc(&w->line, '\t');
		bad |= csv_put_field(&w->line, CSV_TAB, label, strlen(label));
	}
	if ((bad | buf_putc(&w->line, '\n')) != 0)
		return error_memory(e);
	if (io_create(&w->report, w->opt->report, e) < 0)
		return -1;
	w->reporting = 1;
	return io_put(&w->report, w->line.data, w->line.len, e);
}

static int
report(void *ctx, struct str id, const uint8_t *had, struct error *e)
{
	struct work *w = ctx;
	int bad;

	w->line.len = 0;
	bad = csv_put_field(&w->line, CSV_TAB, id.s, id.len);
	for (size_t k = 0; k < w->S; k++)
		bad |= buf_puts(&w->line, had[k] ? "\t1" : "\t0");
	if ((bad | buf_putc(&w->line, '\n')) != 0)
		return error_memory(e);
	return io_put(&w->report, w->line.data, w->line.len, e);
}

/* As a model says, which is train's or our own. */
static int
prepare_model(struct work *w, struct error *e)
{
	const struct options_of_fuse *opt = w->opt;
	const struct schema *in = join_schema(w->join);
	int trained = represent_is(opt->model, e);

	if (trained < 0)
		return -1;
	if (trained) {
		w->represent = represent_open(opt->model, in, opt->name, e);
		return w->represent != NULL ? 0 : -1;
	}
	return combine_load(&w->combine, opt->model, e) < 0
		   ? -1
		   : combine_bind(&w->combine, in, e);
}

/* How the combination is to be made. */
static int
prepare_combine(struct work *w, struct error *e)
{
	const struct options_of_fuse *opt = w->opt;
	const struct schema *in = join_schema(w->join);

	if (opt->model != NULL)
		return prepare_model(w, e);
	if (combine_init(&w->combine, in, opt->to, opt->norm, opt->missing, e) <
	    0)
		return -1;
	for (int k = 0; k < opt->nweights; k++)
		if (combine_weight(&w->combine, opt->weights[k].part,
			opt->weights[k].w, e) < 0)
			return -1;
	return 0;
}

static int
open_output(struct work *w, const struct schema *s, struct error *e)
{
	w->out = output_open(w->opt->output, w->opt->format, s, e);
	return w->out != NULL ? 0 : -1;
}

/* Put a batch out, combined or as it is. */
static int
put(struct work *w, const struct batch *b, struct batch *made, struct error *e)
{
	if (made->schema == NULL)
		return output_put_all(w->out, b, e);
	batch_clear(made);
	if ((w->represent != NULL ? represent_apply(w->represent, b, made, e)
				  : combine_apply(&w->combine, b, made, e)) < 0)
		return -1;
	for (size_t i = 0; i < made->n; i++)
		w->failed += batch_bad(made, i) && !batch_bad(b, i);
	return output_put_all(w->out, made, e);
}

/* Put every joined record out as it comes. */
static int
stream_through(
    struct work *w, struct batch *b, struct batch *made, struct error *e)
{
	int rc;

	while ((rc = join_next(w->join, b, e)) > 0)
		if (put(w, b, made, e) < 0)
			return -1;
	return rc;
}

/* Put all records aside while their statistics are taken, then combine. */
static int
fit_first(struct work *w, struct batch *b, struct error *e)
{
	struct spool aside;
	struct buf bytes = { 0 };
	struct batch made = { 0 };
	int rc;

	spool_init(&aside, w->opt->join.memory);
	while ((rc = join_next(w->join, b, e)) > 0) {
		combine_fit(&w->combine, b);
		for (size_t i = 0; i < b->n && rc > 0; i++)
			rc = spool_put(&aside, b, i, e) < 0 ? -1 : 1;
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = combine_save(&w->combine, w->opt->fit, e);
	if (rc == 0)
		rc = combine_open(&w->combine, w->opt->name, e);
	if (rc == 0)
		rc = open_output(w, &w->combine.schema, e);
	if (rc == 0)
		rc = batch_init(&made, &w->combine.schema, e);
	for (size_t k = 0; rc == 0 && k < aside.n; k++) {
		struct record r;

		batch_clear(b);
		rc = spool_get(&aside, k, &bytes, &r, e);
		if (rc == 0)
			rc = record_append(b, &r, e);
		if (rc == 0)
			rc = put(w, b, &made, e);
	}
	batch_free(&made);
	buf_free(&bytes);
	spool_free(&aside);
	return rc;
}

static int
run(struct work *w, struct error *e)
{
	struct batch b = { 0 }, made = { 0 };
	int combined = w->opt->combined || w->opt->model != NULL;
	int rc = 0;

	if (batch_init(&b, join_schema(w->join), e) < 0 ||
	    (combined && prepare_combine(w, e) < 0)) {
		rc = -1;
	} else if (w->opt->fit != NULL) {
		rc = fit_first(w, &b, e);
	} else if (!combined) {
		rc = open_output(w, join_schema(w->join), e);
	} else {
		const struct schema *to = w->represent != NULL
					      ? represent_schema(w->represent)
					      : &w->combine.schema;

		if (w->represent == NULL)
			rc = combine_open(&w->combine, w->opt->name, e);
		if (rc == 0)
			rc = open_output(w, to, e);
		if (rc == 0)
			rc = batch_init(&made, to, e);
	}
	if (rc == 0 && w->opt->fit == NULL)
		rc = stream_through(w, &b, &made, e);
	batch_free(&b);
	batch_free(&made);
	return rc;
}

static void
say_counts(const struct work *w)
{
	struct buf b = { 0 };

	if (join_sentence(&b, join_counts(w->join), w->sources, w->S) == 0)
		warn("%s", b.data);
	buf_free(&b);
}

/* Why lines of JSON Lines were rejected here. */
static void
say_rejected(struct work *w)
{
	for (size_t k = 0; k < w->S; k++) {
		const struct input_end *end = input_end(w->sources[k].in);

		if (end->bad.text[0] != '\0')
			warn("%s", end->bad.text);
	}
}

/* 3 where more records are in error, or were never read, than may be. */
static int
status(const struct work *w)
{
	const struct join_counts *c = join_counts(w->join);

	return tolerance_status(&w->opt->tolerance,
	    c->errors + c->rejected + w->failed, c->out + c->rejected);
}

static int
finish(struct work *w, struct error *e)
{
	const struct join_counts *c = join_counts(w->join);
	struct output *out = w->out;

	output_reject(out, c->rejected);
	if (c->partial)
		output_partial(out);
	w->out = NULL;
	if (output_close(out, e) < 0)
		return -1;
	if (w->reporting && io_commit(&w->report, e) < 0)
		return -1;
	w->reporting = 0;
	return 0;
}

static void
fail(struct work *w, const struct error *e)
{
	if (w->reporting)
		io_abandon(&w->report);
	output_abort(w->out, self.name);
	die("%s", e->text);
}

static int
fuse(struct options_of_fuse *opt, char *operands[], size_t n)
{
	struct work w = { .opt = opt, .S = n };
	struct error e = { 0 };
	int rc;

	w.sources = mem_array(n, sizeof(*w.sources));
	if (w.sources == NULL)
		die("out of memory");
	for (size_t k = 0; k < n; k++)
		if (open_source(&w.sources[k], operands[k], &e) < 0)
			fail(&w, &e);
	if (opt->report != NULL && begin_report(&w, &e) < 0)
		fail(&w, &e);
	opt->join.seen = opt->report != NULL ? report : NULL;
	opt->join.ctx = &w;
	w.join = join_open(w.sources, n, &opt->join, &e);
	if (w.join == NULL || run(&w, &e) < 0 || finish(&w, &e) < 0)
		fail(&w, &e);
	if (!opt->quiet)
		say_counts(&w);
	say_rejected(&w);
	rc = status(&w);
	join_free(w.join);
	for (size_t k = 0; k < n; k++)
		input_close(w.sources[k].in);
	combine_free(&w.combine);
	represent_free(w.represent);
	buf_free(&w.line);
	free(w.sources);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct options_of_fuse opt = { .missing = COMBINE_REFUSE,
		.join = { .kind = JOIN_OUTER, .memory = (size_t)1 << 30 } };
	struct options o;
	char dash[] = "-", *standard_input[] = { dash };
	int n = parse_options(&opt, &o, argc, argv);

	check_options(&opt);
	if (opt.name == NULL)
		opt.name = "fused";
	if (n == 0)
		return fuse(&opt, standard_input, 1);
	return fuse(&opt, o.argv, (size_t)n);
}
