#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "linalg/mathd.h"
#include "text/fold.h"
#include "text/ngrams.h"
#include "text/tally.h"
#include "unit.h"

/*
 * Folding.
 */

/* All of a text, folded, as points and classes.  free() it. */
static uint32_t *
fold_all(const char *s, size_t n, int plain, size_t *count)
{
	struct fold f = { 0 };
	uint32_t *all = NULL;
	size_t cap = 0;
	int r;

	f.plain = plain;
	*count = 0;
	fold_start(&f, s, n);
	while ((r = fold_next(&f)) > 0) {
		ck_assert_int_eq(
		    mem_grow(&all, &cap, *count + f.n, sizeof(*all)), 0);
		memcpy(all + *count, f.out, f.n * sizeof(*all));
		*count += f.n;
	}
	ck_assert_int_eq(r, 0);
	fold_free(&f);
	return all;
}

/* Call fn for every line of a file of recorded answers. */
static void
for_lines(const char *name, void (*fn)(const char *s, size_t n))
{
	const char *dir = getenv("DATA");
	struct buf path = { 0 }, line = { 0 };
	struct reader r;
	struct error e;
	int n = 0;

	buf_printf(
	    &path, "%s/text/%s%c", dir != NULL ? dir : "tests/data", name, 0);
	ck_assert_msg(io_open(&r, path.data, &e) == 0, "%s", e.text);
	while (io_read_line(&r, &line, 1 << 20, NULL, &e) == 1) {
		fn(line.data, line.len);
		n++;
	}
	ck_assert_int_gt(n, 5);
	io_close(&r);
	buf_free(&path);
	buf_free(&line);
}

static void
field(const char *s, size_t n, const char *name, struct buf *out)
{
	struct json j = { 0 };
	struct error e;
	struct str raw;

	ck_assert_int_eq(json_find_path(s, n, name, &raw, &e), 1);
	json_init(&j, raw.s, raw.len);
	out->len = 0;
	buf_reserve(out, 1);
	ck_assert_int_eq(json_string(&j, out), 0);
	json_free(&j);
}

static void
check_folded(const char *s, size_t n)
{
	struct buf text = { 0 }, want = { 0 }, got = { 0 };
	uint32_t *all;
	char utf8[4];
	size_t count;

	field(s, n, "text", &text);
	field(s, n, "folded", &want);
	for (int plain = 0; plain < 2; plain++) {
		got.len = 0;
		all = fold_all(text.data, text.len, plain, &count);
		for (size_t i = 0; i < count; i++)
			buf_put(
			    &got, utf8, utf8_encode(utf8, FOLD_POINT(all[i])));
		ck_assert_msg(got.len == want.len &&
				  memcmp(got.data, want.data, got.len) == 0,
		    "%.*s: %.*s, not %.*s", (int)text.len, text.data,
		    (int)got.len, got.data, (int)want.len, want.data);
		free(all);
	}
	buf_free(&text);
	buf_free(&want);
	buf_free(&got);
}

START_TEST(folding_is_as_recorded)
{
	for_lines("fold.jsonl", check_folded);
}
END_TEST

/* Text of many kinds, some of it ill-formed. */
static size_t
random_text(struct rng *r, char *out, size_t max)
{
	static const char *const BITS[] = { " ", " ", " ", "a", "b", "C", "d9",
		"the ", "cat", "_", ", ", "!", "\n", "\xc3\xa9", "e\xcc\x81",
		"\xd0\x9a\xd0\xbe", "\xe4\xb8\xad\xe6\x96\x87",
		"\xe3\x81\x8b\xe3\x82\x99", "\xe0\xb9\x84\xe0\xb8\x97",
		"\xf0\x9f\x98\x80", "\xcc\xa3\xcc\x87", "\xef\xbc\xa1",
		"\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1", "\xef\xac\x81",
		"\xff", "\xc3", "\xc2\xad", "\0", "\xe2\x80\xa8", "=",
		"\xcc\xb8", "\xc3\x9f", "\xef\xb7\xba" };
	size_t n = 0;

	for (;;) {
		size_t k = rng_below(r, sizeof(BITS) / sizeof(BITS[0]));
		size_t len = BITS[k][0] == '\0' ? 1 : strlen(BITS[k]);

		if (n + len > max)
			return n;
		memcpy(out + n, BITS[k], len);
		n += len;
	}
}

