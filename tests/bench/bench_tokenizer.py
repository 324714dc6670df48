#!/usr/bin/env python3
"""Compare the tokenizer with the reference library, and its speed.

    bench_tokenizer.py agree PROGRAM FILE [COUNT [SEED]]
    bench_tokenizer.py speed PROGRAM FILE TEXT

FILE is a tokenizer.json (or vocab.txt, whose tokenizer.json lies beside it).
agree makes COUNT texts of many scripts, odd spaces, marks, emoji, private and
unassigned characters, controls, ill-formed bytes (which both sides read as
U+FFFD) and special tokens, and prints how many have equal ids.  speed reads
lines of TEXT.  Needs the Python package tokenizers.
"""
import json
import os
import random
import struct
import subprocess
import sys
import time
import unicodedata

from tokenizers import Tokenizer

WORDS = """the of and to in a is that for it as was with be by on not he his but
at are this have from or had an they which one you were her all she there would
their we him been has when who will more no if out so said what up its about
into than them can only other new some could time these two may then do first
any my now such like our over man me even most made after also did many before
must through back years where much your way well down should because each just
those people Mr how too little state good very make world still own see men
work long get here between both life being under never day same another know
while last might us great old year off come since against go came right used
take three tokenization unbelievable antidisestablishmentarianism don't it's
we're I've I'll he'd they'll can't John's O'Neill 3.14 1,000,000 2026-11-26
U.S.A. e.g. foo_bar http://example.com/a?b=c#d user@example.org C++ #hash
Straße café naïve Zürich Łódź São Ærø Ñandú œuvre ﬁne ﬀ Ⅻ ½ ² ① Å Å
Привет мир съешь ещё этих мягких французских булок Київ Ελλάδα Ξεσκεπάζω
שלום עולם שָׁלוֹם مرحبا بالعالم مُحَمَّد سلام نمस्ते नमस्ते दुनिया क्षत्रिय বাংলা ভাষা தமிழ் తెలుగు
ಕನ್ನಡ മലയാളം සිංහල ไทย ภาษาไทย ลาว မြန်မာ ខ្មែរ བོད་སྐད 你好世界 東京都 日本語 ひらがな
カタカナ ﾊﾝｶｸ ガギグ が 한국어 안녕하세요 ㄱㄴㄷ 각 𠀀𠀁 㐀 豈 丽 ქართული Հայերեն አማርኛ
ᏣᎳᎩ ᠮᠣᠩᠭᠣᠯ 𐌰𐌱𐌲 𝒜𝓑𝒞 𝔘𝔫𝔦 😀 👨‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️ ☺ ™ © ®‍ ✓ → ∑ ∫ € £ ¥ ₿ … – — ‘ ’ “ ” « » ¿ ¡ ・ 、 。 ！
İstanbul ıI ǅ ǆ ẞ ΰ ﬃ Ǆ ŉ ẛ ſ K Ω ﷺ ㌀ ㍿ ０１２ ａｂｃ ¨ ´ ¯ ＿ ゛ ¼ ª º µ ͺ ΄ ϓ ḉ ṩ q̣̇ ệ""".split()
SPACES = [" ", " ", " ", " ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\u00a0",
          "\u2003", "\u3000", "\u2028", "\u0085", "\u200b", "\u1680", "\u205f",
          "\ufeff", "\u00ad", "\v", "\f", "\x1c", "", "\u2581", " \n ", "\n\n"]
SPECIAL = ["[CLS]", "[SEP]", "[UNK]", "[MASK]", "[PAD]", "[mask]", "<s>", "</s>",
           "<unk>", "<pad>", "<mask>", "<|endoftext|>", "<|startoftext|>",
           "[", "]", "[CLS", "<", "##a", "##", "▁", "<0x41>", "'S", "'ſ", "'LL"]
MARKS = [c for c in range(0x110000) if unicodedata.category(chr(c))[0] == "M"]
RANGES = [(0, 0x80), (0x80, 0x250), (0x250, 0x700), (0x700, 0x1100), (0x1100, 0x2000),
          (0x2000, 0x2C00), (0x2C00, 0x3400), (0x3400, 0xA000), (0xA000, 0xD800),
          (0xE000, 0x10000), (0x10000, 0x12000), (0x12000, 0x20000), (0x1F000, 0x1FB00),
          (0x20000, 0x31000), (0xE0000, 0xE0200), (0xF0000, 0x110000)]


def character(r):
    low, high = r.choice(RANGES)
    return chr(r.randrange(low, high))


