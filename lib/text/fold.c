#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/fold.h"

/* No character decomposes into more (U+FDFA: 18). */
enum { PARTS_MAX = 32 };

static const utf8proc_option_t NFKC_CASEFOLD =
    UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
    UTF8PROC_IGNORE;

const char *
fold_unicode(void)
{
	return utf8proc_unicode_version();
}

void
fold_start(struct fold *f, const char *s, size_t n)
{
	f->s = s;
	f->len = n;
	f->at = 0;
	f->n = 0;
	f->bad = 0;
	f->nwait = 0;
}

void
fold_free(struct fold *f)
{
	free(f->out);
	free(f->wait);
	free(f->sorted);
	*f = (struct fold){ 0 };
}

static int
within(uint32_t c, uint32_t low, uint32_t high)
{
	return c >= low && c <= high;
}

/* Scripts that put no spaces between words. */
static int
is_run(uint32_t c)
{
	return within(c, 0x0E00, 0x0EFF) || /* Thai, Lao */
	       within(c, 0x1000, 0x109F) || /* Myanmar */
	       within(c, 0x1780, 0x17FF) || /* Khmer */
	       within(c, 0x3005, 0x3007) || /* CJK iteration, zero */
	       within(c, 0x3040, 0x30FF) || /* kana */
	       within(c, 0x31F0, 0x31FF) || /* small katakana */
	       within(c, 0x3400, 0x4DBF) || /* CJK extension A */
	       within(c, 0x4E00, 0x9FFF) || /* CJK */
	       within(c, 0x20000, 0x3FFFF); /* the other extensions */
}

static enum fold_class
classify(uint32_t c)
{
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return is_run(c) ? FOLD_RUN : FOLD_LETTER;
	case UTF8PROC_CATEGORY_SO:
		/* What ill-formed text became says nothing. */
		return c == UTF8_REPLACEMENT ? FOLD_BREAK : FOLD_ALONE;
	default:
		return FOLD_BREAK;
	}
}

/*
 * Whether c, decomposed, surely composes with nothing before it: then what
 * waits can go.  In Unicode the second of a pair is a mark, a conjoining
 * vowel or final, or one of a few letters beyond the basic plane.
 */
static int
begins_anew(int32_t c)
{
	utf8proc_category_t k;

	if (c < 0x300)
		return 1;
	if (within((uint32_t)c, 0x1160, 0x11FF) ||
	    within((uint32_t)c, 0x10000, 0x1FFFF))
		return 0;
	k = utf8proc_category(c);
	return k != UTF8PROC_CATEGORY_MN && k != UTF8PROC_CATEGORY_MC &&
	       k != UTF8PROC_CATEGORY_ME;
}

static unsigned
combining_class(int32_t c)
{
	return (unsigned)utf8proc_get_property(c)->combining_class;
}

/*
 * Put the marks p: [n], none of class 0, in the order of their classes,
 * stably and in linear time: utf8proc's own way is quadratic.
 */
static int
sort_marks(struct fold *f, int32_t *p, size_t n)
{
	size_t start[257] = { 0 };

	if (n < 2)
		return 0;
	if (mem_grow(&f->sorted, &f->sorted_cap, n, sizeof(*p)) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		start[(combining_class(p[i]) & 0xFF) + 1]++;
	for (int k = 0; k < 256; k++)
		start[k + 1] += start[k];
	for (size_t i = 0; i < n; i++)
		f->sorted[start[combining_class(p[i]) & 0xFF]++] = p[i];
	memcpy(p, f->sorted, n * sizeof(*p));
	return 0;
}

static int
sort_all_marks(struct fold *f)
{
	size_t i = 0, from;

	while (i < f->nwait) {
		while (i < f->nwait && combining_class(f->wait[i]) == 0)
			i++;
		from = i;
		while (i < f->nwait && combining_class(f->wait[i]) != 0)
			i++;
		if (sort_marks(f, f->wait + from, i - from) < 0)
			return -1;
	}
	return 0;
}

/* Room in out for ${more} after what is there. */
static int
reserve(struct fold *f, size_t more)
{
	return mem_grow(&f->out, &f->cap, f->n + more, sizeof(*f->out));
}

/* Compose what waits and give it out. */
static int
flush(struct fold *f)
{
	utf8proc_ssize_t n = (utf8proc_ssize_t)f->nwait;

	if (n > 1) {
		if (sort_all_marks(f) < 0)
			return -1;
		n = utf8proc_normalize_utf32(f->wait, n, NFKC_CASEFOLD);
	}
	if (n < 0 || reserve(f, (size_t)n) < 0)
		return -1;
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		uint32_t c = (uint32_t)f->wait[i];

		f->out[f->n++] = c | (uint32_t)classify(c) << 24;
	}
	f->nwait = 0;
	return 0;
}

