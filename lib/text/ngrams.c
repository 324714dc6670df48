#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "linalg/linalg.h"
#include "linalg/mathd.h"
#include "text/fold.h"
#include "text/ngrams.h"
#include "text/tally.h"

/* Digits of pi and e, made odd. */
#define A UINT64_C(0x9216d5d98979fb1b)
#define B UINT64_C(0xd1310ba698dfb5ad)

static const uint64_t S[NGRAMS_KINDS] = {
	UINT64_C(0x2ffd72dbd01adfb7),
	UINT64_C(0xb8e1afed6a267e97),
	UINT64_C(0xba7c9045f12c7f99),
	UINT64_C(0x24a19947b3916cf7),
	UINT64_C(0x0801f2e2858efc17),
	UINT64_C(0x636920d871574e69),
	UINT64_C(0xa458fea3f4933d7f),
};

/*
 * How much a kind of n-gram counts, in a dense and in a sparse vector.  In the
 * few places of a dense one, words and pairs that occur once only blur what
 * the others say, and two characters say more; so cross-validation found on
 * titles of pictures.
 */
static const double WEIGHT[NGRAMS_KINDS][2] = {
	[NGRAMS_PAIR] = { 0, 1 },
	[NGRAMS_1] = { 1, 1 },
	[NGRAMS_2] = { 1, 0 },
	[NGRAMS_3] = { 1, 1 },
	[NGRAMS_4] = { 1, 1 },
	[NGRAMS_5] = { 1, 1 },
	[NGRAMS_WORD] = { 0, 1 },
};

/* Three code points of 21 bits. */
#define PACKED (UINT64_MAX >> 1)

/* A boundary mark, which no folded letter is. */
enum { EDGE = 0x20 };

/* Features that wait to be counted; words that are taken in one go. */
enum { FEATURES = 2048, WORD_MAX = 256 };

/*
 * Most words of a text are short, in ASCII, and were met before.  Such a word
 * is known with its features, so that they need not be hashed again; and as
 * n-grams lie within a word, it is enough to count them when the text is
 * over, with as many times as the word came.
 *
 * What is counted later comes in another order, and that matters to texts that
 * are counted in pieces.  In TEXT_MAX bytes there are not that many n-grams: a
 * byte folds to 6 characters at most, each of which gives fewer than 8.
 */
enum {
	KNOWN_BITS = 10,
	KNOWN_LETTERS = 12,
	KNOWN_FEATURES = 4 * KNOWN_LETTERS,
	STEP = 8, /* divides that */
	TEXT_MAX = TALLY_DISTINCT / 64
};

struct known {
	uint64_t high, low; /* the letters, a byte each; 0: no word */
	uint64_t word;      /* its key */
	uint32_t times;     /* in this text, not yet counted */
	uint32_t n;
	uint64_t features[KNOWN_FEATURES];
};

struct ngrams {
	uint32_t dim;
	int sparse;
	const struct linalg *la;
	struct fold fold;
	struct tally tally;
	uint64_t features[FEATURES];
	struct known known[1 << KNOWN_BITS];
	uint32_t met[(1 << KNOWN_BITS) + 1]; /* in this text; one to spare */
};

/* Where the scan stands: within a word, a run, or neither. */
struct scan {
	uint64_t packed;              /* the last three characters */
	uint64_t key[NGRAMS_MAX + 1]; /* key[k]: of the last k */
	size_t len;                   /* characters of word or run so far,
				       * the first edge included */
	int run;
	int sparse;
	uint64_t word, before; /* keys of the word, of the one before */
	int any_before;
	struct tally *tally;
	size_t n;
	uint64_t *features;  /* [n] not yet counted */
	struct known *known; /* NULL: count all at once */
	size_t nmet;
	uint32_t *met; /* [nmet] places in known */
};

static inline uint64_t
finish(enum ngrams_kind kind, uint64_t p)
{
	return hash_mum(p ^ S[kind], B);
}

/* The key of n characters: of 2 or 3, from them packed into a word; of more,
 * from the key of all but the last. */
static inline uint64_t
key_packed(uint64_t packed)
{
	return packed * A;
}

static inline uint64_t
key_longer(uint64_t key, uint32_t c)
{
	return (key + c) * A;
}

