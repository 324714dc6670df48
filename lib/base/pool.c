/* For sched_getaffinity, which knows what this process may use. */
#define _GNU_SOURCE
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
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
};

struct seat { /* what a new thread is told */
	struct pool *pool;
	int worker;
};

static void
work(struct pool *p, int worker)
{
	size_t i;

	while ((i = atomic_fetch_add(&p->next, p->step)) < p->n) {
		size_t end = p->n - i > p->step ? i + p->step : p->n;

		for (; i < end; i++)
			p->fn(p->arg, i, worker);
	}
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
	p->threads = threads > 0 ? threads : processors();
	if (p->threads > POOL_MAX)
		p->threads = POOL_MAX;
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

void
pool_run(struct pool *p, size_t n, void (*fn)(void *arg, size_t i, int worker),
    void *arg)
{
	if (p == NULL || p->started == 0 || n < 2) {
		for (size_t i = 0; i < n; i++)
			fn(arg, i, 0);
		return;
	}
	pthread_mutex_lock(&p->lock);
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
