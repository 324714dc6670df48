#include <stdlib.h>
#include <string.h>

#include "vec/jsonl_private.h"

static uint32_t
count_elements(struct json *j)
{
	uint32_t n = 0;

	json_array(j);
	while (json_array_next(j) > 0) {
		n++;
		if (json_skip(j) == -1)
			break;
	}
	return n;
}

/* look_at: what one value of "vec" tells about its part. */
static struct jsonl_shape
look_at(struct json *j)
{
	struct jsonl_shape s = { .kind = -1 };
	struct str key;
	int64_t dim;

	switch (json_peek(j)) {
	case JSON_ARRAY:
		s.kind = PART_DENSE;
		s.dim = count_elements(j);
		return s;
	case JSON_OBJECT:
		break;
	default:
		json_skip(j);
		return s;
	}
	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "dim")) {
			if (json_integer(j, 1, VEC_MAX_SPARSE, &dim) == 0)
				s.dim = (uint32_t)dim;
			continue;
		}
		if (str_is(key, "idx"))
			s.kind = PART_SPARSE;
		if (str_is(key, "rows"))
			s.kind = PART_SEQUENCE;
		json_skip(j);
	}
	return s;
}

/* note_part: a part of that name was seen, with this shape if it tells. */
static int
note_part(struct jsonl_shapes *k, struct str name, struct jsonl_shape shape)
{
	size_t i = 0;

	while (i < k->names.n && !str_eq(strs_get(&k->names, i), name))
		i++;
	if (i == k->names.n) {
		if (mem_grow(&k->shapes, &k->cap, i + 1, sizeof(*k->shapes)) ==
			-1 ||
		    strs_add(&k->names, name.s, name.len) == -1)
			return -1;
		k->shapes[i] =
		    (struct jsonl_shape){ .kind = -1, .dim = shape.dim };
		k->unknown++;
	}
	if (k->shapes[i].kind == -1 && shape.kind != -1 && shape.dim > 0) {
		k->shapes[i] = shape;
		k->unknown--;
	}
	return 0;
}

int
jsonl_shapes_add(
    struct jsonl_shapes *k, struct json *j, const char *text, size_t n)
{
	struct buf name = { 0 };
	struct str key;
	int rc = 0;

	json_init(j, text, n);
	json_object(j);
	while (rc == 0 && json_object_next(j, &key) > 0) {
		if (!str_is(key, "vec")) {
			json_skip(j);
			continue;
		}
		k->seen = 1;
		json_object(j);
		while (rc == 0 && json_object_next(j, &key) > 0) {
			struct jsonl_shape shape;

			name.len = 0;
			rc = buf_put(&name, key.s, key.len);
			/* Values that cannot be read still have a name, and
			 * their number where no other record tells it. */
			shape = look_at(j);
			if (j->why != NULL)
				shape.kind = -1;
			if (rc == 0)
				rc = note_part(k,
				    (struct str){ name.data, name.len }, shape);
		}
	}
	buf_free(&name);
	return json_starved(j) ? -1 : rc;
}

int
jsonl_shapes_schema(struct schema *s, const struct jsonl_shapes *k,
    const struct schema *like, struct error *e)
{
	for (size_t i = 0; i < k->names.n; i++) {
		struct str n = strs_get(&k->names, i);
		struct jsonl_shape shape = k->shapes[i];
		char *name;
		int rc;

		if (n.len > 0 && memchr(n.s, '\0', n.len) != NULL)
			return error_set(e, "a part's name with a NUL byte");
		name = mem_strndup(n.s, n.len);
		if (name == NULL)
			return error_memory(e);
		if (shape.kind == -1) {
			int p = like != NULL ? schema_find(like, name) : -1;

			shape.kind =
			    (int)(p < 0 ? PART_DENSE : like->parts[p].kind);
			if (p >= 0)
				shape.dim = like->parts[p].dim;
			if (shape.dim == 0 || shape.dim > VEC_MAX_DIM)
				shape.dim = 1;
		}
		rc = schema_add(s, name, (enum part_kind)shape.kind, shape.dim,
		    NULL, NULL, e);
		free(name);
		if (rc == -1)
			return -1;
	}
	return 0;
}

void
jsonl_shapes_free(struct jsonl_shapes *k)
{
	strs_free(&k->names);
	free(k->shapes);
	*k = (struct jsonl_shapes){ 0 };
}
