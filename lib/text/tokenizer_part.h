#ifndef TEXT_TOKENIZER_PART_H
#define TEXT_TOKENIZER_PART_H

#include "text/tokenizer_impl.h"

/*
 * The normalizer, pre_tokenizer and post_processor of tokenizer.json: objects
 * with a "type", some of them lists of others.  What is not known here, or not
 * run as the reference runs it, is refused by name.
 */

enum part_field {
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

/* An object being read: where its fields are. */
struct part {
	struct draft *d;
	struct json *j;
	struct error *e;
	const char *what; /* "normalizer" ... */
	char type[NAME_MAX_BYTES + 1];
	struct str raw[FIELDS];
};

/* part_missing, part_unsupported: say so.  -1. */
int part_missing(struct part *p, enum part_field f);
int part_unsupported(struct part *p, const char *why);
/* part_open: find the fields of the object raw. */
int part_open(struct part *p, struct draft *d, struct json *j, struct str raw,
    const char *what, struct error *e);
/* part_is: whether it is of that type. */
int part_is(const struct part *p, const char *type);
int part_null(struct part *p, enum part_field f);
/* part_bool: a boolean; ${or_else} where it is missing, -1: it must not be. */
int part_bool(struct part *p, enum part_field f, int or_else, int *out);
/* part_string: a string, kept in the draft. */
int part_string(struct part *p, enum part_field f, uint32_t out[2]);
int part_step(struct part *p, uint32_t op, uint32_t flags);
/* part_each: every element of a list of parts. */
int part_each(struct part *p, enum part_field f,
    int (*one)(
	struct draft *, struct json *, struct str, int depth, struct error *),
    int depth);
/* part_absent: missing or null. */
int part_absent(struct json *j, struct str raw);

#endif
