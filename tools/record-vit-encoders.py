#!/usr/bin/env python3
"""Write tests/data/encoders/NAME for the vision transformers.

    tools/record-vit-encoders.py [NAME ...]     # pip: torch transformers timm

Each is a small model of random numbers as its library saves it, in f16, bf16
or f32, and expected.tsv: what the library makes of a picture (below the root
of the source; decoded by Pillow, upright, over white) in f32.  Columns: the
picture, layer (0: the end), pooling, rows, numbers in a row, the numbers.
"""
import importlib.util
import json
import os
import shutil
import sys

import numpy as np
import timm
import torch
import transformers as t

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
spec = importlib.util.spec_from_file_location("pixels", os.path.join(ROOT, "tools", "record-pixels.py"))
pixels = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pixels)

PICTURES = "examples/clipart/img/animals/bee.png", "tests/data/image/restart.jpg"
SIZES = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, patch_size=8)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def randomise(model, seed):
    """Numbers as large as those of trained networks, so that every part shows."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=g)
            norm = "norm" in name and name.endswith("weight")
            scale = name.endswith(("lambda1", "gamma"))
            fan = p[0].numel() if p.dim() > 1 else 1
            if norm or scale:
                p.copy_(1 + 0.3 * r)
            elif name.endswith("bias") or "token" in name or "pos" in name or "embedding" in name or "probe" in name:
                p.copy_(0.5 * r if "patch" not in name else r / fan**0.5)
            else:
                p.copy_(1.5 * r / fan**0.5)
    return model.eval()


def write(name, prefix, image, hidden, pooled, behind=lambda v: v):
    """image: pixels of a picture [H, W, 3]; hidden: (after block 1, at the end)
    [T, D] of them; pooled: the model's own vector; behind: what follows pooling."""
    rows = []

    def put(path, layer, pool, a):
        a = np.atleast_2d(np.asarray(a, np.float32))
        rows.append("\t".join([path, str(layer), pool, str(a.shape[0]), str(a.shape[1]),
                               " ".join(f"{v:.7g}" for v in a.ravel())]))

    for i, path in enumerate(PICTURES):
        x = torch.from_numpy(image(path)).permute(2, 0, 1)[None]
        with torch.no_grad():
            first, last = hidden(x)
            put(path, 0, "model", pooled(x)[0])
        if i == 0:
            put(path, 0, "none", last)
            with torch.no_grad():
                put(path, 0, "mean", behind(last[prefix:].mean(0)))
            put(path, 1, "max", first[prefix:].max(0).values)
    with open(os.path.join(folder(name), "expected.tsv"), "w") as f:
        f.write("\n".join(rows) + "\n")


def folder(name):
    return os.path.join(ROOT, "tests", "data", "encoders", name)


def save(name, model, dtype, config):
    shutil.rmtree(folder(name), ignore_errors=True)
    model.to(dtype).save_pretrained(folder(name))
    model.float()
    with open(os.path.join(folder(name), "preprocessor_config.json"), "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    return lambda path: pixels.transformers_pixels(config, pixels.picture(path))


def hf(name, model, tower, dtype, config, prefix, pooled, seed):
    image = save(name, randomise(model, seed), dtype, config)

    def hidden(x):
        out = tower(x, output_hidden_states=True)
        return out.hidden_states[1][0], out.last_hidden_state[0]

    write(name, prefix, image, hidden, pooled)


def processor(kind, size, crop=None, **more):
    out = {"image_processor_type": kind + "ImageProcessor", "size": size, **more}
    if crop:
        out["crop_size"] = {"height": crop, "width": crop}
    return out


def square(n):
    return {"height": n, "width": n}


def vit():
    m = t.ViTForImageClassification(t.ViTConfig(**SIZES, intermediate_size=32, image_size=32))
    hf("vit", m, m.vit, torch.float16, processor("ViT", square(32), resample=2), 1,
       lambda x: m.vit(x).last_hidden_state[:, 0], 1)


def deit():
    m = t.DeiTModel(t.DeiTConfig(**SIZES, intermediate_size=32, image_size=32, qkv_bias=False), add_pooling_layer=False)
    hf("deit", m, m, torch.float16, processor("DeiT", square(36), 32, image_mean=MEAN, image_std=STD), 2,
       lambda x: m(x).last_hidden_state[:, 0], 2)


def dinov2():
    m = t.Dinov2Model(t.Dinov2Config(**SIZES, mlp_ratio=2, image_size=56))
    hf("dinov2", m, m, torch.bfloat16,
       processor("Bit", {"shortest_edge": 45}, 40, image_mean=MEAN, image_std=STD, resample=3), 1,
       lambda x: m(x).pooler_output, 3)


def dinov2_registers():
    m = t.Dinov2WithRegistersModel(t.Dinov2WithRegistersConfig(
        **SIZES, mlp_ratio=2, image_size=56, num_register_tokens=3))
    hf("dinov2-registers", m, m, torch.float16,
       processor("Bit", {"shortest_edge": 36}, 32, image_mean=MEAN, image_std=STD, resample=3), 4,
       lambda x: m(x).pooler_output, 4)


def clip_vision():
    m = t.CLIPVisionModelWithProjection(t.CLIPVisionConfig(
        **SIZES, intermediate_size=32, image_size=32, projection_dim=10))
    hf("clip-vision", m, m.vision_model, torch.float32, processor("CLIP", {"shortest_edge": 32}, 32), 1,
       lambda x: m(x).image_embeds, 5)


TEXT = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=10,
            max_position_embeddings=8, bos_token_id=8, eos_token_id=9, pad_token_id=1)


