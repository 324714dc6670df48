/* vec-split: deal records out to files: shares, folds, selections. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "base/pool.h"
#include "learn/divide.h"
#include "learn/labels.h"
#include "learn/split.h"
#include "vec/input.h"
#include "vec/output.h"

enum {
	KEY_OUT = 256,
	KEY_FOLDS,
	KEY_FOLD,
	KEY_REST,
	KEY_IDS,
	KEY_NOT_IDS,
	KEY_LABEL,
	KEY_SHARD,
	KEY_GROUP,
	KEY_NEAR,
	KEY_PART,
	KEY_REPORT,
	KEY_MEMORY,
	KEY_MAX_ERRORS
};

static const struct option_row rows[] = {
	{ KEY_OUT, "out", "SHARE:FILE",
	    "this share of the records to FILE; further SHARE:FILE follow" },
	{ KEY_FOLDS, "folds", "K", "deal out to K folds" },
	{ KEY_FOLD, "fold", "I",
	    "fold I (from 1) to -o, all others to --rest" },
	{ 'o', "output", "FILE",
	    "write the chosen records to FILE; with "
	    "--folds, %d in it is the fold's number" },
	{ KEY_REST, "rest", "FILE", "write all other records to FILE" },
	{ 's', "seed", "SEED", "salt of the hash (0)" },
	{ KEY_GROUP, "group", "WHAT",
	    "keep together: group, id, source (equal content), or what an "
	    "extended regular expression finds in the id (group)" },
	{ KEY_NEAR, "near", "COS",
	    "keep together records with a cosine of COS and more" },
	{ KEY_PART, "part", "NAME", "the part that --near compares" },
	{ KEY_IDS, "ids", "FILE", "choose the records that FILE names" },
	{ KEY_NOT_IDS, "not-ids", "FILE", "choose those that it does not" },
	{ KEY_LABEL, "label", "LABEL",
	    "choose records with this label; may "
	    "be given again" },
	{ KEY_SHARD, "shard", "I/N", "choose record I, I + N, ... (from 1)" },
	{ KEY_REPORT, "report", "FILE", "write where each id went, as TSV" },
	{ 'f', "format", "FORMAT", OUTPUT_FORMATS " (auto)" },
	{ 'j', "threads", "N", "workers for --near (all processors)" },
	{ KEY_MEMORY, "memory", "SIZE",
	    "bytes of records to hold before a temporary file, with K, M or "
	    "G (1G)" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "vec-split",
	"[options] [--out SHARE:FILE [SHARE:FILE ...]] [FILE ...]",
	"Deal records out to files: training and test, folds, selections.",
	rows };

/* One file to write. */
struct target {
	const char *path; /* NULL: standard output */
	char *made;       /* the path, where it comes from a pattern */
	double share;
	struct output *out;
	uint64_t n;
};

struct settings {
	struct target *targets; /* [ntargets] */
	size_t ntargets;
	int shares;                /* targets are shares */
	long folds, fold;          /* 0: none */
	const char *output, *rest; /* or patterns of them */
	uint64_t seed;
	const char *group;
	double near; /* 0: none */
	const char *part;
	struct labels ids, not_ids;
	int has_ids, has_not_ids;
	struct intern labels;
	uint64_t shard, shards; /* from 0; shards 0: all */
	const char *report;
	enum vec_format format;
	long threads;
	size_t memory;
	struct tolerance tolerance;
	int quiet;
};

/* ---- options ---- */

static void
add_target(struct settings *set, const char *path, char *made, double share)
{
	struct target *t =
	    realloc(set->targets, (set->ntargets + 1) * sizeof(*set->targets));

	if (t == NULL)
		die("out of memory");
	if (set->ntargets == 2 * SPLIT_MAX)
		usage_error("more than %d files", 2 * SPLIT_MAX);
	set->targets = t;
	t[set->ntargets++] =
	    (struct target){ .path = path, .made = made, .share = share };
}

/* SHARE:FILE.  1 when the word is one, else 0. */
static int
share_of(struct settings *set, char *word)
{
	char *colon = strchr(word, ':');
	double share;
	int rc;

	if (colon == NULL || colon[1] == '\0')
		return 0;
	*colon = '\0';
	rc = num_parse_double(word, 1e-9, 1e9, &share);
	*colon = ':';
	if (rc < 0)
		return 0;
	add_target(set, colon + 1, NULL, share);
	return 1;
}

