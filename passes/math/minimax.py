"""Prints the coefficients of Elementary.cpp and Trigonometric.cpp: `minimax.py`, with NumPy and mpmath.

Each polynomial has nearly the least largest relative error on its interval that coefficients of its type allow: Lawson's
reweighted least squares find the best one, its lowest coefficient is rounded, and the others are found again beside it.
"""

import mpmath
import numpy as np

POINTS = 1001
ROUNDS = 1000
mpmath.mp.prec = 320

# name: (function, interval, degree, given, type): the lowest coefficients are given, the others up to the degree are
# found.
POLYNOMIALS = {
    "2^f around zero": (lambda f: mpmath.power(2, f), ("-0.5", "0.5"), 5, [1], np.float32),
    "2^f from zero": (lambda f: mpmath.power(2, f), ("0", "1"), 5, [1], np.float32),
    "2^f around zero, approximate": (lambda f: mpmath.power(2, f), ("-0.5", "0.5"), 3, [1], np.float32),
    "2^f from zero, approximate": (lambda f: mpmath.power(2, f), ("0", "1"), 3, [1], np.float32),
    # What is left of a number without its power of two is in [0x1.66p-1, 0x1.66p0).
    "log(1 + f)": (mpmath.log1p, ("-0.30078125", "0.3984375"), 9, [0, 1, -0.5], np.float32),
    # A turn less the nearest quarter, squared.
    "sin(2 pi u) / u, of u^2": (lambda u: mpmath.sin(2 * mpmath.pi * mpmath.sqrt(u)) / mpmath.sqrt(u),
                                ("0", "0.015625"), 3, [], np.float64),
    "cos(2 pi u), of u^2": (lambda u: mpmath.cos(2 * mpmath.pi * mpmath.sqrt(u)), ("0", "0.015625"), 4, [1],
                            np.float64),
}
# name: (number, bits, count): as many parts, each with so many bits of the number after those of the one before.
PARTS = {"1 / (2 pi)": (1 / (2 * mpmath.pi), 29, 7)}


def best(basis, target):
    """The c with the least largest |basis c - target|."""
    weights, least, result = np.full(len(target), 1 / len(target)), np.inf, None
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        found = np.linalg.lstsq(basis * root[:, None], target * root, rcond=None)[0]
        error = np.abs(basis @ found - target)
        if error.max() < least:
            least, result = error.max(), found
        weights *= error
        weights /= weights.sum()
    return result


def fit(function, interval, degree, given, kind):
    begin, end = map(mpmath.mpf, interval)
    # Close together at the ends, as the extremes of a polynomial's error are.
    points = [begin + (end - begin) * (1 - mpmath.cos(mpmath.pi * (k + 0.5) / POINTS)) / 2 for k in range(POINTS)]
    values = [function(x) for x in points]
    coefficients = list(map(float, given))

    def left(x, value):  # of 1
        return 1 - sum(c * x**k for k, c in enumerate(coefficients)) / value

    while len(coefficients) <= degree:
        powers = range(len(coefficients), degree + 1)
        basis = np.array([[float(x**k / value) for k in powers] for x, value in zip(points, values)])
        found = best(basis, np.array([float(left(x, value)) for x, value in zip(points, values)]))
        coefficients.append(float(kind(found[0])))
    return coefficients, float(max(abs(left(x, value)) for x, value in zip(points, values)))


for name, polynomial in POLYNOMIALS.items():
    coefficients, error = fit(*polynomial)
    print(f"{name}: relative error {error:.2g}")
    suffix = "f" if polynomial[-1] is np.float32 else ""
    print("  " + ", ".join(f"{c.hex()}{suffix}" for c in coefficients))
for name, (number, bits, count) in PARTS.items():
    print(f"{name}:")
    exponents = [bits * (k + 1) for k in range(count)]
    parts = [int(mpmath.floor(number * 2**e)) % 2**bits * 2.0**-e for e in exponents]
    print("  " + ", ".join(part.hex() for part in parts))
