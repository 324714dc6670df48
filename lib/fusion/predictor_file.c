#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fusion/predictor.h"

static const char *const task_name[] = { "class", "multilabel", "regress" };
static const char *const kind_name[] = { "dense", "sparse", "sequence" };

/* ---- writing ---- */

static int
put_number(struct buf *b, const char *key, double x)
{
	return buf_printf(b, ",\"%s\":", key) < 0 || json_put_double(b, x) < 0
		   ? -1
		   : 0;
}

static int
put_part(struct buf *b, const struct part *p)
{
	if (buf_puts(b, "{\"name\":") < 0 ||
	    json_put_string(b, p->name, strlen(p->name)) < 0 ||
	    buf_printf(b, ",\"kind\":\"%s\",\"dim\":%" PRIu32,
		kind_name[p->kind], p->dim) < 0 ||
	    buf_puts(b, ",\"space\":") < 0 ||
	    buf_puts(b, p->space != NULL ? p->space : "{}") < 0 ||
	    buf_puts(b, ",\"run\":") < 0 ||
	    buf_puts(b, p->run != NULL ? p->run : "{}") < 0)
		return -1;
	return buf_putc(b, '}');
}

static int
put_config(struct buf *b, const struct predictor *p)
{
	int rc = buf_printf(b,
	    "{\"kind\":\"predictor\",\"version\":1,"
	    "\"task\":\"%s\",\"classes\":[",
	    task_name[p->task]);

	for (size_t c = 0; rc == 0 && c < p->classes.n; c++) {
		struct str s = strs_get(&p->classes, c);

		rc = (c > 0 && buf_putc(b, ',') < 0) ||
			     json_put_string(b, s.s, s.len) < 0
			 ? -1
			 : 0;
	}
	if (rc == 0)
		rc = buf_puts(b, "],\"parts\":[");
	for (size_t k = 0; rc == 0 && k < p->schema.n; k++)
		rc = (k > 0 && buf_putc(b, ',') < 0) ||
			     put_part(b, &p->schema.parts[k]) < 0
			 ? -1
			 : 0;
	if (rc == 0)
		rc = buf_putc(b, ']');
	if (rc == 0 && p->task == TASK_MULTILABEL)
		rc = put_number(b, "threshold", p->threshold);
	if (rc == 0 && p->task == TASK_REGRESS)
		rc = put_number(b, "mean", p->mean) < 0
			 ? -1
			 : put_number(b, "scale", p->scale);
	if (rc == 0 && p->report != NULL)
		rc = buf_printf(b, ",\"training\":%s", p->report);
	return rc == 0 ? buf_puts(b, "}") : rc;
}

struct list {
	struct tensor *t;
	size_t n;
};

static int
put_tensor(struct list *l, const char *part, const char *name,
    enum tensor_type type, const void *data, int rank, uint64_t a, uint64_t b)
{
	struct tensor *t = &l->t[l->n];
	struct buf full = { 0 };

	t->type = type;
	t->rank = rank;
	t->shape[0] = a;
	t->shape[1] = b;
	t->data = data;
	if ((part != NULL ? buf_printf(&full, "part.%s.%s", part, name)
			  : buf_puts(&full, name)) < 0 ||
	    buf_putc(&full, '\0') < 0) {
		buf_free(&full);
		return -1;
	}
	t->name = full.data;
	l->n++;
	return 0;
}

