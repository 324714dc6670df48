#!/usr/bin/env python3
"""Record a small LSTM of random weights and what PyTorch makes of it.

    record-lstm.py tests/data/encoders/lstm

Writes config.json and model.safetensors, the layers, in f16; and
expected.safetensors: x, a sequence; y, all hidden states of the last layer;
h and c, the last states of every layer.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file

IN, HIDDEN, LAYERS, STEPS = 40, 20, 3, 25

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
torch.manual_seed(5)
lstm = torch.nn.LSTM(IN, HIDDEN, LAYERS, batch_first=True)
weights = {}
for name, w in lstm.named_parameters():
    # Wide enough that the gates leave their linear parts.
    weights["lstm." + name] = (w.data * 3).half()
    w.data = weights["lstm." + name].float()
x = torch.randn(1, STEPS, IN)
with torch.no_grad():
    y, (h, c) = lstm(x)
(out / "config.json").write_text("{}\n")
save_file(weights, out / "model.safetensors")
save_file(
    {"x": x[0], "y": y[0].contiguous(), "h": h[:, 0].contiguous(),
     "c": c[:, 0].contiguous()},
    out / "expected.safetensors",
)
