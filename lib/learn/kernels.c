#include "learn/kernels.h"

#include <stdlib.h>
#include <string.h>

enum { PANEL = 16 }; /* sparse rows that are spread out at a time */

struct job {
	const struct linalg *la;
	const struct feature *f;
	const struct rows *train;
	const struct piece *rows;    /* the rows of the result */
	float *K;                    /* [rows, n] */
	size_t n, count;             /* columns; rows of the result */
	int symmetric;               /* rows are the training rows */
	const struct piece *columns; /* sparse: panels of training rows */
	float **panel;               /* sparse: [threads] each [A, PANEL] */
	float *scaled; /* sparse: value * idf * inverse: [pairs] */
};

static size_t
cut(const struct rows *rows, size_t most, struct piece *p)
{
	size_t k = 0, position = 0;

	for (int s = 0; s < 2; s++) {
		size_t row = rows->first[s], left = rows->count[s];

		while (left > 0) {
			size_t m = left < most ? left : most;

			p[k++] = (struct piece){ row, position, m };
			row += m;
			position += m;
			left -= m;
		}
	}
	return k;
}

size_t
pieces_of(const struct rows *rows, struct piece *p)
{
	return cut(rows, PIECE, p);
}

/* One piece of rows times all training rows; of a symmetric matrix only what
 * is not to the right of the piece. */
static void
dense_piece(void *arg, size_t i, int worker)
{
	const struct job *j = arg;
	const struct piece *p = &j->rows[i];
	size_t D = j->f->dim, at = 0;
	size_t limit = j->symmetric ? p->position + p->count : j->n;

	(void)worker;
	for (int s = 0; s < 2 && at < limit; s++) {
		size_t m = j->train->count[s];

		if (m > limit - at)
			m = limit - at;
		j->la->gemm(j->K + p->position * j->n + at, j->n,
		    mat_rows(j->f->x + p->row * D, D),
		    mat_cols(j->f->x + j->train->first[s] * D, D), p->count, m,
		    D, 0);
		at += m;
	}
}

/* All rows times one panel of training rows, which lie spread out so that one
 * multiplication serves PANEL of them. */
static void
sparse_panel(void *arg, size_t i, int worker)
{
	const struct job *j = arg;
	const struct feature *f = j->f;
	const struct piece *c = &j->columns[i];
	float *W = j->panel[worker];

	for (size_t k = 0; k < c->count; k++) {
		size_t at = f->start[c->row + k];

		for (size_t m = 0; m < f->count[c->row + k]; m++)
			W[f->index[at + m] * PANEL + k] = j->scaled[at + m];
	}
	for (const struct piece *p = j->rows; p < j->rows + j->count; p++)
		for (size_t r = 0; r < p->count; r++) {
			float y[PANEL] = { 0 };
			size_t at = f->start[p->row + r];

			j->la->sparse_mul(y, f->index + at, j->scaled + at,
			    f->count[p->row + r], W, PANEL, PANEL);
			memcpy(j->K + (p->position + r) * j->n + c->position, y,
			    c->count * sizeof(*y));
		}
	for (size_t k = 0; k < c->count; k++) {
		size_t at = f->start[c->row + k];

		for (size_t m = 0; m < f->count[c->row + k]; m++)
			W[f->index[at + m] * PANEL + k] = 0;
	}
}

static void
mirror(float *K, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			K[i * n + k] = K[k * n + i];
}

static int
sparse_scaled(struct job *j, size_t n, struct pool *pool)
{
	const struct feature *f = j->f;
	int threads = pool != NULL ? pool_threads(pool) : 1;

	j->scaled = mem_array(f->pairs, sizeof(*j->scaled));
	j->panel = mem_array((size_t)threads, sizeof(*j->panel));
	if (j->scaled == NULL || j->panel == NULL)
		return -1;
	for (int t = 0; t < threads; t++) {
		j->panel[t] = mem_aligned(f->active * PANEL, sizeof(float));
		if (j->panel[t] == NULL)
			return -1;
	}
	for (size_t r = 0; r < n; r++)
		for (size_t k = 0; k < f->count[r]; k++) {
			size_t at = f->start[r] + k;

			j->scaled[at] =
			    f->value[at] * f->idf[f->index[at]] * f->inverse[r];
		}
	return 0;
}

static void
sparse_scaled_free(struct job *j, struct pool *pool)
{
	int threads = pool != NULL ? pool_threads(pool) : 1;

	for (int t = 0; j->panel != NULL && t < threads; t++)
		free(j->panel[t]);
	free(j->panel);
	free(j->scaled);
}

int
kernels_feature(float *K, float *K_test, const struct linalg *la,
    struct pool *pool, const struct dataset *ds, size_t p,
    const struct rows *train, const struct rows *test, struct error *e)
{
	static const struct rows none;
	const struct rows *rows[2] = { train, test != NULL ? test : &none };
	struct job j = { .la = la,
		.f = &ds->feature[p],
		.train = train,
		.n = rows_count(train) };
	int sparse = j.f->kind == PART_SPARSE;
	struct piece *pieces = mem_array(ds->n + 4, sizeof(*pieces));
	struct piece *panels = mem_array(j.n + 2, sizeof(*panels));
	size_t npanels = 0;
	int rc = pieces == NULL || panels == NULL ? -1 : 0;

	if (rc == 0 && sparse) {
		npanels = cut(train, PANEL, panels);
		rc = sparse_scaled(&j, ds->n, pool);
	}
	for (int t = 0; rc == 0 && t < 2; t++) {
		j.K = t == 0 ? K : K_test;
		j.count = cut(rows[t], PIECE, pieces);
		j.rows = pieces;
		j.symmetric = t == 0;
		j.columns = panels;
		if (sparse)
			pool_run(pool, npanels, sparse_panel, &j);
		else
			pool_run(pool, j.count, dense_piece, &j);
		if (t == 0 && !sparse)
			mirror(j.K, j.n);
	}
	sparse_scaled_free(&j, pool);
	free(pieces);
	free(panels);
	return rc < 0 ? error_memory(e) : 0;
}

static int
allocate(struct kernels *k)
{
	k->train = mem_array(k->features, sizeof(*k->train));
	k->test = mem_array(k->features, sizeof(*k->test));
	if (k->train == NULL || k->test == NULL)
		return -1;
	for (size_t p = 0; p < k->features; p++) {
		k->train[p] = mem_aligned(k->n * k->n, sizeof(float));
		k->test[p] = mem_aligned(k->m * k->n, sizeof(float));
		if (k->train[p] == NULL || k->test[p] == NULL)
			return -1;
	}
	return 0;
}

int
kernels_build(struct kernels *k, const struct linalg *la, struct pool *pool,
    const struct dataset *ds, const struct rows *train, const struct rows *test,
    struct error *e)
{
	int rc;

	memset(k, 0, sizeof(*k));
	k->features = ds->features;
	k->n = rows_count(train);
	k->m = test != NULL ? rows_count(test) : 0;
	rc = allocate(k) < 0 ? error_memory(e) : 0;
	for (size_t p = 0; rc == 0 && p < ds->features; p++)
		rc = kernels_feature(
		    k->train[p], k->test[p], la, pool, ds, p, train, test, e);
	if (rc < 0)
		kernels_free(k);
	return rc;
}

void
kernels_free(struct kernels *k)
{
	for (size_t p = 0; p < k->features; p++) {
		if (k->train != NULL)
			free(k->train[p]);
		if (k->test != NULL)
			free(k->test[p]);
	}
	free(k->train);
	free(k->test);
	memset(k, 0, sizeof(*k));
}
