#ifndef LINALG_LINEAR_FAST_H
#define LINALG_LINEAR_FAST_H

/*
 * Linear layers for vectors: blocks of rows, blocks of k within them, then
 * panels, then strips of rows.  A block of x lies in the second cache, a
 * panel's block is used by all strips while it is near, and the next one is
 * asked for meanwhile; weights come from memory once in LINEAR_MROWS rows.
 */

#include "linalg/linear_tile.h"

/* Panels of one tile, and of one for few rows. */
enum { SLIM = 2, WIDE = 4, PANELS = SLIM * VF_N / LINALG_PANEL };

#define TILE(name, vecs, half, most)                                           \
	static __attribute__((noinline)) void name(                            \
	    size_t rows, const struct tile *t)                                 \
	{                                                                      \
		switch (rows) {                                                \
			CASE(1, vecs, half, most)                              \
			CASE(2, vecs, half, most)                              \
			CASE(3, vecs, half, most)                              \
			CASE(4, vecs, half, most)                              \
			CASE(5, vecs, half, most)                              \
			CASE(6, vecs, half, most)                              \
			CASE(7, vecs, half, most)                              \
			CASE(8, vecs, half, most)                              \
			CASE(9, vecs, half, most)                              \
			CASE(10, vecs, half, most)                             \
			CASE(11, vecs, half, most)                             \
			CASE(12, vecs, half, most)                             \
		}                                                              \
	}
#define CASE(r, vecs, half, most)                                              \
	case r:                                                                \
		if (r <= most)                                                 \
			tile(r, vecs, half, t);                                \
		break;

TILE(tile_f32, SLIM, 0, ROWS)
TILE(tile_f32_wide, WIDE, 0, FEW)
TILE(tile_f16, SLIM, 1, ROWS)
TILE(tile_f16_wide, WIDE, 1, FEW)
#undef CASE
#undef TILE

/* The tile of ${panels} panels. */
static inline void
choose_tile(size_t rows, size_t panels, int half, const struct tile *t)
{
	if (panels == 2 * PANELS)
		(half ? tile_f16_wide : tile_f32_wide)(rows, t);
	else
		(half ? tile_f16 : tile_f32)(rows, t);
}

/* Rows of strip s of ${strips} that share m rows: as even as can be. */
static inline size_t
strip_rows(size_t m, size_t strips, size_t s)
{
	return (m + strips - 1 - s) / strips;
}

/* A strip's len values of k, of which the last group is padded with what is
 * never used.  The next strip is asked for, as are the lines to write. */
static inline __attribute__((always_inline)) void
pack_rows(size_t rows, float *d, const float *x, size_t ldx, size_t len)
{
	size_t k = 0;

	for (; len - k >= GROUP; k += GROUP) {
		UNROLL
		for (size_t r = 0; r < rows; r++, d += GROUP) {
			const float *from = x + r * ldx + k;

			if (k % (2 * GROUP) == 0)
				__builtin_prefetch(from + rows * ldx);
			if (r % 2 == 0)
				__builtin_prefetch(d + 64 * GROUP, 1);
			memcpy(d, from, GROUP * sizeof(*d));
		}
	}
	for (size_t r = 0; r < rows && k < len; r++, d += GROUP)
		memcpy(d, x + r * ldx + k, (len - k) * sizeof(*d));
}

static void
pack_strip(float *d, const float *x, size_t ldx, size_t rows, size_t len)
{
#define CASE(r)                                                                \
	case r:                                                                \
		pack_rows(r, d, x, ldx, len);                                  \
		break;

	switch (rows) {
		CASE(1)
		CASE(2)
		CASE(3)
		CASE(4)
		CASE(5)
		CASE(6)
		CASE(7)
		CASE(8)
		CASE(9)
		CASE(10)
		CASE(11)
		CASE(12)
	}
#undef CASE
}

/* What the tiles of one block of rows have in common. */
struct rows_block {
	const struct linear *l;
	const struct after *a;       /* from the block's first row on */
	size_t m, strips, from, len; /* rows; k from .. from + len */
	float *y, *x, *part;
	size_t ldy, ldp;
	int half, last;
};

/*
 * For panels of n columns from column j on, the first strip's place in t, and
 * in rest what is to be done with it when that has sums.  Returns whether that
 * is anything: whether sums go elsewhere first.
 */
static inline int
begin_panels(const struct rows_block *b, struct tile *t, struct after *rest,
    size_t j, size_t n)
{
	*rest = after_at(*b->a, 0, j);
	t->part = b->from > 0 ? b->part + j : NULL;
	t->bias = t->residual = NULL;
	t->y = b->last ? b->y + j : b->part + j;
	t->ldy = b->last ? b->ldy : b->ldp;
	if (!b->last)
		return 0;
	if (n > b->l->out - j)
		return 1;
	t->bias = rest->bias;
	rest->bias = NULL;
	if (rest->act != ACT_NONE || rest->gamma != NULL)
		return 1;
	t->residual = rest->residual;
	t->ldr = rest->ldr;
	return 0;
}

