/*
 * The predictor from what was learnt.
 */
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"
#include "learn/scale.h"

void *
trainer_own(struct trainer *t, void *p)
{
	if (p == NULL || mem_grow(&t->owned, &t->owned_cap, t->nowned + 1,
			     sizeof(*t->owned)) < 0) {
		free(p);
		return NULL;
	}
	t->owned[t->nowned++] = p;
	return p;
}

static int
by_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int
remember(struct trainer *t, const struct dataset *ds)
{
	size_t n = 0, distinct = 0;

	uint64_t *ids = trainer_own(t, mem_array(ds->n, sizeof(*ids)));
	uint64_t *group_ids =
	    trainer_own(t, mem_array(ds->n, sizeof(*group_ids)));

	if (ids == NULL || group_ids == NULL)
		return -1;
	memcpy(ids, ds->id_hash, ds->n * sizeof(*ids));
	qsort(ids, ds->n, sizeof(*ids), by_u64);
	for (size_t i = 0; i < ds->n; i++)
		if (ds->group_hash[i] != ds->id_hash[i])
			group_ids[n++] = ds->group_hash[i];
	qsort(group_ids, n, sizeof(*group_ids), by_u64);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || group_ids[i] != group_ids[i - 1])
			group_ids[distinct++] = group_ids[i];
	t->predictor.ids = ids;
	t->predictor.nids = ds->n;
	t->predictor.groups = group_ids;
	t->predictor.ngroups = distinct;
	t->groups = distinct + (ds->n - n);
	return 0;
}

/* The candidates that some row of the table uses become members. */
static int
choose_members(struct learner *l, struct error *e)
{
	struct predictor *p = &l->t->predictor;

	for (size_t i = 0; i < l->cands; i++) {
		l->cand[i].member = -1;
		for (size_t s = 0; s < l->sets; s++)
			if (l->table[s].mix != NULL && l->table[s].mix[i] > 0 &&
			    l->cand[i].member < 0)
				l->cand[i].member = (int)p->members++;
	}
	p->member = mem_array(p->members, sizeof(*p->member));
	return p->member != NULL ? 0 : error_memory(e);
}

/* From a row of the table; from now on it is the trainer's. */
static int
hand_over(struct trainer *t, float **from, const float **to, struct error *e)
{
	float *array = *from;

	*from = NULL;
	*to = array != NULL ? trainer_own(t, array) : NULL;
	return *to != NULL || array == NULL ? 0 : error_memory(e);
}

static int
take_table(struct learner *l, struct error *e)
{
	struct predictor *p = &l->t->predictor;

	p->set = mem_array(l->sets + 1, sizeof(*p->set));
	if (p->set == NULL)
		return error_memory(e);
	for (size_t s = 0; s < l->sets; s++) {
		struct table_row *row = &l->table[s];
		struct part_set *to;
		float *mix;

		if (row->mix == NULL)
			continue;
		mix = trainer_own(l->t, mem_array(p->members, sizeof(*mix)));
		if (mix == NULL)
			return error_memory(e);
		for (size_t i = 0; i < l->cands; i++)
			if (l->cand[i].member >= 0)
				mix[l->cand[i].member] = row->mix[i];
		to = &p->set[p->sets++];
		to->parts = l->set[s];
		to->mix = mix;
		to->doubts = row->doubts;
		if (hand_over(l->t, &row->shift, &to->shift, e) < 0 ||
		    hand_over(l->t, &row->chance, &to->chance, e) < 0 ||
		    hand_over(l->t, &row->doubt, &to->doubt, e) < 0)
			return -1;
	}
	return l->t->no_backoff ? 0 : trainer_none(l, e);
}

int
trainer_model(struct learner *l, const struct schema *schema, struct error *e)
{
	struct trainer *t = l->t;
	struct predictor *p = &t->predictor;
	struct dataset *ds = l->ds;
	struct rows all = dataset_rows(ds);
	const char *method = fusion_name(l->chosen);

	p->task = ds->task;
	p->C = ds->C;
	p->mean = ds->y_mean;
	p->scale = ds->y_scale;
	p->method = mem_strndup(method, strlen(method));
	if (p->method == NULL || remember(t, ds) < 0)
		return error_memory(e);
	for (size_t c = 0; ds->task != TASK_REGRESS && c < ds->label.names.n;
	     c++) {
		struct str s = intern_get(&ds->label, c);

		if (strs_add(&p->classes, s.s, s.len) < 0)
			return error_memory(e);
	}
	if (schema_copy(&p->schema, schema, e) < 0 ||
	    dataset_scale(l->la, l->pool, ds, &all, e) < 0 ||
	    scaling_take(&p->scaling, ds, e) < 0 || choose_members(l, e) < 0 ||
	    linear_fit(l, e) < 0 || nets_fit(l, e) < 0)
		return -1;
	if (t->impute != IMPUTE_NONE) {
		p->impute = impute_learn(
		    t->impute, l->la, l->pool, ds, &p->scaling, &all, e);
		if (p->impute == NULL)
			return -1;
	}
	return take_table(l, e);
}
