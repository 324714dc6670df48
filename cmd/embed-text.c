/* embed-text: texts to vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "base/utf8.h"
#include "text/ngrams.h"
#include "text/pieces.h"
#include "text/text_model.h"
#include "vec/occlude.h"
#include "vec/runner.h"

enum {
	KEY_DIM = 256,
	KEY_SPARSE,
	KEY_MAX_BYTES,
	KEY_UTF8,
	KEY_PREFIX,
	KEY_PROMPT,
	KEY_MAX_TOKENS,
	KEY_LONG,
	KEY_OCCLUDE,
	MAX_BYTES = 16 << 20,
	/* What a network takes at once: some thousand tokens at most. */
	BATCH = 64,
	BATCH_BYTES = 16 << 10
};

static const struct option_row rows[] = {
	ITEMS_TEXT_OPTIONS,
	ITEMS_OPTIONS,
	{ KEY_DIM, "dim", "N", "places of a vector (1024; sparse 1048576)" },
	{ KEY_SPARSE, "sparse", NULL, "write what is not zero alone" },
	{ KEY_MAX_BYTES, "max-bytes", "N",
	    "cut longer texts here, and flag them (16777216)" },
	{ KEY_UTF8, "utf8", "WHAT",
	    "ill-formed UTF-8: replace and flag it, or strict (replace)" },
	ENCODER_OPTIONS,
	{ KEY_PREFIX, "prefix", "TEXT", "with -m: put TEXT before each text" },
	{ KEY_PROMPT, "prompt", "NAME",
	    "with -m: the same with the model's own prompt NAME" },
	{ KEY_MAX_TOKENS, "max-tokens", "N",
	    "with -m: cut texts of more tokens, and flag them (the model's)" },
	{ KEY_LONG, "long", "HOW",
	    "with -m: such texts: cut, or mean of their windows (cut)" },
	{ KEY_OCCLUDE, "occlude", NULL,
	    "rows: the text, and it without each of its words; for predict" },
	RUNNER_VECTOR_OPTIONS,
	RUNNER_OPTIONS,
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "embed-text", "[options] [FILE ...]",
	"Turn texts into vectors, one for each text.", rows };

struct options_of_text {
	struct items_options items;
	struct runner_options run;
	uint32_t dim; /* 0: the default of the kind */
	int sparse;
	size_t max_bytes;
	int strict; /* ill-formed UTF-8 is an error */
	int occlude;
	struct text_model_options network;
	struct text_model *model; /* -m, or NULL */
	const char *builtin;      /* an option that goes without -m, or NULL */
};

static int
take_network_option(
    struct options_of_text *opt, const struct options *o, int key)
{
	struct text_model_options *to = &opt->network;

	switch (key) {
	case KEY_PREFIX:
		to->prefix = o->arg;
		break;
	case KEY_PROMPT:
		to->prompt = o->arg;
		break;
	case KEY_MAX_TOKENS:
		to->max_tokens = (uint32_t)options_u64(o, 1, UINT32_MAX);
		break;
	case KEY_LONG:
		to->longer = (enum text_long)options_choice(o, "cut|mean");
		break;
	default:
		return encoder_option(o, key, &to->encoder);
	}
	encoder_options_need(o, &to->encoder);
	return 1;
}

static void
check_network_options(const struct options_of_text *opt)
{
	const struct text_model_options *m = &opt->network;

	encoder_options_check(&m->encoder);
	if (m->encoder.model != NULL && opt->builtin != NULL)
		usage_error("%s is of the built-in encoder, and does not go "
			    "with -m",
		    opt->builtin);
	if (m->prefix != NULL && m->prompt != NULL)
		usage_error("--prefix and --prompt do not go together");
	if (m->longer == TEXT_LONG_MEAN && m->encoder.pool == POOL_NONE)
		usage_error("--long mean does not go with --pool none");
}

static void
parse_options(
    struct options_of_text *opt, struct options *o, int argc, char *argv[])
{
	uint64_t dim = 0;
	int c;

