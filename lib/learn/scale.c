#include "learn/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/mathd.h"

enum { STRIPE = 256 }; /* columns that one worker takes */

struct dense_job {
	const struct linalg *la;
	struct feature *f;
	size_t n; /* of the dataset */
	const struct rows *rows;
	double *mean, *var; /* [D] in present coordinates */
	double *k;          /* [D] what the centred column is multiplied by */
	int raw;            /* statistics of a sequence's rows, not of x */
};

/* The next rows that count, from record *i on, which moves behind them: they
 * begin at *x.  Their number, 0 when there are no more. */
static size_t
next_rows(const struct dense_job *j, size_t *i, size_t end, const float **x)
{
	const struct feature *f = j->f;
	size_t from;

	while (*i < end && !f->mask[*i])
		++*i;
	from = *i;
	if (from == end)
		return 0;
	if (j->raw) {
		++*i;
		*x = f->value + f->start[from] * f->dim;
		return f->count[from];
	}
	while (*i < end && f->mask[*i])
		++*i;
	*x = f->x + from * f->dim;
	return *i - from;
}

static size_t
stripe(const struct feature *f, size_t i, size_t *first)
{
	*first = i * STRIPE;
	return f->dim - *first < STRIPE ? f->dim - *first : STRIPE;
}

static void
stripe_statistics(void *arg, size_t i, int worker)
{
	struct dense_job *j = arg;
	struct feature *f = j->f;
	size_t c, d = stripe(f, i, &c), seen = 0, n;
	const float *x;

	(void)worker;
	memset(j->mean + c, 0, d * sizeof(double));
	memset(j->var + c, 0, d * sizeof(double));
	for (int pass = 0; pass < 2; pass++) {
		for (int s = 0; s < 2; s++) {
			size_t r = j->rows->first[s];
			size_t end = r + j->rows->count[s];

			while ((n = next_rows(j, &r, end, &x)) > 0) {
				if (pass == 0)
					j->la->col_sum(
					    j->mean + c, x + c, f->dim, n, d);
				else
					j->la->col_sq(j->var + c, j->mean + c,
					    x + c, f->dim, n, d);
				seen += pass == 0 ? n : 0;
			}
		}
		for (size_t k = c; seen > 0 && k < c + d; k++)
			*(pass == 0 ? &j->mean[k] : &j->var[k]) /= (double)seen;
	}
}

/*
 * The factor of each column.  A spread below 1e-6 of the mean, in the units
 * of the input, is rounding: the column is constant.  It is centred, so it is
 * zero in the rows that were learnt from and gets no weight, but keeps its
 * values for the next time.
 */
static void
column_factors(struct dense_job *j)
{
	struct feature *f = j->f;
	size_t from = 0, blocks = 0;

	for (size_t c = 0; c < f->dim; c++) {
		double sd = sqrt(j->var[c]) / f->factor[c];
		double mean = f->shift[c] + j->mean[c] / f->factor[c];

		f->live[c] = sd > 1e-6 * fabs(mean) && sd > 1e-30;
	}
	for (size_t b = 0; b < f->blocks; from = f->block[b++]) {
		size_t live = 0;

		for (size_t c = from; c < f->block[b]; c++)
			live += f->live[c];
		blocks += live > 0;
		for (size_t c = from; c < f->block[b]; c++)
			j->k[c] = f->live[c] && !f->fixed
				      ? 1 / sqrt(j->var[c] * (double)live)
				      : 1;
	}
	for (size_t c = 0; c < f->dim; c++) {
		if (f->live[c] && !f->fixed)
			j->k[c] /= sqrt((double)blocks);
		f->shift[c] += j->mean[c] / f->factor[c];
		f->factor[c] *= j->k[c];
	}
}

static void
stripe_apply(void *arg, size_t i, int worker)
{
	struct dense_job *j = arg;
	struct feature *f = j->f;
	size_t c, d = stripe(f, i, &c);

	(void)worker;
	for (size_t r = 0; r < j->n; r++) {
		float *x = f->x + r * f->dim + c;

		if (!f->mask[r])
			continue;
		for (size_t k = 0; k < d; k++)
			x[k] = (float)(((double)x[k] - j->mean[c + k]) *
				       j->k[c + k]);
	}
}

