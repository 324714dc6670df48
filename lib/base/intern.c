#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* The slot where the string is, or the empty one where it belongs. */
static size_t
find_slot(const struct intern *t, struct str s, uint64_t h)
{
	size_t i = (size_t)h & (t->slots - 1);

	for (; t->slot[i] != 0; i = (i + 1) & (t->slots - 1)) {
		uint32_t n = t->slot[i] - 1;

		if (t->hash[n] == h && str_eq(strs_get(&t->names, n), s))
			break;
	}
	return i;
}

/* Keep at least half of the slots empty. */
static int
make_room(struct intern *t)
{
	size_t slots = t->slots > 0 ? t->slots * 2 : 64;
	uint32_t *slot;

	if ((t->names.n + 1) * 2 <= t->slots)
		return 0;
	if ((slot = mem_array(slots, sizeof(*slot))) == NULL)
		return -1;
	for (size_t n = 0; n < t->names.n; n++) {
		size_t i = (size_t)t->hash[n] & (slots - 1);

		while (slot[i] != 0)
			i = (i + 1) & (slots - 1);
		slot[i] = (uint32_t)(n + 1);
	}
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
	return 0;
}

int
intern_add(struct intern *t, const char *s, size_t len, uint32_t *number)
{
	uint64_t h = hash_bytes(s, len, 0);
	size_t i, n = t->names.n;

	if (n >= UINT32_MAX - 1 || make_room(t) < 0)
		return -1;
	i = find_slot(t, (struct str){ s, len }, h);
	if (t->slot[i] != 0) {
		*number = t->slot[i] - 1;
		return 0;
	}
	if (mem_grow(&t->hash, &t->cap, n + 1, sizeof(*t->hash)) < 0 ||
	    strs_add(&t->names, s, len) < 0)
		return -1;
	t->hash[n] = h;
	t->slot[i] = (uint32_t)(n + 1);
	*number = (uint32_t)n;
	return 1;
}

int64_t
intern_find(const struct intern *t, const char *s, size_t len)
{
	size_t i;

	if (t->slots == 0)
		return -1;
	i = find_slot(t, (struct str){ s, len }, hash_bytes(s, len, 0));
	return t->slot[i] != 0 ? (int64_t)t->slot[i] - 1 : -1;
}

/* A string and its number, for qsort. */
struct entry {
	struct str s;
	uint32_t number;
};

static int
by_string(const void *a, const void *b)
{
	return str_cmp(
	    ((const struct entry *)a)->s, ((const struct entry *)b)->s);
}

int
intern_sort(struct intern *t, uint32_t *order)
{
	struct intern sorted = { 0 };
	struct entry *all = mem_array(t->names.n, sizeof(*all));
	uint32_t number;

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < t->names.n; i++)
		all[i] = (struct entry){ intern_get(t, i), (uint32_t)i };
	qsort(all, t->names.n, sizeof(*all), by_string);
	for (size_t i = 0; i < t->names.n; i++) {
		if (intern_add(&sorted, all[i].s.s, all[i].s.len, &number) <
		    0) {
			intern_free(&sorted);
			free(all);
			return -1;
		}
		if (order != NULL)
			order[all[i].number] = (uint32_t)i;
	}
	free(all);
	intern_free(t);
	*t = sorted;
	return 0;
}

void
intern_free(struct intern *t)
{
	strs_free(&t->names);
	free(t->hash);
	free(t->slot);
	memset(t, 0, sizeof(*t));
}
