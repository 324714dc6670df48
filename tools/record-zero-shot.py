#!/usr/bin/env python3
"""Write tests/data/encoders/clip and siglip: tiny pairs of towers with random
weights and tokenizers of the example's titles, and what transformers says of
some pictures and labels (zero-shot.jsonl).

    record-zero-shot.py ROOT

Needs torch, transformers, tokenizers, pillow.
"""
import json
import os
import shutil
import sys
import warnings

warnings.filterwarnings("ignore")
import torch  # noqa: E402
import transformers as t  # noqa: E402
from PIL import Image  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

root = sys.argv[1]
titles = [json.loads(line)["title"] for line in open(f"{root}/examples/clipart/items.jsonl")]
PICTURES = ["420.jpg", "restart.jpg", "progressive.jpg", "grey.jpg"]
LABELS = ["cat", "red flower", "arrow", "folder"]
TEMPLATES = ["a photo of a {}.", "{} in clip art"]
VISION = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=32,
              patch_size=8)


def clip_tokenizer(path):
    """Bytes, bytes that end a word, merges, marks: as OpenAI's."""
    tok = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tok.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(__import__("tokenizers").Regex(r"\s+"), " "), normalizers.Lowercase()])
    split = pre_tokenizers.Split(
        __import__("tokenizers").Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed",
        invert=True)
    tok.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(titles, trainers.BpeTrainer(vocab_size=700, min_frequency=3, initial_alphabet=alphabet,
                                                        end_of_word_suffix="</w>", show_progress=False))
    merges = json.loads(tok.to_str())["model"]["merges"]
    vocab = alphabet + [a + "</w>" for a in alphabet] + ["".join(m) for m in merges]
    vocab = list(dict.fromkeys(vocab)) + ["<|startoftext|>", "<|endoftext|>"]
    ids = {w: i for i, w in enumerate(vocab)}
    tok.model = models.BPE(vocab=ids, merges=[tuple(m) for m in merges], end_of_word_suffix="</w>",
                           continuing_subword_prefix="", unk_token="<|endoftext|>")
    tok.add_special_tokens(vocab[-2:])
    tok.post_processor = processors.TemplateProcessing(
        "<|startoftext|> $A <|endoftext|>", special_tokens=[(w, ids[w]) for w in vocab[-2:]])
    tok.decoder = decoders.ByteLevel()
    tok.save(f"{path}/tokenizer.json", pretty=False)
    return tok, len(vocab)


def siglip_tokenizer(path):
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Lowercase()
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    tok.train_from_iterator(titles, trainers.UnigramTrainer(vocab_size=400, special_tokens=["<pad>", "</s>", "<unk>"],
                                                            unk_token="<unk>", show_progress=False))
    tok.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", tok.token_to_id("</s>"))])
    tok.save(f"{path}/tokenizer.json", pretty=False)
    return tok, tok.get_vocab_size()


def write(name, make_tokenizer, make_model, processor, pad):
    out = f"{root}/tests/data/encoders/{name}"
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    tok, vocab = make_tokenizer(out)
    torch.manual_seed(20261126)
    net = make_model(tok, vocab).eval()
    with torch.no_grad():
        for p in net.parameters():
            if p.dim() > 1:
                p.copy_(torch.randn(p.shape) / p[0].numel() ** 0.5)
        net.logit_scale.fill_(2.5)
    net.half().save_pretrained(out)
    net.float()
    processor.save_pretrained(out)

    def texts(prompts):
        rows = [tok.encode(p).ids for p in prompts]
        if pad is not None:
            rows = [r + [pad] * (16 - len(r)) for r in rows]
        vectors = []
        for r in rows:
            with torch.no_grad():
                v = net.get_text_features(input_ids=torch.tensor([r]))
            v = getattr(v, "pooler_output", v)
            vectors.append(torch.nn.functional.normalize(v)[0])
        return vectors

    with torch.no_grad():
        px = processor([Image.open(f"{root}/tests/data/image/{p}").convert("RGB") for p in PICTURES],
                       return_tensors="pt")["pixel_values"]
        v = net.get_image_features(pixel_values=px)
        v = torch.nn.functional.normalize(getattr(v, "pooler_output", v))
    rows = []
    for templates in TEMPLATES[:1], TEMPLATES:
        T = torch.stack([torch.nn.functional.normalize(
            sum(texts([w.replace("{}", label) for w in templates])), dim=0) for label in LABELS])
        F = net.logit_scale.exp() * v @ T.T
        P = torch.sigmoid(F + net.logit_bias) if name == "siglip" else F.softmax(1)
        for picture, p in zip(PICTURES, P.tolist()):
            rows.append({"id": picture, "templates": templates,
                         "probs": {w: float(f"{x:.7g}") for w, x in zip(LABELS, p)}})
    with open(f"{out}/zero-shot.jsonl", "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in rows)
    for file in sorted(os.listdir(out)):
        print(name, file, os.path.getsize(f"{out}/{file}"))


def clip(tok, vocab):
    text = dict(vocab_size=vocab, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=24, bos_token_id=vocab - 2, eos_token_id=vocab - 1, pad_token_id=vocab - 1)
    return t.CLIPModel(t.CLIPConfig(text_config=text, vision_config=VISION, projection_dim=16))


def siglip(tok, vocab):
    text = dict(vocab_size=vocab, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                max_position_embeddings=16, pad_token_id=tok.token_to_id("<pad>"), eos_token_id=tok.token_to_id("</s>"),
                bos_token_id=None, projection_size=16)
    net = t.SiglipModel(t.SiglipConfig(text_config=text, vision_config=VISION))
    with torch.no_grad():
        net.logit_bias.fill_(-3)
    return net


write("clip", clip_tokenizer, clip, t.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=32), None)
write("siglip", siglip_tokenizer, siglip,
      t.SiglipImageProcessorPil(size={"height": 32, "width": 32}), 0)
