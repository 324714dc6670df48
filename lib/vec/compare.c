#include "vec/compare.h"

#include <math.h>
#include <string.h>

struct sums {
	double ab, aa, bb, max;
};

static void
add(struct sums *s, double a, double b)
{
	double d = fabs(a - b);

	s->ab += a * b;
	s->aa += a * a;
	s->bb += b * b;
	if (d > s->max)
		s->max = d;
}

static void
add_rows(struct sums *s, const float *a, const float *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(s, (double)a[i], (double)b[i]);
}

/* Pairs in index order; an index that only one has is zero in the other. */
static void
add_pairs(struct sums *s, const struct part_column *a, size_t i,
    const struct part_column *b, size_t k)
{
	size_t x, y, nx, ny;

	nx = batch_range(a->end, i, &x);
	ny = batch_range(b->end, k, &y);
	nx += x;
	ny += y;
	while (x < nx || y < ny) {
		if (y == ny || (x < nx && a->index[x] < b->index[y]))
			add(s, (double)a->value[x++], 0);
		else if (x == nx || b->index[y] < a->index[x])
			add(s, 0, (double)b->value[y++]);
		else
			add(s, (double)a->value[x++], (double)b->value[y++]);
	}
}

/* same_doubles: equal, where NaN is a value like any other. */
static int
same_doubles(const double *a, const double *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(a[i] == b[i] || (isnan(a[i]) && isnan(b[i]))))
			return 0;
	return 1;
}

static int
add_sequence(struct sums *s, size_t dim, const struct part_column *a, size_t i,
    const struct part_column *b, size_t k)
{
	size_t x, y, nx = batch_range(a->end, i, &x);
	size_t ny = batch_range(b->end, k, &y), n = nx < ny ? nx : ny;

	if (n > 0)
		add_rows(s, a->value + x * dim, b->value + y * dim, n * dim);
	return nx != ny || (n > 0 && !same_doubles(a->time + 2 * x,
					 b->time + 2 * y, 2 * n));
}

void
compare_vectors(const struct part *p, const struct part_column *a, size_t i,
    const struct part_column *b, size_t k, struct distance *d)
{
	struct sums s = { 0 };

	*d = (struct distance){ 0 };
	switch (p->kind) {
	case PART_DENSE:
		add_rows(
		    &s, a->dense + i * p->dim, b->dense + k * p->dim, p->dim);
		break;
	case PART_SPARSE:
		add_pairs(&s, a, i, b, k);
		break;
	case PART_SEQUENCE:
		d->shape = add_sequence(&s, p->dim, a, i, b, k);
		break;
	}
	d->max = s.max;
	/* The root of a square is exact, so equal vectors have cosine 1. */
	if (s.aa > 0 && s.bb > 0)
		d->cosine = s.ab / sqrt(s.aa * s.bb);
	else
		d->cosine = s.aa == s.bb;
	if (d->cosine > 1)
		d->cosine = 1;
	if (d->cosine < -1)
		d->cosine = -1;
}

static int
same_labels(const struct batch *a, size_t i, const struct batch *b, size_t k)
{
	size_t x, y, n = batch_range(a->label_end, i, &x);

	if (batch_range(b->label_end, k, &y) != n)
		return 0;
	for (size_t l = 0; l < n; l++)
		if (!str_eq(
			strs_get(&a->label, x + l), strs_get(&b->label, y + l)))
			return 0;
	return 1;
}

int
compare_columns(
    const struct batch *a, size_t i, const struct batch *b, size_t k)
{
	int d = 0;

	if (!same_labels(a, i, b, k))
		d |= DIFF_LABEL;
	if (!same_doubles(&a->target[i], &b->target[k], 1))
		d |= DIFF_TARGET;
	if (!same_doubles(&a->weight[i], &b->weight[k], 1))
		d |= DIFF_WEIGHT;
	if (!str_eq(strs_get(&a->group, i), strs_get(&b->group, k)))
		d |= DIFF_GROUP;
	if (a->flags[i] != b->flags[k])
		d |= DIFF_FLAGS;
	return d;
}
