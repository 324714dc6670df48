#include "vec/format_arrays.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vec/zip.h"

/* ---- loading ---- */

static int
add_array(struct arrays *s, const struct array *a, struct error *e)
{
	if (mem_grow(&s->a, &s->cap, s->n + 1, sizeof(*s->a)) == -1)
		return error_memory(e);
	s->a[s->n++] = *a;
	return 0;
}

static int
load_npy(struct arrays *s, struct error *e)
{
	struct array a;

	if (npy_read(&a, s->file.data, s->file.len, e) == -1)
		return -1;
	return add_array(s, &a, e);
}

/* One member of an npz file, whose name without ".npy" is the array's. */
static int
load_member(struct arrays *s, const struct zip *z, size_t i, struct error *e)
{
	const char *file = z->members[i].name;
	size_t len = strlen(file);
	struct array a;

	if (len <= 4 || strcmp(file + len - 4, ".npy") != 0)
		return error_set(e, "'%s' is no array", file);
	s->names[i] = mem_strndup(file, len - 4);
	if (s->names[i] == NULL)
		return error_memory(e);
	if (zip_read(z, i, &s->members[i], e) == -1)
		return -1;
	if (npy_read(&a, s->members[i].data, s->members[i].len, e) == -1)
		return error_at(e, "'%s'", s->names[i]);
	a.name = s->names[i];
	if (arrays_find(s, a.name, NULL) != NULL)
		return error_set(e, "two arrays '%s'", a.name);
	return add_array(s, &a, e);
}

static int
load_npz(struct arrays *s, struct error *e)
{
	struct zip z;
	int rc = 0;

	if (zip_open(&z, s->file.data, s->file.len, e) == -1)
		return -1;
	s->members = mem_array(z.n + 1, sizeof(*s->members));
	s->names = mem_array(z.n + 1, sizeof(*s->names));
	if (s->members == NULL || s->names == NULL)
		rc = error_memory(e);
	else
		s->nmembers = z.n;
	for (size_t i = 0; i < z.n && rc == 0; i++)
		rc = load_member(s, &z, i, e);
	zip_close(&z);
	buf_free(&s->file);
	return rc;
}

/* take_column: an array of strings of the configuration. */
static int
take_column(struct arrays *s, struct json *j, struct str name)
{
	struct strs column = { 0 };
	struct str v;

	if (strs_add(&s->json_names, name.s, name.len) == -1 ||
	    mem_grow(&s->json, &s->json_cap, s->json_names.n,
		sizeof(*s->json)) == -1)
		return json_memory(j);
	s->json[s->json_names.n - 1] = column;
	json_array(j);
	while (json_array_next(j) > 0)
		if (json_str(j, &v) == 0 &&
		    strs_add(&s->json[s->json_names.n - 1], v.s, v.len) == -1)
			return json_memory(j);
	return 0;
}

/* The configuration of a file that format_create wrote. */
static int
take_config(struct arrays *s, const char *config, struct error *e)
{
	struct json j = { 0 };
	struct str key, v;
	int rc = 0;

	json_init(&j, config, strlen(config));
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		if (str_is(key, "schema")) {
			if (json_raw(&j, &v) == 0 &&
			    buf_put(&s->schema, v.s, v.len) == -1)
				json_memory(&j);
		} else if (json_peek(&j) == JSON_ARRAY) {
			take_column(s, &j, key);
		} else {
			json_skip(&j);
		}
	}
	if (json_end(&j) == -1) {
		json_error(&j, e);
		rc = error_at(e, "configuration");
	}
	json_free(&j);
	return rc;
}

