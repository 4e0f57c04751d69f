"""Runs rows.mlir and compares with the reference evaluator, on 1 thread and on 3.

usage: run_rows.py ROWS.mlir
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

program = sys.argv[1]
generator = np.random.default_rng(0)


def normal(*shape):
    return generator.standard_normal(shape, dtype=np.float32)


def bf16(*shape):
    """Normal numbers as the upper halves of f32; NumPy has no name for them."""
    return (normal(*shape).view(np.uint32) >> 16).astype(np.uint16).view("V2")


def cases():
    # More rows than one task has, one row, and none.
    for b, n in [(3, 50), (1, 1), (0, 5), (2, 0)]:
        inputs = {"x": normal(b, n, 384), "a": normal(b, n, 384)}
        yield "norm", inputs | {"g": normal(384), "h": normal(384)}
    for b, n, c in [(4, 30, 300), (2, 3, 7), (1, 1, 0), (0, 2, 4)]:
        ids = generator.integers(-3, 15, (b, n), dtype=np.int32)
        yield "lookup", {"ids": ids, "words": normal(11, c)}
    for b, n, c in [(5, 40, 200), (3, 9, 17), (2, 0, 3), (2, 3, 0)]:
        lens = generator.integers(0, n + 1, b, dtype=np.int32)
        yield "means", {"x": bf16(b, n, c), "lens": lens}
    for c, b in [(100, 333), (1, 17), (33, 1), (0, 3)]:
        yield "functions", {"x": 3 * normal(c, b)}
    edges = [0.0, -0.0, 1e-30, -1e-8, 0.5, 4.0, -4.0, 30.0, -30.0, -80.0, 88.0]
    yield "functions", {"x": np.array([edges], np.float32)}


def run(entry, inputs, *options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = ["fovea", "run", program, "--entry", entry, *options]
        command += ["--out", f"y={folder / 'y.npy'}"]
        for key, value in inputs.items():
            np.save(folder / f"{key}.npy", value)
            command += ["--in", f"{key}={folder / key}.npy"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return np.load(folder / "y.npy")


for entry, inputs in cases():
    found = run(entry, inputs, "--threads", "1")
    expected = run(entry, inputs, "--reference")
    where = f"{entry} {[value.shape for value in inputs.values()]}"
    if found.shape != expected.shape:
        sys.exit(f"{where}: expected shape {expected.shape}, but found {found.shape}")
    error = (np.abs(found - expected) / (1 + np.abs(expected))).max(initial=0)
    if not error < 2e-6:
        sys.exit(f"{where}: error {error}")
    if found.tobytes() != run(entry, inputs, "--threads", "3").tobytes():
        sys.exit(f"{where}: other bits on 3 threads")
print("equal")
