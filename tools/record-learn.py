#!/usr/bin/env python3
"""Record what scikit-learn makes of a small data set, for check_learn.c.

    tools/record-learn.py > tests/data/learn.json

Needs numpy, scipy and scikit-learn.  Two parts, a dense one and a sparse one,
are scaled as lib/learn/scale.h says, with scikit-learn's own transformers;
then each model is fitted to high precision and its scores are recorded.
"""
import json

import numpy as np
import scipy.sparse as sp
import sklearn
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

N, D, DIM, CLASSES = 72, 6, 50, 3
LAMBDA = 0.01
WEIGHTS = {"dense": 0.7, "sparse": 0.3}


def data(rng):
    y = np.arange(N) % CLASSES
    y[:12] = 0                       # unequal classes
    centre = rng.normal(size=(CLASSES, D))
    X = centre[y] + rng.normal(size=(N, D))
    X = X * [1, 10, 0.1, 1, 1000, 1] + [0, 5, 0, 100, 0, 1]
    X[:, 5] = 3.25                   # constant: carries no weight
    S = rng.poisson(0.15, size=(N, DIM)).astype(float)
    S[np.arange(N), y * 7 + rng.integers(0, 7, N)] += 1
    X = X.astype("f4")
    multi = np.stack([y == 0, X[:, 0] > 0, S[:, 3] > 0], 1).astype(int)
    target = 40 + 7 * X[:, 0] - 30 * X[:, 2] + 5 * rng.normal(size=N)
    return X, sp.csr_matrix(S.astype("f4")), y, multi, target


def scaled(X, S):
    live = X.std(0) > 0
    Z = StandardScaler().fit_transform(X[:, live].astype(float))
    Z *= np.sqrt(WEIGHTS["dense"] / live.sum())
    T = TfidfTransformer().fit_transform(S.astype(float))
    return np.hstack([Z, np.sqrt(WEIGHTS["sparse"]) * T.toarray()])


def logistic(**more):
    return LogisticRegression(C=1 / (LAMBDA * N), tol=1e-10, max_iter=100000,
                              **more)


def main():
    X, S, y, multi, target = data(np.random.default_rng(4))
    Z = scaled(X, S)
    mean, sd = target.mean(), target.std()
    models = {
        "class": logistic().fit(Z, y).predict_proba(Z),
        "balanced": logistic(class_weight="balanced").fit(Z, y)
        .predict_proba(Z),
        "multilabel": np.stack([logistic().fit(Z, multi[:, k])
                                .predict_proba(Z)[:, 1] for k in range(3)], 1),
        "regress": mean + sd * Ridge(alpha=LAMBDA * N, tol=1e-12)
        .fit(Z, (target - mean) / sd).predict(Z)[:, None],
    }
    S.sort_indices()
    rows = [{"dense": [float(v) for v in X[i]],
             "index": S[i].indices.tolist(), "value": S[i].data.tolist(),
             "class": int(y[i]), "labels": multi[i].tolist(),
             "target": float(target[i])} for i in range(N)]
    print(json.dumps({
        "made": f"scikit-learn {sklearn.__version__}", "dim": DIM,
        "lambda": LAMBDA, "weights": WEIGHTS,
        **{k: [[round(float(v), 7) for v in r] for r in m]
           for k, m in models.items()},
        "rows": rows}))


if __name__ == "__main__":
    main()
