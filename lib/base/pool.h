#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/error.h"

/*
 * A fixed set of worker threads.  A job is a number of whole items; workers
 * take items by number, and what item i writes depends on i alone, so any
 * number of threads gives the same bytes.  Sums over items are kept per item
 * and added by the caller in item order.
 */

struct pool; /* opaque */

enum { POOL_MAX = 256 };

/* pool_new(threads): 1..POOL_MAX threads, the caller's among them; 0 means
 * as many as there are processors allowed to this process.  Where the system
 * gives fewer, those do.  NULL when memory is out. */
struct pool *pool_new(int threads, struct error *e);
void pool_free(struct pool *p);
int pool_threads(const struct pool *p);

/*
 * pool_run(p, n, fn, arg): call fn(arg, i, worker) once for every i in
 * [0, n), worker in [0, pool_threads) telling which scratch memory to use.
 * Returns when all are done.  A NULL pool runs them here, in order.
 */
void pool_run(struct pool *p, size_t n,
    void (*fn)(void *arg, size_t i, int worker), void *arg);

#endif
