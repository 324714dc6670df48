#include "learn/scoring_impl.h"

#include <math.h>
#include <stdlib.h>

/*
 * Whether the probabilities of a system are all there: every record names the
 * same classes, and, where classes exclude each other, they sum to one.
 */
static int
probs_whole(const struct scoring *g, const struct predictions *p,
    const uint32_t *rows, size_t n, const uint32_t *map)
{
	uint8_t *seen = mem_array(g->name.names.n, 1);
	size_t classes = 0, first;
	int whole = seen != NULL;

	for (size_t r = 0; whole && r < n; r++) {
		size_t have = predictions_probs(p, rows[r], &first);

		for (size_t k = 0; k < have; k++) {
			uint8_t *s = &seen[map[p->prob_name[first + k]]];

			classes += !*s;
			*s = 1;
		}
	}
	for (size_t r = 0; whole && r < n; r++) {
		size_t have = predictions_probs(p, rows[r], &first);
		double sum = 0;

		for (size_t k = 0; k < have; k++)
			sum += p->prob[first + k];
		whole = have > 0 && have == classes;
		if (g->s.task == SCORE_CLASS && fabs(sum - 1) > 1e-3)
			whole = 0;
	}
	free(seen);
	return whole;
}

static void
fill_probs(struct scoring *g, const struct predictions *p, const uint32_t *rows,
    const uint32_t *map, size_t at)
{
	size_t first;

	for (size_t r = 0; r < g->n; r++) {
		size_t have = predictions_probs(p, rows[r], &first);

		for (size_t k = 0; k < have; k++)
			g->s.probs[map[p->prob_name[first + k]] * g->s.n + at +
				   r] = p->prob[first + k];
	}
}

/* The probability of the row's guess; NaN where it is not known. */
static double
confidence(const struct predictions *p, size_t i)
{
	const struct prediction *row = &p->rows[i];
	size_t first, n = predictions_probs(p, i, &first);

	if (!isnan(row->p))
		return row->p < 1 ? row->p : 1;
	for (size_t k = 0; k < n; k++)
		if (p->prob_name[first + k] == row->guess)
			return p->prob[first + k];
	return (double)NAN;
}

static void
fill_class(struct scoring *g, const struct predictions *p, const uint32_t *rows,
    const uint32_t *map, size_t at)
{
	for (size_t r = 0; r < g->n; r++) {
		const struct prediction *row = &p->rows[rows[r]];

		g->s.truth[at + r] = map[p->truth_name[row->truth]];
		g->s.guess[at + r] = map[row->guess];
		g->s.conf[at + r] = confidence(p, rows[r]);
	}
}

static void
fill_multi(struct scoring *g, const struct predictions *p, const uint32_t *rows,
    const uint32_t *map, size_t at)
{
	for (size_t r = 0; r < g->n; r++) {
		const struct prediction *row = &p->rows[rows[r]];
		size_t first, n = predictions_said(p, rows[r], &first);

		for (size_t k = 0; k < n; k++)
			g->s.said[map[p->said[first + k]] * g->s.n + at + r] =
			    1;
		for (size_t k = 0; k < row->truths; k++)
			g->s.is[map[p->truth_name[row->truth + k]] * g->s.n +
				at + r] = 1;
	}
}

/* Whether each of these rows has a set or an interval. */
static int
sets_whole(const struct predictions *p, const uint32_t *rows, size_t n)
{
	for (size_t r = 0; r < n; r++)
		if (!(p->rows[rows[r]].flags & PREDICTION_SET))
			return 0;
	return 1;
}

/* Whether the truth of row i lies in its set, a name that comes again counting
 * once.  seen: [K] the last mark that each name got, below ${mark} */
static int
in_set(const struct predictions *p, size_t i, const uint32_t *map,
    uint32_t *seen, uint32_t mark, double *size)
{
	const struct prediction *row = &p->rows[i];
	size_t first, n = predictions_set(p, i, &first), distinct = 0;
	int all = 1;

	for (size_t k = 0; k < n; k++) {
		uint32_t name = map[p->set[first + k]];

		distinct += seen[name] != mark;
		seen[name] = mark;
	}
	for (size_t k = 0; k < row->truths; k++)
		all &= seen[map[p->truth_name[row->truth + k]]] == mark;
	*size = (double)distinct;
	return all;
}

