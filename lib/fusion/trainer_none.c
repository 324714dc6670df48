#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/conformal.h"
#include "fusion/trainer_impl.h"
#include "linalg/mathd.h"

/*
 * The row of the table for records without any part.  Nothing is known of them
 * but how frequent answers are, among all records and, as far as there are
 * any, among those without a part: these are pulled towards all as though PULL
 * more of them had been seen.
 */
enum { PULL = 10 };

/* What record i says of output c: 0 or 1, or its target. */
static double
answer_of(const struct dataset *ds, size_t i, size_t c)
{
	if (ds->task == TASK_CLASS)
		return ds->y_class[i] == c;
	return (double)ds->y[i * ds->C + c];
}

/* The sum of the weights of records, times their answers: in: [C]. */
static double
count(const struct learner *l, int all, double *in)
{
	double sum = 0;

	memset(in, 0, l->C * sizeof(*in));
	for (size_t i = 0; i < l->n; i++) {
		double w = (double)l->ds->weight[i];

		if (!all && l->has[i] != 0)
			continue;
		sum += w;
		for (size_t c = 0; c < l->C; c++)
			in[c] += w * answer_of(l->ds, i, c);
	}
	return sum;
}

double
trainer_shares(const struct learner *l, double *p)
{
	double all = count(l, 1, p), half = 0.5 * all / (double)l->n;

	for (size_t c = 0; c < l->C; c++)
		if (l->ds->task == TASK_REGRESS)
			p[c] /= all;
		else
			p[c] = (p[c] + half) /
			       (all + half * (l->ds->task == TASK_CLASS
						     ? (double)l->C
						     : 2));
	return all;
}

double
trainer_score_of(const struct learner *l, double p)
{
	switch (l->ds->task) {
	case TASK_CLASS:
		return mathd_log(p);
	case TASK_MULTILABEL:
		return mathd_log(p) - mathd_log1p(-p);
	default:
		return p;
	}
}

/* p, q: [C] room */
static void
fill_shift(const struct learner *l, double *p, double *q, float *shift)
{
	double none = count(l, 0, q);
	double mean = trainer_shares(l, p) / (double)l->n;

	for (size_t c = 0; c < l->C; c++) {
		double both =
		    (q[c] + PULL * mean * p[c]) / (none + PULL * mean);

		shift[c] = (float)trainer_score_of(l, both);
		if (l->ds->task != TASK_REGRESS)
			shift[c] -= (float)(l->t->logit_adjust *
					    trainer_score_of(l, p[c]));
	}
}

/* ---- doubts ---- */

/* Of all records, as though they had no part.  P: [C] what is said of each. */
static size_t
fill_doubt(const struct learner *l, const float *P, float *doubt)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		float d = trainer_doubt(l->ds, i, P);

		if (d >= 0)
			doubt[n++] = d;
	}
	trainer_sort_doubts(doubt, n);
	return n;
}

int
trainer_none(struct learner *l, struct error *e)
{
	struct predictor *p = &l->t->predictor;
	struct part_set *s = &p->set[p->sets];
	double *p_q;
	float *mix, *shift, *P, *doubt = NULL;
	int rc = -1;

	for (size_t k = 0; k < p->sets; k++)
		if (p->set[k].parts == 0)
			return 0;
	mix = trainer_own(l->t, mem_array(p->members, sizeof(*mix)));
	shift = trainer_own(l->t, mem_array(l->C, sizeof(*shift)));
	p_q = mem_array(2 * l->C, sizeof(*p_q));
	P = mem_array(l->C, sizeof(*P));
	if (l->folded)
		doubt = trainer_own(l->t, mem_array(l->n, sizeof(*doubt)));
	if (mix == NULL || shift == NULL || p_q == NULL || P == NULL ||
	    (l->folded && doubt == NULL)) {
		error_memory(e);
		goto done;
	}
	fill_shift(l, p_q, p_q + l->C, shift);
	memcpy(P, shift, l->C * sizeof(*P));
	loss_link(l->la, l->ds->task, P, 1, l->C);
	*s = (struct part_set){
		.parts = 0, .mix = mix, .shift = shift, .doubt = doubt
	};
	if (doubt != NULL)
		s->doubts = fill_doubt(l, P, doubt);
	p->sets++;
	rc = 0;
done:
	free(p_q);
	free(P);
	return rc;
}
