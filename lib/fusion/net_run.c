/*
 * Training.  An epoch goes over all rows in an order of its own, cut into
 * batches of nearly equal size; a batch is cut into chunks, each with its own
 * gradient, which net_step.c adds up in order.
 */
#include "fusion/net_run_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* ---- options ---- */

/*
 * A step of AdamW moves every weight about as far, so the sum over many columns
 * moves further: the rate falls with the root of their number.
 */
static double
suit_rate(const struct net *net, int bold)
{
	double lr, columns = 0;

	for (size_t q = 0; q < net->Q; q++)
		columns +=
		    (double)net->part[q].gain * (double)net->part[q].gain;
	lr = fmin(0.04 / sqrt(columns), 5e-3);
	return bold ? fmin(10 * lr, 2e-2) : lr;
}

/* Few records take small batches, so that there are steps enough. */
static size_t
suit_batch(size_t n)
{
	size_t batch = n / 32;

	return batch < 16 ? 16 : batch > 64 ? 64 : batch;
}

static void
suit_options(struct net_run *run)
{
	struct net_options *o = &run->o;

	if (!(o->lr > 0))
		o->lr = suit_rate(run->net, o->bold);
	if (isnan(o->weight_decay))
		o->weight_decay = o->bold ? 1 : 0.5;
	if (isnan(o->dropout))
		o->dropout = o->bold ? 0 : 0.5;
	if (isnan(o->part_dropout))
		o->part_dropout = o->bold ? 0.1 : 0.3;
	if (o->batch == 0)
		o->batch = suit_batch(run->n);
}

static int
check_options(const struct net_options *o, struct error *e)
{
	if (!(o->dropout >= 0 && o->dropout < 1))
		return error_set(e, "dropout must be in [0, 1)");
	if (!(o->part_dropout >= 0 && o->part_dropout <= 1))
		return error_set(e, "part dropout must be in [0, 1]");
	if (!(o->weight_decay >= 0) || !(o->lr < 1e3) ||
	    !(o->lr * o->weight_decay < 1))
		return error_set(e, "rate of learning times weight decay must "
				    "be in [0, 1)");
	if (!(o->focal >= 0))
		return error_set(e, "focal gamma must not be below 0");
	return 0;
}

/* ---- making ---- */

static int
list_rows(struct net_run *run, const struct rows *rows, struct error *e)
{
	size_t k = 0;
	double sum = 0;

	run->n = rows_count(rows);
	if (run->n == 0)
		return error_set(e, "no rows to train on");
	run->row = mem_array(run->n, sizeof(*run->row));
	run->order = mem_array(run->n, sizeof(*run->order));
	if (run->row == NULL || run->order == NULL)
		return error_memory(e);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < rows->count[s]; i++) {
			size_t r = rows->first[s] + i;

			if (!(run->truth->weight[r] > 0))
				continue;
			run->row[k++] = (uint32_t)r;
			sum += (double)run->truth->weight[r];
		}
	run->n = k;
	if (run->n == 0)
		return error_set(e, "all weights are 0");
	run->mean_weight = sum / (double)run->n;
	return 0;
}

static void
cut_batches(struct net_run *run)
{
	/* A sequence has many tokens, and a tape keeps what they were. */
	size_t most, least = run->net->shape.kind == NET_ATTENTION ? 16 : 64;

	run->batches = run->o.steps > 0
			   ? run->o.steps
			   : (run->n + run->o.batch - 1) / run->o.batch;
	if (run->batches > run->n)
		run->batches = run->n;
	most = (run->n + run->batches - 1) / run->batches;
	run->chunk = (most + RUN_CHUNKS - 1) / RUN_CHUNKS;
	if (run->chunk < least)
		run->chunk = least;
	run->nchunks = (most + run->chunk - 1) / run->chunk;
}

