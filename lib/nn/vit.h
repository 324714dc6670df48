#ifndef NN_VIT_H
#define NN_VIT_H

#include "nn/encoder_impl.h"
#include "nn/transformer.h"

/*
 * The insides of the vision transformers, for vit*.c alone.  A picture is cut
 * into rows x cols patches of patch x patch pixels, each a row of numbers;
 * other tokens stand before them (class, distillation, registers).
 *
 *	x = [tokens; embed(patches)] + positions
 *	x = blocks(pre(x))
 *
 * and then, by family:
 *
 *	ViT, DeiT, DINOv2    post(x)[0]
 *	timm, global_pool    the mean of post(x)'s patches, or post of the mean
 *	CLIP                 project(post(x[0]))
 *	SigLIP               head(post(x)): attention of a learned probe
 *
 * Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929; Touvron et al.
 * 2020, https://arxiv.org/abs/2012.12877; Radford et al. 2021,
 * https://arxiv.org/abs/2103.00020; Oquab et al. 2023,
 * https://arxiv.org/abs/2304.07193; Darcet et al. 2023,
 * https://arxiv.org/abs/2309.16588; Zhai et al. 2023,
 * https://arxiv.org/abs/2303.15343.
 *
 * D = hidden size, P = rows x cols, T = first + P.
 */

struct vit_head {
	const float *probe; /* [D], or NULL: no such head */
	struct linear qkv, out, fc1, fc2;
	struct layer_norm norm;
};

struct vit {
	struct encoder base;
	struct transformer t;
	uint32_t patch, rows, cols;
	uint32_t first;         /* tokens before the patches */
	uint32_t classes;       /* 1 when the first of them is the class */
	struct linear embed;    /* rows [patch, patch, 3] to [D] */
	const float *positions; /* [T, D]; those before the patches with
				 * their tokens added */
	struct layer_norm pre;  /* weight NULL: none */
	struct layer_norm post;
	int post_last;  /* post comes behind the pooling, not before it */
	int post_class; /* and only where the class is taken */
	struct linear project; /* packed NULL: none */
	struct vit_head head;
};

/* vit_read.c */
int vit_read(struct vit *v, struct store *s, const char *type,
    const struct encoder_how *how, struct error *e);

/*
 * vit_positions(out, in, from, to_rows, to_cols, antialias, dim): from x from
 * positions to to_rows x to_cols, as torch's bicubic interpolation with
 * align_corners off does it, computed in double.
 *   in: [from * from, dim]   out: [to_rows * to_cols, dim]
 * 0 or -1 (memory).
 */
int vit_positions(float *out, const float *in, uint32_t from, uint32_t to_rows,
    uint32_t to_cols, int antialias, size_t dim);

#endif
