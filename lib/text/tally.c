#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/mathd.h"
#include "text/tally.h"

enum {
	SMALLEST = 1 << 10, /* table of a short text, slots */
	LARGEST = 2 * TALLY_DISTINCT,
	RADIX_BITS = 10
};

/* Added to a value to sort it as the lower half of a pair. */
#define BIAS 0x1p31

/* weight * (1 + ln count) in units of 2^-20. */
static double
value_of(double weight, uint64_t count)
{
	return rint(weight * (1 + mathd_log((double)count)) * 0x1p20);
}

static void
use_slots(struct tally *t, size_t slots)
{
	t->mask = slots - 1;
	t->limit = slots / 2;
}

int
tally_init(struct tally *t, uint32_t dim, int sparse, const double *weight,
    size_t kinds)
{
	*t = (struct tally){ .dim = dim, .sparse = sparse };
	for (size_t k = 0; k < kinds && k < TALLY_KINDS; k++) {
		t->weight[k] = weight[k];
		for (uint64_t c = 1; c < TALLY_KNOWN; c++)
			t->known[k][c] = value_of(weight[k], c);
	}
	t->slot_cap = SMALLEST;
	t->slot = mem_array(t->slot_cap, sizeof(*t->slot));
	t->list = mem_array(t->slot_cap / 2, sizeof(*t->list));
	if (!sparse)
		t->sum = mem_array(dim, sizeof(*t->sum));
	if (t->slot == NULL || t->list == NULL || (!sparse && t->sum == NULL))
		return -1;
	use_slots(t, SMALLEST);
	return 0;
}

void
tally_free(struct tally *t)
{
	free(t->sum);
	free(t->index);
	free(t->value);
	free(t->slot);
	free(t->list);
	free(t->pair);
	free(t->spare);
	free(t->old_index);
	free(t->old_sum);
	*t = (struct tally){ 0 };
}

/* Free the used slots. */
static void
clear(struct tally *t)
{
	for (size_t i = 0; i < t->used; i++)
		t->slot[t->list[i]] = 0;
	t->used = 0;
}

void
tally_start(struct tally *t, size_t features)
{
	size_t slots = SMALLEST;

	clear(t);
	/* Of a table that a long text made, a short one uses the beginning,
	 * which stays in the cache. */
	while (slots < t->slot_cap && slots < 8 * features)
		slots *= 2;
	use_slots(t, slots);
	t->failed = 0;
	t->n = 0;
	t->features = 0;
	if (!t->sparse)
		memset(t->sum, 0, t->dim * sizeof(*t->sum));
}

/*
 * A feature's place and its signed value.
 */

static uint32_t
place_of(const struct tally *t, uint64_t x)
{
	return (uint32_t)((x >> 32) * t->dim >> 32);
}

