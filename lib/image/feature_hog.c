#include <math.h>
#include <string.h>

#include "image/views.h"
#include "linalg/mathf.h"

/*
 * Histograms of oriented gradients.  Votes are integers: 16 * length in
 * 1/256 shares, at most 16 * 361 * 256 * 16^2 < 2^32 for a cell.
 */
enum { SHARE = 256, QUADRANT = SHARE * HOG_BINS / 4 };

static const float unit = 1.0f / (16 * SHARE * 255);

void
gradients_init(struct gradients *g)
{
	const float scale = SHARE * HOG_BINS / 6.28318530717958647692f;

	for (int y = 0; y < 256; y++)
		for (int x = 0; x < 256; x++) {
			float len = sqrtf((float)(x * x + y * y));
			float dir = mathf_atan2((float)y, (float)x) * scale;
			uint32_t d = (uint32_t)(dir + 0.5f);

			if (d > QUADRANT)
				d = QUADRANT;
			g->at[y][x] = (uint32_t)(len * 16 + 0.5f) << 16 | d;
		}
}

static void
vote(uint32_t *bins, const struct gradients *g, int dx, int dy)
{
	uint32_t at = g->at[dy < 0 ? -dy : dy][dx < 0 ? -dx : dx];
	uint32_t length = at >> 16, d = at & 0xffff, lower, share;

	/* Unfold the quadrant; bin b has its middle at b + 1/2. */
	if (dx < 0)
		d = 2 * QUADRANT - d;
	if (dy < 0)
		d = 4 * QUADRANT - d;
	d += 4 * QUADRANT - SHARE / 2;
	if (d >= 4 * QUADRANT)
		d -= 4 * QUADRANT;
	if (d >= 4 * QUADRANT)
		d -= 4 * QUADRANT;
	lower = d / SHARE;
	share = d % SHARE;
	bins[lower] += length * (SHARE - share);
	bins[lower + 1 < HOG_BINS ? lower + 1 : 0] += length * share;
}

static void
vote_row(struct votes *v, const struct gradients *g,
    const uint8_t *const *planes, int n, int y)
{
	enum { CELL = S / HOG_CELLS };

	for (int x = 1; x < S - 1; x++) {
		int best = 0, dx = 0, dy = 0;

		if (x + 8 < S && view_flat(planes, n, y * S + x)) {
			x += 7;
			continue;
		}
		for (int p = 0; p < n; p++) {
			const uint8_t *at = planes[p] + y * S + x;
			int a = at[1] - at[-1], b = at[S] - at[-S];

			if (a * a + b * b > best) {
				best = a * a + b * b;
				dx = a;
				dy = b;
			}
		}
		if (best > 0)
			vote(v->at[y / CELL][x / CELL], g, dx, dy);
	}
}

void
votes_of(struct votes *v, const struct gradients *g,
    const uint8_t *const *planes, int n)
{
	memset(v, 0, sizeof(*v));
	for (int y = 1; y < S - 1; y++)
		vote_row(v, g, planes, n, y);
}

/*
 * cells: [c, c, bins] in units of a full step of one sample.  Each cell is
 * divided by the norms of the four 2 x 2 blocks that it is in (cells beyond
 * the border count as those at it), cut at 0.2, and the four are halved and
 * added.
 */
static float *
normalise(float *out, const float *cells, int c, int bins)
{
	float energy[HOG_CELLS + 2][HOG_CELLS + 2];
	float scale[4];

	for (int y = 0; y < c + 2; y++)
		for (int x = 0; x < c + 2; x++) {
			int cy = y < 1 ? 0 : y > c ? c - 1 : y - 1;
			int cx = x < 1 ? 0 : x > c ? c - 1 : x - 1;
			const float *h = cells + (cy * c + cx) * bins;
			float sum = 0;

			for (int b = 0; b < bins; b++)
				sum += h[b] * h[b];
			energy[y][x] = sum;
		}
	for (int y = 0; y < c; y++)
		for (int x = 0; x < c; x++, cells += bins, out += bins) {
			for (int k = 0; k < 4; k++) {
				const float *a = &energy[y + k / 2][x + k % 2];
				const float *b = a + HOG_CELLS + 2;

				scale[k] = 1 / sqrtf(a[0] + a[1] + b[0] + b[1] +
						     1e-3f);
			}
			for (int b = 0; b < bins; b++) {
				float sum = 0;

				for (int k = 0; k < 4; k++) {
					float h = cells[b] * scale[k];

					sum += h < 0.2f ? h : 0.2f;
				}
				out[b] = sum / 2;
			}
		}
	return out;
}

float *
hog_coarse(float *out, const struct votes *v)
{
	enum { C = HOG_CELLS / 2 };
	float cells[C * C * HOG_BINS], *at = cells;

	for (int y = 0; y < HOG_CELLS; y += 2)
		for (int x = 0; x < HOG_CELLS; x += 2)
			for (int b = 0; b < HOG_BINS; b++)
				*at++ = unit * (float)v->at[y][x][b] +
					unit * (float)v->at[y][x + 1][b] +
					unit * (float)v->at[y + 1][x][b] +
					unit * (float)v->at[y + 1][x + 1][b];
	return normalise(out, cells, C, HOG_BINS);
}

float *
hog_fine(float *out, const struct votes *v)
{
	enum { C = HOG_CELLS, HALF = HOG_BINS / 2 };
	float cells[C * C * HALF], *at = cells;

	for (int y = 0; y < C; y++)
		for (int x = 0; x < C; x++)
			for (int b = 0; b < HALF; b++)
				*at++ = unit * (float)v->at[y][x][b] +
					unit * (float)v->at[y][x][b + HALF];
	return normalise(out, cells, C, HALF);
}
