/*
 * The solver in the span of the training rows.  With centred inner products K
 * (so that the intercepts are independent of the rest to second order) the
 * scores are F = K A + b, and a step d in A moves them by K d; points and steps
 * carry both, gradients do not.  A step costs one product with K, next to two
 * triangular solves.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/solver_impl.h"
#include "linalg/cholf.h"

/* The least curvature of a record as a share of the mean, and of all. */
static const double LEAST_SHARE = 1e-3, LEAST_SUM = 1e-6;

/*
 * K has directions in which no score changes: the constant one, and more where
 * rows depend on each other.  The inner product does not see them, and steps
 * can pile up there until what is rounded off K A counts.  A point is none
 * where that would be more than LOST of the value.
 */
static const double ROUNDING = 1e-7, LOST = 1e-3;

int
dual_new(struct solver *s, struct error *e)
{
	size_t nC = s->n * s->C;

	s->size = 2 * nC + s->C;
	s->K = mem_aligned(s->n * s->n, sizeof(*s->K));
	s->mean = mem_aligned(s->n, sizeof(*s->mean));
	s->rhsf = mem_aligned(nC, sizeof(*s->rhsf));
	s->Lf = mem_aligned(s->n * s->n, sizeof(*s->Lf));
	s->root = mem_aligned(s->n, sizeof(*s->root));
	s->room = mem_aligned(cholf_scratch(s->n, s->C), sizeof(*s->room));
	if (s->K == NULL || s->mean == NULL || s->rhsf == NULL ||
	    s->Lf == NULL || s->room == NULL || s->root == NULL)
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
	struct sum t = { s, s->Lf, (float)s->weight[p] };

	if (!(s->weight[p] > 0))
		return 0;
	if (s->kernels.train != NULL)
		t.part = s->kernels.train[p];
	else if (kernels_feature(s->Lf, NULL, s->la, s->pool, s->ds, p,
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
	/* K g is not needed: its place is scratch. */
	s->piece_loss[i] = loss_gradient(
	    s->la, &s->truth, t->row, t->count, R, p->g + nC + at);
	s->la->scale(R, (float)(1 / s->S), R, t->count * C);
}

struct product {
	struct solver *s;
	const float *A;
	float *KA;
};

/* K A for one piece of rows. */
static void
product_piece(void *arg, size_t i, int worker)
{
	struct product *p = arg;
	struct solver *s = p->s;
	const struct piece *t = &s->pieces[i];

	(void)worker;
	s->la->gemm(p->KA + t->position * s->C, s->C,
	    mat_rows(s->K + t->position * s->n, s->n), mat_rows(p->A, s->C),
	    t->count, s->C, s->n, 0);
}

/* The second half of a vector from the first. */
void
dual_complete(void *ctx, float *x)
{
	struct solver *s = ctx;
	struct product p = { s, x, x + s->n * s->C };

	pool_run(s->pool, s->npieces, product_piece, &p);
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
	s->size_of_K = 0;
	for (size_t i = 0; i < s->n; i++)
		s->size_of_K += (double)s->la->norm2(s->K + i * s->n, s->n);
	s->size_of_K = sqrt(s->size_of_K / (double)s->n);
	if (s->lambda > 0)
		dual_complete(s, s->x);
	return 0;
}

double
dual_eval(void *ctx, const float *x, float *g)
{
	struct solver *s = ctx;
	struct pass p = { s, x, g };
	size_t C = s->C, nC = s->n * C;
	float *gb = g + 2 * nC;
	double loss = 0, value, lost;

	pool_run(s->pool, s->npieces, residual_piece, &p);
	for (size_t i = 0; i < s->npieces; i++)
		loss += s->piece_loss[i];
	for (size_t c = 0; c < C; c++) {
		double sum = 0;

		for (size_t r = 0; r < s->n; r++)
			sum += (double)g[r * C + c];
		gb[c] = (float)sum;
	}
	memset(g + nC, 0, nC * sizeof(*g));
	s->la->axpy(g, (float)s->lambda, x, nC);
	value = loss / s->S + 0.5 * s->lambda * lbfgs_dot(s->la, x, x + nC, nC);
	lost = 0.5 * s->lambda * ROUNDING * s->size_of_K *
	       lbfgs_dot(s->la, x, x, nC);
	return lost <= LOST * value ? value : INFINITY;
}

double
dual_dot(void *ctx, const float *u, const float *v)
{
	struct solver *s = ctx;
	size_t nC = s->n * s->C;

	return lbfgs_dot(s->la, u, v + nC, nC) +
	       lbfgs_dot(s->la, u + 2 * nC, v + 2 * nC, s->C);
}

/*
 * The curvature of the loss at the present model, record by record: the mean
 * over the outputs of p(1 - p) (regression: 1) times the record's weight over
 * S.  Its root goes to root: [n].
 */
static void
curvature_piece(void *arg, size_t i, int worker)
{
	struct solver *s = arg;
	const struct piece *t = &s->pieces[i];
	size_t C = s->C, at = t->position * C;
	float *F = s->rhsf + at;
	const float *KA = s->x + s->n * C + at, *b = s->x + 2 * s->n * C;

	(void)worker;
	for (size_t r = 0; r < t->count; r++)
		for (size_t c = 0; c < C; c++)
			F[r * C + c] = KA[r * C + c] + b[c];
	loss_link(s->la, s->truth.task, F, t->count, C);
	for (size_t r = 0; r < t->count; r++) {
		double h = s->truth.task == TASK_REGRESS;
		double w = (double)s->truth.weight[t->row + r] / s->S;

		for (size_t c = 0; h < 1 && c < C; c++) {
			double p = (double)F[r * C + c];

			h += p * (1 - p) / (double)C;
		}
		s->root[t->position + r] = (float)(w * h);
	}
}

/* Records that count for next to nothing now may count later, and their roots
 * are divided by. */
static void
curvature(struct solver *s)
{
	double sum = 0;

	pool_run(s->pool, s->npieces, curvature_piece, s);
	for (size_t i = 0; i < s->n; i++)
		sum += (double)s->root[i];
	s->h = sum > LEAST_SUM ? sum : LEAST_SUM;
	for (size_t i = 0; i < s->n; i++) {
		double h = (double)s->root[i];
		double least = LEAST_SHARE * s->h / (double)s->n;

		s->root[i] = (float)sqrt(h > least ? h : least);
	}
}

/*
 * M = lambda I + Q K Q with Q = diag(root); in terms of A, the operator
 * lambda + K Q^2 is Q inv(M) inv(Q) upside down.
 */
static void
system_rows(void *arg, size_t i, int worker)
{
	struct solver *s = arg;
	const struct piece *t = &s->pieces[i];
	size_t n = s->n;

	(void)worker;
	for (size_t r = t->position; r < t->position + t->count; r++) {
		const float *K = s->K + r * n;
		float *M = s->Lf + r * n, q = s->root[r];

		for (size_t k = 0; k <= r; k++)
			M[k] = q * s->root[k] * K[k];
		M[r] += (float)s->factored;
	}
}

/* A penalty so small that float32 sees none of it grows until it does: the
 * preconditioner is then for that one. */
int
dual_factor(struct solver *s, struct error *e)
{
	curvature(s);
	for (int k = 0; k < 20; k++) {
		pool_run(s->pool, s->npieces, system_rows, s);
		if (cholf_factor(s->la, s->pool, s->Lf, s->n, s->room) == 0)
			return 0;
		s->factored *= 10;
	}
	return error_set(e, "matrix is not positive definite");
}

/* z = P g */
void
dual_precondition(void *ctx, const float *g, float *z)
{
	struct solver *s = ctx;
	size_t n = s->n, C = s->C, nC = n * C;

	for (size_t i = 0; i < n; i++)
		s->la->scale(z + i * C, 1 / s->root[i], g + i * C, C);
	cholf_solve(s->la, s->pool, s->Lf, n, z, C, s->room);
	for (size_t i = 0; i < n; i++)
		s->la->scale(z + i * C, s->root[i], z + i * C, C);
	dual_complete(s, z);
	s->la->scale(z + 2 * nC, (float)(1 / s->h), g + 2 * nC, C);
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

/* F: [m, C] of one part, A uncentred. */
static void
part_scores(struct solver *s, size_t p, const float *A, float *F)
{
	if (!(s->weight[p] > 0)) {
		memset(F, 0, s->m * s->C * sizeof(*F));
		return;
	}
	s->la->gemm(F, s->C, mat_rows(s->kernels.test[p], s->n),
	    mat_rows(A, s->C), s->m, s->C, s->n, 0);
	s->la->scale(F, (float)s->weight[p], F, s->m * s->C);
}

int
dual_part(struct solver *s, size_t p, float *F, struct error *e)
{
	float *b = mem_array(s->C, sizeof(*b));
	float *A = b == NULL ? NULL : uncentred(s, b, e);

	if (b == NULL)
		error_memory(e);
	else if (A != NULL && p < s->kernels.features)
		part_scores(s, p, A, F);
	else if (A != NULL)
		for (size_t i = 0; i < s->m; i++)
			memcpy(F + i * s->C, b, s->C * sizeof(*b));
	free(b);
	free(A);
	return A != NULL ? 0 : -1;
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
		part_scores(s, p, A, part);
		s->la->axpy(F, 1, part, s->m * C);
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

/* Centred or not, the columns of indicators give the same: A sums to 0. */
int
dual_missing(struct solver *s, float *M, struct error *e)
{
	size_t p = s->ds->parts;
	const struct feature *f = &s->ds->feature[p];
	float *b = mem_array(s->C, sizeof(*b));
	float *A = b == NULL ? NULL : uncentred(s, b, e);

	if (b == NULL)
		error_memory(e);
	memset(M, 0, f->active * s->C * sizeof(*M));
	if (A != NULL && s->weight[p] > 0)
		dual_weights(s, f, s->weight[p], A, M);
	free(b);
	free(A);
	return A != NULL ? 0 : -1;
}
