#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * A strict pull reader for JSON text in memory (RFC 8259), one line or a
 * whole document, and the few functions that write it.  No tree is built:
 * the caller walks the text in order and takes or skips each value.
 *
 *	json_init(&j, line, len);
 *	json_object(&j);
 *	while (json_object_next(&j, &key) > 0)
 *		if (str_is(key, "id"))
 *			json_str(&j, &id);
 *		else
 *			json_skip(&j);
 *	if (json_end(&j) < 0)
 *		return json_error(&j, e);
 *
 * Refused: anything outside the grammar (NaN, 01, 1., +1, comments, trailing
 * commas or text), numbers of more than 1,024 bytes, nesting deeper than
 * JSON_DEPTH, and two equal keys in one object.  Kept: \u0000 as the byte 0,
 * numbers as written (take them raw where they may exceed 2^53).  A lone
 * surrogate escape becomes U+FFFD and is counted in j->lone.  Bytes of
 * strings are handed on as they are: whoever needs valid UTF-8 asks
 * utf8_valid or utf8_clean.  A byte order mark is the caller's to strip.
 *
 * Errors: functions return -1 and the first reason sticks; every later call
 * fails too, so a caller may check once, at json_end.  json_error puts the
 * sentence, with line and column, into a struct error.
 * Ownership: the text is the caller's and must stay while slices of it are
 * used.  A slice from json_str lives until the next json_str, a key until the
 * next key is read, also within a value that is skipped.  json_init may be
 *called again and again on one struct (zeroed before the first time) and keeps
 *its memory; json_free ends.
 */

enum { JSON_DEPTH = 64, JSON_NUMBER_MAX = 1024, JSON_PATHS_MAX = 64 };

enum json_type {
	JSON_BAD = -1,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json_seen; /* a key of an object, see json.c */

struct json {
	const char *s;   /* the text: [n] */
	size_t n, i;     /* next byte to read */
	size_t lone;     /* lone surrogates so far */
	const char *why; /* what is wrong, NULL while all is well */
	size_t where;    /* and at which byte */
	int depth;
	struct {
		uint64_t serial; /* of an object; 0 for an array */
		int some;        /* it has an element already */
	} open[JSON_DEPTH];
	uint64_t serial, first; /* objects so far; at json_init */
	struct json_seen *seen; /* [seen_cap], a power of two */
	size_t seen_n, seen_cap;
	struct buf key, text; /* decoded strings */
};

void json_init(struct json *j, const char *s, size_t n);
void json_free(struct json *j);

/* json_peek: the type of the value that comes next; nothing is consumed. */
enum json_type json_peek(struct json *j);

/* json_object, json_array: step into the value.  0 or -1. */
int json_object(struct json *j);
int json_array(struct json *j);

/* json_object_once: an object whose keys the caller compares himself, because
 * he enters them into a table anyway (a vocabulary of 250,000 tokens). */
int json_object_once(struct json *j);

/* json_object_next: 1 and the decoded key (its value comes next), 0 at the
 * end of the object (which is left), -1.  Every value must be consumed. */
int json_object_next(struct json *j, struct str *key);

/* json_array_next: 1 when an element comes next, 0 at the end, -1. */
int json_array_next(struct json *j);

/* Take one value of that type; any other type is an error.  0 or -1. */
int json_null(struct json *j);
int json_bool(struct json *j, int *out);
int json_double(struct json *j, double *out);     /* finite, or an error */
int json_float(struct json *j, float *out);       /* finite, or an error */
int json_str(struct json *j, struct str *out);    /* decoded, often in place */
int json_string(struct json *j, struct buf *out); /* decoded, appended */

/* json_integer: a number without fraction or exponent, within [min, max]. */
int json_integer(struct json *j, int64_t min, int64_t max, int64_t *out);

/* json_raw: any value, checked, as the slice of text that holds it.
 * json_skip: the same, thrown away. */
int json_raw(struct json *j, struct str *out);
int json_skip(struct json *j);

/*
 * json_floats(j, out, max, n): an array of numbers, read as floats into
 * out: [max]; *n gets their count.  More than max, anything but numbers, or a
 * number beyond the range of a float is an error.  The fast path for vectors.
 */
int json_floats(struct json *j, float *out, size_t max, size_t *n);

/* json_end: the document is over and only space follows.  0 or -1. */
int json_end(struct json *j);

/* json_refuse: the caller's own complaint about the value read last; ${why}
 * is a static sentence.  -1. */
int json_refuse(struct json *j, const char *why);

/* json_memory: the caller's memory is out.  -1.  json_starved: 1 after that,
 * and where json.c itself had none; json_error is error_memory then. */
int json_memory(struct json *j);
int json_starved(const struct json *j);

/* json_error: "line 3, column 17: ..." (from 1, columns in bytes); without the
 * line where the text is only one.  Returns -1. */
int json_error(const struct json *j, struct error *e);

/*
 * json_find_paths(j, path, n, raw): read the object that comes next and find
 * n fields by path, where "text.Title" is the key of that name or else the
 * key Title of the object under text (the shallowest match wins).
 * raw: [n] gets slices of the text, NULL where there is no such field; n at
 * most JSON_PATHS_MAX.  Uses the memory of json_str.
 * json_find_path: the same for one path in the text s: [n]; 1 found, 0 not
 * there, -1 with the reason in *e.
 */
int json_find_paths(
    struct json *j, const struct str *path, size_t n, struct str *raw);
int json_find_path(const char *s, size_t n, const char *path, struct str *raw,
    struct error *e);

/*
 * Writers append to a buffer and return 0, or -1 when memory is out.
 * json_put_string: quoted and escaped; ill-formed UTF-8 becomes U+FFFD, so
 * the output is always valid JSON.
 * json_put_float, json_put_double: shortest that reads back; NaN and infinity
 * write nothing and return -1.  json_put_known: null for them.
 */
int json_put_string(struct buf *b, const char *s, size_t n);
int json_put_float(struct buf *b, float x);
int json_put_double(struct buf *b, double x);
int json_put_known(struct buf *b, double x);

/*
 * json_canonical(out, s, n, e): append the one spelling of the document
 * s: [n]: no spaces, keys sorted by their decoded bytes, strings as
 * json_put_string writes them, integers as written, other numbers as
 * json_put_double prints them.  Ill-formed UTF-8 is refused.  0 or -1.
 */
int json_canonical(struct buf *out, const char *s, size_t n, struct error *e);

/* str_is(a, z): a is the NUL-terminated string z. */
int str_is(struct str a, const char *z);

#endif
