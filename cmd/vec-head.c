/* vec-head: the first records of a stream, or those after them. */
#include <inttypes.h>

#include "base/message.h"
#include "base/options.h"
#include "vec/input.h"
#include "vec/output.h"

enum { KEY_SKIP = 256, KEY_MAX_ERRORS };

static const struct option_row rows[] = {
	{ 'n', "records", "N", "so many records (10)" },
	{ KEY_SKIP, "skip", "N", "after passing over so many (0)" },
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ 'f', "format", "FORMAT", OUTPUT_FORMATS " (auto)" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "vec-head", "[options] [FILE ...]",
	"Write the first records of streams.", rows };

struct options_of_head {
	const char *output;
	enum vec_format format;
	uint64_t skip, n;
	struct tolerance tolerance;
};

struct counts {
	uint64_t records, bad, rejected;
};

static void
parse_options(
    struct options_of_head *opt, struct options *o, int argc, char *argv[])
{
	int c;

	options_start(o, &self, argc, argv);
	while ((c = options_next(o)) != -1)
		switch (c) {
		case 'n':
			opt->n = options_u64(o, 0, UINT64_MAX);
			break;
		case KEY_SKIP:
			opt->skip = options_u64(o, 0, UINT64_MAX);
			break;
		case 'o':
			opt->output = o->arg;
			break;
		case 'f':
			opt->format =
			    (enum vec_format)options_choice(o, OUTPUT_FORMATS);
			break;
		case KEY_MAX_ERRORS:
			opt->tolerance = options_tolerance(o);
			break;
		}
}

/* Records [skip, skip + n) of the input; what follows is not read, and so
 * nothing is known of the input's end. */
static int
copy(struct input *in, struct output *out, struct batch *b,
    const struct options_of_head *opt, struct counts *c, struct error *e)
{
	const struct input_end *end = input_end(in);
	uint64_t at = 0;
	int rc;

	while (c->records < opt->n) {
		rc = input_next(in, b, e);
		if (rc == -1)
			return -1;
		if (rc == 0) {
			c->rejected = end->rejected;
			output_reject(out, end->rejected);
			if (end->partial)
				output_partial(out);
			return 0;
		}
		for (size_t i = 0; i < b->n && c->records < opt->n; i++) {
			if (at++ < opt->skip)
				continue;
			if (output_put(out, b, i, e) == -1)
				return -1;
			c->records++;
			c->bad += (uint64_t)batch_bad(b, i);
		}
	}
	return 0;
}

static int
head(const struct options_of_head *opt, char *paths[], int n)
{
	struct input *in;
	struct output *out = NULL;
	struct counts c = { 0 };
	struct batch b = { 0 };
	struct error e = { 0 };

	in = input_open(paths, n, &e);
	if (in == NULL)
		die("%s", e.text);
	out = output_open(opt->output, opt->format, input_schema(in), &e);
	if (out == NULL || batch_init(&b, input_schema(in), &e) == -1 ||
	    copy(in, out, &b, opt, &c, &e) == -1) {
		output_abort(out, self.name);
		die("%s", e.text);
	}
	if (output_close(out, &e) == -1)
		die("%s", e.text);
	if (input_end(in)->bad.text[0] != '\0')
		warn("%s", input_end(in)->bad.text);
	batch_free(&b);
	input_close(in);
	return tolerance_status(
	    &opt->tolerance, c.bad + c.rejected, c.records + c.rejected);
}

int
main(int argc, char *argv[])
{
	struct options_of_head opt = { .n = 10 };
	struct options o;

	parse_options(&opt, &o, argc, argv);
	return head(&opt, o.argv, o.argc);
}
