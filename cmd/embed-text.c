/* embed-text: texts to vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "base/num.h"
#include "base/options.h"
#include "base/utf8.h"
#include "text/ngrams.h"
#include "vec/runner.h"

enum {
	KEY_DIM = 256,
	KEY_SPARSE,
	KEY_MAX_BYTES,
	KEY_UTF8,
	MAX_BYTES = 16 << 20
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
};

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
			break;
		case KEY_SPARSE:
			opt->sparse = 1;
			break;
		case KEY_MAX_BYTES:
			opt->max_bytes = options_u64(o, 1, MAX_BYTES);
			break;
		case KEY_UTF8:
			opt->strict = options_choice(o, "replace|strict");
			break;
		default:
			if (!items_option(o, c, &opt->items))
				runner_option(o, c, &opt->run);
		}
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

static enum encode_status
encode(void *ctx, void *scratch, const struct source *in, struct encoded *out,
    struct error *e)
{
	const struct options_of_text *opt = ctx;
	struct str text = take_text(opt, in, out);
	struct ngrams *g = scratch;
	size_t good;
	int r;

	if (opt->strict && (good = utf8_valid(text.s, text.len)) < text.len) {
		error_set(e, "ill-formed UTF-8 at byte %zu",
		    good + (size_t)(text.s - in->data));
		return ENCODE_BAD;
	}
	r = opt->sparse ? encode_sparse(g, text, out, e)
			: encode_dense(g, text, out, e);
	if (r == 0)
		error_set(e, "empty text");
	if (r > 0 && ngrams_bad(g) > 0)
		encoded_flag(out, FLAG_BAD_UTF8);
	return r > 0 ? ENCODE_OK : ENCODE_BAD;
}

static void *
scratch_new(void *ctx, struct error *e)
{
	const struct options_of_text *opt = ctx;

	return ngrams_new(opt->dim, opt->sparse, e);
}

static void
scratch_free(void *ctx, void *scratch)
{
	(void)ctx;
	ngrams_free(scratch);
}

/* One part, which says how it was made. */
static void
make_schema(const struct options_of_text *opt, struct schema *s)
{
	const char *name = opt->run.part != NULL ? opt->run.part : "text";
	struct buf space = { 0 }, run = { 0 };
	struct error e;

	if (ngrams_space(&space, opt->dim, opt->sparse) == -1 ||
	    buf_putc(&space, '\0') == -1 ||
	    ngrams_run(&run, opt->max_bytes) == -1 ||
	    buf_putc(&run, '\0') == -1)
		die("out of memory");
	if (schema_add(s, name, opt->sparse ? PART_SPARSE : PART_DENSE,
		opt->dim, space.data, run.data, &e) == -1)
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
	make_schema(&opt, &schema);

	struct extractor x = { .name = "text",
		.schema = &schema,
		.ctx = &opt,
		.scratch_new = scratch_new,
		.scratch_free = scratch_free,
		.encode = encode };

	status = runner_run(&x, &opt.items, o.argv, o.argc, &opt.run);
	schema_free(&schema);
	return status;
}
