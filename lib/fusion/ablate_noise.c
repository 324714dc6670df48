#include "fusion/ablate.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "linalg/mathd.h"

/* The draws of one record's part. */
struct draws {
	struct rng rng;
	double spare; /* the other of a pair, NaN when it is taken */
};

static void
draws_seed(struct draws *d, struct str id, size_t k, uint64_t seed)
{
	rng_seed(&d->rng,
	    hash_bytes(id.s, id.len, hash_mix(seed) ^ hash_mix(k + 1)));
	d->spare = (double)NAN;
}

/* From a standard normal, by the polar method (Marsaglia and Bray 1964): a
 * point of the unit disc makes two. */
static double
normal(struct draws *d)
{
	double x = d->spare, y, r;

	d->spare = (double)NAN;
	if (!isnan(x))
		return x;
	do {
		x = 2 * rng_double(&d->rng) - 1;
		y = 2 * rng_double(&d->rng) - 1;
		r = x * x + y * y;
	} while (!(r > 0 && r < 1));
	r = sqrt(-2 * mathd_log(r) / r);
	d->spare = y * r;
	return x * r;
}

/*
 * Every live block of columns got an equal share of a length of 1, and every
 * live column an equal share of its block's (scale.h).
 */
void
ablate_spread(double *sd, const struct scaled_part *s, const struct strs *names)
{
	uint32_t blocks = 0;

	for (uint32_t from = 0, to; from < s->dim; from = to) {
		uint32_t live = 0;

		to = feature_block(names, s->dim, from);
		for (uint32_t c = from; c < to; c++)
			live += s->factor[c] > 0;
		for (uint32_t c = from; c < to; c++)
			sd[c] = s->factor[c] > 0 ? 1 / sqrt((double)live) : 0;
		blocks += live > 0;
	}
	for (uint32_t c = 0; blocks > 0 && c < s->dim; c++)
		sd[c] /= sqrt((double)blocks);
}

/* z: [rows, D] */
static void
cover_dense(float *z, size_t rows, size_t D, const double *sd, double level,
    struct draws *r)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t c = 0; c < D; c++, z++)
			*z = (float)((double)*z + level * sd[c] * normal(r));
}

/*
 * Drop pairs [from, to) of a record, moving the others down to ${at}, and
 * bring them back to length 1: what is left is what scaling would have made of
 * the pairs that are left.  Returns the new end.
 */
static size_t
cover_sparse(struct input_part *p, size_t from, size_t to, size_t at,
    double drop, struct draws *r)
{
	size_t first = at;
	double sum = 0;
	float up;

	for (size_t j = from; j < to; j++) {
		if (rng_double(&r->rng) < drop)
			continue;
		p->index[at] = p->index[j];
		p->value[at] = p->value[j];
		sum += (double)p->value[at] * (double)p->value[at];
		at++;
	}
	if (at - first == to - from || !(sum > 0))
		return at;
	up = (float)(1 / sqrt(sum));
	for (size_t j = first; j < at; j++)
		p->value[j] *= up;
	return at;
}

/* The mean of the rows z: [rows, D], of which linear models know. */
static void
mean_rows(float *mean, const float *z, size_t rows, size_t D, double *sum)
{
	memset(sum, 0, D * sizeof(*sum));
	for (size_t i = 0; i < rows; i++, z += D)
		for (size_t c = 0; c < D; c++)
			sum[c] += (double)z[c];
	for (size_t c = 0; c < D; c++)
		mean[c] = (float)(sum[c] / (double)rows);
}

static void
cover_record(struct inputs *in, size_t k, size_t i, size_t first,
    const double *sd, double level, struct draws *r)
{
	const struct scaled_part *s = &in->scaling->part[k];
	struct input_part *p = &in->part[k];
	size_t D = s->active, rows;

	if (s->kind == PART_DENSE) {
		cover_dense(p->dense + i * D, 1, D, sd, level, r);
		return;
	}
	rows = p->end[i] - first;
	cover_dense(p->value + first * D, rows, D, sd, level, r);
	mean_rows(p->dense + i * D, p->value + first * D, rows, D, in->column);
}

void
ablate_cover(struct inputs *in, size_t k, const double *sd, double level,
    const struct batch *b, size_t first, uint64_t seed)
{
	const struct scaled_part *s = &in->scaling->part[k];
	struct input_part *p = &in->part[k];
	double drop = level * level / (1 + level * level);
	size_t from = 0, to = 0, at = 0;

	for (size_t i = 0; level > 0 && i < in->n; i++, from = to) {
		struct draws r;

		if (s->kind != PART_DENSE)
			to = p->end[i];
		draws_seed(&r, strs_get(&b->id, first + i), k, seed);
		if (s->kind == PART_SPARSE)
			p->end[i] = at =
			    cover_sparse(p, from, to, at, drop, &r);
		else if (in->has[i] >> k & 1)
			cover_record(in, k, i, from, sd, level, &r);
	}
}
