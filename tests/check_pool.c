#include <sched.h>
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

/* In rounds of both kinds. */
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
		pool_run_together(p, counts[k], item, &job);
		ck_assert_int_eq(job.bad, 0);
		for (size_t i = 0; i < counts[k]; i++)
			ck_assert_uint_eq(job.count[i], 2);
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

/* ---- parts of items ---- */

enum { ITEMS = 3, PARTS = 40 };

struct shared {
	struct pool *p;
	atomic_uint count[ITEMS][PARTS];
	atomic_int begun, alone;
};

struct part {
	struct shared *s;
	size_t item;
};

static void
count_part(void *arg, size_t i)
{
	struct part *part = arg;

	atomic_fetch_add(&part->s->count[part->item][i], 1);
}

static void
item_of_parts(void *arg, size_t i, int worker)
{
	struct part part = { arg, i };

	(void)worker;
	for (size_t n = 0; n <= PARTS; n += n < 3 ? 1 : 37)
		pool_share(part.s->p, n, count_part, &part);
}

/* Of whoever's work, whoever does it. */
START_TEST(every_part_once)
{
	static const int threads[] = { 1, 2, 4, 7 };
	enum { ROUNDS = 2000 };
	struct shared s = { .p = pool_new(threads[_i], NULL) };

	for (int r = 0; r < ROUNDS; r++)
		pool_run_together(
		    s.p, 1 + (size_t)r % ITEMS, item_of_parts, &s);
	for (size_t i = 0; i < ITEMS; i++) {
		unsigned rounds = 0;

		for (size_t r = 0; r < ROUNDS; r++)
			rounds += i <= r % ITEMS;
		for (size_t k = 0; k < PARTS; k++)
			ck_assert_uint_eq(
			    s.count[i][k], rounds * (k < 1      ? 4
							: k < 2 ? 3
							: k < 3 ? 2
								: 1));
	}
	ck_assert_int_eq(pool_spare(s.p), 0);
	ck_assert_int_eq(pool_idle(s.p), 0);
	pool_free(s.p);
}
END_TEST

/* Ends only if the other part is done at the same time. */
static void
meet(void *arg, size_t i)
{
	struct shared *s = arg;

	(void)i;
	atomic_fetch_add(&s->begun, 1);
	while (atomic_load(&s->begun) < 2)
		sched_yield();
}

static void
item_that_meets(void *arg, size_t i, int worker)
{
	struct shared *s = arg;

	(void)i;
	(void)worker;
	s->alone = pool_idle(s->p) == 0; /* one processor */
	while (!s->alone && pool_spare(s->p) == 0)
		sched_yield();
	if (!s->alone)
		pool_share(s->p, 2, meet, s);
}

START_TEST(who_has_no_item_helps)
{
	struct pool *all = pool_new(0, NULL);
	struct shared s = { .p = pool_new(2, NULL) };

	pool_run_together(s.p, 1, item_that_meets, &s);
	ck_assert_int_eq(s.alone, pool_threads(all) == 1);
	ck_assert_int_eq(s.begun, s.alone ? 0 : 2);
	pool_free(s.p);
	pool_free(all);
}
END_TEST

static void
next_part(void *arg, size_t i)
{
	in_order(arg, i, 0);
}

/* In order and here, where there is nobody to help. */
START_TEST(parts_alone)
{
	struct pool *p = pool_new(3, NULL);
	size_t next = 0;

	pool_share(NULL, 10, next_part, &next);
	ck_assert_uint_eq(next, 10);
	next = 0;
	pool_share(p, 10, next_part, &next);
	ck_assert_uint_eq(next, 10);
	ck_assert_int_eq(pool_spare(NULL), 0);
	ck_assert_int_eq(pool_idle(NULL), 0);
	pool_free(p);
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
	tcase_add_loop_test(t, every_part_once, 0, 4);
	tcase_add_test(t, who_has_no_item_helps);
	tcase_add_test(t, parts_alone);
	tcase_add_test(t, zero_means_all_processors);
	suite_add_tcase(s, t);
	return unit_main(s);
}
