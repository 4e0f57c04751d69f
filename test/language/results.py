"""Several results of one attention: weighted sums, entropy, maximum and its key."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import dots, first_largest, logsumexp, rows, softmax  # noqa: E402
from harness import Case, draw, integers, literal, main  # noqa: E402


def times_log(w):
    """w * log w, 0 where w is."""
    return np.where(w == 0, 0, w * np.log(np.where(w == 0, 1, w)))


def entropy(w):
    return -times_log(w).sum(-1)


def expected(w, x):
    """The sum of w * x, of what has weight."""
    return np.where(w == 0, 0, w * np.where(w == 0, 0, x)).sum(-1)


def largest(s, keep=True):
    return np.where(keep, s, -np.inf).max(-1, initial=-np.inf).astype(s.dtype)


def grouped(q, k, v, u, past, len):
    k, v, u = (np.repeat(x, q.shape[1] // k.shape[1], 1) for x in (k, v, u))
    s = dots(q, k)
    i, j = rows(s)
    keep = (j <= i + past[:, None, None, None]) & (j < len[:, None, None, None])
    w = softmax(s, keep)
    return {"o": w @ v, "p": w @ u, "entropy": entropy(w), "energy": expected(w, s), "top": largest(s, keep),
            "best": first_largest(s, keep).astype(np.int32), "lse": logsumexp(s, keep)}


def dense(q, k):
    s = q @ k.swapaxes(-1, -2)
    return {"entropy": entropy(softmax(s)), "top": largest(s), "best": first_largest(s, True)}


def given(s, v, len):
    keep = np.arange(s.shape[1]) < len
    w = softmax(s, keep)
    return {"o": w @ v, "entropy": entropy(w), "top": largest(s, keep),
            "best": first_largest(s, keep).astype(np.int32),
            "spread": expected(w, s * s) - expected(w, s) ** 2}


def derived(q, k, v, u, prior):
    w = softmax(q @ k.T)
    return {"perplexity": np.exp(entropy(w)), "bits": entropy(w) * w.dtype.type(literal(1 / np.log(2))),
            "divergence": -entropy(w) - expected(w, np.log(prior)), "o": w @ v,
            "scaled": (w @ v) * (w @ u)[:, None] + entropy(w)[:, None]}


def sunk(q, k, v, c):
    s = q @ k.T
    i, j = rows(s)
    w = softmax(np.concatenate([c[:, None], s], 1), np.concatenate([np.full_like(i, True, bool), j <= i], 1))[:, 1:]
    return {"o": w @ v, "entropy": entropy(w)}


def shares(q, k, v, u):
    s = np.maximum(q @ k.T, 0) ** 2
    mass = s.sum(-1, keepdims=True)
    w = np.where(mass == 0, 0, s / np.where(mass == 0, 1, mass))
    return {"o": w @ v, "p": w @ u, "entropy": entropy(w)}


def unnormalized(q, k, v, u):
    s = q @ k.T
    i, j = rows(s)
    w = np.where(j <= i, s, 0)
    return {"o": w @ v, "p": w @ u, "top": largest(s, j <= i)}


def nearest(x, code):
    return {"best": first_largest(-((x[:, :, None] - code) ** 2).sum(-1), True).astype(np.int32)}


def used(q, k, v, len):
    s = q @ k.swapaxes(-1, -2)
    keep = np.arange(s.shape[-1]) < len[:, None, None]
    best = first_largest(s, keep).astype(np.int32)
    h = entropy(softmax(s, keep))
    return {"entropy": h, "top": 2 * largest(s, keep), "best": best, "value": np.where(best < 0, 0, v[best]), "written": h}


def make(b, h, g, i, j, past, length, seed, d=32, e=40, c=24):
    operands = draw(seed, q=(b, h * g, i, d), k=(b, h, j, d), v=(b, h, j, e), u=(b, h, j, c))
    return Case("grouped", operands | {"past": integers(past), "len": integers(length)}, grouped,
                note=f"past {past}, len {length}", slack=2)


def special(note, n=40, length=None, **places):
    operands = draw(n, s=(6, n), v=(n, 8))
    for name, values in places.items():
        for where, value in values:
            operands[name][where] = value
    return Case("given", operands | {"len": integers(n if length is None else length)}, given, note=note, slack=2)


def cases():
    inf, nan, everything = np.inf, np.nan, slice(None)
    for seed, n in enumerate((0, 1, 2, 13, 16, 31, 33, 97, 193, 257)):
        yield make(1, 2, 1, n, n, [0], [n], seed)                    # causal, square
        yield make(2, 1, 3, n, 100, [3, -5], [99, 50], seed)         # another number of keys, rows without any
        yield Case("dense", draw(seed, q=(2, n, 16), k=(2, 97, 16)), dense)
    for g in (1, 2, 8):
        yield make(2, 2, g, 1, 193, [192, 100], [193, 7], g)         # decoding
    for d, e, c in ((1, 1, 1), (3, 5, 64), (64, 64, 3)):
        yield make(1, 1, 2, 17, 35, [20], [35], d, d, e, c)
    yield Case("dense", draw(1, q=(2, 5, 16), k=(2, 0, 16)), dense, note="no keys")

    yield special("plain")
    yield special("all keys masked", length=0)
    yield special("a masked key of NaN", length=20, s=[((2, 30), nan), ((3, 25), inf)])
    yield special("-inf is not kept", s=[((2, everything), -inf), ((1, 3), -inf), ((0, slice(1, 40)), -inf)])
    yield special("NaN that is kept", s=[((2, 7), nan), ((4, 39), nan)])
    yield special("equal scores: the first", s=[((everything, everything), 0), ((3, (30, 35)), 1)])
    whole = draw(3, v=(300, 8)) | {"s": np.random.default_rng(5).integers(-3, 3, (50, 300)).astype(np.float32)}
    for base in (0, 3e4, -3e4): # scores that are exact: nothing may be lost by how large they are
        operands = whole | {"s": whole["s"] + np.float32(base), "len": integers(290)}
        yield Case("given", operands, lambda s, v, len: {k: x for k, x in given(s, v, len).items() if k != "spread"},
                   note=f"exact scores around {base}", slack=4)

    for n, m in ((5, 7), (33, 49), (70, 200)):
        operands = draw(n, q=(n, 8), k=(m, 8), v=(m, 6), u=(m,))
        prior = np.random.default_rng(n).random(m).astype(np.float32) + np.float32(0.1)
        yield Case("derived", operands | {"prior": prior}, derived, slack=2)
        yield Case("shares", operands, shares)
        yield Case("sunk", draw(n, q=(n, 8), k=(m, 8), v=(m, 6), c=(n,)), sunk, slack=2)
        yield Case("unnormalized", draw(n, q=(n, 8), k=(m, 8), v=(m, 6), u=(m, 40)), unnormalized)
        yield Case("used", draw(n, q=(3, n, 8), k=(3, m, 8), v=(m,)) | {"len": integers(m, m // 2, 0)}, used, slack=2)
        yield Case("nearest", draw(n, x=(3, n, 8), code=(m, 8)), nearest)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "results.attn", cases)
