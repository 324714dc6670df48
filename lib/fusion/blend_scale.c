/*
 * Calibration: how sure scores should be, by records that they had not seen.
 *
 * A scale (temperature; Guo et al. 2017, https://arxiv.org/abs/1706.04599)
 * makes all records surer, or less sure, alike.  But some labels follow from
 * nothing that a model sees: beside the scale there is a rate of such records,
 * whose label is c as often as any label is.  Without it, they alone would hold
 * the scale down, and with it what is said of all others.
 */
#include <math.h>

#include "fusion/trainer_impl.h"
#include "linalg/mathd.h"

struct calibration {
	struct held_rows *h;
	const struct linalg *la;
	const float *F;
	const float *prior; /* [C] how frequent labels are; NULL: no rate */
	double rate;        /* the best one at the scale asked about last */
};

/*
 * h->scratch: [m] is what scores said of the truth.  The loss is convex in the
 * rate: its derivative is halved to.
 */
static double
best_rate(const struct calibration *x)
{
	const struct held_rows *h = x->h;
	double from = 0, to = 0.5;

	while (to - from > 1e-6) {
		double rate = (from + to) / 2, rise = 0;

		for (size_t i = 0; i < h->m; i++) {
			double said = (double)h->scratch[i],
			       by = (double)x->prior[h->label[i]];

			rise += (double)h->weight[i] * (said - by) /
				((1 - rate) * said + rate * by);
		}
		if (rise > 0)
			to = rate;
		else
			from = rate;
	}
	return from;
}

/* The mean loss with that rate. */
static double
loss_of_rate(const struct calibration *x, double rate)
{
	const struct held_rows *h = x->h;
	double loss = 0, sum = 0;

	for (size_t i = 0; i < h->m; i++) {
		double p = (1 - rate) * (double)h->scratch[i] +
			   rate * (double)x->prior[h->label[i]];

		loss -= (double)h->weight[i] * mathd_log(p);
		sum += (double)h->weight[i];
	}
	return loss / sum;
}

static double
loss_of_scale(struct calibration *x, double log_scale)
{
	struct held_rows *h = x->h;
	double scale = mathd_exp(log_scale);

	if (x->prior == NULL)
		return blend_loss(h, x->la, x->F, scale);
	x->la->scale(h->G, (float)scale, x->F, h->m * h->C);
	loss_link(x->la, h->task, h->G, h->m, h->C);
	for (size_t i = 0; i < h->m; i++)
		h->scratch[i] = fmaxf(h->G[i * h->C + h->label[i]], 1e-30f);
	x->rate = best_rate(x);
	return loss_of_rate(x, x->rate);
}

/* By golden sections of the logarithm. */
static double
best_scale(struct calibration *x, double *loss)
{
	static const double golden = 0.6180339887498949;
	double from = -3.5, to = 3, a, b, fa, fb;

	a = to - golden * (to - from);
	b = from + golden * (to - from);
	fa = loss_of_scale(x, a);
	fb = loss_of_scale(x, b);
	while (to - from > 1e-3) {
		if (fa <= fb) {
			to = b;
			b = a;
			fb = fa;
			a = to - golden * (to - from);
			fa = loss_of_scale(x, a);
		} else {
			from = a;
			a = b;
			fa = fb;
			b = from + golden * (to - from);
			fb = loss_of_scale(x, b);
		}
	}
	a = fa <= fb ? a : b;
	*loss = loss_of_scale(x, a);
	return mathd_exp(a);
}

double
blend_scale(
    struct held_rows *h, const struct linalg *la, const float *F, double *loss)
{
	struct calibration x = { h, la, F, NULL, 0 };

	if (h->task != TASK_REGRESS && h->m > 0)
		return best_scale(&x, loss);
	*loss = blend_loss(h, la, F, 1);
	return 1;
}

/* How frequent labels are, as though each had been seen half a time more. */
static void
take_prior(const struct held_rows *h, float *prior)
{
	double sum = 0, half;

	for (size_t i = 0; i < h->m; i++)
		sum += (double)h->weight[i];
	half = 0.5 * sum / (double)h->m;
	for (size_t c = 0; c < h->C; c++) {
		double in = half;

		for (size_t i = 0; i < h->m; i++)
			in += h->label[i] == c ? (double)h->weight[i] : 0;
		prior[c] = (float)(in / (sum + half * (double)h->C));
	}
}

double
blend_calibrate(struct held_rows *h, const struct linalg *la, const float *F,
    float *chance, double *rate, double *loss)
{
	struct calibration x = { h, la, F, chance, 0 };
	double scale = blend_scale(h, la, F, loss), both, less;

	*rate = 0;
	if (h->task != TASK_CLASS || h->m == 0)
		return scale;
	take_prior(h, chance);
	both = best_scale(&x, &less);
	/* One number more has to be worth more than a nat (Akaike 1974). */
	if (!(x.rate > 0) || !((*loss - less) * (double)h->m > 1))
		return scale;
	*rate = x.rate;
	*loss = less;
	la->scale(chance, (float)x.rate, chance, h->C);
	return both;
}
