#include "vec/select.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
select_free(struct selection *s)
{
	schema_free(&s->schema);
	free(s->from);
	free(s->columns);
	*s = (struct selection){ 0 };
}

/* "no part 'x' (there are: text, image)" */
static int
no_part(const struct schema *in, const char *name, struct error *e)
{
	struct buf b = { 0 };
	int bad = 0;

	for (size_t i = 0; i < in->n; i++) {
		bad |= buf_puts(&b, i > 0 ? ", " : "");
		bad |= buf_puts(&b, in->parts[i].name);
	}
	if ((bad | buf_putc(&b, '\0')) != 0)
		error_memory(e);
	else
		error_set(e, "no part '%s' (there are: %s)", name, b.data);
	buf_free(&b);
	return -1;
}

static int
add_part(struct selection *s, const struct schema *in, size_t i, size_t *cap,
    struct error *e)
{
	const struct part *p = &in->parts[i];

	if (mem_grow(&s->from, cap, s->schema.n + 1, sizeof(*s->from)) == -1)
		return error_memory(e);
	if (schema_add(&s->schema, p->name, p->kind, p->dim, p->space, p->run,
		e) == -1)
		return -1;
	s->from[s->schema.n - 1] = i;
	return schema_columns(&s->schema, s->schema.n - 1, &p->columns, e);
}

/* add_names: one name, or else several with commas between. */
static int
add_names(struct selection *s, const struct schema *in, const char *names,
    size_t *cap, struct error *e)
{
	int i = schema_find(in, names), rc = 0;

	if (i != -1 || strchr(names, ',') == NULL)
		return i == -1 ? no_part(in, names, e)
			       : add_part(s, in, (size_t)i, cap, e);
	while (rc == 0 && names != NULL) {
		const char *comma = strchr(names, ',');
		size_t len =
		    comma != NULL ? (size_t)(comma - names) : strlen(names);
		char *name = mem_strndup(names, len);

		if (name == NULL)
			return error_memory(e);
		i = schema_find(in, name);
		rc = i == -1 ? no_part(in, name, e)
			     : add_part(s, in, (size_t)i, cap, e);
		free(name);
		names = comma != NULL ? comma + 1 : NULL;
	}
	return rc;
}

int
select_parts(struct selection *s, const struct schema *in,
    const char *const *names, size_t n, struct error *e)
{
	size_t cap = 0;

	*s = (struct selection){ 0 };
	for (size_t i = 0; n == 0 && i < in->n; i++)
		if (add_part(s, in, i, &cap, e) == -1)
			goto fail;
	for (size_t i = 0; i < n; i++)
		if (add_names(s, in, names[i], &cap, e) == -1)
			goto fail;
	if (in->task != NULL && schema_task(&s->schema, in->task, e) == -1)
		goto fail;
	s->columns = mem_array(s->schema.n, sizeof(*s->columns));
	if (s->columns == NULL) {
		error_memory(e);
		goto fail;
	}
	return 0;
fail:
	select_free(s);
	return -1;
}

int
select_rename(
    struct selection *s, const char *old, const char *name, struct error *e)
{
	int i = schema_find(&s->schema, old);
	char *copy;

	if (i == -1)
		return no_part(&s->schema, old, e);
	if (batch_check_id(name, strlen(name), NULL) == -1)
		return error_set(e, "'%s' cannot be the name of a part", name);
	if (strcmp(old, name) != 0 && schema_find(&s->schema, name) != -1)
		return error_set(e, "two parts are named '%s'", name);
	copy = mem_strndup(name, strlen(name));
	if (copy == NULL)
		return error_memory(e);
	free(s->schema.parts[i].name);
	s->schema.parts[i].name = copy;
	return 0;
}

struct batch
select_view(const struct selection *s, const struct batch *b)
{
	struct batch view = *b;

	for (size_t p = 0; p < s->schema.n; p++)
		s->columns[p] = b->parts[s->from[p]];
	view.schema = &s->schema;
	view.parts = s->columns;
	return view;
}

int
batch_drop(struct batch *b, int what, struct error *e)
{
	if (what & DROP_LABEL)
		strs_clear(&b->label);
	if (what & DROP_GROUP)
		strs_clear(&b->group);
	for (size_t i = 0; i < b->n; i++) {
		if (what & DROP_LABEL) {
			b->label_end[i] = 0;
			b->flags[i] &= ~(uint32_t)FLAG_NO_LABEL;
		}
		if (what & DROP_TARGET)
			b->target[i] = NAN;
		if (what & DROP_WEIGHT)
			b->weight[i] = 1;
		if (what & DROP_GROUP && strs_add(&b->group, "", 0) == -1)
			return error_memory(e);
		if (what & DROP_SOURCE)
			b->source[i] = 0;
		if (what & DROP_FLAGS)
			b->flags[i] &= FLAG_NO_LABEL;
	}
	return 0;
}
