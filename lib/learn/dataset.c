#include "learn/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column's name without the number behind its last dot: "lbp.17". */
static struct str
stem(struct str name)
{
	size_t n = name.len;

	while (n > 0 && name.s[n - 1] >= '0' && name.s[n - 1] <= '9')
		n--;
	if (n > 1 && n < name.len && name.s[n - 1] == '.')
		name.len = n - 1;
	return name;
}

uint32_t
feature_block(const struct strs *names, uint32_t dim, uint32_t from)
{
	uint32_t c = from + 1;

	while (
	    c < dim && (names->n != dim || str_eq(stem(strs_get(names, c - 1)),
					       stem(strs_get(names, c)))))
		c++;
	return c;
}

static int
find_blocks(struct feature *f, const struct strs *names, struct error *e)
{
	size_t cap = 0;

	for (uint32_t c = 0; c < f->dim;) {
		c = feature_block(names, f->dim, c);
		if (mem_grow(
			&f->block, &cap, f->blocks + 1, sizeof(*f->block)) < 0)
			return error_memory(e);
		f->block[f->blocks++] = c;
	}
	return 0;
}

static int
feature_init(struct feature *f, const struct part *p, struct error *e)
{
	f->sequence = p->kind == PART_SEQUENCE;
	f->kind = f->sequence ? PART_DENSE : p->kind;
	f->dim = p->dim;
	f->gain = 1;
	f->name = mem_strndup(p->name, strlen(p->name));
	if (f->name == NULL)
		return error_memory(e);
	if (p->kind == PART_SPARSE)
		return 0;
	f->active = f->dim;
	return find_blocks(f, &p->columns, e);
}

int
dataset_init(struct dataset *ds, const struct schema *s, enum task task,
    int may_widen, struct error *e)
{
	memset(ds, 0, sizeof(*ds));
	ds->task = task;
	ds->may_widen = may_widen;
	/* One more than the stream has, for the indicators. */
	ds->feature = mem_array(s->n + 1, sizeof(*ds->feature));
	if (ds->feature == NULL)
		return error_memory(e);
	ds->parts = ds->features = s->n;
	for (size_t p = 0; p < s->n; p++)
		if (feature_init(&ds->feature[p], &s->parts[p], e) < 0)
			return -1;
	return 0;
}

static void
feature_free(struct feature *f)
{
	free(f->name);
	free(f->mask);
	free(f->x);
	free(f->shift);
	free(f->factor);
	free(f->live);
	free(f->block);
	free(f->start);
	free(f->count);
	free(f->index);
	free(f->value);
	free(f->column);
	free(f->idf);
	free(f->inverse);
}

void
dataset_free(struct dataset *ds)
{
	for (size_t p = 0; ds->feature != NULL && p < ds->features; p++)
		feature_free(&ds->feature[p]);
	free(ds->feature);
	intern_free(&ds->id);
	intern_free(&ds->label);
	free(ds->id_hash);
	free(ds->group_hash);
	free(ds->weight);
	free(ds->of);
	free(ds->of_end);
	free(ds->target);
	free(ds->y_class);
	free(ds->y);
	free(ds->fold_first);
	memset(ds, 0, sizeof(*ds));
}

