#include "learn/lbfgs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What a sum of float32 losses may be off by, as a share of it. */
static const double ROUNDING = 1e-7;

int
lbfgs_out_of_bounds(struct error *e)
{
	return e->memory ? -1
			 : error_set(e, "a fit went out of bounds: some "
					"values, weights or targets are far "
					"larger than others");
}

struct state {
	const struct linalg *la;
	const struct lbfgs_problem *p;
	float *g, *next, *gnext, *d; /* [n] each */
	float *s, *y;                /* [LBFGS_PAIRS, n] */
	double rho[LBFGS_PAIRS];
	double scale; /* of the preconditioner, from the newest pair */
	int pairs, newest, steps;
	int bounded; /* a step led to where there is no point */
};

double
lbfgs_dot(const struct linalg *la, const float *u, const float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i += 4096)
		sum +=
		    (double)la->dot(u + i, v + i, n - i < 4096 ? n - i : 4096);
	return sum;
}

static double
inner(const struct state *st, const float *u, const float *v)
{
	return st->p->dot(st->p->ctx, u, v);
}

/* Pair k, counted from the newest. */
static size_t
pair_at(const struct state *st, int k)
{
	return (size_t)((st->newest - k + LBFGS_PAIRS) % LBFGS_PAIRS);
}

/* d = -H g, the two-loop recursion. */
static void
direction(struct state *st)
{
	size_t n = st->p->n;
	double alpha[LBFGS_PAIRS] = { 0 };
	float *q = st->next; /* free until the next step */

	memcpy(q, st->g, n * sizeof(*q));
	for (int k = 0; k < st->pairs; k++) {
		size_t i = pair_at(st, k);

		alpha[k] = st->rho[i] * inner(st, q, st->s + i * n);
		st->la->axpy(q, (float)-alpha[k], st->y + i * n, n);
	}
	st->p->precondition(st->p->ctx, q, st->d);
	st->la->scale(st->d, (float)st->scale, st->d, n);
	for (int k = st->pairs; k-- > 0;) {
		size_t i = pair_at(st, k);
		double beta = st->rho[i] * inner(st, st->y + i * n, st->d);

		st->la->axpy(st->d, (float)(alpha[k] - beta), st->s + i * n, n);
	}
	st->la->scale(st->d, -1, st->d, n);
}

/*
 * Go along d to a point that is enough lower (Armijo), halving at least and
 * guided by a parabola through what is known.  Where the differences are
 * within the rounding of the values, the slopes say it instead (the
 * approximate Wolfe conditions of Hager and Zhang, SIAM J. Optim. 16, 2005).
 * Returns the step, or 0 when there is none.
 */
static double
search(struct state *st, const float *x, double f, double slope, double *fnext,
    struct lbfgs_result *r, int max)
{
	size_t n = st->p->n;
	double t = 1;

	while (r->evaluations < max && t > 1e-6) {
		double best;

		memcpy(st->next, x, n * sizeof(*x));
		st->la->axpy(st->next, (float)t, st->d, n);
		*fnext = st->p->eval(st->p->ctx, st->next, st->gnext);
		r->evaluations++;
		if (!isfinite(*fnext) && st->pairs > 0) {
			st->bounded = 1;
			return 0;
		}
		if (*fnext <= f + 1e-4 * t * slope)
			return t;
		if (*fnext <= f + ROUNDING * fabs(f) &&
		    fabs(inner(st, st->gnext, st->d)) <= -0.9 * slope)
			return t;
		best = -slope * t * t / (2 * (*fnext - f - slope * t));
		if (best > 0.1 * t && best < 0.5 * t)
			t = best;
		else
			t *= isfinite(*fnext) ? 0.5 : 0.1;
	}
	return 0;
}

/* Keep the step and the change of the gradient, if they say that the
 * function curves upwards. */
static void
remember(struct state *st, double step, double slope)
{
	size_t n = st->p->n;
	size_t i = (size_t)((st->newest + 1) % LBFGS_PAIRS);
	float *s = st->s + i * n, *y = st->y + i * n;
	double sy, ypy;

	st->la->scale(s, (float)step, st->d, n);
	memcpy(y, st->gnext, n * sizeof(*y));
	st->la->axpy(y, -1, st->g, n);
	sy = inner(st, y, s);
	if (!(sy > -1e-10 * step * slope))
		return;
	st->rho[i] = 1 / sy;
	/* The preconditioner is as dear as an evaluation, and its scale
	 * changes slowly. */
	if (st->pairs < 2 || st->steps++ % 4 == 0) {
		st->p->precondition(st->p->ctx, y, st->d);
		ypy = inner(st, y, st->d);
		if (ypy > 0)
			st->scale = sy / ypy;
		/* Where the inner product sees nothing, more than one would
		 * make each step larger than the last. */
		if (st->bounded && st->scale > 1)
			st->scale = 1;
	}
	st->newest = (int)i;
	if (st->pairs < LBFGS_PAIRS)
		st->pairs++;
}

static int
iterate(struct state *st, float *x, double tolerance, int max,
    struct lbfgs_result *r, struct error *e)
{
	size_t n = st->p->n;
	double f = st->p->eval(st->p->ctx, x, st->g), fnext = 0;

	r->evaluations = 1;
	for (;;) {
		double slope, step;
		float *swap;

		direction(st);
		slope = inner(st, st->g, st->d);
		if (!isfinite(f) || !isfinite(slope))
			return lbfgs_out_of_bounds(e);
		r->value = f;
		r->decrement = -slope / 2;
		r->converged =
		    slope <= 0 && r->decrement <= tolerance * fabs(f);
		if (r->converged || r->evaluations >= max)
			return 0;
		if (!(slope < 0)) {
			if (st->pairs == 0)
				return 0;
			st->pairs = 0;
			continue;
		}
		step = search(st, x, f, slope, &fnext, r, max);
		if (step == 0) {
			/* Old pairs can mislead; once without them. */
			if (st->pairs == 0 || r->evaluations >= max)
				return 0;
			st->pairs = 0;
			st->scale = 1;
			continue;
		}
		memcpy(x, st->next, n * sizeof(*x));
		remember(st, step, slope);
		swap = st->g;
		st->g = st->gnext;
		st->gnext = swap;
		f = fnext;
	}
}

int
lbfgs(const struct linalg *la, const struct lbfgs_problem *p, float *x,
    double tolerance, int max, struct lbfgs_result *r, struct error *e)
{
	struct state st = { .la = la, .p = p, .scale = 1 };
	float *work;
	int rc;

	memset(r, 0, sizeof(*r));
	work = mem_array(4 + 2 * LBFGS_PAIRS, p->n * sizeof(*work));
	if (work == NULL)
		return error_memory(e);
	st.g = work;
	st.gnext = work + p->n;
	st.next = work + 2 * p->n;
	st.d = work + 3 * p->n;
	st.s = work + 4 * p->n;
	st.y = st.s + LBFGS_PAIRS * p->n;
	rc = iterate(&st, x, tolerance, max, r, e);
	if (rc == 0) {
		double norm2;

		if (p->complete != NULL)
			p->complete(p->ctx, st.g);
		norm2 = inner(&st, st.g, st.g);
		/* Rounding may leave a little less than nothing. */
		r->gradient = sqrt(norm2 > 0 ? norm2 : 0);
	}
	free(work);
	return rc;
}
