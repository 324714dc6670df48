#include "fusion/combine.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fusion/combine_impl.h"

static int
add_part(struct combine *c, const struct part *from, struct error *e)
{
	struct combine_part *p = &c->parts[c->n];

	if (from->kind == PART_SEQUENCE)
		return error_set(e,
		    "part '%s' is a sequence: pool it to one vector first",
		    from->name);
	p->name = mem_strndup(from->name, strlen(from->name));
	p->space = mem_strndup(from->space, strlen(from->space));
	p->kind = from->kind;
	p->dim = from->dim;
	p->weight = 1;
	p->at = (int)c->n++;
	return p->name == NULL || p->space == NULL ? error_memory(e) : 0;
}

/* Statistics are of dense parts: those of sparse ones would fill them. */
static int
needs_statistics(const struct combine *c)
{
	return c->norm == COMBINE_Z || c->missing == COMBINE_FILL;
}

static int
check_part(
    const struct combine *c, const struct combine_part *p, struct error *e)
{
	if (p->kind == PART_SPARSE && c->norm == COMBINE_Z)
		return error_set(e,
		    "part '%s' is sparse and would not stay so: norm l2 "
		    "instead of z",
		    p->name);
	if (p->kind == PART_SPARSE && c->missing == COMBINE_FILL)
		return error_set(e,
		    "part '%s' is sparse and has no mean to fill in: "
		    "missing indicator or drop instead of mean",
		    p->name);
	if (c->to != COMBINE_CONCAT && p->dim != c->parts[0].dim)
		return error_set(e,
		    "part '%s' has dim %" PRIu32 ", part '%s' %" PRIu32
		    ": only concat joins them",
		    p->name, p->dim, c->parts[0].name, c->parts[0].dim);
	return 0;
}

static int
check_parts(const struct combine *c, struct error *e)
{
	if (c->n == 0)
		return error_set(e, "there are no parts to combine");
	for (size_t k = 0; k < c->n; k++)
		if (check_part(c, &c->parts[k], e) < 0)
			return -1;
	return 0;
}

int
combine_init(struct combine *c, const struct schema *in, enum combine_to to,
    enum combine_norm norm, enum combine_missing missing, struct error *e)
{
	*c = (struct combine){ .to = to, .norm = norm, .missing = missing };
	c->parts = mem_array(in->n, sizeof(*c->parts));
	if (c->parts == NULL)
		return error_memory(e);
	for (size_t k = 0; k < in->n; k++)
		if (add_part(c, &in->parts[k], e) < 0)
			return -1;
	if (check_parts(c, e) < 0)
		return -1;
	for (size_t k = 0; k < c->n && needs_statistics(c); k++) {
		struct combine_part *p = &c->parts[k];

		p->mean = mem_array(p->dim, sizeof(*p->mean));
		p->scale = mem_array(p->dim, sizeof(*p->scale));
		if (p->mean == NULL || p->scale == NULL)
			return error_memory(e);
	}
	return 0;
}

void
combine_free(struct combine *c)
{
	for (size_t k = 0; k < c->n; k++) {
		free(c->parts[k].name);
		free(c->parts[k].space);
		free(c->parts[k].mean);
		free(c->parts[k].scale);
	}
	combine_close(c);
	free(c->parts);
	memset(c, 0, sizeof(*c));
}

int
combine_weight(struct combine *c, const char *name, double w, struct error *e)
{
	for (size_t k = 0; k < c->n; k++)
		if (strcmp(c->parts[k].name, name) == 0) {
			c->parts[k].weight = w;
			return 0;
		}
	return error_set(e, "there is no part '%s' to weigh", name);
}

int
combine_fitted(const struct combine *c)
{
	return needs_statistics(c);
}

/*
 * Mean and sum of squares about it, updated record by record (Welford 1962):
 * scale holds the sum of squares until combine_save turns it into 1 /
 * deviation.
 */
void
combine_fit(struct combine *c, const struct batch *b)
{
	for (size_t k = 0; k < c->n; k++) {
		struct combine_part *p = &c->parts[k];
		const struct part_column *from = &b->parts[p->at];

		if (p->mean == NULL)
			continue;
		for (size_t i = 0; i < b->n; i++) {
			const float *x = from->dense + i * p->dim;
			double share;

			if (!from->mask[i])
				continue;
			share = 1 / (double)++p->seen;
			for (uint32_t d = 0; d < p->dim; d++) {
				double off = (double)x[d] - p->mean[d];

				p->mean[d] += off * share;
				p->scale[d] +=
				    off * ((double)x[d] - p->mean[d]);
			}
		}
	}
}

static void
finish_statistics(struct combine *c)
{
	for (size_t k = 0; k < c->n; k++) {
		struct combine_part *p = &c->parts[k];

		for (uint32_t d = 0; p->mean != NULL && d < p->dim; d++) {
			double var =
			    p->seen > 0 ? p->scale[d] / (double)p->seen : 0;

			p->scale[d] = var > 0 ? 1 / sqrt(var) : 1;
		}
	}
}

int
combine_save(struct combine *c, const char *path, struct error *e)
{
	finish_statistics(c);
	return combine_write(c, path, e);
}

int
combine_load(struct combine *c, const char *path, struct error *e)
{
	*c = (struct combine){ 0 };
	if (combine_read(c, path, e) < 0)
		return -1;
	return check_parts(c, e) < 0 ? error_at(e, "'%s'", path) : 0;
}

static int
meets(const struct combine_part *p, const struct part *part, struct error *e)
{
	struct part known = { .name = p->name,
		.kind = p->kind,
		.dim = p->dim,
		.space = p->space };

	if (part_meets(&known, part, e) < 0)
		return error_at(e, "part '%s'", p->name);
	return 0;
}

int
combine_bind(struct combine *c, const struct schema *in, struct error *e)
{
	for (size_t k = 0; k < c->n; k++) {
		struct combine_part *p = &c->parts[k];

		p->at = schema_find(in, p->name);
		if (p->at >= 0 && meets(p, &in->parts[p->at], e) < 0)
			return -1;
	}
	for (size_t k = 0; k < in->n; k++) {
		size_t known = 0;

		while (known < c->n && c->parts[known].at != (int)k)
			known++;
		if (known == c->n)
			return error_set(e, "the model knows no part '%s'",
			    in->parts[k].name);
	}
	return 0;
}
