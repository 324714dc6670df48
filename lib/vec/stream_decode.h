#ifndef VEC_STREAM_DECODE_H
#define VEC_STREAM_DECODE_H

#include "vec/stream.h"

/*
 * The payload of a block into records: what stream_read.c and
 * stream_recover.c share.  The payload is in s->in, its checksum was right;
 * its contents are not trusted any further.  After -1 *e says what is wrong
 * with the block.
 */

/* stream_decode: append the n records of a block to ${b}, which is as it was
 * after a failure. */
int stream_decode(
    struct stream_reader *s, struct batch *b, size_t n, struct error *e);

/* stream_decode_more: append a later piece of the record that is last in the
 * batch, which is spoilt after a failure; *rows grows by what it brings. */
int stream_decode_more(
    struct stream_reader *s, struct batch *b, uint64_t *rows, struct error *e);

/* stream_slots: how many columns a block can have. */
static inline size_t
stream_slots(const struct schema *s)
{
	return COLUMN_MASK + (STREAM_COLUMNS - COLUMN_MASK) * s->n;
}

static inline int
stream_all_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return 0;
	return 1;
}

#endif
