#!/usr/bin/env python3
"""Write tests/data/pixels.tsv: the pixels that the references hand to a network.

    tools/record-pixels.py > tests/data/pixels.tsv      # pip: transformers timm

Columns: the file (preprocessor_config.json or config.json), its text, a
picture below the root of the source, width and height of the result, the
64-bit FNV-1a hash of its float32 values [height, width, 3].  Pictures are
decoded by Pillow, turned upright and put over white first; 16-bit grey, which
Pillow leaves as it is, keeps its upper half.
"""
import itertools
import json
import os
import random

import numpy as np
import timm.data
import transformers
from PIL import Image, ImageOps

random.seed(5)
ROOT = os.path.join(os.path.dirname(__file__), "..")


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def picture(path):
    im = ImageOps.exif_transpose(Image.open(os.path.join(ROOT, path)))
    if im.mode == "I;16":
        im = Image.fromarray((np.asarray(im) >> 8).astype(np.uint8))
    if im.mode == "P" or im.has_transparency_data:
        im = im.convert("RGBA")
        white = Image.new("RGB", im.size, "white")
        white.paste(im, mask=im.getchannel("A"))
        im = white
    return im.convert("RGB")


def transformers_pixels(config, im):
    name = config.get("image_processor_type") or config["feature_extractor_type"]
    name = name.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast") + "Pil"
    make = getattr(transformers, name)
    fields = {k: v for k, v in config.items() if not k.endswith("_type")}
    out = make(**fields)(im, return_tensors="np")["pixel_values"][0]
    return np.ascontiguousarray(out.transpose(1, 2, 0).astype(np.float32))


def timm_pixels(config, im):
    cfg = config.get("pretrained_cfg", config)
    cfg = timm.data.resolve_data_config({}, pretrained_cfg=cfg)
    out = timm.data.create_transform(**cfg, is_training=False)(im)
    return np.ascontiguousarray(out.numpy().transpose(1, 2, 0))


square, edge = lambda n: {"height": n, "width": n}, lambda n: {"shortest_edge": n}
mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PREPROCESSORS = [
    {"image_processor_type": "ViTImageProcessor", "size": square(48), "resample": 2},
    {"feature_extractor_type": "ViTFeatureExtractor", "size": 40, "do_normalize": True,
     "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "resample": 2},
    {"image_processor_type": "ViTImageProcessorFast", "size": {"height": 30, "width": 44},
     "resample": 0, "do_normalize": False},
    {"image_processor_type": "DeiTImageProcessor", "size": square(51), "crop_size": square(44), "resample": 3},
    {"feature_extractor_type": "DeiTFeatureExtractor", "size": 40, "crop_size": 37, "resample": 1},
    {"image_processor_type": "DeiTImageProcessor", "size": square(20), "crop_size": square(27)},
    {"image_processor_type": "BitImageProcessor", "size": edge(36), "crop_size": square(29), "resample": 3,
     "image_mean": mean, "image_std": std, "do_center_crop": True, "rescale_factor": 0.00392156862745098},
    {"image_processor_type": "BitImageProcessor", "size": edge(25), "crop_size": {"height": 31, "width": 20}},
    {"image_processor_type": "BitImageProcessor", "do_resize": False, "crop_size": square(16)},
    {"feature_extractor_type": "CLIPFeatureExtractor", "size": 32, "crop_size": 32, "resample": 3,
     "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]},
    {"image_processor_type": "CLIPImageProcessor", "size": edge(33), "crop_size": square(28), "do_rescale": False},
    {"image_processor_type": "SiglipImageProcessor", "size": square(42), "resample": 3,
     "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]},
    {"image_processor_type": "SiglipImageProcessor", "size": square(42), "resample": 5},
    {"image_processor_type": "ConvNextImageProcessor", "size": edge(32), "crop_pct": 0.875, "resample": 3},
    {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 41, "crop_pct": 0.95},
    {"image_processor_type": "ConvNextImageProcessor", "size": edge(384), "resample": 4},
]
TIMM = [
    {"input_size": [3, 32, 32], "interpolation": "bicubic", "crop_pct": 0.875, "mean": mean, "std": std},
    {"input_size": [3, 45, 45], "interpolation": "bilinear", "crop_pct": 0.9, "crop_mode": "center",
     "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    {"input_size": [3, 30, 38], "interpolation": "bicubic", "crop_pct": 1.0, "crop_mode": "squash",
     "mean": mean, "std": std},
    {"input_size": [3, 35, 35], "interpolation": "lanczos", "crop_pct": 0.95, "crop_mode": "squash"},
]
SMALL = ["420.jpg", "444.jpg", "exif6.jpg", "exif3.jpg", "grey.jpg", "grey16.png", "grey1.png", "la8.png",
         "one.png", "pal4-trns.png", "pal8i.png", "progressive.jpg", "restart.jpg", "rgb16.png", "rgb8-trns.png",
         "rgba16i.png", "rgba8.png", "cmyk.jpg", "p6-255.pnm"]
CLIPART = ["animals/bee.png", "animals/troll_daniel_steele_r.png", "food/pear.png", "people/grandpa_01.png",
           "computer/racked.png"]
PICTURES = itertools.cycle(["tests/data/image/" + p for p in SMALL] + ["examples/clipart/img/" + p for p in CLIPART])


def record():
    cases = [("preprocessor_config.json", c, transformers_pixels) for c in PREPROCESSORS]
    cases += [("config.json", {"architecture": "x", "pretrained_cfg": c} if i % 2 else {"architecture": "x", **c},
               timm_pixels) for i, c in enumerate(TIMM)]
    for i, (file, config, pixels) in enumerate(cases):
        for path in itertools.islice(PICTURES, 7):
            out = pixels(config, picture(path))
            print(file, json.dumps(config), path, out.shape[1], out.shape[0], f"{fnv(out.tobytes()):016x}", sep="\t")


if __name__ == "__main__":
    record()
