"""Rows of queries that keep no key, under every mask of std.masks.

usage: empty_rows.py TYPE [--reference]

Rule 7 of the language: their softmax is 0 and their logsumexp -inf, exactly. Other rows are those of NumPy. With many
queries, whose tiles have them along the lanes, and with few, whose tiles have keys and columns there.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import logsumexp, softmax  # noqa: E402
from harness import F32_EPSILON, REFERENCE_TOLERANCE, Case, draw, gap, integers, run  # noqa: E402
from narrowing import narrow, rounding, widen  # noqa: E402

PATH = pathlib.Path(__file__).with_name("inputs") / "empty_rows.attn"
WIDE, NARROW = (171, 130), (5, 130)


def masks(queries, keys):
    """The mask, its operands, what it keeps by NumPy."""
    i, j = np.arange(queries)[:, None], np.arange(keys)[None, :]
    seen = np.arange(queries) % 3 != 1
    distance = np.abs(draw(7, s=(queries, keys))["s"]) + np.where(i % 4 == 3, 9, 0)
    mine, theirs = np.arange(queries) % 5, np.arange(keys) // 7 % 3
    half = queries // 2
    yield "causal", {"seen": seen}, (j <= i) & seen[:, None]
    yield "causal_after", {"past": integers(-half)}, j <= i - half
    yield "window", {"width": integers(0)}, (i < 0) & (j < 0)
    yield "band", {"width": integers(-1)}, (i < 0) & (j < 0)
    yield "prefix", {"length": integers(3), "seen": seen}, ((j < 3) | (j <= i)) & seen[:, None]
    yield "chunked", {"seen": seen}, (i // 3 == j // 3) & seen[:, None]
    yield "dilated", {"seen": seen}, (j <= i) & ((i - j) % 3 == 0) & seen[:, None]
    yield "sinks", {"anchors": integers(0), "width": integers(0)}, (i < 0) & (j < 0)
    yield "global_local", {"anchors": integers(0), "width": integers(-1)}, (i < 0) & (j < 0)
    yield "same_document", {"mine": integers(*mine), "theirs": integers(*theirs)}, mine[:, None] == theirs[None, :]
    yield "padding", {"length": integers(0, keys, 1)}, j < np.array([0, keys, 1])[:, None, None]
    yield "within", {"distance": distance.astype(np.float32), "cutoff": np.array(0.5, np.float32)}, distance <= 0.5


def formula(q, k, v, keep):
    s = q @ k.swapaxes(-1, -2)
    return {"o": softmax(s, keep) @ v, "lse": logsumexp(s, keep)}


def check(mask, operands, keep, type, sizes, reference):
    """Yields what is wrong with one mask."""
    queries, keys = sizes
    outer = keep.shape[:-2]
    drawn = draw(queries, q=(*outer, queries, 8), k=(*outer, keys, 8), v=(*outer, keys, 6))
    passed, exact = dict(operands), {}
    for name, value in drawn.items():
        passed[name], exact[name] = narrow(value, type)
    where = f"{mask} {type} {queries} x {keys}"
    case = Case(f"of_{mask}", passed, formula, settings=(f"of_{mask}.T={type}",))
    found = run(PATH, case, ("o", "lse"), reference)
    empty = ~np.broadcast_to(keep, (*outer, queries, keys)).any(-1)
    if not empty.any():
        yield f"{where}: expected rows without keys, but each has one"
    if not (found["lse"][empty] == -np.inf).all() or not (widen(found["o"])[empty] == 0).all():
        yield f"{where}: expected 0 and a logsumexp of -inf in {empty.sum()} rows without keys"
    with np.errstate(divide="ignore"):
        expected = formula(**exact, keep=keep)
        single = formula(**{name: value.astype(np.float32) for name, value in exact.items()}, keep=keep)
    for name, values in expected.items():
        largest = np.abs(values[np.isfinite(values)]).max(initial=0)
        allowed = REFERENCE_TOLERANCE if reference else 4 * max(gap(single[name], values), F32_EPSILON * largest)
        rounded = rounding(np.where(np.isfinite(values), values, 0), type if name == "o" else "f32")
        error = gap(widen(found[name]), values)
        if not error <= allowed + rounded.max(initial=0):
            yield f"{where}: {name} differs by {error:.1e}, more than {allowed + rounded.max(initial=0):.1e}"


def main():
    type, *options = sys.argv[1:]
    wrong = []
    for sizes in (WIDE, NARROW):
        for mask, operands, keep in masks(*sizes):
            wrong += check(mask, operands, keep, type, sizes, "--reference" in options)
    print(*wrong, f"{len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
