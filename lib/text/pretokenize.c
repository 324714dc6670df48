#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * The pre-tokenizers cut the normalized text into words, one after the other:
 * each piece that one makes goes through the next, down to the model.  The
 * depth is that of the list, at most TOKEN_STEPS_MAX.
 */

/* Where a step's pieces go. */
struct cut {
	const struct tokenizer *t;
	struct tokens *w;
	uint32_t step; /* the next one's number */
	int last;      /* none comes: pieces are words */
	const char *s; /* the text being cut */
	size_t zero;
};

static int take_piece(const struct tokenizer *t, struct tokens *w,
    uint32_t step, struct str s, size_t zero);

/* The piece [from, to) of the text goes on. */
static int
give(const struct cut *c, size_t from, size_t to)
{
	if (from == to)
		return 0;
	/* The text stays until take_piece is done with this step. */
	if (c->last)
		return queue_word(c->t, c->w, c->s + from, to - from);
	return take_piece(c->t, c->w, c->step,
	    (struct str){ c->s + from, to - from },
	    c->zero > from ? c->zero - from : 0);
}

/*
 * What is found and what lies between become pieces as the behaviour says:
 * spans come in order, without gaps, found ones marked.
 */
struct joiner {
	struct cut c;
	enum split_behavior how;
	int invert;
	size_t from, to; /* what is held back, empty at first */
	int was;         /* whether the span before was found */
};

static int
joiner_span(struct joiner *j, size_t from, size_t to, int found)
{
	int join = 0, was = j->was;

	if (from == to)
		return 0;
	found ^= j->invert;
	j->was = found;
	switch (j->how) {
	case SPLIT_REMOVED:
		return found ? 0 : give(&j->c, from, to);
	case SPLIT_PREVIOUS:
		join = found && !was;
		break;
	case SPLIT_NEXT:
		join = !found && was;
		break;
	case SPLIT_CONTIGUOUS:
		join = found == was;
		break;
	default:
		return give(&j->c, from, to);
	}
	if (join && j->to > j->from) {
		j->to = to;
		return 0;
	}
	if (give(&j->c, j->from, j->to) < 0)
		return -1;
	j->from = from;
	j->to = to;
	return 0;
}

static int
joiner_end(struct joiner *j)
{
	return give(&j->c, j->from, j->to);
}

/* ---- by single characters ---- */

static int
split_chars(struct joiner *j, struct str s, uint32_t flag)
{
	size_t from = 0;

	for (size_t i = 0, len; i < s.len; i += len) {
		if ((unicode_flags(unicode_next(s.s + i, &len)) & flag) == 0)
			continue;
		if (joiner_span(j, from, i, 0) < 0 ||
		    joiner_span(j, i, i + len, 1) < 0)
			return -1;
		from = i + len;
	}
	if (joiner_span(j, from, s.len, 0) < 0)
		return -1;
	return joiner_end(j);
}

/*
 * The letters and digits of ASCII at s, at most 8, which need not be in the
 * text: TOKEN_PAD bytes may be read behind it.  Eight bytes at once, each in
 * its lane of a word; a sum of less than 256 sets the top bit where a byte is
 * large enough.
 */
static size_t
plain_run(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t x, small, letter, digit, stop;

	memcpy(&x, s, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	small = (x | ones * 0x20) & ~tops;
	letter = (small + ones * (128 - 'a')) & ~(small + ones * (127 - 'z'));
	small = x & ~tops;
	digit = (small + ones * (128 - '0')) & ~(small + ones * (127 - '9'));
	stop = (~(letter | digit) | x) & tops;
	return stop == 0 ? 8 : (size_t)__builtin_ctzll(stop) / 8;
}

/* White space goes, punctuation stands alone, the rest is words.  What is no
 * letter or digit of ASCII: 0 part of a word, 1 white, 2 punctuation. */
static int
split_bert(const struct cut *c, struct str s)
{
	static const unsigned char CLASS[128] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2,
		2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 0 };
	size_t from = 0;

	for (size_t i = 0, len; i < s.len; i += len) {
		unsigned char b;
		int kind;

		len = plain_run(s.s + i);
		if (len > 0)
			continue;
		len = 1;
		b = (unsigned char)s.s[i];
		if (b < 128) {
			kind = CLASS[b];
		} else {
			uint32_t f = unicode_flags(unicode_next(s.s + i, &len));

			kind = (f & UNICODE_WHITE) != 0   ? 1
			       : (f & UNICODE_PUNCT) != 0 ? 2
							  : 0;
		}
		if (kind == 0)
			continue;
		if (give(c, from, i) < 0 ||
		    (kind == 2 && give(c, i, i + len) < 0))
			return -1;
		from = i + len;
	}
	/* The last run may have gone beyond the end. */
	return give(c, from, s.len);
}

/* \w+|[^\w\s]+ */
static int
split_words(const struct cut *c, struct str s)
{
	size_t from = 0;
	uint32_t was = UNICODE_WHITE;

	for (size_t i = 0, len; i < s.len; i += len) {
		uint32_t f = unicode_flags(unicode_next(s.s + i, &len));

		f &= UNICODE_WHITE | UNICODE_WORD;
		if (f == was)
			continue;
		if (was != UNICODE_WHITE && give(c, from, i) < 0)
			return -1;
		from = i;
		was = f;
	}
	return was != UNICODE_WHITE ? give(c, from, s.len) : 0;
}

