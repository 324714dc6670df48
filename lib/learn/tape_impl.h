#ifndef LEARN_TAPE_IMPL_H
#define LEARN_TAPE_IMPL_H

#include "learn/tape.h"

/*
 * For the operations: tape_var makes the result's var with room for its
 * values, and for its gradient where some operand has one; ${back}, called with
 * that gradient complete, adds to the operands'.
 */

struct block; /* of memory */

struct tape {
	const struct linalg *la;
	int learn;
	struct var *last;
	struct block *first, *now;
	size_t used; /* of now */
	int starved; /* some room was not to be had since the last reset */
};

/* out(y): its values, to be filled in by the operation that made it. */
static inline float *
tape_out(struct var *y)
{
	return (float *)(uintptr_t)y->v;
}

struct var *tape_var(struct tape *t, size_t rows, size_t cols,
    void (*back)(struct tape *t, struct var *y), struct var *a, struct var *b,
    struct var *c);

/* tape_grad: x's gradient, to be added to; zeroed first where it holds
 * nothing.  NULL where none is wanted. */
float *tape_grad(struct var *x);

#endif
