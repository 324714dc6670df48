#ifndef TESTS_LEARNING_H
#define TESTS_LEARNING_H

/*
 * Data sets for tests of lib/learn: random records with a dense part "d" and
 * a sparse part "s", either of which may be missing, in any order.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/rng.h"
#include "learn/dataset.h"
#include "learn/scale.h"
#include "learn/solver.h"

enum { DIM_D = 7, DIM_S = 700 };

static const struct error no_error;

static inline void
learning_schema(struct schema *s)
{
	struct error e = no_error;

	*s = (struct schema){ 0 };
	ck_assert_msg(
	    schema_add(s, "d", PART_DENSE, DIM_D, NULL, NULL, &e) == 0 &&
		schema_add(s, "s", PART_SPARSE, DIM_S, NULL, NULL, &e) == 0,
	    "%s", e.text);
}

/*
 * Record i, which depends on i alone: label i % 3 (and one more, for
 * multilabel, now and then), target, group of two.  With holes, some parts
 * are missing.
 */
static inline void
learning_record(struct batch *b, size_t i, int holes, int several)
{
	static const char *const name[] = { "ash", "beech", "cedar" };
	struct error e = no_error;
	char id[32], group[32];
	struct rng r;
	uint32_t *index;
	float *x, *value;
	size_t y = i % 3, n = 3 + i % 5;

	rng_seed(&r, i + 1);
	snprintf(id, sizeof(id), "r%zu", i);
	snprintf(group, sizeof(group), "g%zu", i / 2);
	ck_assert_msg(batch_add(b, id, strlen(id), &e) == 0 &&
			  batch_label(b, name[y], strlen(name[y]), &e) == 0 &&
			  batch_group(b, group, strlen(group), &e) == 0,
	    "%s", e.text);
	if (several && i % 4 == 0)
		ck_assert_int_eq(batch_label(b, name[(y + 1) % 3],
				     strlen(name[(y + 1) % 3]), &e),
		    0);
	b->target[b->n - 1] = (double)y * 2 + rng_double(&r);
	b->weight[b->n - 1] = 0.5 + rng_double(&r);
	if (!holes || i % 7 != 0) {
		x = batch_dense(b, 0);
		for (size_t j = 0; j < DIM_D; j++)
			x[j] = (float)(rng_double(&r) * (double)(j + 1) +
				       (j == y ? 1.0 : 0.0) + 10.0 * (double)j);
		x[6] = 4.5f; /* constant */
	}
	if (!holes || i % 7 == 0 || i % 5 != 0) {
		ck_assert_int_eq(batch_sparse(b, 1, n, &index, &value), 0);
		for (size_t k = 0; k < n; k++) {
			index[k] =
			    (uint32_t)(k * 90 + y * 20 + rng_below(&r, 20));
			value[k] = (float)(0.5 + rng_double(&r));
		}
	}
}

/* Records [0, n), or those of order[0..n) where given, as one batch. */
static inline void
learning_batch(struct batch *b, const struct schema *s, const uint32_t *order,
    size_t n, int holes, int several)
{
	struct error e = no_error;

	*b = (struct batch){ 0 };
	ck_assert_int_eq(batch_init(b, s, &e), 0);
	for (size_t i = 0; i < n; i++)
		learning_record(
		    b, order != NULL ? order[i] : i, holes, several);
}

static inline void
learning_dataset(struct dataset *ds, const struct schema *s,
    const struct batch *b, enum task task, size_t folds)
{
	struct error e = no_error;

	ck_assert_msg(dataset_init(ds, s, task, 1, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < b->n; i++) {
		struct str labels[3];
		size_t first, n = batch_range(b->label_end, i, &first);
		enum dataset_taken taken;

		for (size_t k = 0; k < n; k++)
			labels[k] = strs_get(&b->label, first + k);
		ck_assert_msg(dataset_add(ds, b, i, labels, n, 1, b->target[i],
				  &taken, &e) == 0,
		    "%s", e.text);
		ck_assert_int_eq(taken, DATASET_TAKEN);
	}
	ck_assert_msg(dataset_finish(ds, folds, 0, &e) == 0, "%s", e.text);
}

/* The usual road: records, data set, scaled on all rows. */
static inline void
learning_ready(struct dataset *ds, const struct linalg *la, enum task task,
    size_t n, int holes)
{
	struct error e = no_error;
	struct schema s;
	struct batch b;
	struct rows all;

	learning_schema(&s);
	learning_batch(&b, &s, NULL, n, holes, task == TASK_MULTILABEL);
	learning_dataset(ds, &s, &b, task, 3);
	all = dataset_rows(ds);
	ck_assert_int_eq(dataset_scale(la, NULL, ds, &all, &e), 0);
	batch_free(&b);
	schema_free(&s);
}

/* A model of all rows, as W: [columns, C] and b: [C]; free() both. */
static inline void
learning_solve(enum solver_way way, const struct linalg *la, struct pool *pool,
    const struct dataset *ds, const double *weight, double lambda,
    double tolerance, float **W, float **b)
{
	struct rows all = dataset_rows(ds);
	struct truth t = dataset_truth(ds, ds->weight);
	struct lbfgs_result r;
	struct error e = no_error;
	struct solver *s = solver_new(way, la, pool, ds, &all, &all, &e);

	*W = mem_array(dataset_columns(ds) * ds->C, sizeof(**W));
	*b = mem_array(ds->C, sizeof(**b));
	ck_assert_msg(s != NULL && solver_weigh(s, weight, &e) == 0 &&
			  solver_truth(s, &t, &e) == 0 &&
			  solver_fit(s, lambda, tolerance, &r, &e) == 0 &&
			  solver_model(s, *W, *b, &e) == 0,
	    "%s", e.text);
	solver_free(s);
}

#endif