def text(r):
    kind = r.randrange(14)
    if kind == 0:
        return "".join(character(r) for _ in range(r.randrange(60)))
    if kind == 1:
        low, high = r.choice(RANGES)
        return "".join(chr(r.randrange(low, high)) for _ in range(r.randrange(80)))
    if kind == 2:
        return "".join(r.choice("aeiouAEnqgcよかはᄀก") + "".join(
            chr(r.choice(MARKS)) for _ in range(r.randrange(4)))
            for _ in range(r.randrange(25)))
    if kind == 3:
        return r.choice(WORDS)[:1] * r.choice([1, 2, 99, 100, 101, 150, 1000])
    if kind == 4:
        return "".join(r.choice("abcdefghij") for _ in range(r.randrange(130)))
    if kind == 5:
        return "".join(r.choice(SPACES) for _ in range(r.randrange(8)))
    if kind == 6:
        return "".join(chr(r.randrange(0x20, 0x7f)) for _ in range(r.randrange(90)))
    if kind == 7:
        return "".join(r.choice([r.choice(SPECIAL), r.choice(WORDS), r.choice(SPACES)])
                       for _ in range(r.randrange(14)))
    if kind == 8:  # Hangul, whole and in parts
        return "".join(chr(r.choice([r.randrange(0xAC00, 0xD7A4), r.randrange(0x1100, 0x1200),
                                     0x1100, 0x1161, 0x11A8, 0x20])) for _ in range(r.randrange(30)))
    if kind == 9:  # short graphemes
        return "".join(chr(r.choice([r.randrange(0x20, 0x250), r.randrange(0x300, 0x370),
                                     r.randrange(0x900, 0x980), 0x94D, 0x200D, 0x600, 0x70F,
                                     0xA9, 0xAE, 0x1100, 0x1161, 13, 10, 0xFF76, 0xFF9E,
                                     r.randrange(0x1F1E6, 0x1F200)]))
                       for _ in range(r.randrange(40)))
    words = []
    for _ in range(r.randrange(1, 60)):
        w = r.choice(WORDS)
        if r.random() < .1:
            w = w.upper()
        if r.random() < .05:
            w += chr(r.choice(MARKS))
        if r.random() < .03:
            w += character(r)
        if r.random() < .1:
            w += r.choice(".,;:!?\"')]}")
        words += [w, r.choice(SPACES)]
    return "".join(words)


def every_character():
    """All code points, in texts of one block each and alone between letters."""
    for at in range(0, 0x110000, 64):
        block = [chr(c) for c in range(at, at + 64) if not 0xD800 <= c < 0xE000]
        if block:
            yield "".join(block)
            yield " ".join("a" + c + "b " + c for c in block)


def spoil(r, b):
    """Some bytes changed, so that the text is ill-formed."""
    b = bytearray(b)
    for _ in range(r.randrange(1, 6)):
        if b:
            b[r.randrange(len(b))] = r.randrange(256)
    return bytes(b)


def make(count, seed):
    r = random.Random(seed)
    out = [t.encode() for t in ["", *every_character()]]
    while len(out) < count:
        b = text(r).encode("utf-8", "surrogatepass")
        out.append(spoil(r, b) if r.random() < .1 else b)
    return out


def pack(texts):
    return b"".join(struct.pack("<I", len(t)) + t for t in texts)


def unpack(data):
    out, at = [], 0
    while at < len(data):
        n, = struct.unpack_from("<I", data, at)
        out.append(struct.unpack_from(f"<{n}I", data, at + 4))
        at += 4 + 4 * n
    return out


def reference(path):
    if not path.endswith(".json"):
        path = os.path.join(os.path.dirname(path), "tokenizer.json")
    t = json.load(open(path))
    t["truncation"] = t["padding"] = None
    return Tokenizer.from_str(json.dumps(t))


def files(path):
    if path.endswith(".json"):
        return [path]
    config = os.path.join(os.path.dirname(path), "tokenizer_config.json")
    return [path, config] if os.path.exists(config) else [path]


def agree(program, path, count=20000, seed=1):
    texts = make(count, seed)
    want = reference(path).encode_batch([t.decode("utf-8", "replace") for t in texts])
    got = unpack(subprocess.run([program, "ids", *files(path)], input=pack(texts),
                                check=True, stdout=subprocess.PIPE).stdout)
    assert len(got) == len(texts)
    differ = [i for i, (a, b) in enumerate(zip(got, want)) if list(a) != b.ids]
    for i in differ[:int(os.environ.get("SHOW", "3"))]:
        print(f"differs: {texts[i]!r}\n  ours {list(got[i])}\n  want {want[i].ids}\n"
              f"  {want[i].tokens}", file=sys.stderr)
    print(f"{path}: {len(texts) - len(differ)} of {len(texts)} texts with equal ids")
    return not differ


def speed(program, path, name):
    lines = [x for x in open(name, encoding="utf-8").read().split("\n") if x]
    packed = pack([x.encode() for x in lines])
    ours, theirs = [], []
    ref = reference(path)
    for _ in range(3):
        out = subprocess.run([program, "time", *files(path)], input=packed, check=True,
                             stdout=subprocess.PIPE).stdout.split()
        ours.append(int(out[1]) / float(out[0]) / 1e6)
        from_ = time.process_time()
        ids = sum(len(ref.encode(x, add_special_tokens=False).ids) for x in lines)
        theirs.append(int(out[1]) / (time.process_time() - from_) / 1e6)
        assert ids == int(out[2])
    a, b = sorted(ours)[1], sorted(theirs)[1]
    build = subprocess.run([program, "build", *files(path)], check=True,
                           stdout=subprocess.PIPE).stdout.split()
    print(f"{path}: {a:.1f} MB/s, reference {b:.2f} MB/s, {a / b:.0f} x; built in "
          f"{float(build[0]):.2f} ms, mapped in {float(build[1]):.3f} ms, "
          f"{int(build[2]) / 1e6:.2f} MB")


if __name__ == "__main__":
    if sys.argv[1] == "agree":
        sys.exit(not agree(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])))
    speed(*sys.argv[2:])
