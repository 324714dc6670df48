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
};

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
