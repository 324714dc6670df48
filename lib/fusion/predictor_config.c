#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "fusion/predictor_file.h"

/* What is read before it can be understood: the keys of the configuration are
 * sorted, and members and sets name parts that come later. */
struct config {
	struct predictor *p;
	struct net_shape *net; /* [members] */
	enum impute_kind impute;
	struct str members, sets; /* slices of the text */
	unsigned seen;
};

enum { SEEN_KIND = 1, SEEN_VERSION = 2, SEEN_TASK = 4, SEEN_ALL = 7 };

static int
word_index(struct str s, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (str_is(s, words[i]))
			return i;
	return -1;
}

/* One of those words.  ${what} names it in the sentence. */
static int
read_word(
    struct json *j, const char *what, const char *const *words, struct error *e)
{
	struct str s;
	int i;

	if (json_str(j, &s) < 0)
		return -1;
	i = word_index(s, words);
	if (i < 0)
		error_set(e, "unknown %s '%.*s'", what,
		    (int)(s.len < 80 ? s.len : 80), s.s);
	return i;
}

/* ---- parts and classes ---- */

struct part_text {
	struct buf name, space, run;
	int kind;
	int64_t dim;
};

static int
part_key(struct part_text *t, struct json *j, struct str key, struct error *e)
{
	struct str s;

	if (str_is(key, "name"))
		return json_string(j, &t->name);
	if (str_is(key, "kind")) {
		t->kind = read_word(j, "kind of part", predictor_kind, e);
		return t->kind < 0 ? -1 : 0;
	}
	if (str_is(key, "dim"))
		return json_integer(j, 1, UINT32_MAX, &t->dim);
	if (str_is(key, "space") || str_is(key, "run")) {
		if (json_raw(j, &s) < 0)
			return -1;
		return buf_put(str_is(key, "run") ? &t->run : &t->space, s.s,
			   s.len) < 0
			   ? error_memory(e)
			   : 0;
	}
	return json_skip(j);
}

static int
read_part(struct predictor *p, struct json *j, struct error *e)
{
	struct part_text t = { .kind = -1 };
	struct str key;
	int rc = json_object(j);

	while (rc == 0 && json_object_next(j, &key) > 0)
		rc = part_key(&t, j, key, e);
	rc = j->why != NULL ? -1 : rc;
	if (rc == 0 &&
	    (buf_putc(&t.name, '\0') < 0 || buf_putc(&t.space, '\0') < 0 ||
		buf_putc(&t.run, '\0') < 0))
		rc = error_memory(e);
	else if (rc == 0 && (t.kind < 0 || t.dim == 0))
		rc = error_set(e, "a part without kind or dim");
	else if (rc == 0 && p->schema.n == INPUTS_MAX_PARTS)
		rc = error_set(e, "more than %d parts", INPUTS_MAX_PARTS);
	else if (rc == 0)
		rc = schema_add(&p->schema, t.name.data, (enum part_kind)t.kind,
		    (uint32_t)t.dim, t.space.len > 1 ? t.space.data : NULL,
		    t.run.len > 1 ? t.run.data : NULL, e);
	buf_free(&t.name);
	buf_free(&t.space);
	buf_free(&t.run);
	return rc;
}

static int
read_parts(struct predictor *p, struct json *j, struct error *e)
{
	if (json_array(j) < 0)
		return -1;
	while (json_array_next(j) > 0)
		if (read_part(p, j, e) < 0)
			return -1;
	return j->why != NULL ? -1 : 0;
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
	return j->why != NULL ? -1 : 0;
}

/* ---- the first pass ---- */

static int
read_version(struct json *j, struct error *e)
{
	int64_t version;

	if (json_integer(j, 1, INT32_MAX, &version) < 0)
		return -1;
	if (version >= PREDICTOR_OLDEST && version <= PREDICTOR_VERSION)
		return 0;
	return version < PREDICTOR_OLDEST
		   ? error_set(e,
			 "a model of an earlier vecpipe (version %" PRId64
			 "): train anew",
			 version)
		   : error_set(e, "needs version %" PRId64, version);
}

static int
read_text(struct json *j, char **to, struct error *e)
{
	struct str s;

	if (json_str(j, &s) < 0)
		return -1;
	free(*to);
	*to = mem_strndup(s.s, s.len);
	return *to != NULL ? 0 : error_memory(e);
}

static int
read_training(struct predictor *p, struct json *j, struct error *e)
{
	struct str s;

	if (json_raw(j, &s) < 0)
		return -1;
	p->report = mem_strndup(s.s, s.len);
	return p->report != NULL ? 0 : error_memory(e);
}

static int
read_impute(struct json *j, enum impute_kind *to, struct error *e)
{
	struct str s;
	int kind;

	if (json_str(j, &s) < 0)
		return -1;
	kind = impute_kind_of(s);
	if (kind < 0)
		return error_set(e, "unknown imputation '%.*s'",
		    (int)(s.len < 80 ? s.len : 80), s.s);
	*to = (enum impute_kind)kind;
	return 0;
}

