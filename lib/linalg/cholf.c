#include "linalg/cholf.h"

#include <math.h>
#include <string.h>

enum {
	BLOCK = CHOLF_BLOCK,
	PIECE = 256 /* rows that one thread takes */
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
cholf_scratch(size_t n, size_t m)
{
	return BLOCK * (n > m ? n : m);
}

/*
 * T = inverse of the Cholesky factor of D: [w, w], rows n apart, of which the
 * lower triangle is read; T's upper triangle is 0.  L lies transposed, so that
 * the sums of a column run side by side, as those of a row of V do.
 */
static int
invert_block(const float *D, size_t n, size_t w, float T[BLOCK][BLOCK])
{
	double L[BLOCK][BLOCK]; /* L[k][i]: row i, column k */
	double V[BLOCK][BLOCK]; /* V[i][j]: row i, column j of its inverse */
	double sum[BLOCK];

	for (size_t j = 0; j < w; j++) {
		for (size_t i = j; i < w; i++)
			sum[i] = (double)D[i * n + j];
		for (size_t k = 0; k < j; k++)
			for (size_t i = j; i < w; i++)
				sum[i] -= L[k][i] * L[k][j];
		if (!(sum[j] > 0) || isinf(sum[j]))
			return -1;
		L[j][j] = sqrt(sum[j]);
		for (size_t i = j + 1; i < w; i++)
			L[j][i] = sum[i] / L[j][j];
	}
	memset(T, 0, sizeof(float[BLOCK][BLOCK]));
	for (size_t i = 0; i < w; i++) {
		for (size_t j = 0; j <= i; j++)
			sum[j] = i == j;
		for (size_t k = 0; k < i; k++)
			for (size_t j = 0; j <= k; j++)
				sum[j] -= L[k][i] * V[k][j];
		for (size_t j = 0; j <= i; j++) {
			V[i][j] = sum[j] / L[i][i];
			T[i][j] = (float)V[i][j];
		}
	}
	return 0;
}

/* ---- the factor ---- */

struct column { /* of blocks, at work */
	const struct linalg *la;
	float *A;
	size_t n, j, w, below; /* columns [j, j + w), rows from ${below} on */
	const float *packed;   /* [j, w] the negative of what is left of D */
	float (*T)[BLOCK];
};

/* Of the rows below, the i-th piece: its first row, how many. */
static size_t
piece_at(const struct column *c, size_t i, size_t *first)
{
	*first = c->below + i * PIECE;
	return least(c->n - *first, PIECE);
}

static size_t
pieces(const struct column *c)
{
	return (c->n - c->below + PIECE - 1) / PIECE;
}

/* Less the product with what is to the left, of which -L is there: once more
 * its negative. */
static void
less_left(void *arg, size_t i, int worker)
{
	const struct column *c = arg;
	size_t r, m = piece_at(c, i, &r);

	(void)worker;
	c->la->gemm_packed(c->A + r * c->n + c->j, c->n,
	    mat_rows(c->A + r * c->n, c->n), c->packed, m, c->w, c->j, 1);
}

/* X = -X T' below the block, a few rows at a time, and above it X'. */
static void
times_block(void *arg, size_t i, int worker)
{
	const struct column *c = arg;
	size_t r, m = piece_at(c, i, &r), n = c->n, w = c->w;
	float X[BLOCK * BLOCK];

	(void)worker;
	for (size_t end = r + m, k; r < end; r += k) {
		float *x = c->A + r * n + c->j, *y = c->A + c->j * n + r;

		k = least(end - r, BLOCK);
		c->la->gemm(
		    X, w, mat_rows(x, n), mat_cols(c->T[0], BLOCK), k, w, w, 0);
		for (size_t q = 0; q < k; q++)
			memcpy(x + q * n, X + q * w, w * sizeof(*x));
		for (size_t q = 0; q < w; q++)
			for (size_t p = 0; p < k; p++)
				y[q * n + p] = X[p * w + q];
	}
}

int
cholf_factor(const struct linalg *la, struct pool *pool, float *A, size_t n,
    float *scratch)
{
	float T[BLOCK][BLOCK];

	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = least(n - j, BLOCK);
		float *D = A + j * n + j;
		struct column c = { la, A, n, j, w, j, scratch, T };

		la->gemm_pack(scratch, mat_cols(A + j * n, n), j, w);
		la->scale(scratch, -1, scratch, linalg_packed_size(j, w));
		pool_run(pool, pieces(&c), less_left, &c);
		if (invert_block(D, n, w, T) < 0)
			return -1;
		for (size_t i = 0; i < w; i++)
			memcpy(D + i * n, T[i], w * sizeof(*D));
		for (size_t i = 0; i < w; i++)
			la->scale(T[i], -1, T[i], w);
		c.below = j + w;
		pool_run(pool, pieces(&c), times_block, &c);
	}
	return 0;
}

/* ---- what it solves ---- */

/* Right-hand sides do not meet: threads share them. */
struct sides {
	const struct linalg *la;
	const float *A;
	size_t n, m, each; /* of which one thread takes so many */
	float *B, *scratch;
};

/* Rows [j, j + w) of B: D times what they are with the products of K rows of
 * B from ${from} on. */
static void
solve_rows(const struct sides *s, float *B, float *scratch, size_t few,
    size_t j, size_t w, size_t from, size_t k, struct fmat D)
{
	size_t m = s->m;
	float *X = B + j * m;

	s->la->gemm(X, m, mat_rows(s->A + j * s->n + from, s->n),
	    mat_rows(B + from * m, m), w, few, k, 1);
	for (size_t q = 0; q < w; q++)
		memcpy(scratch + q * few, X + q * m, few * sizeof(*X));
	s->la->gemm(X, m, D, mat_rows(scratch, few), w, few, w, 0);
}

static void
solve_sides(void *arg, size_t i, int worker)
{
	const struct sides *s = arg;
	size_t n = s->n, from = i * s->each, few = least(s->m - from, s->each);
	float *B = s->B + from, *scratch = s->scratch + from * BLOCK;

	(void)worker;
	for (size_t j = 0; j < n; j += BLOCK)
		solve_rows(s, B, scratch, few, j, least(n - j, BLOCK), 0, j,
		    mat_rows(s->A + j * n + j, n));
	for (size_t end = n, j; end > 0; end = j) {
		j = (end - 1) / BLOCK * BLOCK;
		solve_rows(s, B, scratch, few, j, end - j, end, n - end,
		    mat_cols(s->A + j * n + j, n));
	}
}

void
cholf_solve(const struct linalg *la, struct pool *pool, const float *A,
    size_t n, float *B, size_t m, float *scratch)
{
	size_t threads = pool != NULL ? (size_t)pool_threads(pool) : 1;
	struct sides s = { la, A, n, m, (m + threads - 1) / threads, B,
		scratch };

	if (m > 0)
		pool_run(pool, (m + s.each - 1) / s.each, solve_sides, &s);
}
