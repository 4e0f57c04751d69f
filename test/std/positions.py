"""std.positions against the formulas of its papers."""

import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import rotate_half  # noqa: E402
from harness import Case, draw, integers, main  # noqa: E402


def sinusoidal(position, size, base):
    """Vaswani et al. 2017, section 3.5."""
    table = np.zeros((len(position), size))
    for d in range(size):
        angle = position / base ** (2 * (d // 2) / size)
        table[:, d] = np.cos(angle) if d % 2 else np.sin(angle)
    return table


def interleaved(x):
    """Su et al. 2021, equation 34."""
    y, size = np.zeros_like(x), x.shape[-1]
    for k in range(size // 2):
        angle = np.arange(x.shape[0]) * 10000.0 ** (-2 * k / size)
        cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
        y[:, 2 * k] = x[:, 2 * k] * cos - x[:, 2 * k + 1] * sin
        y[:, 2 * k + 1] = x[:, 2 * k + 1] * cos + x[:, 2 * k] * sin
    return y


def bucket(offset, causal, buckets=32, furthest=128):
    """T5's code for one relative position (Raffel et al. 2020), in f32 as there."""
    start = 0
    if causal:
        n = max(-offset, 0)
    else:
        buckets //= 2
        start = buckets if offset > 0 else 0
        n = abs(offset)
    exact = buckets // 2
    if n < exact:
        return start + n
    ratio = np.log(np.float32(n) / exact) / np.float32(math.log(furthest / exact))
    return start + min(exact + int(ratio * (buckets - exact)), buckets - 1)


def cases():
    # The angle of position p in f32 is off by p ulps, however it is computed.
    for n, d in ((1, 2), (7, 6), (33, 64), (0, 8)):
        x = draw(n, x=(n, d))
        at = {"at": (1000 * np.random.default_rng(n).random(n)).astype(np.float32)}
        yield Case("of_sinusoidal", x, lambda x: {"y": x + sinusoidal(np.arange(len(x)), x.shape[-1], 10000.0)}, slack=100)
        yield Case("of_sinusoidal_base", x | at, lambda x, at: {"y": x + sinusoidal(at, x.shape[-1], 100.0)}, slack=1e4)
        yield Case("of_rope", x, lambda x: {"y": rotate_half(x, np.arange(len(x)), 10000.0)}, slack=100)
        yield Case("of_rope_at", x | at, lambda x, at: {"y": rotate_half(x, at, 500.0)}, slack=1e4)
        yield Case("of_rope_interleaved", x, lambda x: {"y": interleaved(x)}, slack=100)
    for h, i, j in ((1, 1, 1), (8, 5, 9), (2, 33, 31)):
        x = draw(h, x=(h, i, j))
        far = np.abs(np.arange(i)[:, None] - np.arange(j)).astype(np.float32)
        yield Case("of_alibi", x, lambda x, h=h, far=far: {
            "y": x - (2.0 ** (-8 / h)) ** np.arange(1, h + 1)[:, None, None] * far})
        table = draw(1, table=(h, 2 * max(i, j) - 1))
        distance = np.arange(i)[:, None] - np.arange(j) + max(i, j) - 1
        yield Case("of_relative", x | table, lambda x, table, distance=distance: {"y": x + table[:, distance]})
        short = draw(2, table=(h, 3))
        yield Case("of_relative", x | short, lambda x, table, i=i, j=j: {"y": x + sum(
            table[:, 1 + k, None, None] * np.eye(i, j, -k, x.dtype) for k in (-1, 0, 1))}, note="short table")
        ring = {"x": x["x"][0], "table": draw(3, table=7)["table"]}
        yield Case("of_circular", ring, lambda x, table, i=i, j=j: {
            "y": x + np.array([[table[(a - b) % 7] for b in range(j)] for a in range(i)], x.dtype)})
    offsets = np.arange(-200, 201)
    for entry, causal in (("of_t5_bucket", False), ("of_t5_bucket_causal", True)):
        expected = integers([bucket(int(offset), causal) for offset in offsets])
        yield Case(entry, {"offset": integers(offsets)}, lambda offset, expected=expected: {"y": expected})


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "positions.attn", cases)
