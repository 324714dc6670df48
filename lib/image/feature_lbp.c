#include <math.h>
#include <string.h>

#include "image/views.h"

/*
 * Local binary patterns: bit i of a pixel's code says that its neighbour i on
 * the square of the given radius is at least as bright (plus a threshold).  Of
 * the 256 codes, 58 have at most two changes around the circle and a bin of
 * their own; the others share the last.
 */
enum { BINS = 59 };

static void
uniform_bins(uint8_t bin[256])
{
	uint8_t next = 0;

	for (unsigned v = 0; v < 256; v++) {
		unsigned turned = (v >> 1 | v << 7) & 255, changes = 0;

		for (unsigned d = v ^ turned; d != 0; d &= d - 1)
			changes++;
		bin[v] = changes <= 2 ? next++ : BINS - 1;
	}
}

/* Sixteen samples at a time, in vectors of the compiler. */
typedef uint8_t u8x16 __attribute__((vector_size(16)));

static u8x16
at16(const uint8_t *p)
{
	u8x16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * code: [S, S], right where the whole neighbourhood is inside; near the left
 * and right border it is that of neighbours in other rows.  px has VIEW_MARGIN
 * bytes of no matter before and behind.
 */
static void
codes(uint8_t *code, const uint8_t *px, int r, int threshold)
{
	const int step[8] = { r, -r * S + r, -r * S, -r * S - r, -r, r * S - r,
		r * S, r * S + r };
	/* More than 255 is met by no neighbour: compare with one less. */
	const u8x16 more = (u8x16){ 0 } + (uint8_t)(threshold - 1);

	for (int i = r * S; i < (S - r) * S; i += 16) {
		u8x16 c = at16(px + i), v = { 0 };
		u8x16 least = c + more;

		least |= (u8x16)(least < c);
		for (int k = 0; k < 8; k++) {
			u8x16 q = at16(px + i + step[k]);
			u8x16 yes = threshold > 0 ? (u8x16)(q > least)
						  : (u8x16)(q >= c);

			v |= yes & (uint8_t)(1 << k);
		}
		memcpy(code + i, &v, sizeof(v));
	}
}

/* Add the codes of a rectangle to counts: [256]. */
static void
count(uint32_t *counts, const uint8_t *code, int y0, int y1, int x0, int x1)
{
	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++)
			counts[code[y * S + x]]++;
}

static float *
histogram(float *out, const uint32_t counts[256], int pixels)
{
	uint32_t sum[BINS] = { 0 };
	uint8_t bin[256];

	uniform_bins(bin);
	for (int v = 0; v < 256; v++)
		sum[bin[v]] += counts[v];
	for (int b = 0; b < BINS; b++)
		*out++ = sqrtf((float)sum[b] / (float)pixels);
	return out;
}

float *
lbp_whole(
    float *out, uint8_t *code, const uint8_t *px, int radius, int threshold)
{
	uint32_t counts[256] = { 0 };
	int n = S - 2 * radius;

	codes(code, px, radius, threshold);
	count(counts, code, radius, S - radius, radius, S - radius);
	return histogram(out, counts, n * n);
}

/* The whole first, then upper left, upper right, lower left, lower right. */
float *
lbp_quarters(float *out, uint8_t *code, const uint8_t *px, int radius)
{
	uint32_t counts[4][256] = { { 0 } }, all[256];
	int n = S / 2 - radius, edge[3] = { radius, S / 2, S - radius };

	codes(code, px, radius, 0);
	for (int q = 0; q < 4; q++) {
		int y = q / 2, x = q % 2;

		count(counts[q], code, edge[y], edge[y + 1], edge[x],
		    edge[x + 1]);
	}
	for (int v = 0; v < 256; v++)
		all[v] =
		    counts[0][v] + counts[1][v] + counts[2][v] + counts[3][v];
	out = histogram(out, all, 4 * n * n);
	for (int q = 0; q < 4; q++)
		out = histogram(out, counts[q], n * n);
	return out;
}
