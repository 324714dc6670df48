#include "nn/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/pages.h"
#include "base/walk.h"
#include "nn/store_impl.h"
#include "vec/le.h"

/* What models keep beside their weights, as transformers,
 * sentence-transformers, timm and open_clip name it. */
const char *const store_text_names[STORE_TEXTS] = {
	"config.json",
	"modules.json",
	"1_Pooling/config.json",
	"2_Dense/config.json",
	"preprocessor_config.json",
	"processor_config.json",
	"sentence_bert_config.json",
	"tokenizer_config.json",
	"config_sentence_transformers.json",
	"open_clip_config.json",
};

enum { PIECE = 16 << 20 }; /* bytes of room that are asked for at once */

struct store *
store_begin(const char *path, enum precision precision, struct error *e)
{
	struct store *s = mem_array(1, sizeof(*s));

	if (s == NULL || (s->path = mem_strndup(path, strlen(path))) == NULL ||
	    (s->hashed = mem_array(1, sizeof(*s->hashed))) == NULL) {
		store_free(s);
		error_memory(e);
		return NULL;
	}
	s->precision = precision;
	s->isa = cpu_isa();
	return s;
}

/* Sentences of a directory's files have their place already. */
struct store *
store_open(const char *path, enum precision precision, struct error *e)
{
	struct store *s = store_begin(path, precision, e);
	int r;

	if (s == NULL)
		return NULL;
	if (walk_is_dir(path))
		r = store_find_files(s, e) < 0 || store_read_arrays(s, e) < 0;
	else
		r = store_read_packed(s, path, e) < 0;
	if (r) {
		store_free(s);
		return NULL;
	}
	return s;
}

struct store *
store_open_memory(struct str config, const void *p, size_t len,
    enum precision precision, struct error *e)
{
	struct store *s = store_begin("memory", precision, e);
	int r = -1;

	if (s == NULL)
		return NULL;
	if ((s->shards = mem_array(1, sizeof(*s->shards))) == NULL ||
	    (s->shards->path = mem_strndup("weights", 7)) == NULL ||
	    buf_put(&s->text[0], config.s, config.len) < 0) {
		error_memory(e);
		goto done;
	}
	s->shards->map = (struct mapping){ p, len };
	s->nshards = 1;
	s->has[0] = s->text[0].len > 0;
	r = config.s != NULL ? store_read_arrays(s, e) : store_use_packed(s, e);
done:
	if (r == 0)
		return s;
	store_free(s);
	return NULL;
}

void
store_free(struct store *s)
{
	if (s == NULL)
		return;
	store_done(s);
	for (size_t i = 0; i < s->nshards; i++) {
		struct shard *f = &s->shards[i];

		model_close(&f->m);
		if (f->mapped)
			io_unmap(&f->map);
		free(f->name);
		free(f->path);
	}
	for (size_t i = 0; i < s->nrooms; i++)
		free(s->rooms[i].key);
	for (size_t i = 0; i < s->npieces; i++)
		pages_free(s->pieces[i].p, s->pieces[i].bytes);
	for (int i = 0; i < STORE_TEXTS; i++)
		buf_free(&s->text[i]);
	buf_free(&s->index);
	free(s->path);
	free(s->dir);
	free(s->shards);
	free(s->raws);
	free(s->shapes);
	free(s->names);
	free(s->rooms);
	free(s->loans);
	free(s->gather);
	free(s->pieces);
	free(s->hashed);
	free(s);
}

void
store_help(struct store *s, struct pool *pool)
{
	s->pool = pool;
}

int
store_packed(const struct store *s)
{
	return s->packed;
}

enum precision
store_precision(const struct store *s)
{
	return s->precision;
}

const char *
store_path(const struct store *s)
{
	return s->path;
}

uint64_t
store_parameters(const struct store *s)
{
	return s->parameters;
}

uint64_t
store_memory(const struct store *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->nrooms; i++)
		n += s->rooms[i].bytes;
	return n;
}

int
store_text(const struct store *s, const char *name, struct str *out)
{
	for (int i = 0; i < STORE_TEXTS; i++)
		if (s->has[i] && strcmp(store_text_names[i], name) == 0) {
			*out = (struct str){ s->text[i].data, s->text[i].len };
			return 1;
		}
	return 0;
}

/* By array rather than by file, in the order of the names, so that it does
 * not matter in how many files they lie. */
