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

int
cholf_factor(const struct linalg *la, float *A, size_t n, float *scratch)
{
	float T[BLOCK][BLOCK];

	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = block_at(n, j), below = n - j - w;
		float *D = A + j * n + j, *under = D + w * n;

		/* Less the product with what is to the left, of which -L is
		 * there: once more its negative. */
		for (size_t i = 0; i < w; i++)
			la->scale(scratch + i * j, -1, A + (j + i) * n, j);
		la->gemm(D, n, mat_rows(A + j * n, n), mat_cols(scratch, j),
		    w + below, w, j, 1);
		if (invert_block(D, n, w, T) < 0)
			return -1;
		for (size_t i = 0; i < w; i++)
			memcpy(D + i * n, T[i], w * sizeof(*D));
		/* X = -X T' below the block, a few rows at a time. */
		for (size_t i = 0; i < w; i++)
			la->scale(T[i], -1, T[i], w);
		for (size_t i = 0, m; i < below; i += m) {
			m = block_at(below, i);
			la->gemm(scratch, w, mat_rows(under + i * n, n),
			    mat_cols(T[0], BLOCK), m, w, w, 0);
			for (size_t k = 0; k < m; k++)
				memcpy(under + (i + k) * n, scratch + k * w,
				    w * sizeof(*scratch));
		}
	}
	return 0;
}

void
cholf_forward(const struct linalg *la, const float *A, size_t n, float *B,
    size_t m, float *scratch)
{
	for (size_t j = 0; j < n; j += BLOCK) {
		size_t w = block_at(n, j);

		la->gemm(B + j * m, m, mat_rows(A + j * n, n), mat_rows(B, m),
		    w, m, j, 1);
		memcpy(scratch, B + j * m, w * m * sizeof(*B));
		la->gemm(B + j * m, m, mat_rows(A + j * n + j, n),
		    mat_rows(scratch, m), w, m, w, 0);
	}
}

void
cholf_backward_rows(const struct linalg *la, const float *A, size_t n, float *B,
    size_t m, float *scratch)
{
	for (size_t end = n, w; end > 0; end -= w) {
		size_t j;

		w = end % BLOCK > 0 ? end % BLOCK : BLOCK;
		j = end - w;
		la->gemm(B + j, n, mat_rows(B + end, n),
		    mat_rows(A + end * n + j, n), m, w, n - end, 1);
		for (size_t k = 0; k < m; k++)
			memcpy(scratch + k * w, B + k * n + j, w * sizeof(*B));
		la->gemm(B + j, n, mat_rows(scratch, w),
		    mat_rows(A + j * n + j, n), m, w, w, 0);
	}
}
