#!/usr/bin/env python3
"""Record small files of torch.save, and what they hold as safetensors writes it.

  tools/record-pth.py DIR    (needs torch and safetensors)
"""
import os
import pickle
import sys
from collections import OrderedDict

import torch
from safetensors.torch import save_file

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
torch.manual_seed(5)

base = torch.randn(4, 6)
model = OrderedDict(
    weight=torch.randn(3, 4),
    turned=base.t(),                # not in row-major order
    part=base[1:3, 2:5],            # within another's storage
    half=torch.randn(5).half(),
    brain=torch.randn(5).bfloat16(),
    double=torch.randn(2).double(),
    count=torch.tensor(7),          # a single number
    bytes=torch.arange(5, dtype=torch.uint8),
    flags=torch.tensor([True, False]),
    none=torch.zeros(0, 3),
)
model["a.parameter"] = torch.nn.Parameter(torch.randn(2, 2))
save_file({k: v.detach().clone().contiguous() for k, v in model.items()},
          f"{out}/expected.safetensors", metadata={"format": "pt"})
torch.save(model, f"{out}/zip.pth")
torch.save(model, f"{out}/stream.pth", _use_new_zipfile_serialization=False)
torch.save({"model_state": model, "step": 3, "lr": 0.5},
           f"{out}/inner.pt", _use_new_zipfile_serialization=False)


class Hostile:
    def __reduce__(self):
        return os.system, ("touch hostile-was-here",)


for name, zipped in (("hostile-zip.pth", True), ("hostile-stream.pth", False)):
    torch.save(OrderedDict(weight=torch.zeros(2), evil=Hostile()),
               f"{out}/{name}", _use_new_zipfile_serialization=zipped)
with open(f"{out}/hostile.pkl", "wb") as f:
    pickle.dump(Hostile(), f, protocol=2)
