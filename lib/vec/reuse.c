#include "vec/reuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "vec/input.h"

struct reuse {
	struct input *in; /* owns the old schema */
	struct batch old;
	struct intern ids;
	uint32_t *record; /* [ids.names.n] the first record of that id */
	size_t *part;     /* [s->n] part p of s is this one of the old */
	const struct schema *schema;
};

/* Find our parts among the old ones. */
static int
match_parts(struct reuse *r, const struct schema *s, struct error *e)
{
	const struct schema *old = input_schema(r->in);

	for (size_t p = 0; p < s->n; p++) {
		int q = schema_find(old, s->parts[p].name);

		if (q == -1)
			return error_set(
			    e, "it has no part '%s'", s->parts[p].name);
		if (part_meets(&old->parts[q], &s->parts[p], e) == -1)
			return -1;
		r->part[p] = (size_t)q;
	}
	return 0;
}

static int
index_ids(struct reuse *r, struct error *e)
{
	r->record = mem_array(r->old.n, sizeof(*r->record));
	if (r->record == NULL)
		return error_memory(e);
	for (size_t i = 0; i < r->old.n; i++) {
		struct str id = strs_get(&r->old.id, i);
		uint32_t k;
		int new = intern_add(&r->ids, id.s, id.len, &k);

		if (new == -1)
			return error_memory(e);
		if (new)
			r->record[k] = (uint32_t)i;
	}
	return 0;
}

struct reuse *
reuse_open(const char *path, const struct schema *s, int *cut, struct error *e)
{
	struct reuse *r = mem_array(1, sizeof(*r));
	char *operand = mem_strndup(path, strlen(path));

	*cut = 0;
	if (r == NULL || operand == NULL) {
		error_memory(e);
		goto fail;
	}
	r->schema = s;
	r->part = mem_array(s->n, sizeof(*r->part));
	if (r->part == NULL) {
		error_memory(e);
		goto fail;
	}
	r->in = input_open(&operand, 1, e);
	if (r->in == NULL)
		goto fail;
	if (match_parts(r, s, e) == -1) {
		error_at(e, "'%s'", path);
		goto fail;
	}
	if (batch_init(&r->old, input_schema(r->in), e) == -1)
		goto fail;
	if (input_read_all(r->in, &r->old, e) == -1) {
		if (e->memory)
			goto fail;
		*cut = 1;
	}
	if (index_ids(r, e) == -1)
		goto fail;
	free(operand);
	return r;
fail:
	reuse_free(r);
	free(operand);
	return NULL;
}

void
reuse_free(struct reuse *r)
{
	if (r == NULL)
		return;
	if (r->old.schema != NULL)
		batch_free(&r->old);
	intern_free(&r->ids);
	free(r->record);
	free(r->part);
	input_close(r->in);
	free(r);
}

int64_t
reuse_find(const struct reuse *r, struct str id, uint64_t source)
{
	int64_t k = r != NULL ? intern_find(&r->ids, id.s, id.len) : -1;
	size_t i;

	if (k == -1)
		return -1;
	i = r->record[k];
	return r->old.source[i] == source && !batch_bad(&r->old, i) ? (int64_t)i
								    : -1;
}

/* Part q of old record i becomes part p of the last record of b. */
static int
copy_part(const struct reuse *r, size_t i, size_t q, struct batch *b, size_t p)
{
	const struct part_column *c = &r->old.parts[q];
	size_t dim = r->schema->parts[p].dim, first, n;
	uint32_t *index;
	double *time;
	float *x;

	if (!c->mask[i])
		return 0;
	if (r->schema->parts[p].kind == PART_DENSE) {
		x = batch_dense(b, p);
		if (x != NULL)
			memcpy(x, c->dense + i * dim, dim * sizeof(*x));
		return x != NULL ? 0 : -1;
	}
	n = batch_range(c->end, i, &first);
	if (r->schema->parts[p].kind == PART_SPARSE) {
		if (batch_sparse(b, p, n, &index, &x) == -1)
			return -1;
		if (n > 0) {
			memcpy(index, c->index + first, n * sizeof(*index));
			memcpy(x, c->value + first, n * sizeof(*x));
		}
		return 0;
	}
	x = batch_sequence(b, p, n, &time);
	if (x == NULL)
		return -1;
	if (n > 0) {
		memcpy(x, c->value + first * dim, n * dim * sizeof(*x));
		memcpy(time, c->time + 2 * first, 2 * n * sizeof(*time));
	}
	return 0;
}

int
reuse_copy(const struct reuse *r, int64_t i, struct batch *b, struct error *e)
{
	for (size_t p = 0; p < r->schema->n; p++)
		if (copy_part(r, (size_t)i, r->part[p], b, p) == -1)
			return error_memory(e);
	b->flags[b->n - 1] |=
	    r->old.flags[i] &
	    (uint32_t) ~(uint32_t)(FLAG_IMPUTED | FLAG_TRAINED | FLAG_NO_LABEL);
	return 0;
}
