#!/usr/bin/env python3
"""Make the small convolutional encoders of tests/data/encoders and what they
answer.

usage: record-cnn-encoders.py DIRECTORY

Random weights and statistics of BatchNorm, stored as f16; the answers are
those of timm, torchvision and transformers with the weights as stored, in
f32.  For each model:

    config.json, model.safetensors, ...   under the library's own names
    expected.safetensors                  vectors [2, P]: before the classifier
                                          layer1 [2, C]: of the first stage,
                                          the mean of its pixels
                                          rows [h w, C]: the last inner picture
                                          of the second input

The inputs are numbers that tests/check_cnn.c makes too, see pixels().

Needs torch, torchvision, timm, transformers and safetensors.
"""
import json
import os
import shutil
import sys
from functools import partial

import numpy as np
import torch
import torchvision.models as tv
import transformers as tf
from safetensors.torch import save_file
from timm.models import convnext, efficientnet, mobilenetv3, resnet
from timm.models._efficientnet_blocks import SqueezeExcite
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from torch import nn
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig

SIZE = 64
CLASSIFIERS = ("fc.", "classifier.weight", "classifier.bias", "classifier.1.",
               "classifier.2.", "classifier.3.", "head.fc.")


def pixels(size):
    """[2, 3, size, size]: the top 24 bits of i times 2654435761, from -2 to 2,
    where i counts samples in the order picture, row, column, channel."""
    i = np.arange(2 * size * size * 3, dtype=np.uint64)
    x = ((i * 2654435761 & 0xFFFFFFFF) >> 8).astype(np.float32)
    x = x * np.float32(2.0**-22) - np.float32(2)
    return torch.tensor(x.reshape(2, size, size, 3)).permute(0, 3, 1, 2)


def randomise(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if not p.is_floating_point():
            continue
        x = torch.randn(p.shape, generator=g)
        if name.endswith("running_var"):
            x = 0.5 + x.abs()
        elif "layer_scale" in name or name.endswith("gamma"):
            x = 0.5 * x
        elif p.dim() == 1 and name.endswith("weight"):
            x = 1 + 0.2 * x
        elif p.dim() == 1:
            x = 0.3 * x
        else:
            x = x * (1.5 / p[0].numel()) ** 0.5
        p.data.copy_(x.half().float())
    return model.eval()


def write(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1, sort_keys=True)
        f.write("\n")


def cfg(architecture, size=SIZE):
    return {
        "architecture": architecture,
        "num_classes": 1000,
        "pretrained_cfg": {
            "input_size": [3, size, size],
            "interpolation": "bicubic",
            "crop_pct": 0.875,
            "crop_mode": "center",
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
        },
    }


class Recorder:
    def __init__(self, root):
        self.root = root
        self.seed = 0

    def record(self, name, model, features, first, vectors, config=None,
               rename=None, size=SIZE, extra=None):
        """features(m, x): the last picture; first(m): the module that ends
        the first stage; vectors(m, picture)."""
        self.seed += 1
        randomise(model, self.seed)
        where = os.path.join(self.root, "cnn-" + name)
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        kept = {}
        hook = first(model).register_forward_hook(
            lambda m, i, o: kept.update(x=o))
        with torch.no_grad():
            picture = features(model, pixels(size))
            hook.remove()
            expected = {
                "vectors": vectors(model, picture).flatten(1),
                "layer1": kept["x"].mean((2, 3)),
                "rows": picture[1].flatten(1).T,
            }
        save_file({k: v.contiguous() for k, v in expected.items()},
                  where + "/expected.safetensors")
        arrays = {}
        for k, v in model.state_dict().items():
            if k.endswith("num_batches_tracked") or k.startswith(CLASSIFIERS):
                continue
            k = rename(k) if rename else k
            if k is not None:
                arrays[k] = v.half().contiguous()
        save_file(arrays, where + "/model.safetensors")
        if config is not None:
            write(where + "/config.json", config)
        for file, value in (extra or {}).items():
            write(where + "/" + file, value)


def mean(model, x):
    return x.mean((2, 3))


def timm_features(m, x):
    return m.forward_features(x)


def tv_features(m, x):
    return m.features(x)


def hf_features(m, x):
    return m(x).last_hidden_state


PROCESSOR = {
    "image_processor_type": "ConvNextFeatureExtractor",
    "do_resize": True,
    "do_normalize": True,
    "size": SIZE,
    "crop_pct": 0.875,
    "resample": 3,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}


def resnets(r):
    def first(m):
        return m.layer1

    r.record("resnet-basic",
             resnet.ResNet(resnet.BasicBlock, [1, 2, 1, 1],
                           channels=(8, 12, 16, 20)),
             timm_features, first, mean, cfg("resnet18"))
    r.record("resnet-bottleneck",
             resnet.ResNet(resnet.Bottleneck, [2, 1, 1, 1],
                           channels=(4, 8, 6, 12)),
             timm_features, first, mean, cfg("resnet50"))
    r.record("resnet-groups",
             resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], cardinality=2,
                           base_width=32, channels=(8, 8, 12, 16)),
             timm_features, first, mean, cfg("resnext50_32x4d"))
    for kind, sizes in (("basic", [8, 16, 20, 24]),
                        ("bottleneck", [16, 24, 32, 40])):
        c = tf.ResNetConfig(embedding_size=12, hidden_sizes=sizes,
                            depths=[1, 2, 1, 1], layer_type=kind)
        config = c.to_dict()
        config["model_type"] = "resnet"
        prefix = "resnet." if kind == "basic" else ""
        r.record("resnet-hf-" + kind, tf.ResNetModel(c), hf_features,
                 lambda m: m.encoder.stages[0], mean, config,
                 rename=lambda k: prefix + k,
                 extra={"preprocessor_config.json": PROCESSOR})