static int
put_tensors(struct list *l, const struct predictor *p)
{
	size_t C = p->C;
	int bad = put_tensor(l, NULL, "bias", TENSOR_F32, p->bias, 1, C, 0) < 0;

	bad |= put_tensor(l, NULL, "missing", TENSOR_F32, p->missing, 2,
		   p->schema.n, C) < 0;
	bad |= put_tensor(
		   l, NULL, "train.ids", TENSOR_U64, p->ids, 1, p->nids, 0) < 0;
	bad |= put_tensor(l, NULL, "train.groups", TENSOR_U64, p->groups, 1,
		   p->ngroups, 0) < 0;
	for (size_t k = 0; k < p->schema.n; k++) {
		const struct predictor_part *w = &p->part[k];
		const char *name = p->schema.parts[k].name;
		uint64_t A = w->active;

		bad |= put_tensor(l, name, "weight", TENSOR_F32, w->weight, 2,
			   A, C) < 0;
		if (p->schema.parts[k].kind == PART_SPARSE) {
			bad |= put_tensor(l, name, "column", TENSOR_U32,
				   w->column, 1, A, 0) < 0;
			bad |= put_tensor(l, name, "idf", TENSOR_F32, w->idf, 1,
				   A, 0) < 0;
		} else {
			bad |= put_tensor(l, name, "shift", TENSOR_F64,
				   w->shift, 1, A, 0) < 0;
			bad |= put_tensor(l, name, "factor", TENSOR_F64,
				   w->factor, 1, A, 0) < 0;
		}
	}
	return bad ? -1 : 0;
}

int
predictor_save(const struct predictor *p, const char *path, struct error *e)
{
	struct list l = { mem_array(4 + 3 * p->schema.n, sizeof(*l.t)), 0 };
	struct buf config = { 0 };
	int rc;

	if (l.t == NULL || put_tensors(&l, p) < 0 ||
	    put_config(&config, p) < 0 || buf_putc(&config, '\0') < 0)
		rc = error_memory(e);
	else
		rc = model_save(path, config.data, l.t, l.n, e);
	for (size_t i = 0; l.t != NULL && i < l.n; i++)
		free(l.t[i].name);
	free(l.t);
	buf_free(&config);
	return rc;
}

/* ---- reading ---- */

static int
word_index(struct str s, const char *const *words, int n)
{
	for (int i = 0; i < n; i++)
		if (str_is(s, words[i]))
			return i;
	return -1;
}

static int
read_part(struct predictor *p, struct json *j, struct error *e)
{
	struct buf name = { 0 }, space = { 0 }, run = { 0 };
	struct str key, s;
	int64_t dim = 0;
	int kind = -1, rc = json_object(j);

	while (rc == 0 && json_object_next(j, &key) > 0) {
		if (str_is(key, "name"))
			rc = json_string(j, &name);
		else if (str_is(key, "kind")) {
			rc = json_str(j, &s);
			if (rc == 0)
				kind = word_index(s, kind_name, 2);
		} else if (str_is(key, "dim"))
			rc = json_integer(j, 1, UINT32_MAX, &dim);
		else if (str_is(key, "space") || str_is(key, "run")) {
			struct buf *to = str_is(key, "run") ? &run : &space;

			rc = json_raw(j, &s);
			if (rc == 0 && buf_put(to, s.s, s.len) < 0)
				rc = error_memory(e);
		} else
			rc = json_skip(j);
	}
	if (rc == 0 &&
	    (buf_putc(&name, '\0') < 0 || buf_putc(&space, '\0') < 0 ||
		buf_putc(&run, '\0') < 0))
		rc = error_memory(e);
	else if (rc == 0 && (kind < 0 || dim == 0))
		rc = error_set(e, "a part without kind or dim");
	else if (rc == 0)
		rc = schema_add(&p->schema, name.data, (enum part_kind)kind,
		    (uint32_t)dim, space.len > 1 ? space.data : NULL,
		    run.len > 1 ? run.data : NULL, e);
	buf_free(&name);
	buf_free(&space);
	buf_free(&run);
	return rc;
}

static int
read_classes(struct predictor *p, struct json *j, struct error *e)
{
	struct str s;

	if (json_array(j) < 0)
		return -1;
	while (json_array_next(j) > 0) {
		if (json_str(j, &s) < 0)
			return -1;
		if (strs_add(&p->classes, s.s, s.len) < 0)
			return error_memory(e);
	}
	return 0;
}

static int
read_parts(struct predictor *p, struct json *j, struct error *e)
{
	if (json_array(j) < 0)
		return -1;
	while (json_array_next(j) > 0)
		if (read_part(p, j, e) < 0)
			return -1;
	return 0;
}