static int
make_chunk(const struct net_run *run, struct run_chunk *c, struct error *e)
{
	size_t Q = run->net->Q;

	if (inputs_init(&c->in, run->net->scaling, e) < 0)
		return -1;
	c->part = mem_array(Q, sizeof(*c->part));
	c->slot = mem_array(Q, sizeof(*c->slot));
	c->slot_cap = mem_array(Q, sizeof(*c->slot_cap));
	c->table_g = mem_array(Q, sizeof(*c->table_g));
	c->table_cap = mem_array(Q, sizeof(*c->table_cap));
	c->g = mem_aligned(run->net->dense, sizeof(*c->g));
	c->row = mem_array(run->chunk, sizeof(*c->row));
	c->label = mem_array(run->chunk, sizeof(*c->label));
	c->y = mem_array(run->chunk, run->truth->C * sizeof(*c->y));
	c->weight = mem_array(run->chunk, sizeof(*c->weight));
	return c->part == NULL || c->slot == NULL || c->slot_cap == NULL ||
		       c->table_g == NULL || c->table_cap == NULL ||
		       c->g == NULL || c->row == NULL || c->label == NULL ||
		       c->y == NULL || c->weight == NULL
		   ? error_memory(e)
		   : 0;
}

/* Bytes of all rows' inputs, about. */
static size_t
input_bytes(const struct net_run *run)
{
	size_t bytes = 0;

	for (size_t q = 0; q < run->net->Q; q++) {
		size_t p = run->net->part[q].p;
		const struct feature *f = &run->ds->feature[p];
		size_t D = f->kind == PART_SPARSE ? 2 : f->dim, rows = 0;

		if (f->kind != PART_SPARSE)
			rows = run->n;
		if (f->start != NULL)
			rows += f->pairs;
		bytes += rows * D * sizeof(float);
	}
	return bytes;
}

/* Scaling anew in every epoch costs an eighth of a narrow net's time: where
 * there is room, it is done once. */
static int
keep_inputs(struct net_run *run, struct error *e)
{
	if (input_bytes(run) > RUN_KEPT)
		return 0;
	if (inputs_init(&run->kept, run->net->scaling, e) < 0)
		return -1;
	run->keeps = 1;
	return inputs_rows(
	    &run->kept, run->ds, run->row, run->n, run->net->live, e);
}

/* The pieces that workers update, each with one decay. */
static int
cut_pieces(struct net_run *run, struct error *e)
{
	for (size_t k = 0; k < run->net->params; k++) {
		const struct net_param *p = &run->net->param[k];
		size_t n = p->rows * p->cols;

		for (size_t i = 0; !p->table && i < n; i += RUN_PIECE) {
			size_t m = n - i < RUN_PIECE ? n - i : RUN_PIECE;

			if (mem_grow(&run->piece, &run->pieces_cap,
				run->pieces + 1, sizeof(*run->piece)) < 0)
				return error_memory(e);
			run->piece[run->pieces++] =
			    (struct run_piece){ p->at + i, m,
				    p->decay ? (float)run->o.weight_decay : 0 };
		}
	}
	return 0;
}

static int
make_tables(struct net_run *run, struct error *e)
{
	run->table = mem_array(run->net->Q, sizeof(*run->table));
	if (run->table == NULL)
		return error_memory(e);
	for (size_t q = 0; q < run->net->Q; q++) {
		const struct net_param *p =
		    &run->net->param[run->net->part[q].weight];

		if (!p->table)
			continue;
		run->table[q].place = mem_array(p->rows, sizeof(uint32_t));
		if (run->table[q].place == NULL)
			return error_memory(e);
		memset(run->table[q].place, 0xff, p->rows * sizeof(uint32_t));
	}
	return 0;
}

static int
make(struct net_run *run, const struct rows *rows, struct error *e)
{
	if (list_rows(run, rows, e) < 0)
		return -1;
	suit_options(run);
	if (check_options(&run->o, e) < 0)
		return -1;
	cut_batches(run);
	run->m = mem_aligned(run->net->size, sizeof(*run->m));
	run->v = mem_aligned(run->net->size, sizeof(*run->v));
	run->chunks = mem_array(run->nchunks, sizeof(*run->chunks));
	if (run->m == NULL || run->v == NULL || run->chunks == NULL)
		return error_memory(e);
	for (size_t k = 0; k < run->nchunks; k++)
		if (make_chunk(run, &run->chunks[k], e) < 0)
			return -1;
	return cut_pieces(run, e) < 0 || make_tables(run, e) < 0
		   ? -1
		   : keep_inputs(run, e);
}

struct net_run *
net_run_new(struct net *net, const struct net_options *o,
    const struct dataset *ds, const struct rows *rows,
    const struct truth *truth, struct error *e)
{
	struct net_run *run = mem_array(1, sizeof(*run));

	if (run == NULL) {
		error_memory(e);
		return NULL;
	}
	run->net = net;
	run->o = *o;
	run->ds = ds;
	run->truth = truth;
	if (make(run, rows, e) < 0) {
		net_run_free(run);
		return NULL;
	}
	return run;
}