/* Decompose and fold the character that comes next. */
static int
long_way(struct fold *f)
{
	utf8proc_int32_t parts[PARTS_MAX];
	utf8proc_ssize_t n;
	uint32_t c;
	int used = utf8_decode(f->s + f->at, f->len - f->at, &c), last = 0;

	f->bad += used < 0;
	f->at += (size_t)(used < 0 ? -used : used);
	n = utf8proc_decompose_char(
	    (utf8proc_int32_t)c, parts, PARTS_MAX, NFKC_CASEFOLD, &last);
	if (n < 0 || n > PARTS_MAX) {
		parts[0] = (utf8proc_int32_t)c;
		n = 1;
	}
	for (utf8proc_ssize_t i = 0; i < n; i++) {
		if (begins_anew(parts[i]) && flush(f) < 0)
			return -1;
		if (mem_grow(&f->wait, &f->wait_cap, f->nwait + 1,
			sizeof(*f->wait)) < 0)
			return -1;
		f->wait[f->nwait++] = parts[i];
	}
	return 0;
}

/* Letters and digits, the capitals as small ones, and breaks. */
static inline uint32_t
fold_ascii(uint32_t c)
{
	uint32_t small = c | 0x20;
	uint32_t letter = small - 'a' < 26, digit = c - '0' < 10;

	return (c | letter << 5) | (uint32_t)FOLD_BREAK * (1 - (letter | digit))
				       << 24;
}

/*
 * ASCII needs no tables of Unicode.  Only its last character may have to wait
 * for a mark.
 */
static int
short_way(struct fold *f, size_t n)
{
	const unsigned char *restrict p = (const unsigned char *)f->s + f->at;
	uint32_t *restrict out;

	if (flush(f) < 0 || reserve(f, n) < 0)
		return -1;
	out = f->out + f->n;
	for (size_t i = 0; i < n; i++)
		out[i] = fold_ascii(p[i]);
	f->n += n;
	f->at += n;
	return 0;
}

int
fold_next(struct fold *f)
{
	f->n = 0;
	while (f->at < f->len && f->n < FOLD_CHUNK) {
		size_t left = f->len - f->at;
		size_t most = left < FOLD_CHUNK ? left : FOLD_CHUNK;
		size_t n = f->plain ? 0 : utf8_ascii(f->s + f->at, most);

		if (n > 0 && n < left && (f->s[f->at + n] & 0x80) != 0)
			n--;
		if ((n > 0 ? short_way(f, n) : long_way(f)) < 0)
			return -1;
	}
	if (f->at == f->len && flush(f) < 0)
		return -1;
	return f->n > 0;
}

size_t
fold_decompose(uint32_t c, int compat, uint32_t *out, size_t max)
{
	utf8proc_int32_t parts[PARTS_MAX];
	utf8proc_ssize_t n;
	int last = 0;

	n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, PARTS_MAX,
	    UTF8PROC_STABLE | (compat ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT
				      : UTF8PROC_DECOMPOSE),
	    &last);
	if (n < 1 || n > PARTS_MAX || (size_t)n > max)
		return 0;
	for (utf8proc_ssize_t i = 0; i < n; i++)
		out[i] = (uint32_t)parts[i];
	return (size_t)n;
}

unsigned
fold_combining(uint32_t c)
{
	return combining_class((int32_t)c);
}

uint32_t
fold_compose(uint32_t a, uint32_t b)
{
	utf8proc_int32_t pair[2] = { (int32_t)a, (int32_t)b };

	if (utf8proc_normalize_utf32(
		pair, 2, UTF8PROC_STABLE | UTF8PROC_COMPOSE) != 1)
		return 0;
	return (uint32_t)pair[0];
}
