#include "nn/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/rowwise.h"
#include "nn/room.h"

struct vit_work {
	struct encoder_work base;
	struct transformer_work t;
	float *x;     /* [n, T, D] */
	float *patch; /* [n, P, 3 patch patch], then what the end needs */
	float *y;     /* [n, P, D] of the patches, then the vectors */
	size_t *end, *keep;
	void *room; /* of linear layers */
	size_t cap_x, cap_patch, cap_y, cap_end, cap_keep, cap_room;
};

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t
patches_of(const struct vit *v)
{
	return (size_t)v->rows * v->cols;
}

static size_t
tokens_of(const struct vit *v)
{
	return v->first + patches_of(v);
}

/* Only the class's row of the last block is wanted. */
static int
wants_class(const struct vit *v)
{
	return v->base.info.pool == POOL_CLS;
}

/* What the head of SigLIP needs for one picture: queries, keys and values of
 * all rows and of the probe, attention's room, and a row for each step. */
static size_t
head_room(const struct vit *v)
{
	size_t D = v->t.hidden, T = tokens_of(v);

	if (v->head.probe == NULL)
		return 0;
	return (T + 1) * 3 * D + 4 * D + v->t.mlp + 16 +
	       rowwise_attention_room(T, D / v->t.heads);
}

static int
make_room(const struct vit *v, struct vit_work *w, size_t n, struct error *e)
{
	size_t D = v->t.hidden, P = patches_of(v), T = tokens_of(v);
	size_t dim = v->base.info.dim;
	size_t room = larger(linear_room(&v->embed, n * P),
	    larger(v->project.packed != NULL ? linear_room(&v->project, n) : 0,
		v->head.probe == NULL
		    ? 0
		    : larger(linear_room(&v->head.qkv, T),
			  larger(linear_room(&v->head.fc1, 1),
			      larger(linear_room(&v->head.fc2, 1),
				  linear_room(&v->head.out, 1))))));

	if (room_grow(&w->x, &w->cap_x, n * T * D, sizeof(*w->x), e) == -1 ||
	    room_grow(&w->patch, &w->cap_patch,
		larger(n * P * v->embed.in, head_room(v)), sizeof(*w->patch),
		e) == -1 ||
	    room_grow(&w->y, &w->cap_y, larger(n * P * D, n * dim),
		sizeof(*w->y), e) == -1 ||
	    room_grow(&w->end, &w->cap_end, n, sizeof(*w->end), e) == -1 ||
	    room_grow(&w->keep, &w->cap_keep, n, sizeof(*w->keep), e) == -1)
		return -1;
	return room_grow(&w->room, &w->cap_room, room, 1, e);
}

/*
 * The patches of one picture as rows, samples in the order kernel row, kernel
 * column, channel.  px: [height, width, 3]; what the last patches leave over
 * at the right and below is not seen, as in the references.
 */
static void
cut(const struct vit *v, float *to, const float *px)
{
	size_t line = (size_t)v->base.info.pixels.width * 3;
	size_t part = (size_t)v->patch * 3;

	for (size_t y = 0; y < v->rows; y++)
		for (size_t x = 0; x < v->cols; x++) {
			const float *from = px + y * v->patch * line + x * part;

			for (size_t i = 0; i < v->patch; i++, to += part)
				memcpy(to, from + i * line, part * sizeof(*to));
		}
}

