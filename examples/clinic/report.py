#!/usr/bin/env python3
"""What the experiment found, beside how its data were made.

    report.py FOLDER "MODALITY ..." "METHOD ..." WHY

Reads the predictions and hidden.jsonl, which says what made each record, and
prints tables and, at the end, what the reader should have seen: yes or NO.
"""
import itertools
import json
import math
import sys

TOP = sys.argv[1] + "/"
SINGLE, METHODS, WHY = sys.argv[2].split(), sys.argv[3].split(), sys.argv[4]
PAIRS = {"pneumonia": "scar", "scar": "pneumonia", "laryngitis": "cold", "cold": "laryngitis"}
# A reader who knows the rules errs once in 20 about what is clearly there.
ERR = .05


def lines(name):
    with open(TOP + name, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def is_there(r, part):
    return r["lacks"] != part


HIDDEN = {r["id"]: r for r in lines("hidden.jsonl")}
LABELS = sorted(PAIRS)


# ---- What a reader of the rules would say ----

def states():
    """Everything that can be: diagnosis, side once ill, hoarse; equally likely."""
    for label, old, hoarse in itertools.product(LABELS, ("left", "right"), (False, True)):
        if (label, hoarse) in (("laryngitis", False), ("cold", True)):
            continue
        chance = 1 / 16 if PAIRS[label] in ("pneumonia", "scar") else 1 / 8
        side = old if label == "scar" else {"left": "right", "right": "left"}[old]
        yield label, old, side if label in ("pneumonia", "scar") else None, hoarse, chance


STATES = list(states())


def reader(r, parts):
    """Probabilities of the diagnoses when only these parts are read."""
    p = dict.fromkeys(LABELS, 0)
    for label, old, side, hoarse, chance in STATES:
        if "note" in parts and is_there(r, "note"):
            chance *= 1 - ERR if old == r["old"] else ERR
            chance *= .8 if hoarse == r["reported"] else .2
        if "picture" in parts and is_there(r, "picture") and not r["blurred"]:
            chance *= 1 - ERR if side == r["side"] else ERR / 2
        if "voice" in parts and is_there(r, "voice") and not r["bad_voice"]:
            chance *= 1 - ERR if hoarse == r["hoarse"] else ERR
        p[label] += chance
    total = sum(p.values())
    return {label: p[label] / total for label in LABELS}


def log_odds(p):
    return math.log(p / (1 - p))


def reader_shares(r, label):
    """Exact Shapley values of the reader's log-odds of that label."""
    n, shares = len(SINGLE), {}
    for part in SINGLE:
        others = [q for q in SINGLE if q != part]
        total = 0
        for k in range(n):
            for some in itertools.combinations(others, k):
                weight = math.factorial(k) * math.factorial(n - 1 - k) / math.factorial(n)
                total += weight * (log_odds(reader(r, some + (part,))[label]) -
                                   log_odds(reader(r, some)[label]))
        shares[part] = total
    return shares


# ---- Figures ----

def mean(some):
    some = list(some)
    return sum(some) / len(some) if some else float("nan")


def accuracy(p, where=lambda r: True):
    return mean(q["label"] == HIDDEN[q["id"]]["label"] for q in p if where(HIDDEN[q["id"]]))


def between(p, where):
    """How often the true one of a pair of diagnoses gets more than the other."""
    return mean(q["probs"][HIDDEN[q["id"]]["label"]] >
                q["probs"][PAIRS[HIDDEN[q["id"]]["label"]]] for q in p if where(HIDDEN[q["id"]]))


def shadow(r):
    return r["side"] and is_there(r, "note") and is_there(r, "picture") and not r["blurred"]


def throat(bad):
    return lambda r: (not r["side"] and is_there(r, "voice") and is_there(r, "note") and
                      r["bad_voice"] == bad)


def shares(p, part, where):
    return mean(abs(q["why"].get(part) or 0) for q in p if where(HIDDEN[q["id"]]))


def correlation(a, b):
    ma, mb = mean(a), mean(b)
    return (sum((x - ma) * (y - mb) for x, y in zip(a, b)) /
            math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)))


