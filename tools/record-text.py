#!/usr/bin/env python3
"""Record what peers make of texts, for tests/check_text.c.

    tools/record-text.py tests/data/text

grams.jsonl   n-grams as scikit-learn's analyzers list them
fold.jsonl    NFKC_Casefold as CPython's unicodedata does it
"""
import json
import sys
import unicodedata

from sklearn.feature_extraction.text import CountVectorizer

GRAMS = [
    "cat", "a", "ab", "abc", "abcd", "cat cat cat", "the cat and the hat",
    "A Tree in Winter", "gramastar 2 gramastar 3", "x y z x y",
    "supercalifragilistic expialidocious", "to be or not to be that is",
    "Árvíztűrő tükörfúrógép", "съешь ещё этих мягких булок",
    "Ξεσκεπάζω τὴν ψυχοφθόρα", "2 dead frogs 01", "한국어 문장 하나",
]
FOLD = [
    "Hello, World!", "STRASSE straße", "\ufb01ne \ufb03 \u0132", "e\u0301\u00e9",
    "\uff21\uff22\uff41 \uff11\uff12", "\uff76\uff9e\uff77\uff9f \uff71", "\u1100\u1161\u11a8 \uac01",
    "co\u00adop zero\u200bwidth", "\u0130I\u0131i", "x\u00b2 \u2460 \u00bd \u2168",
    "\u03a3\u03c3\u03c2 \u0391\u0345", "\u2126\u212b\u2163", "a\u0323\u0307 a\u0307\u0323",
    "\u0e19\u0e33 \u0e44\u0e17\u0e22", "\u09c7\u09be \u0bc6\u0bbe", "\ufdfa", "\u1e9e\u0149",
    "=\u0338 <\u0338", "\u0344 \u0340\u0341", "q\u0307\u0323\u0323\u0307\u0301", "\U0001d400\U0001d4d0",
    "\U0001f600 \u00a9", "\u00c5ngstr\u00f6m A\u030angstro\u0308m", "\u1e69 s\u0307\u0323 \u1e0d\u0307",
    "DZ \u01c4\u01c5 \u0587", "\u3300 \u32c0 \u3042\u3099 \u304b\u3099", "\u180b\ufe0fx\ufe0f",
]
# Default_Ignorable_Code_Point, as far as the texts above hold any.
IGNORED = {0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF,
           0xFFA0, *range(0x180B, 0x1810), *range(0x200B, 0x2010),
           *range(0x202A, 0x202F), *range(0x2060, 0x2070),
           *range(0xFE00, 0xFE10)}


def nfkc_casefold(s):
    s = unicodedata.normalize("NFD", s)
    while True:
        t = "".join(c for c in s if ord(c) not in IGNORED)
        t = unicodedata.normalize("NFKC", t.casefold())
        if t == s:
            return t
        s = t


def main():
    words = CountVectorizer(ngram_range=(1, 2),
                            token_pattern=r"(?u)\w+").build_analyzer()
    chars = CountVectorizer(analyzer="char_wb",
                            ngram_range=(3, 5)).build_analyzer()
    with open(sys.argv[1] + "/grams.jsonl", "w") as f:
        for s in GRAMS:
            json.dump({"text": s, "words": words(s), "chars": chars(s)}, f)
            f.write("\n")
    with open(sys.argv[1] + "/fold.jsonl", "w") as f:
        for s in FOLD:
            json.dump({"text": s, "folded": nfkc_casefold(s)}, f)
            f.write("\n")


main()
