/* extract-img: pictures to vectors. */
#include <string.h>

#include "base/message.h"
#include "base/options.h"
#include "image/features.h"
#include "vec/runner.h"

enum { KEY_FEATURES = 256, KEY_BACKGROUND };

static const struct option_row rows[] = {
	ITEMS_OPTIONS,
	{ KEY_FEATURES, "features", "NAME[,NAME]",
	    "families, or all (" FEATURES_DEFAULT ")" },
	{ KEY_BACKGROUND, "background", "RRGGBB",
	    "what is behind transparent pixels (ffffff)" },
	RUNNER_VECTOR_OPTIONS,
	RUNNER_OPTIONS,
	OPTIONS_COMMON,
	{ 0 },
};

static const struct command self = { "extract-img", "[options] [FILE ...]",
	"Turn pictures into vectors, one for each picture.", rows };

struct options_of_image {
	struct items_options items;
	struct runner_options run;
	const char *features; /* NULL: the default */
	uint8_t background[3];
	struct features *plan;
};

/* Six hexadecimal digits, with or without #. */
static void
parse_color(const struct options *o, uint8_t rgb[3])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *s = o->arg + (o->arg[0] == '#');

	memset(rgb, 0, 3);
	for (int i = 0; i < 6; i++) {
		const char *at = s[i] != '\0' ? strchr(digits, s[i]) : NULL;

		if (at == NULL)
			usage_error(
			    "%s: '%s' is no colour RRGGBB", o->shown, o->arg);
		rgb[i / 2] = (uint8_t)(rgb[i / 2] << 4 | ((at - digits) & 15));
	}
	if (s[6] != '\0')
		usage_error("%s: '%s' is no colour RRGGBB", o->shown, o->arg);
}

static void
parse_options(
    struct options_of_image *opt, struct options *o, int argc, char *argv[])
{
	struct error e;
	int c;

	options_start(o, &self, argc, argv);
	while ((c = options_next(o)) != -1)
		switch (c) {
		case KEY_FEATURES:
			opt->features = o->arg;
			break;
		case KEY_BACKGROUND:
			parse_color(o, opt->background);
			break;
		default:
			if (!items_option(o, c, &opt->items))
				runner_option(o, c, &opt->run);
		}
	items_options_check(o, &opt->items);
	opt->plan = features_new(opt->features, opt->background, &e);
	if (opt->plan == NULL && e.memory)
		die("%s", e.text);
	if (opt->plan == NULL)
		usage_error("--features: %s", e.text);
}

static enum encode_status
encode(void *ctx, void *scratch, const struct source *in, struct encoded *out,
    struct error *e)
{
	const struct options_of_image *opt = ctx;
	struct image_how how = { .keep = in->keep, .side = FEATURES_SIDE };
	struct image im;
	float *to;
	int rc = -1;

	memcpy(how.background, opt->background, sizeof(how.background));
	if (image_decode(&im, in->data, in->len, &how, e) == -1)
		return image_type(in->data, in->len) == IMAGE_UNKNOWN
			   ? ENCODE_UNKNOWN
			   : ENCODE_BAD;
	to = encoded_dense(out, 0, e);
	if (to != NULL)
		rc = features_of(opt->plan, scratch, &im, to, e);
	if (im.damaged)
		encoded_flag(out, FLAG_DAMAGED);
	image_free(&im);
	return rc == 0 ? ENCODE_OK : ENCODE_BAD;
}

static void *
scratch_new(void *ctx, struct error *e)
{
	struct views *v = views_new();

	(void)ctx;
	if (v == NULL)
		error_memory(e);
	return v;
}

static void
scratch_free(void *ctx, void *scratch)
{
	(void)ctx;
	views_free(scratch);
}

static void
name_columns(const struct options_of_image *opt, struct part *part)
{
	char name[64];

	for (size_t i = 0; i < features_dim(opt->plan); i++) {
		features_column(opt->plan, i, name, sizeof(name));
		if (strs_add(&part->columns, name, strlen(name)) == -1)
			die("out of memory");
	}
}

/* One part, which says how it was made. */
static void
make_schema(const struct options_of_image *opt, struct schema *s)
{
	const char *name = opt->run.part != NULL ? opt->run.part : "image";
	const uint8_t *bg = opt->background;
	struct buf space = { 0 }, run = { 0 };
	struct error e;

	if (buf_printf(&space,
		"{\"encoder\":\"picture\",\"version\":%d,\"features\":\"%s\","
		"\"background\":\"%02x%02x%02x\"}",
		FEATURES_VERSION, features_names(opt->plan), bg[0], bg[1],
		bg[2]) == -1 ||
	    buf_printf(&run, "{\"libpng\":\"%s\",\"libjpeg-turbo\":\"%s\"}",
		image_png_version(), image_jpeg_version()) == -1)
		die("out of memory");
	if (schema_add(s, name, PART_DENSE, (uint32_t)features_dim(opt->plan),
		space.data, run.data, &e) == -1)
		die("%s", e.text);
	name_columns(opt, &s->parts[0]);
	buf_free(&space);
	buf_free(&run);
}

int
main(int argc, char *argv[])
{
	struct options_of_image opt = { .background = { 255, 255, 255 } };
	struct schema schema = { 0 };
	struct options o;
	int status;

	parse_options(&opt, &o, argc, argv);
	make_schema(&opt, &schema);

	struct extractor x = { .name = "image",
		.schema = &schema,
		.ctx = &opt,
		.scratch_new = scratch_new,
		.scratch_free = scratch_free,
		.encode = encode,
		.max_file = IMAGE_MAX_BYTES };

	status = runner_run(&x, &opt.items, o.argv, o.argc, &opt.run);
	schema_free(&schema);
	features_free(opt.plan);
	return status;
}
