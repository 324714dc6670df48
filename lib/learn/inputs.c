#include "learn/inputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- the scaling ---- */

void
scaling_look(struct scaling *s)
{
	s->live = 0;
	for (size_t p = 0; p < s->n; p++) {
		const struct scaled_part *t = &s->part[p];
		int live = 0;

		for (size_t j = 0; !live && j < t->active; j++)
			live = t->kind == PART_SPARSE ? t->idf[j] != 0
						      : t->factor[j] != 0;
		s->live |= (uint64_t)live << p;
	}
}

static int
take_sparse(struct scaled_part *t, const struct feature *f)
{
	uint32_t *column = mem_array(f->active, sizeof(*column));
	float *idf = mem_array(f->active, sizeof(*idf));

	t->column = column;
	t->idf = idf;
	if (column == NULL || idf == NULL)
		return -1;
	if (f->active == 0)
		return 0;
	memcpy(column, f->column, f->active * sizeof(*column));
	memcpy(idf, f->idf, f->active * sizeof(*idf));
	return 0;
}

static int
take_dense(struct scaled_part *t, const struct feature *f)
{
	double *shift = mem_array(f->dim, sizeof(*shift));
	double *factor = mem_array(f->dim, sizeof(*factor));

	t->shift = shift;
	t->factor = factor;
	if (shift == NULL || factor == NULL)
		return -1;
	for (size_t j = 0; j < f->dim; j++) {
		shift[j] = f->shift[j];
		factor[j] = f->live[j] ? f->factor[j] : 0;
	}
	return 0;
}

int
scaling_take(struct scaling *s, const struct dataset *ds, struct error *e)
{
	*s = (struct scaling){ .owned = 1 };
	if (ds->parts > INPUTS_MAX_PARTS)
		return error_set(e, "more than %d parts", INPUTS_MAX_PARTS);
	s->part = mem_array(ds->parts, sizeof(*s->part));
	if (s->part == NULL)
		return error_memory(e);
	s->n = ds->parts;
	for (size_t p = 0; p < s->n; p++) {
		const struct feature *f = &ds->feature[p];
		struct scaled_part *t = &s->part[p];

		t->kind = f->sequence ? PART_SEQUENCE : f->kind;
		t->dim = f->dim;
		t->active = f->active;
		if ((f->kind == PART_SPARSE ? take_sparse(t, f)
					    : take_dense(t, f)) < 0)
			return error_memory(e);
	}
	scaling_look(s);
	return 0;
}

void
scaling_free(struct scaling *s)
{
	for (size_t p = 0; s->owned && s->part != NULL && p < s->n; p++) {
		free((void *)(uintptr_t)s->part[p].shift);
		free((void *)(uintptr_t)s->part[p].factor);
		free((void *)(uintptr_t)s->part[p].column);
		free((void *)(uintptr_t)s->part[p].idf);
	}
	free(s->part);
	*s = (struct scaling){ 0 };
}

/* ---- room ---- */

int
inputs_init(struct inputs *in, const struct scaling *s, struct error *e)
{
	size_t widest = 0;

	*in = (struct inputs){ .scaling = s };
	for (size_t p = 0; p < s->n; p++)
		if (s->part[p].kind != PART_SPARSE && s->part[p].dim > widest)
			widest = s->part[p].dim;
	in->part = mem_array(s->n, sizeof(*in->part));
	in->column = mem_array(2 * widest, sizeof(*in->column));
	return in->part != NULL && in->column != NULL ? 0 : error_memory(e);
}

void
inputs_free(struct inputs *in)
{
	for (size_t p = 0; in->part != NULL && p < in->scaling->n; p++) {
		free(in->part[p].dense);
		free(in->part[p].end);
		free(in->part[p].index);
		free(in->part[p].value);
	}
	free(in->part);
	free(in->has);
	free(in->column);
	*in = (struct inputs){ 0 };
}