static void
read_ids(struct labels *ids, const char *path)
{
	struct error e;

	if (labels_read(ids, path, 0, &e) < 0)
		die("%s", e.text);
}

static void
parse_shard(struct settings *set, const struct options *o)
{
	const char *slash = strchr(o->arg, '/');
	char first[24];
	size_t n = slash != NULL ? (size_t)(slash - o->arg) : sizeof(first);

	if (n < sizeof(first)) {
		memcpy(first, o->arg, n);
		first[n] = '\0';
		if (num_parse_u64(slash + 1, 1, UINT32_MAX, &set->shards) ==
			0 &&
		    num_parse_u64(first, 1, set->shards, &set->shard) == 0) {
			set->shard--;
			return;
		}
	}
	usage_error("%s: '%s' is not I/N with 1 <= I <= N", o->shown, o->arg);
}

static void
take_option(struct settings *set, const struct options *o, int key,
    const char **ids, const char **not_ids)
{
	uint32_t number;

	switch (key) {
	case KEY_OUT:
		if (share_of(set, (char *)o->arg))
			set->shares = 1;
		else
			set->output = o->arg;
		break;
	case KEY_FOLDS:
		set->folds = options_long(o, 2, SPLIT_MAX);
		break;
	case KEY_FOLD:
		set->fold = options_long(o, 1, SPLIT_MAX);
		break;
	case 'o':
		set->output = o->arg;
		break;
	case KEY_REST:
		set->rest = o->arg;
		break;
	case 's':
		set->seed = options_u64(o, 0, UINT64_MAX);
		break;
	case KEY_GROUP:
		set->group = o->arg;
		break;
	case KEY_NEAR:
		set->near = options_double(o, 0.01, 1);
		break;
	case KEY_PART:
		set->part = o->arg;
		break;
	case KEY_IDS:
		*ids = o->arg;
		break;
	case KEY_NOT_IDS:
		*not_ids = o->arg;
		break;
	case KEY_LABEL:
		if (intern_add(&set->labels, o->arg, strlen(o->arg), &number) <
		    0)
			die("out of memory");
		break;
	case KEY_SHARD:
		parse_shard(set, o);
		break;
	case KEY_REPORT:
		set->report = o->arg;
		break;
	case 'f':
		set->format =
		    (enum vec_format)options_choice(o, OUTPUT_FORMATS);
		break;
	case 'j':
		set->threads = options_long(o, 1, POOL_MAX);
		break;
	case KEY_MEMORY:
		set->memory = options_size(o);
		break;
	case KEY_MAX_ERRORS:
		set->tolerance = options_tolerance(o);
		break;
	case 'q':
		set->quiet = 1;
		break;
	}
}

/* The pattern with its only "%d" replaced. */
static char *
fill_in(const char *pattern, long number)
{
	const char *at = strstr(pattern, "%d");
	struct buf b = { 0 };

	if (at == NULL || strstr(at + 1, "%d") != NULL)
		usage_error("'%s': with --folds and no --fold the name needs "
			    "one %%d for the fold's number",
		    pattern);
	if (buf_put(&b, pattern, (size_t)(at - pattern)) < 0 ||
	    buf_printf(&b, "%ld%s", number, at + 2) < 0)
		die("out of memory");
	return b.data;
}

/* Which files there are to write: each share; or the chosen records (even
 * number) and the rest (odd number) of each fold. */
static void
make_targets(struct settings *set)
{
	if (set->shares &&
	    (set->folds > 0 || set->output != NULL || set->rest != NULL))
		usage_error("--out SHARE:FILE goes with none of --folds, -o "
			    "and --rest");
	if (set->fold > 0 && set->folds < set->fold)
		usage_error(
		    "--fold %ld: there are %ld folds", set->fold, set->folds);
	if (set->shares)
		return;
	if (set->folds == 0 || set->fold > 0) {
		add_target(set, set->output, NULL, 1);
		add_target(set, set->rest, NULL, 1);
		return;
	}
	for (long k = 1; k <= set->folds; k++) {
		char *out =
		    set->output != NULL ? fill_in(set->output, k) : NULL;
		char *rest = set->rest != NULL ? fill_in(set->rest, k) : NULL;

		add_target(set, out, out, 1);
		add_target(set, rest, rest, 1);
	}
	if (set->output == NULL && set->rest == NULL && set->report == NULL)
		usage_error("--folds: where to? Give --fold I, a name with "
			    "%%d, or --report");
}

