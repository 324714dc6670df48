#include "linalg/chol.h"

#include <math.h>

/*
 * All three walk over blocks of BLOCK rows and columns.  What lies outside
 * the diagonal blocks is a matrix product; inside them rows are added to
 * rows.
 */
enum { BLOCK = 64 };

static size_t
block_at(size_t n, size_t from)
{
	return n - from < BLOCK ? n - from : BLOCK;
}

/* Factor one diagonal block D: [w, w], rows n apart.  T gets its transpose:
 * T[c] holds column c of L. */
static int
factor_block(const struct linalg *la, double *D, size_t n, size_t w,
    double T[BLOCK][BLOCK])
{
	for (size_t c = 0; c < w; c++) {
		double d = D[c * n + c];

		if (!(d > 0) || isinf(d))
			return -1;
		d = sqrt(d);
		for (size_t i = c; i < w; i++)
			T[c][i] = i == c ? d : D[i * n + c] / d;
		for (size_t i = c; i < w; i++) {
			D[i * n + c] = T[c][i];
			la->daxpy(
			    D + i * n + c + 1, -T[c][i], T[c] + c + 1, i - c);
		}
	}
	return 0;
}

/* Rows of L below a diagonal block: each x becomes the solution y of
 * L y = x, with L's transpose in T. */
static void
solve_rows(const struct linalg *la, double *X, size_t rows, size_t n, size_t w,
    double T[BLOCK][BLOCK])
{
	for (size_t i = 0; i < rows; i++) {
		double *x = X + i * n;

		for (size_t c = 0; c < w; c++) {
			x[c] /= T[c][c];
			la->daxpy(x + c + 1, -x[c], T[c] + c + 1, w - c - 1);
		}
	}
}

int
chol_factor(const struct linalg *la, double *A, size_t n, struct error *e)
{
	double T[BLOCK][BLOCK];

	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = block_at(n, j);
		double *D = A + j * n + j;

		la->dgemm(D, n, dmat_rows(A + j * n, n),
		    dmat_cols(A + j * n, n), n - j, w, j, -1);
		if (factor_block(la, D, n, w, T) == -1)
			return error_set(e, "matrix is not positive definite");
		solve_rows(la, D + w * n, n - j - w, n, w, T);
	}
	return 0;
}

void
chol_forward(
    const struct linalg *la, const double *L, size_t n, double *B, size_t m)
{
	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = block_at(n, j);
		const double *D = L + j * n + j;
		double *b = B + j * m;

		la->dgemm(b, m, dmat_rows(L + j * n, n), dmat_rows(B, m), w, m,
		    j, -1);
		for (size_t c = 0; c < w; c++) {
			for (size_t k = 0; k < m; k++)
				b[c * m + k] /= D[c * n + c];
			for (size_t i = c + 1; i < w; i++)
				la->daxpy(
				    b + i * m, -D[i * n + c], b + c * m, m);
		}
	}
}

void
chol_backward(
    const struct linalg *la, const double *L, size_t n, double *B, size_t m)
{
	for (size_t end = n, w; end > 0; end -= w) {
		const double *D;
		double *b;

		w = end % BLOCK > 0 ? end % BLOCK : BLOCK;
		D = L + (end - w) * n + (end - w);
		b = B + (end - w) * m;
		la->dgemm(b, m, dmat_cols(D + w * n, n),
		    dmat_rows(B + end * m, m), w, m, n - end, -1);
		for (size_t c = w; c-- > 0;) {
			for (size_t k = 0; k < m; k++)
				b[c * m + k] /= D[c * n + c];
			for (size_t i = 0; i < c; i++)
				la->daxpy(
				    b + i * m, -D[c * n + i], b + c * m, m);
		}
	}
}

void
chol_backward_rows(
    const struct linalg *la, const double *L, size_t n, double *B, size_t m)
{
	for (size_t end = n, w; end > 0; end -= w) {
		const double *D;

		w = end % BLOCK > 0 ? end % BLOCK : BLOCK;
		D = L + (end - w) * n + (end - w);
		la->dgemm(B + end - w, n, dmat_rows(B + end, n),
		    dmat_rows(D + w * n, n), m, w, n - end, -1);
		for (size_t k = 0; k < m; k++) {
			double *b = B + k * n + end - w;

			for (size_t c = w; c-- > 0;) {
				b[c] /= D[c * n + c];
				la->daxpy(b, -b[c], D + c * n, c);
			}
		}
	}
}
