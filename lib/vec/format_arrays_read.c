#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vec/format_arrays.h"

/* Where the values of one part are. */
struct part_arrays {
	const struct array *dense;                   /* [n, dim] or [n] */
	const struct array *data, *indices, *indptr; /* or sparse */
	const struct array *mask;                    /* [n] or NULL */
	struct strs errors;                          /* [n] or empty */
};

struct array_reader {
	struct arrays in;
	struct part_arrays *parts; /* [schema.n] */
	size_t cap;
	uint64_t n; /* records */
	int known;  /* n is */
	struct strs ids, labels, groups;
	int has_ids;
	const struct array *counts, *targets, *weights, *sources, *flags;
	size_t label;   /* labels given so far */
	float *scratch; /* [largest dim] */
};

static void
free_array_reader(void *state)
{
	struct array_reader *s = state;

	for (size_t p = 0; s->parts != NULL && p < s->cap; p++)
		strs_free(&s->parts[p].errors);
	free(s->parts);
	free(s->scratch);
	arrays_free(&s->in);
	strs_free(&s->ids);
	strs_free(&s->labels);
	strs_free(&s->groups);
	free(s);
}

/* All columns must have as many rows. */
static int
agree(struct array_reader *s, const char *name, uint64_t n, struct error *e)
{
	if (s->known && n != s->n)
		return error_set(e,
		    "'%s' has %" PRIu64 " rows where others have %" PRIu64,
		    name, n, s->n);
	s->known = 1;
	s->n = n;
	return 0;
}

static int
is_number(const struct array *a)
{
	return a->kind <= ARRAY_FLOAT;
}

/* column: a numeric array of one dimension and n elements, or NULL. */
static int
column(struct array_reader *s, const char *name, const char *suffix,
    const struct array **out, struct error *e)
{
	const struct array *a = arrays_find(&s->in, name, suffix);

	*out = a;
	if (a == NULL)
		return 0;
	if (a->rank != 1 || !is_number(a))
		return error_set(e, "'%s' is no row of numbers", a->name);
	return agree(s, a->name, a->shape[0], e);
}

/* ---- parts ---- */

static int
room(struct format_reader *r, struct array_reader *s, struct error *e)
{
	size_t n = r->schema.n + 1, before = s->cap;

	if (mem_grow(&s->parts, &s->cap, n, sizeof(*s->parts)) == -1)
		return error_memory(e);
	for (size_t p = before; p < s->cap; p++)
		s->parts[p] = (struct part_arrays){ 0 };
	return 0;
}

/* bind: find the arrays of the part that the schema has last. */
static int
bind(struct format_reader *r, struct array_reader *s, size_t p, struct error *e)
{
	const char *name = r->schema.parts[p].name;
	struct part_arrays *x = &s->parts[p];
	int rc;

	if (column(s, name, "mask", &x->mask, e) == -1)
		return -1;
	rc = arrays_strings(&s->in, name, "errors", &x->errors, e);
	return rc == 1 ? agree(s, name, x->errors.n, e) : rc;
}

static int
add_dense(struct format_reader *r, struct array_reader *s,
    const struct array *a, const char *name, struct error *e)
{
	uint64_t dim = a->rank == 2 ? a->shape[1] : 1;

	if (!is_number(a) || a->rank < 1 || a->rank > 2)
		return error_set(e,
		    "'%s' is no table of numbers (it has %d dimensions)", name,
		    a->rank);
	if (dim < 1 || dim > VEC_MAX_DIM)
		return error_set(e, "'%s' has %" PRIu64 " columns, not 1 to %d",
		    name, dim, VEC_MAX_DIM);
	if (agree(s, name, a->shape[0], e) == -1 || room(r, s, e) == -1 ||
	    schema_add(&r->schema, name, PART_DENSE, (uint32_t)dim, NULL, NULL,
		e) == -1)
		return -1;
	s->parts[r->schema.n - 1].dense = a;
	return bind(r, s, r->schema.n - 1, e);
}

/* check_csr: every row's indices increase and are below dim, and the rows
 * follow one another.  Then nothing can fail when the rows are taken. */
