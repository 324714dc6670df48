#include "learn/ridge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "linalg/chol.h"

enum {
	BLOCK = 256,  /* records that are read at a time */
	STRIPS = 16,  /* of the matrix, shared by the threads */
	COLUMNS = 64, /* of an inverse, at a time */
	FINER = 2     /* lambdas tried beside the best of the grid */
};

/*
 * The centred problem, by its smaller side:
 *
 *	primal    A = X'X, B = X'Y        (A + lambda) W = B
 *	dual      A = X X', B = Y         (A + lambda) C = B,  W = X'C
 *
 * In both, |L^-1|^2 with L L' = A + lambda is the trace of its inverse, from
 * which that of H follows.
 */
struct system {
	const struct linalg *la;
	size_t n, d, m;
	size_t q; /* probes: random sums of outputs beside them; or 0 */
	size_t w; /* m + q */
	int dual;
	size_t side;
	double *A;      /* [side, side] its lower triangle */
	double *B;      /* [side, w] */
	double yy;      /* |Y|^2 of what lambda is chosen by */
	double *mean;   /* [d + w] of x and y */
	float *signs;   /* [m, q] of the outputs in the sums, / sqrt(q) */
	double *square; /* primal: [w] of y */
	float *across;  /* dual: [d, n] X' as it came */
};

static void
system_free(struct system *s)
{
	free(s->A);
	free(s->B);
	free(s->mean);
	free(s->square);
	free(s->across);
	free(s->signs);
}

struct strips {
	const struct system *s;
	const float *X;  /* [n, d] rows ldx apart */
	const double *Z; /* [n, d + w] x and y, or NULL */
	size_t n, d, ldx;
};

/* Some rows of A += X'X, so many that strips have about equal areas, and the
 * same ones of B += X'Y. */
static void
strip(void *arg, size_t i, int worker)
{
	struct strips *t = arg;
	const struct system *s = t->s;
	size_t from = (size_t)(sqrt((double)i / STRIPS) * (double)t->d);
	size_t to =
	    i + 1 == STRIPS
		? t->d
		: (size_t)(sqrt((double)(i + 1) / STRIPS) * (double)t->d);

	(void)worker;
	s->la->gram(s->A, t->X, t->ldx, t->n, t->d, from, to);
	if (t->Z != NULL)
		s->la->dgemm(s->B + from * s->w, s->w,
		    dmat_cols(t->Z + from, t->ldx),
		    dmat_rows(t->Z + t->d, t->ldx), to - from, s->w, t->n, 1);
}

/* ---- the two sides ---- */

/* Records [first, first + n) into z: [n, d + w], the sums among them. */
static int
read_block(const struct system *s, const struct ridge_problem *p, size_t first,
    size_t n, float *z, struct error *e)
{
	size_t from = s->d + s->m, to = s->d + s->w;

	if (p->rows(p->ctx, first, n, z, e) < 0)
		return -1;
	if (s->q == 0)
		return 0;
	for (size_t i = n; i-- > 0;)
		memmove(z + i * to, z + i * from, from * sizeof(*z));
	s->la->gemm(z + from, to, mat_rows(z + s->d, to),
	    mat_rows(s->signs, s->q), n, s->q, s->m, 0);
	return 0;
}

/* The columns of B that lambda is chosen by begin here. */
static size_t
chosen_by(const struct system *s)
{
	return s->q > 0 ? s->m : 0;
}