/* Room for n records without any part. */
static int
reserve(struct inputs *in, size_t n)
{
	if (mem_grow(&in->has, &in->has_cap, n, sizeof(*in->has)) < 0)
		return -1;
	in->n = n;
	if (n > 0)
		memset(in->has, 0, n * sizeof(*in->has));
	for (size_t p = 0; p < in->scaling->n; p++) {
		const struct scaled_part *s = &in->scaling->part[p];
		struct input_part *t = &in->part[p];

		if (s->kind != PART_SPARSE &&
		    mem_grow(&t->dense, &t->dense_cap, n,
			s->dim * sizeof(*t->dense)) < 0)
			return -1;
		if (s->kind != PART_DENSE &&
		    mem_grow(&t->end, &t->end_cap, n, sizeof(*t->end)) < 0)
			return -1;
	}
	return 0;
}

/* Room for ${more} pairs (of one number) or rows (of D) behind ${used}. */
static int
reserve_values(
    struct input_part *t, const struct scaled_part *s, size_t used, size_t more)
{
	if (s->kind == PART_SPARSE)
		return mem_grow(&t->index, &t->index_cap, used + more,
			   sizeof(*t->index)) < 0
			   ? -1
			   : mem_grow(&t->value, &t->value_cap, used + more,
				 sizeof(*t->value));
	return mem_grow(
	    &t->value, &t->value_cap, used + more, s->dim * sizeof(*t->value));
}

static size_t
values_before(const struct input_part *t, size_t i)
{
	return i > 0 ? t->end[i - 1] : 0;
}

/* Record i has not the part. */
static void
put_nothing(struct inputs *in, size_t p, size_t i)
{
	const struct scaled_part *s = &in->scaling->part[p];
	struct input_part *t = &in->part[p];

	if (s->kind != PART_SPARSE)
		memset(t->dense + i * s->dim, 0, s->dim * sizeof(*t->dense));
	if (s->kind != PART_DENSE)
		t->end[i] = values_before(t, i);
}

/* ---- values ---- */

static void
scale_row(const struct scaled_part *s, const float *x, float *z)
{
	for (size_t j = 0; j < s->dim; j++)
		z[j] = (float)(((double)x[j] - s->shift[j]) * s->factor[j]);
}

static int
put_sequence_rows(
    struct inputs *in, size_t p, size_t i, const float *x, size_t rows)
{
	const struct scaled_part *s = &in->scaling->part[p];
	struct input_part *t = &in->part[p];
	size_t at = values_before(t, i);

	if (reserve_values(t, s, at, rows) < 0)
		return -1;
	for (size_t r = 0; r < rows; r++)
		scale_row(s, x + r * s->dim, t->value + (at + r) * s->dim);
	t->end[i] = at + rows;
	return 0;
}

static int
put_sequence(struct inputs *in, size_t p, size_t i, const float *x, size_t rows)
{
	const struct scaled_part *s = &in->scaling->part[p];
	float *z = in->part[p].dense + i * s->dim;

	feature_mean(in->column, x, rows, s->dim);
	for (size_t j = 0; j < s->dim; j++)
		z[j] = (float)((in->column[j] - s->shift[j]) * s->factor[j]);
	return put_sequence_rows(in, p, i, x, rows);
}

