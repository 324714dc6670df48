/* Pictures through a convolutional network: bands of rows through chains of
 * joined operations. */
#include <string.h>

#include "linalg/rowwise.h"
#include "nn/cnn.h"

enum { MOST = 1 << 28 }; /* floats of a worker's memory */

static size_t
lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One past the last operation of the chain that begins at i. */
static size_t
chain_end(const struct cnn *x, size_t i)
{
	for (i++; i < x->n && x->ops[i].joined;)
		i++;
	return i;
}

/* Rows that the operation must have made for rows .. to of the one behind. */
static uint32_t
rows_for(const struct cnn_op *next, uint32_t to)
{
	const struct window *w = &next->win;
	uint64_t need = (uint64_t)(to - 1) * w->stride + w->kh;

	need = need > w->top ? need - w->top : 0;
	return (uint32_t)lesser(need, w->h);
}

static size_t
row_floats(const struct cnn_op *op)
{
	return (size_t)op->win.ow * op->c;
}

/* ---- planning ---- */

/* Set what is kept of a chain's inner pictures when its last operation makes
 * ${band} rows at once; the floats of all of it. */
static size_t
set_keep(struct cnn_op *first, size_t n, uint32_t band)
{
	size_t floats = 0;
	uint64_t rows = band;

	for (size_t i = n - 1; i > 0; i--) {
		const struct window *w = &first[i].win;

		rows = (rows - 1) * w->stride + w->kh;
		rows = lesser(rows, w->h);
		first[i - 1].keep = (uint32_t)rows;
		floats += rows * row_floats(first + i - 1);
	}
	return floats;
}

/* As many rows as fit, as even as can be. */
static uint32_t
choose_band(struct cnn_op *first, size_t n)
{
	uint32_t oh = first[n - 1].win.oh, most = oh, bands;

	while (most > 1 && set_keep(first, n, most) > CNN_BAND)
		most--;
	bands = (oh + most - 1) / most;
	return (oh + bands - 1) / bands;
}

static void
plan_op(struct cnn *x, const struct cnn_op *op)
{
	size_t all = (size_t)op->win.oh * row_floats(op), room = 0;

	if (op->to >= 0 && x->slot[op->to] < all)
		x->slot[op->to] = all;
	if (op->kind == CNN_CONV)
		room = conv_room(&op->conv);
	if (op->kind == CNN_SQUEEZE)
		room = linear_room(&op->squeeze.reduce, 1) +
		       linear_room(&op->squeeze.expand, 1);
	x->room = room > x->room ? room : x->room;
	x->most_c = op->c > x->most_c ? op->c : x->most_c;
	if (op->kind == CNN_SQUEEZE && op->squeeze.reduce.out > x->most_c)
		x->most_c = op->squeeze.reduce.out;
}

int
cnn_plan(struct cnn *x, struct error *e)
{
	size_t sum = 0;

	for (size_t i = 0, end; i < x->n; i = end) {
		size_t ring;

		end = chain_end(x, i);
		x->ops[end - 1].keep = choose_band(x->ops + i, end - i);
		ring = set_keep(x->ops + i, end - i, x->ops[end - 1].keep);
		x->ring = ring > x->ring ? ring : x->ring;
		for (size_t k = i; k < end; k++)
			plan_op(x, x->ops + k);
	}
	for (int i = 0; i < CNN_SLOTS; i++)
		sum += x->slot[i];
	if (sum + x->ring > MOST)
		return error_set(e, "%u x %u pixels are too many",
		    x->base.info.pixels.width, x->base.info.pixels.height);
	return 0;
}

/* ---- running ---- */

/* The rows from .. to of an operation's picture to y, from the rows in. */
static void
make_rows(const struct cnn *x, struct cnn_work *w, const struct cnn_op *op,
    float *y, const struct picture_rows *in, uint32_t from, uint32_t to)
{
	enum isa isa = x->base.how.isa;
	struct linear_after after = { op->act, op->gamma, NULL, op->c };
	size_t n = (size_t)(to - from) * op->win.ow;

	switch (op->kind) {
	case CNN_CONV:
		if (op->add >= 0)
			after.residual =
			    w->slot[op->add] + from * row_floats(op);
		conv_run(isa, y, in, &op->conv, from, to, &after, w->room);
		break;
	case CNN_DEPTH:
		depth_run(isa, y, in, &op->depth, from, to);
		break;
	case CNN_MAX:
		conv_pool(isa, y, in, &op->win, op->c, 0, from, to);
		break;
	case CNN_NORM:
		/* y's rows end where in's do, so they lie in one piece. */
		rowwise_get(isa)->layer_norm(y, op->c,
		    in->p + from % in->keep * in->ld, op->c, n, op->c,
		    op->norm.weight, op->norm.bias, op->norm.eps);
		break;
	case CNN_SQUEEZE:
		break;
	}
}

