#!/usr/bin/env python3
"""What sentence-transformers says of 2,000 texts, and who agrees with it.

usage: record-minilm.py record MODEL DIRECTORY    texts and reference there
       record-minilm.py compare DIRECTORY OUT     OUT of encode_texts

The texts are of many scripts and lengths: prose and code of Python's own
library, words made of every script's letters, emoji with their joiners,
combining marks, odd spaces, numbers, links, and paragraphs far longer than a
model takes.  `compare` prints how many texts have other token ids, and the
smallest cosine; it fails when an id differs.

Needs sentence-transformers; tests/bench/bench_minilm_agree.sh runs it.
"""
import ast
import glob
import json
import random
import sys
import sysconfig

import numpy

SCRIPTS = {
    "latin": "a-z A-Z",
    "accents": "\u00c0-\u024f",
    "vietnamese": "\u1ea0-\u1ef9",
    "greek": "\u0386-\u03ce",
    "cyrillic": "\u0400-\u045f",
    "armenian": "\u0561-\u0586",
    "hebrew": "\u05d0-\u05ea",
    "arabic": "\u0621-\u064a \u064b-\u0652",
    "devanagari": "\u0904-\u0939 \u093e-\u094d",
    "bengali": "\u0985-\u09b9 \u09be-\u09cd",
    "tamil": "\u0b85-\u0bb9 \u0bbe-\u0bcd",
    "thai": "\u0e01-\u0e3a \u0e40-\u0e4e",
    "georgian": "\u10d0-\u10f0",
    "ethiopic": "\u1200-\u1248",
    "khmer": "\u1780-\u17b3 \u17b6-\u17d3",
    "hiragana": "\u3041-\u3096",
    "katakana": "\u30a1-\u30fa",
    "han": "\u4e00-\u9fa5",
    "han-rare": "\u3400-\u4db5 \U00020000-\U00020100",
    "hangul": "\uac00-\ud7a3",
    "jamo": "\u1100-\u1112 \u1161-\u1175 \u11a8-\u11c2",
    "math": "\u2200-\u22ff \U0001d400-\U0001d433",
    "full-width": "\uff01-\uff5e",
    "symbols": "\u2190-\u21ff \u2500-\u257f \u20a0-\u20bf",
    "punctuation": "!-/ :-@ [-` {-~ \u2010-\u2027 \u3001-\u3011",
}
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000",
          "\u200b", "\u2028", "\ufeff", "\x0b", "\x85", "\u00ad", "\x7f"]
EMOJI = ["\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
         "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f",
         "\U0001f3f4\u200d\u2620\ufe0f", "1\ufe0f\u20e3", "\U0001f9d1\u200d"
         "\U0001f680"]
MARKS = "\u0300\u0301\u0302\u0308\u0327\u0323\u20d7\u0489"


def letters(spec):
    out = []
    for part in spec.split(" "):
        if len(part) == 3 and part[1] == "-":
            out += [chr(c) for c in range(ord(part[0]), ord(part[2]) + 1)]
    return out


def prose():
    root = sysconfig.get_paths()["stdlib"]
    strings, code = [], []
    for path in sorted(glob.glob(root + "/*.py"))[:150]:
        try:
            with open(path, encoding="utf-8") as f:
                source = f.read()
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        code += [source[i:i + 400] for i in range(0, len(source), 4000)]
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
                strings.append(ast.get_docstring(node) or "")
    return [s for s in strings if s.strip()], code


def make(count=2000):
    r = random.Random(5)
    strings, code = prose()
    sets = {k: letters(v) for k, v in SCRIPTS.items()}

    def word(name):
        return "".join(r.choices(sets[name], k=r.randint(1, 9)))

    def words(name, n):
        return r.choice([" ", " ", " ", ""]).join(word(name) for _ in range(n))

    def mixed(n):
        return "".join(
            word(r.choice(list(sets))) + r.choice(SPACES) for _ in range(n))

    def marks(n):
        return " ".join(
            "".join(c + "".join(r.choices(MARKS, k=r.randint(0, 3)))
                    for c in word("latin")) for _ in range(n))

    kinds = [
        lambda: r.choice(strings),
        lambda: r.choice(strings),
        lambda: r.choice(strings).split(".")[0],
        lambda: " ".join(r.choices(strings, k=r.randint(2, 12))),
        lambda: r.choice(code),
        lambda: words(r.choice(list(sets)), r.randint(1, 40)),
        lambda: words(r.choice(list(sets)), r.randint(1, 40)),
        lambda: mixed(r.randint(1, 60)),
        lambda: marks(r.randint(1, 30)),
        lambda: r.choice(strings)[:80] + "".join(
            r.choices(EMOJI, k=r.randint(1, 5))),
        lambda: "".join(r.choices(EMOJI + SPACES, k=r.randint(1, 12))),
        lambda: f"{r.randint(0, 10**12)},{r.random():.6f} "
                f"https://example.org/{word('latin')}?q={r.randint(0, 99)}&"
                f"x=%20 {r.randint(1, 31)}/{r.randint(1, 12)}/1999",
        lambda: word("latin") * r.randint(1, 40),
        lambda: "".join(r.choices(SPACES, k=r.randint(1, 8))),
    ]
    out = ["", " ", "a", "[CLS] [SEP] [MASK] [PAD] [UNK]", "##ing ing",
           "x" * 101, "x" * 3000, "\u4e2d" * 400]
    while len(out) < count:
        out.append(r.choice(kinds)().replace("\0", ""))
    return out


def record(model, where):
    from sentence_transformers import SentenceTransformer

    texts = make()
    st = SentenceTransformer(model)
    vectors = st.encode(texts, batch_size=16, convert_to_numpy=True)
    ids = [st.tokenizer(t, truncation=True, max_length=st.max_seq_length)
           ["input_ids"] for t in texts]
    with open(f"{where}/texts", "wb") as f:
        for t in texts:
            f.write(t.encode() + b"\0")
    with open(f"{where}/ids.json", "w") as f:
        json.dump(ids, f)
    numpy.save(f"{where}/vectors.npy", vectors.astype(numpy.float32))


def compare(where, path):
    with open(f"{where}/ids.json") as f:
        ids = json.load(f)
    want = numpy.load(f"{where}/vectors.npy").astype(numpy.float64)
    got = numpy.fromfile(path, numpy.uint32)
    at, other, cosines = 0, [], []
    for i, w in enumerate(ids):
        n = int(got[at])
        mine = got[at + 1:at + 1 + n].tolist()
        v = got[at + 1 + n:at + 1 + n + want.shape[1]].view(numpy.float32)
        at += 1 + n + want.shape[1]
        if mine != w:
            other.append(i)
            continue
        v = v.astype(numpy.float64)
        cosines.append(v @ want[i] / numpy.linalg.norm(v)
                       / numpy.linalg.norm(want[i]))
    assert at == len(got), "not as many texts"
    lengths = [len(i) for i in ids]
    print(f"{len(ids)} texts of {min(lengths)} to {max(lengths)} tokens: "
          f"{len(other)} with other tokens, smallest cosine "
          f"1 - {1 - min(cosines):.2g}")
    if other:
        print("first:", other[:20])
        sys.exit(1)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "record":
        record(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 4 and sys.argv[1] == "compare":
        compare(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
