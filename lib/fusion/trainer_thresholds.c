/*
 * Labels of several: from which probability on each is said.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"

/* Held-out probabilities of one label, falling, and what is true. */
struct ranked {
	float (*pair)[2]; /* [n] probability, truth */
	size_t n;
	double positive;
};

static int
by_falling(const void *a, const void *b)
{
	float x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x < y) - (x > y);
}

/* The first so many that are said when F1 is best. */
static size_t
best_count(const struct ranked *r, double *f1)
{
	double right = 0;
	size_t best = 0;

	*f1 = 0;
	for (size_t i = 0; i < r->n; i++) {
		float next = i + 1 < r->n ? r->pair[i + 1][0] : -1;
		double now;

		right += r->pair[i][1] > 0;
		now = 2 * right / ((double)(i + 1) + r->positive);
		if (next < r->pair[i][0] && now > *f1) {
			*f1 = now;
			best = i + 1;
		}
	}
	return best;
}

/*
 * Whether that F1 is more than two standard errors above that of saying the
 * label of every record, which needs no model.  F1 is 2 right / (said + true);
 * to first order its difference is a sum over records.
 */
static int
beats_saying_it_always(const struct ranked *r, size_t said, double f1)
{
	double n = (double)r->n, some = (double)said + r->positive;
	double all = n + r->positive, always = 2 * r->positive / all, sq = 0;

	for (size_t i = 0; i < r->n; i++) {
		double s = i < said ? 1 : 0;
		double y = r->pair[i][1] > 0 ? 1 : 0;
		double by = (2 * s * y - f1 * (s + y)) / some -
			    (2 * y - always * (1 + y)) / all;

		sq += by * by;
	}
	return f1 - always > 2 * sqrt(sq);
}

/* Between the probability of the last record that is said and the next; a half
 * where there is nothing to say it by. */
static float
threshold_of(const struct ranked *r, int *known)
{
	double f1;
	size_t said = best_count(r, &f1);

	*known = said > 0 && beats_saying_it_always(r, said, f1);
	if (!*known)
		return 0.5f;
	return (r->pair[said - 1][0] + (said < r->n ? r->pair[said][0] : 0)) /
	       2;
}

int
trainer_thresholds(struct learner *l, const float *P, struct error *e)
{
	float *threshold =
	    trainer_own(l->t, mem_array(l->C, sizeof(*threshold)));
	struct ranked r = { mem_array(l->n, sizeof(*r.pair)), l->n, 0 };

	if (threshold == NULL || r.pair == NULL) {
		free(r.pair);
		return error_memory(e);
	}
	for (size_t c = 0; c < l->C; c++) {
		struct str name = intern_get(&l->ds->label, c);
		int known;

		r.positive = 0;
		for (size_t i = 0; i < l->n; i++) {
			r.pair[i][0] = P[i * l->C + c];
			r.pair[i][1] = l->ds->y[i * l->C + c];
			r.positive += r.pair[i][1] > 0;
		}
		qsort(r.pair, r.n, sizeof(*r.pair), by_falling);
		threshold[c] = threshold_of(&r, &known);
		if (!known)
			trainer_say(l,
			    "no threshold for label '%.*s' is better than to "
			    "say it always: it is said from 0.5 on",
			    (int)name.len, name.s);
	}
	l->t->predictor.threshold = threshold;
	free(r.pair);
	return 0;
}
