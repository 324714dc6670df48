#include "fusion/impute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "learn/ridge.h"

enum { BLOCK = 128 }; /* records that are filled at a time */

/* From the other parts to one. */
struct map {
	size_t d, m;         /* columns that are read; of the part.  m is 0
			      * where there is no map */
	const float *weight; /* [d, m] */
	const float *bias;   /* [m] */
};

struct impute {
	enum impute_kind kind;
	size_t parts;
	struct map *map; /* [parts] */
	float **own;     /* [parts] weight and bias, where not a file's */
};

static const char *const kind_names[] = { "none", "mean", "ridge" };

const char *
impute_kind_name(enum impute_kind kind)
{
	return kind_names[kind];
}

int
impute_kind_of(struct str name)
{
	for (int k = 0; k < 3; k++)
		if (str_is(name, kind_names[k]))
			return k;
	return -1;
}

static uint64_t
bit(size_t p)
{
	return UINT64_C(1) << p;
}

/* Parts that may be guessed, and parts that guesses are made from. */
static uint64_t
guessed_parts(const struct scaling *s)
{
	uint64_t set = 0;

	for (size_t p = 0; p < s->n; p++)
		if (s->part[p].kind == PART_DENSE)
			set |= bit(p);
	return set & s->live;
}

static uint64_t
read_parts(const struct scaling *s)
{
	uint64_t set = 0;

	for (size_t p = 0; p < s->n; p++)
		if (s->part[p].kind != PART_SPARSE)
			set |= bit(p);
	return set & s->live;
}

static struct impute *
impute_new(enum impute_kind kind, const struct scaling *s, struct error *e)
{
	struct impute *m = mem_array(1, sizeof(*m));
	uint64_t read = read_parts(s), guessed = guessed_parts(s);

	if (m != NULL) {
		m->kind = kind;
		m->parts = s->n;
		m->map = mem_array(s->n, sizeof(*m->map));
		m->own = mem_array(s->n, sizeof(*m->own));
	}
	if (m == NULL || m->map == NULL || m->own == NULL) {
		error_memory(e);
		impute_free(m);
		return NULL;
	}
	for (size_t p = 0; p < s->n; p++) {
		struct map *t = &m->map[p];

		if (kind != IMPUTE_RIDGE || !(guessed & bit(p)))
			continue;
		t->m = s->part[p].dim;
		for (size_t q = 0; q < s->n; q++)
			if (q != p && read & bit(q))
				t->d += s->part[q].dim;
	}
	return m;
}

void
impute_free(struct impute *m)
{
	if (m == NULL)
		return;
	for (size_t p = 0; m->own != NULL && p < m->parts; p++)
		free(m->own[p]);
	free(m->own);
	free(m->map);
	free(m);
}

enum impute_kind
impute_kind(const struct impute *m)
{
	return m != NULL ? m->kind : IMPUTE_NONE;
}

/* ---- what a map reads ---- */

/* The values of record i's parts but p side by side, those of which ${has}
 * says nothing as zeros. */
static void
put_others(const struct inputs *in, size_t i, size_t p, uint64_t has, float *x)
{
	const struct scaling *s = in->scaling;
	uint64_t read = read_parts(s);

	for (size_t q = 0; q < s->n; q++) {
		size_t D = s->part[q].dim;

		if (q == p || !(read & bit(q)))
			continue;
		if (has & bit(q))
			memcpy(x, in->part[q].dense + i * D, D * sizeof(*x));
		else
			memset(x, 0, D * sizeof(*x));
		x += D;
	}
}

/* ---- learning ---- */

struct lesson {
	const struct dataset *ds;
	const struct scaling *s;
	size_t p, d, m;
	uint32_t *row; /* [n] */
	size_t n;
	struct inputs in;
};

