/* Models of several members, nets among them, that guess missing parts: as
 * files, whole and damaged. */
#include "base/cpu.h"
#include "base/json.h"
#include "fusion/asking.h"
#include "learning.h"
#include "unit.h"

enum { N = 48, DIM_A = 3, DIM_B = 2, C = 3, KINDS = 6 };

struct made {
	struct schema schema;
	struct batch batch;
	struct dataset ds;
	struct predictor p;
	float w[3][16 * C], bias[C], missing[3 * C], mix[3][2], shift[C];
	float *sparse, doubt[4];
	uint64_t ids[2];
};

static const int map[] = { 0, 1, 2 };

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

static void
make_records(struct made *m)
{
	struct error e = no_error;
	struct rng r;

	ck_assert_int_eq(
	    schema_add(&m->schema, "a", PART_DENSE, DIM_A, NULL, NULL, &e), 0);
	ck_assert_int_eq(
	    schema_add(&m->schema, "b", PART_DENSE, DIM_B, NULL, NULL, &e), 0);
	ck_assert_int_eq(
	    schema_add(&m->schema, "s", PART_SPARSE, 50, NULL, NULL, &e), 0);
	ck_assert_int_eq(batch_init(&m->batch, &m->schema, &e), 0);
	rng_seed(&r, 9);
	for (size_t i = 0; i < N; i++) {
		struct batch *b = &m->batch;
		char id[16];
		uint32_t *index;
		float *x, *value, f = (float)(rng_double(&r) * 2);

		snprintf(id, sizeof(id), "r%zu", i);
		ck_assert_int_eq(batch_add(b, id, strlen(id), &e), 0);
		ck_assert_int_eq(batch_label(b, &"xyz"[i % 3], 1, &e), 0);
		if (i % 5 != 1) {
			x = batch_dense(b, 0);
			for (size_t j = 0; j < DIM_A; j++)
				x[j] = f + (float)rng_double(&r) * 0.1f;
		}
		if (i % 7 != 2) {
			x = batch_dense(b, 1);
			for (size_t j = 0; j < DIM_B; j++)
				x[j] = f - (float)rng_double(&r) * 0.1f;
		}
		if (i % 3 != 0)
			continue;
		ck_assert_int_eq(batch_sparse(b, 2, 2, &index, &value), 0);
		index[0] = (uint32_t)(i % 11);
		index[1] = (uint32_t)(20 + i % 7);
		value[0] = value[1] = 1;
	}
	learning_dataset(&m->ds, &m->schema, &m->batch, TASK_CLASS, 2);
}

/* A linear model of all parts, and a net of some, mixed by the parts. */
static void
make_members(struct made *m, enum net_kind kind, uint64_t parts)
{
	struct predictor *p = &m->p;
	struct net_shape shape = { .kind = kind,
		.task = TASK_CLASS,
		.C = C,
		.hidden = 4,
		.rank = 3,
		.seed = UINT64_MAX - 7,
		.parts = parts };
	struct error e = no_error;
	struct rng r;

	rng_seed(&r, 21);
	p->members = 2;
	p->member = mem_array(2, sizeof(*p->member));
	ck_assert_int_eq(member_linear(&p->member[0], "all", 7, 3, &e), 0);
	m->sparse = mem_array(p->scaling.part[2].active * C, sizeof(float));
	for (size_t k = 0; k < p->scaling.part[2].active * C; k++)
		m->sparse[k] = (float)rng_double(&r);
	for (size_t q = 0; q < 2; q++) {
		for (size_t k = 0; k < 16 * C; k++)
			m->w[q][k] = (float)rng_double(&r);
		p->member[0].weight[q] = m->w[q];
	}
	p->member[0].weight[2] = m->sparse;
	p->member[0].bias = m->bias;
	p->member[0].missing = m->missing;
	for (size_t k = 0; k < 3 * C; k++)
		m->missing[k] = (float)rng_double(&r);
	p->member[1].kind = MEMBER_NET;
	p->member[1].name = mem_strndup("net", 3);
	p->member[1].parts = parts;
	p->member[1].net = net_new(&shape, &p->scaling, &e);
	ck_assert_msg(p->member[1].net != NULL, "%s", e.text);
	p->sets = 3;
	p->set = mem_array(3, sizeof(*p->set));
	for (size_t s = 0; s < 3; s++) {
		p->set[s] = (struct part_set){ .parts = s == 0 ? 7 : s + 1,
			.mix = m->mix[s],
			.shift = m->shift,
			.doubt = m->doubt,
			.doubts = 4 };
		m->mix[s][0] = s == 1 ? 0 : 0.5f;
		m->mix[s][1] = s == 2 ? 0 : 1.5f;
	}
	for (size_t k = 0; k < 4; k++)
		m->doubt[k] = (float)k / 4;
}

