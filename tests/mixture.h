#ifndef TESTS_MIXTURE_H
#define TESTS_MIXTURE_H

/*
 * A model made by hand, for tests of what is asked of models: random scalings
 * and weights over three dense parts "a", "b", "c" and one, "z", that was
 * constant in training; three linear members; a table of four sets of parts,
 * {a, b, c}, {a}, {b, c} and none.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/cpu.h"
#include "base/rng.h"
#include "fusion/predictor.h"

enum { PARTS = 4, MEMBERS = 3, SETS = 4, MOST_C = 4, MOST_D = 4 };

static const uint32_t mixture_dim[PARTS] = { 3, 2, 4, 2 };
static const uint64_t mixture_member[MEMBERS] = { 15, 1, 6 };
static const uint64_t mixture_set[SETS] = { 7, 1, 6, 0 };
static const float mixture_mix[SETS][MEMBERS] = { { 0.75f, 0.5f, -0.25f },
	{ 0, 1, 0 }, { 0.5f, 0, 1.5f }, { 1, 0, 0 } };

struct mixture {
	struct predictor p;
	double shift[PARTS][MOST_D], factor[PARTS][MOST_D];
	float weight[MEMBERS][PARTS][MOST_D * MOST_C];
	float bias[MEMBERS][MOST_C], missing[MEMBERS][PARTS * MOST_C];
	float set_shift[SETS][MOST_C], doubt[SETS][9];
	uint64_t ids[2];
};

static inline const struct linalg *
mixture_la(void)
{
	return linalg_get(cpu_isa());
}

static inline float
mixture_number(struct rng *r)
{
	return (float)(rng_double(r) * 2 - 1);
}

static inline void
mixture_table(struct mixture *m, struct rng *r)
{
	struct predictor *p = &m->p;

	p->sets = SETS;
	p->set = mem_array(SETS, sizeof(*p->set));
	for (size_t s = 0; s < SETS; s++) {
		p->set[s] = (struct part_set){ .parts = mixture_set[s],
			.mix = mixture_mix[s],
			.shift = m->set_shift[s],
			.doubt = m->doubt[s],
			.doubts = s == 3 ? 0 : 9 };
		for (size_t c = 0; c < p->C; c++)
			m->set_shift[s][c] = mixture_number(r);
		for (size_t k = 0; k < 9; k++)
			m->doubt[s][k] = (float)(k + 1) / 10;
	}
}

static inline void
mixture_members(struct mixture *m, struct rng *r)
{
	static const char *const name[] = { "all", "a", "b+c" };
	struct predictor *p = &m->p;
	struct error e = { .memory = 0 };

	p->members = MEMBERS;
	p->member = mem_array(MEMBERS, sizeof(*p->member));
	for (size_t k = 0; k < MEMBERS; k++) {
		struct member *t = &p->member[k];

		ck_assert_int_eq(
		    member_linear(t, name[k], mixture_member[k], PARTS, &e), 0);
		t->bias = m->bias[k];
		t->missing = m->missing[k];
		for (size_t q = 0; q < PARTS; q++) {
			for (size_t j = 0; j < mixture_dim[q] * p->C; j++)
				m->weight[k][q][j] = mixture_number(r);
			if (mixture_member[k] >> q & 1)
				t->weight[q] = m->weight[k][q];
		}
		for (size_t c = 0; c < p->C; c++)
			m->bias[k][c] = mixture_number(r);
		for (size_t c = 0; c < PARTS * p->C; c++)
			m->missing[k][c] = mixture_number(r);
	}
}

static inline void
mixture_make(struct mixture *m, enum task task)
{
	static const char *const class_name[] = { "w", "x", "y", "z" };
	struct predictor *p = &m->p;
	struct error e = { .memory = 0 };
	struct rng r;

	memset(m, 0, sizeof(*m));
	rng_seed(&r, 11 + (uint64_t)task);
	p->task = task;
	p->C = task == TASK_REGRESS ? 1 : MOST_C;
	p->mean = task == TASK_REGRESS ? 3 : 0;
	p->scale = task == TASK_REGRESS ? 2.5 : 1;
	p->method = mem_strndup("late", 4);
	for (size_t c = 0; task != TASK_REGRESS && c < p->C; c++)
		ck_assert_int_eq(strs_add(&p->classes, class_name[c], 1), 0);
	p->scaling.n = PARTS;
	p->scaling.part = mem_array(PARTS, sizeof(*p->scaling.part));
	for (size_t q = 0; q < PARTS; q++) {
		char name[2] = { "abcz"[q], 0 };

		ck_assert_int_eq(schema_add(&p->schema, name, PART_DENSE,
				     mixture_dim[q], NULL, NULL, &e),
		    0);
		p->scaling.part[q] = (struct scaled_part){ .kind = PART_DENSE,
			.dim = mixture_dim[q],
			.active = mixture_dim[q],
			.shift = m->shift[q],
			.factor = m->factor[q] };
		for (size_t j = 0; j < mixture_dim[q]; j++) {
			m->shift[q][j] = (double)mixture_number(&r);
			m->factor[q][j] = q < 3 ? 0.5 + rng_double(&r) : 0;
		}
	}
	scaling_look(&p->scaling);
	ck_assert_uint_eq(p->scaling.live, 7);
	mixture_members(m, &r);
	mixture_table(m, &r);
	p->ids = m->ids;
	p->groups = m->ids;
	m->ids[0] = dataset_hash_id((struct str){ "r1", 2 });
	p->nids = 1;
}

/* Record i has the parts that the bits of i say, and all of them if i >= 16. */
static inline void
mixture_batch(struct batch *b, const struct schema *s, size_t n)
{
	struct error e = { .memory = 0 };
	struct rng r;

	*b = (struct batch){ 0 };
	ck_assert_int_eq(batch_init(b, s, &e), 0);
	rng_seed(&r, 3);
	for (size_t i = 0; i < n; i++) {
		char id[16];

		snprintf(id, sizeof(id), "r%zu", i);
		ck_assert_int_eq(batch_add(b, id, strlen(id), &e), 0);
		for (size_t q = 0; q < PARTS; q++) {
			float *x =
			    i >= 16 || i >> q & 1 ? batch_dense(b, q) : NULL;

			for (size_t j = 0; j < mixture_dim[q]; j++) {
				float v = mixture_number(&r);

				if (x != NULL)
					x[j] = v;
			}
		}
	}
}

static const int mixture_map[] = { 0, 1, 2, 3 };

#endif
