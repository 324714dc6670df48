#!/usr/bin/env python3
"""Write tests/data/encoders/sentence: a tiny sentence encoder as
sentence-transformers publishes them, with random weights and a WordPiece
vocabulary of the example's titles, and what the reference makes of some texts,
without a prompt (texts.jsonl) and with one (query.jsonl).

    record-sentence.py ROOT

Needs torch, transformers, tokenizers, sentence-transformers.
"""
import json
import os
import shutil
import sys
import warnings

warnings.filterwarnings("ignore")
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402
from tokenizers import BertWordPieceTokenizer  # noqa: E402
from transformers import BertConfig, BertModel, BertTokenizerFast  # noqa: E402

root = sys.argv[1]
out = f"{root}/tests/data/encoders/sentence"
titles = [json.loads(line)["title"] for line in open(f"{root}/examples/clipart/items.jsonl")]

shutil.rmtree(out, ignore_errors=True)
os.makedirs(f"{out}/1_Pooling")
train = BertWordPieceTokenizer(lowercase=True)
train.train_from_iterator(titles, vocab_size=400, min_frequency=2, show_progress=False)
train.save(f"{out}/tokenizer.json", pretty=False)
BertTokenizerFast(tokenizer_file=f"{out}/tokenizer.json", do_lower_case=True, model_max_length=48).save_pretrained(out)

torch.manual_seed(20261126)
net = BertModel(BertConfig(vocab_size=train.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
                           num_attention_heads=2, intermediate_size=64, max_position_embeddings=64,
                           initializer_range=0.2))
net.half().save_pretrained(out)

config = {"__version__": {"sentence_transformers": "5.0.0"}, "default_prompt_name": None,
          "prompts": {"query": "find: ", "document": ""}}
files = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}],
    "sentence_bert_config.json": {"max_seq_length": 48, "do_lower_case": False},
    "config_sentence_transformers.json": config,
    "1_Pooling/config.json": {"word_embedding_dimension": 32, "pooling_mode_cls_token": False,
                              "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
                              "pooling_mode_mean_sqrt_len_tokens": False},
}
for name, content in files.items():
    with open(f"{out}/{name}", "w") as f:
        json.dump(content, f, indent=1)
        f.write("\n")

st = SentenceTransformer(out, device="cpu", model_kwargs={"dtype": torch.float32})
texts = titles[::40] + ["a", "An Apple, bitten!", "schöne Grüße aus Köln", "Кот и собака", "猫と犬 in winter",
                        "😀 smile", "unknownwordthatisverylongindeed" * 5, " ".join(titles[:40])]
for name, prompt in ("texts", "document"), ("query", "query"):
    with open(f"{out}/{name}.jsonl", "w", encoding="utf-8") as f:
        for i, (text, v) in enumerate(zip(texts, st.encode(texts, prompt_name=prompt))):
            row = {"id": str(i), "text": text}
            if len(st.tokenizer(config["prompts"][prompt] + text)["input_ids"]) > 48:
                row["flags"] = ["cut"]
            row |= {"vec": {"text": [float(f"{x:.8g}") for x in v]}}
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
for name in os.listdir(out):
    print(name, os.path.getsize(f"{out}/{name}"))