uint64_t
ngrams_hash(enum ngrams_kind kind, const uint32_t *c, size_t n)
{
	uint64_t packed = 0, key;

	for (size_t i = 0; i < n && i < 3; i++)
		packed = packed << 21 | c[i];
	key = key_packed(packed);
	for (size_t i = 3; i < n; i++)
		key = key_longer(key, c[i]);
	return finish(kind, key);
}

static uint64_t
word_key(const uint32_t *c, size_t n)
{
	uint64_t key = 0;

	for (size_t i = 0; i < n; i++)
		key = key_longer(key, c[i]);
	return key;
}

uint64_t
ngrams_hash_word(const uint32_t *c, size_t n)
{
	return finish(NGRAMS_WORD, word_key(c, n));
}

uint64_t
ngrams_hash_pair(const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
	return finish(NGRAMS_PAIR, word_key(a, na) * A + word_key(b, nb));
}

double
ngrams_weight(enum ngrams_kind kind, int sparse)
{
	return WEIGHT[kind][sparse != 0];
}

struct ngrams *
ngrams_new(uint32_t dim, int sparse, struct error *e)
{
	struct ngrams *g = calloc(1, sizeof(*g));
	double weight[NGRAMS_KINDS];

	if (g == NULL) {
		error_memory(e);
		return NULL;
	}
	for (int k = 0; k < NGRAMS_KINDS; k++)
		weight[k] = ngrams_weight((enum ngrams_kind)k, sparse);
	if (tally_init(&g->tally, dim, sparse, weight, NGRAMS_KINDS) < 0) {
		error_memory(e);
		ngrams_free(g);
		return NULL;
	}
	g->dim = dim;
	g->sparse = sparse;
	g->la = linalg_get(cpu_isa());
	return g;
}

void
ngrams_free(struct ngrams *g)
{
	if (g == NULL)
		return;
	fold_free(&g->fold);
	tally_free(&g->tally);
	free(g);
}

static inline uint64_t
feature(enum ngrams_kind kind, uint64_t key)
{
	return tally_feature(finish(kind, key), kind);
}

static inline void
put(struct scan *s, enum ngrams_kind kind, uint64_t p)
{
	s->features[s->n++] = feature(kind, p);
}

/* Make room for n more features. */
static inline void
need(struct scan *s, size_t n)
{
	if (n <= FEATURES - s->n)
		return;
	tally_add(s->tally, s->features, s->n);
	s->n = 0;
}

/* One more character of a word or run. */
static inline void
shift(struct scan *s, uint32_t c)
{
	s->key[5] = key_longer(s->key[4], c);
	s->key[4] = key_longer(s->key[3], c);
	s->packed = (s->packed << 21 | c) & PACKED;
	s->key[3] = key_packed(s->packed);
	s->key[2] = key_packed(s->packed & PACKED >> 21);
	s->key[1] = key_packed(c);
	s->len++;
}

/* The n-grams that end with the last character of a word. */
static void
put_word_grams(struct scan *s)
{
	if (s->len >= 2 && !s->sparse)
		put(s, NGRAMS_2, s->key[2]);
	if (s->len >= 3)
		put(s, NGRAMS_3, s->key[3]);
	if (s->len >= 4)
		put(s, NGRAMS_4, s->key[4]);
	if (s->len >= 5)
		put(s, NGRAMS_5, s->key[5]);
}

/* The pair of a word with the one before. */
static inline void
put_pair(struct scan *s, uint64_t word)
{
	if (s->any_before)
		put(s, NGRAMS_PAIR, s->before * A + word);
	s->before = word;
	s->any_before = 1;
}

static void
begin_word(struct scan *s)
{
	s->run = 0;
	s->len = 0;
	s->word = 0;
	shift(s, EDGE);
}

static void
word_letter(struct scan *s, uint32_t c)
{
	need(s, 4);
	s->word = key_longer(s->word, c);
	shift(s, c);
	put_word_grams(s);
}

/* Whatever was being read is over. */
static void
end_token(struct scan *s)
{
	if (s->len > 0 && !s->run) {
		need(s, 6);
		shift(s, EDGE);
		put_word_grams(s);
		if (s->sparse) {
			put(s, NGRAMS_WORD, s->word);
			put_pair(s, s->word);
		}
	}
	s->len = 0;
}

/* The keys of the last characters, in registers. */
struct keys {
	uint64_t packed, key3, key4, key5, word;
};

static inline void
shift_keys(struct keys *k, uint32_t c)
{
	k->key5 = key_longer(k->key4, c);
	k->key4 = key_longer(k->key3, c);
	k->packed = (k->packed << 21 | c) & PACKED;
	k->key3 = key_packed(k->packed);
}

