#include "fusion/shapley.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/mathd.h"

int
shares_init(struct shares *s, const struct predictor *p, struct error *e)
{
	*s = (struct shares){ .parts = p->schema.n };
	if (inputs_init(&s->in, &p->scaling, e) < 0)
		return -1;
	return inputs_init(&s->some, &p->scaling, e);
}

void
shares_free(struct shares *s)
{
	inputs_free(&s->in);
	inputs_free(&s->some);
	free(s->end);
	free(s->output);
	free(s->base);
	free(s->share);
	free(s->row);
	free(s->F);
	memset(s, 0, sizeof(*s));
}

/* The parts of the model that are live and in the stream. */
static uint64_t
players(const struct predictor *p, const int *map)
{
	uint64_t all = 0;

	for (size_t k = 0; k < p->schema.n; k++)
		all |= (uint64_t)(map[k] >= 0) << k;
	return all & p->scaling.live;
}

static int
size_of(uint64_t set)
{
	int n = 0;

	for (; set != 0; set &= set - 1)
		n++;
	return n;
}

int
shapley_parts(const struct predictor *p, const int *map, struct error *e)
{
	int n = size_of(players(p, map));

	/* In what is written, it stands beside the parts. */
	if (schema_find(&p->schema, "base") >= 0)
		return error_set(e, "shares: a part of the model is called "
				    "'base', as what no part says is");
	return n <= SHAPLEY_MAX_PARTS
		   ? 0
		   : error_set(e,
			 "shares of %d parts: more than %d, whose sets are "
			 "all asked for",
			 n, SHAPLEY_MAX_PARTS);
}

/* ---- what is to be explained ---- */

static int
add_output(struct shares *s, size_t n, size_t output)
{
	if (mem_grow(&s->output, &s->output_cap, n + 1, sizeof(*s->output)) <
		0 ||
	    mem_grow(&s->base, &s->base_cap, n + 1, sizeof(*s->base)) < 0 ||
	    mem_grow(&s->share, &s->share_cap, n + 1,
		s->parts * sizeof(*s->share)) < 0)
		return -1;
	s->output[n] = (uint32_t)output;
	s->base[n] = 0;
	memset(s->share + n * s->parts, 0, s->parts * sizeof(*s->share));
	return 0;
}

static int
choose_outputs(
    struct shares *s, const struct predictor *p, const float *A, size_t n)
{
	size_t C = p->C, some = 0;

	if (mem_grow(&s->end, &s->end_cap, n, sizeof(*s->end)) < 0)
		return -1;
	s->n = n;
	for (size_t i = 0; i < n; i++) {
		size_t best = 0, before = some;

		for (size_t c = 0; c < C; c++) {
			if (A[i * C + c] > A[i * C + best])
				best = c;
			if (p->task == TASK_MULTILABEL &&
			    (double)A[i * C + c] >= predictor_threshold(p, c) &&
			    add_output(s, some++, c) < 0)
				return -1;
		}
		if (some == before && add_output(s, some++, best) < 0)
			return -1;
		s->end[i] = some;
	}
	return 0;
}

/* ---- the game ---- */

double
shapley_value(const struct predictor *p, const float *F, size_t output)
{
	double most = -INFINITY, sum = 0, f = (double)F[output];

	if (p->task == TASK_REGRESS)
		return p->mean + p->scale * f;
	if (p->task == TASK_MULTILABEL)
		return f;
	for (size_t c = 0; c < p->C; c++)
		if (c != output && (double)F[c] > most)
			most = (double)F[c];
	for (size_t c = 0; c < p->C; c++)
		if (c != output)
			sum += mathd_exp((double)F[c] - most);
	return f - most - mathd_log(sum);
}

/* |S|! (k - |S| - 1)! / k! = 1 / (k binomial(k - 1, |S|)) */
static double
weight(int k, int size)
{
	double binomial = 1;

	for (int i = 1; i <= size; i++)
		binomial = binomial * (k - i) / i;
	return 1 / (k * binomial);
}

/* Add what v(S) = v counts for in the shares of a record that has ${has}. */
static void
count_value(double *share, uint64_t has, uint64_t S, double v)
{
	int k = size_of(has), size = size_of(S);
	double with = size > 0 ? weight(k, size - 1) : 0;
	double without = size < k ? weight(k, size) : 0;

	for (size_t q = 0; has >> q != 0; q++)
		if (S >> q & 1)
			share[q] += with * v;
		else if (has >> q & 1)
			share[q] -= without * v;
}

/* v(S) of all records that have all parts of S. */
static int
play(struct shares *s, const struct predictor *p, const struct linalg *la,
    uint64_t S, struct predictor_room *room, struct error *e)
{
	size_t some = 0;

	for (size_t i = 0; i < s->n; i++)
		if ((s->in.has[i] & S) == S)
			s->row[some++] = (uint32_t)i;
	if (some == 0)
		return 0;
	if (inputs_pick(&s->some, &s->in, s->row, some, S, e) < 0 ||
	    predictor_mix(p, la, &s->some, s->F, room, e) < 0)
		return -1;
	for (size_t k = 0; k < some; k++) {
		size_t i = s->row[k], at, n = batch_range(s->end, i, &at);

		for (size_t o = at; o < at + n; o++) {
			double v =
			    shapley_value(p, s->F + k * p->C, s->output[o]);

			if (S == 0)
				s->base[o] = v;
			count_value(
			    s->share + o * s->parts, s->in.has[i], S, v);
		}
	}
	return 0;
}

int
shapley_shares(struct shares *s, const struct predictor *p,
    const struct linalg *la, const struct batch *b, const int *map,
    size_t first, size_t n, const float *A, struct predictor_room *room,
    struct error *e)
{
	uint64_t all = players(p, map), S = 0;

	if (choose_outputs(s, p, A, n) < 0 ||
	    mem_grow(&s->row, &s->row_cap, n, sizeof(*s->row)) < 0 ||
	    mem_grow(&s->F, &s->F_cap, n, p->C * sizeof(*s->F)) < 0)
		return error_memory(e);
	if (inputs_batch(&s->in, b, map, first, n, ~UINT64_C(0), e) < 0)
		return -1;
	/* All sets within ${all}, as numbers that rise over its bits. */
	do {
		if (play(s, p, la, S, room, e) < 0)
			return -1;
		S = (S - all) & all;
	} while (S != 0);
	return 0;
}
