#include <math.h>
#include <string.h>

#include "linalg/fma.h"
#include "linalg/linear_i8_kernels.h"

/* The reference: linear_i8.h in plain loops. */

enum { GROUP = 4, RECORD = 72 * GROUP };

/* x: [n], n <= 64, columns of one block; q: [16 steps], step bytes apart */
static void
quantize_block(uint8_t *q, size_t step, float *scale, int32_t *zero,
    const float *x, size_t n)
{
	float lo = 0, hi = 0, bad = 0, s, r, z;

	for (size_t k = 0; k < n; k++) {
		lo = x[k] < lo ? x[k] : lo;
		hi = x[k] > hi ? x[k] : hi;
		bad += x[k] * 0.0f;
	}
	s = hi * (1.0f / 127) - lo * (1.0f / 127) + bad;
	r = 1 / s;
	if (s < 0x1p-126f)
		s = r = 0;
	z = rintf(-lo * r);
	z = z < 127 ? z : 127;
	for (size_t k = 0; k < 64; k++) {
		float t = k < n ? rintf(fma_float(x[k], r, z)) : z;

		t = t > 0 ? t : 0;
		t = t < 127 ? t : 127;
		q[k / 4 * step + k % 4] = (uint8_t)t;
	}
	*scale = s;
	*zero = (int32_t)z;
}

static void
quantize(uint8_t *q, const float *x, size_t ldx, size_t rows, size_t in)
{
	memset(q, 0, (rows + GROUP - 1) / GROUP * i8_blocks(in) * RECORD);
	for (size_t i = 0; i < rows; i++, x += ldx) {
		uint8_t *record = q + i / GROUP * i8_blocks(in) * RECORD;

		for (size_t k = 0; k < in; k += 64, record += RECORD) {
			float scale;
			int32_t zero;
			size_t r = i % GROUP;

			quantize_block(record + 4 * r, 4 * GROUP, &scale, &zero,
			    x + k, in - k < 64 ? in - k : 64);
			memcpy(record + 64 * GROUP + 4 * r, &scale, 4);
			memcpy(record + 68 * GROUP + 4 * r, &zero, 4);
		}
	}
}

/* What one block adds to the sum of row r and output j. */
static float
block_sum(float sum, const uint8_t *q, size_t r, const uint8_t *w, size_t j)
{
	const int8_t *v = (const int8_t *)w + 4 * j;
	float sx, sw;
	int32_t z, total;
	int16_t minus;

	memcpy(&sx, q + 64 * GROUP + 4 * r, sizeof(sx));
	memcpy(&z, q + 68 * GROUP + 4 * r, sizeof(z));
	memcpy(&sw, w + I8_SCALES + 4 * j, sizeof(sw));
	memcpy(&minus, w + I8_SUMS + 2 * j, sizeof(minus));
	total = z * minus;
	q += 4 * r;
	for (int s = 0; s < I8_STEPS; s++, q += 4 * GROUP, v += 64)
		total += q[0] * v[0] + q[1] * v[1] + q[2] * v[2] + q[3] * v[3];
	return fma_float((float)total, sx * sw, sum);
}

static void
product(float *t, const uint8_t *q, size_t rows, const uint8_t *w,
    size_t blocks, size_t panels)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < panels * I8_PANEL; j++) {
			const uint8_t *a = q + i / GROUP * blocks * RECORD;
			const uint8_t *b = w + j / I8_PANEL * blocks * I8_BLOCK;
			float sum = 0;

			for (size_t k = 0; k < blocks; k++)
				sum = block_sum(sum, a + k * RECORD, i % GROUP,
				    b + k * I8_BLOCK, j % I8_PANEL);
			t[i * I8_WIDE + j] = sum;
		}
}

const struct i8_kernels i8_portable = { "portable", GROUP, quantize, product,
	NULL, NULL };
