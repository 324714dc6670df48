#ifndef LEARN_SOLVER_IMPL_H
#define LEARN_SOLVER_IMPL_H

#include "learn/kernels.h"
#include "learn/solver.h"

/*
 * What solver.c, dual.c and primal.c share.  A solver's vectors are flat:
 *
 *	primal    W [columns, C]  b [C]
 *	dual      A [n, C]  K A [n, C]  b [C]
 *
 * where the dual's inner product takes A from one side and K A from the other;
 * of a gradient only A is there.
 */

struct solver {
	const struct linalg *la;
	struct pool *pool;
	const struct dataset *ds;
	struct rows train, test;
	size_t n, m, C;       /* training rows, rows to score, outputs */
	struct piece *pieces; /* of the training rows */
	size_t npieces;
	double *piece_loss; /* [npieces] */

	double *weight;     /* [features] times the square of their gain */
	double *scaled;     /* [features] scratch */
	double *gain;       /* [features] of the scaling it was made with */
	struct truth truth; /* borrowed */
	double S;           /* sum of the records' weights */
	double h;           /* curvature for the preconditioner */
	double lambda;      /* of the fit under way */

	/* The preconditioner: primal of these weights, the first that
	 * solver_truth got, dual of the model it was made at, and for this
	 * lambda (0: none).  It need not be that of the fit, only near it. */
	float *shape; /* [ds->n], NULL before */
	double shape_sum;
	double factored;
	double *made; /* [features] weights that it was made with */
	int warm;     /* see solver_warm */

	size_t size; /* of a vector */
	float *x;    /* [size] the present model */

	/* dual */
	int dual;
	struct kernels kernels;
	float *K;         /* [n, n] weighted sum, centred */
	float *mean;      /* [n] column means before that */
	double size_of_K; /* the root of the mean square of its rows */
	float *Lf;        /* [n, n] factor (linalg/cholf.h) */
	float *rhsf;      /* [n, C] scores, for the curvature */
	float *room;      /* of that factor */
	float *root;      /* [n] of the curvature that it was made for */

	/* primal */
	size_t columns, dense; /* all columns; those of dense features */
	size_t *offset;        /* [features] first row of W */
	double *gram;          /* [dense, dense] of X'SX, or NULL: diagonal */
	double *L;             /* [dense, dense] factor */
	double *rhs;           /* two of [dense, C] */
	double *diagonal;      /* [columns] of the same */
	double *inverse;       /* [columns] of h X'SX/S + lambda */
	float *V;              /* [columns, C] W times scale and sqrt(w) */
	float *partial;        /* [chunks, columns + 1, C] gradients */
	float **scratch;       /* [threads] */
};

int dual_new(struct solver *s, struct error *e);
int dual_weigh(struct solver *s, struct error *e);
void dual_complete(void *ctx, float *x);
double dual_eval(void *ctx, const float *x, float *g);
int dual_factor(struct solver *s, struct error *e);
void dual_precondition(void *ctx, const float *g, float *z);
double dual_dot(void *ctx, const float *u, const float *v);
int dual_scores(struct solver *s, float *F, struct error *e);
int dual_model(struct solver *s, float *W, float *b, struct error *e);
int dual_part(struct solver *s, size_t p, float *F, struct error *e);
int dual_missing(struct solver *s, float *M, struct error *e);

int primal_new(struct solver *s, struct error *e);
int primal_weigh(struct solver *s, struct error *e);
void primal_carry(struct solver *s, const double *weight);
int primal_gram(struct solver *s, struct error *e);
double primal_eval(void *ctx, const float *x, float *g);
int primal_factor(struct solver *s, struct error *e);
void primal_precondition(void *ctx, const float *g, float *z);
double primal_dot(void *ctx, const float *u, const float *v);
int primal_scores(struct solver *s, float *F, struct error *e);
int primal_model(struct solver *s, float *W, float *b, struct error *e);
void primal_part(struct solver *s, size_t p, float *F);

#endif
