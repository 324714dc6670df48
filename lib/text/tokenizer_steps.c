#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_impl.h"
#include "text/unicode.h"

/*
 * The normalizer, pre_tokenizer and post_processor of tokenizer.json: objects
 * with a "type", some of them lists of others.  What is not known here, or not
 * run as the reference runs it, is refused by name.
 */

enum field {
	F_TYPE,
	F_NORMALIZERS,
	F_PRETOKENIZERS,
	F_PROCESSORS,
	F_CLEAN_TEXT,
	F_CHINESE,
	F_STRIP_ACCENTS,
	F_LOWERCASE,
	F_STRIP_LEFT,
	F_STRIP_RIGHT,
	F_CHARSMAP,
	F_PATTERN,
	F_CONTENT,
	F_PREPEND,
	F_PREFIX_SPACE,
	F_USE_REGEX,
	F_REPLACEMENT,
	F_SCHEME,
	F_SPLIT,
	F_BEHAVIOR,
	F_INVERT,
	F_DIGITS,
	F_SINGLE,
	F_SPECIAL,
	F_SEP,
	F_CLS,
	FIELDS
};

#define NAME(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}
static const struct str NAMES[FIELDS] = { NAME("type"), NAME("normalizers"),
	NAME("pretokenizers"), NAME("processors"), NAME("clean_text"),
	NAME("handle_chinese_chars"), NAME("strip_accents"), NAME("lowercase"),
	NAME("strip_left"), NAME("strip_right"), NAME("precompiled_charsmap"),
	NAME("pattern"), NAME("content"), NAME("prepend"),
	NAME("add_prefix_space"), NAME("use_regex"), NAME("replacement"),
	NAME("prepend_scheme"), NAME("split"), NAME("behavior"), NAME("invert"),
	NAME("individual_digits"), NAME("single"), NAME("special_tokens"),
	NAME("sep"), NAME("cls") };

/* An object being read: where its fields are. */
struct part {
	struct draft *d;
	struct json *j;
	struct error *e;
	const char *what; /* "normalizer" ... */
	char type[NAME_MAX_BYTES + 1];
	struct str raw[FIELDS];
};

static int
missing(struct part *p, enum field f)
{
	return error_set(p->e, "%s '%s': no %.*s", p->what, p->type,
	    (int)NAMES[f].len, NAMES[f].s);
}

static int
unsupported(struct part *p, const char *why)
{
	return error_set(p->e, "%s '%s'%s%s is not supported", p->what, p->type,
	    why[0] != '\0' ? " with " : "", why);
}

static int
open_part(struct part *p, struct draft *d, struct json *j, struct str raw,
    const char *what, struct error *e)
{
	struct str type;

	*p = (struct part){ .d = d, .j = j, .e = e, .what = what };
	json_again(j, raw);
	if (json_find_paths(j, NAMES, FIELDS, p->raw) < 0)
		return -1;
	if (p->raw[F_TYPE].s == NULL)
		return error_set(e, "%s: no type", what);
	json_again(j, p->raw[F_TYPE]);
	if (json_str(j, &type) < 0)
		return -1;
	draft_name(p->type, type);
	return 0;
}

static int
is(const struct part *p, const char *type)
{
	return strcmp(p->type, type) == 0;
}

static int
is_null(struct part *p, enum field f)
{
	if (p->raw[f].s == NULL)
		return 1;
	json_again(p->j, p->raw[f]);
	return json_peek(p->j) == JSON_NULL;
}

/* A boolean; ${or_else} where it is missing, -1: it must not be. */
static int
get_bool(struct part *p, enum field f, int or_else, int *out)
{
	if (p->raw[f].s == NULL) {
		*out = or_else;
		return or_else < 0 ? missing(p, f) : 0;
	}
	json_again(p->j, p->raw[f]);
	return json_bool(p->j, out);
}

static int
get_string(struct part *p, enum field f, uint32_t out[2])
{
	struct str s;

	if (p->raw[f].s == NULL)
		return missing(p, f);
	json_again(p->j, p->raw[f]);
	if (json_str(p->j, &s) < 0)
		return -1;
	if (s.len > TOKEN_BYTES_MAX)
		return unsupported(p, "a string of more than 1024 bytes");
	return draft_string(p->d, s, out) < 0 ? error_memory(p->e) : 0;
}

