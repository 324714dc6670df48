#include "fusion/represent.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { ROWS = 64 }; /* records at a time */

struct represent {
	struct predictor p;
	const struct linalg *la;
	int *map;
	struct predictor_room *room;
	struct schema schema;
	float *x; /* [ROWS, what a vector has] */
};

int
represent_is(const char *path, struct error *e)
{
	struct model m = { 0 };
	struct str kind = { NULL, 0 };
	int rc;

	if (model_open(&m, path, e) < 0)
		return -1;
	rc = m.config == NULL
		 ? 0
		 : json_find_path(m.config, strlen(m.config), "kind", &kind, e);
	if (rc > 0)
		rc = str_is(kind, "\"predictor\"");
	model_close(&m);
	return rc;
}

static int
make_schema(struct represent *r, const char *name, struct error *e)
{
	size_t n = predictor_vector_size(&r->p);
	struct buf space = { 0 };
	int rc;

	if (n > VEC_MAX_DIM)
		return error_set(e,
		    "the representation has %zu numbers: more than %d", n,
		    VEC_MAX_DIM);
	if (buf_puts(&space, "{\"fusion\":") < 0 ||
	    json_put_string(&space, r->p.method != NULL ? r->p.method : "",
		r->p.method != NULL ? strlen(r->p.method) : 0) < 0 ||
	    buf_printf(&space, ",\"model\":\"%016" PRIx64 "\"}",
		model_hash(&r->p.model)) < 0 ||
	    buf_putc(&space, '\0') < 0)
		rc = error_memory(e);
	else
		rc = schema_add(&r->schema, name, PART_DENSE, (uint32_t)n,
		    space.data, NULL, e);
	buf_free(&space);
	return rc;
}

struct represent *
represent_open(const char *path, const struct schema *in, const char *name,
    struct error *e)
{
	struct represent *r = mem_array(1, sizeof(*r));

	if (r == NULL) {
		error_memory(e);
		return NULL;
	}
	r->la = linalg_get(cpu_isa());
	if (predictor_load(&r->p, path, e) < 0)
		goto fail;
	r->map = mem_array(r->p.schema.n, sizeof(*r->map));
	r->x = mem_array(ROWS, predictor_vector_size(&r->p) * sizeof(*r->x));
	if (r->map == NULL || r->x == NULL) {
		error_memory(e);
		goto fail;
	}
	if (predictor_bind(&r->p, in, r->map, e) < 0 ||
	    make_schema(r, name, e) < 0) {
		error_at(e, "'%s'", path);
		goto fail;
	}
	r->room = predictor_room_new(&r->p, e);
	if (r->room != NULL)
		return r;
fail:
	represent_free(r);
	return NULL;
}

void
represent_free(struct represent *r)
{
	if (r == NULL)
		return;
	predictor_room_free(r->room);
	predictor_free(&r->p);
	schema_free(&r->schema);
	free(r->map);
	free(r->x);
	free(r);
}

const struct schema *
represent_schema(const struct represent *r)
{
	return &r->schema;
}

static int
any_part(const struct batch *b, size_t i)
{
	for (size_t p = 0; p < b->schema->n; p++)
		if (b->parts[p].mask[i])
			return 1;
	return 0;
}

static int
put(struct represent *r, const struct batch *in, size_t i, const float *v,
    uint64_t has, uint64_t filled, struct batch *out, struct error *e)
{
	struct error why;
	float *x;

	if (batch_carry(out, in, i, e) < 0)
		return -1;
	if (!predictor_can(&r->p, in, r->map, i, &why))
		return batch_error(out, 0, why.text, e);
	if (!predictor_finite(v, r->schema.parts[0].dim, &why))
		return batch_error(out, 0, why.text, e);
	if (!any_part(in, i) || !predictor_sees(&r->p, has))
		return 0;
	x = batch_dense(out, 0);
	if (x == NULL)
		return error_memory(e);
	memcpy(x, v, r->schema.parts[0].dim * sizeof(*x));
	if (filled != 0)
		out->flags[out->n - 1] |= FLAG_IMPUTED;
	return 0;
}

int
represent_apply(struct represent *r, const struct batch *in, struct batch *out,
    struct error *e)
{
	size_t V = r->schema.parts[0].dim;

	for (size_t first = 0; first < in->n; first += ROWS) {
		size_t n = in->n - first < ROWS ? in->n - first : ROWS;
		const uint64_t *has, *filled;

		if (predictor_vector(&r->p, r->la, in, r->map, first, n, r->x,
			r->room, e) < 0)
			return -1;
		has = predictor_has(r->room);
		filled = predictor_filled(r->room);
		for (size_t i = 0; i < n; i++)
			if (put(r, in, first + i, r->x + i * V, has[i],
				filled[i], out, e) < 0)
				return -1;
	}
	return 0;
}
