#ifndef LEARN_ROSTER_H
#define LEARN_ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/intern.h"
#include "base/mem.h"

/*
 * Who is there, and who belongs together: the ids, groups and labels of the
 * records that are to be dealt out (split.h), without their vectors.
 *
 * Functions return 0 or -1 with a sentence; the caller owns the struct and
 * frees it with roster_free.  A zeroed struct is a valid empty one.
 */

struct roster {
	struct intern id;    /* record i has number i */
	struct intern group; /* names of groups */
	struct intern label; /* of each kind of record: its labels, sorted */
	uint32_t *of_group;  /* [n] number in group, or ROSTER_NONE */
	uint32_t *of_label;  /* [n] number in label, or ROSTER_NONE */
	uint32_t *parent;    /* [n] split_find: records that stay together */
	size_t group_cap, label_cap, parent_cap;
	uint32_t *first; /* [groups] a record of each group */
	size_t first_cap;
};
#define ROSTER_NONE UINT32_MAX

/*
 * roster_add: one more record.  group: "" where it has none.  labels: [n]; a
 * record of several labels counts as one of their combination.  An id that is
 * there already is refused by name.
 */
int roster_add(struct roster *r, struct str id, struct str group,
    const struct str *labels, size_t n, struct error *e);

/* roster_join: records a and b belong together: near copies. */
void roster_join(struct roster *r, uint32_t a, uint32_t b);

/*
 * roster_names: what a record's unit is called: the name of the group, or of
 * the single record the id, that is first by bytes among those that belong
 * together; it does not depend on their order.  name: [n]; is_group: [n].
 * Cannot fail.
 */
void roster_names(struct roster *r, struct str *name, uint8_t *is_group);

/* roster_assign: deal the records out (split_assign).  to: [n] gets shares
 * from 0; *units how many units there are. */
int roster_assign(struct roster *r, uint64_t seed, const double *share,
    size_t shares, uint32_t *to, size_t *units, struct error *e);

void roster_free(struct roster *r);

#endif
