"""std.information against the formulas of its papers."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import rows, softmax  # noqa: E402
from harness import Case, draw, main  # noqa: E402


def measures(p, r):
    logarithm = np.log(np.where(p > 0, p, 1))
    h = -(p * logarithm).sum(-1)
    return {"h": h, "e": np.exp(h), "d": (p * (logarithm - np.where(p > 0, np.log(r), 0))).sum(-1)}


def attended(q, k, r):
    s = q @ k.T
    i, j = rows(s)
    return measures(softmax(s, j <= i), r)


def cases():
    for n, c in ((1, 1), (3, 7), (40, 130), (5, 33), (0, 4)):
        rng = np.random.default_rng(n)
        r = rng.random(c).astype(np.float32) + np.float32(0.1)
        p = rng.random((n, c)).astype(np.float32) * (rng.random((n, c)) < 0.7)
        yield Case("of_a_tensor", {"p": (p / np.maximum(p.sum(-1, keepdims=True), 1e-9)).astype(np.float32), "r": r},
                   measures, slack=2)
        yield Case("of_an_attention", draw(n, q=(n, 8), k=(c, 8)) | {"r": r}, attended, slack=2)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "information.attn", cases)