START_TEST(short_way_is_the_long_way)
{
	char text[9000];
	struct rng r;

	rng_seed(&r, 1);
	for (int i = 0; i < 300; i++) {
		size_t max = i % 20 == 0 ? sizeof(text) : rng_below(&r, 100);
		size_t n = random_text(&r, text, max), a, b;
		uint32_t *x, *y;

		if (i % 3 == 0) /* all of ASCII, in long runs */
			for (size_t k = 0; k < n; k++)
				text[k] = (char)(rng_u64(&r) & 0x7F);
		x = fold_all(text, n, 0, &a);
		y = fold_all(text, n, 1, &b);
		ck_assert_uint_eq(a, b);
		ck_assert(a == 0 || memcmp(x, y, a * sizeof(*x)) == 0);
		free(x);
		free(y);
	}
}
END_TEST

START_TEST(classes)
{
	static const struct {
		const char *s;
		enum fold_class is;
	} T[] = { { "a", FOLD_LETTER }, { "7", FOLD_LETTER },
		{ "_", FOLD_BREAK }, { "$", FOLD_BREAK }, { "", FOLD_BREAK },
		{ "\xc3\xa9", FOLD_LETTER }, { "\xd9\xa1", FOLD_LETTER },
		{ "\xe4\xb8\xad", FOLD_RUN }, { "\xe3\x81\x82", FOLD_RUN },
		{ "\xe3\x82\xa2", FOLD_RUN }, { "\xef\xbd\xb1", FOLD_RUN },
		{ "\xe0\xb8\x81", FOLD_RUN }, { "\xea\xb0\x80", FOLD_LETTER },
		{ "\xf0\x9f\x98\x80", FOLD_ALONE },
		{ "\xe3\x80\x82", FOLD_BREAK }, { "\xff", FOLD_BREAK },
		{ "\xf0\xa0\x80\x80", FOLD_RUN }, { "\xc2\xa0", FOLD_BREAK } };

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++) {
		size_t len = strlen(T[i].s), n;
		uint32_t *x = fold_all(T[i].s, len > 0 ? len : 1, 0, &n);

		ck_assert_uint_eq(n, 1);
		ck_assert_msg(FOLD_CLASS(x[0]) == T[i].is, "%s", T[i].s);
		free(x);
	}
}
END_TEST

/* Marks in the worst order; what is quadratic does not end in time. */
START_TEST(a_million_marks_take_linear_time)
{
	static const char MARKS[] = "\xcc\x81\xcc\xa3\xcc\xb8";
	size_t n = 1 + 2000000, count;
	char *s = malloc(n);
	uint32_t *all;

	s[0] = 'q';
	for (size_t i = 1; i < n; i++)
		s[i] = MARKS[(i - 1) % 6];
	all = fold_all(s, n, 0, &count);
	ck_assert_uint_eq(count, 1 + 1000000);
	ck_assert_uint_eq(FOLD_POINT(all[1]), 0x338);
	ck_assert_uint_eq(FOLD_POINT(all[333334]), 0x323);
	ck_assert_uint_eq(FOLD_POINT(all[1000000]), 0x301);
	free(all);
	free(s);
}
END_TEST

/*
 * The reference: all features of a text, one after another, by the words of
 * the header, and their sums.
 */

struct feature {
	uint64_t hash;
	enum ngrams_kind kind;
};

struct list {
	struct feature *f;
	size_t n, cap;
};

static void
list_add(struct list *l, enum ngrams_kind kind, uint64_t hash)
{
	ck_assert_int_eq(mem_grow(&l->f, &l->cap, l->n + 1, sizeof(*l->f)), 0);
	l->f[l->n++] = (struct feature){ hash, kind };
}

static void
list_word(struct list *l, const uint32_t *c, size_t n)
{
	uint32_t *p = malloc((n + 2) * sizeof(*p));

	p[0] = p[n + 1] = ' ';
	memcpy(p + 1, c, n * sizeof(*p));
	for (size_t k = 2; k <= NGRAMS_MAX; k++)
		for (size_t i = 0; i + k <= n + 2; i++)
			list_add(l, NGRAMS_1 + (enum ngrams_kind)(k - 1),
			    ngrams_hash(NGRAMS_1 + (enum ngrams_kind)(k - 1),
				p + i, k));
	free(p);
}

