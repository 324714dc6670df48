#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/mem.h"
#include "image/resize_passes.h"
#include "linalg/mathd.h"

static const double pi = 3.14159265358979323846;

static double
box(double x)
{
	return x > -0.5 && x <= 0.5 ? 1 : 0;
}

static double
bilinear(double x)
{
	x = fabs(x);
	return x < 1 ? 1 - x : 0;
}

static double
hamming(double x)
{
	x = fabs(x);
	if (x == 0)
		return 1;
	if (x >= 1)
		return 0;
	x *= pi;
	return mathd_sin(x) / x * (0.54 + 0.46 * mathd_cos(x));
}

/* Keys' cubic convolution with a = -1/2, https://doi.org/10.1109/TASSP.1981.
 * 1163711. */
static double
bicubic(double x)
{
	const double a = -0.5;

	x = fabs(x);
	if (x < 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	if (x < 2)
		return (((x - 5) * x + 8) * x - 4) * a;
	return 0;
}

static double
sinc(double x)
{
	if (x == 0)
		return 1;
	x *= pi;
	return mathd_sin(x) / x;
}

static double
lanczos(double x)
{
	return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static const struct {
	double (*at)(double x);
	double support; /* the filter is 0 beyond */
} filters[] = {
	[RESIZE_LANCZOS] = { lanczos, 3 },
	[RESIZE_BILINEAR] = { bilinear, 1 },
	[RESIZE_BICUBIC] = { bicubic, 2 },
	[RESIZE_BOX] = { box, 0.5 },
	[RESIZE_HAMMING] = { hamming, 1 },
};

static const struct resize_passes *
passes(void)
{
#if defined(__x86_64__)
	if (cpu_isa() >= ISA_AVX2)
		return &resize_avx2;
#endif
	return &resize_plain;
}

static void
axis_free(struct resize_axis *a)
{
	free(a->span);
	free(a->weight);
	free(a->halves);
}

/* The weights of one output sample, normalised to a sum of 1, then rounded
 * half away from zero. */
static void
weigh(struct resize_axis *a, size_t at, double *k, uint32_t n, double sum)
{
	const uint32_t mask = (1 << RESIZE_LOW) - 1;
	int32_t *out = a->weight + at * a->stride;
	int16_t *halves = a->halves + at * a->stride * 2;

	for (uint32_t i = 0; i < n; i++) {
		double v = sum != 0 ? k[i] / sum : k[i];
		int16_t *to = halves + i / 4 * 8 + i % 4;

		v *= 1 << RESIZE_FRACTION;
		out[i] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
		to[0] = (int16_t)((uint32_t)out[i] & mask);
		to[4] = (int16_t)(out[i] >> RESIZE_LOW);
	}
}

/* The outputs from .. from + count of ${out}. */
static int
axis_init(struct resize_axis *a, uint32_t in, uint32_t out, uint32_t from,
    uint32_t count, enum resize_filter f)
{
	double scale = (double)in / out, stretch = scale < 1 ? 1 : scale;
	double support = filters[f].support * stretch, inverse = 1 / stretch;
	size_t width = (size_t)ceil(support) * 2 + 1;
	double *k = mem_array(width, sizeof(*k));

	a->stride = (width + 3) / 4 * 4;
	a->span = mem_array(count, sizeof(*a->span));
	a->weight = mem_array(count, a->stride * sizeof(*a->weight));
	a->halves = mem_array(count, a->stride * 2 * sizeof(*a->halves));
	if (k == NULL || a->span == NULL || a->weight == NULL ||
	    a->halves == NULL) {
		free(k);
		return -1;
	}
	for (uint32_t i = 0; i < count; i++) {
		double centre = ((double)from + i + 0.5) * scale, sum = 0;
		double low = centre - support + 0.5;
		double high = centre + support + 0.5;
		struct resize_span *s = &a->span[i];

		s->first = low < 0 ? 0 : (uint32_t)low;
		s->n = (high > in ? in : (uint32_t)high) - s->first;
		for (uint32_t j = 0; j < s->n; j++) {
			k[j] = filters[f].at(
			    (j + s->first - centre + 0.5) * inverse);
			sum += k[j];
		}
		weigh(a, i, k, s->n, sum);
	}
	free(k);
	return 0;
}

/* What the passes work on: rows [y, y + h) of ${in}, and where they go. */
struct pass {
	const struct image *in;
	struct image *out;
	enum resize_filter filter;
	uint32_t y, h; /* rows of in that are wanted */
};

/*
 * Rows of ${in} with RESIZE_SPARE bytes to read behind each: where the
 * picture ends too early, a copy in ${spare}.
 */
static void
rows_with_spare(const uint8_t **row, int rows, const struct image *in,
    uint32_t y, uint8_t *spare)
{
	size_t n = (size_t)in->w * (size_t)in->channels;
	size_t all = n * in->h;

	for (int i = 0; i < rows; i++, y++, spare += n + RESIZE_SPARE) {
		row[i] = in->px + n * y;
		if (n * y + n + RESIZE_SPARE > all)
			row[i] = memcpy(spare, row[i], n);
	}
}

static int
along_x(const struct pass *p, uint32_t w, uint32_t from, uint32_t count,
    struct error *e)
{
	const struct image *in = p->in;
	size_t line = (size_t)count * (size_t)in->channels;
	size_t n = (size_t)in->w * (size_t)in->channels + RESIZE_SPARE;
	const struct resize_passes *to = passes();
	struct resize_axis a = { 0 };
	uint8_t *spare = NULL;
	int rc = -1;

	if (image_alloc(p->out, count, p->h, in->channels, e) == -1)
		return -1;
	spare = mem_array(RESIZE_ROWS, n);
	if (spare == NULL ||
	    axis_init(&a, in->w, w, from, count, p->filter) == -1) {
		error_memory(e);
		goto done;
	}
	for (uint32_t y = 0; y < p->h; y += RESIZE_ROWS) {
		uint32_t left = p->h - y;
		int rows = left < RESIZE_ROWS ? (int)left : RESIZE_ROWS;
		const uint8_t *from_row[RESIZE_ROWS];
		uint8_t *row[RESIZE_ROWS];

		rows_with_spare(from_row, rows, in, p->y + y, spare);
		for (int i = 0; i < rows; i++)
			row[i] = p->out->px + (y + (uint32_t)i) * line;
		to->along_x(row, from_row, rows, &a, count, in->channels);
	}
	rc = 0;
done:
	free(spare);
	axis_free(&a);
	return rc;
}

/* a is the axis of all rows of the input, of which ${in} begins at p->y. */
static int
along_y(const struct pass *p, const struct resize_axis *a, uint32_t count,
    struct error *e)
{
	const struct image *in = p->in;
	size_t stride = (size_t)in->w * (size_t)in->channels;
	const struct resize_passes *to = passes();

	if (image_alloc(p->out, in->w, count, in->channels, e) == -1)
		return -1;
	for (uint32_t y = 0; y < count; y++) {
		a->span[y].first -= p->y;
		to->along_y(p->out->px + y * stride, in->px, a, y, stride);
		a->span[y].first += p->y;
	}
	return 0;
}

/*
 * Which axis comes first changes the rounding between the passes, so it is
 * part of the result.  Pillow 13 begins with the rows when that removes more
 * than twice as many lines as the columns would (older ones never do).
 */
static bool
rows_first(const struct image *in, uint32_t w, uint32_t h)
{
	return h < in->h &&
	       (int64_t)in->h - h > 2 * ((int64_t)in->w - (int64_t)w);
}

static int
by_filter(struct image *out, const struct image *in, uint32_t w, uint32_t h,
    struct resize_part part, enum resize_filter f, struct error *e)
{
	struct resize_axis a = { 0 };
	struct image half = { 0 };
	int rc = -1;

	if (axis_init(&a, in->h, h, part.y, part.h, f) == -1) {
		error_memory(e);
		goto done;
	}
	if (rows_first(in, w, h)) {
		struct pass y = { in, &half, f, 0, in->h };
		struct pass x = { &half, out, f, 0, part.h };

		rc = along_y(&y, &a, part.h, e);
		if (rc == 0)
			rc = along_x(&x, w, part.x, part.w, e);
	} else {
		const struct resize_span *last = &a.span[part.h - 1];
		uint32_t top = a.span[0].first;
		uint32_t end = last->first + last->n;
		struct pass x = { in, &half, f, top, end - top };
		struct pass y = { &half, out, f, top, end - top };

		rc = along_x(&x, w, part.x, part.w, e);
		if (rc == 0)
			rc = along_y(&y, &a, part.h, e);
	}
done:
	axis_free(&a);
	image_free(&half);
	return rc;
}

/* Where the inputs of the outputs from .. from + count lie.  Pillow adds the
 * step up, and so do we: the sum is not the product. */
static void
nearest_axis(
    uint32_t *at, uint32_t in, uint32_t out, uint32_t from, uint32_t count)
{
	double step = (double)in / out, x = step * 0.5;

	for (uint32_t i = 0; i < from + count; i++, x += step) {
		uint32_t v = (uint32_t)x;

		if (i >= from)
			at[i - from] = v < in ? v : in - 1;
	}
}

static int
nearest(struct image *out, const struct image *in, uint32_t w, uint32_t h,
    struct resize_part part, struct error *e)
{
	size_t c = (size_t)in->channels;
	uint32_t *x = mem_array(part.w, sizeof(*x));
	uint32_t *y = mem_array(part.h, sizeof(*y));
	int rc = -1;

	if (x == NULL || y == NULL) {
		error_memory(e);
		goto done;
	}
	if (image_alloc(out, part.w, part.h, in->channels, e) == -1)
		goto done;
	nearest_axis(x, in->w, w, part.x, part.w);
	nearest_axis(y, in->h, h, part.y, part.h);
	for (uint32_t i = 0; i < part.h; i++) {
		const uint8_t *row = in->px + (size_t)y[i] * in->w * c;
		uint8_t *to = out->px + (size_t)i * part.w * c;

		for (uint32_t j = 0; j < part.w; j++, to += c)
			memcpy(to, row + x[j] * c, c);
	}
	rc = 0;
done:
	free(x);
	free(y);
	return rc;
}

int
resize_part(struct image *out, const struct image *in, uint32_t w, uint32_t h,
    struct resize_part part, enum resize_filter f, struct error *e)
{
	int rc;

	*out = (struct image){ 0 };
	if (part.w == 0 || part.h == 0 || part.w > w || part.h > h ||
	    part.x > w - part.w || part.y > h - part.h)
		return error_set(e, "image has no pixels");
	rc = f == RESIZE_NEAREST ? nearest(out, in, w, h, part, e)
				 : by_filter(out, in, w, h, part, f, e);
	if (rc == -1)
		image_free(out);
	out->damaged = rc == 0 && in->damaged;
	return rc;
}

int
resize(struct image *out, const struct image *in, uint32_t w, uint32_t h,
    enum resize_filter f, struct error *e)
{
	return resize_part(
	    out, in, w, h, (struct resize_part){ 0, 0, w, h }, f, e);
}
