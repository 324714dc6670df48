/* extract-img: pictures to vectors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/message.h"
#include "base/options.h"
#include "image/cells.h"
#include "image/features.h"
#include "image/preprocess.h"
#include "nn/encoder_options.h"
#include "vec/occlude.h"
#include "vec/runner.h"

enum {
	KEY_FEATURES = 256,
	KEY_BACKGROUND,
	KEY_OCCLUDE,
	MOST_SIDE = 16, /* of a grid: OCCLUDE_MOST cells */
	/* Pictures that a network takes at once, so that its weights are read
	 * once for all of them. */
	BATCH = 8
};

static const struct option_row rows[] = {
	ITEMS_OPTIONS,
	{ KEY_FEATURES, "features", "NAME[,NAME]",
	    "families, or all (" FEATURES_DEFAULT ")" },
	{ KEY_BACKGROUND, "background", "RRGGBB",
	    "what is behind transparent pixels (ffffff)" },
	ENCODER_OPTIONS,
	{ KEY_OCCLUDE, "occlude", "N",
	    "rows: the picture, and it without each of N x N cells; for "
	    "predict" },
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
	uint32_t occlude; /* cells on a side, 0: none */
	struct features *plan;
	struct encoder_options network;
	struct pretrained model; /* -m; else its encoder is NULL */
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
		case KEY_OCCLUDE:
			opt->occlude = (uint32_t)options_u64(o, 2, MOST_SIDE);
			break;
		default:
			if (!items_option(o, c, &opt->items) &&
			    !encoder_option(o, c, &opt->network))
				runner_option(o, c, &opt->run);
		}
	items_options_check(o, &opt->items);
	encoder_options_check(&opt->network);
	if (opt->occlude > 0 && opt->network.pool == POOL_NONE)
		usage_error("--occlude does not go with --pool none");
	if (opt->network.model != NULL && opt->features != NULL)
		usage_error("--features does not go with -m");
	if (opt->network.model != NULL)
		return;
	opt->plan = features_new(opt->features, opt->background, &e);
	if (opt->plan == NULL && e.memory)
		die("%s", e.text);
	if (opt->plan == NULL)
		usage_error("--features: %s", e.text);
}

/* The picture, as large as a network wants it or as features do. */
static enum encode_status
decode(const struct options_of_image *opt, const struct source *in,
    struct image *im, struct encoded *out, struct error *e)
{
	struct image_how how = { .keep = in->keep };

	if (opt->network.model == NULL)
		how.side = FEATURES_SIDE;
	memcpy(how.background, opt->background, sizeof(how.background));
	if (image_decode(im, in->data, in->len, &how, e) == -1)
		return image_type(in->data, in->len) == IMAGE_UNKNOWN
			   ? ENCODE_UNKNOWN
			   : ENCODE_BAD;
	if (im->damaged)
		encoded_flag(out, FLAG_DAMAGED);
	return ENCODE_OK;
}

static enum encode_status
encode(void *ctx, void *scratch, const struct source *in, struct encoded *out,
    struct error *e)
{
	const struct options_of_image *opt = ctx;
	struct image im;
	enum encode_status status = decode(opt, in, &im, out, e);
	float *to;
	int rc = -1;

