"""Drops keys by additive masks as low as numbers get, many of them before the first that counts.

usage: additive_mask.py TYPE [OPTION...]    # those of fovea run, such as --mcpu=CPU

Compares with NumPy in f64, which drops the keys: they have no weight, whatever was added. Where all keys get the same,
that is too large for scores to count beside it, and the result is the mean of the values.
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from narrowing import narrow, widen  # noqa: E402

FILE = pathlib.Path(__file__).with_name("inputs") / "additive_mask.attn"
HEADS, QUERIES, KEYS, DROPPED, WIDTH = 2, 64, 1024, 600, 64
LOWEST = float(np.finfo(np.float32).min)


def attend(q, k, v):
    scores = np.einsum("hid,hjd->hij", q, k) / 8
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("hij,hje->hie", weights / weights.sum(-1, keepdims=True), v)


def main():
    type, options = sys.argv[1], sys.argv[2:]
    rng = np.random.default_rng(0)
    drawn = {name: narrow(rng.standard_normal((HEADS, rows, WIDTH), dtype=np.float32), type)
             for name, rows in (("q", QUERIES), ("k", KEYS), ("v", KEYS))}
    q, k, v = (drawn[name][1] for name in "qkv")
    wrong = 0
    for low in (-1e10, -1e30, LOWEST):
        for count in (DROPPED, KEYS):
            bias = np.zeros(KEYS, np.float32)
            bias[:count] = low
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                for name, array in {**{name: passed for name, (passed, _) in drawn.items()}, "bias": bias}.items():
                    np.save(folder / f"{name}.npy", array)
                subprocess.run(["fovea", "run", FILE, "--set", f"masked.T={type}", f"--out=o={folder}/o.npy", *options,
                                *(f"--in={name}={folder}/{name}.npy" for name in ("q", "k", "v", "bias"))],
                               check=True, stdout=subprocess.DEVNULL)
                found = widen(np.load(folder / "o.npy"))
            all_dropped = np.broadcast_to(v.mean(1, keepdims=True), found.shape)
            expected = all_dropped if count == KEYS else attend(q, k[:, count:], v[:, count:])
            error = np.abs(found - expected).max()
            good = error <= (2.0**-8 if type == "bf16" else 1e-5) * np.abs(v).max()
            wrong += not good
            print(f"{low:.1e} on {count} of {KEYS} keys: off by {error:.1e}{'' if good else ', which is too much'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
