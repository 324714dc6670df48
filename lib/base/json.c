#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/json_impl.h"
#include "base/utf8.h"

/*
 * Keys seen so far, in one open-addressed table for all objects: each object
 * has a serial number that never comes again, so closing an object or
 * starting a text costs nothing, and old entries go when the table grows.
 */
struct json_seen {
	uint64_t serial; /* 0: free */
	uint64_t hash;   /* of the decoded key */
	size_t at, len;  /* the key in the text, escapes and all */
};

void
json_init(struct json *j, const char *s, size_t n)
{
	j->s = s;
	j->n = n;
	j->i = 0;
	j->lone = 0;
	j->why = NULL;
	j->where = 0;
	j->depth = 0;
	j->first = j->serial;
}

void
json_free(struct json *j)
{
	free(j->seen);
	buf_free(&j->key);
	buf_free(&j->text);
	*j = (struct json){ 0 };
}

int
json_fail_at(struct json *j, size_t where, const char *why)
{
	if (j->why == NULL) {
		j->why = why;
		j->where = where;
	}
	return -1;
}

int
json_fail(struct json *j, const char *why)
{
	return json_fail_at(j, j->i, why);
}

static const char no_memory[] = "out of memory";

int
json_memory(struct json *j)
{
	return json_fail(j, no_memory);
}

int
json_starved(const struct json *j)
{
	return j->why == no_memory;
}

int
json_refuse(struct json *j, const char *why)
{
	return json_fail(j, why);
}

int
json_error(const struct json *j, struct error *e)
{
	size_t line = 1, from = 0;

	if (j->why == NULL)
		return error_set(e, "no error");
	if (strcmp(j->why, JSON_NO_MEMORY) == 0)
		return error_memory(e);
	if (json_starved(j))
		return error_memory(e);
	for (size_t i = 0; i < j->where; i++)
		if (j->s[i] == '\n') {
			line++;
			from = i + 1;
		}
	if (line == 1 && (j->n == 0 || memchr(j->s, '\n', j->n - 1) == NULL))
		return error_set(e, "column %zu: %s", j->where + 1, j->why);
	return error_set(
	    e, "line %zu, column %zu: %s", line, j->where - from + 1, j->why);
}

/* Skip space; the byte that comes next, or -1 at the end or after an error. */
int
json_next_byte(struct json *j)
{
	if (j->why != NULL)
		return -1;
	for (; j->i < j->n; j->i++) {
		char c = j->s[j->i];

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return (unsigned char)c;
	}
	return -1;
}

static int
expect(struct json *j, int c, const char *why)
{
	int got = json_next_byte(j);

	if (got != c)
		return json_fail(j, got < 0 ? "unexpected end" : why);
	j->i++;
	return 0;
}

/*
 * Strings.
 */

/* Whether one of the 8 bytes is a quote, a backslash or a control. */
static int
has_special(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t tops = ones << 7;
	uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';

	/* Borrows only run upwards, from a byte that is itself a hit. */
	return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
		   ((w - ones * 0x20) & ~w)) &
		       tops
		   ? 1
		   : 0;
}

/* From i, the first byte that is not plain text of a string. */
static size_t
plain_end(const struct json *j, size_t i)
{
	uint64_t w;

	for (; j->n - i >= 8; i += 8) {
		memcpy(&w, j->s + i, 8);
		if (has_special(w))
			break;
	}
	for (; i < j->n; i++) {
		unsigned char c = (unsigned char)j->s[i];

		if (c == '"' || c == '\\' || c < 0x20)
			break;
	}
	return i;
}

/* Four hexadecimal digits at s, or -1. */
static int32_t
hex4(const char *s)
{
	int32_t x = 0;

	for (int i = 0; i < 4; i++) {
		char c = s[i], low = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			x = x * 16 + (c - '0');
		else if (low >= 'a' && low <= 'f')
			x = x * 16 + (low - 'a') + 10;
		else
			return -1;
	}
	return x;
}

/*
 * The escape at s: [n], which begins with a backslash: its character (a lone
 * surrogate as it is) in *cp; bytes used, 0 if it is no escape.
 */