/* The first of the known columns from ${from} on that is not below. */
static size_t
find_column(const struct scaled_part *s, size_t from, uint32_t column)
{
	size_t to = s->active;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (s->column[mid] < column)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* index: [n] columns of the stream where ${known} is 0, else places among the
 * known ones. */
static int
put_sparse(struct inputs *in, size_t p, size_t i, const uint32_t *index,
    const float *value, size_t n, int known)
{
	const struct scaled_part *s = &in->scaling->part[p];
	struct input_part *t = &in->part[p];
	size_t first = values_before(t, i), end = first, at = 0;
	double sq = 0;
	float inverse;

	if (reserve_values(t, s, first, n) < 0)
		return -1;
	for (size_t k = 0; k < n; k++) {
		double v;

		if (known) {
			at = index[k];
		} else {
			at = find_column(s, at, index[k]);
			if (at == s->active)
				break;
			if (s->column[at] != index[k])
				continue;
		}
		if (s->idf[at] == 0)
			continue;
		v = (double)value[k] * (double)s->idf[at];
		sq += v * v;
		t->index[end] = (uint32_t)at;
		t->value[end++] = value[k] * s->idf[at];
	}
	inverse = sq > 0 ? (float)(1 / sqrt(sq)) : 0;
	for (size_t k = first; k < end; k++)
		t->value[k] *= inverse;
	t->end[i] = end;
	return 0;
}

/* ---- from a batch ---- */

static int
batch_part(struct inputs *in, size_t p, const struct part_column *c,
    size_t first, size_t n)
{
	const struct scaled_part *s = &in->scaling->part[p];
	struct input_part *t = &in->part[p];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t at = 0, k = 0;
		int has = c->mask[first + i] != 0;

		if (has && s->kind != PART_DENSE)
			k = batch_range(c->end, first + i, &at);
		if (!has || (s->kind == PART_SEQUENCE && k == 0)) {
			put_nothing(in, p, i);
			continue;
		}
		in->has[i] |= UINT64_C(1) << p;
		if (s->kind == PART_DENSE)
			scale_row(s, c->dense + (first + i) * s->dim,
			    t->dense + i * s->dim);
		else if (s->kind == PART_SPARSE)
			rc = put_sparse(
			    in, p, i, c->index + at, c->value + at, k, 0);
		else
			rc = put_sequence(in, p, i, c->value + at * s->dim, k);
	}
	return rc;
}

int
inputs_batch(struct inputs *in, const struct batch *b, const int *map,
    size_t first, size_t n, uint64_t keep, struct error *e)
{
	keep &= in->scaling->live;
	if (reserve(in, n) < 0)
		return error_memory(e);
	for (size_t p = 0; p < in->scaling->n; p++) {
		if (map[p] < 0 || !(keep >> p & 1))
			for (size_t i = 0; i < n; i++)
				put_nothing(in, p, i);
		else if (batch_part(in, p, &b->parts[map[p]], first, n) < 0)
			return error_memory(e);
	}
	return 0;
}

/* ---- from a dataset ---- */

/*
 * What stands in the dataset is x = (raw - shift') * factor'; what is wanted
 * is z = (raw - shift) * factor, so z = x a + b with a = factor / factor' and
 * b = (shift' - shift) * factor.  Where both scalings are the same, a = 1 and
 * b = 0, and z is x.
 */
static void
change_of_scale(
    const struct scaled_part *s, const struct feature *f, double *a, double *b)
{
	for (size_t j = 0; j < s->dim; j++) {
		int live = s->factor[j] != 0 && f->factor[j] != 0;

		a[j] = live ? s->factor[j] / f->factor[j] : 0;
		b[j] = live ? (f->shift[j] - s->shift[j]) * s->factor[j] : 0;
	}
}

static int
dataset_part(struct inputs *in, size_t p, const struct feature *f,
    const uint32_t *row, size_t n)
{
	const struct scaled_part *s = &in->scaling->part[p];
	double *a = in->column, *b = a + s->dim;
	int rc = 0;

	if (s->kind != PART_SPARSE)
		change_of_scale(s, f, a, b);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t r = row[i];
		const float *x = f->x + r * s->dim;
		float *z;

		if (!f->mask[r]) {
			put_nothing(in, p, i);
			continue;
		}
		in->has[i] |= UINT64_C(1) << p;
		if (s->kind == PART_SPARSE) {
			rc = put_sparse(in, p, i, f->index + f->start[r],
			    f->value + f->start[r], f->count[r], 1);
			continue;
		}
		z = in->part[p].dense + i * s->dim;
		for (size_t j = 0; j < s->dim; j++)
			z[j] = (float)((double)x[j] * a[j] + b[j]);
		if (s->kind == PART_SEQUENCE)
			rc = put_sequence_rows(in, p, i,
			    f->value + f->start[r] * s->dim, f->count[r]);
	}
	return rc;
}