static int
step(struct part *p, uint32_t op, uint32_t flags)
{
	struct token_step s = { .op = op, .flags = flags };

	return draft_step(p->d, &s, p->e);
}

/* Every element of a list of parts. */
static int
each(struct part *p, enum field f,
    int (*one)(
	struct draft *, struct json *, struct str, int depth, struct error *),
    int depth)
{
	struct str raw[TOKEN_STEPS_MAX];
	size_t n = 0;
	int more;

	if (p->raw[f].s == NULL)
		return missing(p, f);
	if (depth > 8)
		return unsupported(p, "lists in lists in lists");
	json_again(p->j, p->raw[f]);
	if (json_array(p->j) < 0)
		return -1;
	while ((more = json_array_next(p->j)) > 0) {
		if (n == TOKEN_STEPS_MAX)
			return unsupported(p, "so many elements");
		if (json_raw(p->j, &raw[n++]) < 0)
			return -1;
	}
	if (more < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (one(p->d, p->j, raw[i], depth + 1, p->e) < 0)
			return -1;
	return 0;
}

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
		return missing(p, F_PATTERN);
	json_again(p->j, p->raw[F_PATTERN]);
	if (json_find_paths(p->j, PATHS, 2, raw) < 0)
		return -1;
	if ((raw[0].s == NULL) == (raw[1].s == NULL))
		return missing(p, F_PATTERN);
	json_again(p->j, raw[0].s != NULL ? raw[0] : raw[1]);
	if (json_str(p->j, &s) < 0)
		return -1;
	if (raw[0].s != NULL) {
		if (s.len == 0 || s.len > TOKEN_BYTES_MAX)
			return unsupported(p, "such a pattern");
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

	if (get_bool(p, F_CLEAN_TEXT, -1, &clean) < 0 ||
	    get_bool(p, F_CHINESE, -1, &chinese) < 0 ||
	    get_bool(p, F_LOWERCASE, -1, &lower) < 0)
		return -1;
	accents = lower;
	if (!is_null(p, F_STRIP_ACCENTS) &&
	    get_bool(p, F_STRIP_ACCENTS, -1, &accents) < 0)
		return -1;
	return step(p, NORM_BERT,
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
		return missing(p, F_CHARSMAP);
	if (b->len > 0)
		return unsupported(p, "a second charsmap");
	json_again(p->j, p->raw[F_CHARSMAP]);
	if (json_str(p->j, &s) < 0 || decode64(b, s, p) < 0)
		return -1;
	if (b->len >= 4)
		memcpy(&units, b->data, 4);
	if (b->len < 4 || units > b->len - 4 || units < 4 || units % 4 != 0)
		return error_set(p->e,
		    "%s '%s': precompiled_charsmap of %zu bytes is cut short",
		    p->what, p->type, b->len);
	return step(p, NORM_CHARSMAP, 0);
}

static int
read_replace(struct part *p)
{
	struct token_step s = { .op = NORM_REPLACE };
	enum token_pattern pattern;

	if (get_pattern(p, s.a, &pattern) < 0 ||
	    get_string(p, F_CONTENT, s.b) < 0)
		return -1;
	if (pattern > PATTERN_BLANKS)
		return unsupported(p, "this regular expression");
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

	if (open_part(&p, d, j, raw, "normalizer", e) < 0)
		return -1;
	if (is(&p, "Sequence"))
		return each(&p, F_NORMALIZERS, read_normalizer, depth);
	if (is(&p, "BertNormalizer"))
		return read_bert(&p);
	if (is(&p, "Precompiled"))
		return read_charsmap(&p);
	if (is(&p, "Replace"))
		return read_replace(&p);
	if (is(&p, "Strip")) {
		int left, right;

		if (get_bool(&p, F_STRIP_LEFT, -1, &left) < 0 ||
		    get_bool(&p, F_STRIP_RIGHT, -1, &right) < 0)
			return -1;
		return step(&p, NORM_STRIP, (uint32_t)(left | right * 2));
	}
	if (is(&p, "Prepend")) {
		struct token_step s = { .op = NORM_PREPEND };

		if (get_string(&p, F_PREPEND, s.a) < 0)
			return -1;
		return draft_step(d, &s, e);
	}
	for (size_t i = 0; i < sizeof(PLAIN) / sizeof(PLAIN[0]); i++)
		if (is(&p, PLAIN[i].type))
			return step(&p, PLAIN[i].op, 0);
	return unsupported(&p, "");
}

static int
is_absent(struct json *j, struct str raw)
{
	if (raw.s == NULL)
		return 1;
	json_again(j, raw);
	return json_peek(j) == JSON_NULL;
}

int
draft_normalizer(
    struct draft *d, struct json *j, struct str raw, struct error *e)
{
	if (!is_absent(j, raw) && read_normalizer(d, j, raw, 0, e) < 0)
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
	return unsupported(p, "this behavior");
}

static int
read_metaspace(struct part *p)
{
	struct token_step s = { .op = SPLIT_METASPACE, .flags = META_ALWAYS };
	struct str scheme;
	int prefix = 1, split = 1;

	if (get_string(p, F_REPLACEMENT, s.a) < 0)
		return -1;
	if (s.a[1] == 0 || s.a[1] != unicode_len(p->d->strings.data[s.a[0]]))
		return unsupported(
		    p, "a replacement of other than one character");
	if (!is_null(p, F_PREFIX_SPACE) &&
	    get_bool(p, F_PREFIX_SPACE, 1, &prefix) < 0)
		return -1;
	if (!is_null(p, F_SPLIT) && get_bool(p, F_SPLIT, 1, &split) < 0)
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
			return unsupported(p, "this prepend_scheme");
		if (!prefix && s.flags != 0)
			return unsupported(
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
	    get_bool(p, F_INVERT, -1, &invert) < 0)
		return -1;
	if (p->raw[F_BEHAVIOR].s == NULL)
		return missing(p, F_BEHAVIOR);
	if (get_behavior(p, &s.flags) < 0)
		return -1;
	if (pattern == PATTERN_SPACES || pattern == PATTERN_BLANKS)
		return unsupported(p, "this regular expression");
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

	if (open_part(&p, d, j, raw, "pre_tokenizer", e) < 0)
		return -1;
	if (d->n_steps > d->set.normalizers &&
	    d->steps[d->n_steps - 1].op == SPLIT_BYTES)
		return unsupported(&p, "ByteLevel before it");
	if (is(&p, "Sequence"))
		return each(&p, F_PRETOKENIZERS, read_pre_tokenizer, depth);
	if (is(&p, "BertPreTokenizer"))
		return step(&p, SPLIT_BERT, 0);
	if (is(&p, "WhitespaceSplit"))
		return step(&p, SPLIT_WHITE, 0);
	if (is(&p, "Whitespace"))
		return step(&p, SPLIT_WORDS, 0);
	if (is(&p, "Metaspace"))
		return read_metaspace(&p);
	if (is(&p, "Split"))
		return read_split(&p);
	if (is(&p, "ByteLevel")) {
		if (get_bool(&p, F_PREFIX_SPACE, -1, &on) < 0 ||
		    get_bool(&p, F_USE_REGEX, 1, &regex) < 0)
			return -1;
		return step(&p, SPLIT_BYTES, (uint32_t)(on | regex * 2));
	}
	if (is(&p, "Punctuation")) {
		flags = SPLIT_ISOLATED;
		if (p.raw[F_BEHAVIOR].s != NULL) {
			flags = 0;
			if (get_behavior(&p, &flags) < 0)
				return -1;
		}
		return step(&p, SPLIT_PUNCT, flags);
	}
	if (is(&p, "Digits")) {
		if (get_bool(&p, F_DIGITS, -1, &on) < 0)
			return -1;
		return step(
		    &p, SPLIT_DIGITS, on ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS);
	}
	return unsupported(&p, "");
}

int
draft_pre_tokenizer(
    struct draft *d, struct json *j, struct str raw, struct error *e)
{
	if (!is_absent(j, raw) && read_pre_tokenizer(d, j, raw, 0, e) < 0)
		return -1;
	d->set.splitters = (uint32_t)d->n_steps - d->set.normalizers;
	return 0;
}

/*
 * Post-processors: which ids stand before and behind a text.
 */

/* ["</s>", 2] */
static int
read_pair(struct part *p, enum field f)
{
	struct str s;
	int64_t id;

	if (p->raw[f].s == NULL)
		return missing(p, f);
	json_again(p->j, p->raw[f]);
	if (json_array(p->j) < 0 || json_array_next(p->j) < 0 ||
	    json_str(p->j, &s) < 0 || json_array_next(p->j) < 0 ||
	    json_integer(p->j, 0, TOKEN_IDS_MAX - 1, &id) < 0)
		return -1;
	if (json_array_next(p->j) != 0)
		return json_refuse(p->j, "more than a token and an id");
	return draft_frame(p->d, id, p->e);
}

/* The ids of a special token by its name in the template. */
static int
read_special(struct part *p, struct str name)
{
	struct str path[1] = { name }, raw[1], ids;
	static const struct str IDS[1] = { NAME("ids") };
	int64_t id;
	int more;

	if (p->raw[F_SPECIAL].s == NULL)
		return missing(p, F_SPECIAL);
	json_again(p->j, p->raw[F_SPECIAL]);
	if (json_find_paths(p->j, path, 1, raw) < 0)
		return -1;
	if (raw[0].s == NULL)
		return missing(p, F_SPECIAL);
	json_again(p->j, raw[0]);
	if (json_find_paths(p->j, IDS, 1, &ids) < 0)
		return -1;
	if (ids.s == NULL)
		return missing(p, F_SPECIAL);
	json_again(p->j, ids);
	if (json_array(p->j) < 0)
		return -1;
	while ((more = json_array_next(p->j)) > 0)
		if (json_integer(p->j, 0, TOKEN_IDS_MAX - 1, &id) < 0 ||
		    draft_frame(p->d, id, p->e) < 0)
			return -1;
	return more;
}

/* [{"SpecialToken": {"id": "[CLS]", ...}}, {"Sequence": {"id": "A", ...}}] */
static int
read_template(struct part *p)
{
	static const struct str PATHS[2] = { NAME("SpecialToken.id"),
		NAME("Sequence.id") };
	struct str piece[TOKEN_FRAME_MAX];
	size_t n = 0;
	int more, texts = 0;

	if (p->raw[F_SINGLE].s == NULL)
		return missing(p, F_SINGLE);
	json_again(p->j, p->raw[F_SINGLE]);
	if (json_array(p->j) < 0)
		return -1;
	while ((more = json_array_next(p->j)) > 0) {
		if (n == TOKEN_FRAME_MAX)
			return unsupported(p, "so long a template");
		if (json_raw(p->j, &piece[n++]) < 0)
			return -1;
	}
	if (more < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct str raw[2], s;
		char name[TOKEN_BYTES_MAX];

		json_again(p->j, piece[i]);
		if (json_find_paths(p->j, PATHS, 2, raw) < 0)
			return -1;
		if ((raw[0].s == NULL) == (raw[1].s == NULL))
			return unsupported(p, "this template");
		json_again(p->j, raw[0].s != NULL ? raw[0] : raw[1]);
		if (json_str(p->j, &s) < 0)
			return -1;
		if (raw[0].s == NULL) {
			if (!str_is(s, "A") || texts++ > 0)
				return unsupported(p, "this template");
			p->d->set.frame_before = (uint32_t)p->d->n_frame;
			continue;
		}
		if (s.len > sizeof(name))
			return unsupported(p, "this template");
		if (s.len > 0)
			memcpy(name, s.s, s.len);
		if (read_special(p, (struct str){ name, s.len }) < 0)
			return -1;
	}
	return texts == 1 ? 0 : unsupported(p, "this template");
}

static int
read_processor(
    struct draft *d, struct json *j, struct str raw, int depth, struct error *e)
{
	struct part p;

	if (open_part(&p, d, j, raw, "post_processor", e) < 0)
		return -1;
	if (is(&p, "Sequence"))
		return each(&p, F_PROCESSORS, read_processor, depth);
	if (is(&p, "ByteLevel")) /* offsets alone */
		return 0;
	if (d->n_frame > 0)
		return unsupported(&p, "another before it");
	if (is(&p, "TemplateProcessing"))
		return read_template(&p);
	if (is(&p, "BertProcessing") || is(&p, "RobertaProcessing")) {
		if (read_pair(&p, F_CLS) < 0)
			return -1;
		d->set.frame_before = 1;
		return read_pair(&p, F_SEP);
	}
	return unsupported(&p, "");
}

int
draft_post_processor(
    struct draft *d, struct json *j, struct str raw, struct error *e)
{
	if (is_absent(j, raw))
		return 0;
	return read_processor(d, j, raw, 0, e);
}
