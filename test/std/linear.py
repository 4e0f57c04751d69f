"""std.linear against matrix products."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

from harness import Case, draw, main  # noqa: E402


def cases():
    for n, c, o in ((1, 1, 1), (5, 7, 3), (33, 48, 49), (2, 96, 193), (0, 4, 4), (3, 0, 4), (3, 4, 0)):
        yield Case("of_linear", draw(n, x=(2, n, c), w=(o, c)), lambda x, w: {"y": x @ w.T})
        yield Case("of_transposed", draw(n, x=(n, c), w=(c, o)), lambda x, w: {"y": x @ w})
        yield Case("of_affine", draw(n, x=(n, c), w=(o, c), bias=o), lambda x, w, bias: {"y": x @ w.T + bias})
        for r in (1, 4):
            yield Case("of_low_rank", draw(n, x=(n, c), w=(o, c), a=(r, c), b=(o, r)),
                       lambda x, w, a, b: {"y": x @ w.T + (x @ a.T) @ b.T / 2}, slack=2)
        yield Case("of_heads", draw(n, x=(n, c), w=(3 * o, c), bias=3 * o), lambda x, w, bias, o=o: {
            "y": (x @ w.T + bias).reshape(x.shape[0], 3, o).transpose(1, 0, 2)})


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "linear.attn", cases)
