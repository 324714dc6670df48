#include "learn/scoring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
values(const struct scoring *g, struct figures *f)
{
	uint32_t *w = mem_array(g->s.n, sizeof(*w));
	void *scratch = mem_aligned(1, scores_scratch(&g->s));
	int rc = w == NULL || scratch == NULL ? -1 : 0;

	for (int x = 0; rc == 0 && x < g->systems; x++) {
		for (size_t i = 0; i < g->s.n; i++)
			w[i] = i / g->n == (size_t)x;
		scores_at(&g->s, w, scratch, f->value[x]);
	}
	free(w);
	free(scratch);
	return rc;
}

/* What the calibration error would be by chance. */
static int
limits(const struct scoring *g, const struct resample *r, struct figures *f)
{
	if (g->s.conf_order == NULL)
		return 0;
	for (int x = 0; x < g->systems; x++)
		if (resample_calibrated(&g->s, (size_t)x * g->n, r,
			&f->value[x][CLASS_ECE_LIMIT]) < 0)
			return -1;
	return 0;
}

static void
compare_classes(const struct scoring *g, struct figures *f)
{
	f->mcnemar = (double)NAN;
	if (g->systems != 2 || g->s.task != SCORE_CLASS)
		return;
	for (size_t r = 0; r < g->n; r++) {
		int a = g->s.right[r], b = g->s.right[g->n + r];

		f->only_a += a && !b;
		f->only_b += b && !a;
	}
	if (!g->grouped)
		f->mcnemar = resample_mcnemar(f->only_a, f->only_b);
}

int
scoring_figures(const struct scoring *g, size_t rounds, uint64_t seed,
    struct pool *pool, struct figures *f, struct error *e)
{
	struct resample r = { g->n, g->unit, g->units, rounds, seed, pool };

	memset(f, 0, sizeof(*f));
	f->rounds = rounds;
	if (values(g, f) < 0 || limits(g, &r, f) < 0)
		return error_memory(e);
	compare_classes(g, f);
	if (rounds == 0)
		return 0;
	if (resample_bootstrap(&g->s, g->systems, &r, f->interval) < 0)
		return error_memory(e);
	if (g->systems == 2 && resample_permutation(&g->s, &r, f->p) < 0)
		return error_memory(e);
	return 0;
}
