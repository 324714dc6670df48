#include "image/features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "image/resize.h"
#include "image/views.h"
#include "linalg/mathf.h"

enum family {
	HOG,
	HOG_FINE,
	HOG_WIDE,
	HOG_WIDE_FINE,
	LBP,
	COLOR,
	LAYOUT,
	MOMENTS,
	SHAPE,
	ASPECT,
	FAMILIES
};

static const struct {
	const char *name;
	uint32_t dim;
} families[FAMILIES] = {
	[HOG] = { "hog", 288 },
	[HOG_FINE] = { "hog-fine", 576 },
	[HOG_WIDE] = { "hog-wide", 288 },
	[HOG_WIDE_FINE] = { "hog-wide-fine", 576 },
	[LBP] = { "lbp", 13 * 59 },
	[COLOR] = { "color", 416 },
	[LAYOUT] = { "layout", 192 },
	[MOMENTS] = { "moments", 26 },
	[SHAPE] = { "shape", 110 + 288 + 59 },
	[ASPECT] = { "aspect", 3 },
};

struct features {
	bool on[FAMILIES];
	size_t dim;
	struct buf names;
	uint8_t background[3];
	struct gradients gradients;
};

static int
family_of(const char *s, size_t n)
{
	for (int i = 0; i < FAMILIES; i++)
		if (strlen(families[i].name) == n &&
		    memcmp(families[i].name, s, n) == 0)
			return i;
	return -1;
}

static int
choose(struct features *f, const char *names, struct error *e)
{
	size_t n;

	for (const char *s = names;; s += n + 1) {
		int i;

		n = strcspn(s, ",");
		i = family_of(s, n);
		if (i == -1)
			return error_set(
			    e, "'%.*s' is no family of features", (int)n, s);
		f->on[i] = true;
		if (s[n] == '\0')
			return 0;
	}
}

struct features *
features_new(const char *names, const uint8_t background[3], struct error *e)
{
	struct features *f = mem_array(1, sizeof(*f));
	int rc = 0;

	if (f == NULL) {
		error_memory(e);
		return NULL;
	}
	if (names == NULL)
		names = FEATURES_DEFAULT;
	if (strcmp(names, "all") == 0)
		memset(f->on, true, sizeof(f->on));
	else if (choose(f, names, e) == -1)
		goto fail;
	for (int i = 0; i < FAMILIES; i++) {
		if (!f->on[i])
			continue;
		rc |= buf_printf(
		    &f->names, "%s%s", f->dim > 0 ? "," : "", families[i].name);
		f->dim += families[i].dim;
	}
	if (rc == -1) {
		error_memory(e);
		goto fail;
	}
	memcpy(f->background, background, sizeof(f->background));
	gradients_init(&f->gradients);
	return f;
fail:
	features_free(f);
	return NULL;
}

void
features_free(struct features *f)
{
	if (f == NULL)
		return;
	buf_free(&f->names);
	free(f);
}

size_t
features_dim(const struct features *f)
{
	return f->dim;
}

const char *
features_names(const struct features *f)
{
	return f->names.data;
}

void
features_column(const struct features *f, size_t i, char *out, size_t n)
{
	for (int k = 0; k < FAMILIES; k++) {
		if (!f->on[k])
			continue;
		if (i < families[k].dim) {
			snprintf(out, n, "%s.%zu", families[k].name, i);
			return;
		}
		i -= families[k].dim;
	}
}

struct views *
views_new(void)
{
	return mem_array(1, sizeof(struct views));
}

void
views_free(struct views *v)
{
	free(v);
}

/* Put im, at most S x S pixels, into the middle of a view. */
static void
place(struct view *v, const struct image *im, const uint8_t background[3])
{
	size_t c = (size_t)im->channels;
	uint32_t x0 = (S - im->w) / 2, y0 = (S - im->h) / 2;

	uint8_t *alpha = v->alpha + VIEW_MARGIN;
	uint8_t *grey = v->grey + VIEW_MARGIN;

	for (int p = 0; p < 3; p++)
		memset(v->rgb[p], background[p], S * S);
	memset(alpha, 0, S * S);
	for (uint32_t y = 0; y < im->h; y++) {
		const uint8_t *px = im->px + (size_t)y * im->w * c;
		size_t at = (size_t)(y0 + y) * S + x0;

		for (uint32_t x = 0; x < im->w; x++, px += c, at++) {
			v->rgb[0][at] = px[0];
			v->rgb[1][at] = px[c == 1 ? 0 : 1];
			v->rgb[2][at] = px[c == 1 ? 0 : 2];
			alpha[at] = c == 4 ? px[3] : 255;
		}
	}
	for (size_t i = 0; i < S * S; i++)
		grey[i] = (uint8_t)((299 * v->rgb[0][i] + 587 * v->rgb[1][i] +
					114 * v->rgb[2][i] + 500) /
				    1000);
}

