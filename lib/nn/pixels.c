#include "nn/pixels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

/*
 * Two dialects: transformers' preprocessor_config.json, whose meaning depends
 * on the class of the image processor, and timm's pretrained_cfg.
 */

static const char processor[] = "preprocessor_config.json";
static const char config[] = "config.json";

enum { SIDE_MAX = 4096 }; /* pixels of a side */

static const float openai_mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f };
static const float openai_std[3] = { 0.26862954f, 0.26130258f, 0.27577711f };
static const float half[3] = { 0.5f, 0.5f, 0.5f };
static const float imagenet_mean[3] = { 0.485f, 0.456f, 0.406f };
static const float imagenet_std[3] = { 0.229f, 0.224f, 0.225f };

/* The image processors, and what they do with a field that is not there. */
static const struct kind {
	const char *name; /* without ImageProcessor, FeatureExtractor */
	enum pixels_resize resize; /* what "size": 224 means */
	uint32_t size;
	int crop; /* to ${crop_size} */
	uint32_t crop_size;
	enum pixels_filter filter;
	const float *mean, *std;
} kinds[] = {
	{ "ViT", PIXELS_STRETCH, 224, 0, 224, PIXELS_BILINEAR, half, half },
	{ "DeiT", PIXELS_STRETCH, 256, 1, 224, PIXELS_BICUBIC, half, half },
	{ "Bit", PIXELS_SHORTEST, 224, 1, 224, PIXELS_BICUBIC, openai_mean,
	    openai_std },
	{ "CLIP", PIXELS_SHORTEST, 224, 1, 224, PIXELS_BICUBIC, openai_mean,
	    openai_std },
	{ "Siglip", PIXELS_STRETCH, 224, 0, 224, PIXELS_BICUBIC, half, half },
	{ "ConvNext", PIXELS_SHORTEST, 384, 0, 224, PIXELS_BICUBIC, half,
	    half },
};

static int
refuse(const struct store *s, const char *file, const char *field,
    struct error *e, const char *why)
{
	return error_set(e, "'%s/%s': %s %s", store_path(s), file, field, why);
}

/* "size.height" */
static void
path_of(char *out, size_t n, const char *field, const char *member)
{
	snprintf(out, n, "%s%s%s", field, *field != '\0' ? "." : "", member);
}

/* "ViTImageProcessorFast", "DeiTFeatureExtractor", "BitImageProcessorPil". */
static const struct kind *
kind_named(const char *name)
{
	static const char *const tails[] = { "ImageProcessor",
		"ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].name);

		if (strncmp(name, kinds[i].name, n) != 0)
			continue;
		for (size_t j = 0; j < sizeof(tails) / sizeof(tails[0]); j++)
			if (strcmp(name + n, tails[j]) == 0)
				return &kinds[i];
	}
	return NULL;
}

/* Which processor. */
static const struct kind *
find_kind(const struct store *s, struct error *e)
{
	static const char *const fields[] = { "image_processor_type",
		"feature_extractor_type" };
	const struct kind *k;
	char name[64];

	for (int i = 0; i < 2; i++) {
		int rc = store_field_string(
		    s, processor, fields[i], name, sizeof(name), e);

		if (rc == -1)
			return NULL;
		if (rc == 0)
			continue;
		k = kind_named(name);
		if (k == NULL)
			error_set(e, "'%s/%s': %s '%s' is not supported",
			    store_path(s), processor, fields[i], name);
		return k;
	}
	refuse(s, processor, fields[0], e, "is not there");
	return NULL;
}

/* A switch that is ${normal} unless the file says so. */
static int
read_switch(const struct store *s, const char *field, int normal, int *out,
    struct error *e)
{
	*out = normal;
	return store_field_bool(s, processor, field, out, e) == -1 ? -1 : 0;
}

/* Three numbers, or one for all three. */
static int
read_three(const struct store *s, const char *file, const char *field,
    const float *normal, float out[3], struct error *e)
{
	size_t n = 3;

	memcpy(out, normal, 3 * sizeof(*out));
	switch (store_field_floats(s, file, field, out, 3, &n, e)) {
	case -1:
		return -1;
	case 0:
		return 0;
	default:
		return n == 3
			   ? 0
			   : refuse(s, file, field, e, "is not three numbers");
	}
}

static int
read_mean_std(const struct store *s, const char *file, const char *mean,
    const char *std, const float *normal_mean, const float *normal_std,
    struct pixels *p, struct error *e)
{
	if (read_three(s, file, mean, normal_mean, p->mean, e) == -1 ||
	    read_three(s, file, std, normal_std, p->std, e) == -1)
		return -1;
	for (int c = 0; c < 3; c++)
		if (!(fabsf(p->std[c]) >= 1e-6f))
			return refuse(s, file, std, e, "is 0");
	return 0;
}

/* What a size says. */
struct size {
	enum { SIZE_NONE, SIZE_NUMBER, SIZE_SHORTEST, SIZE_RECTANGLE } form;
	uint32_t w, h; /* equal but for a rectangle */
};

