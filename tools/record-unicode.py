#!/usr/bin/env python3
"""Write lib/text/unicode_table.c: what the reference tokenizer library
(https://github.com/huggingface/tokenizers) believes of every code point.

Its crates carry tables of several versions of Unicode (categories of version
8, normalization of version 9, segmentation and regular expressions of newer
ones), so each property is asked from the library itself, through the
normalizer or pre-tokenizer that uses it.

    record-unicode.py >lib/text/unicode_table.c     (needs: tokenizers)
"""
import base64
import json
import struct
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
FLAGS = [
    "DROP", "MN", "PUNCT", "WHITE", "NUMERIC", "WORD", "LETTER", "NUMBER",
    "SPACE", "MARK", "NORM", "ATTACH", "PREPEND", "CONTROL", "PICTURE",
    "CONSONANT", "LINKER",
]  # in the order of lib/text/unicode.h
BIT = {name: 1 << i for i, name in enumerate(FLAGS)}
LEFT, RIGHT = "a", "a"


def bert(**on):
    return normalizers.BertNormalizer(**{
        "clean_text": False, "handle_chinese_chars": False,
        "strip_accents": False, "lowercase": False, **on})


def pieces(splitter, s):
    return len(splitter.pre_tokenize_str(s))


def leads_map():
    """A Precompiled normalizer that turns what begins with 'b' or with a lead
    byte of UTF-8 into X: a grapheme of up to five bytes as a whole, longer
    ones character by character."""
    size = 1024
    unit = [0] * size
    # The root's children sit at 256 ^ byte, their values at 512 ^ 256 ^ byte.
    unit[0] = 256 << 10
    for b in [0x62, *range(0xC2, 0xF5)]:
        at = 256 ^ b
        unit[at] = b | 1 << 8 | 512 << 10
        unit[at ^ 512] = 1 << 31
    blob = struct.pack("<I", 4 * size) + struct.pack(f"<{size}I", *unit)
    spec = {"type": "Precompiled", "precompiled_charsmap":
            base64.b64encode(blob + b"X\0").decode()}
    t = json.loads(Tokenizer(tokenizers.models.WordPiece(
        {"[UNK]": 0}, unk_token="[UNK]")).to_str())
    t["normalizer"] = spec
    return Tokenizer.from_str(json.dumps(t)).normalizer


def probe():
    clean = bert(clean_text=True)
    accents = bert(strip_accents=True)
    marks = normalizers.StripAccents()
    nfd, nfkd = normalizers.NFD(), normalizers.NFKD()
    leads = leads_map()
    punct = pre_tokenizers.Punctuation()
    white = pre_tokenizers.WhitespaceSplit()
    digits = pre_tokenizers.Digits()
    word = pre_tokenizers.Whitespace()
    regex = {name: pre_tokenizers.Split(Regex(r), "isolated") for name, r in
             (("LETTER", r"\p{L}"), ("NUMBER", r"\p{N}"), ("SPACE", r"\s"))}
    flags = {}
    for c in POINTS:
        ch = chr(c)
        mid = LEFT + ch + RIGHT
        f = 0
        cleaned = clean.normalize_str(mid)
        if cleaned == "aa":
            f |= BIT["DROP"]
        if accents.normalize_str(mid) == "aa":
            f |= BIT["MN"]
        if marks.normalize_str(mid) == "aa":
            f |= BIT["MARK"]
        if ch != "a" and pieces(punct, mid) == 3:
            f |= BIT["PUNCT"]
        if pieces(white, mid) == 2:
            f |= BIT["WHITE"]
            assert pieces(word, mid) == 2, hex(c)
        elif pieces(word, mid) == 1:
            f |= BIT["WORD"]
        assert not (cleaned == "a a" and not f & BIT["WHITE"] and c != 32)
        assert f & BIT["DROP"] or (cleaned == "a a") == bool(f & BIT["WHITE"])
        if pieces(digits, mid) == 3:
            f |= BIT["NUMERIC"]
        for name, splitter in regex.items():
            if pieces(splitter, "!" + ch + "!" if name != "SPACE" else mid) == 3:
                f |= BIT[name]
        canon, compat = nfd.normalize_str(ch), nfkd.normalize_str(ch)
        # Hangul syllables decompose by arithmetic, in every version alike.
        if canon != ch or compat != ch:
            assert canon == unicodedata.normalize("NFD", ch), hex(c)
            assert compat == unicodedata.normalize("NFKD", ch), hex(c)
            f |= BIT["NORM"]
        if c == 0x345 or nfd.normalize_str("a\u0345" + ch) == "a" + ch + "\u0345":
            assert unicodedata.combining(ch) > 0, hex(c)
            f |= BIT["NORM"]
        if leads.normalize_str("b" + ch) == "X":
            f |= BIT["ATTACH"]
        if c >= 0x80 and leads.normalize_str(ch + "a") == "X":
            f |= BIT["PREPEND"]
        if 0x80 <= c < 0x10000 and leads.normalize_str(ch + "\u0301") == "XX":
            f |= BIT["CONTROL"]
        if c >= 0x80 and leads.normalize_str("\u00a9\u200d" + ch) == "XXX":
            f |= BIT["PICTURE"]
        if c >= 0x80 and leads.normalize_str("\u0915\u094d" + ch + "\u0301") == "XXXX":
            f |= BIT["CONSONANT"]
        if c >= 0x80 and leads.normalize_str("\u0915" + ch + "\u0958\u0301") == "XXXX":
            f |= BIT["LINKER"]
        flags[c] = f
    return flags


def lower():
    n = normalizers.Lowercase()
    out = []
    for c in POINTS:
        s = n.normalize_str(chr(c))
        if s == chr(c):
            continue
        if len(s) != 1:
            assert c == 0x130 and s == "i\u0307", hex(c)
            continue
        out.append((c, ord(s) - c))
    runs = []  # first, last, step, difference
    for c, d in out:
        if runs and runs[-1][3] == d:
            first, last, step, _ = runs[-1]
            gap = c - last
            if gap in (1, 2) and (first == last or step == gap):
                runs[-1] = (first, c, gap, d)
                continue
        runs.append((c, c, 1, d))
    return runs


def table(name, ctype, values):
    print(f"\nconst {ctype} {name}[{len(values)}] = {{")
    line = "\t"
    for v in values:
        item = f"{v},"
        if len(line) + len(item) > 72:
            print(line)
            line = "\t"
        line += item
    print(line + "\n};")


def main():
    flags = probe()
    kinds = sorted(set(flags.values()))
    assert len(kinds) < 256
    number = {k: i for i, k in enumerate(kinds)}
    number_of = [number[flags.get(c, 0)] for c in range(0x110000)]
    blocks, index = {}, []
    for at in range(0, 0x110000, 128):
        b = tuple(number_of[at:at + 128])
        index.append(blocks.setdefault(b, len(blocks)))
    print("/* Made by tools/record-unicode.py from tokenizers "
          f"{tokenizers.__version__}. */\n"
          '#include "text/unicode.h"\n\n/* clang-format off */')
    table("UNICODE_KINDS", "uint32_t", kinds)
    table("UNICODE_BLOCK", "uint16_t", index)
    table("UNICODE_KIND", "uint8_t", [v for b in blocks for v in b])
    runs = lower()
    print(f"\nconst size_t UNICODE_LOWERS = {len(runs)};\n"
          "const struct unicode_lower UNICODE_LOWER[] = {")
    for r in runs:
        print("\t{ %d, %d, %d, %d }," % r)
    print("};")


main()
