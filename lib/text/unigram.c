#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * Unigram (Kudo 2018): of all ways to write a word as tokens, the one with
 * the largest sum of scores, by Viterbi's algorithm from the left; between
 * equal sums the first one found stays.  A character that is no token by itself
 * may be the unknown token, at the lowest score of all less 10.  Work is
 * bounded by the longest token for each character.
 */

static void
reach_node(struct path_node *to, double score, uint32_t from, uint32_t id)
{
	if (to->from != TOKEN_NONE && !(score > to->score))
		return;
	to->score = score;
	to->from = from;
	to->id = id;
}

/* All tokens that begin at s[i]: whether one is the character alone. */
static int
tokens_from(const struct tokenizer *t, struct tokens *w, const char *s,
    size_t i, size_t n, size_t char_len)
{
	struct path_node *path = w->path;
	double here = path[i].score;
	uint64_t h = TOKEN_HASH_START;
	size_t most = t->set->longest;
	int single = 0;

	most = most < n - i ? most : n - i;
	for (size_t k = 1; k <= most; k++) {
		uint32_t id;

		h = token_hash_byte(h, (unsigned char)s[i + k - 1]);
		if (k % REACH_STEP == 0) {
			size_t reach = token_reach(t, h);

			if (reach < k)
				break;
			if (reach != REACH_FAR && reach < most)
				most = reach;
		}
		if (i + k < n && (s[i + k] & 0xC0) == 0x80)
			continue;
		w->looked++;
		id = token_find(t, h, (struct str){ "", 0 }, s + i, k);
		if (id >= t->set->model_tokens)
			continue;
		reach_node(&path[i + k], t->scores[id] + here, (uint32_t)i, id);
		single |= k == char_len;
	}
	return single;
}

/* The best way's pieces, last first, turned round: from -> where it ends. */
static void
turn_round(struct path_node *path, size_t n)
{
	uint32_t to = (uint32_t)n;

	for (uint32_t at = to, from; at > 0; at = from) {
		from = path[at].from;
		/* Of the node where a piece begins, the end of that piece:
		 * score is not needed any more. */
		path[from].score = (double)at;
	}
}

/* A piece that is no token: its bytes, where all have a token. */
static int
put_unknown(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	uint32_t id = token_model_id(t, s, n);
	int all = (t->set->flags & BPE_BYTE_FALLBACK) != 0;

	/* Unknown characters together may be a token. */
	if (id != TOKEN_NONE)
		return tokens_add(w, id);
	for (size_t i = 0; all && i < n; i++)
		all = t->bytes[(unsigned char)s[i]] != TOKEN_NONE;
	if (!all)
		return tokens_add(w, t->set->unk);
	for (size_t i = 0; i < n; i++)
		if (tokens_add(w, t->bytes[(unsigned char)s[i]]) < 0)
			return -1;
	return 0;
}

int
unigram_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	uint32_t unk = t->set->unk;
	size_t unknown = 0;

	if (mem_grow(&w->path, &w->path_cap, n + 1, sizeof(*w->path)) < 0)
		return -1;
	for (size_t i = 0; i <= n; i++)
		w->path[i] = (struct path_node){ 0, TOKEN_NONE, 0 };
	for (size_t i = 0, len; i < n; i += len) {
		len = unicode_len(s[i]);
		if (!tokens_from(t, w, s, i, n, len))
			reach_node(&w->path[i + len],
			    t->least + w->path[i].score, (uint32_t)i, unk);
	}
	turn_round(w->path, n);
	for (size_t i = 0, to; i < n; i = to) {
		uint32_t id;

		to = (size_t)w->path[i].score;
		id = w->path[to].id;
		if (id == unk) {
			/* Neighbours are one. */
			unknown += to - i;
			continue;
		}
		if (unknown > 0 &&
		    put_unknown(t, w, s + i - unknown, unknown) < 0)
			return -1;
		unknown = 0;
		if (tokens_add(w, id) < 0)
			return -1;
	}
	return unknown > 0 ? put_unknown(t, w, s + n - unknown, unknown) : 0;
}