static int
check_csr(const struct part_arrays *x, uint64_t n, double dim, struct error *e)
{
	uint64_t pairs = x->data->shape[0];
	double at = 0, before;

	for (uint64_t i = 0; i <= n; i++) {
		double end = array_number(x->indptr, i);

		if (i == 0 ? end != 0 : !(end >= at) || end > (double)pairs)
			return error_set(e, "indptr does not increase");
		before = -1;
		for (; i > 0 && at < end; at++) {
			double k = array_number(x->indices, (uint64_t)at);

			if (!(k > before && k < dim))
				return error_set(e,
				    "indices of row %" PRIu64 " do not "
				    "increase, or are beyond the shape",
				    i - 1);
			before = k;
		}
	}
	return at < (double)pairs ? error_set(e, "indptr ends too early") : 0;
}

/* add_sparse: the arrays NAME.data and so on, or without "NAME." those that
 * scipy.sparse.save_npz writes. */
static int
add_sparse(struct format_reader *r, struct array_reader *s, const char *name,
    const char *prefix, struct error *e)
{
	static const char *const suffixes[] = { "data", "indices", "indptr",
		"shape" };
	const struct array *a[4];
	struct part_arrays x = { 0 };
	double dim;

	for (int k = 0; k < 4; k++) {
		a[k] = prefix != NULL ? arrays_find(&s->in, prefix, suffixes[k])
				      : arrays_find(&s->in, suffixes[k], NULL);
		if (a[k] == NULL || a[k]->rank != 1 || !is_number(a[k]))
			return error_set(
			    e, "'%s': no array '%s'", name, suffixes[k]);
	}
	x.data = a[0];
	x.indices = a[1];
	x.indptr = a[2];
	if (a[3]->shape[0] != 2 || a[2]->shape[0] < 1 ||
	    array_number(a[3], 0) != (double)(a[2]->shape[0] - 1))
		return error_set(e, "'%s': shape and indptr disagree", name);
	if (a[0]->shape[0] != a[1]->shape[0])
		return error_set(e, "'%s': data and indices disagree", name);
	dim = array_number(a[3], 1);
	if (!(dim >= 1 && dim <= VEC_MAX_SPARSE) ||
	    check_csr(&x, a[2]->shape[0] - 1, dim, e) == -1)
		return error_at(e, "'%s'", name);
	if (agree(s, name, a[2]->shape[0] - 1, e) == -1 ||
	    room(r, s, e) == -1 ||
	    schema_add(&r->schema, name, PART_SPARSE, (uint32_t)dim, NULL, NULL,
		e) == -1)
		return -1;
	s->parts[r->schema.n - 1] = x;
	return bind(r, s, r->schema.n - 1, e);
}

/* part_called: the part of that name, dense or sparse. */
static int
part_called(struct format_reader *r, struct array_reader *s, const char *name,
    struct error *e)
{
	const struct array *a = arrays_find(&s->in, name, NULL);

	if (a != NULL)
		return add_dense(r, s, a, name, e);
	if (arrays_find(&s->in, name, "indptr") != NULL)
		return add_sparse(r, s, name, name, e);
	return error_set(e, "no array '%s'", name);
}

/* by_schema: the file says which parts there are.  What describes them comes
 * from there too. */
static int
by_schema(struct format_reader *r, struct array_reader *s, struct error *e)
{
	struct schema said = { 0 };
	int rc = schema_parse(&said, s->in.schema.data, s->in.schema.len, e);

	if (rc == -1)
		return error_at(e, "schema");
	for (size_t p = 0; p < said.n && rc == 0; p++) {
		rc = part_called(r, s, said.parts[p].name, e);
		if (rc == 0 && (said.parts[p].kind != r->schema.parts[p].kind ||
				   said.parts[p].dim != r->schema.parts[p].dim))
			rc = error_set(e, "'%s': array and schema disagree",
			    said.parts[p].name);
	}
	if (rc == 0) {
		schema_free(&r->schema);
		r->schema = said;
		return 0;
	}
	schema_free(&said);
	return -1;
}

