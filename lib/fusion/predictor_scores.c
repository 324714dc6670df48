#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/predictor.h"

struct predictor_room {
	size_t members;
	struct net_room **net; /* [members] NULL for linear ones */
	struct inputs in;      /* of a batch, or with guessed parts */
	struct inputs some;    /* the records that one member is asked about */
	const struct part_set **set; /* [n] */
	uint32_t *row;               /* [n] */
	uint64_t *has, *filled;      /* [n] */
	float *G;                    /* [n, C] */
	float *hidden;               /* [n, what a net has] */
	size_t set_cap, row_cap, has_cap, filled_cap, G_cap, hidden_cap;
};

struct predictor_room *
predictor_room_new(const struct predictor *p, struct error *e)
{
	struct predictor_room *room = mem_array(1, sizeof(*room));

	if (room == NULL) {
		error_memory(e);
		return NULL;
	}
	room->members = p->members;
	room->net = mem_array(p->members, sizeof(*room->net));
	if (room->net == NULL) {
		error_memory(e);
		goto fail;
	}
	if (inputs_init(&room->in, &p->scaling, e) < 0 ||
	    inputs_init(&room->some, &p->scaling, e) < 0)
		goto fail;
	for (size_t m = 0; m < p->members; m++) {
		if (p->member[m].kind != MEMBER_NET)
			continue;
		room->net[m] = net_room_new(p->member[m].net, e);
		if (room->net[m] == NULL)
			goto fail;
	}
	return room;
fail:
	predictor_room_free(room);
	return NULL;
}

void
predictor_room_free(struct predictor_room *room)
{
	if (room == NULL)
		return;
	for (size_t m = 0; room->net != NULL && m < room->members; m++)
		net_room_free(room->net[m]);
	free(room->net);
	inputs_free(&room->in);
	inputs_free(&room->some);
	free(room->set);
	free(room->row);
	free(room->has);
	free(room->filled);
	free(room->G);
	free(room->hidden);
	free(room);
}

const uint64_t *
predictor_has(const struct predictor_room *room)
{
	return room->has;
}

const uint64_t *
predictor_filled(const struct predictor_room *room)
{
	return room->filled;
}

/* ---- one member ---- */

/* The row of ${missing} or of weights for every record that wants one. */
static void
add_rows(const struct predictor *p, const struct member *m,
    const struct linalg *la, const struct inputs *in, size_t k, float *F)
{
	const struct input_part *x = &in->part[k];
	size_t C = p->C;

	for (size_t i = 0; i < in->n; i++) {
		float *f = F + i * C;
		size_t first, n;

		if (!(in->has[i] >> k & 1)) {
			la->axpy(f, 1, m->missing + k * C, C);
			continue;
		}
		if (p->schema.parts[k].kind != PART_SPARSE)
			continue;
		n = batch_range(x->end, i, &first);
		for (size_t j = first; j < first + n; j++)
			la->axpy(
			    f, x->value[j], m->weight[k] + x->index[j] * C, C);
	}
}

static void
linear_scores(const struct predictor *p, const struct member *m,
    const struct linalg *la, const struct inputs *in, float *F)
{
	size_t C = p->C;

	for (size_t i = 0; i < in->n; i++)
		memcpy(F + i * C, m->bias, C * sizeof(*F));
	for (size_t k = 0; k < p->schema.n; k++) {
		size_t D = p->schema.parts[k].dim;
		uint64_t any = 0;

		if (!(m->parts >> k & 1))
			continue;
		for (size_t i = 0; i < in->n; i++)
			any |= in->has[i];
		/* Rows of a missing part are zero. */
		if (p->schema.parts[k].kind != PART_SPARSE && any >> k & 1)
			la->gemm(F, C, mat_rows(in->part[k].dense, D),
			    mat_rows(m->weight[k], C), in->n, C, D, 1);
		add_rows(p, m, la, in, k, F);
	}
}

int
member_scores(const struct predictor *p, const struct member *m,
    const struct linalg *la, const struct inputs *in, float *F,
    struct predictor_room *room, struct error *e)
{
	if (m->kind == MEMBER_NET)
		return net_scores(
		    m->net, la, in, F, NULL, room->net[m - p->member], e);
	linear_scores(p, m, la, in, F);
	return 0;
}

/* ---- their mixture ---- */

/* Room for n records, and in room->in what is to be guessed. */
static int
fill(const struct predictor *p, const struct linalg *la, size_t n,
    struct predictor_room *room, struct error *e)
{
	if (mem_grow(&room->has, &room->has_cap, n, sizeof(*room->has)) < 0 ||
	    mem_grow(&room->filled, &room->filled_cap, n,
		sizeof(*room->filled)) < 0 ||
	    mem_grow(&room->set, &room->set_cap, n, sizeof(*room->set)) < 0 ||
	    mem_grow(&room->row, &room->row_cap, n, sizeof(*room->row)) < 0 ||
	    mem_grow(&room->G, &room->G_cap, n, p->C * sizeof(*room->G)) < 0)
		return error_memory(e);
	if (n > 0)
		memset(room->filled, 0, n * sizeof(*room->filled));
	return p->impute == NULL
		   ? 0
		   : impute_fill(p->impute, la, &room->in, room->filled, e);
}

