/* The common arrays of encoders: vectors, linear layers, tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "linalg/half.h"
#include "nn/store_impl.h"

/* The key of an array: what it is for and its name. */
static int
put_key(struct buf *b, const char *what, const char *name, struct error *e)
{
	if (buf_printf(b, "%s/%s", what, name) < 0 || buf_putc(b, '\0') < 0)
		return error_memory(e);
	return 0;
}

/* From a packed file an array is as it was asked for when it was packed, but
 * the shape is compared all the same: it says which array is wrong. */
const float *
store_vector(struct store *s, const char *name, size_t n, struct error *e)
{
	uint64_t shape[1] = { n };
	struct buf key = { 0 };
	const float *from;
	void *p = NULL;
	int r;

	if (store_shape(s, name, 1, shape, e) < 0 ||
	    put_key(&key, "vector", name, e) < 0)
		return NULL;
	r = store_room(s, key.data, n * sizeof(float), &p, e);
	buf_free(&key);
	if (r != 0)
		return r < 0 ? NULL : p;
	if ((from = store_raw(s, name, 1, shape, e)) == NULL)
		return NULL;
	if (n > 0)
		memcpy(p, from, n * sizeof(float));
	store_done(s);
	return p;
}

/* ---- linear layers ---- */

/* The parts of a layer, one below the other. */
static const float *
gather(struct store *s, const char *const *weight, int parts, uint32_t in,
    uint32_t out, struct error *e)
{
	size_t n = (size_t)in * out;
	uint64_t shape[2] = { out, in };
	const float *w;

	if (mem_grow(&s->gather, &s->cap_gather, n * (size_t)parts,
		sizeof(float)) < 0) {
		error_memory(e);
		return NULL;
	}
	for (int i = 0; i < parts; i++) {
		if ((w = store_raw(s, weight[i], 2, shape, e)) == NULL)
			return NULL;
		memcpy(s->gather + n * (size_t)i, w, n * sizeof(float));
	}
	return s->gather;
}

/* A matrix to pack, so many outputs at a time: whole panels, so that a share is
 * packed as the whole would be. */
enum { SHARE = 64 };

struct packing {
	char *packed;
	enum precision precision;
	const float *w;
	uint32_t in, out;
};

static void
pack_share(void *arg, size_t i, int worker)
{
	const struct packing *t = arg;
	uint32_t first = (uint32_t)i * SHARE;

	(void)worker;
	linear_pack(t->packed + linear_size(t->precision, t->in, first),
	    t->precision, t->w + (size_t)first * t->in, t->in, t->in,
	    t->out - first < SHARE ? t->out - first : SHARE);
}

static void
pack(struct store *s, void *packed, const float *w, uint32_t in, uint32_t out)
{
	struct packing t = { packed, s->precision, w, in, out };

	pool_run(s->pool, (out + SHARE - 1) / SHARE, pack_share, &t);
}

/* Parts of whole shares are packed where they lie, others put together
 * first. */
static int
pack_parts(struct store *s, char *packed, const char *const *weight, int parts,
    uint32_t in, uint32_t out, struct error *e)
{
	uint64_t shape[2] = { out, in };
	int whole = parts == 1 || out % SHARE == 0;
	const float *w;

	if (!whole && (w = gather(s, weight, parts, in, out, e)) == NULL)
		return -1;
	if (!whole)
		pack(s, packed, w, in, (uint32_t)parts * out);
	for (uint32_t i = 0; whole && i < (uint32_t)parts; i++) {
		if ((w = store_raw(s, weight[i], 2, shape, e)) == NULL)
			return -1;
		pack(s, packed + linear_size(s->precision, in, i * out), w, in,
		    out);
	}
	store_done(s);
	free(s->gather);
	s->gather = NULL;
	s->cap_gather = 0;
	return 0;
}

static int
read_bias(struct store *s, struct linear *l, const char *const *bias, int parts,
    uint32_t out, struct error *e)
{
	const char *first = NULL;
	struct buf key = { 0 };
	uint64_t shape[1] = { out };
	const float *b;
	void *p = NULL;
	int r;

	for (int i = 0; bias != NULL && i < parts; i++)
		if (bias[i] != NULL) {
			if (store_shape(s, bias[i], 1, shape, e) < 0)
				return -1;
			first = first == NULL ? bias[i] : first;
		}
	if (first == NULL)
		return 0;
	if (put_key(&key, "bias", first, e) < 0)
		return -1;
	r = store_room(s, key.data, l->out * sizeof(float), &p, e);
	buf_free(&key);
	l->bias = p;
	if (r != 0)
		return r < 0 ? -1 : 0;
	for (int i = 0; i < parts; i++) {
		if (bias[i] == NULL)
			continue;
		if ((b = store_raw(s, bias[i], 1, shape, e)) == NULL)
			return -1;
		memcpy((float *)p + (size_t)out * (size_t)i, b,
		    out * sizeof(float));
		store_done(s);
	}
	return 0;
}

int
store_linear(struct store *s, struct linear *l, const char *const *weight,
    const char *const *bias, int parts, uint32_t in, uint32_t out,
    struct error *e)
{
	uint64_t shape[2] = { out, in };
	struct buf key = { 0 };
	void *p = NULL;
	int r;

