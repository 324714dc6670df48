#include "linalg/linear_i8.h"

#include <string.h>

#include "linalg/linear_kernels.h"

/* A stand-in: the weights as they are, plain sums. */

size_t
linear_i8_size(uint32_t in, uint32_t out)
{
	return ((size_t)in * out * sizeof(float) + 63) / 64 * 64;
}

void
linear_i8_pack(
    void *packed, const float *W, size_t ldw, uint32_t in, uint32_t out)
{
	float *p = packed;

	for (size_t j = 0; j < out; j++)
		memcpy(p + j * in, W + j * ldw, in * sizeof(*p));
}

size_t
linear_i8_room(uint32_t in, size_t rows)
{
	(void)in;
	(void)rows;
	return 0;
}

void
linear_i8_run(enum isa isa, float *y, size_t ldy, const float *x, size_t ldx,
    size_t rows, const struct linear *l, const struct linear_after *after,
    void *room)
{
	struct after a = after_of(l, after);
	const float *W = l->packed;

	(void)room;
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < l->out; j++) {
			float t = 0;

			for (size_t k = 0; k < l->in; k++)
				t += x[i * ldx + k] * W[j * l->in + k];
			linear_finish(isa, y + i * ldy + j, ldy, &t, 1, 1, 1,
			    after_at(a, i, j));
		}
}
