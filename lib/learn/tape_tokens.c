#include "learn/tape_impl.h"

#include <math.h>
#include <string.h>

static void
mean_back(struct tape *t, struct var *y)
{
	const struct span *s = y->aux;
	float *g = tape_grad(y->in[0]);

	for (size_t i = 0; i < y->rows; i++)
		for (size_t r = 0; r < s[i].count; r++)
			t->la->axpy(g + (s[i].first + r) * y->cols,
			    1 / (float)s[i].count, y->g + i * y->cols, y->cols);
}

struct var *
tape_mean(struct tape *t, struct var *x, const struct span *s, size_t n)
{
	struct var *y;
	float *out;

	if (x == NULL)
		return NULL;
	y = tape_var(t, n, x->cols, mean_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->aux = s;
	out = tape_out(y);
	memset(out, 0, n * y->cols * sizeof(*out));
	for (size_t i = 0; i < n; i++, out += y->cols) {
		for (size_t r = 0; r < s[i].count; r++)
			t->la->axpy(
			    out, 1, x->v + (s[i].first + r) * y->cols, y->cols);
		if (s[i].count > 1)
			t->la->scale(out, 1 / (float)s[i].count, out, y->cols);
	}
	return y;
}

/* ---- layer norm ---- */

struct norm {
	float *hat;     /* [rows, cols] before weight and bias */
	float *inverse; /* [rows] 1 / deviation */
	float *d;       /* [cols] scratch */
};

/* With h = (x - mean) / s and d = dy w:
 *   dx = (d - mean(d) - h mean(d h)) / s */
static void
norm_back(struct tape *t, struct var *y)
{
	const struct norm *m = y->aux;
	struct var *x = y->in[0];
	float *gx = tape_grad(x), *gw = tape_grad(y->in[1]);
	float *gb = tape_grad(y->in[2]);
	const float *w = y->in[1]->v;
	size_t n = y->cols;

	for (size_t i = 0; i < y->rows; i++) {
		const float *dy = y->g + i * n, *h = m->hat + i * n;
		float mean, along;

		for (size_t j = 0; gw != NULL && j < n; j++)
			gw[j] += dy[j] * h[j];
		if (gb != NULL)
			t->la->axpy(gb, 1, dy, n);
		if (gx == NULL)
			continue;
		for (size_t j = 0; j < n; j++)
			m->d[j] = dy[j] * w[j];
		mean = t->la->sum(m->d, n) / (float)n;
		along = t->la->dot(m->d, h, n) / (float)n;
		for (size_t j = 0; j < n; j++)
			gx[i * n + j] +=
			    m->inverse[i] * (m->d[j] - mean - h[j] * along);
	}
}

struct var *
tape_norm(struct tape *t, struct var *x, struct var *w, struct var *b)
{
	struct norm *m = tape_room(t, 1, sizeof(*m));
	struct var *y;
	float *out;
	size_t n;

	if (x == NULL || w == NULL || b == NULL || m == NULL)
		return NULL;
	n = x->cols;
	y = tape_var(t, x->rows, n, norm_back, x, w, b);
	m->hat = tape_room(t, x->rows * n, sizeof(float));
	m->inverse = tape_room(t, x->rows, sizeof(float));
	m->d = tape_room(t, n, sizeof(float));
	if (y == NULL || m->hat == NULL || m->inverse == NULL || m->d == NULL)
		return NULL;
	y->aux = m;
	out = tape_out(y);
	for (size_t i = 0; i < x->rows; i++) {
		const float *v = x->v + i * n;
		float *h = m->hat + i * n, mean = t->la->sum(v, n) / (float)n;

		for (size_t j = 0; j < n; j++)
			h[j] = v[j] - mean;
		m->inverse[i] =
		    1 / sqrtf(t->la->norm2(h, n) / (float)n + 1e-5f);
		for (size_t j = 0; j < n; j++) {
			h[j] *= m->inverse[i];
			out[i * n + j] = h[j] * w->v[j] + b->v[j];
		}
	}
	return y;
}

/* ---- rows ---- */

static void
rows_back(struct tape *t, struct var *y)
{
	const uint32_t *at = y->aux;
	float *g = tape_grad(y->in[0]);

	for (size_t i = 0; i < y->rows; i++)
		t->la->axpy(
		    g + at[i] * y->cols, 1, y->g + i * y->cols, y->cols);
}

struct var *
tape_rows(struct tape *t, struct var *x, const uint32_t *at, size_t n)
{
	struct var *y;
	float *out;

	if (x == NULL)
		return NULL;
	y = tape_var(t, n, x->cols, rows_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->aux = at;
	out = tape_out(y);
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * y->cols, x->v + at[i] * y->cols,
		    y->cols * sizeof(*out));
	return y;
}

static void
stack_back(struct tape *t, struct var *y)
{
	const float *d = y->g;

	for (int k = 0; k < 2; k++) {
		struct var *x = y->in[k];

		if (x->g != NULL)
			t->la->axpy(tape_grad(x), 1, d, x->rows * x->cols);
		d += x->rows * x->cols;
	}
}

struct var *
tape_stack(struct tape *t, struct var *x, struct var *z)
{
	struct var *y;

	if (x == NULL || z == NULL)
		return NULL;
	y = tape_var(t, x->rows + z->rows, x->cols, stack_back, x, z, NULL);
	if (y == NULL)
		return NULL;
	memcpy(tape_out(y), x->v, x->rows * x->cols * sizeof(float));
	memcpy(tape_out(y) + x->rows * x->cols, z->v,
	    z->rows * z->cols * sizeof(float));
	return y;
}