/* Operands that are SHARE:FILE belong to --out.  Returns how many are left. */
static int
take_shares(struct settings *set, struct options *o)
{
	int left = 0;

	for (int i = 0; i < o->argc; i++)
		if (!set->shares || !share_of(set, o->argv[i]))
			o->argv[left++] = o->argv[i];
	return left;
}

static int
parse_options(struct settings *set, struct options *o, int argc, char *argv[])
{
	const char *ids = NULL, *not_ids = NULL;
	int key, n;

	options_start(o, &self, argc, argv);
	while ((key = options_next(o)) != -1)
		take_option(set, o, key, &ids, &not_ids);
	n = take_shares(set, o);
	make_targets(set);
	if (set->part != NULL && set->near <= 0)
		usage_error("--part is for --near");
	set->has_ids = ids != NULL;
	set->has_not_ids = not_ids != NULL;
	if (ids != NULL)
		read_ids(&set->ids, ids);
	if (not_ids != NULL)
		read_ids(&set->not_ids, not_ids);
	return n;
}

/* ---- the work ---- */

struct work {
	struct settings *set;
	struct input *in;
	struct batch block; /* as read */
	struct batch one;   /* a record on its way out */
	struct divide divide;
	uint64_t passed; /* records left for --shard to choose from */
	uint64_t errors;
	uint8_t *found;  /* [ids] which of --ids came */
	uint8_t *chosen; /* [records put aside] */
	size_t chosen_cap;
	struct writer report;
	int reporting;
	struct buf text;
};

static int
has_label(const struct settings *set, const struct batch *b, size_t i)
{
	size_t first, n = batch_range(b->label_end, i, &first);

	if (set->labels.names.n == 0)
		return 1;
	for (size_t k = first; k < first + n; k++) {
		struct str s = strs_get(&b->label, k);

		if (intern_find(&set->labels, s.s, s.len) >= 0)
			return 1;
	}
	return 0;
}

/* Whether the options choose record i. */
static int
choose(struct work *w, const struct batch *b, size_t i)
{
	const struct settings *set = w->set;
	struct str id = strs_get(&b->id, i);
	int64_t at;

	if (set->has_ids) {
		at = intern_find(&set->ids.id, id.s, id.len);
		if (at < 0)
			return 0;
		w->found[at] = 1;
	}
	if (set->has_not_ids &&
	    intern_find(&set->not_ids.id, id.s, id.len) >= 0)
		return 0;
	if (!has_label(set, b, i))
		return 0;
	if (set->shards == 0)
		return 1;
	return w->passed++ % set->shards == set->shard;
}

/* Put record i aside; where only the chosen ones are dealt out, if it is one
 * of them. */
static int
take_record(struct work *w, const struct batch *b, size_t i, struct error *e)
{
	int plain = !w->set->shares && w->set->folds == 0;
	int chosen = choose(w, b, i);

	if (!chosen && !plain)
		return 0;
	if (mem_grow(&w->chosen, &w->chosen_cap, w->divide.aside.n + 1, 1) < 0)
		return error_memory(e);
	w->chosen[w->divide.aside.n] = (uint8_t)chosen;
	w->errors += (uint64_t)batch_bad(b, i);
	return divide_add(&w->divide, b, i, e);
}

static int
read_all(struct work *w, struct error *e)
{
	int rc;

	while ((rc = input_next(w->in, &w->block, e)) > 0)
		for (size_t i = 0; i < w->block.n; i++)
			if (take_record(w, &w->block, i, e) < 0)
				return -1;
	return rc;
}

/* Decide where each record goes. */
static int
deal(struct work *w, struct error *e)
{
	const struct settings *set = w->set;
	size_t shares = set->shares      ? set->ntargets
			: set->folds > 0 ? (size_t)set->folds
					 : 1;
	double *share = mem_array(shares, sizeof(*share));
	struct pool *pool = NULL;
	int rc = 0;

	if (share == NULL)
		return error_memory(e);
	for (size_t k = 0; k < shares; k++)
		share[k] = set->shares ? set->targets[k].share : 1;
	if (set->near > 0 && (pool = pool_new((int)set->threads, e)) == NULL)
		rc = -1;
	if (rc == 0)
		rc = divide_deal(&w->divide, set->seed, share, shares, pool, e);
	pool_free(pool);
	free(share);
	return rc;
}

