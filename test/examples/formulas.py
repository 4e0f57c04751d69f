"""The attentions of examples/attention, from their papers' formulas, in NumPy.

Each formula is an Example: how to draw its operands, and what it gives. A formula computes in the precision of its
operands, so that the error of plain f32 is known too.
"""

import dataclasses
import math
import typing

import ml_dtypes
import numpy as np

QKV = {"q": "bhid", "k": "bhjd", "v": "bhje"}
SIZES = [dict(b=1, h=1, i=1, j=1, d=8, e=8), dict(b=2, h=3, i=17, j=17, d=16, e=16),
         dict(b=2, h=2, i=70, j=131, d=32, e=24)]
NO_KEYS = [dict(b=1, h=2, i=5, j=0, d=16, e=8)]
SQUARE = [{**size, "j": size["i"]} for size in SIZES]


@dataclasses.dataclass
class Example:
    file: str
    entry: str
    formula: typing.Callable
    shapes: dict  # operand -> its indices, one letter each, for operands drawn from the normal distribution
    sizes: list
    extra: typing.Callable  # (rng, sizes) -> further operands
    settings: list

    def draw(self, sizes, seed):
        """Operands by name; the same for the same seed."""
        rng = np.random.default_rng(seed)
        operands = {name: rng.standard_normal([sizes[index] for index in indices]).astype(np.float32)
                    for name, indices in self.shapes.items()}
        return operands | self.extra(rng, sizes)


EXAMPLES = []


def example(file, entry=None, shapes=QKV, sizes=SIZES, extra=lambda rng, s: {}, settings=()):
    def register(formula):
        EXAMPLES.append(Example(file, entry or file, formula, shapes, list(sizes), extra, list(settings)))
        return formula
    return register


def weights(s, keep=True, axis=-1):
    """softmax along the axis (or axes) over what is kept; a row without keys is 0."""
    keep = np.broadcast_to(keep, s.shape)
    top = np.where(keep, s, -np.inf).max(axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(s.dtype)
    p = np.where(keep, np.exp(np.minimum(s - top, 0)), 0).astype(s.dtype)
    total = p.sum(axis=axis, keepdims=True)
    return p / np.where(total == 0, 1, total)


def dots(q, k):
    """q . k / sqrt(d) of [..., i, d] and [..., j, d]."""
    return q @ k.swapaxes(-1, -2) / q.dtype.type(math.sqrt(q.shape[-1]))


def grid(q, k):
    """i [i, 1] and j [1, j]."""
    return np.arange(q.shape[-2])[:, None], np.arange(k.shape[-2])[None, :]


def scalar(value, dtype=np.float32):
    return lambda rng, s: {name: np.array(v, dtype) for name, v in value.items()}


@example("dot_product", sizes=SIZES + NO_KEYS)
def dot_product(q, k, v):
    return {"o": weights(dots(q, k)) @ v}


@example("causal", sizes=SQUARE + SIZES[2:])
def causal(q, k, v):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), j <= i) @ v}


@example("gqa", shapes={}, sizes=[s | {"g": g} for s, g in zip(SIZES, (1, 2, 4))],
         extra=lambda rng, s: {
             "q": rng.standard_normal((s["b"], s["h"] * s["g"], s["i"], s["d"])).astype(np.float32),
             "k": rng.standard_normal((s["b"], s["h"], s["j"], s["d"])).astype(np.float32),
             "v": rng.standard_normal((s["b"], s["h"], s["j"], s["e"])).astype(np.float32),
             "past": rng.integers(0, s["j"] + 1, s["b"]).astype(np.int32)})
def gqa(q, k, v, past):
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    i, j = grid(q, k)
    keep = j <= i + past[:, None, None, None]
    s = np.where(keep, dots(q, k), -np.inf)
    return {"o": weights(s, keep) @ v, "lse": np.log(np.exp(s).sum(-1))}


