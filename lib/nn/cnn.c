/* Convolutional networks as encoders. */
#include "nn/cnn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/rowwise.h"

static void
cnn_free(struct encoder *base)
{
	struct cnn *x = (struct cnn *)base;

	free(x->ops);
	free(x);
}

static uint64_t
cnn_macs(const struct encoder *base, size_t tokens)
{
	const struct cnn *x = (const struct cnn *)base;
	uint64_t sum = (uint64_t)x->head.in * x->head.out;

	(void)tokens;
	for (size_t i = 0; i < x->n; i++) {
		const struct cnn_op *op = x->ops + i;
		uint64_t pixels = (uint64_t)op->win.oh * op->win.ow;

		if (op->kind == CNN_CONV)
			sum += conv_macs(&op->conv);
		else if (op->kind == CNN_DEPTH)
			sum += pixels * op->c * op->win.kh * op->win.kw;
		else if (op->kind == CNN_SQUEEZE)
			sum += 2 * (uint64_t)op->c * op->squeeze.reduce.out;
	}
	return sum;
}

static void
cnn_work_free(struct encoder_work *base)
{
	struct cnn_work *w = (struct cnn_work *)base;

	for (int i = 0; i < CNN_SLOTS; i++)
		free(w->slot[i]);
	free(w->ring);
	free(w->few);
	free(w->room);
	free(w->out);
	free(w->end);
	free(w);
}

static struct encoder_work *
cnn_work_new(const struct encoder *base, struct error *e)
{
	const struct cnn *x = (const struct cnn *)base;
	struct cnn_work *w = mem_array(1, sizeof(*w));
	int bad = 0;

	if (w == NULL) {
		error_memory(e);
		return NULL;
	}
	w->base.x = base;
	for (int i = 0; i < CNN_SLOTS; i++) {
		w->slot[i] = mem_aligned(x->slot[i] + 1, sizeof(float));
		bad |= w->slot[i] == NULL;
	}
	w->ring = mem_aligned(x->ring + 1, sizeof(float));
	w->few = mem_aligned(2 * x->most_c + 1, sizeof(float));
	w->room = mem_aligned(x->room + 1, 1);
	if (bad || w->ring == NULL || w->few == NULL || w->room == NULL) {
		cnn_work_free(&w->base);
		error_memory(e);
		return NULL;
	}
	return &w->base;
}

/* The picture in the last slot to one vector. */
static void
pool(const struct cnn *x, struct cnn_work *w, float *out)
{
	const struct encoder_info *info = &x->base.info;
	const struct rowwise *rk = rowwise_get(x->base.how.isa);
	enum isa isa = x->base.how.isa;
	size_t row = (size_t)x->w * x->c;
	const float *p = w->slot[x->last];
	float *v = w->few, *t = w->few + x->most_c;

	for (size_t j = 0; j < x->c; j++)
		v[j] = info->pool == POOL_MEAN ? 0 : -INFINITY;
	for (uint32_t i = 0; i < x->h; i++, p += row)
		if (info->pool == POOL_MEAN)
			conv_mean_add(isa, v, t, p, x->w, x->c);
		else
			conv_largest_add(isa, v, p, x->w, x->c);
	if (info->pool == POOL_MEAN)
		conv_mean_end(isa, v, (size_t)x->h * x->w, x->c);
	if (x->norm.weight != NULL)
		rk->layer_norm(v, x->c, v, x->c, 1, x->c, x->norm.weight,
		    x->norm.bias, x->norm.eps);
	if (x->head.out > 0) {
		struct linear_after act = { x->head_act, NULL, NULL, 0 };

		linear_run(
		    isa, out, x->head.out, v, x->c, 1, &x->head, &act, w->room);
	} else {
		memcpy(out, v, x->c * sizeof(*out));
	}
}

