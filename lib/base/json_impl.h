#ifndef BASE_JSON_IMPL_H
#define BASE_JSON_IMPL_H

/*
 * What the files of the JSON reader share.  json.c knows the grammar: space,
 * strings, what is open, keys; json_value.c reads values.
 */
#include "base/json.h"

/* The reason that json_error tells apart. */
#define JSON_NO_MEMORY "out of memory"

/* json_fail: note why, unless something is noted already; the place is the
 * next byte, or byte ${where}.  All return -1. */
int json_fail(struct json *j, const char *why);
int json_fail_at(struct json *j, size_t where, const char *why);

/* json_next_byte: skip space; the byte that comes next, or -1 at the end or
 * after an error. */
int json_next_byte(struct json *j);

/* json_take_string: the string that comes next, known to begin with a quote:
 * *raw is its text between the quotes; *escapes says whether it has to be
 * decoded.  json_decode: do that, behind what is in b. */
int json_take_string(struct json *j, struct str *raw, int *escapes);
int json_decode(struct buf *b, const char *s, size_t n, size_t *lone);

/* json_another: whether another element comes (1), or the end, which is taken
 * (0).  ${why} is said where neither does. */
int json_another(struct json *j, int close, const char *why);

#endif
