#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "learn/dataset.h"

/* Sums of squares of weights are floats. */
static const double MOST_WEIGHT = 1e15;

static int
all_finite(const float *x, size_t n)
{
	float t = 0;

	/* 0 * x is 0 for every finite x and NaN for the others. */
	for (size_t i = 0; i < n; i++)
		t += 0 * x[i];
	return t == 0;
}

/* Whether record i of the batch has the part: no rows are no sequence. */
static int
has_part(const struct feature *f, const struct part_column *c, size_t i)
{
	size_t first;

	return c->mask[i] &&
	       (!f->sequence || batch_range(c->end, i, &first) > 0);
}

/* Whether record i may be learnt from. */
static enum dataset_taken
look(const struct dataset *ds, const struct batch *b, size_t i)
{
	size_t present = 0;

	if (!isfinite(b->weight[i]) || b->weight[i] < 0)
		return DATASET_NOT_FINITE;
	if ((float)b->weight[i] == 0)
		return DATASET_NO_WEIGHT;
	for (size_t p = 0; p < ds->parts; p++) {
		const struct part_column *c = &b->parts[p];
		const struct feature *f = &ds->feature[p];
		size_t first, n;

		if (!has_part(f, c, i))
			continue;
		present++;
		if (f->kind == PART_DENSE && !f->sequence) {
			if (!all_finite(c->dense + i * f->dim, f->dim))
				return DATASET_NOT_FINITE;
			continue;
		}
		n = batch_range(c->end, i, &first);
		n *= f->sequence ? f->dim : 1;
		first *= f->sequence ? f->dim : 1;
		if (!all_finite(c->value + first, n))
			return DATASET_NOT_FINITE;
	}
	/* All parts missing, and that is no error: it may say something. */
	return present > 0 || !batch_bad(b, i) ? DATASET_TAKEN
					       : DATASET_NO_PART;
}

/* Room for n more pairs or rows of ${width} numbers, which are record
 * ${row}'s. */
static int
take_place(struct feature *f, size_t row, size_t n, size_t width)
{
	if (mem_grow(&f->start, &f->start_cap, row + 1, sizeof(*f->start)) <
		0 ||
	    mem_grow(&f->count, &f->count_cap, row + 1, sizeof(*f->count)) <
		0 ||
	    mem_grow(&f->value, &f->value_cap, f->pairs + n,
		width * sizeof(*f->value)) < 0)
		return -1;
	f->start[row] = f->pairs;
	f->count[row] = (uint32_t)n;
	f->pairs += n;
	return 0;
}

static int
take_sparse(
    struct feature *f, size_t row, const struct part_column *c, size_t i)
{
	size_t first = 0, n = f->mask[row] ? batch_range(c->end, i, &first) : 0;

	if (mem_grow(&f->index, &f->index_cap, f->pairs + n,
		sizeof(*f->index)) < 0 ||
	    take_place(f, row, n, 1) < 0)
		return -1;
	if (n > 0) {
		memcpy(f->index + f->start[row], c->index + first,
		    n * sizeof(*f->index));
		memcpy(f->value + f->start[row], c->value + first,
		    n * sizeof(*f->value));
	}
	return 0;
}

void
feature_mean(double *mean, const float *x, size_t rows, size_t D)
{
	memset(mean, 0, D * sizeof(*mean));
	for (size_t r = 0; r < rows; r++)
		for (size_t j = 0; j < D; j++)
			mean[j] += (double)x[r * D + j];
	for (size_t j = 0; j < D; j++)
		mean[j] /= (double)rows;
}

static int
take_sequence(
    struct feature *f, size_t row, const struct part_column *c, size_t i)
{
	size_t first = 0, n = f->mask[row] ? batch_range(c->end, i, &first) : 0;
	size_t D = f->dim;
	double *mean;

	if (take_place(f, row, n, D) < 0)
		return -1;
	if (n == 0)
		return 0;
	memcpy(f->value + f->start[row] * D, c->value + first * D,
	    n * D * sizeof(*f->value));
	mean = mem_array(D, sizeof(*mean));
	if (mean == NULL)
		return -1;
	feature_mean(mean, c->value + first * D, n, D);
	for (size_t j = 0; j < D; j++)
		f->x[row * D + j] = (float)mean[j];
	free(mean);
	return 0;
}

