#ifndef NN_LSTM_H
#define NN_LSTM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "linalg/linear.h"
#include "nn/store.h"

/*
 * Layers of long short-term memory, one on top of the other, in one direction:
 * a sequence in, a sequence and the last state out.  T = steps, D = in, H =
 * hidden.  With PyTorch's names and its order of gates, for each layer
 *
 *	[i f g o] = W_ih x_t + b_ih + (W_hh h_{t-1} + b_hh)       4 H numbers
 *	c_t = (sigmoid(f) c_{t-1}) + (sigmoid(i) tanh(g))
 *	h_t = sigmoid(o) tanh(c_t)
 *
 * each step rounded by itself, the sums as in linear.h; x of a layer is h of
 * the one below.  The states before the first step are 0.  Hochreiter and
 * Schmidhuber, Neural Computation 9 (1997); forget gates by Gers et al. 2000.
 *
 * Running cannot fail, and is for any number of threads, each with its room.
 */

struct lstm_layer {
	struct linear ih; /* in, or hidden -> 4 hidden */
	struct linear hh; /* hidden -> 4 hidden */
};

struct lstm {
	enum isa isa;
	uint32_t in, hidden, layers;
	struct lstm_layer *layer; /* [layers], owned */
};

/*
 * lstm_read(m, s, prefix, isa, e): the layers whose arrays the store has as
 * ${prefix}weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, ..._l1 and so
 * on; sizes are theirs.  The weights are the store's.  0 or -1.
 */
int lstm_read(struct lstm *m, struct store *s, const char *prefix, enum isa isa,
    struct error *e);
void lstm_free(struct lstm *m); /* zeroed is fine */

/* lstm_room(m, T): bytes that lstm_run wants, 64-byte aligned. */
size_t lstm_room(const struct lstm *m, size_t T);

/*
 * lstm_run(m, y, h, c, x, T, room): x: [T, D]; y: [T, H], h of the last layer,
 * or NULL; h, c: [layers, H], the states after the last step, or NULL.  Sizes
 * of 0 are fine.
 */
void lstm_run(const struct lstm *m, float *y, float *h, float *c,
    const float *x, size_t T, void *room);

/* lstm_macs(m): multiply-adds of one step. */
uint64_t lstm_macs(const struct lstm *m);

#endif