	if (status != ENCODE_OK)
		return status;
	to = encoded_dense(out, 0, e);
	if (to != NULL)
		rc = features_of(opt->plan, scratch, &im, to, e);
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

/* ---- with a network ---- */

/* Memory of one worker. */
struct network_work {
	struct encoder_work *encoder;
	size_t size; /* floats of a picture */
	float *px;   /* [BATCH, size] */
};

static void
network_work_free(void *ctx, void *scratch)
{
	struct network_work *w = scratch;

	(void)ctx;
	if (w == NULL)
		return;
	encoder_work_free(w->encoder);
	free(w->px);
	free(w);
}

static void *
network_work_new(void *ctx, struct error *e)
{
	const struct options_of_image *opt = ctx;
	const struct pixels *p = &encoder_info(opt->model.encoder)->pixels;
	struct network_work *w = mem_array(1, sizeof(*w));

	if (w != NULL) {
		w->size = (size_t)p->width * p->height * 3;
		w->px = mem_aligned(BATCH, w->size * sizeof(*w->px));
	}
	if (w == NULL || w->px == NULL) {
		error_memory(e);
	} else {
		w->encoder = encoder_work_new(opt->model.encoder, e);
		if (w->encoder != NULL)
			return w;
	}
	network_work_free(ctx, w);
	return NULL;
}

static void
network_share(void *scratch, struct pool *pool)
{
	struct network_work *w = scratch;

	encoder_work_share(w->encoder, pool);
}

/* The pixels of one picture, as the network wants them. */
static enum encode_status
read_pixels(const struct options_of_image *opt, const struct source *in,
    float *px, struct encoded *out, struct error *e)
{
	const struct pixels *p = &encoder_info(opt->model.encoder)->pixels;
	struct image im;
	enum encode_status status = decode(opt, in, &im, out, e);
	int rc;

	if (status != ENCODE_OK)
		return status;
	rc = preprocess(p, opt->background, &im, px, e);
	image_free(&im);
	return rc == 0 ? ENCODE_OK : ENCODE_BAD;
}

static int
give_rows(const struct encoder_info *info, const float *v, size_t n,
    struct encoded *out, struct error *e)
{
	float *to = info->pool == POOL_NONE
			? encoded_sequence(out, 0, n, NULL, e)
			: encoded_dense(out, 0, e);

	if (to == NULL)
		return -1;
	memcpy(to, v, n * info->dim * sizeof(*to));
	return 0;
}

static void
encode_batch(void *ctx, void *scratch, size_t n, const struct source *in,
    struct encoded *const *out, enum encode_status *status, struct error *e)
{
	const struct options_of_image *opt = ctx;
	const struct encoder_info *info = encoder_info(opt->model.encoder);
	struct network_work *w = scratch;
	size_t which[BATCH], m = 0, from = 0;
	struct encoder_out made;
	struct error why;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		status[i] = read_pixels(
		    opt, &in[i], w->px + m * w->size, out[i], &e[i]);
		if (status[i] == ENCODE_OK)
			which[m++] = i;
	}
	if (m > 0)
		rc = encoder_pictures(
		    opt->model.encoder, w->encoder, w->px, m, &made, &why);
	for (size_t k = 0; k < m; k++) {
		size_t i = which[k];

		if (rc == 0) {
			rc = give_rows(info, made.v + from * info->dim,
			    made.end[k] - from, out[i], &why);
			from = made.end[k];
		}
		if (rc == -1) {
			e[i] = why;
			status[i] = ENCODE_BAD;
		}
	}
}

/* ---- without each cell ---- */

static size_t
vector_size(const struct options_of_image *opt)
{
	return opt->network.model != NULL
		   ? encoder_info(opt->model.encoder)->dim
		   : features_dim(opt->plan);
}

/* The vector of the picture as it is now. */
static int
encode_row(const struct options_of_image *opt, void *scratch, struct image *im,
    float *to, struct error *e)
{
	struct network_work *w = scratch;
	struct encoder_out made;

	if (opt->network.model == NULL)
		return features_of(opt->plan, scratch, im, to, e);
	if (preprocess(&encoder_info(opt->model.encoder)->pixels,
		opt->background, im, w->px, e) < 0 ||
	    encoder_pictures(
		opt->model.encoder, w->encoder, w->px, 1, &made, e) < 0)
		return -1;
	memcpy(to, made.v, vector_size(opt) * sizeof(*to));
	return 0;
}

static int
encode_rows(const struct options_of_image *opt, void *scratch, struct image *im,
    struct encoded *out, struct error *e)
{
	uint32_t cells = opt->occlude * opt->occlude;
	struct cells grid;
	double *time;
	float *to = encoded_sequence(out, 0, cells + 1, &time, e);
	int rc;

	if (to == NULL || cells_init(&grid, im, opt->occlude, e) < 0)
		return -1;
	time[0] = time[1] = 0;
	rc = encode_row(opt, scratch, im, to, e);
	for (uint32_t k = 0; rc == 0 && k < cells; k++) {
		to += vector_size(opt);
		time[2 * k + 2] = k;
		time[2 * k + 3] = k + 1;
		cells_hide(&grid, k);
		rc = encode_row(opt, scratch, im, to, e);
		cells_show(&grid, k);
	}
	cells_free(&grid);
	return rc;
}