def main():
    said = {name: lines(name + ".predicted") for name in SINGLE + METHODS}
    ids = [q["id"] for q in said[METHODS[0]]]
    said["reader"] = []
    for name in ids:
        p = reader(HIDDEN[name], SINGLE)
        said["reader"].append({"id": name, "label": max(p, key=p.get), "probs": p})
    of_pair, good, bad = {}, {}, {}

    print(f"{len(ids)} test records of patients that training never saw\n\n"
          "                        pneumonia    laryngitis or cold?   against concat:\n"
          "              accuracy   or scar?   good rec.    bad rec.  difference       p")
    for name in SINGLE + METHODS + ["reader"]:
        p = said[name]
        of_pair[name], good[name], bad[name] = (
            between(p, f) for f in (shadow, throat(False), throat(True)))
        row = (f"{name:12s} {accuracy(p):9.3f} {of_pair[name]:10.3f} {good[name]:11.3f} "
               f"{bad[name]:11.3f}")
        if name in METHODS[1:]:
            d = lines(name + ".vs-concat")[0]["difference"]
            row += f" {d['accuracy']:+11.3f} {d['p']['accuracy']:7.4f}"
        print(row)
    print("\npneumonia or scar: of those with a shadow, a sharp picture and a note, the share\n"
          "for which the true one is thought likelier than the other; half is chance.\n"
          "reader: one who knows how the data were made.\n")

    print(open(TOP + "ablation.txt", encoding="utf-8").read())

    why = {name: lines(name + ".why") for name in dict.fromkeys(("concat", "gated", WHY))}
    ours, rules = [], []
    print(f"Shares in the log-odds of the diagnosis, {WHY}, where it is right and nothing\n"
          "is missing; in brackets those of the reader\n\n" + " " * 12 +
          "".join(f"{part:>16s}" for part in SINGLE))
    for label in LABELS:
        some = [q for q in why[WHY] if q["label"] == label == HIDDEN[q["id"]]["label"] and
                not HIDDEN[q["id"]]["lacks"]]
        row = f"{label:12s}"
        for part in SINGLE:
            a = mean(q["why"][part] for q in some)
            b = mean(reader_shares(HIDDEN[q["id"]], label)[part] for q in some)
            ours.append(a)
            rules.append(b)
            row += f"{a:8.2f} ({b:5.2f})"
        print(row)
    agree = correlation(ours, rules)
    print(f"\ncorrelation {agree:.3f}\n")

    print("Size of the share of the voice, laryngitis and cold\n\n"
          "              good recording    bad   bad/good")
    ratio = {}
    for name in why:
        a, b = (shares(why[name], "voice", throat(f)) for f in (False, True))
        ratio[name] = b / a
        print(f"{name:12s} {a:15.2f} {b:6.2f} {b / a:10.2f}")
    off = max(abs(q["why"]["base"] + sum(q["why"][part] or 0 for part in SINGLE
                                         if part in q["why"]) - log_odds(q["p"]))
              for q in why[WHY] if .001 < q["p"] < .999)
    cover = lines("cover.txt")[0]
    n = cover["records"]
    print(f"\nSets of diagnoses for 90 %: hold the true one in {cover['coverage']:.3f}, "
          f"{cover['set_size']:.2f} in the mean\n")

    fused = [name for name in METHODS if name not in ("concat", "late")]
    checks = [
        ("no modality alone tells pneumonia from scar",
         max(of_pair[name] for name in SINGLE) < .65),
        ("nor does the sum of what they say", of_pair["concat"] < .7),
        ("their interaction does", max(of_pair[name] for name in fused) > .85),
        ("which is no chance", min(lines(name + ".vs-concat")[0]["difference"]["p"]["accuracy"]
                                   for name in fused) < .01),
        ("the gate turns from a voice that is noise", ratio["gated"] < .9 * ratio["concat"]),
        ("the shares agree with how the data were made", agree > .8),
        ("base and shares sum to the log-odds", off < 1e-3),
        ("sets hold what they promise", cover["coverage"] > .9 - 3 * math.sqrt(.09 / n)),
    ]
    for what, true in checks:
        print(f"{'yes' if true else 'NO ':4s}{what}")


main()
