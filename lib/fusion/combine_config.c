#include "fusion/combine_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vec/model.h"

enum { CONFIG_VERSION = 1 };

static const char *const to_names[] = { "concat", "sum", "mean", "max",
	"product" };
static const char *const norm_names[] = { "none", "l2", "z" };
static const char *const missing_names[] = { "drop", "mean", "indicator",
	"refuse" };
static const char *const kind_names[] = { "dense", "sparse" };

static int
put_name(struct buf *b, const char *s)
{
	return json_put_string(b, s, strlen(s));
}

/* The fields that the model and the space have in common. */
static int
put_settings(const struct combine *c, struct buf *b)
{
	int bad = buf_printf(b,
	    "\"version\":%d,\"to\":\"%s\",\"norm\":\"%s\","
	    "\"missing\":\"%s\",\"parts\":[",
	    CONFIG_VERSION, to_names[c->to], norm_names[c->norm],
	    missing_names[c->missing]);

	for (size_t k = 0; k < c->n; k++) {
		const struct combine_part *p = &c->parts[k];

		bad |= buf_puts(b, k > 0 ? ",{\"name\":" : "{\"name\":");
		bad |= put_name(b, p->name);
		bad |= buf_printf(b,
		    ",\"kind\":\"%s\",\"dim\":%" PRIu32 ",\"weight\":",
		    kind_names[p->kind], p->dim);
		bad |= json_put_double(b, p->weight);
		bad |= buf_puts(b, ",\"space\":");
		bad |= buf_puts(b, p->space);
		bad |= buf_puts(b, "}");
	}
	return bad | buf_puts(b, "]");
}

int
combine_space(const struct combine *c, struct buf *out)
{
	int bad = buf_puts(out, "{\"fuse\":{");

	bad |= put_settings(c, out);
	if (c->model != 0)
		bad |=
		    buf_printf(out, ",\"model\":\"%016" PRIx64 "\"", c->model);
	return (bad | buf_put(out, "}}", 3)) != 0 ? -1 : 0;
}

/* ---- writing ---- */

static int
add_tensor(
    struct tensor *t, size_t k, const char *what, const double *x, uint32_t dim)
{
	struct buf name = { 0 };

	if (buf_printf(&name, "%zu.%s", k, what) < 0)
		return -1;
	*t = (struct tensor){ .name = name.data,
		.type = TENSOR_F64,
		.rank = 1,
		.shape = { dim },
		.bytes = dim * sizeof(*x),
		.data = x };
	return 0;
}

/* The hash of the file as it stands on the disk. */
static int
hash_file(struct combine *c, const char *path, struct error *e)
{
	struct model m = { 0 };

	if (model_open(&m, path, e) < 0)
		return -1;
	c->model = model_hash(&m);
	model_close(&m);
	return 0;
}

int
combine_write(struct combine *c, const char *path, struct error *e)
{
	struct tensor *t = mem_array(2 * c->n, sizeof(*t));
	struct buf config = { 0 };
	size_t n = 0;
	int bad = t == NULL ? -1 : 0;

	bad |= buf_puts(&config, "{\"kind\":\"fuse\",");
	bad |= put_settings(c, &config);
	bad |= buf_put(&config, "}", 2);
	for (size_t k = 0; bad == 0 && k < c->n; k++) {
		const struct combine_part *p = &c->parts[k];

		if (p->mean == NULL)
			continue;
		bad |= add_tensor(&t[n++], k, "mean", p->mean, p->dim);
		bad |= add_tensor(&t[n++], k, "scale", p->scale, p->dim);
	}
	bad =
	    bad != 0 ? error_memory(e) : model_save(path, config.data, t, n, e);
	for (size_t k = 0; k < n; k++)
		free(t[k].name);
	free(t);
	buf_free(&config);
	if (bad == 0 && n > 0)
		return hash_file(c, path, e);
	return bad;
}

/* ---- reading ---- */

/* The index of the string that comes next among names: [n]. */
static int
choice(struct json *j, const char *const *names, int n)
{
	struct str s;

	if (json_str(j, &s) < 0)
		return 0;
	for (int i = 0; i < n; i++)
		if (str_is(s, names[i]))
			return i;
	json_refuse(j, "unknown word");
	return 0;
}

