/* For sched_getaffinity, which knows what this process may use. */
#define _GNU_SOURCE
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/*
 * Workers wait for ${round} to change.  A round hands out the numbers
 * [0, n) by a counter and is over when every worker has come back: ${busy} is
 * 0.  Who takes which number is chance; what comes out is not (pool.h).
 */
struct pool {
	int threads; /* with the caller's */
	int started; /* of the others */
	pthread_t id[POOL_MAX];
	pthread_mutex_t lock;
	pthread_cond_t go, done;
	unsigned long round;
	int busy, quit;

	void (*fn)(void *, size_t, int);
	void *arg;
	size_t n, step;
	atomic_size_t next;

	/*
	 * A round together: who has no item left waits for ${left} items to be
	 * done, and for parts.  ${parts} says which are there to be taken, of
	 * whose work: a number that counts up, how many there are, and the
	 * next one (see take).
	 */
	int together;
	int processors;
	atomic_size_t left;
	atomic_int spare;
	atomic_flag shared; /* somebody's work is there */
	atomic_uint_least64_t parts;
	atomic_size_t parts_done;
	void (*part)(void *, size_t);
	void *part_arg;
};

struct seat { /* what a new thread is told */
	struct pool *pool;
	int worker;
};

/* ---- parts of an item ---- */

/* Wait a moment, at first without letting go of the processor. */
static void
rest(unsigned *rests)
{
	enum { PATIENCE = 2000 };

	if (++*rests > PATIENCE)
		sched_yield();
#if defined(__x86_64__)
	else
		__builtin_ia32_pause();
#endif
}

/* One part, if there is any.  Work is over when all of its parts are done: who
 * has taken one knows that it is still there. */
static int
take(struct pool *p)
{
	uint64_t state = atomic_load(&p->parts);

	while ((state & POOL_PARTS) < (state >> 16 & POOL_PARTS))
		if (atomic_compare_exchange_weak(
			&p->parts, &state, state + 1)) {
			p->part(p->part_arg, (size_t)(state & POOL_PARTS));
			atomic_fetch_add(&p->parts_done, 1);
			return 1;
		}
	return 0;
}

/* Help until all items are done. */
static void
help(struct pool *p)
{
	unsigned rests = 0;

	if (atomic_fetch_add(&p->spare, 1) + 1 < p->processors)
		while (atomic_load(&p->left) > 0) {
			if (take(p))
				rests = 0;
			else
				rest(&rests);
		}
	atomic_fetch_sub(&p->spare, 1);
}

void
pool_share(
    struct pool *p, size_t n, void (*part)(void *arg, size_t i), void *arg)
{
	unsigned rests = 0;
	uint64_t count;

	if (n < 2 || pool_spare(p) == 0 ||
	    atomic_flag_test_and_set(&p->shared)) {
		for (size_t i = 0; i < n; i++)
			part(arg, i);
		return;
	}
	p->part = part;
	p->part_arg = arg;
	atomic_store(&p->parts_done, 0);
	count = (atomic_load(&p->parts) >> 32) + 1;
	atomic_store(&p->parts, count << 32 | (uint64_t)n << 16);
	while (take(p))
		;
	while (atomic_load(&p->parts_done) < n)
		rest(&rests);
	atomic_flag_clear(&p->shared);
}

int
pool_spare(struct pool *p)
{
	return p != NULL ? atomic_load(&p->spare) : 0;
}

int
pool_idle(struct pool *p)
{
	size_t left = p != NULL ? atomic_load(&p->left) : 0;
	int most;

	if (left == 0 || left >= (size_t)p->threads)
		return 0;
	most = p->threads - (int)left;
	return most < p->processors ? most : p->processors - 1;
}

/* ---- rounds ---- */

static void
work(struct pool *p, int worker)
{
	size_t i;

	while ((i = atomic_fetch_add(&p->next, p->step)) < p->n) {
		size_t end = p->n - i > p->step ? i + p->step : p->n;
		size_t n = end - i;

		for (; i < end; i++)
			p->fn(p->arg, i, worker);
		if (p->together)
			atomic_fetch_sub(&p->left, n);
	}
	if (p->together)
		help(p);
}

static void *
worker_main(void *arg)
{
	struct seat seat = *(struct seat *)arg;
	struct pool *p = seat.pool;
	unsigned long seen = 0;

	free(arg);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->round == seen && !p->quit)
			pthread_cond_wait(&p->go, &p->lock);
		if (p->quit)
			break;
		seen = p->round;
		pthread_mutex_unlock(&p->lock);
		work(p, seat.worker);
		pthread_mutex_lock(&p->lock);
		if (--p->busy == 0)
			pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int
processors(void)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return n > POOL_MAX ? POOL_MAX : n;
}

/* Start one more worker.  It blocks every signal, so that handlers run in the
 * first thread only (io_signals counts on it). */
static int
start(struct pool *p)
{
	struct seat *seat = mem_array(1, sizeof(*seat));
	sigset_t all, old;
	int rc;

	if (seat == NULL)
		return -1;
	*seat = (struct seat){ p, p->started + 1 };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&p->id[p->started], NULL, worker_main, seat);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		free(seat);
		return -1;
	}
	p->started++;
	return 0;
}

struct pool *
pool_new(int threads, struct error *e)
{
	struct pool *p = mem_array(1, sizeof(*p));

	if (p == NULL) {
		error_memory(e);
		return NULL;
	}
	p->processors = processors();
	p->threads = threads > 0 ? threads : p->processors;
	if (p->threads > POOL_MAX)
		p->threads = POOL_MAX;
	atomic_flag_clear(&p->shared);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->go, NULL);
	pthread_cond_init(&p->done, NULL);
	while (p->started < p->threads - 1 && start(p) == 0)
		;
	p->threads = p->started + 1;
	return p;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = 1;
	pthread_cond_broadcast(&p->go);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->started; i++)
		pthread_join(p->id[i], NULL);
	pthread_cond_destroy(&p->go);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int
pool_threads(const struct pool *p)
{
	return p != NULL ? p->threads : 1;
}

static void
run(struct pool *p, size_t n, void (*fn)(void *arg, size_t i, int worker),
    void *arg, int together)
{
	if (p == NULL || p->started == 0 || n < (together ? 1 : 2)) {
		for (size_t i = 0; i < n; i++)
			fn(arg, i, 0);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->together = together;
	atomic_store(&p->left, together ? n : 0);
	p->fn = fn;
	p->arg = arg;
	p->n = n;
	/* Small steps keep the last worker from being waited for; a step
	 * costs one atomic addition. */
	p->step = n / ((size_t)p->threads * 16);
	if (p->step == 0)
		p->step = 1;
	atomic_store(&p->next, 0);
	p->busy = p->started;
	p->round++;
	pthread_cond_broadcast(&p->go);
	pthread_mutex_unlock(&p->lock);
	work(p, 0);
	pthread_mutex_lock(&p->lock);
	while (p->busy > 0)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void
pool_run(struct pool *p, size_t n, void (*fn)(void *arg, size_t i, int worker),
    void *arg)
{
	run(p, n, fn, arg, 0);
}

void
pool_run_together(struct pool *p, size_t n,
    void (*fn)(void *arg, size_t i, int worker), void *arg)
{
	run(p, n, fn, arg, 1);
}
