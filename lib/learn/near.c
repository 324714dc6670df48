#include "learn/near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "learn/split.h"
#include "linalg/linalg.h"

enum {
	NEAR_ROWS = 128,   /* records of a block against ... */
	NEAR_COLUMNS = 512 /* ... so many at a time */
};

/* ---- taking vectors ---- */

static int
add_dense(struct near *v, const float *x)
{
	const struct linalg *la = linalg_get(cpu_isa());
	size_t need;
	float *to, length;

	if (__builtin_mul_overflow(v->n + 1, (size_t)v->dim, &need) ||
	    mem_grow(&v->x, &v->x_cap, need, sizeof(*v->x)) < 0)
		return -1;
	to = v->x + v->n * v->dim;
	memset(to, 0, v->dim * sizeof(*to));
	length = x != NULL ? sqrtf(la->norm2(x, v->dim)) : 0;
	if (length > 0)
		la->scale(to, 1 / length, x, v->dim);
	return 0;
}

static int
add_sparse(struct near *v, const uint32_t *index, const float *value, size_t n)
{
	size_t from = v->n > 0 ? v->end[v->n - 1] : 0;
	double length = 0;

	if (mem_grow(&v->end, &v->end_cap, v->n + 1, sizeof(*v->end)) < 0 ||
	    mem_grow(&v->index, &v->index_cap, from + n, sizeof(*index)) < 0 ||
	    mem_grow(&v->value, &v->value_cap, from + n, sizeof(*value)) < 0)
		return -1;
	for (size_t k = 0; k < n; k++)
		length += (double)value[k] * (double)value[k];
	length = length > 0 ? 1 / sqrt(length) : 0;
	for (size_t k = 0; k < n; k++) {
		v->index[from + k] = index[k];
		v->value[from + k] = (float)(length * (double)value[k]);
	}
	v->end[v->n] = from + n;
	return 0;
}

int
near_add(
    struct near *v, const struct batch *b, size_t i, size_t p, struct error *e)
{
	const struct part *part = &b->schema->parts[p];
	const struct part_column *c = &b->parts[p];
	size_t first = 0, n;
	int rc;

	v->kind = part->kind;
	v->dim = part->dim;
	if (part->kind == PART_DENSE) {
		rc = add_dense(v, c->mask[i] ? c->dense + i * part->dim : NULL);
	} else {
		n = batch_range(c->end, i, &first);
		rc = add_sparse(v, c->index + first, c->value + first, n);
	}
	if (rc < 0)
		return error_memory(e);
	v->n++;
	return 0;
}

void
near_free(struct near *v)
{
	free(v->x);
	free(v->end);
	free(v->index);
	free(v->value);
	memset(v, 0, sizeof(*v));
}

/* ---- dense: blocks of rows against all that follow ---- */

struct pair {
	uint32_t a, b;
};

/* What one block of rows found.  Rows of it that are joined already, by way
 * of an earlier column, are not named again: at most n + NEAR_ROWS pairs. */
struct found {
	struct pair *pair;
	size_t n, cap;
	int failed;
};

struct search {
	const struct near *v;
	float least;
	size_t first;        /* block of this round */
	float *scores;       /* [threads, NEAR_ROWS, NEAR_COLUMNS] */
	struct found *found; /* [blocks of a round] */
};

static void
note(struct found *f, size_t a, size_t b)
{
	if (mem_grow(&f->pair, &f->cap, f->n + 1, sizeof(*f->pair)) < 0)
		f->failed = 1;
	else
		f->pair[f->n++] = (struct pair){ (uint32_t)a, (uint32_t)b };
}

/* Look through scores of rows from .. from + m and one column. */
static void
look(struct found *f, uint32_t *joined, const float *column, size_t m,
    size_t from, size_t at, float least)
{
	size_t one = SIZE_MAX;

	for (size_t r = 0; r < m; r++) {
		if (from + r >= at || !(column[r * NEAR_COLUMNS] >= least))
			continue;
		if (one == SIZE_MAX) {
			one = r;
			note(f, from + r, at);
		} else if (split_find(joined, (uint32_t)one) !=
			   split_find(joined, (uint32_t)r)) {
			split_join(joined, (uint32_t)one, (uint32_t)r);
			note(f, from + one, from + r);
		}
	}
}

static void
search_block(void *arg, size_t i, int worker)
{
	const struct search *q = arg;
	const struct near *v = q->v;
	const struct linalg *la = linalg_get(cpu_isa());
	float *s = q->scores + (size_t)worker * NEAR_ROWS * NEAR_COLUMNS;
	size_t from = (q->first + i) * NEAR_ROWS, D = v->dim;
	size_t m = v->n - from < NEAR_ROWS ? v->n - from : NEAR_ROWS;
	uint32_t joined[NEAR_ROWS];

	for (uint32_t r = 0; r < NEAR_ROWS; r++)
		joined[r] = r;
	for (size_t at = from; at < v->n; at += NEAR_COLUMNS) {
		size_t w = v->n - at < NEAR_COLUMNS ? v->n - at : NEAR_COLUMNS;

		la->gemm(s, NEAR_COLUMNS, mat_rows(v->x + from * D, D),
		    mat_cols(v->x + at * D, D), m, w, D, 0);
		for (size_t c = 0; c < w; c++)
			look(&q->found[i], joined, s + c, m, from, at + c,
			    q->least);
	}
}