def cache(rng, s):
    """A cache of small integers with scales of blocks of 32 keys, of which the last may be cut short."""
    sizes, blocks = (s["b"], s["h"], s["j"]), (s["b"], s["h"], -(-s["j"] // 32))
    return {"q": rng.standard_normal((s["b"], s["h"] * s["g"], s["i"], s["d"])).astype(np.float32),
            "k": rng.integers(-128, 128, (*sizes, s["d"])).astype(np.int8),
            "v": rng.integers(-128, 128, (*sizes, s["e"])).astype(np.int8),
            "ks": rng.uniform(0.005, 0.02, blocks).astype(np.float32), "vs": rng.uniform(0.005, 0.02, blocks).astype(np.float32),
            "past": rng.integers(0, s["j"] + 1, s["b"]).astype(np.int32)}


@example("quantized", shapes={}, extra=cache, sizes=[s | {"g": g} for s, g in zip(SIZES, (1, 2, 4))]
         + [dict(b=2, h=3, g=4, i=1, j=700, d=64, e=64)])
def quantized(q, k, v, ks, vs, past):
    group, block = q.shape[1] // k.shape[1], np.arange(k.shape[2]) // 32
    k, v = (np.repeat(x.astype(q.dtype) * scale[:, :, block, None], group, 1) for x, scale in ((k, ks), (v, vs)))
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), j <= i + past[:, None, None, None]) @ v}


def f8_cache(rng, s):
    """A cache of 8-bit reals with a scale for each head."""
    sizes, heads = (s["b"], s["h"], s["j"]), (s["b"], s["h"])
    k, v = (rng.standard_normal((*sizes, s[width])).astype(ml_dtypes.float8_e4m3fn) for width in "de")
    return cache(rng, s) | {"k": k, "v": v, "ks": rng.uniform(0.5, 2, heads).astype(np.float32),
                            "vs": rng.uniform(0.5, 2, heads).astype(np.float32)}


@example("quantized_f8", shapes={}, extra=f8_cache, sizes=[s | {"g": g} for s, g in zip(SIZES, (1, 2, 4))]
         + [dict(b=2, h=3, g=4, i=1, j=700, d=64, e=64)])
def quantized_f8(q, k, v, ks, vs, past):
    group = q.shape[1] // k.shape[1]
    k, v = (np.repeat(x.astype(q.dtype) * scale[:, :, None, None], group, 1) for x, scale in ((k, ks), (v, vs)))
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), j <= i + past[:, None, None, None]) @ v}


@example("sliding_window", extra=scalar({"window": 7}, np.int32), sizes=SQUARE)
def sliding_window(q, k, v, window):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), (j <= i) & (j > i - window)) @ v}


@example("global_local", extra=scalar({"globals": 3, "radius": 5}, np.int32))
def global_local(q, k, v, globals, radius):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), (j < globals) | (i < globals) | (abs(i - j) <= radius)) @ v}


@example("prefix", "prefix_causal", sizes=SQUARE,
         extra=lambda rng, s: {"prefix": rng.integers(0, s["j"] + 1, s["b"]).astype(np.int32)})
def prefix(q, k, v, prefix):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), (j <= i) | (j < prefix[:, None, None, None])) @ v}


@example("chunked", sizes=SQUARE, settings=["chunked.CHUNK=32"])
def chunked(q, k, v):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), (j <= i) & (i // 32 == j // 32)) @ v}


@example("dilated", extra=scalar({"window": 9}, np.int32), sizes=SQUARE)
def dilated(q, k, v, window):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), np.isin(i - j, 3 * np.arange(window))) @ v}


def lengths(rng, s):
    return {"len": rng.integers(0, s["j"] + 1, s["b"]).astype(np.int32)}


@example("padded", extra=lengths, sizes=SIZES + NO_KEYS)
def padded(q, k, v, len):
    return {"o": weights(dots(q, k), grid(q, k)[1] < len[:, None, None, None]) @ v}


@example("packed", sizes=SQUARE, extra=lambda rng, s: {
    name: np.sort(np.random.default_rng(5).integers(0, 4, (s["b"], s["j"]))).astype(np.int32) for name in ("qdoc", "kdoc")})
def packed(q, k, v, qdoc, kdoc):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k), (j <= i) & (qdoc[:, None, :, None] == kdoc[:, None, None, :])) @ v}


@example("alibi", shapes=QKV | {"slope": "h"}, sizes=SQUARE)
def alibi(q, k, v, slope):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k) - slope[:, None, None] * (i - j).astype(q.dtype), j <= i) @ v}


def turn(x, position):
    """Rotary positions [..., n] on [..., n, d], rotate-half form."""
    half = x.shape[-1] // 2
    angle = position[..., None] * 10000.0 ** (-np.arange(half) / half)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


