#ifndef VEC_SPOOL_H
#define VEC_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "vec/batch.h"

/*
 * Records put aside, to be taken again in any order: in memory up to a limit,
 * then in a temporary file below $TMPDIR (or /tmp) that has no name and so
 * vanishes with the process.  Beyond the limit a record costs 8 bytes of
 * memory.
 *
 * Functions return 0 or -1 with a sentence.  The caller owns the struct.
 */

struct spool {
	size_t limit; /* bytes of records kept in memory */
	size_t n;     /* records put aside */
	/* The rest is spool.c's own. */
	uint64_t *at; /* [n] where record k begins */
	size_t at_cap;
	uint64_t len;    /* bytes of all records */
	uint64_t memory; /* of them in memory: the first ones */
	char **chunks;   /* [SPOOL_CHUNK] each */
	size_t nchunks, chunks_cap;
	int fd, closed;         /* the file; 1 when memory takes no more */
	uint64_t written;       /* bytes in the file */
	struct buf bytes, late; /* one record; what the file still lacks */
};

enum { SPOOL_CHUNK = 1 << 20 };

/* A record put aside: views of bytes that spool_get filled. */
struct record {
	struct str id, group;
	size_t labels;
	const char *label; /* the first; record_label steps through them */
	double target, weight;
	uint64_t source;
	uint32_t flags;
	const char *parts; /* their values, as record_parts reads them */
};

void spool_init(struct spool *s, size_t limit);
void spool_free(struct spool *s);

/* spool_put: put record i of ${b} aside; it is number s->n - 1 then. */
int spool_put(
    struct spool *s, const struct batch *b, size_t i, struct error *e);

/* spool_get: record k, whose bytes go to ${bytes} (emptied first) and must
 * stay while r is used. */
int spool_get(struct spool *s, size_t k, struct buf *bytes, struct record *r,
    struct error *e);

/* record_of: record i of a batch in the same form; its bytes go to ${bytes}. */
int record_of(const struct batch *b, size_t i, struct buf *bytes,
    struct record *r, struct error *e);

/* record_label: the label at *at, which steps to the next. */
struct str record_label(const char **at);

/* record_begin: append a record with this id, labels, target, weight, group,
 * source and flags, and no parts yet. */
int record_begin(struct batch *b, const struct record *r, struct error *e);

/* record_parts: give the last record of ${b} the parts of r, which are those
 * of the schema ${s}, as its parts first, first + 1, ... */
int record_parts(struct batch *b, size_t first, const struct record *r,
    const struct schema *s, struct error *e);

/* record_append: both, for a batch of the same parts. */
int record_append(struct batch *b, const struct record *r, struct error *e);

#endif
