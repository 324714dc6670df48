/*
 * ConvNeXt: Liu et al. 2022, https://arxiv.org/abs/2201.03545, under the names
 * of torchvision
 *
 *	features.0.{0 1} features.1.0.{block.0 block.2 block.3 block.5
 *	layer_scale} features.2.{0 1} classifier.0
 *
 * of timm
 *
 *	stem.{0 1} stages.0.blocks.0.{conv_dw norm mlp.fc1 mlp.fc2 gamma}
 *	stages.1.downsample.{0 1} head.norm
 *
 * and of transformers
 *
 *	embeddings.{patch_embeddings layernorm} encoder.stages.0.layers.0.
 *	{dwconv layernorm pwconv1 pwconv2 layer_scale_parameter}
 *	encoder.stages.1.downsampling_layer.{0 1} layernorm
 *
 * A vector is the mean of the pixels after the last norm.
 */
#include <stdio.h>
#include <string.h>

#include "nn/cnn.h"

enum { STAGES = 4 };
enum style { TIMM, TORCHVISION, HF };

static const float eps = 1e-6f;

enum part { DEPTH, NORM, FC1, FC2, SCALE };

static void
block_name(const struct cnn_builder *b, enum style style, char *out, int s,
    int i, enum part part)
{
	static const char *const parts[][5] = {
		{ "conv_dw", "norm", "mlp.fc1", "mlp.fc2", "gamma" },
		{ "block.0", "block.2", "block.3", "block.5", "layer_scale" },
		{ "dwconv", "layernorm", "pwconv1", "pwconv2",
		    "layer_scale_parameter" },
	};

	if (style == TIMM)
		cnn_name(
		    b, out, "stages.%d.blocks.%d.%s", s, i, parts[style][part]);
	else if (style == TORCHVISION)
		cnn_name(b, out, "features.%d.%d.%s", 2 * s + 1, i,
		    parts[style][part]);
	else
		cnn_name(b, out, "encoder.stages.%d.layers.%d.%s", s, i,
		    parts[style][part]);
}

/* A convolution to ${to} that reads each pixel of the input once. */
static int
patches(struct cnn_builder *b, const char *name, int joined, int to,
    uint32_t stride)
{
	struct cnn_spec p = { .joined = joined,
		.to = to,
		.add = CNN_INPUT,
		.stride = stride,
		.tight = 1 };

	memcpy(p.conv, name, sizeof(p.conv));
	return cnn_conv(b, &p);
}

/* x + gamma fc2(gelu(fc1(norm(depthwise(x))))), joined */
static int
block(struct cnn_builder *b, enum style style, int s, int i)
{
	struct cnn_spec p = { .add = CNN_INPUT, .stride = 1 };
	int from = b->slot, to = cnn_other(from, from);
	char name[CNN_NAME];
	uint32_t c = b->c;

	p.to = to;
	block_name(b, style, p.conv, s, i, DEPTH);
	if (cnn_depth(b, &p) == -1)
		return -1;
	block_name(b, style, name, s, i, NORM);
	if (cnn_norm(b, name, 1, to, eps) == -1)
		return -1;
	block_name(b, style, name, s, i, FC1);
	if (cnn_dense(b, name, to, ACT_GELU, NULL, CNN_INPUT) == -1)
		return -1;
	block_name(b, style, name, s, i, SCALE);
	if (store_has(b->s, name) && (p.gamma = cnn_vector(b, name, c)) == NULL)
		return -1;
	block_name(b, style, name, s, i, FC2);
	return cnn_dense(b, name, to, ACT_NONE, p.gamma, from);
}

/* Between stages: a norm, then patches of 2 x 2. */
static int
downsample(struct cnn_builder *b, enum style style, int s)
{
	static const char *const names[] = { "stages.%d.downsample.%d",
		"features.%d.%d", "encoder.stages.%d.downsampling_layer.%d" };
	int to = cnn_other(b->slot, b->slot),
	    n = style == TORCHVISION ? 2 * s : s;
	char norm[CNN_NAME], conv[CNN_NAME];

	snprintf(conv, sizeof(conv), names[style], n, 0);
	cnn_name(b, norm, "%s", conv);
	snprintf(conv, sizeof(conv), names[style], n, 1);
	if (cnn_norm(b, norm, 0, to, eps) == -1)
		return -1;
	cnn_name(b, norm, "%s", conv);
	return patches(b, norm, 1, to, 2);
}

static int
stem(struct cnn_builder *b, enum style style)
{
	static const char *const names[][2] = { { "stem.0", "stem.1" },
		{ "features.0.0", "features.0.1" },
		{ "embeddings.patch_embeddings", "embeddings.layernorm" } };
	char name[CNN_NAME];

	cnn_name(b, name, "%s", names[style][0]);
	if (patches(b, name, 0, 0, 4) == -1)
		return -1;
	cnn_name(b, name, "%s", names[style][1]);
	return cnn_norm(b, name, 1, 0, eps);
}

static enum style
style_of(const struct cnn_builder *b)
{
	if (cnn_has(b, "stem.0.weight"))
		return TIMM;
	return cnn_has(b, "features.0.0.weight") ? TORCHVISION : HF;
}

/* The norm of the pooled picture. */
static int
last_norm(struct cnn_builder *b, enum style style)
{
	static const char *const names[] = { "head.norm", "classifier.0",
		"layernorm" };
	double small = (double)eps;
	char name[CNN_NAME];

	if (style == HF) {
		small = 1e-12;
		if (store_field_double(b->s, "config.json", "layer_norm_eps", 0,
			1, &small, b->e) == -1)
			return -1;
	}
	cnn_name(b, name, "%s", names[style]);
	if (!cnn_there(b, name))
		return 0;
	return cnn_read_norm(b, &b->x->norm, name, b->c, (float)small);
}

int
convnext_build(struct cnn_builder *b)
{
	enum style style = style_of(b);
	char name[CNN_NAME];

	if (cnn_has(b, "stages.0.blocks.0.mlp.grn.weight") ||
	    cnn_has(b, "encoder.stages.0.layers.0.grn.weight"))
		return error_set(b->e, "'%s': ConvNeXt V2 is not supported",
		    store_path(b->s));
	if (stem(b, style) == -1)
		return -1;
	for (int s = 0; s < STAGES; s++) {
		if (s > 0 && downsample(b, style, s) == -1)
			return -1;
		for (int i = 0;; i++) {
			block_name(b, style, name, s, i, DEPTH);
			if (i > 0 && !cnn_there(b, name))
				break;
			if (block(b, style, s, i) == -1)
				return -1;
		}
		if (cnn_stage(b))
			return 0;
	}
	return last_norm(b, style);
}