/* before_suffix: the length of NAME in NAME.SUFFIX, or 0. */
static size_t
before_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k + 1 && name[n - k - 1] == '.' &&
		       strcmp(name + n - k, suffix) == 0
		   ? n - k - 1
		   : 0;
}

/* is_taken: the array belongs to the records or to a part. */
static int
is_taken(const struct format_reader *r, const struct array_reader *s,
    const struct array *a)
{
	if (a == s->counts || a == s->targets || a == s->weights ||
	    a == s->sources || a == s->flags)
		return 1;
	for (size_t p = 0; p < r->schema.n; p++) {
		const struct part_arrays *x = &s->parts[p];

		if (a == x->dense || a == x->data || a == x->indices ||
		    a == x->indptr || a == x->mask)
			return 1;
	}
	return 0;
}

/* by_looks: every array that may be a part is one. */
static int
by_looks(struct format_reader *r, struct array_reader *s, struct error *e)
{
	for (size_t i = 0; i < s->in.n; i++) {
		const struct array *a = &s->in.a[i];
		size_t n = before_suffix(a->name, "indptr");
		char *name;
		int rc;

		if (n > 0) {
			name = mem_strndup(a->name, n);
			if (name == NULL)
				return error_memory(e);
			rc = add_sparse(r, s, name, name, e);
			free(name);
			if (rc == -1)
				return -1;
		} else if (strcmp(a->name, "indptr") == 0) {
			if (add_sparse(r, s, "csr", NULL, e) == -1)
				return -1;
		} else if (a->rank == 2 && is_number(a) &&
			   add_dense(r, s, a, a->name, e) == -1) {
			return -1;
		}
	}
	return r->schema.n > 0 ? 0 : error_set(e, "no table of numbers");
}

static int
find_parts(struct format_reader *r, struct array_reader *s, enum file_format f,
    struct error *e)
{
	const char *part = r->o->part;

	if (f == FILE_NPY)
		return add_dense(
		    r, s, &s->in.a[0], part != NULL ? part : "vec", e);
	if (part != NULL)
		return part_called(r, s, part, e);
	if (s->in.schema.len > 0)
		return by_schema(r, s, e);
	return by_looks(r, s, e);
}

/* ---- columns ---- */

static int
strings(struct array_reader *s, const char *name, const char *given,
    struct strs *out, struct error *e)
{
	int rc =
	    arrays_strings(&s->in, given != NULL ? given : name, NULL, out, e);

	if (rc == 0 && given != NULL)
		return error_set(e, "no array '%s'", given);
	return rc;
}

/* Numbers of the records themselves must be what their columns are for. */
static int
check_numbers(const struct array_reader *s, struct error *e)
{
	for (uint64_t i = 0; i < s->n; i++) {
		double x;

		if (s->targets != NULL && isinf(array_number(s->targets, i)))
			return error_set(e, "targets are not finite");
		x = s->weights != NULL ? array_number(s->weights, i) : 1;
		if (!(x >= 0) || isinf(x))
			return error_set(e, "weights are no numbers from 0");
		x = s->flags != NULL ? array_number(s->flags, i) : 0;
		if (!(x >= 0 && x <= UINT32_MAX))
			return error_set(e, "flags are no numbers of 32 bits");
	}
	return s->sources == NULL || s->sources->kind == ARRAY_UINT
		   ? 0
		   : error_set(e, "sources are no hashes");
}

/* label_counts must add up to the labels. */
static int
check_labels(struct array_reader *s, struct error *e)
{
	double sum = 0, x;

	if (s->counts == NULL)
		return agree(s, "labels", s->labels.n, e);
	for (uint64_t i = 0; i < s->counts->shape[0]; i++) {
		x = array_number(s->counts, i);
		if (!(x >= 0 && x <= VEC_MAX_LABELS) || x != floor(x))
			return error_set(e, "label_counts are no counts");
		sum += x;
	}
	return sum == (double)s->labels.n
		   ? 0
		   : error_set(e, "label_counts do not add up to the labels");
}

