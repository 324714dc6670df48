#include <math.h>
#include <string.h>

#include "image/views.h"

enum { HALF = S * S / 2 };

static float *
shares(float *out, const uint32_t *counts, int n, int pixels)
{
	for (int i = 0; i < n; i++)
		*out++ = sqrtf((float)counts[i] / (float)pixels);
	return out;
}

/*
 * Hue in 12 bins, saturation in 3, value in 4, as one index.  With m the
 * largest and d the largest less the smallest sample: saturation d / m, hue
 * (g - b) / d where red is the largest, and so on around the hexagon.
 */
static int
hsv_bin(int r, int g, int b)
{
	int most = r > g ? r : g, least = r < g ? r : g, d, twice, hue = 0;

	most = most > b ? most : b;
	least = least < b ? least : b;
	d = most - least;
	if (d > 0) {
		if (most == r)
			twice = 2 * (g - b) + (g < b ? 12 * d : 0);
		else if (most == g)
			twice = 2 * (b - r) + 4 * d;
		else
			twice = 2 * (r - g) + 8 * d;
		hue = twice / d;
	}
	if (hue > 11)
		hue = 11;
	d = most > 0 ? 3 * d / most : 0;
	return (hue * 3 + (d > 2 ? 2 : d)) * 4 + (most >> 6);
}

float *
color_of(float *out, const struct view *v)
{
	for (int half = 0; half < 2; half++) {
		uint32_t cube[64] = { 0 }, hsv[12 * 3 * 4] = { 0 };
		uint32_t pixel = 1u << 24;
		int hsv_at = 0, cube_at = 0;

		/* Neighbours are often equal. */
		for (int i = half * HALF; i < (half + 1) * HALF; i++) {
			int r = v->rgb[0][i], g = v->rgb[1][i];
			int b = v->rgb[2][i];
			uint32_t now = (uint32_t)(r << 16 | g << 8 | b);

			if (now != pixel) {
				pixel = now;
				hsv_at = hsv_bin(r, g, b);
				cube_at =
				    (r >> 6) * 16 + (g >> 6) * 4 + (b >> 6);
			}
			cube[cube_at]++;
			hsv[hsv_at]++;
		}
		out = shares(out, cube, 64, HALF);
		out = shares(out, hsv, 12 * 3 * 4, HALF);
	}
	return out;
}

static uint32_t
block_sum(const uint8_t *px, int y, int x, int n)
{
	uint32_t sum = 0;

	for (int j = y; j < y + n; j++)
		for (int i = x; i < x + n; i++)
			sum += px[j * S + i];
	return sum;
}

float *
layout_of(float *out, const struct view *v)
{
	enum { N = S / 8 };
	const float unit = 1.0f / (255 * N * N);

	for (int y = 0; y < S; y += N)
		for (int x = 0; x < S; x += N) {
			float r = unit * (float)block_sum(v->rgb[0], y, x, N);
			float g = unit * (float)block_sum(v->rgb[1], y, x, N);
			float b = unit * (float)block_sum(v->rgb[2], y, x, N);
			float luma = 0.299f * r + 0.587f * g + 0.114f * b;

			*out++ = luma;
			*out++ = b - luma;
			*out++ = r - luma;
		}
	return out;
}

/* Mean, standard deviation and skewness of samples, given as a count of each
 * value -255..255. */
static float *
three_moments(float *out, const uint32_t counts[511])
{
	const double n = S * S;
	int64_t s1 = 0, s2 = 0, s3 = 0;
	double mean, var, third;

	for (int i = 0; i < 511; i++) {
		int64_t v = i - 255, c = counts[i];

		s1 += c * v;
		s2 += c * v * v;
		s3 += c * v * v * v;
	}
	mean = (double)s1 / n;
	var = (double)s2 / n - mean * mean;
	third = (double)s3 / n - 3 * mean * var - mean * mean * mean;
	if (var < 1)
		var = 1; /* flat: a deviation of one step is not seen */
	*out++ = (float)(mean / 255);
	*out++ = (float)(sqrt(var) / 255);
	*out++ = (float)(third / (var * sqrt(var)));
	return out;
}

/* Bins of gradient length, from their lower ends in 1/255, squared. */
static float *
lengths(float *out, const struct view *v)
{
	static const int from[7] = { 1, 5, 13, 26, 51, 102, 179 };
	const uint8_t *const planes[3] = { v->rgb[0], v->rgb[1], v->rgb[2] };
	uint32_t counts[8] = { 0 };

	for (int y = 1; y < S - 1; y++)
		for (int x = 1; x < S - 1; x++) {
			int best = 0, bin = 0;

			if (x + 8 < S && view_flat(planes, 3, y * S + x)) {
				counts[0] += 8;
				x += 7;
				continue;
			}
			for (int p = 0; p < 3; p++) {
				const uint8_t *at = v->rgb[p] + y * S + x;
				int a = at[1] - at[-1], b = at[S] - at[-S];

				if (a * a + b * b > best)
					best = a * a + b * b;
			}
			if (best > 0)
				while (bin < 7 && best >= from[bin] * from[bin])
					bin++;
			counts[bin]++;
		}
	return shares(out, counts, 8, (S - 2) * (S - 2));
}

float *
moments_of(float *out, const struct view *v)
{
	uint32_t counts[6][511] = { { 0 } };

	for (int i = 0; i < S * S; i++) {
		int r = v->rgb[0][i], g = v->rgb[1][i], b = v->rgb[2][i];
		int luma = v->grey[VIEW_MARGIN + i];

		counts[0][255 + luma]++;
		counts[1][255 + b - luma]++;
		counts[2][255 + r - luma]++;
		counts[3][255 + r]++;
		counts[4][255 + g]++;
		counts[5][255 + b]++;
	}
	for (int c = 0; c < 6; c++)
		out = three_moments(out, counts[c]);
	return lengths(out, v);
}
