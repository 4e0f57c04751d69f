"""Runs linear layers on bf16 and compares them with NumPy in f64.

usage: narrow_layers.py [OPTION...]    # those of fovea run, such as --mcpu=CPU

Operands and weights are rounded first, and f64 computes with what they are then. The result may be off by four times the
error of the formula computed plainly in f32, which rounds where the program does, and by half a unit of the result.
Prints the greatest error beside the greatest that rounding the result makes.
"""

import math
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from narrowing import narrow, rounding, widen  # noqa: E402
from weights_file import save_weights  # noqa: E402

FILE = pathlib.Path(__file__).with_name("inputs") / "narrow_layers.attn"
# Around tiles of 16 rows and 32 columns, blocks of 32 and 256 rows, panels of 32 features, pairs.
SIZES = [dict(b=1, m=1, k=32, n=32, h=1, d=32), dict(b=2, m=33, k=40, n=50, h=3, d=32),
         dict(b=1, m=257, k=64, n=96, h=2, d=48), dict(b=1, m=70, k=77, n=31, h=5, d=6), dict(b=2, m=16, k=1, n=1, h=1, d=1),
         dict(b=1, m=560, k=130, n=65, h=3, d=5), dict(b=1, m=0, k=32, n=32, h=1, d=2), dict(b=3, m=19, k=96, n=33, h=2, d=16)]


erf = np.frompyfunc(math.erf, 1, 1)


def gelu(x):
    return x * (1 + erf(x / math.sqrt(2)).astype(x.dtype)) / 2


def rounded(value):
    return narrow(np.asarray(value, np.float32), "bf16")[1].astype(value.dtype)


def formulas(x, w, shift, turned, heads, joined):
    """The results of all entries by name; x: operands by entry. What an entry rounds on its way is rounded."""
    def flat(value):
        return value.reshape(*value.shape[:-2], value.shape[-2] * value.shape[-1])
    inner = rounded(rounded(gelu(x["between"] @ w.T + shift)) @ turned.T)
    b, m, _ = x["split"].shape
    h, d = x["join"].shape[2:]
    return {"affine": {"y": x["affine"] @ w.T + shift}, "wide": {"y": gelu(x["wide"] @ w.T + shift)},
            "transposed": {"y": x["transposed"] @ turned},
            "split": {"p": (x["split"] @ heads.T).reshape(b, m, h, d).transpose(0, 2, 1, 3), "q": x["split"] @ w.T},
            "join": {"y": flat(x["join"]) @ joined.T + shift}, "between": {"y": x["between"] + inner},
            "one": {"y": w @ x["one"]}}


def run(entry, sizes, x, names, folder, options):
    """Results by name of `fovea run`; exits with its message when it fails."""
    np.save(folder / "x.npy", x)
    command = ["fovea", "run", FILE, "--entry", entry, "--set", "layers.T=bf16", "--weights", folder / "w.safetensors",
               "--in", f"x={folder / 'x.npy'}", *options]
    command += [word for name in "knhd" for word in ("--set", f"layers.{name}={sizes[name]}")]
    command += [word for name in names for word in ("--out", f"{name}={folder / name}.npy")]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{entry}: {' '.join(map(str, command))}\n{done.stderr}")
    return {name: np.load(folder / f"{name}.npy") for name in names}


def check(sizes, seed, folder, options):
    """Yields entry, what is wrong or None, the greatest error, and that of rounding."""
    b, m, k, n, h, d = (sizes[name] for name in "bmknhd")
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return narrow(rng.standard_normal(shape).astype(np.float32), "bf16")
    weights = {"w": draw(n, k), "shift": draw(n), "turned": draw(k, n), "heads": draw(h * d, k), "joined": draw(n, h * d)}
    save_weights(folder / "w.safetensors", {name: bits for name, (bits, _) in weights.items()})
    x = {entry: draw(m, k) for entry in ("affine", "wide", "transposed", "between")}
    x |= {"split": draw(b, m, k), "join": draw(b, m, h, d), "one": draw(k)}

    def compute(real):
        with np.errstate(invalid="ignore"):
            return formulas({name: value.astype(real) for name, (_, value) in x.items()},
                            **{name: value.astype(real) for name, (_, value) in weights.items()})
    double, single = compute(np.float64), compute(np.float32)
    for entry, results in double.items():
        found = run(entry, sizes, x[entry][0], results, folder, options)
        for name, exact in results.items():
            error = np.abs(widen(found[name]) - exact)
            own = rounding(exact, "f32" if entry == "wide" else "bf16")
            plain = np.abs(single[entry][name] - exact).max(initial=0)
            sums = 4 * max(plain, np.abs(exact).max(initial=0) * np.finfo(np.float32).eps)
            excess = error - own - sums
            wrong = None
            if found[name].shape != exact.shape or not (excess <= 0).all():
                wrong = f"{entry} {sizes}: {name} differs by {error.max(initial=0):.1e}, {excess.max(initial=0):.1e} too much"
            yield entry, wrong, error.max(initial=0), own.max(initial=0)


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for seed, sizes in enumerate(SIZES):
            found = list(check(sizes, seed, pathlib.Path(folder), sys.argv[1:]))
            wrong += [message for _, message, _, _ in found if message]
            print(*sizes.values(), ":", ", ".join(f"{entry} {error:.1e} of {own:.1e}" for entry, _, error, own in found))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