	*l = (struct linear){ .precision = s->precision, .in = in };
	if (parts < 1 || __builtin_mul_overflow(out, (uint32_t)parts, &l->out))
		return error_set(
		    e, "'%s': tensor '%s': too large", s->path, weight[0]);
	/* Before room is taken, so that a lie costs nothing. */
	for (int i = 0; i < parts; i++)
		if (store_shape(s, weight[i], 2, shape, e) < 0)
			return -1;
	if (put_key(&key, "linear", weight[0], e) < 0)
		return -1;
	r = store_room(
	    s, key.data, linear_size(s->precision, in, l->out), &p, e);
	buf_free(&key);
	l->packed = p;
	if (r < 0 ||
	    (r == 0 && pack_parts(s, p, weight, parts, in, out, e) < 0))
		return -1;
	return read_bias(s, l, bias, parts, out, e);
}

/* ---- tables ---- */

/* An array to rewrite as f16, by blocks whose pages are given back. */
struct narrowing {
	enum isa isa;
	uint16_t *out;
	const struct raw *r;
	size_t n;
};

enum { NARROW = 1 << 20 }; /* values of a block */

static void
narrow_block(void *arg, size_t block, int worker)
{
	enum { STEP = 4096 };
	const struct narrowing *t = arg;
	const unsigned char *p = t->r->t->data;
	size_t size = tensor_size(t->r->type), i = block * NARROW, k;
	size_t end = t->n - i < NARROW ? t->n : i + NARROW;
	float x[STEP];

	(void)worker;
	for (; i < end; i += k) {
		k = end - i < STEP ? end - i : STEP;
		if (t->r->type == TENSOR_F16) {
			memcpy(t->out + i, p + size * i, size * k);
		} else {
			store_widen(t->isa, x, t->r, i, k);
			half_from_floats(t->isa, t->out + i, x, k);
		}
	}
	if (t->r->in->mapped)
		pages_forget(
		    p + size * block * NARROW, size * (end - block * NARROW));
}

static void
narrow(const struct store *s, uint16_t *out, const struct raw *r)
{
	size_t n = r->t->bytes / tensor_size(r->type);
	struct narrowing t = { s->isa, out, r, n };

	pool_run(s->pool, (n + NARROW - 1) / NARROW, narrow_block, &t);
}

/* A table in a type that it does not have in the file. */
static int
copy_table(struct store *s, struct table *t, const char *key, struct raw *r,
    struct error *e)
{
	size_t n = (size_t)(t->rows * t->dim); /* no overflow: it is there */
	size_t size = tensor_size((enum tensor_type)t->type);
	void *p;
	int rc = store_room(s, key, n * size, &p, e);

	if (rc == 0) {
		if (t->type == (int)r->type) /* only not aligned */
			memcpy(p, r->t->data, n * size);
		else
			narrow(s, p, r);
		if (r->in->mapped)
			pages_forget(r->t->data, r->t->bytes);
	}
	t->p = p;
	return rc < 0 ? -1 : 0;
}

int
store_table(struct store *s, struct table *t, const char *name, uint64_t rows,
    uint64_t dim, struct error *e)
{
	uint64_t shape[2] = { rows, dim };
	const struct room *room;
	struct buf key = { 0 };
	struct raw *r;
	size_t size;
	int rc = -1;

	if (store_shape(s, name, 2, shape, e) < 0)
		return -1;
	r = store_find(s, name);
	*t = (struct table){ .rows = shape[0],
		.dim = shape[1],
		.type =
		    s->precision == PRECISION_F32 ? (int)r->type : TENSOR_F16 };
	if (r->type != TENSOR_F32 && r->type != TENSOR_F16 &&
	    r->type != TENSOR_BF16)
		return store_error(r, e, "dtype %s, not F32, F16 or BF16",
		    tensor_type_name(r->type));
	size = tensor_size((enum tensor_type)t->type);
	if (put_key(&key, "table", name, e) < 0)
		return -1;
	if ((room = store_find_room(s, key.data)) != NULL) {
		t->p = room->p;
		if (t->dim > 0 && room->bytes / size / t->dim != t->rows)
			error_set(e, "'%s': '%s' has %zu bytes", s->path,
			    key.data, room->bytes);
		else
			rc = 0;
	} else if (s->packed) {
		error_set(e, "'%s': no '%s'", s->path, key.data);
	} else if (store_check(s, r, e) == 0) {
		if (t->type != (int)r->type ||
		    (uintptr_t)r->t->data % size != 0) {
			rc = copy_table(s, t, key.data, r, e);
		} else {
			t->p = r->t->data;
			rc = store_lend_room(s, key.data, t->p, r->t->bytes, e);
		}
	}
	buf_free(&key);
	return rc;
}

void
table_row(const struct table *t, uint64_t i, float *out)
{
	size_t n = (size_t)t->dim;

	if (t->type == TENSOR_F32) {
		memcpy(out, (const float *)t->p + i * n, n * sizeof(float));
	} else if (t->type == TENSOR_F16) {
		const uint16_t *h = (const uint16_t *)t->p + i * n;

		for (size_t k = 0; k < n; k++)
			out[k] = half_widen(h[k]);
	} else {
		const uint16_t *h = (const uint16_t *)t->p + i * n;

		for (size_t k = 0; k < n; k++)
			out[k] = bf16_widen(h[k]);
	}
}

void
table_add(const struct table *t, uint64_t i, float *out)
{
	size_t n = (size_t)t->dim;

	if (t->type == TENSOR_F32) {
		const float *x = (const float *)t->p + i * n;

		for (size_t k = 0; k < n; k++)
			out[k] += x[k];
	} else {
		const uint16_t *h = (const uint16_t *)t->p + i * n;
		int f16 = t->type == TENSOR_F16;

		for (size_t k = 0; k < n; k++)
			out[k] += f16 ? half_widen(h[k]) : bf16_widen(h[k]);
	}
}
