#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the reference tokenizer library believes of characters, recorded from
 * it by tools/record-unicode.py: its tables are of several versions of
 * Unicode, mostly older than utf8proc's, and token ids depend on them.
 */

enum {
	UNICODE_DROP = 1 << 0,     /* BERT's cleaning removes it */
	UNICODE_MN = 1 << 1,       /* Mn, removed with the accents */
	UNICODE_PUNCT = 1 << 2,    /* punctuation, or such a symbol of ASCII */
	UNICODE_WHITE = 1 << 3,    /* White_Space */
	UNICODE_NUMERIC = 1 << 4,  /* N, as Digits sees it */
	UNICODE_WORD = 1 << 5,     /* \w */
	UNICODE_LETTER = 1 << 6,   /* \p{L} */
	UNICODE_NUMBER = 1 << 7,   /* \p{N} */
	UNICODE_SPACE = 1 << 8,    /* \s */
	UNICODE_MARK = 1 << 9,     /* M */
	UNICODE_NORM = 1 << 10,    /* decomposes, or has a combining class */
	UNICODE_ATTACH = 1 << 11,  /* grapheme: Extend, ZWJ, SpacingMark */
	UNICODE_PREPEND = 1 << 12, /* grapheme: Prepend */
	UNICODE_CONTROL = 1 << 13, /* grapheme: Control, outside ASCII */
	UNICODE_PICTURE = 1 << 14, /* Extended_Pictographic */
	UNICODE_CONSONANT = 1 << 15, /* grapheme: joined by a linker */
	UNICODE_LINKER = 1 << 16
};

struct unicode_lower {
	uint32_t first, last, step;
	int32_t add;
};

extern const uint32_t UNICODE_KINDS[];
extern const uint16_t UNICODE_BLOCK[]; /* [0x110000 / 128] */
extern const uint8_t UNICODE_KIND[];   /* [blocks * 128] */
extern const struct unicode_lower UNICODE_LOWER[];
extern const size_t UNICODE_LOWERS;

/* unicode_flags(c): of a code point below 0x110000. */
static inline uint32_t
unicode_flags(uint32_t c)
{
	return UNICODE_KINDS
	    [UNICODE_KIND[(uint32_t)UNICODE_BLOCK[c >> 7] * 128 + (c & 127)]];
}

/* unicode_lower(c, out): the lower case of one character; 1, or 2 for U+0130.
 * out: [2]. */
size_t unicode_lower(uint32_t c, uint32_t *out);

/*
 * Normalization as the reference's version of Unicode has it.
 * unicode_decompose: the whole canonical (or compatibility) decomposition of
 * one character.  out: [UNICODE_PARTS_MAX]; the count, at least 1.
 * unicode_combining: its canonical combining class.
 * unicode_compose: what the two compose to, or 0.
 */
enum { UNICODE_PARTS_MAX = 32 };
size_t unicode_decompose(uint32_t c, int compat, uint32_t *out);
unsigned unicode_combining(uint32_t c);
uint32_t unicode_compose(uint32_t a, uint32_t b);

/* Valid UTF-8 only: the character at s, and its length. */
static inline uint32_t
unicode_next(const char *s, size_t *len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (p[0] < 0x80) {
		*len = 1;
		return p[0];
	}
	if (p[0] < 0xE0) {
		*len = 2;
		return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
	}
	if (p[0] < 0xF0) {
		*len = 3;
		return (uint32_t)(p[0] & 0x0F) << 12 |
		       (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
	}
	*len = 4;
	return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
	       (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
}

/* The length of the character that begins with this byte. */
static inline size_t
unicode_len(char first)
{
	unsigned char c = (unsigned char)first;

	return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

#endif
