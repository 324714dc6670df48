/*
 * The solver in the span of the training rows.  With centred inner products K
 * (so that the intercepts are independent of the rest to second order) the
 * scores are F = K A + b, and a step d in A moves them by K d; vectors carry
 * both, and one product with K an evaluation is all that touches n x n
 * numbers, next to two triangular solves.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/solver_impl.h"
#include "linalg/chol.h"

int
dual_new(struct solver *s, struct error *e)
{
	size_t nC = s->n * s->C;

	s->size = 2 * nC + s->C;
	s->K = mem_aligned(s->n * s->n, sizeof(*s->K));
	s->mean = mem_aligned(s->n, sizeof(*s->mean));
	s->rhs = mem_aligned(2 * nC, sizeof(*s->rhs));
	s->L = mem_aligned(s->n * s->n, sizeof(*s->L));
	if (s->K == NULL || s->mean == NULL || s->rhs == NULL || s->L == NULL)
		return error_memory(e);
	/* Rows to score mean that several weightings will be tried: their
	 * inner products are kept part by part. */
	if (s->m == 0)
		return 0;
	return kernels_build(
	    &s->kernels, s->la, s->pool, s->ds, &s->train, &s->test, e);
}

struct sum {
	struct solver *s;
	const float *part; /* [n, n] of one feature */
	float weight;
};

/* Rows [64 i, 64 i + 64) of K += weight * part. */
static void
add_rows(void *arg, size_t i, int worker)
{
	const struct sum *t = arg;
	size_t n = t->s->n, from = i * 64, to = n - from < 64 ? n : from + 64;

	(void)worker;
	t->s->la->axpy(
	    t->s->K + from * n, t->weight, t->part + from * n, (to - from) * n);
}

/* K += weight * that of feature p.  Where it is not kept, the factor's memory,
 * which a new weighting makes worthless, holds it for a moment. */
static int
add_feature(struct solver *s, size_t p, struct error *e)
{
	float *spare = (void *)s->L;
	struct sum t = { s, spare, (float)s->weight[p] };

	if (!(s->weight[p] > 0))
		return 0;
	if (s->kernels.train != NULL)
		t.part = s->kernels.train[p];
	else if (kernels_feature(spare, NULL, s->la, s->pool, s->ds, p,
		     &s->train, NULL, e) < 0)
		return -1;
	pool_run(s->pool, (s->n + 63) / 64, add_rows, &t);
	return 0;
}

static void
mean_rows(void *arg, size_t i, int worker)
{
	struct solver *s = arg;
	size_t n = s->n, from = i * 64, to = n - from < 64 ? n : from + 64;

	(void)worker;
	for (size_t r = from; r < to; r++)
		s->mean[r] = s->la->sum(s->K + r * n, n) / (float)n;
}

static void
centre_rows(void *arg, size_t i, int worker)
{
	struct solver *s = arg;
	size_t n = s->n, from = i * 64, to = n - from < 64 ? n : from + 64;
	float grand = s->la->sum(s->mean, n) / (float)n;

	(void)worker;
	for (size_t r = from; r < to; r++) {
		float *K = s->K + r * n;

		for (size_t c = 0; c < n; c++)
			K[c] = K[c] - (s->mean[r] + s->mean[c]) + grand;
	}
}

int
dual_weigh(struct solver *s, struct error *e)
{
	size_t chunks = (s->n + 63) / 64;

	memset(s->K, 0, s->n * s->n * sizeof(*s->K));
	for (size_t p = 0; p < s->ds->features; p++)
		if (add_feature(s, p, e) < 0)
			return -1;
	pool_run(s->pool, chunks, mean_rows, s);
	pool_run(s->pool, chunks, centre_rows, s);
	return 0;
}

struct pass {
	struct solver *s;
	const float *x;
	float *g;
};

/* Scores, loss and its derivative for one piece of rows. */
static void
residual_piece(void *arg, size_t i, int worker)
{
	struct pass *p = arg;
	struct solver *s = p->s;
	const struct piece *t = &s->pieces[i];
	size_t C = s->C, at = t->position * C, nC = s->n * C;
	const float *KA = p->x + nC + at, *b = p->x + 2 * nC;
	float *R = p->g + at;

	(void)worker;
	for (size_t r = 0; r < t->count; r++)
		for (size_t c = 0; c < C; c++)
			R[r * C + c] = KA[r * C + c] + b[c];
	/* K g is written after all pieces are done; until then it is scratch.
	 */
	s->piece_loss[i] = loss_gradient(
	    s->la, &s->truth, t->row, t->count, R, p->g + nC + at);
	s->la->scale(R, (float)(1 / s->S), R, t->count * C);
}