static int
find_columns(struct format_reader *r, struct array_reader *s, struct error *e)
{
	int rc;

	s->has_ids = strings(s, "ids", r->o->id, &s->ids, e);
	if (s->has_ids == -1 ||
	    (s->has_ids == 1 && agree(s, "ids", s->ids.n, e) == -1))
		return -1;
	if (!s->has_ids && r->o->ids == NULL && !r->o->number)
		return error_set(e,
		    "it holds no ids (--ids FILE or --id-from line give them)");
	if (column(s, "label_counts", NULL, &s->counts, e) == -1 ||
	    column(s, "targets", NULL, &s->targets, e) == -1 ||
	    column(s, "weights", NULL, &s->weights, e) == -1 ||
	    column(s, "sources", NULL, &s->sources, e) == -1 ||
	    column(s, "flags", NULL, &s->flags, e) == -1 ||
	    check_numbers(s, e) == -1)
		return -1;
	rc = strings(s, "labels", r->o->label, &s->labels, e);
	if (rc == -1 || (rc == 1 && check_labels(s, e) == -1))
		return -1;
	rc = strings(s, "groups", r->o->group, &s->groups, e);
	return rc == 1 ? agree(s, "groups", s->groups.n, e) : rc;
}

/* What nobody took is told, unless one array was asked for. */
static int
note_unread(struct format_reader *r, struct array_reader *s, struct error *e)
{
	const char *known[] = { r->o->id != NULL ? r->o->id : "ids",
		r->o->label != NULL ? r->o->label : "labels",
		r->o->group != NULL ? r->o->group : "groups", "schema",
		"format", "shape" };
	struct buf *out = &r->end.unread;

	for (size_t i = 0; i < s->in.n && r->o->part == NULL; i++) {
		const struct array *a = &s->in.a[i];
		int taken = a->name == NULL || is_taken(r, s, a) ||
			    before_suffix(a->name, "shape") > 0 ||
			    before_suffix(a->name, "errors") > 0;

		for (size_t k = 0; k < 6 && !taken; k++)
			taken = strcmp(a->name, known[k]) == 0;
		if (!taken && (buf_puts(out, out->len > 0 ? ", " : "") == -1 ||
				  buf_puts(out, a->name) == -1))
			return error_memory(e);
	}
	return 0;
}

/* ---- rows ---- */

static int
not_finite(struct batch *b, size_t p, uint64_t k, struct error *e)
{
	struct error why;

	error_set(&why, "value %" PRIu64 " is not finite", k);
	return batch_error(b, p, why.text, e);
}

static int
fill_dense(struct format_reader *r, struct batch *b, size_t p,
    const struct array *a, uint64_t row, struct error *e)
{
	const struct array_reader *s = r->state;
	uint32_t dim = r->schema.parts[p].dim, nans = 0, bad = dim;
	float *x = s->scratch, *to;

	for (uint32_t k = 0; k < dim; k++) {
		x[k] = format_float(r, array_number(a, array_place(a, row, k)));
		nans += (uint32_t)isnan(x[k]);
		if (!isfinite(x[k]) && bad == dim)
			bad = k;
	}
	if (nans == dim && r->o->missing == MISSING_NAN)
		return 0;
	if (bad < dim)
		return not_finite(b, p, bad, e);
	to = batch_dense(b, p);
	if (to == NULL)
		return error_memory(e);
	memcpy(to, x, dim * sizeof(*x));
	return 0;
}

static int
fill_sparse(struct format_reader *r, struct batch *b, size_t p,
    const struct part_arrays *x, uint64_t row, struct error *e)
{
	uint64_t from = (uint64_t)array_number(x->indptr, row);
	uint64_t end = (uint64_t)array_number(x->indptr, row + 1);
	uint32_t *index;
	float *value;

	for (uint64_t k = from; k < end; k++)
		if (!isfinite((float)array_number(x->data, k)))
			return not_finite(
			    b, p, (uint64_t)array_number(x->indices, k), e);
	if (batch_sparse(b, p, (size_t)(end - from), &index, &value) == -1)
		return error_memory(e);
	for (uint64_t k = from; k < end; k++) {
		*index++ = (uint32_t)array_number(x->indices, k);
		*value++ = format_float(r, array_number(x->data, k));
	}
	return 0;
}

