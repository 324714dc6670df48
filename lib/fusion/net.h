#ifndef FUSION_NET_H
#define FUSION_NET_H

#include "base/pool.h"
#include "learn/dataset.h"
#include "learn/inputs.h"
#include "linalg/linalg.h"
#include "vec/model.h"

/*
 * Neural fusion: every part gets an encoder of its own, a method joins what
 * they say, and a linear layer reads the scores off.
 *
 *	n = records, P = parts, H = hidden size, C = outputs, R = rank,
 *	h_p = what the encoder of part p gives, [H]; the learnt absent vector
 *	of part p where the record lacks it
 *
 *	mlp        one hidden layer over all parts laid end to end
 *	gated      a softmax gate for each hidden unit chooses among the parts
 *	           that are there (GMU: Arevalo et al. 2017,
 *	           https://arxiv.org/abs/1702.01992)
 *	lowrank    a sum of R products over the parts of [h_p; 1] times a factor
 *	           (LMF: Liu et al. 2018, https://arxiv.org/abs/1806.00064)
 *	tensor     the outer product of all [h_p; 1], which are small
 *	           (TFN: Zadeh et al. 2017, https://arxiv.org/abs/1707.07250)
 *	bilinear   the outer product as a count sketch, signed root and unit
 *	           length (MCB: Fukui et al. 2016,
 *	           https://arxiv.org/abs/1606.01847)
 *	attention  rows of each part attend to each other and to a few
 *	           bottleneck tokens that all parts share (MBT: Nagrani et al.
 *	           2021, https://arxiv.org/abs/2107.00135)
 *
 * A net is plain numbers; the same seed, rows and options give the same bytes
 * on any machine and for any number of threads.
 *
 * A sequence is as many tokens in attention, and the mean of its rows for the
 * other kinds.  A part that a record lacks is what the net has learnt to put in
 * its place; gates close on it.
 *
 * Functions return 0 or -1 (NULL) with a sentence.
 */

enum net_kind {
	NET_MLP,
	NET_GATED,
	NET_LOWRANK,
	NET_TENSOR,
	NET_BILINEAR,
	NET_ATTENTION
};

/*
 * What suits where a size is 0: H is 64 for mlp and gated, 32 for others, and
 * for tensor the largest up to that whose product has at most 4096 elements; R
 * is 4, of bilinear 512.
 */
struct net_shape {
	enum net_kind kind;
	enum task task;
	size_t C;
	size_t hidden; /* H */
	size_t rank;   /* lowrank: R; bilinear: length of the sketch; attention:
			* bottleneck tokens */
	uint64_t seed; /* of the first weights, and of the sketch's hashes */
	uint64_t parts; /* that it reads, of those that are live; 0: all */
};

struct net; /* opaque */

/* net_new: first weights for parts of this scaling, which is borrowed.  It
 * refuses a shape without a part, and one that is too large: a hidden size or
 * rank above 4096, 2^28 weights, an outer product of more than 2^16. */
struct net *net_new(
    const struct net_shape *shape, const struct scaling *s, struct error *e);
void net_free(struct net *net);                           /* NULL is fine */
const struct net_shape *net_shape(const struct net *net); /* no size is 0 */
size_t net_parameters(const struct net *net);

/* net_kind_name: "mlp", ...  net_kind_of: the kind of that name, or -1. */
const char *net_kind_name(enum net_kind kind);
int net_kind_of(struct str name);

/*
 * net_tensors: its parameters, named ${prefix} (which may end in a dot) and
 * what they are, "part.0.weight" by a part's place in the scaling; data points
 * into the net, names are allocated and the caller's.  t: room for
 * net_tensor_count.  net_load: the parameters from a file that is not
 * trusted: shapes are checked and numbers finite.
 */
size_t net_tensor_count(const struct net *net);
int net_tensors(const struct net *net, const char *prefix, struct tensor *t,
    struct error *e);
struct net *net_load(const struct net_shape *shape, const struct scaling *s,
    const struct model *m, const char *prefix, struct error *e);

/* Scratch of one thread that scores. */
struct net_room; /* opaque */
struct net_room *net_room_new(const struct net *net, struct error *e);
void net_room_free(struct net_room *room);

/*
 * net_scores: F: [n, C] of these inputs; hidden: [n, net_hidden_size] the joint
 * representation that the last layer reads, or NULL.  A record's scores depend
 * on that record alone.  0, or -1 when memory is out.
 */
size_t net_hidden_size(const struct net *net);
int net_scores(const struct net *net, const struct linalg *la,
    const struct inputs *in, float *F, float *hidden, struct net_room *room,
    struct error *e);

/* ---- training ---- */

/*
 * What suits where a rate is 0 and others are NaN: a rate of .04 / sqrt(live
 * columns), at most .005, since a step of AdamW moves a sum of more columns
 * further; a decay of .5, half of the hidden units and, of dense parts of more
 * than 64 columns, half of the columns dropped, but so that 64 are left on
 * average; parts hidden in .3 of the records; batches of n/32 records, within
 * 16 and 64.
 */
struct net_options {
	int bold;  /* what suits, below, is for truths that lie in how parts
		    * meet: a rate ten times as high (at most .02), decay 1, no
		    * dropout; else for few records of many columns */
	double lr; /* the highest of the schedule */
	double weight_decay; /* decoupled (AdamW: Loshchilov and Hutter 2019,
			      * https://arxiv.org/abs/1711.05101) */
	double dropout;      /* of hidden units and columns of wide parts */
	double part_dropout; /* share of records of which a part that is there
			      * is hidden, never all */
	double focal;  /* gamma of the focal loss (Lin et al. 2017), 0: plain */
	size_t batch;  /* records a step; 0: what suits */
	size_t steps;  /* an epoch, whatever batch says; 0: as batch says */
	size_t epochs; /* of the whole schedule: the rate rises over the first
			* tenth of it and falls along a cosine to its end */
};

/* A training under way: net, optimiser, place in the schedule. */
struct net_run; /* opaque */

/*
 * net_run_new: train ${net} (borrowed) on those of these rows whose weight in
 * the truth is not 0 (truth and ds are borrowed).  net_run_epoch: one more pass
 * over the rows, in an order that depends on the seed and the number of the
 * epoch; *loss is the mean loss over it.  A pool speeds up one run; NULL where
 * several runs share the processors.  The bytes are the same.
 */
struct net_run *net_run_new(struct net *net, const struct net_options *o,
    const struct dataset *ds, const struct rows *rows,
    const struct truth *truth, struct error *e);
int net_run_epoch(struct net_run *run, const struct linalg *la,
    struct pool *pool, double *loss, struct error *e);
size_t net_run_steps(const struct net_run *run); /* an epoch */
void net_run_free(struct net_run *run);          /* NULL is fine */

/*
 * net_run_state: everything that a run has learnt, appended to ${out}: weights,
 * moments, the number of the epoch.  net_run_restore puts it into a run that
 * was made with the same arguments; it then goes on to the same bytes.
 */
int net_run_state(const struct net_run *run, struct buf *out, struct error *e);
int net_run_restore(
    struct net_run *run, const void *state, size_t bytes, struct error *e);

#endif
