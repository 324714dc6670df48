#include "learn/split.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

uint64_t
split_hash(struct str name, int is_group, uint64_t seed)
{
	return hash_bytes(
	    name.s, name.len, hash_mix(seed) + (uint64_t)(is_group != 0));
}

/* A unit and where it stands in the caller's arrays, for qsort. */
struct place {
	uint64_t hash;
	struct str name;
	size_t i;
};

static int
by_hash(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return str_cmp(a->name, b->name);
}

static struct place *
hash_order(const struct split_unit *u, size_t n, const struct str *name)
{
	struct place *p = mem_array(n, sizeof(*p));

	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		p[i] = (struct place){ u[i].hash, name[i], i };
	qsort(p, n, sizeof(*p), by_hash);
	return p;
}

/*
 * row: [strata + 1] the row of counts that each stratum is dealt by.  The
 * last row takes the strata whose records would not reach the smallest share
 * once, and the units without a label.
 */
static void
pool_small(size_t *row, const struct split_unit *u, size_t n, size_t strata,
    const double *share, size_t shares)
{
	double sum = 0, least = share[0];

	for (size_t k = 0; k < shares; k++) {
		sum += share[k];
		least = share[k] < least ? share[k] : least;
	}
	for (size_t i = 0; i < n; i++)
		if (u[i].stratum != SPLIT_NO_LABEL)
			row[u[i].stratum] += u[i].records;
	for (size_t s = 0; s < strata; s++)
		row[s] = (double)row[s] * least < sum ? strata : s;
	row[strata] = strata;
}

/*
 * The share that is filled least: after Webster and Sainte-Lague the smallest
 * (2 have + c) / size, by the stratum's records, then by all, then the first.
 * have, all: [shares] records so far.
 */
static uint32_t
emptiest(const double *share, size_t shares, const uint64_t *have,
    const uint64_t *all, uint64_t c)
{
	size_t best = 0;

	for (size_t k = 1; k < shares; k++) {
		double a = (double)(2 * have[k] + c) / share[k];
		double b = (double)(2 * have[best] + c) / share[best];

		if (!(a < b) && !(b < a)) {
			a = (double)(2 * all[k] + c) / share[k];
			b = (double)(2 * all[best] + c) / share[best];
		}
		if (a < b)
			best = k;
	}
	return (uint32_t)best;
}

int
split_assign(const struct split_unit *u, size_t n, const struct str *name,
    size_t strata, const double *share, size_t shares, uint32_t *to)
{
	struct place *order = hash_order(u, n, name);
	size_t *row = mem_array(strata + 1, sizeof(*row));
	uint64_t *have = mem_array((strata + 1) * shares, sizeof(*have));
	uint64_t *all = mem_array(shares, sizeof(*all));
	int rc = -1;

	if (order == NULL || row == NULL || have == NULL || all == NULL)
		goto done;
	pool_small(row, u, n, strata, share, shares);
	for (size_t k = 0; k < n; k++) {
		size_t i = order[k].i;
		size_t s =
		    u[i].stratum == SPLIT_NO_LABEL ? strata : u[i].stratum;
		uint64_t *mine = &have[row[s] * shares];

		to[i] = emptiest(share, shares, mine, all, u[i].records);
		mine[to[i]] += u[i].records;
		all[to[i]] += u[i].records;
	}
	rc = 0;
done:
	free(order);
	free(row);
	free(have);
	free(all);
	return rc;
}

uint32_t
split_find(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i) {
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

void
split_join(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = split_find(parent, a);
	b = split_find(parent, b);
	if (a < b)
		parent[b] = a;
	else
		parent[a] = b;
}
