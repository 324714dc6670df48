#!/usr/bin/env python3
"""Write tests/data/model: files as the reference implementation makes them.

    tools/record-safetensors.py tests/data/model

reference.safetensors holds one tensor of every type that model.h knows, a
number, an empty one and awkward names; element i of each is i + 1 (or 1 for
BOOL).  metadata.safetensors is the same with a __metadata__ of another
program.  Needs safetensors and numpy; the tests need neither.
"""
import sys

import numpy as np
from safetensors import TensorSpec, serialize

OUT = sys.argv[1]
TYPES = ["BOOL", "U8", "I8", "I16", "U16", "F16", "BF16", "I32", "U32", "F32",
         "F64", "I64", "U64"]
NUMPY = {"BOOL": "?", "U8": "u1", "I8": "i1", "I16": "<i2", "U16": "<u2",
         "F16": "<f2", "I32": "<i4", "U32": "<u4", "F32": "<f4", "F64": "<f8",
         "I64": "<i8", "U64": "<u8"}
# The names that serialize wants.
LONG = {"BOOL": "bool", "BF16": "bfloat16"}
for kind, name in NUMPY.items():
    LONG.setdefault(kind, np.dtype(name).name)
alive = []


def tensor(kind, shape):
    n = int(np.prod(shape)) if shape else 1
    values = np.arange(1, n + 1)
    if kind == "BF16":
        data = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    else:
        data = values.astype(NUMPY[kind])
    alive.append(data)
    return TensorSpec(dtype=LONG[kind], shape=shape,
                      data_ptr=data.ctypes.data, data_len=data.nbytes)


tensors = {}
for k, kind in enumerate(TYPES):
    tensors["t." + kind] = tensor(kind, [k % 3 + 1, 3])
tensors["one"] = tensor("F32", [])
tensors["none"] = tensor("F32", [0, 4])
tensors['a "quoted\\ \u00e9 name'] = tensor("F32", [1, 1, 1, 1, 1, 1, 1, 5])
with open(OUT + "/reference.safetensors", "wb") as f:
    f.write(serialize(tensors))
with open(OUT + "/metadata.safetensors", "wb") as f:
    f.write(serialize(tensors, metadata={"format": "pt"}))
