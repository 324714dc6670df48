#include "learn/tape_impl.h"

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