@example("rope", "rotary", sizes=[s | {"d": 64} for s in SQUARE])
def rope(q, k, v):
    i, j = grid(q, k)
    return {"o": weights(dots(turn(q, np.arange(q.shape[-2])), turn(k, np.arange(k.shape[-2]))), j <= i) @ v}


@example("rope_rounded", "rotary_rounded", sizes=[s | {"d": 64} for s in SQUARE])
def rope_rounded(q, k, v, rounded=lambda x: x):
    """rounded: to the type of the operands."""
    i, j = grid(q, k)
    q, k = (rounded(turn(x, np.arange(x.shape[-2]))) for x in (q, k))
    return {"o": weights(dots(q, k), j <= i) @ v}


@example("rope_time", "rotary_time", shapes=QKV | {"tq": "bi", "tk": "bj"}, sizes=[s | {"d": 32} for s in SIZES])
def rope_time(q, k, v, tq, tk):
    return {"o": weights(dots(turn(q, tq[:, None]), turn(k, tk[:, None]))) @ v}


def bucket(offset, buckets=32, most=128):
    """T5's bucket of key position minus query position, exact near by, logarithmic further away."""
    half, exact = buckets // 2, buckets // 4
    n = np.abs(offset)
    far = exact + (np.log(np.maximum(n, 1) / exact) / np.log(most / exact) * (half - exact)).astype(int)
    return np.where(offset > 0, half, 0) + np.where(n < exact, n, np.minimum(far, half - 1))


@example("t5", shapes=QKV | {"table": "rh"}, sizes=[s | {"r": 32} for s in SIZES])
def t5(q, k, v, table):
    i, j = grid(q, k)
    return {"o": weights(q @ k.swapaxes(-1, -2) + table[bucket(j - i)].transpose(2, 0, 1)) @ v}


@example("distance_penalty", extra=scalar({"rate": 0.3}))
def distance_penalty(q, k, v, rate):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k) - rate * abs(i - j).astype(q.dtype)) @ v}


@example("bilinear", shapes={"q": "bia", "w": "ac", "k": "bjc", "v": "bje"}, sizes=[s | {"a": 8, "c": 12} for s in SIZES])
def bilinear(q, w, k, v):
    return {"o": weights(np.einsum("bia,ac,bjc->bij", q, w, k)) @ v}


@example("relative", sizes=[s | {"r": 2 * s["j"] - 1} for s in SQUARE], shapes=QKV | {"table": "hr"})
def relative(q, k, v, table):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k) + table[:, i - j + k.shape[-2] - 1]) @ v}


@example("circular", sizes=[s | {"r": s["j"]} for s in SIZES], shapes=QKV | {"table": "hr"})
def circular(q, k, v, table):
    i, j = grid(q, k)
    return {"o": weights(dots(q, k) + table[:, (i - j) % k.shape[-2]]) @ v}


@example("continuous_time", shapes=QKV | {"tq": "bi", "tk": "bj"}, extra=scalar({"scale": 0.7}))
def continuous_time(q, k, v, tq, tk, scale):
    gap = tq[:, None, :, None] - tk[:, None, None, :]
    return {"o": weights(dots(q, k) - abs(gap) / scale, gap >= 0) @ v}


@example("graph", shapes={"q": "hid", "k": "hjd", "v": "hje", "table": "hr"}, sizes=[s | {"r": 4} for s in SIZES],
         extra=lambda rng, s: {"dist": rng.integers(0, 7, (s["i"], s["j"])).astype(np.int32)})
def graph(q, k, v, table, dist):
    hops = table.shape[1]
    return {"o": weights(dots(q, k) + table[:, np.minimum(dist, hops - 1)], dist < hops) @ v}


@example("soft_cap", extra=scalar({"cap": 2.5}), sizes=SQUARE)
def soft_cap(q, k, v, cap):
    i, j = grid(q, k)
    return {"o": weights(cap * np.tanh(dots(q, k) / cap), j <= i) @ v}


@example("temperature", extra=scalar({"tau": 1e-4}))
def temperature(q, k, v, tau):
    return {"o": weights(q @ k.swapaxes(-1, -2) / tau) @ v}


