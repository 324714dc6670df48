#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "vec/format_arrays.h"
#include "vec/le.h"
#include "vec/zip.h"

/* What one part has come to so far; all little-endian. */
struct part_out {
	struct buf values; /* f32 */
	struct buf index;  /* sparse: u32 */
	struct buf indptr; /* sparse: u64 */
	struct buf mask;   /* u8 */
	struct buf shape;  /* sparse: u64 [2] */
	struct strs errors;
	uint64_t pairs;
	int missing, failed; /* some record lacks it, with an error */
};

struct array_writer {
	struct part_out *parts; /* [nparts] */
	size_t nparts;
	uint64_t n; /* records */
	struct strs ids, labels, groups;
	struct buf counts, targets, weights, sources, flags;
	int one_label, some_target, some_weight, some_group, some_source,
	    some_flag;
	struct zip_writer zip;
	/* safetensors: tensors are named and written at the end. */
	struct tensor *tensors;
	size_t ntensors, cap;
	struct buf config;
};

static void
free_array_writer(void *state)
{
	struct array_writer *s = state;
	struct buf *const bufs[] = { &s->counts, &s->targets, &s->weights,
		&s->sources, &s->flags, &s->config };

	for (size_t k = 0; k < sizeof(bufs) / sizeof(bufs[0]); k++)
		buf_free(bufs[k]);
	for (size_t p = 0; p < s->nparts; p++) {
		struct part_out *o = &s->parts[p];

		buf_free(&o->values);
		buf_free(&o->index);
		buf_free(&o->indptr);
		buf_free(&o->mask);
		buf_free(&o->shape);
		strs_free(&o->errors);
	}
	for (size_t i = 0; i < s->ntensors; i++)
		free(s->tensors[i].name);
	free(s->tensors);
	strs_free(&s->ids);
	strs_free(&s->labels);
	strs_free(&s->groups);
	zip_free_writer(&s->zip);
	free(s->parts);
	free(s);
}

/* ---- taking records ---- */

static int
put_u64(struct buf *b, uint64_t x)
{
	unsigned char p[8];

	le64_put(p, x);
	return buf_put(b, p, sizeof(p));
}

static int
put_f64(struct buf *b, double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof(u));
	return put_u64(b, u);
}

static int
put_floats(struct buf *b, const float *x, size_t n)
{
	if (n == 0)
		return 0;
	if (buf_reserve(b, 4 * n) == -1)
		return -1;
	le_put_array((unsigned char *)b->data + b->len, x, n, 4);
	b->len += 4 * n;
	return 0;
}

/* A row of zeros, or of NaN, stands for a part that is missing. */
static int
put_stand_in(struct buf *b, uint32_t dim, int nan)
{
	float x = nan ? NAN : 0;
	int bad = 0;

	for (uint32_t k = 0; k < dim && bad == 0; k++)
		bad |= put_floats(b, &x, 1);
	return bad;
}

static int
put_sparse(struct part_out *o, const struct part_column *c, size_t i)
{
	size_t first, n = batch_range(c->end, i, &first);
	int bad = 0;

	if (!c->mask[i])
		n = 0;
	if (n > 0) {
		bad |= put_floats(&o->values, c->value + first, n);
		if (buf_reserve(&o->index, 4 * n) == -1)
			return -1;
		le_put_array((unsigned char *)o->index.data + o->index.len,
		    c->index + first, n, 4);
		o->index.len += 4 * n;
	}
	o->pairs += n;
	return bad | put_u64(&o->indptr, o->pairs);
}

static int
put_part(struct format_writer *w, struct array_writer *s, const struct batch *b,
    size_t p, size_t i)
{
	const struct part_column *c = &b->parts[p];
	uint32_t dim = w->schema.parts[p].dim;
	struct part_out *o = &s->parts[p];
	struct str why = strs_get(&c->error, i);
	int nan = w->o->missing == MISSING_NAN && w->format == FILE_NPY;
	int bad = buf_putc(&o->mask, (char)c->mask[i]);

	o->missing |= !c->mask[i];
	o->failed |= why.len > 0;
	bad |= strs_add(&o->errors, why.len > 0 ? why.s : "", why.len);
	if (w->schema.parts[p].kind == PART_SPARSE)
		return bad | put_sparse(o, c, i);
	if (!c->mask[i])
		return bad | put_stand_in(&o->values, dim, nan);
	return bad | put_floats(&o->values, c->dense + i * dim, dim);
}