static int
read_key(struct config *c, struct json *j, struct str key, struct error *e)
{
	struct predictor *p = c->p;
	struct str s;
	int i;

	if (str_is(key, "kind")) {
		c->seen |= SEEN_KIND;
		if (json_str(j, &s) < 0)
			return -1;
		return str_is(s, "predictor")
			   ? 0
			   : error_set(e, "not a model of train, but '%.*s'",
				 (int)(s.len < 80 ? s.len : 80), s.s);
	}
	if (str_is(key, "version")) {
		c->seen |= SEEN_VERSION;
		return read_version(j, e);
	}
	if (str_is(key, "task")) {
		c->seen |= SEEN_TASK;
		i = read_word(j, "task", predictor_task, e);
		p->task = (enum task)(i < 0 ? 0 : i);
		return i < 0 ? -1 : 0;
	}
	if (str_is(key, "impute")) {
		return read_impute(j, &c->impute, e);
	}
	if (str_is(key, "method"))
		return read_text(j, &p->method, e);
	if (str_is(key, "classes"))
		return read_classes(p, j, e);
	if (str_is(key, "parts"))
		return read_parts(p, j, e);
	if (str_is(key, "members"))
		return json_raw(j, &c->members);
	if (str_is(key, "sets"))
		return json_raw(j, &c->sets);
	if (str_is(key, "mean"))
		return json_double(j, &p->mean);
	if (str_is(key, "scale"))
		return json_double(j, &p->scale);
	if (str_is(key, "training"))
		return read_training(p, j, e);
	return json_skip(j);
}

/* ---- members and sets ---- */

/* Names of parts as a set. */
static int
read_part_names(
    const struct predictor *p, struct json *j, uint64_t *parts, struct error *e)
{
	struct str s;

	*parts = 0;
	if (json_array(j) < 0)
		return -1;
	while (json_array_next(j) > 0) {
		size_t k = 0;

		if (json_str(j, &s) < 0)
			return -1;
		while (k < p->schema.n && !str_is(s, p->schema.parts[k].name))
			k++;
		if (k == p->schema.n)
			return error_set(e, "unknown part '%.*s'",
			    (int)(s.len < 80 ? s.len : 80), s.s);
		*parts |= UINT64_C(1) << k;
	}
	return j->why != NULL ? -1 : 0;
}

static int
read_net_kind(struct json *j, struct net_shape *net, struct error *e)
{
	struct str s;
	int kind;

	if (json_str(j, &s) < 0)
		return -1;
	kind = net_kind_of(s);
	if (kind < 0)
		return error_set(e, "unknown kind of net '%.*s'",
		    (int)(s.len < 80 ? s.len : 80), s.s);
	net->kind = (enum net_kind)kind;
	return 0;
}

static int
read_seed(struct json *j, uint64_t *seed, struct error *e)
{
	struct str s;
	size_t i = 0;

	if (json_str(j, &s) < 0)
		return -1;
	*seed = 0;
	for (; i < s.len && i < 20 && s.s[i] >= '0' && s.s[i] <= '9'; i++)
		*seed = *seed * 10 + (uint64_t)(s.s[i] - '0');
	return i > 0 && i == s.len ? 0 : error_set(e, "seed: not a number");
}

static int
read_net(struct json *j, struct net_shape *net, struct error *e)
{
	int64_t hidden = 0, rank = 0;
	struct str key;
	int rc = json_object(j);

	while (rc == 0 && json_object_next(j, &key) > 0) {
		if (str_is(key, "kind"))
			rc = read_net_kind(j, net, e);
		else if (str_is(key, "hidden"))
			rc = json_integer(j, 0, 1 << 20, &hidden);
		else if (str_is(key, "rank"))
			rc = json_integer(j, 0, 1 << 20, &rank);
		else if (str_is(key, "seed"))
			rc = read_seed(j, &net->seed, e);
		else
			rc = json_skip(j);
	}
	net->hidden = (size_t)hidden;
	net->rank = (size_t)rank;
	return j->why != NULL ? -1 : rc;
}

static int
read_member(struct config *c, struct json *j, size_t k, struct error *e)
{
	struct member *m = &c->p->member[k];
	struct net_shape *net = &c->net[k];
	struct str key;
	int kind = -1, has_net = 0, rc = json_object(j);

	net->task = c->p->task;
	net->C = c->p->C;
	while (rc == 0 && json_object_next(j, &key) > 0) {
		if (str_is(key, "kind")) {
			kind =
			    read_word(j, "kind of member", predictor_member, e);
			rc = kind < 0 ? -1 : 0;
		} else if (str_is(key, "name")) {
			rc = read_text(j, &m->name, e);
		} else if (str_is(key, "parts")) {
			rc = read_part_names(c->p, j, &m->parts, e);
		} else if (str_is(key, "net")) {
			has_net = 1;
			rc = read_net(j, net, e);
		} else {
			rc = json_skip(j);
		}
	}
	if (rc < 0 || j->why != NULL)
		return -1;
	if (kind < 0 || m->name == NULL || has_net != (kind == MEMBER_NET))
		return error_set(
		    e, "member %zu: kind, name or net is missing", k);
	m->kind = (enum member_kind)kind;
	net->parts = m->parts;
	return kind == MEMBER_NET && m->parts == 0
		   ? error_set(e, "member %zu: a net of no part", k)
		   : 0;
}

