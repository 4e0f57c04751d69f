"""Runs attentions by the CPU's matrix unit and compares them with NumPy in f64.

usage: matrix_unit.py bf16|f32 --mcpu=CPU

Operands are rounded first, and f64 computes with what they are then. Weights are rounded to bf16, each by half a unit
in its last place at most, so the result may be off by the weighted sum of the values' absolutes times 2^-8; beside four
times the error of the formula computed plainly in f32, and half a unit of the result. Of few queries weights are not
rounded, nor is anything else but the result. Numbers of f32 are multiplied in pieces, and may be off by four times the
error of the formula in f32 alone. Prints the greatest error and the greatest that rounding the result alone makes.
"""

import dataclasses
import functools
import inspect
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from check import difference, evaluate, run  # noqa: E402
from formulas import EXAMPLES  # noqa: E402
from narrowing import narrow, rounding, widen  # noqa: E402

NARROW = {"q", "k", "v", "kc", "vc"}
MANY = 16  # queries; fewer are computed in tiles of few rows
# Around tiles of 32 queries, 16 columns, 32 widths, and blocks of 32 and 96 keys; more queries than a group has.
SIZES = [dict(b=1, h=2, i=101, j=131, d=64, e=64), dict(b=2, h=1, i=33, j=97, d=72, e=72),
         dict(b=1, h=1, i=32, j=31, d=16, e=16), dict(b=1, h=1, i=1100, j=290, d=33, e=83),
         dict(b=1, h=1, i=70, j=64, d=5, e=3)]
# Fewer queries than fill a tile: keys of one part and of several, around blocks of 32, rows in whole tiles and not.
FEW = [dict(b=2, h=2, i=1, j=600, d=64, e=64), dict(b=1, h=2, i=3, j=97, d=72, e=40), dict(b=1, h=1, i=2, j=64, d=33, e=83),
       dict(b=2, h=1, i=1, j=7, d=128, e=128)]
SQUARE = [size | {"i": size["j"]} for size in SIZES]
CASES = {"dot_product": SIZES + FEW, "padded": SIZES + FEW, "causal": SQUARE, "sliding_window": SQUARE,
         "alibi": SQUARE[:2], "prefix": SQUARE[:2], "soft_cap": SQUARE[:1], "sink": SQUARE[:1],
         "gqa": [s | {"g": 3} for s in SIZES[:2]] + [s | {"g": g} for s, g in zip(FEW, (4, 5, 6, 1))],
         "rope": SQUARE[:1], "rope_rounded": SQUARE[:1], "paged": None}  # its own sizes


def spoil(operands, lengths):
    """Makes the keys and values of the padding, which no query sees, NaN."""
    for batch, length in enumerate(lengths):
        for name in "kv":
            operands[name][batch, :, length:] = np.nan


def check(example, sizes, seed, dtype, options):
    """What is wrong, or nothing; the greatest error, and that of rounding."""
    if "rounded" in inspect.signature(example.formula).parameters:
        example = dataclasses.replace(example, formula=functools.partial(
            example.formula, rounded=lambda x: narrow(x.astype(np.float32), dtype)[1].astype(x.dtype)))
    operands = example.draw(sizes, seed)
    exact = dict(operands)
    for name in NARROW & operands.keys():
        exact[name] = narrow(operands[name], dtype)[1]
    double, single = (evaluate(example, exact, precision)["o"] for precision in (np.float64, np.float32))
    if example.file == "padded":
        spoil(operands, operands["len"])
    passed = operands | {name: narrow(operands[name], dtype)[0] for name in NARROW & operands.keys()}
    settings = [f"{example.entry}.{name}={value}" for name, value in
                {"T": dtype, "d": sizes["d"], "e": sizes["e"]}.items()]
    with tempfile.TemporaryDirectory() as folder:
        found = run(dataclasses.replace(example, settings=settings + example.settings), passed, {"o": None},
                    pathlib.Path(folder), *options)["o"]
    sums = 4 * max(difference(single, double), np.abs(double).max(initial=0) * np.finfo(np.float32).eps)
    error, own = np.abs(widen(found).reshape(double.shape) - double), rounding(double, dtype)
    excess = error - sums - own
    if dtype == "bf16" and sizes["i"] >= MANY:
        weighed = evaluate(example, exact | {"v": np.abs(exact["v"])}, np.float64)["o"]
        excess -= weighed * 2.0**-8
    wrong = None
    if not (excess <= 0).all():
        wrong = f"{example.entry} {sizes}: differs by {error.max():.1e}, of which {excess.max():.1e} is too much"
    return wrong, error.max(), own.max()


def main():
    wrong = []
    for example in EXAMPLES:
        if example.file not in CASES or example.entry not in (example.file, "prefix_causal", "rotary", "rotary_rounded"):
            continue
        cases = CASES[example.file] or example.sizes
        found = [check(example, sizes, seed, sys.argv[1], sys.argv[2:]) for seed, sizes in enumerate(cases)]
        wrong += [message for message, _, _ in found if message]
        print(f"{example.file}.attn: {len(found)} sizes,", ", ".join(f"{error:.1e} of {own:.1e}" for _, error, own in found))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
