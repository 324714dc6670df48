#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "fusion/combine_impl.h"
#include "linalg/linalg.h"

/* A sparse vector that grows. */
struct pairs {
	uint32_t *index;
	float *value;
	size_t n, index_cap, value_cap, next;
};

static int
pairs_add(struct pairs *p, uint32_t index, float value)
{
	if (mem_grow(&p->index, &p->index_cap, p->n + 1, sizeof(*p->index)) <
		0 ||
	    mem_grow(&p->value, &p->value_cap, p->n + 1, sizeof(*p->value)) < 0)
		return -1;
	p->index[p->n] = index;
	p->value[p->n++] = value;
	return 0;
}

static void
pairs_free(struct pairs *p, size_t n)
{
	for (size_t k = 0; k < n && p != NULL; k++) {
		free(p[k].index);
		free(p[k].value);
	}
	free(p);
}

void
combine_close(struct combine *c)
{
	pairs_free(c->pairs, c->n);
	pairs_free(c->result, 1);
	free(c->values);
	free(c->sum);
	schema_free(&c->schema);
}

static int
any_sparse(const struct combine *c)
{
	for (size_t k = 0; k < c->n; k++)
		if (c->parts[k].kind == PART_SPARSE)
			return 1;
	return 0;
}

/* Where each part begins in a concatenation, and its dim. */
static uint64_t
lay_out(struct combine *c)
{
	uint64_t dim = 0;

	if (c->to != COMBINE_CONCAT)
		return c->parts[0].dim;
	for (size_t k = 0; k < c->n; k++) {
		c->parts[k].offset = (uint32_t)dim;
		dim += c->parts[k].dim;
		if (dim > VEC_MAX_SPARSE)
			return dim;
	}
	return c->missing == COMBINE_INDICATOR ? dim + c->n : dim;
}

int
combine_open(struct combine *c, const char *name, struct error *e)
{
	enum part_kind kind = any_sparse(c) ? PART_SPARSE : PART_DENSE;
	uint64_t dim = lay_out(c);
	size_t dense = 0;
	struct buf space = { 0 };
	int rc;

	if (dim > (kind == PART_DENSE ? VEC_MAX_DIM : VEC_MAX_SPARSE))
		return error_set(e, "the result's dim would be %" PRIu64, dim);
	for (size_t k = 0; k < c->n; k++)
		if (c->parts[k].kind == PART_DENSE)
			dense += c->parts[k].dim;
	c->values = mem_array(dense, sizeof(*c->values));
	c->pairs = mem_array(c->n, sizeof(*c->pairs));
	c->result = mem_array(1, sizeof(*c->result));
	c->sum = kind == PART_DENSE ? mem_array(dim, sizeof(*c->sum)) : NULL;
	if (c->values == NULL || c->pairs == NULL || c->result == NULL ||
	    (kind == PART_DENSE && c->sum == NULL))
		return error_memory(e);
	if (combine_space(c, &space) < 0) {
		buf_free(&space);
		return error_memory(e);
	}
	rc = schema_add(
	    &c->schema, name, kind, (uint32_t)dim, space.data, NULL, e);
	buf_free(&space);
	return rc;
}

/* One part of a record, x: [D] or NULL for its mean, to y: [D]. */
static void
dense_part(const struct combine *c, const struct combine_part *p,
    const float *x, float *y)
{
	double s = p->weight, length;

	if (c->norm == COMBINE_Z) {
		/* The mean itself is exactly 0. */
		for (uint32_t d = 0; d < p->dim; d++)
			y[d] = x == NULL
				   ? 0
				   : (float)(s * ((double)x[d] - p->mean[d]) *
					     p->scale[d]);
		return;
	}
	if (x == NULL) {
		for (uint32_t d = 0; d < p->dim; d++)
			y[d] = (float)p->mean[d];
		x = y;
	}
	if (c->norm == COMBINE_L2) {
		length = sqrt((double)linalg_get(cpu_isa())->norm2(x, p->dim));
		if (length > 0)
			s /= length;
	}
	for (uint32_t d = 0; d < p->dim; d++)
		y[d] = (float)(s * (double)x[d]);
}

static int
sparse_part(const struct combine *c, const struct combine_part *p,
    const struct part_column *from, size_t i, struct pairs *to)
{
	size_t first, n = batch_range(from->end, i, &first);
	double s = p->weight, length = 0;

	for (size_t k = first; k < first + n; k++)
		length += (double)from->value[k] * (double)from->value[k];
	if (c->norm == COMBINE_L2 && length > 0)
		s /= sqrt(length);
	for (size_t k = first; k < first + n; k++)
		if (pairs_add(to, from->index[k],
			(float)(s * (double)from->value[k])) < 0)
			return -1;
	return 0;
}

