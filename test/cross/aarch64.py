"""Runs models that were compiled for AArch64 in an emulator, and compares them with the evaluator.

usage: aarch64.py list SOURCE FOLDER            # writes weights and a model to FOLDER; prints models, as a CMake list
       aarch64.py run SOURCE FOLDER PROGRAMS    # PROGRAMS: the folder with a program run-NAME-TYPE for each model

Each model runs on an emulated CPU of each kind, on which the code for another CPU is the best.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

from narrowing import TYPES, narrow, widen  # noqa: E402

# A CPU of qemu, and the code that it runs of that for generic, neoverse-n1 and neoverse-n2.
CPUS = {"cortex-a57": "generic", "neoverse-n1": "neoverse-n1", "max": "neoverse-n2"}
LINEAR = """model linear {
  param w: f32[m in 0..150, c in 0..70] = "w"
  entry apply(x: f32[n, c]) -> o: f32[n, m] {
    o = sum[c](x * w)
  }
}
"""


def attention(b, h, i, j, d, e, g=1, **extra):
    return {"q": (b, h * g, i, d), "k": (b, h, j, d), "v": (b, h, j, e)}, extra


# Prefill with all tails, a mask, heads that share keys, few queries, a linear layer.
CALLS = [
    ("dot_product", "f32", attention(1, 2, 67, 101, 40, 72)),
    ("dot_product", "f32", attention(1, 2, 1, 200, 64, 64)),
    ("dot_product", "bf16", attention(1, 1, 67, 101, 64, 64)),
    ("causal", "f32", attention(2, 1, 90, 90, 64, 64)),
    ("gqa", "bf16", attention(1, 2, 35, 35, 128, 128, g=3, past=np.zeros(1, np.int32))),
    ("gqa", "bf16", attention(2, 2, 1, 300, 128, 128, g=4, past=np.array([299, 60], np.int32))),
    ("gqa", "f32", attention(2, 2, 1, 120, 64, 64, g=4, past=np.array([119, 60], np.int32))),
    ("linear", "-", ({"x": (77, 70)}, {})),
]


def model(source, folder, name):
    return folder / "linear.attn" if name == "linear" else source / "examples" / "attention" / f"{name}.attn"


def target(source, folder, name, type, operands):
    """A model for CMake. Rows of bf16 are of known width: only then are they multiplied in pairs."""
    width = [str(operands[0]["q"][-1])] if type == "bf16" else []
    return ":".join([str(model(source, folder, name)), type, *width])


def write_model(folder):
    """LINEAR, and a safetensors file for it."""
    (folder / "linear.attn").write_text(LINEAR)
    data = np.random.default_rng(1).standard_normal((150, 70)).astype(np.float32).tobytes()
    header = f'{{"w":{{"dtype":"F32","shape":[150,70],"data_offsets":[0,{len(data)}]}}}}'.encode()
    (folder / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)


def run(command, **environment):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=os.environ | environment)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def check(source, folder, programs, number, name, type, operands):
    """Yields what is wrong."""
    shapes, extra = operands
    rng = np.random.default_rng(number)
    weights = [folder / "w.safetensors"] if name == "linear" else []
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        reference = ["fovea", "run", model(source, folder, name), "--reference", "--out", f"o={work / 'reference.npy'}"]
        reference += ["--weights", *weights] if weights else ["--set", f"{name}.T={type}"]
        for operand, value in ({name: None for name in shapes} | extra).items():
            if value is None:
                value = narrow(rng.standard_normal(shapes[operand]).astype(np.float32), type.replace("-", "f32"))[0]
            np.save(work / f"{operand}.npy", value)
            reference += ["--in", f"{operand}={work / operand}.npy"]
        run(reference)
        expected = widen(np.load(work / "reference.npy"))
        # Sums of f32 in another order, and a result that is rounded once.
        bound = np.abs(expected).max() * (2.0 ** -TYPES[type.replace("-", "f32")][0] + 2.0 ** -18)
        for emulated, cpu in CPUS.items():
            command = ["qemu-aarch64", "-cpu", emulated, "-L", "/usr/aarch64-linux-gnu"]
            found = run([*command, programs / f"run-{name}-{type}", work, *weights], FOVEA_CPU="")
            error = np.abs(widen(np.load(work / "o.out.npy")) - expected).max()
            print(f"{name} {type} on {emulated}: code for {found}, {'agrees' if error <= bound else 'differs'}")
            if found != cpu or not error <= bound:
                yield f"{name} {type} {shapes} on {emulated}: runs code for {found}, differs by {error:.1e}"


def main():
    source, folder = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    if sys.argv[1] == "list":
        write_model(folder)
        print(";".join(sorted({target(source, folder, *call) for call in CALLS})))
        return 0
    wrong = [line for number, call in enumerate(CALLS)
             for line in check(source, folder, pathlib.Path(sys.argv[4]), number, *call)]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