static int
cnn_pictures(const struct encoder *base, struct encoder_work *wb,
    const float *px, size_t n, struct encoder_out *out, struct error *e)
{
	const struct cnn *x = (const struct cnn *)base;
	struct cnn_work *w = (struct cnn_work *)wb;
	const struct encoder_info *info = &base->info;
	size_t size = (size_t)info->pixels.width * info->pixels.height * 3;
	size_t rows = 1, dim = info->dim;

	if (info->pool == POOL_NONE)
		rows = (size_t)x->h * x->w;
	if (mem_grow(&w->out, &w->cap_out, n * rows, dim * sizeof(float)) ==
		-1 ||
	    mem_grow(&w->end, &w->cap_end, n, sizeof(*w->end)) == -1)
		return error_memory(e);
	for (size_t i = 0; i < n; i++) {
		float *v = w->out + i * rows * dim;

		cnn_run(x, w, px + i * size);
		if (info->pool == POOL_NONE)
			memcpy(v, w->slot[x->last], rows * dim * sizeof(float));
		else
			pool(x, w, v);
		w->end[i] = (i + 1) * rows;
	}
	if (info->normalize)
		rowwise_get(base->how.isa)
		    ->unit(w->out, dim, w->out, dim, n * rows, dim);
	out->v = w->out;
	out->end = w->end;
	return 0;
}

static const struct encoder_ops ops = { .free = cnn_free,
	.macs = cnn_macs,
	.work_new = cnn_work_new,
	.work_free = cnn_work_free,
	.pictures = cnn_pictures };

/* What is known once all operations are listed. */
static int
finish(struct cnn_builder *b)
{
	struct cnn *x = b->x;
	struct encoder_info *info = &x->base.info;
	int layer = x->base.how.layer;

	if (layer > 0 && !b->done)
		return error_set(b->e, "'%s': there is no layer %d of %u",
		    store_path(b->s), layer, b->stages);
	x->h = b->h;
	x->w = b->w;
	x->c = b->c;
	x->last = b->slot;
	if (info->pool == POOL_NONE) {
		x->norm.weight = NULL;
		x->head.out = 0;
	}
	info->dim = x->head.out > 0 ? x->head.out : x->c;
	info->hidden = x->c;
	info->layers = b->stages;
	if (cnn_plan(x, b->e) == -1)
		return -1;
	if (x->head.out > 0 && linear_room(&x->head, 1) > x->room)
		x->room = linear_room(&x->head, 1);
	return 0;
}

static int
build(
    struct cnn *x, struct store *s, const struct cnn_family *f, struct error *e)
{
	struct encoder_info *info = &x->base.info;
	struct cnn_builder b = { .s = s,
		.x = x,
		.prefix = f->prefix,
		.c = 3,
		.slot = CNN_INPUT,
		.e = e };

	info->kind = ENCODER_PICTURE;
	info->family = f->name;
	if (pixels_read(s, f->pixels, &info->pixels, e) == -1 ||
	    encoder_pooling(s, &x->base.how, POOL_MEAN, info, e) == -1)
		return -1;
	if (info->pool == POOL_CLS || info->pool == POOL_LAST)
		return error_set(e,
		    "'%s': a convolutional network is pooled by mean, max or "
		    "none",
		    store_path(s));
	b.h = info->pixels.height;
	b.w = info->pixels.width;
	if (f->build(&b) == -1)
		return -1;
	return finish(&b);
}

struct encoder *
cnn_new(struct store *s, const char *type, const struct encoder_how *how,
    struct error *e)
{
	const struct cnn_family *f = cnn_family(s, e);
	struct cnn *x;

	(void)type;
	if (f == NULL)
		return NULL;
	if ((x = mem_array(1, sizeof(*x))) == NULL) {
		error_memory(e);
		return NULL;
	}
	x->base.ops = &ops;
	x->base.how = *how;
	if (build(x, s, f, e) == -1) {
		cnn_free(&x->base);
		return NULL;
	}
	return &x->base;
}
