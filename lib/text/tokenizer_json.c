#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/tokenizer_impl.h"

/*
 * tokenizer.json, as https://github.com/huggingface/tokenizers writes it:
 *
 *	{"version": "1.0", "truncation": ..., "padding": ...,
 *	 "added_tokens": [...], "normalizer": {...}, "pre_tokenizer": {...},
 *	 "post_processor": {...}, "decoder": {...}, "model": {...}}
 *
 * The vocabulary is read as it comes; what needs it, or is small, is noted as
 * a slice of the text and read again.  truncation and padding are the
 * encoder's affair, decoder nobody's here.
 */

void
json_again(struct json *j, struct str raw)
{
	j->i = (size_t)(raw.s - j->s);
}

/* What is kept of the document. */
struct document {
	struct str added, normalizer, pre_tokenizer, post_processor;
	struct str type, merges; /* of the model */
	int has_model;
};

/* {"token": id, ...}: WordPiece and BPE. */
static int
read_vocab_object(struct draft *d, struct json *j, struct error *e)
{
	struct str key;
	int64_t id;
	int more;

	/* draft_index finds what is there twice. */
	if (json_object_once(j) < 0)
		return -1;
	while ((more = json_object_next(j, &key)) > 0) {
		/* The key lives until the value is read. */
		if (json_integer(j, 0, TOKEN_IDS_MAX - 1, &id) < 0)
			return -1;
		if (draft_token(d, key, id, e) < 0)
			return error_at(e, "model.vocab");
	}
	return more;
}

/* [["token", score], ...]: Unigram. */
static int
read_vocab_array(struct draft *d, struct json *j, struct error *e)
{
	struct str s;
	int more;

	if (json_array(j) < 0)
		return -1;
	while ((more = json_array_next(j)) > 0) {
		size_t n = d->tokens.n;

		if (mem_grow(&d->file_scores, &d->scores_cap, n + 1,
			sizeof(*d->file_scores)) < 0)
			return json_memory(j);
		if (json_array(j) < 0 || json_array_next(j) < 0 ||
		    json_str(j, &s) < 0)
			return -1;
		if (draft_token(d, s, (int64_t)n, e) < 0)
			return error_at(e, "model.vocab");
		if (json_array_next(j) < 0)
			return -1;
		if (json_peek(j) != JSON_NUMBER)
			return json_refuse(j, "expected a number");
		if (json_raw(j, &s) < 0)
			return -1;
		d->file_scores[n] = token_score(s);
		if (!isfinite(d->file_scores[n]))
			return json_refuse(j, "number too large");
		if (json_array_next(j) != 0)
			return json_refuse(j, "more than a token and a score");
	}
	return more;
}

static int
read_affix(struct draft *d, struct json *j, uint32_t out[2])
{
	struct str s;

	if (json_peek(j) == JSON_NULL)
		return json_null(j);
	if (json_str(j, &s) < 0)
		return -1;
	if (s.len > TOKEN_AFFIX_MAX)
		return json_refuse(
		    j, "a prefix or suffix of more than 32 bytes");
	return draft_string(d, s, out) < 0 ? json_memory(j) : 0;
}

static int
read_flag(struct draft *d, struct json *j, uint32_t flag)
{
	int on = 0;

	if (json_peek(j) == JSON_NULL)
		return json_null(j);
	if (json_bool(j, &on) < 0)
		return -1;
	d->set.flags |= on ? flag : 0;
	return 0;
}

static int
read_unk_id(struct json *j, int64_t *unk_id)
{
	if (json_peek(j) == JSON_NULL)
		return json_null(j);
	return json_integer(j, 0, TOKEN_IDS_MAX - 1, unk_id);
}

static int
read_unk(struct draft *d, struct json *j)
{
	if (json_peek(j) == JSON_NULL)
		return json_null(j);
	d->has_unk = 1;
	d->unk.len = 0;
	return json_string(j, &d->unk);
}

static int
read_dropout(struct json *j, struct error *e)
{
	double p = 0;

	if (json_peek(j) == JSON_NULL)
		return json_null(j);
	if (json_double(j, &p) < 0)
		return -1;
	if (p != 0)
		return error_set(e, "model.dropout is not supported");
	return 0;
}

