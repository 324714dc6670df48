#ifndef FUSION_PREDICTOR_FILE_H
#define FUSION_PREDICTOR_FILE_H

#include "fusion/predictor.h"

/* What the writer and the reader of a predictor's file have in common. */

/* The version that is written, and the first that is still read. */
enum { PREDICTOR_VERSION = 3, PREDICTOR_OLDEST = 2 };

/* Words of the configuration, in the order of their enums, then NULL. */
extern const char *const predictor_task[];
extern const char *const predictor_kind[];
extern const char *const predictor_member[];

/* predictor_name: a tensor's name, to be freed; NULL when memory is out. */
char *predictor_name(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* predictor_take: what p->model, an open file, holds, into ${p}, which is zero
 * but for it.  To be freed whatever it returns. */
int predictor_take(struct predictor *p, struct error *e);

/* predictor_tensors: the arrays of a file whose configuration has been read;
 * net: [members], of those that are nets. */
int predictor_tensors(struct predictor *p, const struct net_shape *net,
    enum impute_kind impute, struct error *e);

#endif
