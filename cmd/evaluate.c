/* evaluate: score predictions against the truth. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/options.h"
#include "base/pool.h"
#include "fusion/ablate.h"
#include "learn/labels.h"
#include "learn/predictions.h"
#include "learn/report.h"
#include "learn/scoring.h"
#include "vec/input.h"

enum {
	KEY_HEADER = 256,
	KEY_IDS,
	KEY_VS,
	KEY_BOOTSTRAP,
	KEY_RESUBSTITUTION,
	KEY_SUMMARY,
	KEY_SCORES,
	KEY_ABLATE,
	KEY_NOISE,
	KEY_MAX_ERRORS
};

static const struct option_row rows[] = {
	{ 'l', "labels", "FILE", "the truth: id, then its labels, as TSV" },
	{ KEY_HEADER, "header", NULL, "the first line of -l is a header" },
	{ KEY_IDS, "ids", "FILE",
	    "score the records that FILE names, all of "
	    "them" },
	{ KEY_VS, "vs", "FILE",
	    "compare with other predictions of the same "
	    "records" },
	{ KEY_ABLATE, "ablate", NULL,
	    "score a model on streams with every subset of its parts" },
	{ KEY_NOISE, "noise", NULL, "and with noise over each part" },
	{ 'm', "model", "FILE", "that model, as train wrote it" },
	{ KEY_RESUBSTITUTION, "resubstitution", NULL,
	    "score training records too" },
	{ KEY_BOOTSTRAP, "bootstrap", "N",
	    "rounds for intervals and p; 0 for none (2000)" },
	{ 's', "seed", "SEED", "of the resampling and the noise (0)" },
	{ KEY_SCORES, "scores", "NAME[,NAME]",
	    "only these, by their names in JSON" },
	{ KEY_SUMMARY, "summary", NULL, "no tables of classes" },
	{ 'f', "format", "FORMAT", "text|json (text)" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ 'j', "threads", "N", "workers (all processors)" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records that cannot be scored (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "evaluate",
	"[options] [PREDICTIONS ...] [TRUTH.vp ...]\n"
	"       evaluate --ablate|--noise -m FILE [options] [FILE.vp ...]",
	"Score predictions against the truth, with intervals.", rows };

enum format { FORMAT_TEXT, FORMAT_JSON };

struct settings {
	const char *labels, *ids, *vs, *output, *scores, *model;
	int header, summary, quiet, ablate, noise;
	enum format format;
	long rounds, threads;
	uint64_t seed;
	struct scoring_options scoring;
	struct tolerance tolerance;
};

static void
take_option(struct settings *set, const struct options *o, int key)
{
	switch (key) {
	case 'l':
		set->labels = o->arg;
		break;
	case KEY_HEADER:
		set->header = 1;
		break;
	case KEY_IDS:
		set->ids = o->arg;
		break;
	case KEY_VS:
		set->vs = o->arg;
		break;
	case KEY_ABLATE:
		set->ablate = 1;
		break;
	case KEY_NOISE:
		set->noise = 1;
		break;
	case 'm':
		set->model = o->arg;
		break;
	case KEY_RESUBSTITUTION:
		set->scoring.resubstitution = 1;
		break;
	case KEY_BOOTSTRAP:
		set->rounds = options_long(o, 0, 10000000);
		break;
	case 's':
		set->seed = options_u64(o, 0, UINT64_MAX);
		break;
	case KEY_SCORES:
		set->scores = o->arg;
		break;
	case KEY_SUMMARY:
		set->summary = 1;
		break;
	case 'f':
		set->format = (enum format)options_choice(o, "text|json");
		break;
	case 'o':
		set->output = o->arg;
		break;
	case 'j':
		set->threads = options_long(o, 1, POOL_MAX);
		break;
	case KEY_MAX_ERRORS:
		set->tolerance = options_tolerance(o);
		break;
	case 'q':
		set->quiet = 1;
		break;
	}
}

/* What is read, and what comes of it. */
struct work {
	const struct settings *set;
	struct predictions p[2];
	int systems;
	const char *name[2];
	struct labels labels, ids;
	char **streams; /* operands that hold the truth */
	int nstreams;
	uint64_t strange; /* records of these that were not predicted */
	struct scoring g;
	struct figures f;
	struct report report;
};

/* Whether a named file is a stream of vectors: the truth. */
static int
is_stream(const char *path, struct error *e)
{
	static const char magic[] = "\x89VPS";
	struct reader in = { 0 };
	int rc;

	/* What can be read only once is taken for predictions. */
	if (strcmp(path, "-") == 0 || io_descriptor(path) != -1)
		return 0;
	if (io_open(&in, path, e) < 0)
		return -1;
	rc = io_peek(&in, 4, e);
	if (rc > 0)
		rc = memcmp(in.data + in.pos, magic, 4) == 0;
	io_close(&in);
	return rc;
}

