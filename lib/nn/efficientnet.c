/*
 * EfficientNet and EfficientNet-Lite: Tan and Le 2019,
 * https://arxiv.org/abs/1905.11946; Lite has ReLU6 and no squeeze-excite.
 * Seven stages under the names of timm
 *
 *	conv_stem bn1 blocks.1.0.{conv_pw bn1 conv_dw bn2 se.conv_reduce
 *	se.conv_expand conv_pwl bn3} conv_head bn2
 *
 * where the first stage has {conv_dw bn1 se conv_pw bn2}; of torchvision
 *
 *	features.0.{0 1} features.2.0.block.{0.0 0.1 1.0 1.1 2.fc1 2.fc2 3.0
 *	3.1} features.8.{0 1}
 *
 * and of EfficientNet-PyTorch, where a stage begins with each change of width
 *
 *	_conv_stem _bn0 _blocks.0.{_expand_conv _bn0 _depthwise_conv _bn1
 *	_se_reduce _se_expand _project_conv _bn2} _conv_head _bn1
 */
#include <stdio.h>
#include <string.h>

#include "nn/cnn.h"

enum { STAGES = 7 };
enum style { TIMM, TORCHVISION, PYTORCH };

static const uint32_t strides[STAGES] = { 1, 2, 2, 2, 1, 2, 1 };

static void
pytorch_names(const struct cnn_builder *b, struct inverted *v, int i)
{
	cnn_name(b, v->expand, "_blocks.%d._expand_conv", i);
	cnn_name(b, v->expand_norm, "_blocks.%d._bn0", i);
	cnn_name(b, v->depth, "_blocks.%d._depthwise_conv", i);
	cnn_name(b, v->depth_norm, "_blocks.%d._bn1", i);
	cnn_name(b, v->reduce, "_blocks.%d._se_reduce", i);
	cnn_name(b, v->widen, "_blocks.%d._se_expand", i);
	cnn_name(b, v->project, "_blocks.%d._project_conv", i);
	cnn_name(b, v->project_norm, "_blocks.%d._bn2", i);
	if (!cnn_there(b, v->expand))
		v->expand[0] = '\0';
	if (!cnn_there(b, v->reduce))
		v->reduce[0] = '\0';
}

/* Names of block i of a stage; ${flat} counts all blocks. */
static void
block_names(const struct cnn_builder *b, enum style style, struct inverted *v,
    int stage, int i, int flat)
{
	char block[CNN_NAME];

	if (style == TIMM)
		inverted_timm(b, v, stage, i);
	else if (style == PYTORCH)
		pytorch_names(b, v, flat);
	else {
		snprintf(
		    block, sizeof(block), "features.%d.%d.block", stage + 1, i);
		inverted_torchvision(b, v, block);
	}
}

/* The width that a block's projection makes, or 0 when there is no such
 * block. */
static uint32_t
block_width(const struct cnn_builder *b, const struct inverted *v)
{
	uint64_t shape[4] = { 0, 0, 1, 1 };
	char full[CNN_NAME + 16];

	cnn_weight_name(full, v->project);
	if (store_shape(b->s, full, 4, shape, NULL) == -1)
		return 0;
	return shape[0] <= UINT32_MAX ? (uint32_t)shape[0] : 0;
}

static enum style
style_of(const struct cnn_builder *b)
{
	if (cnn_has(b, "_conv_stem.weight"))
		return PYTORCH;
	return cnn_has(b, "conv_stem.weight") ? TIMM : TORCHVISION;
}

/* The epsilon of TensorFlow's networks and of the largest of torchvision,
 * B5 to B7, which are the ones with three blocks in the first stage. */
static int
like_tensorflow(const struct cnn_builder *b, enum style style)
{
	char name[64] = "";

	if (style == PYTORCH)
		return 1;
	if (style == TORCHVISION)
		return cnn_has(b, "features.1.2.block.0.0.weight");
	store_field_string(
	    b->s, "config.json", "architecture", name, sizeof(name), NULL);
	return strncmp(name, "tf_", 3) == 0;
}

static int
stem(struct cnn_builder *b, enum style style, const struct inverted *v)
{
	static const char *const names[][2] = { { "conv_stem", "bn1" },
		{ "features.0.0", "features.0.1" }, { "_conv_stem", "_bn0" } };
	struct cnn_spec p = { .add = CNN_INPUT,
		.stride = 2,
		.same = v->same,
		.eps = v->eps,
		.act = v->act };

	cnn_name(b, p.conv, "%s", names[style][0]);
	cnn_name(b, p.norm, "%s", names[style][1]);
	return cnn_conv(b, &p);
}

static int
head(struct cnn_builder *b, enum style style, const struct inverted *v)
{
	static const char *const names[][2] = { { "conv_head", "bn2" },
		{ "features.8.0", "features.8.1" }, { "_conv_head", "_bn1" } };
	struct cnn_spec p = { .to = cnn_other(b->slot, b->slot),
		.add = CNN_INPUT,
		.stride = 1,
		.same = v->same,
		.eps = v->eps,
		.act = v->act };

	cnn_name(b, p.conv, "%s", names[style][0]);
	cnn_name(b, p.norm, "%s", names[style][1]);
	return cnn_conv(b, &p);
}

/* The blocks of one stage, of which the first is number *flat. */
static int
stage(struct cnn_builder *b, enum style style, struct inverted *v, int s,
    int *flat)
{
	uint32_t width = 0, wide;

	for (int i = 0;; i++, ++*flat) {
		block_names(b, style, v, s, i, *flat);
		wide = block_width(b, v);
		if (i > 0 && (wide == 0 || (style == PYTORCH && wide != width)))
			return 0;
		width = wide;
		v->stride = i == 0 ? strides[s] : 1;
		if (cnn_inverted(b, v) == -1)
			return -1;
	}
}

int
efficientnet_build(struct cnn_builder *b)
{
	enum style style = style_of(b);
	int flat = 0, tf = like_tensorflow(b, style);
	struct inverted v = { .same = tf && style != TORCHVISION,
		.eps = tf ? 1e-3 : 1e-5,
		.squeeze_act = ACT_SILU,
		.gate = ACT_SIGMOID };

	block_names(b, style, &v, 0, 0, 0);
	v.act = cnn_there(b, v.reduce) ? ACT_SILU : ACT_RELU6;
	if (stem(b, style, &v) == -1)
		return -1;
	for (int s = 0; s < STAGES; s++) {
		if (stage(b, style, &v, s, &flat) == -1)
			return -1;
		if (cnn_stage(b))
			return 0;
	}
	block_names(b, style, &v, STAGES, 0, flat);
	if (block_width(b, &v) != 0)
		return error_set(b->e,
		    "'%s': tensor '%s.weight': more than %d stages of blocks",
		    store_path(b->s), v.project, STAGES);
	return head(b, style, &v);
}
