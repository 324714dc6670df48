#ifndef TEXT_FOLD_H
#define TEXT_FOLD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Text as a sequence of folded characters: NFKC_Casefold (Unicode Standard
 * Annex 44), that is compatibility forms unified, case folded, ignorable
 * characters dropped, accents composed.  Each comes with its class, which
 * says how n-grams see it.
 *
 * Ill-formed UTF-8 is read as utf8_clean writes it.  Time is linear in the
 * length of any input, memory a few pages and four times the longest run of
 * combining marks.  ASCII takes a short way that gives what the long one does.
 *
 *	fold_start(&f, s, n);
 *	while ((r = fold_next(&f)) > 0)
 *		use f.out[0 .. f.n)
 */

enum fold_class {
	FOLD_LETTER, /* letters, marks, digits: part of a word */
	FOLD_RUN,    /* of a script without spaces: CJK, kana, Thai, Lao,
		      * Khmer, Myanmar */
	FOLD_ALONE,  /* other symbols, such as emoji: a word by itself */
	FOLD_BREAK   /* spaces, punctuation, all the rest */
};

/* An element of out: the code point, and its class from bit 24 on. */
#define FOLD_POINT(t) ((t)&0x1FFFFF)
#define FOLD_CLASS(t) ((t) >> 24)

enum { FOLD_CHUNK = 4096 };

struct fold {
	uint32_t *out; /* [n] what fold_next gave */
	size_t n, cap;
	size_t bad; /* ill-formed sequences so far */
	/* The rest is fold.c's own. */
	const char *s; /* text: [len], at: the next byte */
	size_t len, at;
	int plain;     /* never take the short way (tests) */
	int32_t *wait; /* a base and its marks, decomposed: [nwait] */
	size_t nwait, wait_cap;
	int32_t *sorted; /* memory to sort them */
	size_t sorted_cap;
};

/* fold_start: begin with the text s: [n], which must stay.  ${f} was zeroed
 * before its first use; its memory is used again. */
void fold_start(struct fold *f, const char *s, size_t n);

/* fold_next: the next characters, about FOLD_CHUNK: 1; 0 at the end; -1 when
 * memory is out. */
int fold_next(struct fold *f);

void fold_free(struct fold *f);

/*
 * The same library's knowledge of single characters, for unicode.c:
 * fold_decompose(c, compat, out, max): the whole canonical (compatibility)
 * decomposition, or 0 if there is none that fits.  fold_combining: the
 * canonical combining class.  fold_compose(a, b): what a starter and what
 * follows compose to, or 0.
 */
size_t fold_decompose(uint32_t c, int compat, uint32_t *out, size_t max);
unsigned fold_combining(uint32_t c);
uint32_t fold_compose(uint32_t a, uint32_t b);

/* fold_unicode: the version of Unicode, "14.0.0". */
const char *fold_unicode(void);

#endif
