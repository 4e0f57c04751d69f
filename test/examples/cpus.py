"""Compiles attentions and a model for several CPUs at once, and compares the code for some of them with the evaluator.

usage: cpus.py CPU...    # of those in ALL; this machine must have their features
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

from narrowing import TYPES, widen  # noqa: E402
from weights_file import save_weights  # noqa: E402

ALL = "x86-64-v2,znver4,x86-64,sapphirerapids,x86-64-v4,x86-64-v3"
ATTENTION = pathlib.Path(__file__).resolve().parents[2] / "examples" / "attention"
LINEAR = """model linear {
  param w: f32[m in 0..150, c in 0..70] = "w"
  entry apply(x: f32[n, c]) -> o: f32[n, m] {
    o = sum[c](x * w)
  }
}
"""
# Files with the sizes of a call: prefill with all tails, a mask, shared heads, one query.
CALLS = [("dot_product", "b=1,h=2,i=67,j=101,d=40,e=72", "f32"), ("dot_product", "b=1,h=2,i=67,j=101,d=64,e=64", "bf16"),
         ("causal", "b=2,h=1,i=150,j=150,d=64,e=64", "f32"), ("gqa", "b=1,h=2,g=3,i=35,j=35,d=128,e=128", "bf16"),
         ("gqa", "b=2,h=2,g=4,i=1,j=200,d=64,e=64", "f32"), ("linear", "n=77", "f32")]


def run(arguments, path, cpu):
    done = subprocess.run(["fovea", "run", *arguments, "--random", "3", "--out", f"o={path}"], text=True,
                          capture_output=True, env=os.environ | {"FOVEA_CPU": cpu})
    if done.returncode:
        sys.exit(f"fovea run {' '.join(arguments)} on {cpu}: {done.stderr}")
    return widen(np.load(path))


def weights(folder):
    """A safetensors file for LINEAR."""
    w = np.random.default_rng(1).standard_normal((150, 70)).astype(np.float32)
    save_weights(folder / "w.safetensors", {"w": w})
    return str(folder / "w.safetensors")


def main():
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "linear.attn").write_text(LINEAR)
        for name, sizes, type in CALLS:
            arguments = [str((folder if name == "linear" else ATTENTION) / f"{name}.attn"), "--size", sizes]
            arguments += ["--weights", weights(folder)] if name == "linear" else ["--set", f"{name}.T={type}"]
            if type == "bf16":  # products of pairs want to know the widths
                arguments += [f"--set={name}.{size}" for size in sizes.split(",") if size[0] in "de"]
            expected = run(arguments + ["--reference"], folder / "reference.npy", "")
            largest = np.abs(expected).max()
            for cpu in sys.argv[1:]:
                # All in one object once; else with one that every machine has, which compiles sooner.
                cpus = ALL if name == "linear" else f"x86-64-v2,{cpu}" if cpu != "x86-64-v2" else "x86-64,x86-64-v2"
                error = np.abs(run(arguments + ["--mcpu", cpus], folder / "found.npy", cpu) - expected).max()
                bound = largest * (2.0 ** -TYPES[type][0] + 2.0 ** -18)
                agrees = error <= bound
                print(f"{name} {sizes} in {type} for {cpu}: {'agrees' if agrees else f'differs by {error:.1e}'}")
                wrong += not agrees
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