static void
make(
    struct made *m, enum net_kind kind, uint64_t parts, enum impute_kind impute)
{
	struct predictor *p = &m->p;
	struct error e = no_error;
	struct rows all;

	memset(m, 0, sizeof(*m));
	make_records(m);
	all = dataset_rows(&m->ds);
	ck_assert_int_eq(dataset_scale(best(), NULL, &m->ds, &all, &e), 0);
	p->task = TASK_CLASS;
	p->C = C;
	p->scale = 1;
	for (size_t c = 0; c < C; c++)
		ck_assert_int_eq(strs_add(&p->classes, &"xyz"[c], 1), 0);
	ck_assert_int_eq(schema_copy(&p->schema, &m->schema, &e), 0);
	ck_assert_int_eq(scaling_take(&p->scaling, &m->ds, &e), 0);
	ck_assert_uint_eq(p->scaling.live, 7);
	p->method = mem_strndup("ensemble", 8);
	make_members(m, kind, parts);
	p->ids = p->groups = m->ids;
	p->nids = 2;
	m->ids[0] = 5;
	m->ids[1] = 9;
	if (impute == IMPUTE_NONE)
		return;
	p->impute =
	    impute_learn(impute, best(), NULL, &m->ds, &p->scaling, &all, &e);
	ck_assert_msg(p->impute != NULL, "%s", e.text);
}

static void
unmake(struct made *m)
{
	predictor_free(&m->p);
	dataset_free(&m->ds);
	batch_free(&m->batch);
	schema_free(&m->schema);
	free(m->sparse);
}

static float *
scores(const struct predictor *p, const struct batch *b, size_t step,
    uint64_t keep, uint64_t *filled)
{
	struct error e = no_error;
	struct predictor_room *room = predictor_room_new(p, &e);
	float *F = mem_array(b->n * p->C, sizeof(*F));

	ck_assert_msg(room != NULL, "%s", e.text);
	for (size_t i = 0; i < b->n; i += step) {
		size_t n = b->n - i < step ? b->n - i : step;

		ck_assert_msg(predictor_scores(p, best(), b, map, i, n, keep,
				  F + i * p->C, room, &e) == 0,
		    "%s", e.text);
		if (filled != NULL)
			memcpy(filled + i, predictor_filled(room),
			    n * sizeof(*filled));
	}
	predictor_room_free(room);
	return F;
}

static const uint64_t net_parts[] = { 7, 3, 1, 4 };

/* Every kind, of all parts and of some, is the same from its file, for all
 * ways to cut the records. */
START_TEST(members_are_loaded_as_they_were)
{
	struct made m;
	struct predictor p;
	struct error e = no_error;
	uint64_t parts = net_parts[_i / KINDS], filled[N], again[N];
	float *a, *b, *x, *y;
	struct predictor_room *room;
	size_t V;

	make(
	    &m, (enum net_kind)(_i % KINDS), parts, (enum impute_kind)(_i % 3));
	ck_assert_msg(predictor_save(&m.p, "m.model", &e) == 0, "%s", e.text);
	ck_assert_msg(predictor_load(&p, "m.model", &e) == 0, "%s", e.text);
	ck_assert_uint_eq(p.member[1].parts, parts);
	ck_assert_uint_eq(net_shape(p.member[1].net)->seed, UINT64_MAX - 7);
	ck_assert_str_eq(p.method, "ensemble");
	ck_assert_int_eq(impute_kind(p.impute), _i % 3);
	for (uint64_t keep = 0; keep < 8; keep++) {
		a = scores(&m.p, &m.batch, N, keep, filled);
		for (size_t step = 1; step < N; step += 6) {
			b = scores(&p, &m.batch, step, keep, again);
			ck_assert_mem_eq(a, b, N * C * sizeof(*a));
			ck_assert_mem_eq(filled, again, sizeof(filled));
			free(b);
		}
		free(a);
	}
	V = predictor_vector_size(&m.p);
	ck_assert_uint_eq(V, net_hidden_size(m.p.member[1].net));
	ck_assert_uint_eq(V, predictor_vector_size(&p));
	x = mem_array(N * V, sizeof(*x));
	y = mem_array(N * V, sizeof(*y));
	room = predictor_room_new(&m.p, &e);
	ck_assert_int_eq(
	    predictor_vector(&m.p, best(), &m.batch, map, 0, N, x, room, &e),
	    0);
	predictor_room_free(room);
	room = predictor_room_new(&p, &e);
	for (size_t i = 0; i < N; i++)
		ck_assert_int_eq(predictor_vector(&p, best(), &m.batch, map, i,
				     1, y + i * V, room, &e),
		    0);
	ck_assert_mem_eq(x, y, N * V * sizeof(*x));
	predictor_room_free(room);
	free(x);
	free(y);
	predictor_free(&p);
	unmake(&m);
}
END_TEST

