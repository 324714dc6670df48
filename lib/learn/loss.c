#include "learn/loss.h"

#include "linalg/mathd.h"

static double
softmax_gradient(const struct linalg *la, const struct truth *t, size_t first,
    size_t n, float *F)
{
	double sum = 0, lse[LOSS_ROWS];
	size_t C = t->C;

	for (size_t done = 0, m; done < n; done += m) {
		float *f = F + done * C, own[LOSS_ROWS];

		m = n - done < LOSS_ROWS ? n - done : LOSS_ROWS;
		for (size_t i = 0; i < m; i++)
			own[i] = f[i * C + t->label[first + done + i]];
		la->softmax(f, lse, f, C, m, C);
		for (size_t i = 0; i < m; i++) {
			size_t r = first + done + i;

			sum += (double)t->weight[r] * (lse[i] - (double)own[i]);
			f[i * C + t->label[r]] -= 1;
			la->scale(f + i * C, t->weight[r], f + i * C, C);
		}
	}
	return sum;
}

static double
logistic_gradient(const struct linalg *la, const struct truth *t, size_t first,
    size_t n, float *F, float *scratch)
{
	size_t C = t->C;
	double sum = 0;

	la->softplus(scratch, F, n * C);
	for (size_t i = 0; i < n; i++) {
		const float *y = t->y + (first + i) * C;
		double own = 0;

		for (size_t c = 0; c < C; c++)
			own += (double)scratch[i * C + c] -
			       (double)(y[c] * F[i * C + c]);
		sum += (double)t->weight[first + i] * own;
	}
	la->sigmoid(F, F, n * C);
	for (size_t i = 0; i < n; i++) {
		const float *y = t->y + (first + i) * C;

		for (size_t c = 0; c < C; c++)
			F[i * C + c] =
			    (F[i * C + c] - y[c]) * t->weight[first + i];
	}
	return sum;
}

static double
square_gradient(const struct truth *t, size_t first, size_t n, float *F)
{
	size_t C = t->C;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		const float *y = t->y + (first + i) * C;
		float w = t->weight[first + i];

		for (size_t c = 0; c < C; c++) {
			float r = F[i * C + c] - y[c];

			sum += 0.5 * (double)w * (double)r * (double)r;
			F[i * C + c] = w * r;
		}
	}
	return sum;
}

double
loss_gradient(const struct linalg *la, const struct truth *t, size_t first,
    size_t n, float *F, float *scratch)
{
	switch (t->task) {
	case TASK_CLASS:
		return softmax_gradient(la, t, first, n, F);
	case TASK_MULTILABEL:
		return logistic_gradient(la, t, first, n, F, scratch);
	default:
		return square_gradient(t, first, n, F);
	}
}

void
loss_link(const struct linalg *la, enum task task, float *F, size_t n, size_t C)
{
	if (task == TASK_CLASS)
		la->softmax(F, NULL, F, C, n, C);
	else if (task == TASK_MULTILABEL)
		la->sigmoid(F, F, n * C);
}

size_t
loss_best(const float *F, size_t C)
{
	size_t best = 0;

	for (size_t c = 1; c < C; c++)
		if (F[c] > F[best])
			best = c;
	return best;
}

void
loss_chance(
    const struct linalg *la, const float *chance, float *F, size_t n, size_t C)
{
	double rest = 1;

	for (size_t c = 0; c < C; c++)
		rest -= (double)chance[c];
	la->softmax(F, NULL, F, C, n, C);
	for (size_t i = 0; i < n * C; i++)
		F[i] = (float)mathd_log(
		    rest * (double)F[i] + (double)chance[i % C]);
}