/* A chain at work: where the rows of each picture lie, and how many of them
 * have been made. */
struct chain {
	const struct cnn_op *ops;
	size_t n;
	struct picture_rows rows[CNN_CHAIN + 1]; /* rows[0]: what goes in */
	float *to[CNN_CHAIN + 1];
	uint32_t done[CNN_CHAIN];
};

/* Let operation i make its rows up to ${to}, pieces that do not go around the
 * end of where they are kept. */
static void
advance(const struct cnn *x, struct cnn_work *w, struct chain *c, size_t i,
    uint32_t to)
{
	const struct picture_rows *in = &c->rows[i], *out = &c->rows[i + 1];

	while (c->done[i] < to) {
		uint32_t from = c->done[i];
		size_t piece = out->keep - from % out->keep;

		if (c->ops[i].kind == CNN_NORM)
			piece = lesser(piece, in->keep - from % in->keep);
		c->done[i] = from + (uint32_t)lesser(to - from, piece);
		make_rows(x, w, c->ops + i,
		    c->to[i + 1] + from % out->keep * out->ld, in, from,
		    c->done[i]);
	}
}

static void
run_chain(const struct cnn *x, struct cnn_work *w, const struct cnn_op *ops,
    size_t n, const float *px)
{
	struct chain c = { .ops = ops, .n = n };
	const struct cnn_op *last = ops + n - 1;
	const struct window *win = &ops[0].win;
	float *ring = w->ring;
	uint32_t need[CNN_CHAIN];

	c.rows[0].p = ops[0].from >= 0 ? w->slot[ops[0].from] : px;
	c.rows[0].ld = (size_t)win->w *
		       (ops[0].kind == CNN_CONV ? ops[0].conv.in : ops[0].c);
	c.rows[0].keep = win->h;
	for (size_t i = 0; i < n; i++) {
		struct picture_rows *out = &c.rows[i + 1];

		c.to[i + 1] = i + 1 < n ? ring : w->slot[ops[i].to];
		out->p = c.to[i + 1];
		out->ld = row_floats(ops + i);
		out->keep = i + 1 < n ? ops[i].keep : ops[i].win.oh;
		if (i + 1 < n)
			ring += out->keep * out->ld;
	}
	for (uint32_t at = 0; at < last->win.oh;) {
		at += (uint32_t)lesser(last->keep, last->win.oh - at);
		need[n - 1] = at;
		for (size_t i = n - 1; i > 0; i--)
			need[i - 1] = rows_for(ops + i, need[i]);
		for (size_t i = 0; i < n; i++)
			advance(x, w, &c, i, need[i]);
	}
}

static void
run_squeeze(const struct cnn *x, struct cnn_work *w, const struct cnn_op *op)
{
	const struct squeeze *q = &op->squeeze;
	struct linear_after act = { q->act, NULL, NULL, 0 };
	struct linear_after open = { q->gate, NULL, NULL, 0 };
	enum isa isa = x->base.how.isa;
	size_t row = row_floats(op);
	float *p = w->slot[op->to];
	float *mean = w->few, *t = w->few + x->most_c;

	memset(mean, 0, op->c * sizeof(*mean));
	for (uint32_t i = 0; i < op->win.oh; i++)
		conv_mean_add(isa, mean, t, p + i * row, op->win.ow, op->c);
	conv_mean_end(isa, mean, (size_t)op->win.oh * op->win.ow, op->c);
	linear_run(
	    isa, t, q->reduce.out, mean, op->c, 1, &q->reduce, &act, w->room);
	linear_run(
	    isa, mean, op->c, t, q->reduce.out, 1, &q->expand, &open, w->room);
	conv_gate(isa, p, mean, (size_t)op->win.oh * op->win.ow, op->c);
}

void
cnn_run(const struct cnn *x, struct cnn_work *w, const float *px)
{
	for (size_t i = 0, end; i < x->n; i = end) {
		end = chain_end(x, i);
		if (x->ops[i].kind == CNN_SQUEEZE)
			run_squeeze(x, w, x->ops + i);
		else
			run_chain(x, w, x->ops + i, end - i, px);
	}
}
