#include "learn/tape_impl.h"

#include <math.h>
#include <string.h>

/*
 * Queries go in blocks, and their weights are computed once more on the way
 * back, so that memory grows with the keys alone and not with their square.
 */
enum { QUERIES = 64 };

struct attend_aux {
	const struct attend *group;
	size_t n, heads, size;
	float scale;
	float *p, *d; /* [QUERIES, keys] weights; their gradients */
};

/* A block of one group's queries for one head. */
struct queries {
	const struct attend *a;
	size_t first, rows, keys; /* of queries; of both spans */
	size_t ld;                /* of x */
	size_t at;                /* column of the head's queries */
};

/* C = A B' for A: [rows, size] and B the keys' or values' rows of both spans;
 * ${column} says which. */
static void
against_keys(const struct tape *t, const struct attend_aux *s,
    const struct queries *b, float *C, const float *A, size_t lda,
    const float *x, size_t column)
{
	size_t done = 0;

	for (int k = 0; k < 2; done += b->a->k[k++].count)
		t->la->gemm(C + done, b->keys, mat_rows(A, lda),
		    mat_cols(x + b->a->k[k].first * b->ld + column, b->ld),
		    b->rows, b->a->k[k].count, s->size, 0);
}

static void
weights(const struct tape *t, const struct attend_aux *s,
    const struct queries *b, const float *x)
{
	against_keys(t, s, b, s->p, x + b->first * b->ld + b->at, b->ld, x,
	    b->at + s->heads * s->size);
	t->la->scale(s->p, s->scale, s->p, b->rows * b->keys);
	t->la->softmax(s->p, NULL, s->p, b->keys, b->rows, b->keys);
}

/* Call fn for every block and head. */
static void
each_block(struct tape *t, struct var *y,
    void (*fn)(struct tape *t, struct var *y, const struct queries *b))
{
	const struct attend_aux *s = y->aux;

	for (size_t i = 0; i < s->n; i++) {
		const struct attend *a = &s->group[i];
		struct queries b = { .a = a,
			.keys = (size_t)a->k[0].count + a->k[1].count,
			.ld = 3 * y->cols };

		for (size_t q = 0; b.keys > 0 && q < a->q.count; q += b.rows) {
			b.first = a->q.first + q;
			b.rows =
			    a->q.count - q < QUERIES ? a->q.count - q : QUERIES;
			for (size_t h = 0; h < s->heads; h++) {
				b.at = h * s->size;
				fn(t, y, &b);
			}
		}
	}
}

static void
block_forward(struct tape *t, struct var *y, const struct queries *b)
{
	const struct attend_aux *s = y->aux;
	const float *x = y->in[0]->v;
	size_t H = y->cols, done = 0;

	weights(t, s, b, x);
	for (int k = 0; k < 2; done += b->a->k[k++].count)
		t->la->gemm(tape_out(y) + b->first * H + b->at, H,
		    mat_rows(s->p + done, b->keys),
		    mat_rows(
			x + b->a->k[k].first * b->ld + 2 * H + b->at, b->ld),
		    b->rows, s->size, b->a->k[k].count, 1);
}

/* dS = P (dP - <P, dP>) row by row, times the scale. */
static void
block_scores_back(
    const struct tape *t, const struct attend_aux *s, const struct queries *b)
{
	for (size_t i = 0; i < b->rows; i++) {
		float *p = s->p + i * b->keys, *d = s->d + i * b->keys;
		float along = t->la->dot(p, d, b->keys);

		for (size_t j = 0; j < b->keys; j++)
			d[j] = s->scale * (p[j] * (d[j] - along));
	}
}

static void
block_back(struct tape *t, struct var *y, const struct queries *b)
{
	const struct attend_aux *s = y->aux;
	const float *x = y->in[0]->v;
	float *g = y->in[0]->g;
	size_t H = y->cols, done = 0;
	const float *dy = y->g + b->first * H + b->at;
	const float *q = x + b->first * b->ld + b->at;

	weights(t, s, b, x);
	against_keys(t, s, b, s->d, dy, H, x, 2 * H + b->at);
	for (int k = 0; k < 2; done += b->a->k[k++].count)
		t->la->gemm(g + b->a->k[k].first * b->ld + 2 * H + b->at, b->ld,
		    mat_cols(s->p + done, b->keys), mat_rows(dy, H),
		    b->a->k[k].count, s->size, b->rows, 1);
	block_scores_back(t, s, b);
	done = 0;
	for (int k = 0; k < 2; done += b->a->k[k++].count) {
		size_t key = b->a->k[k].first * b->ld + H + b->at;

		t->la->gemm(g + b->first * b->ld + b->at, b->ld,
		    mat_rows(s->d + done, b->keys), mat_rows(x + key, b->ld),
		    b->rows, s->size, b->a->k[k].count, 1);
		t->la->gemm(g + key, b->ld, mat_cols(s->d + done, b->keys),
		    mat_rows(q, b->ld), b->a->k[k].count, s->size, b->rows, 1);
	}
}

static void
attend_back(struct tape *t, struct var *y)
{
	tape_grad(y->in[0]);
	each_block(t, y, block_back);
}

static size_t
most_keys(const struct attend *groups, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = (size_t)groups[i].k[0].count + groups[i].k[1].count;

		most = k > most ? k : most;
	}
	return most;
}

struct var *
tape_attend(struct tape *t, struct var *x, size_t heads,
    const struct attend *groups, size_t n)
{
	struct attend_aux *s = tape_room(t, 1, sizeof(*s));
	struct var *y;

	if (x == NULL || groups == NULL || s == NULL)
		return NULL;
	y = tape_var(t, x->rows, x->cols / 3, attend_back, x, NULL, NULL);
	if (y == NULL)
		return NULL;
	*s = (struct attend_aux){
		.group = groups, .n = n, .heads = heads, .size = y->cols / heads
	};
	s->scale = (float)(1 / sqrt((double)s->size));
	s->p = tape_room(t, most_keys(groups, n), QUERIES * sizeof(float));
	s->d = tape_room(t, most_keys(groups, n), QUERIES * sizeof(float));
	if (s->p == NULL || s->d == NULL)
		return NULL;
	y->aux = s;
	memset(tape_out(y), 0, y->rows * y->cols * sizeof(float));
	each_block(t, y, block_forward);
	return y;
}
