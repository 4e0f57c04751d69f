"""Memory beyond inputs and outputs: for many queries at most 1 MiB for each thread, however many keys there are.

usage: memory.py CPU...
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import attention
import compiled
import grid

MIB = 1 << 20
LENGTHS = (1 << 10, 1 << 20)


def most(row, length, width, threads=1):
    """What a row's variant may need: 1 MiB for each thread, and for rotary positions their table, which is a function
    of the position alone and serves queries and keys: two numbers of f32 for each pair of components."""
    tables = length * 2 * (width // 2) * 4 if row.variant.rotate else 0
    return threads * MIB + tables


def main():
    rows = [row for row in grid.load().values() if row.variant.kind == "attention" and row.sizes["I"] > 1]
    variants = {(row.variant.path, row.sizes["D"]): row for row in rows}
    failed = 0
    for cpu in sys.argv[1:]:
        for (path, width), row in variants.items():
            for dtype in grid.DTYPES:
                threads = set()
                for length in LENGTHS:
                    indices = attention.Attention.indices(row) | {"i": length, "j": length}
                    session, thread = compiled.memory(path, row.variant.function, attention.Attention.settings(row, dtype),
                                                      indices, cpu)
                    threads.add(thread)
                    if session + thread > most(row, length, width):
                        print(f"{row.variant.function} {dtype} for {cpu}, width {width}, {length} keys: expected at most "
                              f"{most(row, length, width)} bytes for a thread, but got {session:.0f} + {thread:.0f}")
                        failed += 1
                if len(threads) > 1:
                    print(f"{row.variant.function} {dtype} for {cpu}: memory of a thread grows with the keys: {threads}")
                    failed += 1
    print(f"{len(variants)} variants for {len(sys.argv) - 1} CPUs: {failed} need too much")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