/* K R for one piece of rows. */
static void
product_piece(void *arg, size_t i, int worker)
{
	struct pass *p = arg;
	struct solver *s = p->s;
	const struct piece *t = &s->pieces[i];

	(void)worker;
	s->la->gemm(p->g + (s->n + t->position) * s->C, s->C,
	    mat_rows(s->K + t->position * s->n, s->n), mat_rows(p->g, s->C),
	    t->count, s->C, s->n, 0);
}

double
dual_eval(void *ctx, const float *x, float *g)
{
	struct solver *s = ctx;
	struct pass p = { s, x, g };
	size_t C = s->C, nC = s->n * C;
	float *gb = g + 2 * nC;
	double loss = 0;

	pool_run(s->pool, s->npieces, residual_piece, &p);
	for (size_t i = 0; i < s->npieces; i++)
		loss += s->piece_loss[i];
	for (size_t c = 0; c < C; c++) {
		double sum = 0;

		for (size_t r = 0; r < s->n; r++)
			sum += (double)g[r * C + c];
		gb[c] = (float)sum;
	}
	pool_run(s->pool, s->npieces, product_piece, &p);
	s->la->axpy(g, (float)s->lambda, x, 2 * nC);
	return loss / s->S + 0.5 * s->lambda * lbfgs_dot(s->la, x, x + nC, nC);
}

double
dual_dot(void *ctx, const float *u, const float *v)
{
	struct solver *s = ctx;
	size_t nC = s->n * s->C;

	return lbfgs_dot(s->la, u, v + nC, nC) +
	       lbfgs_dot(s->la, u + 2 * nC, v + 2 * nC, s->C);
}

static double
root_weight(const struct solver *s, size_t row)
{
	return sqrt((double)s->shape[row]);
}

/*
 * M = lambda I + (h/S) Q K Q with Q = diag(sqrt(s_i)); in terms of A, the
 * operator lambda + (h/S) K diag(s) is Q inv(M) inv(Q) upside down.
 */
static void
system_rows(void *arg, size_t i, int worker)
{
	struct solver *s = arg;
	const struct piece *t = &s->pieces[i];
	size_t n = s->n;

	(void)worker;
	for (size_t r = 0; r < t->count; r++) {
		size_t row = t->position + r;
		double *M = s->L + row * n;
		double q = s->h / s->shape_sum * root_weight(s, t->row + r);

		for (const struct piece *u = s->pieces; u <= t; u++)
			for (size_t k = 0; k < u->count; k++)
				M[u->position + k] =
				    q * root_weight(s, u->row + k) *
				    (double)s->K[row * n + u->position + k];
		M[row] += s->factored;
	}
}

int
dual_factor(struct solver *s, struct error *e)
{
	pool_run(s->pool, s->npieces, system_rows, s);
	return chol_factor(s->la, s->L, s->n, e);
}

/*
 * z = P g: A from the solve, and K A without another product, because
 * lambda A + (h/S) diag(s) K A = g says what it is.
 */
void
dual_precondition(void *ctx, const float *g, float *z)
{
	struct solver *s = ctx;
	size_t n = s->n, C = s->C, nC = n * C;
	double *rows = s->rhs + nC;
	const float *gb = g + 2 * nC;
	float *zK = z + nC, *zb = z + 2 * nC;

	for (size_t k = 0; k < s->npieces; k++)
		for (size_t i = 0; i < s->pieces[k].count; i++) {
			size_t at = (s->pieces[k].position + i) * C;
			double q = root_weight(s, s->pieces[k].row + i);

			for (size_t c = 0; c < C; c++)
				s->rhs[at + c] = (double)g[at + c] / q;
		}
	chol_forward(s->la, s->L, n, s->rhs, C);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < C; c++)
			rows[c * n + i] = s->rhs[i * C + c];
	chol_backward_rows(s->la, s->L, n, rows, C);
	for (size_t k = 0; k < s->npieces; k++)
		for (size_t i = 0; i < s->pieces[k].count; i++) {
			size_t position = s->pieces[k].position + i;
			size_t at = position * C;
			double q = root_weight(s, s->pieces[k].row + i);
			double to = s->shape_sum / (s->h * q * q);

			for (size_t c = 0; c < C; c++) {
				double a = q * rows[c * n + position];

				z[at + c] = (float)a;
				zK[at + c] = (float)(((double)g[at + c] -
							 s->factored * a) *
						     to);
			}
		}
	for (size_t c = 0; c < C; c++)
		zb[c] = (float)((double)gb[c] / s->h);
}

