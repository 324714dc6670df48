#!/usr/bin/env python3
"""A second reading of vecpipe-stream(5): a reader and a writer in plain Python.

    tools/stream.py read FILE.vp        the records as framed JSON Lines
    tools/stream.py record DIR          DIR/peer.vp and the same as peer.jsonl

It shares no code with lib/vec and was written from the page alone, so that
what the two agree on is what the page says.  check_stream.c reads and writes
the recorded files.
"""
import json
import math
import struct
import sys

MAGIC = b"\x89VPS\r\n\x1a\n"
WORD = 2**64 - 1
K0, K1 = 0x243F6A8885A308D3, 0x13198A2E03707345
K2, K3 = 0xA4093822299F31D1, 0x082EFA98EC4E6C89
FLAGS = ["cut", "bad-utf8", "damaged", "imputed", "trained"]
STATUS = ["ok", "partial", "aborted"]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def mix(x):
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & WORD
    x = (x ^ x >> 27) * 0x94D049BB133111EB & WORD
    return x ^ x >> 31


def mum(a, b):
    return a * b & WORD ^ a * b >> 64


def hash64(data):
    s = mix(K0 + K1 & WORD)
    whole = len(data) // 16 * 16
    for i in range(0, whole + 16, 16):
        u, v = struct.unpack("<QQ", data[i : i + 16].ljust(16, b"\0"))
        s = mum(u ^ s ^ K0, v ^ K1) + s & WORD
    return mix(mum(s ^ K2, len(data) ^ K3) ^ K0)


def pad(data, rest=0):
    return data + b"\0" * ((rest - len(data)) % 64)


def sealed(data):
    return data + struct.pack("<I", crc32c(data))


