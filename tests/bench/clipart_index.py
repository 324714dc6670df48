#!/usr/bin/env python3
"""The index of the clip-art benchmark, as JSON Lines.

    clipart_index.py [FOLDER] > clipart.jsonl

FOLDER is the picture folder of Debian's openclipart-png.  Titles come in
series, so a random split rewards remembering; this index defines a split that
does not.  Left out: links, the class 'unsorted', pictures above 20 megapixels (of
2^20 pixels, fractions dropped: one picture has 20.7, and belongs to the set).
A record's group is its title (the PNG text chunk of that name) in NFKC,
case-folded, with everything but letters replaced by spaces and squeezed; the
file's stem, likewise, where nothing is left.  Of a group at most 8 records
stay, the first in byte order of path, and then the classes (first folder)
that still have 40.  The fold is int(md5(group), 16) % 5.

Each line: id, file, title, label, group, fold.
"""
import collections
import hashlib
import json
import os
import struct
import sys
import unicodedata
import zlib

FOLDER = "/usr/share/openclipart/png"
MAX_PIXELS = 21 * 2**20 - 1
PER_GROUP, PER_CLASS, FOLDS = 8, 40, 5


def inflate(data):
    try:
        return zlib.decompressobj().decompress(data, 1 << 20)
    except zlib.error:
        return b""


def chunk_text(kind, data):
    """(keyword, text) of a tEXt, zTXt or iTXt chunk."""
    key, _, rest = data.partition(b"\0")
    if kind == b"tEXt":
        text = rest.decode("latin-1")
    elif kind == b"zTXt":
        text = inflate(rest[1:]).decode("latin-1")
    else:
        packed, rest = rest[:1] == b"\1", rest[2:]
        _, _, rest = rest.partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        text = (inflate(rest) if packed else rest).decode("utf-8", "replace")
    return key.decode("latin-1"), text


def look(path):
    """(width, height, first title) of a PNG, or None."""
    title = ""
    with open(path, "rb") as f:
        if f.read(8) != b"\x89PNG\r\n\x1a\n":
            return None
        width = height = 0
        while len(head := f.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IHDR":
                width, height = struct.unpack(">II", f.read(length)[:8])
                f.seek(4, 1)
            elif kind in (b"tEXt", b"zTXt", b"iTXt"):
                key, text = chunk_text(kind, f.read(length))
                if key == "Title" and not title:
                    title = text
                f.seek(4, 1)
            elif kind == b"IEND":
                break
            else:
                f.seek(length + 4, 1)
    return width, height, title


def letters(s):
    s = unicodedata.normalize("NFKC", s).casefold()
    return " ".join("".join(c if c.isalpha() else " " for c in s).split())


def pictures(top):
    """Records in byte order of path, before any of them is left out."""
    paths = []
    for folder, _, names in os.walk(top):
        paths += [os.path.join(folder, n) for n in names if n.endswith(".png")]
    for path in sorted(paths, key=os.fsencode):
        name = os.path.relpath(path, top)
        label = name.split(os.sep)[0]
        if os.path.islink(path) or label == "unsorted" or os.sep not in name:
            continue
        seen = look(path)
        if seen is None or seen[0] * seen[1] > MAX_PIXELS:
            continue
        title = seen[2].strip()
        stem = os.path.splitext(os.path.basename(path))[0]
        yield {"id": name, "file": path, "title": title, "label": label,
               "group": letters(title) or letters(stem)}


def index(top):
    of_group, kept = collections.Counter(), []
    for r in pictures(top):
        of_group[r["group"]] += 1
        if of_group[r["group"]] <= PER_GROUP:
            kept.append(r)
    of_class = collections.Counter(r["label"] for r in kept)
    for r in kept:
        if of_class[r["label"]] >= PER_CLASS:
            digest = hashlib.md5(r["group"].encode()).hexdigest()
            yield {**r, "fold": int(digest, 16) % FOLDS}


def main():
    records = list(index(sys.argv[1] if len(sys.argv) > 1 else FOLDER))
    for r in records:
        print(json.dumps(r, ensure_ascii=False))
    print(f"{len(records)} pictures, {len({r['label'] for r in records})} "
          f"classes, {len({r['group'] for r in records})} groups",
          file=sys.stderr)


if __name__ == "__main__":
    main()
