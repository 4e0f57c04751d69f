"""std.masks: the weights of a softmax over what each mask keeps."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import rows, softmax  # noqa: E402
from harness import Case, draw, integers, main  # noqa: E402


def scores(i, j, *outer):
    return draw(100 * i + j, s=(*outer, i, j))


def case(entry, operands, keeps):
    def formula(s, **rest):
        rest = {name: value[:, None, None] if name in ("past", "length") else value for name, value in rest.items()}
        return {"w": softmax(s, keeps(*rows(s), **rest))}
    return Case(f"of_{entry}", operands, formula)


def cases():
    for n in (1, 33, 97):
        square, wide, batch = scores(n, n), scores(n, 2 * n + 1), scores(n, n + 2, 3)
        yield case("causal", square, lambda i, j: j <= i)
        yield case("causal", wide, lambda i, j: j <= i)
        yield case("causal_after", batch | {"past": integers(0, 2, -n)}, lambda i, j, past: j - past <= i)
        yield case("chunked", square, lambda i, j: np.floor(i / 4) == np.floor(j / 4))
        yield case("dilated", square, lambda i, j: np.isin(i - j, 3 * np.arange(n + 1)))
        yield case("prefix", batch | {"length": integers(0, 3, n)}, lambda i, j, length: (j < length) | (j <= i))
        yield case("padding", batch | {"length": integers(0, 1, n)}, lambda i, j, length: j < length)
        yield case("same_document", square | {"mine": integers(np.arange(n) // 5 % 3), "theirs": integers(np.arange(n) % 3)},
                   lambda i, j, mine, theirs: mine[:, None] == theirs[None, :])
        distance = np.abs(draw(n, s=(n, n))["s"])
        yield case("within", square | {"distance": distance, "cutoff": np.array(0.5, np.float32)},
                   lambda i, j, distance, cutoff: distance <= cutoff)
        for width in (0, 1, 5, n):
            operands = square | {"width": integers(width)}
            yield case("window", operands, lambda i, j, width: (i - j >= 0) & (i - j < width))
            yield case("band", operands, lambda i, j, width: abs(i - j) <= width)
            operands = operands | {"anchors": integers(2)}
            yield case("sinks", operands, lambda i, j, anchors, width: (j <= i) & ((j < 2) | (i - j < width)))
            yield case("global_local", operands, lambda i, j, anchors, width: (
                np.minimum(i, j) < anchors) | (abs(i - j) <= width))


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "masks.attn", cases)
