"""Rule 7 of the language: empty rows, infinities, NaN, large scores."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import logsumexp, sigmoid, softmax  # noqa: E402
from harness import Case, draw, integers, main  # noqa: E402


def softened(q, k, v, bias, len):
    s = q @ k.T + bias
    keep = np.arange(s.shape[1]) < len
    w = softmax(s, keep)
    return {"o": w @ v, "lse": logsumexp(s, keep), "w": w}


def plain(weigh):
    def formula(q, k, v, len):
        keep = np.arange(k.shape[0]) < len
        return {"o": np.where(keep, weigh(q @ k.T), 0).astype(q.dtype) @ v}
    return formula


def shuffled(operands):
    """The width of queries and keys in other orders.

    A score of about 7 is a sum of 8 products and a bias that nothing divides: its partial sums round by up to half a
    unit in the last place of numbers in [4, 8), 2.4e-7 each. An error r of a score is one of r, relative, in its weight
    w(1 - w), whereas all that follows (differences to the largest score, exponentials, sums, the division) adds
    about 1e-8 to a weight here. So the order of one sum decides the error of a result, and one order is no measure: the
    one NumPy takes happens to be wrong by 3e-8 where a tree of halves is wrong by 5e-7.
    """
    rng = np.random.default_rng(1)
    for _ in range(16):
        order = rng.permutation(operands["q"].shape[1])
        yield operands | {name: np.ascontiguousarray(operands[name][:, order]) for name in "qk"}


def case(note, i=5, j=40, d=8, e=6, length=None, **special):
    operands = draw(i + j, q=(i, d), k=(j, d), v=(j, e), bias=(i, j))
    for name, places in special.items():
        for where, value in places:
            operands[name][where] = value
    return Case("softened", operands | {"len": integers(j if length is None else length)}, softened, note=note,
                reordered=shuffled)


def cases():
    inf, nan, everything = np.inf, np.nan, slice(None)
    yield case("no keys at all", j=0)
    yield case("no queries", i=0)
    yield case("nothing to contract", d=0)
    yield case("no values", e=0)
    yield case("nothing at all", i=0, j=0, d=0, e=0)
    yield case("all keys masked", length=0)
    yield case("-inf is not kept", bias=[((2, everything), -inf), ((1, 3), -inf), ((0, slice(1, 40)), -inf)])
    yield case("NaN that is kept", bias=[((2, 7), nan)])
    yield case("NaN in the last key", bias=[((4, 39), nan)])
    yield case("NaN that is masked", length=33, bias=[((2, 34), nan), ((everything, 39), nan)])
    yield case("+inf that is kept", bias=[((1, 0), inf), ((3, 38), inf)])
    yield case("+inf that is masked", length=33, bias=[((1, 35), inf), ((3, 38), inf)])
    yield case("+inf and -inf in one row", bias=[((1, 0), inf), ((1, 1), -inf)])
    yield case("a masked key of NaN", length=20, k=[((25,), nan), ((39,), inf)])
    yield case("a query of NaN", q=[((2,), nan)])
    yield case("an infinite value", v=[((3, 1), inf)])
    yield case("large scores", bias=[((0, everything), 3e4), ((1, everything), -3e4)])
    yield case("scores far apart", bias=[((0, 5), 200), ((1, 6), -300)])
    for i, j, length in ((5, 40, 33), (3, 7, 0), (2, 0, 0), (33, 49, 49)):
        operands = draw(i, q=(i, 8), k=(j, 8), v=(j, 6)) | {"len": integers(length)}
        yield Case("sigmoids", operands, plain(sigmoid))
        yield Case("rectified", operands, plain(lambda s: np.maximum(s, 0)))
        yield Case("linear", operands, plain(lambda s: s))


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "numerics.attn", cases)
