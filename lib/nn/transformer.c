#include "nn/transformer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/rowwise.h"

/*
 * T = rows of a call, D = hidden size, d = D / heads.  A layer at a time over
 * the whole call, so that its weights come from far memory once; within it
 * rows go in slices whose activations stay in the second cache.
 */

enum { SLICE = 96 }; /* rows of the fully connected part at once */

void
transformer_work_free(struct transformer_work *w)
{
	free(w->a);
	free(w->b);
	free(w->c);
	free(w->room);
	memset(w, 0, sizeof(*w));
}

/* Room of 64-byte aligned memory that need not keep what it holds. */
static int
grow(void *p, size_t *cap, size_t n, size_t size, struct error *e)
{
	void *old, *fresh;

	if (n <= *cap)
		return 0;
	memcpy(&old, p, sizeof(old));
	free(old);
	*cap = 0;
	fresh = mem_aligned(n, size);
	memcpy(p, &fresh, sizeof(fresh));
	if (fresh == NULL)
		return error_memory(e);
	*cap = n;
	return 0;
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t
longest(const size_t *end, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = larger(most, end[i] - (i > 0 ? end[i - 1] : 0));
	return most;
}

/*
 * a: queries, keys and values of all rows, [T, 3 D], or a slice of the fully
 * connected part, [SLICE, mlp]; b: [T, D], what goes into a linear layer;
 * c: attention's room; room: the linear layers'.
 */
static int
make_room(const struct transformer *t, struct transformer_work *w, size_t rows,
    size_t most, struct error *e)
{
	size_t D = t->hidden, slice = rows < SLICE ? rows : SLICE;
	const struct block *k = t->blocks;
	size_t room = 0;

	if (grow(&w->a, &w->cap_a, larger(rows * 3 * D, slice * t->mlp),
		sizeof(*w->a), e) < 0 ||
	    grow(&w->b, &w->cap_b, rows * D, sizeof(*w->b), e) < 0 ||
	    grow(&w->c, &w->cap_c, rowwise_attention_room(most, D / t->heads),
		sizeof(*w->c), e) < 0)
		return -1;
	for (uint32_t i = 0; i < t->layers; i++) {
		room = larger(room, linear_room(&k[i].qkv, rows));
		room = larger(room, linear_room(&k[i].out, rows));
		room = larger(room, linear_room(&k[i].fc1, slice));
		room = larger(room, linear_room(&k[i].fc2, slice));
	}
	return grow(&w->room, &w->cap_room, room, 1, e);
}

static void
norm(const struct transformer *t, const struct layer_norm *n, float *y,
    const float *x, size_t rows)
{
	size_t D = t->hidden;

	rowwise_get(t->isa)->layer_norm(
	    y, D, x, D, rows, D, n->weight, n->bias, n->eps);
}

/* b = attention over a; with keep b: [n, D] has the rows that are kept. */
static void
attend(const struct transformer *t, struct transformer_work *w,
    const size_t *end, size_t n, const size_t *keep)
{
	size_t D = t->hidden, d = D / t->heads;
	struct attention a = { .ldq = 3 * D,
		.ldk = 3 * D,
		.ldv = 3 * D,
		.ldy = D,
		.heads = t->heads,
		.size = d,
		.scale = 1.0f / sqrtf((float)d),
		.causal = t->causal,
		.bias = t->distance_bias,
		.span = t->span,
		.room = w->c };

	for (size_t i = 0; i < n; i++) {
		size_t from = i > 0 ? end[i - 1] : 0;

		a.n = end[i] - from;
		a.first = keep != NULL ? keep[i] : 0;
		a.rows = keep != NULL ? 1 : a.n;
		a.q = w->a + (from + a.first) * 3 * D;
		a.k = w->a + from * 3 * D + D;
		a.v = a.k + D;
		a.y = w->b + (keep != NULL ? i : from) * D;
		rowwise_get(t->isa)->attention(&a);
	}
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

/* The second half of a block: rows of x, from attention's output in b. */
static void
second_half(const struct transformer *t, const struct block *k,
    struct transformer_work *w, float *x, size_t rows)
{
	size_t D = t->hidden;
	struct linear_after act = { .act = t->act };
	struct linear_after out = { .gamma = k->ls1, .ldr = D };
	struct linear_after fc2 = { .gamma = k->ls2, .ldr = D };

	for (size_t i = 0, n; i < rows; i += n) {
		float *xs = x + i * D, *b = w->b + i * D;
		float *in = t->prenorm ? b : xs;

		n = rows - i < SLICE ? rows - i : SLICE;
		out.residual = fc2.residual = xs;
		linear_run(t->isa, xs, D, b, D, n, &k->out, &out, w->room);
		if (t->prenorm)
			norm(t, &k->norm2, b, xs, n);
		else
			norm(t, &k->norm1, xs, xs, n);
		linear_run(
		    t->isa, w->a, t->mlp, in, D, n, &k->fc1, &act, w->room);
		linear_run(
		    t->isa, xs, D, w->a, t->mlp, n, &k->fc2, &fc2, w->room);
		if (!t->prenorm)
			norm(t, &k->norm2, xs, xs, n);
	}
}

int
transformer_run(const struct transformer *t, struct transformer_work *w,
    float *x, const size_t *end, size_t n, uint32_t layers, const size_t *keep,
    struct error *e)
{
	size_t D = t->hidden, T = n > 0 ? end[n - 1] : 0;

	if (n == 0)
		return 0;
	if (make_room(t, w, T, longest(end, n), e) < 0)
		return -1;
	for (uint32_t l = 0; l < layers; l++) {
		const struct block *k = &t->blocks[l];
		const size_t *kept = l + 1 == layers ? keep : NULL;
		const float *in = t->prenorm ? w->b : x;

		if (t->prenorm)
			norm(t, &k->norm1, w->b, x, T);
		linear_run(
		    t->isa, w->a, 3 * D, in, D, T, &k->qkv, NULL, w->room);
		attend(t, w, end, n, kept);
		if (kept != NULL)
			gather(x, end, n, kept, D);
		second_half(t, k, w, x, kept != NULL ? n : T);
	}
	if (layers == 0 && keep != NULL)
		gather(x, end, n, keep, D);
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