static void
fill_sets(struct scoring *g, const struct predictions *p, const uint32_t *rows,
    const uint32_t *map, uint32_t *seen, size_t at)
{
	struct scores *s = &g->s;

	for (size_t r = 0; r < g->n; r++) {
		const struct prediction *row = &p->rows[rows[r]];
		int in;

		if (s->task == SCORE_REGRESS) {
			in = row->lo <= row->target && row->target <= row->hi;
			s->size[at + r] = row->hi - row->lo;
		} else {
			in = in_set(p, rows[r], map, seen,
			    (uint32_t)(at + r + 1), &s->size[at + r]);
		}
		s->covered[at + r] = (uint8_t)in;
	}
}

/* Sets and intervals count where every record has one. */
static int
take_sets(struct scoring *g, const struct predictions *const *p,
    const struct selection *q, const struct name_map *map)
{
	uint32_t *seen;

	for (int x = 0; x < g->systems; x++)
		if (!sets_whole(p[x], q->rows[x], g->n))
			return 0;
	g->s.covered = mem_array(g->s.n, 1);
	g->s.size = mem_array(g->s.n, sizeof(*g->s.size));
	seen = mem_array(g->s.K, sizeof(*seen));
	if (g->s.covered == NULL || g->s.size == NULL || seen == NULL) {
		free(seen);
		return -1;
	}
	for (int x = 0; x < g->systems; x++)
		fill_sets(
		    g, p[x], q->rows[x], map[x].to, seen, (size_t)x * g->n);
	free(seen);
	return 0;
}

static int
allocate(struct scores *s)
{
	size_t cells = s->K * s->n;

	if (s->task == SCORE_REGRESS) {
		s->y = mem_array(s->n, sizeof(*s->y));
		s->f = mem_array(s->n, sizeof(*s->f));
		return s->y == NULL || s->f == NULL ? -1 : 0;
	}
	if (s->task == SCORE_MULTILABEL) {
		s->is = mem_array(cells, 1);
		s->said = mem_array(cells, 1);
		return s->is == NULL || s->said == NULL ? -1 : 0;
	}
	s->truth = mem_array(s->n, sizeof(*s->truth));
	s->guess = mem_array(s->n, sizeof(*s->guess));
	s->conf = mem_array(s->n, sizeof(*s->conf));
	return s->truth == NULL || s->guess == NULL || s->conf == NULL ? -1 : 0;
}

static int
fill(struct scoring *g, const struct predictions *const *p,
    const struct selection *q, const struct name_map *map)
{
	int whole = g->s.task != SCORE_REGRESS;

	for (int x = 0; x < g->systems; x++) {
		size_t at = (size_t)x * g->n;

		if (g->s.task == SCORE_CLASS)
			fill_class(g, p[x], q->rows[x], map[x].to, at);
		else if (g->s.task == SCORE_MULTILABEL)
			fill_multi(g, p[x], q->rows[x], map[x].to, at);
		else
			for (size_t r = 0; r < g->n; r++) {
				const struct prediction *row =
				    &p[x]->rows[q->rows[x][r]];

				g->s.y[at + r] = row->target;
				g->s.f[at + r] = row->value;
			}
		whole =
		    whole && probs_whole(g, p[x], q->rows[x], g->n, map[x].to);
	}
	if (!whole)
		return 0;
	g->s.probs = mem_array(g->s.K * g->s.n, sizeof(*g->s.probs));
	if (g->s.probs == NULL)
		return -1;
	for (int x = 0; x < g->systems; x++)
		fill_probs(g, p[x], q->rows[x], map[x].to, (size_t)x * g->n);
	return 0;
}

/* Without every confidence there is no calibration to speak of. */
static void
drop_confidence(struct scores *s)
{
	for (size_t i = 0; s->conf != NULL && i < s->n; i++)
		if (isnan(s->conf[i])) {
			free(s->conf);
			s->conf = NULL;
		}
}

int
scoring_fill(struct scoring *g, const struct predictions *const *p,
    const struct selection *q, const struct name_map *map)
{
	if (allocate(&g->s) < 0 || fill(g, p, q, map) < 0 ||
	    take_sets(g, p, q, map) < 0)
		return -1;
	drop_confidence(&g->s);
	return 0;
}
