/* vec-info: what is in a stream or a model, and whether it is sound. */
#include <string.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/walk.h"
#include "fusion/about.h"
#include "fusion/idtable.h"
#include "nn/card.h"
#include "vec/describe.h"
#include "vec/input.h"
#include "vec/jsonl.h"
#include "vec/model.h"
#include "vec/sniff.h"
#include "vec/summary.h"

enum { KEY_CHECK = 256, KEY_LIMITS };

static const struct option_row rows[] = {
	{ 'f', "format", "FORMAT", "text|json (text)" },
	{ KEY_CHECK, "check", NULL,
	    "verify all of it; end with 3 where it is not sound" },
	{ KEY_LIMITS, "limits", NULL, "print the limits for input, and exit" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "vec-info", "[options] [FILE|DIR ...]",
	"Say what is in streams of vectors and in models.", rows };

struct options_of_info {
	int json, check, quiet, verbose;
};

/* unique: whether the ids of the batch are new; *e names the first that is
 * not.  The table holds a hash for each record so far. */
static int
unique(struct id_table *ids, const struct batch *b, struct error *e)
{
	for (size_t i = 0; i < b->n; i++) {
		struct str id = strs_get(&b->id, i);
		uint64_t h = hash_bytes(id.s, id.len, 0);
		size_t at = 0;
		int64_t other = id_table_next(ids, h, &at);

		if (other >= 0)
			return error_set(e,
			    "records %lld and %zu have the id '%.*s'",
			    (long long)other + 1, ids->n + 1, (int)id.len,
			    id.s);
		if (id_table_add(ids, h) == -1)
			return error_memory(e);
	}
	return 0;
}

/* read_stream: sum up the rest of an input.  0, or -1 with what is wrong;
 * what was read before is in the summary. */
static int
read_stream(struct input *in, struct summary *s, int check, struct error *e)
{
	struct id_table ids = { 0 };
	struct batch b;
	int rc;

	if (batch_init(&b, input_schema(in), e) == -1)
		return -1;
	while ((rc = input_next(in, &b, e)) == 1)
		if ((check && unique(&ids, &b, e) == -1) ||
		    summary_add(s, &b, e) == -1) {
			rc = -1;
			break;
		}
	batch_free(&b);
	id_table_free(&ids);
	return rc;
}

/* print: what was said so far, to standard output. */
static void
print(struct buf *b)
{
	struct error e;
	struct writer w;

	if (io_create(&w, NULL, &e) == -1 ||
	    io_put(&w, b->data, b->len, &e) == -1 || io_commit(&w, &e) == -1)
		die("%s", e.text);
	b->len = 0;
}

/* Each info_* appends what is to be said to ${out}, warns of what is wrong,
 * and gives EXIT_OK, EXIT_SOME for "not sound", or EXIT_FATAL. */

static int
info_stream(struct buf *out, char *path, const struct options_of_info *opt)
{
	struct error e = { 0 };
	struct summary s;
	struct input *in = input_open(&path, 1, &e);
	const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
	int rc, bad = 0;

	if (in == NULL && e.memory)
		die("%s", e.text);
	if (in == NULL) {
		warn("%s", e.text);
		return EXIT_SOME;
	}
	if (summary_init(&s, input_schema(in), &e) == -1)
		die("%s", e.text);
	rc = read_stream(in, &s, opt->check, &e);
	if (rc == -1 && e.memory)
		die("%s", e.text);
	if (opt->json)
		bad = describe_stream_json(out, name, in, &s, &e);
	else if (!opt->quiet)
		bad = describe_stream(out, name, in, &s, &e, opt->verbose);
	if (bad)
		die("out of memory");
	if (rc == -1)
		warn("%s", e.text);
	else if (input_end(in)->bad.text[0] != '\0')
		warn("%s", input_end(in)->bad.text);
	summary_free(&s);
	input_close(in);
	return rc == -1 ? EXIT_SOME : EXIT_OK;
}

/* What a model of train is, for people: "" when it is none.  One that cannot
 * be used says why. */
static int
about_model(struct buf *about, const char *path, const struct model *m,
    const struct options_of_info *opt)
{
	struct error e = { 0 };
	struct predictor p;
	struct str kind = { NULL, 0 };
	int rc = EXIT_OK, bad;

	if (m->config != NULL &&
	    json_find_path(m->config, strlen(m->config), "kind", &kind, &e) < 0)
		die("%s", e.text);
	if (kind.s == NULL || !str_is(kind, "\"predictor\""))
		return EXIT_OK;
	if (predictor_load(&p, path, &e) == 0) {
		bad = predictor_about(about, &p);
		predictor_free(&p);
	} else if (e.memory) {
		die("%s", e.text);
	} else {
		bad = buf_printf(about, "  cannot predict: %s\n", e.text);
		if (opt->check) {
			warn("%s", e.text);
			rc = EXIT_SOME;
		}
	}
	if (bad < 0 || buf_putc(about, '\0') < 0)
		die("out of memory");
	return rc;
}

static int
info_model(struct buf *out, const char *path, const struct options_of_info *opt)
{
	struct error e = { 0 };
	struct buf about = { 0 };
	struct model m;
	int rc, bad = 0;

	if (model_open(&m, path, &e) == -1) {
		warn("%s", e.text);
		return EXIT_SOME;
	}
	rc = about_model(&about, path, &m, opt);
	for (size_t i = 0; opt->check && i < m.n; i++)
		if (!tensor_finite(m.tensors[i].type, m.tensors[i].data,
			m.tensors[i].bytes)) {
			warn("'%s': tensor '%s': non-finite value", path,
			    m.tensors[i].name);
			rc = EXIT_SOME;
		}
	if (opt->json)
		bad = describe_model_json(out, path, &m);
	else if (!opt->quiet)
		bad = describe_model(out, path, &m, about.data, opt->verbose);
	if (bad)
		die("out of memory");
	buf_free(&about);
	model_close(&m);
	return rc;
}

/* is_config: one of the files that say how a model is built or used; others
 * in the folder may hold anything. */
static int
is_config(struct str path)
{
	static const char *const names[] = { "config.json",
		"sentence_bert_config.json", "tokenizer_config.json",
		"preprocessor_config.json" };
	size_t from = path.len;

	while (from > 0 && path.s[from - 1] != '/')
		from--;
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (path.len - from == strlen(names[k]) &&
		    memcmp(path.s + from, names[k], path.len - from) == 0)
			return 1;
	return 0;
}

/* info_config: a config.json, its values a line each, or as JSON itself. */
static int
info_config(
    struct buf *out, const char *path, const struct options_of_info *opt)
{
	struct buf text = { 0 }, one = { 0 };
	struct error e = { 0 };
	int bad = 0;

	if (io_read_file(path, (size_t)1 << 20, &text, &e) == -1 ||
	    json_canonical(&one, text.data, text.len, &e) == -1 ||
	    (!opt->json && !opt->quiet &&
		describe_config(out, path, one.data, one.len, &e) == -1)) {
		warn("'%s': %s", path, e.text);
		return EXIT_SOME;
	}
	if (opt->json) {
		bad |= buf_puts(out, "{\"name\":");
		bad |= json_put_string(out, path, strlen(path));
		bad |= buf_puts(out, ",\"type\":\"config\",\"config\":");
		bad |= buf_put(out, one.data, one.len);
		bad |= buf_puts(out, "}\n");
	}
	if (bad)
		die("out of memory");
	buf_free(&text);
	buf_free(&one);
	return EXIT_OK;
}

static int
worse(int a, int b)
{
	if (a == EXIT_FATAL || b == EXIT_FATAL)
		return EXIT_FATAL;
	return a > b ? a : b;
}

static int
ends_with(struct str s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n && memcmp(s.s + s.len - n, end, n) == 0;
}

/* info_card: what a pretrained model is and costs. */
static int
info_card(struct buf *out, const char *path, const struct options_of_info *opt)
{
	struct card_how how = {
		.json = opt->json, .quick = opt->quiet, .verify = opt->check
	};
	struct error e = { 0 };
	size_t before = out->len;

	if (cpu_isa_from_env(&how.isa, &e) == -1)
		die("%s", e.text);
	if (card_put(out, path, &how, &e) == -1) {
		if (e.memory)
			die("%s", e.text);
		warn("%s", e.text);
		return EXIT_SOME;
	}
	if (opt->quiet)
		out->len = before;
	return EXIT_OK;
}

/* has_weights: a directory with weights in itself, and not only below, is a
 * model's. */
static int
has_weights(const struct strs *names)
{
	static const char *const ends[] = { ".safetensors",
		".safetensors.index.json", ".bin", ".pth", ".pt", ".ckpt" };

	for (size_t i = 0; i < names->n; i++) {
		struct str n = strs_get(names, i);

		if (memchr(n.s, '/', n.len) != NULL)
			continue;
		for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++)
			if (ends_with(n, ends[k]))
				return 1;
	}
	return 0;
}

