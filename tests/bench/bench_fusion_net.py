#!/usr/bin/env python3
"""A step of training a net beside PyTorch's, on one thread, in turns.

    bench_fusion_net.py PROGRAM

The same shapes, batches and work: rows are gathered, two dense parts of 384
and 1280 columns go through the net, dropout of columns and hidden units,
cross-entropy, backward, AdamW.
PyTorch's own best is taken of its plain and its fused AdamW.  Prints the median
over rounds of this thread's time a step, and of their ratio.
"""
import statistics
import subprocess
import sys
import time

import torch

N, DIMS, C, BATCH, ROUNDS = 1280, (384, 1280), 15, 64, 15


class Net(torch.nn.Module):
    def __init__(self, kind, H):
        super().__init__()
        self.kind, self.H = kind, H
        if kind == "mlp":
            self.first = torch.nn.Linear(sum(DIMS), H)
        else:
            self.parts = torch.nn.ModuleList(
                torch.nn.Linear(d, H) for d in DIMS)
            self.gate = torch.nn.Linear(2 * H, 2 * H)
        self.out = torch.nn.Linear(H, C)

    def forward(self, x):
        # Half of the columns, as ours of parts this wide (net.h).
        x = torch.nn.functional.dropout(x, 0.5)
        if self.kind == "mlp":
            h = torch.relu(self.first(x))
        else:
            h = torch.stack([torch.tanh(f(y)) for f, y in
                             zip(self.parts, x.split(DIMS, 1))], 1)
            z = self.gate(h.reshape(len(h), -1)).reshape(h.shape)
            h = (torch.softmax(z, 1) * h).sum(1)
        return self.out(torch.nn.functional.dropout(h, 0.5))


class Torch:
    def __init__(self, kind, H, fused):
        self.x, self.y = torch.randn(N, sum(DIMS)), torch.arange(N) % C
        self.net = Net(kind, H)
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=1e-3,
                                     fused=fused)

    def epoch(self):
        t = time.thread_time()
        order = torch.randperm(N)
        for at in range(0, N, BATCH):
            rows = order[at:at + BATCH]
            loss = torch.nn.functional.cross_entropy(
                self.net(self.x[rows]), self.y[rows])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        return 1e3 * (time.thread_time() - t) * BATCH / N


class Ours:
    def __init__(self, program, kind, H):
        self.p = subprocess.Popen([program, kind, str(H)], text=True,
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def epoch(self):
        print(file=self.p.stdin, flush=True)
        return float(self.p.stdout.readline().split()[0])


def main():
    torch.set_num_threads(1)
    for kind in ("mlp", "gated"):
        for H in (64, 128):
            ours = Ours(sys.argv[1], kind, H)
            theirs = [Torch(kind, H, f) for f in (False, True)]
            for one in [ours] + theirs:
                one.epoch()
            a, b = [], []
            for _ in range(ROUNDS):
                a.append(ours.epoch())
                b.append(min(t.epoch() for t in theirs))
            ratio = statistics.median(x / y for x, y in zip(a, b))
            print(f"fusion-net {kind:6s} H {H:4d}  ours "
                  f"{statistics.median(a):6.3f} ms a step   PyTorch "
                  f"{statistics.median(b):6.3f}   ratio {ratio:.2f}")
            ours.p.stdin.close()
            ours.p.wait()


main()
