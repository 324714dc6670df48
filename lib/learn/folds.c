#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "learn/dataset.h"

/* One record's place: by group when folds are dealt, by fold afterwards. */
struct place {
	uint64_t group, id; /* salted */
	uint32_t row, fold;
};

static int
compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
by_group(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = compare(x->group, y->group);

	return c != 0 ? c : compare(x->id, y->id);
}

static int
by_fold(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = compare(x->fold, y->fold);

	return c != 0 ? c : compare(x->id, y->id);
}

/* What the folds hold so far: have[k * (C + 1) + c] of label c, the last
 * column counting records. */
static void
deal_group(const struct dataset *ds, struct place *p, size_t n, size_t folds,
    uint64_t *have)
{
	size_t wide = (ds->task == TASK_REGRESS ? 0 : ds->C) + 1, best = 0;
	uint64_t least = UINT64_MAX, fewest = UINT64_MAX;

	for (size_t k = 0; k < folds; k++) {
		const uint64_t *h = have + k * wide;
		uint64_t load = 0;

		for (size_t i = 0; i < n; i++) {
			size_t first,
			    m = batch_range(ds->of_end, p[i].row, &first);

			for (size_t j = 0; wide > 1 && j < m; j++)
				load += h[ds->of[first + j]];
		}
		if (load < least || (load == least && h[wide - 1] < fewest)) {
			best = k;
			least = load;
			fewest = h[wide - 1];
		}
	}
	for (size_t i = 0; i < n; i++) {
		size_t first, m = batch_range(ds->of_end, p[i].row, &first);

		for (size_t j = 0; wide > 1 && j < m; j++)
			have[best * wide + ds->of[first + j]]++;
		have[best * wide + wide - 1]++;
		p[i].fold = (uint32_t)best;
	}
}

static size_t
group_end(const struct place *p, size_t i, size_t n)
{
	size_t k = i + 1;

	while (k < n && p[k].group == p[i].group)
		k++;
	return k;
}

static int
deal(struct dataset *ds, struct place *p, size_t folds, struct error *e)
{
	size_t groups = 0;
	uint64_t *have;

	for (size_t i = 0; i < ds->n; i = group_end(p, i, ds->n))
		groups++;
	if (folds > groups)
		folds = groups;
	ds->folds = folds;
	free(ds->fold_first);
	ds->fold_first = mem_array(folds + 1, sizeof(*ds->fold_first));
	have = mem_array(folds, (ds->C + 1) * sizeof(*have));
	if (have == NULL || ds->fold_first == NULL) {
		free(have);
		return error_memory(e);
	}
	for (size_t i = 0, end; i < ds->n; i = end) {
		end = group_end(p, i, ds->n);
		deal_group(ds, p + i, end - i, folds, have);
	}
	free(have);
	for (size_t i = 0; i < ds->n; i++)
		ds->fold_first[p[i].fold + 1]++;
	for (size_t k = 0; k < folds; k++)
		ds->fold_first[k + 1] += ds->fold_first[k];
	return 0;
}

/*
 * Put element p[i].row of an array at i, for all i, in place: follow each
 * cycle with one element aside.  done: [n] zeros, left as zeros.
 */
static void
permute(void *array, size_t size, const struct place *p, size_t n, void *aside,
    uint8_t *done)
{
	char *a = array;

	if (a == NULL || size == 0)
		return;
	for (size_t start = 0; start < n; start++) {
		size_t i = start;

		if (done[start])
			continue;
		memcpy(aside, a + start * size, size);
		while (p[i].row != start) {
			memcpy(a + i * size, a + p[i].row * size, size);
			done[i] = 1;
			i = p[i].row;
		}
		memcpy(a + i * size, aside, size);
		done[i] = 1;
	}
	memset(done, 0, n);
}