static int
put_labels(struct array_writer *s, const struct batch *b, size_t i)
{
	size_t first, n = batch_range(b->label_end, i, &first);
	int bad = put_u64(&s->counts, n);

	s->one_label &= n == 1;
	for (size_t k = first; k < first + n; k++) {
		struct str l = strs_get(&b->label, k);

		bad |= strs_add(&s->labels, l.s, l.len);
	}
	return bad;
}

static int
put_record(
    struct format_writer *w, const struct batch *b, size_t i, struct error *e)
{
	struct array_writer *s = w->state;
	struct str id = strs_get(&b->id, i), group = strs_get(&b->group, i);
	unsigned char flags[4];
	int bad = 0;

	s->n++;
	for (size_t p = 0; p < w->schema.n; p++)
		bad |= put_part(w, s, b, p, i);
	if (w->format == FILE_NPY)
		return bad != 0 ? error_memory(e) : 0;
	le32_put(flags, b->flags[i]);
	bad |= put_labels(s, b, i);
	bad |= strs_add(&s->ids, id.s, id.len);
	bad |= strs_add(&s->groups, group.len > 0 ? group.s : "", group.len);
	bad |= put_f64(&s->targets, b->target[i]);
	bad |= put_f64(&s->weights, b->weight[i]);
	bad |= put_u64(&s->sources, b->source[i]);
	bad |= buf_put(&s->flags, flags, sizeof(flags));
	s->some_target |= !isnan(b->target[i]);
	s->some_weight |= b->weight[i] < 1 || b->weight[i] > 1;
	s->some_group |= group.len > 0;
	s->some_source |= b->source[i] != 0;
	s->some_flag |= b->flags[i] != 0;
	return bad != 0 ? error_memory(e) : 0;
}

/* ---- writing arrays ---- */

/* How numpy and safetensors call the types that are written. */
static const struct {
	enum array_kind kind;
	size_t size;
	enum tensor_type tensor;
} types[] = { { ARRAY_FLOAT, 4, TENSOR_F32 }, { ARRAY_FLOAT, 8, TENSOR_F64 },
	{ ARRAY_INT, 4, TENSOR_I32 }, { ARRAY_INT, 8, TENSOR_I64 },
	{ ARRAY_UINT, 4, TENSOR_U32 }, { ARRAY_UINT, 8, TENSOR_U64 },
	{ ARRAY_BOOL, 1, TENSOR_BOOL } };

enum type { F32, F64, I32, I64, U32, U64, BOOL };

/* full_name: "NAME" or "NAME.SUFFIX" and more, to free; NULL when memory is
 * out. */
static char *
full_name(const char *name, const char *suffix, const char *end)
{
	struct buf b = { 0 };

	if (buf_printf(&b, "%s%s%s%s", name, suffix != NULL ? "." : "",
		suffix != NULL ? suffix : "", end) == -1 ||
	    buf_putc(&b, '\0') == -1)
		buf_free(&b);
	return b.data;
}

static int
add_tensor(struct array_writer *s, char *name, enum type t, int rank,
    const uint64_t *shape, const struct buf *data, struct error *e)
{
	struct tensor *x;

	if (mem_grow(&s->tensors, &s->cap, s->ntensors + 1, sizeof(*x)) == -1) {
		free(name);
		return error_memory(e);
	}
	x = &s->tensors[s->ntensors++];
	*x = (struct tensor){ .name = name,
		.type = types[t].tensor,
		.rank = rank,
		.bytes = data->len,
		.data = data->data };
	for (int i = 0; i < rank; i++)
		x->shape[i] = shape[i];
	return 0;
}

/* out: write one array of numbers; safetensors remembers where it is. */
static int
out(struct format_writer *w, const char *name, const char *suffix, enum type t,
    int rank, const uint64_t *shape, const struct buf *data, struct error *e)
{
	struct array_writer *s = w->state;
	int npz = w->format == FILE_NPZ, rc;
	char *full = full_name(name, suffix, npz ? ".npy" : "");
	struct buf head = { 0 };

	if (full == NULL)
		return error_memory(e);
	if (w->format == FILE_SAFETENSORS)
		return add_tensor(s, full, t, rank, shape, data, e);
	if (npy_header(&head, types[t].kind, types[t].size, rank, shape) == -1)
		rc = error_memory(e);
	else if (npz)
		rc = zip_put(&s->zip, full, head.data, head.len, data->data,
		    data->len, e);
	else if (io_put(&w->to, head.data, head.len, e) == -1)
		rc = -1;
	else
		rc = io_put(&w->to, data->data, data->len, e);
	buf_free(&head);
	free(full);
	return rc;
}

