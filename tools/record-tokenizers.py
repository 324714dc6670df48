#!/usr/bin/env python3
"""Record small tokenizers and what the reference library makes of texts with
them, for tests/check_tokenizer.c.

    record-tokenizers.py tests/data/tokenizers
    record-tokenizers.py OTHER-FOLDER large     (for bench_tokenizer.py agree)

NAME.json         a tokenizer.json, the objects of its pipeline those that
                  models of that kind are published with, its vocabulary small,
                  trained on the words of tests/bench/bench_tokenizer.py and on
                  this repository's texts; xlmr's charsmap has a part of the
                  rules of nmt_nfkc, large all of them
NAME.jsonl        {"text": ..., "ids": [...]} a line, with special tokens

Needs the packages tokenizers and sentencepiece (for its charsmap).
"""
import glob
import io
import json
import os
import random
import sys
import tempfile
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (AddedToken, Regex, Tokenizer, models, normalizers,
                        pre_tokenizers, processors, trainers)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "bench"))
import bench_tokenizer as bench  # noqa: E402

CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def corpus():
    lines = []
    for path in sorted(glob.glob(os.path.join(ROOT, "man", "*.[157]"))):
        lines += open(path, encoding="utf-8").read().split("\n")
    r = random.Random(7)
    for _ in range(300):
        lines.append(" ".join(r.choice(bench.WORDS) for _ in range(30)))
    return lines


def rules(path):
    """Some of NFKC, as SentencePiece reads it: characters to what they become."""
    points = [*range(0xA0, 0x180), *range(0x2000, 0x2190), *range(0xFB00, 0xFB07),
              *range(0xFE30, 0xFE50), *range(0xFF01, 0xFFEF), *range(0x3300, 0x3310),
              0x958, 0x9DC, 0xFDFA, 0x1F190]
    table = {chr(c): unicodedata.normalize("NFKC", chr(c)) for c in points}
    table |= {a + m: unicodedata.normalize("NFKC", a + m)
              for a in "aeiouAEIOUncq\u00e2" for m in "\u0300\u0301\u0302\u0308\u0327"}
    table |= {a + "\uff9e": unicodedata.normalize("NFKC", a + "\uff9e")
              for a in "\uff76\uff77\uff8a"}
    table |= {chr(c): "" for c in [*range(1, 9), 11, *range(14, 32), 127, 0x8F, 0x9F]}
    table |= {c: " " for c in "\t\n\f\r\u1680\u200b\u200e\u2028\ufeff\ufffd"}
    with open(path, "w") as f:
        for a, b in sorted(table.items()):
            if a != b:
                f.write(" ".join(f"{ord(c):X}" for c in a) + "\t"
                        + " ".join(f"{ord(c):X}" for c in b) + "\n")


def charsmap(lines, large):
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile(suffix=".tsv") as f:
        rules(f.name)
        rule = {"normalization_rule_name": "nmt_nfkc"} if large else {
            "normalization_rule_tsv": f.name}
        train(lines, out, rule)
    m = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    return m.normalizer_spec.precompiled_charsmap


def train(lines, out, rule):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, vocab_size=400,
        character_coverage=.98, hard_vocab_limit=False, minloglevel=2, **rule)


def precompiled(blob):
    import base64
    t = json.loads(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")).to_str())
    t["normalizer"] = {"type": "Precompiled",
                       "precompiled_charsmap": base64.b64encode(blob).decode()}
    return Tokenizer.from_str(json.dumps(t)).normalizer


def added(text, **how):
    return AddedToken(text, **how)


def wordpiece(lines, lowercase, size):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=None)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=names, show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def roberta(lines, size):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    t.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, special_tokens=names, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.add_special_tokens([added("<mask>", lstrip=True, normalized=False)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return t


def clip(lines, size):
    t = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>",
                             continuing_subword_prefix=""))
    t.normalizer = normalizers.Sequence([
        normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    t.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, end_of_word_suffix="</w>", show_progress=False,
        initial_alphabet=alphabet, special_tokens=[c + "</w>" for c in sorted(alphabet)]
        + ["<|startoftext|>", "<|endoftext|>"]))
    o = json.loads(t.to_str())
    start, end = (o["model"]["vocab"][x] for x in ("<|startoftext|>", "<|endoftext|>"))
    o["added_tokens"] = [
        {"id": i, "content": c, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": c == "<|startoftext|>", "special": True}
        for i, c in ((start, "<|startoftext|>"), (end, "<|endoftext|>"))]
    t = Tokenizer.from_str(json.dumps(o))
    t.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", end), ("<|startoftext|>", start), trim_offsets=False,
        add_prefix_space=False)
    return t


