"""Runs layer.attn with weights that it must refuse, and prints what it says of each.

usage: bad_weights.py LAYER.attn
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np


def safetensors(name="w", dtype="F32", shape=(3, 4), size=48):
    header = json.dumps({name: {"dtype": dtype, "shape": list(shape), "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + np.ones(size // 4, np.float32).tobytes()


WEIGHTS = {
    "good": safetensors(),
    "no weights": None,
    "no file": "missing",
    "empty": b"",
    "cut off": safetensors()[:-1],
    "huge header": b"\xff" * 8 + safetensors()[8:],
    "huge shape": safetensors(shape=(2**62, 4)),
    "other name": safetensors(name="v"),
    "other rank": safetensors(shape=(12,)),
    "other shape": safetensors(shape=(6, 2)),
    "other type": safetensors(dtype="I32"),
}

for name, weights in WEIGHTS.items():
    for mode in ([], ["--reference"]):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            command = ["fovea", "run", sys.argv[1], "--random", "1", "--size", "n=5", "--out", f"y={folder / 'y.npy'}"]
            path = folder / "w.safetensors"
            if isinstance(weights, bytes):
                path.write_bytes(weights)
            if weights is not None:
                command += ["--weights", str(path)]
            done = subprocess.run(command + mode, capture_output=True, text=True)
            left = (folder / "y.npy").exists()
        label = " ".join([name, *mode])
        if done.returncode not in (0, 1, 2) or left != (done.returncode == 0):
            sys.exit(f"{label}: exit status {done.returncode}, {'a' if left else 'no'} result\n{done.stderr}")
        errors = [line for line in done.stderr.splitlines() if "error: " in line]
        print(f"{label}: {errors[0] if errors else done.returncode}")
