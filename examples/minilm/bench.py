"""Times the compiled model against ONNX Runtime with its fused graph, in turn, on the same padded batch.

usage: bench.py LIBRARY [--threads N] [--batch N] [--tokens N] [--rounds N] [--bar RATIO]

LIBRARY is the module `embedder` that `./dev demo` builds. With --bar, exits with 1 when ours / theirs is above it.
"""

import argparse
import statistics
import sys
import time

import numpy as np

import compiled
import onnx_peer
import reference
import weights


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("library")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--bar", type=float)
    arguments = parser.parse_args()

    tensors = weights.load()
    ids, length = reference.sample_batch(arguments.batch, arguments.tokens)
    model = compiled.Compiled(arguments.library, arguments.threads)
    peer = onnx_peer.Peer(tensors, arguments.threads)
    out, feed = np.empty((len(ids), compiled.WIDTH), np.float32), peer.feed(ids, length)
    runs = {"fovea": lambda: model.run(ids, length, out), "ONNX Runtime": lambda: peer.run(feed)}
    for run in runs.values():
        run()
    difference = np.abs(out - peer.run(feed)).max()
    if not difference <= 2e-5:
        sys.exit(f"expected equal embeddings, but they differ by {difference:.1e}")

    times = {name: [] for name in runs}
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    print(f"{arguments.batch} x {arguments.tokens} tokens, lengths {' '.join(map(str, length))}, "
          f"{arguments.threads} threads, {arguments.rounds} rounds in turn")
    for name, values in times.items():
        print(f"{name:<14}median {1e3 * statistics.median(values):7.1f} ms   least {1e3 * min(values):7.1f} ms")
    ratio = statistics.median(times["fovea"]) / statistics.median(times["ONNX Runtime"])
    print(f"fovea / ONNX Runtime: {ratio:.2f}")
    return 1 if arguments.bar is not None and ratio > arguments.bar else 0


if __name__ == "__main__":
    sys.exit(main())
