/*
 * The solver in the columns' own coordinates.  Rows go through in blocks that
 * stay in the cache: scores, loss, and their share of the gradient.  CHUNKS
 * chunks of blocks have a gradient each, whatever the number of threads.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/solver_impl.h"
#include "linalg/chol.h"

enum { CHUNKS = 4 };

static size_t
gradient_size(const struct solver *s)
{
	return (s->columns + 1) * s->C;
}

int
primal_new(struct solver *s, struct error *e)
{
	int threads = s->pool != NULL ? pool_threads(s->pool) : 1;
	size_t at = 0;

	s->size = gradient_size(s);
	s->offset = mem_array(s->ds->features, sizeof(*s->offset));
	s->diagonal = mem_array(s->columns, sizeof(*s->diagonal));
	s->inverse = mem_array(s->columns, sizeof(*s->inverse));
	s->V = mem_aligned(s->columns * s->C, sizeof(*s->V));
	s->partial = mem_aligned(CHUNKS * s->size, sizeof(*s->partial));
	s->scratch = mem_array((size_t)threads, sizeof(*s->scratch));
	if (s->offset == NULL || s->diagonal == NULL || s->inverse == NULL ||
	    s->V == NULL || s->partial == NULL || s->scratch == NULL)
		return error_memory(e);
	for (int t = 0; t < threads; t++) {
		s->scratch[t] = mem_aligned(2 * PIECE * s->C, sizeof(float));
		if (s->scratch[t] == NULL)
			return error_memory(e);
	}
	for (size_t p = 0; p < s->ds->features; p++) {
		s->offset[p] = at;
		at += s->ds->feature[p].active;
		if (s->ds->feature[p].kind == PART_DENSE)
			s->dense += s->ds->feature[p].dim;
	}
	if (s->dense > SOLVER_MAX_GRAM || s->dense == 0)
		return 0;
	s->gram = mem_aligned(s->dense * s->dense, sizeof(*s->gram));
	s->L = mem_aligned(s->dense * s->dense, sizeof(*s->L));
	s->rhs = mem_aligned(2 * s->dense * s->C, sizeof(*s->rhs));
	if (s->gram == NULL || s->L == NULL || s->rhs == NULL)
		return error_memory(e);
	return 0;
}

int
primal_weigh(struct solver *s, struct error *e)
{
	(void)s;
	(void)e;
	return 0;
}

/* The same function with these weights in place of the present ones. */
void
primal_carry(struct solver *s, const double *weight)
{
	for (size_t p = 0; p < s->ds->features; p++) {
		float *W = s->x + s->offset[p] * s->C;
		double k = s->weight[p] > 0 && weight[p] > 0
			       ? sqrt(s->weight[p] / weight[p])
			       : 0;

		s->la->scale(W, (float)k, W, s->ds->feature[p].active * s->C);
	}
}

/* What column c of feature p is multiplied by. */
static float
column_scale(const struct solver *s, size_t p, size_t c)
{
	const struct feature *f = &s->ds->feature[p];
	float w = (float)sqrt(s->weight[p]);

	return f->kind == PART_SPARSE ? w * f->idf[c] : w;
}

/* to = from * column_scale, row by row of [columns, C]. */
static void
scale_columns(const struct solver *s, float *to, const float *from)
{
	size_t C = s->C;

	for (size_t p = 0; p < s->ds->features; p++)
		for (size_t c = 0; c < s->ds->feature[p].active; c++) {
			size_t at = (s->offset[p] + c) * C;

			s->la->scale(
			    to + at, column_scale(s, p, c), from + at, C);
		}
}

/* F += X_p V_p for rows [row, row + n). */
static void
part_scores(const struct solver *s, size_t p, size_t row, size_t n, float *F)
{
	const struct feature *f = &s->ds->feature[p];
	const float *V = s->V + s->offset[p] * s->C;
	size_t C = s->C;

	if (f->kind == PART_DENSE) {
		s->la->gemm(F, C, mat_rows(f->x + row * f->dim, f->dim),
		    mat_rows(V, C), n, C, f->dim, 1);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t at = f->start[row + i];
		float inverse = f->inverse[row + i];

		for (size_t k = 0; k < f->count[row + i]; k++)
			s->la->axpy(F + i * C, inverse * f->value[at + k],
			    V + f->index[at + k] * C, C);
	}
}

