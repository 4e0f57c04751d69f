"""Numbers, indices and reads against NumPy."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from harness import Case, draw, integers, main  # noqa: E402


def shifted(x):
    y = x.copy()
    y[1:] += x[:-1]
    y[:-2] += x[2:]
    return {"y": y}


def layered(x):
    for t in range(4):
        x = x / 2 + t
    return {"y": x}


def logic(a, b):
    return {"x": ((a < b) & (a != 2)) | (b > 7), "y": np.where(a <= b, a, abs(a) + a)}


def cases():
    a = integers(7, -7, 7, -7, 6, -6, 0, 1, 2, 9)
    b = integers(2, 2, -2, -2, 3, 3, 5, 8, 9, 9)
    yield Case("division", {"a": a, "b": b}, lambda a, b: {"q": np.floor_divide(a, b), "r": np.mod(a, b),
                                                           "x": a / b})
    yield Case("logic", {"a": a, "b": b}, logic)
    yield Case("wide", {"a": integers(range(-5, 120))}, lambda a: {
        "y": (a.astype(np.int64) + 2147483647) * 3 + np.arange(len(a)), "z": np.arange(len(a)) * 1000003 % 97})
    for n in (3, 1, 33):
        x = draw(n, x=n)
        yield Case("powers", x, lambda x: {"a": -(x * x), "b": 512 * x, "c": np.sqrt(abs(x))}, slack=2)
        yield Case("shifted", x, shifted)
        yield Case("layered", x, layered)
        yield Case("smoothed", x | draw(1, w=3), lambda x, w: {"y": np.convolve(x, w[::-1], "full")[1:-1]})
        matrix = draw(n, x=(n, 5))
        yield Case("reversed", matrix, lambda x: {"y": x[::-1]})
        yield Case("renamed", matrix, lambda x: {"y": x @ x.T})
        yield Case("regrouped", draw(n, x=(3 * n, 5)), lambda x, n=n: {
            "y": x.reshape(3, n, 5).transpose(1, 2, 0).reshape(n, 15), "z": x.reshape(3, n, 5).sum(-1)})
        yield Case("gathered", {"words": draw(n, w=(9, 5))["w"], "ids": integers(np.arange(n) * 4 % 9)},
                   lambda words, ids: {"y": words[ids]})


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "expressions.attn", cases)