/* The labels of all records in the new order. */
static int
permute_labels(struct dataset *ds, const struct place *p)
{
	uint32_t *of = mem_array(ds->of_n, sizeof(*of));
	size_t *end = mem_array(ds->n, sizeof(*end)), n = 0;

	if (of == NULL || end == NULL) {
		free(of);
		free(end);
		return -1;
	}
	for (size_t i = 0; i < ds->n; i++) {
		size_t first, m = batch_range(ds->of_end, p[i].row, &first);

		if (m > 0)
			memcpy(of + n, ds->of + first, m * sizeof(*of));
		n += m;
		end[i] = n;
	}
	free(ds->of);
	free(ds->of_end);
	ds->of = of;
	ds->of_end = end;
	ds->of_cap = ds->of_n;
	ds->end_cap = ds->n;
	return 0;
}

static int
permute_all(struct dataset *ds, const struct place *p, struct error *e)
{
	size_t widest = 64, n = ds->n;
	uint8_t *done;
	void *aside;

	for (size_t k = 0; k < ds->features; k++)
		if (ds->feature[k].dim * sizeof(float) > widest &&
		    ds->feature[k].kind == PART_DENSE)
			widest = ds->feature[k].dim * sizeof(float);
	if (ds->C * sizeof(float) > widest)
		widest = ds->C * sizeof(float);
	done = mem_array(n, 1);
	aside = mem_array(widest, 1);
	if (done == NULL || aside == NULL || permute_labels(ds, p) < 0) {
		free(done);
		free(aside);
		return error_memory(e);
	}
	for (size_t k = 0; k < ds->features; k++) {
		struct feature *f = &ds->feature[k];

		permute(f->mask, 1, p, n, aside, done);
		permute(f->x, f->dim * sizeof(float), p, n, aside, done);
		permute(f->start, sizeof(*f->start), p, n, aside, done);
		permute(f->count, sizeof(*f->count), p, n, aside, done);
	}
	permute(ds->id_hash, sizeof(uint64_t), p, n, aside, done);
	permute(ds->group_hash, sizeof(uint64_t), p, n, aside, done);
	permute(ds->weight, sizeof(float), p, n, aside, done);
	permute(ds->target, sizeof(double), p, n, aside, done);
	permute(ds->y_class, sizeof(uint32_t), p, n, aside, done);
	permute(ds->y, ds->C * sizeof(float), p, n, aside, done);
	free(done);
	free(aside);
	return 0;
}

int
dataset_fold(struct dataset *ds, size_t folds, uint64_t seed, struct error *e)
{
	struct place *p = mem_array(ds->n, sizeof(*p));
	uint64_t salt = hash_mix(seed + 1);
	int rc;

	if (p == NULL)
		return error_memory(e);
	for (size_t i = 0; i < ds->n; i++) {
		p[i].group = hash_mix(ds->group_hash[i] ^ salt);
		p[i].id = hash_mix(ds->id_hash[i] ^ salt);
		p[i].row = (uint32_t)i;
	}
	qsort(p, ds->n, sizeof(*p), by_group);
	rc = deal(ds, p, folds > 0 ? folds : 1, e);
	if (rc == 0) {
		qsort(p, ds->n, sizeof(*p), by_fold);
		rc = permute_all(ds, p, e);
	}
	free(p);
	return rc;
}

struct rows
dataset_rows(const struct dataset *ds)
{
	return (struct rows){ { 0, ds->n }, { ds->n, 0 } };
}

struct rows
dataset_in_fold(const struct dataset *ds, size_t k)
{
	size_t a = ds->fold_first[k], b = ds->fold_first[k + 1];

	return (struct rows){ { a, b }, { b - a, 0 } };
}

struct rows
dataset_not_in_fold(const struct dataset *ds, size_t k)
{
	size_t a = ds->fold_first[k], b = ds->fold_first[k + 1];

	return (struct rows){ { 0, b }, { a, ds->n - b } };
}

struct truth
dataset_truth(const struct dataset *ds, const float *weight)
{
	return (struct truth){ ds->task, ds->C, ds->y_class, ds->y, weight };
}

size_t
dataset_columns(const struct dataset *ds)
{
	size_t sum = 0;

	for (size_t p = 0; p < ds->features; p++)
		sum += ds->feature[p].active;
	return sum;
}