/* Products of columns, block by block of the records; then centred. */
static int
read_primal(struct system *s, struct pool *pool, const struct ridge_problem *p,
    float *z, struct error *e)
{
	size_t d = s->d, w = s->w, all = d + w, n = s->n;
	double *sum = s->mean, *Z = mem_array(BLOCK * all, sizeof(*Z));
	int rc = Z == NULL ? error_memory(e) : 0;

	for (size_t i = 0; rc == 0 && i < n; i += BLOCK) {
		size_t k = n - i < BLOCK ? n - i : BLOCK;
		struct strips t = { s, z, Z, k, d, all };

		rc = read_block(s, p, i, k, z, e);
		if (rc < 0)
			break;
		for (size_t r = 0; r < k * all; r++)
			Z[r] = (double)z[r];
		s->la->col_sum(sum, z, all, k, all);
		s->la->col_sq(s->square, NULL, z + d, all, k, w);
		pool_run(pool, STRIPS, strip, &t);
	}
	free(Z);
	for (size_t i = 0; i < d; i++) {
		for (size_t k = 0; k <= i; k++)
			s->A[i * d + k] -= sum[i] * sum[k] / (double)n;
		for (size_t c = 0; c < w; c++)
			s->B[i * w + c] -= sum[i] * sum[d + c] / (double)n;
	}
	for (size_t c = chosen_by(s); c < w; c++)
		s->yy += s->square[c] - sum[d + c] * sum[d + c] / (double)n;
	for (size_t i = 0; i < all; i++)
		sum[i] /= (double)n;
	return rc;
}

/* A: [n, n], symmetric: its rows and columns to mean 0. */
static int
centre(struct system *s)
{
	size_t n = s->n;
	double *mean = mem_array(n, sizeof(*mean)), all = 0;

	if (mean == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k <= i; k++) {
			mean[i] += s->A[i * n + k];
			mean[k] += k < i ? s->A[i * n + k] : 0;
		}
	for (size_t i = 0; i < n; i++) {
		mean[i] /= (double)n;
		all += mean[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k <= i; k++)
			s->A[i * n + k] += all - mean[i] - mean[k];
	free(mean);
	return 0;
}

static int
read_dual(struct system *s, struct pool *pool, const struct ridge_problem *p,
    float *z, struct error *e)
{
	size_t d = s->d, w = s->w, all = d + w, n = s->n;
	struct strips t = { s, NULL, NULL, d, n, n };

	s->across = mem_array(d, n * sizeof(*s->across));
	if (s->across == NULL)
		return error_memory(e);
	t.X = s->across;
	for (size_t i = 0; i < n; i += BLOCK) {
		size_t k = n - i < BLOCK ? n - i : BLOCK;

		if (read_block(s, p, i, k, z, e) < 0)
			return -1;
		s->la->col_sum(s->mean, z, all, k, all);
		for (size_t r = 0; r < k; r++) {
			for (size_t c = 0; c < d; c++)
				s->across[c * n + i + r] = z[r * all + c];
			for (size_t c = 0; c < w; c++)
				s->B[(i + r) * w + c] =
				    (double)z[r * all + d + c];
		}
	}
	for (size_t i = 0; i < all; i++)
		s->mean[i] /= (double)n;
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < w; c++)
			s->B[i * w + c] -= s->mean[d + c];
	pool_run(pool, STRIPS, strip, &t);
	return centre(s) < 0 ? error_memory(e) : 0;
}

static int
make_signs(struct system *s)
{
	struct rng r;
	float one = (float)(1 / sqrt((double)s->q));

	s->signs = mem_array(s->m * s->q, sizeof(*s->signs));
	if (s->signs == NULL)
		return -1;
	rng_seed(&r, s->m);
	for (size_t i = 0; i < s->m * s->q; i++)
		s->signs[i] = rng_u64(&r) >> 63 ? one : -one;
	return 0;
}

static int
system_read(struct system *s, struct pool *pool, const struct ridge_problem *p,
    struct error *e)
{
	size_t all;
	float *z;
	int rc;

	s->n = p->n;
	s->d = p->d;
	s->m = p->m;
	s->q = p->m > RIDGE_PROBES ? RIDGE_PROBES : 0;
	s->w = s->m + s->q;
	s->dual = p->n < p->d;
	s->side = s->dual ? p->n : p->d;
	all = s->d + s->w;
	z = mem_aligned(BLOCK * all, sizeof(*z));
	s->A = mem_array(s->side * s->side, sizeof(*s->A));
	s->B = mem_array(s->side * s->w, sizeof(*s->B));
	s->mean = mem_array(all, sizeof(*s->mean));
	s->square = mem_array(s->w, sizeof(*s->square));
	if (z == NULL || s->A == NULL || s->B == NULL || s->mean == NULL ||
	    s->square == NULL || make_signs(s) < 0)
		rc = error_memory(e);
	else if (s->dual)
		rc = read_dual(s, pool, p, z, e);
	else
		rc = read_primal(s, pool, p, z, e);
	free(z);
	return rc;
}