static int
split_pattern(struct joiner *j, struct str s, uint32_t pattern)
{
	size_t from = 0;

	for (size_t i = 0, to; i < s.len; i = to) {
		to = pattern_match(pattern, s.s, i, s.len);
		if (to == i) {
			to += unicode_len(s.s[i]);
			continue;
		}
		if (joiner_span(j, from, i, 0) < 0 ||
		    joiner_span(j, i, to, 1) < 0)
			return -1;
		from = to;
	}
	if (joiner_span(j, from, s.len, 0) < 0)
		return -1;
	return joiner_end(j);
}

static int
split_string(struct joiner *j, struct str s, struct str a)
{
	size_t from = 0;

	for (size_t i = 0; s.len - i >= a.len;) {
		const char *p = memchr(s.s + i, a.s[0], s.len - i);

		if (p == NULL)
			break;
		i = (size_t)(p - s.s);
		if (s.len - i < a.len || memcmp(p, a.s, a.len) != 0) {
			i++;
			continue;
		}
		if (joiner_span(j, from, i, 0) < 0 ||
		    joiner_span(j, i, i + a.len, 1) < 0)
			return -1;
		from = i += a.len;
	}
	if (joiner_span(j, from, s.len, 0) < 0)
		return -1;
	return joiner_end(j);
}

/* ---- those that change the text ---- */

/* The piece in memory of this step's own, behind a prefix. */
static int
own_copy(struct cut *c, struct str *s, struct str prefix, int spaces,
    struct str replacement)
{
	struct buf *b = &c->w->stage[c->step - 1];

	b->len = 0;
	if (buf_put(b, prefix.s, prefix.len) < 0 ||
	    buf_reserve(b, s->len + TOKEN_PAD) < 0)
		return -1;
	if (spaces) {
		for (size_t i = 0, to; i < s->len; i = to + 1) {
			const char *p = memchr(s->s + i, ' ', s->len - i);

			to = p != NULL ? (size_t)(p - s->s) : s->len;
			if (buf_put(b, s->s + i, to - i) < 0 ||
			    (p != NULL &&
				buf_put(b, replacement.s, replacement.len) < 0))
				return -1;
			if (i < c->zero && c->zero == to + 1)
				c->zero = b->len - prefix.len;
		}
	} else if (buf_put(b, s->s, s->len) < 0) {
		return -1;
	}
	if (buf_reserve(b, TOKEN_PAD) < 0)
		return -1;
	memset(b->data + b->len, 0, TOKEN_PAD);
	if (c->zero > 0)
		c->zero += prefix.len;
	c->s = b->data;
	*s = (struct str){ b->data, b->len };
	return 0;
}

static int
starts_with(struct str s, struct str a)
{
	return s.len >= a.len && memcmp(s.s, a.s, a.len) == 0;
}

static int
split_metaspace(struct cut *c, const struct token_step *step, struct str s)
{
	struct joiner j = { .how = SPLIT_NEXT };
	struct str a = token_string(c->t, step->a), prefix = a;

	if (starts_with(s, a) || starts_with(s, (struct str){ " ", 1 }) ||
	    ((step->flags & META_ALWAYS) == 0 &&
		((step->flags & META_FIRST) == 0 || c->zero == 0)))
		prefix.len = 0;
	if (own_copy(c, &s, prefix, 1, a) < 0)
		return -1;
	if ((step->flags & META_SPLIT) == 0)
		return give(c, 0, s.len);
	j.c = *c;
	return split_string(&j, s, a);
}

static int
split_bytes(struct cut *c, const struct token_step *step, struct str s)
{
	struct joiner j = { .how = SPLIT_ISOLATED };

	if ((step->flags & 1) != 0 && s.s[0] != ' ' &&
	    own_copy(
		c, &s, (struct str){ " ", 1 }, 0, (struct str){ NULL, 0 }) < 0)
		return -1;
	if ((step->flags & 2) == 0)
		return give(c, 0, s.len);
	j.c = *c;
	return split_pattern(&j, s, PATTERN_GPT2);
}

static int
run_step(const struct tokenizer *t, struct tokens *w, uint32_t step,
    struct str s, size_t zero)
{
	const struct token_step *x = &t->steps[t->set->normalizers + step];
	struct joiner j = { { t, w, step + 1, step + 1 == t->set->splitters,
				s.s, zero },
		0, 0, 0, 0, 0 };

	j.how = x->flags & 15;
	j.invert = (x->flags & SPLIT_INVERT) != 0;
	switch (x->op) {
	case SPLIT_BERT:
		return split_bert(&j.c, s);
	case SPLIT_WHITE:
		j.how = SPLIT_REMOVED;
		j.invert = 0;
		return split_chars(&j, s, UNICODE_WHITE);
	case SPLIT_WORDS:
		return split_words(&j.c, s);
	case SPLIT_PUNCT:
		return split_chars(&j, s, UNICODE_PUNCT);
	case SPLIT_DIGITS:
		return split_chars(&j, s, UNICODE_NUMERIC);
	case SPLIT_STRING:
		return split_string(&j, s, token_string(t, x->a));
	case SPLIT_PATTERN:
		return split_pattern(&j, s, x->flags >> 8);
	case SPLIT_METASPACE:
		return split_metaspace(&j.c, x, s);
	default:
		return split_bytes(&j.c, x, s);
	}
}

static int
take_piece(const struct tokenizer *t, struct tokens *w, uint32_t step,
    struct str s, size_t zero)
{
	if (step == t->set->splitters)
		return take_word(t, w, s.s, s.len);
	if (run_step(t, w, step, s, zero) < 0)
		return -1;
	return step + 1 == t->set->splitters ? queue_flush(t, w) : 0;
}

int
pretokenize(
    const struct tokenizer *t, struct tokens *w, struct str s, size_t zero)
{
	return take_piece(t, w, 0, s, zero);
}
