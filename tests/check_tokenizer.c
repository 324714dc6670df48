#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
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

/*
 * What is refused, and how it is said.  %s stands for the rest of a good
 * document.
 */
#define MODEL                                                                  \
	"\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","           \
	"\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":"   \
	"100,"                                                                 \
	"\"vocab\":{\"[UNK]\":0,\"a\":1,\"##b\":2,\"[CLS]\":3}}"
#define BPE(vocab, more)                                                       \
	"{\"model\":{\"type\":\"BPE\",\"vocab\":{" vocab "}," more "}}"
#define UNIGRAM(more) "{\"model\":{\"type\":\"Unigram\"," more "}}"
#define NORMALIZER(x) "{\"normalizer\":" x "," MODEL "}"
#define SPLITTER(x)   "{\"pre_tokenizer\":" x "," MODEL "}"
#define PROCESSOR(x)  "{\"post_processor\":" x "," MODEL "}"
#define ADDED(x)      "{\"added_tokens\":[" x "]," MODEL "}"

static const struct {
	const char *json, *say;
} REFUSED[] = {
	{ "{}", "there is no model" },
	{ "[]", "column 1: expected an object" },
	{ "{\"version\":\"2.0\"," MODEL "}", "version '2.0' is not supported" },
	{ "{" MODEL "", "unexpected end" },
	{ "{" MODEL "}x", "text after the end" },
	{ "{\"model\":{}}", "model.type is missing" },
	{ "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}",
	    "model 'WordLevel' is not supported" },
	{ "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}",
	    "model.unk_token is missing" },
	{ "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"u\",\"vocab\":{"
	  "\"a\":0}}}",
	    "unk_token 'u' is not in the vocabulary" },
	{ "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"a\",\"vocab\":[["
	  "\"a\",0]]}}",
	    "model.vocab is not that of a WordPiece model" },
	{ BPE("\"a\":0,\"a\":1", "\"merges\":[]"),
	    "model.vocab: token 'a' twice" },
	{ BPE("\"\":0", "\"merges\":[]"), "model.vocab: an empty token" },
	{ BPE("\"a\":0,\"b\":2", "\"merges\":[]"),
	    "id 2 of token 'b', where 2 tokens have the ids below 2" },
	{ BPE("\"a\":0,\"b\":0", "\"merges\":[]"), "id 0 twice: 'a' and 'b'" },
	{ BPE("\"a\":-1", "\"merges\":[]"), "number out of range" },
	{ BPE("\"a\":99999999", "\"merges\":[]"), "number out of range" },
	{ BPE("\"a\":0.5", "\"merges\":[]"), "expected an integer" },
	{ BPE("\"a\":\"0\"", "\"merges\":[]"), "expected a number" },
	{ BPE("\"a\":0", "\"dropout\":0.1"), "model.dropout is not supported" },
	{ BPE("\"a\":0", "\"unk_token\":null"), "model.merges is missing" },
	{ BPE("", "\"merges\":[]"), "model.vocab: no tokens" },
	{ BPE("\"a\":0", "\"merges\":[\"a b\"]"), "merge 0: no token 'b'" },
	{ BPE("\"a\":0", "\"merges\":[\"b a\"]"), "merge 0: no token 'b'" },
	{ BPE("\"a\":0", "\"merges\":[[\"a\",\"a\"]]"),
	    "merge 0: no token 'aa'" },
	{ BPE("\"a\":0", "\"merges\":[\"aa\"]"), "not a pair of tokens" },
	{ BPE("\"a\":0", "\"merges\":[\"a a a\"]"), "not a pair of tokens" },
	{ BPE("\"a\":0", "\"merges\":[[\"a\",\"a\",\"a\"]]"),
	    "not a pair of tokens" },
	{ BPE("\"a\":0", "\"merges\":{}"), "expected an array" },
	{ BPE("\"\\ud800\":0", "\"merges\":[]"), "a lone surrogate" },
	{ BPE("\"a\":0", "\"merges\":[],\"continuing_subword_prefix\":"
			 "\"123456789012345678901234567890123\""),
	    "a prefix or suffix of more than 32 bytes" },
	{ UNIGRAM("\"vocab\":[[\"a\",0]]"), "model.unk_id is missing" },
	{ UNIGRAM("\"unk_id\":1,\"vocab\":[[\"a\",0]]"),
	    "model.unk_id is 1, of 1 tokens" },
	{ UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\",0],[\"a\",1]]"),
	    "token 'a' twice" },
	{ UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\",0,0]]"),
	    "more than a token and a score" },
	{ UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\"]]"), "expected a value" },
	{ UNIGRAM("\"unk_id\":0,\"vocab\":[[\"a\",1e999]]"),
	    "number too large" },
	{ UNIGRAM("\"unk_id\":0,\"vocab\":{\"a\":0}"),
	    "model.vocab is not that of a Unigram model" },
	{ NORMALIZER("{\"type\":\"Foo\"}"),
	    "normalizer 'Foo' is not supported" },
	{ NORMALIZER("{}"), "normalizer: no type" },
	{ NORMALIZER("[]"), "expected an object" },
	{ NORMALIZER("{\"type\":\"Sequence\"}"),
	    "normalizer 'Sequence': no normalizers" },
	{ NORMALIZER("{\"type\":\"BertNormalizer\",\"clean_text\":true}"),
	    "normalizer 'BertNormalizer': no handle_chinese_chars" },
	{ NORMALIZER("{\"type\":\"Strip\",\"strip_left\":1}"),
	    "expected true or false" },
	{ NORMALIZER("{\"type\":\"Precompiled\"}"), "no precompiled_charsmap" },
	{ NORMALIZER("{\"type\":\"Precompiled\",\"precompiled_charsmap\":"
		     "\"AAAA\"}"),
	    "precompiled_charsmap of 3 bytes is cut short" },
	{ NORMALIZER("{\"type\":\"Precompiled\",\"precompiled_charsmap\":"
		     "\"CAAAAAAAAAA=\"}"),
	    "precompiled_charsmap of 8 bytes is cut short" },
	{ NORMALIZER("{\"type\":\"Precompiled\",\"precompiled_charsmap\":"
		     "\"A A!\"}"),
	    "precompiled_charsmap is not base 64" },
	{ NORMALIZER("{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x+\"},"
		     "\"content\":\"\"}"),
	    "with the regular expression 'x+' is not supported" },
	{ NORMALIZER("{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},"
		     "\"content\":\"\"}"),
	    "such a pattern is not supported" },
	{ NORMALIZER("{\"type\":\"Replace\",\"pattern\":{},\"content\":\"\"}"),
	    "normalizer 'Replace': no pattern" },
	{ NORMALIZER("{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}"),
	    "normalizer 'Replace': no content" },
	{ SPLITTER("{\"type\":\"UnicodeScripts\"}"),
	    "pre_tokenizer 'UnicodeScripts' is not supported" },
	{ SPLITTER("{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},"
		   "\"behavior\":\"Kept\",\"invert\":false}"),
	    "this behavior is not supported" },
	{ SPLITTER("{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\s+\"},"
		   "\"behavior\":\"Removed\",\"invert\":false}"),
	    "this regular expression is not supported" },
	{ SPLITTER("{\"type\":\"Metaspace\",\"replacement\":\"__\"}"),
	    "a replacement of other than one character is not supported" },
	{ SPLITTER("{\"type\":\"Metaspace\",\"replacement\":\"_\","
		   "\"prepend_scheme\":\"last\"}"),
	    "this prepend_scheme is not supported" },
	{ SPLITTER("{\"type\":\"Metaspace\",\"replacement\":\"_\","
		   "\"prepend_scheme\":\"first\",\"add_prefix_space\":false}"),
	    "add_prefix_space against prepend_scheme is not supported" },
	{ SPLITTER("{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":"
		   "\"ByteLevel\",\"add_prefix_space\":true},{\"type\":"
		   "\"Whitespace\"}]}"),
	    "'Whitespace' with ByteLevel before it is not supported" },
	{ PROCESSOR("{\"type\":\"Foo\"}"),
	    "post_processor 'Foo' is not supported" },
	{ PROCESSOR("{\"type\":\"BertProcessing\",\"cls\":[\"a\",1]}"),
	    "post_processor 'BertProcessing': no sep" },
	{ PROCESSOR("{\"type\":\"BertProcessing\",\"cls\":[\"a\",1],\"sep\":["
		    "\"b\",4]}"),
	    "post_processor: id 4 is not in the vocabulary" },
	{ PROCESSOR("{\"type\":\"TemplateProcessing\",\"single\":[]}"),
	    "'TemplateProcessing' with this template is not supported" },
	{ PROCESSOR(
	      "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":"
	      "{\"id\":\"B\"}}]}"),
	    "'TemplateProcessing' with this template is not supported" },
	{ PROCESSOR(
	      "{\"type\":\"TemplateProcessing\",\"single\":["
	      "{\"SpecialToken\":{\"id\":\"x\"}}],\"special_tokens\":{}}"),
	    "'TemplateProcessing': no special_tokens" },
	{ ADDED("{\"id\":9,\"content\":\"new\"}"),
	    "added_tokens: id 9 of 'new', which has the id 4 by its place" },
	{ ADDED("{\"id\":2,\"content\":\"a\"}"),
	    "added_tokens: id 2 of 'a', which has the id 1 by its place" },
	{ ADDED("{\"id\":4,\"content\":\"\"}"),
	    "added_tokens: an empty token" },
	{ ADDED("{\"id\":1,\"content\":\"a\"},{\"id\":1,\"content\":\"a\"}"),
	    "added_tokens: 'a' twice" },
	{ ADDED("5"), "expected an object" },
	{ "{\"normalizer\":{\"type\":\"Strip\",\"strip_left\":true,"
	  "\"strip_right\":true},\"added_tokens\":[{\"id\":4,\"content\":\" \","
	  "\"normalized\":true}]," MODEL "}",
	    "added_tokens: token 4 ' ' is normalized to nothing" },
	{ "{\"a\":\"\xff\"}", "byte 7 is not of valid UTF-8" },
};
enum { REFUSALS = sizeof(REFUSED) / sizeof(REFUSED[0]) };