	options_start(o, &self, argc, argv);
	while ((c = options_next(o)) != -1)
		switch (c) {
		case KEY_DIM:
			dim = options_u64(o, 1, VEC_MAX_SPARSE);
			opt->builtin = "--dim";
			break;
		case KEY_SPARSE:
			opt->sparse = 1;
			opt->builtin = "--sparse";
			break;
		case KEY_MAX_BYTES:
			opt->max_bytes = options_u64(o, 1, MAX_BYTES);
			break;
		case KEY_OCCLUDE:
			opt->occlude = 1;
			break;
		case KEY_UTF8:
			opt->strict = options_choice(o, "replace|strict");
			break;
		default:
			if (!items_option(o, c, &opt->items) &&
			    !take_network_option(opt, o, c))
				runner_option(o, c, &opt->run);
		}
	check_network_options(opt);
	if (opt->occlude && opt->sparse)
		usage_error("--occlude does not go with --sparse");
	if (opt->occlude && opt->network.encoder.pool == POOL_NONE)
		usage_error("--occlude does not go with --pool none");
	if (!opt->sparse && dim > VEC_MAX_DIM)
		usage_error("--dim above %d needs --sparse", VEC_MAX_DIM);
	opt->dim = (uint32_t)dim;
	if (dim == 0)
		opt->dim = opt->sparse ? NGRAMS_SPARSE_DIM : NGRAMS_DIM;
	items_options_check(o, &opt->items);
}

/* The text of a source: without a byte order mark, cut to what is read. */
static struct str
take_text(const struct options_of_text *opt, const struct source *in,
    struct encoded *out)
{
	struct str s = { in->data, in->len };

	if (s.len >= 3 && memcmp(s.s, "\xEF\xBB\xBF", 3) == 0) {
		s.s += 3;
		s.len -= 3;
	}
	if (s.len > opt->max_bytes) {
		s.len = opt->max_bytes;
		/* Never within a character. */
		for (int k = 0; k < 3 && s.len > 0 &&
				((unsigned char)s.s[s.len] & 0xC0) == 0x80;
		     k++)
			s.len--;
		encoded_flag(out, FLAG_CUT);
	}
	return s;
}

static int
encode_sparse(
    struct ngrams *g, struct str text, struct encoded *out, struct error *e)
{
	const uint32_t *index;
	const float *value;
	uint32_t *to_index;
	float *to_value;
	ptrdiff_t n = ngrams_sparse(g, text.s, text.len, &index, &value, e);

	if (n <= 0)
		return (int)n;
	if (n > NGRAMS_PAIRS)
		return error_set(e, "more than %d n-grams", NGRAMS_PAIRS);
	if (encoded_sparse(out, 0, (size_t)n, &to_index, &to_value, e) == -1)
		return -1;
	memcpy(to_index, index, (size_t)n * sizeof(*index));
	memcpy(to_value, value, (size_t)n * sizeof(*value));
	return 1;
}

static int
encode_dense(
    struct ngrams *g, struct str text, struct encoded *out, struct error *e)
{
	float *to = encoded_dense(out, 0, e);

	return to != NULL ? ngrams_dense(g, text.s, text.len, to, e) : -1;
}

/* With --utf8=strict. */
static int
check_text(const struct options_of_text *opt, struct str text,
    const struct source *in, struct error *e)
{
	size_t good;

	if (!opt->strict || (good = utf8_valid(text.s, text.len)) == text.len)
		return 0;
	return error_set(e, "ill-formed UTF-8 at byte %zu",
	    good + (size_t)(text.s - in->data));
}

static enum encode_status
encode(void *ctx, void *scratch, const struct source *in, struct encoded *out,
    struct error *e)
{
	const struct options_of_text *opt = ctx;
	struct str text = take_text(opt, in, out);
	struct ngrams *g = scratch;
	int r;

