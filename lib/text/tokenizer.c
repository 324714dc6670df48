#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/* Texts are indexed with 32 bits in places. */
enum { TEXT_MAX = 1 << 30 };

struct tokenizer *
tokenizer_map(const void *p, size_t len, struct error *e)
{
	struct tokenizer *t = mem_array(1, sizeof(*t));

	if (t == NULL) {
		error_memory(e);
		return NULL;
	}
	if (tokenizer_check(t, p, len, e) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

struct tokenizer *
tokenizer_build(const struct tokenizer_files *files, struct error *e)
{
	struct draft *d = mem_array(1, sizeof(*d));
	struct tokenizer *t = NULL;
	int r;

	if (d == NULL) {
		error_memory(e);
		return NULL;
	}
	if (files->tokenizer.len > 0)
		r = draft_read_json(d, files->tokenizer, e);
	else if (files->vocab.len > 0)
		r = draft_read_vocab(d, files->vocab, files->config, e);
	else
		r = error_set(e, "neither tokenizer.json nor vocab.txt");
	if (r == 0) {
		t = draft_finish(d, e);
		if (t == NULL)
			error_at(e, "%s",
			    files->tokenizer.len > 0 ? "tokenizer.json"
						     : "vocab.txt");
	}
	draft_free(d);
	free(d);
	return t;
}

void
tokenizer_free(struct tokenizer *t)
{
	if (t == NULL)
		return;
	free(t->own);
	free(t);
}

struct str
tokenizer_block(const struct tokenizer *t)
{
	return (struct str){ (const char *)t->head, (size_t)t->head->size };
}

const char *
tokenizer_kind(const struct tokenizer *t)
{
	static const char *const NAMES[MODELS_END] = { "", "WordPiece", "BPE",
		"Unigram" };

	return NAMES[t->set->model];
}

uint32_t
tokenizer_vocab(const struct tokenizer *t)
{
	return t->set->tokens;
}

int64_t
tokenizer_id(const struct tokenizer *t, const char *s, size_t len)
{
	uint32_t id = token_find_string(t, s, len);

	return id == TOKEN_NONE ? -1 : (int64_t)id;
}

size_t
tokenizer_special(const struct tokenizer *t)
{
	return t->n_frame;
}

size_t
tokenizer_frame(
    const struct tokenizer *t, const uint32_t *ids, size_t n, uint32_t *out)
{
	size_t before = t->set->frame_before, behind = t->n_frame - before;

	if (before > 0)
		memcpy(out, t->frame, before * sizeof(*out));
	if (n > 0)
		memcpy(out + before, ids, n * sizeof(*out));
	if (behind > 0)
		memcpy(
		    out + before + n, t->frame + before, behind * sizeof(*out));
	return n + t->n_frame;
}

/*
 * A worker.
 */

struct tokens *
tokens_new(const struct tokenizer *t, struct error *e)
{
	struct tokens *w = mem_array(1, sizeof(*w));

	if (w != NULL) {
		w->t = t;
		w->cache = mem_aligned(CACHE_LINES, sizeof(*w->cache));
	}
	if (w == NULL || w->cache == NULL) {
		free(w);
		error_memory(e);
		return NULL;
	}
	return w;
}

void
tokens_free(struct tokens *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < TOKEN_STEPS_MAX; i++)
		buf_free(&w->stage[i]);
	buf_free(&w->norm[0]);
	buf_free(&w->norm[1]);
	buf_free(&w->clean);
	buf_free(&w->word);
	buf_free(&w->mapped);
	free(w->cache);
	free(w->ids);
	free(w->wait);
	free(w->sorted);
	free(w->symbols);
	free(w->heap);
	free(w->path);
	free(w);
}

/*
 * Added tokens, which stand for themselves wherever they are seen: the
 * longest at the leftmost place.
 */

struct added_match {
	size_t from, to; /* in the text */
	const struct token_added *token;
};

/* The first of added[low, high) whose byte at depth is at least c. */
static uint32_t
narrow(const struct tokenizer *t, uint32_t low, uint32_t high, size_t depth,
    unsigned c)
{
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct token_added *x = &t->added[mid];

		if ((unsigned char)t->strings[x->at + depth] < c)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The longest of the set's tokens that stands at s, or NULL. */
static const struct token_added *
added_at(const struct tokenizer *t, int set, const char *s, size_t n)
{
	const struct token_added *best = NULL;
	uint32_t low, high;

	low = t->first[set][(unsigned char)s[0]];
	high = t->first[set][(unsigned char)s[0] + 1];
	for (size_t depth = 1; low < high; depth++) {
		if (t->added[low].len == depth) {
			best = &t->added[low++];
			if (low == high)
				break;
		}
		if (depth == n)
			break;
		low = narrow(t, low, high, depth, (unsigned char)s[depth]);
		high =
		    narrow(t, low, high, depth, (unsigned char)s[depth] + 1u);
	}
	return best;
}

static size_t
char_before(const char *s, size_t at)
{
	do
		at--;
	while (at > 0 && (s[at] & 0xC0) == 0x80);
	return at;
}

static int
is_flagged(const char *s, uint32_t flag)
{
	size_t len;

	return (unicode_flags(unicode_next(s, &len)) & flag) != 0;
}

/* Whether a match counts, and what it takes of the space around it. */
static int
settle(struct added_match *m, struct str s, size_t taken)
{
	uint32_t how = m->token->flags;

	if ((how & ADDED_WORD) != 0 &&
	    ((m->from > 0 &&
		 is_flagged(s.s + char_before(s.s, m->from), UNICODE_WORD)) ||
		(m->to < s.len && is_flagged(s.s + m->to, UNICODE_WORD))))
		return 0;
	if ((how & ADDED_LEFT) != 0) {
		while (m->from > taken) {
			size_t at = char_before(s.s, m->from);

			if (!is_flagged(s.s + at, UNICODE_WHITE))
				break;
			m->from = at;
		}
		if (m->from < taken)
			m->from = taken;
	}
	if ((how & ADDED_RIGHT) != 0)
		while (m->to < s.len && is_flagged(s.s + m->to, UNICODE_WHITE))
			m->to += unicode_len(s.s[m->to]);
	return 1;
}

/* The next place from ${at} on where a token of the set may begin. */
static size_t
next_start(const struct tokenizer *t, int set, struct str s, size_t at)
{
	const uint32_t *first = t->first[set];
	uint32_t low = first[0], high = first[256];
	unsigned char c;

	if (low == high)
		return s.len;
	/* Often all begin with the same: "[" or "<". */
	c = (unsigned char)t->strings[t->added[low].at];
	if (first[c + 1] == high) {
		const char *p = memchr(s.s + at, c, s.len - at);

		return p != NULL ? (size_t)(p - s.s) : s.len;
	}
	while (at < s.len && first[(unsigned char)s.s[at]] ==
				 first[(unsigned char)s.s[at] + 1])
		at++;
	return at;
}

/*
 * split_added(t, w, set, s, zero, piece): give what lies between the set's
 * tokens to ${piece}, and take the tokens.
 */
static int
split_added(const struct tokenizer *t, struct tokens *w, int set, struct str s,
    size_t zero,
    int (*piece)(const struct tokenizer *, struct tokens *, struct str, size_t))
{
	size_t taken = 0, at = 0;

	while ((at = next_start(t, set, s, at)) < s.len) {
		struct added_match m = { at, at, NULL };

		m.token = added_at(t, set, s.s + at, s.len - at);
		if (m.token == NULL) {
			at++;
			continue;
		}
		m.to = at += m.token->len;
		if (!settle(&m, s, taken))
			continue;
		if (m.from > taken &&
		    piece(t, w, (struct str){ s.s + taken, m.from - taken },
			taken == 0 ? zero : 0) < 0)
			return -1;
		if (tokens_add(w, m.token->id) < 0)
			return -1;
		taken = m.to;
	}
	if (taken < s.len)
		return piece(t, w, (struct str){ s.s + taken, s.len - taken },
		    taken == 0 ? zero : 0);
	return 0;
}

static int
raw_piece(
    const struct tokenizer *t, struct tokens *w, struct str s, size_t zero)
{
	struct str out;

	if (normalize(t, w, s, zero, &out, &zero) < 0)
		return -1;
	return split_added(t, w, 1, out, zero, pretokenize);
}

ptrdiff_t
tokenizer_run(const struct tokenizer *t, struct tokens *w, const char *text,
    size_t len, const uint32_t **ids, struct error *e)
{
	struct str s = { text, len };
	size_t zero;

	w->n = w->first_wait = w->last_wait = 0;
	*ids = w->ids;
	if (len == 0)
		return 0;
	if (len > TEXT_MAX)
		return error_set(
		    e, "a text of %zu bytes, at most %d", len, TEXT_MAX);
	if (utf8_valid(text, len) != len) {
		w->clean.len = 0;
		if (utf8_clean(&w->clean, text, len, NULL) < 0)
			return error_memory(e);
		s = (struct str){ w->clean.data, w->clean.len };
	}
	zero = unicode_len(s.s[0]);
	w->grew = 0;
	if (split_added(t, w, 0, s, zero, raw_piece) < 0)
		return w->grew ? error_set(e,
				     "a text of %zu bytes becomes more than %d "
				     "times as long",
				     len, TOKEN_GROWTH)
			       : error_memory(e);
	*ids = w->ids;
	return (ptrdiff_t)w->n;
}
