#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/num.h"
#include "vec/format_private.h"

/*
 * Tables.  A header names the columns: id, label, group, target, weight; every
 * other column is a number of a part.  A part NAME with dim D has the columns
 * NAME.0 ... NAME.(D-1), or those that its own columns are called; read back,
 * such runs are parts again, and other columns together are one part.
 */

enum role { ROLE_ID, ROLE_LABEL, ROLE_GROUP, ROLE_TARGET, ROLE_WEIGHT, ROLES };

static const char *const role_names[ROLES] = { "id", "label", "group", "target",
	"weight" };

/* ---- reading ---- */

struct csv_reader {
	struct reader in;
	struct csv csv;
	ptrdiff_t role[ROLES]; /* column, -1 for none */
	size_t *column;        /* [schema.n, dim] column of each number */
	float *values;         /* scratch: one part's */
};

static ptrdiff_t
give(void *ctx, void *p, size_t n, struct error *e)
{
	struct reader *in = ctx;
	int rc = 1;

	while (in->pos == in->len && rc == 1)
		rc = io_fill(in, e);
	if (rc == -1)
		return -1;
	if (n > in->len - in->pos)
		n = in->len - in->pos;
	if (n > 0)
		memcpy(p, in->data + in->pos, n);
	in->pos += n;
	return (ptrdiff_t)n;
}

static void
free_csv(void *state)
{
	struct csv_reader *c = state;

	csv_free(&c->csv);
	io_close(&c->in);
	free(c->column);
	free(c->values);
	free(c);
}

/* find_roles: the columns that are no numbers. */
static int
find_roles(struct format_reader *r, struct csv_reader *c, struct error *e)
{
	const char *names[ROLES];

	memcpy(names, role_names, sizeof(names));
	if (r->o->id != NULL)
		names[ROLE_ID] = r->o->id;
	if (r->o->label != NULL)
		names[ROLE_LABEL] = r->o->label;
	if (r->o->group != NULL)
		names[ROLE_GROUP] = r->o->group;
	for (int k = 0; k < ROLES; k++)
		c->role[k] = csv_column(&c->csv, names[k]);
	if (c->role[ROLE_ID] == -1 && r->o->ids == NULL && !r->o->number)
		return error_set(e,
		    "no column '%s' (--id NAME, --ids FILE or --id-from line "
		    "tell the ids)",
		    names[ROLE_ID]);
	if (c->role[ROLE_LABEL] == -1 && r->o->label != NULL)
		return error_set(e, "no column '%s'", r->o->label);
	if (c->role[ROLE_GROUP] == -1 && r->o->group != NULL)
		return error_set(e, "no column '%s'", r->o->group);
	return 0;
}

static int
is_role(const struct csv_reader *c, size_t column)
{
	for (int k = 0; k < ROLES; k++)
		if (c->role[k] == (ptrdiff_t)column)
			return 1;
	return 0;
}

/* numbered: "NAME.K", K as num_print_u64 writes it: the length of NAME, 0 when
 * it is none. */
static size_t
numbered(struct str s, uint64_t k)
{
	char end[NUM_MAX + 1] = ".";
	size_t n = 1 + num_print_u64(end + 1, k);

	if (s.len <= n || memcmp(s.s + s.len - n, end, n) != 0)
		return 0;
	return s.len - n;
}

/* run: how many columns from i on are NAME.0, NAME.1, ... of one name. */
static size_t
run(const struct csv_reader *c, size_t i)
{
	struct str first = strs_get(&c->csv.header, i), s;
	size_t len = numbered(first, 0), k = 0;

	for (; len > 0 && i + k < c->csv.header.n && !is_role(c, i + k); k++) {
		s = strs_get(&c->csv.header, i + k);
		if (numbered(s, k) != len || memcmp(s.s, first.s, len) != 0)
			break;
	}
	return k;
}

static int
add_run(struct format_reader *r, struct csv_reader *c, size_t i, size_t n,
    size_t *at, struct error *e)
{
	struct str s = strs_get(&c->csv.header, i);
	char *name = mem_strndup(s.s, s.len - 2);
	int rc;

	if (name == NULL)
		return error_memory(e);
	if (n > VEC_MAX_DIM)
		rc = error_set(e, "part '%s' of %zu columns", name, n);
	else
		rc = schema_add(
		    &r->schema, name, PART_DENSE, (uint32_t)n, NULL, NULL, e);
	free(name);
	for (size_t k = 0; k < n; k++)
		c->column[(*at)++] = i + k;
	return rc;
}