static int
by_u32(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Only columns that occur carry weights: number them in order. */
static int
number_columns(struct feature *f, size_t n, struct error *e)
{
	size_t distinct = 0;

	f->column = mem_array(f->pairs, sizeof(*f->column));
	f->inverse = mem_array(n, sizeof(*f->inverse));
	if (f->column == NULL || f->inverse == NULL)
		return error_memory(e);
	if (f->pairs > 0)
		memcpy(f->column, f->index, f->pairs * sizeof(*f->column));
	qsort(f->column, f->pairs, sizeof(*f->column), by_u32);
	for (size_t k = 0; k < f->pairs; k++)
		if (k == 0 || f->column[k] != f->column[k - 1])
			f->column[distinct++] = f->column[k];
	f->active = distinct;
	for (size_t k = 0; k < f->pairs; k++) {
		const uint32_t *at = bsearch(&f->index[k], f->column, distinct,
		    sizeof(*f->column), by_u32);

		f->index[k] = (uint32_t)(at - f->column);
	}
	f->idf = mem_array(distinct, sizeof(*f->idf));
	return f->idf == NULL ? error_memory(e) : 0;
}

static int
dense_scaling(struct feature *f, struct error *e)
{
	f->shift = mem_array(f->dim, sizeof(*f->shift));
	f->factor = mem_array(f->dim, sizeof(*f->factor));
	f->live = mem_array(f->dim, 1);
	if (f->shift == NULL || f->factor == NULL || f->live == NULL)
		return error_memory(e);
	for (size_t j = 0; j < f->dim; j++)
		f->factor[j] = 1;
	return 0;
}

size_t
feature_present(const struct feature *f, size_t n)
{
	size_t present = 0;

	for (size_t i = 0; i < n; i++)
		present += f->mask[i];
	return present;
}

int
feature_mixed(const struct feature *f, size_t n)
{
	size_t present = feature_present(f, n);

	return present > 0 && present < n;
}

/*
 * An intercept for the records that lack a part: a dense feature with one
 * column for each such part, 1 where it is missing.
 */
static int
add_indicators(struct dataset *ds, struct error *e)
{
	struct feature *f = &ds->feature[ds->parts];
	static const struct strs none;
	size_t some = 0, k = 0;

	for (size_t p = 0; p < ds->parts; p++)
		some += (size_t)feature_mixed(&ds->feature[p], ds->n);
	if (some == 0)
		return 0;
	ds->features = ds->parts + 1;
	f->kind = PART_DENSE;
	f->gain = 1;
	f->dim = (uint32_t)some;
	f->active = some;
	f->fixed = 1;
	f->name = mem_strndup("missing", 7);
	f->mask = mem_array(ds->n, 1);
	f->x = mem_array(ds->n, some * sizeof(*f->x));
	if (f->name == NULL || f->mask == NULL || f->x == NULL ||
	    find_blocks(f, &none, e) < 0)
		return error_memory(e);
	memset(f->mask, 1, ds->n);
	for (size_t p = 0; p < ds->parts; p++) {
		if (!feature_mixed(&ds->feature[p], ds->n))
			continue;
		for (size_t i = 0; i < ds->n; i++)
			f->x[i * some + k] = !ds->feature[p].mask[i];
		k++;
	}
	return 0;
}

static int
finish_labels(struct dataset *ds, struct error *e)
{
	uint32_t *order = mem_array(ds->label.names.n, sizeof(*order));
	size_t most = 0;

	if (order == NULL || intern_sort(&ds->label, order) < 0) {
		free(order);
		return error_memory(e);
	}
	for (size_t k = 0; k < ds->of_n; k++)
		ds->of[k] = order[ds->of[k]];
	free(order);
	for (size_t i = 0, first; i < ds->n; i++) {
		size_t n = batch_range(ds->of_end, i, &first);

		if (n > most)
			most = n;
	}
	if (most > 1)
		ds->task = TASK_MULTILABEL;
	ds->C = ds->label.names.n;
	if (ds->C == 0)
		return error_set(e, "no record has a label");
	if (ds->C == 1 && ds->task == TASK_CLASS) {
		struct str only = intern_get(&ds->label, 0);

		return error_set(e,
		    "only one class, '%.*s': there is nothing to tell apart",
		    (int)only.len, only.s);
	}
	if (ds->task == TASK_MULTILABEL)
		return 0;
	ds->y_class = mem_array(ds->n, sizeof(*ds->y_class));
	if (ds->y_class == NULL)
		return error_memory(e);
	return 0;
}

static const double MOST_TARGET = 1e30, LEAST_SPREAD = 1e-5;

/* Targets are learnt with mean 0 and variance 1, so that the penalty means
 * the same in every unit. */
static int
finish_targets(struct dataset *ds, struct error *e)
{
	double sum = 0, sq = 0, low = INFINITY, high = -INFINITY;

	for (size_t i = 0; i < ds->n; i++) {
		sum += ds->target[i];
		low = fmin(low, ds->target[i]);
		high = fmax(high, ds->target[i]);
	}
	ds->y_mean = sum / (double)ds->n;
	for (size_t i = 0; i < ds->n; i++) {
		double t = ds->target[i] - ds->y_mean;

		sq += t * t;
	}
	ds->y_scale = sqrt(sq / (double)ds->n);
	if (!(low < high))
		return error_set(e, "all targets are equal");
	/* What is predicted, and how far off it was, are floats. */
	if (fmax(-low, high) > MOST_TARGET)
		return error_set(e,
		    "targets reach %g: divide them, to be within %g",
		    -low > high ? low : high, MOST_TARGET);
	if (!(ds->y_scale > LEAST_SPREAD * fabs(ds->y_mean)) ||
	    !(ds->y_scale > 1 / MOST_TARGET))
		return error_set(e,
		    "targets lie %g around %g, too close for 32-bit values to "
		    "tell: subtract a constant, or multiply them",
		    ds->y_scale, ds->y_mean);
	return 0;
}

/* After the records have their order: the truth as the losses read it. */
static int
fill_truth(struct dataset *ds, struct error *e)
{
	if (ds->task == TASK_CLASS) {
		for (size_t i = 0, first; i < ds->n; i++)
			if (batch_range(ds->of_end, i, &first) > 0)
				ds->y_class[i] = ds->of[first];
		return 0;
	}
	ds->y = mem_array(ds->n, ds->C * sizeof(*ds->y));
	if (ds->y == NULL)
		return error_memory(e);
	for (size_t i = 0, first; i < ds->n; i++) {
		size_t n = batch_range(ds->of_end, i, &first);

		if (ds->task == TASK_REGRESS)
			ds->y[i] =
			    (float)((ds->target[i] - ds->y_mean) / ds->y_scale);
		else
			for (size_t k = 0; k < n; k++)
				ds->y[i * ds->C + ds->of[first + k]] = 1;
	}
	return 0;
}

int
dataset_finish(struct dataset *ds, size_t folds, uint64_t seed, struct error *e)
{
	if (ds->n == 0)
		return error_set(e, "no records");
	intern_free(&ds->id);
	ds->C = 1;
	if (ds->task != TASK_REGRESS && finish_labels(ds, e) < 0)
		return -1;
	if (add_indicators(ds, e) < 0)
		return -1;
	for (size_t p = 0; p < ds->features; p++) {
		struct feature *f = &ds->feature[p];

		if ((f->kind == PART_SPARSE ? number_columns(f, ds->n, e)
					    : dense_scaling(f, e)) < 0)
			return -1;
	}
	if (dataset_fold(ds, folds, seed, e) < 0)
		return -1;
	if (ds->task == TASK_REGRESS && finish_targets(ds, e) < 0)
		return -1;
	return fill_truth(ds, e);
}
