#include "learn/tape_impl.h"

#include <string.h>

/* ---- concatenation ---- */

/* tape_var knows three operands; these are in ${aux}. */
struct concat {
	size_t n;
	struct var **x;
};

static void
concat_back(struct tape *t, struct var *y)
{
	const struct concat *c = y->aux;
	size_t at = 0;

	for (size_t k = 0; k < c->n; at += c->x[k++]->cols) {
		struct var *x = c->x[k];
		float *g = tape_grad(x);

		for (size_t i = 0; g != NULL && i < y->rows; i++)
			t->la->axpy(g + i * x->cols, 1, y->g + i * y->cols + at,
			    x->cols);
	}
}

struct var *
tape_concat(struct tape *t, struct var *const *x, size_t k)
{
	struct concat *c = tape_room(t, 1, sizeof(*c));
	struct var *y, *wants = NULL;
	size_t cols = 0, at = 0;
	float *out;

	if (c == NULL)
		return NULL;
	c->n = k;
	c->x = tape_room(t, k, sizeof(struct var *));
	if (c->x == NULL)
		return NULL;
	for (size_t p = 0; p < k; p++) {
		if (x[p] == NULL)
			return NULL;
		c->x[p] = x[p];
		cols += x[p]->cols;
		if (x[p]->g != NULL)
			wants = x[p];
	}
	y = tape_var(t, x[0]->rows, cols, concat_back, wants, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->aux = c;
	out = tape_out(y);
	for (size_t p = 0; p < k; at += x[p++]->cols)
		for (size_t i = 0; i < y->rows; i++)
			memcpy(out + i * cols + at, x[p]->v + i * x[p]->cols,
			    x[p]->cols * sizeof(*out));
	return y;
}

/* ---- gates ---- */

/* With y = softmax x among some: dx = y (dy - sum y dy); y is 0 elsewhere. */
static void
gates_back(struct tape *t, struct var *y)
{
	size_t k = y->n, H = y->cols / k;
	float *g = tape_grad(y->in[0]);

	(void)t;
	for (size_t i = 0; i < y->rows; i++) {
		const float *p = y->v + i * y->cols, *d = y->g + i * y->cols;
		float *to = g + i * y->cols;

		for (size_t j = 0; j < H; j++) {
			float s = 0;

			for (size_t q = j; q < y->cols; q += H)
				s += p[q] * d[q];
			for (size_t q = j; q < y->cols; q += H)
				to[q] += p[q] * (d[q] - s);
		}
	}
}

/* The largest of each unit's logits is taken off; groups that are not there
 * are told by there[]. */
static void
gates_shift(float *y, const float *x, const uint8_t *there, size_t k, size_t H)
{
	for (size_t j = 0; j < H; j++) {
		float m = 0;
		int any = 0;

		for (size_t q = 0; q < k; q++)
			if (there[q] && (!any || x[q * H + j] > m)) {
				m = x[q * H + j];
				any = 1;
			}
		for (size_t q = 0; q < k; q++)
			y[q * H + j] = there[q] ? x[q * H + j] - m : 0;
	}
}

static void
gates_divide(float *y, const uint8_t *there, size_t k, size_t H)
{
	for (size_t j = 0; j < H; j++) {
		float s = 0;

		for (size_t q = 0; q < k; q++)
			s += there[q] ? y[q * H + j] : 0;
		for (size_t q = 0; q < k; q++)
			y[q * H + j] = there[q] ? y[q * H + j] / s : 0;
	}
}

/* there[q]: whether the record has the part of group q. */
static void
gates_there(uint8_t *there, size_t k, uint64_t has, uint64_t mask)
{
	size_t q = 0;

	for (unsigned p = 0; p < 64 && q < k; p++)
		if (mask >> p & 1)
			there[q++] = (uint8_t)(has >> p & 1);
}

struct var *
tape_gates(
    struct tape *t, struct var *x, size_t k, const uint64_t *has, uint64_t mask)
{
	uint8_t there[64] = { 0 };
	struct var *y;
	float *out;
	size_t H;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, gates_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->n = k;
	H = x->cols / k;
	out = tape_out(y);
	for (size_t i = 0; i < y->rows; i++) {
		gates_there(there, k, has[i], mask);
		gates_shift(out + i * y->cols, x->v + i * x->cols, there, k, H);
	}
	t->la->exp(out, out, y->rows * y->cols);
	for (size_t i = 0; i < y->rows; i++) {
		gates_there(there, k, has[i], mask);
		gates_divide(out + i * y->cols, there, k, H);
	}
	return y;
}

static void
fold_back(struct tape *t, struct var *y)
{
	struct var *x = y->in[0];
	float *g = tape_grad(x);

	for (size_t i = 0; i < y->rows; i++)
		for (size_t q = 0; q < y->n; q++)
			t->la->axpy(g + i * x->cols + q * y->cols, y->a,
			    y->g + i * y->cols, y->cols);
}

struct var *
tape_fold(struct tape *t, struct var *x, size_t k, float a)
{
	struct var *y;
	float *out;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols / k, fold_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->n = k;
	y->a = a;
	out = tape_out(y);
	memset(out, 0, y->rows * y->cols * sizeof(*out));
	for (size_t i = 0; i < y->rows; i++)
		for (size_t q = 0; q < k; q++)
			t->la->axpy(out + i * y->cols, a,
			    x->v + i * x->cols + q * y->cols, y->cols);
	return y;
}

/* ---- outer product ---- */

/* y = [x; 1] [z; 1]' or without the row of z alone: y->n rows. */
static void
outer_back(struct tape *t, struct var *y)
{
	struct var *x = y->in[0], *z = y->in[1];
	float *gx = tape_grad(x), *gz = tape_grad(z);
	size_t X = x->cols, Z = z->cols;

	for (size_t i = 0; i < y->rows; i++)
		for (size_t r = 0; r < y->n; r++) {
			const float *d = y->g + i * y->cols + r * (Z + 1);
			float xr = r < X ? x->v[i * X + r] : 1;

			if (gx != NULL && r < X)
				gx[i * X + r] +=
				    t->la->dot(d, z->v + i * Z, Z) + d[Z];
			if (gz != NULL)
				t->la->axpy(gz + i * Z, xr, d, Z);
		}
}

struct var *
tape_outer(struct tape *t, struct var *x, struct var *z, int one)
{
	struct var *y;
	float *out;
	size_t X, Z, n;

	if (x == NULL || z == NULL)
		return NULL;
	X = x->cols;
	Z = z->cols;
	n = X + (one != 0);
	y = tape_var(t, x->rows, n * (Z + 1), outer_back, x, z, NULL);
	if (y == NULL)
		return NULL;
	y->n = n;
	out = tape_out(y);
	for (size_t i = 0; i < y->rows; i++)
		for (size_t r = 0; r < n; r++) {
			float xr = r < X ? x->v[i * X + r] : 1;

			t->la->scale(out, xr, z->v + i * Z, Z);
			out[Z] = xr;
			out += Z + 1;
		}
	return y;
}
