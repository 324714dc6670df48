#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "base/json.h"
#include "text/tokenizer.h"

/*
 * What the files of the tokenizer share.
 *
 *	tokenizer.c        the front, added tokens
 *	token_cache.c      words to ids through a cache
 *	tokenizer_build.c  from files to a draft, from a draft to the block
 *	tokenizer_json.c   tokenizer.json: its model and its added tokens;
 *	                   tokenizer_score.c reads its scores
 *	tokenizer_part.c   the objects of its pipeline, tokenizer_steps.c the
 *	                   normalizers and pre-tokenizers, tokenizer_frame.c
 *	                   the post-processors
 *	tokenizer_text.c   vocab.txt and tokenizer_config.json
 *	tokenizer_block.c  the block: checks, look-up of tokens
 *	normalize.c        runs the normalizers; normal_form.c and charsmap.c
 *	                   are some of them
 *	pretokenize.c      cuts text into words; pattern.c finds them
 *	wordpiece.c bpe.c unigram.c    words to ids
 *
 * The block begins with this header, in the byte order of the machine (the
 * mark tells); each part begins on a multiple of 64 bytes.
 *
 *	HEADER   magic "VPTOKEN\0", order mark, version, size, parts
 *	         (offset and length in bytes), settings
 *	STEPS    struct token_step: the normalizers, then the pre-tokenizers
 *	ADDED    struct token_added: tokens found in the raw text, then those
 *	         found in the normalized text, each set sorted by bytes
 *	FRAME    u32: the ids before a text, then those behind it
 *	STRINGS  bytes that steps and added tokens name by offset and length
 *	ENDS     u32 [n]: where token i ends in TEXT; it begins where the one
 *	         before ended
 *	TEXT     the tokens
 *	SLOTS    u32, a power of two: a hash table of the tokens, see
 *	         tokenizer_block.c
 *	REACH    u8, a power of two: how long tokens that begin alike get
 *	SCORES   f64 [n]: Unigram
 *	MERGES   struct token_merge, by rank: BPE
 *	PAIRS    u32, a power of two: a hash table of the merges, rank + 1
 *	TRIE     u32: the double array of a charsmap
 *	FORMS    bytes: what it maps to, each ended by NUL
 */

enum {
	TOKEN_VERSION = 1,
	TOKEN_BYTES_MAX = 1024,    /* a token */
	TOKEN_IDS_MAX = 1 << 22,   /* tokens */
	TOKEN_ADDED_MAX = 1 << 16, /* added tokens */
	TOKEN_STEPS_MAX = 32,
	TOKEN_AFFIX_MAX = 32, /* bytes of a prefix or suffix of pieces */
	TOKEN_GROWTH = 64,    /* how many times longer text may become */
	TOKEN_FRAME_MAX = 64,
	TOKEN_PROBES_MAX = 512, /* steps in a hash table */
	TOKEN_ALIGN = 64,
	TOKEN_PAD = 32 /* bytes after text that may be read */
};
#define TOKEN_NONE UINT32_MAX

enum token_part {
	PART_STEPS,
	PART_ADDED,
	PART_FRAME,
	PART_STRINGS,
	PART_ENDS,
	PART_TEXT,
	PART_SLOTS,
	PART_REACH,
	PART_SCORES,
	PART_MERGES,
	PART_PAIRS,
	PART_TRIE,
	PART_FORMS,
	PARTS
};

enum token_model { MODEL_WORDPIECE = 1, MODEL_BPE, MODEL_UNIGRAM, MODELS_END };

/* model_flags */
enum { BPE_FUSE_UNK = 1, BPE_BYTE_FALLBACK = 2, BPE_IGNORE_MERGES = 4 };

struct token_settings {
	uint32_t model;
	uint32_t flags;
	uint32_t tokens;       /* n: of the model and added */
	uint32_t model_tokens; /* ids below are the model's own */
	uint32_t unk;          /* id or TOKEN_NONE */
	uint32_t max_chars;    /* WordPiece: longer words are unknown */
	uint32_t normalizers, splitters; /* in STEPS */
	uint32_t added_raw; /* how many of ADDED are found in the raw text */
	uint32_t frame_before;
	uint32_t prefix[2]; /* of continuing pieces: offset, length */
	uint32_t suffix[2]; /* of the end of a word */
	uint32_t longest;   /* token in bytes */
	uint32_t pad;
};

struct token_head {
	char magic[8];
	uint32_t order; /* 0x01020304 */
	uint32_t version;
	uint64_t size;
	struct {
		uint64_t at, len; /* bytes */
	} part[PARTS];
	struct token_settings set;
};