/* Read every operand: predictions, and the names of streams. */
static int
read_operands(struct work *w, char *paths[], int n, struct error *e)
{
	int files = 0;

	w->streams = mem_array((size_t)n, sizeof(*w->streams));
	if (w->streams == NULL)
		return error_memory(e);
	for (int i = 0; i < n; i++) {
		int rc = is_stream(paths[i], e);

		if (rc < 0)
			return -1;
		if (rc > 0) {
			w->streams[w->nstreams++] = paths[i];
			continue;
		}
		files++;
		w->name[0] = paths[i];
		if (predictions_read(&w->p[0], paths[i], e) < 0)
			return -1;
	}
	if (files > 0)
		return 0;
	w->name[0] = "<stdin>";
	return predictions_read(&w->p[0], "-", e);
}

/* The truth of one system from the streams. */
static int
truth_from_streams(struct work *w, struct predictions *p, struct error *e)
{
	struct input *in = input_open(w->streams, w->nstreams, e);
	struct batch b = { 0 };
	int rc;

	if (in == NULL)
		return -1;
	predictions_forget(p);
	rc = batch_init(&b, input_schema(in), e);
	w->strange = 0;
	while (rc >= 0 && (rc = input_next(in, &b, e)) > 0)
		if (predictions_batch(p, &b, &w->strange, e) < 0)
			rc = -1;
	batch_free(&b);
	input_close(in);
	return rc;
}

static int
read_truth(struct work *w, struct error *e)
{
	const struct settings *set = w->set;

	if (set->labels != NULL &&
	    labels_read(&w->labels, set->labels, set->header, e) < 0)
		return -1;
	for (int x = 0; x < w->systems; x++) {
		if (w->nstreams > 0 && truth_from_streams(w, &w->p[x], e) < 0)
			return -1;
		if (set->labels != NULL &&
		    predictions_labels(&w->p[x], &w->labels, e) < 0)
			return error_at(e, "'%s'", set->labels);
	}
	return 0;
}

/* Bits of the figures named in "a,b"; a name that is none is usage. */
static unsigned
chosen(const char *list, enum score_task task)
{
	size_t n, len;
	const struct score_name *names = scores_names(task, &n);
	unsigned bits = 0;

	if (list == NULL)
		return REPORT_ALL;
	for (;; list += len + 1) {
		size_t k = 0;

		len = strcspn(list, ",");
		while (k < n && (strncmp(names[k].key, list, len) != 0 ||
				    names[k].key[len] != '\0'))
			k++;
		if (k == n)
			usage_error("--scores: '%.*s' is not a score of this "
				    "task",
			    (int)len, list);
		bits |= 1u << k;
		if (list[len] == '\0')
			return bits;
	}
}

/* What was left out of a system; of: its name, where there are two. */
static void
say_count(
    const struct settings *set, const struct scoring_count *c, const char *of)
{
	const char *colon = of != NULL ? ": " : "";

	of = of != NULL ? of : "";
	if (c->trained > 0 && !set->quiet)
		warn("%s%s%zu of %zu were in training, left out "
		     "(--resubstitution scores them)",
		    of, colon, c->trained, c->records);
	if (c->errors > 0)
		warn("%s%s%zu of %zu carry errors, left out", of, colon,
		    c->errors, c->records);
	if (c->no_truth > 0)
		warn("%s%s%zu of %zu have no truth, left out", of, colon,
		    c->no_truth, c->records);
}

static void
say_counts(const struct work *w)
{
	for (int x = 0; x < w->systems; x++)
		say_count(w->set, &w->g.count[x],
		    w->systems == 2 ? w->name[x] : NULL);
	if (w->strange > 0)
		warn("%" PRIu64 " records of the truth have no prediction",
		    w->strange);
}

static int
score(struct work *w, struct error *e)
{
	const struct settings *set = w->set;
	const struct predictions *both[2] = { &w->p[0], &w->p[1] };
	struct scoring_options o = set->scoring;
	struct pool *pool;
	int rc;

	if (set->ids != NULL) {
		if (labels_read(&w->ids, set->ids, 0, e) < 0)
			return -1;
		o.ids = &w->ids.id;
	}
	if (w->p[0].id.names.n == 0 && w->nstreams > 0)
		return error_set(e,
		    "no predictions: '%s' is vectors, and those are the truth",
		    w->streams[0]);
	w->report.chosen =
	    w->p[0].known ? chosen(set->scores, w->p[0].task) : REPORT_ALL;
	o.only = w->report.chosen;
	rc = scoring_make(&w->g, both, w->systems, &o, e);
	say_counts(w);
	if (rc < 0)
		return -1;
	if ((pool = pool_new((int)set->threads, e)) == NULL)
		return -1;
	rc = scoring_figures(
	    &w->g, (size_t)set->rounds, set->seed, pool, &w->f, e);
	pool_free(pool);
	return rc;
}

static int
put_text(const struct settings *set, const struct buf *text, int bad,
    struct error *e)
{
	struct writer out = { 0 };
	int rc;

	if (bad)
		return error_memory(e);
	rc = io_create(&out, set->output, e);
	if (rc == 0)
		rc = io_put(&out, text->data, text->len, e);
	if (rc == 0)
		return io_commit(&out, e);
	io_abandon(&out);
	return rc;
}