/* F = b + X V for rows [row, row + n). */
static void
block_scores(
    const struct solver *s, size_t row, size_t n, const float *b, float *F)
{
	for (size_t i = 0; i < n; i++)
		memcpy(F + i * s->C, b, s->C * sizeof(*b));
	for (size_t p = 0; p < s->ds->features; p++)
		part_scores(s, p, row, n, F);
}

/* G += X' R for the same rows, before the columns' scales. */
static void
block_gradient(
    const struct solver *s, size_t row, size_t n, const float *R, float *G)
{
	size_t C = s->C;

	for (size_t p = 0; p < s->ds->features; p++) {
		const struct feature *f = &s->ds->feature[p];
		float *W = G + s->offset[p] * C;

		if (f->kind == PART_DENSE) {
			s->la->gemm(W, C, mat_cols(f->x + row * f->dim, f->dim),
			    mat_rows(R, C), f->dim, C, n, 1);
			continue;
		}
		for (size_t i = 0; i < n; i++) {
			size_t at = f->start[row + i];
			float inverse = f->inverse[row + i];

			for (size_t k = 0; k < f->count[row + i]; k++)
				s->la->axpy(W + f->index[at + k] * C,
				    inverse * f->value[at + k], R + i * C, C);
		}
	}
	for (size_t i = 0; i < n; i++)
		s->la->axpy(G + s->columns * C, 1, R + i * C, C);
}

struct pass {
	struct solver *s;
	const float *b;
};

/* The pieces of chunk i: [first, end). */
static size_t
chunk_pieces(const struct solver *s, size_t i, size_t *end)
{
	*end = s->npieces * (i + 1) / CHUNKS;
	return s->npieces * i / CHUNKS;
}

static void
pass_chunk(void *arg, size_t i, int worker)
{
	struct pass *p = arg;
	struct solver *s = p->s;
	float *F = s->scratch[worker], *aside = F + PIECE * s->C;
	float *G = s->partial + i * s->size;
	size_t end, k = chunk_pieces(s, i, &end);

	memset(G, 0, s->size * sizeof(*G));
	for (; k < end; k++) {
		const struct piece *t = &s->pieces[k];

		block_scores(s, t->row, t->count, p->b, F);
		s->piece_loss[k] =
		    loss_gradient(s->la, &s->truth, t->row, t->count, F, aside);
		block_gradient(s, t->row, t->count, F, G);
	}
}

double
primal_eval(void *ctx, const float *x, float *g)
{
	struct solver *s = ctx;
	size_t WC = s->columns * s->C;
	struct pass p = { s, x + WC };
	double loss = 0;

	scale_columns(s, s->V, x);
	pool_run(s->pool, CHUNKS, pass_chunk, &p);
	for (size_t k = 0; k < s->npieces; k++)
		loss += s->piece_loss[k];
	memcpy(g, s->partial, s->size * sizeof(*g));
	for (size_t i = 1; i < CHUNKS; i++)
		s->la->axpy(g, 1, s->partial + i * s->size, s->size);
	scale_columns(s, g, g);
	s->la->scale(g, (float)(1 / s->S), g, s->size);
	s->la->axpy(g, (float)s->lambda, x, WC);
	return loss / s->S + 0.5 * s->lambda * lbfgs_dot(s->la, x, x, WC);
}

double
primal_dot(void *ctx, const float *u, const float *v)
{
	struct solver *s = ctx;

	return lbfgs_dot(s->la, u, v, s->size);
}

/* ---- the preconditioner ---- */