static struct list
list_features(const char *s, size_t n)
{
	struct list l = { 0 };
	size_t count, before = 0, nbefore = 0, to;
	uint32_t *all = fold_all(s, n, 1, &count),
		 *c = malloc((count + 1) * sizeof(*c));

	for (size_t i = 0; i < count; i++)
		c[i] = FOLD_POINT(all[i]);
	for (size_t i = 0; i < count; i = to) {
		unsigned is = FOLD_CLASS(all[i]);

		to = i + 1;
		if (is == FOLD_BREAK)
			continue;
		while (
		    is != FOLD_ALONE && to < count && FOLD_CLASS(all[to]) == is)
			to++;
		if (is != FOLD_LETTER) {
			for (size_t k = 1; k <= 3; k++)
				for (size_t j = i; j + k <= to; j++)
					list_add(&l,
					    NGRAMS_1 +
						(enum ngrams_kind)(k - 1),
					    ngrams_hash(
						NGRAMS_1 +
						    (enum ngrams_kind)(k - 1),
						c + j, k));
			nbefore = 0;
			continue;
		}
		list_word(&l, c + i, to - i);
		list_add(&l, NGRAMS_WORD, ngrams_hash_word(c + i, to - i));
		if (nbefore > 0)
			list_add(&l, NGRAMS_PAIR,
			    ngrams_hash_pair(
				c + before, nbefore, c + i, to - i));
		before = i;
		nbefore = to - i;
	}
	free(all);
	free(c);
	return l;
}

static int
by_feature(const void *a, const void *b)
{
	const struct feature *x = a, *y = b;
	uint64_t p = x->hash >> 24, q = y->hash >> 24;

	return (p > q) - (p < q);
}

/* Sums of weight * (1 + ln count) by place.  out: [dim], unit length. */
static void
reference(struct list l, uint32_t dim, int sparse, double *out)
{
	double norm = 0;

	memset(out, 0, dim * sizeof(*out));
	if (l.n > 0)
		qsort(l.f, l.n, sizeof(*l.f), by_feature);
	for (size_t i = 0, to; i < l.n; i = to) {
		uint64_t h = l.f[i].hash;
		size_t place = (size_t)(((h >> 32) * dim) >> 32);
		double w;

		for (to = i; to < l.n && by_feature(l.f + i, l.f + to) == 0;)
			to++;
		w = ngrams_weight(l.f[i].kind, sparse) *
		    (1 + log((double)(to - i)));
		out[place] += h >> 24 & 1 ? -w : w;
	}
	for (size_t i = 0; i < dim; i++)
		norm += out[i] * out[i];
	for (size_t i = 0; i < dim && norm > 0; i++)
		out[i] /= sqrt(norm);
	free(l.f);
}

static void
same_vectors(const char *s, size_t n, uint32_t dim)
{
	double *want = malloc(dim * sizeof(*want));
	float *dense = malloc(dim * sizeof(*dense));
	const uint32_t *index;
	const float *value;
	struct error e;

	for (int sparse = 0; sparse < 2; sparse++) {
		struct ngrams *g = ngrams_new(dim, sparse, &e);
		ptrdiff_t k = 0;

		reference(list_features(s, n), dim, sparse, want);
		if (sparse) {
			memset(dense, 0, dim * sizeof(*dense));
			k = ngrams_sparse(g, s, n, &index, &value, &e);
			ck_assert_int_ge(k, -1);
			for (ptrdiff_t i = 0; i < k; i++) {
				ck_assert(i == 0 || index[i] > index[i - 1]);
				ck_assert(index[i] < dim && value[i] != 0);
				dense[index[i]] = value[i];
			}
		} else {
			ck_assert_int_ge(ngrams_dense(g, s, n, dense, &e), -1);
		}
		for (size_t i = 0; i < dim; i++)
			ck_assert_msg(fabs(dense[i] - want[i]) < 2e-6,
			    "place %zu: %g, not %g", i, (double)dense[i],
			    want[i]);
		ngrams_free(g);
	}
	free(want);
	free(dense);
}

