"""Few queries and many keys: keys in parts that are merged, heads that visit blocks of keys together."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

import results  # noqa: E402
from harness import Case, draw, integers, main  # noqa: E402


def given(note, n=1500, length=None, **places):
    operands = draw(n, s=(6, n), v=(n, 8))
    for name, values in places.items():
        for where, value in values:
            operands[name][where] = value
    return Case("given", operands | {"len": integers(n if length is None else length)}, results.given, note=note, slack=2)


def cases():
    inf, nan, everything = np.inf, np.nan, slice(None)
    # Around a block, the least part, and several of them; parts without any key that is kept.
    for seed, n in enumerate((31, 33, 255, 257, 512, 1000)):
        yield results.make(2, 3, 4, 1, n, [n - 1, n // 2], [n, 7], seed)
    # Heads that fill one group of tiles, and that do not; queries that fill a tile, and that do not.
    for h, g, i in ((1, 1, 1), (32, 1, 1), (40, 4, 2), (5, 9, 1), (3, 130, 1), (2, 1, 15)):
        yield results.make(1, h, g, i, 600, [400], [550], h, 16, 24, 8)
    # Enough iterations without any parts.
    yield results.make(40, 1, 2, 3, 700, list(range(0, 800, 20)), [650] * 40, 1, 8, 8, 8)
    yield Case("dense", draw(1, q=(3, 2, 16), k=(3, 1100, 16)), results.dense)

    yield given("plain")
    yield given("all keys masked", length=0)
    yield given("one part has keys", length=200)
    yield given("a masked key of NaN", length=700, s=[((2, 1030), nan), ((3, 900), inf)])
    yield given("-inf is not kept", s=[((2, everything), -inf), ((1, 3), -inf), ((0, slice(1, 1500)), -inf)])
    yield given("NaN that is kept", s=[((2, 7), nan), ((4, 1499), nan)])
    yield given("+inf that is kept", s=[((2, 7), inf), ((4, 1499), inf)])
    yield given("equal scores: the first", s=[((everything, everything), 0), ((3, slice(700, 705)), 1)])
    yield given("the largest in each part", s=[((0, slice(0, 1500, 100)), 30), ((1, slice(5, 1500, 300)), -40)])

    for n, m in ((1, 300), (5, 700), (13, 1025)):
        operands = draw(n, q=(n, 8), k=(m, 8), v=(m, 6), u=(m,))
        prior = np.random.default_rng(n).random(m).astype(np.float32) + np.float32(0.1)
        yield Case("derived", operands | {"prior": prior}, results.derived, slack=2)
        yield Case("shares", operands, results.shares)
        yield Case("sunk", draw(n, q=(n, 8), k=(m, 8), v=(m, 6), c=(n,)), results.sunk, slack=2)
        yield Case("unnormalized", draw(n, q=(n, 8), k=(m, 8), v=(m, 6), u=(m, 40)), results.unnormalized)
        yield Case("used", draw(n, q=(3, n, 8), k=(3, m, 8), v=(m,)) | {"len": integers(m, m // 2, 0)}, results.used, slack=2)
        yield Case("nearest", draw(n, x=(3, n, 8), code=(m, 8)), results.nearest)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "results.attn", cases)