static int
read_set(struct config *c, struct json *j, size_t k, struct error *e)
{
	struct predictor *p = c->p;
	struct str key;
	int found = 0, rc = json_object(j);

	while (rc == 0 && json_object_next(j, &key) > 0) {
		if (str_is(key, "parts")) {
			found = 1;
			rc = read_part_names(p, j, &p->set[k].parts, e);
		} else {
			rc = json_skip(j);
		}
	}
	if (rc < 0 || j->why != NULL)
		return -1;
	for (size_t i = 0; i < k; i++)
		if (p->set[i].parts == p->set[k].parts)
			return error_set(
			    e, "sets %zu and %zu are the same", i, k);
	return found ? 0 : error_set(e, "set %zu: parts are missing", k);
}

/* How many elements the array has. */
static int
count_elements(struct json *j, struct str text, size_t *n)
{
	*n = 0;
	json_init(j, text.s, text.len);
	if (json_array(j) < 0)
		return -1;
	while (json_array_next(j) > 0) {
		if (json_skip(j) < 0)
			return -1;
		++*n;
	}
	return json_end(j);
}

typedef int (*read_element)(
    struct config *c, struct json *j, size_t k, struct error *e);

/* Every element of an array of n. */
static int
read_elements(struct config *c, struct json *j, struct str text,
    read_element each, struct error *e)
{
	size_t k = 0;

	json_init(j, text.s, text.len);
	if (json_array(j) < 0)
		return -1;
	while (json_array_next(j) > 0)
		if (each(c, j, k++, e) < 0)
			return -1;
	return json_end(j);
}

static int
read_lists(struct config *c, struct json *j, struct error *e)
{
	struct predictor *p = c->p;
	size_t members, sets;

	if (count_elements(j, c->members, &members) < 0 ||
	    count_elements(j, c->sets, &sets) < 0)
		return -1;
	if (members == 0 || members > PREDICTOR_MAX || sets == 0 ||
	    sets > PREDICTOR_MAX)
		return error_set(e, "%zu members, %zu sets: not 1 to %d",
		    members, sets, PREDICTOR_MAX);
	p->member = mem_array(members, sizeof(*p->member));
	p->set = mem_array(sets, sizeof(*p->set));
	c->net = mem_array(members, sizeof(*c->net));
	if (p->member == NULL || p->set == NULL || c->net == NULL)
		return error_memory(e);
	p->members = members;
	p->sets = sets;
	return read_elements(c, j, c->members, read_member, e) < 0
		   ? -1
		   : read_elements(c, j, c->sets, read_set, e);
}

/* ---- all of it ---- */

static int
first_pass(struct config *c, struct json *j, struct error *e)
{
	struct predictor *p = c->p;
	struct str key;
	int rc;

	json_init(j, p->model.config, strlen(p->model.config));
	rc = json_object(j);
	while (rc == 0 && json_object_next(j, &key) > 0)
		rc = read_key(c, j, key, e);
	if (rc < 0 || json_end(j) < 0)
		return -1;
	if (c->seen != SEEN_ALL || p->schema.n == 0 || c->members.s == NULL ||
	    c->sets.s == NULL)
		return error_set(e, "kind, version, task, parts, members or "
				    "sets are missing");
	if (!isfinite(p->mean) || !isfinite(p->scale))
		return error_set(e, "mean or scale is not finite");
	p->C = p->task == TASK_REGRESS ? 1 : p->classes.n;
	if (p->C == 0 || (p->task == TASK_CLASS && p->C < 2))
		return error_set(e, "too few classes");
	return 0;
}

static int
read_config(struct config *c, struct error *e)
{
	struct json j = { 0 };
	int rc;

	if (c->p->model.config == NULL)
		return error_set(e, "not a model of train");
	e->text[0] = '\0';
	rc = first_pass(c, &j, e);
	if (rc == 0)
		rc = read_lists(c, &j, e);
	if (rc < 0 && e->text[0] == '\0')
		json_error(&j, e);
	if (rc < 0 && !e->memory)
		error_at(e, "configuration");
	json_free(&j);
	return rc;
}

int
predictor_take(struct predictor *p, struct error *e)
{
	struct config c = { .p = p };
	int rc;

	p->scale = 1;
	rc = read_config(&c, e);
	if (rc == 0)
		rc = predictor_tensors(p, c.net, c.impute, e);
	free(c.net);
	return rc;
}

int
predictor_load(struct predictor *p, const char *path, struct error *e)
{
	memset(p, 0, sizeof(*p));
	if (model_open(&p->model, path, e) < 0)
		return -1;
	if (predictor_take(p, e) == 0)
		return 0;
	error_at(e, "'%s'", path);
	predictor_free(p);
	return -1;
}
