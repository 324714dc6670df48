#ifndef FUSION_IMPUTE_H
#define FUSION_IMPUTE_H

#include "base/pool.h"
#include "learn/dataset.h"
#include "learn/inputs.h"
#include "linalg/linalg.h"
#include "vec/model.h"

/*
 * A guess of a missing part from those that are there, for models that are
 * asked to make it (train --impute); predictions then say that they did.
 *
 *	mean    the part's mean over the training records: zero, once scaled
 *	ridge   a linear map from the scaled values of the other parts to those
 *	        of this one (zeros where they are missing, too), learnt by
 *	        ridge regression (learn/ridge.h) on training records that have
 *	        it and one of the others.  A record that has none of them gets
 *	        the mean
 *
 * Only dense parts are guessed, from dense parts and the means of sequences.
 * Sparse parts are not read: a map from every word to every column would be
 * larger than all the rest of a model.  Where there are more than
 * RIDGE_MAX_SIDE both of records and of columns, every k-th record is learnt
 * from.
 *
 * Functions return 0 or -1 (NULL) with a sentence.
 */

enum impute_kind { IMPUTE_NONE, IMPUTE_MEAN, IMPUTE_RIDGE };

struct impute; /* opaque */

/* impute_kind_name: "none", ...  impute_kind_of: the kind of that name, or
 * -1. */
const char *impute_kind_name(enum impute_kind kind);
int impute_kind_of(struct str name);

struct impute *impute_learn(enum impute_kind kind, const struct linalg *la,
    struct pool *pool, const struct dataset *ds, const struct scaling *s,
    const struct rows *rows, struct error *e);
void impute_free(struct impute *m);                   /* NULL is fine */
enum impute_kind impute_kind(const struct impute *m); /* of NULL: none */

/* impute_fill: guess the missing dense parts of every record that has any
 * part, in place; in->has gets their bits.  filled: [n] gets those bits alone,
 * or NULL.  A guess depends on its record alone, and on what came, not on
 * other guesses.  A NULL impute guesses nothing. */
int impute_fill(const struct impute *m, const struct linalg *la,
    struct inputs *in, uint64_t *filled, struct error *e);

/* As in net.h: tensors of a file, named ${prefix} and what they are: of each
 * dense part, by its number, K.weight f32 [columns read, D] and K.bias f32
 * [D].  A loaded one points into the file. */
size_t impute_tensor_count(const struct impute *m);
int impute_tensors(const struct impute *m, const char *prefix, struct tensor *t,
    struct error *e);
struct impute *impute_load(enum impute_kind kind, const struct scaling *s,
    const struct model *m, const char *prefix, struct error *e);

#endif
