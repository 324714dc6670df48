#!/usr/bin/env python3
"""Derive the polynomial coefficients of lib/linalg (mathf and mathd).

usage: minimax.py [NAME...]

Prints, for each entry of TABLE (or the named ones), coefficients in C99 hex,
lowest power first, and the largest relative error of the polynomial with
those rounded coefficients.  Needs mpmath.

Each polynomial is the minimax one of its degree under the entry's weight,
found by Remez' exchange; its coefficients are then rounded.
"""
import struct
import sys

from mpmath import mp, mpf

mp.dps = 60


def remez(f, w, powers, a, b):
    """Coefficients c with max |w(x) (f(x) - sum c[i] x^powers[i])| least."""
    n = len(powers)
    pts = [
        (a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * i / n) for i in range(n + 1)
    ]
    pts = [p if abs(p) > (b - a) / 99 else (b - a) / 50 for p in pts]
    for _ in range(30):
        rows = [
            [p**k for k in powers] + [(-1) ** i / w(p)]
            for i, p in enumerate(pts)
        ]
        sol = mp.lu_solve(mp.matrix(rows), mp.matrix([f(p) for p in pts]))
        c, level = list(sol[:n]), abs(sol[n])

        def err(x):
            return w(x) * (f(x) - sum(ci * x**k for ci, k in zip(c, powers)))

        grid = [a + (b - a) * i / (24 * n) for i in range(24 * n + 1)]
        grid = [x if x != 0 else (b - a) / 10**6 for x in grid]
        e = [err(x) for x in grid]
        peaks = []
        for i, x in enumerate(grid):
            left = i == 0 or abs(e[i]) >= abs(e[i - 1]) or e[i] * e[i - 1] < 0
            right = (
                i == len(grid) - 1
                or abs(e[i]) >= abs(e[i + 1])
                or e[i] * e[i + 1] < 0
            )
            if not (left and right):
                continue
            if 0 < i < len(grid) - 1:
                x = summit(err, grid[i - 1], grid[i + 1])
            v = err(x)
            if peaks and (v > 0) == (peaks[-1][1] > 0):
                if abs(v) > abs(peaks[-1][1]):
                    peaks[-1] = (x, v)
            else:
                peaks.append((x, v))
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(peaks[0][1]) < abs(peaks[-1][1]) else -1)
        if len(peaks) < n + 1:
            return c, level
        pts = [x for x, _ in peaks]
        top = max(abs(v) for _, v in peaks)
        if top <= level * (1 + mpf(10) ** -4):
            break
    return c, top


def summit(err, lo, hi):
    """Where |err| is largest between lo and hi, by thirds."""
    for _ in range(25):
        third = (hi - lo) / 3
        if abs(err(lo + third)) < abs(err(hi - third)):
            lo += third
        else:
            hi -= third
    return (lo + hi) / 2


