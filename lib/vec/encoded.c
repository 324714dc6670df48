#include "vec/encoded.h"

#include <stdlib.h>
#include <string.h>

#include "vec/runner.h"

int
encoded_init(struct encoded *out, const struct schema *s, struct error *e)
{
	*out = (struct encoded){ .schema = s };
	out->parts = mem_array(s->n, sizeof(*out->parts));
	return out->parts != NULL ? 0 : error_memory(e);
}

void
encoded_free(struct encoded *out)
{
	for (size_t p = 0; out->parts != NULL && p < out->schema->n; p++) {
		free(out->parts[p].dense);
		free(out->parts[p].index);
		free(out->parts[p].value);
		free(out->parts[p].time);
	}
	free(out->parts);
	buf_free(&out->line);
	*out = (struct encoded){ 0 };
}

void
encoded_reset(struct encoded *out)
{
	out->flags = 0;
	out->line.len = 0;
	for (size_t p = 0; p < out->schema->n; p++) {
		out->parts[p].given = 0;
		out->parts[p].n = 0;
	}
}

void
encoded_trim(struct encoded *out, size_t max)
{
	for (size_t p = 0; p < out->schema->n; p++) {
		struct encoded_part *part = &out->parts[p];
		size_t width =
		    out->schema->parts[p].kind == PART_SPARSE
			? sizeof(*part->index) + sizeof(*part->value)
			: out->schema->parts[p].dim * sizeof(*part->value);

		if (part->cap <= max / width)
			continue;
		free(part->index);
		free(part->value);
		free(part->time);
		part->index = NULL;
		part->value = NULL;
		part->time = NULL;
		part->cap = 0;
	}
	if (out->line.cap > max)
		buf_free(&out->line);
}

float *
encoded_dense(struct encoded *out, size_t p, struct error *e)
{
	struct encoded_part *part = &out->parts[p];
	size_t dim = out->schema->parts[p].dim;

	if (part->dense == NULL)
		part->dense = mem_aligned(dim, sizeof(*part->dense));
	else
		memset(part->dense, 0, dim * sizeof(*part->dense));
	if (part->dense == NULL) {
		error_memory(e);
		return NULL;
	}
	part->given = 1;
	return part->dense;
}

/* Room for n > cap elements of ${width} bytes; what was there is dropped. */
static int
renew(void *p, size_t n, size_t width)
{
	void *old, *fresh;

	memcpy(&old, p, sizeof(old));
	free(old);
	fresh = mem_array(n, width);
	memcpy(p, &fresh, sizeof(fresh));
	return fresh != NULL ? 0 : -1;
}

int
encoded_sparse(struct encoded *out, size_t p, size_t n, uint32_t **index,
    float **value, struct error *e)
{
	struct encoded_part *part = &out->parts[p];

	if (n > part->cap || part->index == NULL) {
		size_t cap = n > part->cap / 2 * 3 ? n : part->cap / 2 * 3;

		part->cap = 0;
		if (renew(&part->index, cap, sizeof(*part->index)) == -1 ||
		    renew(&part->value, cap, sizeof(*part->value)) == -1)
			return error_memory(e);
		part->cap = cap;
	}
	part->given = 1;
	part->n = n;
	*index = part->index;
	*value = part->value;
	return 0;
}

void
encoded_pairs(struct encoded *out, size_t p, size_t n)
{
	out->parts[p].n = n;
}

float *
encoded_sequence(
    struct encoded *out, size_t p, size_t rows, double **time, struct error *e)
{
	struct encoded_part *part = &out->parts[p];
	size_t width = out->schema->parts[p].dim * sizeof(float);

	if (rows > part->cap || part->value == NULL) {
		part->cap = 0;
		if (renew(&part->value, rows, width) == -1 ||
		    renew(&part->time, rows, 2 * sizeof(*part->time)) == -1) {
			error_memory(e);
			return NULL;
		}
		part->cap = rows;
	}
	part->given = 1;
	part->n = rows;
	part->timed = time != NULL;
	if (time != NULL)
		*time = part->time;
	return part->value;
}

struct buf *
encoded_line(struct encoded *out)
{
	return &out->line;
}

void
encoded_flag(struct encoded *out, uint32_t flags)
{
	out->flags |= flags;
}

static int
store_part(const struct encoded_part *part, const struct part *shape, size_t p,
    struct batch *b)
{
	size_t dim = shape->dim;
	uint32_t *index;
	double *time;
	float *x;

	switch (shape->kind) {
	case PART_DENSE:
		x = batch_dense(b, p);
		if (x == NULL)
			return -1;
		memcpy(x, part->dense, dim * sizeof(*x));
		return 0;
	case PART_SPARSE:
		if (batch_sparse(b, p, part->n, &index, &x) == -1)
			return -1;
		if (part->n == 0)
			return 0;
		memcpy(index, part->index, part->n * sizeof(*index));
		memcpy(x, part->value, part->n * sizeof(*x));
		return 0;
	case PART_SEQUENCE:
		x = batch_sequence(b, p, part->n, part->timed ? &time : NULL);
		if (x == NULL)
			return -1;
		if (part->n == 0)
			return 0;
		memcpy(x, part->value, part->n * dim * sizeof(*x));
		if (part->timed)
			memcpy(time, part->time, part->n * 2 * sizeof(*time));
		return 0;
	}
	return -1;
}

int
encoded_store(const struct encoded *out, struct batch *b, struct error *e)
{
	for (size_t p = 0; p < out->schema->n; p++)
		if (out->parts[p].given &&
		    store_part(&out->parts[p], &out->schema->parts[p], p, b) ==
			-1)
			return error_memory(e);
	b->flags[b->n - 1] |= out->flags;
	return 0;
}