static void
read_part(struct json *j, struct combine_part *p)
{
	struct buf text = { 0 };
	struct str key, raw;
	int64_t dim = 0;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "name") && p->name == NULL) {
			if (json_string(j, &text) == 0)
				p->name = mem_strndup(text.data, text.len);
		} else if (str_is(key, "kind")) {
			p->kind = (enum part_kind)choice(j, kind_names, 2);
		} else if (str_is(key, "dim")) {
			json_integer(j, 1, VEC_MAX_SPARSE, &dim);
		} else if (str_is(key, "weight")) {
			json_double(j, &p->weight);
		} else if (str_is(key, "space") && p->space == NULL) {
			if (json_raw(j, &raw) == 0)
				p->space = mem_strndup(raw.s, raw.len);
		} else {
			json_skip(j);
		}
	}
	buf_free(&text);
	p->dim = (uint32_t)dim;
	p->at = -1;
	if (j->why == NULL && (p->name == NULL || p->space == NULL ||
				  dim == 0 || !(p->weight > 0)))
		json_refuse(j, "not the description of a part");
	if (j->why == NULL && p->kind == PART_DENSE && dim > VEC_MAX_DIM)
		json_refuse(j, "a part's dim is too large");
}

static void
read_parts(struct json *j, struct combine *c)
{
	json_array(j);
	while (json_array_next(j) > 0) {
		if (c->n == VEC_MAX_PARTS) {
			json_refuse(j, "too many parts");
			return;
		}
		read_part(j, &c->parts[c->n++]);
	}
}

static int
read_config(struct combine *c, const char *text, struct error *e)
{
	struct json j = { 0 };
	struct str key;
	int64_t version = 0;
	int is_fuse = 0;

	c->parts = mem_array(VEC_MAX_PARTS, sizeof(*c->parts));
	if (c->parts == NULL)
		return error_memory(e);
	json_init(&j, text, strlen(text));
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		static const char *const fuse[] = { "fuse" };

		if (str_is(key, "kind")) {
			choice(&j, fuse, 1);
			is_fuse = 1;
		} else if (str_is(key, "version")) {
			json_integer(&j, 1, INT64_MAX, &version);
		} else if (str_is(key, "to")) {
			c->to = (enum combine_to)choice(&j, to_names, 5);
		} else if (str_is(key, "norm")) {
			c->norm = (enum combine_norm)choice(&j, norm_names, 3);
		} else if (str_is(key, "missing")) {
			c->missing =
			    (enum combine_missing)choice(&j, missing_names, 4);
		} else if (str_is(key, "parts") && c->n == 0) {
			read_parts(&j, c);
		} else {
			json_skip(&j);
		}
	}
	if (json_end(&j) == 0 && !is_fuse)
		json_refuse(&j, "not a model of fuse");
	if (j.why == NULL && version != CONFIG_VERSION)
		json_refuse(&j, "needs another version of fuse");
	if (j.why != NULL)
		json_error(&j, e);
	is_fuse = j.why == NULL;
	json_free(&j);
	return is_fuse ? 0 : -1;
}

/* A copy of the tensor "K.what": [dim]. */
static double *
read_tensor(const struct model *m, size_t k, const char *what, uint32_t dim,
    struct error *e)
{
	uint64_t shape[1] = { dim };
	double *x = mem_array(dim, sizeof(*x));
	const void *data;
	char name[32];

	if (x == NULL) {
		error_memory(e);
		return NULL;
	}
	snprintf(name, sizeof(name), "%zu.%s", k, what);
	data = model_tensor(m, name, TENSOR_F64, 1, shape, e);
	if (data == NULL) {
		free(x);
		return NULL;
	}
	memcpy(x, data, dim * sizeof(*x));
	for (uint32_t d = 0; d < dim; d++)
		if (!isfinite(x[d])) {
			error_set(e, "tensor '%s' is not finite", name);
			free(x);
			return NULL;
		}
	return x;
}

static int
read_model(struct combine *c, const struct model *m, struct error *e)
{
	int wanted;

	if (m->config == NULL)
		return error_set(e, "not a model of fuse");
	if (read_config(c, m->config, e) < 0)
		return -1;
	wanted = combine_fitted(c);
	for (size_t k = 0; wanted && k < c->n; k++) {
		struct combine_part *p = &c->parts[k];

		if (p->kind != PART_DENSE)
			continue;
		p->mean = read_tensor(m, k, "mean", p->dim, e);
		if (p->mean == NULL)
			return -1;
		p->scale = read_tensor(m, k, "scale", p->dim, e);
		if (p->scale == NULL)
			return -1;
	}
	if (wanted)
		c->model = model_hash(m);
	return 0;
}

int
combine_read(struct combine *c, const char *path, struct error *e)
{
	struct model m = { 0 };
	int rc;

	if (model_open(&m, path, e) < 0)
		return -1;
	rc = read_model(c, &m, e);
	if (rc < 0)
		error_at(e, "'%s'", path);
	model_close(&m);
	return rc;
}