def round_float(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def round_double(x):
    return mpf(float(x))


def fit(f, w, powers, a, b, rounder):
    """remez() with rounded coefficients, and the error they leave."""
    a, b = mpf(a), mpf(b)
    c = [rounder(x) for x in remez(f, w, powers, a, b)[0]]
    worst = mpf(0)
    for i in range(2001):
        x = a + (b - a) * i / 2000
        if x != 0:
            p = sum(ci * x**k for ci, k in zip(c, powers))
            worst = max(worst, abs(w(x) * (f(x) - p)))
    return c, worst


def c_hex(x, rounder):
    s = float(x).hex()
    mant, exp = s.split("p")
    mant = mant.rstrip("0") if "." in mant else mant
    if mant.endswith("."):
        mant += "0"
    return f"{mant}p{exp}" + ("f" if rounder is round_float else "")


# What multiplies the polynomial's error to make it one relative to the
# function: f is what the polynomial stands for, w the weight.


def exp_f(r):  # exp(r) = 1 + r + r^2 f(r)
    return mp.fsum(r**k / mp.factorial(k + 2) for k in range(40))


def exp_w(r):
    return r**2 / mp.exp(r)


def exp2_f(r):  # 2^r = 1 + r f(r)
    return mp.fsum(ln2 ** (k + 1) * r**k / mp.factorial(k + 1) for k in range(40))


def exp2_w(r):
    return r / mpf(2) ** r


def log_f(f):  # log(1 + f) = f - f^2/2 + f^3 f(f)
    if abs(f) < mpf("0.05"):
        return mp.fsum((-f) ** k / (k + 3) for k in range(60))
    return (mp.log1p(f) - f + f * f / 2) / f**3


def log_w(f):
    return f**3 / mp.log1p(f)


def odd(fn, a3):
    """fn(x) = x + x^3 f(x^2); f(z) and the weight, a3 the limit at 0."""

    def f(z):
        x = mp.sqrt(z)
        return (fn(x) - x) / x**3 if z > mpf(10) ** -24 else mpf(a3)

    def w(z):
        x = mp.sqrt(z)
        return x**3 / fn(x) if z > 0 else mpf(0)

    return f, w


def log_s(z):  # log((1 + s) / (1 - s)) = 2 s + s z f(z), z = s^2
    return mp.fsum(2 * z**k / (2 * k + 3) for k in range(80))


def log_s_w(z):
    s = mp.sqrt(z)
    return z * s / (mp.log1p(s) - mp.log1p(-s)) if z > 0 else mpf(0)


def pow_s(z):  # the same, with the next term taken out too
    return mp.fsum(2 * z**k / (2 * k + 5) for k in range(80))


def cos_f(z):  # cos(x) = 1 - z/2 + z^2 f(z), z = x^2
    return mp.fsum((-z) ** k / mp.factorial(2 * k + 4) for k in range(30))


def quantile_mid(z):  # normal_quantile(1/2 + x) = x f(x^2)
    x = mp.sqrt(z)
    return mp.sqrt(2) * mp.erfinv(2 * x) / x if z > 0 else mp.sqrt(2 * mp.pi)


def erf_ratio(z):  # erf(x) = x + x f(x^2)
    x = mp.sqrt(z)
    return mp.erf(x) / x if z > 0 else 2 / mp.sqrt(mp.pi)


def mills(u):  # normal_cdf(-u) = exp(-u^2/2) mills(u)
    return mp.erfc(u / mp.sqrt(2)) / 2 * mp.exp(u * u / 2)


def mills_entry(c, top, terms, rounder):
    """mills(u) = f(t) / (u + c) with t = (u - c) / (u + c)."""
    c = mpf(c)

    def f(t):
        u = c * (1 + t) / (1 - t)
        return (u + c) * mills(u)

    return (
        f,
        lambda t: 1 / f(t),
        range(terms),
        -1,
        (mpf(top) - c) / (mpf(top) + c),
        rounder,
    )


def gate_entry(gate, terms, top):
    """f(a)^4 stands for gate(-a), 0 <= a <= top; its error times a counts
    absolutely, and relative to a from 1 on."""

    def f(a):
        return mp.sqrt(mp.sqrt(gate(-a)))

    def w(a):
        return 4 * f(a) ** 3 * a / max(mpf(1), a)

    return f, w, range(terms), 0, mpf(top), round_float


def normal_cdf(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def tanh_gate(x):  # (1 + tanh(u)) / 2 = sigmoid(2 u)
    u = mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)
    return 1 / (1 + mp.exp(-2 * u))


ln2 = mp.log(2)
sq = mp.sqrt(2)
tanh_fw = odd(mp.tanh, mpf(-1) / 3)
atan_fw = odd(mp.atan, mpf(-1) / 3)

sin_fw = odd(mp.sin, mpf(-1) / 6)
smax = ((sq - 1) / (sq + 1)) ** 2

TABLE = {
    "expf": (exp_f, exp_w, range(5), -ln2 / 2, ln2 / 2, round_float),
    "exp2f": (exp2_f, exp2_w, range(6), mpf("-0.5"), mpf("0.5"), round_float),
    "logf": (log_f, log_w, range(8), 1 / sq - 1, sq - 1, round_float),
    "tanhf": (*tanh_fw, range(6), 0, mpf("0.7") ** 2, round_float),
    "atanf": (*atan_fw, range(9), 0, 1, round_float),
    "erff": (
        lambda z: erf_ratio(z) - 1,
        lambda z: 1 / erf_ratio(z),
        range(8),
        0,
        1,
        round_float,
    ),
    "expd": (exp_f, exp_w, range(11), -ln2 / 2, ln2 / 2, round_double),
    "logd": (log_s, log_s_w, range(7), 0, smax, round_double),
    "powd": (pow_s, lambda z: z * log_s_w(z), range(7), 0, smax, round_double),
    "sind": (*sin_fw, range(6), 0, (mp.pi / 4) ** 2, round_double),
    "cosd": (cos_f, lambda z: z**2 / mp.cos(mp.sqrt(z)), range(6), 0,
             (mp.pi / 4) ** 2, round_double),
    "atand": (*atan_fw, range(12), 0, (sq - 1) ** 2, round_double),
    "millsd": mills_entry(6, "38.7", 23, round_double),
    "quantile_mid": (quantile_mid, lambda z: 1 / quantile_mid(z), range(15), 0,
                     mpf("0.0225"), round_double),
    "geluf": gate_entry(normal_cdf, 9, "5.5"),
    "gelu_tanhf": gate_entry(tanh_gate, 10, "5.2"),
    "millsf": mills_entry(2, "14.5", 12, round_float),
}


def main():
    for name in sys.argv[1:] or TABLE:
        f, w, powers, a, b, rounder = TABLE[name]
        c, worst = fit(f, w, list(powers), a, b, rounder)
        print(f"{name}: relative error {mp.nstr(worst, 3)}"
              f" (2^{mp.nstr(mp.log(worst, 2), 4)})")
        for x in c:
            print("\t" + c_hex(x, rounder) + ",")


if __name__ == "__main__":
    main()
