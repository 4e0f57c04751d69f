"""bf16 and f16: operands as programs take them, and results as numbers of f64."""

import numpy as np

# The bits of a significand, and the least positive number.
TYPES = {"f32": (24, 2.0**-149), "bf16": (8, 2.0**-133), "f16": (11, 2.0**-24)}


def narrow(value, type):
    """The f32 array as it is passed in `type`, and the same numbers in f64."""
    if type == "f32":
        return value, value.astype(np.float64)
    if type == "f16":
        return value.astype(np.float16), value.astype(np.float16).astype(np.float64)
    bits = value.view(np.uint32)
    high = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    return high.view("V2"), widen(high.view("V2"))


def widen(array):
    if array.dtype.kind == "V":  # bf16, for which NumPy has no name
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64)


def rounding(values, type):
    """Half a unit of the last digit of each value in `type`."""
    digits, least = TYPES[type]
    return np.maximum(np.abs(values) * 2.0**-digits, least)
