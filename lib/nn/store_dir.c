/* The files of a model's directory: texts, and one file of arrays or more. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "nn/store_impl.h"
#include "vec/le.h"

static const char weights_name[] = "model.safetensors";
static const char index_name[] = "model.safetensors.index.json";

/* ${dir}/${name}, or NULL when memory is out. */
static char *
join(const char *dir, const char *name)
{
	struct buf b = { 0 };

	if (buf_printf(&b, "%s/%s", dir, name) < 0 || buf_putc(&b, '\0') < 0) {
		buf_free(&b);
		return NULL;
	}
	return b.data;
}

static int
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

/* Append a file's text.  1, 0 when there is no such file, -1. */
static int
read_text(const char *dir, const char *name, size_t max, struct buf *out,
    struct error *e)
{
	char *path = join(dir, name);
	struct stat st;
	int r = 1;

	if (path == NULL)
		return error_memory(e);
	if (stat(path, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
		r = 0;
	else if (io_read_file(path, max, out, e) < 0)
		r = -1;
	free(path);
	return r;
}

int
store_bytes(struct store *s, const char *name, struct buf *out, struct error *e)
{
	const char *dir = s->packed ? s->dir : s->path;

	return dir != NULL ? read_text(dir, name, IO_MAX_FILE, out, e) : 0;
}

/* Add a file of arrays, which is mapped but not yet read. */
static int
add_shard(struct store *s, const char *name, size_t len, struct error *e)
{
	struct shard *f = &s->shards[s->nshards];

	*f = (struct shard){ 0 };
	if ((f->name = mem_strndup(name, len)) == NULL ||
	    (f->path = join(s->path, f->name)) == NULL) {
		free(f->name);
		return error_memory(e);
	}
	s->nshards++;
	if (io_map(&f->map, f->path, e) < 0)
		return -1;
	f->mapped = 1;
	return 0;
}

/* The file of a weight_map's value lies in the directory itself. */
static int
find_shard(struct store *s, struct str name, struct error *e)
{
	if (name.len == 0 || name.len > 255 || name.s[0] == '.' ||
	    memchr(name.s, '/', name.len) != NULL ||
	    memchr(name.s, '\0', name.len) != NULL)
		return error_set(e,
		    "'%s/%s': weight_map: '%.*s' is no file of this directory",
		    s->path, index_name, name.len < 200 ? (int)name.len : 200,
		    name.s);
	for (size_t i = 0; i < s->nshards; i++)
		if (str_is(name, s->shards[i].name))
			return (int)i;
	if (s->nshards == STORE_SHARDS_MAX)
		return error_set(e, "'%s/%s': more than %d files", s->path,
		    index_name, STORE_SHARDS_MAX);
	if (add_shard(s, name.s, name.len, e) < 0)
		return -1;
	return (int)s->nshards - 1;
}

/* An array that the index lists. */
struct listed {
	char *name;
	const struct shard *in;
};

/* Walk the index; its arrays go to *list: [*n] where that is wanted, and its
 * files are added. */
static int
read_index(struct store *s, struct listed **list, size_t *n, struct error *e)
{
	struct json j = { 0 };
	struct str key, file;
	char *name = NULL;
	size_t cap = 0;
	int more, inner, shard = 0, seen = 0;

	json_init(&j, s->index.data, s->index.len);
	if (json_object(&j) < 0)
		goto bad;
	while ((more = json_object_next(&j, &key)) > 0) {
		if (!str_is(key, "weight_map")) {
			json_skip(&j);
			continue;
		}
		seen = 1;
		json_object(&j);
		while ((inner = json_object_next(&j, &key)) > 0) {
			if (list != NULL &&
			    (name = mem_strndup(key.s, key.len)) == NULL)
				goto memory;
			if (json_str(&j, &file) < 0)
				goto bad;
			if ((shard = find_shard(s, file, e)) < 0)
				goto fail;
			if (list == NULL)
				continue;
			if (mem_grow(list, &cap, *n + 1, sizeof(**list)) < 0)
				goto memory;
			/* Shards do not move any more: all are there. */
			(*list)[(*n)++] =
			    (struct listed){ name, &s->shards[shard] };
			name = NULL;
		}
		if (inner < 0)
			goto bad;
	}
	if (json_end(&j) < 0)
		goto bad;
	json_free(&j);
	if (!seen)
		return error_set(
		    e, "'%s/%s': no weight_map", s->path, index_name);
	return 0;
memory:
	error_memory(e);
	goto fail;
bad:
	json_error(&j, e);
	error_at(e, "'%s/%s'", s->path, index_name);
fail:
	free(name);
	json_free(&j);
	return -1;
}

/* What a directory without a file of arrays holds instead. */
static int
no_weights(const struct store *s, const char *other, struct error *e)
{
	if (other == NULL)
		return error_set(
		    e, "'%s': no %s in this directory", s->path, weights_name);
	return error_set(e,
	    "'%s/%s': unsupported (looks like a pickle): convert it with "
	    "tools/pth2safetensors",
	    s->path, other);
}

/* The one *.safetensors of the directory, whatever its name. */
static int
find_weights(struct store *s, struct error *e)
{
	char *found = NULL, *other = NULL;
	struct dirent *d;
	DIR *dir;
	int r = -1;

	if ((dir = opendir(s->path)) == NULL)
		return error_sys(e, "'%s'", s->path);
	while ((d = readdir(dir)) != NULL) {
		const char *name = d->d_name;

		if (name[0] == '.')
			continue;
		if (ends_with(name, ".safetensors")) {
			if (found != NULL) {
				error_set(e,
				    "'%s': more than one .safetensors and no "
				    "%s",
				    s->path, index_name);
				goto done;
			}
			if ((found = mem_strndup(name, strlen(name))) == NULL)
				goto memory;
		} else if ((ends_with(name, ".bin") ||
			       ends_with(name, ".pth") ||
			       ends_with(name, ".pt") ||
			       ends_with(name, ".ckpt")) &&
			   (other == NULL || strcmp(name, other) < 0)) {
			free(other);
			if ((other = mem_strndup(name, strlen(name))) == NULL)
				goto memory;
		}
	}
	r = found != NULL ? add_shard(s, found, strlen(found), e)
			  : no_weights(s, other, e);
	goto done;
memory:
	error_memory(e);
done:
	closedir(dir);
	free(found);
	free(other);
	return r;
}

int
store_find_files(struct store *s, struct error *e)
{
	char *path;
	struct stat st;
	int there, r;

	for (int i = 0; i < STORE_TEXTS; i++) {
		r = read_text(s->path, store_text_names[i], STORE_TEXT_MAX,
		    &s->text[i], e);
		if (r < 0)
			return -1;
		s->has[i] = r;
	}
	s->shards = mem_array(STORE_SHARDS_MAX, sizeof(*s->shards));
	if (s->shards == NULL || (path = join(s->path, weights_name)) == NULL)
		return error_memory(e);
	there = stat(path, &st) == 0;
	free(path);
	if (there)
		return add_shard(s, weights_name, strlen(weights_name), e);
	r = read_text(s->path, index_name, IO_MAX_FILE, &s->index, e);
	if (r < 0)
		return -1;
	return r > 0 ? read_index(s, NULL, NULL, e) : find_weights(s, e);
}

/* ---- hashes of files ---- */

/* Files that tokenizers are built from. */
static const char *const tokenizer_names[] = { "tokenizer.json", "vocab.txt",
	"vocab.json", "merges.txt" };

uint64_t
store_tokenizer_hash(const struct store *s)
{
	struct hash h;

	hash_init(&h, 0);
	for (size_t i = 0; i < sizeof(tokenizer_names) / sizeof(char *); i++) {
		char path[4096]; /* longer ones cannot be opened */
		struct mapping m;
		unsigned char word[8];
		int n = snprintf(
		    path, sizeof(path), "%s/%s", s->path, tokenizer_names[i]);

		/* Nothing here may want memory: a hash cannot fail. */
		if (n < 0 || (size_t)n >= sizeof(path) ||
		    io_map(&m, path, NULL) < 0)
			continue;
		hash_update(
		    &h, tokenizer_names[i], strlen(tokenizer_names[i]) + 1);
		le64_put(word, hash_bytes(m.data, m.len, 0));
		hash_update(&h, word, 8);
		io_unmap(&m);
	}
	return hash_final(&h);
}

/*
 * Of the files' sizes, headers and texts, and of the arrays' data at places
 * spread evenly: enough to tell models apart, and copies of a file from
 * another file; no defence against someone who hides a change.
 */
uint64_t
store_fingerprint(const struct store *s)
{
	enum { PLACES = 64, SAMPLE = 1024 };
	unsigned char word[8];
	struct hash h;

	hash_init(&h, 1);
	for (int i = 0; i < STORE_TEXTS; i++) {
		le64_put(word, s->has[i] ? s->text[i].len : UINT64_MAX);
		hash_update(&h, word, 8);
		if (s->text[i].len > 0)
			hash_update(&h, s->text[i].data, s->text[i].len);
	}
	le64_put(word, store_tokenizer_hash(s));
	hash_update(&h, word, 8);
	if (s->index.len > 0)
		hash_update(&h, s->index.data, s->index.len);
	for (size_t i = 0; i < s->nshards; i++) {
		const unsigned char *p = s->shards[i].map.data;
		size_t len = s->shards[i].map.len, head = 0;

		le64_put(word, len);
		hash_update(&h, word, 8);
		if (len >= 8 && le64_get(p) < len)
			head = (size_t)le64_get(p) + 8;
		hash_update(&h, p, head < len ? head : len);
		if (len <= PLACES * SAMPLE) {
			hash_update(&h, p, len);
			continue;
		}
		for (size_t k = 0; k < PLACES; k++)
			hash_update(
			    &h, p + (len - SAMPLE) / (PLACES - 1) * k, SAMPLE);
	}
	return hash_final(&h);
}

/* ---- arrays ---- */

static int
by_name(const void *a, const void *b)
{
	const struct raw *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : x->in < y->in ? -1 : 1;
}

static int
by_listed_name(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The index and the files agree on where each array is. */
static int
check_listed(struct store *s, struct error *e)
{
	struct listed *list = NULL;
	size_t n = 0, i = 0;
	int r = -1;

	if (read_index(s, &list, &n, e) < 0)
		goto done;
	if (n > 0)
		qsort(list, n, sizeof(*list), by_listed_name);
	for (; i < n || i < s->nraws; i++) {
		int c = i == n          ? 1
			: i == s->nraws ? -1
					: strcmp(list[i].name, s->raws[i].name);

		if (c > 0) {
			store_error(
			    &s->raws[i], e, "not listed in %s", index_name);
			goto done;
		}
		if (c < 0 || list[i].in != s->raws[i].in) {
			error_set(e, "'%s': no tensor '%.200s', which %s lists",
			    list[i].in->path, list[i].name, index_name);
			goto done;
		}
	}
	r = 0;
done:
	for (i = 0; i < n; i++)
		free(list[i].name);
	free(list);
	return r;
}

int
store_read_arrays(struct store *s, struct error *e)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nshards; i++) {
		struct shard *f = &s->shards[i];

		if (model_read(&f->m, f->map.data, f->map.len, e) < 0)
			return error_at(e, "'%s'", f->path);
		n += f->m.n;
	}
	if ((s->raws = mem_array(n, sizeof(*s->raws))) == NULL)
		return error_memory(e);
	for (size_t i = 0; i < s->nshards; i++)
		for (size_t k = 0; k < s->shards[i].m.n; k++) {
			const struct tensor *t = &s->shards[i].m.tensors[k];
			struct raw *r = &s->raws[s->nraws++];

			*r = (struct raw){ .name = t->name,
				.type = t->type,
				.rank = t->rank,
				.shape = t->shape,
				.t = t,
				.in = &s->shards[i] };
			if (t->type == TENSOR_F32 || t->type == TENSOR_F16 ||
			    t->type == TENSOR_BF16 || t->type == TENSOR_F64)
				s->parameters +=
				    t->bytes / tensor_size(t->type);
		}
	if (n > 0)
		qsort(s->raws, n, sizeof(*s->raws), by_name);
	for (size_t i = 1; i < n; i++)
		if (strcmp(s->raws[i - 1].name, s->raws[i].name) == 0)
			return store_error(&s->raws[i], e, "in '%s' too",
			    s->raws[i - 1].in->path);
	if (s->index.len > 0 && check_listed(s, e) < 0)
		return -1;
	s->fingerprint = store_fingerprint(s);
	return 0;
}
