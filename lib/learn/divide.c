#include "learn/divide.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void
divide_init(struct divide *d, size_t memory)
{
	*d = (struct divide){ .by = DIVIDE_GROUP };
	spool_init(&d->aside, memory);
}

void
divide_free(struct divide *d)
{
	spool_free(&d->aside);
	roster_free(&d->roster);
	near_free(&d->near);
	buf_free(&d->text);
	buf_free(&d->bytes);
	if (d->by == DIVIDE_REGEX)
		regfree(&d->regex);
	free(d->to);
	free(d->name);
	free(d->is_group);
	*d = (struct divide){ 0 };
}

int
divide_group(struct divide *d, const char *what, struct error *e)
{
	static const char *const words[] = { "group", "id", "source" };
	char why[200];
	int rc;

	for (int i = 0; i < 3; i++)
		if (strcmp(what, words[i]) == 0) {
			d->by = (enum divide_by)i;
			return 0;
		}
	rc = regcomp(&d->regex, what, REG_EXTENDED);
	if (rc == REG_ESPACE)
		return error_memory(e);
	if (rc != 0) {
		regerror(rc, NULL, why, sizeof(why));
		return error_set(e, "'%s': %s", what, why);
	}
	if (d->regex.re_nsub == 0) {
		regfree(&d->regex);
		return error_set(e,
		    "'%s' is neither group, id, source nor an expression "
		    "with a (group) in it",
		    what);
	}
	d->by = DIVIDE_REGEX;
	return 0;
}

int
divide_near(struct divide *d, const struct schema *s, const char *name,
    float cosine, struct error *e)
{
	int p = name != NULL ? schema_find(s, name) : 0;

	if (p < 0)
		return error_set(e, "there is no part '%s'", name);
	if (name == NULL && s->n != 1)
		return error_set(
		    e, "near copies among %zu parts: say which (--part)", s->n);
	if (s->parts[p].kind == PART_SEQUENCE)
		return error_set(e, "part '%s' is a sequence and has no cosine",
		    s->parts[p].name);
	d->part = (size_t)p;
	d->cosine = cosine;
	return 0;
}

/* What the expression finds in the id. */
static int
match_id(struct divide *d, struct str id, struct str *group, struct error *e)
{
	regmatch_t match[2];

	/* Ids hold no NUL. */
	if (buf_put(&d->text, id.s, id.len) < 0 || buf_putc(&d->text, '\0') < 0)
		return error_memory(e);
	if (regexec(&d->regex, d->text.data, 2, match, 0) != 0 ||
	    match[1].rm_so < 0)
		return 0;
	group->s = d->text.data + match[1].rm_so;
	group->len = (size_t)(match[1].rm_eo - match[1].rm_so);
	return 0;
}

/* What record i is grouped by; "" where by nothing. */
static int
group_of(struct divide *d, const struct batch *b, size_t i, struct str *group,
    struct error *e)
{
	*group = (struct str){ "", 0 };
	d->text.len = 0;
	switch (d->by) {
	case DIVIDE_GROUP:
		*group = strs_get(&b->group, i);
		return 0;
	case DIVIDE_SOURCE:
		if (b->source[i] == 0)
			return 0;
		if (buf_printf(&d->text, "%016" PRIx64, b->source[i]) < 0)
			return error_memory(e);
		*group = (struct str){ d->text.data, d->text.len };
		return 0;
	case DIVIDE_REGEX:
		return match_id(d, strs_get(&b->id, i), group, e);
	default:
		return 0;
	}
}

int
divide_add(struct divide *d, const struct batch *b, size_t i, struct error *e)
{
	size_t first, n = batch_range(b->label_end, i, &first);
	struct str *labels = NULL, one, group;
	int rc;

	if (group_of(d, b, i, &group, e) < 0)
		return -1;
	if (n == 1)
		one = strs_get(&b->label, first);
	else if ((labels = mem_array(n, sizeof(*labels))) == NULL)
		return error_memory(e);
	for (size_t k = 0; labels != NULL && k < n; k++)
		labels[k] = strs_get(&b->label, first + k);
	rc = roster_add(&d->roster, strs_get(&b->id, i), group,
	    n == 1 ? &one : labels, n, e);
	free(labels);
	if (rc == 0 && d->cosine > 0)
		rc = near_add(&d->near, b, i, d->part, e);
	return rc < 0 ? -1 : spool_put(&d->aside, b, i, e);
}

int
divide_deal(struct divide *d, uint64_t seed, const double *share, size_t shares,
    struct pool *pool, struct error *e)
{
	size_t n = d->aside.n;

	d->to = mem_array(n, sizeof(*d->to));
	d->name = mem_array(n, sizeof(*d->name));
	d->is_group = mem_array(n, 1);
	if (d->to == NULL || d->name == NULL || d->is_group == NULL)
		return error_memory(e);
	if (d->cosine > 0 &&
	    near_join(&d->near, d->cosine, d->roster.parent, pool, e) < 0)
		return -1;
	roster_names(&d->roster, d->name, d->is_group);
	return roster_assign(
	    &d->roster, seed, share, shares, d->to, &d->units, e);
}

int
divide_get(struct divide *d, size_t k, struct batch *b, struct error *e)
{
	int by_group = d->by == DIVIDE_SOURCE || d->by == DIVIDE_REGEX;
	struct record r;

	batch_clear(b);
	if (spool_get(&d->aside, k, &d->bytes, &r, e) < 0)
		return -1;
	if (d->cosine > 0 || (by_group && d->is_group[k]))
		r.group = d->name[k];
	return record_append(b, &r, e);
}
