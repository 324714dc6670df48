#ifndef VEC_SNIFF_H
#define VEC_SNIFF_H

#include <stddef.h>

/*
 * sniff(p, n): what the first n bytes of a file look like, for people:
 * "gzip", "a pickle", "text".  A static string, or NULL when unknown.
 * It is a guess for messages and for choosing a reader, never a check.
 */
const char *sniff(const void *p, size_t n);

#endif