static int
fill_part(struct format_reader *r, struct array_reader *s, struct batch *b,
    size_t p, uint64_t row, struct error *e)
{
	const struct part_arrays *x = &s->parts[p];
	struct str error = { NULL, 0 };

	if (x->errors.n > 0)
		error = strs_get(&x->errors, (size_t)row);
	if (error.len > 0)
		return batch_error_str(b, p, error.s, error.len, e);
	if (x->mask != NULL && array_number(x->mask, row) == 0)
		return 0;
	return x->dense != NULL ? fill_dense(r, b, p, x->dense, row, e)
				: fill_sparse(r, b, p, x, row, e);
}

static int
fill_labels(
    struct array_reader *s, struct batch *b, uint64_t row, struct error *e)
{
	size_t n = s->labels.n > 0;

	if (s->counts != NULL)
		n = (size_t)array_number(s->counts, row);
	for (; n > 0; n--) {
		struct str l = strs_get(&s->labels, s->label++);

		if (batch_label(b, l.s, l.len, e) == -1)
			return -1;
	}
	return 0;
}

static int
fill(struct format_reader *r, struct array_reader *s, struct batch *b,
    uint64_t row, struct error *e)
{
	size_t i = b->n - 1;

	if (s->groups.n > 0) {
		struct str g = strs_get(&s->groups, (size_t)row);

		if (batch_group(b, g.s, g.len, e) == -1)
			return -1;
	}
	if (s->targets != NULL)
		b->target[i] = array_number(s->targets, row);
	if (s->weights != NULL)
		b->weight[i] = array_number(s->weights, row);
	if (s->flags != NULL)
		b->flags[i] = (uint32_t)array_number(s->flags, row);
	if (s->sources != NULL)
		b->source[i] = array_bits(s->sources, row);
	for (size_t p = 0; p < r->schema.n; p++)
		if (fill_part(r, s, b, p, row, e) == -1)
			return -1;
	return 0;
}

static int
next_row(struct format_reader *r, struct batch *b, struct error *e)
{
	struct array_reader *s = r->state;
	uint64_t row = r->row;
	struct str own = { NULL, 0 };
	int rc;

	if (s->has_ids)
		own = strs_get(&s->ids, (size_t)row);
	rc = format_row(r, b, own, e);
	if (rc == 0 && s->counts != NULL)
		s->label += (size_t)array_number(s->counts, row);
	else if (rc == 0)
		s->label += s->labels.n > 0;
	if (rc != 1)
		return rc;
	return fill_labels(s, b, row, e) == -1 ? -1 : fill(r, s, b, row, e);
}

static int
next_arrays(struct format_reader *r, struct batch *b, struct error *e)
{
	struct array_reader *s = r->state;

	while (b->n < FORMAT_BLOCK && r->row < s->n)
		if (next_row(r, b, e) == -1)
			return -1;
	return b->n > 0;
}

int
format_open_arrays(struct format_reader *r, const char *path,
    enum file_format f, struct error *e)
{
	struct array_reader *s = mem_array(1, sizeof(*s));
	uint32_t largest = 1;

	if (s == NULL)
		return error_memory(e);
	r->state = s;
	r->free = free_array_reader;
	r->next = next_arrays;
	if (arrays_load(&s->in, path, f, e) == -1)
		return -1;
	if (find_columns(r, s, e) == -1 || find_parts(r, s, f, e) == -1 ||
	    note_unread(r, s, e) == -1)
		return format_place(path, e);
	for (size_t p = 0; p < r->schema.n; p++)
		if (r->schema.parts[p].kind == PART_DENSE &&
		    r->schema.parts[p].dim > largest)
			largest = r->schema.parts[p].dim;
	s->scratch = mem_array(largest, sizeof(*s->scratch));
	return s->scratch != NULL ? 0 : error_memory(e);
}
