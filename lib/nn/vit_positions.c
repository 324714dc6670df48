#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "nn/vit.h"

/*
 * Keys' cubic convolution.  torch takes a = -3/4, and with antialiasing, where
 * the filter is stretched when shrinking as in Pillow, a = -1/2.
 */
static double
cubic(double x, double a)
{
	x = fabs(x);
	if (x < 1)
		return ((a + 2) * x - (a + 3)) * x * x + 1;
	if (x < 2)
		return (((x - 5) * x + 8) * x - 4) * a;
	return 0;
}

/* One axis: out[i] = sum of weight[i][j] in[j].  weight: [to, from] */
static double *
plain_axis(uint32_t from, uint32_t to)
{
	double *weight = mem_array((size_t)from * to, sizeof(*weight));

	for (uint32_t i = 0; weight != NULL && i < to; i++) {
		double x = (i + 0.5) * ((double)from / to) - 0.5;
		double low = floor(x);

		/* Beyond the ends the last position counts on. */
		for (int k = -1; k <= 2; k++) {
			double at = low + k, w = cubic(x - at, -0.75);

			at = at < 0 ? 0 : at > from - 1 ? from - 1 : at;
			weight[(size_t)i * from + (size_t)at] += w;
		}
	}
	return weight;
}

static double *
antialias_axis(uint32_t from, uint32_t to)
{
	double *weight = mem_array((size_t)from * to, sizeof(*weight));
	double scale = (double)from / to, stretch = scale < 1 ? 1 : scale;

	for (uint32_t i = 0; weight != NULL && i < to; i++) {
		double centre = (i + 0.5) * scale, sum = 0;
		double low = floor(centre - 2 * stretch + 0.5);
		double high = floor(centre + 2 * stretch + 0.5);
		uint32_t j = low < 0 ? 0 : (uint32_t)low;
		uint32_t end = high > from ? from : (uint32_t)high;
		double *row = weight + (size_t)i * from;

		for (uint32_t k = j; k < end; k++) {
			row[k] = cubic((k - centre + 0.5) / stretch, -0.5);
			sum += row[k];
		}
		for (uint32_t k = j; k < end; k++)
			row[k] /= sum;
	}
	return weight;
}

int
vit_positions(float *out, const float *in, uint32_t from, uint32_t to_rows,
    uint32_t to_cols, int antialias, size_t dim)
{
	double *(*axis)(uint32_t, uint32_t) =
	    antialias ? antialias_axis : plain_axis;
	double *down = axis(from, to_rows), *across = axis(from, to_cols);
	double *half = mem_array((size_t)from * to_cols, sizeof(*half));
	int rc = -1;

	if (down == NULL || across == NULL || half == NULL)
		goto done;
	for (size_t d = 0; d < dim; d++) {
		for (size_t y = 0; y < from; y++)
			for (size_t x = 0; x < to_cols; x++) {
				double sum = 0;

				for (size_t j = 0; j < from; j++)
					sum += across[x * from + j] *
					       (double)
						   in[(y * from + j) * dim + d];
				half[y * to_cols + x] = sum;
			}
		for (size_t y = 0; y < to_rows; y++)
			for (size_t x = 0; x < to_cols; x++) {
				double sum = 0;

				for (size_t j = 0; j < from; j++)
					sum += down[y * from + j] *
					       half[j * to_cols + x];
				out[(y * to_cols + x) * dim + d] = (float)sum;
			}
	}
	rc = 0;
done:
	free(down);
	free(across);
	free(half);
	return rc;
}
