#!/usr/bin/env python3
"""Seeds for tests/fuzz/fuzz_predictor.c: small models of train without the
frame of their files.  Usage: record-predictor-corpus.py BUILD; writes
tests/fuzz/corpus/predictor/."""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

TYPES = ["BOOL", "U8", "I8", "I16", "U16", "F16", "BF16", "I32", "U32", "F32",
         "F64", "I64", "U64"]
METHODS = {
    "concat": [],
    "late": ["--fusion", "late"],
    "regress": ["--task", "regress", "--impute", "mean"],
    "labels": ["--task", "multilabel"],
    "ridge": ["--impute", "ridge"],
}
for net in "mlp", "gated", "lowrank", "tensor", "bilinear", "attention":
    METHODS[net] = ["--fusion", net, "--hidden", "2", "--rank", "2",
                    "--epochs", "2"]


def records(path):
    r = random.Random(1)
    with open(path, "w") as f:
        for i in range(24):
            vec = {"a": [r.random() + i % 2, r.random()], "b": [r.random()],
                   "s": {"dim": 9, "idx": [i % 5], "val": [1]}}
            if i % 6 == 1:
                vec["a"] = None
            if i % 6 == 3:
                vec["b"] = None
            f.write(json.dumps({"id": f"r{i}", "label": "xy"[i % 2],
                                "vec": vec}) + "\n")


def unframe(path):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    out = header["__metadata__"]["vecpipe"].encode() + b"\0"
    for name, t in header.items():
        if name == "__metadata__":
            continue
        begin, end = t["data_offsets"]
        out += bytes([len(name)]) + name.encode()
        out += bytes([TYPES.index(t["dtype"]), len(t["shape"])])
        out += b"".join(struct.pack("<H", d) for d in t["shape"])
        out += data[8 + n + begin:8 + n + end]
    return out


def main():
    train = os.path.join(os.path.abspath(sys.argv[1]), "train")
    to = os.path.join(os.path.dirname(__file__),
                      "../tests/fuzz/corpus/predictor")
    os.makedirs(to, exist_ok=True)
    with tempfile.TemporaryDirectory() as d:
        stream, model = os.path.join(d, "r.jsonl"), os.path.join(d, "m.model")
        records(stream)
        with open(os.path.join(d, "n.tsv"), "w") as f:
            for i in range(24):
                f.write(f"r{i}\t{i * 7 % 24}\n")
        for name, options in METHODS.items():
            labels = ["-l", os.path.join(d, "n.tsv")] if name == "regress" \
                else []
            subprocess.run([train, "-q", "--cv", "2", "--lambda", "0.1",
                            "-o", model, *options, *labels, stream],
                           check=True)
            with open(os.path.join(to, name), "wb") as f:
                f.write(unframe(model))


main()
