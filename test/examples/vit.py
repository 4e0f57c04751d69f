"""Runs examples/vit.attn on drawn weights beside its formula in NumPy: at most four times the error of plain f32."""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(SOURCE / "examples" / "vit"), str(SOURCE / "bench")]

import models  # noqa: E402
import vit_model  # noqa: E402

tensors, patches = vit_model.draw(), vit_model.images(2)
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    models.save_weights(folder / "vit.safetensors", tensors)
    np.save(folder / "patches.npy", patches)
    subprocess.run(["fovea", "run", SOURCE / "examples" / "vit.attn", "--weights", folder / "vit.safetensors",
                    "--in", f"patches={folder / 'patches.npy'}", "--out", f"y={folder / 'y.npy'}"], check=True)
    found = np.load(folder / "y.npy").astype(np.float64)
double, single = (vit_model.encode(tensors, patches, dtype) for dtype in (np.float64, np.float32))
error, allowed = np.abs(found - double).max(), 4 * np.abs(single - double).max()
print(f"largest error {error:.2g}, allowed {allowed:.2g}")
sys.exit(not error <= allowed)
