#include "vec/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int
summary_init(struct summary *s, const struct schema *schema, struct error *e)
{
	*s = (struct summary){
		.n = schema->n, .target_min = INFINITY, .target_max = -INFINITY
	};
	s->parts = mem_array(s->n, sizeof(*s->parts));
	return s->parts != NULL ? 0 : error_memory(e);
}

void
summary_free(struct summary *s)
{
	for (size_t p = 0; p < s->n && s->parts != NULL; p++)
		buf_free(&s->parts[p].first_error);
	free(s->parts);
	intern_free(&s->labels);
	intern_free(&s->groups);
	free(s->label_count);
	*s = (struct summary){ 0 };
}

static int
add_labels(struct summary *s, const struct batch *b, size_t i)
{
	size_t from, n = batch_range(b->label_end, i, &from);
	uint32_t number;
	int rc;

	s->labelled += n > 0;
	s->many += n > 1;
	for (size_t k = from; k < from + n; k++) {
		struct str l = strs_get(&b->label, k);

		rc = intern_add(&s->labels, l.s, l.len, &number);
		if (rc == -1 ||
		    mem_grow(&s->label_count, &s->label_cap, (size_t)number + 1,
			sizeof(*s->label_count)) == -1)
			return -1;
		s->label_count[number] =
		    rc == 1 ? 1 : s->label_count[number] + 1;
	}
	return 0;
}

static int
add_part(struct part_summary *s, const struct batch *b, size_t p, size_t i)
{
	const struct part_column *c = &b->parts[p];
	struct str why = strs_get(&c->error, i), id = strs_get(&b->id, i);
	size_t from;

	s->present += c->mask[i];
	if (b->schema->parts[p].kind != PART_DENSE)
		s->values += batch_range(c->end, i, &from);
	if (why.len == 0)
		return 0;
	if (s->errors++ > 0)
		return 0;
	return buf_printf(&s->first_error, "'%.*s': %.*s", (int)id.len, id.s,
	    (int)why.len, why.s);
}

static int
add_record(struct summary *s, const struct batch *b, size_t i)
{
	struct str group = strs_get(&b->group, i);
	uint32_t number;

	s->records++;
	s->bad += (uint64_t)batch_bad(b, i);
	s->weights += b->weight[i] != 1;
	s->sources += b->source[i] != 0;
	for (int k = 0; k < 32; k++)
		s->flags[k] += b->flags[i] >> k & 1;
	if (!isnan(b->target[i])) {
		s->targets++;
		if (b->target[i] < s->target_min)
			s->target_min = b->target[i];
		if (b->target[i] > s->target_max)
			s->target_max = b->target[i];
	}
	if (group.len > 0) {
		s->grouped++;
		if (intern_add(&s->groups, group.s, group.len, &number) == -1)
			return -1;
	}
	for (size_t p = 0; p < s->n; p++)
		if (add_part(&s->parts[p], b, p, i) == -1)
			return -1;
	return add_labels(s, b, i);
}

int
summary_add(struct summary *s, const struct batch *b, struct error *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (add_record(s, b, i) == -1)
			return error_memory(e);
	return 0;
}
