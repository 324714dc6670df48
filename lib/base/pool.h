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

/*
 * pool_run_together: the same for items that are much work each.  A thread for
 * which there is none left helps with those that are not done yet, where they
 * ask for it:
 *
 * pool_share(p, n, part, arg), from within fn: call part(arg, i) once for every
 * i in [0, n), here and in such threads; returns when all are done.  n is at
 * most POOL_PARTS.  A NULL pool, or one that is not running items together,
 * does them here, in order.
 *
 * pool_spare(p): how many such threads there are at this moment, to cut work
 * into as many parts and one.  They wait busily, since waking one up takes as
 * long as a small matrix product, and are fewer than there are processors.
 * pool_idle(p): how many threads have no item, whether they know it yet or not.
 */
enum { POOL_PARTS = 65535 };

void pool_run_together(struct pool *p, size_t n,
    void (*fn)(void *arg, size_t i, int worker), void *arg);
void pool_share(
    struct pool *p, size_t n, void (*part)(void *arg, size_t i), void *arg);
int pool_spare(struct pool *p);
int pool_idle(struct pool *p);

#endif