/* With guesses, dense parts that lack are there, and named. */
START_TEST(guesses_are_named)
{
	struct made m;
	struct question q = { 0 };
	struct error e = no_error;
	struct asking *a;
	uint64_t filled[N];
	float *F, *G;

	make(&m, NET_MLP, 7, IMPUTE_RIDGE);
	F = scores(&m.p, &m.batch, N, ~UINT64_C(0), filled);
	a = asking_new(&m.p, best(), NULL, &m.schema, &q, &e);
	ck_assert_int_eq(asking_batch(a, &m.batch, &e), 0);
	for (size_t i = 0; i < N; i++) {
		uint64_t has = (uint64_t)(i % 5 != 1) |
			       (uint64_t)(i % 7 != 2) << 1 |
			       (uint64_t)(i % 3 == 0) << 2;
		struct answer t;
		struct error why;

		ck_assert_uint_eq(filled[i], has == 0 ? 0 : 3 & ~has);
		asking_answer(a, i, &t, &why);
		ck_assert_uint_eq(t.filled, filled[i]);
	}
	asking_free(a);
	/* predictor_mix guesses in a copy. */
	{
		struct predictor_room *room = predictor_room_new(&m.p, &e);
		struct inputs in;

		G = mem_array(N * C, sizeof(*G));
		ck_assert_int_eq(inputs_init(&in, &m.p.scaling, &e), 0);
		ck_assert_int_eq(
		    inputs_batch(&in, &m.batch, map, 0, N, ~UINT64_C(0), &e),
		    0);
		ck_assert_int_eq(
		    predictor_mix(&m.p, best(), &in, G, room, &e), 0);
		ck_assert_mem_eq(F, G, N * C * sizeof(*F));
		ck_assert_uint_eq(in.has[1] & 1, 0);
		inputs_free(&in);
		predictor_room_free(room);
	}
	free(F);
	free(G);
	unmake(&m);
}
END_TEST

/* Shares sum to the log-odds of what is said; who is missing has none, guessed
 * or not. */
START_TEST(shares_sum_to_the_log_odds)
{
	struct made m;
	struct question q = { .asked = ANSWER_WHY };
	struct error e = no_error;
	struct asking *a;
	float *F;
	size_t guessed = 0;

	make(
	    &m, (enum net_kind)(_i % KINDS), 7, (enum impute_kind)(_i / KINDS));
	F = scores(&m.p, &m.batch, N, ~UINT64_C(0), NULL);
	a = asking_new(&m.p, best(), NULL, &m.schema, &q, &e);
	ck_assert_int_eq(asking_batch(a, &m.batch, &e), 0);
	for (size_t i = 0; i < N; i++) {
		struct answer t;
		struct error why;
		const float *f = F + i * C;
		double sum, odds = 0;
		size_t at, said;

		asking_answer(a, i, &t, &why);
		ck_assert_uint_eq(
		    batch_range(t.why->end, t.why_record, &at), 1);
		said = loss_best(t.P, C);
		ck_assert_uint_eq(t.why->output[at], said);
		sum = t.why->base[at];
		for (size_t k = 0; k < 3; k++) {
			double share = t.why->share[at * 3 + k];

			sum += share;
			if (!m.batch.parts[k].mask[i])
				ck_assert_double_eq(share, 0);
		}
		for (size_t c = 0; c < C; c++)
			if (c != said)
				odds += exp((double)f[c] - (double)f[said]);
		ck_assert_double_eq_tol(sum, -log(odds), 1e-9);
		guessed += t.filled != 0;
	}
	ck_assert_int_eq(guessed > 0, _i >= KINDS);
	asking_free(a);
	free(F);
	unmake(&m);
}
END_TEST

