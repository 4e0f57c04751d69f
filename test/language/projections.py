"""Linear layers that have their input in common, and what is computed of them."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import softmax  # noqa: E402
from harness import Case, draw, main  # noqa: E402

WEIGHTS = draw(1, wq=(60, 50), bq=60, wk=(60, 50), bk=60, wv=(50, 60), wg=(70, 50), wu=(70, 50), wd=(33, 70),
               wl=(33, 4000))


def project(w, x):
    heads = (*x.shape[:-1], 3, 20)
    return {"q": (x @ w["wq"].T + w["bq"]).reshape(heads), "k": (x @ w["wk"].T + w["bk"]).reshape(heads),
            "v": (x @ w["wv"]).reshape(heads)}


def turn(w, x):
    heads = project(w, x)
    return {"y": heads["q"].transpose(2, 0, 1), "z": (heads["k"] - w["bk"].reshape(3, 20)).max(-1)}


def attend(w, x):
    q, k, v = project(w, x).values()
    score = np.einsum("bnhd,bmhd->bhnm", q, k) / np.sqrt(x.dtype.type(20))
    return {"y": np.einsum("bhnm,bmhd->bnhd", softmax(score, True), v)}


def gate(w, x):
    g = x @ w["wg"].T
    return {"y": g / (1 + np.exp(-g)) * (x @ w["wu"].T)}


def chain(w, x):
    a = np.maximum(x @ w["wg"].T, 0)
    return {"y": a @ w["wd"].T, "z": x @ w["wu"].T + a}


def cases():
    # No rows, fewer than a register tile, tails, and more than a block of rows.
    for n in (0, 1, 5, 37, 270):
        x = draw(n, x=(n, 50))
        yield Case("projected", x, project, weights=WEIGHTS)
        yield Case("turned", x, turn, weights=WEIGHTS)
        yield Case("gated", x, gate, weights=WEIGHTS)
        yield Case("chained", x, chain, weights=WEIGHTS)
    for b, n in ((2, 1), (3, 40), (1, 270)):
        yield Case("attended", draw(b, x=(b, n, 50)), attend, weights=WEIGHTS, slack=2)
    # Rows are so long that blocks have fewer of them.
    for n in (3, 100):
        yield Case("deep", draw(n, x=(n, 4000)), lambda w, x: {"y": np.tanh(x @ w["wl"].T)}, weights=WEIGHTS)


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "projections.attn", cases)