/* add_rest: the columns that are in no run, as one part with their names. */
static int
add_rest(
    struct format_reader *r, struct csv_reader *c, size_t *at, struct error *e)
{
	const char *name = r->o->part != NULL ? r->o->part : "table";
	size_t first = *at;
	struct strs names = { 0 };
	int rc = 0;

	for (size_t i = 0; i < c->csv.header.n; i++) {
		struct str s = strs_get(&c->csv.header, i);
		size_t n = r->o->part == NULL ? run(c, i) : 0;

		if (n > 0) {
			i += n - 1;
			continue;
		}
		if (is_role(c, i))
			continue;
		if (strs_add(&names, s.s, s.len) == -1)
			rc = error_memory(e);
		c->column[(*at)++] = i;
	}
	if (rc == 0 && names.n > VEC_MAX_DIM)
		rc = error_set(e, "%zu columns of numbers; the limit is %d",
		    names.n, VEC_MAX_DIM);
	if (rc == 0 && *at > first &&
	    (schema_add(&r->schema, name, PART_DENSE, (uint32_t)names.n, NULL,
		 NULL, e) == -1 ||
		schema_columns(&r->schema, r->schema.n - 1, &names, e) == -1))
		rc = -1;
	strs_free(&names);
	return rc;
}

static int
find_parts(struct format_reader *r, struct csv_reader *c, struct error *e)
{
	size_t at = 0, n;

	c->column = mem_array(c->csv.header.n, sizeof(*c->column));
	c->values = mem_array(c->csv.header.n, sizeof(*c->values));
	if (c->column == NULL || c->values == NULL)
		return error_memory(e);
	for (size_t i = 0; i < c->csv.header.n && r->o->part == NULL; i++) {
		n = is_role(c, i) ? 0 : run(c, i);
		if (n > 0 && add_run(r, c, i, n, &at, e) == -1)
			return -1;
		if (n > 0)
			i += n - 1;
	}
	if (add_rest(r, c, &at, e) == -1)
		return -1;
	return r->schema.n > 0 ? 0 : error_set(e, "no column of numbers");
}

/* cell: the number in a field: 1; 0 when it is empty; -1 when it is none. */
static int
cell(struct str s, float *x)
{
	while (s.len > 0 && s.s[0] == ' ') {
		s.s++;
		s.len--;
	}
	while (s.len > 0 && s.s[s.len - 1] == ' ')
		s.len--;
	if (s.len == 0)
		return 0;
	if (s.len > 1 && s.s[0] == '+' && s.s[1] != '-') {
		s.s++;
		s.len--;
	}
	return num_read_float(s.s, s.len, x) == s.len && isfinite(*x) ? 1 : -1;
}

/* say_cell: why a cell is no number, as the error of part p. */
static int
say_cell(struct format_reader *r, struct batch *b, size_t p, size_t column,
    struct error *e)
{
	struct csv_reader *c = r->state;
	struct str h = strs_get(&c->csv.header, column);
	struct str s = strs_get(&c->csv.row, column);
	struct error why;

	if (s.len == 0)
		error_set(&why, "line %" PRIu64 ": column '%.*s' is empty",
		    c->csv.line, (int)h.len, h.s);
	else
		error_set(&why,
		    "line %" PRIu64 ": column '%.*s': '%.*s' is no finite "
		    "number",
		    c->csv.line, (int)h.len, h.s,
		    (int)(s.len < 40 ? s.len : 40), s.s);
	return batch_error(b, p, why.text, e);
}

static int
fill_part(struct format_reader *r, struct batch *b, size_t p,
    const size_t *column, struct error *e)
{
	struct csv_reader *c = r->state;
	uint32_t dim = r->schema.parts[p].dim, empty = 0;
	size_t where = 0;
	float *x;

	for (uint32_t k = 0; k < dim; k++) {
		struct str s = strs_get(&c->csv.row, column[k]);
		int got = cell(s, &c->values[k]);

		if (got == -1)
			return say_cell(r, b, p, column[k], e);
		if (got == 0) {
			empty++;
			where = column[k];
		}
	}
	if (empty == dim) /* missing, and no error */
		return 0;
	if (empty > 0)
		return say_cell(r, b, p, where, e);
	x = batch_dense(b, p);
	if (x == NULL)
		return error_memory(e);
	memcpy(x, c->values, dim * sizeof(*x));
	return 0;
}