int
inputs_rows(struct inputs *in, const struct dataset *ds, const uint32_t *row,
    size_t n, uint64_t keep, struct error *e)
{
	keep &= in->scaling->live;
	if (reserve(in, n) < 0)
		return error_memory(e);
	for (size_t p = 0; p < in->scaling->n; p++) {
		if (!(keep >> p & 1))
			for (size_t i = 0; i < n; i++)
				put_nothing(in, p, i);
		else if (dataset_part(in, p, &ds->feature[p], row, n) < 0)
			return error_memory(e);
	}
	return 0;
}

/* ---- from other inputs ---- */

static int
pick_part(
    struct inputs *to, const struct inputs *from, size_t p, size_t i, size_t r)
{
	const struct scaled_part *s = &to->scaling->part[p];
	const struct input_part *f = &from->part[p];
	struct input_part *t = &to->part[p];
	size_t D = s->dim, width = s->kind == PART_SPARSE ? 1 : D;
	size_t first, at, n;

	if (s->kind != PART_SPARSE)
		memcpy(
		    t->dense + i * D, f->dense + r * D, D * sizeof(*t->dense));
	if (s->kind == PART_DENSE)
		return 0;
	n = batch_range(f->end, r, &first);
	at = values_before(t, i);
	t->end[i] = at + n;
	if (n == 0)
		return 0;
	if (reserve_values(t, s, at, n) < 0)
		return -1;
	memcpy(t->value + at * width, f->value + first * width,
	    n * width * sizeof(*t->value));
	if (s->kind == PART_SPARSE)
		memcpy(t->index + at, f->index + first, n * sizeof(*t->index));
	return 0;
}

int
inputs_pick(struct inputs *to, const struct inputs *from, const uint32_t *row,
    size_t n, uint64_t keep, struct error *e)
{
	if (reserve(to, n) < 0)
		return error_memory(e);
	for (size_t i = 0; i < n; i++) {
		size_t r = row != NULL ? row[i] : i;

		to->has[i] = from->has[r] & keep;
		for (size_t p = 0; p < to->scaling->n; p++) {
			if (!(to->has[i] >> p & 1))
				put_nothing(to, p, i);
			else if (pick_part(to, from, p, i, r) < 0)
				return error_memory(e);
		}
	}
	return 0;
}

/* Values of part p move up where records before them lose theirs. */
static void
keep_values(struct inputs *in, size_t p)
{
	const struct scaled_part *s = &in->scaling->part[p];
	struct input_part *t = &in->part[p];
	size_t width = s->kind == PART_SPARSE ? 1 : s->dim, from = 0, at = 0;

	for (size_t i = 0; i < in->n; i++) {
		size_t n = t->end[i] - from;

		if (in->has[i] >> p & 1 && n > 0) {
			memmove(t->value + at * width, t->value + from * width,
			    n * width * sizeof(*t->value));
			if (s->kind == PART_SPARSE)
				memmove(t->index + at, t->index + from,
				    n * sizeof(*t->index));
			at += n;
		}
		from = t->end[i];
		t->end[i] = at;
	}
}

void
inputs_keep(struct inputs *in, uint64_t keep)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < in->n; i++) {
		lost |= in->has[i] & ~keep;
		in->has[i] &= keep;
	}
	for (size_t p = 0; p < in->scaling->n; p++) {
		const struct scaled_part *s = &in->scaling->part[p];

		if (!(lost >> p & 1))
			continue;
		if (s->kind != PART_DENSE)
			keep_values(in, p);
		if (s->kind != PART_SPARSE && in->n > 0)
			memset(in->part[p].dense, 0,
			    in->n * s->dim * sizeof(float));
	}
}
