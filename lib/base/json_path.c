#include <string.h>

#include "base/json.h"
#include "base/json_impl.h"

/* How deep the field of each path was found; 0 is the outer object. */
struct search {
	const struct str *path;
	size_t n;
	struct str *raw;
	int level[JSON_PATHS_MAX];
};

/* Whether a path begins with the text in b and may go on behind it. */
static int
leads_on(const struct search *x, const struct buf *b)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->path[i].len >= b->len &&
		    memcmp(x->path[i].s, b->data, b->len) == 0)
			return 1;
	return 0;
}

/* Whether the path is the text in b and then the key. */
static int
is_path(struct str path, const struct buf *b, struct str key)
{
	return path.len == b->len + key.len &&
	       memcmp(path.s + b->len, key.s, key.len) == 0 &&
	       (b->len == 0 || memcmp(path.s, b->data, b->len) == 0);
}

/*
 * Search the object that comes next.  j->text holds the way to it, with a dot
 * behind each key; no other function that uses it is called meanwhile.
 */
static int
search_object(struct json *j, struct search *x, int level)
{
	size_t way = j->text.len;
	struct str key, value;
	int more;

	if (json_object(j) < 0)
		return -1;
	while ((more = json_object_next(j, &key)) > 0) {
		uint64_t wanted = 0;
		size_t from;

		for (size_t i = 0; i < x->n; i++)
			if (is_path(x->path[i], &j->text, key) &&
			    (x->raw[i].s == NULL || level < x->level[i]))
				wanted |= UINT64_C(1) << i;
		if (buf_put(&j->text, key.s, key.len) < 0 ||
		    buf_putc(&j->text, '.') < 0)
			return json_memory(j);
		if (json_peek(j) == JSON_OBJECT && leads_on(x, &j->text)) {
			from = j->i;
			search_object(j, x, level + 1);
			value = (struct str){ j->s + from, j->i - from };
		} else {
			json_raw(j, &value);
		}
		if (j->why != NULL)
			return -1;
		j->text.len = way;
		for (size_t i = 0; i < x->n; i++)
			if (wanted >> i & 1) {
				x->raw[i] = value;
				x->level[i] = level;
			}
	}
	return more;
}

int
json_find_paths(
    struct json *j, const struct str *path, size_t n, struct str *raw)
{
	struct search x = { path, n, raw, { 0 } };

	if (n > JSON_PATHS_MAX)
		return json_refuse(j, "more than 64 fields");
	memset(raw, 0, n * sizeof(*raw));
	j->text.len = 0;
	return search_object(j, &x, 0);
}

int
json_find_path(
    const char *s, size_t n, const char *path, struct str *raw, struct error *e)
{
	struct str one = { path, strlen(path) };
	struct json j = { 0 };
	int found;

	json_init(&j, s, n);
	json_find_paths(&j, &one, 1, raw);
	found = json_end(&j) < 0 ? json_error(&j, e) : raw->s != NULL;
	json_free(&j);
	return found;
}
