#include "learn/tape_impl.h"

#include <math.h>
#include <string.h>

#include "linalg/mathd.h"

/*
 * For p the probability of what is true and its loss l = -log p, the focal
 * loss is (1 - p)^gamma l, and what the plain loss's slope is multiplied by is
 *
 *	(1 - p)^gamma + gamma p (1 - p)^(gamma - 1) l
 *
 * since d p = -p d l.
 */
static double
focal(double l, double gamma, double *slope)
{
	double q = -mathd_expm1(-l), p = 1 - q;

	if (q <= 0) {
		*slope = 0;
		return 0;
	}
	*slope = mathd_pow(q, gamma) + gamma * p * mathd_pow(q, gamma - 1) * l;
	return mathd_pow(q, gamma) * l;
}

static double
focal_classes(struct tape *t, struct var *F, const struct truth *truth,
    double gamma, double *lse)
{
	size_t C = F->cols;
	double sum = 0;

	t->la->softmax(F->g, lse, F->v, C, F->rows, C);
	for (size_t i = 0; i < F->rows; i++) {
		double w = (double)truth->weight[i], slope;
		double own = (double)F->v[i * C + truth->label[i]];
		double l = lse[i] - own;

		sum += w * focal(l > 0 ? l : 0, gamma, &slope);
		F->g[i * C + truth->label[i]] -= 1;
		t->la->scale(F->g + i * C, (float)(w * slope), F->g + i * C, C);
	}
	return sum;
}

/* A label that applies has the loss softplus(-F), another softplus(F). */
static double
focal_labels(struct tape *t, struct var *F, const struct truth *truth,
    double gamma, float *l)
{
	size_t C = F->cols, n = F->rows * C;
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		l[k] = truth->y[k] > 0.5f ? -F->v[k] : F->v[k];
	t->la->sigmoid(F->g, F->v, n);
	t->la->softplus(l, l, n);
	for (size_t k = 0; k < n; k++) {
		double w = (double)truth->weight[k / C], slope;

		sum += w * focal((double)l[k], gamma, &slope);
		F->g[k] = (float)(w * slope *
				  ((double)F->g[k] - (double)truth->y[k]));
	}
	return sum;
}

double
tape_loss(
    struct tape *t, struct var *F, const struct truth *truth, double gamma)
{
	size_t n;
	float *scratch;

	if (F == NULL || F->g == NULL)
		return NAN;
	n = F->rows * F->cols;
	F->has_g = 1;
	scratch = tape_room(t, n + F->rows, sizeof(double));
	if (scratch == NULL)
		return NAN;
	if (gamma > 0 && truth->task == TASK_CLASS)
		return focal_classes(
		    t, F, truth, gamma, (double *)(void *)scratch);
	if (gamma > 0 && truth->task == TASK_MULTILABEL)
		return focal_labels(t, F, truth, gamma, scratch);
	memcpy(F->g, F->v, n * sizeof(*F->g));
	return loss_gradient(t->la, truth, 0, F->rows, F->g, scratch);
}
