/* Training nets: threads, instruction sets and interruptions change no byte;
 * rows of tables; PyTorch's losses. */
#include "nets.h"
#include "unit.h"

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

static Suite *
net_run_suite(void)
{
	Suite *s = suite_create("net-run");
	TCase *c = tcase_create("bytes");

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, same_bytes, 0, KINDS);
	tcase_add_test(c, same_inputs);
	tcase_add_loop_test(c, resumes, 0, KINDS);
	tcase_add_test(c, refuses_states);
	tcase_add_test(c, touches_rows);
	suite_add_tcase(s, c);
	c = tcase_create("peers");
	tcase_add_loop_test(c, pytorch_losses, 0, 2);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(net_run_suite());
}
