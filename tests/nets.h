#ifndef TESTS_NETS_H
#define TESTS_NETS_H

/*
 * What the tests of nets share: records of all kinds of parts, a net trained
 * on them, its scores.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "fusion/net_run_impl.h"
#include "learn/scale.h"

static const struct error no_error;

#define OK(what) ck_assert_msg((what), "%s", e.text)

/* ---- data ---- */

/* Records of two dense parts, a and b, and sometimes a sparse one, s, and a
 * sequence, q. */
enum { DIM_A = 5, DIM_B = 3, DIM_S = 60, DIM_Q = 4 };

struct recipe {
	/* The label is told by: the signs of a[0] and b[0] together; a[0]
	 * alone, and b is noise; all parts. */
	enum { XOR, ONE, ALL } how;
	int sparse, sequence, holes;
	enum task task;
};

struct data {
	struct schema schema;
	struct dataset ds;
	struct scaling scaling;
	struct rows all;
	struct truth truth;
};

static inline double
uniform(struct rng *r)
{
	return 2 * rng_double(r) - 1;
}

static inline void
record(struct batch *b, size_t i, const struct recipe *how)
{
	struct rng r;
	char id[32];
	float a[DIM_A], bb[DIM_B];
	size_t y = 0;
	int hole = how->holes ? (int)(i % 4) : 0, p = 2;
	struct error e = no_error;

	rng_seed(&r, i + 1);
	snprintf(id, sizeof(id), "r%zu", i);
	OK(batch_add(b, id, strlen(id), &e) == 0);
	for (size_t j = 0; j < DIM_A; j++)
		a[j] = (float)(3 * uniform(&r));
	for (size_t j = 0; j < DIM_B; j++)
		bb[j] = (float)(10 + uniform(&r));
	switch (how->how) {
	case XOR:
		y = (a[0] > 0) != (bb[0] > 10);
		break;
	case ONE:
		y = a[0] > 0;
		break;
	case ALL:
		y = i % 3;
		a[y] += 1;
		bb[y] += 1;
	}
	if (hole != 1)
		memcpy(batch_dense(b, 0), a, sizeof(a));
	if (hole != 2)
		memcpy(batch_dense(b, 1), bb, sizeof(bb));
	if (how->sparse && (hole != 3 || i % 8 == 7)) {
		uint32_t *index;
		float *value;
		size_t n = 1 + i % 4;

		OK(batch_sparse(b, (size_t)p, n, &index, &value) == 0);
		for (size_t k = 0; k < n; k++) {
			index[k] =
			    (uint32_t)(k * 15 + y * 5 + rng_below(&r, 5));
			value[k] = (float)(1 + rng_double(&r));
		}
	}
	p += how->sparse;
	if (how->sequence && hole != 1) {
		size_t n = 1 + i % 5;
		float *x = batch_sequence(b, (size_t)p, n, NULL);

		for (size_t k = 0; k < n * DIM_Q; k++)
			x[k] = (float)(uniform(&r) + (k % DIM_Q == y));
	}
	b->target[b->n - 1] = (double)a[0] + (double)bb[0];
	snprintf(id, sizeof(id), "c%zu", y);
	OK(batch_label(b, id, strlen(id), &e) == 0);
	if (how->task == TASK_MULTILABEL && i % 2)
		OK(batch_label(b, "odd", 3, &e) == 0);
}

static inline void
make(struct data *d, const struct recipe *how, size_t first, size_t n)
{
	struct error e = no_error;
	struct batch b = { 0 };

	memset(d, 0, sizeof(*d));
	OK(schema_add(&d->schema, "a", PART_DENSE, DIM_A, NULL, NULL, &e) ==
		0 &&
	    schema_add(&d->schema, "b", PART_DENSE, DIM_B, NULL, NULL, &e) ==
		0);
	if (how->sparse)
		OK(schema_add(&d->schema, "s", PART_SPARSE, DIM_S, NULL, NULL,
		       &e) == 0);
	if (how->sequence)
		OK(schema_add(&d->schema, "q", PART_SEQUENCE, DIM_Q, NULL, NULL,
		       &e) == 0);
	OK(batch_init(&b, &d->schema, &e) == 0);
	OK(dataset_init(&d->ds, &d->schema, how->task, 1, &e) == 0);
	for (size_t i = 0; i < n; i++) {
		struct str labels[2];
		size_t at, m;
		enum dataset_taken taken;

		record(&b, first + i, how);
		m = batch_range(b.label_end, i, &at);
		for (size_t k = 0; k < m; k++)
			labels[k] = strs_get(&b.label, at + k);
		OK(dataset_add(&d->ds, &b, i, labels, m, 1, b.target[i], &taken,
		       &e) == 0);
		ck_assert_int_eq(taken, DATASET_TAKEN);
	}
	OK(dataset_finish(&d->ds, 3, 0, &e) == 0);
	d->all = dataset_rows(&d->ds);
	OK(dataset_scale(linalg_get(cpu_isa()), NULL, &d->ds, &d->all, &e) ==
	    0);
	OK(scaling_take(&d->scaling, &d->ds, &e) == 0);
	d->truth = dataset_truth(&d->ds, d->ds.weight);
	batch_free(&b);
}