/* Put the n-grams of up to ${most} characters that end here at f; the end. */
static inline uint64_t *
put_keys(uint64_t *f, const struct keys *k, size_t most, int sparse)
{
	if (!sparse)
		*f++ = feature(NGRAMS_2, key_packed(k->packed & PACKED >> 21));
	if (most >= 3)
		*f++ = feature(NGRAMS_3, k->key3);
	if (most >= 4)
		*f++ = feature(NGRAMS_4, k->key4);
	if (most >= 5)
		*f++ = feature(NGRAMS_5, k->key5);
	return f;
}

/*
 * Put all but the pair of a word that is all there, c: [n], at f; the end.
 * That is what begin_word, word_letter for each letter and end_token do, but
 * in registers.
 */
static inline uint64_t *
whole_word(uint64_t *f, const uint32_t *c, size_t n, int sparse, uint64_t *word)
{
	struct keys k = { .packed = EDGE };
	size_t i = 0;

	for (; i < n && i < 3; i++) {
		if (sparse)
			k.word = key_longer(k.word, c[i]);
		shift_keys(&k, c[i]);
		f = put_keys(f, &k, i + 2, sparse);
	}
	for (; i < n; i++) {
		if (sparse)
			k.word = key_longer(k.word, c[i]);
		shift_keys(&k, c[i]);
		f = put_keys(f, &k, 5, sparse);
	}
	shift_keys(&k, EDGE);
	f = put_keys(f, &k, n + 2, sparse);
	if (sparse)
		*f++ = feature(NGRAMS_WORD, k.word);
	*word = k.word;
	return f;
}

/* A copy for each sort of vector, whose loops need not ask which. */
static uint64_t *
any_word(uint64_t *f, const uint32_t *c, size_t n, int sparse, uint64_t *word)
{
	return sparse ? whole_word(f, c, n, 1, word)
		      : whole_word(f, c, n, 0, word);
}

static void
put_whole_word(struct scan *s, const uint32_t *c, size_t n)
{
	uint64_t word, *f;

	need(s, 4 * n + 6);
	f = any_word(s->features + s->n, c, n, s->sparse, &word);
	s->n = (size_t)(f - s->features);
	if (s->sparse)
		put_pair(s, word);
}

/*
 * A short word in ASCII, its letters also as the bytes of high and low.  A
 * word that has the place of another takes it, unless that one is in the same
 * text and still to be counted.
 */
static void
put_short_word(
    struct scan *s, const uint32_t *c, size_t n, uint64_t high, uint64_t low)
{
	size_t at = (size_t)(hash_mum(low ^ A, high ^ B) >> (64 - KNOWN_BITS));
	struct known *k = &s->known[at];
	uint64_t *f;

	if (k->low != low || k->high != high) {
		if (k->times > 0) {
			put_whole_word(s, c, n);
			return;
		}
		f = any_word(k->features, c, n, s->sparse, &k->word);
		k->n = (uint32_t)(f - k->features);
		k->low = low;
		k->high = high;
	}
	/* Whether it is the first time is no branch. */
	s->met[s->nmet] = (uint32_t)at;
	s->nmet += k->times++ == 0;
	if (s->sparse) {
		need(s, 1);
		put_pair(s, k->word);
	}
}

/* Count what the known words that were met give.  Copies are made in steps
 * of a fixed size, the last of which writes more than is used. */
static void
count_known(struct scan *s)
{
	for (size_t i = 0; i < s->nmet; i++) {
		struct known *k = &s->known[s->met[i]];
		uint64_t *f, more = k->times - 1;

		need(s, KNOWN_FEATURES);
		f = s->features + s->n;
		for (size_t j = 0; j < k->n; j += STEP)
			for (size_t l = 0; l < STEP; l++)
				f[j + l] = k->features[j + l] + more;
		s->n += k->n;
		k->times = 0;
	}
	s->nmet = 0;
}

/* A character of a run, a symbol that stands alone, or a break. */
static void
other_class(struct scan *s, uint32_t c, enum fold_class is)
{
	if (!s->run || is != FOLD_RUN)
		end_token(s);
	if (is == FOLD_BREAK)
		return;
	need(s, 3);
	s->run = 1;
	s->any_before = 0;
	shift(s, c);
	for (size_t k = 1; k <= 3 && k <= s->len; k++)
		put(s, NGRAMS_1 + (enum ngrams_kind)(k - 1), s->key[k]);
	if (is == FOLD_ALONE)
		s->len = 0;
}

