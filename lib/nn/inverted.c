/* Inverted bottlenecks: MobileNetV2 and V3, EfficientNet. */
#include <stdio.h>
#include <string.h>

#include "nn/cnn.h"

static struct cnn_spec
spec(const struct inverted *v, const char *conv, const char *norm, int to)
{
	struct cnn_spec p = { .to = to,
		.add = CNN_INPUT,
		.stride = 1,
		.same = v->same,
		.eps = v->eps,
		.act = v->act };

	memcpy(p.conv, conv, sizeof(p.conv));
	memcpy(p.norm, norm, sizeof(p.norm));
	return p;
}

/*
 * Without squeeze-excite all are joined; with it, which wants the mean of the
 * whole picture, what comes before and behind it.  An expansion reads each
 * row once and before the projection writes it, so the result may take the
 * place of what came in.
 */
int
cnn_inverted(struct cnn_builder *b, const struct inverted *v)
{
	int from = b->slot, inner = cnn_other(from, from), to;
	int expand = v->expand[0] != '\0', squeeze = v->reduce[0] != '\0';
	uint64_t shape[4] = { 0, 0, 1, 1 };
	uint32_t h = b->h, c = b->c;
	struct cnn_spec p;
	char full[CNN_NAME + 16];
	int add;

	cnn_weight_name(full, v->project);
	if (store_shape(b->s, full, 4, shape, b->e) == -1)
		return -1;
	add = v->stride == 1 && shape[0] == c;
	p = spec(v, v->expand, v->expand_norm, inner);
	if (expand && cnn_conv(b, &p) == -1)
		return -1;
	p = spec(v, v->depth, v->depth_norm, inner);
	p.stride = v->stride;
	/* What a stem makes is wide too, and nobody else wants it. */
	p.joined = expand || (b->x->n == 1 && !add);
	if (cnn_depth(b, &p) == -1)
		return -1;
	if (squeeze &&
	    cnn_squeeze(b, v->reduce, v->widen, v->squeeze_act, v->gate) == -1)
		return -1;
	to = squeeze ? cnn_other(from, inner) : inner;
	p = spec(v, v->project, v->project_norm, to);
	p.joined = !squeeze;
	p.act = ACT_NONE;
	if (add && b->h == h) {
		p.add = from;
		if (expand || squeeze)
			p.to = from;
	}
	return cnn_conv(b, &p);
}

void
inverted_timm(const struct cnn_builder *b, struct inverted *v, int stage, int i)
{
	int n = 0;

	v->expand[0] = '\0';
	cnn_name(b, v->project, "blocks.%d.%d.conv_pwl", stage, i);
	if (cnn_has(b, "blocks.%d.%d.bn3.weight", stage, i)) {
		cnn_name(b, v->expand, "blocks.%d.%d.conv_pw", stage, i);
		cnn_name(b, v->expand_norm, "blocks.%d.%d.bn1", stage, i);
		n = 1;
	} else {
		cnn_name(b, v->project, "blocks.%d.%d.conv_pw", stage, i);
	}
	cnn_name(b, v->depth, "blocks.%d.%d.conv_dw", stage, i);
	cnn_name(b, v->depth_norm, "blocks.%d.%d.bn%d", stage, i, n + 1);
	cnn_name(b, v->reduce, "blocks.%d.%d.se.conv_reduce", stage, i);
	cnn_name(b, v->widen, "blocks.%d.%d.se.conv_expand", stage, i);
	cnn_name(b, v->project_norm, "blocks.%d.%d.bn%d", stage, i, n + 2);
	if (!cnn_there(b, v->reduce))
		v->reduce[0] = '\0';
}

/*
 * The parts of a block are numbered as they come: [expand], depthwise,
 * [squeeze-excite], project.
 */
void
inverted_torchvision(
    const struct cnn_builder *b, struct inverted *v, const char *block)
{
	int n = cnn_has(b, "%s.1.0.weight", block) &&
		(cnn_has(b, "%s.2.0.weight", block) ||
		    cnn_has(b, "%s.2.fc1.weight", block));

	v->expand[0] = '\0';
	if (n == 1) {
		cnn_name(b, v->expand, "%s.0.0", block);
		cnn_name(b, v->expand_norm, "%s.0.1", block);
	}
	cnn_name(b, v->depth, "%s.%d.0", block, n);
	cnn_name(b, v->depth_norm, "%s.%d.1", block, n);
	cnn_name(b, v->reduce, "%s.%d.fc1", block, ++n);
	cnn_name(b, v->widen, "%s.%d.fc2", block, n);
	if (cnn_there(b, v->reduce))
		n++;
	else
		v->reduce[0] = '\0';
	cnn_name(b, v->project, "%s.%d.0", block, n);
	cnn_name(b, v->project_norm, "%s.%d.1", block, n);
}
