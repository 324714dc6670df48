#ifndef LEARN_SPLIT_H
#define LEARN_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/mem.h"

/*
 * Who goes where: records to shares or folds, by hash, so that the result
 * depends on ids, groups, labels and the seed, never on the order of records.
 *
 * What is dealt out are units: all records of one group, or one record that
 * has none.  Units are taken in the order of their salted hash.  Each goes
 * where its stratum (its records' label) is filled least for the share's size
 * (the rule of Sainte-Lague for seats), so every label is divided in
 * proportion as well as whole units allow.  Labels with too few records to
 * reach every share are taken together as one stratum, and so are records
 * without a label.
 *
 * Functions return 0, or -1 when memory is out.
 */

enum { SPLIT_MAX = 1000 }; /* shares or folds */

struct split_unit {
	uint64_t hash;    /* of its name, salted: split_hash */
	uint32_t stratum; /* number of its label; SPLIT_NO_LABEL */
	uint32_t records; /* how many records it holds */
};
#define SPLIT_NO_LABEL UINT32_MAX

/* split_hash: what the order of a unit is decided by.  Names of groups and
 * ids of single records are kept apart, so an id may be a group's name. */
uint64_t split_hash(struct str name, int is_group, uint64_t seed);

/*
 * split_assign(u, n, name, strata, share, shares, to): deal out units.
 *   u: [n]   name: [n] decides between equal hashes   to: [n] gets 0 ..
 *   shares - 1   strata: one more than the largest stratum
 *   share: [shares] sizes, positive, of any sum; equal ones make folds
 */
int split_assign(const struct split_unit *u, size_t n, const struct str *name,
    size_t strata, const double *share, size_t shares, uint32_t *to);

/*
 * A forest of sets of 0 .. n - 1 that are joined: near copies.
 * split_find: the least member of the set of i.
 */
uint32_t split_find(uint32_t *parent, uint32_t i);
void split_join(uint32_t *parent, uint32_t a, uint32_t b);

#endif