/*
 * Bring every part of record i that is there through its norm: dense ones to
 * c->values, one after another, and, where the result is sparse, all of them
 * to c->pairs.  here: [n] gets which are there or filled in.
 */
static int
norm_parts(
    struct combine *c, const struct batch *in, size_t i, const uint8_t *here)
{
	float *y = c->values;

	for (size_t k = 0; k < c->n; k++) {
		const struct combine_part *p = &c->parts[k];
		const struct part_column *from =
		    p->at >= 0 ? &in->parts[p->at] : NULL;

		c->pairs[k].n = c->pairs[k].next = 0;
		if (p->kind == PART_SPARSE) {
			if (here[k] &&
			    sparse_part(c, p, from, i, &c->pairs[k]) < 0)
				return -1;
			continue;
		}
		if (here[k])
			dense_part(c, p,
			    from != NULL && from->mask[i]
				? from->dense + i * p->dim
				: NULL,
			    y);
		for (uint32_t d = 0; here[k] && c->sum == NULL && d < p->dim;
		     d++)
			if ((y[d] < 0 || y[d] > 0) &&
			    pairs_add(&c->pairs[k], d, y[d]) < 0)
				return -1;
		y += p->dim;
	}
	return 0;
}

static void
concat_dense(const struct combine *c, const uint8_t *there, const uint8_t *here,
    float *out)
{
	const float *y = c->values;
	uint32_t behind = c->schema.parts[0].dim - (uint32_t)c->n;

	for (size_t k = 0; k < c->n; k++) {
		const struct combine_part *p = &c->parts[k];

		if (here[k])
			memcpy(out + p->offset, y, p->dim * sizeof(*y));
		else
			memset(out + p->offset, 0, p->dim * sizeof(*y));
		y += p->dim;
		if (c->missing == COMBINE_INDICATOR)
			out[behind + k] = there[k] ? 0 : 1;
	}
}

static int
concat_sparse(const struct combine *c, const uint8_t *there)
{
	struct pairs *r = c->result;
	uint32_t behind = c->schema.parts[0].dim - (uint32_t)c->n;

	r->n = 0;
	for (size_t k = 0; k < c->n; k++)
		for (size_t q = 0; q < c->pairs[k].n; q++)
			if (pairs_add(r,
				c->pairs[k].index[q] + c->parts[k].offset,
				c->pairs[k].value[q]) < 0)
				return -1;
	for (size_t k = 0; k < c->n && c->missing == COMBINE_INDICATOR; k++)
		if (!there[k] && pairs_add(r, behind + (uint32_t)k, 1) < 0)
			return -1;
	return 0;
}

/* One element: what was gathered so far, and the next part's value. */
static double
step(enum combine_to to, double sum, double x, int first)
{
	switch (to) {
	case COMBINE_MAX:
		return first || x > sum ? x : sum;
	case COMBINE_PRODUCT:
		return first ? x : sum * x;
	default:
		return first ? x : sum + x;
	}
}

/* What the sum is divided by: the weights of the parts that are there. */
static double
divisor(const struct combine *c, const uint8_t *here)
{
	double sum = 0;

	for (size_t k = 0; k < c->n; k++)
		sum += here[k] ? c->parts[k].weight : 0;
	return c->to == COMBINE_MEAN ? sum : 1;
}

static void
fold_dense(const struct combine *c, const uint8_t *here, float *out)
{
	uint32_t D = c->schema.parts[0].dim;
	double by = divisor(c, here);
	const float *y = c->values;
	int first = 1;

	for (size_t k = 0; k < c->n; k++, y += D) {
		if (!here[k])
			continue;
		for (uint32_t d = 0; d < D; d++)
			c->sum[d] = step(c->to, c->sum[d], (double)y[d], first);
		first = 0;
	}
	for (uint32_t d = 0; d < D; d++)
		out[d] = (float)(c->sum[d] / by);
}

/* Walk the parts' pairs together, least index first; a part without a pair
 * there has the value 0. */