static int
read_model(struct draft *d, struct json *j, struct document *doc,
    int64_t *unk_id, struct error *e)
{
	struct str key;
	int more, r = 0;

	d->set.max_chars = 100;
	if (json_object(j) < 0)
		return -1;
	while ((more = json_object_next(j, &key)) > 0) {
		int64_t n;

		if (str_is(key, "type")) {
			r = json_raw(j, &doc->type);
		} else if (str_is(key, "vocab")) {
			r = json_peek(j) == JSON_ARRAY
				? read_vocab_array(d, j, e)
				: read_vocab_object(d, j, e);
		} else if (str_is(key, "merges")) {
			r = json_raw(j, &doc->merges);
		} else if (str_is(key, "unk_token")) {
			r = read_unk(d, j);
		} else if (str_is(key, "unk_id")) {
			r = read_unk_id(j, unk_id);
		} else if (str_is(key, "continuing_subword_prefix")) {
			r = read_affix(d, j, d->set.prefix);
		} else if (str_is(key, "end_of_word_suffix")) {
			r = read_affix(d, j, d->set.suffix);
		} else if (str_is(key, "max_input_chars_per_word")) {
			r = json_integer(j, 0, UINT32_MAX, &n);
			if (r == 0)
				d->set.max_chars = (uint32_t)n;
		} else if (str_is(key, "fuse_unk")) {
			r = read_flag(d, j, BPE_FUSE_UNK);
		} else if (str_is(key, "byte_fallback")) {
			r = read_flag(d, j, BPE_BYTE_FALLBACK);
		} else if (str_is(key, "ignore_merges")) {
			r = read_flag(d, j, BPE_IGNORE_MERGES);
		} else if (str_is(key, "dropout")) {
			r = read_dropout(j, e);
		} else {
			r = json_skip(j);
		}
		if (r < 0)
			return -1;
	}
	return more;
}

/* A string of a raw slice, valid until the next. */
static int
raw_str(struct json *j, struct str raw, struct str *out)
{
	json_again(j, raw);
	return json_str(j, out);
}

static int
name_model(struct draft *d, struct json *j, struct document *doc,
    int64_t unk_id, struct error *e)
{
	char name[NAME_MAX_BYTES + 1];
	struct str type;

	if (doc->type.s == NULL)
		return error_set(e, "model.type is missing");
	if (raw_str(j, doc->type, &type) < 0)
		return -1;
	if (str_is(type, "WordPiece"))
		d->set.model = MODEL_WORDPIECE;
	else if (str_is(type, "BPE"))
		d->set.model = MODEL_BPE;
	else if (str_is(type, "Unigram"))
		d->set.model = MODEL_UNIGRAM;
	else
		return error_set(
		    e, "model '%s' is not supported", draft_name(name, type));
	if ((d->set.model == MODEL_UNIGRAM) != (d->file_scores != NULL))
		return error_set(e, "model.vocab is not that of a %s model",
		    draft_name(name, type));
	if (d->set.model == MODEL_UNIGRAM) {
		/* It has its unknown token by number. */
		if (unk_id < 0)
			return error_set(e, "model.unk_id is missing");
		if ((size_t)unk_id >= d->tokens.n)
			return error_set(e,
			    "model.unk_id is %lld, of %zu tokens",
			    (long long)unk_id, d->tokens.n);
		d->has_unk = 0;
		memset(d->set.prefix, 0, sizeof(d->set.prefix));
		memset(d->set.suffix, 0, sizeof(d->set.suffix));
		d->set.flags &= BPE_BYTE_FALLBACK;
	}
	if (d->set.model == MODEL_WORDPIECE && !d->has_unk)
		return error_set(e, "model.unk_token is missing");
	if (d->set.model == MODEL_BPE && doc->merges.s == NULL)
		return error_set(e, "model.merges is missing");
	return 0;
}

/* ["a b", ...] or [["a", "b"], ...] */
static int
read_merges(struct draft *d, struct json *j, struct error *e)
{
	struct str s, b;
	char first[TOKEN_BYTES_MAX];
	int more;

	if (json_array(j) < 0)
		return -1;
	while ((more = json_array_next(j)) > 0) {
		const char *space;
		struct str a;

		if (json_peek(j) == JSON_ARRAY) {
			if (json_array(j) < 0 || json_array_next(j) < 0 ||
			    json_str(j, &a) < 0)
				return -1;
			if (a.len > sizeof(first))
				return json_refuse(j, "a giant token");
			if (a.len > 0)
				memcpy(first, a.s, a.len);
			a.s = first;
			if (json_array_next(j) < 0 || json_str(j, &b) < 0)
				return -1;
			if (json_array_next(j) != 0)
				return json_refuse(j, "not a pair of tokens");
		} else {
			if (json_str(j, &s) < 0)
				return -1;
			if (s.len >= 8 && memcmp(s.s, "#version", 8) == 0)
				continue;
			space = memchr(s.s, ' ', s.len);
			if (space == NULL)
				return json_refuse(j, "not a pair of tokens");
			a = (struct str){ s.s, (size_t)(space - s.s) };
			b = (struct str){ space + 1, s.len - a.len - 1 };
			if (b.len > 0 && memchr(b.s, ' ', b.len) != NULL)
				return json_refuse(j, "not a pair of tokens");
		}
		if (draft_merge(d, a, b, e) < 0)
			return error_at(e, "model.merges");
	}
	return more;
}

