#ifndef FUSION_JOIN_H
#define FUSION_JOIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "vec/batch.h"
#include "vec/input.h"

/*
 * Streams joined by id: the parts of all of them side by side in one record.
 *
 *	S = streams to join
 *
 * The order is that of the first stream, then the records that each next one
 * adds, in its order.  The first stream is read as it comes; of the others
 * the records are put aside (vec/spool.h), in memory up to a limit and then
 * in a temporary file, so memory is bounded by that limit and some 30 bytes
 * for each of their ids.  Labels, targets, groups and weights come from the
 * stream that has them; two that differ are an error that names both.
 *
 * Functions return 0 or -1 with a sentence.  A join owns nothing that it is
 * given: inputs are closed by the caller, after join_free.
 */

enum join_kind {
	JOIN_OUTER, /* every record */
	JOIN_INNER, /* those that all streams have */
	JOIN_LEFT   /* those of the first stream */
};

/* One stream to join. */
struct join_source {
	struct input *in;
	const char *label;  /* for messages: the operand */
	const char *rename; /* new name of its only part, or NULL */
};

struct join_options {
	enum join_kind kind;
	size_t memory; /* bytes of records held in memory */
	/* Called for every id there is, also those that are left out.
	 * had: [S] which streams have it.  May be NULL. */
	int (*seen)(
	    void *ctx, struct str id, const uint8_t *had, struct error *e);
	void *ctx;
};

/* What the join came to; complete after join_next gave 0. */
struct join_counts {
	uint64_t ids;      /* distinct */
	uint64_t in_all;   /* in every stream */
	uint64_t out;      /* records given */
	uint64_t *have;    /* [S] records of each stream */
	uint64_t *alone;   /* [S] ids that only this stream has */
	uint64_t rejected; /* by whoever wrote the streams */
	uint64_t errors;   /* records given with a part in error */
	int partial;
};

struct join; /* opaque */

/*
 * join_open: read all streams but the first and make the schema.  Refuses
 * equal part names, a rename of a stream of several parts, and equal ids in
 * one stream.  NULL with a sentence.
 */
struct join *join_open(const struct join_source *sources, size_t n,
    const struct join_options *o, struct error *e);
void join_free(struct join *j); /* NULL is fine */

/* join_schema: the parts of all streams; valid until join_free. */
const struct schema *join_schema(const struct join *j);

/* join_next: the next records into ${b} (cleared first; it has join_schema).
 * 1, 0 at the end, or -1. */
int join_next(struct join *j, struct batch *b, struct error *e);

const struct join_counts *join_counts(const struct join *j);

/* join_sentence: "590 in both, 3 only in 'a', 2 only in 'b'", with a NUL.  0,
 * or -1 when memory is out. */
int join_sentence(struct buf *out, const struct join_counts *c,
    const struct join_source *s, size_t n);

#endif
