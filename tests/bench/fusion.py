#!/usr/bin/env python3
"""For fusion.sh: its lines from evaluate's JSON, and the peer in PyTorch.

    fusion.py paired NAME < evaluate.json     the difference, interval and p
    fusion.py ece NAME < evaluate.json
    fusion.py parts < vec-info.json           names of the parts
    fusion.py split SEED WHO FILE             a line for the table of splits
    fusion.py splits TABLE PART...            means over splits, paired
    fusion.py peer ROW                        late-fusion MLP on ROW.vp
                                              (needs torch, numpy, scipy)
"""
import json
import math
import os
import subprocess
import sys


def paired(name):
    d = json.load(sys.stdin)["difference"]
    print(f"{name:28s} " + "  ".join(
        f"{key} {d[key]:+.4f} [{d['interval'][key][0]:+.4f}, {d['interval'][key][1]:+.4f}] "
        f"p {d['p'][key]:.4f}" for key in ("accuracy", "macro_f1", "log_loss")), flush=True)


def groups(keep):
    for line in sys.stdin:
        d = json.loads(line)
        if keep == "0":
            d.pop("group", None)
        print(json.dumps(d))


def ece(name):
    series, apart = (json.loads(line) for line in sys.stdin)
    said = [("within" if d["ece_mass"] <= d["ece_limit"] else "ABOVE") + f" {d['ece_limit']:.4f}"
            for d in (series, apart)]
    print(f"{name:20s} {series['records']} records, ECE {series['ece_mass']:.4f}, "
          f"{said[0]} (of records without series {said[1]})", flush=True)


def parts():
    d = json.load(sys.stdin)
    print(" ".join(p["name"] for p in d["parts"]))


def split(seed, who, path):
    with open(path) as f:
        d = json.load(f)
    print(seed, who, d["accuracy"], d.get("coverage") or "-", d.get("set_size") or "-", sep="\t")


def mean(x):
    return sum(x) / len(x)


def deviation(x):
    return math.sqrt(sum((v - mean(x)) ** 2 for v in x) / (len(x) - 1))


def splits(path, *names):
    rows = [line.rstrip("\n").split("\t") for line in open(path)]
    of = {}
    for seed, who, *figures in rows:
        of.setdefault(who, {})[seed] = figures
    every = of["all"]
    n = len(every)
    cover = [float(v[1]) for v in every.values()]
    print(f"{n} splits: accuracy {mean([float(v[0]) for v in every.values()]):.4f}, sets for 95 %: "
          f"coverage {mean(cover):.4f} (deviation {deviation(cover):.4f}), "
          f"size {mean([float(v[2]) for v in every.values()]):.2f}")
    for name in names:
        a = [float(of[name + "-single"][s][0]) for s in every]
        b = [float(of[name + "-fused"][s][0]) for s in every]
        d = [y - x for x, y in zip(a, b)]
        error = deviation(d) / math.sqrt(n)
        print(f"{name} alone: single {mean(a):.4f}, fused {mean(b):.4f}, difference {mean(d):+.4f} "
              f"+- {error:.4f}, t {mean(d) / error if error else 0:+.2f} of {n - 1} degrees")


# ---- PyTorch ----

def read(path):
    """{part: matrix or CSR}, masks, labels, groups, ids."""
    import numpy as np
    import scipy.sparse as sp

    text = subprocess.run(["vec-cat", "-f", "jsonl", path], check=True, capture_output=True).stdout
    rows = [json.loads(line) for line in text.splitlines()]
    out = {}
    for name in rows[0]["vec"]:
        have = [r["vec"][name] for r in rows]
        some = next(v for v in have if v is not None)
        if isinstance(some, list):
            out[name] = np.array([v or [0.0] * len(some) for v in have], "f4")
        else:
            have = [v or {"idx": [], "val": []} for v in have]
            end = np.cumsum([0] + [len(v["idx"]) for v in have])
            out[name] = sp.csr_matrix((np.concatenate([v["val"] for v in have]),
                                       np.concatenate([v["idx"] for v in have]).astype(int), end),
                                      shape=(len(rows), some["dim"]))
    return out, [r["label"] for r in rows], [r["id"] for r in rows], [r.get("group") for r in rows]