START_TEST(vectors_are_those_of_the_reference)
{
	char text[3000];
	struct rng r;

	rng_seed(&r, 2);
	for (int i = 0; i < 60; i++) {
		size_t max = i % 6 == 0 ? sizeof(text) : rng_below(&r, 200);

		same_vectors(text, random_text(&r, text, max),
		    i % 2 ? 1024 : 1 + rng_below(&r, 3000));
	}
	memset(text, 'z', sizeof(text)); /* counts beyond the table */
	same_vectors(text, sizeof(text), 64);
	same_vectors("", 0, 8);
}
END_TEST

/* A word that is cut by the end of a chunk is still one word. */
START_TEST(chunks_do_not_show)
{
	enum { N = FOLD_CHUNK + 40 };
	char s[N];

	for (size_t from = FOLD_CHUNK - 12; from < FOLD_CHUNK + 4; from++) {
		memset(s, ' ', N);
		memcpy(s + from, "boundary word", 13);
		memcpy(s + 10, "first", 5);
		same_vectors(s, N, 512);
		memset(s + 10, 'q', from - 10);
		same_vectors(s, N, 512);
	}
}
END_TEST

static void
add_recorded(struct list *l, const char *s, size_t n, const char *name)
{
	struct json j = { 0 };
	struct error e;
	struct str raw, g;

	ck_assert_int_eq(json_find_path(s, n, name, &raw, &e), 1);
	json_init(&j, raw.s, raw.len);
	json_array(&j);
	while (json_array_next(&j) > 0) {
		uint32_t c[64];
		size_t k = 0, space = 0;

		ck_assert_int_eq(json_str(&j, &g), 0);
		for (size_t i = 0; i < g.len; k++) {
			ck_assert_uint_lt(k, 64);
			i += (size_t)utf8_decode(g.s + i, g.len - i, c + k);
			if (c[k] == ' ')
				space = k;
		}
		if (*name == 'c')
			list_add(l, NGRAMS_1 + (enum ngrams_kind)(k - 1),
			    ngrams_hash(
				NGRAMS_1 + (enum ngrams_kind)(k - 1), c, k));
		else if (space == 0)
			list_add(l, NGRAMS_WORD, ngrams_hash_word(c, k));
		else
			list_add(l, NGRAMS_PAIR,
			    ngrams_hash_pair(
				c, space, c + space + 1, k - space - 1));
	}
	json_free(&j);
}

static void
check_grams(const char *s, size_t n)
{
	enum { DIM = 1 << 16 };
	double *want = malloc(DIM * sizeof(*want));
	struct ngrams *g;
	struct list l = { 0 };
	struct buf text = { 0 };
	const uint32_t *index;
	const float *value;
	struct error e;
	ptrdiff_t k;
	size_t some = 0;

	field(s, n, "text", &text);
	add_recorded(&l, s, n, "words");
	add_recorded(&l, s, n, "chars");
	reference(l, DIM, 1, want);
	g = ngrams_new(DIM, 1, &e);
	k = ngrams_sparse(g, text.data, text.len, &index, &value, &e);
	for (size_t i = 0; i < DIM; i++)
		some += want[i] != 0;
	ck_assert_uint_eq((size_t)k, some);
	for (ptrdiff_t i = 0; i < k; i++)
		ck_assert_msg(fabs(value[i] - want[index[i]]) < 1e-6,
		    "%.*s: %u: %g, not %g", (int)text.len, text.data,
		    (unsigned)index[i], (double)value[i], want[index[i]]);
	ngrams_free(g);
	buf_free(&text);
	free(want);
}

START_TEST(grams_are_those_of_scikit_learn)
{
	for_lines("grams.jsonl", check_grams);
}
END_TEST

static void
equal(const char *a, const char *b, int wanted)
{
	float x[256], y[256];
	struct error e;
	struct ngrams *g = ngrams_new(256, 0, &e);

	ck_assert_int_eq(ngrams_dense(g, a, strlen(a), x, &e), 1);
	ck_assert_int_eq(ngrams_dense(g, b, strlen(b), y, &e), 1);
	ck_assert_msg((memcmp(x, y, sizeof(x)) == 0) == wanted, "%s, %s", a, b);
	ngrams_free(g);
}

