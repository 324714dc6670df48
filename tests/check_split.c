#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/near.h"
#include "learn/roster.h"
#include "learn/split.h"
#include "unit.h"

/* A made-up record: its id, group and label are numbers. */
struct person {
	uint32_t id, group, label; /* group 0: none; label 0: none */
};

static struct str
text(char *to, const char *prefix, uint32_t number)
{
	int n = snprintf(to, 32, "%s%u", prefix, number);

	return (struct str){ to, (size_t)n };
}

static void
enter(struct roster *r, const struct person *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char id[32], group[32], label[32];
		struct str g = { "", 0 }, l = text(label, "l", p[i].label);
		struct error e;

		if (p[i].group > 0)
			g = text(group, "g", p[i].group);
		ck_assert_int_eq(roster_add(r, text(id, "r", p[i].id), g, &l,
				     p[i].label > 0, &e),
		    0);
	}
}

/* Where each record goes, by its number: to: [n]. */
static void
assign(const struct person *p, size_t n, uint64_t seed, const double *share,
    size_t shares, uint32_t *to)
{
	struct roster r = { 0 };
	uint32_t *in_order = mem_array(n, sizeof(*in_order));
	size_t units;
	struct error e;

	enter(&r, p, n);
	ck_assert_int_eq(
	    roster_assign(&r, seed, share, shares, in_order, &units, &e), 0);
	for (size_t i = 0; i < n; i++)
		to[p[i].id] = in_order[i];
	free(in_order);
	roster_free(&r);
}

static struct person *
crowd(size_t n, uint32_t groups, uint32_t labels, uint64_t seed)
{
	struct person *p = mem_array(n, sizeof(*p));
	struct rng rng;

	rng_seed(&rng, seed);
	for (size_t i = 0; i < n; i++) {
		p[i].id = (uint32_t)i;
		p[i].group = groups > 0 ? rng_below(&rng, groups) : 0;
		p[i].label = labels > 0 ? rng_below(&rng, labels) : 0;
	}
	return p;
}

