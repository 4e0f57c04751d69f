"""Runs causal attention whose operands have an infinite element, by the CPU's matrix unit.

usage: infinite_operands.py [OPTION...]    # those of fovea run, such as --mcpu=CPU

The results that such an element of a query or key reaches are not finite, and no others: the pieces of infinity are
infinity and NaN. One of a value reaches its column in all rows that keep its key, and may reach it in others, where its
weight is 0.
"""

import pathlib
import sys
import tempfile

import numpy as np

from check import run
from formulas import EXAMPLES

ROWS, WIDTH = 70, 64
ROW, COLUMN = 37, 5  # of the element


def areas(name):
    """Where results cannot be finite, and where they have to be."""
    keeps = np.tri(ROWS, dtype=bool)[:, ROW:ROW + 1] & np.ones(WIDTH, dtype=bool)
    if name == "k":
        return keeps, ~keeps
    row, column = np.ogrid[:ROWS, :WIDTH]
    if name == "q":
        return (row == ROW) & (column >= 0), (row != ROW) & (column >= 0)
    return keeps & (column == COLUMN), (column != COLUMN) & (row >= 0)


def main():
    example = next(each for each in EXAMPLES if each.entry == "causal")
    random, wrong = np.random.default_rng(1), 0
    for name in "qkv":
        for value in (np.inf, -np.inf):
            operands = {each: random.standard_normal((1, 1, ROWS, WIDTH), np.float32) for each in "qkv"}
            operands[name][0, 0, ROW, COLUMN] = value
            with tempfile.TemporaryDirectory() as folder:
                found = run(example, operands, {"o": None}, pathlib.Path(folder), *sys.argv[1:], "--set=causal.d=64",
                            "--set=causal.e=64")["o"][0, 0]
            reached, spared = areas(name)
            print(f"{value} in {name}: reaches {(~np.isfinite(found)).sum()} elements, {reached.sum()} of them surely")
            wrong += np.isfinite(found[reached]).any() or not np.isfinite(found[spared]).all()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