static enum encode_status
encode_occluded(void *ctx, void *scratch, const struct source *in,
    struct encoded *out, struct error *e)
{
	const struct options_of_image *opt = ctx;
	struct image im;
	enum encode_status status = decode(opt, in, &im, out, e);
	int rc;

	if (status != ENCODE_OK)
		return status;
	rc = encode_rows(opt, scratch, &im, out, e);
	image_free(&im);
	return rc == 0 ? ENCODE_OK : ENCODE_BAD;
}

/* End what is said of the run, which may be of occluded pictures. */
static void
end_run(const struct options_of_image *opt, struct buf *run)
{
	char cells[24];
	int rc = 0;

	snprintf(cells, sizeof(cells), "%ux%u", opt->occlude, opt->occlude);
	if (opt->occlude > 0)
		rc = occlude_mark(run, cells);
	if (rc == -1 || buf_putc(run, '\0') == -1)
		die("out of memory");
}

static void
open_model(struct options_of_image *opt)
{
	struct error e;
	int saved;

	mem_give_back();
	opt->network.threads = opt->run.threads;
	if (pretrained_open(&opt->model, &opt->network, ENCODER_PICTURE, &e) ==
	    -1)
		die("%s", e.text);
	saved = pretrained_save(&opt->model, &e);
	if (saved == -1)
		die("%s", e.text);
	if (saved == 1 && !opt->run.quiet)
		warn("wrote '%s'", opt->network.packed);
}

static void
network_schema(const struct options_of_image *opt, struct schema *s)
{
	const char *name = opt->run.part != NULL ? opt->run.part : "image";
	const struct encoder_info *info = encoder_info(opt->model.encoder);
	const uint8_t *bg = opt->background;
	struct buf more = { 0 }, space = { 0 }, run = { 0 };
	struct error e;

	if (buf_printf(&more, ",\"background\":\"%02x%02x%02x\",\"pixels\":",
		bg[0], bg[1], bg[2]) == -1 ||
	    pixels_tag(&info->pixels, &more) == -1 ||
	    pretrained_space(&opt->model, &space, more.data) == -1)
		die("out of memory");
	more.len = 0;
	if (buf_printf(&more, ",\"libpng\":\"%s\",\"libjpeg-turbo\":\"%s\"",
		image_png_version(), image_jpeg_version()) == -1 ||
	    pretrained_run(&opt->model, &run, more.data) == -1)
		die("out of memory");
	end_run(opt, &run);
	if (schema_add(s, name,
		info->pool == POOL_NONE || opt->occlude > 0 ? PART_SEQUENCE
							    : PART_DENSE,
		info->dim, space.data, run.data, &e) == -1)
		die("%s", e.text);
	buf_free(&more);
	buf_free(&space);
	buf_free(&run);
}

/* ---- built in ---- */

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
	end_run(opt, &run);
	if (schema_add(s, name, opt->occlude > 0 ? PART_SEQUENCE : PART_DENSE,
		(uint32_t)features_dim(opt->plan), space.data, run.data,
		&e) == -1)
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
	if (opt.network.model != NULL) {
		open_model(&opt);
		network_schema(&opt, &schema);
	} else {
		make_schema(&opt, &schema);
	}

	struct extractor x = { .name = "image",
		.schema = &schema,
		.ctx = &opt,
		.scratch_new = scratch_new,
		.scratch_free = scratch_free,
		.encode = encode,
		.max_file = IMAGE_MAX_BYTES };

	if (opt.network.model != NULL) {
		x.scratch_new = network_work_new;
		x.scratch_free = network_work_free;
		if (encoder_info(opt.model.encoder)->heads > 0)
			x.share = network_share;
	}
	if (opt.occlude > 0) {
		x.encode = encode_occluded;
	} else if (opt.network.model != NULL) {
		x.encode_batch = encode_batch;
		x.batch = BATCH;
	}
	status = runner_run(&x, &opt.items, o.argv, o.argc, &opt.run);
	schema_free(&schema);
	features_free(opt.plan);
	pretrained_free(&opt.model);
	return status;
}
