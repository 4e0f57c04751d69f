"""Lengths around the tiles, group sizes, widths, and rows without keys."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import dots, logsumexp, rows, softmax  # noqa: E402
from harness import Case, draw, integers, main  # noqa: E402

# Around a register tile, a tile of queries, a block of keys, a group of tiles.
LENGTHS = (0, 1, 2, 11, 13, 31, 32, 33, 49, 95, 96, 97, 193, 255, 256, 257)


def grouped(q, k, v, past, len):
    group = q.shape[1] // k.shape[1]
    s = dots(q, np.repeat(k, group, 1))
    i, j = rows(s)
    keep = (j <= i + past[:, None, None, None]) & (j < len[:, None, None, None])
    return {"o": softmax(s, keep) @ np.repeat(v, group, 1), "lse": logsumexp(s, keep)}


def dense(q, k, v):
    return {"o": softmax(dots(q, k)) @ v}


def chosen(q, k, v, keep):
    return {"o": softmax(dots(q, k), keep) @ v}


def make(b, h, g, i, j, d, e, past, length, seed):
    operands = draw(seed, q=(b, h * g, i, d), k=(b, h, j, d), v=(b, h, j, e))
    return Case("grouped", operands | {"past": integers([past] * b), "len": integers([length] * b)}, grouped,
                note=f"past {past}, len {length}")


def cases():
    for seed, n in enumerate(LENGTHS):
        other = LENGTHS[(5 * seed + 3) % len(LENGTHS)]
        yield make(1, 2, 1, n, n, 64, 64, 0, n, seed)                       # causal, square
        yield make(1, 1, 2, n, other, 16, 24, 3, max(other - 1, 0), seed)   # another number of keys
        yield Case("dense", draw(seed, q=(1, 2, n, 32), k=(1, 2, other, 32), v=(1, 2, other, 32)), dense)
    for g in (1, 2, 3, 8):
        yield make(2, 2, g, 33, 49, 64, 64, 16, 40, g)
        yield make(3, 2, g, 1, 193, 64, 64, 192, 193, g)                    # decoding
    for d, e in ((1, 1), (3, 5), (8, 40), (128, 64), (64, 128), (80, 80)):
        yield make(1, 1, 1, 17, 35, d, e, 20, 35, d)
    for n in (1, 5, 33, 97):
        keep = np.random.default_rng(n).random((n, n)) < 0.5
        yield Case("chosen", draw(n, q=(n, 16), k=(n, 16), v=(n, 8)) | {"keep": keep}, chosen)
    rows_without_keys = draw(7, q=(4, 2, 35, 16), k=(4, 1, 50, 16), v=(4, 1, 50, 16))
    yield Case("grouped", rows_without_keys | {"past": integers(-20, 0, 100, -100), "len": integers(50, 0, 1, 50)}, grouped,
               note="rows without keys")
    unequal = draw(8, q=(5, 6, 48, 32), k=(5, 2, 49, 32), v=(5, 2, 49, 32))
    yield Case("grouped", unequal | {"past": integers(0, 1, 5, 48, 7), "len": integers(1, 48, 49, 33, 0)}, grouped,
               note="unequal lengths")


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "regimes.attn", cases)
