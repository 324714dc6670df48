/* vec-cat: streams end to end as one; parts picked, renamed; columns dropped.
 */
#include <inttypes.h>
#include <string.h>

#include "base/message.h"
#include "base/options.h"
#include "vec/input.h"
#include "vec/output.h"
#include "vec/select.h"

enum { KEY_PART = 256, KEY_NAME, KEY_DROP, KEY_MAX_ERRORS };

static const struct option_row rows[] = {
	{ 'o', "output", "FILE", "write to FILE, whole or not at all" },
	{ 'f', "format", "FORMAT", OUTPUT_FORMATS " (auto)" },
	{ KEY_PART, "part", "NAME[,NAME]", "these parts, in this order (all)" },
	{ KEY_NAME, "name", "NEW=OLD", "call the part OLD by the name NEW" },
	{ KEY_DROP, "drop", "COLUMN[,COLUMN]",
	    "leave out label, target, weight, group, source or flags" },
	{ KEY_MAX_ERRORS, "max-errors", "N|P%",
	    "end with 0 for up to so many records in error (0)" },
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "vec-cat", "[options] [FILE ...]",
	"Join streams end to end as one; pick and rename their parts.", rows };

struct options_of_cat {
	const char *output;
	enum vec_format format;
	const char *parts[VEC_MAX_PARTS];
	size_t nparts;
	struct {
		const char *name, *old;
	} renames[VEC_MAX_PARTS];
	size_t nrenames;
	int drop;
	struct tolerance tolerance;
	int verbose;
};

struct counts {
	uint64_t records, bad;
};

/* NEW=OLD: the argument is cut where its equals sign stands. */
static void
add_rename(struct options_of_cat *opt, const struct options *o)
{
	char *equals = strchr(o->arg, '=');

	if (equals == NULL || equals == o->arg || equals[1] == '\0')
		usage_error("%s: '%s' is not NEW=OLD", o->shown, o->arg);
	if (opt->nrenames == VEC_MAX_PARTS)
		usage_error("%s: too many", o->shown);
	*equals = '\0';
	opt->renames[opt->nrenames].name = o->arg;
	opt->renames[opt->nrenames++].old = equals + 1;
}

static int
drop_bits(const struct options *o)
{
	static const char *const names[] = { "label", "target", "weight",
		"group", "source", "flags" };
	int bits = 0;

	for (const char *s = o->arg; s != NULL;) {
		size_t n = strcspn(s, ","), k = 0;

		while (k < 6 &&
		       (strlen(names[k]) != n || strncmp(names[k], s, n) != 0))
			k++;
		if (k == 6)
			usage_error("%s: '%.*s' is none of label, target, "
				    "weight, group, source, flags",
			    o->shown, (int)n, s);
		bits |= 1 << k;
		s = s[n] == ',' ? s + n + 1 : NULL;
	}
	return bits;
}

static void
parse_options(
    struct options_of_cat *opt, struct options *o, int argc, char *argv[])
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
		case KEY_PART:
			if (opt->nparts == VEC_MAX_PARTS)
				usage_error("%s: too many", o->shown);
			opt->parts[opt->nparts++] = o->arg;
			break;
		case KEY_NAME:
			add_rename(opt, o);
			break;
		case KEY_DROP:
			opt->drop |= drop_bits(o);
			break;
		case KEY_MAX_ERRORS:
			opt->tolerance = options_tolerance(o);
			break;
		case 'v':
			opt->verbose = 1;
			break;
		}
}

static int
choose(const struct options_of_cat *opt, struct selection *s,
    const struct schema *in, struct error *e)
{
	if (select_parts(s, in, opt->parts, opt->nparts, e) == -1)
		return -1;
	for (size_t i = 0; i < opt->nrenames; i++)
		if (select_rename(
			s, opt->renames[i].old, opt->renames[i].name, e) == -1)
			return -1;
	return 0;
}

static int
copy(struct input *in, struct output *out, const struct selection *s, int drop,
    struct counts *c, struct error *e)
{
	const struct input_end *end = input_end(in);
	struct batch b = { 0 };
	int rc = batch_init(&b, input_schema(in), e);

	while (rc == 0 && (rc = input_next(in, &b, e)) == 1) {
		struct batch view;

		rc = batch_drop(&b, drop, e);
		view = select_view(s, &b);
		if (rc == 0)
			rc = output_put_all(out, &view, e);
		for (size_t i = 0; i < view.n; i++)
			c->bad += (uint64_t)batch_bad(&view, i);
		c->records += view.n;
	}
	batch_free(&b);
	output_reject(out, end->rejected);
	if (end->partial)
		output_partial(out);
	return rc;
}

static int
cat(const struct options_of_cat *opt, char *paths[], int n)
{
	struct input *in;
	struct output *out = NULL;
	struct selection s = { 0 };
	const struct input_end *end;
	struct counts c = { 0 };
	struct error e = { 0 };

	in = input_open(paths, n, &e);
	if (in == NULL || choose(opt, &s, input_schema(in), &e) == -1)
		die("%s", e.text);
	out = output_open(opt->output, opt->format, &s.schema, &e);
	if (out == NULL || copy(in, out, &s, opt->drop, &c, &e) == -1) {
		output_abort(out, self.name);
		die("%s", e.text);
	}
	if (output_close(out, &e) == -1)
		die("%s", e.text);
	end = input_end(in);
	if (end->bad.text[0] != '\0')
		warn("%s", end->bad.text);
	if (opt->verbose)
		warn("%" PRIu64 " records, %" PRIu64 " carry errors, %" PRIu64
		     " rejected",
		    c.records, c.bad, end->rejected);
	c.bad += end->rejected;
	c.records += end->rejected;
	select_free(&s);
	input_close(in);
	return tolerance_status(&opt->tolerance, c.bad, c.records);
}

int
main(int argc, char *argv[])
{
	struct options_of_cat opt = { .output = NULL };
	struct options o;

	parse_options(&opt, &o, argc, argv);
	return cat(&opt, o.argv, o.argc);
}
