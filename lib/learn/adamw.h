#ifndef LEARN_ADAMW_H
#define LEARN_ADAMW_H

#include <stddef.h>

/*
 * AdamW (Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101): Adam
 * with the decay of weights apart from the gradient, as PyTorch writes it:
 *
 *	w = w - lr decay w
 *	m = m + (1 - beta1) (g - m)        v = beta2 v + (1 - beta2) g g
 *	w = w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *
 * with beta1 .9, beta2 .999, eps 1e-8; t counts steps from 1.  Each element
 * depends on itself alone, in float32, so any split gives the same bytes.
 * Nothing here can fail.
 */

struct adamw {
	float rate; /* lr / (1 - beta1^t) */
	float root; /* 1 / sqrt(1 - beta2^t) */
	float lr;
};

/* adamw_step: for step t >= 1 with that rate of learning. */
struct adamw adamw_step(double lr, size_t t);

/* adamw_update: w, m, v: [n] move along g: [n]. */
void adamw_update(const struct adamw *a, float decay, float *w, float *m,
    float *v, const float *g, size_t n);

/*
 * adamw_rate: the rate of step t of ${total} (t from 0): rising in even steps
 * to lr over the first ${warm}, then falling along half a cosine towards 0
 * (Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983).
 */
double adamw_rate(double lr, size_t t, size_t warm, size_t total);

#endif
