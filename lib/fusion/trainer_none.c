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

struct frequent {
	const struct dataset *ds;
	double all, none;         /* sums of the weights */
	double *in_all, *in_none; /* [C] of those times the answer */
};

/* What record i says of output c: 0 or 1, or its target. */
static double
answer_of(const struct dataset *ds, size_t i, size_t c)
{
	if (ds->task == TASK_CLASS)
		return ds->y_class[i] == c;
	return (double)ds->y[i * ds->C + c];
}

static void
count(struct frequent *f, const struct learner *l)
{
	for (size_t i = 0; i < l->n; i++) {
		double w = (double)l->ds->weight[i];

		f->all += w;
		f->none += l->has[i] == 0 ? w : 0;
		for (size_t c = 0; c < l->C; c++) {
			double y = w * answer_of(l->ds, i, c);

			f->in_all[c] += y;
			f->in_none[c] += l->has[i] == 0 ? y : 0;
		}
	}
}

/* The score of an answer of that frequency. */
static double
score_of(enum task task, double p)
{
	if (task == TASK_REGRESS)
		return p;
	return mathd_log(p) - (task == TASK_CLASS ? 0 : mathd_log1p(-p));
}

static void
fill_shift(const struct frequent *f, const struct learner *l, float *shift)
{
	enum task task = l->ds->task;
	double mean = f->all / (double)l->n; /* weight of one record */
	double half = task == TASK_REGRESS ? 0 : 0.5 * mean;
	double halves = task == TASK_CLASS ? half * (double)l->C : 2 * half;

	for (size_t c = 0; c < l->C; c++) {
		double p = (f->in_all[c] + half) / (f->all + halves);
		double q =
		    (f->in_none[c] + PULL * mean * p) / (f->none + PULL * mean);

		shift[c] =
		    (float)(score_of(task, q) -
			    (task == TASK_REGRESS
				    ? 0
				    : l->t->logit_adjust * score_of(task, p)));
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
	struct frequent f = { .ds = l->ds };
	float *mix, *shift, *P, *doubt = NULL;
	int rc = -1;

	for (size_t k = 0; k < p->sets; k++)
		if (p->set[k].parts == 0)
			return 0;
	mix = trainer_own(l->t, mem_array(p->members, sizeof(*mix)));
	shift = trainer_own(l->t, mem_array(l->C, sizeof(*shift)));
	f.in_all = mem_array(2 * l->C, sizeof(*f.in_all));
	P = mem_array(l->C, sizeof(*P));
	if (l->folded)
		doubt = trainer_own(l->t, mem_array(l->n, sizeof(*doubt)));
	if (mix == NULL || shift == NULL || f.in_all == NULL || P == NULL ||
	    (l->folded && doubt == NULL)) {
		error_memory(e);
		goto done;
	}
	f.in_none = f.in_all + l->C;
	count(&f, l);
	fill_shift(&f, l, shift);
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
	free(f.in_all);
	free(P);
	return rc;
}
