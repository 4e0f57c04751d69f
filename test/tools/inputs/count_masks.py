"""Compares the counts that `fovea explain` prints with brute force: `count_masks.py FILE.attn`

A tile of queries visits the keys that some query of it keeps; those that every
query keeps are whole. For these masks the compiler's intervals are exact.
"""

import re
import subprocess
import sys

import numpy as np

LENGTHS = (0, 3, 40, 90)
MASKS = {
    "causal": (lambda i, j, x: j <= i, None),
    "window": (lambda i, j, x: (j <= i) & (i - j < x), "w"),
    "prefix": (lambda i, j, x: (j <= i) | (j < x), "p"),
}
COUNTS = re.compile(r"of ([\d,]+) pairs of query and key: ([\d,]+) whole, ([\d,]+) partial")


def expected(mask, queries, keys, value, tile):
    kept = mask(np.arange(queries)[:, None], np.arange(keys)[None, :], value)
    kinds = np.zeros((queries, keys), int)  # 0 skipped, 1 partial, 2 whole
    for begin in range(0, queries, tile):
        rows = kept[begin : begin + tile]
        kinds[begin : begin + tile] = rows.any(0).astype(int) + rows.all(0)
    return kinds.size, int((kinds == 2).sum()), int((kinds == 1).sum())


def explained(path, entry, queries, keys, name, value):
    command = ["fovea", "explain", path, "--entry", entry, "--mcpu=x86-64-v3"]
    command += ["--size", f"i={queries}", "--size", f"j={keys}"]
    command += ["--in", f"{name}={value}"] if name else []
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    tile = int(re.search(r"tiles of (\d+) queries", text)[1])
    return tile, tuple(int(count.replace(",", "")) for count in COUNTS.search(text).groups())


# Lengths that differ: each row of the batch has a mask of its own.
for queries, keys in [(1, 1), (20, 37), (40, 100)]:
    given = ",".join(map(str, LENGTHS))
    tile, counts = explained(sys.argv[1], "padded", queries, keys, "len", given)
    rows = [expected(lambda i, j, x: (j < x) & (i >= 0), queries, keys, length, tile) for length in LENGTHS]
    wanted = tuple(map(sum, zip(*rows)))
    if counts != wanted:
        sys.exit(f"padded {queries} x {keys}: expected {wanted}, but found {counts}")
for entry, (mask, name) in MASKS.items():
    for queries, keys in [(1, 1), (64, 64), (100, 37), (37, 100), (257, 300)]:
        for value in [0, 1, 20, 90] if name else [0]:
            tile, counts = explained(sys.argv[1], entry, queries, keys, name, value)
            wanted = expected(mask, queries, keys, value, tile)
            if counts != wanted:
                sys.exit(f"{entry} {queries} x {keys}, {value}: expected {wanted}, but found {counts}")
print("equal")
