"""std.kernels, called from a model, against the formula of each."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import dots, rotate_half, rows, softmax  # noqa: E402
from harness import Case, draw, integers, main  # noqa: E402


def additive(q, k, v, u):
    return {"o": softmax((np.tanh(q[:, None, :] + k[None, :, :]) * u).sum(-1)) @ v}


def masked(q, k, v, past):
    s = dots(q, k)
    i, j = rows(s)
    return {"o": softmax(s, j <= i + past[:, None, None]) @ v}


def padded(q, k, v, length):
    s = dots(q, k)
    return {"o": softmax(s, rows(s)[1] < length[:, None, None]) @ v}


def causal(q, k, v):
    s = dots(q, k)
    i, j = rows(s)
    return {"o": softmax(s, j <= i) @ v}


def rotary(q, k, v):
    turned = (rotate_half(x, np.arange(len(x)), 10000.0) for x in (q, k))
    return {"o": softmax(dots(*turned)) @ v}


def qkv(i, j, d, e, *outer):
    return draw(i + 7 * j, q=(*outer, i, d), k=(*outer, j, d), v=(*outer, j, e))


def cases():
    for i, j, d, e in ((1, 1, 2, 1), (5, 7, 8, 3), (33, 49, 16, 24), (48, 31, 64, 64), (3, 0, 4, 4), (0, 3, 4, 4)):
        yield Case("of_dot_product", qkv(i, j, d, e, 2, 3), lambda q, k, v: {"o": softmax(dots(q, k)) @ v})
        yield Case("of_masked", qkv(i, j, d, e, 3) | {"past": integers(0, 4, -9)}, masked)
        yield Case("of_biased", qkv(i, j, d, e, 2) | draw(3, bias=(i, j)),
                   lambda q, k, v, bias: {"o": softmax(dots(q, k) + bias) @ v})
        yield Case("of_padded", qkv(i, j, d, e, 3) | {"length": integers(0, 1, j)}, padded)
        yield Case("of_causal", qkv(i, j, d, e), causal)
        yield Case("of_additive", draw(5, q=(i, d), k=(j, d), v=(j, e), u=d), additive)
        yield Case("of_rotary", qkv(i, j, d, e), rotary, slack=10)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "kernels.attn", cases)