static int
mix(const struct predictor *p, const struct linalg *la, const struct inputs *in,
    float *F, struct predictor_room *room, struct error *e)
{
	size_t C = p->C, n = in->n;

	for (size_t i = 0; i < n; i++) {
		room->has[i] = in->has[i];
		room->set[i] = predictor_set(p, in->has[i]);
		memcpy(F + i * C, room->set[i]->shift, C * sizeof(*F));
	}
	for (size_t m = 0; m < p->members; m++) {
		const struct inputs *of = in;
		size_t some = 0;

		for (size_t i = 0; i < n; i++)
			if (room->set[i]->mix[m] != 0)
				room->row[some++] = (uint32_t)i;
		if (some == 0)
			continue;
		if (some < n) {
			if (inputs_pick(&room->some, in, room->row, some,
				p->member[m].parts, e) < 0)
				return -1;
			of = &room->some;
		}
		if (member_scores(p, &p->member[m], la, of, room->G, room, e) <
		    0)
			return -1;
		for (size_t k = 0; k < some; k++) {
			size_t i = room->row[k];

			la->axpy(F + i * C, room->set[i]->mix[m],
			    room->G + k * C, C);
		}
	}
	for (size_t i = 0; i < n; i++)
		if (room->set[i]->chance != NULL)
			loss_chance(la, room->set[i]->chance, F + i * C, 1, C);
	return 0;
}

int
predictor_scores(const struct predictor *p, const struct linalg *la,
    const struct batch *b, const int *map, size_t first, size_t n,
    uint64_t keep, float *F, struct predictor_room *room, struct error *e)
{
	if (inputs_batch(&room->in, b, map, first, n, keep, e) < 0 ||
	    fill(p, la, n, room, e) < 0)
		return -1;
	return mix(p, la, &room->in, F, room, e);
}

int
predictor_mix(const struct predictor *p, const struct linalg *la,
    const struct inputs *in, float *F, struct predictor_room *room,
    struct error *e)
{
	if (p->impute != NULL) {
		if (inputs_pick(&room->in, in, NULL, in->n, ~UINT64_C(0), e) <
		    0)
			return -1;
		in = &room->in;
	}
	if (fill(p, la, in->n, room, e) < 0)
		return -1;
	return mix(p, la, in, F, room, e);
}

void
predictor_link(
    const struct predictor *p, const struct linalg *la, float *F, size_t n)
{
	loss_link(la, p->task, F, n, p->C);
	if (p->task == TASK_REGRESS)
		for (size_t i = 0; i < n * p->C; i++)
			F[i] = (float)(p->mean + p->scale * (double)F[i]);
}

/* ---- the joint representation ---- */

static size_t
hidden_size(const struct predictor *p)
{
	size_t n = 0;

	for (size_t m = 0; m < p->members; m++)
		if (p->member[m].kind == MEMBER_NET)
			n += net_hidden_size(p->member[m].net);
	return n;
}

size_t
predictor_vector_size(const struct predictor *p)
{
	size_t n = hidden_size(p);

	return n > 0 ? n : p->members * p->C;
}

int
predictor_sees(const struct predictor *p, uint64_t has)
{
	int nets = hidden_size(p) > 0;

	for (size_t m = 0; m < p->members; m++)
		if ((p->member[m].parts & has) != 0 &&
		    (!nets || p->member[m].kind == MEMBER_NET))
			return 1;
	return 0;
}

/* What member m adds to the vectors, *width numbers, in room->hidden or G. */
static int
member_vector(const struct predictor *p, const struct member *m,
    const struct linalg *la, struct predictor_room *room, int nets,
    const float **h, size_t *width, struct error *e)
{
	size_t n = room->in.n;

	*width = 0;
	if (!nets) {
		*width = p->C;
		*h = room->G;
		return member_scores(p, m, la, &room->in, room->G, room, e);
	}
	if (m->kind != MEMBER_NET)
		return 0;
	*width = net_hidden_size(m->net);
	if (mem_grow(&room->hidden, &room->hidden_cap, n * *width,
		sizeof(*room->hidden)) < 0)
		return error_memory(e);
	*h = room->hidden;
	return net_scores(m->net, la, &room->in, room->G, room->hidden,
	    room->net[m - p->member], e);
}

int
predictor_vector(const struct predictor *p, const struct linalg *la,
    const struct batch *b, const int *map, size_t first, size_t n, float *x,
    struct predictor_room *room, struct error *e)
{
	size_t size = predictor_vector_size(p), at = 0;
	int nets = hidden_size(p) > 0;

	if (inputs_batch(&room->in, b, map, first, n, ~UINT64_C(0), e) < 0 ||
	    fill(p, la, n, room, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		room->has[i] = room->in.has[i];
	for (size_t m = 0; m < p->members; m++) {
		const float *h = NULL;
		size_t width;

		if (member_vector(
			p, &p->member[m], la, room, nets, &h, &width, e) < 0)
			return -1;
		for (size_t i = 0; width > 0 && i < n; i++)
			memcpy(x + i * size + at, h + i * width,
			    width * sizeof(*x));
		at += width;
	}
	for (size_t i = 0; i < n; i++)
		if (!predictor_sees(p, room->has[i]))
			memset(x + i * size, 0, size * sizeof(*x));
	return 0;
}
