#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * The hash table of tokens: a slot holds the id plus one in its low 24 bits
 * and 8 bits of the hash above, 0 where it is free; the next slots are tried
 * in turn, at most TOKEN_PROBES_MAX.
 */
uint32_t
token_find(const struct tokenizer *t, uint64_t h, struct str prefix,
    const char *s, size_t n)
{
	size_t mask = t->n_slots - 1, at;
	uint32_t tag;

	h = token_hash_end(h);
	at = (size_t)h & mask;
	tag = (uint32_t)(h >> 56) << 24;
	for (int k = 0; k < TOKEN_PROBES_MAX; k++, at = (at + 1) & mask) {
		uint32_t slot = t->slots[at], id;
		struct str x;

		if (slot == 0)
			return TOKEN_NONE;
		if ((slot ^ tag) >> 24 != 0)
			continue;
		id = (slot & 0xFFFFFF) - 1;
		x = token_text(t, id);
		if (x.len == prefix.len + n &&
		    memcmp(x.s + prefix.len, s, n) == 0 &&
		    memcmp(x.s, prefix.s, prefix.len) == 0)
			return id;
	}
	return TOKEN_NONE;
}

uint32_t
token_find_string(const struct tokenizer *t, const char *s, size_t n)
{
	return token_find(
	    t, token_hash(TOKEN_HASH_START, s, n), (struct str){ "", 0 }, s, n);
}

uint32_t
token_model_id(const struct tokenizer *t, const char *s, size_t n)
{
	uint32_t id = token_find_string(t, s, n);

	return id < t->set->model_tokens ? id : TOKEN_NONE;
}

static uint64_t
pair_hash(uint32_t a, uint32_t b)
{
	return hash_mix((uint64_t)a << 32 | b);
}

uint32_t
token_pair(const struct tokenizer *t, uint32_t a, uint32_t b)
{
	size_t mask = t->n_pairs - 1, at = (size_t)pair_hash(a, b) & mask;

	for (int k = 0; k < TOKEN_PROBES_MAX; k++, at = (at + 1) & mask) {
		uint32_t rank = t->pairs[at];

		if (rank == 0)
			return TOKEN_NONE;
		if (t->merges[rank - 1].a == a && t->merges[rank - 1].b == b)
			return rank - 1;
	}
	return TOKEN_NONE;
}

/*
 * Checks.  The block may come from a file: whatever is used as an offset or
 * an id is compared with what is there.
 */

static int
bad(struct error *e, const char *what)
{
	return error_set(e, "tokenizer block: %s", what);
}

static const void *
part(const struct token_head *h, int which, size_t size, size_t *n)
{
	*n = (size_t)h->part[which].len / size;
	return (const char *)h + h->part[which].at;
}

static int
power_of_two(size_t n)
{
	return n > 0 && (n & (n - 1)) == 0;
}

static const uint32_t SIZES[PARTS] = {
	[PART_STEPS] = sizeof(struct token_step),
	[PART_ADDED] = sizeof(struct token_added),
	[PART_FRAME] = 4,
	[PART_STRINGS] = 1,
	[PART_ENDS] = 4,
	[PART_TEXT] = 1,
	[PART_SLOTS] = 4,
	[PART_REACH] = 1,
	[PART_SCORES] = 8,
	[PART_MERGES] = sizeof(struct token_merge),
	[PART_PAIRS] = 4,
	[PART_TRIE] = 4,
	[PART_FORMS] = 1,
};

static int
check_head(const struct token_head *h, size_t len, struct error *e)
{
	if (len < sizeof(*h) || memcmp(h->magic, "VPTOKEN", 8) != 0)
		return bad(e, "not one");
	if (h->order != 0x01020304)
		return bad(e, "made on a machine of another byte order");
	if (h->version != TOKEN_VERSION)
		return bad(e, "of another version");
	if (h->size != len)
		return bad(e, "cut short");
	for (int i = 0; i < PARTS; i++)
		if (h->part[i].at > len ||
		    h->part[i].len > len - h->part[i].at ||
		    h->part[i].at % TOKEN_ALIGN != 0 ||
		    h->part[i].len % SIZES[i] != 0)
			return bad(e, "a part outside of it");
	return 0;
}

