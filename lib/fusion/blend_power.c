/*
 * Calibration, after the scale and the rate: how sure a record is may itself be
 * said too strongly or too weakly, when the doubtful ones are more doubtful
 * than they say and the sure ones surer.  loss_power (learn/loss.h) mends that;
 * its two numbers, log a and b, are found by Fisher scoring.
 */
#include <math.h>

#include "fusion/trainer_impl.h"
#include "linalg/mathd.h"

enum { LOG_A, B };

/* Bounds on either side: a 1/4 .. 4, b -1 .. 1. */
static const double MOST[] = { 1.3862943611198906, 1 };

/* The mean loss somewhere; its gradient and Fisher's information, in sums. */
struct bend {
	double loss, g[2], H[3]; /* H: log a twice, both, b twice */
};

/* A record adds its part.  F: [C] its log-probabilities, p: [C] scratch. */
static void
bend_record(struct bend *s, const struct linalg *la, const float *F, float *p,
    size_t C, size_t label, double weight, const double v[2])
{
	double u = (double)F[loss_best(F, C)];
	double power = mathd_exp(v[LOG_A] + v[B] * u);
	double lse, mean = 0, square = 0, slope, curve;

	la->scale(p, (float)power, F, C);
	s->loss -= weight * (double)p[label];
	la->softmax(p, &lse, p, C, 1, C);
	s->loss += weight * lse;
	for (size_t c = 0; c < C; c++) {
		mean += (double)p[c] * (double)F[c];
		square += (double)p[c] * (double)F[c] * (double)F[c];
	}
	slope = weight * power * (mean - (double)F[label]);
	curve = weight * power * power * fmax(square - mean * mean, 0);
	s->g[LOG_A] += slope;
	s->g[B] += slope * u;
	s->H[0] += curve;
	s->H[1] += curve * u;
	s->H[2] += curve * u * u;
}

static void
bend_at(struct bend *s, const struct held_rows *h, const struct linalg *la,
    const float *F, const double v[2])
{
	double sum = 0;

	*s = (struct bend){ 0 };
	for (size_t i = 0; i < h->m; i++) {
		bend_record(s, la, F + i * h->C, h->G, h->C, h->label[i],
		    (double)h->weight[i], v);
		sum += (double)h->weight[i];
	}
	s->loss /= sum;
}

/* One step of Fisher scoring within the bounds, halved until the loss falls.
 * 0: it does not. */
static int
bend_step(struct bend *s, const struct held_rows *h, const struct linalg *la,
    const float *F, double v[2])
{
	double det = s->H[0] * s->H[2] - s->H[1] * s->H[1], d[2];

	if (!(det > 1e-12 * s->H[0] * s->H[2]))
		return 0;
	d[LOG_A] = (s->H[1] * s->g[B] - s->H[2] * s->g[LOG_A]) / det;
	d[B] = (s->H[1] * s->g[LOG_A] - s->H[0] * s->g[B]) / det;
	for (int k = 0; k < 10; k++) {
		double w[2] = { v[LOG_A] + d[LOG_A], v[B] + d[B] };
		struct bend t;

		for (int i = 0; i < 2; i++)
			w[i] = fmin(fmax(w[i], -MOST[i]), MOST[i]);
		bend_at(&t, h, la, F, w);
		if (t.loss < s->loss) {
			*s = t;
			v[LOG_A] = w[LOG_A];
			v[B] = w[B];
			return 1;
		}
		d[LOG_A] /= 2;
		d[B] /= 2;
	}
	return 0;
}

int
blend_power(const struct held_rows *h, const struct linalg *la, float *F,
    float *power, double *loss)
{
	static const float one[] = { 1, 0 };
	double v[2] = { 0, 0 }, before;
	struct bend s;

	if (h->m == 0)
		return 0;
	loss_power(la, one, F, h->m, h->C);
	bend_at(&s, h, la, F, v);
	before = s.loss;
	for (int k = 0; k < 50; k++) {
		double last = s.loss;

		if (!bend_step(&s, h, la, F, v) || last - s.loss < 1e-9)
			break;
	}
	/* Two numbers more. */
	if (!((before - s.loss) * (double)h->m > 2))
		return 0;
	power[0] = (float)mathd_exp(v[LOG_A]);
	power[1] = (float)v[B];
	*loss = s.loss;
	return 1;
}
