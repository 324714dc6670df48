/* vec-convert: vectors to and from other programs' formats. */
#include <inttypes.h>
#include <string.h>

#include "base/intern.h"
#include "base/io.h"
#include "base/message.h"
#include "base/options.h"
#include "vec/format.h"
#include "vec/input.h"
#include "vec/output.h"
#include "vec/select.h"
#include "vec/stream.h"

enum {
	KEY_FROM = 256,
	KEY_PART,
	KEY_IDS,
	KEY_ID,
	KEY_LABEL,
	KEY_GROUP,
	KEY_ID_FROM,
	KEY_MISSING,
	KEY_COLUMNS,
	KEY_CLASSES,
	KEY_BASE,
	KEY_DIM,
	KEY_TASK,
	KEY_RECOVER,
	KEY_MAX_ERRORS
};

static const struct option_row rows[] = {
	{ 'f', "format", "FORMAT",
	    FILE_FORMATS " (auto: by the name of -o, else vp, or jsonl on a "
			 "terminal)" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ KEY_FROM, "from", "FORMAT",
	    "the input's format (auto: by its first bytes or its name)" },
	{ KEY_PART, "part", "NAME[,NAME]",
	    "these parts; for npy, csv and svmlight input the part's name" },
	{ KEY_IDS, "ids", "FILE",
	    "ids, one a line: read where the input is of another format, "
	    "written where the output is" },
	{ KEY_ID_FROM, "id-from", "line",
	    "ids are the numbers of the input's rows, from 1" },
	{ KEY_ID, "id", "NAME", "column or array of ids (id; ids)" },
	{ KEY_LABEL, "label", "NAME",
	    "column or array of labels (label; labels)" },
	{ KEY_GROUP, "group", "NAME",
	    "column or array of groups (group; groups)" },
	{ 'l', "labels", "FILE", "write the labels to FILE, as TSV" },
	{ KEY_MISSING, "missing", "WHAT",
	    "what stands for a missing part in npy and "
	    "svmlight: " FORMAT_MISSING " (refuse)" },
	{ KEY_COLUMNS, "columns", "NAME[,NAME]",
	    "csv, tsv: write also group, target or weight" },
	{ KEY_CLASSES, "classes", "FILE",
	    "svmlight: labels are the numbers of the lines of FILE, from 0" },
	{ KEY_BASE, "base", "0|1", "svmlight: the first index (1)" },
	{ KEY_DIM, "dim", "N", "svmlight input: dim (the largest index)" },
	{ KEY_TASK, "task", "class|regress",
	    "svmlight input: whether labels are classes or targets (class)" },
	{ KEY_RECOVER, "recover", NULL,
	    "take what is whole out of a damaged stream" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "vec-convert", "[options] [FILE ...]",
	"Convert vectors to and from other formats.", rows };

struct options_of_convert {
	const char *output, *ids, *classes;
	const char *parts[VEC_MAX_PARTS];
	size_t nparts;
	enum file_format from, to;
	struct format_options format;
	struct tolerance tolerance;
	int recover, quiet;
};

/* Where records come from: one of these. */
struct source {
	struct input *in;
	struct format_reader *format;
	int recover; /* a damaged stream: */
	struct reader r;
	struct stream_reader stream;
	uint64_t skipped; /* bytes */
};

/* Where they go: one of these. */
struct sink {
	struct output *out;
	struct format_writer *format;
};

struct work {
	struct options_of_convert *opt;
	struct source from;
	struct sink to;
	struct selection parts;
	struct strs ids;
	struct intern classes;
	uint64_t records, bad, rejected;
};

static unsigned
column_bits(const struct options *o)
{
	static const struct {
		const char *name;
		enum format_field field;
	} columns[] = { { "group", FIELD_GROUP }, { "target", FIELD_TARGET },
		{ "weight", FIELD_WEIGHT } };
	unsigned bits = 0;

	for (const char *s = o->arg; s != NULL;) {
		size_t n = strcspn(s, ","), k = 0;

		while (k < 3 && (strlen(columns[k].name) != n ||
				    strncmp(columns[k].name, s, n) != 0))
			k++;
		if (k == 3)
			usage_error("%s: '%.*s' is none of group, target, "
				    "weight",
			    o->shown, (int)n, s);
		bits |= 1u << columns[k].field;
		s = s[n] == ',' ? s + n + 1 : NULL;
	}
	return bits;
}

static void
parse_option(struct options_of_convert *opt, const struct options *o, int c)
{
	switch (c) {
	case 'f':
		opt->to = (enum file_format)options_choice(o, FILE_FORMATS);
		break;
	case 'o':
		opt->output = o->arg;
		break;
	case KEY_FROM:
		opt->from = (enum file_format)options_choice(o, FILE_FORMATS);
		break;
	case KEY_PART:
		if (opt->nparts == VEC_MAX_PARTS)
			usage_error("%s: too many", o->shown);
		opt->parts[opt->nparts++] = o->arg;
		break;
	case KEY_IDS:
		opt->ids = o->arg;
		break;
	case KEY_ID_FROM:
		options_choice(o, "line");
		opt->format.number = 1;
		break;
	case KEY_ID:
		opt->format.id = o->arg;
		break;
	case KEY_LABEL:
		opt->format.label = o->arg;
		break;
	case KEY_GROUP:
		opt->format.group = o->arg;
		break;
	case 'l':
		opt->format.labels_file = o->arg;
		break;
	case KEY_MISSING:
		opt->format.missing =
		    (enum format_missing)options_choice(o, FORMAT_MISSING);
		break;
	case KEY_COLUMNS:
		opt->format.columns |= column_bits(o);
		break;
	case KEY_CLASSES:
		opt->classes = o->arg;
		break;
	case KEY_BASE:
		opt->format.base = (uint32_t)options_long(o, 0, 1);
		break;
	case KEY_DIM:
		opt->format.dim = (uint32_t)options_u64(o, 1, VEC_MAX_SPARSE);
		break;
	case KEY_TASK:
		opt->format.regress = options_choice(o, "class|regress");
		break;
	case KEY_RECOVER:
		opt->recover = 1;
		break;
	case KEY_MAX_ERRORS:
		opt->tolerance = options_tolerance(o);
		break;
	case 'q':
		opt->quiet = 1;
		break;
	}
}

static int
is_stream(enum file_format f)
{
	return f == FILE_VP || f == FILE_JSONL || f == FILE_JSONL_FRAMED;
}

/* look: the format of an operand by its first bytes, else by its name.  A
 * pipe cannot be looked into beforehand: it is taken for a stream. */
static enum file_format
look(const char *path)
{
	enum file_format f = FILE_AUTO;
	struct reader r;
	struct error e;

	if (strcmp(path, "-") == 0 || io_descriptor(path) != -1)
		return FILE_VP;
	if (io_open(&r, path, &e) == -1 || io_peek(&r, 64, &e) == -1)
		die("%s", e.text);
	f = format_of_bytes(r.data + r.pos, r.len - r.pos);
	io_close(&r);
	if (f == FILE_AUTO) {
		f = format_of_path(path);
		/* The name says a stream, the bytes do not: that is told. */
		if (f == FILE_AUTO)
			die("'%s': cannot tell the format (--from FORMAT)",
			    path);
	}
	return f;
}

/* Both formats, and what may not be said together. */
static void
settle(struct options_of_convert *opt, const struct options *o)
{
	int foreign_in, foreign_out;

	if (opt->from == FILE_AUTO)
		opt->from = o->argc > 0 ? look(o->argv[0]) : FILE_VP;
	if (opt->to == FILE_AUTO && opt->output != NULL)
		opt->to = format_of_path(opt->output);
	foreign_in = !is_stream(opt->from);
	foreign_out = opt->to != FILE_AUTO && !is_stream(opt->to);
	if (foreign_in && o->argc > 1)
		usage_error(
		    "one file of format %s at a time", format_name(opt->from));
	if (foreign_in && opt->nparts > 1)
		usage_error("--part: one name for %s", format_name(opt->from));
	if (foreign_in && opt->nparts == 1)
		opt->format.part = opt->parts[0];
	if (opt->recover && (opt->from != FILE_VP || o->argc > 1))
		usage_error("--recover: one stream at a time");
	if (opt->ids != NULL && !foreign_in && !foreign_out)
		usage_error("--ids: streams hold their ids");
	if (opt->ids != NULL && opt->format.number)
		usage_error("--ids and --id-from exclude each other");
	if (opt->format.number && !foreign_in)
		usage_error("--id-from: streams hold their ids");
	if (opt->format.labels_file != NULL && !foreign_out)
		usage_error("-l: streams hold their labels");
	if (!foreign_in && foreign_out)
		opt->format.ids_file = opt->ids;
}

/* ---- lines of small files ---- */

static int
read_lines(const char *path, struct strs *out, struct error *e)
{
	struct buf line = { 0 };
	struct reader r;
	int rc;

	if (io_open(&r, path, e) == -1)
		return -1;
	while ((rc = io_read_line(&r, &line, VEC_MAX_STRING, NULL, e)) == 1)
		if (strs_add(out, line.len > 0 ? line.data : "", line.len) ==
		    -1) {
			rc = error_memory(e);
			break;
		}
	if (rc == 2)
		rc = error_set(e, "'%s': a line is too long", path);
	buf_free(&line);
	io_close(&r);
	return rc;
}

static int
read_classes(struct work *w, struct error *e)
{
	struct strs lines = { 0 };
	uint32_t k;
	int rc = read_lines(w->opt->classes, &lines, e);

	for (size_t i = 0; i < lines.n && rc == 0; i++) {
		struct str s = strs_get(&lines, i);
		int new = intern_add(&w->classes, s.s, s.len, &k);

		if (new == -1)
			rc = error_memory(e);
		else if (new == 0)
			rc = error_set(e, "'%s': class '%.*s' twice",
			    w->opt->classes, (int)s.len, s.s);
	}
	strs_free(&lines);
	return rc;
}

static int
write_classes(const struct work *w, struct error *e)
{
	struct writer to;
	int rc = io_create(&to, w->opt->classes, e);

	for (size_t k = 0; k < w->classes.names.n && rc == 0; k++) {
		struct str s = intern_get(&w->classes, k);

		if (memchr(s.s, '\n', s.len) != NULL)
			rc = error_set(e, "a class has several lines");
		else if (io_put(&to, s.s, s.len, e) == -1 ||
			 io_put(&to, "\n", 1, e) == -1)
			rc = -1;
	}
	if (rc == 0)
		return io_commit(&to, e);
	io_abandon(&to);
	return -1;
}

/* ---- in ---- */

static int
open_source(struct work *w, char *const *paths, int n, struct error *e)
{
	struct options_of_convert *opt = w->opt;
	const char *path = n > 0 ? paths[0] : "-";
	struct source *s = &w->from;

	if (opt->recover) {
		if (io_open(&s->r, path, e) == -1)
			return -1;
		s->recover = 1;
		if (stream_open(&s->stream, &s->r, e) != 1)
			return error_at(e, "'%s': nothing to recover", path);
		return 0;
	}
	if (is_stream(opt->from)) {
		s->in = input_open(paths, n, e);
		return s->in != NULL ? 0 : -1;
	}
	if (opt->ids != NULL) {
		if (read_lines(opt->ids, &w->ids, e) == -1)
			return -1;
		opt->format.ids = &w->ids;
	}
	if (opt->classes != NULL) {
		if (opt->from == FILE_SVMLIGHT && read_classes(w, e) == -1)
			return -1;
		opt->format.classes = &w->classes;
	}
	s->format = format_open(path, opt->from, &opt->format, e);
	return s->format != NULL ? 0 : -1;
}

static const struct schema *
source_schema(const struct source *s)
{
	if (s->recover)
		return &s->stream.schema;
	return s->in != NULL ? input_schema(s->in) : format_schema(s->format);
}

static int
source_next(struct source *s, struct batch *b, struct error *e)
{
	if (s->recover) {
		batch_clear(b);
		return stream_recover(&s->stream, b, &s->skipped, e);
	}
	return s->in != NULL ? input_next(s->in, b, e)
			     : format_next(s->format, b, e);
}

static void
close_source(struct source *s)
{
	if (s->recover) {
		stream_free_reader(&s->stream);
		io_close(&s->r);
	}
	input_close(s->in);
	format_close(s->format);
}

/* ---- out ---- */

static int
open_sink(struct work *w, struct error *e)
{
	static const enum vec_format streams[] = { [FILE_AUTO] = FORMAT_AUTO,
		[FILE_VP] = FORMAT_VP,
		[FILE_JSONL] = FORMAT_JSONL,
		[FILE_JSONL_FRAMED] = FORMAT_JSONL_FRAMED };
	struct options_of_convert *opt = w->opt;

	if (opt->to == FILE_AUTO || is_stream(opt->to)) {
		w->to.out = output_open(
		    opt->output, streams[opt->to], &w->parts.schema, e);
		return w->to.out != NULL ? 0 : -1;
	}
	if (opt->classes != NULL)
		opt->format.classes = &w->classes;
	w->to.format = format_create(
	    opt->output, opt->to, &w->parts.schema, &opt->format, e);
	return w->to.format != NULL ? 0 : -1;
}

/* hint: how to keep what the output cannot hold. */
static const char *
hint(const struct work *w, enum format_field k)
{
	int csv = w->opt->to == FILE_CSV || w->opt->to == FILE_TSV;

	switch (k) {
	case FIELD_ID:
		return " (--ids FILE keeps them)";
	case FIELD_LABEL:
	case FIELD_LABELS:
		return " (-l FILE keeps them)";
	case FIELD_TARGET:
	case FIELD_WEIGHT:
	case FIELD_GROUP:
		return csv ? " (--columns keeps them)" : "";
	case FIELD_MASK:
		return w->opt->format.missing == MISSING_NAN
			   ? " (NaN stands there)"
			   : " (zeros stand there)";
	default:
		return "";
	}
}

/* "not in npy: 590 ids (--ids FILE keeps them), 3 flags" */
static void
say_lost(const struct work *w)
{
	const struct format_lost *lost = format_lost(w->to.format);
	struct buf line = { 0 };
	int bad = 0;

	for (int k = 0; k < FORMAT_FIELDS; k++)
		if (lost->n[k] > 0)
			bad |= buf_printf(&line, "%s%" PRIu64 " %s%s",
			    line.len > 0 ? ", " : "", lost->n[k],
			    format_field_name((enum format_field)k),
			    hint(w, (enum format_field)k));
	if (bad == 0 && line.len > 0)
		warn("not in %s: %s", format_name(w->opt->to), line.data);
	buf_free(&line);
	if (lost->dropped > 0)
		warn("%" PRIu64 " records without the part are left out",
		    lost->dropped);
	if (lost->unlabelled > 0)
		warn("%" PRIu64 " records have no label; 0 stands there",
		    lost->unlabelled);
}

static int
close_sink(struct work *w, struct error *e)
{
	struct sink to = w->to;
	int rc;

	if (to.format != NULL && !w->opt->quiet)
		say_lost(w);
	if (to.format != NULL && w->opt->to == FILE_SVMLIGHT &&
	    w->opt->classes != NULL && write_classes(w, e) == -1)
		return -1;
	w->to = (struct sink){ NULL, NULL };
	rc = to.out != NULL ? output_close(to.out, e)
			    : format_commit(to.format, e);
	return rc;
}

/* ---- between ---- */

/* What the input said at its end goes to the output's end mark. */
static void
take_end(struct work *w)
{
	struct source *s = &w->from;
	int partial = s->recover;

	if (s->in != NULL) {
		w->rejected = input_end(s->in)->rejected;
		partial = input_end(s->in)->partial;
	}
	if (s->format != NULL)
		w->rejected = format_end(s->format)->rejected;
	if (w->to.out == NULL)
		return;
	output_reject(w->to.out, w->rejected);
	if (partial)
		output_partial(w->to.out);
}

static int
copy(struct work *w, struct error *e)
{
	struct batch b = { 0 };
	int rc = batch_init(&b, source_schema(&w->from), e);

	while (rc == 0 && (rc = source_next(&w->from, &b, e)) == 1) {
		struct batch view = select_view(&w->parts, &b);

		rc = w->to.out != NULL ? output_put_all(w->to.out, &view, e)
				       : format_put(w->to.format, &view, e);
		for (size_t i = 0; i < view.n; i++)
			w->bad += (uint64_t)batch_bad(&view, i);
		w->records += view.n;
	}
	batch_free(&b);
	return rc;
}

/* What is to be said of the input. */
static void
say_end(const struct work *w)
{
	const struct source *s = &w->from;
	const struct format_end *end;

	if (s->in != NULL && input_end(s->in)->bad.text[0] != '\0')
		warn("%s", input_end(s->in)->bad.text);
	if (s->recover)
		warn("%" PRIu64 " records recovered, %" PRIu64 " bytes passed "
		     "over",
		    w->records, s->skipped);
	if (s->format == NULL)
		return;
	end = format_end(s->format);
	if (end->bad.text[0] != '\0')
		warn("%s", end->bad.text);
	if (end->unread.len > 0 && !w->opt->quiet)
		warn("not taken: %.*s", (int)end->unread.len, end->unread.data);
	if (end->rounded > 0 && !w->opt->quiet)
		warn(
		    "%" PRIu64 " values were rounded to 32 bits", end->rounded);
}

static int
status(const struct work *w)
{
	int rc = tolerance_status(
	    &w->opt->tolerance, w->bad + w->rejected, w->records + w->rejected);

	return w->from.recover ? EXIT_SOME : rc;
}

static int
convert(struct options_of_convert *opt, char *const *paths, int n)
{
	struct work w = { .opt = opt };
	size_t nparts = is_stream(opt->from) ? opt->nparts : 0;
	struct error e = { 0 };
	int rc;

	rc = open_source(&w, paths, n, &e);
	if (rc == 0)
		rc = select_parts(
		    &w.parts, source_schema(&w.from), opt->parts, nparts, &e);
	if (rc == 0)
		rc = open_sink(&w, &e);
	if (rc == 0)
		rc = copy(&w, &e);
	if (rc == 0) {
		take_end(&w);
		say_end(&w);
		rc = close_sink(&w, &e);
	}
	if (rc == -1) {
		output_abort(w.to.out, self.name);
		format_abandon(w.to.format);
		die("%s", e.text);
	}
	rc = status(&w);
	select_free(&w.parts);
	close_source(&w.from);
	strs_free(&w.ids);
	intern_free(&w.classes);
	return rc;
}

int
main(int argc, char *argv[])
{
	struct options_of_convert opt = { .format = { .base = 1 } };
	struct options o;
	int c;

	options_start(&o, &self, argc, argv);
	while ((c = options_next(&o)) != -1)
		parse_option(&opt, &o, c);
	settle(&opt, &o);
	return convert(&opt, o.argv, o.argc);
}