/* info_dir: the card of a pretrained model; its files, when more is asked for
 * or when they are no model. */
static int
info_dir(struct buf *out, const char *dir, const struct options_of_info *opt)
{
	struct strs names = { 0 };
	struct buf path = { 0 };
	struct error e = { 0 };
	size_t skipped, found = 0;
	int rc = EXIT_OK, card;

	if (walk_files(dir, &names, &skipped, &e) == -1)
		die("%s", e.text);
	card = has_weights(&names);
	if (card)
		rc = info_card(out, dir, opt);
	for (size_t i = 0; i < names.n && (!card || opt->verbose); i++) {
		struct str n = strs_get(&names, i);
		int model = ends_with(n, ".safetensors");

		if (!model && !is_config(n))
			continue;
		found++;
		path.len = 0;
		if (buf_printf(&path, "%s/%.*s", dir, (int)n.len, n.s) == -1 ||
		    buf_putc(&path, '\0') == -1)
			die("out of memory");
		rc = worse(rc, model ? info_model(out, path.data, opt)
				     : info_config(out, path.data, opt));
	}
	buf_free(&path);
	strs_free(&names);
	if (found > 0 || card)
		return rc;
	warn("'%s': no config.json or .safetensors in this directory", dir);
	return EXIT_FATAL;
}

