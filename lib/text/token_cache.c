#include <string.h>

#include "base/hash.h"
#include "text/tokenizer_impl.h"

/*
 * Words to ids through a worker's cache: of natural text more than 95 of 100
 * words are there.
 */

static int
room_for_ids(struct tokens *w, size_t n)
{
	return w->n + n <= w->cap
		   ? 0
		   : mem_grow(&w->ids, &w->cap, w->n + n, sizeof(*w->ids));
}

int
tokens_add(struct tokens *w, uint32_t id)
{
	if (room_for_ids(w, 1) < 0)
		return -1;
	w->ids[w->n++] = id;
	return 0;
}

static int
model_word(const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	if (t->in_bytes) {
		w->mapped.len = 0;
		if (bytes_put(&w->mapped, s, n) < 0)
			return -1;
		s = w->mapped.data;
		n = w->mapped.len;
	}
	switch (t->set->model) {
	case MODEL_WORDPIECE:
		return wordpiece_word(t, w, s, n);
	case MODEL_BPE:
		return bpe_word(t, w, s, n);
	default:
		return unigram_word(t, w, s, n);
	}
}

/* Which bits of the two halves belong to a word of n bytes. */
#define HALF(n) (~UINT64_C(0) >> (64 - 8 * (n)))
static const uint64_t MASK[CACHE_WORD + 1][2] = { { 0, 0 }, { HALF(1), 0 },
	{ HALF(2), 0 }, { HALF(3), 0 }, { HALF(4), 0 }, { HALF(5), 0 },
	{ HALF(6), 0 }, { HALF(7), 0 }, { HALF(8), 0 }, { HALF(8), HALF(1) },
	{ HALF(8), HALF(2) }, { HALF(8), HALF(3) }, { HALF(8), HALF(4) },
	{ HALF(8), HALF(5) }, { HALF(8), HALF(6) }, { HALF(8), HALF(7) },
	{ HALF(8), HALF(8) } };

static inline uint64_t
load64(const char *s)
{
	uint64_t x;

	memcpy(&x, s, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

/* The key of a word of 1 to CACHE_WORD bytes, and its line. */
static inline struct waiting_word
find_line(struct tokens *w, const char *s, size_t n)
{
	struct waiting_word x = { { load64(s) & MASK[n][0],
				      load64(s + 8) & MASK[n][1] },
		NULL, s, n };

	x.line = &w->cache[hash_mum(x.key[0] ^ UINT64_C(0x9e3779b97f4a7c15),
			       x.key[1] ^ (n + UINT64_C(0xd6e8feb86659fd93))) >>
			       20 &
			   (CACHE_LINES - 1)];
	return x;
}

static inline int
is_entry(const struct cache_entry *c, const struct waiting_word *x)
{
	return c->len == x->n && c->key[0] == x->key[0] &&
	       c->key[1] == x->key[1];
}

/* A word that the cache does not have. */
static int
learn_word(
    const struct tokenizer *t, struct tokens *w, const struct waiting_word *x)
{
	struct cache_entry *c = x->line->entry;
	size_t from = w->n, made;

	if (model_word(t, w, x->s, x->n) < 0)
		return -1;
	made = w->n - from;
	if (made > CACHE_IDS)
		return 0;
	c[1] = c[0];
	c->len = (uint16_t)x->n;
	c->n = (uint16_t)made;
	memcpy(c->key, x->key, sizeof(c->key));
	if (made > 0)
		memcpy(c->ids, w->ids + from, made * sizeof(*c->ids));
	return 0;
}

static inline int
look_up(
    const struct tokenizer *t, struct tokens *w, const struct waiting_word *x)
{
	const struct cache_entry *c = x->line->entry;

	c += !is_entry(c, x);
	if (!is_entry(c, x))
		return learn_word(t, w, x);
	if (room_for_ids(w, CACHE_IDS) < 0)
		return -1;
	memcpy(w->ids + w->n, c->ids, sizeof(c->ids));
	w->n += c->n;
	w->hits++;
	return 0;
}

int
take_word(const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	struct waiting_word x;

	if (n - 1 >= CACHE_WORD || w->cache == NULL)
		return n == 0 ? 0 : model_word(t, w, s, n);
	x = find_line(w, s, n);
	return look_up(t, w, &x);
}

/* The oldest of the words that wait. */
static inline int
queue_take(const struct tokenizer *t, struct tokens *w)
{
	return look_up(t, w, &w->waits[w->first_wait++ % CACHE_WAIT]);
}

int
queue_flush(const struct tokenizer *t, struct tokens *w)
{
	while (w->first_wait != w->last_wait)
		if (queue_take(t, w) < 0)
			return -1;
	return 0;
}

int
queue_word(const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	struct waiting_word *x;

	if (n - 1 >= CACHE_WORD || w->cache == NULL) {
		if (n == 0)
			return 0;
		return queue_flush(t, w) < 0 ? -1 : model_word(t, w, s, n);
	}
	if (w->last_wait - w->first_wait == CACHE_WAIT && queue_take(t, w) < 0)
		return -1;
	x = &w->waits[w->last_wait++ % CACHE_WAIT];
	*x = find_line(w, s, n);
	__builtin_prefetch(x->line);
	return 0;
}
