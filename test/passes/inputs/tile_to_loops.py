"""Compares what both consumers of the tile form printed with NumPy: LOOPS VECTOR."""

import re
import sys

import numpy as np

B, M, N, D, E = 2, 21, 37, 5, 11


def pattern(factor, *shape):
    n = np.arange(np.prod(shape))
    return ((factor * n % 17 - 8) / 4).reshape(shape)


def expected():
    q, k, v = pattern(3, B, M, D), pattern(5, B, N, D), pattern(7, B, N, E)
    table, gate, past = pattern(5, 40), pattern(3, M, E), np.array([3, -5])
    i, j = np.arange(M)[:, None], np.arange(N)[None, :]
    place = i - j + 20
    bias = np.where((place >= 0) & (place < 40), table[np.clip(place, 0, 39)], 0.0)
    scores = np.einsum("bid,bjd->bij", q, k) + bias
    scores[~(j <= i + past[:, None, None])] = -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = scores.max(-1, keepdims=True)
        weights = np.exp(scores - np.where(np.isinf(largest), 0, largest))
        mass = weights.sum(-1)
        output = np.einsum("bij,bje->bie", weights, v) / mass[:, :, None]
        output = np.where(mass[:, :, None] == 0, 0, output) * gate
        return output, np.log(mass) + largest[:, :, 0]


def printed(path):
    text = open(path, encoding="ascii").read()
    data = re.findall(r"data =\s*\n(.*?)(?=Unranked|\Z)", text, re.S)
    numbers = [np.array(re.findall(r"-?(?:inf|nan|\d[\d.e+-]*)", part), float) for part in data]
    assert len(numbers) == 2, f"expected two tensors in {path}, but got {len(numbers)}"
    return numbers[0].reshape(B, M, E), numbers[1].reshape(B, M)


loops, vector = printed(sys.argv[1]), printed(sys.argv[2])
for name, wanted, a, b in zip(("output", "logsumexp"), expected(), loops, vector):
    # Printed with six digits.
    np.testing.assert_allclose(a, wanted, rtol=2e-5, atol=2e-5, err_msg=f"{name} by loops")
    np.testing.assert_allclose(b, wanted, rtol=2e-5, atol=2e-5, err_msg=f"{name} by vectors")
    np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5, err_msg=f"{name} by loops and by vectors")
assert np.isinf(loops[1]).sum() == 5, "expected five rows without keys"
