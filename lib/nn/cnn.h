#ifndef NN_CNN_H
#define NN_CNN_H

#include "linalg/conv.h"
#include "nn/encoder_impl.h"

/*
 * Convolutional networks: a family's file reads the arrays and lists what is
 * done to a picture, one operation after the other; cnn_run.c does it.
 *
 * A picture lies in one of a few slots, [h, w, c] each.  Operations that are
 * joined pass a picture on by bands of rows instead, so that what is wide and
 * short-lived (the inner pictures of an inverted bottleneck) stays in the
 * second cache: of an inner picture only the rows are kept that the next
 * operation still looks at.
 *
 *	BatchNorm is folded into weights and bias in double when they are read:
 *	W' = W weight / sqrt(var + eps),
 *	b' = (b - mean) weight / sqrt(var + eps) + bias
 *
 * With i8 and f16 the first convolution, depthwise ones and those of
 * squeeze-excite stay f32.
 */

enum {
	CNN_INPUT = -1, /* the slot of the pixels */
	CNN_SLOTS = 3,
	CNN_NAME = 160,   /* bytes of an array's name */
	CNN_CHAIN = 8,    /* operations joined, at most */
	CNN_BAND = 130000 /* floats that a chain's bands should fill */
};

enum cnn_kind { CNN_CONV, CNN_DEPTH, CNN_MAX, CNN_NORM, CNN_SQUEEZE };

/* x *= gate(expand(act(reduce(mean of x)))), in place */
struct squeeze {
	struct linear reduce, expand;
	enum activation act, gate;
};

/* Layer norm over the channels of each pixel. */
struct channel_norm {
	const float *weight, *bias;
	float eps;
};

struct cnn_op {
	enum cnn_kind kind;
	int joined;        /* reads what the operation before it makes */
	int from, to, add; /* slots; add: of the residual, or CNN_INPUT when
			    * there is none */
	struct window win; /* of all kinds: sizes in and out */
	uint32_t c;        /* channels that come out */
	uint32_t keep;     /* rows that are kept for the joined one behind */
	enum activation act;
	const float *gamma; /* [c] or NULL */
	struct conv conv;
	struct depth depth;
	struct channel_norm norm;
	struct squeeze squeeze;
};

struct cnn {
	struct encoder base;
	struct cnn_op *ops;
	size_t n, cap;
	uint32_t h, w, c; /* what comes out at the end */
	int last;         /* its slot */
	/* After pooling: layer norm, or a linear layer, where there is one. */
	struct channel_norm norm;
	struct linear head;
	enum activation head_act;
	size_t slot[CNN_SLOTS], ring, room, most_c; /* floats; room in bytes */
};

/* ---- for the families ---- */

struct cnn_builder {
	struct store *s;
	struct cnn *x;
	const char *prefix; /* of all names: "resnet." or "" */
	uint32_t h, w, c;   /* the picture so far */
	int slot;
	struct {
		uint32_t h, w, c;
	} in[CNN_SLOTS]; /* what lies in each slot */
	uint32_t stages;
	int done; /* the stage that --layer asks for is there */
	struct error *e;
};

/* One convolution to add. */
struct cnn_spec {
	char conv[CNN_NAME]; /* names without ".weight" */
	char norm[CNN_NAME]; /* of BatchNorm, or "" */
	int joined, to, add;
	uint32_t stride;
	int same;  /* TensorFlow's padding */
	int tight; /* no padding */
	double eps;
	enum activation act, last;
	const float *gamma;
};

/* cnn_name(b, out, fmt, ...): prefix and name to out: [CNN_NAME].
 * cnn_has(b, fmt, ...): there is such an array. */
