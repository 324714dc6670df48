#include "learn/tape_impl.h"

#include <string.h>

static size_t
elements(const struct var *y)
{
	return y->rows * y->cols;
}

static void
add_back(struct tape *t, struct var *y)
{
	for (int k = 0; k < 2; k++)
		if (y->in[k]->g != NULL)
			t->la->axpy(tape_grad(y->in[k]), 1, y->g, elements(y));
}

struct var *
tape_add(struct tape *t, struct var *x, struct var *z)
{
	struct var *y;
	float *out;

	if (x == NULL || z == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, add_back, x, z, NULL);
	if (y == NULL)
		return NULL;
	out = tape_out(y);
	for (size_t i = 0; i < elements(y); i++)
		out[i] = x->v[i] + z->v[i];
	return y;
}

static void
mul_back(struct tape *t, struct var *y)
{
	(void)t;
	for (int k = 0; k < 2; k++) {
		const float *other = y->in[1 - k]->v;
		float *g = tape_grad(y->in[k]);

		for (size_t i = 0; g != NULL && i < elements(y); i++)
			g[i] += other[i] * y->g[i];
	}
}

struct var *
tape_mul(struct tape *t, struct var *x, struct var *z)
{
	struct var *y;
	float *out;

	if (x == NULL || z == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, mul_back, x, z, NULL);
	if (y == NULL)
		return NULL;
	out = tape_out(y);
	for (size_t i = 0; i < elements(y); i++)
		out[i] = x->v[i] * z->v[i];
	return y;
}

static void
scale_back(struct tape *t, struct var *y)
{
	t->la->axpy(tape_grad(y->in[0]), y->a, y->g, elements(y));
}

struct var *
tape_scale(struct tape *t, struct var *x, float a)
{
	struct var *y;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, scale_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->a = a;
	t->la->scale(tape_out(y), a, x->v, elements(y));
	return y;
}

static void
bias_back(struct tape *t, struct var *y)
{
	struct var *x = y->in[0], *b = y->in[1];

	if (x->g != NULL)
		t->la->axpy(tape_grad(x), 1, y->g, elements(y));
	if (b->g != NULL) {
		float *g = tape_grad(b);

		for (size_t i = 0; i < y->rows; i++)
			t->la->axpy(g, 1, y->g + i * y->cols, y->cols);
	}
}

struct var *
tape_bias(struct tape *t, struct var *x, struct var *b)
{
	struct var *y;
	float *out;

	if (x == NULL || b == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, bias_back, x, b, NULL);
	if (y == NULL)
		return NULL;
	out = tape_out(y);
	for (size_t i = 0; i < y->rows; i++)
		for (size_t j = 0; j < y->cols; j++)
			out[i * y->cols + j] = x->v[i * y->cols + j] + b->v[j];
	return y;
}

/* ---- activations ---- */

static void
relu_back(struct tape *t, struct var *y)
{
	float *g = tape_grad(y->in[0]);

	(void)t;
	for (size_t i = 0; i < elements(y); i++)
		g[i] += y->v[i] > 0 ? y->g[i] : 0;
}

static void
tanh_back(struct tape *t, struct var *y)
{
	float *g = tape_grad(y->in[0]);

	(void)t;
	for (size_t i = 0; i < elements(y); i++)
		g[i] += (1 - y->v[i] * y->v[i]) * y->g[i];
}

static void
sigmoid_back(struct tape *t, struct var *y)
{
	float *g = tape_grad(y->in[0]);

	(void)t;
	for (size_t i = 0; i < elements(y); i++)
		g[i] += y->v[i] * (1 - y->v[i]) * y->g[i];
}

/* x cdf(x) has the slope cdf(x) + x pdf(x); ${aux} holds it. */
static void
gelu_back(struct tape *t, struct var *y)
{
	const float *slope = y->aux;
	float *g = tape_grad(y->in[0]);

	(void)t;
	for (size_t i = 0; i < elements(y); i++)
		g[i] += slope[i] * y->g[i];
}

struct var *
tape_relu(struct tape *t, struct var *x)
{
	struct var *y;
	float *out;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, relu_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	out = tape_out(y);
	for (size_t i = 0; i < elements(y); i++)
		out[i] = x->v[i] > 0 ? x->v[i] : 0;
	return y;
}

struct var *
tape_tanh(struct tape *t, struct var *x)
{
	struct var *y;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, tanh_back, x, NULL, NULL);
	if (y != NULL)
		t->la->tanh(tape_out(y), x->v, elements(y));
	return y;
}

