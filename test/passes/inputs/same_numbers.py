"""Compares the tensors that two programs printed: FIRST SECOND COUNT."""

import re
import sys

import numpy as np


def printed(path):
    text = open(path, encoding="ascii").read()
    data = re.findall(r"data =\s*\n(.*?)(?=Unranked|\Z)", text, re.S)
    return [np.array(re.findall(r"-?(?:inf|nan|\d[\d.e+-]*)", part), float) for part in data]


first, second = printed(sys.argv[1]), printed(sys.argv[2])
assert len(first) == len(second) == int(sys.argv[3]), f"got {len(first)} and {len(second)} tensors"
for number, (a, b) in enumerate(zip(first, second)):
    # Printed with six digits.
    np.testing.assert_allclose(b, a, rtol=2e-5, atol=2e-5, err_msg=f"tensor {number}")
