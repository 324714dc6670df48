#ifndef FUSION_ABOUT_H
#define FUSION_ABOUT_H

#include "fusion/predictor.h"

/* predictor_about: append what a model is, reads and says, for people: some
 * lines, each indented by two spaces.  All names are quoted as in JSON.  0, or
 * -1 when memory is out. */
int predictor_about(struct buf *out, const struct predictor *p);

#endif
