#include "image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Weights are fixed point: 8 bits of sample, 2 for overshoot of the bicubic
 * filter and for signs, 22 for the fraction.
 */
enum { FRACTION = 32 - 8 - 2 };

/* The inputs of one output sample: first .. first + n, weights [n]. */
struct span {
	uint32_t first, n;
	const int32_t *weight;
};

struct axis {
	struct span *span; /* [out] */
	int32_t *weight;   /* [out, width] */
};

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

static const struct {
	double (*at)(double x);
	double support; /* the filter is 0 beyond */
} filters[] = {
	[RESIZE_BOX] = { box, 0.5 },
	[RESIZE_BILINEAR] = { bilinear, 1 },
	[RESIZE_BICUBIC] = { bicubic, 2 },
};

static void
axis_free(struct axis *a)
{
	free(a->span);
	free(a->weight);
}

/* The weights of one output sample, normalised to a sum of 1, then rounded
 * half away from zero. */
static void
weigh(int32_t *out, double *k, uint32_t n, double sum)
{
	for (uint32_t i = 0; i < n; i++) {
		double v = sum != 0 ? k[i] / sum : k[i];

		v *= 1 << FRACTION;
		out[i] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
	}
}

static int
axis_init(struct axis *a, uint32_t in, uint32_t out, enum resize_filter f)
{
	double scale = (double)in / out, stretch = scale < 1 ? 1 : scale;
	double support = filters[f].support * stretch, inverse = 1 / stretch;
	size_t width = (size_t)ceil(support) * 2 + 1;
	double *k = mem_array(width, sizeof(*k));

	a->span = mem_array(out, sizeof(*a->span));
	a->weight = mem_array(out, width * sizeof(*a->weight));
	if (k == NULL || a->span == NULL || a->weight == NULL) {
		free(k);
		return -1;
	}
	for (uint32_t i = 0; i < out; i++) {
		double centre = (i + 0.5) * scale, sum = 0;
		double from = centre - support + 0.5;
		double to = centre + support + 0.5;
		int32_t *weight = a->weight + i * width;
		struct span *s = &a->span[i];

		s->first = from < 0 ? 0 : (uint32_t)from;
		s->n = (to > in ? in : (uint32_t)to) - s->first;
		for (uint32_t j = 0; j < s->n; j++) {
			k[j] = filters[f].at(
			    (j + s->first - centre + 0.5) * inverse);
			sum += k[j];
		}
		weigh(weight, k, s->n, sum);
		s->weight = weight;
	}
	free(k);
	return 0;
}

static uint8_t
clip(int32_t v)
{
	v >>= FRACTION;
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One output row along x.  The channel loops are written out so that the
 * compiler keeps the sums in registers. */
static void
row_along_x(uint8_t *out, const uint8_t *in, const struct axis *a, uint32_t w,
    int channels)
{
	const int32_t half = 1 << (FRACTION - 1);

	for (uint32_t x = 0; x < w; x++) {
		const struct span *s = &a->span[x];
		const uint8_t *p = in + (size_t)s->first * (size_t)channels;
		int32_t r = half, g = half, b = half, t = half;

		if (channels == 1) {
			for (uint32_t i = 0; i < s->n; i++)
				r += p[i] * s->weight[i];
			*out++ = clip(r);
			continue;
		}
		for (uint32_t i = 0; i < s->n; i++, p += channels) {
			r += p[0] * s->weight[i];
			g += p[1] * s->weight[i];
			b += p[2] * s->weight[i];
			if (channels == 4)
				t += p[3] * s->weight[i];
		}
		*out++ = clip(r);
		*out++ = clip(g);
		*out++ = clip(b);
		if (channels == 4)
			*out++ = clip(t);
	}
}

/* Eight samples at a time, in vectors of the compiler. */
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint8_t u8x4 __attribute__((vector_size(4)));

/* One output row along y, from the rows of the input under the filter. */
static void
row_along_y(
    uint8_t *out, const uint8_t *in, const struct span *s, size_t stride)
{
	const i32x4 half = (i32x4){ 0 } + (1 << (FRACTION - 1));
	const uint8_t *top = in + s->first * stride;
	size_t i = 0;

	for (; i + 8 <= stride; i += 8) {
		const uint8_t *p = top + i;
		i32x4 a = half, b = half;

		for (uint32_t j = 0; j < s->n; j++, p += stride) {
			u8x4 x, y;

			memcpy(&x, p, sizeof(x));
			memcpy(&y, p + 4, sizeof(y));
			a += __builtin_convertvector(x, i32x4) * s->weight[j];
			b += __builtin_convertvector(y, i32x4) * s->weight[j];
		}
		for (int k = 0; k < 4; k++) {
			out[i + (size_t)k] = clip(a[k]);
			out[i + (size_t)k + 4] = clip(b[k]);
		}
	}
	for (; i < stride; i++) {
		int32_t sum = 1 << (FRACTION - 1);

		for (uint32_t j = 0; j < s->n; j++)
			sum += top[j * stride + i] * s->weight[j];
		out[i] = clip(sum);
	}
}

static int
along_x(struct image *out, const struct image *in, uint32_t w,
    enum resize_filter f, struct error *e)
{
	size_t c = (size_t)in->channels;
	struct axis a = { 0 };
	int rc = -1;

	if (image_alloc(out, w, in->h, in->channels, e) == -1)
		return -1;
	if (axis_init(&a, in->w, w, f) == -1) {
		error_memory(e);
		goto done;
	}
	for (uint32_t y = 0; y < in->h; y++)
		row_along_x(out->px + (size_t)y * w * c,
		    in->px + (size_t)y * in->w * c, &a, w, in->channels);
	rc = 0;
done:
	axis_free(&a);
	return rc;
}

static int
along_y(struct image *out, const struct image *in, uint32_t h,
    enum resize_filter f, struct error *e)
{
	size_t stride = (size_t)in->w * (size_t)in->channels;
	struct axis a = { 0 };
	int rc = -1;

	if (image_alloc(out, in->w, h, in->channels, e) == -1)
		goto done;
	if (axis_init(&a, in->h, h, f) == -1) {
		error_memory(e);
		goto done;
	}
	for (uint32_t y = 0; y < h; y++)
		row_along_y(out->px + y * stride, in->px, &a.span[y], stride);
	rc = 0;
done:
	axis_free(&a);
	return rc;
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

int
resize(struct image *out, const struct image *in, uint32_t w, uint32_t h,
    enum resize_filter f, struct error *e)
{
	struct image half = { 0 };
	int rc;

	*out = (struct image){ 0 };
	if (rows_first(in, w, h)) {
		rc = along_y(&half, in, h, f, e);
		if (rc == 0)
			rc = along_x(out, &half, w, f, e);
	} else {
		rc = along_x(&half, in, w, f, e);
		if (rc == 0)
			rc = along_y(out, &half, h, f, e);
	}
	image_free(&half);
	if (rc == -1)
		image_free(out);
	out->damaged = rc == 0 && in->damaged;
	return rc;
}