static int
read_added_token(struct draft *d, struct json *j, struct error *e)
{
	struct buf content = { 0 };
	struct str key;
	int64_t id = -1;
	uint32_t flags = 0;
	int more, normalized = -1, special = 0, r = 0;

	if (json_object(j) < 0)
		return -1;
	while (r == 0 && (more = json_object_next(j, &key)) > 0) {
		uint32_t flag = str_is(key, "single_word") ? ADDED_WORD
				: str_is(key, "lstrip")    ? ADDED_LEFT
				: str_is(key, "rstrip")    ? ADDED_RIGHT
							   : 0;
		int on = 0;

		if (str_is(key, "id")) {
			r = json_integer(j, 0, TOKEN_IDS_MAX - 1, &id);
		} else if (str_is(key, "content")) {
			r = json_string(j, &content);
		} else if (str_is(key, "normalized")) {
			r = json_bool(j, &normalized);
		} else if (str_is(key, "special")) {
			r = json_bool(j, &special);
		} else if (flag != 0) {
			r = json_bool(j, &on);
			flags |= on ? flag : 0;
		} else {
			r = json_skip(j);
		}
	}
	if (j->why != NULL)
		r = -1;
	if (normalized < 0 ? !special : normalized)
		flags |= ADDED_NORMALIZED;
	if (r == 0 && draft_added(d, (struct str){ content.data, content.len },
			  id, flags, e) < 0)
		r = error_at(e, "added_tokens");
	buf_free(&content);
	return r;
}

static int
count_added(struct json *j, struct str raw, size_t *n)
{
	int more;

	*n = 0;
	if (raw.s == NULL)
		return 0;
	json_again(j, raw);
	if (json_peek(j) == JSON_NULL)
		return 0;
	if (json_array(j) < 0)
		return -1;
	while ((more = json_array_next(j)) > 0) {
		++*n;
		if (json_skip(j) < 0)
			return -1;
	}
	return more;
}

static int
read_added(struct draft *d, struct json *j, struct str raw, struct error *e)
{
	int more;

	json_again(j, raw);
	if (json_array(j) < 0)
		return -1;
	while ((more = json_array_next(j)) > 0)
		if (read_added_token(d, j, e) < 0)
			return -1;
	return more;
}

static int
read_version(struct json *j, struct error *e)
{
	char name[NAME_MAX_BYTES + 1];
	struct str s;

	if (json_str(j, &s) < 0)
		return -1;
	if (!str_is(s, "1.0"))
		return error_set(
		    e, "version '%s' is not supported", draft_name(name, s));
	return 0;
}

static int
read_document(struct draft *d, struct json *j, struct document *doc,
    int64_t *unk_id, struct error *e)
{
	struct str key;
	int more, r;

	if (json_object(j) < 0)
		return -1;
	while ((more = json_object_next(j, &key)) > 0) {
		if (str_is(key, "model")) {
			doc->has_model = 1;
			r = read_model(d, j, doc, unk_id, e);
		} else if (str_is(key, "version")) {
			r = read_version(j, e);
		} else if (str_is(key, "added_tokens")) {
			r = json_raw(j, &doc->added);
		} else if (str_is(key, "normalizer")) {
			r = json_raw(j, &doc->normalizer);
		} else if (str_is(key, "pre_tokenizer")) {
			r = json_raw(j, &doc->pre_tokenizer);
		} else if (str_is(key, "post_processor")) {
			r = json_raw(j, &doc->post_processor);
		} else {
			r = json_skip(j);
		}
		if (r < 0)
			return -1;
	}
	if (more < 0 || json_end(j) < 0)
		return -1;
	if (!doc->has_model)
		return error_set(e, "there is no model");
	return 0;
}

static int
read_all(struct draft *d, struct json *j, struct error *e)
{
	struct document doc = { 0 };
	int64_t unk_id = -1;
	size_t n_added;

	if (read_document(d, j, &doc, &unk_id, e) < 0 ||
	    name_model(d, j, &doc, unk_id, e) < 0 ||
	    count_added(j, doc.added, &n_added) < 0)
		return -1;
	if (draft_index(d, n_added, e) < 0)
		return error_at(e, "model.vocab");
	if (d->set.model == MODEL_UNIGRAM)
		d->set.unk = (uint32_t)unk_id;
	if (draft_normalizer(d, j, doc.normalizer, e) < 0 ||
	    draft_pre_tokenizer(d, j, doc.pre_tokenizer, e) < 0)
		return -1;
	if (d->set.model == MODEL_BPE) {
		json_again(j, doc.merges);
		if (read_merges(d, j, e) < 0)
			return -1;
	}
	if (n_added > 0 && read_added(d, j, doc.added, e) < 0)
		return -1;
	return draft_post_processor(d, j, doc.post_processor, e);
}

int
draft_read_json(struct draft *d, struct str text, struct error *e)
{
	struct error why = { 0 };
	struct json j = { 0 };
	int r;

	if (text.len >= 3 && memcmp(text.s, "\xEF\xBB\xBF", 3) == 0) {
		text.s += 3;
		text.len -= 3;
	}
	if (utf8_valid(text.s, text.len) != text.len)
		return error_set(e,
		    "tokenizer.json: byte %zu is not of valid UTF-8",
		    utf8_valid(text.s, text.len) + 1);
	json_init(&j, text.s, text.len);
	r = read_all(d, &j, &why);
	if (r == 0 && j.lone > 0)
		r = error_set(&why, "a lone surrogate in a string");
	if (r < 0 && j.why != NULL)
		json_error(&j, &why);
	json_free(&j);
	if (r < 0) {
		if (e != NULL)
			*e = why;
		error_at(e, "tokenizer.json");
	}
	return r;
}
