#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"
#include "vec/batch.h"

static const char *const kind_names[] = { "dense", "sparse", "sequence" };

const char *
part_kind_name(enum part_kind kind)
{
	return kind_names[kind];
}

/* canonical: the JSON object ${text} (NULL for "{}") in its one spelling, as
 * a string to free. */
static char *
canonical(const char *what, const char *text, struct error *e)
{
	struct buf b = { 0 };

	if (text == NULL)
		text = "{}";
	if (json_canonical(&b, text, strlen(text), e) == -1) {
		error_at(e, "%s", what);
		buf_free(&b);
		return NULL;
	}
	if (b.len == 0 || b.data[0] != '{') {
		error_set(e, "%s: not a JSON object", what);
		buf_free(&b);
		return NULL;
	}
	if (buf_putc(&b, '\0') == -1) {
		error_memory(e);
		buf_free(&b);
	}
	return b.data;
}

static void
part_free(struct part *p)
{
	free(p->name);
	free(p->space);
	free(p->run);
	strs_free(&p->columns);
}

int
schema_add(struct schema *s, const char *name, enum part_kind kind,
    uint32_t dim, const char *space, const char *run, struct error *e)
{
	struct part *grown, p = { .kind = kind, .dim = dim };

	if (batch_check_id(name, strlen(name), NULL) == -1)
		return error_set(e,
		    "a part's name must be 1 to %d bytes of "
		    "valid UTF-8 without control characters",
		    VEC_MAX_ID);
	if (schema_find(s, name) != -1)
		return error_set(e, "two parts are named '%s'", name);
	if (s->n >= VEC_MAX_PARTS)
		return error_set(e, "more than %d parts", VEC_MAX_PARTS);
	if (dim < 1 || (kind != PART_SPARSE && dim > VEC_MAX_DIM))
		return error_set(e, "part '%s': dim %lu is not in 1..%d", name,
		    (unsigned long)dim, VEC_MAX_DIM);
	p.space = canonical("space", space, e);
	if (p.space == NULL)
		goto fail;
	p.run = canonical("run", run, e);
	if (p.run == NULL)
		goto fail;
	p.name = mem_strndup(name, strlen(name));
	grown = realloc(s->parts, (s->n + 1) * sizeof(*s->parts));
	if (grown != NULL)
		s->parts = grown;
	if (p.name == NULL || grown == NULL) {
		part_free(&p);
		return error_memory(e);
	}
	s->parts[s->n++] = p;
	return 0;
fail:
	part_free(&p);
	return error_at(e, "part '%s'", name);
}

int
schema_columns(
    struct schema *s, size_t p, const struct strs *names, struct error *e)
{
	struct strs copy = { 0 };

	if (names->n != 0 && names->n != s->parts[p].dim)
		return error_set(e, "part '%s': %zu column names for dim %lu",
		    s->parts[p].name, names->n, (unsigned long)s->parts[p].dim);
	for (size_t i = 0; i < names->n; i++) {
		struct str n = strs_get(names, i);

		if (batch_check_string("column name", n.s, n.len, e) == -1) {
			strs_free(&copy);
			return -1;
		}
		if (strs_add(&copy, n.s, n.len) == -1) {
			strs_free(&copy);
			return error_memory(e);
		}
	}
	strs_free(&s->parts[p].columns);
	s->parts[p].columns = copy;
	return 0;
}

int
schema_task(struct schema *s, const char *json, struct error *e)
{
	char *task = canonical("task", json, e);

	if (task == NULL)
		return -1;
	free(s->task);
	s->task = task;
	return 0;
}

int
schema_copy(struct schema *to, const struct schema *from, struct error *e)
{
	*to = (struct schema){ 0 };
	for (size_t i = 0; i < from->n; i++) {
		const struct part *p = &from->parts[i];

		if (schema_add(to, p->name, p->kind, p->dim, p->space, p->run,
			e) == -1 ||
		    schema_columns(to, i, &p->columns, e) == -1)
			goto fail;
	}
	if (from->task != NULL && schema_task(to, from->task, e) == -1)
		goto fail;
	return 0;
fail:
	schema_free(to);
	return -1;
}

void
schema_free(struct schema *s)
{
	for (size_t i = 0; i < s->n; i++)
		part_free(&s->parts[i]);
	free(s->parts);
	free(s->task);
	*s = (struct schema){ 0 };
}

