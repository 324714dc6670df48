#include <string.h>

#include "text/tokenizer_part.h"

/*
 * Post-processors: which ids stand before and behind a text.
 */

/* ["</s>", 2] */
static int
read_pair(struct part *p, enum part_field f)
{
	struct str s;
	int64_t id;

	if (p->raw[f].s == NULL)
		return part_missing(p, f);
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
		return part_missing(p, F_SPECIAL);
	json_again(p->j, p->raw[F_SPECIAL]);
	if (json_find_paths(p->j, path, 1, raw) < 0)
		return -1;
	if (raw[0].s == NULL)
		return part_missing(p, F_SPECIAL);
	json_again(p->j, raw[0]);
	if (json_find_paths(p->j, IDS, 1, &ids) < 0)
		return -1;
	if (ids.s == NULL)
		return part_missing(p, F_SPECIAL);
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
		return part_missing(p, F_SINGLE);
	json_again(p->j, p->raw[F_SINGLE]);
	if (json_array(p->j) < 0)
		return -1;
	while ((more = json_array_next(p->j)) > 0) {
		if (n == TOKEN_FRAME_MAX)
			return part_unsupported(p, "so long a template");
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
			return part_unsupported(p, "this template");
		json_again(p->j, raw[0].s != NULL ? raw[0] : raw[1]);
		if (json_str(p->j, &s) < 0)
			return -1;
		if (raw[0].s == NULL) {
			if (!str_is(s, "A") || texts++ > 0)
				return part_unsupported(p, "this template");
			p->d->set.frame_before = (uint32_t)p->d->n_frame;
			continue;
		}
		if (s.len > sizeof(name))
			return part_unsupported(p, "this template");
		if (s.len > 0)
			memcpy(name, s.s, s.len);
		if (read_special(p, (struct str){ name, s.len }) < 0)
			return -1;
	}
	return texts == 1 ? 0 : part_unsupported(p, "this template");
}

static int
read_processor(
    struct draft *d, struct json *j, struct str raw, int depth, struct error *e)
{
	struct part p;

	if (part_open(&p, d, j, raw, "post_processor", e) < 0)
		return -1;
	if (part_is(&p, "Sequence"))
		return part_each(&p, F_PROCESSORS, read_processor, depth);
	if (part_is(&p, "ByteLevel")) /* offsets alone */
		return 0;
	if (d->n_frame > 0)
		return part_unsupported(&p, "another before it");
	if (part_is(&p, "TemplateProcessing"))
		return read_template(&p);
	if (part_is(&p, "BertProcessing") || part_is(&p, "RobertaProcessing")) {
		if (read_pair(&p, F_CLS) < 0)
			return -1;
		d->set.frame_before = 1;
		return read_pair(&p, F_SEP);
	}
	return part_unsupported(&p, "");
}

int
draft_post_processor(
    struct draft *d, struct json *j, struct str raw, struct error *e)
{
	if (part_absent(j, raw))
		return 0;
	return read_processor(d, j, raw, 0, e);
}
