#!/usr/bin/env python3
"""Make the small text encoders of tests/data/encoders and what they answer.

usage: record-text-encoders.py DIRECTORY

Random weights, large enough that attention and activations matter, stored as
f32, f16 or bf16; the answers are those of transformers with the weights as
stored, in f32, each text by itself.  For each model:

    config.json, model.safetensors, ...   as save_pretrained writes them, but
                                          for the type of numbers
    expected.safetensors                  ids [T], end [n]: the token ids of n
                                          texts, end to end
                                          hidden [R, D], hidden_end [n]: the
                                          last block's rows (SigLIP: without
                                          those of the padding)
                                          layer1 [R, D]: the first block's
                                          pooled [n, P]

Needs torch, transformers and safetensors.
"""
import json
import os
import shutil
import sys

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

D, HEADS, MLP, LAYERS, VOCAB = 24, 3, 40, 2, 90
LENGTHS = [1, 2, 3, 7, 16, 17, 12, 33]


def texts(generator, lengths, low=5, high=VOCAB):
    return [
        torch.randint(low, high, (n,), generator=generator) for n in lengths
    ]


def randomise(model, dtype, generator):
    with torch.no_grad():
        for name, p in model.named_parameters():
            x = torch.randn(p.shape, generator=generator)
            if p.dim() == 0 or name.startswith("logit"):
                x = x * 0.1 + 1
            elif p.dim() == 1 and name.endswith("weight"):
                x = 1 + 0.2 * x
            elif p.dim() == 1:
                x = 0.1 * x
            elif "embedding" in name:
                x = 0.5 * x
            elif "relative_attention_bias" in name:
                x = 1.5 * x
            else:
                x = x * (1.2 / p.shape[-1] ** 0.5)
            p.copy_(x.to(dtype).float())
    return model.eval()


def save(where, model, dtype, rename=None, keep=None):
    shutil.rmtree(where, ignore_errors=True)
    model.save_pretrained(where)
    for extra in ("generation_config.json",):
        if os.path.exists(f"{where}/{extra}"):
            os.remove(f"{where}/{extra}")
    arrays = load_file(f"{where}/model.safetensors")
    arrays = {
        (rename(k) if rename else k): v.to(dtype).contiguous()
        for k, v in arrays.items()
        if keep is None or keep(k)
    }
    save_file(arrays, f"{where}/model.safetensors", {"format": "pt"})


def edit(where, **fields):
    with open(f"{where}/config.json") as f:
        config = json.load(f)
    config.update(fields)
    write(f"{where}/config.json", config)


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def modules(where, pooling, normalize):
    kinds = ["Transformer", "Pooling"] + (["Normalize"] if normalize else [])
    write(
        f"{where}/modules.json",
        [
            {
                "idx": i,
                "name": str(i),
                "path": "" if i == 0 else f"{i}_{k}",
                "type": f"sentence_transformers.models.{k}",
            }
            for i, k in enumerate(kinds)
        ],
    )
    write(
        f"{where}/1_Pooling/config.json",
        {"word_embedding_dimension": D, **pooling},
    )


def expect(where, ids, hidden, layer1, pooled):
    def ends(rows):
        return torch.tensor([len(r) for r in rows]).cumsum(0).int()

    save_file(
        {
            "ids": torch.cat(ids).int(),
            "end": ends(ids),
            "hidden": torch.cat(hidden).contiguous(),
            "hidden_end": ends(hidden),
            "layer1": torch.cat(layer1).contiguous(),
            "pooled": torch.stack(pooled).contiguous(),
        },
        f"{where}/expected.safetensors",
    )


def unit(x):
    return x / x.norm().clamp(min=1e-12)


POOL = {
    "mean": lambda h: h.mean(0),
    "cls": lambda h: h[0],
    "max": lambda h: h.max(0).values,
    "last": lambda h: h[-1],
}


def run(model, ids):
    with torch.no_grad():
        out = model(input_ids=ids[None], output_hidden_states=True)
    return out.hidden_states[-1][0], out.hidden_states[1][0]


def bert_like(where, cls, config, dtype, pool, normalize=False, inner=None,
              lengths=LENGTHS, seed=1, rename=None, more=()):
    g = torch.Generator().manual_seed(seed)
    model = randomise(cls(config), dtype, g)
    save(where, model, dtype, rename)
    ids = texts(g, lengths) + [torch.tensor(m) for m in more]
    rows = [run(inner(model) if inner else model, i) for i in ids]
    pooled = [POOL[pool](h) for h, _ in rows]
    if normalize:
        pooled = [unit(p) for p in pooled]
    expect(where, ids, [h for h, _ in rows], [l for _, l in rows], pooled)


COMMON = {
    "hidden_size": D,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "intermediate_size": MLP,
    "vocab_size": VOCAB,
    "attn_implementation": "eager",
}


def old_names(key):
    return key.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta")


def bert(to):
    for name, dtype in (("f32", torch.float32), ("f16", torch.float16),
                        ("bf16", torch.bfloat16)):
        where = f"{to}/text-bert-{name}"
        bert_like(
            where, lambda c: tf.BertModel(c, add_pooling_layer=False),
            tf.BertConfig(max_position_embeddings=40, **COMMON), dtype, "cls",
            normalize=True)
        modules(where, {"pooling_mode_cls_token": True,
                        "pooling_mode_mean_tokens": False}, True)
    # A whole model with its prefix, and the names of old checkpoints.
    bert_like(
        f"{to}/text-bert-old", tf.BertForMaskedLM,
        tf.BertConfig(max_position_embeddings=40, hidden_act="gelu_new",
                      **COMMON), torch.float16, "mean",
        inner=lambda m: m.bert, rename=old_names, seed=2)


