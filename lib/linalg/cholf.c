#include "linalg/cholf.h"

#include <math.h>
#include <string.h>

enum { BLOCK = CHOLF_BLOCK };

size_t
cholf_scratch(size_t n, size_t m)
{
	return BLOCK * (n > m ? n : m);
}

static size_t
block_at(size_t n, size_t from)
{
	return n - from < BLOCK ? n - from : BLOCK;
}

/* T = inverse of the Cholesky factor of D: [w, w], rows n apart, of which the
 * lower triangle is read; T's upper triangle is 0. */
static int
invert_block(const float *D, size_t n, size_t w, float T[BLOCK][BLOCK])
{
	double L[BLOCK][BLOCK], V[BLOCK][BLOCK]; /* V: columns of the inverse */

	for (size_t i = 0; i < w; i++)
		for (size_t j = 0; j <= i; j++) {
			double sum = (double)D[i * n + j];

			for (size_t k = 0; k < j; k++)
				sum -= L[i][k] * L[j][k];
			if (i == j && (!(sum > 0) || isinf(sum)))
				return -1;
			L[i][j] = i == j ? sqrt(sum) : sum / L[j][j];
		}
	memset(T, 0, sizeof(float[BLOCK][BLOCK]));
	for (size_t j = 0; j < w; j++)
		for (size_t i = j; i < w; i++) {
			double sum = i == j;

			for (size_t k = j; k < i; k++)
				sum -= L[i][k] * V[j][k];
			V[j][i] = sum / L[i][i];
			T[i][j] = (float)V[j][i];
		}
	return 0;
}

/* ---- the factor ---- */

struct column { /* of blocks, at work */
	const struct linalg *la;
	float *A;
	size_t n, j, w;    /* columns [j, j + w) */
	const float *left; /* [w, j] the negative of what is left of D */
	float (*T)[BLOCK];
};

enum { PIECE = 256 }; /* rows that one thread takes */

/* Of rows from ${from} on, the i-th piece: its first row, how many. */
static size_t
piece_at(size_t n, size_t *from, size_t i)
{
	*from += i * PIECE;
	return n - *from < PIECE ? n - *from : PIECE;
}

static size_t
pieces(size_t rows)
{
	return (rows + PIECE - 1) / PIECE;
}

/* Less the product with what is to the left, of which -L is there: once more
 * its negative. */
static void
less_left(void *arg, size_t i, int worker)
{
	const struct column *c = arg;
	size_t r = c->j, m = piece_at(c->n, &r, i);

	(void)worker;
	c->la->gemm(c->A + r * c->n + c->j, c->n,
	    mat_rows(c->A + r * c->n, c->n), mat_cols(c->left, c->j), m, c->w,
	    c->j, 1);
}

/* X = -X T' below the block, a few rows at a time. */
static void
times_block(void *arg, size_t i, int worker)
{
	const struct column *c = arg;
	size_t r = c->j + c->w, m = piece_at(c->n, &r, i), w = c->w;
	float X[BLOCK * BLOCK];

	(void)worker;
	for (size_t end = r + m, k; r < end; r += k) {
		float *x = c->A + r * c->n + c->j;

		k = block_at(end, r);
		c->la->gemm(X, w, mat_rows(x, c->n), mat_cols(c->T[0], BLOCK),
		    k, w, w, 0);
		for (size_t q = 0; q < k; q++)
			memcpy(x + q * c->n, X + q * w, w * sizeof(*x));
	}
}

int
cholf_factor(const struct linalg *la, struct pool *pool, float *A, size_t n,
    float *scratch)
{
	float T[BLOCK][BLOCK];

	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = block_at(n, j);
		float *D = A + j * n + j;
		struct column c = { la, A, n, j, w, scratch, T };

		for (size_t i = 0; i < w; i++)
			la->scale(scratch + i * j, -1, A + (j + i) * n, j);
		pool_run(pool, pieces(n - j), less_left, &c);
		if (invert_block(D, n, w, T) < 0)
			return -1;
		for (size_t i = 0; i < w; i++)
			memcpy(D + i * n, T[i], w * sizeof(*D));
		for (size_t i = 0; i < w; i++)
			la->scale(T[i], -1, T[i], w);
		pool_run(pool, pieces(n - j - w), times_block, &c);
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

static void
forward_sides(void *arg, size_t i, int worker)
{
	const struct sides *s = arg;
	size_t n = s->n, m = s->m, from = i * s->each;
	size_t few = m - from < s->each ? m - from : s->each;
	float *B = s->B + from, *scratch = s->scratch + from * BLOCK;

	(void)worker;
	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = block_at(n, j);

		s->la->gemm(B + j * m, m, mat_rows(s->A + j * n, n),
		    mat_rows(B, m), w, few, j, 1);
		for (size_t k = 0; k < w; k++)
			memcpy(scratch + k * few, B + (j + k) * m,
			    few * sizeof(*B));
		s->la->gemm(B + j * m, m, mat_rows(s->A + j * n + j, n),
		    mat_rows(scratch, few), w, few, w, 0);
	}
}

static void
backward_sides(void *arg, size_t i, int worker)
{
	const struct sides *s = arg;
	size_t n = s->n, from = i * s->each;
	size_t few = s->m - from < s->each ? s->m - from : s->each;
	float *B = s->B + from * n, *scratch = s->scratch + from * BLOCK;

	(void)worker;
	for (size_t end = n, w; end > 0; end -= w) {
		size_t j;

		w = end % BLOCK > 0 ? end % BLOCK : BLOCK;
		j = end - w;
		s->la->gemm(B + j, n, mat_rows(B + end, n),
		    mat_rows(s->A + end * n + j, n), few, w, n - end, 1);
		for (size_t k = 0; k < few; k++)
			memcpy(scratch + k * w, B + k * n + j, w * sizeof(*B));
		s->la->gemm(B + j, n, mat_rows(scratch, w),
		    mat_rows(s->A + j * n + j, n), few, w, w, 0);
	}
}

static void
solve_sides(const struct linalg *la, struct pool *pool, const float *A,
    size_t n, float *B, size_t m, float *scratch,
    void (*fn)(void *, size_t, int))
{
	size_t threads = pool != NULL ? (size_t)pool_threads(pool) : 1;
	struct sides s = { la, A, n, m, (m + threads - 1) / threads, B,
		scratch };

	if (m > 0)
		pool_run(pool, (m + s.each - 1) / s.each, fn, &s);
}

void
cholf_forward(const struct linalg *la, struct pool *pool, const float *A,
    size_t n, float *B, size_t m, float *scratch)
{
	solve_sides(la, pool, A, n, B, m, scratch, forward_sides);
}

void
cholf_backward_rows(const struct linalg *la, struct pool *pool, const float *A,
    size_t n, float *B, size_t m, float *scratch)
{
	solve_sides(la, pool, A, n, B, m, scratch, backward_sides);
}
