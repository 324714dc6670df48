/* Predictors: what is saved is what was learnt; hostile files; binding;
 * searching. */
#include <unistd.h>

#include "base/cpu.h"
#include "base/io.h"
#include "fusion/answers.h"
#include "fusion/trainer.h"
#include "learning.h"
#include "unit.h"

static const struct linalg *
best(void)
{
	return linalg_get(cpu_isa());
}

struct made {
	struct schema schema;
	struct batch batch;
	struct dataset ds;
	struct trainer t;
};

static void
make(struct made *m, enum task task, size_t n, int holes, const uint32_t *order,
    int cross_validate)
{
	struct error e = no_error;

	memset(m, 0, sizeof(*m));
	learning_schema(&m->schema);
	learning_batch(
	    &m->batch, &m->schema, order, n, holes, task == TASK_MULTILABEL);
	learning_dataset(&m->ds, &m->schema, &m->batch, task, 3);
	m->t.search = (struct search_options){
		.lambda = NAN, .class_weight = CLASS_AUTO, .tolerance = 1e-3
	};
	m->t.cross_validate = cross_validate;
	m->t.tolerance = 1e-6;
	m->t.no_backoff = !cross_validate;
	ck_assert_msg(
	    trainer_run(&m->t, best(), NULL, &m->ds, &m->schema, &e) == 0, "%s",
	    e.text);
}

static void
unmake(struct made *m)
{
	trainer_free(&m->t);
	dataset_free(&m->ds);
	batch_free(&m->batch);
	schema_free(&m->schema);
}

