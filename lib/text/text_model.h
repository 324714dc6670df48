#ifndef TEXT_TEXT_MODEL_H
#define TEXT_TEXT_MODEL_H

#include "nn/encoder_options.h"

/*
 * A pretrained encoder of texts with what stands around it: the prompt before
 * a text, its tokens, their cut or their windows, the special tokens around
 * them, and the network.
 *
 * The model is shared and only read; each thread has a struct text_worker. What
 * a text becomes depends on it and the options alone.  Functions return -1 or
 * NULL with a sentence; after text_model_open only memory can be out.
 */

enum text_long {
	TEXT_LONG_CUT, /* the first tokens stand for a text of too many */
	/* Windows of about equal length, each with the prompt and the special
	 * tokens; the mean of their vectors by their tokens, to unit length
	 * where the model's are. */
	TEXT_LONG_MEAN
};

struct text_model_options {
	struct encoder_options encoder;
	const char *prefix; /* comes before each text, or NULL */
	/* The name of a prompt in config_sentence_transformers.json; both NULL:
	 * its default_prompt_name's, if it has one. */
	const char *prompt;
	uint32_t max_tokens; /* with the special ones; 0: the model's */
	enum text_long longer;
};

struct text_model; /* opaque */

/* text_model_open: the options are borrowed.  A vocabulary that does not fit
 * the network, a prompt that the model does not have, and max_tokens beyond
 * the network's are errors. */
struct text_model *text_model_open(
    const struct text_model_options *o, struct error *e);
void text_model_free(struct text_model *m); /* NULL is fine */

/* text_model_save: the packed file, as pretrained_save. */
int text_model_save(const struct text_model *m, struct error *e);

const struct encoder_info *text_model_info(const struct text_model *m);
uint64_t text_model_hash(const struct text_model *m);   /* store_hash */
uint32_t text_model_tokens(const struct text_model *m); /* max_tokens in use */

/* text_model_logit(m, scale, bias): what pairs of towers (CLIP, SigLIP) make
 * of a cosine: scale * cosine + bias.  1; 2 when it has a bias, and every
 * label stands for itself; 0 when the model is none of these. */
int text_model_logit(const struct text_model *m, float *scale, float *bias);

/* text_model_space, text_model_run: append what a stream's header says, as
 * JSON objects.  0 or -1 (memory). */
int text_model_space(const struct text_model *m, struct buf *b);
int text_model_run(const struct text_model *m, struct buf *b);

struct text_worker; /* opaque */
struct text_worker *text_worker_new(
    const struct text_model *m, struct error *e);
void text_worker_free(struct text_worker *w); /* NULL is fine */

/* text_worker_share: encoder_work_share (nn/encoder.h). */
void text_worker_share(struct text_worker *w, struct pool *pool);

/* What became of a text. */
struct text_vector {
	const float *v; /* [rows, dim], the worker's until its next call */
	size_t rows;    /* 1, more with POOL_NONE; 0: the text is empty */
	int cut;
};

/* text_model_encode(m, w, texts, n, out, e): n texts at once; out: [n].
 * Ill-formed UTF-8 reads as U+FFFD. */
int text_model_encode(const struct text_model *m, struct text_worker *w,
    const struct str *texts, size_t n, struct text_vector *out,
    struct error *e);

#endif
