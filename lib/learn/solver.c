#include "learn/solver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/solver_impl.h"
#include "linalg/mathd.h"

enum { MOST_EVALUATIONS = 500 };

/* A preconditioner made for one lambda serves others this near. */
static const double NEAR = 40, NEAR_DUAL = 5;

/* As does one made for weights of which none is this much smaller. */
static const double FAR = 12;

static int
choose(enum solver_way way, const struct solver *s)
{
	if (way != SOLVER_AUTO)
		return way == SOLVER_DUAL;
	return s->n <= SOLVER_MAX_GRAM && s->n < s->columns;
}

struct solver *
solver_new(enum solver_way way, const struct linalg *la, struct pool *pool,
    const struct dataset *ds, const struct rows *train, const struct rows *test,
    struct error *e)
{
	struct solver *s = mem_array(1, sizeof(*s));

	if (s == NULL) {
		error_memory(e);
		return NULL;
	}
	s->la = la;
	s->pool = pool;
	s->ds = ds;
	s->train = *train;
	if (test != NULL)
		s->test = *test;
	s->n = rows_count(&s->train);
	s->m = rows_count(&s->test);
	s->C = ds->C;
	s->columns = dataset_columns(ds);
	s->pieces = mem_array(s->n / PIECE + 3, sizeof(*s->pieces));
	s->piece_loss = mem_array(s->n / PIECE + 3, sizeof(*s->piece_loss));
	s->weight = mem_array(4 * ds->features, sizeof(*s->weight));
	if (s->pieces == NULL || s->piece_loss == NULL || s->weight == NULL) {
		error_memory(e);
		solver_free(s);
		return NULL;
	}
	s->made = s->weight + ds->features;
	s->scaled = s->made + ds->features;
	s->gain = s->scaled + ds->features;
	for (size_t p = 0; p < ds->features; p++)
		s->gain[p] = ds->feature[p].gain;
	s->npieces = pieces_of(&s->train, s->pieces);
	s->dual = choose(way, s);
	if ((s->dual ? dual_new(s, e) : primal_new(s, e)) < 0) {
		solver_free(s);
		return NULL;
	}
	s->x = mem_aligned(s->size, sizeof(*s->x));
	if (s->x == NULL) {
		error_memory(e);
		solver_free(s);
		return NULL;
	}
	return s;
}

void
solver_free(struct solver *s)
{
	int threads;

	if (s == NULL)
		return;
	threads = s->pool != NULL ? pool_threads(s->pool) : 1;
	for (int t = 0; s->scratch != NULL && t < threads; t++)
		free(s->scratch[t]);
	kernels_free(&s->kernels);
	free(s->pieces);
	free(s->piece_loss);
	free(s->weight);
	free(s->x);
	free(s->K);
	free(s->mean);
	free(s->L);
	free(s->rhs);
	free(s->Lf);
	free(s->rhsf);
	free(s->room);
	free(s->root);
	free(s->offset);
	free(s->gram);
	free(s->diagonal);
	free(s->inverse);
	free(s->shape);
	free(s->V);
	free(s->partial);
	free(s->scratch);
	free(s);
}

int
solver_is_dual(const struct solver *s)
{
	return s->dual;
}

void
solver_warm(struct solver *s)
{
	s->warm = 1;
}

void
solver_cold(struct solver *s)
{
	s->lambda = s->factored = 0;
	if (s->shape != NULL)
		memset(s->made, 0, s->ds->features * sizeof(*s->made));
	free(s->shape);
	s->shape = NULL;
}

void
solver_pool(struct solver *s, struct pool *pool)
{
	s->pool = pool;
}

/* Whether the preconditioner may serve these weights: no part has come that it
 * knows little of. */
static int
near_made(const struct solver *s)
{
	for (size_t p = 0; p < s->ds->features; p++)
		if (s->weight[p] > FAR * s->made[p])
			return 0;
	return 1;
}

int
solver_weigh(struct solver *s, const double *weight, struct error *e)
{
	double *scaled = s->scaled;

	/* Means of rows are shorter than vectors of other parts. */
	for (size_t p = 0; p < s->ds->features; p++)
		scaled[p] = weight[p] * s->gain[p] * s->gain[p];
	if (s->warm && !s->dual)
		primal_carry(s, scaled);
	memcpy(s->weight, scaled, s->ds->features * sizeof(*scaled));
	if (!s->warm || s->dual || !near_made(s))
		s->factored = 0;
	return s->dual ? dual_weigh(s, e) : primal_weigh(s, e);
}

/*
 * The intercepts that fit best alone, classes smoothed by half a record, which
 * a model that has no fit yet gets, and the curvature there.
 */
