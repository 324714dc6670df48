#include <string.h>

#include "text/tokenizer_part.h"

static const struct str NAMES[FIELDS] = { NAME("type"), NAME("normalizers"),
	NAME("pretokenizers"), NAME("processors"), NAME("clean_text"),
	NAME("handle_chinese_chars"), NAME("strip_accents"), NAME("lowercase"),
	NAME("strip_left"), NAME("strip_right"), NAME("precompiled_charsmap"),
	NAME("pattern"), NAME("content"), NAME("prepend"),
	NAME("add_prefix_space"), NAME("use_regex"), NAME("replacement"),
	NAME("prepend_scheme"), NAME("split"), NAME("behavior"), NAME("invert"),
	NAME("individual_digits"), NAME("single"), NAME("special_tokens"),
	NAME("sep"), NAME("cls") };

int
part_missing(struct part *p, enum part_field f)
{
	return error_set(p->e, "%s '%s': no %.*s", p->what, p->type,
	    (int)NAMES[f].len, NAMES[f].s);
}

int
part_unsupported(struct part *p, const char *why)
{
	return error_set(p->e, "%s '%s'%s%s is not supported", p->what, p->type,
	    why[0] != '\0' ? " with " : "", why);
}

int
part_open(struct part *p, struct draft *d, struct json *j, struct str raw,
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

int
part_is(const struct part *p, const char *type)
{
	return strcmp(p->type, type) == 0;
}

int
part_null(struct part *p, enum part_field f)
{
	if (p->raw[f].s == NULL)
		return 1;
	json_again(p->j, p->raw[f]);
	return json_peek(p->j) == JSON_NULL;
}

/* A boolean; ${or_else} where it is missing, -1: it must not be. */
int
part_bool(struct part *p, enum part_field f, int or_else, int *out)
{
	if (p->raw[f].s == NULL) {
		*out = or_else;
		return or_else < 0 ? part_missing(p, f) : 0;
	}
	json_again(p->j, p->raw[f]);
	return json_bool(p->j, out);
}

int
part_string(struct part *p, enum part_field f, uint32_t out[2])
{
	struct str s;

	if (p->raw[f].s == NULL)
		return part_missing(p, f);
	json_again(p->j, p->raw[f]);
	if (json_str(p->j, &s) < 0)
		return -1;
	if (s.len > TOKEN_BYTES_MAX)
		return part_unsupported(p, "a string of more than 1024 bytes");
	return draft_string(p->d, s, out) < 0 ? error_memory(p->e) : 0;
}

int
part_step(struct part *p, uint32_t op, uint32_t flags)
{
	struct token_step s = { .op = op, .flags = flags };

	return draft_step(p->d, &s, p->e);
}

/* Every element of a list of parts. */
int
part_each(struct part *p, enum part_field f,
    int (*one)(
	struct draft *, struct json *, struct str, int depth, struct error *),
    int depth)
{
	struct str raw[TOKEN_STEPS_MAX];
	size_t n = 0;
	int more;

	if (p->raw[f].s == NULL)
		return part_missing(p, f);
	if (depth > 8)
		return part_unsupported(p, "lists in lists in lists");
	json_again(p->j, p->raw[f]);
	if (json_array(p->j) < 0)
		return -1;
	while ((more = json_array_next(p->j)) > 0) {
		if (n == TOKEN_STEPS_MAX)
			return part_unsupported(p, "so many elements");
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

int
part_absent(struct json *j, struct str raw)
{
	if (raw.s == NULL)
		return 1;
	json_again(j, raw);
	return json_peek(j) == JSON_NULL;
}