/* ---- solving ---- */

/* The trace of inv(A + lambda), from its factor L: |L^-1|^2, some columns at a
 * time.  Rows above them are zero, so what is left of L moves together. */
static int
trace_of_inverse(const struct system *s, double *L, double *trace)
{
	size_t n = s->side, next;
	double *I = mem_array(n * COLUMNS, sizeof(*I));

	*trace = 0;
	if (I == NULL)
		return -1;
	for (; n > 0; n = next) {
		size_t w = n < COLUMNS ? n : COLUMNS;

		memset(I, 0, n * w * sizeof(*I));
		for (size_t k = 0; k < w; k++)
			I[k * w + k] = 1;
		chol_forward(s->la, L, n, I, w);
		*trace += s->la->ddot(I, I, n * w);
		next = n - w;
		for (size_t i = 0; i < next; i++)
			memmove(L + i * next, L + (i + w) * n + w,
			    next * sizeof(*L));
	}
	free(I);
	return 0;
}

/* The error of generalised cross-validation for X = inv(A + lambda) B, of
 * ${m} columns, where ${squares} is |L^-1 B|^2. */
static double
gcv_of(const struct system *s, double lambda, double trace, const double *X,
    size_t m, double squares)
{
	double n = (double)s->n, left;
	double norm = s->la->ddot(X, X, s->side * m);

	if (s->dual) {
		squares = lambda * lambda * norm;
		left = lambda * trace - 1;
	} else {
		squares = s->yy - squares - lambda * norm;
		left = n - 1 - (double)s->side + lambda * trace;
	}
	if (!(left > 1e-9 * n))
		return INFINITY;
	return n * (squares > 0 ? squares : 0) / (left * left);
}

/*
 * X = inv(A + lambda) times columns [from, from + m) of B; and, where asked
 * for, the error of generalised cross-validation.  0, or -1 when memory is
 * out.
 */
static int
solve(const struct system *s, double lambda, size_t from, size_t m, double *X,
    double *gcv)
{
	const struct linalg *la = s->la;
	size_t side = s->side;
	double *L = mem_array(side * side, sizeof(*L)), trace, squares;
	int rc = 0;

	if (L == NULL)
		return -1;
	memcpy(L, s->A, side * side * sizeof(*L));
	for (size_t i = 0; i < side; i++) {
		L[i * side + i] += lambda;
		memcpy(X + i * m, s->B + i * s->w + from, m * sizeof(*X));
	}
	/* Rounding may make A + lambda indefinite for a tiny lambda. */
	if (chol_factor(la, L, side, NULL) < 0)
		goto done;
	chol_forward(la, L, side, X, m);
	squares = la->ddot(X, X, side * m);
	chol_backward(la, L, side, X, m);
	if (gcv != NULL) {
		rc = trace_of_inverse(s, L, &trace);
		*gcv = gcv_of(s, lambda, trace, X, m, squares);
	}
done:
	free(L);
	return rc;
}

struct trials {
	const struct system *s;
	double lambda[RIDGE_GRID], gcv[RIDGE_GRID];
	int failed[RIDGE_GRID];
};

static void
try_one(void *arg, size_t i, int worker)
{
	struct trials *t = arg;
	const struct system *s = t->s;
	size_t from = chosen_by(s), m = s->w - from;
	double *X = mem_array(s->side * m, sizeof(*X));

	(void)worker;
	t->gcv[i] = INFINITY;
	t->failed[i] =
	    X == NULL || solve(s, t->lambda[i], from, m, X, &t->gcv[i]) < 0;
	free(X);
}