START_TEST(refused)
{
	const char *s = REFUSED[_i].json;
	struct error e = { 0 };

	ck_assert_ptr_null(build_json(s, strlen(s), &e));
	ck_assert_msg(strstr(e.text, REFUSED[_i].say) != NULL &&
			  strncmp(e.text, "tokenizer.json: ", 16) == 0,
	    "%s: '%s', not '%s'", s, e.text, REFUSED[_i].say);
}
END_TEST

/* A token of 1,024 bytes is one; a longer is refused. */
START_TEST(giant)
{
	struct buf b = { 0 };
	struct error e = { 0 };
	struct tokenizer *t;

	for (int n = 1024; n <= 1025; n++) {
		b.len = 0;
		buf_puts(&b, "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"");
		for (int i = 0; i < n; i++)
			buf_putc(&b, 'x');
		buf_puts(&b, "\":0},\"merges\":[]}}");
		t = build_json(b.data, b.len, &e);
		ck_assert_int_eq(t != NULL, n == 1024);
		tokenizer_free(t);
	}
	ck_assert_msg(strstr(e.text, "a token of 1025 bytes, at most 1024"),
	    "%s", e.text);
	buf_free(&b);
}
END_TEST

/* Cut anywhere, no file is a tokenizer. */
START_TEST(every_prefix)
{
	struct buf b = load("odd-first", ".json");

	for (size_t n = 0; n < b.len; n++) {
		struct error e = { 0 };
		char *exact = malloc(n > 0 ? n : 1);

		memcpy(exact, b.data, n);
		ck_assert_ptr_null(build_json(exact, n, &e));
		ck_assert_str_ne(e.text, "");
		free(exact);
	}
	buf_free(&b);
}
END_TEST

/*
 * vocab.txt.
 */

static struct tokenizer *
build_vocab(const char *vocab, const char *config, struct error *e)
{
	struct tokenizer_files files = { .vocab = { vocab, strlen(vocab) },
		.config = { config, strlen(config) } };

	return tokenizer_build(&files, e);
}

/* The ids of a text, framed, as words of decimal numbers. */
static const char *
ids_of(const struct tokenizer *t, const char *s, struct buf *out)
{
	struct tokens *w = worker(t, 1);
	struct error e = { 0 };
	const uint32_t *ids;
	uint32_t framed[1000];
	ptrdiff_t n = tokenizer_run(t, w, s, strlen(s), &ids, &e);

	ck_assert_int_ge(n, 0);
	ck_assert_int_lt(n, 900);
	n = (ptrdiff_t)tokenizer_frame(t, ids, (size_t)n, framed);
	out->len = 0;
	for (ptrdiff_t i = 0; i < n; i++)
		buf_printf(out, "%s%u", i > 0 ? " " : "", framed[i]);
	buf_putc(out, '\0');
	tokens_free(w);
	return out->data;
}

#define LINES "[UNK]\n[CLS]\n[SEP]\n[MASK]\nA\na\n##b  \r\n\xc3\xa9\ne\n"

START_TEST(vocab_txt)
{
	struct error e = { 0 };
	struct buf b = { 0 };
	struct tokenizer *t = build_vocab(LINES, "", &e);

	ck_assert_msg(t != NULL, "%s", e.text);
	ck_assert_str_eq(tokenizer_kind(t), "WordPiece");
	ck_assert_uint_eq(tokenizer_vocab(t), 9);
	ck_assert_uint_eq(tokenizer_special(t), 2);
	ck_assert_int_eq(tokenizer_id(t, "##b", 3), 6);
	ck_assert_int_eq(tokenizer_id(t, "##c", 3), -1);
	ck_assert_str_eq(ids_of(t, "A AB ab\xc3\x89 \xc3\x89[MASK]x", &b),
	    "1 5 5 6 0 8 3 0 2");
	tokenizer_free(t);
	t = build_vocab(LINES, "{\"do_lower_case\":false}", &e);
	ck_assert_str_eq(
	    ids_of(t, "A ab \xc3\xa9 [mask]", &b), "1 4 5 6 7 0 0 0 2");
	tokenizer_free(t);
	t = build_vocab(LINES,
	    "{\"do_lower_case\":true,\"strip_accents\":false,"
	    "\"tokenizer_class\":\"MPNetTokenizerFast\",\"mask_token\":"
	    "{\"content\":\"[MASK]\",\"lstrip\":true},\"cls_token\":\"A\"}",
	    &e);
	ck_assert_str_eq(
	    ids_of(t, "\xc3\x89 \xc3\xa9 [MASK]", &b), "4 7 7 3 2");
	tokenizer_free(t);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *vocab, *config, *say;
} BAD_VOCAB[] = {
	{ "", "", "neither tokenizer.json nor vocab.txt" },
	{ "a\n\nb\n", "", "vocab.txt: line 2: an empty token" },
	{ "a\nb\na\n", "", "vocab.txt: token 'a' twice" },
	{ "a\nb\xff\n", "", "vocab.txt: line 2 is not valid UTF-8" },
	{ "a\n", "", "unk_token '[UNK]' is not in the vocabulary" },
	{ "[UNK]\n[SEP]\n", "", "vocab.txt: there is no token '[CLS]'" },
	{ LINES, "{", "tokenizer_config.json: column 2: unexpected end" },
	{ LINES, "{\"do_lower_case\":3}", "expected true or false" },
	{ LINES, "{\"do_basic_tokenize\":false}",
	    "do_basic_tokenize: false is not supported" },
	{ LINES, "{\"unk_token\":{}}", "a token without content" },
	{ LINES, "{\"tokenizer_class\":\"BertJapaneseTokenizer\"}",
	    "tokenizer_class 'BertJapaneseTokenizer' is not supported" },
};

START_TEST(bad_vocab)
{
	struct error e = { 0 };

	ck_assert_ptr_null(
	    build_vocab(BAD_VOCAB[_i].vocab, BAD_VOCAB[_i].config, &e));
	ck_assert_msg(strstr(e.text, BAD_VOCAB[_i].say) != NULL,
	    "'%s', not '%s'", e.text, BAD_VOCAB[_i].say);
}
END_TEST

/*
 * The block.
 */

/* Every byte of the header and of the small parts damaged in turn: refused, or
 * what runs stays within the vocabulary. */
START_TEST(damaged_block)
{
	struct tokenizer *t = build("odd-first");
	struct str block = tokenizer_block(t);
	unsigned char *copy = mem_aligned(block.len, 1);
	static const char TEXT[] = " ab \xc3\xa9 12";

	ck_assert_ptr_nonnull(copy);
	for (size_t i = 0; i < block.len; i++) {
		struct error e = { 0 };
		struct tokenizer *m;

		memcpy(copy, block.s, block.len);
		copy[i] ^= (unsigned char)(i % 3 == 0 ? 0x80 : 1);
		m = tokenizer_map(copy, block.len, &e);
		if (m != NULL) {
			struct tokens *w = worker(m, 0);
			const uint32_t *ids;
			ptrdiff_t n = tokenizer_run(
			    m, w, TEXT, sizeof(TEXT) - 1, &ids, &e);

			for (ptrdiff_t k = 0; k < n; k++)
				ck_assert_uint_lt(ids[k], tokenizer_vocab(m));
			tokens_free(w);
		} else {
			ck_assert_ptr_nonnull(
			    strstr(e.text, "tokenizer block: "));
		}
		tokenizer_free(m);
	}
	for (size_t n = 0; n < block.len; n += n < 1024 ? 1 : 97) {
		struct error e = { 0 };

		ck_assert_ptr_null(tokenizer_map(block.s, n, &e));
	}
	ck_assert_ptr_null(tokenizer_map(block.s + 8, block.len - 8, NULL));
	free(copy);
	tokenizer_free(t);
}
END_TEST

/*
 * Properties.
 */

static void
repeat(struct buf *b, const char *s, size_t n)
{
	b->len = 0;
	for (size_t i = 0; i < n; i++)
		buf_puts(b, s);
}

/* Twice the text takes at most about twice the look-ups of tokens. */
START_TEST(linear)
{
	static const char *const UNITS[] = { "a", "a ", "\xcc\x81", "e\xcc\x81",
		"\xe4\xb8\xad", " ", "ab", "\xff", "[", "<", "\n", "'s",
		"\xef\xb7\xba", "[CLS]", "_", "1", "\xe2\x96\x81" };
	struct tokenizer *t = build(NAMES[_i]);
	struct buf b = { 0 };

	for (size_t k = 0; k < sizeof(UNITS) / sizeof(UNITS[0]); k++) {
		uint64_t looked[2];

		for (int twice = 0; twice < 2; twice++) {
			struct tokens *w = worker(t, 0);
			struct error e = { 0 };
			const uint32_t *ids;

			repeat(&b, UNITS[k], 5000u << twice);
			ck_assert_int_ge(
			    tokenizer_run(t, w, b.data, b.len, &ids, &e), 0);
			looked[twice] = w->looked;
			tokens_free(w);
		}
		ck_assert_msg(looked[1] <= looked[0] * 21 / 10 + 1000,
		    "%s: %llu then %llu look-ups", NAMES[_i],
		    (unsigned long long)looked[0],
		    (unsigned long long)looked[1]);
	}
	buf_free(&b);
	tokenizer_free(t);
}
END_TEST

/* Words apart by a space give the ids of the words one after the other, where
 * words do not see each other. */
START_TEST(concatenation)
{
	static const char *const SAYS[] = { "Hello", "na\xc3\xafve",
		"antidisestablishmentarianism", "don't", "3.14",
		"\xe4\xbd\xa0\xe5\xa5\xbd", "x\xcc\x81\xcc\xa7", "[UNK]", "!" };
	enum { N = sizeof(SAYS) / sizeof(SAYS[0]) };
	struct tokenizer *t = build("bert-uncased");
	struct tokens *w = worker(t, 1);
	struct error e = { 0 };
	struct buf b = { 0 };
	uint32_t want[1000];
	size_t n_want = 0;
	const uint32_t *ids;
	struct rng r;

	rng_seed(&r, 3);
	for (int i = 0; i < 60; i++) {
		const char *s = SAYS[rng_below(&r, N)];
		ptrdiff_t n = tokenizer_run(t, w, s, strlen(s), &ids, &e);

		memcpy(want + n_want, ids, (size_t)n * sizeof(*ids));
		n_want += (size_t)n;
		buf_printf(&b, "%s%s", s, i % 2 ? " " : "\t ");
	}
	ck_assert_int_eq(
	    tokenizer_run(t, w, b.data, b.len, &ids, &e), (ptrdiff_t)n_want);
	ck_assert_int_eq(memcmp(ids, want, n_want * sizeof(*ids)), 0);
	buf_free(&b);
	tokens_free(w);
	tokenizer_free(t);
}
END_TEST

/* A million combining marks, and a word of 100 and of 101 characters. */
START_TEST(long_words)
{
	struct tokenizer *t = build("bert-uncased");
	struct tokens *w = worker(t, 1);
	struct error e = { 0 };
	struct buf b = { 0 };
	const uint32_t *ids;

	repeat(&b, "\xcc\x81\xcc\xa7", 500000);
	ck_assert_int_eq(tokenizer_run(t, w, b.data, b.len, &ids, &e), 0);
	/* Marks that are not Mn stay, and are sorted. */
	repeat(&b, "\xe3\x80\xae\xe3\x80\xaf", 500000);
	ck_assert_int_eq(tokenizer_run(t, w, b.data, b.len, &ids, &e), 1);
	repeat(&b, "e", 100);
	ck_assert_int_gt(tokenizer_run(t, w, b.data, b.len, &ids, &e), 1);
	repeat(&b, "\xc3\xa9", 100);
	ck_assert_int_gt(tokenizer_run(t, w, b.data, b.len, &ids, &e), 1);
	repeat(&b, "\xc3\xa9", 101);
	ck_assert_int_eq(tokenizer_run(t, w, b.data, b.len, &ids, &e), 1);
	ck_assert_int_eq(ids[0], tokenizer_id(t, "[UNK]", 5));
	buf_free(&b);
	tokens_free(w);
	tokenizer_free(t);
}
END_TEST

/* A normalizer may not blow a text up without bound. */
START_TEST(growth)
{
	static const char JSON[] =
	    NORMALIZER("{\"type\":\"Sequence\",\"normalizers\":["
		       "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},"
		       "\"content\":\"aaaaaaaaaaaaaaaa\"},"
		       "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},"
		       "\"content\":\"aaaaaaaaaaaaaaaa\"}]}");
	struct error e = { 0 };
	struct tokenizer *t = build_json(JSON, sizeof(JSON) - 1, &e);
	struct tokens *w;
	struct buf b = { 0 };
	const uint32_t *ids;

	ck_assert_msg(t != NULL, "%s", e.text);
	w = worker(t, 1);
	repeat(&b, "a", 20000);
	ck_assert_int_eq(tokenizer_run(t, w, b.data, b.len, &ids, &e), -1);
	ck_assert_str_eq(
	    e.text, "a text of 20000 bytes becomes more than 64 times as long");
	ck_assert_int_eq(e.memory, 0);
	buf_free(&b);
	tokens_free(w);
	tokenizer_free(t);
}
END_TEST

/* The long and the short way of what ASCII and the cache shorten. */
START_TEST(flags_of_characters)
{
	uint32_t low[2], parts[UNICODE_PARTS_MAX], wrong = 0, last = 0;

	for (uint32_t c = 0; c < 0x110000; c++) {
		uint32_t f = unicode_flags(c), before = wrong;

		if (c < 0x80)
			wrong += ((f & UNICODE_LETTER) != 0) !=
				 ((c | 32) - 'a' < 26);
		/* Nothing is two of these. */
		wrong += (f & UNICODE_LETTER) && (f & UNICODE_NUMBER);
		wrong += (f & UNICODE_SPACE) &&
			 (f & (UNICODE_LETTER | UNICODE_NUMBER | UNICODE_WORD));
		wrong += (f & UNICODE_MN) && (f & UNICODE_PUNCT);
		wrong += unicode_decompose(c, 1, parts) < 1;
		wrong += parts[0] >= 0x110000;
		wrong += unicode_lower(c, low) > 2 || low[0] >= 0x110000;
		if (wrong != before)
			last = c;
	}
	ck_assert_msg(wrong == 0, "%u wrong, the last U+%04X", wrong, last);
	ck_assert_uint_eq(unicode_lower(0xC9, low), 1);
	ck_assert_uint_eq(low[0], 0xE9);
	ck_assert_uint_eq(unicode_lower(0x130, low), 2);
	ck_assert_uint_eq(unicode_compose('e', 0x301), 0xE9);
	/* Newer than the reference: U+11938 composes since Unicode 13. */
	ck_assert_uint_eq(unicode_compose(0x11935, 0x11930), 0);
}
END_TEST

/* All-MiniLM-L6-v2, where it is: both of its files say the same. */
START_TEST(minilm)
{
	static const char *const TEXTS[] = {
		"The quick brown fox, don't you know? \xe4\xbd\xa0\xe5\xa5\xbd "
		"\xf0\x9f\x98\x80 [MASK] unbelievably",
		"na\xc3\xafve caf\xc3\xa9 "
		"\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 "
		"\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4"
		"\xe0\xa5\x87",
	};
	const char *dir = getenv("MODELS"), *root = getenv("ROOT");
	struct buf path = { 0 }, json = { 0 }, vocab = { 0 }, a = { 0 },
		   b = { 0 };
	struct error e = { 0 };
	struct tokenizer *t, *v;
	struct tokenizer_files files = { 0 };

	buf_printf(&path, "%s%s/minilm/",
	    dir != NULL    ? dir
	    : root != NULL ? root
			   : ".",
	    dir != NULL ? "" : "/models");
	buf_printf(&path, "tokenizer.json%c", 0);
	if (io_read_file(path.data, 1 << 24, &json, &e) < 0) {
		printf("# minilm: %s: left out\n", e.text);
		buf_free(&path);
		return;
	}
	path.len -= 15;
	buf_printf(&path, "vocab.txt%c", 0);
	ck_assert_int_eq(io_read_file(path.data, 1 << 24, &vocab, &e), 0);
	t = build_json(json.data, json.len, &e);
	ck_assert_msg(t != NULL, "%s", e.text);
	files.vocab = (struct str){ vocab.data, vocab.len };
	v = tokenizer_build(&files, &e);
	ck_assert_msg(v != NULL, "%s", e.text);
	ck_assert_uint_eq(tokenizer_vocab(t), 30522);
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(
		    ids_of(t, TEXTS[i], &a), ids_of(v, TEXTS[i], &b));
	ck_assert_str_eq(ids_of(t, "hello world", &a), "101 7592 2088 102");
	tokenizer_free(t);
	tokenizer_free(v);
	buf_free(&path);
	buf_free(&json);
	buf_free(&vocab);
	buf_free(&a);
	buf_free(&b);
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
	c = tcase_create("refused");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, refused, 0, REFUSALS);
	tcase_add_test(c, giant);
	tcase_add_test(c, every_prefix);
	tcase_add_test(c, vocab_txt);
	tcase_add_loop_test(
	    c, bad_vocab, 0, sizeof(BAD_VOCAB) / sizeof(BAD_VOCAB[0]));
	tcase_add_test(c, damaged_block);
	suite_add_tcase(s, c);
	c = tcase_create("properties");
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, linear, 0, KINDS);
	tcase_add_test(c, concatenation);
	tcase_add_test(c, long_words);
	tcase_add_test(c, growth);
	tcase_add_test(c, flags_of_characters);
	tcase_add_test(c, minilm);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	return unit_main(tokenizer_suite());
}
