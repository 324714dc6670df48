#!/usr/bin/env python3
"""Texts for bench_text.sh, and what scikit-learn does with them.

    bench_text.py texts FILE     write paragraphs of about 500 bytes, from the
                                 documentation of Python's own library
    bench_text.py peer FILE DIM  HashingVectorizer with the same n-grams, MB/s
"""
import ast
import glob
import os
import sys
import sysconfig
import time


def docstrings():
    root = sysconfig.get_paths()["stdlib"]
    for path in sorted(glob.glob(root + "/**/*.py", recursive=True)):
        if "/test/" in path or "/site-packages/" in path:
            continue
        try:
            with open(path, encoding="utf-8") as f:
                tree = ast.parse(f.read())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
                yield from (ast.get_docstring(node) or "").split()


def texts(path, size=4 << 20):
    with open(path, "w", encoding="utf-8") as f:
        words = list(docstrings())
        line, length, total = [], 0, 0
        while total < size:
            for word in words:
                line.append(word)
                length += len(word) + 1
                if length >= 500:
                    f.write(" ".join(line) + "\n")
                    total += length
                    line, length = [], 0


def peer(path, dim):
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.pipeline import FeatureUnion

    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")[:2000]
    def hashing(**how):
        return HashingVectorizer(n_features=dim, **how)

    if dim == 1024:     # what embed-text counts in dense vectors
        both = hashing(analyzer="char_wb", ngram_range=(2, 5))
    else:
        both = FeatureUnion([
            ("words", hashing(ngram_range=(1, 2))),
            ("chars", hashing(analyzer="char_wb", ngram_range=(3, 5)))])
    size = sum(len(s.encode()) + 1 for s in lines)
    start = time.process_time()
    both.transform(lines)
    print("%.2f" % (size / (time.process_time() - start) / 1e6))


if sys.argv[1] == "texts":
    texts(sys.argv[2])
else:
    peer(sys.argv[2], int(sys.argv[3]))