struct var *
tape_sigmoid(struct tape *t, struct var *x)
{
	struct var *y;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, sigmoid_back, x, NULL, NULL);
	if (y != NULL)
		t->la->sigmoid(tape_out(y), x->v, elements(y));
	return y;
}

static float *
gelu_slope(struct tape *t, const struct var *x)
{
	size_t n = elements(x);
	float *s = tape_room(t, n, sizeof(*s));
	float *pdf = tape_room(t, n, sizeof(*pdf));

	if (s == NULL || pdf == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		s[i] = x->v[i] * 0x1.6a09e6p-1f; /* 1 / sqrt 2 */
		pdf[i] = -0.5f * (x->v[i] * x->v[i]);
	}
	t->la->erf(s, s, n);
	t->la->exp(pdf, pdf, n);
	for (size_t i = 0; i < n; i++)
		s[i] = 0.5f * (1 + s[i]) +
		       x->v[i] * (0x1.988454p-2f * pdf[i]); /* 1/sqrt 2 pi */
	return s;
}

struct var *
tape_gelu(struct tape *t, struct var *x)
{
	struct var *y;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, gelu_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	t->la->gelu(tape_out(y), x->v, elements(y));
	if (y->g != NULL && (y->aux = gelu_slope(t, x)) == NULL)
		return NULL;
	return y;
}

/* ---- masks ---- */

enum { DRAWN = 256 }; /* random numbers of 16 bits at a time */

static void
draw(struct rng *r, uint16_t bits[DRAWN])
{
	for (size_t k = 0; k < DRAWN; k += 4) {
		uint64_t u = rng_u64(r);

		for (size_t j = 0; j < 4; j++)
			bits[k + j] = (uint16_t)(u >> 16 * j);
	}
}

/* ${aux}: [rows, cols] 0 or y->a. */
static void
dropout_back(struct tape *t, struct var *y)
{
	const float *keep = y->aux;
	float *g = tape_grad(y->in[0]);

	(void)t;
	for (size_t i = 0; i < elements(y); i++)
		g[i] += keep[i] * y->g[i];
}

struct var *
tape_dropout(struct tape *t, struct var *x, double p, struct rng *r)
{
	uint32_t limit = (uint32_t)(p * 65536);
	uint16_t bits[DRAWN];
	struct var *y;
	float *keep, *out, a;

	if (x == NULL || limit == 0)
		return x;
	y = tape_var(t, x->rows, x->cols, dropout_back, x, NULL, NULL);
	keep = tape_room(t, elements(x), sizeof(*keep));
	if (y == NULL || keep == NULL)
		return NULL;
	y->aux = keep;
	a = (float)(65536.0 / (65536.0 - (double)limit));
	out = tape_out(y);
	for (size_t i = 0, n; i < elements(y); i += n) {
		n = elements(y) - i < DRAWN ? elements(y) - i : DRAWN;
		draw(r, bits);
		for (size_t k = 0; k < n; k++)
			keep[i + k] = bits[k] >= limit ? a : 0;
		for (size_t k = 0; k < n; k++)
			out[i + k] = keep[i + k] * x->v[i + k];
	}
	return y;
}

static void
select_back(struct tape *t, struct var *y)
{
	const uint64_t *has = y->aux;
	float *g[2] = { tape_grad(y->in[0]), tape_grad(y->in[1]) };

	for (size_t i = 0; i < y->rows; i++) {
		const float *d = y->g + i * y->cols;

		if (!(has[i] >> y->n & 1)) {
			if (g[1] != NULL)
				t->la->axpy(g[1], 1, d, y->cols);
		} else if (g[0] != NULL)
			t->la->axpy(g[0] + i * y->cols, 1, d, y->cols);
	}
}

struct var *
tape_select(struct tape *t, struct var *x, struct var *a, const uint64_t *has,
    unsigned bit)
{
	struct var *y;
	float *out;

	if (x == NULL || a == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, select_back, x, a, NULL);
	if (y == NULL)
		return NULL;
	y->aux = has;
	y->n = bit;
	out = tape_out(y);
	for (size_t i = 0; i < y->rows; i++)
		memcpy(out + i * y->cols,
		    has[i] >> bit & 1 ? x->v + i * y->cols : a->v,
		    y->cols * sizeof(*out));
	return y;
}