def timm_net(kind, stages, act, eps=1e-5, same=False, **more):
    """A network of timm's blocks that is narrower than its own ones."""
    return kind(
        decode_arch_def([s if isinstance(s, list) else [s] for s in stages]),
        act_layer=act, norm_layer=partial(nn.BatchNorm2d, eps=eps),
        pad_type="same" if same else "", **more)


def mobilenets(r):
    def head(m, x):
        return m.forward_head(x, pre_logits=True)

    def tv_head(m, x):
        return m.classifier[1](m.classifier[0](x.mean((2, 3))))

    def first(m):
        return m.blocks[0]

    def timm_mobilenet(stages, **more):
        se = partial(SqueezeExcite, gate_layer="hard_sigmoid",
                     force_act_layer=nn.ReLU, rd_round_fn=round_channels)
        return timm_net(mobilenetv3.MobileNetV3, stages, nn.Hardswish,
                        stem_size=8, num_features=20, se_layer=se, **more)

    r.record("mobilenetv3-large",
             timm_mobilenet([
                 ["ds_r1_k3_s1_e1_c8_nre"],
                 ["ir_r1_k3_s2_e3_c16_nre", "ir_r1_k3_s1_e2_c16_nre"],
                 ["ir_r2_k5_s2_e2_c16_se0.25_nre"], ["ir_r2_k3_s2_e2_c24"],
                 ["ir_r1_k3_s1_e2_c24_se0.25"], ["ir_r2_k5_s2_e2_c16_se0.25"],
                 ["cn_r1_k1_s1_c40"]]),
             timm_features, first, head, cfg("mobilenetv3_large_100"))
    r.record("mobilenetv3-tf",
             timm_mobilenet([
                 ["ds_r1_k3_s2_e1_c8_se0.25_nre"],
                 ["ir_r1_k3_s2_e2_c16_nre"], ["ir_r2_k5_s2_e2_c16_se0.25"],
                 ["ir_r1_k5_s1_e2_c24_se0.25"], ["ir_r2_k5_s2_e2_c16_se0.25"],
                 ["cn_r1_k1_s1_c40"]], eps=1e-3, same=True),
             timm_features, first, head, cfg("tf_mobilenetv3_small_100", 75),
             size=75)

    def block(cin, k, exp, cout, se, act, stride):
        return InvertedResidualConfig(cin, k, exp, cout, se, act, stride, 1, 1)

    r.record("mobilenetv3-tv-small",
             tv.MobileNetV3([
                 block(8, 3, 8, 8, True, "RE", 2),
                 block(8, 3, 16, 8, False, "RE", 2),
                 block(8, 3, 16, 8, False, "RE", 1),
                 block(8, 5, 16, 8, True, "HS", 2)]
                 + 2 * [block(8, 5, 24, 8, True, "HS", 1)]
                 + [block(8, 5, 16, 16, True, "HS", 1),
                    block(16, 5, 24, 16, True, "HS", 1),
                    block(16, 5, 24, 16, True, "HS", 2)]
                 + 2 * [block(16, 5, 32, 16, True, "HS", 1)], 24),
             tv_features, lambda m: m.features[1], tv_head,
             cfg("mobilenet_v3_small"))
    r.record("mobilenetv3-tv-large",
             tv.MobileNetV3([
                 block(8, 3, 8, 8, False, "RE", 1),
                 block(8, 3, 16, 8, False, "RE", 2),
                 block(8, 3, 16, 8, False, "RE", 1),
                 block(8, 5, 16, 8, True, "RE", 2)]
                 + 2 * [block(8, 5, 24, 8, True, "RE", 1)]
                 + [block(8, 3, 16, 8, False, "HS", 2)]
                 + 3 * [block(8, 3, 16, 8, False, "HS", 1)]
                 + 2 * [block(8, 3, 24, 8, True, "HS", 1)]
                 + [block(8, 5, 16, 16, True, "HS", 2)]
                 + 2 * [block(16, 5, 24, 16, True, "HS", 1)], 24),
             tv_features, lambda m: m.features[1], tv_head,
             cfg("mobilenet_v3_large"))