static int
lesson_rows(void *ctx, size_t first, size_t count, float *z, struct error *e)
{
	struct lesson *l = ctx;

	if (inputs_rows(
		&l->in, l->ds, l->row + first, count, read_parts(l->s), e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++, z += l->d + l->m) {
		put_others(&l->in, i, l->p, l->in.has[i], z);
		memcpy(z + l->d, l->in.part[l->p].dense + i * l->m,
		    l->m * sizeof(*z));
	}
	return 0;
}

/* The records to learn from: those that have part p and another one. */
static void
choose_rows(struct lesson *l, const struct rows *rows)
{
	const struct feature *f = l->ds->feature;
	uint64_t read = read_parts(l->s);
	size_t n = 0, step;

	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < rows->count[k]; i++) {
			size_t r = rows->first[k] + i;
			int other = 0;

			for (size_t q = 0; q < l->s->n; q++)
				other |=
				    q != l->p && read & bit(q) && f[q].mask[r];
			if (other && f[l->p].mask[r])
				l->row[n++] = (uint32_t)r;
		}
	step = l->d > RIDGE_MAX_SIDE ? (n + RIDGE_MAX_SIDE - 1) / RIDGE_MAX_SIDE
				     : 1;
	l->n = 0;
	for (size_t i = 0; i<n; i += step> 0 ? step : 1)
		l->row[l->n++] = l->row[i];
}

static int
learn_map(struct impute *m, const struct linalg *la, struct pool *pool,
    struct lesson *l, const struct rows *rows, struct error *e)
{
	struct map *t = &m->map[l->p];
	struct ridge_problem problem = { .rows = lesson_rows, .ctx = l };
	float *own = mem_array((t->d + 1) * t->m, sizeof(*own));
	double lambda;

	if (own == NULL)
		return error_memory(e);
	m->own[l->p] = own;
	t->weight = own;
	t->bias = own + t->d * t->m;
	l->d = t->d;
	l->m = t->m;
	choose_rows(l, rows);
	problem.n = l->n;
	problem.d = l->d;
	problem.m = l->m;
	return ridge_fit(
	    la, pool, &problem, own, own + t->d * t->m, &lambda, e);
}

struct impute *
impute_learn(enum impute_kind kind, const struct linalg *la, struct pool *pool,
    const struct dataset *ds, const struct scaling *s, const struct rows *rows,
    struct error *e)
{
	struct impute *m = impute_new(kind, s, e);
	struct lesson l = { .ds = ds, .s = s };
	int rc = m == NULL ? -1 : 0;

	if (rc == 0 && kind == IMPUTE_RIDGE) {
		l.row = mem_array(rows_count(rows), sizeof(*l.row));
		rc = l.row == NULL ? error_memory(e) : inputs_init(&l.in, s, e);
	}
	for (l.p = 0; rc == 0 && l.p < s->n; l.p++)
		if (m->map[l.p].m > 0)
			rc = learn_map(m, la, pool, &l, rows, e);
	inputs_free(&l.in);
	free(l.row);
	if (rc == 0)
		return m;
	impute_free(m);
	return NULL;
}

/* ---- guessing ---- */

/* Part p of records [first, first + n), of which has: [n] says what came. */
static void
fill_block(const struct map *t, const struct linalg *la, struct inputs *in,
    size_t p, size_t first, size_t n, const uint64_t *has, float *x, float *y)
{
	uint64_t others = read_parts(in->scaling) & ~bit(p);
	size_t at[BLOCK], k = 0;

	for (size_t i = 0; i < n; i++)
		if (has[i] & others && !(has[i] & bit(p))) {
			put_others(in, first + i, p, has[i], x + k * t->d);
			memcpy(y + k * t->m, t->bias, t->m * sizeof(*y));
			at[k++] = first + i;
		}
	la->gemm(y, t->m, mat_rows(x, t->d), mat_rows(t->weight, t->m), k, t->m,
	    t->d, 1);
	for (size_t i = 0; i < k; i++)
		memcpy(in->part[p].dense + at[i] * t->m, y + i * t->m,
		    t->m * sizeof(*y));
}

