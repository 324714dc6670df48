#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * vocab.txt, a token a line, the first has id 0; and tokenizer_config.json,
 * which says what the lines do not: how BERT's tokenizer treats text, and
 * which tokens are special.
 */

enum field {
	F_CLASS,
	F_LOWER,
	F_CHINESE,
	F_ACCENTS,
	F_BASIC,
	F_UNK,
	F_SEP,
	F_PAD,
	F_CLS,
	F_MASK,
	F_DECODER,
	FIELDS
};

#define NAME(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}
static const struct str NAMES[FIELDS] = { NAME("tokenizer_class"),
	NAME("do_lower_case"), NAME("tokenize_chinese_chars"),
	NAME("strip_accents"), NAME("do_basic_tokenize"), NAME("unk_token"),
	NAME("sep_token"), NAME("pad_token"), NAME("cls_token"),
	NAME("mask_token"), NAME("added_tokens_decoder") };

static const char *const DEFAULTS[FIELDS] = { [F_UNK] = "[UNK]",
	[F_SEP] = "[SEP]",
	[F_PAD] = "[PAD]",
	[F_CLS] = "[CLS]",
	[F_MASK] = "[MASK]" };

struct config {
	int lower, chinese, accents; /* accents -1: as lower */
	struct buf special[FIELDS];  /* F_UNK .. F_MASK */
	uint32_t flags[FIELDS];
};

static int
read_lines(struct draft *d, struct str s, struct error *e)
{
	size_t line = 0, good = utf8_valid(s.s, s.len);

	for (size_t at = 0; at < s.len; line++) {
		const char *end = memchr(s.s + at, '\n', s.len - at);
		struct str x = { s.s + at,
			end != NULL ? (size_t)(end - s.s) - at : s.len - at };

		at += x.len + 1;
		if (at > good && good < s.len)
			return error_set(
			    e, "line %zu is not valid UTF-8", line + 1);
		/* As the reference does: without white space at the end. */
		while (x.len > 0) {
			size_t from = x.len - 1, len;
			uint32_t c;

			while (from > 0 && (x.s[from] & 0xC0) == 0x80)
				from--;
			c = unicode_next(x.s + from, &len);
			if ((unicode_flags(c) & UNICODE_WHITE) == 0)
				break;
			x.len = from;
		}
		if (draft_token(d, x, (int64_t)line, e) < 0)
			return error_at(e, "line %zu", line + 1);
	}
	return 0;
}

static int
read_bool(struct json *j, struct str raw, int *out)
{
	if (raw.s == NULL)
		return 0;
	json_again(j, raw);
	return json_peek(j) == JSON_NULL ? 0 : json_bool(j, out);
}

/* "[CLS]", or {"content": "[CLS]", "lstrip": false, ...}. */
static int
read_special(struct json *j, struct str raw, struct buf *out, uint32_t *flags)
{
	static const struct str PATHS[5] = { NAME("content"),
		NAME("single_word"), NAME("lstrip"), NAME("rstrip"),
		NAME("normalized") };
	static const uint32_t FLAGS[5] = { 0, ADDED_WORD, ADDED_LEFT,
		ADDED_RIGHT, ADDED_NORMALIZED };
	struct str field[5];

	json_again(j, raw);
	if (json_peek(j) == JSON_NULL) {
		out->len = 0;
		return 0;
	}
	if (json_peek(j) == JSON_STRING) {
		out->len = 0;
		return json_string(j, out);
	}
	if (json_find_paths(j, PATHS, 5, field) < 0)
		return -1;
	if (field[0].s == NULL)
		return json_refuse(j, "a token without content");
	for (int i = 1; i < 5; i++) {
		int on = 0;

		if (read_bool(j, field[i], &on) < 0)
			return -1;
		*flags |= on ? FLAGS[i] : 0;
	}
	json_again(j, field[0]);
	out->len = 0;
	return json_string(j, out);
}

static int
check_class(struct json *j, struct str raw, struct error *e)
{
	static const char *const KNOWN[] = { "Bert", "DistilBert", "MPNet",
		"Electra", "MobileBert", "Retriever", "DPRQuestionEncoder",
		"DPRContextEncoder", "RetriBert", "Funnel", "SqueezeBert",
		"LayoutLM" };
	char name[NAME_MAX_BYTES + 1];
	struct str s, base;

	if (raw.s == NULL)
		return 0;
	json_again(j, raw);
	if (json_peek(j) == JSON_NULL)
		return 0;
	if (json_str(j, &s) < 0)
		return -1;
	base = s;
	if (base.len > 4 && memcmp(base.s + base.len - 4, "Fast", 4) == 0)
		base.len -= 4;
	if (base.len > 9 && memcmp(base.s + base.len - 9, "Tokenizer", 9) == 0)
		base.len -= 9;
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++)
		if (str_is(base, KNOWN[i]))
			return 0;
	return error_set(e,
	    "tokenizer_class '%s' is not supported with a vocab.txt",
	    draft_name(name, s));
}

