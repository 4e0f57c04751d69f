"""std.activations against the formulas of its papers."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numpy"))

import numpy as np  # noqa: E402

from formulas import erf, sigmoid  # noqa: E402
from harness import Case, draw, literal, main  # noqa: E402


def gelu(x):
    return x * (1 + erf(x / np.sqrt(x.dtype.type(2)))) / 2


def softplus(x):
    return np.logaddexp(x, x.dtype.type(0))


FORMULAS = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x < 0, literal(0.01) * x, x),
    "steep_relu": lambda x: np.where(x < 0, 0.25 * x, x),
    "elu": lambda x: np.where(x < 0, 1.5 * np.expm1(x), x),
    "gelu": gelu,
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / literal(np.pi)) * (x + literal(0.044715) * x * x * x))),
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "mish": lambda x: x * np.tanh(softplus(x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "soft_cap": lambda x, cap: cap * np.tanh(x / cap),
    "glu": lambda gate, x: sigmoid(gate) * x,
    "geglu": lambda gate, x: gelu(gate) * x,
    "swiglu": lambda gate, x: gate * sigmoid(gate) * x,
}
EXTREMES = np.array([0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.5, -0.5, 3, -3, 6, -6, 9.5, -9.5, 20, -20, 88, -88], np.float32)


def cases():
    for name, formula in FORMULAS.items():
        for x in (EXTREMES, np.zeros(0, np.float32), 3 * draw(1, x=193)["x"]):
            operands = {"x": x}
            if name == "soft_cap":
                operands["cap"] = np.array(7.5, np.float32)
            if name.endswith("glu") and name != "gelu":
                operands = {"gate": x, "x": draw(2, x=x.shape)["x"]}
            yield Case(f"of_{name}", operands, lambda f=formula, **given: {"y": f(**given)})


if __name__ == "__main__":
    main(pathlib.Path(__file__).with_name("inputs") / "activations.attn", cases)
