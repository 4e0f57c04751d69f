"""Runs all-MiniLM-L6-v2 in the reference evaluator and compares it with NumPy in f64.

usage: evaluator.py SOURCE      # the root of the source tree; `fovea` is found in PATH
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

SOURCE = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(SOURCE / "examples" / "minilm"))
import reference  # noqa: E402
import weights  # noqa: E402

TOLERANCE = 1e-12
LIMIT = 30.0  # seconds for 1 x 16 tokens

tensors = weights.load()
for batch, n, seed in ((1, 16, 1), (2, 3, 8)):
    ids, length = reference.sample_batch(batch, n, seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "ids.npy", ids)
        np.save(folder / "len.npy", length)
        start = time.monotonic()
        subprocess.run(["fovea", "run", str(SOURCE / "examples" / "minilm.attn"), "--reference",
                        "--weights", str(weights.model_dir() / "model.safetensors"),
                        "--in", f"ids={folder}/ids.npy", "--in", f"len={folder}/len.npy", "--out", f"y={folder}/y.npy"],
                       check=True)
        seconds = time.monotonic() - start
        difference = np.abs(np.load(folder / "y.npy") - reference.embed(tensors, ids, length)).max()
    print(f"{batch} x {n} tokens: differs from NumPy f64 by {difference:.1e}, in {seconds:.1f} s")
    if not difference <= TOLERANCE:
        sys.exit(f"expected a difference of at most {TOLERANCE}")
    if seconds > LIMIT:
        sys.exit(f"expected at most {LIMIT} s")
