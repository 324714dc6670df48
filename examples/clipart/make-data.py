#!/usr/bin/env python3
"""Make this example's data from Debian's package openclipart-png.

    apt-get install openclipart-png; pip install pillow; ./make-data.py

Takes pictures of eight classes (the first folder) whose title, kept in the
PNG's text chunk, has a word of three letters or more; at most 4 of a series
(equal titles but for digits and punctuation) and 75 of a class, in the order
of the md5 of their path.  Links and pictures over 20 megapixels are left out.
Writes img/CLASS/NAME.png (at most 96 pixels a side, 128 colours), items.jsonl
and labels.tsv.
"""
import hashlib
import json
import os
import re
import unicodedata

from PIL import Image, PngImagePlugin

ROOT = "/usr/share/openclipart/png"
CLASSES = ["animals", "computer", "food", "people", "plants", "recreation",
           "tools", "transportation"]
Image.MAX_IMAGE_PIXELS = None  # sizes are checked below
SIDE, COLOURS, OF_SERIES, OF_CLASS = 96, 128, 4, 75


def pictures(folder):
    for path, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in names:
            file = os.path.join(path, name)
            if name.endswith(".png") and not os.path.islink(file):
                yield os.path.relpath(file, ROOT)


def series(title):
    text = unicodedata.normalize("NFKC", title).casefold()
    return " ".join("".join(c if c.isalpha() else " " for c in text).split())


def thumbnail(picture, title, file):
    picture = picture.convert("RGBA")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    picture = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", title)
    picture.save(file, optimize=True, pnginfo=text)


def main():
    items, seen = [], {}
    for label in CLASSES:
        taken = 0
        for path in sorted(pictures(label),
                           key=lambda p: hashlib.md5(p.encode()).hexdigest()):
            picture = Image.open(os.path.join(ROOT, path))
            if picture.width * picture.height > 20_000_000:
                continue
            title = " ".join(picture.info.get("Title", "").split())
            if not re.search(r"[^\W\d_]{3}", title):
                continue
            group = series(title)
            if seen.get(group, 0) == OF_SERIES or taken == OF_CLASS:
                continue
            seen[group] = seen.get(group, 0) + 1
            taken += 1
            name = label + "/" + os.path.splitext(os.path.basename(path))[0]
            image = "img/" + name + ".png"
            thumbnail(picture, title, image)
            items.append({"id": name, "title": title, "image": image,
                          "label": label, "series": group})
    items.sort(key=lambda item: item["id"].encode())
    with open("items.jsonl", "w", encoding="utf-8") as out:
        for item in items:
            out.write(json.dumps(item, ensure_ascii=False) + "\n")
    with open("labels.tsv", "w", encoding="utf-8") as out:
        for item in items:
            out.write(item["id"] + "\t" + item["label"] + "\n")


main()
