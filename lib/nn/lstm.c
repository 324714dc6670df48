#include "nn/lstm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "linalg/linalg.h"

enum { MAX_LAYERS = 64, MAX_HIDDEN = 1 << 16, NAME = 256 };

/* An array of layer i: "${prefix}weight_ih_l0". */
static const char *
array_name(char name[NAME], const char *prefix, const char *what, uint32_t i)
{
	snprintf(name, NAME, "%s%s_l%u", prefix, what, (unsigned)i);
	return name;
}

static int
read_linear(struct linear *l, struct store *s, const char *prefix,
    const char *which, uint32_t i, uint32_t in, uint32_t out, struct error *e)
{
	char weight[NAME], bias[NAME], what[16];
	const char *w, *b;

	snprintf(what, sizeof(what), "weight_%s", which);
	w = array_name(weight, prefix, what, i);
	snprintf(what, sizeof(what), "bias_%s", which);
	b = array_name(bias, prefix, what, i);
	return store_linear(s, l, &w, &b, 1, in, out, e);
}

int
lstm_read(struct lstm *m, struct store *s, const char *prefix, enum isa isa,
    struct error *e)
{
	char name[NAME];
	uint64_t shape[2] = { 0, 0 };
	uint32_t in;

	*m = (struct lstm){ isa, 0, 0, 0, NULL };
	if (strlen(prefix) > NAME - 32)
		return error_set(e, "the prefix of an LSTM is too long");
	if (store_shape(
		s, array_name(name, prefix, "weight_ih", 0), 2, shape, e) == -1)
		return -1;
	if (shape[0] == 0 || shape[0] % 4 != 0 || shape[0] / 4 > MAX_HIDDEN ||
	    shape[1] == 0 || shape[1] > MAX_HIDDEN)
		return error_set(e, "%s: '%s' has sizes that no LSTM has",
		    store_path(s), name);
	m->in = in = (uint32_t)shape[1];
	m->hidden = (uint32_t)(shape[0] / 4);
	while (m->layers < MAX_LAYERS &&
	       store_has(s, array_name(name, prefix, "weight_ih", m->layers)))
		m->layers++;
	m->layer = mem_array(m->layers, sizeof(*m->layer));
	if (m->layer == NULL)
		return error_set(e, "out of memory");
	for (uint32_t i = 0; i < m->layers; i++, in = m->hidden) {
		struct lstm_layer *l = &m->layer[i];

		if (read_linear(&l->ih, s, prefix, "ih", i, in, 4 * m->hidden,
			e) == -1 ||
		    read_linear(&l->hh, s, prefix, "hh", i, m->hidden,
			4 * m->hidden, e) == -1) {
			lstm_free(m);
			return -1;
		}
	}
	return 0;
}

void
lstm_free(struct lstm *m)
{
	free(m->layer);
	m->layer = NULL;
}

/* Bytes of n floats, on the next boundary of 64. */
static size_t
floats(size_t n)
{
	return (n * sizeof(float) + 63) / 64 * 64;
}

static size_t
linear_rooms(const struct lstm *m, size_t T)
{
	size_t most = 0;

	for (uint32_t i = 0; i < m->layers; i++) {
		size_t ih = linear_room(&m->layer[i].ih, T);
		size_t hh = linear_room(&m->layer[i].hh, 1);

		most = ih > most ? ih : most;
		most = hh > most ? hh : most;
	}
	return most;
}

/*
 * The room:
 *	gates  [T, 4 H]  from below, for all steps at once
 *	below  [T, H]    h of the layer below, then of this one
 *	c      [H]
 *	none   [H]       h before the first step
 *	and what the linear layers want
 */
size_t
lstm_room(const struct lstm *m, size_t T)
{
	size_t H = m->hidden;

	return floats(T * 4 * H) + floats(T * H) + 2 * floats(H) +
	       linear_rooms(m, T);
}

/* One step: gates: [4 H] become c: [H] and h: [H]. */
static void
step(const struct linalg *la, float *gates, float *c, float *h, size_t H)
{
	float *i = gates, *f = gates + H, *g = gates + 2 * H,
	      *o = gates + 3 * H;

	la->sigmoid(i, i, 2 * H);
	la->tanh(g, g, H);
	la->sigmoid(o, o, H);
	for (size_t j = 0; j < H; j++)
		c[j] = f[j] * c[j] + i[j] * g[j];
	la->tanh(h, c, H);
	for (size_t j = 0; j < H; j++)
		h[j] = o[j] * h[j];
}

void
lstm_run(const struct lstm *m, float *y, float *h, float *c, const float *x,
    size_t T, void *room)
{
	const struct linalg *la = linalg_get(m->isa);
	size_t H = m->hidden, ldx = m->in;
	char *p = room;
	float *gates = (float *)(void *)p;
	float *below = (float *)(void *)(p += floats(T * 4 * H));
	float *state = (float *)(void *)(p += floats(T * H));
	float *none = (float *)(void *)(p += floats(H));
	void *rest = p + floats(H);

	memset(none, 0, H * sizeof(*none));
	for (uint32_t i = 0; i < m->layers; i++, x = below, ldx = H) {
		const struct lstm_layer *l = &m->layer[i];
		const float *before = none;

		linear_run(m->isa, gates, 4 * H, x, ldx, T, &l->ih, NULL, rest);
		memset(state, 0, H * sizeof(*state));
		for (size_t t = 0; t < T; t++) {
			float *now = gates + t * 4 * H;
			struct linear_after after = { ACT_NONE, NULL, now,
				4 * H };

			linear_run(m->isa, now, 4 * H, before, H, 1, &l->hh,
			    &after, rest);
			step(la, now, state, below + t * H, H);
			before = below + t * H;
		}
		if (h != NULL)
			memcpy(h + i * H, before, H * sizeof(*h));
		if (c != NULL)
			memcpy(c + i * H, state, H * sizeof(*c));
	}
	if (y != NULL)
		memcpy(y, below, T * H * sizeof(*y));
}

uint64_t
lstm_macs(const struct lstm *m)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < m->layers; i++)
		sum += (uint64_t)m->layer[i].ih.in * m->layer[i].ih.out +
		       (uint64_t)m->layer[i].hh.in * m->layer[i].hh.out;
	return sum;
}
