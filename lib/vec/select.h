#ifndef VEC_SELECT_H
#define VEC_SELECT_H

#include <stddef.h>

#include "base/error.h"
#include "vec/batch.h"

/*
 * Some parts of a stream's records, in another order and under other names,
 * without copying values: a view of a batch that shares its columns.
 *
 * Functions return 0 or -1 with a sentence.  The caller owns the struct and
 * ends it with select_free; a zeroed one is empty.
 */

struct selection {
	struct schema schema;        /* of the view */
	size_t *from;                /* [schema.n] part of the batch */
	struct part_column *columns; /* [schema.n] of the view */
};

/* select_parts(s, in, names, n): the parts of ${in} with these names, in this
 * order; n = 0 takes all.  A name may also be several, with commas between:
 * "text,image".  "no part 'x' (there are: text, image)". */
int select_parts(struct selection *s, const struct schema *in,
    const char *const *names, size_t n, struct error *e);
void select_free(struct selection *s);

/* select_rename: give the selected part ${old} the name ${name}. */
int select_rename(
    struct selection *s, const char *old, const char *name, struct error *e);

/* select_view: the records of ${b}, whose schema is that of select_parts, with
 * the selected parts.  Borrowed from both; valid while ${b} does not change;
 * not to be freed. */
struct batch select_view(const struct selection *s, const struct batch *b);

enum { /* what batch_drop can take away */
	DROP_LABEL = 1 << 0,
	DROP_TARGET = 1 << 1,
	DROP_WEIGHT = 1 << 2,
	DROP_GROUP = 1 << 3,
	DROP_SOURCE = 1 << 4,
	DROP_FLAGS = 1 << 5
};

/* batch_drop: as if the records never had these columns. */
int batch_drop(struct batch *b, int what, struct error *e);

#endif
