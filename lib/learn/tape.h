#ifndef LEARN_TAPE_H
#define LEARN_TAPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "learn/loss.h"
#include "linalg/linalg.h"

/*
 * Reverse-mode differentiation of float32 matrices: operations are computed as
 * they are called and written down; tape_backward goes through the list from
 * its end and adds to the gradient of every matrix that wants one.
 *
 *	struct var *h = tape_relu(t, tape_linear(t, x, W, b, 1));
 *	double loss = tape_loss(t, tape_linear(t, h, V, c, 1), &truth, 0);
 *	tape_backward(t);
 *
 * Matrices are row-major; a row is a record, or a token of one.  What stands in
 * a row of a result depends on that record alone, in the order of summation
 * that linalg.h states, so scores do not depend on how records are cut into
 * pieces; gradients are sums over rows in increasing order.
 *
 * Everything lives in the tape's own memory until tape_reset, which keeps it
 * for the next round.  An operation gives NULL when memory is out, and takes
 * NULL for an operand, giving NULL again: only the last result need be looked
 * at.  A var belongs to its tape.
 */

struct tape;

struct var {
	size_t rows, cols;
	const float *v; /* [rows, cols] */
	float *g;       /* [rows, cols] d loss / d v, or NULL: none wanted */
	int has_g;      /* g holds something; else it counts as zero */
	/* How it was made: for the operations (tape_impl.h). */
	void (*back)(struct tape *t, struct var *y);
	struct var *in[3];
	const void *aux;
	size_t n;
	float a;
	struct var *before; /* on the tape */
};

/* tape_new(la, learn): with learn 0 nothing wants a gradient. */
struct tape *tape_new(const struct linalg *la, int learn);
void tape_free(struct tape *t);
/* tape_reset: forget all; the memory stays.  ${la} for the next round. */
void tape_reset(struct tape *t, const struct linalg *la);

/* tape_starved: 1 when memory has been out since then; a loss that is no
 * number says so of numbers otherwise. */
int tape_starved(const struct tape *t);

/* tape_room: n * size bytes that live until the next reset, 64-byte aligned
 * and not cleared. */
void *tape_room(struct tape *t, size_t n, size_t size);

/* tape_leaf: a matrix of the caller's, v: [rows, cols], which must live as
 * long; its gradient goes to g: [rows, cols], overwriting, or NULL. */
struct var *tape_leaf(
    struct tape *t, size_t rows, size_t cols, const float *v, float *g);

/* tape_backward: from the gradients that tape_loss or tape_seed set, fill
 * those of all others; leaves that nothing reached get zeros. */
void tape_backward(struct tape *t);

/* tape_seed: g: [rows, cols] becomes y's gradient, for tests. */
void tape_seed(struct var *y, const float *g);

/* ---- products: tape_linear.c ---- */

/* y = gain x W + b, in FMA ORDER.  x: [n, in]  W: [in, out]  b: [1, out] or
 * NULL where there is none (no_bias) */
struct var *tape_linear(
    struct tape *t, struct var *x, struct var *W, struct var *b, float gain);
struct var *tape_product(
    struct tape *t, struct var *x, struct var *W, float gain);

/* y = gain S W for sparse rows S.  Row i of S has the pairs [end[i - 1],
 * end[i]) of index and value (from ${first} for i = 0).
 *   end: [n]  index below rows of W  W: [A, out] */
struct sparse_rows {
	size_t n, first;
	const size_t *end;
	const uint32_t *index;
	const float *value;
};
struct var *tape_sparse(
    struct tape *t, const struct sparse_rows *s, struct var *W, float gain);

/* ---- element by element: tape_element.c ---- */

struct var *tape_add(struct tape *t, struct var *x, struct var *y);
struct var *tape_mul(struct tape *t, struct var *x, struct var *y);
struct var *tape_scale(struct tape *t, struct var *x, float a);
struct var *tape_bias(struct tape *t, struct var *x, struct var *b);
struct var *tape_relu(struct tape *t, struct var *x);
struct var *tape_tanh(struct tape *t, struct var *x);
struct var *tape_sigmoid(struct tape *t, struct var *x);
struct var *tape_gelu(struct tape *t, struct var *x);

/* tape_dropout: each element 0 with probability p (a multiple of 2^-16), else
 * times 1 / (1 - p).  p 0: x itself. */