static struct str
role(const struct csv_reader *c, enum role k)
{
	return c->role[k] == -1 ? (struct str){ NULL, 0 }
				: strs_get(&c->csv.row, (size_t)c->role[k]);
}

static int
record_number(const struct csv_reader *c, enum role k, double *x)
{
	struct str s = role(c, k);

	return s.len == 0 || (num_read_double(s.s, s.len, x) == s.len &&
				 isfinite(*x) && (k != ROLE_WEIGHT || *x >= 0))
		   ? 0
		   : -1;
}

/* What belongs to the record itself must be sound: no part can carry its
 * error, so the row is rejected. */
static int
check_roles(const struct csv_reader *c, double *target, double *weight,
    struct error *why)
{
	struct str label = role(c, ROLE_LABEL), group = role(c, ROLE_GROUP);

	if ((label.len > 0 &&
		batch_check_string("label", label.s, label.len, why) == -1) ||
	    (group.len > 0 &&
		batch_check_string("group", group.s, group.len, why) == -1))
		return -1;
	if (record_number(c, ROLE_TARGET, target) == -1)
		return error_set(why, "target is no finite number");
	if (record_number(c, ROLE_WEIGHT, weight) == -1)
		return error_set(why, "weight is no number from 0");
	return 0;
}

static int
fill_record(struct format_reader *r, struct batch *b, struct error *e)
{
	struct csv_reader *c = r->state;
	struct str label = role(c, ROLE_LABEL), group = role(c, ROLE_GROUP);
	size_t *column = c->column;

	if (label.len > 0 && batch_label(b, label.s, label.len, e) == -1)
		return -1;
	if (group.len > 0 && batch_group(b, group.s, group.len, e) == -1)
		return -1;
	for (size_t p = 0; p < r->schema.n; p++) {
		if (fill_part(r, b, p, column, e) == -1)
			return -1;
		column += r->schema.parts[p].dim;
	}
	return 0;
}

static int
read_row(struct format_reader *r, struct batch *b, struct error *e)
{
	struct csv_reader *c = r->state;
	double target = NAN, weight = 1;
	struct error why;
	int rc;

	if (check_roles(c, &target, &weight, &why) == -1) {
		error_at(&why, "line %" PRIu64, c->csv.line);
		format_reject(r, &why);
		return 0;
	}
	rc = format_row(r, b, role(c, ROLE_ID), e);
	if (rc != 1)
		return rc;
	b->target[b->n - 1] = target;
	b->weight[b->n - 1] = weight;
	return fill_record(r, b, e);
}

static int
next_csv(struct format_reader *r, struct batch *b, struct error *e)
{
	struct csv_reader *c = r->state;
	struct error why;

	while (b->n < FORMAT_BLOCK) {
		switch (csv_row(&c->csv, &why)) {
		case CSV_ROW:
			if (read_row(r, b, e) == -1)
				goto fail;
			break;
		case CSV_BAD:
			format_reject(r, &why);
			break;
		case CSV_END:
			return b->n > 0;
		case CSV_FATAL:
			*e = why;
			goto fail;
		}
	}
	return 1;
fail:
	return io_place(&c->in, e);
}

int
format_open_csv(struct format_reader *r, const char *path, enum file_format f,
    struct error *e)
{
	struct csv_reader *c = mem_array(1, sizeof(*c));
	enum csv_status got;

	if (c == NULL)
		return error_memory(e);
	if (io_open(&c->in, path, e) == -1) {
		free(c);
		return -1;
	}
	csv_init(&c->csv, f == FILE_CSV ? CSV_COMMA : CSV_TAB, give, &c->in);
	r->state = c;
	r->free = free_csv;
	r->next = next_csv;
	got = csv_header(&c->csv, e);
	if (got == CSV_END)
		error_set(e, "empty");
	if (got != CSV_ROW || find_roles(r, c, e) == -1 ||
	    find_parts(r, c, e) == -1)
		return io_place(&c->in, e);
	return 0;
}

/* ---- writing ---- */

static enum csv_kind
kind_of(const struct format_writer *w)
{
	return w->format == FILE_CSV ? CSV_COMMA : CSV_TAB;
}