def canonical(x):
    return json.dumps(x, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# ---- writing ----


def strings(texts):
    raw = [t.encode() for t in texts]
    return struct.pack(f"<{len(raw)}I", *map(len, raw)) + b"".join(raw)


def numbers(kind, values):
    return struct.pack(f"<{len(values)}{kind}", *values)


def record_columns(records):
    labels = [r.get("labels", [r["label"]] if "label" in r else []) for r in records]
    nan = math.nan
    yield "IDS ", strings([r["id"] for r in records])
    if any(labels):
        flat = [l for some in labels for l in some]
        yield "LABL", numbers("I", [len(some) for some in labels]) + strings(flat)
    if any("target" in r for r in records):
        yield "TRGT", numbers("d", [r.get("target", nan) for r in records])
    if any("weight" in r for r in records):
        yield "WGHT", numbers("d", [r.get("weight", 1) for r in records])
    if any("group" in r for r in records):
        yield "GRUP", strings([r.get("group", "") for r in records])
    if any("source" in r for r in records):
        yield "srce", numbers("Q", [int(r.get("source", "0"), 16) for r in records])
    if any("flags" in r for r in records):
        bits = [sum(1 << FLAGS.index(f) for f in r.get("flags", [])) for r in records]
        yield "flag", numbers("I", bits)


def part_columns(part, records):
    name, kind, dim = part["name"], part["kind"], part["dim"]
    values = [r["vec"][name] for r in records]
    errors = [r.get("errors", {}).get(name, "") for r in records]
    if None in values:
        yield "MASK", bytes(v is not None for v in values)
    if any(errors):
        yield "ERRS", strings(errors)
    if kind == "dense":
        yield "VALS", numbers("f", [x for v in values for x in v or [0] * dim])
        return
    inner = {"sparse": "val", "sequence": "rows"}[kind]
    present = [v for v in values if v]
    yield "CNTS", numbers("I", [len(v[inner]) if v else 0 for v in values])
    if kind == "sparse":
        yield "INDX", numbers("I", [i for v in present for i in v["idx"]])
        yield "VALS", numbers("f", [x for v in present for x in v["val"]])
        return
    yield "VALS", numbers("f", [x for v in present for row in v["rows"] for x in row])
    if any("time" in v for v in present):
        none = [None, None]
        times = [v.get("time", [none] * len(v["rows"])) for v in present]
        flat = [math.nan if x is None else x for t in times for pair in t for x in pair]
        yield "TIME", numbers("d", flat)


def payload(parts, records):
    columns = [(tag, 0, data) for tag, data in record_columns(records)]
    for number, part in enumerate(parts, 1):
        columns += [(tag, number, data) for tag, data in part_columns(part, records)]
    out = struct.pack("<II", len(columns), 0)
    for tag, part, data in columns:
        out += tag.encode() + struct.pack("<III", part, len(data), 0)
    for _, _, data in columns:
        out = pad(out) + data
    return pad(out, 60)


def write(header, blocks, rejected=0):
    text = canonical(header).encode()
    head = MAGIC + struct.pack("<HHIIII", 1, 0, 0, 0, len(text), 0)
    out = sealed(head) + sealed(pad(text, 28))
    first = 0
    for seq, records in enumerate(blocks):
        data = payload(header["parts"], records)
        frame = b"BLK1" + struct.pack(
            "<IQQIIQ", len(data), seq, first, len(records), 0, 0
        )
        out += sealed(frame.ljust(60, b"\0")) + sealed(data)
        first += len(records)
    end = b"END1" + struct.pack(
        "<IQQQQ", 0, len(blocks), first, rejected, hash64(out)
    )
    return out + sealed(end.ljust(60, b"\0"))


# ---- reading ----


def check(truth, sentence):
    if not truth:
        sys.exit(f"stream.py: {sentence}")


def opened(data):
    check(len(data) >= 4 and crc32c(data[:-4]) == unpack("<I", data[-4:]), "checksum")
    return data[:-4]


def unpack(form, data):
    found = struct.unpack(form, data)
    return found[0] if len(found) == 1 else found


def take_numbers(kind, data):
    return [x for (x,) in struct.iter_unpack("<" + kind, data)]


def take_strings(data, n):
    lengths, at, out = take_numbers("I", data[: 4 * n]), 4 * n, []
    for length in lengths:
        out.append(data[at : at + length].decode())
        at += length
    check(at == len(data), "strings")
    return out


def columns_of(data):
    count, zero = unpack("<II", data[:8])
    check(zero == 0, "table")
    found, at = {}, 8 + 16 * count
    for k in range(count):
        tag, part, length, zero = unpack("<4sIII", data[8 + 16 * k : 24 + 16 * k])
        start = (at + 63) // 64 * 64
        check(zero == 0 and not any(data[at:start]), "padding")
        at = start + length
        found[part, tag.decode()] = data[start:at]
    check(not any(data[at:]), "padding")
    return found


def split(items, counts):
    at = 0
    for n in counts:
        yield items[at : at + n]
        at += n


def values_of(part, columns, number, n):
    mask = columns.get((number, "MASK"), b"\1" * n)
    values = take_numbers("f", columns[number, "VALS"])
    dim = part["dim"]
    if part["kind"] == "dense":
        for i in range(n):
            yield values[dim * i : dim * (i + 1)] if mask[i] else None
        return
    counts = take_numbers("I", columns[number, "CNTS"])
    if part["kind"] == "sparse":
        pairs = list(zip(take_numbers("I", columns[number, "INDX"]), values))
        for i, some in enumerate(split(pairs, counts)):
            row = {"dim": dim, "idx": [k for k, _ in some], "val": [x for _, x in some]}
            yield row if mask[i] else None
        return
    rows = [values[k : k + dim] for k in range(0, len(values), dim)]
    flat = take_numbers("d", columns.get((number, "TIME"), b""))
    flat = [None if math.isnan(x) else x for x in flat] or [None] * 2 * len(rows)
    times = list(zip(flat[::2], flat[1::2]))
    for i, (some, when) in enumerate(zip(split(rows, counts), split(times, counts))):
        row = {"dim": dim, "rows": some, "time": when}
        yield row if mask[i] else None


def records_of(parts, data, n):
    columns = columns_of(data)
    ids = take_strings(columns[0, "IDS "], n)
    records = [{"id": id, "vec": {}, "errors": {}} for id in ids]
    labels = columns.get((0, "LABL"), bytes(4 * n))
    counts = take_numbers("I", labels[: 4 * n])
    texts = take_strings(labels[4 * n :], sum(counts))
    for r, some in zip(records, split(texts, counts)):
        r["labels"] = some
    if (0, "GRUP") in columns:
        for r, group in zip(records, take_strings(columns[0, "GRUP"], n)):
            r["group"] = group
    for tag, kind, key in (
        ("TRGT", "d", "target"),
        ("WGHT", "d", "weight"),
        ("srce", "Q", "source"),
        ("flag", "I", "flags"),
    ):
        for r, x in zip(records, take_numbers(kind, columns.get((0, tag), b""))):
            r[key] = x
    for number, part in enumerate(parts, 1):
        name = part["name"]
        errors = columns.get((number, "ERRS"), bytes(4 * n))
        for r, value in zip(records, values_of(part, columns, number, n)):
            r["vec"][name] = value
        for r, why in zip(records, take_strings(errors, n)):
            if why:
                r["errors"][name] = why
    return records


def tidy(r):
    """The spelling of JSON Lines: what is not there is not written."""
    if math.isnan(r.get("target", 0)):
        del r["target"]
    if "source" in r:
        r["source"] = f"{r['source']:016x}"
    if "flags" in r:
        names = [f for k, f in enumerate(FLAGS) if r["flags"] >> k & 1]
        r["flags"] = names + [f"bit{k}" for k in range(5, 32) if r["flags"] >> k & 1]
    return r


def read(data):
    """Frames of one stream or more; yields lines."""
    while data:
        check(data[:8] == MAGIC, "not a stream")
        opened(data[:32])
        length = unpack("<I", data[20:24])
        at = 32 + (length + 4 + 31) // 64 * 64 + 32
        opened(data[32:at])
        header = json.loads(data[32 : 32 + length])
        yield '{"vecpipe":1,' + canonical(header)[1:]
        done = seq = 0
        while data[at : at + 4] == b"BLK1":
            frame = opened(data[at : at + 64])
            size, number, first, n, flags, _ = unpack("<IQQIIQ", frame[4:40])
            check(number == seq and first == done and flags == 0, "order")
            body = opened(data[at + 64 : at + 64 + size + 4])
            for r in records_of(header["parts"], body, n):
                yield json.dumps(tidy(r))
            at += 64 + size + 4
            seq, done = seq + 1, done + n
        frame = opened(data[at : at + 64])
        status, number, records, rejected, total = unpack("<IQQQQ", frame[4:40])
        check(frame[:4] == b"END1" and (number, records) == (seq, done), "end")
        check(total == hash64(data[:at]), "hash")
        end = {"end": True, "records": records, "rejected": rejected}
        yield json.dumps({**end, "status": STATUS[status]})
        data = data[at + 64 :]


# ---- the recorded files ----

HEADER = {
    "parts": [
        {
            "name": "text",
            "kind": "dense",
            "dtype": "f32",
            "dim": 3,
            "space": {"encoder": "none", "dim": 3},
            "run": {"note": "\u00e9"},
            "columns": ["x", "y", "z"],
        },
        {"name": "words", "kind": "sparse", "dtype": "f32", "dim": 4294967295},
        {"name": "frames", "kind": "sequence", "dtype": "f32", "dim": 2},
    ],
    "task": {"task": "class"},
}
for each in HEADER["parts"]:
    each.setdefault("space", {})
    each.setdefault("run", {})

RECORDS = [
    {
        "id": "a/\u00fc 1",
        "label": "drama",
        "target": 0.25,
        "weight": 2,
        "group": "g",
        "source": "00000000deadbeef",
        "flags": ["cut", "trained"],
        "vec": {
            "text": [0.5, -1.25, 3],
            "words": {"dim": 4294967295, "idx": [3, 4294967294], "val": [0.5, -2]},
            "frames": {"dim": 2, "rows": [[1, 2], [3, 4]], "time": [[0, 0.5], [0.5, None]]},
        },
    },
    {
        "id": "b",
        "labels": ["x", "\u20ac"],
        "vec": {"text": None, "words": None, "frames": {"dim": 2, "rows": [[0.125, -0.0]]}},
        "errors": {"text": "no \"way\"\n"},
    },
    {
        "id": "c",
        "vec": {
            "text": [0, 0, 1e-45],
            "words": {"dim": 4294967295, "idx": [], "val": []},
            "frames": {"dim": 2, "rows": []},
        },
    },
    {"id": "d", "vec": {"text": [1, 1, 1], "words": None, "frames": None}},
]


def record(folder):
    # Whole numbers, halves and quarters: any printer says them alike.
    lines = ['{"vecpipe":1,' + canonical(HEADER)[1:]]
    lines += [json.dumps(r) for r in RECORDS]
    lines.append('{"end":true,"records":4,"rejected":2,"status":"ok"}')
    with open(f"{folder}/peer.jsonl", "w") as f:
        f.write("\n".join(lines) + "\n")
    with open(f"{folder}/peer.vp", "wb") as f:
        f.write(write(HEADER, [RECORDS], rejected=2))


if len(sys.argv) == 3 and sys.argv[1] == "read":
    with open(sys.argv[2], "rb") as f:
        for line in read(f.read()):
            print(line)
elif len(sys.argv) == 3 and sys.argv[1] == "record":
    record(sys.argv[2])
else:
    sys.exit(__doc__)