static int
read_config(struct config *c, struct json *j, struct error *e)
{
	struct str raw[FIELDS];
	int basic = 1;

	if (json_find_paths(j, NAMES, FIELDS, raw) < 0 || json_end(j) < 0)
		return -1;
	if (check_class(j, raw[F_CLASS], e) < 0 ||
	    read_bool(j, raw[F_LOWER], &c->lower) < 0 ||
	    read_bool(j, raw[F_CHINESE], &c->chinese) < 0 ||
	    read_bool(j, raw[F_ACCENTS], &c->accents) < 0 ||
	    read_bool(j, raw[F_BASIC], &basic) < 0)
		return -1;
	if (!basic)
		return error_set(
		    e, "do_basic_tokenize: false is not supported");
	for (int i = F_UNK; i <= F_MASK; i++)
		if (raw[i].s != NULL &&
		    read_special(j, raw[i], &c->special[i], &c->flags[i]) < 0)
			return -1;
	return 0;
}

static int
config_start(struct config *c, struct str text, struct error *e)
{
	struct json j = { 0 };
	int r;

	c->lower = c->chinese = 1;
	c->accents = -1;
	for (int i = F_UNK; i <= F_MASK; i++)
		if (buf_puts(&c->special[i], DEFAULTS[i]) < 0)
			return error_memory(e);
	if (text.len == 0)
		return 0;
	json_init(&j, text.s, text.len);
	r = read_config(c, &j, e);
	if (r < 0 && j.why != NULL)
		json_error(&j, e);
	json_free(&j);
	return r < 0 ? error_at(e, "tokenizer_config.json") : 0;
}

/* The special tokens of the configuration, as far as the vocabulary has them:
 * they are found in the raw text. */
static int
add_special(struct draft *d, const struct config *c, struct error *e)
{
	for (int i = F_UNK; i <= F_MASK; i++) {
		struct str s = { c->special[i].data, c->special[i].len };
		int again = 0;

		for (int k = F_UNK; k < i; k++)
			again |= str_eq(s, (struct str){ c->special[k].data,
					       c->special[k].len });
		if (again || s.len == 0 ||
		    token_model_id(&d->view, s.s, s.len) == TOKEN_NONE)
			continue;
		if (draft_added(d, s, -1, c->flags[i], e) < 0)
			return -1;
	}
	return 0;
}

static int
add_frame(struct draft *d, const struct buf *name, struct error *e)
{
	char shown[NAME_MAX_BYTES + 1];
	uint32_t id = token_model_id(&d->view, name->data, name->len);

	if (id == TOKEN_NONE)
		return error_set(e, "there is no token '%s'",
		    draft_name(shown, (struct str){ name->data, name->len }));
	return draft_frame(d, id, e);
}

static int
build(
    struct draft *d, const struct config *c, struct str vocab, struct error *e)
{
	const struct buf *unk = &c->special[F_UNK];
	int accents = c->accents < 0 ? c->lower : c->accents;
	struct token_step norm = { .op = NORM_BERT,
		.flags = (uint32_t)(BERT_CLEAN | c->chinese * BERT_CHINESE |
				    accents * BERT_ACCENTS |
				    c->lower * BERT_LOWER) };
	struct token_step split = { .op = SPLIT_BERT };

	d->set.model = MODEL_WORDPIECE;
	d->set.max_chars = 100;
	d->has_unk = 1;
	if (draft_string(d, (struct str)NAME("##"), d->set.prefix) < 0 ||
	    buf_put(&d->unk, unk->data, unk->len) < 0)
		return error_memory(e);
	if (draft_step(d, &norm, e) < 0 || draft_step(d, &split, e) < 0)
		return -1;
	d->set.normalizers = d->set.splitters = 1;
	if (read_lines(d, vocab, e) < 0 || draft_index(d, FIELDS, e) < 0 ||
	    add_special(d, c, e) < 0 || add_frame(d, &c->special[F_CLS], e) < 0)
		return -1;
	d->set.frame_before = 1;
	return add_frame(d, &c->special[F_SEP], e);
}

int
draft_read_vocab(
    struct draft *d, struct str vocab, struct str config, struct error *e)
{
	struct config c = { 0 };
	int r = config_start(&c, config, e);

	if (r == 0) {
		r = build(d, &c, vocab, e);
		if (r < 0)
			error_at(e, "vocab.txt");
	}
	for (int i = 0; i < FIELDS; i++)
		buf_free(&c.special[i]);
	return r;
}