/* {"height": h, "width": w}, {"shortest_edge": n}, or n.  0 or -1. */
static int
read_size(
    const struct store *s, const char *field, struct size *z, struct error *e)
{
	static const char *const members[] = { "longest_edge", "max_height",
		"max_width", "shortest_edge", "height", "width" };
	uint32_t v[6] = { 0 };
	char path[64];

	z->form = SIZE_NONE;
	for (int i = 0; i < 6; i++) {
		path_of(path, sizeof(path), field, members[i]);
		if (store_field_u32(
			s, processor, path, 1, SIDE_MAX, &v[i], e) == -1)
			return -1;
		if (i < 3 && v[i] > 0)
			return refuse(
			    s, processor, path, e, "is not supported");
	}
	if (v[3] > 0) {
		*z = (struct size){ SIZE_SHORTEST, v[3], v[3] };
		return 0;
	}
	if (v[4] > 0 && v[5] > 0) {
		*z = (struct size){ SIZE_RECTANGLE, v[5], v[4] };
		return 0;
	}
	if (v[4] > 0 || v[5] > 0)
		return refuse(
		    s, processor, field, e, "has one of height and width");
	if (store_field_u32(s, processor, field, 1, SIDE_MAX, &v[0], e) == -1)
		return -1;
	if (v[0] > 0)
		*z = (struct size){ SIZE_NUMBER, v[0], v[0] };
	return 0;
}

/* Switches that must be off. */
static int
refuse_switches(const struct store *s, struct error *e)
{
	static const char *const off[] = { "do_pad", "use_square_size",
		"do_flip_channel_order", "do_grayscale", "do_thumbnail",
		"do_align_long_axis" };
	int on;

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (read_switch(s, off[i], 0, &on, e) == -1)
			return -1;
		if (on)
			return refuse(
			    s, processor, off[i], e, "is not supported");
	}
	return 0;
}

/* How the picture is resized. */
static int
read_resize(const struct store *s, const struct kind *k, struct pixels *p,
    struct error *e)
{
	struct size z = { SIZE_NONE, k->size, k->size };
	uint32_t filter = k->filter;
	int on;

	if (read_switch(s, "do_resize", 1, &on, e) == -1)
		return -1;
	p->resize = PIXELS_KEEP;
	if (!on)
		return 0;
	if (read_size(s, "size", &z, e) == -1 ||
	    store_field_u32(
		s, processor, "resample", 0, PIXELS_HAMMING, &filter, e) == -1)
		return -1;
	p->filter = (enum pixels_filter)filter;
	p->resize = z.form == SIZE_RECTANGLE  ? PIXELS_STRETCH
		    : z.form == SIZE_SHORTEST ? PIXELS_SHORTEST
					      : k->resize;
	p->resize_w = z.w;
	p->resize_h = z.h;
	return 0;
}

/* ConvNeXT's own: below 384 the shorter side becomes size / crop_pct and the
 * middle is cut, from 384 on the picture is stretched. */
static int
read_convnext(const struct store *s, struct pixels *p, struct error *e)
{
	double pct = 224.0 / 256;

	if (p->resize != PIXELS_SHORTEST)
		return refuse(s, processor, "size", e,
		    "has no shortest_edge, which ConvNext wants");
	p->width = p->height = p->resize_w;
	if (p->width >= 384) {
		p->resize = PIXELS_STRETCH;
		return 0;
	}
	if (store_field_double(s, processor, "crop_pct", 0.1, 1, &pct, e) == -1)
		return -1;
	p->resize_w = p->resize_h = (uint32_t)(p->width / pct);
	return 0;
}

static int
read_crop(const struct store *s, const struct kind *k, struct pixels *p,
    struct error *e)
{
	struct size z = { SIZE_NONE, k->crop_size, k->crop_size };
	int on, convnext = strcmp(k->name, "ConvNext") == 0;

	if (read_switch(s, "do_center_crop", k->crop, &on, e) == -1)
		return -1;
	if (on && convnext)
		return refuse(s, processor, "do_center_crop", e,
		    "is not supported for ConvNext");
	if (convnext)
		return read_convnext(s, p, e);
	if (!on && p->resize != PIXELS_STRETCH)
		return refuse(s, processor, "do_center_crop", e,
		    "is false, so pictures have no one size");
	if (on && read_size(s, "crop_size", &z, e) == -1)
		return -1;
	p->width = on ? z.w : p->resize_w;
	p->height = on ? z.h : p->resize_h;
	return 0;
}

static int
read_numbers(const struct store *s, const struct kind *k, struct pixels *p,
    struct error *e)
{
	int rescale, normalize;

	if (read_switch(s, "do_rescale", 1, &rescale, e) == -1 ||
	    read_switch(s, "do_normalize", 1, &normalize, e) == -1)
		return -1;
	p->scale = 1;
	if (rescale) {
		p->scale = 1.0 / 255;
		if (store_field_double(s, processor, "rescale_factor", 1e-6, 1,
			&p->scale, e) == -1)
			return -1;
	}
	for (int c = 0; c < 3; c++) {
		p->mean[c] = 0;
		p->std[c] = 1;
	}
	return normalize ? read_mean_std(s, processor, "image_mean",
			       "image_std", k->mean, k->std, p, e)
			 : 0;
}