static int
open_targets(struct work *w, struct error *e)
{
	struct settings *set = w->set;
	int plain = !set->shares && (set->folds == 0 || set->fold > 0);

	for (size_t k = 0; k < set->ntargets; k++) {
		struct target *t = &set->targets[k];

		/* Without a name only the chosen records of a selection or
		 * of one fold go to standard output. */
		if (t->path == NULL && !(plain && k == 0))
			continue;
		t->out = output_open(t->path, set->format, w->one.schema, e);
		if (t->out == NULL)
			return -1;
	}
	return 0;
}

static int
put_to(struct work *w, size_t k, struct error *e)
{
	struct target *t = &w->set->targets[k];

	if (t->out == NULL)
		return 0;
	t->n++;
	return output_put(t->out, &w->one, 0, e);
}

/* Write the record in w->one, number k, where it belongs. */
static int
put_record(struct work *w, size_t k, struct error *e)
{
	const struct settings *set = w->set;
	size_t to = w->divide.to[k];

	if (set->shares)
		return put_to(w, to, e);
	if (set->folds == 0)
		return put_to(w, w->chosen[k] ? 0 : 1, e);
	if (set->fold > 0)
		return put_to(w, to + 1 == (size_t)set->fold ? 0 : 1, e);
	for (size_t f = 0; f < (size_t)set->folds; f++)
		if (put_to(w, f == to ? 2 * f : 2 * f + 1, e) < 0)
			return -1;
	return 0;
}

static int
report_record(struct work *w, size_t k, struct error *e)
{
	const struct settings *set = w->set;
	struct str id = strs_get(&w->one.id, 0);
	int bad;

	w->text.len = 0;
	bad = csv_put_field(&w->text, CSV_TAB, id.s, id.len);
	bad |= buf_putc(&w->text, '\t');
	if (set->folds > 0)
		bad |= buf_printf(&w->text, "%" PRIu32, w->divide.to[k] + 1);
	else if (set->shares)
		bad |= csv_put_field(&w->text, CSV_TAB,
		    set->targets[w->divide.to[k]].path,
		    strlen(set->targets[w->divide.to[k]].path));
	else
		bad |= buf_putc(&w->text, w->chosen[k] ? '1' : '0');
	if ((bad | buf_putc(&w->text, '\n')) != 0)
		return error_memory(e);
	return io_put(&w->report, w->text.data, w->text.len, e);
}

static int
begin_report(struct work *w, struct error *e)
{
	const char *header = w->set->folds > 0 ? "id\tfold\n"
			     : w->set->shares  ? "id\tfile\n"
					       : "id\tchosen\n";

	if (w->set->report == NULL)
		return 0;
	if (io_create(&w->report, w->set->report, e) < 0)
		return -1;
	w->reporting = 1;
	return io_put(&w->report, header, strlen(header), e);
}

/* Write all records, in the order they came. */
static int
write_all(struct work *w, struct error *e)
{
	for (size_t k = 0; k < w->divide.aside.n; k++) {
		if (divide_get(&w->divide, k, &w->one, e) < 0 ||
		    put_record(w, k, e) < 0)
			return -1;
		if (w->reporting && report_record(w, k, e) < 0)
			return -1;
	}
	return 0;
}

/* Every id of --ids must have come. */
static int
check_found(const struct work *w, struct error *e)
{
	const struct intern *ids = &w->set->ids.id;
	size_t missing = 0, first = 0;

	for (size_t i = ids->names.n; w->set->has_ids && i-- > 0;)
		if (!w->found[i]) {
			missing++;
			first = i;
		}
	if (missing == 0)
		return 0;
	return error_set(e,
	    "%zu of the ids that were asked for are not there, first '%.*s'",
	    missing, (int)intern_get(ids, first).len, intern_get(ids, first).s);
}

