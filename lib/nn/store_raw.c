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

enum {
	LOOK_STEP = 4 * STORE_PIECE, /* fits the cache */
	LOOK_SHARE = 4 * LOOK_STEP,  /* what one thread takes */
	LOOK_ROUND = 16 * LOOK_SHARE /* what is given back at once */
};

/* A round of the pass over an array's bytes. */
struct look {
	enum tensor_type type;
	const unsigned char *p;
	size_t n;
	uint64_t sum[LOOK_ROUND / STORE_PIECE];
	int bad[LOOK_ROUND / LOOK_SHARE];
};

static size_t
look_part(const struct look *t, size_t from, size_t most)
{
	return t->n - from < most ? t->n - from : most;
}

/* A step at a time: looked through, and hashed. */
static void
look_share(void *arg, size_t share, int worker)
{
	struct look *t = arg;
	size_t i = share * LOOK_SHARE, end = i + look_part(t, i, LOOK_SHARE);

	(void)worker;
	t->bad[share] = 0;
	for (; i < end; i += LOOK_STEP) {
		size_t n = look_part(t, i, LOOK_STEP);
		uint64_t *sum = t->sum + i / STORE_PIECE;

		if (!tensor_finite(t->type, t->p + i, n))
			t->bad[share] = 1;
		if (n == LOOK_STEP) {
			hash_bytes4(t->p + i, STORE_PIECE, sum);
			continue;
		}
		for (size_t k = 0; k < n; k += STORE_PIECE)
			*sum++ = hash_bytes(
			    t->p + i + k, look_part(t, i + k, STORE_PIECE), 0);
	}
}

/*
 * One pass over the bytes, shared by the store's threads.  The digest is the
 * hash of the hashes of its pieces.  Of an array that nobody uses the values do
 * not matter, and store_hash, which wants its digest, ignores what is said of
 * them.
 */
int
store_check(const struct store *s, struct raw *r, struct error *e)
{
	const unsigned char *p = r->t != NULL ? r->t->data : NULL;
	size_t n = r->t != NULL ? r->t->bytes : 0, shares;
	unsigned char word[8];
	struct look t = { .type = r->type };
	struct hash h;
	int bad = 0;

	if (r->checked)
		return 0;
	hash_init(&h, 0);
	for (; n > 0; p += t.n, n -= t.n) {
		t.p = p;
		t.n = n < LOOK_ROUND ? n : LOOK_ROUND;
		shares = (t.n + LOOK_SHARE - 1) / LOOK_SHARE;
		pool_run(shares > 1 ? s->pool : NULL, shares, look_share, &t);
		for (size_t k = 0; k < shares; k++)
			bad |= t.bad[k];
		for (size_t k = 0; k * STORE_PIECE < t.n; k++) {
			le64_put(word, t.sum[k]);
			hash_update(&h, word, sizeof(word));
		}
		if (r->in->mapped && r->t->bytes > 2 * LOOK_ROUND)
			pages_forget(p, t.n);
	}
	r->digest = hash_final(&h);
	if (bad)
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
	if (store_check(s, r, e) < 0)
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