int
schema_find(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->parts[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* ---- as JSON ---- */

static int
put_part(struct buf *out, const struct part *p)
{
	int bad = buf_puts(out, "{");

	if (p->columns.n > 0) {
		bad |= buf_puts(out, "\"columns\":[");
		for (size_t i = 0; i < p->columns.n; i++) {
			struct str c = strs_get(&p->columns, i);

			if (i > 0)
				bad |= buf_putc(out, ',');
			bad |= json_put_string(out, c.s, c.len);
		}
		bad |= buf_puts(out, "],");
	}
	bad |= buf_printf(out,
	    "\"dim\":%lu,\"dtype\":\"f32\",\"kind\":\"%s\",\"name\":",
	    (unsigned long)p->dim, kind_names[p->kind]);
	bad |= json_put_string(out, p->name, strlen(p->name));
	bad |= buf_puts(out, ",\"run\":");
	bad |= buf_puts(out, p->run);
	bad |= buf_puts(out, ",\"space\":");
	bad |= buf_puts(out, p->space);
	bad |= buf_puts(out, "}");
	return bad;
}

int
schema_json(struct buf *out, const struct schema *s, struct error *e)
{
	size_t before = out->len;
	int bad = buf_puts(out, "{\"parts\":[");

	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			bad |= buf_putc(out, ',');
		bad |= put_part(out, &s->parts[i]);
	}
	bad |= buf_puts(out, "]");
	if (s->task != NULL) {
		bad |= buf_puts(out, ",\"task\":");
		bad |= buf_puts(out, s->task);
	}
	bad |= buf_puts(out, "}");
	if (bad)
		return error_memory(e);
	if (out->len - before > VEC_MAX_HEADER)
		return error_set(e,
		    "the parts' description takes more than "
		    "%d bytes",
		    VEC_MAX_HEADER);
	return 0;
}

/* What a part's object says, while it is read.  The strings are NULL or to
 * be freed. */
struct draft {
	char *name, *space, *run;
	int kind;
	int64_t dim;
	struct strs columns;
	char why[160];
};

static char *
copy(struct json *j, struct str s)
{
	char *p = mem_strndup(s.s, s.len);

	if (p == NULL)
		json_memory(j);
	return p;
}

static char *
take_raw(struct json *j)
{
	struct str raw;

	if (json_raw(j, &raw) == -1)
		return NULL;
	return copy(j, raw);
}

/* take_name: a string without NUL bytes inside. */
static char *
take_name(struct json *j)
{
	struct str s;

	if (json_str(j, &s) == -1)
		return NULL;
	if (memchr(s.s, '\0', s.len) != NULL) {
		json_refuse(j, "a name with a NUL byte");
		return NULL;
	}
	return copy(j, s);
}

static void
take_columns(struct json *j, struct draft *d)
{
	struct str s;

	json_array(j);
	while (json_array_next(j) > 0) {
		if (json_str(j, &s) == -1)
			return;
		if (strs_add(&d->columns, s.s, s.len) == -1)
			json_memory(j);
	}
}

static void
take_kind(struct json *j, struct draft *d)
{
	struct str s;

	if (json_str(j, &s) == -1)
		return;
	d->kind = -1;
	for (int k = 0; k < 3; k++)
		if (str_is(s, kind_names[k]))
			d->kind = k;
	if (d->kind == -1)
		json_refuse(j, "unknown kind of part");
}

static void
take_part(struct json *j, struct draft *d)
{
	struct str key, s;
	int dtype = 0, kind = 0;

	json_object(j);
	while (json_object_next(j, &key) > 0) {
		if (str_is(key, "name"))
			d->name = take_name(j);
		else if (str_is(key, "space"))
			d->space = take_raw(j);
		else if (str_is(key, "run"))
			d->run = take_raw(j);
		else if (str_is(key, "dim"))
			json_integer(j, 0, VEC_MAX_SPARSE, &d->dim);
		else if (str_is(key, "columns"))
			take_columns(j, d);
		else if (str_is(key, "kind")) {
			kind = 1;
			take_kind(j, d);
		} else if (str_is(key, "dtype")) {
			dtype = 1;
			if (json_str(j, &s) == 0 && !str_is(s, "f32"))
				json_refuse(j, "a dtype other than f32 is not "
					       "supported by this version");
		} else
			json_skip(j);
	}
	if (d->name == NULL || !kind || !dtype || d->dim == 0)
		json_refuse(j, "a part needs name, kind, dtype and dim > 0");
}

static void
draft_free(struct draft *d)
{
	free(d->name);
	free(d->space);
	free(d->run);
	strs_free(&d->columns);
}

static int
parse_parts(struct schema *s, struct json *j, struct error *e)
{
	json_array(j);
	while (json_array_next(j) > 0) {
		struct draft d = { 0 };
		int rc;

		take_part(j, &d);
		if (j->why != NULL)
			rc = json_error(j, e);
		else if ((rc = schema_add(s, d.name, (enum part_kind)d.kind,
			      (uint32_t)d.dim, d.space, d.run, e)) == 0)
			rc = schema_columns(s, s->n - 1, &d.columns, e);
		draft_free(&d);
		if (rc == -1)
			return -1;
	}
	return 0;
}

int
schema_parse(struct schema *s, const char *text, size_t n, struct error *e)
{
	struct json j = { 0 };
	struct str key;
	int parts = 0;

	*s = (struct schema){ 0 };
	if (utf8_valid(text, n) != n)
		return error_set(e, "header is not valid UTF-8");
	json_init(&j, text, n);
	json_object(&j);
	while (json_object_next(&j, &key) > 0) {
		if (str_is(key, "parts")) {
			parts = 1;
			if (parse_parts(s, &j, e) == -1)
				goto fail;
		} else if (str_is(key, "task")) {
			char *task = take_raw(&j);
			int rc = 0;

			if (task != NULL)
				rc = schema_task(s, task, e);
			free(task);
			if (rc == -1)
				goto fail;
		} else
			json_skip(&j);
	}
	if (json_end(&j) == 0 && !parts)
		json_refuse(&j, "no parts");
	if (j.why != NULL) {
		json_error(&j, e);
		goto fail;
	}
	json_free(&j);
	return 0;
fail:
	json_free(&j);
	schema_free(s);
	return error_at(e, "header");
}

/* ---- meeting ---- */

/*
 * differing_key: two canonical objects have their keys in one order, so the
 * first place where they part names the key.  Sets the sentence.
 */
static int
differing_key(const char *a, const char *b, struct error *e)
{
	struct json ja = { 0 }, jb = { 0 };
	struct str ka, kb, va, vb;
	int ma, mb, c;

	json_init(&ja, a, strlen(a));
	json_init(&jb, b, strlen(b));
	json_object(&ja);
	json_object(&jb);
	for (;;) {
		ma = json_object_next(&ja, &ka);
		mb = json_object_next(&jb, &kb);
		if (ma <= 0 || mb <= 0)
			break;
		if (json_raw(&ja, &va) == -1 || json_raw(&jb, &vb) == -1)
			break;
		c = str_cmp(ka, kb);
		if (c < 0)
			mb = 0;
		else if (c > 0)
			ma = 0;
		else if (str_eq(va, vb))
			continue;
		else
			error_set(e, "%.*s is %.*s here and %.*s there",
			    (int)ka.len, ka.s, (int)va.len, va.s, (int)vb.len,
			    vb.s);
		break;
	}
	if (ma > 0 && mb == 0)
		error_set(
		    e, "%.*s is known here and not there", (int)ka.len, ka.s);
	else if (ma == 0 && mb > 0)
		error_set(
		    e, "%.*s is known there and not here", (int)kb.len, kb.s);
	json_free(&ja);
	json_free(&jb);
	return -1;
}

int
part_meets(const struct part *a, const struct part *b, struct error *e)
{
	if (a->kind != b->kind)
		return error_set(e, "part '%s': kind is %s here and %s there",
		    a->name, kind_names[a->kind], kind_names[b->kind]);
	if (a->dim != b->dim)
		return error_set(e, "part '%s': dim is %lu here and %lu there",
		    a->name, (unsigned long)a->dim, (unsigned long)b->dim);
	if (strcmp(a->space, "{}") == 0 || strcmp(b->space, "{}") == 0 ||
	    strcmp(a->space, b->space) == 0)
		return 0;
	error_set(e, "space differs");
	differing_key(a->space, b->space, e);
	return error_at(e, "part '%s'", a->name);
}

int
schema_meets(const struct schema *a, const struct schema *b, struct error *e)
{
	for (size_t i = 0; i < a->n; i++) {
		if (i >= b->n ||
		    strcmp(a->parts[i].name, b->parts[i].name) != 0)
			return error_set(e,
			    "part %zu is '%s' here and %s%s%s "
			    "there",
			    i + 1, a->parts[i].name, i < b->n ? "'" : "",
			    i < b->n ? b->parts[i].name : "missing",
			    i < b->n ? "'" : "");
		if (part_meets(&a->parts[i], &b->parts[i], e) == -1)
			return -1;
	}
	if (b->n > a->n)
		return error_set(
		    e, "part '%s' is there and not here", b->parts[a->n].name);
	return 0;
}
