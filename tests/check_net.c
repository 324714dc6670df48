/* Nets: what they learn, that threads, instruction sets and interruptions
 * change no byte, their files, and PyTorch's losses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "fusion/net_run_impl.h"
#include "learn/scale.h"
#include "unit.h"

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

static double
uniform(struct rng *r)
{
	return 2 * rng_double(r) - 1;
}

static void
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

static void
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

static void
unmake(struct data *d)
{
	scaling_free(&d->scaling);
	dataset_free(&d->ds);
	schema_free(&d->schema);
}

/* The inputs of rows [0, n) of ${d}, scaled as ${s} says. */
static void
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

static float *
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
static struct net *
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

static double
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

static double
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

/* No sum over the parts tells this label. */
START_TEST(learns_xor)
{
	static const struct recipe how = { .how = XOR };
	struct net_options o = usual;
	struct data d;
	struct net *net;
	double loss, a;

	o.epochs = 60;
	o.part_dropout = 0;
	make(&d, &how, 0, 2000);
	net = train(&d, kinds[_i], &o, 60, linalg_get(cpu_isa()), NULL, &loss);
	a = heldout(net, &d, &how);
	ck_assert_msg(a >= 0.98, "%s: %.4f", net_kind_name(kinds[_i]), a);
	net_free(net);
	unmake(&d);
}
END_TEST

/* A part of noise costs little. */
START_TEST(bears_noise)
{
	static const struct recipe how = { .how = ONE };
	struct net_options o = usual;
	struct data d;
	struct net *net;
	double loss, a;

	o.epochs = 20;
	make(&d, &how, 0, 1000);
	net = train(&d, kinds[_i], &o, 20, linalg_get(cpu_isa()), NULL, &loss);
	a = heldout(net, &d, &how);
	ck_assert_msg(a >= 0.98, "%s: %.4f", net_kind_name(kinds[_i]), a);
	net_free(net);
	unmake(&d);
}
END_TEST

/* All kinds of parts, with holes, for each task: what is learnt is better than
 * nothing, and finite. */
START_TEST(learns_every_task)
{
	enum task task = (enum task)(_i / KINDS);
	struct recipe how = {
		.how = ALL, .sparse = 1, .sequence = 1, .holes = 1, .task = task
	};
	struct net_options o = usual;
	struct data d;
	struct net *net;
	double first, last;

	o.focal = task == TASK_CLASS ? 1 : 0;
	make(&d, &how, 0, 300);
	ck_assert_int_eq(d.ds.task, task);
	net = train(
	    &d, kinds[_i % KINDS], &o, 1, linalg_get(cpu_isa()), NULL, &first);
	net_free(net);
	net = train(
	    &d, kinds[_i % KINDS], &o, 6, linalg_get(cpu_isa()), NULL, &last);
	ck_assert_msg(last < 0.8 * first, "%s: %g -> %g",
	    net_kind_name(kinds[_i % KINDS]), first, last);
	for (size_t k = 0; k < net->size; k++)
		ck_assert(isfinite(net->w[k]));
	net_free(net);
	unmake(&d);
}
END_TEST

static const struct recipe mixed = {
	.how = ALL, .sparse = 1, .sequence = 1, .holes = 1
};
static const struct net_options dropping = { .lr = 1e-2,
	.weight_decay = 0.1,
	.dropout = 0.3,
	.part_dropout = 0.3,
	.batch = 100,
	.epochs = 3 };

START_TEST(same_bytes)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct error e = no_error;
	struct pool *pool = pool_new(3, &e);
	struct data d;
	struct net *a, *b;
	double loss[2];

	make(&d, &mixed, 0, 250);
	a = train(&d, kinds[_i], &dropping, 3, la, NULL, &loss[0]);
	b = train(&d, kinds[_i], &dropping, 3, la, pool, &loss[1]);
	ck_assert(loss[0] == loss[1]);
	ck_assert_mem_eq(a->w, b->w, a->size * sizeof(*a->w));
	net_free(b);
	b = train(&d, kinds[_i], &dropping, 3, linalg_get(ISA_PORTABLE), NULL,
	    &loss[1]);
	ck_assert(loss[0] == loss[1]);
	ck_assert_mem_eq(a->w, b->w, a->size * sizeof(*a->w));
	net_free(a);
	net_free(b);
	pool_free(pool);
	unmake(&d);
}
END_TEST

