/*
 * ResNet 18 to 152, ResNeXt and wide ones: He et al. 2015,
 * https://arxiv.org/abs/1512.03385, with the stride in the 3 x 3 convolution,
 * under the names of torchvision and timm
 *
 *	conv1 bn1 layer1.0.{conv1 bn1 conv2 bn2 [conv3 bn3] [downsample.0 .1]}
 *
 * and of transformers
 *
 *	embedder.embedder.{convolution normalization}
 *	encoder.stages.0.layers.0.{layer.0 ... [shortcut]}.{the same}
 */
#include <string.h>

#include "nn/cnn.h"

enum { STAGES = 4 };

static const double eps = 1e-5;

/* The names of convolution i, or of the shortcut (i = -1), of a block. */
static void
block_names(const struct cnn_builder *b, struct cnn_spec *p, int hf, int stage,
    int block, int i)
{
	if (hf && i < 0) {
		cnn_name(b, p->conv,
		    "encoder.stages.%d.layers.%d.shortcut.convolution", stage,
		    block);
		cnn_name(b, p->norm,
		    "encoder.stages.%d.layers.%d.shortcut.normalization", stage,
		    block);
	} else if (hf) {
		cnn_name(b, p->conv,
		    "encoder.stages.%d.layers.%d.layer.%d.convolution", stage,
		    block, i);
		cnn_name(b, p->norm,
		    "encoder.stages.%d.layers.%d.layer.%d.normalization", stage,
		    block, i);
	} else if (i < 0) {
		cnn_name(
		    b, p->conv, "layer%d.%d.downsample.0", stage + 1, block);
		cnn_name(
		    b, p->norm, "layer%d.%d.downsample.1", stage + 1, block);
	} else {
		cnn_name(
		    b, p->conv, "layer%d.%d.conv%d", stage + 1, block, i + 1);
		cnn_name(
		    b, p->norm, "layer%d.%d.bn%d", stage + 1, block, i + 1);
	}
}

/*
 * relu(shortcut(x) + conv(relu(... relu(conv(x))))): two or three
 * convolutions, joined; the shortcut comes first, so that it is there to be
 * added.
 */
static int
block(struct cnn_builder *b, int hf, int stage, int i, uint32_t stride)
{
	struct cnn_spec p = { .eps = eps, .stride = stride, .add = CNN_INPUT };
	struct cnn_builder before = *b;
	int from = b->slot, add = from, n;

	block_names(b, &p, hf, stage, i, 2);
	n = cnn_there(b, p.conv) ? 3 : 2;
	block_names(b, &p, hf, stage, i, -1);
	if (cnn_there(b, p.conv)) {
		add = p.to = cnn_other(from, from);
		if (cnn_conv(b, &p) == -1)
			return -1;
		b->h = before.h;
		b->w = before.w;
		b->c = before.c;
		b->slot = from;
	}
	p.to = cnn_other(from, add);
	for (int k = 0; k < n; k++) {
		block_names(b, &p, hf, stage, i, k);
		p.joined = k > 0;
		p.stride = k == n - 2 && n == 3 ? stride : 1;
		if (n == 2 && k == 0)
			p.stride = stride;
		p.act = k < n - 1 ? ACT_RELU : ACT_NONE;
		p.last = k < n - 1 ? ACT_NONE : ACT_RELU;
		p.add = k < n - 1 ? CNN_INPUT : add;
		if (cnn_conv(b, &p) == -1)
			return -1;
	}
	return 0;
}

/* What would change the numbers and is not done here. */
static int
check(struct cnn_builder *b, int hf)
{
	static const char *const flags[] = { "downsample_in_bottleneck",
		"downsample_in_first_stage" };

	for (size_t i = 0; hf && i < 2; i++) {
		int on = 0;

		if (store_field_bool(
			b->s, "config.json", flags[i], &on, b->e) == -1)
			return -1;
		if (on)
			return error_set(b->e,
			    "'%s/config.json': %s is not supported",
			    store_path(b->s), flags[i]);
	}
	if (cnn_has(b, "conv1.0.weight") ||
	    cnn_has(b, "layer1.0.se.fc1.weight") ||
	    cnn_has(b, "layer1.0.se.conv.weight"))
		return error_set(b->e,
		    "'%s': a ResNet with a deep stem or attention is not "
		    "supported",
		    store_path(b->s));
	return 0;
}

int
resnet_build(struct cnn_builder *b)
{
	int hf = !cnn_has(b, "conv1.weight");
	struct cnn_spec p = {
		.eps = eps, .stride = 2, .act = ACT_RELU, .add = CNN_INPUT
	};

	if (check(b, hf) == -1)
		return -1;
	cnn_name(b, p.conv, hf ? "embedder.embedder.convolution" : "conv1");
	cnn_name(b, p.norm, hf ? "embedder.embedder.normalization" : "bn1");
	if (cnn_conv(b, &p) == -1 || cnn_max(b, 0) == -1)
		return -1;
	for (int s = 0; s < STAGES; s++) {
		for (int i = 0; !b->done; i++) {
			block_names(b, &p, hf, s, i, 0);
			if (i > 0 && !cnn_there(b, p.conv))
				break;
			if (block(b, hf, s, i, s > 0 && i == 0 ? 2 : 1) == -1)
				return -1;
		}
		if (cnn_stage(b))
			return 0;
	}
	return 0;
}
