#include "fusion/predictor.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

int
predictor_bind(const struct predictor *p, const struct schema *s, int *map,
    struct error *e)
{
	size_t found = 0;

	for (size_t i = 0; i < s->n; i++)
		if (schema_find(&p->schema, s->parts[i].name) < 0)
			return error_set(e, "the model does not know part '%s'",
			    s->parts[i].name);
	for (size_t k = 0; k < p->schema.n; k++) {
		const struct part *mine = &p->schema.parts[k];

		map[k] = schema_find(s, mine->name);
		if (map[k] < 0)
			continue;
		found++;
		if (part_meets(mine, &s->parts[map[k]], e) < 0)
			return error_at(e, "part '%s': model and stream differ",
			    mine->name);
	}
	return found > 0 ? 0 : error_set(e, "no part of the model is there");
}

size_t
predictor_scratch(const struct predictor *p, size_t n)
{
	size_t widest = 0;

	for (size_t k = 0; k < p->schema.n; k++)
		if (p->schema.parts[k].kind == PART_DENSE &&
		    p->schema.parts[k].dim > widest)
			widest = p->schema.parts[k].dim;
	return n * widest;
}

static int
present(const struct batch *b, int part, size_t i)
{
	return part >= 0 && b->parts[part].mask[i];
}

/* The rows that have the part, standardised; a missing one stays zero. */
static void
add_dense(const struct predictor *p, const struct linalg *la, size_t k,
    const struct batch *b, int part, size_t first, size_t n, float *F, float *Z)
{
	const struct predictor_part *w = &p->part[k];
	size_t D = p->schema.parts[k].dim;

	for (size_t i = 0; i < n; i++) {
		const float *x = b->parts[part].dense + (first + i) * D;
		float *z = Z + i * D;

		if (!present(b, part, first + i)) {
			memset(z, 0, D * sizeof(*z));
			continue;
		}
		for (size_t j = 0; j < D; j++)
			z[j] = (float)(((double)x[j] - w->shift[j]) *
				       w->factor[j]);
	}
	la->gemm(
	    F, p->C, mat_rows(Z, D), mat_rows(w->weight, p->C), n, p->C, D, 1);
}

/* Where the column stands among the known ones, or active. */
static size_t
find_column(const struct predictor_part *w, uint32_t column)
{
	size_t from = 0, to = w->active;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (w->column[mid] < column)
			from = mid + 1;
		else
			to = mid;
	}
	return from < w->active && w->column[from] == column ? from : w->active;
}

static void
add_sparse(const struct predictor *p, const struct linalg *la, size_t k,
    const struct part_column *c, size_t i, float *F)
{
	const struct predictor_part *w = &p->part[k];
	size_t first, n = batch_range(c->end, i, &first);
	double sq = 0;
	float inverse;

	for (size_t m = first; m < first + n; m++) {
		size_t at = find_column(w, c->index[m]);
		double v;

		if (at == w->active)
			continue;
		v = (double)c->value[m] * (double)w->idf[at];
		sq += v * v;
	}
	inverse = sq > 0 ? (float)(1 / sqrt(sq)) : 0;
	for (size_t m = first; m < first + n; m++) {
		size_t at = find_column(w, c->index[m]);

		if (at < w->active)
			la->axpy(F, c->value[m] * w->idf[at] * inverse,
			    w->weight + at * p->C, p->C);
	}
}

void
predictor_scores(const struct predictor *p, const struct linalg *la,
    const struct batch *b, const int *map, size_t first, size_t n, float *F,
    float *scratch)
{
	for (size_t i = 0; i < n; i++)
		memcpy(F + i * p->C, p->bias, p->C * sizeof(*F));
	for (size_t k = 0; k < p->schema.n; k++) {
		if (map[k] >= 0 && p->schema.parts[k].kind == PART_DENSE)
			add_dense(p, la, k, b, map[k], first, n, F, scratch);
		for (size_t i = 0; i < n; i++) {
			float *f = F + i * p->C;

			if (!present(b, map[k], first + i))
				la->axpy(f, 1, p->missing + k * p->C, p->C);
			else if (p->schema.parts[k].kind == PART_SPARSE)
				add_sparse(
				    p, la, k, &b->parts[map[k]], first + i, f);
		}
	}
}

void
predictor_link(
    const struct predictor *p, const struct linalg *la, float *F, size_t n)
{
	loss_link(la, p->task, F, n, p->C);
	if (p->task == TASK_REGRESS)
		for (size_t i = 0; i < n * p->C; i++)
			F[i] = (float)(p->mean + p->scale * (double)F[i]);
}

static int
finite(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return 0;
	return 1;
}

int
predictor_can(const struct predictor *p, const struct batch *b, const int *map,
    size_t i, struct error *why)
{
	int has = 0, bad = 0;

	for (size_t k = 0; k < p->schema.n; k++) {
		const char *name = p->schema.parts[k].name;
		const struct part_column *c;
		size_t at, n;

		if (map[k] < 0)
			continue;
		c = &b->parts[map[k]];
		if (!c->mask[i]) {
			struct str s = strs_get(&c->error, i);

			if (s.len > 0 && !bad++)
				error_set(
				    why, "%s: %.*s", name, (int)s.len, s.s);
			continue;
		}
		has = 1;
		if (p->schema.parts[k].kind == PART_SPARSE) {
			n = batch_range(c->end, i, &at);
		} else {
			n = p->schema.parts[k].dim;
			at = i * n;
		}
		if (!finite((c->dense != NULL ? c->dense : c->value) + at, n)) {
			error_set(why, "%s: non-finite value", name);
			return 0;
		}
	}
	return has || !bad;
}

static int
among(const uint64_t *sorted, size_t n, uint64_t x)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (sorted[mid] < x)
			from = mid + 1;
		else
			to = mid;
	}
	return from < n && sorted[from] == x;
}

int
predictor_knows(const struct predictor *p, struct str id, struct str group)
{
	return among(p->ids, p->nids, dataset_hash_id(id)) ||
	       (group.len > 0 &&
		   among(p->groups, p->ngroups, dataset_hash_group(group)));
}

void
predictor_free(struct predictor *p)
{
	strs_free(&p->classes);
	schema_free(&p->schema);
	free(p->part);
	free(p->report);
	model_close(&p->model);
	memset(p, 0, sizeof(*p));
}
