#!/usr/bin/env python3
"""Record what scikit-learn and SciPy say about made-up predictions.

    tools/record-metrics.py > tests/data/metrics.json

tests/check_metrics.c compares lib/learn/metrics with it.  Needs numpy,
scipy and scikit-learn; the tests themselves do not.
"""
import json
import sys
import warnings

import numpy as np
import scipy
import sklearn
from scipy.stats import spearmanr
from sklearn import metrics as m

warnings.filterwarnings("ignore")
rng = np.random.default_rng(4)


def number(x):
    return None if x is None or not np.isfinite(x) else float(x)


def ece(p, right, w, bins=15):
    """Guo et al. 2017, equations 2 and 3, by numpy's own binning."""
    edge = np.arange(1, bins + 1) / bins
    which = np.searchsorted(edge, p, side="left")
    total = 0.0
    for b in range(bins):
        s = which == b
        if w[s].sum() > 0:
            total += w[s].sum() * abs(np.average(right[s], weights=w[s]) -
                                      np.average(p[s], weights=w[s]))
    return total / w.sum()


def ece_mass(p, right, w, bins=15):
    """The same in bins of equal mass.  Every record is cut into as many pieces
    as there are bins, so that bins have whole numbers of pieces; pieces of
    equal confidence are right in the mean."""
    p, right = np.repeat(p, w * bins), np.repeat(right, w * bins)
    order = np.argsort(p, kind="stable")
    p, right = p[order], right[order]
    for x in np.unique(p):
        right[p == x] = right[p == x].mean()
    return np.mean([abs(r.mean() - c.mean()) for r, c in
                    zip(np.split(right, bins), np.split(p, bins))])


def top(t, p, v, k):
    """Of equal probabilities the first class stands first."""
    K = p.shape[1]
    if k >= K:
        return 1.0
    return m.top_k_accuracy_score(t, p - 1e-9 * np.arange(K), k=k,
                                  sample_weight=v, labels=range(K))


def classes(n, K, sharp, unused=0, weighted=True):
    truth = rng.integers(0, K - unused, n)
    z = rng.normal(size=(n, K)) + sharp * np.eye(K)[truth]
    probs = np.round(np.exp(z) / np.exp(z).sum(1, keepdims=True), 3)
    probs[:, 0] = 1 - probs[:, 1:].sum(1)
    guess = probs.argmax(1)
    w = rng.integers(0, 4, n) if weighted else np.ones(n, int)
    seen = w > 0
    t, g, p, v = truth[seen], guess[seen], probs[seen], w[seen]
    f1 = {a: number(m.f1_score(t, g, average=a, sample_weight=v,
                               zero_division=0))
          for a in ("macro", "micro", "weighted")}
    if K == 2:
        brier = m.brier_score_loss(t, p[:, 1], sample_weight=v)
        auc = m.roc_auc_score(t, p[:, 1], sample_weight=v)
    else:
        brier = m.brier_score_loss(t, p, sample_weight=v, labels=range(K))
        auc = None
        if len(set(t)) == K:
            auc = m.roc_auc_score(np.eye(K)[t], p, average="macro",
                                  sample_weight=v)
    per = {}
    for name, f in (("precision", m.precision_score),
                    ("recall", m.recall_score), ("f1", m.f1_score)):
        per[name] = [number(x) for x in f(
            t, g, average=None, sample_weight=v, labels=range(K),
            zero_division=np.nan)]
    conf = probs.max(1)
    return {
        "K": K, "truth": truth.tolist(), "guess": guess.tolist(),
        "w": w.tolist(), "probs": [float(x) for x in probs.ravel()],
        "accuracy": m.accuracy_score(t, g, sample_weight=v), **f1, **per,
        "log_loss": m.log_loss(t, p, sample_weight=v, labels=range(K)),
        "brier": number(brier), "auc": number(auc),
        "ece": ece(conf, (truth == guess).astype(float), w.astype(float)),
        "ece_mass": ece_mass(conf, (truth == guess).astype(float), w),
        "top3": top(t, p, v, 3), "top5": top(t, p, v, 5),
    }


def labels(n, L):
    truth = (rng.random((n, L)) < .35).astype(int)
    score = np.round(rng.normal(size=(n, L)) + 1.2 * truth, 1)
    guess = (score > .7).astype(int)
    f1 = {a: m.f1_score(truth, guess, average=a, zero_division=0)
          for a in ("macro", "micro", "weighted")}
    return {
        "L": L, "truth": truth.ravel().tolist(),
        "guess": guess.ravel().tolist(), "score": score.ravel().tolist(),
        "subset": m.accuracy_score(truth, guess),
        "hamming": m.hamming_loss(truth, guess), **f1,
        "auc": m.roc_auc_score(truth, score, average="macro"),
        "precision": m.average_precision_score(truth, score, average="macro"),
        "rank_precision":
            m.label_ranking_average_precision_score(truth, score),
        "rank_coverage": m.coverage_error(truth, score),
        "rank_loss": m.label_ranking_loss(truth, score),
    }


def numbers(n, digits, weighted=True):
    y = np.round(rng.normal(size=n) * 3 + 1, digits)
    f = np.round(.8 * y + rng.normal(size=n), digits)
    w = rng.integers(0, 4, n) if weighted else np.ones(n, int)
    return {
        "truth": y.tolist(), "value": f.tolist(), "w": w.tolist(),
        "r2": m.r2_score(y, f, sample_weight=w),
        "mae": m.mean_absolute_error(y, f, sample_weight=w),
        "rmse": m.root_mean_squared_error(y, f, sample_weight=w),
        "spearman": spearmanr(np.repeat(y, w), np.repeat(f, w)).statistic,
    }


json.dump({
    "made_by": f"numpy {np.__version__}, scipy {scipy.__version__}, "
               f"scikit-learn {sklearn.__version__}",
    "class": [classes(60, 3, 1.0), classes(80, 2, .7, weighted=False),
              classes(50, 2, .5), classes(40, 6, 1.5, unused=2),
              classes(120, 5, .8, weighted=False)],
    "multilabel": [labels(50, 4), labels(30, 7)],
    "regress": [numbers(40, 4), numbers(60, 0), numbers(50, 1, False)],
}, sys.stdout, separators=(",", ":"))
print()
