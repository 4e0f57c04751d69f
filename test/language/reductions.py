"""Reductions outside of attention, and what they give for nothing (rule 7)."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import first_largest, logsumexp, softmax  # noqa: E402
from harness import Case, draw, main  # noqa: E402


def reduced(x, keep):
    count = np.broadcast_to(keep, x.shape).sum(-1)
    zero = np.where(keep, x, 0)
    return {"a": zero.sum(-1), "b": np.where(keep, x, 1).prod(-1),
            "l": np.where(keep, x, -np.inf).max(-1, initial=-np.inf),
            "m": np.where(keep, x, np.inf).min(-1, initial=np.inf),
            "e": zero.sum(-1) / np.maximum(count, 1).astype(x.dtype),
            "s": softmax(x, keep), "z": logsumexp(x, keep)}


def cases():
    for n, c in ((3, 7), (1, 1), (4, 0), (0, 4), (2, 97)):
        x = draw(n + c, x=(n, c))
        yield Case("plain", x, lambda x: reduced(x, np.ones(x.shape, bool)))
        yield Case("kept", x, lambda x: reduced(x, x > 1))
        yield Case("truth", x, lambda x: {"some": (x > 1).any(-1), "every": (x > -1).all(-1),
                                          "best": first_largest(x, True)})
        whole = {"x": np.random.default_rng(c).integers(-9, 9, (n, c)).astype(np.int32)}
        if c:
            yield Case("integers", whole, lambda x: {"a": np.where(x % 2 == 0, x, 0).sum(-1), "l": x.max(-1),
                                                     "best": first_largest(x, x < 0)})
        if c:
            yield Case("nested", x | draw(5, w=(c, 9)), lambda x, w: {"y": (x @ w).max(-1) - x.mean(-1)}, slack=2)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "reductions.attn", cases)