/* Inputs that are kept scaled, and scaled anew for each chunk. */
START_TEST(same_inputs)
{
	struct net_shape shape = {
		.kind = NET_ATTENTION, .C = 3, .hidden = 8, .seed = 1
	};
	struct error e = no_error;
	struct data d;
	float *w[2];
	size_t bytes = 0;

	make(&d, &mixed, 0, 150);
	for (int k = 0; k < 2; k++) {
		struct net *net = net_new(&shape, &d.scaling, &e);
		struct net_run *run =
		    net_run_new(net, &dropping, &d.ds, &d.all, &d.truth, &e);
		double loss;

		OK(net != NULL && run != NULL);
		ck_assert_int_eq(run->keeps, 1);
		if (k == 1) {
			inputs_free(&run->kept);
			run->keeps = 0;
		}
		OK(net_run_epoch(run, linalg_get(cpu_isa()), NULL, &loss, &e) ==
		    0);
		bytes = net->size * sizeof(*net->w);
		w[k] = mem_array(net->size, sizeof(*net->w));
		memcpy(w[k], net->w, bytes);
		net_run_free(run);
		net_free(net);
	}
	ck_assert_mem_eq(w[0], w[1], bytes);
	free(w[0]);
	free(w[1]);
	unmake(&d);
}
END_TEST

/* Stopped after each epoch, and taken up by a new process's net and run. */
START_TEST(resumes)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct error e = no_error;
	struct data d;
	struct net *a, *b = NULL;
	struct buf state = { 0 };
	double loss;

	make(&d, &mixed, 0, 250);
	a = train(&d, kinds[_i], &dropping, 3, la, NULL, &loss);
	for (size_t k = 0; k < 3; k++) {
		struct net_shape shape = { .kind = kinds[_i],
			.task = d.ds.task,
			.C = d.ds.C,
			.hidden = kinds[_i] == NET_ATTENTION ? 16 : 0,
			.seed = 3 };
		struct net_run *run;

		net_free(b);
		b = net_new(&shape, &d.scaling, &e);
		run = net_run_new(b, &dropping, &d.ds, &d.all, &d.truth, &e);
		OK(run != NULL);
		if (k > 0)
			OK(net_run_restore(run, state.data, state.len, &e) ==
			    0);
		OK(net_run_epoch(run, la, NULL, &loss, &e) == 0);
		state.len = 0;
		OK(net_run_state(run, &state, &e) == 0);
		net_run_free(run);
	}
	ck_assert_mem_eq(a->w, b->w, a->size * sizeof(*a->w));
	net_free(a);
	net_free(b);
	buf_free(&state);
	unmake(&d);
}
END_TEST

START_TEST(refuses_states)
{
	struct net_shape shape = { .kind = NET_MLP, .C = 3 };
	struct error e = no_error;
	struct data d;
	struct net *net;
	struct net_run *run;
	struct net_options o = dropping;
	struct buf state = { 0 };
	float nan = NAN;

	make(&d, &mixed, 0, 60);
	net = net_new(&shape, &d.scaling, &e);
	OK(net != NULL);
	run = net_run_new(net, &o, &d.ds, &d.all, &d.truth, &e);
	OK(run != NULL && net_run_state(run, &state, &e) == 0);
	for (size_t n = 0; n < state.len; n += n < 100 ? 1 : 997)
		ck_assert_int_eq(net_run_restore(run, state.data, n, &e), -1);
	ck_assert_str_eq(e.text, "not the state of such a training");
	memcpy(state.data + state.len - sizeof(nan), &nan, sizeof(nan));
	ck_assert_int_eq(net_run_restore(run, state.data, state.len, &e), -1);
	ck_assert_str_eq(e.text, "the state has numbers that are not finite");
	net_run_free(run);
	o.lr = 2e-2;
	run = net_run_new(net, &o, &d.ds, &d.all, &d.truth, &e);
	memset(state.data + state.len - sizeof(nan), 0, sizeof(nan));
	ck_assert_int_eq(net_run_restore(run, state.data, state.len, &e), -1);
	ck_assert_str_eq(e.text, "the state of another training");
	net_run_free(run);
	net_free(net);
	buf_free(&state);
	unmake(&d);
}
END_TEST

