#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * Byte pair encoding (Sennrich, Haddow and Birch 2016): a word begins as its
 * characters; of all neighbours that a merge names, the one of the lowest
 * rank, then the leftmost, becomes one, until none is left.  Candidates wait
 * in a binary heap of (rank, position), so a word of n characters takes n log n
 * steps; one whose neighbours have changed meanwhile is passed over.
 */

static void
sift_up(uint64_t *heap, size_t i)
{
	uint64_t x = heap[i];

	while (i > 0 && heap[(i - 1) / 2] > x) {
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = x;
}

static void
sift_down(uint64_t *heap, size_t n, size_t i)
{
	uint64_t x = heap[i];

	for (size_t k; (k = 2 * i + 1) < n; i = k) {
		if (k + 1 < n && heap[k + 1] < heap[k])
			k++;
		if (heap[k] >= x)
			break;
		heap[i] = heap[k];
	}
	heap[i] = x;
}

/* The symbols of a word, and the candidates. */
struct merger {
	const struct tokenizer *t;
	struct tokens *w;
	size_t n, heap_n;
};

static int
add_symbol(struct merger *m, uint32_t id)
{
	struct tokens *w = m->w;

	if (mem_grow(&w->symbols, &w->symbols_cap, m->n + 1,
		sizeof(*w->symbols)) < 0)
		return -1;
	w->symbols[m->n] =
	    (struct bpe_symbol){ id, m->n > 0 ? (uint32_t)m->n - 1 : TOKEN_NONE,
		    (uint32_t)m->n + 1 };
	m->n++;
	return 0;
}

/* The pair that begins at symbol i, if a merge names it. */
static int
add_pair(struct merger *m, uint32_t i)
{
	struct tokens *w = m->w;
	uint32_t next = w->symbols[i].next, rank;

	if (next >= m->n)
		return 0;
	rank = token_pair(m->t, w->symbols[i].id, w->symbols[next].id);
	w->looked++;
	if (rank == TOKEN_NONE)
		return 0;
	if (mem_grow(&w->heap, &w->heap_cap, m->heap_n + 1, sizeof(*w->heap)) <
	    0)
		return -1;
	w->heap[m->heap_n] = (uint64_t)rank << 32 | i;
	sift_up(w->heap, m->heap_n++);
	return 0;
}

static int
merge_all(struct merger *m)
{
	struct tokens *w = m->w;
	struct bpe_symbol *s = w->symbols;

	for (uint32_t i = 0; i + 1 < m->n; i++)
		if (add_pair(m, i) < 0)
			return -1;
	while (m->heap_n > 0) {
		uint64_t top = w->heap[0];
		uint32_t i = (uint32_t)top, next, rank;
		const struct token_merge *merge = &m->t->merges[top >> 32];

		w->heap[0] = w->heap[--m->heap_n];
		if (m->heap_n > 0)
			sift_down(w->heap, m->heap_n, 0);
		next = s[i].next;
		if (s[i].id == TOKEN_NONE || next >= m->n)
			continue;
		/* Still a pair that makes the same? */
		rank = token_pair(m->t, s[i].id, s[next].id);
		if (rank == TOKEN_NONE ||
		    m->t->merges[rank].made != merge->made)
			continue;
		s[i].id = merge->made;
		s[i].next = s[next].next;
		s[next].id = TOKEN_NONE;
		if (s[i].next < m->n)
			s[s[i].next].prev = i;
		if (s[i].prev != TOKEN_NONE && add_pair(m, s[i].prev) < 0)
			return -1;
		if (add_pair(m, i) < 0)
			return -1;
	}
	return 0;
}

/* The bytes of a character, each as its token, where all have one. */
static int
add_bytes(struct merger *m, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (m->t->bytes[(unsigned char)s.s[i]] == TOKEN_NONE)
			return 0;
	for (size_t i = 0; i < s.len; i++)
		if (add_symbol(m, m->t->bytes[(unsigned char)s.s[i]]) < 0)
			return -1;
	return 1;
}

/* The character s[i .. i + len) as the vocabulary writes it. */
static int
spell(const struct tokenizer *t, struct buf *b, const char *s, size_t n,
    size_t i, size_t len)
{
	struct str prefix = token_string(t, t->set->prefix);
	struct str suffix = token_string(t, t->set->suffix);

	b->len = 0;
	if (i > 0 && buf_put(b, prefix.s, prefix.len) < 0)
		return -1;
	if (buf_put(b, s + i, len) < 0)
		return -1;
	return i + len == n ? buf_put(b, suffix.s, suffix.len) : 0;
}

static int
add_chars(struct merger *m, const char *s, size_t n)
{
	const struct token_settings *set = &m->t->head->set;
	int plain = set->prefix[1] == 0 && set->suffix[1] == 0, r;
	int unknown = 0;

	for (size_t i = 0, len; i < n; i += len) {
		struct str c;
		uint32_t id;

		len = unicode_len(s[i]);
		c = (struct str){ s + i, len };
		if (!plain) {
			if (spell(m->t, &m->w->word, s, n, i, len) < 0)
				return -1;
			c = (struct str){ m->w->word.data, m->w->word.len };
		}
		id = token_model_id(m->t, c.s, c.len);
		m->w->looked++;
		if (id != TOKEN_NONE) {
			if (unknown && add_symbol(m, set->unk) < 0)
				return -1;
			unknown = 0;
			if (add_symbol(m, id) < 0)
				return -1;
			continue;
		}
		if ((set->flags & BPE_BYTE_FALLBACK) != 0) {
			r = add_bytes(m, c);
			if (r < 0)
				return -1;
			if (r > 0)
				continue;
		}
		if (set->unk == TOKEN_NONE)
			continue;
		/* It waits: the reference adds it when the next known
		 * character comes, behind bytes that came in between. */
		if (unknown && (set->flags & BPE_FUSE_UNK) == 0 &&
		    add_symbol(m, set->unk) < 0)
			return -1;
		unknown = 1;
	}
	return unknown ? add_symbol(m, set->unk) : 0;
}

int
bpe_word(const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	struct merger m = { t, w, 0, 0 };

	if ((t->set->flags & BPE_IGNORE_MERGES) != 0) {
		uint32_t id = token_model_id(t, s, n);

		if (id != TOKEN_NONE)
			return tokens_add(w, id);
	}
	if (add_chars(&m, s, n) < 0 || merge_all(&m) < 0)
		return -1;
	for (uint32_t i = 0; i < m.n; i = w->symbols[i].next)
		if (tokens_add(w, w->symbols[i].id) < 0)
			return -1;
	return 0;
}