/* x: [n, T, D] from the pixels */
static void
embed(const struct vit *v, struct vit_work *w, const float *px, size_t n)
{
	const struct rowwise *rk = rowwise_get(v->t.isa);
	size_t D = v->t.hidden, P = patches_of(v), T = tokens_of(v);
	size_t area =
	    (size_t)v->base.info.pixels.width * v->base.info.pixels.height * 3;
	size_t first = v->first * D;

	for (size_t i = 0; i < n; i++)
		cut(v, w->patch + i * P * v->embed.in, px + i * area);
	linear_run(v->t.isa, w->y, D, w->patch, v->embed.in, n * P, &v->embed,
	    NULL, w->room);
	for (size_t i = 0; i < n; i++) {
		float *x = w->x + i * T * D;

		memcpy(x, v->positions, first * sizeof(*x));
		memcpy(x + first, w->y + i * P * D, P * D * sizeof(*x));
		rk->add(x + first, v->positions + first, P * D);
	}
	if (v->pre.weight != NULL)
		rk->layer_norm(w->x, D, w->x, D, n * T, D, v->pre.weight,
		    v->pre.bias, v->pre.eps);
}

static void
norm(const struct vit *v, const struct layer_norm *l, float *x, size_t rows)
{
	size_t D = v->t.hidden;

	if (l->weight != NULL)
		rowwise_get(v->t.isa)->layer_norm(
		    x, D, x, D, rows, D, l->weight, l->bias, l->eps);
}

/*
 * SigLIP's head on one picture: the probe attends to all rows x: [T, D], and
 * y = a + mlp(norm(a)).
 */
static void
attend_probe(const struct vit *v, struct vit_work *w, float *y, const float *x)
{
	const struct vit_head *h = &v->head;
	size_t D = v->t.hidden, T = tokens_of(v), d = D / v->t.heads;
	float *rows = w->patch, *probe = rows + T * 3 * D;
	float *a = probe + 3 * D, *b = a + D, *mlp = b + D;
	/* The room begins on a boundary as the kernels want it. */
	size_t used = (size_t)(mlp + v->t.mlp - rows);
	struct linear_after act = { .act = v->t.act };
	struct linear_after add = { .residual = b, .ldr = D };
	struct attention at = { .q = probe,
		.k = rows + D,
		.v = rows + 2 * D,
		.ldq = 3 * D,
		.ldk = 3 * D,
		.ldv = 3 * D,
		.y = a,
		.ldy = D,
		.n = T,
		.rows = 1,
		.heads = v->t.heads,
		.size = d,
		.scale = 1.0f / sqrtf((float)d),
		.room = rows + (used + 15) / 16 * 16 };

	linear_run(v->t.isa, rows, 3 * D, x, D, T, &h->qkv, NULL, w->room);
	linear_run(
	    v->t.isa, probe, 3 * D, h->probe, D, 1, &h->qkv, NULL, w->room);
	rowwise_get(v->t.isa)->attention(&at);
	linear_run(v->t.isa, b, D, a, D, 1, &h->out, NULL, w->room);
	memcpy(a, b, D * sizeof(*a));
	norm(v, &h->norm, a, 1);
	linear_run(v->t.isa, mlp, v->t.mlp, a, D, 1, &h->fc1, &act, w->room);
	linear_run(v->t.isa, y, D, mlp, v->t.mlp, 1, &h->fc2, &add, w->room);
}

/* One vector of each picture, in y: [n, dim]; x: [n, T, D], or [n, D] of the
 * class. */
static void
pool(const struct vit *v, struct vit_work *w, size_t n)
{
	const struct rowwise *rk = rowwise_get(v->t.isa);
	size_t D = v->t.hidden, P = patches_of(v), T = tokens_of(v);

	for (size_t i = 0; i < n; i++) {
		const float *x = w->x + i * T * D;
		float *y = w->y + i * D;

		switch (v->base.info.pool) {
		case POOL_MEAN:
			rk->mean(y, x + v->first * D, D, P, D);
			break;
		case POOL_LARGEST:
			rk->max(y, x + v->first * D, D, P, D);
			break;
		case POOL_MODEL:
			attend_probe(v, w, y, x);
			break;
		default:
			memcpy(y, w->x + i * D, D * sizeof(*y));
		}
	}
	if (v->post_last)
		norm(v, &v->post, w->y, n);
}

