/*
 * Mixing models by what they say of records that they had not seen.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"
#include "learn/lbfgs.h"
#include "linalg/mathd.h"

int
held_rows_take(struct held_rows *h, const struct learner *l, uint64_t need,
    struct error *e)
{
	const struct dataset *ds = l->ds;
	size_t C = l->C;

	memset(h, 0, sizeof(*h));
	h->C = C;
	h->task = ds->task;
	for (size_t i = 0; i < l->n; i++)
		h->m += (l->has[i] & need) == need;
	h->row = mem_array(h->m, sizeof(*h->row));
	h->label = mem_array(h->m, sizeof(*h->label));
	h->weight = mem_array(h->m, sizeof(*h->weight));
	h->G = mem_aligned(h->m * C, sizeof(*h->G));
	h->scratch = mem_aligned(h->m * C, sizeof(*h->scratch));
	if (ds->task != TASK_CLASS)
		h->y = mem_array(h->m * C, sizeof(*h->y));
	if (h->row == NULL || h->label == NULL || h->weight == NULL ||
	    h->G == NULL || h->scratch == NULL ||
	    (ds->task != TASK_CLASS && h->y == NULL)) {
		held_rows_free(h);
		return error_memory(e);
	}
	for (size_t i = 0, m = 0; i < l->n; i++) {
		if ((l->has[i] & need) != need)
			continue;
		h->row[m] = (uint32_t)i;
		h->weight[m] = ds->weight[i];
		if (ds->task == TASK_CLASS)
			h->label[m] = ds->y_class[i];
		else
			memcpy(h->y + m * C, ds->y + i * C, C * sizeof(*h->y));
		m++;
	}
	return 0;
}

void
held_rows_free(struct held_rows *h)
{
	free(h->row);
	free(h->label);
	free(h->y);
	free(h->weight);
	free(h->G);
	free(h->scratch);
	memset(h, 0, sizeof(*h));
}

struct truth
held_truth(const struct held_rows *h, const float *weight)
{
	return (struct truth){ h->task, h->C, h->label, h->y, weight };
}

void
blend_gather(const struct held_rows *h, const float *F, float *out)
{
	for (size_t i = 0; i < h->m; i++)
		memcpy(
		    out + i * h->C, F + h->row[i] * h->C, h->C * sizeof(*out));
}

double
blend_loss(
    struct held_rows *h, const struct linalg *la, const float *F, double scale)
{
	struct truth t = held_truth(h, h->weight);
	double sum = 0;

	for (size_t i = 0; i < h->m; i++)
		sum += (double)h->weight[i];
	la->scale(h->G, (float)scale, F, h->m * h->C);
	return h->m > 0 ? loss_gradient(la, &t, 0, h->m, h->G, h->scratch) / sum
			: 0;
}

/* ---- stacking ---- */

/* The vector is log w: [k] and b: [C]. */
struct stack {
	struct held_rows *h;
	const struct linalg *la;
	const float *const *F;
	size_t k;
	const float *weight;
	double sum; /* of the weights */
};

/* Pulls towards equal weights and no shifts, as one record in this many. */
static const double SHRINK = 1e-4;

static double
stack_eval(void *ctx, const float *x, float *g)
{
	struct stack *s = ctx;
	struct held_rows *h = s->h;
	size_t C = h->C, m = h->m;
	struct truth t = held_truth(h, s->weight);
	double loss;

	for (size_t i = 0; i < m; i++)
		memcpy(h->G + i * C, x + s->k, C * sizeof(*x));
	for (size_t j = 0; j < s->k; j++)
		s->la->axpy(
		    h->G, (float)mathd_exp((double)x[j]), s->F[j], m * C);
	loss = loss_gradient(s->la, &t, 0, m, h->G, h->scratch) / s->sum;
	for (size_t j = 0; j < s->k; j++) {
		double u = (double)x[j] + mathd_log((double)s->k);

		g[j] = (float)(mathd_exp((double)x[j]) *
				   lbfgs_dot(s->la, h->G, s->F[j], m * C) /
				   s->sum +
			       SHRINK * u);
		loss += SHRINK * u * u / 2;
	}
	for (size_t c = 0; c < C; c++) {
		double sum = 0;

		for (size_t i = 0; i < m; i++)
			sum += (double)h->G[i * C + c];
		g[s->k + c] =
		    (float)(sum / s->sum + SHRINK * (double)x[s->k + c]);
		loss += SHRINK * (double)x[s->k + c] * (double)x[s->k + c] / 2;
	}
	return loss;
}

