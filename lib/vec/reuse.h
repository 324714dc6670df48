#ifndef VEC_REUSE_H
#define VEC_REUSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vec/batch.h"

/*
 * The vectors of an earlier run (--reuse OLD.vp): records whose input has the
 * same id and the same content, made by the same encoder, need not be encoded
 * again.  The old stream is held in memory.  After reuse_open it is only
 * read, so workers may ask at once.
 */

struct reuse; /* opaque */

/*
 * reuse_open(path, s): the stream must have every part of ${s}, of equal
 * space.  One that was cut short serves as far as it goes: *cut becomes 1, and
 * *e says why.  NULL with a sentence otherwise.
 */
struct reuse *reuse_open(
    const char *path, const struct schema *s, int *cut, struct error *e);
void reuse_free(struct reuse *r); /* NULL is fine */

/* reuse_find: the old record of this id and source hash, without errors; or
 * -1.  NULL finds nothing. */
int64_t reuse_find(const struct reuse *r, struct str id, uint64_t source);

/* reuse_copy: give the last record of ${b} the parts and flags of old record
 * i.  0 or -1. */
int reuse_copy(
    const struct reuse *r, int64_t i, struct batch *b, struct error *e);

#endif
