/*
 * Packed files: what an encoder was built from, as it was built, to be mapped
 * and used where it lies.  The arrays' data is one U8 array a room, padded to
 * 64 bytes; everything else is in the configuration:
 *
 *	kind         "packed"
 *	layout       STORE_LAYOUT
 *	precision    "f32", "f16" or "int8"
 *	fingerprint  of the directory's files (store_dir.c)
 *	hash         store_hash
 *	parameters   store_parameters
 *	texts        {name: text, ...}
 *	arrays       {name: [dtype, shape...], ...}: what the directory had
 *	bytes        [n, ...]: of each room without its padding, in file order
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "nn/store_impl.h"

/* Raised when the packed bytes of any layer change (linear_pack and what the
 * convolutions do): files of another layout are made anew. */
enum { STORE_LAYOUT = 1 };

static const char *const precision_names[] = { "f32", "f16", "int8" };

/* ---- writing ---- */

static int
put_texts(struct buf *b, const struct store *s)
{
	const char *comma = "";

	for (int i = 0; i < STORE_TEXTS; i++) {
		if (!s->has[i])
			continue;
		if (buf_printf(b, "%s\"%s\":", comma, store_text_names[i]) <
			0 ||
		    json_put_string(b, s->text[i].data, s->text[i].len) < 0)
			return -1;
		comma = ",";
	}
	return 0;
}

static int
put_arrays(struct buf *b, const struct store *s)
{
	for (size_t i = 0; i < s->nraws; i++) {
		const struct raw *r = &s->raws[i];

		if ((i > 0 && buf_putc(b, ',') < 0) ||
		    json_put_string(b, r->name, strlen(r->name)) < 0 ||
		    buf_printf(b, ":[\"%s\"", tensor_type_name(r->type)) < 0)
			return -1;
		for (int k = 0; k < r->rank; k++)
			if (buf_printf(b, ",%" PRIu64, r->shape[k]) < 0)
				return -1;
		if (buf_putc(b, ']') < 0)
			return -1;
	}
	return 0;
}

static int
put_config(struct buf *b, const struct store *s)
{
	if (buf_puts(b, "{\"kind\":\"packed\",\"texts\":{") < 0 ||
	    put_texts(b, s) < 0 || buf_puts(b, "},\"arrays\":{") < 0 ||
	    put_arrays(b, s) < 0 ||
	    buf_printf(b,
		"},\"layout\":%d,\"precision\":\"%s\",\"fingerprint\":"
		"\"%016" PRIx64 "\",\"hash\":\"%016" PRIx64
		"\",\"parameters\":%" PRIu64 ",\"bytes\":[",
		STORE_LAYOUT, precision_names[s->precision], s->fingerprint,
		store_hash(s), s->parameters) < 0)
		return -1;
	for (size_t i = 0; i < s->nrooms; i++)
		if (buf_printf(
			b, "%s%zu", i > 0 ? "," : "", s->rooms[i].bytes) < 0)
			return -1;
	return buf_put(b, "]}", 3); /* and the NUL */
}

static size_t
padded(size_t bytes)
{
	return bytes > 0 ? (bytes + 63) / 64 * 64 : 64;
}

/* The rooms as arrays, those that do not fill theirs in copies.  (Most do:
 * packed layers, and tables of any usual width.) */
static int
list_rooms(const struct store *s, struct tensor *t, void **copies)
{
	for (size_t i = 0; i < s->nrooms; i++) {
		const struct room *r = &s->rooms[i];

		t[i] = (struct tensor){ .name = r->key,
			.type = TENSOR_U8,
			.rank = 1,
			.shape = { padded(r->bytes) },
			.data = r->p };
		if (r->bytes == padded(r->bytes))
			continue;
		if ((copies[i] = mem_aligned(1, padded(r->bytes))) == NULL)
			return -1;
		if (r->bytes > 0)
			memcpy(copies[i], r->p, r->bytes);
		t[i].data = copies[i];
	}
	return 0;
}

int
store_save(const struct store *s, const char *file, struct error *e)
{
	struct tensor *t = mem_array(s->nrooms, sizeof(*t));
	void **copies = mem_array(s->nrooms, sizeof(*copies));
	struct buf b = { 0 };
	int r = -1;

	if (s->packed)
		error_set(e, "'%s': is packed already", s->path);
	else if (t == NULL || copies == NULL || list_rooms(s, t, copies) < 0 ||
		 put_config(&b, s) < 0)
		error_memory(e);
	else
		r = model_save_packed(file, b.data, t, s->nrooms, e);
	for (size_t i = 0; copies != NULL && i < s->nrooms; i++)
		free(copies[i]);
	free(copies);
	free(t);
	buf_free(&b);
	return r;
}

/* ---- reading ---- */

/* One array's kind and shape, to the end of the shapes. */
static int
read_array(
    struct raw *r, struct json *j, uint64_t **shapes, size_t *n, size_t *cap)
{
	struct str type;
	int64_t x;
	int more, found = 0;