/* The diagonal of X'SX, before the columns' scales. */
static void
add_diagonal(struct solver *s)
{
	for (size_t p = 0; p < s->ds->features; p++) {
		const struct feature *f = &s->ds->feature[p];
		double *d = s->diagonal + s->offset[p];

		for (size_t k = 0; k < s->npieces; k++)
			for (size_t i = 0; i < s->pieces[k].count; i++) {
				size_t r = s->pieces[k].row + i;
				double w = (double)s->shape[r];

				if (f->kind == PART_DENSE) {
					const float *x = f->x + r * f->dim;

					for (size_t c = 0; c < f->dim; c++)
						d[c] += w * (double)x[c] *
							(double)x[c];
					continue;
				}
				w *= (double)f->inverse[r] *
				     (double)f->inverse[r];
				for (size_t m = 0; m < f->count[r]; m++) {
					size_t at = f->start[r] + m;
					double v = (double)f->value[at];

					d[f->index[at]] += w * v * v;
				}
			}
	}
}

/* The dense columns of one piece side by side, each row times the root of its
 * weight. */
static void
weighted_rows(const struct solver *s, const struct piece *t, float *X)
{
	size_t at = 0;

	for (size_t p = 0; p < s->ds->features; p++) {
		const struct feature *f = &s->ds->feature[p];

		if (f->kind != PART_DENSE)
			continue;
		for (size_t i = 0; i < t->count; i++) {
			double q = sqrt(
			    s->weight[p] * (double)s->truth.weight[t->row + i]);

			s->la->scale(X + i * s->dense + at, (float)q,
			    f->x + (t->row + i) * f->dim, f->dim);
		}
		at += f->dim;
	}
}

struct gram_job {
	struct solver *s;
	const float *X;
	size_t n;
};

enum { GRAM_ROWS = 64 };

static void
gram_rows(void *arg, size_t i, int worker)
{
	struct gram_job *j = arg;
	size_t d = j->s->dense, from = i * GRAM_ROWS;
	size_t to = d - from < GRAM_ROWS ? d : from + GRAM_ROWS;

	(void)worker;
	j->s->la->gram(j->s->gram, j->X, d, j->n, d, from, to);
}

int
primal_gram(struct solver *s, struct error *e)
{
	float *X;

	memset(s->diagonal, 0, s->columns * sizeof(*s->diagonal));
	add_diagonal(s);
	if (s->gram == NULL)
		return 0;
	X = mem_aligned(PIECE * s->dense, sizeof(*X));
	if (X == NULL)
		return error_memory(e);
	memset(s->gram, 0, s->dense * s->dense * sizeof(*s->gram));
	for (size_t k = 0; k < s->npieces; k++) {
		struct gram_job j = { s, X, s->pieces[k].count };

		weighted_rows(s, &s->pieces[k], X);
		pool_run(s->pool, (s->dense + GRAM_ROWS - 1) / GRAM_ROWS,
		    gram_rows, &j);
	}
	free(X);
	return 0;
}

/* The weight of the feature that dense column *i belongs to; *i moves on to
 * the end of the feature. */
static double
dense_weight(const struct solver *s, size_t *i)
{
	size_t end = 0;

	for (size_t p = 0; p < s->ds->features; p++) {
		if (s->ds->feature[p].kind != PART_DENSE)
			continue;
		end += s->ds->feature[p].dim;
		if (*i < end) {
			*i = end;
			return s->weight[p];
		}
	}
	return 0;
}

int
primal_factor(struct solver *s, struct error *e)
{
	size_t d = s->dense, iend, kend;
	double h = s->h / s->shape_sum;

	for (size_t p = 0; p < s->ds->features; p++)
		for (size_t c = 0; c < s->ds->feature[p].active; c++) {
			size_t at = s->offset[p] + c;
			double v = (double)column_scale(s, p, c);

			s->inverse[at] =
			    1 / (h * v * v * s->diagonal[at] + s->factored);
		}
	if (s->gram == NULL)
		return 0;
	for (size_t i = 0; i < d; i = iend) {
		double wi;

		iend = i;
		wi = dense_weight(s, &iend);
		for (size_t k = 0; k < iend; k = kend) {
			double w;

			kend = k;
			w = h * sqrt(wi * dense_weight(s, &kend));
			for (size_t r = i; r < iend; r++)
				for (size_t c = k; c < kend; c++)
					s->L[r * d + c] =
					    w * s->gram[r * d + c];
		}
	}
	for (size_t i = 0; i < d; i++)
		s->L[i * d + i] += s->factored;
	return chol_factor(s->la, s->L, d, e);
}