/* The same for sparse vectors. */
static void
same_words(const char *a, const char *b, int wanted)
{
	struct ngrams *g[2];
	const uint32_t *index[2];
	const float *value[2];
	ptrdiff_t n[2];
	struct error e;
	int same;

	for (int i = 0; i < 2; i++) {
		g[i] = ngrams_new(1 << 20, 1, &e);
		n[i] = ngrams_sparse(g[i], i ? b : a, strlen(i ? b : a),
		    &index[i], &value[i], &e);
		ck_assert_int_gt(n[i], 0);
	}
	same = n[0] == n[1] &&
	       memcmp(index[0], index[1], (size_t)n[0] * 4) == 0 &&
	       memcmp(value[0], value[1], (size_t)n[0] * 4) == 0;
	ck_assert_msg(same == wanted, "%s, %s", a, b);
	ngrams_free(g[0]);
	ngrams_free(g[1]);
}

START_TEST(equivalent_texts_have_equal_vectors)
{
	equal("caf\xc3\xa9", "cafe\xcc\x81", 1);
	equal("caf\xc3\xa9", "cafe", 0);
	equal("\xef\xac\x81ne", "FINE", 1);
	equal("\xef\xbc\xa1\xef\xbc\xa2", "ab", 1);
	equal("\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac", 1);
	equal("\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", 1);
	equal("co\xc2\xadop", "coop", 1);
	equal("stra\xc3\x9f"
	      "e",
	    "STRASSE", 1);
	equal("a, b; c", "a b c", 1);
	/* A dense vector knows no order of words, a sparse one knows pairs. */
	equal("cat dog", "dog cat", 1);
	same_words("cat dog", "dog cat", 0);
	same_words("cat dog frog cat dog", "dog frog cat dog cat", 0);
	equal("cat \xe4\xb8\xad dog", "dog \xe4\xb8\xad cat", 1);
	same_words("cat \xe4\xb8\xad dog", "dog \xe4\xb8\xad cat", 1);
}
END_TEST

START_TEST(nothing_to_encode_is_told)
{
	static const char *const T[] = { "", " ", "\t\n", "...", "?!", "\xff",
		"\xe2\x80\xa8", "\xe3\x80\x82", "\xc2\xad" };
	const uint32_t *index;
	const float *value;
	struct error e;
	struct ngrams *g = ngrams_new(16, 0, &e), *h = ngrams_new(16, 1, &e);
	float x[16], zero[16] = { 0 };

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++) {
		size_t n = strlen(T[i]);

		memset(x, 1, sizeof(x));
		ck_assert_int_eq(ngrams_dense(g, T[i], n, x, &e), 0);
		ck_assert_mem_eq(x, zero, sizeof(x));
		ck_assert_int_eq(
		    ngrams_sparse(h, T[i], n, &index, &value, &e), 0);
	}
	ck_assert_int_eq(ngrams_dense(g, "a\xff\xc0\xaf", 4, x, &e), 1);
	ck_assert_uint_eq(ngrams_bad(g), 3);
	ck_assert_int_eq(ngrams_dense(g, "\0", 1, x, &e), 0);
	ngrams_free(g);
	ngrams_free(h);
}
END_TEST

/* A word of 1 to 14 letters; small numbers come more often. */
static size_t
some_word(struct rng *r, char *out)
{
	uint64_t bits = (rng_below(r, 9000) >> rng_below(r, 13)) + 1;
	size_t n = 1 + bits % 14;

	for (size_t i = 0; i < n; i++) {
		bits *= UINT64_C(0x9216d5d98979fb1b);
		out[i] = (char)('a' + (bits >> 40) % 26);
	}
	return n;
}

/* Short words are remembered, within a text and from text to text, but not in
 * a long text, such as the same with many spaces behind it. */
