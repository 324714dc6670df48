#ifndef FUSION_REPRESENT_H
#define FUSION_REPRESENT_H

#include "fusion/predictor.h"

/*
 * Records as a trained model sees them: its joint representation
 * (predictor_vector) as one dense part, to be searched, plotted, or used by
 * other programs.  The part's space says which model made it.
 *
 * Functions return 0 or -1 (NULL) with a sentence.
 */

struct represent; /* opaque */

/* represent_is: 1 when the file is a model of train, 0 when it is another,
 * -1 when it is none or cannot be read. */
int represent_is(const char *path, struct error *e);

/* represent_open: of records with this schema, into a part of that name. */
struct represent *represent_open(const char *path, const struct schema *in,
    const char *name, struct error *e);
void represent_free(struct represent *r); /* NULL is fine */

/* represent_schema: of what represent_apply makes. */
const struct schema *represent_schema(const struct represent *r);

/*
 * represent_apply: append every record of ${in} to ${out}.  One without any
 * part that the vector is made from is without the new one, and one that cannot
 * be predicted carries the error.  Where the model guessed a part, FLAG_IMPUTED
 * is set.
 */
int represent_apply(struct represent *r, const struct batch *in,
    struct batch *out, struct error *e);

#endif
