#ifndef LEARN_DIVIDE_H
#define LEARN_DIVIDE_H

#include <regex.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/pool.h"
#include "learn/near.h"
#include "learn/roster.h"
#include "vec/batch.h"
#include "vec/spool.h"

/*
 * Records to be dealt out to shares or folds: all are put aside (spool.h)
 * while it is noted who belongs together (roster.h, near.h); then each is
 * told its share (split.h) and can be taken again, in the order it came.
 *
 * Functions return 0 or -1 with a sentence; the caller owns the struct, which
 * divide_init makes and divide_free ends.
 */

enum divide_by {
	DIVIDE_GROUP,  /* the group in the stream */
	DIVIDE_ID,     /* nothing: every record on its own */
	DIVIDE_SOURCE, /* records made of equal content */
	DIVIDE_REGEX   /* what an expression finds in the id */
};

struct divide {
	struct spool aside;
	struct roster roster;
	enum divide_by by;
	regex_t regex;
	float cosine; /* 0: near copies may be parted */
	size_t part;  /* whose vectors are compared */
	struct near near;
	struct buf text, bytes;

	/* After divide_deal: */
	uint32_t *to;     /* [n] share of each record */
	size_t units;     /* groups, and records without one */
	struct str *name; /* [n] of each record's unit */
	uint8_t *is_group;
};

/* divide_init: hold up to ${memory} bytes of records in memory. */
void divide_init(struct divide *d, size_t memory);
void divide_free(struct divide *d);

/*
 * divide_group: group by "group", "id", "source" or a POSIX extended regular
 * expression, whose first parenthesis is the group; an id without a match is
 * on its own.
 */
int divide_group(struct divide *d, const char *what, struct error *e);

/* divide_near: keep together records whose vectors of part ${name} (NULL: the
 * only one) have a cosine of at least so much, > 0. */
int divide_near(struct divide *d, const struct schema *s, const char *name,
    float cosine, struct error *e);

/* divide_add: one more record. */
int divide_add(
    struct divide *d, const struct batch *b, size_t i, struct error *e);

/* divide_deal: find near copies, and give each record its share. */
int divide_deal(struct divide *d, uint64_t seed, const double *share,
    size_t shares, struct pool *pool, struct error *e);

/*
 * divide_get: record k alone into b (cleared first).  Where the grouping is
 * not the stream's own, its group is that of its unit, so that later splits
 * keep together what was kept together here.
 */
int divide_get(struct divide *d, size_t k, struct batch *b, struct error *e);

#endif