static void
stack_precondition(void *ctx, const float *g, float *z)
{
	const struct stack *s = ctx;

	memcpy(z, g, (s->k + s->h->C) * sizeof(*z));
}

static double
stack_dot(void *ctx, const float *u, const float *v)
{
	const struct stack *s = ctx;

	return lbfgs_dot(s->la, u, v, s->k + s->h->C);
}

int
blend_stack(struct held_rows *h, const struct linalg *la, const float *const *F,
    size_t k, const float *weight, double *w, float *b, struct error *e)
{
	struct stack s = { h, la, F, k, weight, 0 };
	struct lbfgs_problem p = { .n = k + h->C,
		.ctx = &s,
		.eval = stack_eval,
		.precondition = stack_precondition,
		.dot = stack_dot };
	struct lbfgs_result r;
	float *x = mem_aligned(p.n, sizeof(*x));
	double most = 0;

	if (x == NULL)
		return error_memory(e);
	for (size_t i = 0; i < h->m; i++)
		s.sum += (double)weight[i];
	for (size_t j = 0; j < k; j++)
		x[j] = (float)-mathd_log((double)k);
	if (s.sum > 0 && lbfgs(la, &p, x, 1e-7, 300, &r, e) < 0) {
		free(x);
		return -1;
	}
	for (size_t j = 0; j < k; j++) {
		w[j] = mathd_exp((double)x[j]);
		most = w[j] > most ? w[j] : most;
	}
	for (size_t j = 0; j < k; j++)
		if (w[j] < 1e-3 * most)
			w[j] = 0;
	memcpy(b, x + k, h->C * sizeof(*b));
	free(x);
	return 0;
}

/* ---- greedy selection ---- */

enum { GREEDY_ROUNDS = 25 };

/* Loss of (sum + F) / n without changing sum. */
static double
loss_with(struct held_rows *h, const struct linalg *la, const float *sum,
    const float *F, const float *weight, double total, int n)
{
	struct truth t = held_truth(h, weight);

	la->scale(h->G, 1.0f / (float)n, sum, h->m * h->C);
	la->axpy(h->G, 1.0f / (float)n, F, h->m * h->C);
	return loss_gradient(la, &t, 0, h->m, h->G, h->scratch) / total;
}

int
blend_greedy(struct held_rows *h, const struct linalg *la,
    const float *const *F, size_t k, const float *weight, double *w,
    struct error *e)
{
	float *sum = mem_aligned(h->m * h->C, sizeof(*sum));
	double *count = mem_array(k, sizeof(*count));
	double total = 0, least = INFINITY;

	if (sum == NULL || count == NULL) {
		free(sum);
		free(count);
		return error_memory(e);
	}
	memset(w, 0, k * sizeof(*w));
	w[0] = 1;
	for (size_t i = 0; i < h->m; i++)
		total += (double)weight[i];
	for (int n = 1; total > 0 && n <= GREEDY_ROUNDS; n++) {
		double best = INFINITY;
		size_t at = 0;

		for (size_t j = 0; j < k; j++) {
			double loss =
			    loss_with(h, la, sum, F[j], weight, total, n);

			if (loss < best) {
				best = loss;
				at = j;
			}
		}
		la->axpy(sum, 1, F[at], h->m * h->C);
		count[at]++;
		if (best < least - 1e-9) {
			least = best;
			for (size_t j = 0; j < k; j++)
				w[j] = count[j] / n;
		}
	}
	free(sum);
	free(count);
	return 0;
}