struct var *tape_dropout(
    struct tape *t, struct var *x, double p, struct rng *r);

/* tape_select: row i of x where bit ${bit} of has[i] is set, else a: [1, cols].
 * has: [rows] */
struct var *tape_select(struct tape *t, struct var *x, struct var *a,
    const uint64_t *has, unsigned bit);

/* ---- parts side by side: tape_parts.c ---- */

/* y = [x_0 ... x_{k-1}], all of equal rows. */
struct var *tape_concat(struct tape *t, struct var *const *x, size_t k);

/*
 * tape_gates: softmax over the k groups of columns of x: [n, k H]: for each of
 * the H units apart, among the groups whose bit of has[i] & mask is set, bits
 * in the order of the groups.  A row without any gets zeros.
 */
struct var *tape_gates(struct tape *t, struct var *x, size_t k,
    const uint64_t *has, uint64_t mask);

/* tape_fold: y[i][j] = a sum over the k groups of columns of x[i][g H + j].
 * x: [n, k H]  y: [n, H] */
struct var *tape_fold(struct tape *t, struct var *x, size_t k, float a);

/* tape_outer: row by row the outer product of x and [z; 1], y: [n, X (Z + 1)];
 * with ${one}, of [x; 1] and [z; 1]: y: [n, (X + 1) (Z + 1)]. */
struct var *tape_outer(struct tape *t, struct var *x, struct var *z, int one);

/*
 * A count sketch (Charikar et al. 2002): element j of [x; 1] is added to
 * place at[j] with sign[j], 1 or -1.
 *   at: [cols + 1] below size
 */
struct sketch {
	size_t size;
	const uint32_t *at;
	const float *sign;
};
struct var *tape_sketch(struct tape *t, struct var *x, const struct sketch *s);
/* tape_convolve: y = x (*) sketch of [z; 1], the circular convolution, which is
 * the sketch of the outer product (Pham and Pagh 2013).  x: [n, size] */
struct var *tape_convolve(
    struct tape *t, struct var *x, struct var *z, const struct sketch *s);

/* y = x / sqrt(|x| + 1e-3), a signed root that has a slope at 0. */
struct var *tape_root(struct tape *t, struct var *x);
/* y = x / sqrt(|x|^2 + 1e-12), each row. */
struct var *tape_unit(struct tape *t, struct var *x);

/* ---- tokens: tape_tokens.c ---- */

/* y = (x - mean) / sqrt(variance + 1e-5) * w + b, each row. w, b: [1, cols] */
struct var *tape_norm(
    struct tape *t, struct var *x, struct var *w, struct var *b);

/* tape_rows: row i of the result is row at[i] of x.  at: [n] */
struct var *tape_rows(
    struct tape *t, struct var *x, const uint32_t *at, size_t n);

/* tape_stack: the rows of x, then those of y. */
struct var *tape_stack(struct tape *t, struct var *x, struct var *y);

/* tape_mean: the mean of rows [first[i], first[i] + count[i]) of x, or zeros.
 * y: [n, cols] */
struct span {
	uint32_t first, count;
};
struct var *tape_mean(
    struct tape *t, struct var *x, const struct span *s, size_t n);

/*
 * tape_attend: for each of n groups, the queries [q.first, q.first + q.count)
 * of x attend to the rows of ${k} (one or two spans, the second may be empty):
 * softmax(q k' / sqrt(size)) v, for each head apart.
 *   x: [rows, 3 H], each row q, k and v, of heads times size = H columns
 *   y: [rows, H], zeros in rows that no group asks for.  A row is a query of
 *   one group at most.
 */
struct attend {
	struct span q, k[2];
};
struct var *tape_attend(struct tape *t, struct var *x, size_t heads,
    const struct attend *groups, size_t n);

/* ---- losses: tape_loss.c ---- */

/*
 * tape_loss: the weighted loss of scores F: [n, C] as loss.h has it; its slope
 * becomes F's gradient.  Of classes and labels with focal gamma > 0 (Lin et
 * al. 2017, https://arxiv.org/abs/1708.02002): (1 - p)^gamma times it, where p
 * is the probability of what is true.  The truth is that of rows 0 .. n - 1.
 * NaN when memory was out.
 */
double tape_loss(
    struct tape *t, struct var *F, const struct truth *truth, double gamma);

#endif
