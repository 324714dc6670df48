#ifndef NN_ENCODER_IMPL_H
#define NN_ENCODER_IMPL_H

#include "nn/encoder.h"

/*
 * What a family brings.  Its struct begins with a struct encoder, its work
 * with a struct encoder_work.  X_new reads the configuration, builds from the
 * store and returns the encoder, or NULL with a sentence.
 */
struct encoder_ops {
	void (*free)(struct encoder *x);
	uint64_t (*macs)(const struct encoder *x, size_t tokens);
	struct encoder_work *(*work_new)(
	    const struct encoder *x, struct error *e);
	void (*work_free)(struct encoder_work *w);
	/* One of the two; the other is NULL. */
	int (*texts)(const struct encoder *x, struct encoder_work *w,
	    const uint32_t *ids, const size_t *end, size_t n,
	    struct encoder_out *out, struct error *e);
	int (*pictures)(const struct encoder *x, struct encoder_work *w,
	    const float *px, size_t n, struct encoder_out *out,
	    struct error *e);
};

struct encoder {
	const struct encoder_ops *ops;
	struct encoder_info info;
	struct encoder_how how;
};

struct encoder_work {
	const struct encoder *x;
	struct pool *pool; /* see encoder_work_share */
};

/*
 * What families share, in encoder.c.
 *
 * encoder_pooling(s, how, fallback, info, e): set info's pool and normalize:
 * what ${how} asks for, else what the model's files say, else ${fallback} and
 * 0.
 * encoder_activation(s, file, path, act, e): the function that a field names;
 * *act stays as it was where there is none.
 * encoder_layers(s, file, path, how, layers, e): how many blocks are run of
 * ${layers}; more than there are is an error.
 */
int encoder_pooling(const struct store *s, const struct encoder_how *how,
    enum pooling fallback, struct encoder_info *info, struct error *e);
int encoder_activation(const struct store *s, const char *file,
    const char *path, enum activation *act, struct error *e);
int encoder_layers(const struct store *s, const char *file, const char *path,
    const struct encoder_how *how, uint32_t *layers, struct error *e);

/* The families: each in a file of its own. */
struct encoder *bert_new(struct store *s, const char *type,
    const struct encoder_how *how, struct error *e);
struct encoder *clip_text_new(struct store *s, const char *type,
    const struct encoder_how *how, struct error *e);
struct encoder *vit_new(struct store *s, const char *type,
    const struct encoder_how *how, struct error *e);
struct encoder *cnn_new(struct store *s, const char *type,
    const struct encoder_how *how, struct error *e);

#endif