int
impute_fill(const struct impute *m, const struct linalg *la, struct inputs *in,
    uint64_t *filled, struct error *e)
{
	uint64_t guessed = guessed_parts(in->scaling), has[BLOCK];
	size_t d = 0, wide = 0;
	float *x, *y;

	if (filled != NULL && in->n > 0)
		memset(filled, 0, in->n * sizeof(*filled));
	if (impute_kind(m) == IMPUTE_NONE)
		return 0;
	for (size_t p = 0; p < m->parts; p++) {
		d = m->map[p].d > d ? m->map[p].d : d;
		wide = m->map[p].m > wide ? m->map[p].m : wide;
	}
	x = mem_aligned(BLOCK * d, sizeof(*x));
	y = mem_aligned(BLOCK * wide, sizeof(*y));
	for (size_t i = 0; x != NULL && y != NULL && i < in->n; i += BLOCK) {
		size_t n = in->n - i < BLOCK ? in->n - i : BLOCK;

		memcpy(has, in->has + i, n * sizeof(*has));
		for (size_t p = 0; p < m->parts; p++)
			if (m->map[p].m > 0)
				fill_block(
				    &m->map[p], la, in, p, i, n, has, x, y);
		for (size_t k = 0; k < n; k++) {
			if (has[k] == 0)
				continue;
			in->has[i + k] |= guessed;
			if (filled != NULL)
				filled[i + k] = guessed & ~has[k];
		}
	}
	free(x);
	free(y);
	return x == NULL || y == NULL ? error_memory(e) : 0;
}

/* ---- files ---- */

size_t
impute_tensor_count(const struct impute *m)
{
	size_t n = 0;

	for (size_t p = 0; m != NULL && p < m->parts; p++)
		n += m->map[p].m > 0 ? 2 : 0;
	return n;
}

/* "${prefix}3.weight" */
static char *
name_of(const char *prefix, size_t p, const char *what)
{
	struct buf b = { 0 };

	if (buf_printf(&b, "%s%zu.%s", prefix, p, what) < 0 ||
	    buf_putc(&b, '\0') < 0) {
		buf_free(&b);
		return NULL;
	}
	return b.data;
}

int
impute_tensors(const struct impute *m, const char *prefix, struct tensor *t,
    struct error *e)
{
	size_t n = 0;

	for (size_t p = 0; m != NULL && p < m->parts; p++) {
		const struct map *k = &m->map[p];

		if (k->m == 0)
			continue;
		t[n++] = (struct tensor){ .name = name_of(prefix, p, "weight"),
			.type = TENSOR_F32,
			.rank = 2,
			.shape = { k->d, k->m },
			.bytes = k->d * k->m * sizeof(float),
			.data = k->weight };
		t[n++] = (struct tensor){ .name = name_of(prefix, p, "bias"),
			.type = TENSOR_F32,
			.rank = 1,
			.shape = { k->m },
			.bytes = k->m * sizeof(float),
			.data = k->bias };
		if (t[n - 1].name == NULL || t[n - 2].name == NULL) {
			while (n > 0)
				free(t[--n].name);
			return error_memory(e);
		}
	}
	return 0;
}

static const float *
load_tensor(const struct model *m, const char *prefix, size_t p,
    const char *what, int rank, const uint64_t *want, struct error *e)
{
	char *name = name_of(prefix, p, what);
	uint64_t shape[2] = { want[0], rank > 1 ? want[1] : 0 };
	const float *x = NULL;
	size_t bytes = sizeof(*x);

	if (name == NULL) {
		error_memory(e);
		return NULL;
	}
	for (int i = 0; i < rank; i++)
		bytes *= want[i];
	x = model_tensor(m, name, TENSOR_F32, rank, shape, e);
	if (x != NULL && shape[0] != want[0]) {
		/* No columns are read: 0 takes any shape there. */
		error_set(e, "tensor '%s': wrong shape", name);
		x = NULL;
	}
	if (x != NULL && !tensor_finite(TENSOR_F32, x, bytes)) {
		error_set(e, "tensor '%s': a number is not finite", name);
		x = NULL;
	}
	free(name);
	return x;
}

struct impute *
impute_load(enum impute_kind kind, const struct scaling *s,
    const struct model *m, const char *prefix, struct error *e)
{
	struct impute *t = impute_new(kind, s, e);

	for (size_t p = 0; t != NULL && p < t->parts; p++) {
		struct map *k = &t->map[p];

		if (k->m == 0)
			continue;
		k->weight = load_tensor(
		    m, prefix, p, "weight", 2, (uint64_t[]){ k->d, k->m }, e);
		k->bias = k->weight != NULL ? load_tensor(m, prefix, p, "bias",
						  1, (uint64_t[]){ k->m }, e)
					    : NULL;
		if (k->bias == NULL) {
			impute_free(t);
			return NULL;
		}
	}
	return t;
}