@example("sink", shapes=QKV | {"sink": "h"}, sizes=SQUARE)
def sink(q, k, v, sink):
    i, j = grid(q, k)
    s = np.concatenate([dots(q, k), np.broadcast_to(sink[:, None, None], (*q.shape[:3], 1))], -1)
    return {"o": weights(s, np.concatenate([j <= i, i >= 0], -1))[..., :-1] @ v}


@example("off_by_one", sizes=SIZES + NO_KEYS)
def off_by_one(q, k, v):
    w = np.exp(dots(q, k))
    total = 1 + w.sum(-1, keepdims=True)
    return {"o": w / total @ v, "lse": np.log(total[..., 0])}


@example("sigmoid", "sigmoid_attention", sizes=SQUARE, extra=scalar({"bias": -0.5}))
def sigmoid_attention(q, k, v, bias):
    i, j = grid(q, k)
    return {"o": np.where(j <= i, 1 / (1 + np.exp(-dots(q, k) - bias)), 0).astype(q.dtype) @ v}


def shares(w, keep, c=0):
    """w / (c + sum of w) over what is kept; a row of sum 0 is 0."""
    w = np.where(keep, w, 0).astype(w.dtype)
    total = w.sum(-1, keepdims=True) + c
    return w / np.where(total == 0, 1, total).astype(w.dtype)


@example("divisive", sizes=SQUARE, extra=scalar({"c": 0.25}))
def divisive(q, k, v, c):
    i, j = grid(q, k)
    return {"o": shares(np.maximum(dots(q, k), 0) ** 2, j <= i, c) @ v}


@example("linear", sizes=SQUARE)
def linear(q, k, v):
    i, j = grid(q, k)
    q, k = (np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))).astype(x.dtype) for x in (q, k))
    return {"o": shares(q @ k.swapaxes(-1, -2), j <= i) @ v}


@example("additive", shapes={"q": "bia", "k": "bja", "v": "bje", "u": "a"}, sizes=[s | {"a": s["d"]} for s in SIZES])
def additive(q, k, v, u):
    return {"o": weights(np.tanh(q[:, :, None] + k[:, None]) @ u) @ v}


@example("kernel_regression", shapes={"x": "ic", "z": "jc", "y": "je"}, sizes=[s | {"c": c} for s, c in zip(SIZES, (1, 2, 3))],
         extra=scalar({"r": 0.5}))
def kernel_regression(x, z, y, r):
    w = np.exp(-((x[:, None] - z[None]) ** 2).sum(-1) / (2 * r * r))
    return {"o": w @ y / w.sum(-1, keepdims=True)}


@example("cross", extra=lengths, sizes=SIZES[1:])
def cross(q, k, v, len):
    return padded(q, k, v, len)


@example("axial", "axial_rows", shapes={"q": "byid", "k": "byjd", "v": "byje"}, sizes=[s | {"y": 5} for s in SIZES[1:]])
def axial_rows(q, k, v):
    return dot_product(q, k, v)


@example("axial", "axial_columns", shapes={"q": "bixd", "k": "bjxd", "v": "bjxe"}, sizes=[s | {"x": 5} for s in SIZES[1:]])
def axial_columns(q, k, v):
    q, k, v = (t.swapaxes(1, 2) for t in (q, k, v))
    return {"o": dot_product(q, k, v)["o"].swapaxes(1, 2)}


@example("windowed", settings=["windowed.M=4"], shapes={"q": "bhyxd", "k": "bhyxd", "v": "bhyxe", "table": "hrr"},
         sizes=[dict(b=1, h=2, y=4, x=4, d=8, e=8, r=7), dict(b=2, h=3, y=12, x=8, d=16, e=16, r=7)])
def windowed(q, k, v, table, m=4):
    out = np.empty(v.shape, v.dtype)
    y, x = np.divmod(np.arange(m * m), m)
    bias = table[:, y[:, None] - y + m - 1, x[:, None] - x + m - 1]
    for top in range(0, q.shape[2], m):
        for left in range(0, q.shape[3], m):
            part = (slice(None), slice(None), slice(top, top + m), slice(left, left + m))
            a, b, c = (t[part].reshape(*t.shape[:2], m * m, -1) for t in (q, k, v))
            out[part] = (weights(dots(a, b) + bias) @ c).reshape(out[part].shape)
    return {"o": out}