static int
finish(struct work *w, struct error *e)
{
	const struct input_end *end = input_end(w->in);

	for (size_t k = 0; k < w->set->ntargets; k++) {
		struct target *t = &w->set->targets[k];
		struct output *out = t->out;

		if (out == NULL)
			continue;
		if (end->partial)
			output_partial(out);
		if (k == 0)
			output_reject(out, end->rejected);
		t->out = NULL;
		if (output_close(out, e) < 0)
			return -1;
	}
	if (w->reporting && io_commit(&w->report, e) < 0)
		return -1;
	w->reporting = 0;
	return 0;
}

/* What --near compares, once the parts are known. */
static int
prepare(struct work *w, struct error *e)
{
	const struct settings *set = w->set;
	const struct schema *s = input_schema(w->in);

	w->found = mem_array(set->ids.id.names.n, 1);
	if (w->found == NULL)
		return error_memory(e);
	if (batch_init(&w->block, s, e) < 0 || batch_init(&w->one, s, e) < 0)
		return -1;
	if (set->near <= 0)
		return 0;
	return divide_near(&w->divide, s, set->part, (float)set->near, e);
}

static int
split(struct work *w, struct error *e)
{
	if (prepare(w, e) < 0 || read_all(w, e) < 0 || check_found(w, e) < 0 ||
	    deal(w, e) < 0 || open_targets(w, e) < 0 ||
	    begin_report(w, e) < 0 || write_all(w, e) < 0)
		return -1;
	return finish(w, e);
}

static void
fail(struct work *w, const struct error *e)
{
	for (size_t k = 0; k < w->set->ntargets; k++)
		output_abort(w->set->targets[k].out, self.name);
	if (w->reporting)
		io_abandon(&w->report);
	die("%s", e->text);
}

/* "472 to 'train.vp', 118 to 'test.vp', of 590 records in 302 groups" */
static void
say_counts(struct work *w)
{
	const struct settings *set = w->set;
	struct buf b = { 0 };
	int bad = 0;

	for (size_t k = 0; k < set->ntargets; k++) {
		const struct target *t = &set->targets[k];

		if (t->path == NULL && t->n > 0)
			bad |= buf_printf(
			    &b, "%" PRIu64 " to standard output, ", t->n);
		if (t->path == NULL)
			continue;
		bad |= buf_printf(&b, "%" PRIu64 " to '%s', ", t->n, t->path);
		if (t->n == 0)
			warn("'%s' gets no record", t->path);
	}
	bad |= buf_printf(&b, "of %zu records", w->divide.aside.n);
	if (w->divide.units < w->divide.aside.n)
		bad |= buf_printf(&b, " in %zu groups", w->divide.units);
	if (bad == 0 && !set->quiet)
		warn("%s", b.data);
	buf_free(&b);
}

static int
vec_split(struct settings *set, char *const *paths, int n)
{
	struct work w = { .set = set };
	const struct input_end *end;
	struct error e = { 0 };
	int rc;

	divide_init(&w.divide, set->memory);
	if (set->group != NULL && divide_group(&w.divide, set->group, &e) < 0) {
		if (e.memory)
			fail(&w, &e);
		usage_error("--group: %s", e.text);
	}
	w.in = input_open(paths, n, &e);
	if (w.in == NULL || split(&w, &e) < 0)
		fail(&w, &e);
	say_counts(&w);
	end = input_end(w.in);
	if (end->bad.text[0] != '\0')
		warn("%s", end->bad.text);
	rc = tolerance_status(&set->tolerance, w.errors + end->rejected,
	    w.divide.aside.n + end->rejected);
	batch_free(&w.block);
	batch_free(&w.one);
	divide_free(&w.divide);
	free(w.found);
	free(w.chosen);
	buf_free(&w.text);
	input_close(w.in);
	return rc;
}

static void
settings_free(struct settings *set)
{
	for (size_t k = 0; k < set->ntargets; k++)
		free(set->targets[k].made);
	free(set->targets);
	labels_free(&set->ids);
	labels_free(&set->not_ids);
	intern_free(&set->labels);
}

int
main(int argc, char *argv[])
{
	struct settings set = { .memory = (size_t)1 << 30 };
	struct options o;
	int n = parse_options(&set, &o, argc, argv), rc;

	rc = vec_split(&set, o.argv, n);
	settings_free(&set);
	return rc;
}
