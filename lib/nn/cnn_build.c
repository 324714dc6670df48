/* Convolutional networks from their arrays. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/cnn.h"

static void
put_name(const struct cnn_builder *b, char *out, const char *fmt, va_list ap)
{
	int n = snprintf(out, CNN_NAME, "%s", b->prefix);

	vsnprintf(out + n, CNN_NAME - (size_t)n, fmt, ap);
}

void
cnn_name(const struct cnn_builder *b, char *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_name(b, out, fmt, ap);
	va_end(ap);
}

int
cnn_has(const struct cnn_builder *b, const char *fmt, ...)
{
	char name[CNN_NAME];
	va_list ap;

	va_start(ap, fmt);
	put_name(b, name, fmt, ap);
	va_end(ap);
	return store_has(b->s, name);
}

void
cnn_weight_name(char out[CNN_NAME + 16], const char *name)
{
	snprintf(out, CNN_NAME + 16, "%s.weight", name);
}

int
cnn_there(const struct cnn_builder *b, const char *name)
{
	char full[CNN_NAME + 16];

	cnn_weight_name(full, name);
	return store_has(b->s, full);
}

/* "conv1" to "conv1.weight" */
static void
part_name(char out[CNN_NAME + 16], const char *name, const char *part)
{
	snprintf(out, CNN_NAME + 16, "%s.%s", name, part);
}

static int
has_part(const struct cnn_builder *b, const char *name, const char *part)
{
	char full[CNN_NAME + 16];

	part_name(full, name, part);
	return store_has(b->s, full);
}

static int
shape_of(struct cnn_builder *b, const char *name, int rank, uint64_t *shape)
{
	char full[CNN_NAME + 16];

	part_name(full, name, "weight");
	return store_shape(b->s, full, rank, shape, b->e);
}

static const float *
raw(struct cnn_builder *b, const char *name, const char *part, int rank,
    uint64_t *shape)
{
	char full[CNN_NAME + 16];

	part_name(full, name, part);
	return store_raw(b->s, full, rank, shape, b->e);
}

static int
refuse(struct cnn_builder *b, const char *name, const char *why)
{
	return error_set(
	    b->e, "'%s': tensor '%s.weight': %s", store_path(b->s), name, why);
}

/* ---- folding ---- */

/* What BatchNorm makes of output i: times[i] t + plus[i]. */
struct fold {
	double *times, *plus;
};

static int
fold_norm(
    struct cnn_builder *b, const struct cnn_spec *p, uint32_t n, struct fold *f)
{
	uint64_t shape[1] = { n };
	const float *w, *beta, *mean, *var;

	if ((w = raw(b, p->norm, "weight", 1, shape)) == NULL ||
	    (beta = raw(b, p->norm, "bias", 1, shape)) == NULL ||
	    (mean = raw(b, p->norm, "running_mean", 1, shape)) == NULL ||
	    (var = raw(b, p->norm, "running_var", 1, shape)) == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		double v = (double)var[i] + p->eps;

		if (v <= 0)
			return error_set(b->e,
			    "'%s': tensor '%s.running_var': a variance of %g",
			    store_path(b->s), p->norm, (double)var[i]);
		f->times[i] = (double)w[i] / sqrt(v);
		f->plus[i] = (double)beta[i] - (double)mean[i] * f->times[i];
	}
	return 0;
}

/* The factors and the biases of a convolution with n outputs. */
static int
fold_read(
    struct cnn_builder *b, const struct cnn_spec *p, uint32_t n, struct fold *f)
{
	uint64_t shape[1] = { n };
	const float *bias = NULL;

	f->times = mem_array(n, sizeof(double));
	f->plus = mem_array(n, sizeof(double));
	if (f->times == NULL || f->plus == NULL)
		return error_memory(b->e);
	for (uint32_t i = 0; i < n; i++)
		f->times[i] = 1;
	if (p->norm[0] != '\0' && fold_norm(b, p, n, f) == -1)
		return -1;
	if (has_part(b, p->conv, "bias") &&
	    (bias = raw(b, p->conv, "bias", 1, shape)) == NULL)
		return -1;
	for (uint32_t i = 0; bias != NULL && i < n; i++)
		f->plus[i] += (double)bias[i] * f->times[i];
	return 0;
}

static void
fold_free(struct fold *f)
{
	free(f->times);
	free(f->plus);
}

/* out: [out, taps, in] from W: [out, in, taps], output i times f->times[i];
 * bias: [out].  -1 when a number became too large. */
