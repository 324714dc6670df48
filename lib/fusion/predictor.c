#include "fusion/predictor.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* ---- the table ---- */

int
member_linear(struct member *m, const char *name, uint64_t parts, size_t P,
    struct error *e)
{
	*m = (struct member){ .kind = MEMBER_LINEAR, .parts = parts };
	m->name = mem_strndup(name, strlen(name));
	m->weight = mem_array(P, sizeof(*m->weight));
	return m->name != NULL && m->weight != NULL ? 0 : error_memory(e);
}

void
member_free(struct member *m)
{
	free(m->name);
	free(m->weight);
	net_free(m->net);
	memset(m, 0, sizeof(*m));
}

const struct part_set *
predictor_set(const struct predictor *p, uint64_t has)
{
	has &= p->scaling.live;
	for (size_t s = 0; s < p->sets; s++)
		if (p->set[s].parts == has)
			return &p->set[s];
	return &p->set[0];
}

double
predictor_threshold(const struct predictor *p, size_t c)
{
	return p->threshold != NULL ? (double)p->threshold[c] : 0.5;
}

/* ---- streams ---- */

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

static int
finite(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return 0;
	return 1;
}

/* Whether the values of part k that record i has are finite. */
static int
part_finite(const struct part *part, const struct part_column *c, size_t i)
{
	size_t D = part->dim, at, n;

	if (part->kind == PART_DENSE)
		return finite(c->dense + i * D, D);
	n = batch_range(c->end, i, &at);
	if (part->kind == PART_SPARSE)
		return finite(c->value + at, n);
	return finite(c->value + at * D, n * D);
}

/* Whether record i has part k; a sequence without rows is none. */
static int
part_there(const struct part *part, const struct part_column *c, size_t i)
{
	size_t at;

	return c->mask[i] &&
	       (part->kind != PART_SEQUENCE || batch_range(c->end, i, &at) > 0);
}

int
predictor_can(const struct predictor *p, const struct batch *b, const int *map,
    size_t i, struct error *why)
{
	int has = 0, bad = 0;

	for (size_t k = 0; k < p->schema.n; k++) {
		const struct part *part = &p->schema.parts[k];
		const char *name = part->name;
		const struct part_column *c;

		if (map[k] < 0)
			continue;
		c = &b->parts[map[k]];
		if (!part_there(part, c, i)) {
			struct str s = strs_get(&c->error, i);

			if (s.len > 0 && !bad++)
				error_set(
				    why, "%s: %.*s", name, (int)s.len, s.s);
			continue;
		}
		has = 1;
		if (!part_finite(part, c, i)) {
			error_set(why, "%s: non-finite value", name);
			return 0;
		}
	}
	return has || !bad;
}

int
predictor_finite(const float *P, size_t n, struct error *why)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(P[i])) {
			error_set(why, "its values are too large: what the "
				       "model makes of them is not finite");
			return 0;
		}
	return 1;
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
	scaling_free(&p->scaling);
	impute_free(p->impute);
	for (size_t m = 0; p->member != NULL && m < p->members; m++)
		member_free(&p->member[m]);
	free(p->member);
	free(p->set);
	schema_free(&p->schema);
	free(p->method);
	free(p->report);
	model_close(&p->model);
	memset(p, 0, sizeof(*p));
}
