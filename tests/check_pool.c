#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pool.h"
#include "unit.h"

struct job {
	unsigned *count; /* [n] how often each item was done */
	int threads;
	atomic_int bad, crowd[POOL_MAX];
};

static void
item(void *arg, size_t i, int worker)
{
	struct job *job = arg;

	/* Two items of one worker at a time would share its scratch. */
	if (worker < 0 || worker >= job->threads ||
	    atomic_fetch_add(&job->crowd[worker], 1) != 0)
		atomic_fetch_add(&job->bad, 1);
	job->count[i]++;
	if (worker >= 0 && worker < job->threads)
		atomic_fetch_sub(&job->crowd[worker], 1);
}

START_TEST(every_item_once)
{
	static const int threads[] = { 1, 2, 3, 8, 33 };
	static const size_t counts[] = { 0, 1, 2, 7, 100, 4096, 100003 };
	struct error e;
	struct pool *p = pool_new(threads[_i], &e);

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(pool_threads(p), threads[_i]);
	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		struct job job = { .threads = threads[_i] };

		job.count = mem_array(counts[k], sizeof(*job.count));
		pool_run(p, counts[k], item, &job);
		ck_assert_int_eq(job.bad, 0);
		for (size_t i = 0; i < counts[k]; i++)
			ck_assert_uint_eq(job.count[i], 1);
		free(job.count);
	}
	pool_free(p);
}
END_TEST

START_TEST(many_small_rounds)
{
	unsigned count[3] = { 0 };
	struct job job = { .count = count, .threads = 4 };
	struct pool *p = pool_new(4, NULL);

	for (int i = 0; i < 2000; i++)
		pool_run(p, 3, item, &job);
	ck_assert_int_eq(job.bad, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(count[i], 2000);
	pool_free(p);
}
END_TEST

static void
in_order(void *arg, size_t i, int worker)
{
	size_t *next = arg;

	ck_assert_int_eq(worker, 0);
	ck_assert_uint_eq(i, *next);
	++*next;
}

START_TEST(no_pool_runs_here)
{
	size_t next = 0;

	pool_run(NULL, 10, in_order, &next);
	ck_assert_uint_eq(next, 10);
	ck_assert_int_eq(pool_threads(NULL), 1);
	pool_free(NULL);
}
END_TEST

START_TEST(zero_means_all_processors)
{
	struct pool *p = pool_new(0, NULL);

	ck_assert_int_ge(pool_threads(p), 1);
	ck_assert_int_le(pool_threads(p), POOL_MAX);
	pool_free(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, every_item_once, 0, 5);
	tcase_add_test(t, many_small_rounds);
	tcase_add_test(t, no_pool_runs_here);
	tcase_add_test(t, zero_means_all_processors);
	suite_add_tcase(s, t);
	return unit_main(s);
}