	if (check_text(opt, text, in, e) == -1)
		return ENCODE_BAD;
	r = opt->sparse ? encode_sparse(g, text, out, e)
			: encode_dense(g, text, out, e);
	if (r == 0)
		error_set(e, "empty text");
	if (r > 0 && ngrams_bad(g) > 0)
		encoded_flag(out, FLAG_BAD_UTF8);
	return r > 0 ? ENCODE_OK : ENCODE_BAD;
}

/* ---- with a network ---- */

static int
give_vector(const struct options_of_text *opt, const struct text_vector *x,
    struct encoded *out, struct error *e)
{
	const struct encoder_info *info = text_model_info(opt->model);
	float *to;

	if (x->rows == 0)
		return error_set(e, "empty text");
	to = info->pool == POOL_NONE
		 ? encoded_sequence(out, 0, x->rows, NULL, e)
		 : encoded_dense(out, 0, e);
	if (to == NULL)
		return -1;
	memcpy(to, x->v, x->rows * info->dim * sizeof(*to));
	if (x->cut)
		encoded_flag(out, FLAG_CUT);
	return 0;
}

static void
encode_batch(void *ctx, void *scratch, size_t n, const struct source *in,
    struct encoded *const *out, enum encode_status *status, struct error *e)
{
	const struct options_of_text *opt = ctx;
	struct text_vector x[BATCH];
	struct str text[BATCH] = { { 0 } };
	size_t which[BATCH], m = 0;
	struct error why;
	int rc;

	for (size_t i = 0; i < n; i++) {
		text[m] = take_text(opt, &in[i], out[i]);
		which[m] = i;
		if (check_text(opt, text[m], &in[i], &e[i]) == 0)
			m++;
		else
			status[i] = ENCODE_BAD;
	}
	rc = text_model_encode(opt->model, scratch, text, m, x, &why);
	for (size_t k = 0; k < m; k++) {
		size_t i = which[k];

		if (utf8_valid(text[k].s, text[k].len) < text[k].len)
			encoded_flag(out[i], FLAG_BAD_UTF8);
		if (rc == -1)
			e[i] = why;
		if (rc == -1 || give_vector(opt, &x[k], out[i], &e[i]) == -1)
			status[i] = ENCODE_BAD;
	}
}

/* ---- without each word ---- */

static size_t
vector_size(const struct options_of_text *opt)
{
	return opt->model != NULL ? text_model_info(opt->model)->dim : opt->dim;
}

/* One row: 1; 0 where nothing is left of the text; -1. */
static int
encode_row(const struct options_of_text *opt, void *scratch, struct str text,
    float *to, int *cut, struct error *e)
{
	struct text_vector x;

	if (opt->model == NULL)
		return ngrams_dense(scratch, text.s, text.len, to, e);
	if (text_model_encode(opt->model, scratch, &text, 1, &x, e) < 0)
		return -1;
	if (x.rows > 0)
		memcpy(to, x.v, vector_size(opt) * sizeof(*to));
	*cut = x.cut;
	return x.rows > 0;
}

static int
encode_rows(const struct options_of_text *opt, void *scratch, struct str text,
    struct encoded *out, struct error *e)
{
	struct text_piece piece[OCCLUDE_MOST];
	size_t n = text_pieces(text, piece, OCCLUDE_MOST);
	size_t all = n > 1 ? n + 1 : 1; /* of one word nothing would be left */
	struct buf rest = { 0 };
	double *time;
	float *to = encoded_sequence(out, 0, all, &time, e);
	int cut = 0, rc;

	if (to == NULL)
		return -1;
	time[0] = time[1] = 0;
	rc = encode_row(opt, scratch, text, to, &cut, e);
	if (rc == 0)
		return error_set(e, "empty text");
	if (cut)
		encoded_flag(out, FLAG_CUT);
	for (size_t i = 1; rc >= 0 && i < all; i++) {
		const struct text_piece *p = &piece[i - 1];

		to += vector_size(opt);
		time[2 * i] = (double)p->from;
		time[2 * i + 1] = (double)p->to;
		rest.len = 0;
		if (text_without(&rest, text, p) < 0)
			rc = error_memory(e);
		else /* what says nothing has the vector of nothing */
			rc = encode_row(opt, scratch,
			    (struct str){ rest.data, rest.len }, to, &cut, e);
	}
	buf_free(&rest);
	return rc >= 0 ? 0 : -1;
}