static int
make_view(struct view *v, const struct image *im, uint32_t w, uint32_t h,
    const uint8_t background[3], struct error *e)
{
	struct image small;

	if (resize(&small, im, w, h, RESIZE_BILINEAR, e) == -1)
		return -1;
	place(v, &small, background);
	image_free(&small);
	return 0;
}

static int
make_views(const struct features *f, struct views *v, const struct image *im,
    struct error *e)
{
	uint32_t w = im->full_w, h = im->full_h, most = w > h ? w : h;
	/* The padded view keeps the shape, to the nearest pixel. */
	uint32_t qw = (uint32_t)((2ull * S * w + most) / (2ull * most));
	uint32_t qh = (uint32_t)((2ull * S * h + most) / (2ull * most));

	v->w = w;
	v->h = h;
	v->has_alpha = im->channels == 4;
	if (make_view(&v->wide, im, S, S, f->background, e) == -1)
		return -1;
	return make_view(
	    &v->square, im, qw > 0 ? qw : 1, qh > 0 ? qh : 1, f->background, e);
}

static float *
hogs(const struct features *f, struct views *v, const struct view *view,
    bool coarse, bool fine, float *out)
{
	const uint8_t *const planes[3] = { view->rgb[0], view->rgb[1],
		view->rgb[2] };

	if (coarse || fine)
		votes_of(&v->votes, &f->gradients, planes, 3);
	if (coarse)
		out = hog_coarse(out, &v->votes);
	if (fine)
		out = hog_fine(out, &v->votes);
	return out;
}

static float *
shape(const struct features *f, struct views *v, float *out)
{
	const uint8_t *const plane[1] = { v->square.alpha + VIEW_MARGIN };

	out = shape_of(out, &v->square);
	votes_of(&v->votes, &f->gradients, plane, 1);
	out = hog_coarse(out, &v->votes);
	return lbp_whole(out, v->code, v->square.alpha + VIEW_MARGIN, 2, 0);
}

static float *
lbp(struct views *v, float *out)
{
	const uint8_t *wide = v->wide.grey + VIEW_MARGIN;
	const uint8_t *square = v->square.grey + VIEW_MARGIN;

	out = lbp_quarters(out, v->code, wide, 1);
	out = lbp_quarters(out, v->code, wide, 3);
	out = lbp_whole(out, v->code, wide, 2, 8);
	out = lbp_whole(out, v->code, square, 1, 0);
	return lbp_whole(out, v->code, square, 3, 0);
}

static float *
aspect(const struct views *v, float *out)
{
	float w = mathf_log((float)v->w), h = mathf_log((float)v->h);

	*out++ = w - h;
	*out++ = w + h;
	*out++ = v->has_alpha ? 1 : 0;
	return out;
}

int
features_of(const struct features *f, struct views *v, const struct image *im,
    float *out, struct error *e)
{
	if (make_views(f, v, im, e) == -1)
		return -1;
	out = hogs(f, v, &v->square, f->on[HOG], f->on[HOG_FINE], out);
	out = hogs(f, v, &v->wide, f->on[HOG_WIDE], f->on[HOG_WIDE_FINE], out);
	if (f->on[LBP])
		out = lbp(v, out);
	if (f->on[COLOR])
		out = color_of(out, &v->wide);
	if (f->on[LAYOUT])
		out = layout_of(out, &v->wide);
	if (f->on[MOMENTS])
		out = moments_of(out, &v->wide);
	if (f->on[SHAPE])
		out = shape(f, v, out);
	if (f->on[ASPECT])
		out = aspect(v, out);
	return 0;
}
