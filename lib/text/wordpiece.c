#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * WordPiece (Schuster and Nakajima 2012, as BERT uses it): the longest token
 * that begins the word, then the longest "##" token that begins the rest, and
 * so on; a word with a rest that no token begins is unknown as a whole.
 */

static size_t
count_chars(const char *s, size_t n)
{
	size_t chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += (s[i] & 0xC0) != 0x80;
	return chars;
}

/* The longest token that begins s: [n], after the prefix whose hash is h. */
static uint32_t
longest(const struct tokenizer *t, struct tokens *w, uint64_t h,
    struct str prefix, const char *s, size_t n, size_t *used)
{
	uint64_t hash[TOKEN_BYTES_MAX];
	size_t most = t->set->longest, reach;

	most = most > prefix.len ? most - prefix.len : 0;
	most = most < n ? most : n;
	for (size_t i = 0; i < most; i++) {
		h = token_hash_byte(h, (unsigned char)s[i]);
		hash[i] = h;
		if ((prefix.len + i + 1) % REACH_STEP != 0)
			continue;
		reach = token_reach(t, h);
		if (reach == REACH_FAR)
			continue;
		/* No token that begins so is longer; 0: none begins so. */
		if (reach < prefix.len + i + 1)
			most = i;
		else if (reach - prefix.len < most)
			most = reach - prefix.len;
	}
	for (; most > 0; most--) {
		uint32_t id;

		if (most < n && (s[most] & 0xC0) == 0x80)
			continue;
		w->looked++;
		id = token_find(t, hash[most - 1], prefix, s, most);
		if (id < t->set->model_tokens) {
			*used = most;
			return id;
		}
	}
	return TOKEN_NONE;
}

int
wordpiece_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n)
{
	struct str prefix = { "", 0 };
	struct str next = token_string(t, t->set->prefix);
	uint64_t start = TOKEN_HASH_START;
	uint64_t rest = token_hash(TOKEN_HASH_START, next.s, next.len);
	size_t before = w->n, used = 0;

	if (n > t->set->max_chars && count_chars(s, n) > t->set->max_chars)
		return tokens_add(w, t->set->unk);
	for (size_t i = 0; i < n; i += used) {
		uint32_t id = longest(
		    t, w, i > 0 ? rest : start, prefix, s + i, n - i, &used);

		if (id == TOKEN_NONE) {
			w->n = before;
			id = t->set->unk;
			used = n - i;
		}
		if (tokens_add(w, id) < 0)
			return -1;
		prefix = next;
	}
	return 0;
}
