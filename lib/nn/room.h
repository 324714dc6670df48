#ifndef NN_ROOM_H
#define NN_ROOM_H

#include <stddef.h>

#include "base/error.h"

/*
 * room_grow(p, cap, n, size, e): make *p, a pointer to memory that is 64-byte
 * aligned and released by free(), hold at least n elements of ${size} bytes;
 * what it held is lost.  *cap counts elements.  0, or -1 with *p NULL and *cap
 * 0 when memory is out.
 */
int room_grow(void *p, size_t *cap, size_t n, size_t size, struct error *e);

#endif