/* Rows of a table that no record of the run has stay as they were, decay and
 * all; the others move. */
START_TEST(touches_rows)
{
	static const struct recipe how = { .how = ALL, .sparse = 1 };
	struct net_shape shape = { .kind = NET_MLP, .C = 3, .seed = 1 };
	struct rows few = { { 0, 50 }, { 6, 6 } };
	struct error e = no_error;
	struct data d;
	struct net *net;
	struct net_run *run;
	const struct feature *f;
	const struct net_param *p;
	uint8_t seen[DIM_S] = { 0 };
	float *before;
	double loss;
	size_t moved = 0, stayed = 0;

	make(&d, &how, 0, 120);
	net = net_new(&shape, &d.scaling, &e);
	run = net_run_new(net, &dropping, &d.ds, &few, &d.truth, &e);
	OK(net != NULL && run != NULL);
	p = &net->param[net->part[2].weight];
	ck_assert(p->table);
	before = mem_array(p->rows, p->cols * sizeof(*before));
	memcpy(before, net->w + p->at, p->rows * p->cols * sizeof(*before));
	for (int k = 0; k < 3; k++)
		OK(net_run_epoch(run, linalg_get(cpu_isa()), NULL, &loss, &e) ==
		    0);
	f = &d.ds.feature[2];
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < few.count[s]; i++)
			for (size_t k = 0; k < f->count[few.first[s] + i]; k++)
				seen[f->index[f->start[few.first[s] + i] + k]] =
				    1;
	for (size_t c = 0; c < p->rows; c++) {
		int same =
		    memcmp(before + c * p->cols, net->w + p->at + c * p->cols,
			p->cols * sizeof(*before)) == 0;

		ck_assert_int_eq(same, !seen[c]);
		moved += (size_t)!same;
		stayed += (size_t)same;
	}
	ck_assert(moved > 0 && stayed > 0);
	free(before);
	net_run_free(run);
	net_free(net);
	unmake(&d);
}
END_TEST

/* The part that tells the label is enough; where it is hidden in training, the
 * other's absence is learnt, and else not. */
START_TEST(learns_absence)
{
	static const struct recipe how = { .how = ONE };
	struct net_options o = usual;
	struct data d, test;
	struct inputs in;
	struct net *net;
	double loss, a;
	float *F;

	o.epochs = 20;
	make(&d, &how, 0, 1000);
	make(&test, &how, 100000, 1000);
	for (int hide = 0; hide < 2; hide++) {
		const struct net_param *p;
		double length = 0;

		o.part_dropout = hide ? 0.4 : 0;
		net = train(
		    &d, kinds[_i], &o, 20, linalg_get(cpu_isa()), NULL, &loss);
		p = &net->param[net->part[0].absent];
		for (size_t j = 0; j < p->cols; j++)
			length += fabs((double)net->w[p->at + j]);
		/* Of two gates the one that is left is open, whatever the
		 * absent part says. */
		ck_assert(
		    hide && kinds[_i] != NET_GATED ? length > 0 : length == 0);
		inputs_of(&in, &d.scaling, &test);
		inputs_keep(&in, 1);
		F = scores_of(net, linalg_get(cpu_isa()), &in, NULL);
		a = accuracy(F, &test);
		ck_assert_msg(!hide || a >= 0.97, "%s: %.4f",
		    net_kind_name(kinds[_i]), a);
		free(F);
		inputs_keep(&in, 0);
		F = scores_of(net, linalg_get(cpu_isa()), &in, NULL);
		for (size_t k = 0; k < test.ds.n * test.ds.C; k++)
			ck_assert(isfinite(F[k]));
		free(F);
		inputs_free(&in);
		net_free(net);
	}
	unmake(&d);
	unmake(&test);
}
END_TEST

