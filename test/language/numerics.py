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


def case(note, i=5, j=40, d=8, e=6, length=None, **special):
    operands = draw(i + j, q=(i, d), k=(j, d), v=(j, e), bias=(i, j))
    for name, places in special.items():
        for where, value in places:
            operands[name][where] = value
    # Scores of about 10, which nothing divides: to round one changes its weight by 5e-7.
    return Case("softened", operands | {"len": integers(j if length is None else length)}, softened, note=note,
                slack=2)


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