static inline void
unmake(struct data *d)
{
	scaling_free(&d->scaling);
	dataset_free(&d->ds);
	schema_free(&d->schema);
}

/* The inputs of rows [0, n) of ${d}, scaled as ${s} says. */
static inline void
inputs_of(struct inputs *in, const struct scaling *s, const struct data *d)
{
	uint32_t *row = mem_array(d->ds.n, sizeof(*row));
	struct error e = no_error;

	for (size_t i = 0; i < d->ds.n; i++)
		row[i] = (uint32_t)i;
	OK(inputs_init(in, s, &e) == 0 &&
	    inputs_rows(in, &d->ds, row, d->ds.n, ~UINT64_C(0), &e) == 0);
	free(row);
}

static inline float *
scores_of(const struct net *net, const struct linalg *la,
    const struct inputs *in, float *hidden)
{
	struct error e = no_error;
	struct net_room *room = net_room_new(net, &e);
	float *F = mem_array(in->n + 1, net_shape(net)->C * sizeof(*F));

	OK(room != NULL && net_scores(net, la, in, F, hidden, room, &e) == 0);
	net_room_free(room);
	return F;
}

/* ---- training ---- */

static const struct net_options usual = { .lr = 5e-3,
	.weight_decay = 0.01,
	.dropout = 0,
	.part_dropout = 0.1,
	.batch = 70,
	.epochs = 6 };

/* Train a net of that kind for so many epochs of its schedule. */
static inline struct net *
train(const struct data *d, enum net_kind kind, const struct net_options *o,
    size_t epochs, const struct linalg *la, struct pool *pool, double *loss)
{
	struct net_shape shape = { .kind = kind,
		.task = d->ds.task,
		.C = d->ds.C,
		.hidden = kind == NET_ATTENTION ? 16 : 0,
		.seed = 3 };
	struct error e = no_error;
	struct net *net = net_new(&shape, &d->scaling, &e);
	struct net_run *run;

	OK(net != NULL);
	run = net_run_new(net, o, &d->ds, &d->all, &d->truth, &e);
	OK(run != NULL);
	for (size_t k = 0; k < epochs; k++)
		OK(net_run_epoch(run, la, pool, loss, &e) == 0);
	net_run_free(run);
	return net;
}

static inline double
accuracy(const float *F, const struct data *d)
{
	size_t right = 0, C = d->ds.C;

	for (size_t i = 0; i < d->ds.n; i++) {
		size_t best = 0;

		for (size_t c = 1; c < C; c++)
			if (F[i * C + c] > F[i * C + best])
				best = c;
		right += best == d->ds.y_class[i];
	}
	return (double)right / (double)d->ds.n;
}

static inline double
heldout(const struct net *net, const struct data *train_on,
    const struct recipe *how)
{
	struct data d;
	struct inputs in;
	double a;
	float *F;

	make(&d, how, 100000, 2000);
	inputs_of(&in, &train_on->scaling, &d);
	F = scores_of(net, linalg_get(cpu_isa()), &in, NULL);
	a = accuracy(F, &d);
	free(F);
	inputs_free(&in);
	unmake(&d);
	return a;
}

static const enum net_kind kinds[] = { NET_MLP, NET_GATED, NET_LOWRANK,
	NET_TENSOR, NET_BILINEAR, NET_ATTENTION };
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct recipe mixed = {
	.how = ALL, .sparse = 1, .sequence = 1, .holes = 1
};
static const struct net_options dropping = { .lr = 1e-2,
	.weight_decay = 0.1,
	.dropout = 0.3,
	.part_dropout = 0.3,
	.batch = 100,
	.epochs = 3 };

#endif
