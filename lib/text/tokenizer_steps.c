#include <string.h>

#include "text/tokenizer_part.h"
#include "text/unicode.h"

/* The normalizers and pre-tokenizers of tokenizer.json. */

/*
 * {"String": "..."} or {"Regex": "..."}: the string, or which of the known
 * expressions it is.
 */
static int
get_pattern(struct part *p, uint32_t out[2], enum token_pattern *pattern)
{
	static const struct {
		enum token_pattern pattern;
		const char *text;
	} KNOWN[] = {
		{ PATTERN_SPACES, "\\s+" },
		{ PATTERN_BLANKS, " {2,}" },
		{ PATTERN_GPT2, "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
				" ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+" },
		{ PATTERN_CLIP, "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|"
				"[^\\s\\p{L}\\p{N}]+" },
		{ PATTERN_CLIP_SPECIAL,
		    "<\\|startoftext\\|>|<\\|endoftext\\|>|"
		    "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|"
		    "[^\\s\\p{L}\\p{N}]+" },
		{ PATTERN_CL100K,
		    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?"
		    "\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
		    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" },
		{ PATTERN_QWEN,
		    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?"
		    "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
		    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" },
	};
	static const struct str PATHS[2] = { NAME("String"), NAME("Regex") };
	struct str raw[2], s;

	*pattern = PATTERN_NONE;
	if (p->raw[F_PATTERN].s == NULL)
		return part_missing(p, F_PATTERN);
	json_again(p->j, p->raw[F_PATTERN]);
	if (json_find_paths(p->j, PATHS, 2, raw) < 0)
		return -1;
	if ((raw[0].s == NULL) == (raw[1].s == NULL))
		return part_missing(p, F_PATTERN);
	json_again(p->j, raw[0].s != NULL ? raw[0] : raw[1]);
	if (json_str(p->j, &s) < 0)
		return -1;
	if (raw[0].s != NULL) {
		if (s.len == 0 || s.len > TOKEN_BYTES_MAX)
			return part_unsupported(p, "such a pattern");
		return draft_string(p->d, s, out) < 0 ? error_memory(p->e) : 0;
	}
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++)
		if (str_is(s, KNOWN[i].text))
			*pattern = KNOWN[i].pattern;
	if (*pattern == PATTERN_NONE) {
		char name[NAME_MAX_BYTES + 1];

		return error_set(p->e,
		    "%s '%s' with the regular expression '%s' is not "
		    "supported",
		    p->what, p->type, draft_name(name, s));
	}
	return 0;
}

/*
 * Normalizers.
 */

static int
read_bert(struct part *p)
{
	int clean, chinese, accents, lower;

	if (part_bool(p, F_CLEAN_TEXT, -1, &clean) < 0 ||
	    part_bool(p, F_CHINESE, -1, &chinese) < 0 ||
	    part_bool(p, F_LOWERCASE, -1, &lower) < 0)
		return -1;
	accents = lower;
	if (!part_null(p, F_STRIP_ACCENTS) &&
	    part_bool(p, F_STRIP_ACCENTS, -1, &accents) < 0)
		return -1;
	return part_step(p, NORM_BERT,
	    (uint32_t)(clean * BERT_CLEAN | chinese * BERT_CHINESE |
		       accents * BERT_ACCENTS | lower * BERT_LOWER));
}

static int
digit64(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'             ? 62
	       : c == '/'             ? 63
				      : -1;
}

/* Base 64 to bytes, behind b; -1 where it is not. */
static int
decode64(struct buf *b, struct str s, struct part *p)
{
	uint32_t bits = 0;

	for (int i = 0; i < 2 && s.len > 0 && s.s[s.len - 1] == '='; i++)
		s.len--;
	if (buf_reserve(b, s.len / 4 * 3 + 3) < 0)
		return error_memory(p->e);
	for (size_t i = 0; i < s.len; i++) {
		int x = digit64(s.s[i]);

		if (x < 0 || s.len % 4 == 1)
			return error_set(p->e,
			    "%s '%s': precompiled_charsmap is not base 64",
			    p->what, p->type);
		bits = bits << 6 | (uint32_t)x;
		if (i % 4 > 0)
			b->data[b->len++] =
			    (char)(bits >> (6 - 2 * (i % 4)) & 0xFF);
	}
	return 0;
}

static int
read_charsmap(struct part *p)
{
	struct buf *b = &p->d->charsmap;
	struct str s;
	uint32_t units;

	if (p->raw[F_CHARSMAP].s == NULL)
		return part_missing(p, F_CHARSMAP);
	if (b->len > 0)
		return part_unsupported(p, "a second charsmap");
	json_again(p->j, p->raw[F_CHARSMAP]);
	if (json_str(p->j, &s) < 0 || decode64(b, s, p) < 0)
		return -1;
	if (b->len >= 4)
		memcpy(&units, b->data, 4);
	if (b->len < 4 || units > b->len - 4 || units < 4 || units % 4 != 0)
		return error_set(p->e,
		    "%s '%s': precompiled_charsmap of %zu bytes is cut short",
		    p->what, p->type, b->len);
	return part_step(p, NORM_CHARSMAP, 0);
}

static int
read_replace(struct part *p)
{
	struct token_step s = { .op = NORM_REPLACE };
	enum token_pattern pattern;

	if (get_pattern(p, s.a, &pattern) < 0 ||
	    part_string(p, F_CONTENT, s.b) < 0)
		return -1;
	if (pattern > PATTERN_BLANKS)
		return part_unsupported(p, "this regular expression");
	s.flags = pattern;
	return draft_step(p->d, &s, p->e);
}

static int
read_normalizer(
    struct draft *d, struct json *j, struct str raw, int depth, struct error *e)
{
	static const struct {
		const char *type;
		uint32_t op;
	} PLAIN[] = { { "StripAccents", NORM_ACCENTS }, { "NFC", NORM_NFC },
		{ "NFD", NORM_NFD }, { "NFKC", NORM_NFKC },
		{ "NFKD", NORM_NFKD }, { "Lowercase", NORM_LOWER },
		{ "Nmt", NORM_NMT }, { "ByteLevel", NORM_BYTES } };
	struct part p;

	if (part_open(&p, d, j, raw, "normalizer", e) < 0)
		return -1;
	if (part_is(&p, "Sequence"))
		return part_each(&p, F_NORMALIZERS, read_normalizer, depth);
	if (part_is(&p, "BertNormalizer"))
		return read_bert(&p);
	if (part_is(&p, "Precompiled"))
		return read_charsmap(&p);
	if (part_is(&p, "Replace"))
		return read_replace(&p);
	if (part_is(&p, "Strip")) {
		int left, right;

		if (part_bool(&p, F_STRIP_LEFT, -1, &left) < 0 ||
		    part_bool(&p, F_STRIP_RIGHT, -1, &right) < 0)
			return -1;
		return part_step(&p, NORM_STRIP, (uint32_t)(left | right * 2));
	}
	if (part_is(&p, "Prepend")) {
		struct token_step s = { .op = NORM_PREPEND };

		if (part_string(&p, F_PREPEND, s.a) < 0)
			return -1;
		return draft_step(d, &s, e);
	}
	for (size_t i = 0; i < sizeof(PLAIN) / sizeof(PLAIN[0]); i++)
		if (part_is(&p, PLAIN[i].type))
			return part_step(&p, PLAIN[i].op, 0);
	return part_unsupported(&p, "");
}

int
draft_normalizer(
    struct draft *d, struct json *j, struct str raw, struct error *e)
{
	if (!part_absent(j, raw) && read_normalizer(d, j, raw, 0, e) < 0)
		return -1;
	d->set.normalizers = (uint32_t)d->n_steps;
	return 0;
}

/*
 * Pre-tokenizers.
 */

static int
get_behavior(struct part *p, uint32_t *flags)
{
	static const char *const BEHAVIORS[SPLIT_BEHAVIORS] = { "Removed",
		"Isolated", "MergedWithPrevious", "MergedWithNext",
		"Contiguous" };
	struct str s;

	json_again(p->j, p->raw[F_BEHAVIOR]);
	if (json_str(p->j, &s) < 0)
		return -1;
	for (uint32_t i = 0; i < SPLIT_BEHAVIORS; i++)
		if (str_is(s, BEHAVIORS[i])) {
			*flags |= i;
			return 0;
		}
	return part_unsupported(p, "this behavior");
}

static int
read_metaspace(struct part *p)
{
	struct token_step s = { .op = SPLIT_METASPACE, .flags = META_ALWAYS };
	struct str scheme;
	int prefix = 1, split = 1;

	if (part_string(p, F_REPLACEMENT, s.a) < 0)
		return -1;
	if (s.a[1] == 0 || s.a[1] != unicode_len(p->d->strings.data[s.a[0]]))
		return part_unsupported(
		    p, "a replacement of other than one character");
	if (!part_null(p, F_PREFIX_SPACE) &&
	    part_bool(p, F_PREFIX_SPACE, 1, &prefix) < 0)
		return -1;
	if (!part_null(p, F_SPLIT) && part_bool(p, F_SPLIT, 1, &split) < 0)
		return -1;
	if (p->raw[F_SCHEME].s != NULL) {
		json_again(p->j, p->raw[F_SCHEME]);
		if (json_str(p->j, &scheme) < 0)
			return -1;
		if (str_is(scheme, "first"))
			s.flags = META_FIRST;
		else if (str_is(scheme, "never"))
			s.flags = 0;
		else if (!str_is(scheme, "always"))
			return part_unsupported(p, "this prepend_scheme");
		if (!prefix && s.flags != 0)
			return part_unsupported(
			    p, "add_prefix_space against prepend_scheme");
	}
	if (!prefix)
		s.flags = 0;
	s.flags |= split ? META_SPLIT : 0;
	return draft_step(p->d, &s, p->e);
}

static int
read_split(struct part *p)
{
	struct token_step s = { .op = SPLIT_STRING };
	enum token_pattern pattern;
	int invert;

	if (get_pattern(p, s.a, &pattern) < 0 ||
	    part_bool(p, F_INVERT, -1, &invert) < 0)
		return -1;
	if (p->raw[F_BEHAVIOR].s == NULL)
		return part_missing(p, F_BEHAVIOR);
	if (get_behavior(p, &s.flags) < 0)
		return -1;
	if (pattern == PATTERN_SPACES || pattern == PATTERN_BLANKS)
		return part_unsupported(p, "this regular expression");
	if (pattern != PATTERN_NONE) {
		s.op = SPLIT_PATTERN;
		s.flags |= (uint32_t)pattern << 8;
	}
	s.flags |= invert ? SPLIT_INVERT : 0;
	return draft_step(p->d, &s, p->e);
}

static int
read_pre_tokenizer(
    struct draft *d, struct json *j, struct str raw, int depth, struct error *e)
{
	struct part p;
	uint32_t flags = 0;
	int on, regex;

	if (part_open(&p, d, j, raw, "pre_tokenizer", e) < 0)
		return -1;
	if (d->n_steps > d->set.normalizers &&
	    d->steps[d->n_steps - 1].op == SPLIT_BYTES)
		return part_unsupported(&p, "ByteLevel before it");
	if (part_is(&p, "Sequence"))
		return part_each(
		    &p, F_PRETOKENIZERS, read_pre_tokenizer, depth);
	if (part_is(&p, "BertPreTokenizer"))
		return part_step(&p, SPLIT_BERT, 0);
	if (part_is(&p, "WhitespaceSplit"))
		return part_step(&p, SPLIT_WHITE, 0);
	if (part_is(&p, "Whitespace"))
		return part_step(&p, SPLIT_WORDS, 0);
	if (part_is(&p, "Metaspace"))
		return read_metaspace(&p);
	if (part_is(&p, "Split"))
		return read_split(&p);
	if (part_is(&p, "ByteLevel")) {
		if (part_bool(&p, F_PREFIX_SPACE, -1, &on) < 0 ||
		    part_bool(&p, F_USE_REGEX, 1, &regex) < 0)
			return -1;
		return part_step(&p, SPLIT_BYTES, (uint32_t)(on | regex * 2));
	}
	if (part_is(&p, "Punctuation")) {
		flags = SPLIT_ISOLATED;
		if (p.raw[F_BEHAVIOR].s != NULL) {
			flags = 0;
			if (get_behavior(&p, &flags) < 0)
				return -1;
		}
		return part_step(&p, SPLIT_PUNCT, flags);
	}
	if (part_is(&p, "Digits")) {
		if (part_bool(&p, F_DIGITS, -1, &on) < 0)
			return -1;
		return part_step(
		    &p, SPLIT_DIGITS, on ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS);
	}
	return part_unsupported(&p, "");
}

int
draft_pre_tokenizer(
    struct draft *d, struct json *j, struct str raw, struct error *e)
{
	if (!part_absent(j, raw) && read_pre_tokenizer(d, j, raw, 0, e) < 0)
		return -1;
	d->set.splitters = (uint32_t)d->n_steps - d->set.normalizers;
	return 0;
}
