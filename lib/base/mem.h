#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory in plain forms: checked arrays, a growing byte buffer, and a column
 * of strings.  Every allocation is n * size with the product checked.
 * Functions that return int give 0, or -1 when memory is out (the object is
 * then unchanged and still valid); pointers are NULL then.
 * A zeroed struct is a valid empty object.
 */

/* mem_array(n, size): n * size zeroed bytes; free() releases them. */
void *mem_array(size_t n, size_t size);

/* mem_aligned(n, size): the same, on a 64-byte boundary; free() it. */
void *mem_aligned(size_t n, size_t size);

/*
 * mem_grow(p, cap, need, size): make the array *p hold at least ${need}
 * elements of ${size} bytes, at least doubling *cap.  New bytes are not
 * cleared.  0 or -1.
 */
int mem_grow(void *p, size_t *cap, size_t need, size_t size);

/*
 * mem_give_back(): from now on large blocks go back to the system as soon as
 * they are freed.  (glibc stops doing so once a large block has been freed,
 * and the holes that stay can cost as much again.)  Call it in main, before
 * there are threads; a no-op elsewhere.
 */
void mem_give_back(void);

/* mem_strndup(s, n): a NUL-terminated copy of n bytes; free() it. */
char *mem_strndup(const char *s, size_t n);

/* A buffer of bytes that grows.  data is NULL while cap is 0. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
};

int buf_reserve(struct buf *b, size_t more); /* room for more bytes */
int buf_put(struct buf *b, const void *p, size_t n);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b); /* and back to empty */

/*
 * A column of strings, kept end to end: string i is end[i - 1] .. end[i] of
 * bytes (from 0 for the first).  Strings are length-counted and may hold NUL.
 */
struct strs {
	struct buf bytes;
	size_t *end; /* [n] */
	size_t n, cap;
};

struct str {
	const char *s; /* not NUL-terminated */
	size_t len;
};

int strs_add(struct strs *c, const char *s, size_t len);
void strs_clear(struct strs *c);         /* keeps the memory */
void strs_cut(struct strs *c, size_t n); /* keep the first n strings */
void strs_free(struct strs *c);

static inline struct str
strs_get(const struct strs *c, size_t i)
{
	size_t from = i > 0 ? c->end[i - 1] : 0;

	return (struct str){ c->bytes.data + from, c->end[i] - from };
}

/* str_eq(a, b): equal length and bytes.  str_cmp: by bytes, as memcmp. */
int str_eq(struct str a, struct str b);
int str_cmp(struct str a, struct str b);

#endif