@example("neighbourhood", shapes={"q": "bhyxd", "k": "bhyxd", "v": "bhyxe"}, extra=scalar({"radius": 2}, np.int32),
         sizes=[dict(b=1, h=1, y=1, x=1, d=8, e=8), dict(b=2, h=2, y=9, x=13, d=16, e=16)])
def neighbourhood(q, k, v, radius):
    rows, columns = q.shape[2:4]
    y, x = np.divmod(np.arange(rows * columns), columns)
    near = (abs(y[:, None] - y) <= radius) & (abs(x[:, None] - x) <= radius)
    a, b, c = (t.reshape(*t.shape[:2], rows * columns, -1) for t in (q, k, v))
    return {"o": (weights(dots(a, b), near) @ c).reshape(*q.shape[:4], -1)}


TRIANGLE = [dict(i=1, j=1, l=1, h=1, d=8, e=8), dict(i=11, j=19, l=23, h=2, d=16, e=16)]


@example("triangle", "triangle_start", sizes=TRIANGLE,
         shapes={"q": "ihjd", "k": "ihld", "v": "ihle", "bias": "hjl", "gate": "ihje"})
def triangle_start(q, k, v, bias, gate):
    s = np.einsum("ihjd,ihld->ihjl", q, k) / q.dtype.type(math.sqrt(q.shape[-1])) + bias
    return {"o": np.einsum("ihjl,ihle->ihje", weights(s), v) / (1 + np.exp(-gate))}


@example("triangle", "triangle_end", sizes=TRIANGLE,
         shapes={"q": "ihjd", "k": "lhjd", "v": "lhje", "bias": "hli", "gate": "ihje"})
def triangle_end(q, k, v, bias, gate):
    s = np.einsum("ihjd,lhjd->ihjl", q, k) / q.dtype.type(math.sqrt(q.shape[-1]))
    s = s + bias.transpose(2, 0, 1)[:, :, None]
    return {"o": np.einsum("ihjl,lhje->ihje", weights(s), v) / (1 + np.exp(-gate))}


@example("paged", shapes={"kc": "prhd", "vc": "prhe"}, sizes=[dict(b=3, h=2, g=2, i=1, d=16, e=16, p=9, r=16, n=4)],
         extra=lambda rng, s: {
             "q": rng.standard_normal((s["b"], s["h"] * s["g"], s["i"], s["d"])).astype(np.float32),
             "page": rng.integers(0, s["p"], (s["b"], s["n"])).astype(np.int32),
             "len": np.array([1, 37, 64], np.int32)})
def paged(q, kc, vc, page, len):
    k, v = (c[page].reshape(page.shape[0], -1, *c.shape[2:]).swapaxes(1, 2) for c in (kc, vc))
    group = q.shape[1] // k.shape[1]
    return padded(q, np.repeat(k, group, 1), np.repeat(v, group, 1), len)


@example("pooling", "gated_pool", shapes={"x": "nc", "va": "na", "ua": "na", "w": "a"},
         sizes=[dict(n=1, c=8, a=4), dict(n=57, c=24, a=16)],
         extra=lambda rng, s: {"bag": np.sort(rng.integers(0, 5, s["n"])).astype(np.int32), "bags": np.array(6, np.int32)})
def gated_pool(x, va, ua, w, bag, bags):
    s = (w * np.tanh(va) / (1 + np.exp(-ua))).sum(-1)
    return {"z": weights(np.broadcast_to(s, (bags, len(s))), bag == np.arange(bags)[:, None]) @ x}


@example("confidence", extra=lengths, sizes=SIZES + NO_KEYS)
def confidence(q, k, v, len):
    s = dots(q, k)
    keep = np.broadcast_to(grid(q, k)[1] < len[:, None, None, None], s.shape)
    w, kept = weights(s, keep), np.where(keep, s, -np.inf)
    top = kept.max(axis=-1, initial=-np.inf)
    is_best = keep & (kept == top[..., None])
    best = np.where(is_best.any(-1), np.append(is_best, np.ones((*top.shape, 1), bool), -1).argmax(-1), -1)
    return {"o": w @ v, "uncertainty": -(w * np.log(np.where(w == 0, 1, w))).sum(-1), "top": top,
            "best": best.astype(np.int32)}


@example("maps", extra=lengths)
def maps(q, k, v, len):
    w = weights(dots(q, k), grid(q, k)[1] < len[:, None, None, None])
    return {"o": w @ v, "w": w}