enum step_op {
	/* normalizers */
	NORM_BERT,    /* flags: BERT_... */
	NORM_STRIP,   /* flags: 1 left, 2 right */
	NORM_ACCENTS, /* StripAccents */
	NORM_NFD,
	NORM_NFKD,
	NORM_NFC,
	NORM_NFKC,
	NORM_LOWER,
	NORM_NMT,
	NORM_CHARSMAP,
	NORM_REPLACE, /* a: the pattern, empty where flags name one; b: content
		       */
	NORM_PREPEND, /* a */
	NORM_BYTES,   /* ByteLevel */
	NORM_END,
	/* pre-tokenizers */
	SPLIT_BERT,
	SPLIT_WHITE,
	SPLIT_WORDS,     /* Whitespace */
	SPLIT_BYTES,     /* flags: 1 a space before, 2 the pattern of GPT-2 */
	SPLIT_METASPACE, /* a: replacement; flags: META_... */
	SPLIT_STRING,    /* a; flags: behaviour, SPLIT_INVERT */
	SPLIT_PATTERN,   /* flags: behaviour, SPLIT_INVERT, pattern << 8 */
	SPLIT_PUNCT,     /* flags: behaviour */
	SPLIT_DIGITS,    /* flags: behaviour */
	SPLIT_END
};

enum { BERT_CLEAN = 1, BERT_CHINESE = 2, BERT_ACCENTS = 4, BERT_LOWER = 8 };
enum { META_FIRST = 1, META_ALWAYS = 2, META_SPLIT = 4 };
enum split_behavior {
	SPLIT_REMOVED,
	SPLIT_ISOLATED,
	SPLIT_PREVIOUS,
	SPLIT_NEXT,
	SPLIT_CONTIGUOUS,
	SPLIT_BEHAVIORS,
	SPLIT_INVERT = 16
};

/* Regular expressions, known by their text: see tokenizer_steps.c. */
enum token_pattern {
	PATTERN_NONE,
	PATTERN_SPACES, /* \s+ */
	PATTERN_BLANKS, /* " {2,}" */
	PATTERN_GPT2,
	PATTERN_CLIP,
	PATTERN_CLIP_SPECIAL, /* with <|startoftext|> and <|endoftext|> */
	PATTERN_CL100K,
	PATTERN_QWEN,
	PATTERNS
};

struct token_step {
	uint32_t op, flags;
	uint32_t a[2], b[2]; /* strings: offset and length in STRINGS */
};

enum { ADDED_WORD = 1, ADDED_LEFT = 2, ADDED_RIGHT = 4 };

struct token_added {
	uint32_t at, len; /* in STRINGS */
	uint32_t id, flags;
};

struct token_merge {
	uint32_t a, b, made;
};

struct tokenizer {
	const struct token_head *head;
	const struct token_settings *set; /* head->set */
	const struct token_step *steps;
	const struct token_added *added;
	size_t n_added;
	const uint32_t *frame;
	size_t n_frame;
	const char *strings;
	size_t n_strings;
	const uint32_t *ends;
	const char *text;
	size_t n_text;
	const uint32_t *slots;
	size_t n_slots;
	const uint8_t *reach;
	size_t n_reach;
	const double *scores;
	const struct token_merge *merges;
	size_t n_merges;
	const uint32_t *pairs;
	size_t n_pairs;
	const uint32_t *trie;
	size_t n_trie;
	const char *forms;
	size_t n_forms;
	void *own; /* the block, where it is ours */
	/* Worked out from the block. */
	uint32_t first[2][257];   /* added tokens by first byte, each set */
	uint32_t bytes[256];      /* ids of <0x00> ...; TOKEN_NONE */
	double least;             /* Unigram: score of an unknown character */
	int in_bytes;             /* words are bytes: ByteLevel */
	unsigned char plain[128]; /* ASCII that the charsmap leaves alone */
};

static inline struct str
token_text(const struct tokenizer *t, uint32_t id)
{
	uint32_t from = id > 0 ? t->ends[id - 1] : 0;

	return (struct str){ t->text + from, t->ends[id] - from };
}

static inline struct str
token_string(const struct tokenizer *t, const uint32_t s[2])
{
	return (struct str){ t->strings + s[0], s[1] };
}

/* ---- the hash of tokens: fed byte by byte, so that of every beginning of a
 * word comes in one pass ---- */

#define TOKEN_HASH_START UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t
token_hash_byte(uint64_t h, unsigned char c)
{
	return (h ^ c) * UINT64_C(0x9fb21c651e98df25);
}

