#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Texts to token ids, as the model's own tokenizer.json (or vocab.txt) says:
 * WordPiece, byte-level BPE and Unigram, with their normalizers,
 * pre-tokenizers and post-processors.  The ids are those of the reference
 * library (https://github.com/huggingface/tokenizers).
 *
 * A tokenizer is one block of bytes, built from the model's files or taken as
 * it lies in a packed file; it is only read afterwards, by any number of
 * threads, each with a cache of its own.  Time is linear in the text, the
 * stack constant.  Files are hostile input: -1 or NULL with a sentence.
 */

struct tokenizer; /* opaque */

/* The files a tokenizer is built from; each may be empty (len 0).  Borrowed
 * during the call. */
struct tokenizer_files {
	struct str tokenizer; /* tokenizer.json; the first choice */
	struct str vocab;     /* vocab.txt: WordPiece */
	struct str config;    /* tokenizer_config.json: do_lower_case ... */
};

struct tokenizer *tokenizer_build(
    const struct tokenizer_files *files, struct error *e);
/* tokenizer_map(p, len, e): what tokenizer_block gave before, e.g. from a
 * mapped file; it is checked and must outlive the tokenizer; 64-byte aligned.
 */
struct tokenizer *tokenizer_map(const void *p, size_t len, struct error *e);
void tokenizer_free(struct tokenizer *t); /* NULL is fine */

/* tokenizer_block: the block of bytes, the same on every machine. */
struct str tokenizer_block(const struct tokenizer *t);

const char *tokenizer_kind(const struct tokenizer *t); /* "WordPiece" ... */
uint32_t tokenizer_vocab(const struct tokenizer *t);   /* highest id + 1 */
/* tokenizer_id: the id of a token (whole, as in the vocabulary), or -1. */
int64_t tokenizer_id(const struct tokenizer *t, const char *s, size_t len);
/* tokenizer_special(t, n): how many special tokens a text gets. */
size_t tokenizer_special(const struct tokenizer *t);

/* One worker's memory: the ids of a text, and a cache of words. */
struct tokens; /* opaque */
struct tokens *tokens_new(const struct tokenizer *t, struct error *e);
void tokens_free(struct tokens *w);

/*
 * tokenizer_run(t, w, text, len, e): the ids of one text without special
 * tokens, valid until the next call.  The count, or -1 when memory is out.
 * Ill-formed UTF-8 reads as U+FFFD.
 */
ptrdiff_t tokenizer_run(const struct tokenizer *t, struct tokens *w,
    const char *text, size_t len, const uint32_t **ids, struct error *e);

/*
 * tokenizer_frame(t, ids, n, out): put the special tokens around n ids, as the
 * post-processor says for a single text ([CLS] ... [SEP]); out: [n +
 * tokenizer_special].  Returns the count.  For windows of a long text each
 * window is framed.
 */
size_t tokenizer_frame(
    const struct tokenizer *t, const uint32_t *ids, size_t n, uint32_t *out);

#endif
