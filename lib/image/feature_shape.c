#include <math.h>

#include "image/views.h"

/* Sums of alpha * x^p * y^q, p + q <= 4, x and y 0..127. */
struct sums {
	int64_t m[5][5];
	uint32_t row[S], col[S];
	uint32_t soft; /* pixels neither clear nor opaque */
};

static void
add_all(struct sums *s, const uint8_t *alpha)
{
	*s = (struct sums){ 0 };
	for (int y = 0; y < S; y++) {
		int64_t line[5] = { 0 }, power = 1;

		for (int x = 0; x < S; x++) {
			int64_t a = alpha[y * S + x];

			s->row[y] += (uint32_t)a;
			s->col[x] += (uint32_t)a;
			s->soft += a > 5 && a < 250;
			for (int p = 0; p < 5; p++) {
				line[p] += a;
				a *= x;
			}
		}
		for (int q = 0; q < 5; q++, power *= y)
			for (int p = 0; p + q < 5; p++)
				s->m[p][q] += line[p] * power;
	}
}

static double
power(double x, int n)
{
	double v = 1;

	while (n-- > 0)
		v *= x;
	return v;
}

/* The central moment p, q of the sums, in units of the view's side, from the
 * raw ones by the binomial theorem. */
static double
central(const struct sums *s, int p, int q, double cx, double cy)
{
	static const int choose[5][5] = { { 1 }, { 1, 1 }, { 1, 2, 1 },
		{ 1, 3, 3, 1 }, { 1, 4, 6, 4, 1 } };
	double sum = 0;

	for (int i = 0; i <= p; i++)
		for (int j = 0; j <= q; j++)
			sum += choose[p][i] * choose[q][j] * power(-cx, p - i) *
			       power(-cy, q - j) *
			       ((double)s->m[i][j] / (double)s->m[0][0]);
	return sum / power(S, p + q);
}

static float *
profile(float *out, const uint32_t *sums)
{
	enum { N = 16, WIDTH = S / N };

	for (int i = 0; i < N; i++) {
		uint32_t sum = 0;

		for (int j = 0; j < WIDTH; j++)
			sum += sums[i * WIDTH + j];
		*out++ = (float)sum / (255 * WIDTH * S);
	}
	return out;
}

static float *
cover(float *out, const uint8_t *alpha)
{
	enum { N = S / 8 };

	for (int y = 0; y < S; y += N)
		for (int x = 0; x < S; x += N) {
			uint32_t sum = 0;

			for (int j = y; j < y + N; j++)
				for (int i = x; i < x + N; i++)
					sum += alpha[j * S + i];
			*out++ = (float)sum / (255 * N * N);
		}
	return out;
}

float *
shape_of(float *out, const struct view *v)
{
	static const int order[10][2] = { { 2, 0 }, { 0, 2 }, { 1, 1 },
		{ 3, 0 }, { 0, 3 }, { 2, 1 }, { 1, 2 }, { 4, 0 }, { 0, 4 },
		{ 2, 2 } };
	const uint8_t *alpha = v->alpha + VIEW_MARGIN;
	struct sums s;
	double cx = 0, cy = 0;

	add_all(&s, alpha);
	out = cover(out, alpha);
	if (s.m[0][0] > 0) {
		cx = (double)s.m[1][0] / (double)s.m[0][0];
		cy = (double)s.m[0][1] / (double)s.m[0][0];
	}
	for (int i = 0; i < 10; i++)
		*out++ = s.m[0][0] == 0 ? 0
					: (float)central(&s, order[i][0],
					      order[i][1], cx, cy);
	*out++ = (float)(cx / S);
	*out++ = (float)(cy / S);
	*out++ = (float)((double)s.m[0][0] / (255. * S * S));
	*out++ = sqrtf((float)s.soft / (S * S));
	out = profile(out, s.row);
	return profile(out, s.col);
}