/*
 * A with its column means taken off stands for the same function of
 * uncentred inner products; what centring had moved into the intercepts is
 * mean . A.  A: [n, C]   moved: [C]
 */
static void
uncentre(const struct solver *s, float *A, double *moved)
{
	size_t C = s->C;

	for (size_t c = 0; c < C; c++) {
		double sum = 0;

		for (size_t i = 0; i < s->n; i++)
			sum += (double)s->x[i * C + c];
		sum /= (double)s->n;
		moved[c] = 0;
		for (size_t i = 0; i < s->n; i++) {
			A[i * C + c] = (float)((double)s->x[i * C + c] - sum);
			moved[c] += (double)A[i * C + c] * (double)s->mean[i];
		}
	}
}

static float *
uncentred(const struct solver *s, float *b, struct error *e)
{
	float *A = mem_aligned(s->n * s->C, sizeof(*A));
	double *moved = mem_array(s->C, sizeof(*moved));

	if (A == NULL || moved == NULL) {
		free(A);
		free(moved);
		error_memory(e);
		return NULL;
	}
	uncentre(s, A, moved);
	for (size_t c = 0; c < s->C; c++)
		b[c] = (float)((double)s->x[2 * s->n * s->C + c] - moved[c]);
	free(moved);
	return A;
}

int
dual_scores(struct solver *s, float *F, struct error *e)
{
	size_t C = s->C;
	float *b = mem_array(C, sizeof(*b)), *A, *part;

	A = b == NULL ? NULL : uncentred(s, b, e);
	part = mem_aligned(s->m * C, sizeof(*part));
	if (A == NULL || part == NULL) {
		free(b);
		free(A);
		free(part);
		return error_memory(e);
	}
	for (size_t i = 0; i < s->m; i++)
		memcpy(F + i * C, b, C * sizeof(*b));
	for (size_t p = 0; p < s->kernels.features; p++) {
		if (!(s->weight[p] > 0))
			continue;
		s->la->gemm(part, C, mat_rows(s->kernels.test[p], s->n),
		    mat_rows(A, C), s->m, C, s->n, 0);
		s->la->axpy(F, (float)s->weight[p], part, s->m * C);
	}
	free(b);
	free(A);
	free(part);
	return 0;
}

/* W_p = w_p X_p' A for one feature. */
static void
dual_weights(struct solver *s, const struct feature *f, double weight,
    const float *A, float *W)
{
	const struct linalg *la = s->la;
	size_t C = s->C, D = f->dim;

	for (size_t k = 0; k < s->npieces; k++) {
		const struct piece *t = &s->pieces[k];
		const float *a = A + t->position * C;

		if (f->kind == PART_DENSE) {
			la->gemm(W, C, mat_cols(f->x + t->row * D, D),
			    mat_rows(a, C), D, C, t->count, 1);
			continue;
		}
		for (size_t i = 0; i < t->count; i++) {
			size_t at = f->start[t->row + i];

			for (size_t m = 0; m < f->count[t->row + i]; m++) {
				size_t c = f->index[at + m];
				float v = f->value[at + m] * f->idf[c] *
					  f->inverse[t->row + i];

				la->axpy(W + c * C, v, a + i * C, C);
			}
		}
	}
	la->scale(W, (float)weight, W, f->active * C);
}

int
dual_model(struct solver *s, float *W, float *b, struct error *e)
{
	float *A = uncentred(s, b, e);

	if (A == NULL)
		return -1;
	memset(W, 0, s->columns * s->C * sizeof(*W));
	for (size_t p = 0; p < s->ds->features; p++) {
		const struct feature *f = &s->ds->feature[p];

		if (s->weight[p] > 0)
			dual_weights(s, f, s->weight[p], A, W);
		W += f->active * s->C;
	}
	free(A);
	return 0;
}