static int
from_processor(const struct store *s, struct pixels *p, struct error *e)
{
	const struct kind *k = find_kind(s, e);

	if (k == NULL)
		return -1;
	*p = (struct pixels){ .filter = k->filter };
	if (refuse_switches(s, e) == -1 || read_resize(s, k, p, e) == -1 ||
	    read_crop(s, k, p, e) == -1)
		return -1;
	return read_numbers(s, k, p, e);
}

static int
filter_named(const char *name, enum pixels_filter *out)
{
	static const char *const names[] = { "nearest", "lanczos", "bilinear",
		"bicubic", "box", "hamming" };

	for (int i = 0; i < 6; i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum pixels_filter)i;
			return 0;
		}
	return -1;
}

/* The field of pretrained_cfg under ${prefix}, "" in old files. */
static int
timm_string(const struct store *s, const char *prefix, const char *field,
    char path[64], char out[32], struct error *e)
{
	path_of(path, 64, prefix, field);
	return store_field_string(s, config, path, out, 32, e);
}

/* timm.data.resolve_data_config and transforms_imagenet_eval. */
static int
from_timm(const struct store *s, const char *prefix, const float size[3],
    struct pixels *p, struct error *e)
{
	char path[64], mean[64], std[64], word[32] = "bicubic";
	double pct = 0.875;

	path_of(path, sizeof(path), prefix, "input_size");
	if (size[0] != 3 || !(size[1] >= 1 && size[1] <= SIDE_MAX) ||
	    !(size[2] >= 1 && size[2] <= SIDE_MAX))
		return refuse(s, config, path, e, "is not 3, height, width");
	*p = (struct pixels){ .width = (uint32_t)size[2],
		.height = (uint32_t)size[1],
		.crop_round = 1,
		.scale = 1.0 / 255 };
	if (timm_string(s, prefix, "interpolation", path, word, e) == -1)
		return -1;
	if (filter_named(word, &p->filter) == -1)
		return refuse(s, config, path, e, "is not a known filter");
	path_of(path, sizeof(path), prefix, "crop_pct");
	if (store_field_double(s, config, path, 0.1, 2, &pct, e) == -1)
		return -1;
	p->resize_w = (uint32_t)(p->width / pct);
	p->resize_h = (uint32_t)(p->height / pct);
	strcpy(word, "center");
	if (timm_string(s, prefix, "crop_mode", path, word, e) == -1)
		return -1;
	if (strcmp(word, "squash") == 0)
		p->resize = PIXELS_STRETCH;
	else if (strcmp(word, "center") == 0 && p->width == p->height)
		p->resize = PIXELS_SHORTEST;
	else
		return refuse(s, config, path, e, "is not supported");
	path_of(mean, sizeof(mean), prefix, "mean");
	path_of(std, sizeof(std), prefix, "std");
	return read_mean_std(
	    s, config, mean, std, imagenet_mean, imagenet_std, p, e);
}

int
pixels_read(const struct store *s, const struct pixels *fallback,
    struct pixels *out, struct error *e)
{
	static const char *const prefixes[] = { "pretrained_cfg", "" };
	struct str text;

	if (store_text(s, processor, &text))
		return from_processor(s, out, e);
	for (int i = 0; i < 2; i++) {
		char path[64];
		float size[3];
		size_t n = 0;
		int rc;

		path_of(path, sizeof(path), prefixes[i], "input_size");
		rc = store_field_floats(s, config, path, size, 3, &n, e);
		if (rc == -1)
			return -1;
		if (rc == 1 && n == 3)
			return from_timm(s, prefixes[i], size, out, e);
	}
	*out = *fallback;
	return 0;
}

static int
put_three(struct buf *b, const char *name, const float v[3])
{
	if (buf_printf(b, ",\"%s\":[", name) == -1)
		return -1;
	for (int c = 0; c < 3; c++)
		if ((c > 0 && buf_putc(b, ',') == -1) ||
		    json_put_float(b, v[c]) == -1)
			return -1;
	return buf_putc(b, ']');
}

int
pixels_tag(const struct pixels *p, struct buf *out)
{
	static const char *const resizes[] = { "keep", "stretch", "shortest" };

	if (buf_printf(out, "{\"crop_round\":%d,\"filter\":%d,\"height\":%u",
		p->crop_round, (int)p->filter, p->height) == -1 ||
	    put_three(out, "mean", p->mean) == -1 ||
	    buf_printf(out,
		",\"resize\":\"%s\",\"resize_h\":%u,\"resize_w\":%u,\"scale\":",
		resizes[p->resize], p->resize_h, p->resize_w) == -1 ||
	    json_put_double(out, p->scale) == -1 ||
	    put_three(out, "std", p->std) == -1)
		return -1;
	return buf_printf(out, ",\"width\":%u}", p->width);
}