static float *
scores(const struct predictor *p, const struct batch *b, size_t step)
{
	float *F = mem_array(b->n * p->C, sizeof(*F));
	struct error e = no_error;
	struct predictor_room *room = predictor_room_new(p, &e);
	int map[8];

	ck_assert_msg(room != NULL, "%s", e.text);

	ck_assert_msg(predictor_bind(p, b->schema, map, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < b->n; i += step)
		ck_assert_msg(predictor_scores(p, best(), b, map, i,
				  b->n - i < step ? b->n - i : step,
				  ~UINT64_C(0), F + i * p->C, room, &e) == 0,
		    "%s", e.text);
	predictor_room_free(room);
	return F;
}

START_TEST(predictor_scores_what_the_solver_learnt)
{
	struct made m;
	float *F;
	double worst = 0;

	make(&m, (enum task)_i, 90, 1, NULL, 0);
	F = scores(&m.t.predictor, &m.batch, 32);
	/* The same from the scaled rows and the weights. */
	for (size_t r = 0; r < m.ds.n; r++) {
		struct str id;
		size_t i = 0, C = m.ds.C;

		do
			id = strs_get(&m.batch.id, i++);
		while (dataset_hash_id(id) != m.ds.id_hash[r]);
		for (size_t c = 0; c < C; c++) {
			const struct member *one = &m.t.predictor.member[0];
			double f = (double)one->bias[c];

			for (size_t p = 0; p < m.ds.parts; p++) {
				const struct feature *x = &m.ds.feature[p];
				const float *W = one->weight[p];

				if (!x->mask[r])
					f += (double)one->missing[p * C + c];
				for (size_t j = 0;
				     x->kind == PART_DENSE && j < x->dim; j++)
					f += (double)x->x[r * x->dim + j] *
					     (double)W[j * C + c];
				for (size_t k = 0;
				     x->kind == PART_SPARSE && k < x->count[r];
				     k++) {
					size_t at = x->start[r] + k;
					size_t j = x->index[at];

					f += (double)x->value[at] *
					     (double)x->idf[j] *
					     (double)x->inverse[r] *
					     (double)W[j * C + c];
				}
			}
			f -= (double)F[(i - 1) * C + c];
			worst = fabs(f) > worst ? fabs(f) : worst;
		}
	}
	ck_assert_double_lt(worst, 1e-4);
	free(F);
	unmake(&m);
}
END_TEST

/* Labels by chance: a rate of .15. */
static const float CHANCE[] = { 0.09f, 0.02f, 0.04f };

START_TEST(chance_is_mixed_in)
{
	struct made m;
	float *a, *b;

	make(&m, TASK_CLASS, 60, 1, NULL, 0);
	ck_assert_uint_eq(m.ds.C, 3);
	m.t.predictor.set[0].chance = NULL;
	a = scores(&m.t.predictor, &m.batch, 60);
	predictor_link(&m.t.predictor, best(), a, 60);
	m.t.predictor.set[0].chance = CHANCE;
	b = scores(&m.t.predictor, &m.batch, 7);
	predictor_link(&m.t.predictor, best(), b, 60);
	for (size_t i = 0; i < 60 * 3; i++)
		ck_assert_double_eq_tol((double)b[i],
		    0.85 * (double)a[i] + (double)CHANCE[i % 3], 1e-6);
	m.t.predictor.set[0].chance = NULL;
	free(a);
	free(b);
	unmake(&m);
}
END_TEST

START_TEST(saved_and_loaded_predict_the_same_bytes)
{
	struct made m;
	struct predictor p;
	struct error e = no_error;
	float *a, *b;

	make(&m, (enum task)_i, 60, 1, NULL, 0);
	if (_i == TASK_CLASS)
		m.t.predictor.set[0].chance = CHANCE;
	ck_assert_msg(
	    predictor_save(&m.t.predictor, "m.model", &e) == 0, "%s", e.text);
	ck_assert_msg(predictor_load(&p, "m.model", &e) == 0, "%s", e.text);
	a = scores(&m.t.predictor, &m.batch, 60);
	b = scores(&p, &m.batch, 7);
	ck_assert_mem_eq(a, b, 60 * p.C * sizeof(*a));
	predictor_link(&m.t.predictor, best(), a, 60);
	predictor_link(&p, best(), b, 60);
	ck_assert_mem_eq(a, b, 60 * p.C * sizeof(*a));
	ck_assert(
	    predictor_knows(&p, (struct str){ "r3", 2 }, (struct str){ 0 }));
	ck_assert(predictor_knows(
	    &p, (struct str){ "new", 3 }, (struct str){ "g1", 2 }));
	ck_assert(!predictor_knows(
	    &p, (struct str){ "g1", 2 }, (struct str){ "r3", 2 }));
	free(a);
	free(b);
	predictor_free(&p);
	unmake(&m);
}
END_TEST

/* As of before there was chance. */
START_TEST(version_2_is_read)
{
	struct made m;
	struct predictor p;
	struct model file;
	struct error e = no_error;
	char *config, *version;

	make(&m, TASK_CLASS, 30, 0, NULL, 0);
	ck_assert_int_eq(predictor_save(&m.t.predictor, "m.model", &e), 0);
	ck_assert_int_eq(model_open(&file, "m.model", &e), 0);
	config = mem_strndup(file.config, strlen(file.config));
	version = strstr(config, "\"version\":3");
	ck_assert_ptr_nonnull(version);
	version[strlen("\"version\":")] = '2';
	ck_assert_int_eq(
	    model_save("old.model", config, file.tensors, file.n, &e), 0);
	ck_assert_msg(predictor_load(&p, "old.model", &e) == 0, "%s", e.text);
	ck_assert_uint_eq(p.sets, m.t.predictor.sets);
	predictor_free(&p);
	model_close(&file);
	free(config);
	unmake(&m);
}
END_TEST

START_TEST(order_of_records_does_not_matter)
{
	struct made m[2];
	struct error e = no_error;
	struct buf file[2] = { { 0 } };
	uint32_t order[60];
	struct rng r;

	for (uint32_t i = 0; i < 60; i++)
		order[i] = i;
	rng_seed(&r, 8);
	rng_shuffle(&r, order, 60);
	for (int k = 0; k < 2; k++) {
		make(&m[k], (enum task)_i, 60, 1, k == 0 ? NULL : order, 1);
		ck_assert_int_eq(
		    predictor_save(&m[k].t.predictor, "m.model", &e), 0);
		ck_assert_int_eq(
		    io_read_file("m.model", 1 << 24, &file[k], &e), 0);
	}
	ck_assert_uint_eq(file[0].len, file[1].len);
	ck_assert_mem_eq(file[0].data, file[1].data, file[0].len);
	for (int k = 0; k < 2; k++) {
		buf_free(&file[k]);
		unmake(&m[k]);
	}
}
END_TEST

START_TEST(searching_finds_what_helps)
{
	struct made m;
	const struct search_trial *best_trial;
	double given[2] = { 3, 1 };
	struct error e = no_error;

	make(&m, TASK_CLASS, 120, 0, NULL, 1);
	ck_assert_uint_gt(m.t.tried.n, 10);
	best_trial = &m.t.tried.trials[m.t.tried.best];
	for (size_t i = 0; i < m.t.tried.n; i++) {
		const struct search_trial *t = &m.t.tried.trials[i];

		ck_assert_double_le(t->score.value, best_trial->score.value);
		ck_assert_double_eq_tol(
		    t->part_weight[0] + t->part_weight[1], 1, 1e-12);
	}
	ck_assert_double_gt(best_trial->score.accuracy, 0.8);
	trainer_free(&m.t);
	memset(&m.t, 0, sizeof(m.t));
	m.t.search = (struct search_options){ .lambda = 0.02,
		.part_weight = given,
		.class_weight = CLASS_NONE,
		.tolerance = 1e-3 };
	m.t.cross_validate = 1;
	m.t.tolerance = 1e-6;
	ck_assert_msg(
	    trainer_run(&m.t, best(), NULL, &m.ds, &m.schema, &e) == 0, "%s",
	    e.text);
	for (size_t i = 0; i < m.t.tried.n; i++) {
		ck_assert_double_eq(m.t.tried.trials[i].lambda, 0.02);
		ck_assert_double_eq_tol(
		    m.t.tried.trials[i].part_weight[0], 0.75, 1e-12);
		ck_assert_int_eq(m.t.tried.trials[i].class_weight, CLASS_NONE);
	}
	unmake(&m);
}
END_TEST

START_TEST(binding_names_what_differs)
{
	static const struct {
		const char *name;
		enum part_kind kind;
		uint32_t dim;
		const char *space, *want;
	} bad[] = {
		{ "x", PART_DENSE, DIM_D, NULL, "does not know part 'x'" },
		{ "d", PART_DENSE, 8, NULL, "part 'd'" },
		{ "d", PART_SPARSE, DIM_D, NULL, "part 'd'" },
	};
	struct made m;
	struct error e = no_error;
	int map[2];

	make(&m, TASK_CLASS, 30, 0, NULL, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct schema s = { 0 };

		ck_assert_int_eq(schema_add(&s, bad[i].name, bad[i].kind,
				     bad[i].dim, bad[i].space, NULL, &e),
		    0);
		ck_assert_int_eq(
		    predictor_bind(&m.t.predictor, &s, map, &e), -1);
		ck_assert_msg(
		    strstr(e.text, bad[i].want) != NULL, "%s", e.text);
		schema_free(&s);
	}
	/* One part of two is enough; the other is missing. */
	{
		struct schema s = { 0 };

		ck_assert_int_eq(
		    schema_add(&s, "s", PART_SPARSE, DIM_S, NULL, NULL, &e), 0);
		ck_assert_int_eq(
		    predictor_bind(&m.t.predictor, &s, map, &e), 0);
		ck_assert_int_eq(map[0], -1);
		ck_assert_int_eq(map[1], 0);
		schema_free(&s);
	}
	unmake(&m);
}
END_TEST

/* Save the model again with the configuration changed, or of one tensor its
 * first value (shape 0; 2: all bits set) or its shape (1). */
static void
tamper(const char *tensor, int shape, float value, const char *config,
    const char *want)
{
	struct predictor p;
	struct model m;
	struct error e = no_error;
	struct tensor *t;
	float *copy = NULL;

	ck_assert_msg(model_open(&m, "m.model", &e) == 0, "%s", e.text);
	t = mem_array(m.n, sizeof(*t));
	memcpy(t, m.tensors, m.n * sizeof(*t));
	for (size_t i = 0; tensor != NULL && i < m.n; i++) {
		if (strcmp(t[i].name, tensor) != 0)
			continue;
		copy = mem_array(1, t[i].bytes);
		memcpy(copy, t[i].data, t[i].bytes);
		if (shape == 2)
			memset(copy, 0xff, 8);
		else if (shape == 1)
			t[i].shape[0]--;
		else
			memcpy(copy, &value, sizeof(value));
		t[i].data = copy;
	}
	ck_assert(tensor == NULL || copy != NULL);
	ck_assert_msg(model_save("bad.model",
			  config != NULL ? config : m.config, t, m.n, &e) == 0,
	    "%s", e.text);
	ck_assert_int_eq(predictor_load(&p, "bad.model", &e), -1);
	ck_assert_msg(
	    strstr(e.text, want) != NULL, "'%s' in: %s", want, e.text);
	free(t);
	free(copy);
	model_close(&m);
}

START_TEST(hostile_models_are_refused)
{
	static const struct {
		const char *config, *want;
	} bad[] = {
		{ "{}", "are missing" },
		{ "{\"kind\":\"scaler\"}", "not a model of train" },
		{ "{\"kind\":\"predictor\",\"version\":1}",
		    "a model of an earlier vecpipe (version 1): train anew" },
		{ "{\"kind\":\"predictor\",\"version\":4}", "needs version 4" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"guess\"}",
		    "unknown task 'guess'" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"impute\":\"magic\"}",
		    "unknown imputation 'magic'" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"parts\":[{\"name\":\"d\",\"kind\":\"dense\"}]}",
		    "a part without kind or dim" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"parts\":[{\"name\":\"d\",\"kind\":\"cube\",\"dim\":2}]}",
		    "unknown kind of part 'cube'" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}]}",
		    "members or sets are missing" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\"],\"parts\":[{\"name\":\"d\",\"kind\":"
		  "\"dense\",\"dim\":7}],\"members\":[],\"sets\":[]}",
		    "too few classes" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[],\"sets\":[]}",
		    "0 members, 0 sets" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"oracle\"}],\"sets\":[{}]}",
		    "unknown kind of member 'oracle'" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"parts\":[\"q\"]}],\"sets\":[{}]"
		  "}",
		    "unknown part 'q'" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"linear\"}],\"sets\":[{}]}",
		    "kind, name or net is missing" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"net\",\"name\":\"x\",\"parts\":[\"d\"]}],\"sets\":[{}]}",
		    "kind, name or net is missing" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"net\":{\"kind\":\"mlp\"}}],"
		  "\"sets\":[{}]}",
		    "kind, name or net is missing" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"net\",\"name\":\"x\",\"net\":{\"kind\":\"oracle\"}}],"
		  "\"sets\":[{}]}",
		    "unknown kind of net 'oracle'" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"net\",\"name\":\"x\",\"net\":{\"seed\":\"12x\"}}],"
		  "\"sets\":[{}]}",
		    "seed: not a number" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"parts\":[\"d\"]}],\"sets\":[{}]"
		  "}",
		    "set 0: parts are missing" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"parts\":[\"d\"]}],\"sets\":[{"
		  "\"parts\":[]},{\"parts\":[]}]}",
		    "sets 0 and 1 are the same" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":9}],\"members\":[{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"parts\":[\"d\"]}],\"sets\":[{"
		  "\"parts\":[]}]}",
		    "part.d.shift" },
		{ "{\"kind\":\"predictor\",\"version\":2,\"task\":\"class\","
		  "\"classes\":[\"a\",\"b\",\"c\"],\"parts\":[{\"name\":\"d\","
		  "\"kind\":\"dense\",\"dim\":7}],\"members\":[{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"parts\":[\"d\"]},{\"kind\":"
		  "\"linear\",\"name\":\"x\",\"parts\":[\"d\"]}],\"sets\":[{"
		  "\"parts\":[]}]}",
		    "tensor 'member.0.missing'" },
	};
	struct made m;
	struct error e = no_error;

	make(&m, TASK_CLASS, 30, 0, NULL, 0);
	m.t.predictor.set[0].chance = CHANCE;
	ck_assert_int_eq(predictor_save(&m.t.predictor, "m.model", &e), 0);
	tamper("member.0.bias", 0, NAN, NULL,
	    "tensor 'member.0.bias': a number is not finite");
	tamper("member.0.bias", 1, 0, NULL, "member.0.bias");
	tamper("member.0.missing", 1, 0, NULL, "member.0.missing");
	tamper("member.0.missing", 0, NAN, NULL, "member.0.missing");
	tamper("member.0.d.weight", 0, INFINITY, NULL,
	    "tensor 'member.0.d.weight': a number is not finite");
	tamper("member.0.d.weight", 1, 0, NULL, "member.0.d.weight");
	tamper("member.0.s.weight", 1, 0, NULL, "member.0.s.weight");
	tamper("part.d.shift", 1, 0, NULL, "part.d.shift");
	tamper("part.d.factor", 1, 0, NULL, "part.d.factor");
	tamper("part.d.factor", 2, 0, NULL, "part.d.factor");
	tamper("part.s.idf", 0, NAN, NULL, "part.s.idf");
	tamper("part.s.idf", 1, 0, NULL, "part.s.idf");
	/* 1.0f is a large number as a column. */
	tamper("part.s.column", 0, 1.0f, NULL, "columns do not rise");
	tamper("set.0.mix", 0, NAN, NULL, "set.0.mix");
	tamper("set.0.shift", 0, NAN, NULL, "set.0.shift");
	tamper("set.0.shift", 1, 0, NULL, "set.0.shift");
	tamper("set.0.chance", 1, 0, NULL, "set.0.chance");
	tamper("set.0.chance", 0, NAN, NULL, "set.0.chance");
	tamper("set.0.chance", 0, 0, NULL, "not all above 0");
	tamper("set.0.chance", 0, 0.95f, NULL, "sum not below 1");
	tamper("train.ids", 2, 0, NULL, "train.ids");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tamper(NULL, 0, 0, bad[i].config, bad[i].want);
	unmake(&m);
}
END_TEST