def efficientnets(r):
    def first(m):
        return m.blocks[0]

    def net(se, act, **more):
        return timm_net(
            efficientnet.EfficientNet,
            ["ds_r1_k3_s1_e1_c8" + se, "ir_r2_k3_s2_e2_c12" + se,
             "ir_r2_k5_s2_e2_c16" + se, "ir_r1_k3_s2_e2_c12" + se,
             "ir_r2_k5_s1_e2_c16" + se, "ir_r2_k5_s2_e2_c20" + se,
             "ir_r1_k3_s1_e2_c24" + se], act, stem_size=8, num_features=40,
            round_chs_fn=lambda c: c, **more)

    def pytorch(k):
        """timm's names to those of EfficientNet-PyTorch."""
        part = k.split(".")
        top = {"conv_stem": "_conv_stem", "bn1": "_bn0",
               "conv_head": "_conv_head", "bn2": "_bn1"}
        if part[0] != "blocks":
            return ".".join([top[part[0]]] + part[1:])
        stage, block = int(part[1]), int(part[2])
        flat = sum(len(s) for s in model.blocks[:stage]) + block
        names = {"conv_pw": "_expand_conv", "bn1": "_bn0",
                 "conv_dw": "_depthwise_conv", "bn2": "_bn1",
                 "conv_pwl": "_project_conv", "bn3": "_bn2",
                 "se.conv_reduce": "_se_reduce",
                 "se.conv_expand": "_se_expand"}
        if stage == 0:
            names.update(conv_pw="_project_conv", bn1="_bn1", bn2="_bn2")
        name = ".".join(part[3:-1])
        return "_blocks.%d.%s.%s" % (flat, names[name], part[-1])

    r.record("efficientnet", net("_se0.25", nn.SiLU), timm_features, first,
             mean, cfg("efficientnet_b0"))
    r.record("efficientnet-lite", net("", nn.ReLU6), timm_features, first,
             mean, cfg("efficientnet_lite0", 96), size=96)
    model = net("_se0.25", nn.SiLU, eps=1e-3, same=True)
    r.record("efficientnet-pytorch", model, timm_features, first, mean,
             cfg("efficientnet-b0", 75), rename=pytorch, size=75)

    def block(e, k, s, cin, cout, n):
        return MBConvConfig(e, k, s, cin, cout, n)

    r.record("efficientnet-tv",
             tv.EfficientNet([
                 block(1, 3, 1, 8, 8, 1), block(2, 3, 2, 8, 8, 2),
                 block(2, 5, 2, 8, 16, 1), block(2, 3, 2, 16, 8, 1),
                 block(3, 5, 1, 8, 16, 2), block(2, 5, 2, 16, 16, 2),
                 block(2, 3, 1, 16, 24, 1)], 0.2, last_channel=40),
             tv_features, lambda m: m.features[1], mean,
             cfg("efficientnet_b0"))


def convnexts(r):
    def head(m, x):
        return m.forward_head(x, pre_logits=True)

    def tv_head(m, x):
        return m.classifier[1](m.classifier[0](x.mean((2, 3), True)))

    r.record("convnext",
             convnext.ConvNeXt(depths=(1, 1, 2, 1), dims=(8, 12, 16, 20)),
             timm_features, lambda m: m.stages[0], head,
             cfg("convnext_tiny", 96), size=96)
    r.record("convnext-tv",
             tv.ConvNeXt([CNBlockConfig(8, 12, 1), CNBlockConfig(12, 16, 1),
                          CNBlockConfig(16, 20, 2),
                          CNBlockConfig(20, None, 1)]),
             tv_features, lambda m: m.features[1], tv_head,
             cfg("convnext_tiny"))
    c = tf.ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 2, 1],
                          layer_scale_init_value=1.0)
    config = c.to_dict()
    config["model_type"] = "convnext"
    r.record("convnext-hf", tf.ConvNextModel(c), hf_features,
             lambda m: m.encoder.stages[0],
             lambda m, x: m.layernorm(x.mean((2, 3))), config,
             rename=lambda k: "convnext." + k,
             extra={"preprocessor_config.json": PROCESSOR})


def main():
    r = Recorder(sys.argv[1])
    resnets(r)
    mobilenets(r)
    efficientnets(r)
    convnexts(r)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
