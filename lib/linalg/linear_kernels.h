#ifndef LINALG_LINEAR_KERNELS_H
#define LINALG_LINEAR_KERNELS_H

#include "linalg/linalg.h"
#include "linalg/linear.h"

/*
 * What linear.c chooses from, one table for each instruction set.
 *
 * Packed weights, f32 or f16: panels of LINALG_PANEL columns one behind the
 * other, each [in, LINALG_PANEL], an even number of them; columns beyond
 * ${out} are 0.
 */
static inline size_t
linear_columns(uint32_t out)
{
	return ((size_t)out + 2 * LINALG_PANEL - 1) / (2 * LINALG_PANEL) *
	       (2 * LINALG_PANEL);
}

enum { LINEAR_MROWS = 144 }; /* rows of a block; a multiple of 12 */

/* linear_part_step: from one row of unfinished sums to the next; some lines
 * more than there are columns, lest rows fall together in a cache. */
static inline size_t
linear_part_step(uint32_t out)
{
	return linear_columns(out) + 16;
}

/* All that follows the sums, of which the pointers are at the place of the
 * first of them. */
struct after {
	enum activation act;
	const float *bias, *gamma; /* or NULL */
	const float *residual;     /* rows ldr apart, or NULL */
	size_t ldr;
};

static inline struct after
after_of(const struct linear *l, const struct linear_after *after)
{
	struct after a = { ACT_NONE, l->bias, NULL, NULL, 0 };

	if (after != NULL) {
		a.act = after->act;
		a.gamma = after->gamma;
		a.residual = after->residual;
		a.ldr = after->ldr;
	}
	return a;
}

/* The same from row i and column j on. */
static inline struct after
after_at(struct after a, size_t i, size_t j)
{
	if (a.bias != NULL)
		a.bias += j;
	if (a.gamma != NULL)
		a.gamma += j;
	if (a.residual != NULL)
		a.residual += i * a.ldr + j;
	return a;
}

struct linear_kernels {
	void (*run)(float *y, size_t ldy, const float *x, size_t ldx,
	    size_t rows, const struct linear *l, const struct after *a,
	    void *room);
	void (*finish)(float *y, size_t ldy, const float *t, size_t ldt,
	    size_t rows, size_t n, const struct after *a);
	void (*activate)(enum activation act, float *y, size_t n);
};

/* linear_kernels(isa): of that set, or the best one below it. */
const struct linear_kernels *linear_kernels(enum isa isa);

/*
 * linear_finish(isa, y, ldy, t, ldt, rows, n, a): y: [rows, n] from the sums
 * t: [rows, n], which may be y.  Kernels include after_kernels.h instead and
 * finish a tile while it is near.
 */
static inline void
linear_finish(enum isa isa, float *y, size_t ldy, const float *t, size_t ldt,
    size_t rows, size_t n, struct after a)
{
	linear_kernels(isa)->finish(y, ldy, t, ldt, rows, n, &a);
}

extern const struct linear_kernels linear_portable;
#if defined(__x86_64__)
extern const struct linear_kernels linear_fma;
extern const struct linear_kernels linear_avx2;
extern const struct linear_kernels linear_avx512;
#endif

#endif
