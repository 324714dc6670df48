/* Shapes, options and numbers that nets refuse; their tensors in files. */
#include <unistd.h>

#include "nets.h"
#include "unit.h"

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

static Suite *
net_file_suite(void)
{
	Suite *s = suite_create("net-file");
	TCase *c = tcase_create("refused");

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, refuses_shapes, 0, 5);
	tcase_add_loop_test(c, refuses_options, 0, 7);
	tcase_add_loop_test(c, refuses_infinity, 0, 3);
	suite_add_tcase(s, c);
	c = tcase_create("files");
	tcase_add_loop_test(c, files, 0, KINDS);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(net_file_suite());
}