static enum encode_status
encode_occluded(void *ctx, void *scratch, const struct source *in,
    struct encoded *out, struct error *e)
{
	const struct options_of_text *opt = ctx;
	struct str text = take_text(opt, in, out);

	if (check_text(opt, text, in, e) == -1 ||
	    encode_rows(opt, scratch, text, out, e) == -1)
		return ENCODE_BAD;
	if (utf8_valid(text.s, text.len) < text.len)
		encoded_flag(out, FLAG_BAD_UTF8);
	return ENCODE_OK;
}

static void *
scratch_new(void *ctx, struct error *e)
{
	const struct options_of_text *opt = ctx;

	return opt->model != NULL ? (void *)text_worker_new(opt->model, e)
				  : ngrams_new(opt->dim, opt->sparse, e);
}

static void
scratch_free(void *ctx, void *scratch)
{
	const struct options_of_text *opt = ctx;

	if (opt->model != NULL)
		text_worker_free(scratch);
	else
		ngrams_free(scratch);
}

static void
share(void *scratch, struct pool *pool)
{
	text_worker_share(scratch, pool);
}

static void
open_model(struct options_of_text *opt)
{
	struct error e;
	int saved;

	mem_give_back();
	opt->network.encoder.threads = opt->run.threads;
	opt->model = text_model_open(&opt->network, &e);
	if (opt->model == NULL)
		die("%s", e.text);
	saved = text_model_save(opt->model, &e);
	if (saved == -1)
		die("%s", e.text);
	if (saved == 1 && !opt->run.quiet)
		warn("wrote '%s'", opt->network.encoder.packed);
}

/* One part, which says how it was made. */
static void
make_schema(const struct options_of_text *opt, struct schema *s)
{
	const char *name = opt->run.part != NULL ? opt->run.part : "text";
	enum part_kind kind = opt->sparse ? PART_SPARSE : PART_DENSE;
	struct buf space = { 0 }, run = { 0 };
	struct error e;
	int rc;

	if (opt->model != NULL) {
		if (text_model_info(opt->model)->pool == POOL_NONE)
			kind = PART_SEQUENCE;
		rc = text_model_space(opt->model, &space) |
		     text_model_run(opt->model, &run);
	} else {
		rc = ngrams_space(&space, opt->dim, opt->sparse) |
		     ngrams_run(&run, opt->max_bytes);
	}
	if (opt->occlude) {
		kind = PART_SEQUENCE;
		rc |= occlude_mark(&run, "words");
	}
	if (rc != 0 || buf_putc(&space, '\0') == -1 ||
	    buf_putc(&run, '\0') == -1)
		die("out of memory");
	if (schema_add(s, name, kind, (uint32_t)vector_size(opt), space.data,
		run.data, &e) == -1)
		die("%s", e.text);
	buf_free(&space);
	buf_free(&run);
}

int
main(int argc, char *argv[])
{
	struct options_of_text opt = { .items.stdin_lines = 1,
		.max_bytes = MAX_BYTES };
	struct schema schema = { 0 };
	struct options o;
	int status;

	parse_options(&opt, &o, argc, argv);
	if (opt.network.encoder.model != NULL)
		open_model(&opt);
	make_schema(&opt, &schema);

	struct extractor x = { .name = "text",
		.schema = &schema,
		.ctx = &opt,
		.scratch_new = scratch_new,
		.scratch_free = scratch_free,
		.encode = encode };

	if (opt.model != NULL)
		x.share = share;
	if (opt.occlude) {
		x.encode = encode_occluded;
	} else if (opt.model != NULL) {
		x.encode_batch = encode_batch;
		x.batch = BATCH;
		x.batch_bytes = BATCH_BYTES;
	}
	status = runner_run(&x, &opt.items, o.argv, o.argc, &opt.run);
	text_model_free(opt.model);
	schema_free(&schema);
	return status;
}
