"""Runs a random attention compiled and in the reference evaluator, and says how they differ."""

import dataclasses
import re
import subprocess

import numpy as np

# A difference in f32 beyond this share of the largest value is no rounding: the
# scores of these programs are small. A result that is rounded to 16 bits may
# also be two of its units away.
F32_TOLERANCE = 5e-4
UNITS = {"f32": 0.0, "f16": 2.0**-9, "bf16": 2.0**-6}
SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Finding:
    kind: str  # "crash", "hang", "refused" or "wrong"
    message: str


def load(path):
    array = np.load(path)
    if array.dtype.kind == "V":  # bf16
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return array


def run(command):
    """A Finding unless the command exits with 0."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return Finding("hang", f"no result after {SECONDS} s")
    if done.returncode == 0:
        return None
    text = done.stderr.decode(errors="replace")
    # A shell adds 128 to the number of a signal.
    kind = "refused" if done.returncode in (1, 2) else "crash"
    return Finding(kind, f"exit status {done.returncode}\n{text[-3000:]}")


def difference(found, expected, unit):
    """What is wrong with a result, or None."""
    if found.shape != expected.shape:
        return f"has shape {found.shape}, expected {expected.shape}"
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        close = np.abs(found - expected) <= F32_TOLERANCE * max(largest, 1e-3) + unit * np.abs(expected)
    wrong = ~(same | close)
    if not wrong.any():
        return None
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    return f"differs in {wrong.sum()} of {wrong.size} elements: {list(place)} is {found[place]}, expected {expected[place]}"


def result_type(program, name):
    """The type that the program gives a result."""
    header = program.text[program.text.index("->"):]
    type = re.search(rf"\b{name}: (\w+)", header).group(1)
    return program.settings[0].split("=")[1] if type == "T" else type


def command(program, path, seed):
    words = ["fovea", "run", str(path), "--random", str(seed)]
    for index, size in program.sizes.items():
        words += ["--size", f"{index}={size}"]
    for setting in program.settings:
        words += ["--set", setting]
    return words


def check(program, seed, folder):
    """The first Finding about a program, or None. Its files are in `folder`."""
    path = folder / "program.attn"
    path.write_text(program.text)
    results = {}
    for mode in ("compiled", "reference"):
        words = command(program, path, seed) + (["--reference"] if mode == "reference" else [])
        for name in program.results:
            results[mode, name] = folder / f"{name}.{mode}.npy"
            words += ["--out", f"{name}={results[mode, name]}"]
        if finding := run(words):
            return finding
    for name in program.results:
        found, expected = load(results["compiled", name]), load(results["reference", name])
        unit = UNITS[result_type(program, name)]
        if result_type(program, name) == "f16":  # overflows to infinity
            with np.errstate(over="ignore"):
                expected = np.where(np.abs(expected) > 65000, expected.astype(np.float16), expected)
        if remark := difference(found, expected, unit):
            return Finding("wrong", f"{name} {remark}")
    return None