void cnn_name(const struct cnn_builder *b, char *out, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int cnn_has(const struct cnn_builder *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* cnn_there(b, name): there is name.weight, the prefix being in the name.
 * cnn_weight_name: that. */
int cnn_there(const struct cnn_builder *b, const char *name);
void cnn_weight_name(char out[CNN_NAME + 16], const char *name);

/* cnn_conv, cnn_depth: add a dense or a depthwise convolution, the size of
 * whose kernel its array tells. */
int cnn_conv(struct cnn_builder *b, const struct cnn_spec *p);
int cnn_depth(struct cnn_builder *b, const struct cnn_spec *p);

/* cnn_max: the largest of 3 x 3 by 2, joined. */
int cnn_max(struct cnn_builder *b, int to);

/* cnn_norm: add a layer norm, joined or from the slot to ${to}. */
int cnn_norm(
    struct cnn_builder *b, const char *name, int joined, int to, float eps);
int cnn_read_norm(struct cnn_builder *b, struct channel_norm *n,
    const char *name, uint32_t c, float eps);

/* cnn_squeeze: names of the two 1 x 1 convolutions, with biases. */
int cnn_squeeze(struct cnn_builder *b, const char *reduce, const char *expand,
    enum activation act, enum activation gate);

/* cnn_linear: a layer [out, in] or [out, in, 1, 1] with its bias; l->out is
 * set.  small: it stays f32. */
int cnn_linear(struct cnn_builder *b, struct linear *l, const char *name,
    uint32_t in, int small);

/* cnn_dense: such a layer on each pixel, joined; gamma: [out] or NULL. */
int cnn_dense(struct cnn_builder *b, const char *name, int to,
    enum activation act, const float *gamma, int add);

/* cnn_vector: [c] or [c, 1, 1]. */
const float *cnn_vector(struct cnn_builder *b, const char *name, uint32_t c);

/*
 * cnn_inverted: an inverted bottleneck (Sandler et al. 2018,
 * https://arxiv.org/abs/1801.04381): expand, where there is such a
 * convolution, depthwise by ${stride}, squeeze-excite, where there is one,
 * project, and what came in added where it fits and stride is 1.
 */
struct inverted {
	/* names, without ".weight"; those of what is not there "" */
	char expand[CNN_NAME], expand_norm[CNN_NAME];
	char depth[CNN_NAME], depth_norm[CNN_NAME];
	char reduce[CNN_NAME], widen[CNN_NAME];
	char project[CNN_NAME], project_norm[CNN_NAME];
	uint32_t stride;
	int same;
	double eps;
	enum activation act, squeeze_act, gate;
};
int cnn_inverted(struct cnn_builder *b, const struct inverted *v);

/* The names of a block in timm ("blocks.1.0") and torchvision
 * ("features.2.0.block"). */
void inverted_timm(
    const struct cnn_builder *b, struct inverted *v, int stage, int i);
void inverted_torchvision(
    const struct cnn_builder *b, struct inverted *v, const char *block);

/* cnn_stage: a stage is complete.  1 when no more is wanted. */
int cnn_stage(struct cnn_builder *b);

/* cnn_other: a slot that is none of the two. */
int cnn_other(int a, int b);

/* A family: its name in encoder_info, what it is known by, how it is built,
 * and what pixels it wants where no file says it. */
struct cnn_family {
	const char *name;
	int (*build)(struct cnn_builder *b);
	const struct pixels *pixels;
	const char *prefix;
};

/* cnn_family(s): what the arrays are of, told by their names; NULL with a
 * sentence when of nothing known. */
const struct cnn_family *cnn_family(const struct store *s, struct error *e);

int resnet_build(struct cnn_builder *b);
int efficientnet_build(struct cnn_builder *b);
int mobilenet_build(struct cnn_builder *b);
int convnext_build(struct cnn_builder *b);

/* ---- running ---- */

struct cnn_work {
	struct encoder_work base;
	float *slot[CNN_SLOTS], *ring, *few; /* few: some [c] */
	void *room;
	float *out;
	size_t cap_out;
	size_t *end;
	size_t cap_end;
};

/* cnn_plan: sizes of slots and bands; "... pixels are too many". */
int cnn_plan(struct cnn *x, struct error *e);

/* cnn_run: one picture through all operations; the result is in the slot
 * x->last. */
void cnn_run(const struct cnn *x, struct cnn_work *w, const float *px);

#endif