static int
check_tokens(const struct tokenizer *t, size_t n_ends, struct error *e)
{
	const struct token_settings *s = t->set;
	uint32_t from = 0, longest = 0;
	int wrong = 0;

	if (s->tokens == 0 || s->tokens > TOKEN_IDS_MAX ||
	    s->tokens != n_ends || s->model_tokens > s->tokens)
		return bad(e, "number of tokens");
	for (size_t i = 0; i < n_ends; i++) {
		uint32_t len = t->ends[i] - from;

		wrong |= t->ends[i] < from || len - 1 >= TOKEN_BYTES_MAX;
		longest = len > longest ? len : longest;
		from = t->ends[i];
	}
	if (wrong || from != t->n_text || longest != s->longest)
		return bad(e, "ends of tokens");
	if (!power_of_two(t->n_slots) || !power_of_two(t->n_reach))
		return bad(e, "size of a hash table");
	for (size_t i = 0; i < t->n_slots; i++)
		wrong |= (t->slots[i] & 0xFFFFFF) > s->tokens ||
			 (t->slots[i] != 0 && (t->slots[i] & 0xFFFFFF) == 0);
	if (wrong)
		return bad(e, "an id in the hash table");
	return 0;
}

static int
check_string(const struct tokenizer *t, const uint32_t s[2])
{
	return s[0] <= t->n_strings && s[1] <= t->n_strings - s[0] &&
	       utf8_valid(t->strings + s[0], s[1]) == s[1];
}

static int
check_step(const struct tokenizer *t, const struct token_step *s)
{
	uint32_t how = s->flags & 15, pattern = s->flags >> 8;

	if (!check_string(t, s->a) || !check_string(t, s->b))
		return 0;
	switch (s->op) {
	case NORM_REPLACE:
		return s->flags == PATTERN_NONE ? s->a[1] > 0
						: s->flags <= PATTERN_BLANKS;
	case NORM_CHARSMAP:
		return t->n_trie > 0;
	case SPLIT_METASPACE: /* one character */
		return s->a[1] > 0 &&
		       s->a[1] == unicode_len(t->strings[s->a[0]]);
	case SPLIT_STRING:
		return s->a[1] > 0 && how < SPLIT_BEHAVIORS;
	case SPLIT_PATTERN:
		return pattern >= PATTERN_GPT2 && pattern < PATTERNS &&
		       how < SPLIT_BEHAVIORS;
	case SPLIT_PUNCT:
	case SPLIT_DIGITS:
		return how < SPLIT_BEHAVIORS;
	default:
		return 1;
	}
}

static int
check_steps(const struct tokenizer *t, size_t n, struct error *e)
{
	const struct token_settings *s = t->set;

	if (n > TOKEN_STEPS_MAX || s->normalizers > n ||
	    s->splitters != n - s->normalizers)
		return bad(e, "number of steps");
	for (size_t i = 0; i < n; i++) {
		uint32_t op = t->steps[i].op;

		if (i < s->normalizers ? op >= NORM_END
				       : op <= NORM_END || op >= SPLIT_END)
			return bad(e, "a step of no known kind");
		/* Behind ByteLevel words are bytes, for the model alone. */
		if (!check_step(t, &t->steps[i]) ||
		    (op == SPLIT_BYTES && i + 1 < n))
			return bad(e, "a step");
	}
	if (!check_string(t, s->prefix) || !check_string(t, s->suffix))
		return bad(e, "prefix or suffix");
	if (s->prefix[1] > TOKEN_AFFIX_MAX || s->suffix[1] > TOKEN_AFFIX_MAX)
		return bad(e, "prefix or suffix");
	if (utf8_valid(t->forms, t->n_forms) != t->n_forms)
		return bad(e, "forms of the charsmap");
	return 0;
}

static int
check_added(struct tokenizer *t, struct error *e)
{
	uint32_t raw = t->set->added_raw;

	if (t->n_added > TOKEN_ADDED_MAX || raw > t->n_added)
		return bad(e, "number of added tokens");
	for (uint32_t i = 0; i < t->n_added; i++) {
		const struct token_added *x = &t->added[i];
		uint32_t s[2] = { x->at, x->len };
		int set = i >= raw;

		if (!check_string(t, s) || x->len == 0 ||
		    x->len > TOKEN_BYTES_MAX || x->id >= t->set->tokens)
			return bad(e, "an added token");
		if (i > 0 && i != raw &&
		    str_cmp(token_string(t, s),
			(struct str){ t->strings + x[-1].at, x[-1].len }) <= 0)
			return bad(e, "order of the added tokens");
		/* first: count, then where each byte's begin. */
		t->first[set][(unsigned char)t->strings[x->at] + 1]++;
	}
	for (int set = 0; set < 2; set++) {
		t->first[set][0] = set == 0 ? 0 : raw;
		for (int c = 0; c < 256; c++)
			t->first[set][c + 1] += t->first[set][c];
	}
	if (t->n_frame > TOKEN_FRAME_MAX || t->set->frame_before > t->n_frame)
		return bad(e, "special tokens");
	for (size_t i = 0; i < t->n_frame; i++)
		if (t->frame[i] >= t->set->tokens)
			return bad(e, "special tokens");
	return 0;
}

