#include "learn/tape_impl.h"

#include <string.h>

static void
linear_back(struct tape *t, struct var *y)
{
	struct var *x = y->in[0], *W = y->in[1], *b = y->in[2];
	size_t n = y->rows, in = W->rows, out = W->cols;
	const float *d = y->aux;

	/* The room was taken by the way there, so that this cannot fail. */
	if (y->a != 1)
		t->la->scale((float *)(uintptr_t)d, y->a, y->g, n * out);
	else
		d = y->g;
	if (b != NULL && b->g != NULL) {
		float *g = tape_grad(b);

		for (size_t i = 0; i < n; i++)
			t->la->axpy(g, 1, y->g + i * out, out);
	}
	if (W->g != NULL) {
		t->la->gemm(W->g, out, mat_cols(x->v, in), mat_rows(d, out), in,
		    out, n, W->has_g);
		W->has_g = 1;
	}
	if (x->g != NULL) {
		t->la->gemm(x->g, in, mat_rows(d, out), mat_cols(W->v, out), n,
		    in, out, x->has_g);
		x->has_g = 1;
	}
}

static struct var *
linear(struct tape *t, struct var *x, struct var *W, struct var *b, float gain)
{
	struct var *y = tape_var(t, x->rows, W->cols, linear_back, x, W, b);
	float *out;

	if (y == NULL)
		return NULL;
	y->a = gain;
	if (y->g != NULL && gain != 1) {
		y->aux = tape_room(t, y->rows * y->cols, sizeof(float));
		if (y->aux == NULL)
			return NULL;
	}
	out = tape_out(y);
	t->la->gemm(out, y->cols, mat_rows(x->v, x->cols),
	    mat_rows(W->v, W->cols), y->rows, y->cols, x->cols, 0);
	if (gain != 1)
		t->la->scale(out, gain, out, y->rows * y->cols);
	for (size_t i = 0; b != NULL && i < y->rows; i++)
		t->la->axpy(out + i * y->cols, 1, b->v, y->cols);
	return y;
}

struct var *
tape_linear(
    struct tape *t, struct var *x, struct var *W, struct var *b, float gain)
{
	if (x == NULL || W == NULL || b == NULL)
		return NULL;
	return linear(t, x, W, b, gain);
}

struct var *
tape_product(struct tape *t, struct var *x, struct var *W, float gain)
{
	if (x == NULL || W == NULL)
		return NULL;
	return linear(t, x, W, NULL, gain);
}

struct sparse_aux {
	struct sparse_rows s;
	float *row; /* [out] */
};

static void
sparse_back(struct tape *t, struct var *y)
{
	const struct sparse_aux *x = y->aux;
	const struct sparse_rows *s = &x->s;
	struct var *W = y->in[0];
	float *g = tape_grad(W);
	size_t from = s->first, out = y->cols;

	for (size_t i = 0; i < s->n; from = s->end[i++]) {
		t->la->scale(x->row, y->a, y->g + i * out, out);
		t->la->sparse_add(g, out, s->index + from, s->value + from,
		    s->end[i] - from, x->row, out);
	}
}

struct var *
tape_sparse(
    struct tape *t, const struct sparse_rows *s, struct var *W, float gain)
{
	struct sparse_aux *aux = tape_room(t, 1, sizeof(*aux));
	size_t from = s->first;
	struct var *y;
	float *out;

	if (aux == NULL || W == NULL)
		return NULL;
	y = tape_var(t, s->n, W->cols, sparse_back, W, NULL, NULL);
	aux->row = tape_room(t, W->cols, sizeof(float));
	if (y == NULL || aux->row == NULL)
		return NULL;
	aux->s = *s;
	y->aux = aux;
	y->a = gain;
	out = tape_out(y);
	memset(out, 0, y->rows * y->cols * sizeof(*out));
	for (size_t i = 0; i < s->n; from = s->end[i++])
		t->la->sparse_mul(out + i * y->cols, s->index + from,
		    s->value + from, s->end[i] - from, W->v, y->cols, y->cols);
	t->la->scale(out, gain, out, y->rows * y->cols);
	return y;
}
