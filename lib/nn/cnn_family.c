/* Which convolutional network a model is, by the names of its arrays, and the
 * pixels it wants where no file says so. */
#include <stdio.h>

#include "nn/cnn.h"

#define IMAGENET                                                               \
	.mean = { 0.485f, 0.456f, 0.406f }, .std = { 0.229f, 0.224f, 0.225f }
#define MIDDLE_OF(size, with)                                                  \
	.width = 224, .height = 224, .resize = PIXELS_SHORTEST,                \
	.resize_w = size, .resize_h = size, .filter = with, .crop_round = 1,   \
	.scale = 1.0 / 255, IMAGENET

/* torchvision's first weights: ResNet, MobileNetV3. */
static const struct pixels bilinear_256 = { MIDDLE_OF(256, PIXELS_BILINEAR) };
/* EfficientNet, and timm's usual: crop_pct 0.875. */
static const struct pixels bicubic_256 = { MIDDLE_OF(256, PIXELS_BICUBIC) };
static const struct pixels bilinear_236 = { MIDDLE_OF(236, PIXELS_BILINEAR) };
/* EfficientNet-Lite as its authors use it: (sample - 127) / 128 of the whole
 * picture, stretched. */
static const struct pixels lite = { .width = 224,
	.height = 224,
	.resize = PIXELS_STRETCH,
	.resize_w = 224,
	.resize_h = 224,
	.filter = PIXELS_BICUBIC,
	.scale = 1,
	.mean = { 127, 127, 127 },
	.std = { 128, 128, 128 } };

/* A family has the array ${has}, and not ${lacks}. */
static const struct {
	const char *has, *lacks;
	struct cnn_family family;
} known[] = {
	{ "_conv_stem.weight", "_blocks.0._se_reduce.weight",
	    { "efficientnet-lite", efficientnet_build, &lite, "" } },
	{ "_conv_stem.weight", NULL,
	    { "efficientnet", efficientnet_build, &bicubic_256, "" } },
	{ "conv_head.bias", NULL,
	    { "mobilenetv3", mobilenet_build, &bicubic_256, "" } },
	{ "blocks.5.0.conv.weight", NULL,
	    { "mobilenetv3", mobilenet_build, &bicubic_256, "" } },
	{ "blocks.6.0.conv.weight", NULL,
	    { "mobilenetv3", mobilenet_build, &bicubic_256, "" } },
	{ "conv_stem.weight", "blocks.1.0.se.conv_reduce.weight",
	    { "efficientnet-lite", efficientnet_build, &bicubic_256, "" } },
	{ "conv_stem.weight", NULL,
	    { "efficientnet", efficientnet_build, &bicubic_256, "" } },
	{ "features.1.block.0.0.weight", NULL,
	    { "mobilenetv3", mobilenet_build, &bilinear_256, "" } },
	{ "features.1.0.block.0.0.weight", NULL,
	    { "efficientnet", efficientnet_build, &bicubic_256, "" } },
	{ "features.1.0.block.5.weight", NULL,
	    { "convnext", convnext_build, &bilinear_236, "" } },
	{ "stages.0.blocks.0.conv_dw.weight", NULL,
	    { "convnext", convnext_build, &bicubic_256, "" } },
	{ "encoder.stages.0.layers.0.dwconv.weight", NULL,
	    { "convnext", convnext_build, &bicubic_256, "" } },
	{ "convnext.encoder.stages.0.layers.0.dwconv.weight", NULL,
	    { "convnext", convnext_build, &bicubic_256, "convnext." } },
	{ "layer1.0.conv1.weight", NULL,
	    { "resnet", resnet_build, &bilinear_256, "" } },
	{ "embedder.embedder.convolution.weight", NULL,
	    { "resnet", resnet_build, &bilinear_256, "" } },
	{ "resnet.embedder.embedder.convolution.weight", NULL,
	    { "resnet", resnet_build, &bilinear_256, "resnet." } },
};

const struct cnn_family *
cnn_family(const struct store *s, struct error *e)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (store_has(s, known[i].has) &&
		    (known[i].lacks == NULL || !store_has(s, known[i].lacks)))
			return &known[i].family;
	error_set(e,
	    "'%s': the tensors are those of no convolutional network that is "
	    "known here",
	    store_path(s));
	return NULL;
}