static int
load_safetensors(struct arrays *s, struct error *e)
{
	static const enum array_kind kinds[] = { [TENSOR_BOOL] = ARRAY_BOOL,
		[TENSOR_U8] = ARRAY_UINT,
		[TENSOR_I8] = ARRAY_INT,
		[TENSOR_I16] = ARRAY_INT,
		[TENSOR_U16] = ARRAY_UINT,
		[TENSOR_F16] = ARRAY_FLOAT,
		[TENSOR_BF16] = ARRAY_BYTES,
		[TENSOR_I32] = ARRAY_INT,
		[TENSOR_U32] = ARRAY_UINT,
		[TENSOR_F32] = ARRAY_FLOAT,
		[TENSOR_F64] = ARRAY_FLOAT,
		[TENSOR_I64] = ARRAY_INT,
		[TENSOR_U64] = ARRAY_UINT };

	if (model_read(&s->model, s->file.data, s->file.len, e) == -1)
		return -1;
	for (size_t i = 0; i < s->model.n; i++) {
		const struct tensor *t = &s->model.tensors[i];
		struct array a = { .name = t->name,
			.kind = kinds[t->type],
			.size = tensor_size(t->type),
			.rank = t->rank,
			.data = t->data,
			.bytes = t->bytes };

		for (int k = 0; k < t->rank; k++)
			a.shape[k] = t->shape[k];
		if (add_array(s, &a, e) == -1)
			return -1;
	}
	return s->model.config == NULL ? 0 : take_config(s, s->model.config, e);
}

/* The schema of an npz file is an array without dimensions. */
static int
take_schema(struct arrays *s, struct error *e)
{
	const struct array *a = arrays_find(s, "schema", NULL);

	if (a == NULL || a->kind != ARRAY_TEXT || a->rank != 0 ||
	    s->names == NULL)
		return 0;
	return array_text(a, 0, &s->schema) == -1 ? error_memory(e) : 0;
}

int
arrays_load(
    struct arrays *s, const char *path, enum file_format f, struct error *e)
{
	int rc;

	if (format_read_all(path, &s->file, e) == -1)
		return -1;
	if (f == FILE_NPY)
		rc = load_npy(s, e);
	else if (f == FILE_NPZ)
		rc = load_npz(s, e);
	else
		rc = load_safetensors(s, e);
	if (rc == 0)
		rc = take_schema(s, e);
	return rc == 0 ? 0 : format_place(path, e);
}

void
arrays_free(struct arrays *s)
{
	for (size_t i = 0; i < s->nmembers; i++) {
		buf_free(&s->members[i]);
		free(s->names[i]);
	}
	for (size_t i = 0; i < s->json_names.n && i < s->json_cap; i++)
		strs_free(&s->json[i]);
	strs_free(&s->json_names);
	free(s->json);
	free(s->members);
	free(s->names);
	free(s->a);
	model_close(&s->model);
	buf_free(&s->schema);
	buf_free(&s->file);
}

/* ---- finding ---- */

/* is_called: the name is NAME or NAME.SUFFIX. */
static int
is_called(struct str s, const char *name, const char *suffix)
{
	size_t n = strlen(name);

	if (s.len < n || memcmp(s.s, name, n) != 0)
		return 0;
	if (suffix == NULL)
		return s.len == n;
	return s.len == n + 1 + strlen(suffix) && s.s[n] == '.' &&
	       memcmp(s.s + n + 1, suffix, strlen(suffix)) == 0;
}

const struct array *
arrays_find(const struct arrays *s, const char *name, const char *suffix)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->a[i].name != NULL &&
		    is_called(
			(struct str){ s->a[i].name, strlen(s->a[i].name) },
			name, suffix))
			return &s->a[i];
	return NULL;
}

int
arrays_strings(const struct arrays *s, const char *name, const char *suffix,
    struct strs *out, struct error *e)
{
	const struct array *a = arrays_find(s, name, suffix);
	struct buf text = { 0 };
	int bad = 0;

	for (size_t k = 0; k < s->json_names.n; k++) {
		if (!is_called(strs_get(&s->json_names, k), name, suffix))
			continue;
		for (size_t i = 0; i < s->json[k].n; i++) {
			struct str v = strs_get(&s->json[k], i);

			bad |= strs_add(out, v.s, v.len);
		}
		return bad != 0 ? error_memory(e) : 1;
	}
	if (a == NULL)
		return 0;
	if (a->rank != 1)
		return error_set(
		    e, "'%s' has %d dimensions, not 1", a->name, a->rank);
	for (uint64_t i = 0; i < a->shape[0] && bad == 0; i++) {
		text.len = 0;
		bad |= array_text(a, i, &text);
		bad |= strs_add(out, text.len > 0 ? text.data : "", text.len);
	}
	buf_free(&text);
	return bad != 0 ? error_memory(e) : 1;
}
