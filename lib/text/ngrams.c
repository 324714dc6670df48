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
 * How much a kind of n-gram counts, in a dense and in a sparse vector.  Dense
 * vectors are small: there the many words and pairs that occur once would
 * only blur the n-grams that words share.
 */
static const double WEIGHT[NGRAMS_KINDS][2] = {
	[NGRAMS_PAIR] = { 1, 1 },
	[NGRAMS_1] = { 1, 1 },
	[NGRAMS_2] = { 1, 1 },
	[NGRAMS_3] = { 1, 1 },
	[NGRAMS_4] = { 1, 1 },
	[NGRAMS_5] = { 1, 1 },
	[NGRAMS_WORD] = { 1, 1 },
};

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
	uint64_t p[NGRAMS_MAX + 1]; /* p[k]: of the last k characters */
	size_t len;                 /* characters of word or run so far,
				     * the first edge included */
	int run;
	uint64_t word, before; /* p of the word; of the one before */
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

static uint64_t
polynomial(const uint32_t *c, size_t n)
{
	uint64_t p = 0;

	for (size_t i = 0; i < n; i++)
		p = p * A + c[i];
	return p;
}

uint64_t
ngrams_hash(enum ngrams_kind kind, const uint32_t *c, size_t n)
{
	return finish(kind, polynomial(c, n));
}

uint64_t
ngrams_hash_pair(const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
	return finish(NGRAMS_PAIR, polynomial(a, na) * A + polynomial(b, nb));
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

static inline void
put(struct scan *s, enum ngrams_kind kind, uint64_t p)
{
	s->features[s->n++] = tally_feature(finish(kind, p), kind);
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

/* One more character of a word or run: the last five, each time one more. */
static inline void
shift(struct scan *s, uint32_t c)
{
	for (int k = NGRAMS_MAX; k > 1; k--)
		s->p[k] = s->p[k - 1] * A + c;
	s->p[1] = c;
	s->len++;
}

/* The n-grams that end with the last character of a word. */
static inline void
put_word_grams(struct scan *s)
{
	if (s->len >= 3)
		put(s, NGRAMS_3, s->p[3]);
	if (s->len >= 4)
		put(s, NGRAMS_4, s->p[4]);
	if (s->len >= 5)
		put(s, NGRAMS_5, s->p[5]);
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
	need(s, 3);
	s->word = s->word * A + c;
	shift(s, c);
	put_word_grams(s);
}

/* Whatever was being read is over. */
static void
end_token(struct scan *s)
{
	if (s->len > 0 && !s->run) {
		need(s, 5);
		shift(s, EDGE);
		put_word_grams(s);
		put_word(s);
	}
	s->len = 0;
}

/*
 * A word that is all there, c: [n]: what begin_word, word_letter for each
 * letter and end_token do, with the state in registers.
 */
static void
whole_word(struct scan *s, const uint32_t *c, size_t n)
{
	uint64_t p1 = EDGE, p2 = 0, p3 = 0, p4 = 0, p5, word = 0;

	need(s, 3 * n + 5);
	for (size_t i = 0; i <= n; i++) {
		uint32_t x = i < n ? c[i] : EDGE;

		p5 = p4 * A + x;
		p4 = p3 * A + x;
		p3 = p2 * A + x;
		p2 = p1 * A + x;
		p1 = x;
		if (i < n)
			word = word * A + x;
		if (i >= 1)
			put(s, NGRAMS_3, p3);
		if (i >= 2)
			put(s, NGRAMS_4, p4);
		if (i >= 3)
			put(s, NGRAMS_5, p5);
	}
	s->word = word;
	put_word(s);
}

static void
other_class(struct scan *s, uint32_t c, enum fold_class is)
{
	if (!s->run || is != FOLD_RUN)
		end_token(s);
	need(s, 3);
	if (is == FOLD_RUN) {
		s->run = 1;
		s->any_before = 0;
		shift(s, c);
		for (size_t k = 1; k <= 3 && k <= s->len; k++)
			put(s, NGRAMS_1 + (enum ngrams_kind)(k - 1), s->p[k]);
	} else if (is == FOLD_ALONE) {
		s->word = c;
		put_word(s);
	}
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
			whole_word(s, c + i, to - i);
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
	struct scan s = { .tally = &g->tally, .features = g->features };
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
	    "\"sparse\":%s,\"words\":[1,2],\"chars\":[%d,%d],"
	    "\"run_chars\":[1,3],\"hash\":%d}",
	    NGRAMS_VERSION, (unsigned long)dim, sparse ? "true" : "false",
	    NGRAMS_MIN, NGRAMS_MAX, HASH_VERSION);
}

int
ngrams_run(struct buf *b, size_t max_bytes)
{
	return buf_printf(b, "{\"max_bytes\":%zu,\"unicode\":\"%s\"}",
	    max_bytes, fold_unicode());
}