/* Vectors or rows from what the blocks gave. */
static const float *
finish(const struct vit *v, struct vit_work *w, size_t n, size_t *rows)
{
	size_t D = v->t.hidden, T = tokens_of(v);

	*rows = wants_class(v) ? n : n * T;
	if (!v->post_last && (!v->post_class || wants_class(v)))
		norm(v, &v->post, w->x, *rows);
	if (v->base.info.pool == POOL_NONE)
		return w->x;
	*rows = n;
	if (v->project.packed == NULL) {
		pool(v, w, n);
		return w->y;
	}
	linear_run(v->t.isa, w->y, v->base.info.dim, w->x, D, n, &v->project,
	    NULL, w->room);
	return w->y;
}

static int
pictures(const struct encoder *x, struct encoder_work *work, const float *px,
    size_t n, struct encoder_out *out, struct error *e)
{
	const struct vit *v = (const struct vit *)x;
	struct vit_work *w = (struct vit_work *)work;
	size_t T = tokens_of(v), dim = x->info.dim, rows;
	float *y;

	if (make_room(v, w, n, e) == -1)
		return -1;
	embed(v, w, px, n);
	for (size_t i = 0; i < n; i++) {
		w->end[i] = (i + 1) * T;
		w->keep[i] = 0;
	}
	w->t.spread.pool = work->pool;
	if (transformer_run(&v->t, &w->t, w->x, w->end, n, v->t.layers,
		wants_class(v) ? w->keep : NULL, e) == -1)
		return -1;
	y = (float *)finish(v, w, n, &rows);
	if (x->info.normalize)
		rowwise_get(v->t.isa)->unit(y, dim, y, dim, rows, dim);
	for (size_t i = 0; i < n; i++)
		w->end[i] = (i + 1) * (rows / n);
	out->v = y;
	out->end = w->end;
	return 0;
}

static uint64_t
macs(const struct encoder *x, size_t tokens)
{
	const struct vit *v = (const struct vit *)x;
	uint64_t D = v->t.hidden, T = tokens_of(v), P = patches_of(v);
	uint64_t n = transformer_macs(&v->t, T, v->t.layers);

	(void)tokens;
	n += P * v->embed.in * D;
	if (wants_class(v))
		n -= (T - 1) * (D * D + 2 * D * v->t.mlp + 2 * T * D);
	if (v->project.packed != NULL)
		n += (uint64_t)v->project.in * v->project.out;
	if (v->head.probe != NULL)
		n += (T + 1) * 3 * D * D + 2 * T * D + D * D + 2 * D * v->t.mlp;
	return n;
}

static struct encoder_work *
work_new(const struct encoder *x, struct error *e)
{
	struct vit_work *w = mem_array(1, sizeof(*w));

	(void)x;
	if (w == NULL) {
		error_memory(e);
		return NULL;
	}
	return &w->base;
}

static void
work_free(struct encoder_work *work)
{
	struct vit_work *w = (struct vit_work *)work;

	transformer_work_free(&w->t);
	free(w->x);
	free(w->patch);
	free(w->y);
	free(w->end);
	free(w->keep);
	free(w->room);
	free(w);
}

static void
vit_free(struct encoder *x)
{
	struct vit *v = (struct vit *)x;

	free(v->t.blocks);
	free(v);
}

static const struct encoder_ops ops = { .free = vit_free,
	.macs = macs,
	.work_new = work_new,
	.work_free = work_free,
	.pictures = pictures };

struct encoder *
vit_new(struct store *s, const char *type, const struct encoder_how *how,
    struct error *e)
{
	struct vit *v = mem_array(1, sizeof(*v));

	if (v == NULL) {
		error_memory(e);
		return NULL;
	}
	v->base.ops = &ops;
	v->base.how = *how;
	v->t.isa = how->isa;
	v->t.prenorm = 1;
	if (vit_read(v, s, type, how, e) == -1) {
		vit_free(&v->base);
		return NULL;
	}
	return &v->base;
}