static int
print(struct work *w, struct error *e)
{
	const struct settings *set = w->set;
	struct report *r = &w->report;
	struct buf text = { 0 };
	int rc;

	r->g = &w->g;
	r->f = &w->f;
	r->name[0] = w->name[0];
	r->name[1] = w->name[1];
	r->summary = set->summary;
	rc = set->format == FORMAT_JSON ? report_json(&text, r)
					: report_text(&text, r);
	rc = put_text(set, &text, rc < 0, e);
	buf_free(&text);
	return rc;
}

/* 3 where a figure has no value, or where more records could not be scored
 * than may be. */
static int
status(const struct work *w)
{
	uint64_t bad = w->strange, all = bad;

	if (report_undefined(&w->report) > 0)
		return EXIT_SOME;
	for (int x = 0; x < w->systems; x++) {
		bad += w->g.count[x].errors + w->g.count[x].no_truth;
		all += w->g.count[x].records;
	}
	return tolerance_status(&w->set->tolerance, bad, all);
}

static int
evaluate(const struct settings *set, char *paths[], int n)
{
	struct work w = { .set = set, .systems = set->vs != NULL ? 2 : 1 };
	struct error e = { 0 };
	int rc;

	if (read_operands(&w, paths, n, &e) < 0 ||
	    (set->vs != NULL && predictions_read(&w.p[1], set->vs, &e) < 0))
		die("%s", e.text);
	w.name[1] = set->vs;
	if (read_truth(&w, &e) < 0 || score(&w, &e) < 0 || print(&w, &e) < 0)
		die("%s", e.text);
	rc = status(&w);
	for (int x = 0; x < 2; x++)
		predictions_free(&w.p[x]);
	labels_free(&w.labels);
	labels_free(&w.ids);
	scoring_free(&w.g);
	free(w.streams);
	return rc;
}

/* ---- a model without some of its parts ---- */

static int
print_ablation(
    const struct settings *set, const struct ablation *a, struct error *e)
{
	struct buf text = { 0 };
	int rc = set->format == FORMAT_JSON ? ablation_json(&text, a)
					    : ablation_text(&text, a);

	rc = put_text(set, &text, rc < 0, e);
	buf_free(&text);
	return rc;
}

static int
run_ablation(const struct settings *set, struct predictor *p,
    struct ablation *a, char *paths[], int n, struct error *e)
{
	struct labels truth = { 0 }, ids = { 0 };
	struct ablate_options o = { .noise = set->noise,
		.resubstitution = set->scoring.resubstitution,
		.rounds = (size_t)set->rounds,
		.seed = set->seed };
	struct pool *pool = NULL;
	int rc = predictor_load(p, set->model, e);

	if (rc == 0 && set->scores != NULL)
		o.figures = chosen(set->scores, ablate_task(p->task));
	if (rc == 0 && set->labels != NULL) {
		o.truth = &truth;
		rc = labels_read(&truth, set->labels, set->header, e);
	}
	if (rc == 0 && set->ids != NULL) {
		o.ids = &ids.id;
		rc = labels_read(&ids, set->ids, 0, e);
	}
	if (rc == 0)
		rc = (pool = pool_new((int)set->threads, e)) != NULL ? 0 : -1;
	if (rc == 0)
		rc = ablation_run(
		    a, p, linalg_get(cpu_isa()), pool, paths, n, &o, e);
	pool_free(pool);
	labels_free(&truth);
	labels_free(&ids);
	return rc;
}

static int
ablate(const struct settings *set, char *paths[], int n)
{
	struct predictor p = { 0 };
	struct ablation a = { 0 };
	struct error e = { 0 };
	int rc = run_ablation(set, &p, &a, paths, n, &e);

	say_count(set, &a.count, NULL);
	if (a.bad.text[0] != '\0')
		warn("%s", a.bad.text);
	if (a.partial)
		warn("a stream says that it is partial");
	if (rc < 0 || print_ablation(set, &a, &e) < 0)
		die("%s", e.text);
	rc = ablation_undefined(&a) > 0
		 ? EXIT_SOME
		 : tolerance_status(&set->tolerance,
		       a.count.errors + a.count.no_truth + a.rejected,
		       a.count.records + a.rejected);
	ablation_free(&a);
	predictor_free(&p);
	return rc;
}

static void
check_options(const struct settings *set)
{
	int model = set->ablate + set->noise;

	if (set->header && set->labels == NULL)
		usage_error("--header is for -l");
	if (model > 1)
		usage_error("--ablate and --noise are two questions");
	if (model != (set->model != NULL))
		usage_error(model ? "-m FILE, the model, is required"
				  : "-m FILE is for --ablate and --noise");
	if (model && set->vs != NULL)
		usage_error("--vs compares predictions, not parts of a model");
}

int
main(int argc, char *argv[])
{
	struct settings set = { .rounds = 2000 };
	struct options o;
	int key;

	options_start(&o, &self, argc, argv);
	while ((key = options_next(&o)) != -1)
		take_option(&set, &o, key);
	check_options(&set);
	if (set.model != NULL)
		return ablate(&set, o.argv, o.argc);
	return evaluate(&set, o.argv, o.argc);
}