/* characters: of the longest string. */
static size_t
characters(const struct strs *c)
{
	size_t most = 1;

	for (size_t i = 0; i < c->n; i++) {
		struct str s = strs_get(c, i);
		size_t n = 0;

		for (size_t k = 0; k < s.len; k++)
			n += ((unsigned char)s.s[k] & 0xC0) != 0x80;
		if (n > most)
			most = n;
	}
	return most;
}

/* to_ucs4: strings of equal length, as numpy has them. */
static int
to_ucs4(struct buf *data, const struct strs *c, size_t most)
{
	for (size_t i = 0; i < c->n; i++) {
		struct str s = strs_get(c, i);
		unsigned char *p;
		uint32_t cp;

		if (buf_reserve(data, 4 * most) == -1)
			return -1;
		p = (unsigned char *)data->data + data->len;
		memset(p, 0, 4 * most);
		for (size_t k = 0; k < s.len; p += 4) {
			int n = utf8_decode(s.s + k, s.len - k, &cp);

			le32_put(p, cp);
			k += (size_t)(n < 0 ? -n : n);
		}
		data->len += 4 * most;
	}
	return 0;
}

static int
out_text(struct format_writer *w, const char *name, const char *suffix,
    int rank, const struct strs *c, struct error *e)
{
	struct array_writer *s = w->state;
	char *full = full_name(name, suffix, ".npy");
	struct buf head = { 0 }, data = { 0 };
	size_t most = characters(c);
	uint64_t n = c->n;
	int rc;

	if (full == NULL || to_ucs4(&data, c, most) == -1 ||
	    npy_header(&head, ARRAY_TEXT, 4 * most, rank, &n) == -1)
		rc = error_memory(e);
	else
		rc = zip_put(
		    &s->zip, full, head.data, head.len, data.data, data.len, e);
	buf_free(&head);
	buf_free(&data);
	free(full);
	return rc;
}

/* out_strings: write a column of strings. */
static int
out_strings(struct format_writer *w, const char *name, const char *suffix,
    const struct strs *c, struct error *e)
{
	struct array_writer *s = w->state;
	struct buf *o = &s->config;
	char *full;
	int bad;

	if (w->format == FILE_NPZ)
		return out_text(w, name, suffix, 1, c, e);
	full = full_name(name, suffix, "");
	if (full == NULL)
		return error_memory(e);
	bad = buf_putc(o, ',') | json_put_string(o, full, strlen(full)) |
	      buf_puts(o, ":[");
	for (size_t i = 0; i < c->n; i++) {
		struct str v = strs_get(c, i);

		bad |= buf_puts(o, i > 0 ? "," : "");
		bad |= json_put_string(o, v.s, v.len);
	}
	bad |= buf_puts(o, "]");
	free(full);
	return bad != 0 ? error_memory(e) : 0;
}

/* ---- the whole file ---- */

static int
out_part(struct format_writer *w, size_t p, struct error *e)
{
	struct array_writer *s = w->state;
	const struct part *part = &w->schema.parts[p];
	struct part_out *o = &s->parts[p];
	const uint64_t shape[2] = { s->n, part->dim };
	const uint64_t two = 2, ends = s->n + 1;
	enum type index = part->dim <= INT32_MAX ? I32 : U32;

	if (w->format != FILE_NPY && o->missing &&
	    out(w, part->name, "mask", BOOL, 1, shape, &o->mask, e) == -1)
		return -1;
	if (w->format != FILE_NPY && o->failed &&
	    out_strings(w, part->name, "errors", &o->errors, e) == -1)
		return -1;
	if (part->kind == PART_DENSE)
		return out(w, part->name, NULL, F32, 2, shape, &o->values, e);
	if (put_u64(&o->shape, s->n) == -1 ||
	    put_u64(&o->shape, part->dim) == -1)
		return error_memory(e);
	return out(w, part->name, "data", F32, 1, &o->pairs, &o->values, e) ==
			   -1 ||
		       out(w, part->name, "indices", index, 1, &o->pairs,
			   &o->index, e) == -1 ||
		       out(w, part->name, "indptr", I64, 1, &ends, &o->indptr,
			   e) == -1 ||
		       out(w, part->name, "shape", I64, 1, &two, &o->shape,
			   e) == -1
		   ? -1
		   : 0;
}