static const double fifths[] = { 80, 20 };
static const double tenths[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

START_TEST(order_does_not_matter)
{
	enum { N = 700 };
	struct person *p = crowd(N, 90, 6, (uint64_t)_i), *q;
	uint32_t a[N], b[N], order[N];
	struct rng rng;

	for (uint32_t i = 0; i < N; i++)
		order[i] = i;
	rng_seed(&rng, 77);
	rng_shuffle(&rng, order, N);
	q = mem_array(N, sizeof(*q));
	for (int i = 0; i < N; i++)
		q[i] = p[order[i]];
	assign(p, N, 5, tenths, 10, a);
	assign(q, N, 5, tenths, 10, b);
	ck_assert_int_eq(memcmp(a, b, sizeof(a)), 0);
	assign(p, N, 6, tenths, 10, b);
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
	free(p);
	free(q);
}
END_TEST

START_TEST(groups_stay_together)
{
	enum { N = 900, G = 120 };
	struct person *p = crowd(N, G, 4, 3);
	uint32_t to[N], of[G];

	assign(p, N, 0, fifths, 2, to);
	memset(of, 0xff, sizeof(of));
	for (int i = 0; i < N; i++) {
		if (p[i].group == 0)
			continue;
		if (of[p[i].group] == UINT32_MAX)
			of[p[i].group] = to[i];
		ck_assert_uint_eq(of[p[i].group], to[i]);
	}
	free(p);
}
END_TEST

/* Without groups every label with records enough is divided as the shares
 * are, to within one record. */
START_TEST(labels_are_divided_in_proportion)
{
	enum { N = 1000, L = 9 };
	struct person *p = crowd(N, 0, L, 4);
	uint32_t to[N];

	assign(p, N, 1, fifths, 2, to);
	for (uint32_t l = 1; l < L; l++) {
		double have = 0, test = 0;

		for (int i = 0; i < N; i++) {
			have += p[i].label == l;
			test += p[i].label == l && to[i] == 1;
		}
		ck_assert(fabs(test - .2 * have) < 1);
	}
	free(p);
}
END_TEST

/* Labels that are all different are dealt out together: each alone would
 * only ever fill the largest share. */
START_TEST(rare_labels_fill_every_share)
{
	enum { N = 100 };
	struct person p[N];
	uint32_t to[N];
	int test = 0;

	for (uint32_t i = 0; i < N; i++)
		p[i] = (struct person){ i, 0, i + 1 };
	assign(p, N, 0, fifths, 2, to);
	for (int i = 0; i < N; i++)
		test += to[i] == 1;
	ck_assert_int_eq(test, 20);
}
END_TEST

START_TEST(an_id_may_be_the_name_of_a_group)
{
	struct roster r = { 0 };
	struct str id = { "x", 1 }, other = { "y", 1 }, none = { "", 0 };
	struct str name[2];
	uint8_t is_group[2];
	struct error e;

	ck_assert_int_eq(roster_add(&r, id, none, NULL, 0, &e), 0);
	ck_assert_int_eq(roster_add(&r, other, id, NULL, 0, &e), 0);
	ck_assert_int_eq(roster_add(&r, id, none, NULL, 0, &e), -1);
	ck_assert_str_eq(e.text, "id 'x' occurs twice");
	roster_names(&r, name, is_group);
	ck_assert(str_eq(name[0], name[1]));
	ck_assert_uint_ne(is_group[0], is_group[1]);
	ck_assert_uint_ne(split_hash(id, 0, 1), split_hash(id, 1, 1));
	roster_free(&r);
}
END_TEST

/* Near copies: vectors around a few centres, and their cosines by hand. */
enum { NEAR_N = 700, NEAR_D = 24 };

static void
around_centres(struct batch *b, struct rng *rng)
{
	float centre[12][NEAR_D];
	char id[32];
	struct error e;

	for (int c = 0; c < 12; c++)
		for (int d = 0; d < NEAR_D; d++)
			centre[c][d] = (float)rng_double(rng) - .5f;
	for (uint32_t i = 0; i < NEAR_N; i++) {
		uint32_t c = rng_below(rng, 12);
		struct str s = text(id, "", i);
		float *x;

		ck_assert_int_eq(batch_add(b, s.s, s.len, &e), 0);
		if (i % 50 == 0)
			continue;
		x = batch_dense(b, 0);
		for (int d = 0; d < NEAR_D; d++)
			x[d] = 3 * centre[c][d] +
			       (float)(rng_double(rng) - .5) * 2;
	}
}

static double
cosine(const float *x, const float *y)
{
	double xy = 0, xx = 0, yy = 0;

	for (int d = 0; d < NEAR_D; d++) {
		xy += (double)x[d] * (double)y[d];
		xx += (double)x[d] * (double)x[d];
		yy += (double)y[d] * (double)y[d];
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static void
own_sets(uint32_t *parent)
{
	for (uint32_t i = 0; i < NEAR_N; i++)
		parent[i] = i;
}

/* The least member of the set of every record. */
static void
roots(uint32_t *parent)
{
	for (uint32_t i = 0; i < NEAR_N; i++)
		parent[i] = split_find(parent, i);
}

/* The same vectors as a sparse part. */
static void
as_sparse(struct batch *to, const struct batch *from)
{
	struct error e;

	for (size_t i = 0; i < from->n; i++) {
		struct str id = strs_get(&from->id, i);
		uint32_t *index;
		float *value;

		ck_assert_int_eq(batch_add(to, id.s, id.len, &e), 0);
		if (!from->parts[0].mask[i])
			continue;
		batch_sparse(to, 0, NEAR_D, &index, &value);
		for (uint32_t d = 0; d < NEAR_D; d++) {
			index[d] = 1000 * d;
			value[d] = from->parts[0].dense[i * NEAR_D + d];
		}
	}
}

START_TEST(near_copies_are_those_of_brute_force)
{
	struct schema dense = { 0 }, sparse = { 0 };
	struct batch b, s;
	struct near v = { 0 }, w = { 0 };
	struct pool *pool;
	struct rng rng;
	struct error e;
	uint32_t want[NEAR_N], got[NEAR_N];
	double least = .66 + .05 * _i;
	int sets = 0;

	rng_seed(&rng, 9);
	ck_assert_int_eq(
	    schema_add(&dense, "x", PART_DENSE, NEAR_D, NULL, NULL, &e), 0);
	ck_assert_int_eq(schema_add(&sparse, "x", PART_SPARSE, 1000 * NEAR_D,
			     NULL, NULL, &e),
	    0);
	batch_init(&b, &dense, &e);
	batch_init(&s, &sparse, &e);
	around_centres(&b, &rng);
	as_sparse(&s, &b);
	own_sets(want);
	for (uint32_t i = 0; i < NEAR_N; i++) {
		ck_assert_int_eq(near_add(&v, &b, i, 0, &e), 0);
		ck_assert_int_eq(near_add(&w, &s, i, 0, &e), 0);
		for (uint32_t k = 0; k < i; k++)
			if (cosine(b.parts[0].dense + i * NEAR_D,
				b.parts[0].dense + k * NEAR_D) >= least - 1e-6)
				split_join(want, i, k);
	}
	roots(want);
	for (uint32_t i = 0; i < NEAR_N; i++)
		sets += want[i] == i;
	/* Some are joined and some are not, or nothing is tested. */
	ck_assert_int_gt(sets, 20);
	ck_assert_int_lt(sets, NEAR_N - 20);

	own_sets(got);
	ck_assert_int_eq(near_join(&v, (float)least, got, NULL, &e), 0);
	roots(got);
	ck_assert_int_eq(memcmp(got, want, sizeof(got)), 0);
	pool = pool_new(3, &e);
	own_sets(got);
	ck_assert_int_eq(near_join(&v, (float)least, got, pool, &e), 0);
	roots(got);
	ck_assert_int_eq(memcmp(got, want, sizeof(got)), 0);
	own_sets(got);
	ck_assert_int_eq(near_join(&w, (float)least, got, pool, &e), 0);
	roots(got);
	ck_assert_int_eq(memcmp(got, want, sizeof(got)), 0);
	pool_free(pool);
	near_free(&v);
	near_free(&w);
	batch_free(&b);
	batch_free(&s);
	schema_free(&dense);
	schema_free(&sparse);
}
END_TEST

/* What was joined counts as one, called by the first of its names. */
START_TEST(joined_records_are_one_unit)
{
	enum { N = 60 };
	struct person *p = crowd(N, 0, 3, 8);
	struct roster r = { 0 };
	struct str name[N];
	uint8_t is_group[N];
	uint32_t to[N];
	size_t units;
	struct error e;

	enter(&r, p, N);
	for (uint32_t i = 3; i < N; i += 3)
		roster_join(&r, i, 0);
	ck_assert_int_eq(roster_assign(&r, 2, tenths, 3, to, &units, &e), 0);
	ck_assert_uint_eq(units, 1 + N - N / 3);
	roster_names(&r, name, is_group);
	for (uint32_t i = 0; i < N; i += 3) {
		ck_assert_uint_eq(to[i], to[0]);
		ck_assert(str_eq(name[i], (struct str){ "r0", 2 }));
	}
	free(p);
	roster_free(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("split");
	TCase *t = tcase_create("core");

	tcase_add_loop_test(t, order_does_not_matter, 0, 3);
	tcase_add_test(t, groups_stay_together);
	tcase_add_test(t, labels_are_divided_in_proportion);
	tcase_add_test(t, rare_labels_fill_every_share);
	tcase_add_test(t, an_id_may_be_the_name_of_a_group);
	tcase_add_loop_test(t, near_copies_are_those_of_brute_force, 0, 4);
	tcase_add_test(t, joined_records_are_one_unit);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return unit_main(s);
}