static int
fold_apply(float *out, float *bias, const float *W, const struct fold *f,
    size_t n, size_t in, size_t taps)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < taps; k++)
			for (size_t j = 0; j < in; j++) {
				double t =
				    f->times[i] * (double)W[j * taps + k];

				most = fmax(most, fabs(t));
				*out++ = (float)t;
			}
		W += in * taps;
		most = fmax(most, fabs(f->plus[i]));
		bias[i] = (float)f->plus[i];
	}
	return most <= 0x1.fffffep127 ? 0 : -1;
}

/* The room of a convolution: its packed weights, and behind them its bias. */
static int
take_room(struct cnn_builder *b, const char *what, const char *name,
    size_t weights, size_t n, char **p)
{
	char key[CNN_NAME + 16];
	void *room = NULL;
	int r;

	snprintf(key, sizeof(key), "%s/%s", what, name);
	r = store_room(b->s, key, weights + n * sizeof(float), &room, b->e);
	*p = room;
	return r;
}

/* Fill the room of a dense convolution: shape [out, in / groups, k, k]. */
static int
fill_conv(struct cnn_builder *b, const struct cnn_spec *p, const struct conv *c,
    char *room, size_t each)
{
	uint64_t shape[4] = { 0, 0, 0, 0 };
	struct fold f = { NULL, NULL };
	const float *W = raw(b, p->conv, "weight", 4, shape);
	size_t taps = (size_t)c->win.kh * c->win.kw;
	float *t = NULL;
	int r = -1;

	if (W == NULL || fold_read(b, p, c->out, &f) == -1)
		goto out;
	if ((t = mem_array((size_t)c->out * c->l.in, sizeof(*t))) == NULL) {
		error_memory(b->e);
		goto out;
	}
	if (fold_apply(t, (float *)(void *)(room + each * c->groups), W, &f,
		c->out, c->l.in / taps, taps) == -1) {
		refuse(b, p->conv, "too large a number");
		goto out;
	}
	for (size_t g = 0; g < c->groups; g++)
		linear_pack(room + g * each, c->l.precision,
		    t + g * c->l.out * c->l.in, c->l.in, c->l.in, c->l.out);
	r = 0;
out:
	free(t);
	fold_free(&f);
	store_done(b->s);
	return r;
}

/* ---- operations ---- */

