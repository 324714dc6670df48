/* The arrays as the authors published them, checked and widened. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/pages.h"
#include "linalg/half.h"
#include "nn/store_impl.h"
#include "vec/le.h"

int
store_error(const struct raw *r, struct error *e, const char *fmt, ...)
{
	char why[ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return error_set(e, "'%s': tensor '%s': %s", r->in->path, r->name, why);
}

struct raw *
store_find(const struct store *s, const char *name)
{
	size_t lo = 0, hi = s->nraws;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(s->raws[mid].name, name);

		if (c == 0)
			return &s->raws[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int
store_has(const struct store *s, const char *name)
{
	return store_find(s, name) != NULL;
}

/* The array of that name and rank; shape is compared or set. */
static struct raw *
demand(const struct store *s, const char *name, int rank, uint64_t *shape,
    struct error *e)
{
	struct raw *r = store_find(s, name);

	if (r == NULL) {
		error_set(e, "'%s': no tensor '%s'",
		    s->nshards == 1 ? s->shards[0].path : s->path, name);
		return NULL;
	}
	if (r->rank != rank) {
		store_error(r, e, "rank %d, not %d", r->rank, rank);
		return NULL;
	}
	for (int i = 0; i < rank; i++)
		if (shape[i] != 0 && shape[i] != r->shape[i]) {
			store_error(r, e,
			    "shape[%d] is %" PRIu64 ", not %" PRIu64, i,
			    r->shape[i], shape[i]);
			return NULL;
		}
	for (int i = 0; i < rank; i++)
		shape[i] = r->shape[i];
	return r;
}

int
store_shape(const struct store *s, const char *name, int rank, uint64_t *shape,
    struct error *e)
{
	return demand(s, name, rank, shape, e) != NULL ? 0 : -1;
}

/* ---- values ---- */

static int
is_float(enum tensor_type t)
{
	return t == TENSOR_F32 || t == TENSOR_F16 || t == TENSOR_BF16;
}

/*
 * One pass over the bytes, a step that fits the cache at a time: looked
 * through, and hashed.  The digest is the hash of the hashes of its pieces.
 * Of an array that nobody uses the values do not matter, and store_hash, which
 * wants its digest, ignores what is said of them.
 */
int
store_check(struct raw *r, struct error *e)
{
	enum { STEP = 4 * STORE_PIECE, GIVE = 64 * STEP };
	const unsigned char *p = r->t != NULL ? r->t->data : NULL;
	size_t n = r->t != NULL ? r->t->bytes : 0;
	unsigned char word[32];
	uint64_t sum[4];
	struct hash h;
	int good = 1;

	if (r->checked)
		return 0;
	hash_init(&h, 0);
	for (size_t i = 0; i < n; i += STEP) {
		size_t len = n - i < STEP ? n - i : STEP, k = 0;

		good = good && tensor_finite(r->type, p + i, len);
		if (len == STEP) {
			hash_bytes4(p + i, STORE_PIECE, sum);
			k = 4;
		} else {
			for (; k * STORE_PIECE < len; k++)
				sum[k] = hash_bytes(p + i + k * STORE_PIECE,
				    len - k * STORE_PIECE < STORE_PIECE
					? len - k * STORE_PIECE
					: STORE_PIECE,
				    0);
		}
		for (size_t m = 0; m < k; m++)
			le64_put(word + 8 * m, sum[m]);
		hash_update(&h, word, 8 * k);
		if (r->in->mapped && n > 2 * GIVE && i % GIVE == GIVE - STEP)
			pages_forget(p + i + STEP - GIVE, GIVE);
	}
	r->digest = hash_final(&h);
	if (!good)
		return store_error(r, e, "non-finite value");
	r->checked = 1;
	return 0;
}

void
store_widen(
    enum isa isa, float *out, const struct raw *r, size_t from, size_t n)
{
	const unsigned char *p = r->t->data;
	uint16_t u[1024];

	if (r->type == TENSOR_F32) {
		memcpy(out, p + 4 * from, 4 * n);
		return;
	}
	while (n > 0) {
		size_t k = n < 1024 ? n : 1024;

		memcpy(u, p + 2 * from, 2 * k);
		if (r->type == TENSOR_F16)
			half_to_floats(isa, out, u, k);
		else
			for (size_t i = 0; i < k; i++)
				out[i] = bf16_widen(u[i]);
		out += k;
		from += k;
		n -= k;
	}
}

const float *
store_raw(struct store *s, const char *name, int rank, uint64_t *shape,
    struct error *e)
{
	struct raw *r = demand(s, name, rank, shape, e);
	struct loan l = { .raw = r };
	size_t n;

	if (r == NULL)
		return NULL;
	if (r->t == NULL) {
		error_set(e, "'%s': tensor '%s' is not kept in a packed file",
		    s->path, name);
		return NULL;
	}
	if (!is_float(r->type)) {
		store_error(r, e, "dtype %s, not F32, F16 or BF16",
		    tensor_type_name(r->type));
		return NULL;
	}
	if (store_check(r, e) < 0)
		return NULL;
	if (mem_grow(
		&s->loans, &s->cap_loans, s->nloans + 1, sizeof(*s->loans)) < 0)
		goto memory;
	n = r->t->bytes / tensor_size(r->type);
	if (r->type != TENSOR_F32 || (uintptr_t)r->t->data % 4 != 0) {
		if ((l.copy = malloc(n > 0 ? n * sizeof(float) : 1)) == NULL)
			goto memory;
		store_widen(s->isa, l.copy, r, 0, n);
	}
	s->loans[s->nloans++] = l;
	return l.copy != NULL ? l.copy : (const float *)r->t->data;
memory:
	error_memory(e);
	return NULL;
}

void
store_done(struct store *s)
{
	for (size_t i = 0; i < s->nloans; i++) {
		struct loan *l = &s->loans[i];

		free(l->copy);
		if (l->raw->in->mapped)
			pages_forget(l->raw->t->data, l->raw->t->bytes);
	}
	s->nloans = 0;
}