enum looks { STREAM, MODEL, PACKED };

/* begins_like: a file that begins like a model; anything else is taken for a
 * stream, whose reader says what is wrong. */
static enum looks
begins_like(struct reader *r)
{
	const char *looks = NULL;

	if (io_peek(r, 64, NULL) == 1 &&
	    model_is_packed(r->data + r->pos, r->len - r->pos))
		return PACKED;
	if (io_peek(r, 16, NULL) == 1)
		looks = sniff(r->data + r->pos, r->len - r->pos);
	return looks != NULL && strcmp(looks, "safetensors") == 0 ? MODEL
								  : STREAM;
}

static int
info(struct buf *out, char *path, const struct options_of_info *opt)
{
	struct error e;
	struct reader r;
	enum looks looks;

	if (strcmp(path, "-") == 0 || io_descriptor(path) != -1)
		return info_stream(out, path, opt);
	if (walk_is_dir(path))
		return info_dir(out, path, opt);
	if (io_open(&r, path, &e) == -1) {
		warn("%s", e.text);
		return EXIT_FATAL;
	}
	looks = begins_like(&r);
	io_close(&r);
	return looks == PACKED  ? info_card(out, path, opt)
	       : looks == MODEL ? info_model(out, path, opt)
				: info_stream(out, path, opt);
}

static void
say_limits(struct buf *b)
{
	int bad = 0;

	bad |= buf_printf(b, "id            %d bytes\n", VEC_MAX_ID);
	bad |=
	    buf_printf(b, "dim           %d (dense, sequence), %lu (sparse)\n",
		VEC_MAX_DIM, (unsigned long)VEC_MAX_SPARSE);
	bad |= buf_printf(b, "parts         %d\n", VEC_MAX_PARTS);
	bad |= buf_printf(b, "labels        %d of a record\n", VEC_MAX_LABELS);
	bad |= buf_printf(b,
	    "text          %d bytes of a label, group, error or name\n",
	    VEC_MAX_STRING);
	bad |= buf_printf(b, "header        %d bytes\n", VEC_MAX_HEADER);
	bad |= buf_printf(b, "block         %d records, %d bytes\n",
	    STREAM_MAX_RECORDS, VEC_MAX_PAYLOAD);
	bad |= buf_printf(
	    b, "record        %d bytes over its blocks\n", VEC_MAX_RECORD);
	bad |=
	    buf_printf(b, "line          %d bytes of JSON\n", JSONL_MAX_LINE);
	bad |= buf_printf(b, "depth         %d of JSON\n", JSON_DEPTH);
	bad |= buf_printf(b, "model header  %d bytes, %d tensors of rank %d\n",
	    MODEL_MAX_HEADER, MODEL_MAX_TENSORS, TENSOR_MAX_RANK);
	if (bad)
		die("out of memory");
}

int
main(int argc, char *argv[])
{
	struct options_of_info opt = { 0 };
	struct buf out = { 0 };
	struct options o;
	char dash[] = "-";
	int c, rc = EXIT_OK;

	options_start(&o, &self, argc, argv);
	while ((c = options_next(&o)) != -1)
		switch (c) {
		case 'f':
			opt.json = options_choice(&o, "text|json");
			break;
		case KEY_CHECK:
			opt.check = 1;
			break;
		case KEY_LIMITS:
			say_limits(&out);
			print(&out);
			buf_free(&out);
			return EXIT_OK;
		case 'q':
			opt.quiet = 1;
			break;
		case 'v':
			opt.verbose = 1;
			break;
		}
	if (o.argc == 0)
		rc = info(&out, dash, &opt);
	for (int i = 0; i < o.argc; i++) {
		rc = worse(rc, info(&out, o.argv[i], &opt));
		print(&out);
	}
	print(&out);
	buf_free(&out);
	return rc == EXIT_SOME && !opt.check ? EXIT_FATAL : rc;
}
