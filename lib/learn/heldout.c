#include "learn/heldout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/mathd.h"

/* Factor k of the scores: 2^((k - 6) / 2), from 1/8 to 2. */
static double
scale_of(double k)
{
	return mathd_exp((k - 6) / 2 * 0.693147180559945309417);
}

int
heldout_init(struct heldout *t, size_t C, struct error *e)
{
	memset(t, 0, sizeof(*t));
	t->right = mem_array(3 * C, sizeof(*t->right));
	if (t->right == NULL)
		return error_memory(e);
	t->said = t->right + C;
	t->true_ = t->said + C;
	return 0;
}

void
heldout_free(struct heldout *t)
{
	free(t->right);
	memset(t, 0, sizeof(*t));
}

void
heldout_merge(struct heldout *t, const struct heldout *u, size_t C)
{
	for (size_t c = 0; c < 3 * C; c++)
		t->right[c] += u->right[c];
	for (int k = 0; k < HELDOUT_SCALES; k++)
		t->loss[k] += u->loss[k];
	t->n += u->n;
	t->weight += u->weight;
	t->error2 += u->error2;
	t->sum += u->sum;
	t->sum2 += u->sum2;
}

static void
count_class(struct heldout *t, size_t C, const uint32_t *label, size_t n,
    const float *F)
{
	for (size_t i = 0; i < n; i++) {
		size_t best = loss_best(F + i * C, C);

		t->said[best]++;
		t->true_[label[i]]++;
		t->right[best] += best == label[i];
	}
}

static void
count_labels(
    struct heldout *t, size_t C, const float *y, size_t n, const float *F)
{
	for (size_t i = 0; i < n * C; i++) {
		size_t c = i % C;

		t->said[c] += F[i] > 0;
		t->true_[c] += y[i] > 0;
		t->right[c] += F[i] > 0 && y[i] > 0;
	}
}

static void
count_targets(struct heldout *t, const float *y, size_t n, const float *F)
{
	for (size_t i = 0; i < n; i++) {
		double d = (double)F[i] - (double)y[i];

		t->error2 += d * d;
		t->sum += (double)y[i];
		t->sum2 += (double)y[i] * (double)y[i];
	}
}

void
heldout_add(struct heldout *t, const struct linalg *la,
    const struct dataset *ds, size_t row, size_t n, float *F, float *scratch)
{
	struct truth truth = dataset_truth(ds, ds->weight);
	size_t C = ds->C;

	t->n += (double)n;
	for (size_t i = 0; i < n; i++)
		t->weight += (double)ds->weight[row + i];
	if (ds->task == TASK_REGRESS) {
		count_targets(t, ds->y + row, n, F);
		return;
	}
	if (ds->task == TASK_CLASS)
		count_class(t, C, ds->y_class + row, n, F);
	else
		count_labels(t, C, ds->y + row * C, n, F);
	for (int k = 0; k < HELDOUT_SCALES; k++) {
		la->scale(scratch, (float)scale_of(k), F, n * C);
		t->loss[k] +=
		    loss_gradient(la, &truth, row, n, scratch, scratch + n * C);
	}
}

/* The lowest point of the losses, by a parabola through the least of them
 * and its neighbours. */
static void
calibrate(const struct heldout *t, double weight, struct search_score *s)
{
	int k = 0;
	double a, b, c, d, at;

	for (int i = 1; i < HELDOUT_SCALES; i++)
		if (t->loss[i] < t->loss[k])
			k = i;
	at = k;
	b = t->loss[k];
	s->log_loss = b;
	if (k > 0 && k < HELDOUT_SCALES - 1) {
		a = t->loss[k - 1];
		c = t->loss[k + 1];
		d = a - 2 * b + c;
		if (d > 0) {
			at += 0.5 * (a - c) / d;
			s->log_loss = b - 0.125 * (a - c) * (a - c) / d;
		}
	}
	/* Near none, the parabola dips below. */
	s->log_loss = s->log_loss > 0 ? s->log_loss / weight : 0;
	s->calibration = scale_of(at);
}

void
heldout_score(
    const struct heldout *t, const struct dataset *ds, struct search_score *s)
{
	double right = 0, f1 = 0, seen = 0;

	memset(s, 0, sizeof(*s));
	s->calibration = 1;
	if (!(t->n > 0))
		return;
	if (ds->task == TASK_REGRESS) {
		double total = t->sum2 - t->sum * t->sum / t->n;

		s->r2 = total > 0 ? 1 - t->error2 / total : 0;
		s->value = s->r2;
		return;
	}
	for (size_t c = 0; c < ds->C; c++) {
		double both = (double)(t->said[c] + t->true_[c]);

		right += ds->task == TASK_CLASS
			     ? (double)t->right[c]
			     : t->n - both + 2 * (double)t->right[c];
		if (both > 0) {
			f1 += 2 * (double)t->right[c] / both;
			seen++;
		}
	}
	s->accuracy = right / t->n;
	if (ds->task == TASK_MULTILABEL)
		s->accuracy /= (double)ds->C;
	s->macro_f1 = seen > 0 ? f1 / seen : 0;
	calibrate(t, t->weight, s);
	s->value = (s->accuracy + s->macro_f1) / 2 - 0.2 * s->log_loss;
}