static void
free_chunk(struct run_chunk *c, size_t Q)
{
	for (size_t q = 0; q < Q; q++) {
		if (c->slot != NULL)
			free(c->slot[q]);
		if (c->table_g != NULL)
			free(c->table_g[q]);
	}
	inputs_free(&c->in);
	free(c->part);
	free(c->slot);
	free(c->slot_cap);
	free(c->table_g);
	free(c->table_cap);
	free(c->g);
	free(c->row);
	free(c->label);
	free(c->y);
	free(c->weight);
}

void
net_run_free(struct net_run *run)
{
	if (run == NULL)
		return;
	for (size_t k = 0; run->chunks != NULL && k < run->nchunks; k++)
		free_chunk(&run->chunks[k], run->net->Q);
	for (size_t q = 0; run->table != NULL && q < run->net->Q; q++) {
		free(run->table[q].place);
		free(run->table[q].touched);
		free(run->table[q].w);
	}
	if (run->keeps)
		inputs_free(&run->kept);
	for (size_t k = 0; k < run->tapes; k++)
		tape_free(run->tape[k]);
	free(run->chunks);
	free(run->table);
	free(run->tape);
	free(run->piece);
	free(run->row);
	free(run->order);
	free(run->m);
	free(run->v);
	free(run);
}

size_t
net_run_steps(const struct net_run *run)
{
	return run->batches;
}

void
net_run_order(struct net_run *run, const uint32_t *order)
{
	run->given = order;
}

/* ---- an epoch ---- */

/* A tape for each worker. */
static int
need_tapes(struct net_run *run, const struct pool *pool, struct error *e)
{
	size_t n = pool != NULL ? (size_t)pool_threads(pool) : 1;
	size_t cap = run->tapes;

	if (n > cap && mem_grow(&run->tape, &cap, n, sizeof(*run->tape)) < 0)
		return error_memory(e);
	while (run->tapes < n) {
		run->tape[run->tapes] = tape_new(run->la, 1);
		if (run->tape[run->tapes] == NULL)
			return error_memory(e);
		run->tapes++;
	}
	return 0;
}

uint64_t
net_run_seed(const struct net_run *run, size_t batch, size_t chunk)
{
	uint64_t s = hash_mix(run->net->shape.seed + 1);

	s = hash_mix(s ^ (uint64_t)run->epoch);
	return hash_mix(s ^ ((uint64_t)batch << 8 | (uint64_t)chunk));
}

static void
new_order(struct net_run *run)
{
	struct rng r;

	for (size_t i = 0; i < run->n; i++)
		run->order[i] =
		    run->given != NULL ? run->given[i] : (uint32_t)i;
	rng_seed(&r, net_run_seed(run, 0, 0));
	if (run->given == NULL)
		rng_shuffle(&r, run->order, run->n);
}

/* The rate rises over the first tenth of the schedule. */
static struct adamw
this_step(const struct net_run *run, size_t batch)
{
	size_t total = run->o.epochs * run->batches, warm = total / 10;
	size_t t = run->epoch * run->batches + batch;

	return adamw_step(adamw_rate(run->o.lr, t, warm, total), t + 1);
}

int
net_run_astray(const struct net_run *run, struct error *e)
{
	return error_set(e,
	    "the training went out of bounds: try a lower rate of learning "
	    "than %g",
	    run->o.lr);
}

int
net_run_epoch(struct net_run *run, const struct linalg *la, struct pool *pool,
    double *loss, struct error *e)
{
	double sum = 0, before;

	run->la = la;
	if (need_tapes(run, pool, e) < 0)
		return -1;
	new_order(run);
	for (size_t b = 0; b < run->batches; b++) {
		run->batch = b;
		run->first = run->n * b / run->batches;
		run->count = run->n * (b + 1) / run->batches - run->first;
		run->step = this_step(run, b);
		before = sum;
		if (net_run_step(run, pool, &sum, e) < 0)
			return -1;
		if (run->losses != NULL)
			run->losses[b] = (sum - before) * (double)run->share;
	}
	if (!tensor_finite(
		TENSOR_F32, run->net->w, run->net->size * sizeof(*run->net->w)))
		return net_run_astray(run, e);
	run->epoch++;
	*loss = sum / (double)run->n;
	return 0;
}
