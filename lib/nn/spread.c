#include "nn/spread.h"

/* More threads than this have too little each. */
enum { TEAM_MOST = 8 };

void
spread_begin(struct spread *s)
{
	size_t idle = (size_t)pool_idle(s->pool);

	s->team = 1 + (idle < TEAM_MOST - 1 ? idle : TEAM_MOST - 1);
}

size_t
spread_room(size_t size)
{
	return (size + 63) / 64 * 64;
}

/* Into how many parts work is cut now. */
static size_t
team_of(const struct spread *s)
{
	size_t all = 1 + (size_t)pool_spare(s->pool);

	return all < s->team ? all : s->team;
}

/* Of n things part i of ${team}: from where to where. */
static void
cut(size_t n, size_t team, size_t i, size_t *from, size_t *to)
{
	*from = n * i / team;
	*to = n * (i + 1) / team;
}

struct linear_job {
	enum isa isa;
	float *y;
	const float *x;
	size_t ldy, ldx, rows, team, room_step;
	const struct linear *l;
	const struct linear_after *after;
	char *room;
};

static void
linear_part(void *arg, size_t i)
{
	const struct linear_job *j = arg;
	size_t out = j->l->out, from, to;

	cut((out + LINEAR_OUTPUTS - 1) / LINEAR_OUTPUTS, j->team, i, &from,
	    &to);
	from *= LINEAR_OUTPUTS;
	to = to * LINEAR_OUTPUTS < out ? to * LINEAR_OUTPUTS : out;
	if (from < to)
		linear_run_part(j->isa, j->y, j->ldy, j->x, j->ldx, j->rows,
		    j->l, j->after, (uint32_t)from, (uint32_t)(to - from),
		    j->room + i * j->room_step);
}

void
spread_linear(const struct spread *s, enum isa isa, float *y, size_t ldy,
    const float *x, size_t ldx, size_t rows, const struct linear *l,
    const struct linear_after *after, void *room, size_t room_step)
{
	struct linear_job j = { isa, y, x, ldy, ldx, rows, team_of(s),
		room_step, l, after, room };

	pool_share(s->pool, j.team, linear_part, &j);
}

struct attention_job {
	enum isa isa;
	const struct attention *a;
	size_t team, room_step; /* floats */
};

static void
attention_part(void *arg, size_t i)
{
	const struct attention_job *j = arg;
	struct attention a = *j->a;
	size_t from, to, at;

	cut(a.heads, j->team, i, &from, &to);
	if (from == to)
		return;
	at = from * a.size;
	a.q += at;
	a.k += at;
	a.v += at;
	a.y += at;
	if (a.bias != NULL)
		a.bias += from * (2 * a.span - 1);
	a.heads = to - from;
	a.room += i * j->room_step;
	rowwise_get(j->isa)->attention(&a);
}

void
spread_attention(const struct spread *s, enum isa isa,
    const struct attention *a, size_t room_step)
{
	struct attention_job j = { isa, a, team_of(s), room_step };

	pool_share(s->pool, j.team, attention_part, &j);
}
