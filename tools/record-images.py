#!/usr/bin/env python3
"""Write the small pictures of tests/data/image and what they decode to.

    tools/record-images.py tests/data/image

The PNG encoder is here, because few programs write every kind; JPEG comes
from Pillow.  The expected pixels are Pillow's reading of the same files:
expected.tsv holds name, width, height, channels and the 64-bit FNV-1a hash
of the samples.  Needs Pillow and numpy; the tests need neither.
"""
import io
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image

OUT = sys.argv[1]
rng = np.random.default_rng(7)
expected = []


def fnv(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def expect(name, a):
    h, w = a.shape[:2]
    c = 1 if a.ndim == 2 else a.shape[2]
    expected.append(f"{name}\t{w}\t{h}\t{c}\t{fnv(a.astype(np.uint8).tobytes()):016x}\n")


def put(name, data):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)


def chunk(tag, data):
    return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))


def filtered(rows, bpp):
    """Rows of bytes with the five filters in turn."""
    out, up = b"", bytes(len(rows[0])) if rows else b""
    for y, row in enumerate(rows):
        kind, line = y % 5, bytearray()
        for x, v in enumerate(row):
            a = row[x - bpp] if x >= bpp else 0
            b, c = up[x], up[x - bpp] if x >= bpp else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((v - (0, a, b, (a + b) // 2, paeth)[kind]) & 255)
        out, up = out + bytes([kind]) + bytes(line), row
    return out


def pack(a, depth):
    """Samples [h, w, c] to rows of bytes."""
    if depth == 16:
        return [r.astype(">u2").tobytes() for r in a]
    if depth == 8:
        return [r.astype(np.uint8).tobytes() for r in a]
    rows = []
    for r in a.reshape(a.shape[0], -1):
        bits = "".join(format(int(v), f"0{depth}b") for v in r)
        bits += "0" * (-len(bits) % 8)
        rows.append(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return rows


def png(a, depth, kind, extra=(), interlaced=False):
    h, w, c = a.shape
    bpp = max(1, c * depth // 8)
    if interlaced:
        raw = b""
        for y0, x0, dy, dx in (
            (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4),
            (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
        ):
            part = a[y0::dy, x0::dx]
            if part.size:
                raw += filtered(pack(part, depth), bpp)
    else:
        raw = filtered(pack(a, depth), bpp)
    z = zlib.compress(raw, 9)
    out = b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlaced))
    for tag, data in extra:
        out += chunk(tag, data)
    for i in range(0, len(z), 300):  # more than one IDAT
        out += chunk(b"IDAT", z[i : i + 300])
    return out + chunk(b"IEND", b"")


def picture(h, w, c, top):
    """Some structure and some noise, 0..top."""
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([(x * (i + 2) + y * (3 - i)) % 17 / 16 for i in range(c)], 2)
    a = 0.7 * a + 0.3 * rng.random((h, w, c))
    return np.rint(a * top).astype(int)


def from_pillow(name, data, mode):
    im = Image.open(io.BytesIO(data))
    if im.mode in ("I;16", "I;16B", "I"):
        return np.asarray(im).astype(int) >> 8
    return np.asarray(im.convert(mode))


def keep_png(name, data, mode):
    put(name, data)
    expect(name, from_pillow(name, data, mode))


GREY, RGB, PALETTE, GREY_A, RGB_A = 0, 2, 3, 4, 6
for depth in (1, 2, 4, 8, 16):
    for lace in (False, True):
        tag = f"{depth}{'i' if lace else ''}"
        a = picture(13, 19, 1, 2**depth - 1)
        keep_png(f"grey{tag}.png", png(a, depth, GREY, interlaced=lace), "L")
        if depth <= 8:
            pal = bytes(rng.integers(0, 256, 3 * 2**depth, dtype=np.uint8))
            keep_png(f"pal{tag}.png", png(a, depth, PALETTE, [(b"PLTE", pal)], lace), "RGB")
        if depth >= 8:
            keep_png(f"rgb{tag}.png", png(picture(13, 19, 3, 2**depth - 1), depth, RGB, (), lace), "RGB")
            keep_png(f"rgba{tag}.png", png(picture(13, 19, 4, 2**depth - 1), depth, RGB_A, (), lace), "RGBA")
a = picture(9, 11, 2, 255)
keep_png("la8.png", png(a, 8, GREY_A), "RGBA")
a = picture(9, 11, 1, 15)
pal = bytes(rng.integers(0, 256, 48, dtype=np.uint8))
keep_png("pal4-trns.png", png(a, 4, PALETTE, [(b"PLTE", pal), (b"tRNS", bytes(range(0, 250, 25)))]), "RGBA")
a = picture(9, 11, 1, 255)
keep_png("grey8-trns.png", png(a, 8, GREY, [(b"tRNS", struct.pack(">H", a[2, 3, 0]))]), "RGBA")
a = picture(9, 11, 3, 255)
keep_png("rgb8-trns.png", png(a, 8, RGB, [(b"tRNS", struct.pack(">HHH", *map(int, a[2, 3])))]), "RGBA")
keep_png("one.png", png(picture(1, 1, 3, 255), 8, RGB), "RGB")
keep_png("wide.png", png(picture(1, 16384, 1, 1), 1, GREY), "L")

# Text of every kind, and a picture whose size alone is wrong.
a = picture(2, 3, 3, 255)
text = [
    (b"tEXt", b"Title\0A caf\xe9"),
    (b"zTXt", b"Description\0\0" + zlib.compress(b"squeezed \xfcber alles")),
    (b"iTXt", b"Author\0\0\0en\0Author\0" + "Пётр \"P\" \\".encode()),
    (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress("日本 🎈".encode())),
    (b"tEXt", b"Title\0second\tone"),
]
put("text.png", png(a, 8, RGB, text))
huge = struct.pack(">IIBBBBB", 100000, 100000, 1, 0, 0, 0, 0)
put("huge.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", huge)
    + chunk(b"IDAT", zlib.compress(bytes(12501 * 20), 9)) + chunk(b"IEND", b""))


def jpeg(name, a, mode, **how):
    out = io.BytesIO()
    im = Image.fromarray(a.astype(np.uint8) if a.shape[2] > 1 else a[:, :, 0].astype(np.uint8), mode)
    im.save(out, "JPEG", **how)
    keep_jpeg(name, out.getvalue(), mode)


def keep_jpeg(name, data, mode):
    put(name, data)
    im = Image.open(io.BytesIO(data))
    o = im.getexif().get(274, 1)
    if o > 1:
        turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[o]
        im = im.transpose(Image.Transpose(turn))
    expect(name, np.asarray(im.convert("L" if mode == "L" else "RGB")))


jpeg("grey.jpg", picture(21, 30, 1, 255), "L", quality=80)
jpeg("444.jpg", picture(21, 30, 3, 255), "RGB", quality=80, subsampling=0)
jpeg("422.jpg", picture(21, 31, 3, 255), "RGB", quality=80, subsampling=1)
jpeg("420.jpg", picture(21, 31, 3, 255), "RGB", quality=80, subsampling=2)
jpeg("progressive.jpg", picture(21, 30, 3, 255), "RGB", quality=80, progressive=True)
jpeg("restart.jpg", picture(33, 40, 3, 255), "RGB", quality=80, restart_marker_blocks=2)
jpeg("one.jpg", picture(1, 1, 3, 255), "RGB")
jpeg("cmyk.jpg", picture(21, 30, 4, 255), "CMYK", quality=80)
with open(os.path.join(OUT, "cmyk.jpg"), "rb") as f:
    data = f.read()
at = data.index(b"Adobe") + 11  # the transform: 0 CMYK, 2 YCCK
keep_jpeg("ycck.jpg", data[:at] + b"\2" + data[at + 1 :], "CMYK")
for o in range(1, 9):
    x = Image.Exif()
    x[274] = o
    if o == 6:
        x[0x010E], x[0x010F], x[0x0110] = "Sea", "Acme", "One\"2"
        x[0x0131], x[0x013B], x[0x8298] = "vi", "Ann", "CC0"
        x.get_ifd(0x8769)[0x9003] = "2021:02:03 04:05:06"
        x.get_ifd(0x8825).update({1: "S", 2: (33.0, 52.0, 30.0), 3: "E", 4: (151.0, 12.0, 0.0)})
    jpeg(f"exif{o}.jpg", picture(10, 14, 3, 255), "RGB", exif=x, comment=b"hello" if o == 6 else b"")


def pnm(name, kind, a, top):
    h, w, c = a.shape
    head = f"P{kind}\n# made for a test\n{w} {h}\n" + ("" if kind in (1, 4) else f"{top}\n")
    if kind == 7:
        types = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}
        head = f"P7\nWIDTH {w}\nHEIGHT {h}\nDEPTH {c}\nMAXVAL {top}\nTUPLTYPE {types[c]}\nENDHDR\n"
    if kind <= 3:
        body = "\n".join(" ".join(str(v) for v in r.ravel()) for r in a).encode() + b"\n"
    elif kind == 4:
        body = b"".join(pack(a, 1))
    else:
        body = b"".join(pack(a, 16 if top > 255 else 8))
    put(name, head.encode() + body)
    if kind in (1, 4):
        v = 255 - 255 * a
    elif top == 65535:
        v = a >> 8
    else:
        v = (a * 255 + top // 2) // top
    if c == 2:
        v = v[:, :, [0, 0, 0, 1]]
    expect(name, v)
    if top in (1, 255) and kind < 7:  # a second opinion
        im = Image.open(os.path.join(OUT, name))
        assert (np.asarray(im.convert("L" if c == 1 else "RGB")).reshape(v.shape) == v).all(), name


for kind in (1, 2, 3, 4, 5, 6):
    c = 3 if kind in (3, 6) else 1
    for top in (1,) if kind in (1, 4) else (255, 65535, 100):
        pnm(f"p{kind}-{top}.pnm", kind, picture(5, 11, c, top), top)
for c in (1, 2, 3, 4):
    pnm(f"p7-{c}.pam", 7, picture(5, 7, c, 255), 255)
with open(os.path.join(OUT, "expected.tsv"), "w") as f:
    f.writelines(sorted(expected))