static int
join_dense(
    const struct near *v, float least, uint32_t *parent, struct pool *pool)
{
	size_t threads = pool != NULL ? (size_t)pool_threads(pool) : 1;
	size_t blocks = (v->n + NEAR_ROWS - 1) / NEAR_ROWS;
	size_t round = 4 * threads;
	struct search q = { .v = v, .least = least };
	int rc = 0;

	q.scores =
	    mem_aligned(threads, NEAR_ROWS * NEAR_COLUMNS * sizeof(*q.scores));
	q.found = mem_array(round, sizeof(*q.found));
	if (q.scores == NULL || q.found == NULL)
		rc = -1;
	for (; rc == 0 && q.first < blocks; q.first += round) {
		size_t left = blocks - q.first;

		if (left > round)
			left = round;
		pool_run(pool, left, search_block, &q);
		for (size_t i = 0; i < left; i++) {
			struct found *f = &q.found[i];

			for (size_t k = 0; k < f->n; k++)
				split_join(parent, f->pair[k].a, f->pair[k].b);
			f->n = 0;
			rc |= f->failed ? -1 : 0;
		}
	}
	for (size_t i = 0; q.found != NULL && i < round; i++)
		free(q.found[i].pair);
	free(q.found);
	free(q.scores);
	return rc;
}

/* ---- sparse: an index from columns to the records that have them ---- */

/* Postings of the columns, one column after another; those of a column are
 * filled as the records come, in their order. */
struct postings {
	uint32_t *column; /* [pairs] of each pair of the vectors, from 0 */
	size_t *start;    /* [columns] where the column's postings begin, */
	size_t *filled;   /* [columns] and end so far */
	uint32_t *record; /* [pairs] */
	float *value;     /* [pairs] */
};

static int
by_number(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

/* Number the columns that occur, and make room for their postings. */
static int
postings_init(struct postings *q, const struct near *v, size_t pairs)
{
	uint32_t *used = mem_array(pairs, sizeof(*used));
	size_t n = 0, at = 0;

	q->column = mem_array(pairs, sizeof(*q->column));
	q->start = mem_array(pairs, sizeof(*q->start));
	q->filled = mem_array(pairs, sizeof(*q->filled));
	q->record = mem_array(pairs, sizeof(*q->record));
	q->value = mem_array(pairs, sizeof(*q->value));
	if (used == NULL || q->column == NULL || q->start == NULL ||
	    q->filled == NULL || q->record == NULL || q->value == NULL) {
		free(used);
		return -1;
	}
	if (pairs > 0)
		memcpy(used, v->index, pairs * sizeof(*used));
	qsort(used, pairs, sizeof(*used), by_number);
	for (size_t i = 0; i < pairs; i++)
		if (i == 0 || used[i] != used[i - 1])
			used[n++] = used[i];
	for (size_t k = 0; k < pairs; k++) {
		const uint32_t *c =
		    bsearch(&v->index[k], used, n, sizeof(*used), by_number);

		q->column[k] = (uint32_t)(c - used);
		q->filled[q->column[k]]++;
	}
	for (size_t c = 0; c < n; c++) {
		q->start[c] = at;
		at += q->filled[c];
		q->filled[c] = q->start[c];
	}
	free(used);
	return 0;
}

static void
postings_free(struct postings *q)
{
	free(q->column);
	free(q->start);
	free(q->filled);
	free(q->record);
	free(q->value);
}

/* Add record i's products with all earlier records to sum, join those that
 * come near, and leave sum zero again. */
static void
join_record(const struct near *v, size_t i, struct postings *q, double *sum,
    float least, uint32_t *parent)
{
	size_t first, n = batch_range(v->end, i, &first);

	for (size_t k = first; k < first + n; k++) {
		size_t end = q->filled[q->column[k]];
		double x = (double)v->value[k];

		for (size_t p = q->start[q->column[k]]; p < end; p++)
			sum[q->record[p]] += x * (double)q->value[p];
	}
	for (size_t k = first; k < first + n; k++) {
		size_t *end = &q->filled[q->column[k]];

		for (size_t p = q->start[q->column[k]]; p < *end; p++) {
			uint32_t r = q->record[p];

			if (sum[r] >= (double)least)
				split_join(parent, r, (uint32_t)i);
			sum[r] = 0;
		}
		q->record[*end] = (uint32_t)i;
		q->value[(*end)++] = v->value[k];
	}
}

static int
join_sparse(const struct near *v, float least, uint32_t *parent)
{
	size_t pairs = v->n > 0 ? v->end[v->n - 1] : 0;
	struct postings q = { 0 };
	double *sum = mem_array(v->n, sizeof(*sum));
	int rc = postings_init(&q, v, pairs);

	if (sum == NULL)
		rc = -1;
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		join_record(v, i, &q, sum, least, parent);
	free(sum);
	postings_free(&q);
	return rc;
}

int
near_join(const struct near *v, float least, uint32_t *parent,
    struct pool *pool, struct error *e)
{
	int rc;

	least -= NEAR_SLACK;
	if (v->kind == PART_DENSE)
		rc = join_dense(v, least, parent, pool);
	else
		rc = join_sparse(v, least, parent);
	return rc < 0 ? error_memory(e) : 0;
}
