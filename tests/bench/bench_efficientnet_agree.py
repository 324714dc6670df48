#!/usr/bin/env python3
"""The reference of bench_efficientnet_agree.sh.

    bench_efficientnet_agree.py record IMAGES MODEL DIR
        200 pictures made of those in IMAGES to DIR/pictures, and what
        EfficientNet-Lite0's PyTorch code makes of them to DIR/vectors.npy
    bench_efficientnet_agree.py compare WANT.npy GOT.npy

The preprocessing is: EXIF orientation, over white, stretched to 224 x 224 with
Pillow's bicubic filter, (x - 127) / 128; the answer is the mean of the last
picture.
"""
import os
import random
import sys

import numpy as np
from PIL import Image, ImageOps

COUNT = 200


def variants(im, i):
    """Picture number i: (suffix, how to save it)."""
    rgb = Image.new("RGB", im.size, "white")
    rgb.paste(im, mask=im.getchannel("A"))
    exif = Image.Exif()
    exif[0x0112] = 1 + i // 8 % 8
    kind = i % 8
    if kind == 0:
        return ".png", im, {}
    if kind == 1:
        return ".jpg", rgb, {"quality": 90, "exif": exif}
    if kind == 2:
        return ".png", rgb.quantize(64), {}
    if kind == 3:
        return ".jpg", rgb.convert("L"), {"quality": 80}
    if kind == 4:
        wide = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
        return ".png", Image.fromarray(wide), {}
    if kind == 5:
        return ".jpg", rgb, {"quality": 75, "progressive": True,
                             "subsampling": 2, "exif": exif}
    if kind == 6:
        return ".png", im.convert("LA"), {}
    return ".png", rgb, {"exif": exif}


def make(images, out):
    names = sorted(
        os.path.join(d, f) for d, _, files in os.walk(images) for f in files
        if f.endswith(".png"))
    random.Random(1).shuffle(names)
    os.makedirs(out, exist_ok=True)
    for i in range(COUNT):
        im = Image.open(names[i % len(names)]).convert("RGBA")
        # Of all sizes and shapes, for the filter to work on.
        size = (90 + i * 37 % 300, 80 + i * 53 % 340)
        suffix, im, how = variants(im.resize(size), i)
        im.save("%s/%03d%s" % (out, i, suffix), **how)


def pixels(path):
    im = ImageOps.exif_transpose(Image.open(path))
    if im.mode.startswith("I"):  # 16 bits of grey, of which the upper count
        im = Image.fromarray((np.asarray(im).astype(np.uint32) >> 8)
                             .astype(np.uint8))
    im = im.convert("RGBA")
    rgb = Image.new("RGBA", im.size, "white")
    rgb.alpha_composite(im)
    rgb = rgb.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    return (np.asarray(rgb).astype(np.float32) - 127) / 128


def record(images, model, out):
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    make(images, out + "/pictures")
    net = EfficientNet.from_name("efficientnet-lite0").eval()
    missing = net.load_state_dict(load_file(model + "/model.safetensors"),
                                  strict=False).missing_keys
    assert all(k.endswith("num_batches_tracked") for k in missing), missing
    vectors = []
    for name in sorted(os.listdir(out + "/pictures")):
        x = torch.from_numpy(pixels(out + "/pictures/" + name))
        with torch.no_grad():
            f = net.extract_features(x.permute(2, 0, 1)[None])
        vectors.append(f.mean((2, 3))[0].numpy())
    np.save(out + "/vectors.npy", np.stack(vectors))


def compare(want, got):
    a, b = (np.load(p).astype(np.float64) for p in (want, got))
    assert a.shape == b.shape, (a.shape, b.shape)
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(
        b, axis=1)
    print("%d pictures, smallest cosine %.9f (number %d), largest difference "
          "%.3g of %.3g" % (len(a), cosine.min(), cosine.argmin(),
                            np.abs(a - b).max(), np.abs(a).max()))


if __name__ == "__main__":
    {"record": record, "compare": compare}[sys.argv[1]](*sys.argv[2:])