/* The sign is put in without a branch, which would be a coin's throw. */
static inline double
signed_value(const struct tally *t, uint64_t x)
{
	uint64_t count = x & ((UINT64_C(1) << TALLY_COUNT_BITS) - 1), bits;
	unsigned kind = (unsigned)(x >> TALLY_COUNT_BITS) & (TALLY_KINDS - 1);
	double v = t->known[kind][count % TALLY_KNOWN];

	if (count >= TALLY_KNOWN)
		v = value_of(t->weight[kind], count);
	memcpy(&bits, &v, sizeof(bits));
	bits ^= x >> TALLY_FEATURE_SHIFT << 63;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static void
add_dense(struct tally *t)
{
	const uint32_t *list = t->list;
	uint64_t *slot = t->slot;
	double *sum = t->sum;

	for (size_t i = 0, n = t->used; i < n; i++) {
		uint64_t x = slot[list[i]];

		slot[list[i]] = 0;
		sum[place_of(t, x)] += signed_value(t, x);
	}
	t->used = 0;
}

/* Sort pair: [n] by place, a few bits at a time from the lowest. */
static void
sort_pairs(struct tally *t, size_t n)
{
	for (int low = 0; low < 32 && (t->dim - 1) >> low > 0;
	     low += RADIX_BITS) {
		size_t start[1 << RADIX_BITS] = { 0 }, at = 0, count;
		uint64_t *from = t->pair, *to = t->spare;

		for (size_t i = 0; i < n; i++)
			start[from[i] >> (32 + low) &
			      ((1 << RADIX_BITS) - 1)]++;
		for (size_t k = 0; k < 1 << RADIX_BITS; k++) {
			count = start[k];
			start[k] = at;
			at += count;
		}
		for (size_t i = 0; i < n; i++)
			to[start[from[i] >> (32 + low) &
				 ((1 << RADIX_BITS) - 1)]++] = from[i];
		t->pair = to;
		t->spare = from;
	}
}

static int
reserve_sums(struct tally *t, size_t n)
{
	size_t a = t->cap, b = t->cap, c = t->cap;

	if (n <= t->cap)
		return 0;
	if (mem_grow(&t->index, &a, n, sizeof(*t->index)) < 0 ||
	    mem_grow(&t->sum, &b, n, sizeof(*t->sum)) < 0 ||
	    mem_grow(&t->value, &c, n, sizeof(*t->value)) < 0)
		return -1;
	t->cap = a < b ? (a < c ? a : c) : (b < c ? b : c);
	return 0;
}

static void
put_sum(struct tally *t, uint32_t place, double sum)
{
	t->index[t->n] = place;
	t->sum[t->n] = sum;
	t->n += sum != 0;
}

/* Put old_index, old_sum: [n] and the sorted pairs [pairs] together. */
static void
merge(struct tally *t, size_t n, size_t pairs)
{
	size_t i = 0, k = 0;

	for (t->n = 0; i < n || k < pairs;) {
		uint32_t place = UINT32_MAX;
		double sum = 0;

		if (i < n)
			place = t->old_index[i];
		if (k < pairs && t->pair[k] >> 32 < place)
			place = (uint32_t)(t->pair[k] >> 32);
		if (i < n && t->old_index[i] == place)
			sum = t->old_sum[i++];
		for (; k < pairs && t->pair[k] >> 32 == place; k++)
			sum += (double)(uint32_t)t->pair[k] - BIAS;
		put_sum(t, place, sum);
	}
}

static int
keep_old(struct tally *t)
{
	size_t a = t->old_cap, b = t->old_cap;

	if (t->n == 0)
		return 0;
	if (mem_grow(&t->old_index, &a, t->n, sizeof(*t->old_index)) < 0 ||
	    mem_grow(&t->old_sum, &b, t->n, sizeof(*t->old_sum)) < 0)
		return -1;
	t->old_cap = a < b ? a : b;
	memcpy(t->old_index, t->index, t->n * sizeof(*t->index));
	memcpy(t->old_sum, t->sum, t->n * sizeof(*t->sum));
	return 0;
}

static int
add_sparse(struct tally *t)
{
	size_t n = t->n, pairs = t->used;

	if (mem_grow(&t->pair, &t->pair_cap, pairs, sizeof(*t->pair)) < 0 ||
	    mem_grow(&t->spare, &t->spare_cap, pairs, sizeof(*t->spare)) < 0 ||
	    keep_old(t) < 0 || reserve_sums(t, n + pairs + 1) < 0)
		return -1;
	/* The two change places while sorting. */
	if (t->pair_cap > t->spare_cap)
		t->pair_cap = t->spare_cap;
	t->spare_cap = t->pair_cap;
	for (size_t i = 0; i < pairs; i++) {
		uint64_t x = t->slot[t->list[i]];

		t->pair[i] = (uint64_t)place_of(t, x) << 32 |
			     (uint64_t)(signed_value(t, x) + BIAS);
	}
	sort_pairs(t, pairs);
	merge(t, n, pairs);
	return 0;
}

/* Add what was counted to the sums, and count from nothing. */
static void
add_piece(struct tally *t)
{
	t->features += t->used;
	if (!t->sparse)
		add_dense(t);
	else if (add_sparse(t) < 0)
		t->failed = 1;
	clear(t);
}

static int
grow(struct tally *t)
{
	size_t slots = 2 * (t->mask + 1), cap = 2 * t->slot_cap;
	uint64_t *bigger;
	uint32_t *list;

	if (slots > t->slot_cap) {
		bigger = mem_array(cap, sizeof(*bigger));
		list = mem_array(cap / 2, sizeof(*list));
		if (bigger == NULL || list == NULL) {
			free(bigger);
			free(list);
			return -1;
		}
		memcpy(list, t->list, t->used * sizeof(*list));
		memcpy(bigger, t->slot, t->slot_cap * sizeof(*bigger));
		free(t->slot);
		free(t->list);
		t->slot = bigger;
		t->list = list;
		t->slot_cap = cap;
	}
	return 0;
}

/* Twice the slots; every counter finds its new one. */
static int
widen(struct tally *t)
{
	uint64_t *kept;

	if (grow(t) < 0)
		return -1;
	if (mem_grow(&t->spare, &t->spare_cap, t->used, sizeof(*kept)) < 0)
		return -1;
	kept = t->spare;
	for (size_t i = 0; i < t->used; i++) {
		kept[i] = t->slot[t->list[i]];
		t->slot[t->list[i]] = 0;
	}
	use_slots(t, 2 * (t->mask + 1));
	for (size_t i = 0; i < t->used; i++) {
		size_t k = (size_t)(kept[i] >> TALLY_FEATURE_SHIFT) & t->mask;

		while (t->slot[k] != 0)
			k = (k + 1) & t->mask;
		t->slot[k] = kept[i];
		t->list[i] = (uint32_t)k;
	}
	return 0;
}

/* Half of the slots are used: more of them, or a new piece. */
static void
make_room(struct tally *t)
{
	if (t->mask + 1 < LARGEST && widen(t) == 0)
		return;
	t->failed |= t->mask + 1 < LARGEST;
	add_piece(t);
}

/* All bits or none: compilers make branches of "?:" and "&&". */
static inline uint64_t
all_if(int yes)
{
	return 0 - (uint64_t)yes;
}

/*
 * Whether a feature is new is a coin's throw in usual text, so that is no
 * branch; that its slot belongs to another is rare and one.
 */
void
tally_add(struct tally *t, const uint64_t *f, size_t n)
{
	const uint64_t most = (UINT64_C(1) << TALLY_COUNT_BITS) - 1;

	for (size_t i = 0; i < n;) {
		uint64_t *slot = t->slot;
		uint32_t *list = t->list;
		size_t mask = t->mask, used = t->used, limit = t->limit;

		for (; i < n && used < limit; i++) {
			size_t k = (size_t)(f[i] >> TALLY_FEATURE_SHIFT) & mask;
			uint64_t x = slot[k], set = all_if(x != 0);
			uint64_t more = f[i] & most, room;

			while (((x ^ f[i]) & set) >> TALLY_FEATURE_SHIFT != 0) {
				k = (k + 1) & mask;
				x = slot[k];
				set = all_if(x != 0);
			}
			x |= f[i] & ~most & ~set;
			room = most - (x & most);
			slot[k] = x + (more < room ? more : room);
			list[used] = (uint32_t)k;
			used += 1 + set;
		}
		t->used = used;
		if (used == limit)
			make_room(t);
	}
}

int
tally_end(struct tally *t)
{
	add_piece(t);
	return t->failed ? -1 : 0;
}
