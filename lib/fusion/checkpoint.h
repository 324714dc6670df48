#ifndef FUSION_CHECKPOINT_H
#define FUSION_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Work that need not be done again when a training was killed: results of its
 * steps by name, in one file that is always whole (a temporary file, synced
 * and renamed).  A step that finds its result takes it and goes on; since each
 * result is what the step would have come to, the model is the same, byte for
 * byte, wherever the training was stopped.
 *
 *	what      everything that decides the results: options, and a hash of
 *	          the records; a file made with another one, or by another
 *	          version of this program, is refused
 *	name      UTF-8 without control characters, not empty
 *
 * The file is a safetensors file (vec/model.h) with one U8 array for each
 * result; its configuration is {"checkpoint": version, "what": what}.  It is
 * read as hostile input: cut, damaged or foreign files are refused by name.
 * What is in a result is for its reader to check.
 *
 * Functions return 0 or -1 (NULL) with a sentence.  A NULL checkpoint is one
 * that keeps nothing, so callers need not ask.  All calls come from the thread
 * that opens and commits writers (base/io.h).
 */

struct checkpoint; /* opaque */

/* checkpoint_open: read ${path} if it is there, else make it, so that a name
 * that cannot be written is refused before there is work to lose.  what:
 * UTF-8. */
struct checkpoint *checkpoint_open(
    const char *path, const char *what, struct error *e);

/* checkpoint_get: the bytes kept under that name, or NULL; never NULL for a
 * result of no bytes.  They are aligned for any type, and valid until the next
 * call of checkpoint_put or checkpoint_drop. */
const void *checkpoint_get(
    const struct checkpoint *c, const char *name, size_t *bytes);

/*
 * checkpoint_put: keep a copy under that name, in place of an older one, and
 * write the file if it is time: half a second after the last one, a second for
 * each megabyte, twenty times what writing took.  checkpoint_drop: forget those
 * whose name begins so.
 */
int checkpoint_put(struct checkpoint *c, const char *name, const void *data,
    size_t bytes, struct error *e);
void checkpoint_drop(struct checkpoint *c, const char *prefix);

/* checkpoint_write: write the file now, if it does not say all this yet. */
int checkpoint_write(struct checkpoint *c, struct error *e);

/* checkpoint_close: remove the file when ${done}, unless another one has taken
 * its place; else leave it as it is. */
void checkpoint_close(struct checkpoint *c, int done);

#endif