static inline uint64_t
token_hash_end(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static inline uint64_t
token_hash(uint64_t h, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = token_hash_byte(h, (unsigned char)s[i]);
	return h;
}

/* REACH is asked with the hash of the first 4, 8, 12, ... bytes. */
enum { REACH_STEP = 4, REACH_FAR = 255 };

static inline size_t
token_reach(const struct tokenizer *t, uint64_t h)
{
	return t->reach[token_hash_end(h) >> 20 & (t->n_reach - 1)];
}

/* token_find(t, h, prefix, s, n): the id of the token that is prefix and then
 * s: [n], whose hash (token_hash of all its bytes) is h; or TOKEN_NONE. */
uint32_t token_find(const struct tokenizer *t, uint64_t h, struct str prefix,
    const char *s, size_t n);
/* token_find_string: the same of a whole string. */
uint32_t token_find_string(const struct tokenizer *t, const char *s, size_t n);
/* token_model_id: the same, among the model's own. */
uint32_t token_model_id(const struct tokenizer *t, const char *s, size_t n);
/* token_pair: the rank of the merge of a and b, or TOKEN_NONE. */
uint32_t token_pair(const struct tokenizer *t, uint32_t a, uint32_t b);

/* ---- what a worker keeps ---- */

/*
 * The cache: words of up to 16 bytes and up to 3 ids.  The hash of a word
 * names a line of two; a new one moves the newer to the place of the older.
 * What stands there is what the model said, so it never changes a result.
 */
enum { CACHE_LINES = 8192, CACHE_IDS = 3, CACHE_WORD = 16, CACHE_WAIT = 8 };

struct cache_entry {
	uint64_t key[2]; /* the word, padded with zeros */
	uint16_t len;    /* of it, 0: empty */
	uint16_t n;
	uint32_t ids[CACHE_IDS];
};

struct cache_line { /* 64 bytes */
	struct cache_entry entry[2];
};

/* A word on its way: its line is being fetched meanwhile. */
struct waiting_word {
	uint64_t key[2];
	struct cache_line *line;
	const char *s;
	size_t n;
};

struct bpe_symbol {
	uint32_t id; /* TOKEN_NONE: merged into the one before */
	uint32_t prev, next;
};

struct path_node {
	double score;
	uint32_t from, id; /* from TOKEN_NONE: not reached */
};

struct tokens {
	const struct tokenizer *t;
	struct cache_line *cache; /* [CACHE_LINES], NULL: none (tests) */
	struct waiting_word waits[CACHE_WAIT];
	size_t first_wait, last_wait; /* ever growing numbers */
	uint32_t *ids;                /* [n] */
	size_t n, cap;
	struct buf clean;   /* well-formed text */
	struct buf norm[2]; /* normalizers, from one to the other */
	size_t most;        /* bytes that normalized text may have */
	int grew;           /* it had more */
	struct buf stage[TOKEN_STEPS_MAX]; /* of each pre-tokenizer */
	struct buf mapped;                 /* a word's bytes, as characters */
	struct buf word;                   /* a character as BPE spells it */
	uint32_t *wait; /* marks in normalization: [n_wait] */
	size_t n_wait, wait_cap;
	uint32_t *sorted;
	size_t sorted_cap;
	struct bpe_symbol *symbols;
	size_t symbols_cap;
	uint64_t *heap; /* rank << 32 | position */
	size_t heap_cap;
	struct path_node *path;
	size_t path_cap;
	uint64_t looked; /* tokens looked up so far: the work done (tests) */
	size_t hits;     /* words found in the cache (tests) */
};

/* tokens_add: one more id.  0 or -1. */
int tokens_add(struct tokens *w, uint32_t id);

/* ---- the pieces ---- */

/*
 * normalize(t, w, s, zero, out, out_zero): run the normalizers over the valid
 * UTF-8 s; *out gets the result, in the worker's memory with TOKEN_PAD bytes
 * behind it.  zero: how many bytes at the front stem from the first character
 * of the whole text (Metaspace's "first" asks); *out_zero the same of out.
 */
int normalize(const struct tokenizer *t, struct tokens *w, struct str s,
    size_t zero, struct str *out, size_t *out_zero);
int charsmap_apply(const struct tokenizer *t, struct tokens *w, struct str s,
    struct buf *out, size_t zero, size_t *out_zero);
/* marks_add: c, of that combining class, waits for the next character of class
 * 0; marks_sort: what waits, in canonical order.  norm_form: NFC, NFD ... */
int marks_add(struct tokens *w, uint32_t c, unsigned class);
int marks_sort(struct tokens *w);
int norm_form(struct tokens *w, uint32_t op, struct str s, struct buf *out,
    size_t zero, size_t *out_zero);
void charsmap_start(struct tokenizer *t); /* sets t->plain */
/* norm_put: s behind out; -1 also where it grows too long. */
int norm_put(struct tokens *w, struct buf *out, const char *s, size_t n);

/* pretokenize(t, w, s, zero): cut s into words and take each: 0 or -1. */
int pretokenize(
    const struct tokenizer *t, struct tokens *w, struct str s, size_t zero);

/* pattern_match: where the match of the pattern (PATTERN_GPT2 or later) at
 * s[i] ends, i if there is none.  n: of s, which has TOKEN_PAD bytes behind. */
size_t pattern_match(uint32_t pattern, const char *s, size_t i, size_t n);

/*
 * take_word: the ids of a word behind those that are there.  s has TOKEN_PAD
 * bytes behind it that may be read.  0 or -1.
 * queue_word: the same, but it may wait; s must stay until queue_flush.
 */
int take_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n);
int queue_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n);
int queue_flush(const struct tokenizer *t, struct tokens *w);
int wordpiece_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n);
int bpe_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n);
int unigram_word(
    const struct tokenizer *t, struct tokens *w, const char *s, size_t n);

