#!/usr/bin/env python3
"""Synthetic data: no patient, picture or voice here is real.

    make-data.py FOLDER [RECORDS]

Makes records of four diagnoses, each with a written note, a drawn picture of
two lungs and measures of a voice, by rules that are known:

    pneumonia    a shadow on the lung that was never ill
    scar         a shadow on the lung that was ill years ago
    laryngitis   no shadow, a hoarse voice
    cold         no shadow, a clear voice

The note tells which lung was ill years ago, of everyone; the picture shows on
which side a shadow is.  So neither of them alone can tell pneumonia from scar,
nor can any sum of what each says: it is their agreement that does.  The voice
of those with a shadow is hoarse or clear by chance.  The note also says what
the patient thinks of his voice, which is right four times in five.

What is known differs from record to record.  Two of five recordings are bad:
their measures of the voice are chance, and spread wider, and only the level of
noise in the same recording tells.  One of five pictures moved: it is blurred,
and a shadow is hard to see.  No field says so.  One record in four lacks one of
the three modalities.  Patients come several times; a patient's chest, pitch
and history stay.

FOLDER gets items.jsonl (id, patient, note, picture), voice.csv, labels.tsv,
pictures/, and hidden.jsonl: what made each record, which no model may see.
Python's own library is all it needs; the same seed gives the same records.
"""
import json
import math
import os
import random
import struct
import sys
import zlib

RECORDS, SEED = 2000, 1
SIDE = 64
MISSING, BAD_VOICE, BLURRED, PATIENT_KNOWS = .25, .40, .20, .80
CLASSES = ["pneumonia", "scar", "laryngitis", "cold"]

HISTORY = [
    "Pneumonia of the {side} lung {when}.",
    "{when} the {side} lung was ill.",
    "{when} treated for pneumonia of the {side} lung.",
    "History: pneumonia, {side} lung, {when}.",
    "The {side} lung was inflamed {when}.",
    "Was in hospital {when} with an infiltrate of the {side} lung.",
    "Known infection of the {side} lung {when}.",
    "Remembers a pneumonia {when}, {side} lung.",
    "An old film shows an infiltrate of the {side} lung.",
]
WHEN = ["years ago", "as a child", "when a student", "at work abroad",
        "before the first visit here", "in the army"]
COMPLAINT = [
    "Coughs for days.", "Cough at night.", "Tired since a week.", "Dry cough.",
    "Short of breath on stairs.", "Sleeps badly and coughs.", "No pain.",
    "Headache and a running nose.", "Comes because of a cough.",
    "Sputum in the morning.", "Appetite poor.", "",
]
HOARSE = [
    "Says the voice is hoarse.", "Hoarse, he says.", "Feels hoarse.",
    "Thinks she is hoarse.", "Hoarse since days, as told on the phone.",
]
CLEAR = [
    "Says the voice is clear.", "Clear voice, he says.", "Feels that speech is clear.",
    "Thinks her voice is clear.", "Voice clear, as told on the phone.",
]
END = ["Smoker.", "Never smoked.", "Works outside.", "Lives alone.", "Back in a week.", "", ""]


def pick(r, some):
    return some[int(r.random() * len(some))]


def write_note(r, old, reported):
    said = [pick(r, HISTORY), pick(r, COMPLAINT), pick(r, HOARSE if reported else CLEAR)]
    said.sort(key=lambda _: r.random())
    said.append(pick(r, END))
    out = []
    for sentence in said:
        if sentence:
            sentence = sentence.format(side=old, when=pick(r, WHEN))
            out.append(sentence[0].upper() + sentence[1:])
    return " ".join(out)


def bell(at, wide):
    return [math.exp(-((i + .5) / SIDE - at) ** 2 / (2 * wide * wide)) for i in range(SIDE)]


def add(picture, x, y, much):
    """Add much * x y' to the picture."""
    for row, b in enumerate(y):
        b *= much
        if abs(b) > .2:
            at = row * SIDE
            for i, a in enumerate(x):
                picture[at + i] += a * b


def draw_chest(r):
    """A patient's lungs, dark, beside the heart; ribs across."""
    chest = [150.0 + r.gauss(0, 6)] * (SIDE * SIDE)
    centre, down = .5 + r.gauss(0, .012), .48 + r.gauss(0, .015)
    apart, wide, high = .21 + r.gauss(0, .01), .105 + r.gauss(0, .008), .25 + r.gauss(0, .015)
    for side in -1, 1:
        add(chest, bell(centre + side * apart, wide), bell(down, high), -95 + r.gauss(0, 6))
    add(chest, bell(centre + .06, .08), bell(down + .14, .10), 45 + r.gauss(0, 8))
    add(chest, bell(centre, .03), [1.0] * SIDE, 30)
    rib, phase, slope = 7 + r.random() * 3, r.random() * 6, r.gauss(0, .6)
    for y in range(SIDE):
        for x in range(SIDE):
            bow = abs(x / SIDE - centre) * 2
            wave = math.sin(6.2832 * rib * (y / SIDE + .25 * bow * bow) + phase + slope * bow)
            chest[y * SIDE + x] += 7 * wave
    return chest, centre, down, apart