static int
read_key(struct predictor *p, struct json *j, struct str key, int *seen,
    struct error *e)
{
	int64_t version;
	struct str s;
	int i;

	if (str_is(key, "kind")) {
		if (json_str(j, &s) < 0)
			return -1;
		*seen |= 1;
		return str_is(s, "predictor")
			   ? 0
			   : error_set(e, "not a model of train, but '%.*s'",
				 (int)s.len, s.s);
	}
	if (str_is(key, "version")) {
		if (json_integer(j, 1, INT32_MAX, &version) < 0)
			return -1;
		*seen |= 2;
		return version == 1
			   ? 0
			   : error_set(e, "needs version %" PRId64, version);
	}
	if (str_is(key, "task")) {
		if (json_str(j, &s) < 0)
			return -1;
		i = word_index(s, task_name, 3);
		if (i < 0)
			return error_set(
			    e, "unknown task '%.*s'", (int)s.len, s.s);
		*seen |= 4;
		p->task = (enum task)i;
		return 0;
	}
	if (str_is(key, "classes"))
		return read_classes(p, j, e);
	if (str_is(key, "parts"))
		return read_parts(p, j, e);
	if (str_is(key, "threshold"))
		return json_double(j, &p->threshold);
	if (str_is(key, "mean"))
		return json_double(j, &p->mean);
	if (str_is(key, "scale"))
		return json_double(j, &p->scale);
	if (str_is(key, "training")) {
		if (json_raw(j, &s) < 0)
			return -1;
		p->report = mem_strndup(s.s, s.len);
		return p->report != NULL ? 0 : error_memory(e);
	}
	return json_skip(j);
}

static int
read_config(struct predictor *p, struct error *e)
{
	struct json j = { 0 };
	struct str key;
	int seen = 0, rc;

	if (p->model.config == NULL)
		return error_set(e, "not a model of train");
	e->text[0] = '\0';
	json_init(&j, p->model.config, strlen(p->model.config));
	rc = json_object(&j);
	while (rc == 0 && json_object_next(&j, &key) > 0)
		rc = read_key(p, &j, key, &seen, e);
	if (json_end(&j) < 0 && e->text[0] == '\0') {
		json_error(&j, e);
		error_at(e, "configuration");
		rc = -1;
	}
	json_free(&j);
	if (rc < 0)
		return -1;
	if (seen != 7 || p->schema.n == 0)
		return error_set(e, "configuration: kind, version, task or "
				    "parts are missing");
	p->C = p->task == TASK_REGRESS ? 1 : p->classes.n;
	if (p->C == 0 || (p->task == TASK_CLASS && p->C < 2))
		return error_set(e, "configuration: too few classes");
	return 0;
}

static int
finite32(const float *x, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return 0;
	return 1;
}

static int
finite64(const double *x, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return 0;
	return 1;
}

/* The tensor part.NAME.${what}: [a] or, with C, [a, C]; a is found when 0. */
static const void *
part_tensor(const struct predictor *p, size_t k, const char *what,
    enum tensor_type type, uint64_t *a, uint64_t C, struct error *e)
{
	uint64_t shape[TENSOR_MAX_RANK] = { *a, C };
	struct buf name = { 0 };
	const void *data = NULL;

	if (buf_printf(&name, "part.%s.%s", p->schema.parts[k].name, what) < 0)
		error_memory(e);
	else
		data = model_tensor(
		    &p->model, name.data, type, C > 0 ? 2 : 1, shape, e);
	*a = shape[0];
	buf_free(&name);
	return data;
}

static int
load_dense(struct predictor *p, size_t k, struct error *e)
{
	struct predictor_part *w = &p->part[k];
	uint64_t D = p->schema.parts[k].dim;

	w->active = D;
	w->weight = part_tensor(p, k, "weight", TENSOR_F32, &D, p->C, e);
	if (w->weight == NULL)
		return -1;
	w->shift = part_tensor(p, k, "shift", TENSOR_F64, &D, 0, e);
	if (w->shift == NULL)
		return -1;
	w->factor = part_tensor(p, k, "factor", TENSOR_F64, &D, 0, e);
	if (w->factor == NULL)
		return -1;
	return finite64(w->shift, D) && finite64(w->factor, D) ? 0 : 1;
}