static int
take_part(struct feature *f, size_t row, const struct part_column *c, size_t i)
{
	size_t D = f->dim;

	if (mem_grow(&f->mask, &f->mask_cap, row + 1, 1) < 0)
		return -1;
	f->mask[row] = (uint8_t)has_part(f, c, i);
	if (f->kind == PART_SPARSE)
		return take_sparse(f, row, c, i);
	if (mem_grow(&f->x, &f->x_cap, row + 1, D * sizeof(float)) < 0)
		return -1;
	memset(f->x + row * D, 0, D * sizeof(float));
	if (f->sequence)
		return take_sequence(f, row, c, i);
	if (f->mask[row])
		memcpy(f->x + row * D, c->dense + i * D, D * sizeof(float));
	return 0;
}

/* The labels as numbers, each once. */
static int
take_labels(struct dataset *ds, const struct str *labels, size_t n)
{
	size_t from = ds->of_n;

	for (size_t i = 0; i < n; i++) {
		uint32_t number;
		size_t k = from;

		if (intern_add(
			&ds->label, labels[i].s, labels[i].len, &number) < 0 ||
		    mem_grow(&ds->of, &ds->of_cap, ds->of_n + 1,
			sizeof(*ds->of)) < 0)
			return -1;
		while (k < ds->of_n && ds->of[k] != number)
			k++;
		if (k == ds->of_n)
			ds->of[ds->of_n++] = number;
	}
	if (mem_grow(
		&ds->of_end, &ds->end_cap, ds->n + 1, sizeof(*ds->of_end)) < 0)
		return -1;
	ds->of_end[ds->n] = ds->of_n;
	return 0;
}

uint64_t
dataset_hash_id(struct str id)
{
	return hash_bytes(id.s, id.len, 0);
}

/* Another seed, so that no group is ever taken for an id. */
uint64_t
dataset_hash_group(struct str group)
{
	return hash_bytes(group.s, group.len, 1);
}

static int
take_columns(struct dataset *ds, const struct batch *b, size_t i, double target)
{
	struct str id = strs_get(&b->id, i), group = strs_get(&b->group, i);
	size_t row = ds->n;

	if (mem_grow(&ds->id_hash, &ds->id_cap, row + 1, sizeof(*ds->id_hash)) <
		0 ||
	    mem_grow(&ds->group_hash, &ds->group_cap, row + 1,
		sizeof(*ds->group_hash)) < 0 ||
	    mem_grow(&ds->weight, &ds->weight_cap, row + 1,
		sizeof(*ds->weight)) < 0 ||
	    mem_grow(
		&ds->target, &ds->target_cap, row + 1, sizeof(*ds->target)) < 0)
		return -1;
	ds->id_hash[row] = dataset_hash_id(id);
	ds->group_hash[row] = ds->id_hash[row];
	if (group.len > 0) {
		ds->group_hash[row] = dataset_hash_group(group);
		ds->grouped = 1;
	}
	ds->weight[row] = (float)b->weight[i];
	ds->target[row] = target;
	return 0;
}

int
dataset_add(struct dataset *ds, const struct batch *b, size_t i,
    const struct str *labels, size_t nlabels, int known, double target,
    enum dataset_taken *taken, struct error *e)
{
	struct str id = strs_get(&b->id, i);
	size_t first;
	uint32_t number;
	int rc = intern_add(&ds->id, id.s, id.len, &number);

	if (rc < 0)
		return error_memory(e);
	if (rc == 0)
		return error_set(e, "id '%.*s' came before", (int)id.len, id.s);
	*taken = look(ds, b, i);
	if (*taken == DATASET_TAKEN &&
	    (!known || (ds->task == TASK_REGRESS && !isfinite(target)) ||
		(ds->task == TASK_CLASS && nlabels == 0)))
		*taken = DATASET_NO_LABEL;
	if (*taken != DATASET_TAKEN)
		return 0;
	if (b->weight[i] > MOST_WEIGHT)
		return error_set(e, "record '%.*s': weight %g is more than %g",
		    (int)id.len, id.s, b->weight[i], MOST_WEIGHT);
	if (take_columns(ds, b, i, target) < 0 ||
	    take_labels(ds, labels, nlabels) < 0)
		return error_memory(e);
	if (ds->task == TASK_CLASS && !ds->may_widen &&
	    batch_range(ds->of_end, ds->n, &first) > 1)
		return error_set(e,
		    "record '%.*s' has several labels: that is multilabel",
		    (int)id.len, id.s);
	for (size_t p = 0; p < ds->parts; p++)
		if (take_part(&ds->feature[p], ds->n, &b->parts[p], i) < 0)
			return error_memory(e);
	ds->n++;
	return 0;
}