def blur(picture, reach):
    """The mean of 2 reach + 1 pixels, along rows and then along columns."""
    for _ in range(2):
        out = []
        for at in range(0, SIDE * SIDE, SIDE):
            row = picture[at:at + SIDE]
            row = row[:1] * (reach + 1) + row + row[-1:] * reach
            total = sum(row[:2 * reach])
            for i in range(SIDE):
                total += row[i + 2 * reach]
                out.append(total / (2 * reach + 1))
                total -= row[i]
        picture = [out[x * SIDE + y] for y in range(SIDE) for x in range(SIDE)]
    return picture


# Grain, of which every picture takes a run; and levels cut to 0..255 (below 0
# an index counts from the end).
NOISE = random.Random(SEED)
GRAIN = [NOISE.gauss(0, 1) for _ in range(1 << 16)]
LEVEL = list(range(256)) + [255] * 744 + [0] * 1000


def draw(r, chest, side, blurred):
    """The picture as rows of bytes.  A patient's left is at the right."""
    picture, centre, down, apart = chest
    picture = picture[:]
    if side:
        x = centre + (apart if side == "left" else -apart) + r.gauss(0, .025)
        y = down + .04 + r.gauss(0, .08)
        size, much = .055 + .045 * r.random(), 45 + 45 * r.random()
        add(picture, bell(x, size), bell(y, size * (.8 + .6 * r.random())), much)
    light, contrast, grain = r.gauss(0, 8), 1 + r.gauss(0, .06), 5 + 3 * r.random()
    if blurred:
        # It moved, and the exposure was wrong: little contrast, much grain,
        # and clouds that look like shadows on either side.
        for cloud in range(3):
            add(picture, bell(r.random(), .07 + .06 * r.random()), bell(r.random(), .12), r.gauss(0, 45))
        picture = blur(picture, 6)
        contrast *= .6
        grain = 2
    light += 128 - 128 * contrast
    at = int(r.random() * (len(GRAIN) - len(picture)))
    return bytes(LEVEL[int(light + contrast * v + grain * g)]
                 for v, g in zip(picture, GRAIN[at:at + len(picture)]))


def write_png(path, pixels):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    rows = b"".join(b"\0" + pixels[at:at + SIDE] for at in range(0, len(pixels), SIDE))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" +
                chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


VOICE = ["jitter", "shimmer", "harmonics", "breathiness", "pitch", "noise", "clipped"]


def measure(r, pitch, hoarse, bad):
    """Percent, percent, dB, 0..1, Hz, dB, percent."""
    level = r.gauss(0, 2.5) if bad else (1 if hoarse else -1)
    spread = 1 if bad else .6
    return [round(max(0, v), 3) for v in (
        2 + .5 * (level + r.gauss(0, spread)),
        6 + 1.4 * (level + r.gauss(0, spread)),
        20 - 3 * (level + r.gauss(0, spread)),
        .5 + .08 * (level + r.gauss(0, spread)),
        pitch + r.gauss(0, 6),
        (24 if bad else 8) + r.gauss(0, 2.5),
        abs(r.gauss(0, 3 if bad else .4)))]


def records(count):
    made, patient = 0, 0
    while made < count:
        r = random.Random(f"{SEED} {patient}")
        patient += 1
        name = f"p{patient:04d}"
        chest, pitch = draw_chest(r), pick(r, [120, 205]) + r.gauss(0, 18)
        old = pick(r, ["left", "right"])
        for visit in range(1 + int(r.random() * 5)):
            label = pick(r, CLASSES)
            side = None
            if label in ("pneumonia", "scar"):
                side = old if label == "scar" else {"left": "right", "right": "left"}[old]
            hoarse = label == "laryngitis" or label != "cold" and r.random() < .5
            reported = hoarse if r.random() < PATIENT_KNOWS else not hoarse
            bad, blurred = r.random() < BAD_VOICE, r.random() < BLURRED
            lacks = pick(r, ["note", "picture", "voice"]) if r.random() < MISSING else None
            yield {"id": f"{name}-{visit + 1}", "patient": name, "label": label, "old": old,
                   "side": side, "hoarse": hoarse, "reported": reported, "bad_voice": bad,
                   "blurred": blurred, "lacks": lacks}, {
                   "note": write_note(r, old, reported),
                   "picture": draw(r, chest, side, blurred),
                   "voice": measure(r, pitch, hoarse, bad)}
            made += 1
            if made == count:
                return


def main():
    top, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else RECORDS
    os.makedirs(os.path.join(top, "pictures"), exist_ok=True)

    def new(name):
        return open(os.path.join(top, name), "w", encoding="utf-8")

    with new("items.jsonl") as items, new("voice.csv") as voice, \
            new("labels.tsv") as labels, new("hidden.jsonl") as hidden:
        voice.write("id,group," + ",".join(VOICE) + "\n")
        for known, shown in records(count):
            name, lacks = known["id"], known["lacks"]
            item = {"id": name, "patient": known["patient"], "note": None, "picture": None}
            if lacks != "note":
                item["note"] = shown["note"]
            if lacks != "picture":
                item["picture"] = f"pictures/{name}.png"
                write_png(os.path.join(top, item["picture"]), shown["picture"])
            if lacks != "voice":
                voice.write(f"{name},{known['patient']}," + ",".join(map(str, shown["voice"])) + "\n")
            items.write(json.dumps(item) + "\n")
            labels.write(f"{name}\t{known['label']}\n")
            hidden.write(json.dumps(known) + "\n")


main()
