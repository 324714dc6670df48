#include "fusion/join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "fusion/idtable.h"
#include "vec/spool.h"

enum {
	BATCH_RECORDS = 256,  /* of join_next, at most */
	BATCH_BYTES = 4 << 20 /* and about so much */
};

/* One stream. */
struct side {
	struct join_source source;
	const struct schema *schema;
	size_t first_part;   /* of the joined schema */
	struct id_table ids; /* record numbers within the stream */
	uint64_t base;       /* its record 0 in the spool (not the first) */
	uint8_t *taken;      /* [records] given already (not the first) */
	struct buf bytes;    /* of the record that is being joined */
	struct record record;
};

struct join {
	struct join_options o;
	struct schema schema;
	size_t S;
	struct side *sides; /* [S] */
	struct spool spool;
	struct batch block; /* of the first stream, */
	size_t next;        /* the record that comes next there, */
	int first_done;
	size_t side, row; /* and then of the others */
	uint8_t *had;     /* [S] of the record that is being joined */
	struct join_counts counts;
};

/* ---- parts ---- */

static int
add_part(struct join *j, const struct side *s, size_t p, struct error *e)
{
	const struct part *from = &s->schema->parts[p];
	const char *name =
	    s->source.rename != NULL ? s->source.rename : from->name;

	if (schema_find(&j->schema, name) >= 0)
		return error_set(e,
		    "'%s': part '%s' is there already: rename it with "
		    "NAME=%s, or with --name where it is made",
		    s->source.label, name, s->source.label);
	if (schema_add(&j->schema, name, from->kind, from->dim, from->space,
		from->run, e) < 0)
		return error_at(e, "'%s'", s->source.label);
	if (from->columns.n > 0)
		return schema_columns(
		    &j->schema, j->schema.n - 1, &from->columns, e);
	return 0;
}

static int
add_task(struct join *j, const struct side *s, struct error *e)
{
	if (s->schema->task == NULL)
		return 0;
	if (j->schema.task == NULL)
		return schema_task(&j->schema, s->schema->task, e);
	if (strcmp(j->schema.task, s->schema->task) != 0)
		return error_set(e, "'%s': task fields %s, not %s as before",
		    s->source.label, s->schema->task, j->schema.task);
	return 0;
}