static void
scan_some(struct scan *s, const uint32_t *c, size_t n)
{
	for (size_t i = 0, to; i < n; i = to) {
		enum fold_class is = (enum fold_class)FOLD_CLASS(c[i]);
		uint64_t high = 0, low = 0;
		uint32_t any = 0;

		to = i + 1;
		if (is != FOLD_LETTER) {
			if (s->len > 0 || is != FOLD_BREAK)
				other_class(s, FOLD_POINT(c[i]), is);
			continue;
		}
		for (to = i; to < n && FOLD_CLASS(c[to]) == FOLD_LETTER; to++) {
			high = high << 8 | low >> 56;
			low = low << 8 | c[to];
			any |= c[to];
		}
		if ((s->len == 0 || s->run) && to < n && to - i <= WORD_MAX) {
			s->len = 0;
			if (s->known != NULL && any < 0x80 &&
			    to - i <= KNOWN_LETTERS)
				put_short_word(s, c + i, to - i, high, low);
			else
				put_whole_word(s, c + i, to - i);
			continue;
		}
		if (s->len == 0 || s->run)
			begin_word(s);
		for (size_t k = i; k < to; k++)
			word_letter(s, FOLD_POINT(c[k]));
	}
}

/* Count all n-grams of the text.  0 or -1. */
static int
count(struct ngrams *g, const char *text, size_t n)
{
	struct scan s = {
		.tally = &g->tally,
		.features = g->features,
		.sparse = g->sparse,
		.known = n <= TEXT_MAX ? g->known : NULL,
		.met = g->met,
	};
	int more;

	tally_start(&g->tally, n);
	fold_start(&g->fold, text, n);
	while ((more = fold_next(&g->fold)) > 0)
		scan_some(&s, g->fold.out, g->fold.n);
	end_token(&s);
	count_known(&s);
	tally_add(&g->tally, s.features, s.n);
	if (more < 0)
		return -1;
	return tally_end(&g->tally);
}

/* Make x: [n] of unit length.  0; -1 where that cannot be. */
static int
normalise(const struct ngrams *g, float *x, size_t n, struct error *e)
{
	float norm2 = g->la->norm2(x, n);

	if (!(norm2 > 0))
		return error_set(e, "its n-grams cancel each other out");
	g->la->scale(x, 1 / sqrtf(norm2), x, n);
	return 0;
}

int
ngrams_dense(
    struct ngrams *g, const char *s, size_t n, float *out, struct error *e)
{
	if (count(g, s, n) < 0)
		return error_memory(e);
	for (size_t i = 0; i < g->dim; i++)
		out[i] = (float)g->tally.sum[i];
	if (g->tally.features == 0)
		return 0;
	return normalise(g, out, g->dim, e) < 0 ? -1 : 1;
}

ptrdiff_t
ngrams_sparse(struct ngrams *g, const char *s, size_t n, const uint32_t **index,
    const float **value, struct error *e)
{
	struct tally *t = &g->tally;

	if (count(g, s, n) < 0)
		return error_memory(e);
	for (size_t i = 0; i < t->n; i++)
		t->value[i] = (float)t->sum[i];
	*index = t->index;
	*value = t->value;
	if (t->features == 0)
		return 0;
	return normalise(g, t->value, t->n, e) < 0 ? -1 : (ptrdiff_t)t->n;
}

size_t
ngrams_bad(const struct ngrams *g)
{
	return g->fold.bad;
}

int
ngrams_space(struct buf *b, uint32_t dim, int sparse)
{
	return buf_printf(b,
	    "{\"encoder\":\"ngrams\",\"version\":%d,\"dim\":%lu,"
	    "\"sparse\":%s,\"words\":%s,\"chars\":[%d,%d],"
	    "\"run_chars\":[1,3]}",
	    NGRAMS_VERSION, (unsigned long)dim, sparse ? "true" : "false",
	    sparse ? "[1,2]" : "[]", sparse ? 3 : 2, NGRAMS_MAX);
}

int
ngrams_run(struct buf *b, size_t max_bytes)
{
	return buf_printf(b, "{\"max_bytes\":%zu,\"unicode\":\"%s\"}",
	    max_bytes, fold_unicode());
}
