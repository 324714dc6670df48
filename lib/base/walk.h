#ifndef BASE_WALK_H
#define BASE_WALK_H

#include "base/error.h"
#include "base/mem.h"

/*
 * A directory tree in one fixed order: names sorted by bytes, a folder's
 * entries where its name stands, whatever order the file system gives.
 * Symbolic links to files are followed, links to folders are not (they may
 * make a circle); FIFOs, sockets and devices are passed over.  Names that
 * begin with '.' are left out.
 */

/*
 * walk_files(dir, paths, skipped): append to ${paths} the path of every
 * regular file below ${dir}, relative to it.  A folder that cannot be read is
 * an error.  *skipped counts what was passed over.  0 or -1.
 */
int walk_files(
    const char *dir, struct strs *paths, size_t *skipped, struct error *e);

/* walk_is_dir(path): 1 when the path is a directory. */
int walk_is_dir(const char *path);

#endif
