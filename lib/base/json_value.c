#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/json_impl.h"
#include "base/num.h"

enum json_type
json_peek(struct json *j)
{
	int c = json_next_byte(j);

	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return JSON_NUMBER;
	json_fail(j, c < 0 ? "unexpected end" : "expected a value");
	return JSON_BAD;
}

static int
take_word(struct json *j, const char *word, const char *why)
{
	size_t n = strlen(word);

	json_next_byte(j);
	if (j->why != NULL)
		return -1;
	if (j->n - j->i < n || memcmp(j->s + j->i, word, n) != 0)
		return json_fail(j, why);
	j->i += n;
	return 0;
}

int
json_null(struct json *j)
{
	return take_word(j, "null", "expected null");
}

int
json_bool(struct json *j, int *out)
{
	*out = json_next_byte(j) == 't';
	return take_word(j, *out ? "true" : "false", "expected true or false");
}

/* Step over ${used} bytes of number, if that is one and all of it. */
static int
end_number(struct json *j, size_t used)
{
	char c;

	if (used == 0)
		return json_fail(j, "expected a number");
	if (used > JSON_NUMBER_MAX)
		return json_fail(j, "number longer than 1024 bytes");
	if (j->n - j->i > used) {
		c = j->s[j->i + used];
		if (c == '.' || c == '+' || c == '-' ||
		    (c >= '0' && c <= '9') || (c | 0x20) == 'e' ||
		    (c | 0x20) == 'x')
			return json_fail(j, "malformed number");
	}
	j->i += used;
	return 0;
}

/* The text of the number that comes next. */
static int
take_number(struct json *j, struct str *raw)
{
	json_next_byte(j);
	if (j->why != NULL)
		return -1;
	*raw = (struct str){ j->s + j->i, num_scan(j->s + j->i, j->n - j->i) };
	return end_number(j, raw->len);
}

int
json_double(struct json *j, double *out)
{
	struct str raw;

	if (take_number(j, &raw) < 0)
		return -1;
	num_read_double(raw.s, raw.len, out);
	if (isinf(*out))
		return json_fail_at(j, j->i - raw.len, "number too large");
	return 0;
}

int
json_float(struct json *j, float *out)
{
	struct str raw;

	if (take_number(j, &raw) < 0)
		return -1;
	num_read_float(raw.s, raw.len, out);
	if (isinf(*out))
		return json_fail_at(
		    j, j->i - raw.len, "number too large for a float");
	return 0;
}

/* Up to 9 digits and what may follow a number: the short way for ids. */
static int
take_small(struct json *j, int64_t *out)
{
	size_t i = j->i, most = j->n - i < 10 ? j->n : i + 10;
	int64_t x = 0;

	for (; i < most && j->s[i] >= '0' && j->s[i] <= '9'; i++)
		x = x * 10 + (j->s[i] - '0');
	if (i == j->i || i == most || (j->s[j->i] == '0' && i > j->i + 1) ||
	    (j->s[i] != ',' && j->s[i] != '}' && j->s[i] != ']'))
		return 0;
	j->i = i;
	*out = x;
	return 1;
}

int
json_integer(struct json *j, int64_t min, int64_t max, int64_t *out)
{
	struct str raw;
	int64_t x = 0;

	if (json_next_byte(j) >= 0 && take_small(j, &x)) {
		if (x < min || x > max) {
			while (j->i > 0 && j->s[j->i - 1] >= '0' &&
			       j->s[j->i - 1] <= '9')
				j->i--;
			return json_fail(j, "number out of range");
		}
		*out = x;
		return 0;
	}
	if (take_number(j, &raw) < 0)
		return -1;
	/* Towards the negative, which has one number more. */
	for (size_t i = *raw.s == '-'; i < raw.len; i++) {
		int digit = raw.s[i] - '0';

		if (digit < 0 || digit > 9)
			return json_fail_at(
			    j, j->i - raw.len, "expected an integer");
		if (x < (INT64_MIN + digit) / 10)
			return json_fail_at(
			    j, j->i - raw.len, "number out of range");
		x = x * 10 - digit;
	}
	if (*raw.s != '-') {
		if (x == INT64_MIN)
			return json_fail_at(
			    j, j->i - raw.len, "number out of range");
		x = -x;
	}
	if (x < min || x > max)
		return json_fail_at(j, j->i - raw.len, "number out of range");
	*out = x;
	return 0;
}

/* A string decoded: in place, or in b where there are escapes. */
static int
take_decoded(struct json *j, struct buf *b, struct str *out)
{
	int escapes;

	if (json_take_string(j, out, &escapes) < 0)
		return -1;
	if (!escapes)
		return 0;
	b->len = 0;
	if (json_decode(b, out->s, out->len, &j->lone) < 0)
		return json_memory(j);
	*out = (struct str){ b->data, b->len };
	return 0;
}

int
json_str(struct json *j, struct str *out)
{
	if (json_next_byte(j) != '"')
		return json_fail(j, "expected a string");
	return take_decoded(j, &j->text, out);
}

int
json_string(struct json *j, struct buf *out)
{
	struct str raw;
	int escapes;

	if (json_next_byte(j) != '"')
		return json_fail(j, "expected a string");
	if (json_take_string(j, &raw, &escapes) < 0)
		return -1;
	if (json_decode(out, raw.s, raw.len, &j->lone) < 0)
		return json_memory(j);
	return 0;
}

int
json_skip(struct json *j)
{
	struct str s;
	int b;

	switch (json_peek(j)) {
	case JSON_NULL:
		return json_null(j);
	case JSON_FALSE:
	case JSON_TRUE:
		return json_bool(j, &b);
	case JSON_NUMBER:
		return take_number(j, &s);
	case JSON_STRING:
		return json_take_string(j, &s, &b);
	case JSON_ARRAY:
		json_array(j);
		while (json_array_next(j) > 0)
			json_skip(j);
		break;
	case JSON_OBJECT:
		json_object(j);
		while (json_object_next(j, &s) > 0)
			json_skip(j);
		break;
	case JSON_BAD:
		break;
	}
	return j->why != NULL ? -1 : 0;
}

int
json_raw(struct json *j, struct str *out)
{
	size_t from;

	json_next_byte(j);
	from = j->i;
	if (json_skip(j) < 0)
		return -1;
	*out = (struct str){ j->s + from, j->i - from };
	return 0;
}

int
json_floats(struct json *j, float *out, size_t max, size_t *n)
{
	size_t k = 0, used;
	int more;

	if (json_array(j) < 0)
		return -1;
	while ((more = json_another(j, ']', "expected ',' or ']'")) > 0) {
		json_next_byte(j);
		if (k == max)
			return json_fail(j, "too many numbers");
		used = num_read_float(j->s + j->i, j->n - j->i, out + k);
		if (end_number(j, used) < 0)
			return -1;
		if (isinf(out[k]))
			return json_fail_at(
			    j, j->i - used, "number too large for a float");
		k++;
	}
	*n = k;
	return more;
}
