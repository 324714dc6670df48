/*
 * One step of a training: the chunks' inputs, the rows of tables that they
 * touch, the chunks' gradients, and the update from their sum.
 */
#include "fusion/net_run_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- inputs ---- */

/* Hide some part of the record, but not all: any such set is as likely. */
static uint64_t
hide_parts(uint64_t has, struct rng *r)
{
	uint64_t keep;

	if ((has & (has - 1)) == 0)
		return has;
	do
		keep = has & rng_u64(r);
	while (keep == 0 || keep == has);
	return keep;
}

static void
chunk_truth(const struct net_run *run, struct run_chunk *c, const uint32_t *row,
    size_t n)
{
	const struct truth *t = run->truth;
	size_t C = t->C;

	for (size_t i = 0; i < n; i++) {
		c->weight[i] =
		    (float)((double)t->weight[row[i]] / run->mean_weight);
		if (t->task == TASK_CLASS)
			c->label[i] = t->label[row[i]];
		else
			memcpy(
			    c->y + i * C, t->y + row[i] * C, C * sizeof(*c->y));
	}
}

static size_t
chunk_places(const struct net_run *run, size_t k, size_t *first)
{
	size_t at = k * run->chunk, left = run->count - at;

	*first = run->first + at;
	return left < run->chunk ? left : run->chunk;
}

static void
chunk_inputs(void *arg, size_t k, int worker)
{
	struct net_run *run = arg;
	struct run_chunk *c = &run->chunks[k];
	size_t first, n = chunk_places(run, k, &first);
	uint32_t *row = c->row;

	(void)worker;
	for (size_t i = 0; i < n; i++)
		row[i] = run->row[run->order[first + i]];
	chunk_truth(run, c, row, n);
	c->rc = run->keeps ? inputs_pick(&c->in, &run->kept, run->order + first,
				 n, run->net->live, &c->e)
			   : inputs_rows(&c->in, run->ds, row, n,
				 run->net->live, &c->e);
	if (c->rc < 0)
		return;
	rng_seed(&c->rng, net_run_seed(run, run->batch, k + 1));
	for (size_t i = 0; i < n; i++)
		if (rng_double(&c->rng) < run->o.part_dropout)
			c->in.has[i] = hide_parts(c->in.has[i], &c->rng);
}

/* ---- tables ---- */

/* The place of a row of the table in this step's copy. */
static int
touch(struct run_table *t, uint32_t column, uint32_t *slot)
{
	if (t->place[column] == UINT32_MAX) {
		if (mem_grow(&t->touched, &t->touched_cap, t->n + 1,
			sizeof(*t->touched)) < 0)
			return -1;
		t->touched[t->n] = column;
		t->place[column] = (uint32_t)t->n++;
	}
	*slot = t->place[column];
	return 0;
}

/* Pairs of records whose part is hidden get place 0: no gradient comes. */
static int
chunk_slots(struct net_run *run, struct run_chunk *c, size_t q)
{
	size_t p = run->net->part[q].p, from = 0;
	const struct input_part *x = &c->in.part[p];
	size_t pairs = c->in.n > 0 ? x->end[c->in.n - 1] : 0;

	if (mem_grow(
		&c->slot[q], &c->slot_cap[q], pairs + 1, sizeof(**c->slot)) < 0)
		return -1;
	for (size_t i = 0; i < c->in.n; from = x->end[i++])
		for (size_t k = from; k < x->end[i]; k++) {
			c->slot[q][k] = 0;
			if (c->in.has[i] >> p & 1 &&
			    touch(&run->table[q], x->index[k], &c->slot[q][k]) <
				0)
				return -1;
		}
	return 0;
}

static int
gather_table(struct net_run *run, size_t q)
{
	const struct net_param *p = &run->net->param[run->net->part[q].weight];
	struct run_table *t = &run->table[q];
	size_t cols = p->cols;

	t->n = 0;
	for (size_t k = 0; k < run->used; k++)
		if (chunk_slots(run, &run->chunks[k], q) < 0)
			return -1;
	if (mem_grow(&t->w, &t->w_cap, (t->n + 1) * cols, sizeof(*t->w)) < 0)
		return -1;
	memset(t->w, 0, cols * sizeof(*t->w));
	for (size_t i = 0; i < t->n; i++) {
		memcpy(t->w + i * cols,
		    run->net->w + p->at + t->touched[i] * cols,
		    cols * sizeof(*t->w));
		t->place[t->touched[i]] = UINT32_MAX;
	}
	for (size_t k = 0; k < run->used; k++) {
		struct run_chunk *c = &run->chunks[k];

		if (mem_grow(&c->table_g[q], &c->table_cap[q],
			(t->n + 1) * cols, sizeof(float)) < 0)
			return -1;
	}
	return 0;
}

