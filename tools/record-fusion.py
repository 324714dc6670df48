#!/usr/bin/env python3
"""Record how PyTorch trains the nets of lib/fusion, for check_net_run.c.

    tools/record-fusion.py tests/data/fusion

Needs numpy and torch.  For each kind of net, one safetensors file: records of
two parts and their classes, the first weights, the order of the records in each
epoch, and the loss of each of 50 steps of torch.optim.AdamW, with the schedule
of lib/learn/adamw.h.
"""
import json
import math
import pathlib
import struct
import sys

import numpy as np
import torch

N, DIMS, H, C, BATCH, EPOCHS, STEPS = 96, (5, 7), 16, 4, 16, 9, 50
LR, DECAY = 0.02, 0.05
TYPES = {"float32": "F32", "float64": "F64", "int32": "I32"}


def save(path, arrays):
    """A safetensors file, by descending size of elements, then by name."""
    header, at, data = {}, 0, b""
    for name in sorted(arrays, key=lambda k: (-arrays[k].itemsize, k)):
        a = np.ascontiguousarray(arrays[name])
        header[name] = {"dtype": TYPES[str(a.dtype)], "shape": list(a.shape),
                        "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
        data += a.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def first_weights(kind, rng):
    def uniform(*shape):
        return torch.tensor(rng.uniform(-1, 1, shape) / math.sqrt(shape[0]),
                            dtype=torch.float32)

    w = {}
    for p, d in enumerate(DIMS):
        w[f"part.{p}.weight"] = uniform(d, H)
        w[f"part.{p}.absent"] = torch.zeros(H)
        if kind == "gated":
            w[f"part.{p}.bias"] = uniform(H)
    if kind == "mlp":
        w["hidden.bias"] = uniform(H)
    else:
        w["gate.weight"] = uniform(2 * H, 2 * H)
        w["gate.bias"] = uniform(2 * H)
    w["out.weight"] = uniform(H, C)
    w["out.bias"] = uniform(C)
    return w


def scores(kind, w, x):
    parts = [math.sqrt(d) * xp @ w[f"part.{p}.weight"]
             for p, (d, xp) in enumerate(zip(DIMS, x))]
    if kind == "mlp":
        h = torch.relu(sum(parts) + w["hidden.bias"])
    else:
        h = torch.stack([torch.tanh(y + w[f"part.{p}.bias"])
                         for p, y in enumerate(parts)], 1)
        z = h.reshape(len(h), -1) @ w["gate.weight"] + w["gate.bias"]
        h = (torch.softmax(z.reshape(h.shape), 1) * h).sum(1)
    return h @ w["out.weight"] + w["out.bias"]


def rate(t, total):
    warm = total // 10
    if t < warm:
        return LR * (t + 1) / warm
    return LR * 0.5 * (1 + math.cos(math.pi * (t - warm) / (total - warm)))


def record(kind, directory):
    rng = np.random.default_rng(6)
    x = [rng.normal(size=(N, d)).astype("f4") / np.float32(math.sqrt(d))
         for d in DIMS]
    y = (2 * (x[0][:, 0] > 0) + (x[1][:, 0] * x[0][:, 1] > 0)).astype("i4")
    w = first_weights(kind, rng)
    arrays = {f"net.{k}": v.numpy().copy() for k, v in w.items()}
    arrays |= {"x0": x[0], "x1": x[1], "y": y}
    for v in w.values():
        v.requires_grad_()
    opt = torch.optim.AdamW([
        {"params": [v for v in w.values() if v.dim() > 1]},
        {"params": [v for v in w.values() if v.dim() == 1],
         "weight_decay": 0.0}], lr=LR, weight_decay=DECAY)
    order = np.stack([rng.permutation(N) for _ in range(EPOCHS)]).astype("i4")
    losses, steps = [], N // BATCH
    for t in range(STEPS):
        at = t % steps * BATCH
        rows = torch.tensor(order[t // steps][at:at + BATCH]).long()
        for group in opt.param_groups:
            group["lr"] = rate(t, EPOCHS * steps)
        loss = torch.nn.functional.cross_entropy(
            scores(kind, w, [torch.tensor(a)[rows] for a in x]),
            torch.tensor(y).long()[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    arrays |= {"order": order, "loss": np.array(losses)}
    save(directory / f"{kind}.safetensors", arrays)


def main():
    torch.set_num_threads(1)
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for kind in ("mlp", "gated"):
        record(kind, directory)


main()