def roberta(to):
    # A padding token within a text has no position of its own.
    bert_like(
        f"{to}/text-roberta", tf.RobertaForMaskedLM,
        tf.RobertaConfig(max_position_embeddings=42, type_vocab_size=1,
                         layer_norm_eps=1e-5, **COMMON), torch.float16,
        "mean", inner=lambda m: m.roberta, seed=3, more=[[0, 7, 1, 8, 1, 2]])
    where = f"{to}/text-xlm-roberta"
    bert_like(
        where, lambda c: tf.XLMRobertaModel(c, add_pooling_layer=False),
        tf.XLMRobertaConfig(max_position_embeddings=42, type_vocab_size=1,
                            hidden_act="relu", **COMMON), torch.float16,
        "last", seed=4)
    modules(where, {"pooling_mode": "lasttoken"}, False)


def distilbert(to):
    where = f"{to}/text-distilbert"
    bert_like(
        where, tf.DistilBertModel,
        tf.DistilBertConfig(vocab_size=VOCAB, max_position_embeddings=40,
                            dim=D, n_heads=HEADS, n_layers=LAYERS,
                            hidden_dim=MLP, attn_implementation="eager"),
        torch.float16, "max", seed=6)
    modules(where, {"pooling_mode_max_tokens": True}, False)


def mpnet(to):
    # Long enough for every bucket of distances.
    where = f"{to}/text-mpnet"
    bert_like(
        where, lambda c: tf.MPNetModel(c, add_pooling_layer=False),
        tf.MPNetConfig(max_position_embeddings=190, **COMMON), torch.float16,
        "mean", normalize=True, lengths=[1, 5, 40, 180], seed=7)
    modules(where, {"pooling_mode_mean_tokens": True}, True)


TOWER = {
    "hidden_size": D,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "intermediate_size": MLP,
}


def clip(to):
    end = VOCAB - 1
    for name, eos, act in (("text-clip", 2, "quick_gelu"),
                           ("text-clip-eos", end - 1, "gelu")):
        where, g = f"{to}/{name}", torch.Generator().manual_seed(8)
        text = tf.CLIPTextConfig(
            vocab_size=VOCAB, max_position_embeddings=20, projection_dim=20,
            hidden_act=act, bos_token_id=3, eos_token_id=eos, pad_token_id=1,
            attn_implementation="eager", **TOWER)
        mark = end if eos == 2 else eos
        if eos == 2:  # the whole model's configuration
            config = tf.CLIPConfig(
                text_config=text.to_dict(), projection_dim=20,
                vision_config=tf.CLIPVisionConfig(
                    image_size=8, patch_size=4, projection_dim=20,
                    **TOWER).to_dict(), attn_implementation="eager")
            model = randomise(tf.CLIPModel(config), torch.float16, g)
        else:
            model = randomise(
                tf.CLIPTextModelWithProjection(text), torch.float16, g)
        save(where, model, torch.float16, keep=lambda k: "vision" not in k
             and "visual" not in k)
        ids = [torch.cat([torch.tensor([3]), t, torch.tensor([mark])])
               for t in texts(g, [1, 4, 9, 15], high=VOCAB - 2)]
        # What stands behind the end token does not count.
        ids += [torch.cat([ids[1], torch.tensor([6, 7, 1, 1])])]
        hidden, layer1, pooled = [], [], []
        for i in ids:
            n = i.tolist().index(mark) + 1
            with torch.no_grad():
                tower = model.text_model
                out = tower(input_ids=i[None], output_hidden_states=True)
                if eos == 2:
                    p = model.get_text_features(input_ids=i[None])
                    p = getattr(p, "pooler_output", p)
                else:
                    p = model(input_ids=i[None]).text_embeds
            hidden.append(out.last_hidden_state[0, :n])
            layer1.append(out.hidden_states[1][0, :n])
            pooled.append(p[0])
        expect(where, ids, hidden, layer1, pooled)


def siglip(to):
    where, g = f"{to}/text-siglip", torch.Generator().manual_seed(9)
    most = 16
    text = tf.SiglipTextConfig(
        vocab_size=VOCAB, max_position_embeddings=most, projection_size=D,
        pad_token_id=1, bos_token_id=3, eos_token_id=2, **TOWER)
    config = tf.SiglipConfig(
        text_config=text.to_dict(),
        vision_config=tf.SiglipVisionConfig(
            image_size=8, patch_size=4, **TOWER).to_dict(),
        attn_implementation="eager")
    model = randomise(tf.SiglipModel(config), torch.float16, g)
    save(where, model, torch.float16, keep=lambda k: "vision" not in k)
    ids = texts(g, [1, 2, 5, 11, 16])
    hidden, layer1, pooled = [], [], []
    for i in ids:
        full = torch.cat([i, torch.full((most - len(i),), 1)])
        with torch.no_grad():
            out = model.text_model(
                input_ids=full[None], output_hidden_states=True)
        hidden.append(out.last_hidden_state[0, :len(i)])
        layer1.append(out.hidden_states[1][0, :len(i)])
        pooled.append(out.pooler_output[0])
    expect(where, ids, hidden, layer1, pooled)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    for make in (bert, roberta, distilbert, mpnet, clip, siglip):
        make(sys.argv[1])


if __name__ == "__main__":
    main()