	if (json_array(j) < 0 || json_array_next(j) <= 0 ||
	    json_str(j, &type) < 0)
		return json_refuse(j, "not an array's dtype and shape");
	for (int i = TENSOR_BOOL; i <= TENSOR_U64; i++)
		if (str_is(type, tensor_type_name((enum tensor_type)i))) {
			r->type = (enum tensor_type)i;
			found = 1;
		}
	if (!found)
		return json_refuse(j, "not a dtype");
	while ((more = json_array_next(j)) > 0) {
		if (r->rank == TENSOR_MAX_RANK)
			return json_refuse(j, "a rank that is too high");
		if (json_integer(j, 0, INT64_MAX, &x) < 0)
			return -1;
		if (mem_grow(shapes, cap, *n + 1, sizeof(**shapes)) < 0)
			return json_memory(j);
		(*shapes)[(*n)++] = (uint64_t)x;
		r->rank++;
	}
	return more;
}

/* Names and shapes move while they grow: they are pointed to at the end. */
static int
read_arrays(struct store *s, struct json *j)
{
	struct buf names = { 0 };
	size_t cap = 0, nshapes = 0, cap_shapes = 0, at = 0;
	struct str key;
	int more, r = -1;

	if (s->raws != NULL || json_object(j) < 0)
		return -1;
	while ((more = json_object_next(j, &key)) > 0) {
		struct raw *raw;

		if (mem_grow(&s->raws, &cap, s->nraws + 1, sizeof(*raw)) < 0 ||
		    buf_put(&names, key.s, key.len) < 0 ||
		    buf_putc(&names, '\0') < 0) {
			json_memory(j);
			goto done;
		}
		raw = &s->raws[s->nraws++];
		*raw = (struct raw){ .in = s->shards };
		if (memchr(key.s, '\0', key.len) != NULL) {
			json_refuse(j, "a name that holds a NUL");
			goto done;
		}
		if (read_array(raw, j, &s->shapes, &nshapes, &cap_shapes) < 0)
			goto done;
	}
	if (more < 0)
		goto done;
	s->names = names.data;
	names.data = NULL;
	for (size_t i = 0, k = 0; i < s->nraws; i++) {
		s->raws[i].name = s->names + at;
		s->raws[i].shape = s->shapes + k;
		at += strlen(s->names + at) + 1;
		k += (size_t)s->raws[i].rank;
		if (i > 0 &&
		    strcmp(s->raws[i - 1].name, s->raws[i].name) >= 0) {
			json_refuse(j, "arrays that are not in order");
			goto done;
		}
	}
	r = 0;
done:
	buf_free(&names);
	return r;
}

static int
read_texts(struct store *s, struct json *j)
{
	struct str key;
	int more;

	if (json_object(j) < 0)
		return -1;
	while ((more = json_object_next(j, &key)) > 0) {
		int i = 0;

		while (i < STORE_TEXTS && !str_is(key, store_text_names[i]))
			i++;
		if (i == STORE_TEXTS)
			return json_refuse(j, "a text that is not kept");
		if (json_string(j, &s->text[i]) < 0)
			return -1;
		s->has[i] = 1;
	}
	return more;
}

/* A number in 16 hexadecimal digits. */
static int
read_hash(struct json *j, uint64_t *out)
{
	static const char digits[] = "0123456789abcdef";
	struct str text;
	const char *d;

	if (json_str(j, &text) < 0)
		return -1;
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] == '\0' ||
		    (d = strchr(digits, text.s[i])) == NULL)
			return json_refuse(j, "not a hash");
		*out = *out << 4 | (uint64_t)(d - digits);
	}
	return text.len == 16 ? 0 : json_refuse(j, "not a hash");
}

/* The rooms: the file's arrays, each without its padding. */
static int
read_rooms(struct store *s, struct json *j, struct error *e)
{
	const struct model *m = &s->shards[0].m;
	int64_t bytes;

	if (json_array(j) < 0)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		const struct tensor *t = &m->tensors[i];

		if (json_array_next(j) <= 0 ||
		    json_integer(j, 0, INT64_MAX, &bytes) < 0)
			return json_refuse(j, "fewer numbers than arrays");
		if (t->type != TENSOR_U8 || t->rank != 1 ||
		    (uint64_t)bytes > SIZE_MAX - 64 ||
		    padded((size_t)bytes) != t->bytes ||
		    (uintptr_t)t->data % 64 != 0)
			return error_set(
			    e, "tensor '%s': not a packed array", t->name);
		if (store_lend_room(s, t->name, t->data, (size_t)bytes, e) < 0)
			return -1;
	}
	if (json_array_next(j) != 0)
		return json_refuse(j, "more numbers than arrays");
	return 0;
}