def llama3(lines, size):
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CL100K), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.add_special_tokens(["<|begin_of_text|>"])
    t.post_processor = processors.Sequence([
        processors.ByteLevel(), processors.TemplateProcessing(
            single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B",
            special_tokens=[("<|begin_of_text|>", t.token_to_id("<|begin_of_text|>"))])])
    return t


def llama2(lines, size):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([
        normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    names = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    words = [x for line in lines for x in line.split()]
    t.train_from_iterator(words, trainers.BpeTrainer(
        vocab_size=size, special_tokens=names, limit_alphabet=120, show_progress=False))
    o = json.loads(t.to_str())
    o["added_tokens"] = [x | {"normalized": x["content"] != "<unk>"}
                         for x in o["added_tokens"][:3]]
    t = Tokenizer.from_str(json.dumps(o))
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return t


def unigram(lines, size, blob, fallback=False, scheme="always", old=False):
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    if fallback:
        names += [f"<0x{i:02X}>" for i in range(256)]
    t = Tokenizer(models.Unigram())
    if blob:
        t.normalizer = precompiled(blob) if old else normalizers.Sequence([
            precompiled(blob), normalizers.Replace(Regex(" {2,}"), " ")])
    meta = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=not fallback)
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), meta]) if old else meta
    t.train_from_iterator(lines, trainers.UnigramTrainer(
        vocab_size=size, special_tokens=names, unk_token="<unk>", show_progress=False))
    o = json.loads(t.to_str())
    o["model"]["byte_fallback"] = fallback
    o["added_tokens"] = o["added_tokens"][:4]
    t = Tokenizer.from_str(json.dumps(o))
    t.add_special_tokens([added("<mask>", lstrip=True)])
    t.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)])
    return t


def odd(lines, pre, normalizer=None, tokens=()):
    """A little WordPiece vocabulary under other objects."""
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    if normalizer is not None:
        t.normalizer = normalizer
    t.pre_tokenizer = pre
    t.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=340, limit_alphabet=150, special_tokens=["[UNK]"], show_progress=False))
    t.add_tokens(list(tokens))
    return t


def main(out, large=False):
    lines = corpus()
    nfkc = charsmap(lines, large)
    P, N = pre_tokenizers, normalizers
    made = {
        "bert-uncased": wordpiece(lines, True, 1100),
        "bert-cased": wordpiece(lines, False, 900),
        "roberta": roberta(lines, 900),
        "clip": clip(lines, 1000),
        "llama3": llama3(lines, 600),
        "llama2": llama2(lines, 900),
        "xlmr": unigram(lines, 900, nfkc),
        "xlmr-old": unigram(lines, 400, nfkc, old=True),
        "unigram-bytes": unigram(lines, 700, None, fallback=True, scheme="first"),
        "odd-words": odd(lines, P.Sequence([P.Whitespace(), P.Digits(True)]), N.Sequence(
            [N.NFKD(), N.StripAccents(), N.Lowercase(), N.Strip()]),
            [added("New York"), added("cat", single_word=True),
             added("dog", lstrip=True, rstrip=True), added("ÉTÉ", normalized=True)]),
        "odd-split": odd(lines, P.Sequence(
            [P.Split(" ", "merged_with_previous"), P.Split("-", "merged_with_next"),
             P.Punctuation("contiguous"), P.Digits(False),
             P.Split("e", "removed", invert=False)]),
            N.Sequence([N.NFKC(), N.Nmt(), N.Replace("ll", "L")])),
        "odd-first": odd(lines, P.Sequence(
            [P.WhitespaceSplit(), P.Metaspace(prepend_scheme="first")]),
            N.Sequence([N.NFD(), N.Prepend("x")])),
    }
    for number, (name, t) in enumerate(made.items()):
        path = os.path.join(out, name + ".json")
        o = json.loads(t.to_str())
        o["truncation"] = o["padding"] = o["decoder"] = None
        with open(path, "w", encoding="utf-8") as f:
            json.dump(o, f, ensure_ascii=False, separators=(",", ":"))
        t = Tokenizer.from_file(path)
        r = random.Random(number)
        texts = ["", " ", "a", "Hello, World!", "[CLS] cat dog <mask> New York </s>"]
        texts += [bench.text(r)[:200] for _ in range(70)]
        with open(os.path.join(out, name + ".jsonl"), "w", encoding="utf-8") as f:
            for x in texts:
                x = x.encode("utf-8", "replace").decode()
                f.write(json.dumps({"text": x, "ids": t.encode(x).ids},
                                   ensure_ascii=False, separators=(",", ":")) + "\n")


main(sys.argv[1], len(sys.argv) > 2)
