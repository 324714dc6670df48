#!/usr/bin/env python3
"""Write tests/data/resize.tsv: what Pillow's resize gives, as hashes.

    tools/record-resize.py > tests/data/resize.tsv

Columns: input width and height, output width and height, channels, filter
(Pillow's code, 0 to 5), the 64-bit FNV-1a hash of the output.  Input
sample i of a case is the top byte of step i of the generator below; of every
second case, 0 or 255, so that the filters overshoot.
"""
import random

import numpy as np
from PIL import Image

random.seed(3)


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def samples(n, hard):
    s, out = 1, bytearray()
    for _ in range(n):
        s = (s * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        v = s >> 56
        out.append(255 * (v > 127) if hard else v)
    return np.frombuffer(bytes(out), np.uint8)


sizes = [(1, 1, 5, 3), (7, 9, 7, 9), (300, 200, 224, 224), (97, 61, 128, 128),
         (64, 128, 64, 64), (3, 227, 1, 83), (201, 247, 81, 3), (640, 1, 64, 2)]
while len(sizes) < 216:
    sizes.append(tuple(random.randint(1, random.choice((3, 20, 180))) for _ in range(4)))
for i, (w, h, W, H) in enumerate(sizes):
    c, f = (1, 3, 4)[i % 3], i // 3 % 6
    a = samples(w * h * c, i % 2).reshape(h, w, c)
    im = Image.fromarray(a[:, :, 0] if c == 1 else a, {1: "L", 3: "RGB", 4: "RGBX"}[c])
    out = np.asarray(im.resize((W, H), Image.Resampling(f)))
    print(w, h, W, H, c, f, f"{fnv(out.tobytes()):016x}", sep="\t")
