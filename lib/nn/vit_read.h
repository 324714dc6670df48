#ifndef NN_VIT_READ_H
#define NN_VIT_READ_H

#include "nn/vit.h"

/*
 * Building a struct vit from config.json and the arrays, for vit_*.c alone.
 * What the configuration says is compared with the shapes of the arrays, so
 * that a lie is named before any memory depends on it.
 */

enum {
	VIT_HIDDEN_MAX = 1 << 14,
	VIT_MLP_MAX = 1 << 16,
	VIT_LAYERS_MAX = 1 << 10,
	VIT_TOKENS_MAX = 1 << 14, /* of a picture */
	VIT_PATCH_MAX = 128,      /* pixels */
	VIT_SIDE_MAX = 4096       /* pixels */
};

/* How one family spells what it has; NULL: it has no such thing.  Names of
 * layers go without .weight and .bias. */
struct vit_names {
	const char *type;   /* model_type; "" for timm's architectures */
	const char *family; /* for encoder_info */
	const char *fields; /* where in config.json a pair keeps it */
	const char *cls, *dist, *registers, *positions, *patch;
	const char *pre, *post, *project;
	const char *block; /* what every name of a block begins with */
	const char *qkv[3], *out, *norm1, *norm2, *fc1, *fc2, *ls1, *ls2;
	/* Defaults of the configuration. */
	enum activation act;
	double eps;
	uint32_t patch_size;
	int mlp_ratio; /* says that in place of intermediate_size */
	int head;
	int interpolate; /* positions: 1, or 2 with antialiasing */
};

/* The names of timm, which the original code of DINOv2 shares. */
extern const struct vit_names vit_timm;

enum { VIT_NAME = 128, VIT_NAMES_KEPT = 16 };

struct vit_reader {
	struct vit *v;
	struct store *s;
	const struct vit_names *n;
	struct error *e;
	const char *prefix; /* of arrays: "vit." */
	const char *fields; /* of fields: "vision_config" or "" */
	float eps;
	uint32_t image_w, image_h; /* what the positions are for; 0: any */
	uint32_t hidden, mlp;
	int qkv_bias;    /* 1: there is one, 0: there is none, -1: look */
	int interpolate; /* positions, as in struct vit_names */
	char text[VIT_NAMES_KEPT][VIT_NAME]; /* the last names made */
	unsigned next;
};

/*
 * Names that live until VIT_NAMES_KEPT others were made: any text; an array by
 * its name; an array of a block; a field of the configuration.
 */
const char *vit_text(struct vit_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *vit_array(struct vit_reader *r, const char *name);
const char *vit_part(
    struct vit_reader *r, uint32_t layer, const char *name, const char *tail);
const char *vit_field(struct vit_reader *r, const char *name);

/* vit_lie: the configuration and an array disagree.  -1. */
int vit_lie(struct vit_reader *r, const char *name, uint64_t said,
    const char *of, uint64_t is);
int vit_u32(
    struct vit_reader *r, const char *name, uint32_t max, uint32_t *out);

/* vit_config.c: the sizes, from the fields and the arrays.  0 or -1. */
const struct vit_names *vit_find_names(struct vit_reader *r, const char *type);
int vit_sizes(struct vit_reader *r);

/* vit_tokens.c: what goes in: pixels, tokens and positions.  0 or -1. */
int vit_pixels(struct vit_reader *r);
int vit_tokens(struct vit_reader *r);

#endif