static void
intercepts(struct solver *s)
{
	const struct truth *t = &s->truth;
	float *b = s->x + s->size - s->C;
	int set = !(s->lambda > 0);
	double S = 0, h = 0;

	for (size_t c = 0; c < s->C; c++) {
		double sum = 0, p;

		S = 0;
		for (size_t k = 0; k < s->npieces; k++)
			for (size_t i = 0; i < s->pieces[k].count; i++) {
				size_t r = s->pieces[k].row + i;
				double w = (double)t->weight[r];

				S += w;
				if (t->task == TASK_CLASS)
					sum += t->label[r] == c ? w : 0;
				else
					sum += w * (double)t->y[r * s->C + c];
			}
		if (t->task == TASK_REGRESS) {
			b[c] = set ? (float)(sum / S) : b[c];
			h += 1;
			continue;
		}
		p = t->task == TASK_CLASS
			? (sum + 0.5) / (S + 0.5 * (double)s->C)
			: (sum + 0.5) / (S + 1);
		h += p * (1 - p);
		if (set)
			b[c] = (float)(t->task == TASK_CLASS
					   ? mathd_log(p)
					   : mathd_log(p) - mathd_log1p(-p));
	}
	s->S = S;
	s->h = h / (double)s->C;
}

/* A model that has no fit is that of intercepts alone. */
static void
start(struct solver *s)
{
	if (!(s->lambda > 0))
		memset(s->x, 0, s->size * sizeof(*s->x));
	intercepts(s);
}

static int
take_shape(struct solver *s, struct error *e)
{
	s->shape = mem_array(s->ds->n, sizeof(*s->shape));
	if (s->shape == NULL)
		return error_memory(e);
	memcpy(s->shape, s->truth.weight, s->ds->n * sizeof(*s->shape));
	s->shape_sum = s->S;
	return primal_gram(s, e);
}

int
solver_truth(struct solver *s, const struct truth *t, struct error *e)
{
	s->truth = *t;
	if (!s->warm)
		s->lambda = 0;
	start(s);
	if (!(s->S > 0))
		return error_set(e, "the weights of the records are all zero");
	return s->dual || s->shape != NULL ? 0 : take_shape(s, e);
}

static int
factor(struct solver *s, struct error *e)
{
	s->factored = s->lambda;
	memcpy(s->made, s->weight, s->ds->features * sizeof(*s->made));
	if ((s->dual ? dual_factor(s, e) : primal_factor(s, e)) == 0)
		return 0;
	s->factored = 0;
	return -1;
}

/* The model of one lambda may be none for another: once more from the
 * intercepts. */
static int
minimise(struct solver *s, const struct lbfgs_problem *p, double tolerance,
    int max, struct lbfgs_result *r, struct error *e)
{
	double lambda = s->lambda;

	if (lbfgs(s->la, p, s->x, tolerance, max, r, e) == 0)
		return 0;
	if (e->memory)
		return -1;
	s->lambda = 0;
	start(s);
	s->lambda = lambda;
	return factor(s, e) < 0 ? -1
				: lbfgs(s->la, p, s->x, tolerance, max, r, e);
}

/* A dual preconditioner is of the model it was made at: where many steps do not
 * get there, it is made anew where they led to. */
static const int STEPS[] = { 10, 20, MOST_EVALUATIONS };

int
solver_fit(struct solver *s, double lambda, double tolerance,
    struct lbfgs_result *r, struct error *e)
{
	struct lbfgs_problem p = { .n = s->size, .ctx = s };
	double near = s->dual ? NEAR_DUAL : NEAR;
	int done = 0, k = s->dual ? 0 : 2;

	p.eval = s->dual ? dual_eval : primal_eval;
	p.precondition = s->dual ? dual_precondition : primal_precondition;
	p.dot = s->dual ? dual_dot : primal_dot;
	p.complete = s->dual ? dual_complete : NULL;
	s->lambda = lambda;
	if ((!(s->factored > 0) || s->truth.task == TASK_REGRESS ||
		s->factored > near * lambda || s->factored < lambda / near) &&
	    factor(s, e) < 0)
		return lbfgs_out_of_bounds(e);
	for (;; k++) {
		if (minimise(s, &p, tolerance, STEPS[k], r, e) < 0)
			return lbfgs_out_of_bounds(e);
		r->evaluations += done;
		if (r->converged || k == 2)
			return 0;
		if (factor(s, e) < 0)
			return lbfgs_out_of_bounds(e);
		done = r->evaluations;
	}
}

int
solver_scores(struct solver *s, float *F, struct error *e)
{
	return s->dual ? dual_scores(s, F, e) : primal_scores(s, F, e);
}

int
solver_model(struct solver *s, float *W, float *b, struct error *e)
{
	return s->dual ? dual_model(s, W, b, e) : primal_model(s, W, b, e);
}

int
solver_part(struct solver *s, size_t p, float *F, struct error *e)
{
	if (s->dual)
		return dual_part(s, p, F, e);
	primal_part(s, p, F);
	return 0;
}

int
solver_missing(struct solver *s, float *M, struct error *e)
{
	size_t p = s->ds->parts, n = s->ds->feature[p].active * s->C;

	if (s->dual)
		return dual_missing(s, M, e);
	s->la->scale(
	    M, (float)sqrt(s->weight[p]), s->x + s->size - s->C - n, n);
	return 0;
}
