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
		if (ds->task != TASK_CLASS || D == NULL)
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

/* What one record gained. */
struct gained {
	uint64_t group;
	size_t row;
	double by;
};

static int
by_group(const void *a, const void *b)
{
	const struct gained *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

int
worth_gain(const struct learner *l, const double *u, const double *base,
    double *gain, double *error, struct error *e)
{
	struct gained *g = mem_array(l->n, sizeof(*g));
	double sum = 0, sq = 0, group = 0, n = (double)l->n;

	if (g == NULL)
		return error_memory(e);
	for (size_t i = 0; i < l->n; i++) {
		g[i] =
		    (struct gained){ l->ds->group_hash[i], i, u[i] - base[i] };
		sum += g[i].by;
	}
	qsort(g, l->n, sizeof(*g), by_group);
	for (size_t i = 0; i < l->n; i++) {
		group += g[i].by - sum / n;
		if (i + 1 < l->n && g[i].group == g[i + 1].group)
			continue;
		sq += group * group;
		group = 0;
	}
	free(g);
	*gain = sum / n;
	*error = sqrt(sq) / n;
	return 0;
}
