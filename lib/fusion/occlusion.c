#include "fusion/occlusion.h"

#include <stdlib.h>
#include <string.h>

#include "fusion/shapley.h"
#include "learn/loss.h"

enum { TOGETHER = 64 }; /* records without a piece that are asked about */

int
occlusion_plain(struct schema *plain, const struct schema *s,
    const struct predictor *p, struct error *e)
{
	int some = 0;

	if (schema_copy(plain, s, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		int k = schema_find(&p->schema, s->parts[i].name);

		if (k < 0 || p->schema.parts[k].kind != PART_DENSE ||
		    !occlude_marked(&s->parts[i]))
			continue;
		plain->parts[i].kind = PART_DENSE;
		some++;
	}
	return some;
}

void
occlusion_free(struct occlusion *o)
{
	batch_free(&o->varied);
	free(o->end);
	free(o->piece);
	free(o->F);
	memset(o, 0, sizeof(*o));
}

/* The output that is looked at. */
static size_t
likeliest(const struct predictor *p, const float *F)
{
	return p->task == TASK_REGRESS ? 0 : loss_best(F, p->C);
}

/* The pieces of rows [row, row + m) of part k of record i. */
struct stretch {
	const struct batch *b, *plain;
	const int *map;
	size_t i, k, row, m;
};

/* The record without each of these pieces. */
static int
vary(struct occlusion *o, const struct stretch *t, struct error *e)
{
	size_t q = (size_t)t->map[t->k], D = t->plain->schema->parts[q].dim;
	const float *row = t->b->parts[q].value + t->row * D;

	batch_clear(&o->varied);
	for (size_t r = 0; r < t->m; r++, row += D) {
		if (batch_copy(&o->varied, t->plain, t->i, e) < 0)
			return -1;
		memcpy(batch_dense(&o->varied, q), row, D * sizeof(*row));
	}
	return 0;
}

static int
add_pieces(struct occlusion *o, const struct predictor *p,
    const struct stretch *t, size_t at, size_t output, double whole)
{
	size_t q = (size_t)t->map[t->k];
	const double *time = t->b->parts[q].time + 2 * t->row;

	if (mem_grow(&o->piece, &o->piece_cap, at + t->m, sizeof(*o->piece)) <
	    0)
		return -1;
	for (size_t r = 0; r < t->m; r++)
		o->piece[at + r] = (struct occlusion_piece){ t->k, time[2 * r],
			time[2 * r + 1],
			whole - shapley_value(p, o->F + r * p->C, output) };
	return 0;
}

/* All pieces of record i, which go behind those that are there. */
static int
record_pieces(struct occlusion *o, const struct predictor *p,
    const struct linalg *la, struct stretch t, size_t *at,
    struct predictor_room *room, struct error *e)
{
	size_t output;
	double whole;

	if (predictor_scores(
		p, la, t.plain, t.map, t.i, 1, ~UINT64_C(0), o->F, room, e) < 0)
		return -1;
	output = likeliest(p, o->F);
	whole = shapley_value(p, o->F, output);
	for (t.k = 0; t.k < p->schema.n; t.k++) {
		size_t q = (size_t)t.map[t.k], from, rows;

		if (t.map[t.k] < 0 || t.plain->schema->parts[q].kind ==
					  t.b->schema->parts[q].kind)
			continue;
		rows = batch_range(t.b->parts[q].end, t.i, &from);
		for (size_t r = 1; r < rows; r += t.m) {
			t.row = from + r;
			t.m = rows - r < TOGETHER ? rows - r : TOGETHER;
			if (vary(o, &t, e) < 0 ||
			    predictor_scores(p, la, &o->varied, t.map, 0, t.m,
				~UINT64_C(0), o->F, room, e) < 0)
				return -1;
			if (add_pieces(o, p, &t, *at, output, whole) < 0)
				return error_memory(e);
			*at += t.m;
		}
	}
	return 0;
}

int
occlusion_shares(struct occlusion *o, const struct predictor *p,
    const struct linalg *la, const struct batch *b, const struct batch *plain,
    const int *map, size_t first, size_t n, struct predictor_room *room,
    struct error *e)
{
	size_t at = 0;

	if (o->varied.schema == NULL &&
	    batch_init(&o->varied, plain->schema, e) < 0)
		return -1;
	if (mem_grow(&o->end, &o->end_cap, n, sizeof(*o->end)) < 0 ||
	    mem_grow(&o->F, &o->F_cap, TOGETHER, p->C * sizeof(*o->F)) < 0)
		return error_memory(e);
	for (size_t i = 0; i < n; i++) {
		struct stretch t = { b, plain, map, first + i, 0, 0, 0 };
		struct error why;

		if (predictor_can(p, plain, map, first + i, &why) &&
		    record_pieces(o, p, la, t, &at, room, e) < 0)
			return -1;
		o->end[i] = at;
	}
	return 0;
}