/* byte_char: the character that stands for a byte in byte-level vocabularies;
 * bytes_put: s in such characters, behind b. */
uint32_t byte_char(unsigned char c);
int bytes_put(struct buf *b, const char *s, size_t n);

/* buf_put_char: one character as UTF-8, behind b. */
int buf_put_char(struct buf *b, uint32_t c);

/* ---- building ---- */

/* What is read from the files; first the readers add to it, then draft_index
 * makes the vocabulary of it, then draft_finish the block. */
struct draft {
	struct token_settings set;
	struct strs tokens; /* of the model, in the order of the file */
	uint32_t *ids;      /* [tokens.n] */
	size_t ids_cap;
	double *file_scores; /* [tokens.n] in that order: Unigram */
	size_t scores_cap;
	struct token_merge *merges;
	size_t n_merges, merges_cap;
	struct token_step steps[TOKEN_STEPS_MAX]; /* normalizers come first */
	size_t n_steps;
	struct token_added *added; /* at, len: in strings */
	size_t n_added, added_cap;
	uint32_t frame[TOKEN_FRAME_MAX];
	size_t n_frame;
	struct buf strings;
	struct buf charsmap; /* length of the trie, trie, forms */
	struct buf unk;      /* the unknown token */
	int has_unk;
	/* By draft_index. */
	struct tokenizer view; /* of what is there already */
	struct token_head head;
	uint32_t *order; /* [tokens]: number in the file, of each id */
	uint32_t *ends;
	struct buf text;
	uint32_t *slots;
	size_t n_slots;
	uint8_t *reach;
	size_t n_reach;
	double *scores;
};

/* ADDED_NORMALIZED in the flags of a draft's added token. */
enum { ADDED_NORMALIZED = 256 };

int draft_string(struct draft *d, struct str s, uint32_t out[2]);
int draft_token(struct draft *d, struct str s, int64_t id, struct error *e);
int draft_step(struct draft *d, const struct token_step *s, struct error *e);
int draft_frame(struct draft *d, int64_t id, struct error *e);

/* draft_index(d, more, e): the tokens by id, and the tables that find them,
 * with room for ${more} added ones; then tokens are looked up in d->view. */
int draft_index(struct draft *d, size_t more, struct error *e);

/* draft_added: the next added token, after draft_index; id -1: the model's. */
int draft_added(
    struct draft *d, struct str s, int64_t id, uint32_t flags, struct error *e);
int draft_merge(struct draft *d, struct str a, struct str b, struct error *e);
void draft_free(struct draft *d);
struct tokenizer *draft_finish(struct draft *d, struct error *e);

/* draft_name: a token as a sentence may show it: short, printable. */
enum { NAME_MAX_BYTES = 64 };
const char *draft_name(char out[NAME_MAX_BYTES + 1], struct str s);

/* The readers; the file's name goes before the sentence. */
int draft_read_json(struct draft *d, struct str text, struct error *e);
int draft_read_vocab(
    struct draft *d, struct str vocab, struct str config, struct error *e);

/* token_score: a number as the reference reads it. */
double token_score(struct str s);

/* json_again(j, raw): read once more what was read before as a raw value. */
void json_again(struct json *j, struct str raw);
/* The parts of tokenizer.json that tokenizer_steps.c reads, raw. */
int draft_normalizer(
    struct draft *d, struct json *j, struct str raw, struct error *e);
int draft_pre_tokenizer(
    struct draft *d, struct json *j, struct str raw, struct error *e);
int draft_post_processor(
    struct draft *d, struct json *j, struct str raw, struct error *e);

/* tokenizer_check: everything in the block that is used as an offset or an
 * id; sets the pointers.  0 or -1. */
int tokenizer_check(
    struct tokenizer *t, const void *p, size_t len, struct error *e);

#endif
