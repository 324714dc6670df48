#ifndef TEXT_TALLY_H
#define TEXT_TALLY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Hashed features of one text: how often each occurs, and then the sum of
 * weight * (1 + ln count), with its sign, for each place of a vector.
 *
 * A feature is the upper 40 bits of a hash: the upper 32 choose its place,
 * the lowest of the 40 its sign.  Counters stand in an open-addressed table
 * of words of 64 bits,
 *
 *	| feature 40 | kind 3 | count 21 |	0: free
 *
 * whose used slots are listed, so that clearing costs what was used.  Sums
 * are whole numbers, in units of 2^-20, and exact in double: they do not
 * depend on the order.
 *
 *	tally_start(t, bytes);
 *	tally_add(t, f, n);			any number of times
 *	if (tally_end(t) < 0)			memory was out, now or before
 *	use t->sum[0 .. dim), or t->index, t->sum[0 .. n)
 *
 * Time is linear in the features; memory is bounded by TALLY_DISTINCT, at
 * which the counters are added to the sums and begin again, and by dim.
 */

enum {
	TALLY_KINDS = 8,
	TALLY_DISTINCT = 1 << 20,
	TALLY_COUNT_BITS = 21,
	TALLY_FEATURE_SHIFT = 24,
	TALLY_KNOWN = 64 /* counts whose value is in a table */
};

struct tally {
	uint32_t dim;
	int sparse;
	double *sum;     /* dense: [dim]; sparse: [n] */
	uint32_t *index; /* sparse: [n], increasing */
	float *value;    /* sparse: room for n, the caller's to use */
	size_t n, cap;   /* cap: of index, sum and value */
	size_t features; /* different ones, of each piece */
	/* The rest is tally.c's own. */
	uint64_t *slot; /* [slot_cap], of which mask + 1 are in use */
	uint32_t *list; /* [used] slots that are not free */
	size_t slot_cap, mask, used, limit;
	uint64_t *pair, *spare; /* place << 32 | value, to sort */
	size_t pair_cap, spare_cap;
	uint32_t *old_index; /* what a piece is merged with */
	double *old_sum;
	size_t old_cap;
	double weight[TALLY_KINDS];
	double known[TALLY_KINDS][TALLY_KNOWN];
	int failed;
};

/* tally_init: ${weight}: [kinds], positive, at most 64.  0 or -1 (memory);
 * tally_free releases in either case. */
int tally_init(struct tally *t, uint32_t dim, int sparse, const double *weight,
    size_t kinds);
void tally_free(struct tally *t);

/* tally_start: forget the last text; about so many features will come. */
void tally_start(struct tally *t, size_t features);
int tally_end(struct tally *t);

/* tally_feature: a feature of some kind < TALLY_KINDS, from its hash. */
static inline uint64_t
tally_feature(uint64_t hash, unsigned kind)
{
	return hash >> TALLY_FEATURE_SHIFT << TALLY_FEATURE_SHIFT |
	       (uint64_t)kind << TALLY_COUNT_BITS | 1;
}

/* tally_add: count the features f: [n], each once more; one to whose word
 * c < 2^21 - 1 was added, c times more than that. */
void tally_add(struct tally *t, const uint64_t *f, size_t n);

#endif