/* One more operation on the picture so far, of that window. */
static struct cnn_op *
add_op(struct cnn_builder *b, enum cnn_kind kind, const struct window *win,
    uint32_t c, int joined, int to)
{
	struct cnn *x = b->x;
	struct cnn_op *op;

	if (mem_grow(&x->ops, &x->cap, x->n + 1, sizeof(*x->ops)) == -1) {
		error_memory(b->e);
		return NULL;
	}
	op = &x->ops[x->n++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->win = *win;
	op->c = c;
	op->joined = joined;
	op->from = b->slot;
	op->to = to;
	op->add = CNN_INPUT;
	if (joined)
		op[-1].to = CNN_INPUT;
	b->h = b->in[to].h = win->oh;
	b->w = b->in[to].w = win->ow;
	b->c = b->in[to].c = c;
	b->slot = to;
	return op;
}

static int
window_of(struct cnn_builder *b, const struct cnn_spec *p,
    const uint64_t *shape, struct window *win)
{
	uint32_t k = (uint32_t)shape[2];
	int r;

	if (shape[0] == 0 || shape[1] == 0 || shape[2] == 0 ||
	    shape[2] != shape[3])
		return refuse(b, p->conv, "not a square kernel");
	if (shape[0] > 1 << 20 || shape[1] > 1 << 20 || shape[2] > 64)
		return refuse(b, p->conv, "too large");
	if (p->same)
		r = window_same(win, k, p->stride, b->h, b->w);
	else
		r = window_even(
		    win, k, p->stride, p->tight ? 0 : (k - 1) / 2, b->h, b->w);
	return r == 0 ? 0 : refuse(b, p->conv, "larger than what it looks at");
}

int
cnn_conv(struct cnn_builder *b, const struct cnn_spec *p)
{
	uint64_t shape[4] = { 0, 0, 0, 0 };
	struct conv c = { .last = p->last };
	struct cnn_op *op;
	size_t each;
	char *room;
	int r;

	if (shape_of(b, p->conv, 4, shape) == -1 ||
	    window_of(b, p, shape, &c.win) == -1)
		return -1;
	c.in = b->c;
	c.out = (uint32_t)shape[0];
	if (c.in % shape[1] != 0 || c.out % (c.in / shape[1]) != 0)
		return error_set(b->e,
		    "'%s': tensor '%s.weight': %u channels in, not %u",
		    store_path(b->s), p->conv, (unsigned)shape[1], c.in);
	c.groups = c.in / (uint32_t)shape[1];
	if (p->add >= 0 &&
	    (b->in[p->add].h != c.win.oh || b->in[p->add].w != c.win.ow ||
		b->in[p->add].c != c.out))
		return refuse(b, p->conv, "does not fit what it is added to");
	c.l.precision = b->x->n == 0 ? PRECISION_F32 : store_precision(b->s);
	c.l.in = (uint32_t)(shape[1] * shape[2] * shape[3]);
	c.l.out = c.out / c.groups;
	each = linear_size(c.l.precision, c.l.in, c.l.out);
	r = take_room(b, "conv", p->conv, each * c.groups, c.out, &room);
	if (r == -1 || (r == 0 && fill_conv(b, p, &c, room, each) == -1))
		return -1;
	c.l.packed = room;
	c.l.bias = (const float *)(const void *)(room + each * c.groups);
	if ((op = add_op(b, CNN_CONV, &c.win, c.out, p->joined, p->to)) == NULL)
		return -1;
	op->conv = c;
	op->act = p->act;
	op->add = p->add;
	op->gamma = p->gamma;
	return 0;
}

static int
fill_depth(struct cnn_builder *b, const struct cnn_spec *p, size_t taps,
    uint32_t c, float *room)
{
	uint64_t shape[4] = { c, 1, 0, 0 };
	struct fold f = { NULL, NULL };
	const float *W = raw(b, p->conv, "weight", 4, shape);
	float *t = NULL;
	int r = -1;

	if (W == NULL || fold_read(b, p, c, &f) == -1)
		goto out;
	if ((t = mem_array(c * taps, sizeof(*t))) == NULL) {
		error_memory(b->e);
		goto out;
	}
	if (fold_apply(t, room + depth_size(taps, c), W, &f, c, 1, taps) ==
	    -1) {
		refuse(b, p->conv, "too large a number");
		goto out;
	}
	depth_pack(room, t, taps, c);
	r = 0;
out:
	free(t);
	fold_free(&f);
	store_done(b->s);
	return r;
}

int
cnn_depth(struct cnn_builder *b, const struct cnn_spec *p)
{
	uint64_t shape[4] = { b->c, 1, 0, 0 };
	struct depth d = { .c = b->c, .act = p->act };
	struct cnn_op *op;
	size_t taps;
	char *room;
	int r;

	if (shape_of(b, p->conv, 4, shape) == -1 ||
	    window_of(b, p, shape, &d.win) == -1)
		return -1;
	taps = (size_t)d.win.kh * d.win.kw;
	r = take_room(b, "depth", p->conv,
	    depth_size(taps, d.c) * sizeof(float), d.c, &room);
	d.packed = (const float *)(const void *)room;
	if (r == -1 || (r == 0 && fill_depth(b, p, taps, d.c,
				      (float *)(void *)room) == -1))
		return -1;
	d.bias = d.packed + depth_size(taps, d.c);
	if ((op = add_op(b, CNN_DEPTH, &d.win, d.c, p->joined, p->to)) == NULL)
		return -1;
	op->depth = d;
	return 0;
}

int
cnn_max(struct cnn_builder *b, int to)
{
	struct window win;

	if (window_even(&win, 3, 2, 1, b->h, b->w) == -1)
		return error_set(
		    b->e, "%u x %u pixels are too few", b->w, b->h);
	return add_op(b, CNN_MAX, &win, b->c, 1, to) != NULL ? 0 : -1;
}

int
cnn_read_norm(struct cnn_builder *b, struct channel_norm *n, const char *name,
    uint32_t c, float eps)
{
	char full[CNN_NAME + 16];

	part_name(full, name, "weight");
	n->weight = store_vector(b->s, full, c, b->e);
	part_name(full, name, "bias");
	n->eps = eps;
	return n->weight != NULL &&
		       (n->bias = store_vector(b->s, full, c, b->e)) != NULL
		   ? 0
		   : -1;
}

int
cnn_norm(struct cnn_builder *b, const char *name, int joined, int to, float eps)
{
	struct window win;
	struct channel_norm n;
	struct cnn_op *op;

	if (cnn_read_norm(b, &n, name, b->c, eps) == -1)
		return -1;
	window_even(&win, 1, 1, 0, b->h, b->w);
	if ((op = add_op(b, CNN_NORM, &win, b->c, joined, to)) == NULL)
		return -1;
	op->norm = n;
	return 0;
}

int
cnn_linear(struct cnn_builder *b, struct linear *l, const char *name,
    uint32_t in, int small)
{
	struct cnn_spec p = { .norm = "" };
	uint64_t shape[4] = { 0, in, 1, 1 };
	struct conv c = { .in = in, .groups = 1 };
	size_t each;
	char full[CNN_NAME + 16], *room;
	int rank = 4, r;

	/* A store says which rank is wrong, not which it is. */
	part_name(full, name, "weight");
	if (store_shape(b->s, full, 4, shape, NULL) == -1) {
		rank = 2;
		if (store_shape(b->s, full, 2, shape, b->e) == -1)
			return -1;
	}
	if (shape[0] == 0 || shape[0] > 1 << 20)
		return refuse(b, name, "of an odd size");
	window_even(&c.win, 1, 1, 0, 1, 1);
	c.out = (uint32_t)shape[0];
	c.l.precision = small ? PRECISION_F32 : store_precision(b->s);
	c.l.in = in;
	c.l.out = c.out;
	each = linear_size(c.l.precision, in, c.out);
	snprintf(p.conv, sizeof(p.conv), "%s", name);
	r = take_room(b, "conv", name, each, c.out, &room);
	if (r == -1)
		return -1;
	if (r == 0 && rank == 4 && fill_conv(b, &p, &c, room, each) == -1)
		return -1;
	if (r == 0 && rank == 2) {
		uint64_t n[1] = { shape[0] };
		const float *W = raw(b, name, "weight", 2, shape), *bias = NULL;

		if (W == NULL || (bias = raw(b, name, "bias", 1, n)) == NULL)
			return -1;
		linear_pack(room, c.l.precision, W, in, in, c.out);
		memcpy(room + each, bias, c.out * sizeof(float));
		store_done(b->s);
	}
	c.l.packed = room;
	c.l.bias = (const float *)(const void *)(room + each);
	*l = c.l;
	return 0;
}

int
cnn_dense(struct cnn_builder *b, const char *name, int to, enum activation act,
    const float *gamma, int add)
{
	struct conv c = { .in = b->c, .groups = 1 };
	struct cnn_op *op;

	window_even(&c.win, 1, 1, 0, b->h, b->w);
	if (cnn_linear(b, &c.l, name, c.in, 0) == -1)
		return -1;
	c.out = c.l.out;
	if (add >= 0 && b->in[add].c != c.out)
		return refuse(b, name, "does not fit what it is added to");
	if ((op = add_op(b, CNN_CONV, &c.win, c.out, 1, to)) == NULL)
		return -1;
	op->conv = c;
	op->act = act;
	op->gamma = gamma;
	op->add = add;
	return 0;
}

int
cnn_squeeze(struct cnn_builder *b, const char *reduce, const char *expand,
    enum activation act, enum activation gate)
{
	struct squeeze q = { .act = act, .gate = gate };
	struct window win;
	struct cnn_op *op;
	int slot = b->slot;

	if (cnn_linear(b, &q.reduce, reduce, b->c, 1) == -1 ||
	    cnn_linear(b, &q.expand, expand, q.reduce.out, 1) == -1)
		return -1;
	if (q.expand.out != b->c)
		return error_set(b->e,
		    "'%s': tensor '%s.weight': %u channels out, not %u",
		    store_path(b->s), expand, q.expand.out, b->c);
	window_even(&win, 1, 1, 0, b->h, b->w);
	if ((op = add_op(b, CNN_SQUEEZE, &win, b->c, 0, slot)) == NULL)
		return -1;
	op->squeeze = q;
	return 0;
}

const float *
cnn_vector(struct cnn_builder *b, const char *name, uint32_t c)
{
	uint64_t shape[3] = { c, 1, 1 };
	char key[CNN_NAME + 16];
	const float *v;
	void *room = NULL;
	int rank = store_shape(b->s, name, 3, shape, NULL) == 0 ? 3 : 1, r;

	if (rank == 1)
		return store_vector(b->s, name, c, b->e);
	snprintf(key, sizeof(key), "vector/%s", name);
	r = store_room(b->s, key, c * sizeof(float), &room, b->e);
	if (r != 0)
		return r == -1 ? NULL : room;
	if ((v = store_raw(b->s, name, 3, shape, b->e)) == NULL)
		return NULL;
	memcpy(room, v, c * sizeof(float));
	store_done(b->s);
	return room;
}

int
cnn_stage(struct cnn_builder *b)
{
	b->stages++;
	b->done = b->x->base.how.layer > 0 &&
		  b->stages == (uint32_t)b->x->base.how.layer;
	return b->done;
}

int
cnn_other(int a, int b)
{
	for (int i = 0; i < CNN_SLOTS; i++)
		if (i != a && i != b)
			return i;
	return 0;
}
