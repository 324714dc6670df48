#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fusion/answers.h"

/* A dense part with names for its columns: of the classes, or of base and the
 * model's parts. */
static int
add_part(struct schema *to, const struct predictor *p, const char *name,
    size_t dim, int of_parts, const char *space, struct error *e)
{
	size_t n = p->task == TASK_REGRESS ? 0 : p->classes.n;
	struct strs *names;
	int bad;

	if (schema_add(to, name, PART_DENSE, (uint32_t)dim, space, NULL, e) < 0)
		return -1;
	names = &to->parts[to->n - 1].columns;
	if (of_parts)
		n = p->schema.n;
	bad = of_parts && strs_add(names, "base", 4) < 0;
	for (size_t k = 0; !bad && k < n; k++) {
		const char *part = of_parts ? p->schema.parts[k].name : NULL;
		struct str s = of_parts ? (struct str){ part, strlen(part) }
					: strs_get(&p->classes, k);

		bad = strs_add(names, s.s, s.len) < 0;
	}
	return bad ? error_memory(e) : 0;
}

int
answer_schema(struct schema *to, const struct predictor *p, unsigned asked,
    uint64_t hash, struct error *e)
{
	int value = p->task == TASK_REGRESS;
	char space[80];

	snprintf(space, sizeof(space), "{\"model\":\"%016" PRIx64 "\"}", hash);
	if (asked & ANSWER_WHY && p->task == TASK_MULTILABEL)
		return error_set(e, "-f vp: the shares of several labels are "
				    "no vector; -f jsonl has them");
	if (add_part(to, p, value ? "value" : "probs", p->C, 0, space, e) < 0 ||
	    (asked & ANSWER_COVER && add_part(to, p, value ? "interval" : "set",
					 value ? 2 : p->C, 0, space, e) < 0))
		return -1;
	return asked & ANSWER_WHY
		   ? add_part(to, p, "why", 1 + p->schema.n, 1, space, e)
		   : 0;
}

static int
carry(struct batch *to, const struct answer *a, struct error *e)
{
	const struct batch *b = a->batch;
	uint32_t *flags;

	if (batch_carry(to, b, a->record, e) < 0)
		return -1;
	flags = &to->flags[to->n - 1];
	if (predictor_knows(a->predictor, strs_get(&b->id, a->record),
		strs_get(&b->group, a->record)))
		*flags |= FLAG_TRAINED;
	if (a->filled != 0)
		*flags |= FLAG_IMPUTED;
	return 0;
}

/* The set as zeros and ones, or the interval, which may be missing. */
static int
put_set(struct batch *to, const struct answer *a, size_t part)
{
	size_t C = a->predictor->C;
	float *x, lo, hi;

	if (a->predictor->task == TASK_REGRESS) {
		if (!answer_interval(a, &lo, &hi))
			return 0;
		x = batch_dense(to, part);
		if (x == NULL)
			return -1;
		x[0] = lo;
		x[1] = hi;
		return 0;
	}
	x = batch_dense(to, part);
	for (size_t c = 0; x != NULL && c < C; c++)
		x[c] = answer_in_set(a, c) ? 1 : 0;
	return x != NULL ? 0 : -1;
}

static int
put_shares(struct batch *to, const struct answer *a, size_t part)
{
	float *x = batch_dense(to, part);
	size_t at, P = a->why->parts;

	if (x == NULL)
		return -1;
	batch_range(a->why->end, a->why_record, &at);
	x[0] = (float)a->why->base[at];
	for (size_t k = 0; k < P; k++)
		x[1 + k] = (float)a->why->share[at * P + k];
	return 0;
}

int
answer_batch(struct batch *to, const struct answer *a, struct error *e)
{
	size_t part = 1;
	float *x;

	if (carry(to, a, e) < 0)
		return -1;
	if (a->P == NULL)
		return batch_error(to, 0, a->error, e);
	x = batch_dense(to, 0);
	if (x == NULL)
		return error_memory(e);
	memcpy(x, a->P, a->predictor->C * sizeof(*x));
	if ((a->asked & ANSWER_COVER && put_set(to, a, part++) < 0) ||
	    (a->asked & ANSWER_WHY && put_shares(to, a, part) < 0))
		return error_memory(e);
	return 0;
}
