#include "nn/transformer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/rowwise.h"
#include "nn/room.h"

/*
 * T = rows of a call, D = hidden size, d = D / heads.  A layer at a time over
 * the whole call, so that its weights come from far memory once.  Within it
 * whole records go together until they have SLICE rows, and the fully
 * connected part takes FEED rows at once, so that what one step writes is in
 * the second cache for the next.
 */

enum { SLICE = 64, FEED = 64 };

/* From WIDE numbers in a row on, a block's weights are so many that reading
 * them again for every slice costs more than activations that do not stay. */
enum { WIDE = 512, WIDE_FACTOR = 3 };

static size_t
slice_of(const struct transformer *t)
{
	return t->hidden >= WIDE ? SLICE * WIDE_FACTOR : SLICE;
}

/* How many rows the fully connected part takes at once, at most. */
static size_t
most_of(const struct transformer *t)
{
	return t->hidden >= WIDE ? FEED * WIDE_FACTOR : FEED;
}

/* And of so many rows: equal parts of whole tiles, so that no part is left
 * with a row or two. */
static size_t
feed_of(const struct transformer *t, size_t rows)
{
	enum { TILE = 6 };
	size_t most = most_of(t), parts = (rows + most - 1) / most;
	size_t n = parts > 0 ? (rows + parts - 1) / parts : 0;

	n = (n + TILE - 1) / TILE * TILE;
	return n < most ? n : most;
}

/* The end of the records that go together from record ${i} on, and how many
 * rows they have. */
static size_t
together(const size_t *end, size_t n, size_t i, size_t slice, size_t *rows)
{
	size_t from = i > 0 ? end[i - 1] : 0;

	while (i < n && end[i] - from < slice)
		i++;
	i = i < n ? i + 1 : n;
	*rows = end[i - 1] - from;
	return i;
}

