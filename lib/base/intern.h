#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * A set of distinct strings, numbered 0, 1, ... in the order they came: ids
 * to rows, labels to classes.  Strings are length-counted.  A zeroed struct
 * is a valid empty set; the set owns copies of its strings.
 */

struct intern {
	struct strs names; /* string i has number i */
	uint64_t *hash;    /* [names.n] */
	uint32_t *slot;    /* [slots] number + 1, 0 where empty */
	size_t slots;      /* a power of two, or 0 */
	size_t cap;        /* of hash */
};

/* intern_add: the number of the string, which joins the set if it is new.
 * Returns 1 when it was new, 0 when it was there, -1 when memory is out. */
int intern_add(struct intern *t, const char *s, size_t len, uint32_t *number);

/* intern_find: the number of the string, or -1. */
int64_t intern_find(const struct intern *t, const char *s, size_t len);

/* intern_get: string i; valid until the next intern_add. */
static inline struct str
intern_get(const struct intern *t, size_t i)
{
	return strs_get(&t->names, i);
}

/*
 * intern_sort: renumber by the bytes of the strings.  order: [names.n] gets
 * the new number of each old one; it may be NULL.  0 or -1.
 */
int intern_sort(struct intern *t, uint32_t *order);

void intern_free(struct intern *t);

#endif