/* The means of a sequence's rows anew, summed as in feature_mean. */
static void
sequence_apply(void *arg, size_t i, int worker)
{
	struct dense_job *j = arg;
	struct feature *f = j->f;
	size_t c, d = stripe(f, i, &c), D = f->dim;
	double mean[STRIPE];

	(void)worker;
	for (size_t r = 0; r < j->n; r++) {
		if (!f->mask[r])
			continue;
		memset(mean, 0, d * sizeof(*mean));
		j->la->col_sum(
		    mean, f->value + f->start[r] * D + c, D, f->count[r], d);
		for (size_t k = 0; k < d; k++)
			f->x[r * D + c + k] =
			    (float)((mean[k] / (double)f->count[r] -
					f->shift[c + k]) *
				    f->factor[c + k]);
	}
}

/* What the means of records, once centred, lack of length 1. */
static double
gain_of(struct dense_job *j, size_t stripes, struct pool *pool)
{
	double sq = 0;

	pool_run(pool, stripes, stripe_statistics, j);
	for (size_t c = 0; c < j->f->dim; c++)
		sq += j->f->live[c] ? j->var[c] : 0;
	return sq > 1e-12 ? 1 / sqrt(sq) : 1;
}

static int
scale_dense(const struct linalg *la, struct pool *pool, struct feature *f,
    size_t n, const struct rows *rows, struct error *e)
{
	size_t stripes = (f->dim + STRIPE - 1) / STRIPE;
	struct dense_job j = { .la = la, .f = f, .n = n, .rows = rows };

	j.mean = mem_array(3 * (size_t)f->dim, sizeof(*j.mean));
	if (j.mean == NULL)
		return error_memory(e);
	j.var = j.mean + f->dim;
	j.k = j.var + f->dim;
	/* A sequence's rows are as they came. */
	for (size_t c = 0; f->sequence && c < f->dim; c++) {
		f->shift[c] = 0;
		f->factor[c] = 1;
	}
	j.raw = f->sequence;
	pool_run(pool, stripes, stripe_statistics, &j);
	column_factors(&j);
	pool_run(
	    pool, stripes, f->sequence ? sequence_apply : stripe_apply, &j);
	j.raw = 0;
	f->gain = f->sequence ? gain_of(&j, stripes, pool) : 1;
	free(j.mean);
	return 0;
}

static int
scale_sparse(
    struct feature *f, size_t n, const struct rows *rows, struct error *e)
{
	uint32_t *df = mem_array(f->active, sizeof(*df));
	double seen = 0;

	if (df == NULL)
		return error_memory(e);
	for (int s = 0; s < 2; s++) {
		size_t r = rows->first[s], end = r + rows->count[s];

		for (; r < end; r++) {
			seen += f->mask[r];
			for (size_t k = 0; k < f->count[r]; k++)
				df[f->index[f->start[r] + k]]++;
		}
	}
	/* Columns that only other rows have are as unknown as those that a
	 * record brings at prediction: they count for nothing. */
	for (size_t c = 0; c < f->active; c++)
		f->idf[c] =
		    df[c] == 0
			? 0
			: (float)(mathd_log((1 + seen) / (1 + (double)df[c])) +
				  1);
	free(df);
	for (size_t r = 0; r < n; r++) {
		double sq = 0;

		for (size_t k = 0; k < f->count[r]; k++) {
			size_t at = f->start[r] + k;
			double v =
			    (double)f->value[at] * (double)f->idf[f->index[at]];

			sq += v * v;
		}
		f->inverse[r] = sq > 0 ? (float)(1 / sqrt(sq)) : 0;
	}
	return 0;
}

int
dataset_scale(const struct linalg *la, struct pool *pool, struct dataset *ds,
    const struct rows *rows, struct error *e)
{
	for (size_t p = 0; p < ds->features; p++) {
		struct feature *f = &ds->feature[p];

		if ((f->kind == PART_SPARSE
			    ? scale_sparse(f, ds->n, rows, e)
			    : scale_dense(la, pool, f, ds->n, rows, e)) < 0)
			return -1;
	}
	return 0;
}
