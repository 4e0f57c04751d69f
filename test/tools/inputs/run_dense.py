"""Runs dense.mlir on NumPy's inputs and compares with NumPy's result.

usage: run_dense.py DENSE.mlir
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

program = sys.argv[1]
generator = np.random.default_rng(0)
for i, c, o in [(3, 5, 7), (64, 33, 65), (1, 1, 1), (0, 4, 4), (4, 0, 4)]:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        x = generator.standard_normal((i, c), dtype=np.float32)
        w = generator.standard_normal((c, o), dtype=np.float32)
        s = np.float32(0.25)
        command = ["fovea", "run", program, "--out", f"y={folder / 'y.npy'}"]
        for key, value in {"x": x, "w": w, "s": s}.items():
            np.save(folder / f"{key}.npy", value)
            command += ["--in", f"{key}={folder / key}.npy"]
        expected = np.tanh(s * (x.astype(np.float64) @ w))
        for options in ([], ["--reference"]):
            subprocess.run(command + options, check=True, stdout=subprocess.DEVNULL)
            found = np.load(folder / "y.npy")
            error = np.abs(found - expected).max(initial=0)
            if found.shape != expected.shape or not error < 1e-5:
                sys.exit(f"sizes {i} {c} {o} {options}: shape {found.shape}, error {error}")
print("equal")
