#ifndef FUSION_IDTABLE_H
#define FUSION_IDTABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Record numbers by the 64-bit hash of their id; the ids themselves are kept
 * elsewhere, or nowhere.  Numbers are 0, 1, ... in the order of id_table_add.
 * About 20 bytes a record.  A zeroed struct is a valid empty table.
 */
struct id_table {
	uint64_t *hash; /* [n] */
	uint32_t *slot; /* [slots] number + 1, 0 where empty */
	size_t n, cap, slots;
};

/* id_table_add: the next number has this hash.  0, or -1 when memory is out
 * or the numbers are. */
int id_table_add(struct id_table *t, uint64_t hash);

/* id_table_next: a number with this hash, or -1 when there is no further
 * one.  *at is 0 at the first call and then belongs to the search. */
int64_t id_table_next(const struct id_table *t, uint64_t hash, size_t *at);

void id_table_free(struct id_table *t);

#endif