START_TEST(words_met_before_do_not_show)
{
	enum { DIM = 512, MOST = 16000, PADDED = 1 << 16 };
	char *s = malloc(PADDED);
	struct error e;
	struct ngrams *g[2] = { ngrams_new(DIM, 0, &e),
		ngrams_new(DIM, 1, &e) };
	float x[DIM], y[DIM];
	const uint32_t *index;
	const float *value;
	struct rng r;

	rng_seed(&r, 6);
	for (int i = 0; i < 200; i++) {
		size_t most = i % 8 == 0 ? MOST : 600, n = 0;
		ptrdiff_t pairs;

		while (n + 15 < most) {
			n += some_word(&r, s + n);
			s[n++] = ' ';
		}
		memset(s + n, ' ', PADDED - n);
		ck_assert_int_eq(ngrams_dense(g[0], s, n, x, &e), 1);
		ck_assert_int_eq(ngrams_dense(g[0], s, PADDED, y, &e), 1);
		ck_assert_mem_eq(x, y, sizeof(x));
		pairs = ngrams_sparse(g[1], s, n, &index, &value, &e);
		ck_assert_int_gt(pairs, 0);
		memset(x, 0, sizeof(x));
		for (ptrdiff_t k = 0; k < pairs; k++)
			x[index[k]] = value[k];
		pairs = ngrams_sparse(g[1], s, PADDED, &index, &value, &e);
		memset(y, 0, sizeof(y));
		for (ptrdiff_t k = 0; k < pairs; k++)
			y[index[k]] = value[k];
		ck_assert_mem_eq(x, y, sizeof(x));
	}
	ngrams_free(g[0]);
	ngrams_free(g[1]);
	free(s);
}
END_TEST

/* One long word of random letters: more n-grams than are counted at once. */
START_TEST(a_long_word_is_encoded_in_pieces)
{
	enum { N = 3 << 20, DIM = 1 << 18 };
	char *s = malloc(N);
	const uint32_t *index;
	const float *value;
	struct error e;
	struct ngrams *g = ngrams_new(DIM, 1, &e), *h = ngrams_new(1024, 0, &e);
	float x[1024];
	double norm = 0;
	struct rng r;
	ptrdiff_t n;

	rng_seed(&r, 3);
	for (size_t i = 0; i < N; i++)
		s[i] = (char)('a' + rng_below(&r, 26));
	n = ngrams_sparse(g, s, N, &index, &value, &e);
	ck_assert_int_gt(n, DIM / 2);
	for (ptrdiff_t i = 0; i < n; i++) {
		ck_assert(i == 0 || index[i] > index[i - 1]);
		norm += (double)value[i] * value[i];
	}
	ck_assert_double_lt(fabs(norm - 1), 1e-4);
	ck_assert_int_eq(ngrams_dense(h, s, N, x, &e), 1);
	/* And a short text after it is as if it were the first. */
	for (int i = 0; i < 2; i++) {
		struct ngrams *k = ngrams_new(1024, 0, &e);
		float y[1024];

		ngrams_dense(h, "a short text", 12, x, &e);
		ngrams_dense(k, "a short text", 12, y, &e);
		ck_assert_mem_eq(x, y, sizeof(x));
		ngrams_free(k);
	}
	ngrams_free(g);
	ngrams_free(h);
	free(s);
}
END_TEST

/* Features by the million against plain sums, over a piece's end too. */
START_TEST(tally_is_a_sum)
{
	enum { DIM = 5000 };
	const double weight[2] = { 1, 0.25 };
	struct tally t[2];
	double *want = malloc(DIM * sizeof(*want));
	struct rng r;

	for (int sparse = 0; sparse < 2; sparse++)
		ck_assert_int_eq(
		    tally_init(&t[sparse], DIM, sparse, weight, 2), 0);
	rng_seed(&r, 4);
	for (size_t n = 1; n < 3 * TALLY_DISTINCT; n = n * 9 + 5) {
		memset(want, 0, DIM * sizeof(*want));
		for (int sparse = 0; sparse < 2; sparse++)
			tally_start(&t[sparse], n % 3 ? n : 1);
		for (size_t i = 0; i < n; i++) {
			uint64_t h = rng_u64(&r), f = tally_feature(h, h & 1);
			double w = weight[h & 1] * 0x1p20;

			tally_add(&t[0], &f, 1);
			tally_add(&t[1], &f, 1);
			want[((h >> 32) * DIM) >> 32] += h >> 24 & 1 ? -w : w;
		}
		ck_assert_int_eq(tally_end(&t[0]), 0);
		ck_assert_int_eq(tally_end(&t[1]), 0);
		for (size_t i = 0, k = 0; i < DIM; i++) {
			ck_assert(t[0].sum[i] == want[i]);
			if (want[i] == 0)
				continue;
			ck_assert_uint_lt(k, t[1].n);
			ck_assert_uint_eq(t[1].index[k], i);
			ck_assert(t[1].sum[k] == want[i]);
			k++;
		}
	}
	tally_free(&t[0]);
	tally_free(&t[1]);
	free(want);
}
END_TEST

