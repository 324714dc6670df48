/*
 * What held scores are worth, record by record, so that methods can be compared
 * on the same records.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/trainer_impl.h"

void
worth_f1(const struct learner *l, const float *F, double *D)
{
	size_t C = l->C;

	memset(D, 0, 2 * C * sizeof(*D));
	for (size_t i = 0; i < l->n; i++) {
		size_t k = loss_best(F + i * C, C), y = l->ds->y_class[i];

		D[k]++;
		D[y]++;
		D[C + k] += k == y ? 2 : 0;
	}
	for (size_t c = 0; c < C; c++)
		D[C + c] /= D[c] > 0 ? D[c] : 1;
}

int
worth_of(const struct learner *l, float *F, const double *D, double *u,
    struct error *e)
{
	const struct dataset *ds = l->ds;
	size_t C = l->C;
	double share = (double)l->n / (2 * (double)C);
	float *one = mem_array(l->n, sizeof(*one));
	float *scratch = mem_aligned(C, sizeof(*scratch));
	struct truth t = dataset_truth(ds, one);

	if (one == NULL || scratch == NULL) {
		free(one);
		free(scratch);
		return error_memory(e);
	}
	for (size_t i = 0; i < l->n; i++)
		one[i] = 1;
	for (size_t i = 0; i < l->n; i++) {
		float *f = F + i * C;
		size_t k = loss_best(f, C);

		u[i] = -loss_gradient(l->la, &t, i, 1, f, scratch);
		if (ds->task != TASK_CLASS)
			continue;
		u[i] *= 0.2;
		if (k == ds->y_class[i])
			u[i] += 0.5 + 2 * share / D[k];
		if (D[k] > 0)
			u[i] -= share * D[C + k] / D[k];
	}
	free(one);
	free(scratch);
	return 0;
}

double
worth_gain(
    const struct learner *l, const double *u, const double *base, double *error)
{
	double sum = 0, sq = 0, n = (double)l->n, variance;

	for (size_t i = 0; i < l->n; i++) {
		sum += u[i] - base[i];
		sq += (u[i] - base[i]) * (u[i] - base[i]);
	}
	variance = sq / n - sum / n * (sum / n);
	*error = variance > 0 ? sqrt(variance / n) : 0;
	return sum / n;
}