/* What must agree before anything else is believed. */
static int
check_kind(struct store *s, const char *config, struct error *e)
{
	struct str raw;
	char layout[16], want[16];
	int i = 0;

	snprintf(layout, sizeof(layout), "%d", STORE_LAYOUT);
	if ((i = json_find_path(config, strlen(config), "kind", &raw, e)) < 0)
		return -1;
	if (i == 0 || !str_is(raw, "\"packed\""))
		return error_set(e, "not a packed file");
	if ((i = json_find_path(config, strlen(config), "layout", &raw, e)) < 0)
		return -1;
	if (i == 0 || !str_is(raw, layout))
		return error_set(
		    e, "packed by another version of vecpipe; make it anew");
	i = json_find_path(config, strlen(config), "precision", &raw, e);
	if (i < 0)
		return -1;
	if (i == 0)
		return error_set(e, "no precision");
	for (i = 0; i < 3; i++) {
		snprintf(want, sizeof(want), "\"%s\"", precision_names[i]);
		if (str_is(raw, want))
			break;
	}
	if (i == 3)
		return error_set(e, "no precision");
	if (i != (int)s->precision)
		return error_set(e, "packed with --precision %s, not %s",
		    precision_names[i], precision_names[s->precision]);
	return 0;
}

static int
read_config(struct store *s, const char *config, struct error *e)
{
	enum {
		TEXTS = 1,
		ARRAYS = 2,
		PRINT = 4,
		HASH = 8,
		PARAMS = 16,
		BYTES = 32,
		ALL = 63
	};
	struct json j = { 0 };
	struct str key;
	int64_t x = 0;
	int more, got = 0, r = 0;

	e->text[0] = '\0';
	json_init(&j, config, strlen(config));
	json_object(&j);
	while (r == 0 && (more = json_object_next(&j, &key)) > 0) {
		if (str_is(key, "texts")) {
			got |= TEXTS;
			r = read_texts(s, &j);
		} else if (str_is(key, "arrays")) {
			got |= ARRAYS;
			r = read_arrays(s, &j);
		} else if (str_is(key, "fingerprint")) {
			got |= PRINT;
			r = read_hash(&j, &s->fingerprint);
		} else if (str_is(key, "hash")) {
			got |= HASH;
			r = read_hash(&j, &s->hashed->hash);
			s->hashed->done = 1;
		} else if (str_is(key, "parameters")) {
			got |= PARAMS;
			r = json_integer(&j, 0, INT64_MAX, &x);
			s->parameters = (uint64_t)x;
		} else if (str_is(key, "bytes")) {
			got |= BYTES;
			r = read_rooms(s, &j, e);
		} else {
			r = json_skip(&j);
		}
	}
	if (e->text[0] != '\0') /* it says more than the JSON reader would */
		r = -1;
	else if (json_end(&j) < 0)
		r = json_error(&j, e);
	else if (got != ALL)
		r = error_set(e, "a field is missing");
	json_free(&j);
	return r;
}

int
store_use_packed(struct store *s, struct error *e)
{
	struct shard *f = s->shards;
	struct error own;

	if (e == NULL)
		e = &own;
	s->packed = 1;
	s->has[0] = 0;
	if (model_read_packed(&f->m, f->map.data, f->map.len, e) < 0 ||
	    check_kind(s, f->m.config, e) < 0 ||
	    read_config(s, f->m.config, e) < 0)
		return e->memory ? -1 : error_at(e, "'%s'", f->path);
	return 0;
}

int
store_read_packed(struct store *s, const char *path, struct error *e)
{
	struct shard *f;

	if ((s->shards = mem_array(1, sizeof(*s->shards))) == NULL)
		return error_memory(e);
	f = s->shards;
	s->nshards = 1;
	if ((f->path = mem_strndup(path, strlen(path))) == NULL)
		return error_memory(e);
	if (io_map(&f->map, path, e) < 0)
		return -1;
	f->mapped = 1;
	return store_use_packed(s, e);
}

/* ---- one or the other ---- */

/* A packed file may be replaced by a newer one; nothing else may. */
static int
check_replaceable(const char *file, struct error *e)
{
	struct mapping m;
	struct stat st;
	int r = 0;

	if (stat(file, &st) == -1)
		return 0;
	if (io_map(&m, file, e) < 0)
		return -1;
	if (m.len > 0 && !model_is_packed(m.data, m.len))
		r = error_set(e, "'%s': not a packed file; it stays", file);
	io_unmap(&m);
	return r;
}

struct store *
store_open_packed(const char *dir, const char *file, enum precision precision,
    struct error *e)
{
	struct store *s, *p;

	if (check_replaceable(file, e) < 0 ||
	    (s = store_begin(dir, precision, e)) == NULL)
		return NULL;
	if (store_find_files(s, e) < 0)
		goto fail;
	if ((p = store_open(file, precision, NULL)) != NULL) {
		if (p->packed && p->fingerprint == store_fingerprint(s)) {
			p->dir = s->path;
			s->path = NULL;
			store_free(s);
			return p;
		}
		store_free(p);
	}
	if (store_read_arrays(s, e) == 0)
		return s;
fail:
	store_free(s);
	return NULL;
}

/* ---- all of it ---- */

int
store_verify(const struct store *s, struct error *e)
{
	if (s->packed) {
		if (model_sound(&s->shards[0].m))
			return 0;
		return error_set(e, "'%s': checksum mismatch", s->path);
	}
	for (size_t i = 0; i < s->nraws; i++)
		if (store_check(s, &s->raws[i], e) < 0)
			return -1;
	return 0;
}
