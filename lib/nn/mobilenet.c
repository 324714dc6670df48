/*
 * MobileNetV3, large and small: Howard et al. 2019,
 * https://arxiv.org/abs/1905.02244, under the names of timm
 *
 *	conv_stem bn1 blocks.1.0.{as efficientnet.c says} blocks.6.0.{conv bn1}
 *	conv_head
 *
 * and of torchvision, where the blocks of all stages are counted on
 *
 *	features.0.{0 1} features.1.block.{as there} features.16.{0 1}
 *	classifier.0
 *
 * A vector is what comes out of the last layer before the classifier, with
 * its hard-swish, as timm's num_classes=0 gives it; of arrays without that
 * layer, the pooled picture.
 */
#include <stdio.h>
#include <string.h>

#include "nn/cnn.h"

enum { MOST_STAGES = 6 };

/* What arrays do not tell.  With torchvision's names also how many blocks a
 * stage has. */
static const struct plan {
	const char *name;
	int stages, relu; /* so many first stages have ReLU, not hard-swish */
	uint32_t stride[MOST_STAGES];
	int blocks[MOST_STAGES];
} large = { "large", 6, 3, { 1, 2, 2, 2, 1, 2 }, { 1, 2, 3, 4, 2, 3 } },
  small = { "small", 5, 2, { 2, 2, 2, 1, 2 }, { 1, 2, 3, 2, 3 } };

static int
is_timm(const struct cnn_builder *b)
{
	return cnn_has(b, "conv_stem.weight");
}

/* The last convolution: its place tells how many blocks there are. */
static const struct plan *
plan_of(struct cnn_builder *b)
{
	int timm = is_timm(b);

	if (cnn_has(
		b, timm ? "blocks.6.0.conv.weight" : "features.16.0.weight"))
		return &large;
	if (cnn_has(
		b, timm ? "blocks.5.0.conv.weight" : "features.12.0.weight"))
		return &small;
	error_set(b->e,
	    "'%s': neither a large nor a small MobileNetV3: no tensor '%s'",
	    store_path(b->s),
	    timm ? "blocks.6.0.conv.weight" : "features.16.0.weight");
	return NULL;
}

static int
one_conv(struct cnn_builder *b, const char *conv, const char *norm,
    uint32_t stride, const struct inverted *v)
{
	struct cnn_spec p = { .to = b->x->n == 0 ? 0
						 : cnn_other(b->slot, b->slot),
		.add = CNN_INPUT,
		.stride = stride,
		.same = v->same,
		.eps = v->eps,
		.act = ACT_HARDSWISH };

	cnn_name(b, p.conv, "%s", conv);
	cnn_name(b, p.norm, "%s", norm);
	return cnn_conv(b, &p);
}

/* The blocks of one stage, the first of which is number *flat. */
static int
stage(struct cnn_builder *b, const struct plan *m, struct inverted *v, int s,
    int *flat)
{
	char block[CNN_NAME];

	v->act = s < m->relu ? ACT_RELU : ACT_HARDSWISH;
	for (int i = 0;; i++, ++*flat) {
		if (is_timm(b)) {
			inverted_timm(b, v, s, i);
			if (i > 0 && !cnn_there(b, v->depth))
				return 0;
		} else {
			if (i == m->blocks[s])
				return 0;
			snprintf(block, sizeof(block), "features.%d.block",
			    *flat + 1);
			inverted_torchvision(b, v, block);
		}
		v->stride = i == 0 ? m->stride[s] : 1;
		if (cnn_inverted(b, v) == -1)
			return -1;
	}
}

/* The last convolution, and the layer behind the pooling. */
static int
head(struct cnn_builder *b, const struct plan *m, const struct inverted *v,
    int flat)
{
	char name[CNN_NAME], norm[CNN_NAME];
	int timm = is_timm(b);

	snprintf(name, sizeof(name),
	    timm ? "blocks.%d.0.conv" : "features.%d.0",
	    timm ? m->stages : flat + 1);
	snprintf(norm, sizeof(norm), timm ? "blocks.%d.0.bn1" : "features.%d.1",
	    timm ? m->stages : flat + 1);
	if (one_conv(b, name, norm, 1, v) == -1)
		return -1;
	cnn_name(b, name, timm ? "conv_head" : "classifier.0");
	if (!cnn_there(b, name))
		return 0;
	b->x->head_act = ACT_HARDSWISH;
	return cnn_linear(b, &b->x->head, name, b->c, 0);
}

int
mobilenet_build(struct cnn_builder *b)
{
	char type[64] = "";
	int timm = is_timm(b), tf, flat = 0;
	const struct plan *m = plan_of(b);
	struct inverted v = { .squeeze_act = ACT_RELU,
		.gate = ACT_HARDSIGMOID };

	if (m == NULL)
		return -1;
	if (!cnn_has(b, timm ? "blocks.2.0.se.conv_reduce.weight"
			     : "features.4.block.2.fc1.weight"))
		return error_set(b->e,
		    "'%s': a MobileNetV3 without squeeze-excite is not "
		    "supported",
		    store_path(b->s));
	store_field_string(
	    b->s, "config.json", "architecture", type, sizeof(type), NULL);
	tf = timm && strncmp(type, "tf_", 3) == 0;
	v.same = tf;
	v.eps = tf || !timm ? 1e-3 : 1e-5;
	if (one_conv(b, timm ? "conv_stem" : "features.0.0",
		timm ? "bn1" : "features.0.1", 2, &v) == -1)
		return -1;
	for (int s = 0; s < m->stages; s++) {
		if (stage(b, m, &v, s, &flat) == -1)
			return -1;
		if (cnn_stage(b))
			return 0;
	}
	return head(b, m, &v, flat);
}
