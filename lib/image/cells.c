#include "image/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int
cells_init(struct cells *c, struct image *im, uint32_t side, struct error *e)
{
	size_t n = (size_t)im->w * im->h, C = (size_t)im->channels;

	*c = (struct cells){ .im = im, .side = side };
	c->kept = mem_array((im->w / side + 1) * (size_t)(im->h / side + 1), C);
	if (c->kept == NULL)
		return error_memory(e);
	for (size_t k = 0; k < C; k++) {
		uint64_t sum = n / 2;

		for (size_t i = 0; i < n; i++)
			sum += im->px[i * C + k];
		c->mean[k] = (uint8_t)(sum / n);
	}
	return 0;
}

void
cells_free(struct cells *c)
{
	free(c->kept);
	c->kept = NULL;
}

/* Where the part k of ${side} of n pixels begins. */
static size_t
edge(uint32_t n, uint32_t k, uint32_t side)
{
	return (size_t)n * k / side;
}

static void
swap(struct cells *c, uint32_t k, int back)
{
	struct image *im = c->im;
	uint32_t row = k / c->side, column = k % c->side;
	size_t C = (size_t)im->channels;
	size_t x = edge(im->w, column, c->side);
	size_t n = (edge(im->w, column + 1, c->side) - x) * C;
	size_t end = edge(im->h, row + 1, c->side);
	uint8_t *kept = c->kept;

	for (size_t y = edge(im->h, row, c->side); y < end; y++, kept += n) {
		uint8_t *px = im->px + (y * im->w + x) * C;

		memcpy(back ? px : kept, back ? kept : px, n);
		for (size_t i = 0; !back && i < n; i++)
			px[i] = c->mean[i % C];
	}
}

void
cells_hide(struct cells *c, uint32_t k)
{
	swap(c, k, 0);
}

void
cells_show(struct cells *c, uint32_t k)
{
	swap(c, k, 1);
}
