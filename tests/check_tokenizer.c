#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"
#include "unit.h"

/*
 * Recorded tokenizers: tests/data/tokenizers, by tools/record-tokenizers.py.
 */
static const char *const NAMES[] = { "bert-uncased", "bert-cased", "roberta",
	"clip", "llama3", "llama2", "xlmr", "xlmr-old", "unigram-bytes",
	"odd-words", "odd-split", "odd-first" };
enum { KINDS = sizeof(NAMES) / sizeof(NAMES[0]) };

static struct buf
load(const char *name, const char *ending)
{
	const char *dir = getenv("DATA");
	struct buf path = { 0 }, b = { 0 };
	struct error e = { 0 };

	buf_printf(&path, "%s/tokenizers/%s%s",
	    dir != NULL ? dir : "tests/data", name, ending);
	ck_assert_msg(
	    io_read_file(path.data, 1 << 24, &b, &e) == 0, "%s", e.text);
	buf_free(&path);
	return b;
}

static struct tokenizer *
build_json(const char *s, size_t n, struct error *e)
{
	struct tokenizer_files files = { .tokenizer = { s, n } };

	return tokenizer_build(&files, e);
}

static struct tokenizer *
build(const char *name)
{
	struct buf b = load(name, ".json");
	struct error e = { 0 };
	struct tokenizer *t = build_json(b.data, b.len, &e);

	ck_assert_msg(t != NULL, "%s: %s", name, e.text);
	buf_free(&b);
	return t;
}

static struct tokens *
worker(const struct tokenizer *t, int cache)
{
	struct error e = { 0 };
	struct tokens *w = tokens_new(t, &e);

	ck_assert_ptr_nonnull(w);
	if (!cache) {
		free(w->cache);
		w->cache = NULL;
	}
	return w;
}

/* A line of recorded answers: what the tokenizer says must be what stands
 * there. */
static void
check_line(const struct tokenizer *t, struct tokens *w, const char *name,
    int line, const char *s, size_t n)
{
	struct json j = { 0 };
	struct str key;
	struct buf text = { 0 };
	struct error e = { 0 };
	const uint32_t *ids;
	uint32_t want[4096], got[4096 + TOKEN_FRAME_MAX];
	size_t n_want = 0, n_got;
	ptrdiff_t r;

	json_init(&j, s, n);
	json_object(&j);
	while (json_object_next(&j, &key) > 0)
		if (str_is(key, "text")) {
			json_string(&j, &text);
		} else {
			int64_t id;

			json_array(&j);
			while (json_array_next(&j) > 0) {
				json_integer(&j, 0, UINT32_MAX, &id);
				ck_assert_uint_lt(n_want, 4096);
				want[n_want++] = (uint32_t)id;
			}
		}
	ck_assert_int_eq(json_end(&j), 0);
	r = tokenizer_run(t, w, text.data, text.len, &ids, &e);
	ck_assert_int_ge(r, 0);
	ck_assert_uint_le((size_t)r, 4096);
	n_got = tokenizer_frame(t, ids, (size_t)r, got);
	ck_assert_msg(
	    n_got == n_want && memcmp(got, want, n_got * sizeof(*got)) == 0,
	    "%s: line %d: other ids", name, line);
	json_free(&j);
	buf_free(&text);
}

static void
check_recorded(const struct tokenizer *t, struct tokens *w, const char *name,
    const struct buf *b)
{
	size_t at = 0;
	int line = 0;

	while (at < b->len) {
		const char *end = memchr(b->data + at, '\n', b->len - at);
		size_t n = (size_t)(end - b->data) - at;

		check_line(t, w, name, ++line, b->data + at, n);
		at += n + 1;
	}
	ck_assert_int_gt(line, 50);
}

/* As built, as mapped from its block, with a cache and without, twice. */
START_TEST(recorded)
{
	const char *name = NAMES[_i];
	struct buf b = load(name, ".jsonl");
	struct tokenizer *t = build(name), *m;
	struct str block = tokenizer_block(t);
	void *copy = mem_aligned(block.len, 1);
	struct error e = { 0 };

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, block.s, block.len);
	m = tokenizer_map(copy, block.len, &e);
	ck_assert_msg(m != NULL, "%s", e.text);
	for (int cache = 0; cache < 2; cache++) {
		struct tokens *w = worker(cache ? m : t, cache);

		for (int k = 0; k < 2; k++)
			check_recorded(cache ? m : t, w, name, &b);
		/* A whole text is a word where nothing cuts it. */
		if (cache && strstr(name, "bytes") == NULL &&
		    strcmp(name, "llama2") != 0)
			ck_assert_uint_gt(w->hits, 100);
		tokens_free(w);
	}
	tokenizer_free(t);
	tokenizer_free(m);
	free(copy);
	buf_free(&b);
}
END_TEST

/* The same files give the same block. */
START_TEST(same_block)
{
	struct tokenizer *a = build(NAMES[_i]), *b = build(NAMES[_i]);

	ck_assert(str_eq(tokenizer_block(a), tokenizer_block(b)));
	tokenizer_free(a);
	tokenizer_free(b);
}
END_TEST

static Suite *
tokenizer_suite(void)
{
	Suite *s = suite_create("tokenizer");
	TCase *c = tcase_create("recorded");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, recorded, 0, KINDS);
	tcase_add_loop_test(c, same_block, 0, KINDS);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(tokenizer_suite());
}
