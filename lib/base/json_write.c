#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"

/* Bytes at the start of s that stand in a JSON string as they are. */
static size_t
plain(const char *s, size_t n)
{
	size_t i = 0;

	while (
	    i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

static int
put_escape(struct buf *b, char c)
{
	static const char CONTROLS[] = "\b\t\n\f\r", NAMES[] = "btnfr";
	static const char HEX[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(CONTROLS, c) : NULL;
	char s[6] = { '\\', c, '0', '0', 0, 0 };

	if (at != NULL)
		s[1] = NAMES[at - CONTROLS];
	else if (c != '"' && c != '\\') {
		s[1] = 'u';
		s[4] = HEX[c >> 4];
		s[5] = HEX[c & 15];
	}
	return buf_put(b, s, s[1] == 'u' ? 6 : 2);
}

/* Well-formed text: only quotes, backslashes and controls need work. */
static int
put_clean(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0, k; i < n; i += k + 1) {
		k = plain(s + i, n - i);
		if (buf_put(b, s + i, k) < 0)
			return -1;
		if (i + k < n && put_escape(b, s[i + k]) < 0)
			return -1;
	}
	return 0;
}

int
json_put_string(struct buf *b, const char *s, size_t n)
{
	uint32_t cp;

	if (buf_putc(b, '"') < 0)
		return -1;
	for (size_t i = 0; i < n;) {
		size_t good = utf8_valid(s + i, n - i);

		if (put_clean(b, s + i, good) < 0)
			return -1;
		i += good;
		if (i == n)
			break;
		i += (size_t)-utf8_decode(s + i, n - i, &cp);
		if (buf_put(b, "\xEF\xBF\xBD", 3) < 0)
			return -1;
	}
	return buf_putc(b, '"');
}

int
json_put_float(struct buf *b, float x)
{
	size_t n;

	if (buf_reserve(b, NUM_MAX) < 0)
		return -1;
	n = num_print_float(b->data + b->len, x);
	b->len += n;
	return n > 0 ? 0 : -1;
}

int
json_put_double(struct buf *b, double x)
{
	size_t n;

	if (buf_reserve(b, NUM_MAX) < 0)
		return -1;
	n = num_print_double(b->data + b->len, x);
	b->len += n;
	return n > 0 ? 0 : -1;
}

int
json_put_known(struct buf *b, double x)
{
	return isfinite(x) ? json_put_double(b, x) : buf_puts(b, "null");
}

/*
 * The canonical spelling.  An object's members are collected before they are
 * sorted, so the depth limit of the reader bounds the recursion here.
 */

struct member {
	struct str key, value;
};

static int
by_key(const void *a, const void *b)
{
	return str_cmp(
	    ((const struct member *)a)->key, ((const struct member *)b)->key);
}

static int canonical_value(struct json *j, struct buf *out);

static int
check_utf8(struct json *j, struct str s)
{
	return utf8_valid(s.s, s.len) == s.len
		   ? 0
		   : json_refuse(j, "ill-formed UTF-8");
}

static int
canonical_string(struct json *j, struct buf *out)
{
	struct str s;

	if (json_str(j, &s) < 0 || check_utf8(j, s) < 0)
		return -1;
	return json_put_string(out, s.s, s.len);
}

static int
canonical_number(struct json *j, struct buf *out)
{
	struct str raw;
	double x;

	if (json_raw(j, &raw) < 0)
		return -1;
	if (memchr(raw.s, '.', raw.len) == NULL &&
	    memchr(raw.s, 'e', raw.len) == NULL &&
	    memchr(raw.s, 'E', raw.len) == NULL)
		return buf_put(out, raw.s, raw.len);
	num_read_double(raw.s, raw.len, &x);
	if (!isfinite(x))
		return json_refuse(j, "number too large");
	return json_put_double(out, x);
}

static int
canonical_array(struct json *j, struct buf *out)
{
	int some = 0;

	if (json_array(j) < 0 || buf_putc(out, '[') < 0)
		return -1;
	while (json_array_next(j) > 0) {
		if (some++ && buf_putc(out, ',') < 0)
			return -1;
		if (canonical_value(j, out) < 0)
			return -1;
	}
	return j->why != NULL ? -1 : buf_putc(out, ']');
}

static int
put_sorted(struct buf *out, const struct strs *keys, const struct strs *values)
{
	struct member *m = mem_array(keys->n, sizeof(*m));
	int r = -1;

	if (m == NULL)
		return -1;
	for (size_t i = 0; i < keys->n; i++)
		m[i] =
		    (struct member){ strs_get(keys, i), strs_get(values, i) };
	qsort(m, keys->n, sizeof(*m), by_key);
	for (size_t i = 0; i < keys->n; i++)
		if ((i > 0 && buf_putc(out, ',') < 0) ||
		    json_put_string(out, m[i].key.s, m[i].key.len) < 0 ||
		    buf_putc(out, ':') < 0 ||
		    buf_put(out, m[i].value.s, m[i].value.len) < 0)
			goto done;
	r = 0;
done:
	free(m);
	return r;
}

static int
canonical_object(struct json *j, struct buf *out)
{
	struct strs keys = { 0 }, values = { 0 };
	struct buf value = { 0 };
	struct str key;
	int r = -1;

	if (json_object(j) < 0 || buf_putc(out, '{') < 0)
		return -1;
	while (json_object_next(j, &key) > 0) {
		value.len = 0;
		if (check_utf8(j, key) < 0 ||
		    strs_add(&keys, key.s, key.len) < 0 ||
		    canonical_value(j, &value) < 0 ||
		    strs_add(&values, value.data, value.len) < 0)
			goto done;
	}
	if (j->why == NULL &&
	    (keys.n == 0 || put_sorted(out, &keys, &values) == 0))
		r = buf_putc(out, '}');
done:
	strs_free(&keys);
	strs_free(&values);
	buf_free(&value);
	return r;
}

static int
canonical_value(struct json *j, struct buf *out)
{
	struct str raw;

	switch (json_peek(j)) {
	case JSON_OBJECT:
		return canonical_object(j, out);
	case JSON_ARRAY:
		return canonical_array(j, out);
	case JSON_STRING:
		return canonical_string(j, out);
	case JSON_NUMBER:
		return canonical_number(j, out);
	default:
		if (json_raw(j, &raw) < 0)
			return -1;
		return buf_put(out, raw.s, raw.len);
	}
}

int
json_canonical(struct buf *out, const char *s, size_t n, struct error *e)
{
	size_t before = out->len;
	struct json j = { 0 };
	int r;

	json_init(&j, s, n);
	/* What fails without a reason in j is memory. */
	r = canonical_value(&j, out);
	if (r == 0 || j.why != NULL)
		r = json_end(&j) < 0 ? json_error(&j, e) : 0;
	else
		error_memory(e);
	if (r < 0)
		out->len = before;
	json_free(&j);
	return r;
}
