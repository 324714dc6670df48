#ifndef NN_TRANSFORMER_H
#define NN_TRANSFORMER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "linalg/linear.h"
#include "nn/spread.h"

/*
 * The blocks that the BERT family, ViT, DINOv2, CLIP and SigLIP share.
 * T = rows of all records of a call, end to end, D = hidden size.
 *
 *	post-norm (BERT):  h = norm1(x + out(attend(qkv x)))
 *	                   y = norm2(h + fc2(act(fc1 h)))
 *	pre-norm (ViT):    h = x + ls1 out(attend(qkv norm1(x)))
 *	                   y = h + ls2 fc2(act(fc1 norm2(h)))
 *
 * Attention is within a record, over all its rows, or with causal over those
 * up to the row's own: softmax(q k' / sqrt(head size) + bias) v.  Nothing is
 * padded.  Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.
 */

struct layer_norm {
	const float *weight, *bias; /* [D] */
	float eps;
};

struct block {
	struct linear qkv, out, fc1, fc2;
	struct layer_norm norm1, norm2;
	const float *ls1, *ls2; /* [D] layer scale, or NULL */
};

struct transformer {
	enum isa isa;
	uint32_t hidden, heads, mlp, layers;
	enum activation act;
	int prenorm, causal;
	struct block *blocks; /* [layers], owned */
	/* Bias of attention by distance (MPNet): [heads, 2 * span - 1], the
	 * middle is distance key - query = 0; beyond it the ends count; or
	 * NULL. */
	const float *distance_bias;
	uint32_t span;
};

/* Memory of one worker; zeroed is empty. */
struct transformer_work {
	struct spread spread; /* its pool may be set by the owner */
	float *a, *b, *c;     /* grown by transformer_run */
	size_t cap_a, cap_b, cap_c;
	void *room;
	size_t cap_room;
	size_t step_c, step_room; /* from one part's to the next one's */
};

void transformer_work_free(struct transformer_work *w);

/*
 * transformer_run(t, w, x, end, n, layers, keep, e): run the first ${layers}
 * blocks on x: [T, D] in place.  The rows of record i are end[i - 1] ..
 * end[i].  keep NULL, or [n]: after the last block only row keep[i] of each
 * record (counted within the record) is wanted, and x: [n, D] holds those;
 * the second half of that block is computed for them alone.  0, or -1 when
 * memory is out.
 */
int transformer_run(const struct transformer *t, struct transformer_work *w,
    float *x, const size_t *end, size_t n, uint32_t layers, const size_t *keep,
    struct error *e);

/* transformer_macs(t, rows, layers): multiply-adds for one record of so many
 * rows. */
uint64_t transformer_macs(
    const struct transformer *t, size_t rows, uint32_t layers);

#endif