/* ---- gradients ---- */

static void
chunk_gradient(void *arg, size_t k, int worker)
{
	struct net_run *run = arg;
	struct net *net = run->net;
	struct run_chunk *c = &run->chunks[k];
	struct tape *t = run->tape[worker];
	struct truth truth = { run->truth->task, run->truth->C, c->label, c->y,
		c->weight };
	struct net_feed f = { c->in.n, c->in.has, c->part, c->g, run->o.dropout,
		&c->rng };

	tape_reset(t, run->la);
	for (size_t q = 0; q < net->Q; q++) {
		struct feed_part *x = &c->part[q];

		net_feed_part(net, q, &c->in, 0, c->in.n, x);
		if (x->table == NULL)
			continue;
		x->sparse.index = c->slot[q];
		x->table = run->table[q].w;
		x->table_rows = run->table[q].n + 1;
		x->table_g = c->table_g[q];
	}
	c->loss =
	    tape_loss(t, net_graph(net, t, &f, NULL), &truth, run->o.focal);
	c->rc = tape_starved(t) ? error_memory(&c->e) : 0;
	if (c->rc == 0)
		tape_backward(t);
}

/* ---- the update ---- */

/* Sum the chunks' gradients in order, times the share. */
static void
sum_gradients(
    const struct net_run *run, float *g, size_t n, size_t at, size_t q)
{
	for (size_t k = 0; k < run->used; k++) {
		const struct run_chunk *c = &run->chunks[k];
		const float *x = (q < run->net->Q ? c->table_g[q] : c->g) + at;

		if (k == 0)
			run->la->scale(g, run->share, x, n);
		else
			run->la->axpy(g, run->share, x, n);
	}
}

static void
update_piece(void *arg, size_t i, int worker)
{
	struct net_run *run = arg;
	const struct run_piece *p = &run->piece[i];
	float *g = run->chunks[0].g + p->at;

	(void)worker;
	sum_gradients(run, g, p->n, p->at, run->net->Q);
	adamw_update(&run->step, p->decay, run->net->w + p->at, run->m + p->at,
	    run->v + p->at, g, p->n);
}

static void
update_table(struct net_run *run, size_t q)
{
	const struct net_param *p = &run->net->param[run->net->part[q].weight];
	const struct run_table *t = &run->table[q];
	size_t cols = p->cols;

	for (size_t i = 0; i < t->n; i++) {
		size_t at = p->at + t->touched[i] * cols;
		float *g = run->chunks[0].table_g[q] + i * cols;

		sum_gradients(run, g, cols, i * cols, q);
		adamw_update(&run->step, (float)run->o.weight_decay,
		    run->net->w + at, run->m + at, run->v + at, g, cols);
	}
}

static int
is_table(const struct net_run *run, size_t q)
{
	return run->net->param[run->net->part[q].weight].table;
}

static int
chunks_failed(const struct net_run *run, struct error *e)
{
	for (size_t k = 0; k < run->used; k++)
		if (run->chunks[k].rc < 0) {
			if (e != NULL)
				*e = run->chunks[k].e;
			return 1;
		}
	return 0;
}

int
net_run_step(
    struct net_run *run, struct pool *pool, double *loss, struct error *e)
{
	run->used = (run->count + run->chunk - 1) / run->chunk;
	run->share = 1 / (float)run->count;
	pool_run(pool, run->used, chunk_inputs, run);
	if (chunks_failed(run, e))
		return -1;
	for (size_t q = 0; q < run->net->Q; q++)
		if (is_table(run, q) && gather_table(run, q) < 0)
			return error_memory(e);
	pool_run(pool, run->used, chunk_gradient, run);
	if (chunks_failed(run, e))
		return -1;
	for (size_t k = 0; k < run->used; k++) {
		if (!isfinite(run->chunks[k].loss))
			return net_run_astray(run, e);
		*loss += run->chunks[k].loss;
	}
	pool_run(pool, run->pieces, update_piece, run);
	for (size_t q = 0; q < run->net->Q; q++)
		if (is_table(run, q))
			update_table(run, q);
	return 0;
}
