"""Runs the files of examples/attention and compares them with NumPy in f64.

usage: check.py [--reference] [EXAMPLE...]    # names of files without .attn; default: all
       check.py --complete                    # says whether each file has a formula and the reverse

Each example runs compiled, and its error may be four times that of the formula computed plainly in f32; or, with
--reference, in the reference evaluator.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from formulas import EXAMPLES

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "attention"
REFERENCE_TOLERANCE = 1e-10  # a temperature of 1e-4 magnifies the rounding of f64


def run(example, operands, names, folder, *options):
    """Results by name of `fovea run`; exits with its message when it fails."""
    command = ["fovea", "run", str(FOLDER / f"{example.file}.attn"), "--entry", example.entry, *options]
    for setting in example.settings:
        command += ["--set", setting]
    for name, value in operands.items():
        np.save(folder / f"{name}.npy", value)
        command += ["--in", f"{name}={folder / name}.npy"]
    for name in names:
        command += ["--out", f"{name}={folder / name}.out.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{example.entry}: {' '.join(command)}\n{done.stderr}")
    return {name: np.load(folder / f"{name}.out.npy") for name in names}


def evaluate(example, operands, dtype):
    cast = {name: value.astype(dtype) if value.dtype.kind == "f" else value for name, value in operands.items()}
    with np.errstate(divide="ignore", invalid="ignore"):  # log 0 of an empty row
        return example.formula(**cast)


def difference(found, expected):
    """The largest difference; equal infinities differ by 0, a NaN by infinity."""
    if found.shape != expected.shape:
        sys.exit(f"expected shape {expected.shape}, but got {found.shape}")
    with np.errstate(invalid="ignore"):
        gap = np.where(found == expected, 0, np.abs(found.astype(np.float64) - expected))
    return np.where(np.isnan(gap), np.inf, gap).max(initial=0)


def check(example, reference, folder):
    """Yields what is wrong."""
    for seed, sizes in enumerate(example.sizes):
        operands = example.draw(sizes, seed)
        double, single = (evaluate(example, operands, dtype) for dtype in (np.float64, np.float32))
        where = f"{example.entry} {' '.join(f'{k}={v}' for k, v in sizes.items())}"
        found = run(example, operands, double, folder, *(["--reference"] if reference else []))
        for name, expected in double.items():
            size = np.abs(expected[np.isfinite(expected)]).max(initial=0)
            bound = 4 * max(difference(single[name], expected), size * np.finfo(np.float32).eps)
            if reference:
                bound = REFERENCE_TOLERANCE * max(1, size)
            error = difference(found[name], expected)
            if not error <= bound:
                yield f"{where}: {name} differs by {error:.1e}, more than {bound:.1e}"


def main():
    names = sys.argv[1:]
    if names == ["--complete"]:
        lone = {path.stem for path in FOLDER.glob("*.attn")} ^ {example.file for example in EXAMPLES}
        print("\n".join(f"{name}: expected a file and a formula, but got one of them" for name in sorted(lone)))
        return 1 if lone else 0
    reference = "--reference" in names
    names = [name for name in names if name != "--reference"]
    unknown = set(names) - {example.file for example in EXAMPLES}
    if unknown:
        sys.exit(f"expected names of examples, but got {' '.join(sorted(unknown))}")
    wrong = []
    for example in EXAMPLES:
        if names and example.file not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = list(check(example, reference, pathlib.Path(folder)))
        print(f"{example.file}.attn {example.entry}: {len(example.sizes)} sizes, {'equal' if not found else 'different'}")
        wrong += found
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
