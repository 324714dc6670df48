#ifndef LINALG_LINEAR_PLAIN_H
#define LINALG_LINEAR_PLAIN_H

/* Linear layers as plain loops: the reference, and what a machine without a
 * file of its own runs. */

#include "linalg/after_kernels.h"
#include "linalg/fma.h"
#include "linalg/half.h"
#include "linalg/linalg.h"

/* The sums of one row and one panel. */
static void
plain_sums(
    float *t, const float *x, const float *w, const uint16_t *h, size_t in)
{
	for (size_t from = 0; from < in; from += LINALG_KBLOCK) {
		size_t to =
		    in - from < LINALG_KBLOCK ? in : from + LINALG_KBLOCK;
		float s[LINALG_PANEL] = { 0 };

		for (size_t k = from; k < to; k++)
			for (size_t j = 0; j < LINALG_PANEL; j++) {
				size_t p = k * LINALG_PANEL + j;

				s[j] = fma_float(
				    x[k], h ? half_widen(h[p]) : w[p], s[j]);
			}
		for (size_t j = 0; j < LINALG_PANEL; j++)
			t[j] = from > 0 ? t[j] + s[j] : s[j];
	}
}

static void
k_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t rows,
    const struct linear *l, const struct after *a, void *room)
{
	int f16 = l->precision == PRECISION_F16;

	(void)room;
	for (size_t j = 0; j < l->out; j += LINALG_PANEL) {
		size_t w =
		    l->out - j < LINALG_PANEL ? l->out - j : LINALG_PANEL;
		size_t p = j * l->in;

		for (size_t i = 0; i < rows; i++) {
			struct after at = after_at(*a, i, j);
			float t[LINALG_PANEL] = { 0 };

			plain_sums(t, x + i * ldx,
			    f16 ? NULL : (const float *)l->packed + p,
			    f16 ? (const uint16_t *)l->packed + p : NULL,
			    l->in);
			after_rows(
			    y + i * ldy + j, ldy, t, LINALG_PANEL, 1, w, &at);
		}
	}
}

#define LINEAR_TABLE                                                           \
	{                                                                      \
		k_linear, after_rows, k_activate                               \
	}

#endif
