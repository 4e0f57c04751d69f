"""std.norms against the formulas of its papers."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from harness import Case, draw, literal, main  # noqa: E402


def layer_norm(x, axis, eps):
    centred = x - x.mean(axis, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis, keepdims=True) + x.dtype.type(eps))


def cases():
    for n, c in ((1, 1), (3, 7), (2, 384), (5, 33), (0, 4)):
        affine = draw(n, x=(n, c), gamma=c, beta=c)
        yield Case("of_layer_norm", affine,
                   lambda x, gamma, beta: {"y": layer_norm(x, -1, literal(1e-5)) * gamma + beta}, slack=2)
        plain = {name: affine[name] for name in ("x", "gamma")}
        yield Case("of_rms_norm", plain, lambda x, gamma: {
            "y": x / np.sqrt((x * x).mean(-1, keepdims=True) + x.dtype.type(literal(1e-6))) * gamma}, slack=2)
        yield Case("of_unit", {"x": affine["x"]}, lambda x: {
            "y": x / np.sqrt((x * x).sum(-1, keepdims=True))}, slack=2)
    yield Case("of_unit", {"x": np.zeros((2, 5), np.float32)}, lambda x: {"y": x}, note="zeros")
    yield Case("of_layer_norm_over_two", draw(9, x=(3, 17, 4), gamma=4, beta=3), lambda x, gamma, beta: {
        "y": layer_norm(x, 1, 0.5) * gamma + beta[:, None, None]}, slack=2)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "norms.attn", cases)
