#!/usr/bin/env python3
"""How well cosines of sentence vectors agree with what people said: Spearman's
rank correlation on the sets that gensim brings: words (WordSim-353, SimLex-999)
and news stories (Lee, Pincombe and Welsh 2005).

    similarity.py MODEL WORK

Prints sentence-transformers' figure and ours, fp32 and int8; ends with 1 where
they differ by more than 0.001 and 0.01.
"""
import json
import os
import subprocess
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
from gensim.test.utils import datapath  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402

model, work = sys.argv[1:3]


def words(name):
    """Texts, pairs of their numbers, and what people said of each pair."""
    rows = [line.rstrip("\n").split("\t") for line in open(datapath(name), encoding="utf-8") if line[0] != "#"]
    texts = sorted({w for r in rows for w in r[:2]})
    at = {w: i for i, w in enumerate(texts)}
    return texts, [(at[a], at[b]) for a, b, _ in rows], [float(s) for *_, s in rows]


def stories():
    texts = [line.strip() for line in open(datapath("lee.cor"), encoding="latin-1")]
    said = np.loadtxt(datapath("similarities0-1.txt"))
    pairs = list(zip(*np.triu_indices(len(texts), 1)))
    return texts, pairs, [said[p] for p in pairs]


def ours(texts, precision):
    path = f"{work}/similarity.jsonl"
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"id": str(i), "t": t}) + "\n" for i, t in enumerate(texts))
    done = subprocess.run(["embed-text", "-q", "-m", model, "--precision", precision, "--text", "t", "--id", "id",
                           "-f", "jsonl", path], stdout=subprocess.PIPE, check=True)
    return np.array([json.loads(line)["vec"]["text"] for line in done.stdout.splitlines()])


def agreement(V, pairs, said):
    V = V / np.linalg.norm(V, axis=1, keepdims=True)
    a, b = np.array(pairs).T
    return spearmanr((V[a] * V[b]).sum(1), said).statistic


sets = {"WordSim-353": words("wordsim353.tsv"), "SimLex-999": words("simlex999.txt"), "Lee's stories": stories()}
try:
    from sentence_transformers import SentenceTransformer
    peer = SentenceTransformer(model, device="cpu")
except ImportError:
    peer = None
    print("similarity: no sentence-transformers: ours alone", file=sys.stderr)
bad = 0
for name, (texts, pairs, said) in sets.items():
    line = f"{name:14s} {len(pairs):5d} pairs"
    want = None
    if peer:
        want = agreement(peer.encode(texts, show_progress_bar=False), pairs, said)
        line += f"  sentence-transformers {want:.4f}"
    for precision, limit in ("f32", 0.001), ("int8", 0.01):
        got = agreement(ours(texts, precision), pairs, said)
        line += f"  {precision} {got:.4f}"
        if want is not None:
            line += f" ({got - want:+.4f})"
            bad |= abs(got - want) > limit
    print(line, flush=True)
sys.exit(bad)