def scale(x, train):
    """Dense columns: mean 0, deviation 1.  Sparse: those of two training
    records and more, times idf, rows of length 1.  Fitted on train."""
    import numpy as np

    if isinstance(x, np.ndarray):
        m, s = x[train].mean(0), x[train].std(0)
        return (x - m) / np.where(s > 1e-6, s, 1)
    df = np.bincount(x[train].indices, minlength=x.shape[1])
    keep = np.flatnonzero(df >= 2)
    x = x[:, keep].toarray().astype("f4") * np.log((1 + len(train)) / (1 + df[keep])).astype("f4")
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) * math.sqrt(len(keep)) / 8


def mlp(xs, y, train, inner, test, classes, seed):
    """A hidden layer for each part, their scores summed; AdamW, dropout,
    early stopping on the inner part.  Returns probabilities of test."""
    import numpy as np
    import torch

    torch.manual_seed(seed)

    class Late(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.towers = torch.nn.ModuleList([torch.nn.Sequential(
                torch.nn.Dropout(.2), torch.nn.Linear(x.shape[1], 256), torch.nn.ReLU(),
                torch.nn.Dropout(.5), torch.nn.Linear(256, classes)) for x in xs])

        def forward(self, some):
            return sum(t(x) for t, x in zip(self.towers, some))

    xs = [torch.tensor(x, dtype=torch.float32) for x in xs]
    y = torch.tensor(y)
    net, best, state, bad = Late(), None, None, 0
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
    order = np.random.RandomState(seed)
    for _ in range(60):
        net.train()
        p = order.permutation(train)
        for k in range(0, len(p), 64):
            b = p[k:k + 64]
            loss = torch.nn.functional.cross_entropy(net([x[b] for x in xs]), y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            held = torch.nn.functional.cross_entropy(net([x[inner] for x in xs]), y[inner]).item()
        if best is None or held < best:
            best, bad = held, 0
            state = {k: v.clone() for k, v in net.state_dict().items()}
        else:
            bad += 1
            if bad == 8:
                break
    net.load_state_dict(state)
    net.eval()
    with torch.no_grad():
        return torch.softmax(net([x[test] for x in xs]), 1).numpy()


def macro_f1(y, p):
    out = []
    for c in set(y) | set(p):
        hit = sum(a == b == c for a, b in zip(y, p))
        total = sum(a == c for a in y) + sum(b == c for b in p)
        out.append(2 * hit / total)
    return mean(out)


def peer(row):
    import time
    import zlib

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # a busy machine
    import numpy as np

    parts_, label, ids, group = read(row + ".vp")
    names = sorted(set(label))
    y = np.array([names.index(v) for v in label])
    got, took = [], 0
    for k in range(5):
        with open(f"fold{k}.ids") as f:
            fold = set(f.read().split("\n"))
        test = np.array([i for i, v in enumerate(ids) if v in fold])
        rest = [i for i, v in enumerate(ids) if v not in fold]
        hold = [zlib.crc32(group[i].encode()) % 8 == 0 for i in rest]
        train = np.array([i for i, h in zip(rest, hold) if not h])
        inner = np.array([i for i, h in zip(rest, hold) if h])
        start = time.time()
        xs = [scale(x, train) for x in parts_.values()]
        p = sum(mlp(xs, y, train, inner, test, len(names), seed) for seed in range(3)).argmax(1)
        took += time.time() - start
        got.append(((p == y[test]).mean(), macro_f1(list(y[test]), list(p))))
    print(f"{row + '.pytorch':20s} {len(y)} records  accuracy {mean([g[0] for g in got]):.3f}  macro-F1 "
          f"{mean([g[1] for g in got]):.3f}   folds " + " ".join(f"{a:.3f}/{b:.3f}" for a, b in got) +
          f"   {took / 5:.0f} s a fold", flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