void
transformer_work_free(struct transformer_work *w)
{
	free(w->a);
	free(w->b);
	free(w->c);
	free(w->room);
	memset(w, 0, sizeof(*w));
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/*
 * a: queries, keys and values of a slice, [S, 3 D], or its part of the fully
 * connected layer, [FEED, mlp]; b: [S, D], what goes into a linear layer,
 * and behind it [n, D], attention of the rows that are kept; c: attention's
 * room; room: the linear layers', for each part that they are cut into.
 */
static int
make_room(const struct transformer *t, struct transformer_work *w,
    const size_t *end, size_t n, size_t *slice, struct error *e)
{
	size_t D = t->hidden, rows = 0, most = 0, room = 0, feed, team;
	const struct block *k = t->blocks;

	for (size_t i = 0; i < n; i++)
		most = larger(most, end[i] - (i > 0 ? end[i - 1] : 0));
	for (size_t i = 0, one; i < n;) {
		i = together(end, n, i, slice_of(t), &one);
		rows = larger(rows, one);
	}
	feed = larger(rows, n) < most_of(t) ? larger(rows, n) : most_of(t);
	for (uint32_t i = 0; i < t->layers; i++) {
		room = larger(room, linear_room(&k[i].qkv, rows));
		room = larger(room, linear_room(&k[i].out, feed));
		room = larger(room, linear_room(&k[i].fc1, feed));
		room = larger(room, linear_room(&k[i].fc2, feed));
	}
	spread_begin(&w->spread);
	team = w->spread.team;
	w->step_room = spread_room(room);
	w->step_c = spread_room(rowwise_attention_room(most, D / t->heads));
	if (room_grow(&w->a, &w->cap_a, larger(rows * 3 * D, feed * t->mlp),
		sizeof(*w->a), e) < 0 ||
	    room_grow(&w->b, &w->cap_b, (rows + n) * D, sizeof(*w->b), e) < 0 ||
	    room_grow(&w->c, &w->cap_c, team * w->step_c, sizeof(*w->c), e) <
		0 ||
	    room_grow(&w->room, &w->cap_room, team * w->step_room, 1, e) < 0)
		return -1;
	*slice = rows;
	return 0;
}

static void
norm(const struct transformer *t, const struct layer_norm *n, float *y,
    const float *x, size_t rows)
{
	size_t D = t->hidden;

	rowwise_get(t->isa)->layer_norm(
	    y, D, x, D, rows, D, n->weight, n->bias, n->eps);
}

/* y = what follows x W': x: [rows, l->in]; y: [rows, l->out] */
static void
linear(const struct transformer *t, struct transformer_work *w, float *y,
    const float *x, size_t rows, const struct linear *l,
    const struct linear_after *after)
{
	spread_linear(&w->spread, t->isa, y, l->out, x, l->in, rows, l, after,
	    w->room, w->step_room);
}

/* Attention of record ${i}, whose rows are in a, to y: all of them or the one
 * that is kept. */
static void
attend(const struct transformer *t, struct transformer_work *w, const float *a,
    float *y, size_t rows, const size_t *keep)
{
	size_t D = t->hidden, d = D / t->heads;
	size_t first = keep != NULL ? *keep : 0;
	struct attention at = { .q = a + first * 3 * D,
		.k = a + D,
		.v = a + 2 * D,
		.ldq = 3 * D,
		.ldk = 3 * D,
		.ldv = 3 * D,
		.y = y,
		.ldy = D,
		.n = rows,
		.rows = keep != NULL ? 1 : rows,
		.first = first,
		.heads = t->heads,
		.size = d,
		.scale = 1.0f / sqrtf((float)d),
		.causal = t->causal,
		.bias = t->distance_bias,
		.span = t->span,
		.room = w->c };

	spread_attention(&w->spread, t->isa, &at, w->step_c);
}

/* x: [n, D] = the kept rows of x: [T, D] */
static void
gather(float *x, const size_t *end, size_t n, const size_t *keep, size_t D)
{
	for (size_t i = 0; i < n; i++) {
		size_t from = i > 0 ? end[i - 1] : 0;

		memmove(x + i * D, x + (from + keep[i]) * D, D * sizeof(*x));
	}
}

/* The second half of a block: rows of x: [rows, D], from attention's output
 * b: [rows, D]. */
static void
second_half(const struct transformer *t, const struct block *k,
    struct transformer_work *w, float *x, float *b, size_t rows)
{
	size_t D = t->hidden, feed = feed_of(t, rows);
	struct linear_after act = { .act = t->act };
	struct linear_after out = { .gamma = k->ls1, .ldr = D };
	struct linear_after fc2 = { .gamma = k->ls2, .ldr = D };

	for (size_t i = 0, n; i < rows; i += n, x += n * D, b += n * D) {
		n = rows - i < feed ? rows - i : feed;
		out.residual = fc2.residual = x;
		linear(t, w, x, b, n, &k->out, &out);
		if (t->prenorm)
			norm(t, &k->norm2, b, x, n);
		else
			norm(t, &k->norm1, x, x, n);
		linear(t, w, w->a, t->prenorm ? b : x, n, &k->fc1, &act);
		linear(t, w, x, w->a, n, &k->fc2, &fc2);
		if (!t->prenorm)
			norm(t, &k->norm2, x, x, n);
	}
}

/* One block on all records, slice by slice; with keep only as far as
 * attention, which goes to kept: [n, D]. */
static void
run_block(const struct transformer *t, const struct block *k,
    struct transformer_work *w, float *x, const size_t *end, size_t n,
    const size_t *keep, float *kept)
{
	size_t D = t->hidden, rows;

	for (size_t i = 0, last; i < n; i = last) {
		size_t from = i > 0 ? end[i - 1] : 0, at = from;
		float *xs = x + from * D;

		last = together(end, n, i, slice_of(t), &rows);
		if (t->prenorm)
			norm(t, &k->norm1, w->b, xs, rows);
		linear(t, w, w->a, t->prenorm ? w->b : xs, rows, &k->qkv, NULL);
		for (size_t j = i; j < last; at = end[j++])
			attend(t, w, w->a + (at - from) * 3 * D,
			    keep != NULL ? kept + j * D
					 : w->b + (at - from) * D,
			    end[j] - at, keep != NULL ? keep + j : NULL);
		if (keep == NULL)
			second_half(t, k, w, xs, w->b, rows);
	}
}

int
transformer_run(const struct transformer *t, struct transformer_work *w,
    float *x, const size_t *end, size_t n, uint32_t layers, const size_t *keep,
    struct error *e)
{
	size_t slice;

	if (n == 0)
		return 0;
	if (make_room(t, w, end, n, &slice, e) < 0)
		return -1;
	for (uint32_t l = 0; l < layers; l++)
		run_block(t, &t->blocks[l], w, x, end, n,
		    l + 1 == layers ? keep : NULL, w->b + slice * t->hidden);
	if (keep == NULL)
		return 0;
	gather(x, end, n, keep, t->hidden);
	if (layers > 0)
		second_half(t, &t->blocks[layers - 1], w, x,
		    w->b + slice * t->hidden, n);
	return 0;
}

uint64_t
transformer_macs(const struct transformer *t, size_t rows, uint32_t layers)
{
	uint64_t D = t->hidden, T = rows;
	uint64_t row = 4 * D * D + 2 * D * t->mlp;
	uint64_t keys = t->causal ? (T + 1) / 2 : T;

	return layers * T * (row + 2 * keys * D);
}