/* Rows of dense features between a vector and the right-hand sides. */
static void
dense_to_rhs(struct solver *s, const float *g)
{
	size_t at = 0, C = s->C;

	for (size_t p = 0; p < s->ds->features; p++) {
		const struct feature *f = &s->ds->feature[p];

		if (f->kind != PART_DENSE)
			continue;
		for (size_t i = 0; i < f->dim * C; i++)
			s->rhs[at + i] = (double)g[s->offset[p] * C + i];
		at += f->dim * C;
	}
}

static void
rhs_to_dense(const struct solver *s, float *z)
{
	size_t at = 0, C = s->C;

	for (size_t p = 0; p < s->ds->features; p++) {
		const struct feature *f = &s->ds->feature[p];

		if (f->kind != PART_DENSE)
			continue;
		for (size_t i = 0; i < f->dim * C; i++)
			z[s->offset[p] * C + i] = (float)s->rhs[at + i];
		at += f->dim * C;
	}
}

static void
transpose(double *to, const double *from, size_t rows, size_t columns)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
}

void
primal_precondition(void *ctx, const float *g, float *z)
{
	struct solver *s = ctx;
	size_t C = s->C;

	for (size_t c = 0; c < s->columns; c++)
		s->la->scale(z + c * C, (float)s->inverse[c], g + c * C, C);
	s->la->scale(
	    z + s->columns * C, (float)(1 / s->h), g + s->columns * C, C);
	if (s->gram == NULL)
		return;
	dense_to_rhs(s, g);
	chol_forward(s->la, s->L, s->dense, s->rhs, C);
	transpose(s->rhs + s->dense * C, s->rhs, s->dense, C);
	chol_backward_rows(s->la, s->L, s->dense, s->rhs + s->dense * C, C);
	transpose(s->rhs, s->rhs + s->dense * C, C, s->dense);
	rhs_to_dense(s, z);
}

int
primal_scores(struct solver *s, float *F, struct error *e)
{
	size_t done = 0;

	(void)e;
	scale_columns(s, s->V, s->x);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0, n; i < s->test.count[k]; i += n) {
			n = s->test.count[k] - i < PIECE ? s->test.count[k] - i
							 : PIECE;
			block_scores(s, s->test.first[k] + i, n,
			    s->x + s->columns * s->C, F + done * s->C);
			done += n;
		}
	return 0;
}

void
primal_part(struct solver *s, size_t p, float *F)
{
	const float *b = s->x + s->columns * s->C;
	size_t done = 0;

	scale_columns(s, s->V, s->x);
	memset(F, 0, s->m * s->C * sizeof(*F));
	for (int k = 0; k < 2; k++) {
		if (p < s->ds->features)
			part_scores(s, p, s->test.first[k], s->test.count[k],
			    F + done * s->C);
		else
			for (size_t i = 0; i < s->test.count[k]; i++)
				memcpy(F + (done + i) * s->C, b,
				    s->C * sizeof(*b));
		done += s->test.count[k];
	}
}

int
primal_model(struct solver *s, float *W, float *b, struct error *e)
{
	size_t C = s->C;

	(void)e;
	for (size_t p = 0; p < s->ds->features; p++)
		s->la->scale(W + s->offset[p] * C, (float)sqrt(s->weight[p]),
		    s->x + s->offset[p] * C, s->ds->feature[p].active * C);
	memcpy(b, s->x + s->columns * C, C * sizeof(*b));
	return 0;
}