/* The best of n lambdas takes the place of *best where it is better. */
static int
try_all(struct trials *t, struct pool *pool, size_t n, double *best,
    double *least, struct error *e)
{
	pool_run(pool, n, try_one, t);
	for (size_t i = 0; i < n; i++) {
		if (t->failed[i])
			return error_memory(e);
		if (t->gcv[i] < *least) {
			*least = t->gcv[i];
			*best = t->lambda[i];
		}
	}
	return 0;
}

static int
choose(
    const struct system *s, struct pool *pool, double *lambda, struct error *e)
{
	struct trials t = { .s = s };
	double total = 0, least = INFINITY, best;

	*lambda = 0;
	for (size_t i = 0; i < s->side; i++)
		total += s->A[i * s->side + i];
	/* Less than rounding makes of equal rows is none. */
	if (s->n < 3 || !(total > 1e-12 * (double)s->n))
		return 0;
	for (size_t i = 0; i < RIDGE_GRID; i++)
		t.lambda[i] = i == 0 ? total : t.lambda[i - 1] / 10;
	best = total;
	if (try_all(&t, pool, RIDGE_GRID, &best, &least, e) < 0)
		return -1;
	t.lambda[0] = best * 3.1622776601683795;
	t.lambda[1] = best / 3.1622776601683795;
	if (try_all(&t, pool, FINER, &best, &least, e) < 0)
		return -1;
	*lambda = best;
	return 0;
}

/* W = X'C, by rows of X'; C's columns sum to 0, so X need not be centred. */
static int
across_weights(const struct system *s, const double *C, float *W)
{
	size_t n = s->n, m = s->m;
	double *x = mem_array(n * COLUMNS, sizeof(*x));
	double *w = mem_array(m * COLUMNS, sizeof(*w));

	for (size_t at = 0; x != NULL && w != NULL && at < s->d;
	     at += COLUMNS) {
		size_t k = s->d - at < COLUMNS ? s->d - at : COLUMNS;

		for (size_t i = 0; i < k * n; i++)
			x[i] = (double)s->across[at * n + i];
		s->la->dgemm(
		    w, m, dmat_rows(x, n), dmat_rows(C, m), k, m, n, 0);
		for (size_t i = 0; i < k * m; i++)
			W[at * m + i] = (float)w[i];
	}
	free(x);
	free(w);
	return x == NULL || w == NULL ? -1 : 0;
}

static int
finish(const struct system *s, double lambda, float *W, float *b)
{
	double *X = mem_array(s->side * s->m, sizeof(*X));
	int rc = X == NULL ? -1 : solve(s, lambda, 0, s->m, X, NULL);

	if (rc == 0 && s->dual)
		rc = across_weights(s, X, W);
	for (size_t i = 0; rc == 0 && !s->dual && i < s->d * s->m; i++)
		W[i] = (float)X[i];
	free(X);
	for (size_t c = 0; rc == 0 && c < s->m; c++) {
		double t = s->mean[s->d + c];

		for (size_t i = 0; i < s->d; i++)
			t -= s->mean[i] * (double)W[i * s->m + c];
		b[c] = (float)t;
	}
	return rc;
}

int
ridge_fit(const struct linalg *la, struct pool *pool,
    const struct ridge_problem *p, float *W, float *b, double *lambda,
    struct error *e)
{
	struct system s = { .la = la };
	int rc = -1;

	memset(W, 0, p->d * p->m * sizeof(*W));
	memset(b, 0, p->m * sizeof(*b));
	*lambda = 0;
	if (p->n == 0)
		return 0;
	if (p->n > RIDGE_MAX_SIDE && p->d > RIDGE_MAX_SIDE)
		return error_set(
		    e, "ridge: %zu records of %zu inputs", p->n, p->d);
	if (system_read(&s, pool, p, e) < 0 || choose(&s, pool, lambda, e) < 0)
		goto done;
	rc = 0;
	for (size_t c = 0; c < s.m; c++)
		b[c] = (float)s.mean[s.d + c];
	if (*lambda > 0 && finish(&s, *lambda, W, b) < 0)
		rc = error_memory(e);
done:
	system_free(&s);
	return rc;
}
