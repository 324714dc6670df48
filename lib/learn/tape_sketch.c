#include "learn/tape_impl.h"

#include <math.h>
#include <string.h>

/* Element j of [x; 1] of a row. */
static float
with_one(const float *x, size_t cols, size_t j)
{
	return j < cols ? x[j] : 1;
}

static void
sketch_back(struct tape *t, struct var *y)
{
	const struct sketch *s = y->aux;
	struct var *x = y->in[0];
	float *g = tape_grad(x);

	(void)t;
	for (size_t i = 0; i < y->rows; i++)
		for (size_t j = 0; j < x->cols; j++)
			g[i * x->cols + j] +=
			    s->sign[j] * y->g[i * y->cols + s->at[j]];
}

struct var *
tape_sketch(struct tape *t, struct var *x, const struct sketch *s)
{
	struct var *y;
	float *out;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, s->size, sketch_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	y->aux = s;
	out = tape_out(y);
	memset(out, 0, y->rows * y->cols * sizeof(*out));
	for (size_t i = 0; i < y->rows; i++)
		for (size_t j = 0; j <= x->cols; j++)
			out[i * y->cols + s->at[j]] +=
			    s->sign[j] *
			    with_one(x->v + i * x->cols, x->cols, j);
	return y;
}

/*
 * y[k] = sum_j b_j x[(k - at_j) mod size] with b = sign [z; 1]: for each j, x
 * turned by at_j, in two pieces.
 */
static void
convolve_back(struct tape *t, struct var *y)
{
	const struct sketch *s = y->aux;
	struct var *x = y->in[0], *z = y->in[1];
	float *gx = tape_grad(x), *gz = tape_grad(z);
	size_t n = s->size;

	for (size_t i = 0; i < y->rows; i++) {
		const float *xi = x->v + i * n, *zi = z->v + i * z->cols;
		const float *d = y->g + i * n;

		for (size_t j = 0; j <= z->cols; j++) {
			float b = s->sign[j] * with_one(zi, z->cols, j);
			size_t a = s->at[j];

			if (gx != NULL) {
				t->la->axpy(gx + i * n, b, d + a, n - a);
				t->la->axpy(gx + i * n + n - a, b, d, a);
			}
			if (gz != NULL && j < z->cols)
				gz[i * z->cols + j] +=
				    s->sign[j] *
				    (t->la->dot(d + a, xi, n - a) +
					t->la->dot(d, xi + n - a, a));
		}
	}
}

struct var *
tape_convolve(
    struct tape *t, struct var *x, struct var *z, const struct sketch *s)
{
	size_t n = s->size;
	struct var *y;
	float *out;

	if (x == NULL || z == NULL)
		return NULL;
	y = tape_var(t, x->rows, n, convolve_back, x, z, NULL);
	if (y == NULL)
		return NULL;
	y->aux = s;
	out = tape_out(y);
	memset(out, 0, y->rows * n * sizeof(*out));
	for (size_t i = 0; i < y->rows; i++, out += n) {
		const float *xi = x->v + i * n, *zi = z->v + i * z->cols;

		for (size_t j = 0; j <= z->cols; j++) {
			float b = s->sign[j] * with_one(zi, z->cols, j);
			size_t a = s->at[j];

			t->la->axpy(out + a, b, xi, n - a);
			t->la->axpy(out, b, xi + n - a, a);
		}
	}
	return y;
}

/* With r = |x| + eps, y = x / sqrt r has the slope (r - |x| / 2) / r^1.5. */
static const float root_eps = 1e-3f;

static void
root_back(struct tape *t, struct var *y)
{
	struct var *x = y->in[0];
	float *g = tape_grad(x);

	(void)t;
	for (size_t i = 0; i < y->rows * y->cols; i++) {
		float a = fabsf(x->v[i]), r = a + root_eps;

		g[i] += (r - 0.5f * a) / (r * sqrtf(r)) * y->g[i];
	}
}

struct var *
tape_root(struct tape *t, struct var *x)
{
	struct var *y;
	float *out;

	if (x == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols, root_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	out = tape_out(y);
	for (size_t i = 0; i < y->rows * y->cols; i++)
		out[i] = x->v[i] / sqrtf(fabsf(x->v[i]) + root_eps);
	return y;
}

static const float unit_eps = 1e-12f;

/* dx = (dy - y <y, dy>) / length, as y = x / length. */
static void
unit_back(struct tape *t, struct var *y)
{
	const float *inverse = y->aux;
	size_t n = y->cols;
	float *g = tape_grad(y->in[0]);

	for (size_t i = 0; i < y->rows; i++) {
		const float *v = y->v + i * n, *d = y->g + i * n;
		float along = t->la->dot(v, d, n);

		t->la->axpy(g + i * n, inverse[i], d, n);
		t->la->axpy(g + i * n, -inverse[i] * along, v, n);
	}
}

struct var *
tape_unit(struct tape *t, struct var *x)
{
	float *inverse, *out;
	struct var *y;
	size_t n;

	if (x == NULL)
		return NULL;
	n = x->cols;
	y = tape_var(t, x->rows, n, unit_back, x, NULL, NULL);
	inverse = tape_room(t, x->rows, sizeof(*inverse));
	if (y == NULL || inverse == NULL)
		return NULL;
	y->aux = inverse;
	out = tape_out(y);
	for (size_t i = 0; i < x->rows; i++) {
		const float *v = x->v + i * n;

		inverse[i] = 1 / sqrtf(t->la->norm2(v, n) + unit_eps);
		t->la->scale(out + i * n, inverse[i], v, n);
	}
	return y;
}