static int
fold_sparse(const struct combine *c, const uint8_t *here)
{
	double by = divisor(c, here);
	struct pairs *r = c->result;

	for (r->n = 0;;) {
		uint32_t least = UINT32_MAX;
		double sum = 0;
		int first = 1;

		for (size_t k = 0; k < c->n; k++) {
			const struct pairs *p = &c->pairs[k];

			if (p->next < p->n && p->index[p->next] < least)
				least = p->index[p->next];
		}
		if (least == UINT32_MAX)
			return 0;
		for (size_t k = 0; k < c->n; k++) {
			struct pairs *p = &c->pairs[k];
			double x = 0;

			if (!here[k])
				continue;
			if (p->next < p->n && p->index[p->next] == least)
				x = (double)p->value[p->next++];
			sum = step(c->to, sum, x, first);
			first = 0;
		}
		if ((sum < 0 || sum > 0) &&
		    pairs_add(r, least, (float)(sum / by)) < 0)
			return -1;
	}
}

/*
 * Which parts of record i are there, and which have a value to be combined.
 * 1 when there is a result, 0 when there is none, -1 when that is an error.
 */
static int
look(const struct combine *c, const struct batch *in, size_t i, uint8_t *there,
    uint8_t *here, struct error *e)
{
	struct str id = strs_get(&in->id, i);
	size_t n = 0, missing = c->n;

	for (size_t k = c->n; k-- > 0;) {
		int at = c->parts[k].at;

		there[k] = at >= 0 && in->parts[at].mask[i];
		here[k] = there[k] || (c->to == COMBINE_CONCAT &&
					  c->missing == COMBINE_FILL);
		n += there[k];
		if (!there[k])
			missing = k;
	}
	if (n == 0)
		return 0;
	if (n == c->n || c->to != COMBINE_CONCAT)
		return 1;
	if (c->missing == COMBINE_REFUSE)
		return error_set(e,
		    "record '%.*s' has no part '%s': say what stands for it "
		    "(--missing drop, mean or indicator)",
		    (int)id.len, id.s, c->parts[missing].name);
	return c->missing != COMBINE_DROP;
}

/* There is no result: hand on the error of the first part that has one. */
static int
hand_on_error(const struct combine *c, const struct batch *in, size_t i,
    struct batch *out, struct error *e)
{
	for (size_t k = 0; k < c->n; k++) {
		int at = c->parts[k].at;
		struct str why = { NULL, 0 };
		struct buf text = { 0 };
		int rc;

		if (at >= 0)
			why = strs_get(&in->parts[at].error, i);
		if (why.len == 0)
			continue;
		if (buf_printf(&text, "%s: ", c->parts[k].name) < 0 ||
		    buf_put(&text, why.s, why.len) < 0)
			rc = error_memory(e);
		else
			rc = batch_error_str(out, 0, text.data, text.len, e);
		buf_free(&text);
		return rc;
	}
	return 0;
}

static int
give_sparse(struct batch *out, const struct pairs *r)
{
	uint32_t *index;
	float *value;

	if (batch_sparse(out, 0, r->n, &index, &value) < 0)
		return -1;
	if (r->n > 0) {
		memcpy(index, r->index, r->n * sizeof(*index));
		memcpy(value, r->value, r->n * sizeof(*value));
	}
	return 0;
}

static int
combine_record(struct combine *c, const struct batch *in, size_t i,
    struct batch *out, struct error *e)
{
	uint8_t there[VEC_MAX_PARTS], here[VEC_MAX_PARTS];
	int rc = look(c, in, i, there, here, e), concat;
	float *y;

	if (rc < 0)
		return -1;
	if (rc == 0)
		return hand_on_error(c, in, i, out, e);
	if (norm_parts(c, in, i, here) < 0)
		return error_memory(e);
	concat = c->to == COMBINE_CONCAT;
	if (concat && memchr(there, 0, c->n) != NULL)
		out->flags[out->n - 1] |= FLAG_IMPUTED;
	if (c->sum != NULL) {
		if ((y = batch_dense(out, 0)) == NULL)
			return error_memory(e);
		if (concat)
			concat_dense(c, there, here, y);
		else
			fold_dense(c, here, y);
		return 0;
	}
	rc = concat ? concat_sparse(c, there) : fold_sparse(c, here);
	if (rc < 0 || give_sparse(out, c->result) < 0)
		return error_memory(e);
	return 0;
}

int
combine_apply(struct combine *c, const struct batch *in, struct batch *out,
    struct error *e)
{
	for (size_t i = 0; i < in->n; i++)
		if (batch_carry(out, in, i, e) < 0 ||
		    combine_record(c, in, i, out, e) < 0)
			return -1;
	return 0;
}