static int
make_schema(struct join *j, struct error *e)
{
	for (size_t k = 0; k < j->S; k++) {
		struct side *s = &j->sides[k];

		s->schema = input_schema(s->source.in);
		s->first_part = j->schema.n;
		if (s->source.rename != NULL && s->schema->n != 1)
			return error_set(e,
			    "'%s': %zu parts, where one is to be named '%s'",
			    s->source.label, s->schema->n, s->source.rename);
		for (size_t p = 0; p < s->schema->n; p++)
			if (add_part(j, s, p, e) < 0)
				return -1;
		if (add_task(j, s, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- reading ---- */

static int
twice(const struct side *s, struct str id, struct error *e)
{
	return error_set(e, "'%s': id '%.*s' occurs twice", s->source.label,
	    (int)id.len, id.s);
}

/* Whether record ${row} of a stream that was put aside has this id. */
static int
is_record(struct join *j, struct side *s, uint32_t row, struct str id,
    struct error *e)
{
	if (spool_get(&j->spool, s->base + row, &s->bytes, &s->record, e) < 0)
		return -1;
	return str_eq(s->record.id, id);
}

/* Look the id up in a stream that was put aside: its row, with s->record
 * filled; -1 where there is none; -2 on error. */
static int64_t
look_up(struct join *j, struct side *s, struct str id, uint64_t hash,
    struct error *e)
{
	size_t at = 0;
	int64_t row;

	while ((row = id_table_next(&s->ids, hash, &at)) >= 0) {
		int rc = is_record(j, s, (uint32_t)row, id, e);

		if (rc != 0)
			return rc > 0 ? row : -2;
	}
	return -1;
}

static uint64_t
id_hash(struct str id)
{
	return hash_bytes(id.s, id.len, 0);
}

/* Put every record of a stream aside. */
static int
hold(struct join *j, struct side *s, struct error *e)
{
	struct batch b;
	int rc;

	s->base = j->spool.n;
	if (batch_init(&b, s->schema, e) < 0)
		return -1;
	while ((rc = input_next(s->source.in, &b, e)) > 0) {
		for (size_t i = 0; i < b.n && rc > 0; i++) {
			struct str id = strs_get(&b.id, i);
			uint64_t hash = id_hash(id);
			int64_t row = look_up(j, s, id, hash, e);

			if (row == -2 || (row >= 0 && twice(s, id, e) < 0) ||
			    spool_put(&j->spool, &b, i, e) < 0)
				rc = -1;
			else if (id_table_add(&s->ids, hash) < 0)
				rc = error_memory(e);
		}
		if (rc < 0)
			break;
	}
	batch_free(&b);
	if (rc == 0 && (s->taken = mem_array(s->ids.n, 1)) == NULL)
		rc = error_memory(e);
	return rc;
}

struct join *
join_open(const struct join_source *sources, size_t n,
    const struct join_options *o, struct error *e)
{
	struct join *j = mem_array(1, sizeof(*j));

	if (j == NULL) {
		error_memory(e);
		return NULL;
	}
	j->o = *o;
	j->S = n;
	j->side = 1;
	spool_init(&j->spool, o->memory);
	j->sides = mem_array(n, sizeof(*j->sides));
	j->had = mem_array(n, 1);
	j->counts.have = mem_array(n, sizeof(*j->counts.have));
	j->counts.alone = mem_array(n, sizeof(*j->counts.alone));
	if (j->sides == NULL || j->had == NULL || j->counts.have == NULL ||
	    j->counts.alone == NULL) {
		error_memory(e);
		goto fail;
	}
	for (size_t k = 0; k < n; k++)
		j->sides[k].source = sources[k];
	if (make_schema(j, e) < 0)
		goto fail;
	for (size_t k = 1; k < n; k++)
		if (hold(j, &j->sides[k], e) < 0)
			goto fail;
	if (batch_init(&j->block, j->sides[0].schema, e) < 0)
		goto fail;
	return j;
fail:
	join_free(j);
	return NULL;
}

void
join_free(struct join *j)
{
	if (j == NULL)
		return;
	for (size_t k = 0; k < j->S && j->sides != NULL; k++) {
		id_table_free(&j->sides[k].ids);
		free(j->sides[k].taken);
		buf_free(&j->sides[k].bytes);
	}
	batch_free(&j->block);
	free(j->sides);
	free(j->had);
	free(j->counts.have);
	free(j->counts.alone);
	spool_free(&j->spool);
	schema_free(&j->schema);
	free(j);
}

const struct schema *
join_schema(const struct join *j)
{
	return &j->schema;
}

const struct join_counts *
join_counts(const struct join *j)
{
	return &j->counts;
}

/* ---- joining one record ---- */

/* What two streams say of one record must not differ. */
static int
differ(const struct record *r, const char *what, struct str a,
    const struct side *in_a, struct str b, const struct side *in_b,
    struct error *e)
{
	return error_set(e,
	    "record '%.*s': %s '%.*s' in '%s' and '%.*s' in '%s'",
	    (int)r->id.len, r->id.s, what, (int)a.len, a.s, in_a->source.label,
	    (int)b.len, b.s, in_b->source.label);
}

static int
differ_number(const struct record *r, const char *what, double a,
    const struct side *in_a, double b, const struct side *in_b, struct error *e)
{
	return error_set(e, "record '%.*s': %s %g in '%s' and %g in '%s'",
	    (int)r->id.len, r->id.s, what, a, in_a->source.label, b,
	    in_b->source.label);
}

/* The first label of a that b does not have; 0 when there is none. */
static int
lacks(const struct record *a, const struct record *b, struct str *label)
{
	const char *at = a->label;

	for (size_t i = 0; i < a->labels; i++) {
		const char *to = b->label;
		int found = 0;

		*label = record_label(&at);
		for (size_t k = 0; k < b->labels && !found; k++)
			found = str_eq(*label, record_label(&to));
		if (!found)
			return 1;
	}
	return 0;
}

static int
merge_labels(struct record *r, const struct side **from, const struct side *s,
    struct error *e)
{
	const struct record *x = &s->record;
	struct str a = { "", 0 }, b = { "", 0 };
	const char *at;
	int more, other;

	if (x->labels == 0 && !(x->flags & FLAG_NO_LABEL))
		return 0;
	if (*from == NULL) {
		r->labels = x->labels;
		r->label = x->label;
		*from = s;
		return 0;
	}
	more = lacks(r, x, &a);
	other = lacks(x, r, &b);
	if (!more && !other)
		return 0;
	if (!more && r->labels > 0) {
		at = r->label;
		a = record_label(&at);
	}
	if (!other && x->labels > 0) {
		at = x->label;
		b = record_label(&at);
	}
	return differ(r, "label", a, *from, b, s, e);
}

/* Which stream each field of a joined record came from. */
struct origin {
	const struct side *labels, *target, *weight, *group;
};

/* Take what stream s says of the record into r. */
static int
merge(struct record *r, struct origin *from, const struct side *s,
    struct error *e)
{
	const struct record *x = &s->record;

	if (merge_labels(r, &from->labels, s, e) < 0)
		return -1;
	if (x->group.len > 0 && from->group == NULL) {
		r->group = x->group;
		from->group = s;
	} else if (x->group.len > 0 && !str_eq(r->group, x->group)) {
		return differ(
		    r, "group", r->group, from->group, x->group, s, e);
	}
	if (!isnan(x->target) && from->target == NULL) {
		r->target = x->target;
		from->target = s;
	} else if (x->target < r->target || x->target > r->target) {
		return differ_number(
		    r, "target", r->target, from->target, x->target, s, e);
	}
	/* A weight of 1 is what a record has that was given none. */
	if ((x->weight < 1 || x->weight > 1) && from->weight == NULL) {
		r->weight = x->weight;
		from->weight = s;
	} else if ((x->weight < 1 || x->weight > 1) &&
		   (x->weight < r->weight || x->weight > r->weight)) {
		return differ_number(
		    r, "weight", r->weight, from->weight, x->weight, s, e);
	}
	r->flags |= x->flags;
	if (x->source != 0)
		r->source = r->source == 0 || r->source == x->source
				? x->source
				: hash_mix(r->source) ^ x->source;
	return 0;
}

/* Count the id; 1 when its record is wanted. */
static int
count(struct join *j)
{
	size_t have = 0, last = 0;

	for (size_t k = 0; k < j->S; k++)
		if (j->had[k]) {
			j->counts.have[k]++;
			have++;
			last = k;
		}
	j->counts.ids++;
	if (have == j->S)
		j->counts.in_all++;
	if (have == 1)
		j->counts.alone[last]++;
	if (j->o.kind == JOIN_INNER)
		return have == j->S;
	return j->o.kind == JOIN_OUTER || j->had[0];
}

/* The streams that j->had names hold their record: give the joined one. */
static int
give(struct join *j, struct str id, struct batch *out, struct error *e)
{
	struct record r = { .id = id, .target = (double)NAN, .weight = 1 };
	struct origin from = { NULL, NULL, NULL, NULL };
	int wanted = count(j);

	if (j->o.seen != NULL && j->o.seen(j->o.ctx, id, j->had, e) < 0)
		return -1;
	if (!wanted)
		return 0;
	for (size_t k = 0; k < j->S; k++)
		if (j->had[k] && merge(&r, &from, &j->sides[k], e) < 0)
			return -1;
	if (record_begin(out, &r, e) < 0)
		return -1;
	for (size_t k = 0; k < j->S; k++) {
		struct side *s = &j->sides[k];

		if (j->had[k] && record_parts(out, s->first_part, &s->record,
				     s->schema, e) < 0)
			return -1;
	}
	j->counts.out++;
	j->counts.errors += (uint64_t)batch_bad(out, out->n - 1);
	return 0;
}

/* Find the record's partners in the streams from ${k} on. */
static int
partners(struct join *j, size_t k, struct str id, struct error *e)
{
	uint64_t hash = id_hash(id);

	for (; k < j->S; k++) {
		int64_t row = look_up(j, &j->sides[k], id, hash, e);

		if (row == -2)
			return -1;
		j->had[k] = row >= 0;
		if (row >= 0)
			j->sides[k].taken[row] = 1;
	}
	return 0;
}

/* The next record of the first stream.  1, 0 at its end, -1. */
static int
from_first(struct join *j, struct batch *out, struct error *e)
{
	struct side *s = &j->sides[0];
	struct str id;
	uint64_t hash;
	size_t at = 0;
	int rc;

	while (j->next >= j->block.n) {
		j->next = 0;
		j->block.n = 0;
		if ((rc = input_next(s->source.in, &j->block, e)) <= 0)
			return rc;
	}
	id = strs_get(&j->block.id, j->next);
	hash = id_hash(id);
	/* Only the hashes of these ids are kept, 64 bits each. */
	if (id_table_next(&s->ids, hash, &at) >= 0)
		return twice(s, id, e);
	if (id_table_add(&s->ids, hash) < 0)
		return error_memory(e);
	if (record_of(&j->block, j->next, &s->bytes, &s->record, e) < 0)
		return -1;
	j->next++;
	memset(j->had, 0, j->S);
	j->had[0] = 1;
	if (partners(j, 1, id, e) < 0 || give(j, id, out, e) < 0)
		return -1;
	return 1;
}

/* The next record that no earlier stream had. */
static int
from_others(struct join *j, struct batch *out, struct error *e)
{
	for (; j->side < j->S; j->side++, j->row = 0) {
		struct side *s = &j->sides[j->side];

		while (j->row < s->ids.n && s->taken[j->row])
			j->row++;
		if (j->row == s->ids.n)
			continue;
		if (spool_get(&j->spool, s->base + j->row++, &s->bytes,
			&s->record, e) < 0)
			return -1;
		memset(j->had, 0, j->S);
		j->had[j->side] = 1;
		if (partners(j, j->side + 1, s->record.id, e) < 0 ||
		    give(j, s->record.id, out, e) < 0)
			return -1;
		return 1;
	}
	return 0;
}

/* What the trailers of all streams said. */
static void
sum_ends(struct join *j)
{
	j->counts.rejected = 0;
	for (size_t k = 0; k < j->S; k++) {
		const struct input_end *end = input_end(j->sides[k].source.in);

		j->counts.rejected += end->rejected;
		j->counts.partial |= end->partial;
	}
}

int
join_next(struct join *j, struct batch *b, struct error *e)
{
	size_t bytes = 0, before;
	int rc = 1;

	batch_clear(b);
	while (rc > 0 && b->n < BATCH_RECORDS && bytes < BATCH_BYTES) {
		before = b->n;
		rc = 0;
		if (!j->first_done) {
			rc = from_first(j, b, e);
			j->first_done = rc == 0;
		}
		if (j->first_done)
			rc = from_others(j, b, e);
		if (rc > 0 && b->n > before)
			bytes += batch_size(b, before);
	}
	if (rc < 0)
		return -1;
	if (rc == 0)
		sum_ends(j);
	return b->n > 0;
}