START_TEST(lines_say_what_is_known)
{
	struct made m;
	struct buf out = { 0 };
	int map[2];
	float P[3] = { 0.25f, 0.25f, 0.5f };
	struct error e = no_error;
	struct answer a = { .batch = &m.batch, .map = map, .P = P };

	make(&m, TASK_CLASS, 31, 1, NULL, 0);
	ck_assert_int_eq(predictor_bind(&m.t.predictor, &m.schema, map, &e), 0);
	a.predictor = &m.t.predictor;
	a.record = 7; /* lacks the dense part */
	a.most = 2;
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	buf_putc(&out, '\0');
	ck_assert_str_eq(out.data,
	    "{\"id\":\"r7\",\"label\":\"cedar\",\"p\":0.5,\"truth\":\"beech\","
	    "\"group\":\"g3\",\"train\":true,\"missing\":[\"d\"],"
	    "\"probs\":{\"cedar\":0.5,\"ash\":0.25}}\n");
	out.len = 0;
	a.P = NULL;
	a.error = "d: cut";
	ck_assert_int_eq(answer_jsonl(&out, &a), 0);
	ck_assert_int_eq(answer_tsv(&out, &a), 0);
	buf_putc(&out, '\0');
	ck_assert_str_eq(out.data,
	    "{\"id\":\"r7\",\"label\":null,\"truth\":\"beech\","
	    "\"group\":\"g3\",\"train\":true,\"error\":\"d: cut\"}\n"
	    "r7\t\t\tbeech\td: cut\n");
	buf_free(&out);
	unmake(&m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("predictor");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, predictor_scores_what_the_solver_learnt, 0, 3);
	tcase_add_loop_test(t, saved_and_loaded_predict_the_same_bytes, 0, 3);
	tcase_add_test(t, chance_is_mixed_in);
	tcase_add_test(t, version_2_is_read);
	tcase_add_loop_test(t, order_of_records_does_not_matter, 0, 3);
	tcase_add_test(t, searching_finds_what_helps);
	tcase_add_test(t, binding_names_what_differs);
	tcase_add_test(t, hostile_models_are_refused);
	tcase_add_test(t, lines_say_what_is_known);
	suite_add_tcase(s, t);
	return unit_main(s);
}
