#ifndef NN_ENCODER_H
#define NN_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "nn/pixels.h"
#include "nn/store.h"

/*
 * A pretrained encoder, ready to run: tokens or pixels in, vectors out.  Which
 * family it is, is read from config.json, or from the names of its arrays.
 *
 * The values of a record depend on that record, the model and ${how} alone,
 * never on its neighbours in a call, on the instruction set or on threads.
 *
 * Pooling and normalisation are those of modules.json and its pooling's
 * config.json, where a model has them (sentence-transformers).  Without them
 * the BERT family takes the mean of all rows, not normalised; CLIP's texts the
 * end token's row and SigLIP's the last, both with their projection, which is
 * left out for any other pooling.
 */

enum encoder_kind { ENCODER_TEXT, ENCODER_PICTURE };

enum pooling {
	POOL_MODEL, /* as the model's own files say */
	POOL_MEAN,
	POOL_CLS, /* the first row; for CLIP's texts the end token's */
	POOL_LAST,
	POOL_LARGEST, /* of each number; "max" */
	POOL_NONE     /* all rows: a sequence */
};

struct encoder_how {
	enum isa isa;
	int layer; /* take the output of this block, from 1; 0: the last, with
		    * what the model puts behind it (norm, projection) */
	enum pooling pool;
	int normalize; /* to unit length: 1, 0, or -1 as the model says */
};

struct encoder_info {
	enum encoder_kind kind;
	const char *family; /* "bert", "clip-text", "vit", "efficientnet" ... */
	uint32_t dim;       /* of a vector that comes out */
	uint32_t hidden, layers, heads, mlp; /* 0 where it has none */
	uint32_t max_tokens, vocab;          /* texts */
	struct pixels pixels;                /* pictures: what goes in */
	enum pooling pool;                   /* never POOL_MODEL */
	int normalize;
};

struct encoder; /* opaque; families begin with struct encoder_base */

/* encoder_new(s, kind, how, e): the store is borrowed until encoder_free.
 * "'config.json': model_type 'x' is not supported". */
struct encoder *encoder_new(struct store *s, enum encoder_kind kind,
    const struct encoder_how *how, struct error *e);
void encoder_free(struct encoder *x); /* NULL is fine */
const struct encoder_info *encoder_info(const struct encoder *x);

/*
 * encoder_logit(s, scale, bias, e): of a pair of text and picture encoders
 * (CLIP, SigLIP): what a cosine is multiplied by and what is added before
 * softmax (CLIP) or the logistic function (SigLIP); a bias is SigLIP's alone,
 * else 0.  1, 0 when the model has no such numbers, -1.  A packed file has
 * them when they were asked for before it was saved.
 */
int encoder_logit(struct store *s, float *scale, float *bias, struct error *e);

/* encoder_macs(x, tokens): multiply-adds for one record; tokens are ignored
 * for pictures. */
uint64_t encoder_macs(const struct encoder *x, size_t tokens);

/* What one worker needs; grows with the largest call. */
struct encoder_work; /* opaque */
struct encoder_work *encoder_work_new(const struct encoder *x, struct error *e);
void encoder_work_free(struct encoder_work *w);

/* encoder_work_share(w, pool): calls with w may cut their work for the spare
 * threads of a pool (pool_run_together), which lives as long as they do.
 * Families of transformers do; convolutions run in one thread. */
void encoder_work_share(struct encoder_work *w, struct pool *pool);

/* The result of a call, in the worker's memory until its next call. */
struct encoder_out {
	const float *v;    /* [rows, dim] */
	const size_t *end; /* [n]: rows of record i are end[i - 1] .. end[i];
			    * one row each unless POOL_NONE */
};

/*
 * encoder_texts(x, w, ids, end, n, out, e): n texts, their token ids (special
 * ones included) end to end; those of text i are end[i - 1] .. end[i], at
 * least 1 and at most max_tokens of them, each below vocab.
 * encoder_pictures: px: [n, height, width, 3], RGB, as preprocess.h makes
 * them for info's pixels.
 * 0, or -1 when memory is out.
 */
int encoder_texts(const struct encoder *x, struct encoder_work *w,
    const uint32_t *ids, const size_t *end, size_t n, struct encoder_out *out,
    struct error *e);
int encoder_pictures(const struct encoder *x, struct encoder_work *w,
    const float *px, size_t n, struct encoder_out *out, struct error *e);

#endif
