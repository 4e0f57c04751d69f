"""Runs attentions of examples/attention on bf16 or f16 and compares them with NumPy in f64.

usage: narrow.py TYPE [--reference | --mcpu=CPU]    # with either: fewer sizes

Operands are rounded first, and f64 computes with what they are then. A result may have four times the error of the
formula computed plainly in f32, and half a unit of its type more: sums are f32, and are rounded once.
"""

import dataclasses
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from check import REFERENCE_TOLERANCE, difference, evaluate, run  # noqa: E402
from formulas import EXAMPLES  # noqa: E402
from narrowing import narrow, rounding, widen  # noqa: E402

NARROW = {"q", "k", "v", "kc", "vc"}
# Around tiles of 32 queries, groups of 256 and blocks of 96 keys; widths that are whole vectors and that are not.
SIZES = [dict(b=1, h=1, i=1, j=1, d=40, e=40), dict(b=2, h=2, i=31, j=97, d=64, e=64),
         dict(b=1, h=2, i=257, j=193, d=80, e=128), dict(b=1, h=1, i=33, j=95, d=128, e=72),
         dict(b=1, h=3, i=13, j=7, d=5, e=3), dict(b=1, h=1, i=32, j=96, d=16, e=8)]
SQUARE = [{**size, "i": size["j"]} for size in SIZES]
CASES = {"dot_product": SIZES, "causal": SQUARE[:3], "rope": [SQUARE[1]], "gqa": [s | {"g": 2} for s in SIZES[1:3]],
         "paged": None}  # its own sizes


def check(example, type, sizes, seed, options):
    """Says what is wrong, or nothing."""
    operands = example.draw(sizes, seed)
    passed, exact = dict(operands), dict(operands)
    for name in NARROW & operands.keys():
        passed[name], exact[name] = narrow(operands[name], type)
    double, single = (evaluate(example, exact, dtype)["o"] for dtype in (np.float64, np.float32))
    # Every second program knows the widths when it is compiled.
    settings = [f"{example.entry}.T={type}"] + example.settings
    if seed % 2 and {"d", "e"} <= sizes.keys() and example.file != "rope":
        settings += [f"{example.entry}.{index}={sizes[index]}" for index in "de"]
    with tempfile.TemporaryDirectory() as folder:
        found = run(dataclasses.replace(example, settings=settings), passed, {"o": None}, pathlib.Path(folder),
                    *options)["o"]
    sums = REFERENCE_TOLERANCE
    if "--reference" not in options:
        sums = 4 * max(difference(single, double), np.abs(double).max(initial=0) * np.finfo(np.float32).eps)
    error = np.abs(widen(found).reshape(double.shape) - double)
    excess = error - sums - rounding(double, type)
    if not (excess <= 0).all():
        return f"{example.entry} {type} {sizes}: differs by {error.max():.1e}, of which {excess.max():.1e} is too much"
    return None


def main():
    type, *options = sys.argv[1:]
    wrong = []
    for example in EXAMPLES:
        if example.file not in CASES:
            continue
        cases = list(enumerate(CASES[example.file] or example.sizes))
        if options:
            cases = cases[:2][-1:]
        wrong += filter(None, (check(example, type, sizes, seed, options) for seed, sizes in cases))
        print(f"{example.file}.attn: {len(cases)} sizes in {type}")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