/* All strips of one block of k in panels from column j on; next: the weights to
 * ask for while the last strips pass. */
static void
pass_strips(const struct rows_block *b, struct tile t, size_t j, size_t panels,
    const char *next)
{
	_Alignas(64) float sums[ROWS * 2 * PANELS * LINALG_PANEL];
	size_t each = b->half ? sizeof(uint16_t) : sizeof(float);
	size_t parts = b->strips < 4 ? b->strips : 4;
	size_t share = (b->len + parts - 1) / parts * LINALG_PANEL * each;
	size_t groups = (b->len + GROUP - 1) / GROUP * GROUP;
	size_t width = panels * LINALG_PANEL, n = width, ldy;
	struct after rest;
	int more = begin_panels(b, &t, &rest, j, n);
	float *y = t.y;

	if (n > b->l->out - j)
		n = b->l->out - j;
	ldy = t.ldy;
	if (more) {
		t.y = sums;
		t.ldy = width;
	}
	t.soon = t.w;
	t.soon_step = 0;
	for (size_t s = 0, rows; s < b->strips; s++) {
		rows = strip_rows(b->m, b->strips, s);
		if (b->strips - s <= parts) {
			t.soon = next;
			t.soon_step = GROUP * LINALG_PANEL * each / parts;
			next += share;
		}
		choose_tile(rows, panels, b->half, &t);
		if (more) {
			after_rows(y, ldy, sums, width, rows, n, &rest);
			y += rows * ldy;
			if (rest.residual != NULL)
				rest.residual += rows * rest.ldr;
		} else
			t.y += rows * ldy;
		t.x += rows * groups;
		if (t.part != NULL)
			t.part += rows * t.ldp;
		if (t.residual != NULL)
			t.residual += rows * t.ldr;
	}
}

/* One block of k in all panels. */
static void
block_panels(const struct rows_block *b)
{
	size_t each = b->half ? sizeof(uint16_t) : sizeof(float);
	size_t columns = (b->l->out + LINALG_PANEL * PANELS - 1) /
			 (LINALG_PANEL * PANELS) * PANELS;
	size_t panels = PANELS;
	const char *w = b->l->packed, *next;
	struct tile t = { .x = b->x,
		.step = b->l->in * LINALG_PANEL,
		.len = b->len,
		.ldp = b->ldp };

	/* Widened weights want a register that 3 x 4 sums of AVX2 leave none.
	 */
	if (b->m <= (b->half && VF_N == 8 ? 2 : FEW))
		panels *= 2;
	w += b->from * LINALG_PANEL * each;
	for (size_t j = 0; j < columns; j += panels, w = next) {
		if (columns - j < panels)
			panels = PANELS;
		next = w + panels * t.step * each;
		t.w = w;
		pass_strips(b, t, j * LINALG_PANEL, panels, next);
	}
}

static void
k_linear(float *y, size_t ldy, const float *x, size_t ldx, size_t rows,
    const struct linear *l, const struct after *a, void *room)
{
	size_t blocks = (rows + LINEAR_MROWS - 1) / LINEAR_MROWS;
	struct rows_block b = { .l = l, .ldy = ldy, .x = room };

	b.half = l->precision == PRECISION_F16;
	b.ldp = linear_part_step(l->out);
	b.part = b.x + LINEAR_MROWS * LINALG_KBLOCK;
	for (size_t done = 0; done < rows; done += b.m, blocks--) {
		struct after at = after_at(*a, done, 0);

		b.m = (rows - done + blocks - 1) / blocks;
		b.m = (b.m + ROWS - 1) / ROWS * ROWS;
		if (b.m > rows - done)
			b.m = rows - done;
		b.strips = (b.m + ROWS - 1) / ROWS;
		b.a = &at;
		b.y = y + done * ldy;
		for (b.from = 0; b.from < l->in; b.from += b.len) {
			float *d = b.x;
			const float *from = x + done * ldx + b.from;

			b.last = l->in - b.from <= LINALG_KBLOCK;
			b.len = b.last ? l->in - b.from : LINALG_KBLOCK;
			for (size_t s = 0, n; s < b.strips; s++) {
				n = strip_rows(b.m, b.strips, s);
				pack_strip(d, from, ldx, n, b.len);
				d += n * ((b.len + GROUP - 1) / GROUP * GROUP);
				from += n * ldx;
			}
			block_panels(&b);
		}
	}
}

#define LINEAR_TABLE                                                           \
	{                                                                      \
		k_linear, after_rows, k_activate                               \
	}

#endif