static int
load_sparse(struct predictor *p, size_t k, struct error *e)
{
	struct predictor_part *w = &p->part[k];
	uint64_t A = 0;

	w->column = part_tensor(p, k, "column", TENSOR_U32, &A, 0, e);
	if (w->column == NULL)
		return -1;
	w->active = A;
	for (uint64_t i = 0; i < A; i++)
		if (w->column[i] >= p->schema.parts[k].dim ||
		    (i > 0 && w->column[i] <= w->column[i - 1]))
			return error_set(e,
			    "part '%s': its columns do not rise",
			    p->schema.parts[k].name);
	if (A == 0)
		return 0;
	w->idf = part_tensor(p, k, "idf", TENSOR_F32, &A, 0, e);
	if (w->idf == NULL)
		return -1;
	w->weight = part_tensor(p, k, "weight", TENSOR_F32, &A, p->C, e);
	if (w->weight == NULL)
		return -1;
	return finite32(w->idf, A) ? 0 : 1;
}

static int
load_part(struct predictor *p, size_t k, struct error *e)
{
	const struct part *t = &p->schema.parts[k];
	int rc =
	    t->kind == PART_SPARSE ? load_sparse(p, k, e) : load_dense(p, k, e);

	if (rc == 0 && !finite32(p->part[k].weight, p->part[k].active * p->C))
		rc = 1;
	return rc > 0
		   ? error_set(e, "part '%s': a number is not finite", t->name)
		   : rc;
}

static const uint64_t *
load_hashes(struct predictor *p, const char *name, size_t *n, struct error *e)
{
	uint64_t shape[TENSOR_MAX_RANK] = { 0 };
	const uint64_t *h =
	    model_tensor(&p->model, name, TENSOR_U64, 1, shape, e);

	*n = shape[0];
	for (size_t i = 1; h != NULL && i < *n; i++)
		if (h[i] < h[i - 1]) {
			error_set(e, "%s: not in order", name);
			return NULL;
		}
	return h;
}

static int
load_tensors(struct predictor *p, struct error *e)
{
	uint64_t bias[TENSOR_MAX_RANK] = { p->C };
	uint64_t missing[TENSOR_MAX_RANK] = { p->schema.n, p->C };

	p->part = mem_array(p->schema.n, sizeof(*p->part));
	if (p->part == NULL)
		return error_memory(e);
	p->bias = model_tensor(&p->model, "bias", TENSOR_F32, 1, bias, e);
	if (p->bias == NULL)
		return -1;
	p->missing =
	    model_tensor(&p->model, "missing", TENSOR_F32, 2, missing, e);
	if (p->missing == NULL)
		return -1;
	if (!finite32(p->bias, p->C) ||
	    !finite32(p->missing, p->schema.n * p->C) || !isfinite(p->mean) ||
	    !isfinite(p->scale))
		return error_set(e, "bias: a number is not finite");
	p->ids = load_hashes(p, "train.ids", &p->nids, e);
	if (p->ids == NULL)
		return -1;
	p->groups = load_hashes(p, "train.groups", &p->ngroups, e);
	if (p->groups == NULL)
		return -1;
	for (size_t k = 0; k < p->schema.n; k++)
		if (load_part(p, k, e) < 0)
			return -1;
	return 0;
}

int
predictor_load(struct predictor *p, const char *path, struct error *e)
{
	memset(p, 0, sizeof(*p));
	p->threshold = 0.5;
	p->scale = 1;
	if (model_open(&p->model, path, e) < 0)
		return -1;
	if (read_config(p, e) == 0 && load_tensors(p, e) == 0)
		return 0;
	error_at(e, "'%s'", path);
	predictor_free(p);
	return -1;
}
