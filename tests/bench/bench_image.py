#!/usr/bin/env python3
"""The peer of extract-img: the same families with Pillow and scikit-image.

    bench_image.py INDEX.jsonl STEP [WORKERS]

Reads the field "file" of every STEP-th line and prints the seconds that files
to vectors took, without imports.  The families are those of extract-img's
default, each by the library's own function where it has one.
"""
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
import numpy as np
from PIL import Image
from skimage.color import rgb2hsv
from skimage.feature import hog, local_binary_pattern
from skimage.measure import moments_central

Image.MAX_IMAGE_PIXELS = None
N = 128


def views(path):
    im = Image.open(path).convert("RGBA")
    alpha = im.getchannel("A")
    rgb = Image.new("RGB", im.size, "white")
    rgb.paste(im, mask=alpha)
    wide = rgb.resize((N, N), Image.Resampling.BILINEAR)
    w, h = (max(1, round(N * s / max(im.size))) for s in im.size)
    at = ((N - w) // 2, (N - h) // 2)
    square, mask = Image.new("RGB", (N, N), "white"), Image.new("L", (N, N), 0)
    square.paste(rgb.resize((w, h), Image.Resampling.BILINEAR), at)
    mask.paste(alpha.resize((w, h), Image.Resampling.BILINEAR), at)
    return im.size, wide, square, mask


def lbp(grey, r, quarters=False):
    codes = local_binary_pattern(grey, 8, r, "nri_uniform").astype(int)
    parts = [codes]
    if quarters:
        k = N // 2
        parts += [codes[:k, :k], codes[:k, k:], codes[k:, :k], codes[k:, k:]]
    return [np.sqrt(np.bincount(p.ravel(), minlength=59) / p.size) for p in parts]


def edges(a):
    return hog(a, 18, (32, 32), (2, 2), block_norm="L2-Hys",
               channel_axis=-1 if a.ndim == 3 else None)


def colors(half):
    a = np.asarray(half)
    rgb = np.histogramdd(a.reshape(-1, 3), (4, 4, 4), ((0, 256),) * 3)[0]
    hsv = np.histogramdd(rgb2hsv(a).reshape(-1, 3), (12, 3, 4), ((0, 1),) * 3)[0]
    return [np.sqrt(h.ravel() / h.sum()) for h in (rgb, hsv)]


def moments(a):
    a = a.reshape(-1, a.shape[-1]).astype(np.float32)
    m, s = a.mean(0), a.std(0)
    return [m, s, ((a - m) ** 3).mean(0) / np.maximum(s, 1) ** 3]


def features(path):
    size, wide, square, mask = views(path)
    rgb, sq, alpha = np.asarray(wide), np.asarray(square), np.asarray(mask)
    grey, sqgrey = np.asarray(wide.convert("L")), np.asarray(square.convert("L"))
    out = [edges(sq)]
    out += lbp(grey, 1, True) + lbp(grey, 3, True) + lbp(grey, 2)
    out += lbp(sqgrey, 1) + lbp(sqgrey, 3)
    out += colors(wide.crop((0, 0, N, N // 2))) + colors(wide.crop((0, N // 2, N, N)))
    out.append(np.asarray(wide.convert("YCbCr").resize((8, 8), Image.Resampling.BOX)).ravel())
    out += moments(rgb) + moments(np.asarray(wide.convert("YCbCr")))
    gy, gx = np.gradient(grey.astype(np.float32))
    out.append(np.histogram(np.hypot(gx, gy), 8)[0])
    out += [np.asarray(mask.resize((8, 8), Image.Resampling.BOX)).ravel(),
            moments_central(alpha.astype(float), order=4).ravel(),
            alpha.mean(0), alpha.mean(1), edges(alpha)]
    out += lbp(alpha, 2)
    out.append([np.log(size[0] / size[1]), np.log(size[0] * size[1])])
    return np.concatenate([np.asarray(o, np.float32).ravel() for o in out])


def main():
    with open(sys.argv[1]) as f:
        paths = [json.loads(line)["file"] for line in f][:: int(sys.argv[2])]
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    features(paths[0])
    start = time.perf_counter()
    if workers == 1:
        dim = sum(features(p).size for p in paths) // len(paths)
    else:
        from multiprocessing import Pool

        with Pool(workers) as pool:
            dim = sum(v.size for v in pool.imap(features, paths, 16)) // len(paths)
    seconds = time.perf_counter() - start
    print(f"{len(paths)} pictures, {dim} numbers each, {seconds:.2f} s")


main()
