#include <stdlib.h>

#include "fuzz.h"
#include "text/tokenizer.h"

/*
 * The first byte says what the rest is: '{' begins a tokenizer.json, 'v' comes
 * before a vocab.txt, 'c' before a tokenizer_config.json, 'd' before damage: a
 * byte that chooses a tokenizer, and then, for its block, offsets of three
 * bytes and what to xor there.  What is taken must run: every id lies in the
 * vocabulary.
 */

static const char VOCAB[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\nhello\n";

/* For damage. */
static const char *const GOOD[] = {
	"{\"added_tokens\":[{\"id\":4,\"content\":\"<s>\",\"lstrip\":true,"
	"\"normalized\":false},{\"id\":0,\"content\":\"a\",\"normalized\":"
	"true}],\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
	"{\"type\":\"NFKC\"},{\"type\":\"Replace\",\"pattern\":{\"String\":"
	"\"l\"},\"content\":\"LL\"},{\"type\":\"Lowercase\"}]},"
	"\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
	"{\"type\":\"Digits\",\"individual_digits\":true},"
	"{\"type\":\"ByteLevel\",\"add_prefix_space\":true}]},"
	"\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"a\",0],"
	"\"cls\":[\"<s>\",4]},\"model\":{\"type\":\"BPE\",\"unk_token\":"
	"\"a\",\"byte_fallback\":true,\"end_of_word_suffix\":\"h\","
	"\"vocab\":{\"a\":0,\"h\":1,\"e\":2,\"he\":3},\"merges\":[\"h e\"]}}",
	"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
	"{\"type\":\"Whitespace\"},{\"type\":\"Metaspace\",\"replacement\":"
	"\"_\",\"prepend_scheme\":\"first\"}]},\"model\":{\"type\":\"Unigram\","
	"\"unk_id\":0,\"byte_fallback\":true,\"vocab\":[[\"u\",0],[\"_\",-1],"
	"[\"aaaa\",-2],[\"<0xE4>\",-2],[\"e\",-1.5]]}}",
};

static const char TEXT[] =
    "Hello [CLS] w\xc3\x96rld's 12 345 \xe4\xb8\xad\xe6\x96\x87 "
    "e\xcc\x81\xcc\xa7 "
    "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9 <s>a  b\r\n \xff\xfe\x00 "
    "\xed\x95\x9c\xe1\x84\x80\xe1\x85\xa1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void
run(const struct tokenizer *t, const char *s, size_t n)
{
	struct error e = { 0 };
	struct tokens *w = tokens_new(t, &e);
	const uint32_t *ids;
	ptrdiff_t count;

	if (w == NULL)
		return;
	for (int k = 0; k < 2; k++) {
		count = tokenizer_run(t, w, s, n, &ids, &e);
		FUZZ_MUST(count >= 0 || e.text[0] != '\0');
		for (ptrdiff_t i = 0; i < count; i++)
			FUZZ_MUST(ids[i] < tokenizer_vocab(t));
	}
	tokens_free(w);
}

static void
use(struct tokenizer *t, const unsigned char *data, size_t n)
{
	struct str block = tokenizer_block(t);
	struct error e = { 0 };
	struct tokenizer *m = tokenizer_map(block.s, block.len, &e);
	size_t special = tokenizer_special(t);
	uint32_t *out = malloc((special + 1) * sizeof(*out)), one = 0;

	FUZZ_MUST(m != NULL);
	run(m, TEXT, sizeof(TEXT) - 1);
	run(t, (const char *)data, n < 512 ? n : 512);
	if (out != NULL) {
		FUZZ_MUST(tokenizer_frame(t, &one, 1, out) == special + 1);
		for (size_t i = 0; i <= special; i++)
			FUZZ_MUST(out[i] < tokenizer_vocab(t));
	}
	free(out);
	tokenizer_id(t, "a", 1);
	tokenizer_free(m);
	tokenizer_free(t);
}

static struct tokenizer *
damaged(const unsigned char *data, size_t n, void **block, struct error *e)
{
	struct tokenizer_files files = { .vocab = {
					     VOCAB, sizeof(VOCAB) - 1 } };
	struct tokenizer *t;
	struct str good;
	unsigned char *p;
	int which = n > 0 ? data[0] % 3 : 0;

	if (which > 0)
		files.tokenizer =
		    (struct str){ GOOD[which - 1], strlen(GOOD[which - 1]) };
	t = tokenizer_build(&files, e);
	FUZZ_MUST(t != NULL || e->memory);
	if (t == NULL)
		return NULL;
	good = tokenizer_block(t);
	*block = p = mem_aligned(good.len, 1);
	if (p != NULL) {
		memcpy(p, good.s, good.len);
		for (size_t i = 1; i + 4 <= n; i += 4)
			p[((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 |
			      data[i + 2]) %
			    good.len] ^= data[i + 3];
		n = good.len;
	}
	tokenizer_free(t);
	return p != NULL ? tokenizer_map(p, n, e) : NULL;
}

static void
fuzz_one(const unsigned char *data, size_t n)
{
	struct tokenizer_files files = { 0 };
	struct error e = { 0 };
	struct tokenizer *t;
	void *block = NULL;

	if (n == 0)
		return;
	if (data[0] == 'd') {
		t = damaged(data + 1, n - 1, &block, &e);
	} else {
		if (data[0] == 'v') {
			files.vocab =
			    (struct str){ (const char *)data + 1, n - 1 };
		} else if (data[0] == 'c') {
			files.vocab = (struct str){ VOCAB, sizeof(VOCAB) - 1 };
			files.config =
			    (struct str){ (const char *)data + 1, n - 1 };
		} else {
			files.tokenizer = (struct str){ (const char *)data, n };
		}
		t = tokenizer_build(&files, &e);
	}
	if (t == NULL)
		FUZZ_MUST(e.text[0] != '\0' || data[0] == 'd');
	else
		use(t, data, n);
	free(block);
}