/* A net of some parts reads no other. */
START_TEST(reads_its_parts)
{
	struct net_shape shape = {
		.kind = kinds[_i], .C = 3, .seed = 1, .parts = 5
	};
	struct error e = no_error;
	struct data d;
	struct inputs in;
	struct net *net;
	float *F, *G;

	make(&d, &mixed, 0, 50);
	net = net_new(&shape, &d.scaling, &e);
	OK(net != NULL);
	ck_assert_uint_eq(net->Q, 2);
	inputs_of(&in, &d.scaling, &d);
	F = scores_of(net, linalg_get(cpu_isa()), &in, NULL);
	inputs_keep(&in, 5);
	G = scores_of(net, linalg_get(cpu_isa()), &in, NULL);
	ck_assert_mem_eq(F, G, d.ds.n * 3 * sizeof(*F));
	free(F);
	free(G);
	inputs_free(&in);
	net_free(net);
	unmake(&d);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(refuses_shapes)
{
	static const struct {
		struct net_shape shape;
		const char *why;
	} cases[] = {
		{ { .kind = NET_MLP, .C = 3, .parts = 1 << 9 },
		    "no part has anything to learn from" },
		{ { .kind = NET_GATED, .C = 3, .hidden = 4097 },
		    "gated: a hidden size or rank of 4097 is more than 4096" },
		{ { .kind = NET_BILINEAR, .C = 3, .rank = 5000 },
		    "bilinear: a hidden size or rank of 5000 is more than "
		    "4096" },
		{ { .kind = NET_TENSOR, .C = 3, .hidden = 16 },
		    "tensor: the outer product of 4 parts of hidden size 16 "
		    "has more than 65536 elements: lowrank and bilinear stay "
		    "small" },
		{ { .kind = NET_LOWRANK, .C = 3, .hidden = 4096, .rank = 4096 },
		    "lowrank of hidden size 4096: more than 268435456 "
		    "weights; choose a smaller one" },
	};
	struct error e = no_error;
	struct data d;

	make(&d, &mixed, 0, 40);
	ck_assert_ptr_null(net_new(&cases[_i].shape, &d.scaling, &e));
	ck_assert_str_eq(e.text, cases[_i].why);
	unmake(&d);
}
END_TEST

START_TEST(refuses_options)
{
	static const struct {
		struct net_options o;
		int what; /* 1 no rows, 2 no weights */
		const char *why;
	} cases[] = {
		{ { .dropout = 1, .epochs = 1 }, 0,
		    "dropout must be in [0, 1)" },
		{ { .part_dropout = -0.1, .epochs = 1 }, 0,
		    "part dropout must be in [0, 1]" },
		{ { .lr = 2, .weight_decay = 0.5, .epochs = 1 }, 0,
		    "rate of learning times weight decay must be in [0, 1)" },
		{ { .weight_decay = -1, .epochs = 1 }, 0,
		    "rate of learning times weight decay must be in [0, 1)" },
		{ { .focal = NAN, .epochs = 1 }, 0,
		    "focal gamma must not be below 0" },
		{ { .epochs = 1 }, 1, "no rows to train on" },
		{ { .epochs = 1 }, 2, "all weights are 0" },
	};
	struct net_shape shape = { .kind = NET_MLP, .C = 3 };
	struct error e = no_error;
	struct data d;
	struct net *net;

	make(&d, &mixed, 0, 40);
	if (cases[_i].what == 1)
		d.all = (struct rows){ { 0, 0 }, { 0, 0 } };
	if (cases[_i].what == 2)
		memset(d.ds.weight, 0, d.ds.n * sizeof(*d.ds.weight));
	net = net_new(&shape, &d.scaling, &e);
	OK(net != NULL);
	ck_assert_ptr_null(
	    net_run_new(net, &cases[_i].o, &d.ds, &d.all, &d.truth, &e));
	ck_assert_str_eq(e.text, cases[_i].why);
	net_free(net);
	unmake(&d);
}
END_TEST

/* What goes out of bounds ends with a sentence, not with NaN in a model; heavy
 * and light weights alone do no such thing. */
START_TEST(refuses_infinity)
{
	static const float weights[] = { 1e38f, 1e-38f, 1 };
	struct net_options o = { .lr = 0.01, .epochs = 2 };
	struct net_shape shape = { .kind = NET_MLP, .C = 3 };
	struct error e = no_error;
	struct data d;
	struct net *net;
	struct net_run *run;
	double loss;

	make(&d, &mixed, 0, 60);
	for (size_t i = 0; i < d.ds.n; i++)
		d.ds.weight[i] = weights[_i] * (1 + (float)(i % 2));
	net = net_new(&shape, &d.scaling, &e);
	run = net_run_new(net, &o, &d.ds, &d.all, &d.truth, &e);
	OK(net != NULL && run != NULL);
	OK(net_run_epoch(run, linalg_get(cpu_isa()), NULL, &loss, &e) == 0);
	ck_assert(isfinite(loss));
	net->w[net->param[net->out].at] = INFINITY;
	ck_assert_int_eq(
	    net_run_epoch(run, linalg_get(cpu_isa()), NULL, &loss, &e), -1);
	ck_assert_str_eq(e.text, "the training went out of bounds: try a "
				 "lower rate of learning than 0.01");
	net_run_free(run);
	net_free(net);
	unmake(&d);
}
END_TEST

/* ---- files ---- */

static const char *
file(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/check_net.%ld", (long)getpid());
	return path;
}

/* Saved and loaded: the same weights; with one tensor changed: refused. */
START_TEST(files)
{
	struct net_shape shape = { .kind = kinds[_i], .C = 3, .seed = 1 };
	struct error e = no_error;
	struct data d;
	struct net *net, *again;
	struct tensor *t;
	struct model m;
	size_t n;

	make(&d, &mixed, 0, 40);
	net = net_new(&shape, &d.scaling, &e);
	OK(net != NULL);
	n = net_tensor_count(net);
	t = mem_array(n, sizeof(*t));
	OK(net_tensors(net, "x.", t, &e) == 0);
	OK(model_save(file(), "{}", t, n, &e) == 0 &&
	    model_open(&m, file(), &e) == 0);
	again = net_load(&shape, &d.scaling, &m, "x.", &e);
	OK(again != NULL);
	ck_assert_mem_eq(net->w, again->w, net->size * sizeof(*net->w));
	net_free(again);
	model_close(&m);
	for (size_t k = 0; k < n; k++)
		for (int what = 0; what < 4; what++) {
			struct tensor good = t[k], last = t[n - 1];
			static float nan[1 << 20];

			nan[0] = NAN;
			e = no_error;
			if (what == 0) { /* it is not there */
				t[k] = t[n - 1];
			} else if (what == 1) { /* of another shape */
				t[k].shape[0]--;
			} else if (what == 2) {
				t[k].rank = 3 - t[k].rank;
				t[k].shape[1] = t[k].rank == 2;
			} else {
				t[k].data = nan;
			}
			OK(model_save(file(), "{}", t, n - (what == 0), &e) ==
				0 &&
			    model_open(&m, file(), &e) == 0);
			ck_assert_ptr_null(
			    net_load(&shape, &d.scaling, &m, "x.", &e));
			ck_assert_msg(
			    strstr(e.text, good.name) != NULL, "%s", e.text);
			model_close(&m);
			t[k] = good;
			t[n - 1] = last;
		}
	remove(file());
	for (size_t k = 0; k < n; k++)
		free(t[k].name);
	free(t);
	net_free(net);
	unmake(&d);
}
END_TEST

/* ---- PyTorch ---- */

enum { PEER_N = 96, PEER_C = 4, PEER_EPOCHS = 9, PEER_STEPS = 50 };

static const void *
peer(const struct model *m, const char *name, enum tensor_type type,
    uint64_t rows, uint64_t cols)
{
	struct error e = no_error;
	uint64_t shape[2] = { rows, cols };
	const void *p =
	    model_tensor(m, name, type, cols > 0 ? 2 : 1, shape, &e);

	OK(p != NULL);
	return p;
}

/* The same first weights, batches and schedule: the same losses
 * (tools/record-fusion.py). */
START_TEST(pytorch_losses)
{
	static const uint32_t dims[] = { 5, 7 };
	static const char *const names[] = { "x0", "x1" };
	static const struct net_options o = { .lr = 0.02,
		.weight_decay = 0.05,
		.batch = 16,
		.epochs = PEER_EPOCHS };
	struct net_shape shape = {
		.kind = kinds[_i], .C = PEER_C, .hidden = 16
	};
	uint8_t mask[PEER_N];
	double zero[7] = { 0 }, one[7], losses[6], loss;
	float weight[PEER_N];
	struct feature feature[2] = { 0 };
	struct dataset ds = { .n = PEER_N,
		.parts = 2,
		.features = 2,
		.feature = feature,
		.C = PEER_C,
		.task = TASK_CLASS };
	struct scaling scaling;
	struct rows all = { { 0, 0 }, { PEER_N, 0 } };
	struct truth truth = { TASK_CLASS, PEER_C, NULL, NULL, weight };
	struct error e = no_error;
	struct model m = { 0 };
	struct net *net;
	struct net_run *run;
	const uint32_t *order;
	const double *want;
	const char *data = getenv("DATA");
	char path[1000];

	snprintf(path, sizeof(path), "%s/fusion/%s.safetensors",
	    data != NULL ? data : "tests/data", net_kind_name(kinds[_i]));
	OK(model_open(&m, path, &e) == 0);
	memset(mask, 1, sizeof(mask));
	for (size_t i = 0; i < PEER_N; i++)
		weight[i] = 1;
	for (size_t j = 0; j < 7; j++)
		one[j] = 1;
	for (size_t p = 0; p < 2; p++) {
		feature[p] = (struct feature){ .kind = PART_DENSE,
			.dim = dims[p],
			.active = dims[p],
			.mask = mask,
			.shift = zero,
			.factor = one,
			.live = mask };
		feature[p].x = mem_array(PEER_N, dims[p] * sizeof(float));
		memcpy(feature[p].x,
		    peer(&m, names[p], TENSOR_F32, PEER_N, dims[p]),
		    PEER_N * dims[p] * sizeof(float));
	}
	truth.label = peer(&m, "y", TENSOR_I32, PEER_N, 0);
	order = peer(&m, "order", TENSOR_I32, PEER_EPOCHS, PEER_N);
	want = peer(&m, "loss", TENSOR_F64, PEER_STEPS, 0);
	OK(scaling_take(&scaling, &ds, &e) == 0);
	net = net_load(&shape, &scaling, &m, "net.", &e);
	OK(net != NULL);
	run = net_run_new(net, &o, &ds, &all, &truth, &e);
	OK(run != NULL);
	ck_assert_uint_eq(run->batches, 6);
	run->losses = losses;
	for (size_t t = 0; t < PEER_STEPS; t++) {
		net_run_order(run, order + t / 6 * PEER_N);
		if (t % 6 == 0)
			OK(net_run_epoch(run, linalg_get(cpu_isa()), NULL,
			       &loss, &e) == 0);
		ck_assert_double_eq_tol(losses[t % 6], want[t], 1e-4);
	}
	ck_assert_double_lt(want[PEER_STEPS - 1], 0.5 * want[0]);
	net_run_free(run);
	net_free(net);
	scaling_free(&scaling);
	free(feature[0].x);
	free(feature[1].x);
	model_close(&m);
}
END_TEST

/* ---- scores ---- */

/* A record alone, or among others, or in another place: the same bytes; what a
 * part that it lacks holds is not read. */
START_TEST(records_apart)
{
	const struct linalg *la = linalg_get(cpu_isa());
	struct error e = no_error;
	struct data d;
	struct net *net;
	struct inputs in, one;
	double loss;
	float *F, *hidden;

	make(&d, &mixed, 0, 300);
	net = train(&d, kinds[_i], &dropping, 2, la, NULL, &loss);
	inputs_of(&in, &d.scaling, &d);
	hidden = mem_array(d.ds.n, net_hidden_size(net) * sizeof(*hidden));
	F = scores_of(net, la, &in, hidden);
	OK(inputs_init(&one, &d.scaling, &e) == 0);
	for (uint32_t i = 0; i < d.ds.n; i += 7) {
		float *f, h[4096];

		OK(inputs_rows(&one, &d.ds, &i, 1, ~UINT64_C(0), &e) == 0);
		f = scores_of(net, la, &one, h);
		ck_assert_mem_eq(f, F + i * d.ds.C, d.ds.C * sizeof(*f));
		ck_assert_mem_eq(h, hidden + i * net_hidden_size(net),
		    net_hidden_size(net) * sizeof(*h));
		free(f);
	}
	free(F);
	free(hidden);
	inputs_free(&in);
	inputs_free(&one);
	net_free(net);
	unmake(&d);
}
END_TEST

/* The scores' slopes along all weights, against differences. */
START_TEST(whole_gradient)
{
	const struct linalg *la = linalg_get(cpu_isa());
	/* The root of bilinear turns sharply at 0. */
	const double h = kinds[_i] == NET_BILINEAR ? 1.0 / 512 : 1.0 / 64;
	struct error e = no_error;
	struct data d;
	struct inputs in;
	struct net_feed f = { 0 };
	struct net *net;
	struct tape *t = tape_new(la, 1);
	struct feed_part part[4];
	struct net_shape shape = {
		.kind = kinds[_i], .C = 3, .hidden = 4, .rank = 2, .seed = 9
	};
	struct rng r;
	float *g, *along, *at, *first;
	double slope = 0, measured, loss[2];

	make(&d, &mixed, 0, 40);
	net = net_new(&shape, &d.scaling, &e);
	OK(net != NULL);
	inputs_of(&in, &d.scaling, &d);
	g = mem_array(4 * net->size, sizeof(*g));
	along = g + net->size;
	at = along + net->size;
	first = at + net->size;
	rng_seed(&r, 5);
	for (size_t k = 0; k < net->size; k++) {
		net->w[k] += (float)(0.3 * uniform(&r));
		along[k] = (float)(0.3 * uniform(&r));
	}
	memcpy(first, net->w, net->size * sizeof(*first));
	for (int side = -1; side <= 1; side++) {
		double l;

		for (size_t k = 0; k < net->size; k++)
			net->w[k] = (float)((double)first[k] +
					    side * h * (double)along[k]);
		tape_reset(t, la);
		f.n = d.ds.n;
		f.has = in.has;
		f.part = part;
		f.g = g;
		for (size_t q = 0; q < net->Q; q++) {
			net_feed_part(net, q, &in, 0, d.ds.n, &part[q]);
			if (part[q].table != NULL)
				part[q].table_g =
				    g + net->param[net->part[q].weight].at;
		}
		l = tape_loss(t, net_graph(net, t, &f, NULL), &d.truth, 0);
		if (side != 0) {
			loss[side > 0] = l;
			continue;
		}
		tape_backward(t);
		for (size_t q = 0; q < net->params; q++) {
			const struct net_param *p = &net->param[q];

			for (size_t k = 0; k < p->rows * p->cols; k++)
				slope += (double)g[p->at + k] *
					 (double)along[p->at + k];
		}
	}
	measured = (loss[1] - loss[0]) / (2 * h);
	ck_assert_msg(
	    fabs(slope - measured) <= 2e-3 * (fabs(slope) + fabs(loss[0])),
	    "%s: %g, measured %g", net_kind_name(kinds[_i]), slope, measured);
	free(g);
	tape_free(t);
	inputs_free(&in);
	net_free(net);
	unmake(&d);
}
END_TEST

static Suite *
net_suite(void)
{
	Suite *s = suite_create("net");
	TCase *c = tcase_create("training");

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, learns_xor, 0, KINDS);
	tcase_add_loop_test(c, bears_noise, 0, KINDS);
	tcase_add_loop_test(c, learns_every_task, 0, 3 * KINDS);
	tcase_add_loop_test(c, same_bytes, 0, KINDS);
	tcase_add_test(c, same_inputs);
	tcase_add_loop_test(c, resumes, 0, KINDS);
	tcase_add_test(c, touches_rows);
	tcase_add_loop_test(c, learns_absence, 0, KINDS);
	tcase_add_test(c, refuses_states);
	tcase_add_loop_test(c, refuses_shapes, 0, 5);
	tcase_add_loop_test(c, refuses_options, 0, 7);
	tcase_add_loop_test(c, refuses_infinity, 0, 3);
	suite_add_tcase(s, c);
	c = tcase_create("peers");
	tcase_add_loop_test(c, pytorch_losses, 0, 2);
	suite_add_tcase(s, c);
	c = tcase_create("scores");
	tcase_add_loop_test(c, records_apart, 0, KINDS);
	tcase_add_loop_test(c, reads_its_parts, 0, KINDS);
	tcase_add_loop_test(c, files, 0, KINDS);
	tcase_add_loop_test(c, whole_gradient, 0, KINDS);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(net_suite());
}