def clip_pair():
    m = t.CLIPModel(t.CLIPConfig(text_config=TEXT, projection_dim=12, vision_config=dict(
        **SIZES, intermediate_size=32, image_size=32)))
    hf("clip-pair", m, m.vision_model, torch.float16, processor("CLIP", {"shortest_edge": 32}, 32), 1,
       lambda x: m.visual_projection(m.vision_model(x).pooler_output), 6)


def siglip_pair():
    m = t.SiglipModel(t.SiglipConfig(text_config={**TEXT, "projection_size": 16}, vision_config=dict(
        **SIZES, intermediate_size=32, image_size=32)))
    hf("siglip-pair", m, m.vision_model, torch.float16, processor("Siglip", square(32)), 0,
       lambda x: m.vision_model(x).pooler_output, 7)


def siglip_vision():
    m = t.SiglipVisionModel(t.SiglipVisionConfig(**SIZES, intermediate_size=32, image_size=36))
    hf("siglip-vision", m, m, torch.float16, processor("Siglip", square(36)), 0, lambda x: m(x).pooler_output, 8)


def with_timm(name, architecture, size, seed, **args):
    args = dict(img_size=size, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, **args)
    m = timm.create_model(architecture, num_classes=0, **args)
    m.pretrained_cfg = {**m.pretrained_cfg, "input_size": (3, size, size)}
    shutil.rmtree(folder(name), ignore_errors=True)
    os.makedirs(folder(name))
    randomise(m, seed)
    with torch.no_grad():
        for p in m.parameters():
            p.copy_(p.half().float())
    timm.models.save_for_hf(m.half(), folder(name), model_args=args, safe_serialization=True)
    m.float()
    with open(os.path.join(folder(name), "config.json")) as f:
        config = json.load(f)
    first = []
    m.blocks[0].register_forward_hook(lambda module, args, out: first.append(out))

    def hidden(x):
        last = m.forward_features(x)[0]
        return first.pop()[0], last

    def pooled(x):
        return m.forward_head(m.forward_features(x), pre_logits=True)

    image = lambda path: pixels.timm_pixels(config, pixels.picture(path))
    write(name, m.num_prefix_tokens, image, hidden, pooled, m.fc_norm)


def timm_vit():
    with_timm("timm-vit", "vit_tiny_patch16_224", 32, 9, patch_size=8)


def timm_avg():
    with_timm("timm-avg", "vit_tiny_patch16_224", 32, 10, patch_size=8, global_pool="avg")


def timm_registers():
    with_timm("timm-registers", "vit_small_patch14_reg4_dinov2", 35, 11, patch_size=7)


ALL = [vit, deit, dinov2, dinov2_registers, clip_vision, clip_pair, siglip_pair, siglip_vision, timm_vit, timm_avg,
       timm_registers]
for make in ALL:
    if len(sys.argv) < 2 or make.__name__ in sys.argv[1:]:
        make()