static size_t
take_escape(const char *s, size_t n, uint32_t *cp)
{
	static const char NAMES[] = "\"\\/bfnrt";
	static const char MEANS[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int32_t u, v;

	if (n < 2)
		return 0;
	if (s[1] != 'u') {
		at = s[1] != '\0' ? strchr(NAMES, s[1]) : NULL;
		if (at == NULL)
			return 0;
		*cp = (unsigned char)MEANS[at - NAMES];
		return 2;
	}
	if (n < 6 || (u = hex4(s + 2)) < 0)
		return 0;
	*cp = (uint32_t)u;
	if ((u & 0xFC00) != 0xD800 || n < 12 || s[6] != '\\' || s[7] != 'u')
		return 6;
	v = hex4(s + 8);
	if (v < 0 || (v & 0xFC00) != 0xDC00)
		return 6;
	*cp = 0x10000 + ((uint32_t)(u & 0x3FF) << 10) + (uint32_t)(v & 0x3FF);
	return 12;
}

/* Decode the text of a string, known to be well-formed, behind b. */
int
json_decode(struct buf *b, const char *s, size_t n, size_t *lone)
{
	char utf8[UTF8_MAX_BYTES];
	uint32_t cp;

	if (buf_reserve(b, n) < 0)
		return -1;
	for (size_t i = 0, to; i < n; i = to) {
		const char *slash = memchr(s + i, '\\', n - i);

		to = slash != NULL ? (size_t)(slash - s) : n;
		buf_put(b, s + i, to - i);
		if (to == n)
			break;
		to += take_escape(s + to, n - to, &cp);
		if (cp >= 0xD800 && cp < 0xE000) {
			cp = UTF8_REPLACEMENT;
			++*lone;
		}
		buf_put(b, utf8, utf8_encode(utf8, cp));
	}
	return 0;
}

/*
 * Read a string: *raw is its text between the quotes; *escapes says whether
 * it has to be decoded.  What stands there is known to be a quote.
 */
int
json_take_string(struct json *j, struct str *raw, int *escapes)
{
	size_t from = j->i + 1, i = from, used;
	uint32_t cp;

	for (*escapes = 0;; *escapes = 1) {
		i = plain_end(j, i);
		if (i == j->n)
			return json_fail_at(j, i, "string not closed");
		if (j->s[i] == '"')
			break;
		if (j->s[i] != '\\')
			return json_fail_at(
			    j, i, "control character in a string");
		used = take_escape(j->s + i, j->n - i, &cp);
		if (used == 0)
			return json_fail_at(
			    j, i, "malformed escape in a string");
		i += used;
	}
	*raw = (struct str){ j->s + from, i - from };
	j->i = i + 1;
	return 0;
}

/*
 * Objects and their keys.
 */

static size_t
seen_slot(const struct json *j, uint64_t serial, uint64_t hash)
{
	return (size_t)hash_mix(hash + serial) & (j->seen_cap - 1);
}

/* Make room for one more; what belongs to earlier texts is left behind. */
static int
seen_reserve(struct json *j)
{
	struct json_seen *old = j->seen;
	size_t old_cap = j->seen_cap, live = 0, cap = 64;

	if (j->seen_n * 2 < j->seen_cap)
		return 0;
	for (size_t i = 0; i < old_cap; i++)
		live += old[i].serial > j->first;
	while (cap < live * 4 + 4)
		cap *= 2;
	j->seen = mem_array(cap, sizeof(*j->seen));
	if (j->seen == NULL) {
		j->seen = old;
		return json_memory(j);
	}
	j->seen_cap = cap;
	j->seen_n = live;
	for (size_t i = 0; i < old_cap; i++) {
		size_t k;

		if (old[i].serial <= j->first)
			continue;
		k = seen_slot(j, old[i].serial, old[i].hash);
		while (j->seen[k].serial != 0)
			k = (k + 1) & (cap - 1);
		j->seen[k] = old[i];
	}
	free(old);
	return 0;
}

/* 1 if the key in the text at x is, decoded, ${key}; 0; -1 out of memory. */
static int
same_key(struct json *j, const struct json_seen *x, struct str key)
{
	struct buf b = { 0 };
	size_t lone = 0;
	int same = -1;

	if (json_decode(&b, j->s + x->at, x->len, &lone) == 0)
		same = str_eq(key, (struct str){ b.data, b.len });
	buf_free(&b);
	return same < 0 ? json_memory(j) : same;
}

/* Enter the key, whose text is raw, for the innermost object. */
static int
remember_key(struct json *j, struct str raw, struct str key)
{
	struct json_seen x = { j->open[j->depth - 1].serial,
		hash_bytes(key.s, key.len, 0), (size_t)(raw.s - j->s),
		raw.len };
	size_t k;
	int same;

	if (seen_reserve(j) < 0)
		return -1;
	k = seen_slot(j, x.serial, x.hash);
	for (; j->seen[k].serial != 0; k = (k + 1) & (j->seen_cap - 1)) {
		if (j->seen[k].serial != x.serial || j->seen[k].hash != x.hash)
			continue;
		same = same_key(j, &j->seen[k], key);
		if (same < 0)
			return -1;
		if (same)
			return json_fail_at(j, x.at - 1, "key occurs twice");
	}
	j->seen[k] = x;
	j->seen_n++;
	return 0;
}

static int
step_in(struct json *j, int c, uint64_t serial, const char *why)
{
	if (expect(j, c, why) < 0)
		return -1;
	if (j->depth == JSON_DEPTH)
		return json_fail_at(
		    j, j->i - 1, "nested deeper than 64 levels");
	j->open[j->depth].serial = serial;
	j->open[j->depth].some = 0;
	j->depth++;
	return 0;
}

int
json_object(struct json *j)
{
	return step_in(j, '{', ++j->serial, "expected an object");
}

int
json_object_once(struct json *j)
{
	return step_in(j, '{', 0, "expected an object");
}

int
json_array(struct json *j)
{
	return step_in(j, '[', 0, "expected an array");
}

/* Whether another element comes (1), or the end (0), which is taken. */
int
json_another(struct json *j, int close, const char *why)
{
	int c = json_next_byte(j);

	if (c < 0)
		return json_fail(j, "unexpected end");
	assert(j->depth > 0);
	if (c == close) {
		j->i++;
		j->depth--;
		return 0;
	}
	if (j->open[j->depth - 1].some) {
		if (c != ',')
			return json_fail(j, why);
		j->i++;
	}
	j->open[j->depth - 1].some = 1;
	return 1;
}

int
json_object_next(struct json *j, struct str *key)
{
	int more = json_another(j, '}', "expected ',' or '}'"), escapes;
	struct str raw;

	if (more <= 0)
		return more;
	if (json_next_byte(j) != '"')
		return json_fail(j, "expected a key in quotes");
	if (json_take_string(j, &raw, &escapes) < 0)
		return -1;
	*key = raw;
	if (escapes) {
		j->key.len = 0;
		if (json_decode(&j->key, raw.s, raw.len, &j->lone) < 0)
			return json_memory(j);
		*key = (struct str){ j->key.data, j->key.len };
	}
	/* json_object_once leaves the keys to the caller. */
	if (j->open[j->depth - 1].serial != 0 && remember_key(j, raw, *key) < 0)
		return -1;
	if (expect(j, ':', "expected ':'") < 0)
		return -1;
	return 1;
}

int
json_array_next(struct json *j)
{
	int more = json_another(j, ']', "expected ',' or ']'");

	if (more > 0 && json_next_byte(j) == ']')
		return json_fail(j, "expected a value");
	return more;
}

int
json_end(struct json *j)
{
	int c = json_next_byte(j);

	if (j->why != NULL)
		return -1;
	if (j->depth > 0)
		return json_fail(j, "unexpected end");
	if (c >= 0)
		return json_fail(j, "text after the end");
	return 0;
}

int
str_is(struct str a, const char *z)
{
	return a.len == strlen(z) && memcmp(a.s, z, a.len) == 0;
}
