#include "fusion/idtable.h"

#include <stdlib.h>

#include "base/mem.h"

static void
place(uint32_t *slot, size_t slots, uint64_t hash, size_t n)
{
	size_t i = (size_t)hash & (slots - 1);

	while (slot[i] != 0)
		i = (i + 1) & (slots - 1);
	slot[i] = (uint32_t)(n + 1);
}

int
id_table_add(struct id_table *t, uint64_t hash)
{
	if (t->n >= UINT32_MAX - 1 ||
	    mem_grow(&t->hash, &t->cap, t->n + 1, sizeof(*t->hash)) < 0)
		return -1;
	if ((t->n + 1) * 3 > t->slots * 2) {
		size_t slots = t->slots > 0 ? 2 * t->slots : 64;
		uint32_t *slot = mem_array(slots, sizeof(*slot));

		if (slot == NULL)
			return -1;
		for (size_t k = 0; k < t->n; k++)
			place(slot, slots, t->hash[k], k);
		free(t->slot);
		t->slot = slot;
		t->slots = slots;
	}
	t->hash[t->n] = hash;
	place(t->slot, t->slots, hash, t->n++);
	return 0;
}

int64_t
id_table_next(const struct id_table *t, uint64_t hash, size_t *at)
{
	size_t i;

	if (t->slots == 0)
		return -1;
	/* *at counts the slots that were looked at. */
	for (;; ++*at) {
		uint32_t n;

		i = ((size_t)hash + *at) & (t->slots - 1);
		n = t->slot[i];
		if (n == 0)
			return -1;
		if (t->hash[n - 1] == hash) {
			++*at;
			return (int64_t)n - 1;
		}
	}
}

void
id_table_free(struct id_table *t)
{
	free(t->hash);
	free(t->slot);
	*t = (struct id_table){ 0 };
}
