/* Nets: what they learn, whole gradients, and that a record's scores depend on
 * it alone. */
#include "nets.h"
#include "unit.h"

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
	TCase *c = tcase_create("learning");

	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, learns_xor, 0, KINDS);
	tcase_add_loop_test(c, bears_noise, 0, KINDS);
	tcase_add_loop_test(c, learns_every_task, 0, 3 * KINDS);
	tcase_add_loop_test(c, learns_absence, 0, KINDS);
	suite_add_tcase(s, c);
	c = tcase_create("scores");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, reads_its_parts, 0, KINDS);
	tcase_add_loop_test(c, records_apart, 0, KINDS);
	tcase_add_loop_test(c, whole_gradient, 0, KINDS);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(net_suite());
}