/* Columns of the records themselves, those that have something to say. */
static int
out_columns(struct format_writer *w, struct error *e)
{
	struct array_writer *s = w->state;
	const struct {
		int some;
		const char *name;
		enum type type;
		const struct buf *data;
	} columns[] = {
		{ s->labels.n > 0 && !s->one_label, "label_counts", I64,
		    &s->counts },
		{ s->some_target, "targets", F64, &s->targets },
		{ s->some_weight, "weights", F64, &s->weights },
		{ s->some_source, "sources", U64, &s->sources },
		{ s->some_flag, "flags", U32, &s->flags },
	};

	if (out_strings(w, "ids", NULL, &s->ids, e) == -1 ||
	    (s->labels.n > 0 &&
		out_strings(w, "labels", NULL, &s->labels, e) == -1) ||
	    (s->some_group &&
		out_strings(w, "groups", NULL, &s->groups, e) == -1))
		return -1;
	for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++)
		if (columns[k].some &&
		    out(w, columns[k].name, NULL, columns[k].type, 1, &s->n,
			columns[k].data, e) == -1)
			return -1;
	return 0;
}

static int
out_schema(struct format_writer *w, struct error *e)
{
	struct array_writer *s = w->state;
	struct strs one = { 0 };
	struct buf json = { 0 };
	int rc = schema_json(&json, &w->schema, e);

	if (rc == 0 && w->format == FILE_NPZ) {
		rc = strs_add(&one, json.data, json.len) == -1
			 ? error_memory(e)
			 : out_text(w, "schema", NULL, 0, &one, e);
	} else if (rc == 0 &&
		   (buf_puts(&s->config, "{\"kind\":\"vectors\",\"schema\":") |
		       buf_put(&s->config, json.data, json.len)) != 0) {
		rc = error_memory(e);
	}
	strs_free(&one);
	buf_free(&json);
	return rc;
}

/* check_names: a part called "ids" would be taken for the ids. */
static int
check_names(const struct format_writer *w, struct error *e)
{
	static const char *const taken[] = { "ids", "labels", "label_counts",
		"targets", "weights", "groups", "sources", "flags", "schema",
		"kind" };

	for (size_t p = 0; p < w->schema.n; p++)
		for (size_t k = 0; k < sizeof(taken) / sizeof(taken[0]); k++)
			if (strcmp(w->schema.parts[p].name, taken[k]) == 0)
				return error_set(e,
				    "a part cannot be called '%s' in %s "
				    "(vec-cat --name NEW=OLD)",
				    taken[k], format_name(w->format));
	return 0;
}

static int
finish(struct format_writer *w, struct error *e)
{
	struct array_writer *s = w->state;

	if (w->format == FILE_NPY)
		return out_part(w, 0, e);
	s->zip.to = &w->to;
	if (out_schema(w, e) == -1 || out_columns(w, e) == -1)
		return -1;
	for (size_t p = 0; p < w->schema.n; p++)
		if (out_part(w, p, e) == -1)
			return -1;
	if (w->format == FILE_NPZ)
		return zip_end(&s->zip, e);
	if (buf_put(&s->config, "}", 2) == -1)
		return error_memory(e);
	return model_save(w->path, s->config.data, s->tensors, s->ntensors, e);
}

int
format_create_arrays(struct format_writer *w, struct error *e)
{
	struct array_writer *s = mem_array(1, sizeof(*s));

	if (s == NULL)
		return error_memory(e);
	w->state = s;
	w->free = free_array_writer;
	w->put = put_record;
	w->finish = finish;
	w->late = w->format == FILE_SAFETENSORS;
	w->holds = w->format == FILE_NPY ? 0 : (1u << FORMAT_FIELDS) - 1;
	s->one_label = 1;
	s->parts = mem_array(w->schema.n + 1, sizeof(*s->parts));
	if (s->parts == NULL)
		return error_memory(e);
	s->nparts = w->schema.n;
	for (size_t p = 0; p < s->nparts; p++)
		if (w->schema.parts[p].kind == PART_SPARSE &&
		    put_u64(&s->parts[p].indptr, 0) == -1)
			return error_memory(e);
	return w->format == FILE_NPY ? 0 : check_names(w, e);
}
