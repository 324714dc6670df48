#!/usr/bin/env python3
"""Record what scikit-learn's ridge regression gives, for check_ridge.c.

    tools/record-ridge.py > tests/data/ridge.json

Needs numpy and scikit-learn.  Penalties are those of lib/learn/ridge.h: eight
of them below the inputs' total variance, a tenth apart, then one on either
side of the best, by the error of generalised cross-validation, which is
computed here from singular values.
"""
import json

import numpy as np
import sklearn
from sklearn.linear_model import Ridge


def gcv(X, Y, alpha):
    """Of centred data, with an intercept that is not penalised."""
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    h = s**2 / (s**2 + alpha)
    left = Y - U @ (h[:, None] * (U.T @ Y))
    free = len(X) - 1 - h.sum()
    return len(X) * (left**2).sum() / free**2


def case(rng, n, d, m, noise):
    X = rng.normal(size=(n, d)) * rng.uniform(0.2, 2, size=d) + 0.5
    Y = X @ rng.normal(size=(d, m)) + noise * rng.normal(size=(n, m)) + 3
    X, Y = X.astype("f4"), Y.astype("f4")
    Xc = X.astype(float) - X.astype(float).mean(0)
    Yc = Y.astype(float) - Y.astype(float).mean(0)
    grid = [(Xc**2).sum() / 10**k for k in range(8)]
    best = min(grid, key=lambda a: gcv(Xc, Yc, a))
    best = min([best, best * 10**0.5, best / 10**0.5],
               key=lambda a: gcv(Xc, Yc, a))
    fit = Ridge(alpha=best, solver="svd").fit(X.astype(float),
                                              Y.astype(float))
    flat = {"x": X, "y": Y, "weight": fit.coef_.T, "bias": fit.intercept_}
    return {"n": n, "d": d, "m": m, "lambda": best,
            **{k: [float(f"{v:.9g}") for v in np.ravel(a)]
               for k, a in flat.items()}}


def main():
    rng = np.random.default_rng(6)
    print(json.dumps({
        "made": f"scikit-learn {sklearn.__version__}",
        "cases": [case(rng, 50, 6, 3, 1.0), case(rng, 40, 12, 2, 8.0),
                  case(rng, 15, 30, 2, 0.5), case(rng, 300, 5, 1, 0.01)]}))


if __name__ == "__main__":
    main()
