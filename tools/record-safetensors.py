"""Write tests/data/peer.safetensors with the reference implementation.

    python3 tools/record-safetensors.py tests/data/peer.safetensors

Needs the packages safetensors and numpy.  check_model.c writes the same
tensors and compares the bytes.
"""
import sys

import numpy
from safetensors.numpy import save_file

tensors = {
    "b.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 8,
    "a.weight": numpy.array([1.5, -0.0], dtype=numpy.float32),
    "z.double": numpy.array([[0.1]], dtype=numpy.float64),
    "scale": numpy.array(3.25, dtype=numpy.float64),
    "codes": numpy.arange(-3, 4, dtype=numpy.int8),
    "bytes": numpy.arange(5, dtype=numpy.uint8),
    "ids": numpy.array([1, 2**40], dtype=numpy.int64),
    "big": numpy.array([2**63 + 1], dtype=numpy.uint64),
    "index": numpy.array([[7], [9]], dtype=numpy.uint32),
    "shift": numpy.array([-7], dtype=numpy.int32),
    "none": numpy.zeros((0, 4), dtype=numpy.float32),
}
save_file(tensors, sys.argv[1])
