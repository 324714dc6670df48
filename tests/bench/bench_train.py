#!/usr/bin/env python3
"""train with its whole cross-validation, against scikit-learn on its grid.

    bench_train.py STREAM.vp [FITS]      (needs numpy, scipy, scikit-learn)

train and vec-cat are taken from PATH.  Both sides use one thread.  The grid
is the one that train says it tried (-v), each trial in each of five folds.
scikit-learn fits FITS of them (6), evenly chosen, on four fifths of the
records with the same scaling; the rest is counted at their mean time, because
all of them would take hours.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

FOLDS = 5


def read(path):
    """{part: matrix}, labels."""
    text = subprocess.run(["vec-cat", "-f", "jsonl", path], check=True,
                          capture_output=True).stdout
    rows = [json.loads(line) for line in text.splitlines()]
    parts = {}
    for name in rows[0]["vec"]:
        have = [r["vec"][name] for r in rows]
        some = next(v for v in have if v is not None)
        if isinstance(some, list):
            zero = [0.0] * len(some)
            parts[name] = np.array([v or zero for v in have], "f4")
            continue
        have = [v or {"idx": [], "val": []} for v in have]
        end = np.cumsum([0] + [len(v["idx"]) for v in have])
        parts[name] = sp.csr_matrix(
            (np.concatenate([v["val"] for v in have]),
             np.concatenate([v["idx"] for v in have]).astype(int), end),
            shape=(len(rows), some["dim"]))
    return parts, np.array([r["label"] for r in rows])


def scaled(parts, weights, rows):
    blocks = []
    for name, X in parts.items():
        w = np.sqrt(weights.get(name, 1.0))
        if sp.issparse(X):
            T = TfidfTransformer().fit_transform(X[rows])
            blocks.append(w * T[:, T.getnnz(0) > 0])
        else:
            Z = StandardScaler().fit_transform(X[rows])
            Z = w * Z / np.sqrt(X.shape[1])
            blocks.append(Z)
    return sp.hstack(blocks).tocsr() if len(blocks) > 1 else blocks[0]


def run_train(path):
    with tempfile.TemporaryDirectory() as d:
        before, t = os.times(), time.time()
        p = subprocess.run(["train", "-v", "-j1", "-o", d + "/m", path],
                           check=True, capture_output=True, text=True)
        wall, after = time.time() - t, os.times()
    grid = []
    for line in re.findall(r"tried (.*?): accuracy", p.stderr):
        pairs = [f.split("=") for f in line.split(", ") if "=" in f]
        grid.append({
            "lambda": float(re.search(r"lambda (\S+?)(,|$)", line)[1]),
            "class": re.search(r"class weight (\w+)", line)[1],
            "weights": {k: float(v) for k, v in pairs}})
    return grid, wall, after.children_user - before.children_user


def main():
    path = sys.argv[1]
    sample = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    grid, wall, cpu = run_train(path)
    fits = len(grid) * FOLDS
    print(f"train: {fits} fits, {cpu:.1f} s of processor time "
          f"({wall:.1f} s by the clock)", flush=True)
    parts, y = read(path)
    rows = np.arange(len(y)) % FOLDS != 0
    spent = []
    for k in np.linspace(0, len(grid) - 1, sample).astype(int):
        trial, t = grid[k], time.process_time()
        X = scaled(parts, trial["weights"], rows)
        weight = None
        if trial["class"] != "none":
            n = {c: (y[rows] == c).sum() for c in set(y[rows])}
            power = 0.5 if trial["class"] == "sqrt" else 1.0
            weight = {c: n[c] ** -power for c in n}
            mean = sum(weight[c] * n[c] for c in n) / rows.sum()
            weight = {c: w / mean for c, w in weight.items()}
        model = LogisticRegression(
            C=1 / (trial["lambda"] * rows.sum()), class_weight=weight,
            max_iter=1000).fit(X, y[rows])
        spent.append(time.process_time() - t)
        print(f"  scikit-learn, lambda {trial['lambda']:g}: "
              f"{spent[-1]:.1f} s, {model.n_iter_[0]} iterations", flush=True)
    total = np.mean(spent) * fits
    print(f"scikit-learn {sklearn.__version__}: about {total:.0f} s for "
          f"{fits} fits; train takes 1/{total / cpu:.0f} of it")


if __name__ == "__main__":
    main()