/* ---- damage ---- */

/* Save m.model with other tensors; loading it must fail and name what. */
static void
refused(const struct tensor *t, size_t n, const char *config, const char *want)
{
	struct predictor p;
	struct error e = no_error;

	ck_assert_msg(
	    model_save("bad.model", config, t, n, &e) == 0, "%s", e.text);
	ck_assert_msg(predictor_load(&p, "bad.model", &e) == -1, "%s", want);
	ck_assert_msg(strstr(e.text, "'bad.model'") != NULL &&
			  strstr(e.text, want) != NULL,
	    "'%s' is not in: %s", want, e.text);
}

/* Every tensor: without it, cut, of another type, with a number that is not
 * finite. */
START_TEST(every_tensor_is_checked)
{
	struct made m;
	struct model f;
	struct tensor *t;
	struct error e = no_error;
	size_t floats = 0;

	make(&m, (enum net_kind)_i, 7, IMPUTE_RIDGE);
	ck_assert_int_eq(predictor_save(&m.p, "m.model", &e), 0);
	ck_assert_int_eq(model_open(&f, "m.model", &e), 0);
	t = mem_array(f.n, sizeof(*t));
	ck_assert_uint_gt(f.n, 20);
	for (size_t k = 0; k < f.n; k++) {
		struct tensor *d = &t[k];
		char *copy = mem_array(1, f.tensors[k].bytes + 8);
		size_t size = tensor_size(f.tensors[k].type);

		memcpy(t, f.tensors, f.n * sizeof(*t));
		memcpy(copy, d->data, d->bytes);
		d->data = copy;
		/* Not there. */
		t[k] = t[f.n - 1];
		refused(t, f.n - 1, f.config, f.tensors[k].name);
		memcpy(t, f.tensors, f.n * sizeof(*t));
		d->data = copy;
		/* Of another type. */
		d->type = d->type == TENSOR_F32 ? TENSOR_U32 : TENSOR_F32;
		d->shape[0] *= size / 4;
		refused(t, f.n, f.config, d->name);
		*d = f.tensors[k];
		d->data = copy;
		/* Not finite. */
		if (d->bytes > 0 &&
		    (d->type == TENSOR_F32 || d->type == TENSOR_F64)) {
			memset(copy + d->bytes - size, 0xff, size);
			refused(t, f.n, f.config, d->name);
			memcpy(copy, f.tensors[k].data, d->bytes);
			floats++;
		}
		/* Cut; lists of any length are fine when they are shorter. */
		if (d->shape[0] > 0 && strstr(d->name, ".doubt") == NULL &&
		    strncmp(d->name, "train.", 6) != 0) {
			d->shape[0]--;
			/* A shorter part s is found first where it is read. */
			refused(t, f.n, f.config,
			    strcmp(d->name, "part.s.column") == 0 ? "part.s.idf"
								  : d->name);
		}
		free(copy);
	}
	ck_assert_uint_gt(floats, 15);
	free(t);
	model_close(&f);
	unmake(&m);
}
END_TEST

/* The configuration with one text in place of another. */
static void
reworded(
    const struct model *f, const char *from, const char *to, const char *want)
{
	const char *at = strstr(f->config, from);
	struct buf b = { 0 };

	ck_assert_msg(at != NULL, "no %s in %s", from, f->config);
	ck_assert_int_eq(buf_put(&b, f->config, (size_t)(at - f->config)), 0);
	ck_assert_int_eq(buf_puts(&b, to), 0);
	ck_assert_int_eq(buf_puts(&b, at + strlen(from)), 0);
	ck_assert_int_eq(buf_putc(&b, '\0'), 0);
	refused(f->tensors, f->n, b.data, want);
	buf_free(&b);
}

