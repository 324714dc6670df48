#ifndef FUSION_IMPUTE_H
#define FUSION_IMPUTE_H

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
 *	        ridge regression on training records that have it; the penalty
 *	        is chosen by generalised cross-validation (Golub, Heath and
 *	        Wahba 1979)
 *
 * Only dense parts are guessed.  Functions return 0 or -1 (NULL) with a
 * sentence.
 */

enum impute_kind { IMPUTE_NONE, IMPUTE_MEAN, IMPUTE_RIDGE };

struct impute; /* opaque */

struct impute *impute_learn(enum impute_kind kind, const struct linalg *la,
                            struct pool *pool, const struct dataset *ds,
                            const struct scaling *s, const struct rows *rows,
                            struct error *e);
void impute_free(struct impute *m); /* NULL is fine */
enum impute_kind impute_kind(const struct impute *m);

/* impute_fill: guess the missing dense parts of every record that has any
 * part, in place; in->has gets their bits.  filled: [n] gets them too, or
 * NULL. */
int impute_fill(const struct impute *m, const struct linalg *la,
                struct inputs *in, uint64_t *filled, struct error *e);

/* As in net.h: tensors of a file, named ${prefix} and what they are. */
size_t impute_tensor_count(const struct impute *m);
int impute_tensors(const struct impute *m, const char *prefix, struct tensor *t,
                   struct error *e);
struct impute *impute_load(enum impute_kind kind, const struct scaling *s,
                           const struct model *m, const char *prefix,
                           struct error *e);

#endif
