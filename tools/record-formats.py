#!/usr/bin/env python3
"""Record tests/data/formats: files of numpy, scipy and scikit-learn.

    tools/record-formats.py tests/data/formats

For each NAME.EXT that another program wrote there is NAME.jsonl, what it must
be read as with ids from line numbers (with 32-bit values).  vectors.jsonl and
vectors.npy are the same for the way back, byte for byte.

    tools/record-formats.py --check tests/data/formats DIR

reads what vec-convert wrote into DIR from vectors.jsonl: v.npz, v.safetensors
and v.svmlight, and compares.  Needs numpy, scipy, scikit-learn and
safetensors; the tests need none of them.
"""
import io
import json
import sys

import numpy as np
import scipy.sparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file


def records(path, part, rows, labels=None):
    with open(path, "w") as f:
        for i, row in enumerate(rows):
            r = {"id": str(i + 1)}
            if labels is not None and len(labels[i]) == 1:
                r["label"] = labels[i][0]
            elif labels is not None and labels[i]:
                r["labels"] = labels[i]
            r["vec"] = {part: row}
            f.write(json.dumps(r) + "\n")


def dense(a):
    a = np.asarray(a)
    if a.ndim == 1:
        a = a[:, None]
    return [[float(x) for x in row] for row in a.astype("<f4")]


def sparse(m):
    m = m.tocsr()
    rows = []
    for i in range(m.shape[0]):
        k = slice(m.indptr[i], m.indptr[i + 1])
        rows.append({"dim": m.shape[1], "idx": m.indices[k].tolist(),
                     "val": [float(x) for x in m.data[k].astype("<f4")]})
    return rows


def record(out):
    base = np.array([[1, 2, 3], [0, 100, 7]])
    arrays = {}
    for t in ["?", "i1", "u1", "<i2", ">i2", "<u2", "<i4", ">i4", "<u4",
              "<i8", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]:
        a = base.astype(t)
        if a.dtype.kind == "i":
            a = -a
        if a.dtype.kind == "f":
            a = (a / 8 - 1).astype(t)
        arrays[np.dtype(t).str.replace("|", "").replace("<", "le-")
               .replace(">", "be-")] = a
    np.savez_compressed(out + "/types.npz", **arrays)
    with open(out + "/types.jsonl", "w") as f:
        for i in range(2):
            f.write(json.dumps({"id": str(i + 1), "vec": {
                k: dense(a)[i] for k, a in arrays.items()}}) + "\n")
    np.save(out + "/fortran.npy", np.asfortranarray(base.astype("<f8") / 4))
    records(out + "/fortran.jsonl", "vec", dense(base / 4))
    np.save(out + "/flat.npy", np.array([0.5, -2, 6e-8], "<f2"))
    records(out + "/flat.jsonl", "vec", dense(np.array([0.5, -2, 6e-8], "<f2")))
    np.savez(out + "/named.npz", X=base.astype("<f4"), y=np.array([-3, 4]),
             name=np.array(["\u00e4", "a longer one \u20ac"]))
    records(out + "/named.jsonl", "X", dense(base), [["-3"], ["4"]])

    np.save(out + "/object.npy", np.array([{}, 1], object), allow_pickle=True)
    np.save(out + "/structure.npy", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    np.save(out + "/complex.npy", np.zeros((2, 2), "<c8"))

    m = scipy.sparse.csr_matrix(
        np.array([[0, 1.5, 0, -2, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 1e-3]]))
    scipy.sparse.save_npz(out + "/csr.npz", m)
    records(out + "/csr.jsonl", "csr", sparse(m))
    dump_svmlight_file(m, [1, -1, 2.5], out + "/one.svmlight",
                       zero_based=False, comment="a comment")
    records(out + "/one.jsonl", "svm", sparse(m), [["1"], ["-1"], ["2.5"]])
    dump_svmlight_file(m, [[1, 0, 1], [0, 1, 0], [0, 0, 0]], out + "/many.svmlight",
                       zero_based=True, multilabel=True)
    records(out + "/many.jsonl", "svm", sparse(m), [["0", "2"], ["1"], []])

    rng = np.random.default_rng(3)
    x = rng.standard_normal((5, 4)).astype("<f4")
    with open(out + "/vectors.jsonl", "w") as f:
        for i in range(5):
            f.write(json.dumps({
                "id": "r\u00e9%d" % i, "label": str(i % 2), "vec": {
                    "x": [float(v) for v in x[i]],
                    "w": {"dim": 9, "idx": [i, i + 4],
                          "val": [float(x[i][0]), 0.5]}}}) + "\n")
    np.save(out + "/vectors.npy", x)
    np.save(out + "/none.npy", np.zeros((0, 4), "<f4"))


def check(data, made):
    from safetensors.numpy import load_file, safe_open
    rows = [json.loads(line) for line in open(data + "/vectors.jsonl")]
    ids = [r["id"] for r in rows]
    x = np.array([r["vec"]["x"] for r in rows], "<f4")
    w = np.zeros((5, 9), "<f4")
    for i, r in enumerate(rows):
        w[i, r["vec"]["w"]["idx"]] = r["vec"]["w"]["val"]

    z = np.load(made + "/v.npz")
    assert z["ids"].tolist() == ids
    assert z["labels"].tolist() == [r["label"] for r in rows]
    assert z["x"].dtype == np.float32 and (z["x"] == x).all()
    m = scipy.sparse.csr_matrix(
        (z["w.data"], z["w.indices"], z["w.indptr"]), z["w.shape"])
    assert (m.toarray() == w).all()
    assert json.loads(str(z["schema"]))

    t = load_file(made + "/v.safetensors")
    assert (t["x"] == x).all()
    m = scipy.sparse.csr_matrix(
        (t["w.data"], t["w.indices"], t["w.indptr"]), t["w.shape"])
    assert (m.toarray() == w).all()
    with safe_open(made + "/v.safetensors", "np") as f:
        assert json.loads(f.metadata()["vecpipe"])["ids"] == ids

    m, y = load_svmlight_file(made + "/v.svmlight", n_features=9,
                              dtype=np.float32, zero_based=False)
    assert (m.toarray() == w).all()
    assert y.tolist() == [float(r["label"]) for r in rows]
    print("npz, safetensors and svmlight are read as they should be")


if sys.argv[1] == "--check":
    check(sys.argv[2], sys.argv[3])
else:
    record(sys.argv[1])