START_TEST(counts_are_logarithms)
{
	const double weight = 2;
	uint64_t f = tally_feature(UINT64_C(0x123456789abcdef0), 0);
	struct tally t;

	ck_assert_int_eq(tally_init(&t, 1, 0, &weight, 1), 0);
	for (size_t n = 1; n < 4000000; n = n * 3 + 1) {
		size_t seen = n < 2097151 ? n : 2097151;
		double want = 2 * (1 + log((double)seen)) * 0x1p20;

		tally_start(&t, 1);
		for (size_t i = 0; i < n; i++)
			tally_add(&t, &f, 1);
		ck_assert_int_eq(tally_end(&t), 0);
		ck_assert_double_lt(fabs(fabs(t.sum[0]) - want), 0.6);
		/* As many, a third at a time. */
		want = t.sum[0];
		tally_start(&t, 1);
		for (size_t i = 0, k; i < n; i += k) {
			uint64_t several = f + (k = n / 3 + 1) - 1;

			if (i + k > n)
				several = f + (k = n - i) - 1;
			tally_add(&t, &several, 1);
		}
		ck_assert_int_eq(tally_end(&t), 0);
		ck_assert_double_eq(t.sum[0], want);
	}
	tally_free(&t);
}
END_TEST

/* N-grams spread evenly over the places, half of them negative. */
START_TEST(places_are_even)
{
	enum { B = 256, N = 60 * B };
	int count[B] = { 0 };
	double chi = 0, minus = 0;
	enum ngrams_kind kind = NGRAMS_2 + (enum ngrams_kind)_i;

	for (uint32_t i = 0; i < N; i++) {
		uint32_t c[6] = { ' ', 'a' + i % 26, 'a' + i / 26 % 26,
			'a' + i / 676, 'x', ' ' };
		uint64_t h;

		if (kind == NGRAMS_2) {
			c[1] = 'a' + i / 124;
			c[2] = 'a' + i % 124;
		}
		h = kind == NGRAMS_WORD ? ngrams_hash_word(c + 1, 3)
					: ngrams_hash(kind, c + 1,
					      (size_t)(kind - NGRAMS_1) + 1);
		count[((h >> 32) * B) >> 32]++;
		minus += (double)(h >> 24 & 1);
	}
	for (int i = 0; i < B; i++)
		chi += (count[i] - 60.0) * (count[i] - 60.0) / 60;
	ck_assert_double_lt(fabs(chi - (B - 1)), 6 * sqrt(2.0 * B));
	ck_assert_double_lt(fabs(minus - N / 2.0), 6 * sqrt(N / 4.0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("core");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, folding_is_as_recorded);
	tcase_add_test(t, short_way_is_the_long_way);
	tcase_add_test(t, classes);
	tcase_add_test(t, a_million_marks_take_linear_time);
	tcase_add_test(t, vectors_are_those_of_the_reference);
	tcase_add_test(t, chunks_do_not_show);
	tcase_add_test(t, grams_are_those_of_scikit_learn);
	tcase_add_test(t, equivalent_texts_have_equal_vectors);
	tcase_add_test(t, nothing_to_encode_is_told);
	tcase_add_test(t, words_met_before_do_not_show);
	tcase_add_test(t, a_long_word_is_encoded_in_pieces);
	tcase_add_test(t, tally_is_a_sum);
	tcase_add_test(t, counts_are_logarithms);
	tcase_add_loop_test(t, places_are_even, 0, NGRAMS_WORD - NGRAMS_2 + 1);
	suite_add_tcase(s, t);
	return unit_main(s);
}
