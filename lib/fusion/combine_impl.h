#ifndef FUSION_COMBINE_IMPL_H
#define FUSION_COMBINE_IMPL_H

#include "base/error.h"
#include "base/mem.h"
#include "fusion/combine.h"

/*
 * What the files of combine share: combine.c makes, fits and binds,
 * combine_apply.c opens and applies, combine_config.c is text and files.
 *
 * The model's configuration is
 *
 *	{"kind":"fuse","version":1,"to":"concat","norm":"z","missing":"mean",
 *	 "parts":[{"name":"text","kind":"dense","dim":1024,"weight":2,
 *	 "space":{...}},...]}
 *
 * and its tensors, where there are statistics, "K.mean" and "K.scale", f64
 * [dim], of part number K.  The result's space holds the same under "fuse",
 * without the kind but with the hash of that file when it has statistics.
 */

/* combine_space: append the result's space and a NUL.  0, or -1 when memory
 * is out. */
int combine_space(const struct combine *c, struct buf *out);

/* combine_close: free what combine_open made. */
void combine_close(struct combine *c);

/* combine_write: the file, and its hash to c->model.  combine_read: the
 * reverse, into a zeroed struct. */
int combine_write(struct combine *c, const char *path, struct error *e);
int combine_read(struct combine *c, const char *path, struct error *e);

#endif
