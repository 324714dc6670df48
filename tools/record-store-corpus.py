#!/usr/bin/env python3
"""Make the corpus of tests/fuzz/fuzz_store.c from the small encoders.

  tools/record-store-corpus.py tests/data/encoders tests/fuzz/corpus/store

Flags, config.json, NUL, and the header of the file of arrays; and of the packed
files that are given after these, each with its flags: FLAGS:FILE.
"""
import json
import os
import struct
import sys

PICTURE, LAYER, PACKED, SEQUENCE = 4, 8, 16, 32


def header(path):
    with open(path, "rb") as f:
        return f.read(struct.unpack("<Q", f.read(8))[0]).rstrip(b" ")


root, out, *packed = sys.argv[1:]
os.makedirs(out, exist_ok=True)
n = 0
for name in sorted(os.listdir(root)):
    weights = f"{root}/{name}/model.safetensors"
    if not os.path.exists(weights):
        continue
    head = header(weights)
    if len(head) > 14000:
        continue
    try:
        with open(f"{root}/{name}/config.json", encoding="utf-8") as f:
            config = json.dumps(json.load(f)).encode()
    except FileNotFoundError:
        config = b"{}"
    kinds = [PICTURE] if not name.startswith("text") else [0]
    if name.endswith("-pair"):
        kinds = [0, PICTURE]
    for kind in kinds:
        flags = kind | n % 3 | (LAYER if n % 4 == 3 else 0) | (
            SEQUENCE if n % 5 == 4 and kind == 0 else 0)
        with open(f"{out}/{name}{'-picture' if kind and len(kinds) > 1 else ''}",
                  "wb") as f:
            f.write(bytes([flags]) + config + b"\0" + head)
        n += 1
for spec in packed:
    flags, path = spec.split(":", 1)
    with open(f"{out}/{os.path.basename(path)}", "wb") as f:
        f.write(bytes([PACKED | int(flags)]) + header(path))
