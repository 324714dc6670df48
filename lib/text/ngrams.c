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

struct ngrams {
	uint32_t dim;
	int sparse;
	const struct linalg *la;
	struct fold fold;
	struct tally tally;
	uint64_t features[FEATURES];
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
	uint64_t *features; /* [n] not yet counted */
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

static inline void
put_word(struct scan *s)
{
	put(s, NGRAMS_WORD, s->word);
	if (s->any_before)
		put(s, NGRAMS_PAIR, s->before * A + s->word);
	s->before = s->word;
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
		if (s->sparse)
			put_word(s);
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
 * A word that is all there, c: [n]: what begin_word, word_letter for each
 * letter and end_token do, but in registers.
 */
static inline void
whole_word(struct scan *s, const uint32_t *c, size_t n, int sparse)
{
	struct keys k = { .packed = EDGE };
	uint64_t *f;
	size_t i = 0;

	need(s, 4 * n + 6);
	f = s->features + s->n;
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
	s->n = (size_t)(f - s->features);
	if (sparse) {
		s->word = k.word;
		put_word(s);
	}
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

		to = i + 1;
		if (is != FOLD_LETTER) {
			if (s->len > 0 || is != FOLD_BREAK)
				other_class(s, FOLD_POINT(c[i]), is);
			continue;
		}
		while (to < n && FOLD_CLASS(c[to]) == FOLD_LETTER)
			to++;
		if ((s->len == 0 || s->run) && to < n && to - i <= WORD_MAX) {
			s->len = 0;
			if (s->sparse)
				whole_word(s, c + i, to - i, 1);
			else
				whole_word(s, c + i, to - i, 0);
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
		.tally = &g->tally, .features = g->features, .sparse = g->sparse
	};
	int more;

	tally_start(&g->tally, n);
	fold_start(&g->fold, text, n);
	while ((more = fold_next(&g->fold)) > 0)
		scan_some(&s, g->fold.out, g->fold.n);
	if (more < 0)
		return -1;
	end_token(&s);
	tally_add(&g->tally, s.features, s.n);
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
