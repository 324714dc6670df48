#include "learn/tape_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK = 1 << 20, LINE = 64 };

struct block {
	struct block *next;
	size_t size;
	char *data;
};

struct tape *
tape_new(const struct linalg *la, int learn)
{
	struct tape *t = mem_array(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->la = la;
	t->learn = learn;
	return t;
}

void
tape_free(struct tape *t)
{
	if (t == NULL)
		return;
	for (struct block *b = t->first, *next; b != NULL; b = next) {
		next = b->next;
		free(b->data);
		free(b);
	}
	free(t);
}

void
tape_reset(struct tape *t, const struct linalg *la)
{
	t->la = la;
	t->last = NULL;
	t->now = t->first;
	t->used = 0;
	t->starved = 0;
}

int
tape_starved(const struct tape *t)
{
	return t->starved;
}

/* A block of that size behind the present one. */
static struct block *
block_new(struct tape *t, size_t size)
{
	struct block *b = mem_array(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->size = size > BLOCK ? size : BLOCK;
	b->data = mem_aligned(b->size, 1);
	if (b->data == NULL) {
		free(b);
		return NULL;
	}
	if (t->now != NULL) {
		b->next = t->now->next;
		t->now->next = b;
	} else {
		b->next = t->first;
		t->first = b;
	}
	return b;
}

static void *
no_room(struct tape *t)
{
	t->starved = 1;
	return NULL;
}

void *
tape_room(struct tape *t, size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (size > 0 && n > (SIZE_MAX / 2) / size)
		return no_room(t);
	bytes = (n * size + LINE - 1) / LINE * LINE;
	while (t->now == NULL || t->now->size - t->used < bytes) {
		struct block *next = t->now != NULL ? t->now->next : t->first;

		/* A later block that is too small is of no use now. */
		if (next == NULL || next->size < bytes)
			next = block_new(t, bytes);
		if (next == NULL)
			return no_room(t);
		t->now = next;
		t->used = 0;
	}
	p = t->now->data + t->used;
	t->used += bytes;
	return p;
}

static struct var *
var_new(struct tape *t, size_t rows, size_t cols)
{
	struct var *y = tape_room(t, 1, sizeof(*y));

	if (y == NULL)
		return NULL;
	memset(y, 0, sizeof(*y));
	y->rows = rows;
	y->cols = cols;
	y->before = t->last;
	t->last = y;
	return y;
}

struct var *
tape_leaf(struct tape *t, size_t rows, size_t cols, const float *v, float *g)
{
	struct var *y = var_new(t, rows, cols);

	if (y == NULL)
		return NULL;
	y->v = v;
	y->g = t->learn ? g : NULL;
	return y;
}

struct var *
tape_var(struct tape *t, size_t rows, size_t cols,
    void (*back)(struct tape *t, struct var *y), struct var *a, struct var *b,
    struct var *c)
{
	struct var *y = var_new(t, rows, cols);
	size_t row = cols > 0 ? cols : 1;

	if (y == NULL || rows > SIZE_MAX / sizeof(float) / row)
		return NULL;
	y->v = tape_room(t, rows * cols, sizeof(float));
	if (y->v == NULL)
		return NULL;
	y->in[0] = a;
	y->in[1] = b;
	y->in[2] = c;
	for (int k = 0; k < 3; k++)
		if (y->in[k] != NULL && y->in[k]->g != NULL)
			y->back = back;
	if (y->back != NULL) {
		y->g = tape_room(t, rows * cols, sizeof(float));
		if (y->g == NULL)
			return NULL;
	}
	return y;
}

float *
tape_grad(struct var *x)
{
	if (x->g == NULL || x->has_g)
		return x->g;
	memset(x->g, 0, x->rows * x->cols * sizeof(*x->g));
	x->has_g = 1;
	return x->g;
}

void
tape_seed(struct var *y, const float *g)
{
	if (y->g == NULL)
		return;
	memcpy(y->g, g, y->rows * y->cols * sizeof(*g));
	y->has_g = 1;
}

void
tape_backward(struct tape *t)
{
	for (struct var *y = t->last; y != NULL; y = y->before) {
		if (y->back != NULL && y->has_g)
			y->back(t, y);
		else if (y->back == NULL)
			tape_grad(y);
	}
}