uint64_t
store_hash(const struct store *s)
{
	unsigned char n[8 * (2 + TENSOR_MAX_RANK)];
	struct hash h;

	if (s->hashed->done)
		return s->hashed->hash;
	hash_init(&h, 0);
	for (int i = 0; i < STORE_TEXTS; i++) {
		if (!s->has[i])
			continue;
		hash_update(
		    &h, store_text_names[i], strlen(store_text_names[i]) + 1);
		le64_put(n, s->text[i].len);
		hash_update(&h, n, 8);
		if (s->text[i].len > 0)
			hash_update(&h, s->text[i].data, s->text[i].len);
	}
	le64_put(n, store_tokenizer_hash(s));
	hash_update(&h, n, 8);
	for (size_t i = 0; i < s->nraws; i++) {
		struct raw *r = &s->raws[i];
		const char *type = tensor_type_name(r->type);

		store_check(s, r, NULL);
		hash_update(&h, r->name, strlen(r->name) + 1);
		hash_update(&h, type, strlen(type) + 1);
		le64_put(n, (uint64_t)r->rank);
		for (int k = 0; k < r->rank; k++)
			le64_put(n + 8 * (k + 1), r->shape[k]);
		le64_put(n + 8 * (r->rank + 1), r->digest);
		hash_update(&h, n, 8 * (2 + (size_t)r->rank));
	}
	/* Every page has been touched by now; a table that is used where it
	 * lies takes those back that it needs. */
	for (size_t i = 0; i < s->nshards; i++)
		if (s->shards[i].mapped)
			pages_forget(
			    s->shards[i].map.data, s->shards[i].map.len);
	s->hashed->hash = hash_final(&h);
	s->hashed->done = 1;
	return s->hashed->hash;
}

/* ---- room ---- */

const struct room *
store_find_room(const struct store *s, const char *key)
{
	uint64_t h = hash_bytes(key, strlen(key), 0);

	for (size_t i = 0; i < s->nrooms; i++)
		if (s->rooms[i].hash == h && strcmp(s->rooms[i].key, key) == 0)
			return &s->rooms[i];
	return NULL;
}

int
store_lend_room(struct store *s, const char *key, const void *p, size_t bytes,
    struct error *e)
{
	struct room r = { .p = p, .bytes = bytes };

	if (mem_grow(&s->rooms, &s->cap_rooms, s->nrooms + 1,
		sizeof(*s->rooms)) < 0 ||
	    (r.key = mem_strndup(key, strlen(key))) == NULL)
		return error_memory(e);
	r.hash = hash_bytes(key, strlen(key), 0);
	s->rooms[s->nrooms++] = r;
	return 0;
}

/* Zeroed bytes on a 64-byte boundary that live as long as the store. */
static void *
carve(struct store *s, size_t bytes, struct error *e)
{
	struct piece *last = s->npieces > 0 ? &s->pieces[s->npieces - 1] : NULL;
	size_t want = (bytes + 63) / 64 * 64, size;
	void *p;

	if (want < bytes) {
		error_memory(e);
		return NULL;
	}
	if (last != NULL && last->bytes - last->used >= want) {
		p = last->p + last->used;
		last->used += want;
		return p;
	}
	size = want > PIECE ? want : PIECE;
	if (mem_grow(&s->pieces, &s->cap_pieces, s->npieces + 1,
		sizeof(*s->pieces)) < 0 ||
	    (p = pages_new(size)) == NULL) {
		error_memory(e);
		return NULL;
	}
	s->pieces[s->npieces++] = (struct piece){ p, size, want };
	return p;
}

int
store_room(
    struct store *s, const char *key, size_t bytes, void **p, struct error *e)
{
	const struct room *r = store_find_room(s, key);

	if (r != NULL) {
		if (r->bytes != bytes)
			return error_set(e, "'%s': '%s' has %zu bytes, not %zu",
			    s->path, key, r->bytes, bytes);
		*p = (void *)(uintptr_t)r->p;
		return 1;
	}
	if (s->packed)
		return error_set(e, "'%s': no '%s'", s->path, key);
	if ((*p = carve(s, bytes, e)) == NULL)
		return -1;
	return store_lend_room(s, key, *p, bytes, e);
}

int
store_put(struct store *s, const char *key, const void *p, size_t bytes,
    struct error *e)
{
	if (store_find_room(s, key) != NULL)
		return error_set(e, "'%s': '%s' is there", s->path, key);
	return store_lend_room(s, key, p, bytes, e);
}

int
store_block(const struct store *s, const char *key, struct str *out)
{
	const struct room *r = store_find_room(s, key);

	if (r == NULL)
		return 0;
	*out = (struct str){ r->p, r->bytes };
	return 1;
}