START_TEST(the_configuration_is_checked_against_the_tensors)
{
	static const char *const net[KINDS] = { "mlp", "gated", "lowrank",
		"tensor", "bilinear", "attention" };
	struct made m;
	struct model f;
	struct error e = no_error;
	char kind[32];

	make(&m, (enum net_kind)_i, 7, IMPUTE_RIDGE);
	ck_assert_int_eq(predictor_save(&m.p, "m.model", &e), 0);
	ck_assert_int_eq(model_open(&f, "m.model", &e), 0);
	snprintf(kind, sizeof(kind), "\"kind\":\"%s\"", net[_i]);
	for (int k = 0; k < KINDS; k++) {
		char other[32];

		snprintf(other, sizeof(other), "\"kind\":\"%s\"", net[k]);
		if (k != _i)
			reworded(&f, kind, other, "member.1.net.");
	}
	reworded(&f, "\"hidden\":4", "\"hidden\":5", "member.1.net.");
	/* What sizes ask for is not taken before the arrays are there. */
	reworded(&f, "\"hidden\":4", "\"hidden\":1048576", "");
	reworded(&f, "\"hidden\":4", "\"hidden\":-1", "configuration");
	reworded(&f, "\"hidden\":4", "\"hidden\":4.5", "configuration");
	if (_i == NET_LOWRANK || _i == NET_BILINEAR || _i == NET_ATTENTION)
		reworded(&f, "\"rank\":3", "\"rank\":2", "member.1.net.");
	reworded(&f, "\"rank\":3", "\"rank\":1048576", "");
	reworded(&f, "\"name\":\"net\",\"net\":", "\"name\":\"net\",\"nut\":",
	    "kind, name or net is missing");
	reworded(&f, "\"impute\":\"ridge\"", "\"impute\":\"best\"",
	    "unknown imputation 'best'");
	reworded(&f, "\"dim\":3,\"kind\":\"dense\"",
	    "\"dim\":4,\"kind\":\"dense\"", "part.a.");
	reworded(&f, "\"dim\":50", "\"dim\":5", "part.s.column");
	reworded(&f, "\"classes\":[\"x\",\"y\",\"z\"]",
	    "\"classes\":[\"x\",\"y\"]", "shape[");
	reworded(&f, "{\"parts\":[\"b\"]}", "{\"parts\":[\"a\",\"b\",\"s\"]}",
	    "sets 0 and 1 are the same");
	reworded(&f, "\"task\":\"class\"", "\"task\":\"regress\"", "");
	model_close(&f);
	unmake(&m);
}
END_TEST

/* Doubts must rise from 0, and columns and hashes in their order. */
START_TEST(lists_are_in_order)
{
	static const char *const name[] = { "set.0.doubt", "set.2.doubt",
		"part.s.column", "train.ids" };
	struct made m;
	struct predictor p;
	struct model f;
	struct error e = no_error;

	make(&m, NET_GATED, 7, IMPUTE_MEAN);
	ck_assert_int_eq(predictor_save(&m.p, "m.model", &e), 0);
	ck_assert_int_eq(model_open(&f, "m.model", &e), 0);
	for (size_t k = 0; k < 4; k++)
		for (size_t i = 0; i < f.n; i++) {
			size_t n = f.tensors[i].bytes, size;
			const void *old = f.tensors[i].data;
			char *turned = mem_array(1, n + 1);

			size = tensor_size(f.tensors[i].type);
			for (size_t j = 0; j < n; j++)
				turned[j] = ((const char *)
					old)[n - size - j / size * size +
					     j % size];
			f.tensors[i].data = turned;
			if (strcmp(f.tensors[i].name, name[k]) == 0)
				refused(f.tensors, f.n, f.config, name[k]);
			f.tensors[i].data = old;
			free(turned);
		}
	model_close(&f);
	m.doubt[0] = -0.5f;
	ck_assert_int_eq(predictor_save(&m.p, "m.model", &e), 0);
	ck_assert_int_eq(predictor_load(&p, "m.model", &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "does not rise from 0"));
	unmake(&m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("members");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, members_are_loaded_as_they_were, 0, 4 * KINDS);
	tcase_add_test(t, guesses_are_named);
	tcase_add_loop_test(t, shares_sum_to_the_log_odds, 0, 3 * KINDS);
	tcase_add_loop_test(t, every_tensor_is_checked, 0, KINDS);
	tcase_add_loop_test(
	    t, the_configuration_is_checked_against_the_tensors, 0, KINDS);
	tcase_add_test(t, lists_are_in_order);
	suite_add_tcase(s, t);
	return unit_main(s);
}