static char
comma(const struct format_writer *w)
{
	return w->format == FILE_CSV ? ',' : '\t';
}

/* The header's names; equal ones could not be read back. */
static int
put_name(struct format_writer *w, struct intern *names, struct str s,
    struct error *e)
{
	uint32_t number;
	int new = intern_add(names, s.s, s.len, &number);

	if (new == 0)
		return error_set(
		    e, "two columns are named '%.*s'", (int)s.len, s.s);
	if (new == -1 || (number > 0 && buf_putc(&w->text, comma(w)) == -1) ||
	    csv_put_field(&w->text, kind_of(w), s.s, s.len) == -1)
		return error_memory(e);
	return 0;
}

static int
put_names(struct format_writer *w, struct intern *names, const struct part *p,
    struct error *e)
{
	struct buf name = { 0 };
	int rc = 0;

	for (uint32_t k = 0; k < p->dim && rc == 0; k++) {
		name.len = 0;
		if (p->columns.n > 0)
			rc = put_name(w, names, strs_get(&p->columns, k), e);
		else if (buf_printf(&name, "%s.%" PRIu32, p->name, k) == -1)
			rc = error_memory(e);
		else
			rc = put_name(
			    w, names, (struct str){ name.data, name.len }, e);
	}
	buf_free(&name);
	return rc;
}

static int
put_string(struct format_writer *w, struct str s)
{
	return buf_putc(&w->text, comma(w)) |
	       csv_put_field(&w->text, kind_of(w), s.s, s.len);
}

static int
put_double(struct format_writer *w, double x, int there)
{
	char text[NUM_MAX];

	return buf_putc(&w->text, comma(w)) |
	       (there ? buf_put(&w->text, text, num_print_double(text, x)) : 0);
}

static int
put_dense(struct format_writer *w, const struct part_column *c, uint32_t dim,
    size_t i)
{
	const float *x = c->dense + i * dim;
	char text[NUM_MAX + 1] = { comma(w) };
	int bad = 0;

	for (uint32_t k = 0; k < dim; k++) {
		size_t n = c->mask[i] ? num_print_float(text + 1, x[k]) : 0;

		bad |= buf_put(&w->text, text, n + 1);
	}
	return bad;
}

static int
put_row(
    struct format_writer *w, const struct batch *b, size_t i, struct error *e)
{
	struct str id = strs_get(&b->id, i), label = { "", 0 };
	size_t first;
	int bad = 0;

	if (batch_range(b->label_end, i, &first) > 0)
		label = strs_get(&b->label, first);
	bad |= csv_put_field(&w->text, kind_of(w), id.s, id.len);
	bad |= put_string(w, label);
	if (w->holds & 1 << FIELD_GROUP)
		bad |= put_string(w, strs_get(&b->group, i));
	if (w->holds & 1 << FIELD_TARGET)
		bad |= put_double(w, b->target[i], !isnan(b->target[i]));
	if (w->holds & 1 << FIELD_WEIGHT)
		bad |= put_double(w, b->weight[i], 1);
	for (size_t p = 0; p < b->schema->n; p++)
		bad |= put_dense(w, &b->parts[p], b->schema->parts[p].dim, i);
	bad |= buf_putc(&w->text, '\n');
	return bad != 0 ? error_memory(e) : format_put_text(w, e);
}

int
format_create_csv(struct format_writer *w, struct error *e)
{
	static const int fields[ROLES] = { FIELD_ID, FIELD_LABEL, FIELD_GROUP,
		FIELD_TARGET, FIELD_WEIGHT };
	struct intern names = { 0 };
	int rc = 0;

	w->holds = (1 << FIELD_ID | 1 << FIELD_LABEL | 1 << FIELD_MASK) |
		   w->o->columns;
	for (int k = 0; k < ROLES && rc == 0; k++)
		if (w->holds & 1u << fields[k])
			rc = put_name(w, &names,
			    (struct str){
				role_names[k], strlen(role_names[k]) },
			    e);
	for (size_t p = 0; p < w->schema.n && rc == 0; p++)
		rc = put_names(w, &names, &w->schema.parts[p], e);
	intern_free(&names);
	if (rc == 0 && buf_putc(&w->text, '\n') == -1)
		rc = error_memory(e);
	w->put = put_row;
	return rc;
}