static int
check_bpe(const struct tokenizer *t, struct error *e)
{
	uint32_t n = t->set->model_tokens;
	int wrong = 0;

	if (!power_of_two(t->n_pairs))
		return bad(e, "size of a hash table");
	for (size_t i = 0; i < t->n_merges; i++)
		wrong |= t->merges[i].a >= n || t->merges[i].b >= n ||
			 t->merges[i].made >= n;
	for (size_t i = 0; i < t->n_pairs; i++)
		wrong |= t->pairs[i] > t->n_merges;
	return wrong ? bad(e, "an id of a merge") : 0;
}

static int
check_unigram(struct tokenizer *t, size_t n_scores, struct error *e)
{
	int wrong = 0;

	if (n_scores != t->set->model_tokens)
		return bad(e, "number of scores");
	t->least = INFINITY;
	for (size_t i = 0; i < n_scores; i++) {
		wrong |= !isfinite(t->scores[i]);
		if (t->scores[i] < t->least)
			t->least = t->scores[i];
	}
	/* What the reference calls the penalty of an unknown character. */
	t->least -= 10;
	return wrong ? bad(e, "a score is not finite") : 0;
}

static int
check_model(struct tokenizer *t, size_t n_scores, struct error *e)
{
	const struct token_settings *s = t->set;

	if (s->unk != TOKEN_NONE && s->unk >= s->model_tokens)
		return bad(e, "the unknown token");
	switch (s->model) {
	case MODEL_WORDPIECE:
		return s->unk == TOKEN_NONE ? bad(e, "no unknown token") : 0;
	case MODEL_BPE:
		return check_bpe(t, e);
	case MODEL_UNIGRAM:
		return s->unk == TOKEN_NONE ? bad(e, "no unknown token")
					    : check_unigram(t, n_scores, e);
	default:
		return bad(e, "a model of no known kind");
	}
}

int
tokenizer_check(struct tokenizer *t, const void *p, size_t len, struct error *e)
{
	const struct token_head *h = p;
	size_t n_steps, n_ends, n_scores;

	if (p == NULL || (uintptr_t)p % TOKEN_ALIGN != 0)
		return bad(e, "not aligned");
	if (check_head(h, len, e) < 0)
		return -1;
	t->head = h;
	t->set = &h->set;
	t->steps = part(h, PART_STEPS, SIZES[PART_STEPS], &n_steps);
	t->added = part(h, PART_ADDED, SIZES[PART_ADDED], &t->n_added);
	t->frame = part(h, PART_FRAME, SIZES[PART_FRAME], &t->n_frame);
	t->strings = part(h, PART_STRINGS, 1, &t->n_strings);
	t->ends = part(h, PART_ENDS, SIZES[PART_ENDS], &n_ends);
	t->text = part(h, PART_TEXT, 1, &t->n_text);
	t->slots = part(h, PART_SLOTS, SIZES[PART_SLOTS], &t->n_slots);
	t->reach = part(h, PART_REACH, 1, &t->n_reach);
	t->scores = part(h, PART_SCORES, SIZES[PART_SCORES], &n_scores);
	t->merges = part(h, PART_MERGES, SIZES[PART_MERGES], &t->n_merges);
	t->pairs = part(h, PART_PAIRS, SIZES[PART_PAIRS], &t->n_pairs);
	t->trie = part(h, PART_TRIE, SIZES[PART_TRIE], &t->n_trie);
	t->forms = part(h, PART_FORMS, 1, &t->n_forms);
	if (check_tokens(t, n_ends, e) < 0 || check_steps(t, n_steps, e) < 0 ||
	    check_added(t, e) < 0 || check_model(t, n_scores, e) < 0)
		return -1;
	if (t->n_trie > 0)
		charsmap_start(t);
	t->in_bytes = n_steps > h->set.normalizers &&
		      t->steps[n_steps - 1].op == SPLIT_BYTES;
	for (unsigned i = 0; i < 256; i++) {
		static const char HEX[] = "0123456789ABCDEF";
		char name[6] = { '<', '0', 'x', HEX[i >> 4], HEX[i & 15], '>' };

		t->bytes[i] = token_model_id(t, name, sizeof(name));
	}
	return 0;
}
