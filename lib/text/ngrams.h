#ifndef TEXT_NGRAMS_H
#define TEXT_NGRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * The built-in encoder of text: hashed n-grams of words and characters, of
 * unit length.  It needs no model, knows no language, and is fast.
 *
 * The text is folded (fold.h).  A word is a run of letters; from each come
 *	its n-grams of characters, with one boundary mark (U+0020) before and
 *	one behind the word ("cat": " ca", "cat", "at ", " cat", "cat ",
 *	" cat "): of 3 to 5 in a sparse vector, of 2 to 5 in a dense one;
 *	in a sparse vector the word, and the pair of it with the word before.
 * Runs of a script without spaces give their n-grams of 1 to 3 characters, a
 * symbol that stands alone gives itself.  Breaks separate and give nothing;
 * pairs reach across breaks but not across runs and symbols.
 *
 * An n-gram that occurs c times adds +-weight(kind) * (1 + ln c) to one place
 * of the vector; 40 bits of its hash (ngrams_hash) decide which and the sign.
 * Sums are kept in fixed point, so they do not depend on the order of words.
 * A text with more than NGRAMS_DISTINCT different n-grams is counted in
 * pieces, which are added.
 *
 * Functions return -1 with a sentence: when memory is out, or when all that a
 * text holds cancels out, which does not happen but in a few dimensions.  A
 * struct ngrams
 * belongs to one thread and keeps its memory from text to text.
 */

enum {
	NGRAMS_VERSION = 1, /* raised by whatever changes a vector */
	NGRAMS_MAX = 5,     /* characters */
	NGRAMS_DIM = 1024,  /* defaults */
	NGRAMS_SPARSE_DIM = 1 << 20,
	NGRAMS_DISTINCT = 1 << 20,
	NGRAMS_PAIRS = 1 << 20 /* most pairs of a sparse vector */
};

enum ngrams_kind {
	NGRAMS_PAIR, /* of words */
	NGRAMS_1,    /* of so many characters: kind - NGRAMS_1 + 1 */
	NGRAMS_2,
	NGRAMS_3,
	NGRAMS_4,
	NGRAMS_5,
	NGRAMS_WORD,
	NGRAMS_KINDS
};

struct ngrams; /* opaque */

/* ngrams_new(dim, sparse): vectors of ${dim} places.  NULL on error. */
struct ngrams *ngrams_new(uint32_t dim, int sparse, struct error *e);
void ngrams_free(struct ngrams *g);

/*
 * ngrams_dense(g, s, n, out): the vector of the text s: [n].
 *   out: [dim], all of it is written; unit length, or zero
 * Returns 1; 0 when the text holds nothing to encode.
 *
 * ngrams_sparse: the same as pairs in the order of their index, in memory of
 * ${g} that is valid until its next use.  Returns the number of pairs; 0 when
 * the text holds nothing to encode.
 *   *index, *value: [result], values not 0
 */
int ngrams_dense(
    struct ngrams *g, const char *s, size_t n, float *out, struct error *e);
ptrdiff_t ngrams_sparse(struct ngrams *g, const char *s, size_t n,
    const uint32_t **index, const float **value, struct error *e);

/* ngrams_bad: ill-formed UTF-8 sequences in the text encoded last. */
size_t ngrams_bad(const struct ngrams *g);

/* ngrams_space, ngrams_run: append what a stream's header says about such
 * vectors, as JSON objects; texts were cut to max_bytes.  0 or -1 (memory). */
int ngrams_space(struct buf *b, uint32_t dim, int sparse);
int ngrams_run(struct buf *b, size_t max_bytes);

/*
 * The hash of an n-gram, a word or a pair of words, from their code points.
 * With the odd constants A, B and S[kind] of ngrams.c, modulo 2^64:
 *	key of an n-gram = its first three code points, 21 bits each, the
 *	    first uppermost, times A; then key = (key + c) A for each other
 *	key of a word = from 0, key = (key + c) A for each of its code points
 *	key of a pair = (key of the first) * A + (key of the second)
 *	hash = mum(key ^ S[kind], B), mum the folded product of hash.h
 * The place is floor(h * dim / 2^32) with h the upper 32 bits of the hash;
 * bit 24 set means minus; the lower 24 bits are not used.
 *   c: [n]   a: [na]   b: [nb]
 */
uint64_t ngrams_hash(enum ngrams_kind kind, const uint32_t *c, size_t n);
uint64_t ngrams_hash_word(const uint32_t *c, size_t n);
uint64_t ngrams_hash_pair(
    const uint32_t *a, size_t na, const uint32_t *b, size_t nb);

/* ngrams_weight: of a kind, in dense or sparse vectors; 0: it is not there. */
double ngrams_weight(enum ngrams_kind kind, int sparse);

#endif
