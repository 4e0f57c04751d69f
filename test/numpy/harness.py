"""Runs the entries of a program and compares them with formulas in NumPy.

A test is a script that ends with `main(FILE, cases)`; `cases` yields Case
objects. Its arguments say which computations are compared:

  --reference   the f64 evaluator: equal up to the rounding of f64
  --compiled    the compiled program: at most four times the error that the
                formula has when NumPy computes it in f32

Formulas are written from the papers and docs, not from the code that is tested.
"""

import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import typing

import numpy as np

from weights_file import save_weights

REFERENCE_TOLERANCE = 1e-12
F32_EPSILON = float(np.finfo(np.float32).eps)
LIBRARY = pathlib.Path(__file__).resolve().parents[2] / "frontend"


@dataclasses.dataclass
class Case:
    """One run of an entry. `operands` are float32, integer or bool arrays; the
    formula gets them by name (floats in the precision to compute in) and
    returns the expected results by name."""

    entry: str
    operands: dict
    formula: typing.Callable
    settings: tuple = ()
    note: str = ""
    # How far the error bound of f32 reaches: 1 where the formula's own error
    # in f32 is a fair measure.
    slack: float = 1.0
    # What the program's parameters are read from, float32 by name; the formula gets them first.
    weights: dict = dataclasses.field(default_factory=dict)
    # Other operands for which the formula's results are the same but for
    # rounding: what its sums add, in other orders.
    reordered: typing.Callable = lambda operands: ()

    def __str__(self):
        shapes = ", ".join(f"{name}[{', '.join(map(str, value.shape))}]"
                           for name, value in self.operands.items())
        return f"{self.entry}({shapes}){' ' + self.note if self.note else ''}"


def literal(value):
    """A number of the program: reals are f32 there."""
    return float(np.float32(value))


def draw(seed, **shapes):
    """Operands from the normal distribution, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def integers(*values):
    return np.array(values[0] if len(values) == 1 else values, np.int32)


def evaluate(case, dtype):
    def convert(arrays):
        return {name: value.astype(dtype) if value.dtype.kind == "f" else value for name, value in arrays.items()}
    weights = [convert(case.weights)] if case.weights else []
    with np.errstate(all="ignore"):
        results = case.formula(*weights, **convert(case.operands))
    return {name: np.asarray(value) for name, value in results.items()}


def run(path, case, names, reference):
    """The results of `fovea run`; raises RuntimeError with its message."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = ["fovea", "run", str(path), "--entry", case.entry, "-I", str(LIBRARY)]
        command += ["--reference"] if reference else []
        for setting in case.settings:
            command += ["--set", setting]
        if case.weights:
            save_weights(folder / "weights.safetensors", case.weights)
            command += ["--weights", str(folder / "weights.safetensors")]
        for name, value in case.operands.items():
            np.save(folder / f"{name}.npy", value)
            command += ["--in", f"{name}={folder / name}.npy"]
        for name in names:
            command += ["--out", f"{name}={folder / name}.out.npy"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"fovea run exits with {done.returncode}\n{done.stderr}")
        return {name: np.load(folder / f"{name}.out.npy") for name in names}


def gap(found, expected):
    """The largest difference. Equal infinities, and NaN with NaN, differ by 0."""
    if found.shape != expected.shape:
        return f"has shape {list(found.shape)}, expected {list(expected.shape)}"
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        difference = np.where(same, 0.0, np.abs(found - expected))
    return float(np.where(np.isnan(difference), np.inf, difference).max(initial=0))


def bound(case, name, expected, reference):
    """How far a result may be from the formula in f64."""
    values = expected[name]
    if values.dtype.kind != "f":
        return 0.0
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0))
    if reference:
        return REFERENCE_TOLERANCE * max(1.0, largest)
    orders = [case.operands, *case.reordered(case.operands)]
    cases = [dataclasses.replace(case, operands=operands) for operands in orders]
    errors = [gap(evaluate(case, np.float32)[name], values) for case in cases]
    plain = max((error for error in errors if not isinstance(error, str) and np.isfinite(error)), default=0.0)
    return 4 * case.slack * max(plain, F32_EPSILON * largest)


def check(path, case, reference):
    """Yields what is wrong with one case."""
    expected = evaluate(case, np.float64)
    try:
        found = run(path, case, expected, reference)
    except RuntimeError as error:
        yield f"{case}: {error}"
        return
    for name in expected:
        difference, allowed = gap(found[name], expected[name]), bound(case, name, expected, reference)
        if isinstance(difference, str):
            yield f"{case}: {name} {difference}"
        elif not difference <= allowed:
            yield f"{case}: {name} differs by {difference:.2e}, more than {allowed:.2e}"


def main(path, cases):
    parser = argparse.ArgumentParser()
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--only", default="", help="entries whose name has this")
    options = parser.parse_args()
    modes = [mode for mode, on in ((True, options.reference), (False, options.compiled)) if on]
    if not modes:
        parser.error("expected --reference or --compiled")
    wrong = count = 0
    for case in cases():
        if options.only not in case.entry:
            continue
        for reference in modes:
            count += 1
            for remark in check(path, case, reference):
                wrong += 1
                print(f"{'reference' if reference else 'compiled'}: {remark}")
    print(f"{pathlib.Path(path).name}: {count} runs, {wrong} wrong")
    sys.exit(1 if wrong or not count else 0)
