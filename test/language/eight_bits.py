"""Reals of 8 bits: their conversions, and a cache of them, against the package ml_dtypes.

usage: eight_bits.py [--reference | --mcpu=CPU]
"""

import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np

FILE = pathlib.Path(__file__).with_name("inputs") / "eight_bits.attn"
E4M3, E5M2 = ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2


def run(entry, operands, results, settings=()):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        command = ["fovea", "run", FILE, "--entry", entry, *sys.argv[1:]]
        for setting in settings:
            command += ["--set", setting]
        for name, value in operands.items():
            np.save(folder / f"{name}.npy", value)
            command += ["--in", f"{name}={folder / name}.npy"]
        for name in results:
            command += ["--out", f"{name}={folder / name}.out.npy"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [np.load(folder / f"{name}.out.npy") for name in results]


def numbers():
    """Every 8-bit real, the middle between each two, their neighbours in f32, and what is far outside."""
    with np.errstate(all="ignore"):
        exact = np.concatenate([np.arange(256, dtype=np.uint8).view(kind).astype(np.float32) for kind in (E4M3, E5M2)])
        finite = np.unique(exact[np.isfinite(exact)])
        middles = (finite[1:] + finite[:-1]) / 2
        near = np.concatenate([finite, middles])
        ends = np.float32([464, 465, 480, 57344, 61439, 61440, 65536, 1e9, 3e38, np.inf, np.nan, 1e-30, 1e-45, 0])
        return np.concatenate([exact, near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf)),
                               ends, -ends])


def same(found, expected, what):
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    wrong = ~((found == expected) & (np.signbit(found) == np.signbit(expected)) | np.isnan(found) & np.isnan(expected))
    if wrong.any():
        k = wrong.argmax()
        sys.exit(f"{what}: {wrong.sum()} differ, the first at {k}: {found[k]}, expected {expected[k]}")


def main():
    every = np.arange(256, dtype=np.uint8).view(E4M3)
    same(run("widened", {"x": every}, ["y"])[0], every.astype(np.float64), "f8e4m3 to f32")
    x = numbers()
    with np.errstate(all="ignore"):
        if "--reference" not in sys.argv:  # which rounds nothing
            same(run("rounded", {"x": x}, ["y"])[0].view(np.uint8).view(E4M3), x.astype(E4M3), "f32 to f8e4m3")
            same(run("twice", {"x": x}, ["y"])[0], x.astype(E5M2), "f32 to f8e5m2 and back")

    rng = np.random.default_rng(0)
    for h, i, j, d in ((2, 1, 700, 64), (2, 50, 130, 40), (3, 3, 5, 7)):
        q = rng.standard_normal((h, i, d)).astype(np.float32)
        k, v = (rng.standard_normal((h, j, d)).astype(E4M3) for _ in "kv")
        ks, vs = (rng.uniform(0.5, 2, h).astype(np.float32) for _ in "kv")
        found, = run("cached", {"q": q, "k": k, "v": v, "ks": ks, "vs": vs}, ["o"])
        results = []
        for kind in (np.float64, np.float32):
            s = q.astype(kind) @ k.astype(kind).swapaxes(1, 2) * ks.astype(kind)[:, None, None] / kind(np.sqrt(d))
            w = np.exp(s - s.max(-1, keepdims=True))
            results.append((w / w.sum(-1, keepdims=True)) @ v.astype(kind) * vs.astype(kind)[:, None, None])
        bound = 4 * max(np.abs(results[1] - results[0]).max(), np.abs(results[0]).max() * np.finfo(np.float32).eps)
        error = np.abs(found - results[0]).max()
        if not error <= bound:
            sys.exit(f"cached {h}x{i}x{j}x{d}: differs by {error:.1e}, more than {bound:.1e}")


if __name__ == "__main__":
    main()
