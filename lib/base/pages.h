#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/*
 * Memory by whole pages, for arrays of many megabytes: zeroed by the system
 * when first touched, in large pages where it has them, and gone when freed.
 */

/* pages_new(bytes): on a boundary of at least 64 bytes; NULL when memory is
 * out.  pages_free: the same number of bytes; NULL is fine. */
void *pages_new(size_t bytes);
void pages_free(void *p, size_t bytes);

/* pages_forget(p, bytes): these bytes of a read-only mapping are not needed
 * now; the system may take their pages back and reads them again if they are
 * used after all. */
void pages_forget(const void *p, size_t bytes);

#endif
