"""Runs examples/vit.attn on drawn weights beside its formula in NumPy, in f32 and bf16: at most four times the error of the
formula in f32, which rounds to bf16 where the program does."""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(SOURCE / "examples" / "vit"), str(SOURCE / "bench"), str(SOURCE / "test" / "numpy")]

import models  # noqa: E402
import vit_model  # noqa: E402
from grid import DTYPES  # noqa: E402
from narrowing import widen  # noqa: E402


def check(dtype):
    """Whether the result is as near as it has to be."""
    tensors = {name: value.astype(DTYPES[dtype]) for name, value in vit_model.draw().items()}
    patches = vit_model.images(2).astype(DTYPES[dtype])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        models.save_weights(folder / "vit.safetensors", tensors)
        np.save(folder / "patches.npy", patches)
        subprocess.run(["fovea", "run", SOURCE / "examples" / "vit.attn", "--set", f"vit.T={dtype}",
                        "--weights", folder / "vit.safetensors", "--in", f"patches={folder / 'patches.npy'}",
                        "--out", f"y={folder / 'y.npy'}"], check=True)
        found = widen(np.load(folder / "y.npy"))
    double = vit_model.encode(tensors, patches, np.float64)
    single = vit_model.encode(tensors, patches, np.float32, models.rounding(dtype))
    error, allowed = np.abs(found - double).max(), 4 * np.abs(single - double).max()
    print(f"{dtype}: largest error {error:.2g}, allowed {allowed:.2g}")
    return error <= allowed


sys.exit(not all([check(dtype) for dtype in DTYPES]))
