#!/usr/bin/env python3
"""Pretrained encoders beside onnxruntime and PyTorch, taking turns.

    encoders.py BUILD WORK MODELS [WORD ...]

With words, only rows whose name holds one of them.  A row is measured in
rounds, in each of which every party runs once; ratios are medians over the
rounds of (a peer's time / ours), so what else the machine does hits all alike.
Seconds are of processor time with one thread, all parties on the same core,
and of the clock with all cores.  "peak" is what fused multiply-adds on
registers reach beside the row, "share" what part of it our multiply-adds are.  ROUNDS=0.5
in the environment halves the rounds, TEXTS=200 the texts of the natural rows.
"""
import ast
import os
import statistics
import subprocess
import sys
import sysconfig
import time
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
build, work, models = sys.argv[1:4]
words = sys.argv[4:]
here = os.path.dirname(os.path.abspath(__file__))
minilm = f"{models}/minilm"
efficientnet = f"{models}/efficientnet-lite0"
cores = sorted(os.sched_getaffinity(0))

# Commands are started by a small process, begun before there is anything large:
# what a process held before exec counts as its own resident size.
launcher = subprocess.Popen([sys.executable, "-S", "-c", """
import ast, os, sys, time
for line in sys.stdin:
    args = ast.literal_eval(line)
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(args[0], args)
    _, status, u = os.wait4(pid, 0)
    print(os.waitstatus_to_exitcode(status), time.perf_counter() - start, u.ru_utime + u.ru_stime, u.ru_maxrss,
          flush=True)
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def have(name):
    try:
        __import__(name)
        return True
    except ImportError:
        return False


peers = have("onnxruntime")
torch_too = have("torch") and have("transformers")


def wanted(name):
    return not words or any(w in name for w in words)


def pin(threads):
    for pid in 0, launcher.pid:
        os.sched_setaffinity(pid, cores[-1:] if threads == 1 else cores)


def clock(threads):
    return time.process_time() if threads == 1 else time.perf_counter()


class Ours:
    """bench_encoder, waiting for orders."""

    def __init__(self, kind, model, precision, threads):
        self.p = subprocess.Popen([f"{build}/tests/bench/bench_encoder", kind, model, precision, str(threads)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, what):
        self.p.stdin.write(what + "\n")
        line = self.p.stdout.readline()
        if not line or float(line) < 0:
            raise RuntimeError(f"bench_encoder: '{what}' failed")
        return float(line)

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def command(args, threads):
    """A whole process: its seconds and its largest resident size in MB."""
    launcher.stdin.write(repr(args) + "\n")
    launcher.stdin.flush()
    status, wall, busy, kb = map(float, launcher.stdout.readline().split())
    if status not in (0, 3):
        raise RuntimeError(f"{args[0]} ended with {status:.0f}")
    return busy if threads == 1 else wall, kb / 1024


def session(path, threads):
    import onnxruntime as ort
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    o.intra_op_num_threads = threads
    o.inter_op_num_threads = 1
    o.log_severity_level = 3
    return ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def timed(run, threads):
    def one():
        t = clock(threads)
        run()
        return clock(threads) - t
    return one


def turn(run, records):
    """Seconds of a run.  One of a single record is over before the caches and
    the second processor are warm again: there the median of those behind it."""
    if records > 1:
        return run()
    run()
    return statistics.median(run() for _ in range(5))


def row(name, parties, records, rounds, flops=0.0, peak=None, unit="records/s"):
    """parties: name -> seconds of one run; "ours" among them."""
    rounds = max(1, round(rounds * float(os.environ.get("ROUNDS", "1"))))
    for run in parties.values():  # warm
        run()
    times = {who: [] for who in parties}
    for _ in range(rounds):
        for who, run in parties.items():
            time.sleep(0.05)  # threads of the one before may still spin
            times[who].append(turn(run, records))
    mine = times["ours"]
    middle = statistics.median(mine)
    text = f"{name:42s} {records / middle:9.1f} {unit}"
    if flops and peak:
        top = peak()
        text += f"  share {100 * records * flops / middle / 1e9 / top:3.0f} % of {top:.0f} GFLOP/s"
    for who in parties:
        if who != "ours":
            ratio = statistics.median(t / m for t, m in zip(times[who], mine))
            text += f"  {ratio:.2f}x {who} ({records / statistics.median(times[who]):.1f})"
    print(text, flush=True)


# ---- sentences ----

def text_peers(threads, precision, batch, tokens):
    """Parties for texts of equal length."""
    import numpy as np
    out = {}
    rng = np.random.default_rng(1)
    ids = rng.integers(1000, 30000, (batch, tokens), dtype=np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    tail = "-int8" if precision == "int8" else ""
    for name in "minilm", "minilm-fused":
        path = f"{work}/{name}{tail}.onnx"
        if os.path.exists(path):
            s = session(path, threads)
            out["ort" + name[6:] + tail] = timed(lambda s=s: s.run(None, feed), threads)
    if torch_too and precision == "f32":
        import torch
        net = torch_model()
        torch.set_num_threads(threads)
        t = {k: torch.from_numpy(v) for k, v in feed.items()}

        def run():
            with torch.inference_mode():
                h = net(**t).last_hidden_state.mean(1)
                torch.nn.functional.normalize(h)
        out["torch"] = timed(run, threads)
    return out


_torch = []


def torch_model():
    if not _torch:
        from transformers import AutoModel
        _torch.append(AutoModel.from_pretrained(minilm).eval())
    return _torch[0]


def sentences(threads, precision):
    name = f"MiniLM {precision}, {threads} thread{'s' * (threads > 1)}"
    rows = [(1, 16, 41), (32, 16, 15), (32, 64, 9), (32, 128, 7)]
    rows = [r for r in rows if wanted(f"{name}, {r[0]} x {r[1]} tokens")]
    if not rows:
        return
    pin(threads)
    ours = Ours("text", minilm, precision, threads)
    for batch, tokens, rounds in rows:
        parties = {"ours": lambda: ours.ask(f"texts {batch} {tokens}")}
        if peers:
            parties.update(text_peers(threads, precision, batch, tokens))
        row(f"{name}, {batch} x {tokens} tokens", parties, batch, rounds,
            2 * ours.ask(f"macs {tokens}") / threads if precision != "int8" else 0,
            lambda: ours.ask("peak"))
    print(f"{name}: memory {ours.ask('memory'):.0f} MB resident at most", flush=True)
    ours.close()


def paragraphs(n):
    """English of mixed length: paragraphs of 5 to 259 words from the
    docstrings of the standard library."""
    seen = {}
    root = sysconfig.get_paths()["stdlib"]
    for folder, dirs, files in os.walk(root):
        dirs[:] = sorted(d for d in dirs if d not in ("site-packages", "dist-packages", "test", "tests"))
        for f in sorted(files):
            if not f.endswith(".py"):
                continue
            try:
                tree = ast.parse(open(os.path.join(folder, f), encoding="utf-8").read())
            except (SyntaxError, UnicodeDecodeError, ValueError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    for p in (ast.get_docstring(node) or "").split("\n\n"):
                        p = " ".join(p.split())
                        if 5 <= len(p.split()) <= 259:
                            seen[p] = 1
    all_of = list(seen)
    step = len(all_of) / n
    return [all_of[int(i * step)] for i in range(min(n, len(all_of)))]


def natural(threads, precision, count, rounds):
    name = f"MiniLM {precision}, {threads} thread{'s' * (threads > 1)}, natural text"
    if not wanted(name):
        return
    pin(threads)
    texts = paragraphs(count)
    path = f"{work}/natural-{count}.txt"
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(t + "\n" for t in texts)
    args = [f"{build}/embed-text", "-q", "-j", str(threads), "-m", minilm, "--precision", precision,
            "--lines", "--id-from", "line", "-o", f"{work}/natural.vp", path]
    size = []

    def mine():
        t, mb = command(args, threads)
        size.append(mb)
        return t
    parties = {"ours": mine}
    if peers and have("tokenizers"):
        import numpy as np
        from tokenizers import Tokenizer
        tok = Tokenizer.from_file(f"{minilm}/tokenizer.json")
        tok.no_padding()
        tok.enable_truncation(256)
        tail = "-int8" if precision == "int8" else ""

        def batches(s):
            enc = [e.ids for e in tok.encode_batch(texts)]
            order = sorted(range(len(enc)), key=lambda i: len(enc[i]))
            for k in range(0, len(order), 32):
                some = [enc[i] for i in order[k:k + 32]]
                wide = max(map(len, some))
                ids = np.zeros((len(some), wide), np.int64)
                mask = np.zeros_like(ids)
                for i, e in enumerate(some):
                    ids[i, :len(e)] = e
                    mask[i, :len(e)] = 1
                s.run(None, {"input_ids": ids, "attention_mask": mask})
        for which in "minilm", "minilm-fused":
            path = f"{work}/{which}{tail}.onnx"
            if os.path.exists(path):
                s = session(path, threads)
                parties["ort" + which[6:] + tail] = timed(lambda s=s: batches(s), threads)
    if torch_too and precision == "f32" and have("sentence_transformers"):
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(threads)
        st = SentenceTransformer(minilm, device="cpu")
        parties["sentence-transformers"] = timed(
            lambda: st.encode(texts, batch_size=32, show_progress_bar=False), threads)
    row(name, parties, len(texts), rounds, unit="texts/s")
    print(f"{name}: memory {max(size):.0f} MB resident at most", flush=True)


def cold():
    if not wanted("cold start"):
        return
    pin(2)
    packed = f"{work}/minilm.packed"
    base = [f"{build}/embed-text", "-q", "-m", minilm, "--lines", "--id-from", "line"]
    feed = f"{work}/one.txt"
    with open(feed, "w") as f:
        f.write("The quick brown fox jumps over the lazy dog near the river bank.\n")
    for precision in "f32", "int8":
        for what, more in ("folder", []), ("--packed", ["--packed", f"{packed}-{precision}"]):
            args = base + ["--precision", precision] + more + [feed]
            command(args, 2)
            times = [command(args, 2) for _ in range(30)]
            ms = sorted(1000 * t for t, _ in times)
            busy = statistics.median(1000 * command(args, 1)[0] for _ in range(10))
            print(f"cold start, {precision}, {what:9s} {statistics.median(ms):7.1f} ms (fastest {ms[0]:.1f}, "
                  f"processor {busy:.1f}), {max(mb for _, mb in times):.0f} MB", flush=True)
    if peers and have("tokenizers"):
        code = ("import numpy as np, onnxruntime as ort\nfrom tokenizers import Tokenizer\n"
                f"t = Tokenizer.from_file('{minilm}/tokenizer.json')\ns = ort.InferenceSession('{work}/minilm.onnx')\n"
                "i = np.array([t.encode('The quick brown fox jumps over the lazy dog.').ids], np.int64)\n"
                "s.run(None, {'input_ids': i, 'attention_mask': np.ones_like(i)})\n")
        ms = [1000 * command([sys.executable, "-c", code], 2)[0] for _ in range(3)]
        print(f"cold start, onnxruntime {statistics.median(ms):7.1f} ms", flush=True)


# ---- pictures ----

def pictures(label, model, onnx, threads, batches, precision="f32"):
    name = f"{label} {precision}, {threads} thread{'s' * (threads > 1)}"
    batches = [b for b in batches if wanted(f"{name}, batch {b[0]}")]
    if not batches or not os.path.isdir(model):
        return
    pin(threads)
    ours = Ours("picture", model, precision, threads)
    for batch, rounds in batches:
        parties = {"ours": lambda: ours.ask(f"pictures {batch}")}
        if peers:
            import numpy as np
            px = np.random.default_rng(1).standard_normal((batch, 3, 224, 224)).astype(np.float32)
            for tail in "", "-fused":
                path = f"{work}/{onnx}{tail}.onnx"
                if os.path.exists(path):
                    s = session(path, threads)
                    parties["ort" + tail] = timed(lambda s=s: s.run(None, {"px": px}), threads)
        row(f"{name}, batch {batch}", parties, batch, rounds,
            2 * ours.ask("macs 0") / threads if precision != "int8" else 0, lambda: ours.ask("peak"),
            unit="pictures/s")
    ours.close()


def files(threads, rounds):
    name = f"EfficientNet-Lite0 f32, {threads} thread{'s' * (threads > 1)}, files to vectors"
    if not wanted(name) or not os.path.isdir(efficientnet):
        return
    pin(threads)
    folder = f"{here}/../../examples/clipart/img"
    paths = sorted(os.path.join(d, f) for d, _, fs in os.walk(folder) for f in fs)[::2]
    listed = f"{work}/pictures.list"
    with open(listed, "w") as f:
        f.writelines(p + "\n" for p in paths)
    args = [f"{build}/extract-img", "-q", "-j", str(threads), "-m", efficientnet, "--files-from", listed,
            "-o", f"{work}/pictures.vp"]
    parties = {"ours": lambda: command(args, threads)[0]}
    if peers and have("PIL"):
        import numpy as np
        from PIL import Image
        s = session(f"{work}/efficientnet.onnx", threads)

        def theirs():
            for k in range(0, len(paths), 16):
                px = []
                for p in paths[k:k + 16]:
                    im = Image.open(p).convert("RGBA")
                    over = Image.new("RGBA", im.size, (255, 255, 255, 255))
                    im = Image.alpha_composite(over, im).convert("RGB").resize((224, 224), Image.BICUBIC)
                    px.append((np.asarray(im, np.float32).transpose(2, 0, 1) - 127) / 128)
                s.run(None, {"px": np.stack(px)})
        parties["Pillow + ort"] = timed(theirs, threads)
    row(name, parties, len(paths), rounds, unit="pictures/s")


def export():
    """The peers' models, once."""
    if not (peers and torch_too):
        return
    pin(2)
    for name, args in ("minilm", [minilm]), ("efficientnet", [efficientnet]), ("vit", []), ("dinov2", []):
        last = {"minilm": "minilm-fused-int8", "vit": "vit-fused", "dinov2": "dinov2-fused"}.get(name, name)
        if os.path.exists(f"{work}/{last}.onnx") or (args and not os.path.isdir(args[0])):
            continue
        print(f"# exporting {name}", flush=True)
        subprocess.run([sys.executable, f"{here}/export_onnx.py", name, *args, work],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    export()
    if os.path.isdir(minilm):
        for threads in sorted({1, len(cores)}):
            for precision in "f32", "int8":
                sentences(threads, precision)
        for threads in sorted({1, len(cores)}):
            for precision in "f32", "int8":
                natural(threads, precision, int(os.environ.get("TEXTS", "2000")), 3)
        cold()
    for threads in sorted({1, len(cores)}):
        pictures("EfficientNet-Lite0", efficientnet, "efficientnet", threads, [(1, 31), (16, 7)])
        files(threads, 3)
        for label, name in ("CLIP ViT-B/32", "vit"), ("DINOv2-S/14", "dinov2"):
            pictures(label, f"{work}/{name}", name, threads, [(8, 5)])
            pictures(label, f"{work}/{name}", name, threads, [(8, 5)], "int8")


main()
