"""Compares the workspace formula that `fovea explain` prints with the function
that the compiled program itself sizes it with: `count_workspace.py FILE.attn`
"""

import ctypes
import math
import pathlib
import re
import subprocess
import sys
import tempfile

TOKEN = re.compile(r"\d+|[a-z_]\w*|\S")
FUNCTIONS = {"max": max, "min": min, "ceil": math.ceil, "floor": math.floor}


def evaluate(formula, sizes):
    """A formula as it is printed: names and numbers side by side are multiplied."""
    text, before = "", ""
    for token in TOKEN.findall(re.sub(r"(\d),(?=\d{3}\b)", r"\1", formula)):
        isOperand = token[0].isalnum() or token == "("
        if isOperand and (before[-1:].isalnum() or before == ")") and before not in FUNCTIONS:
            text += "*"
        text, before = text + token, token
    return eval(text, {"__builtins__": {}}, {**FUNCTIONS, **sizes})


def read(kind, address, offset):
    return kind.from_address(address + offset).value


def entrySizes(library, name):
    """The names of the first entry's symbols, and its workspace function (see runtime/fovea_abi.h)."""
    program = ctypes.addressof(ctypes.c_char.in_dll(library, name + "_program"))
    entry = read(ctypes.c_void_p, program, 32)
    first, count = read(ctypes.c_void_p, entry, 8), read(ctypes.c_int32, entry, 56)
    symbols = [read(ctypes.c_void_p, first, 32 * k) for k in range(count)]
    fixed = {k: read(ctypes.c_int64, first, 32 * k + 16) for k in range(count)}
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(read(ctypes.c_void_p, entry, 48))
    return [ctypes.string_at(symbol).decode() for symbol in symbols], fixed, function


path = pathlib.Path(sys.argv[1])
explained = subprocess.run(["fovea", "explain", path], check=True, stdout=subprocess.PIPE, text=True).stdout
formula = re.search(r"workspace +(.*) bytes for a session", explained)[1]
with tempfile.TemporaryDirectory() as folder:
    shared = pathlib.Path(folder) / "program.so"
    subprocess.run(["fovea", "compile", path, "--emit=so", "--prefix=p", "-o", shared], check=True)
    names, fixed, function = entrySizes(ctypes.CDLL(str(shared)), "p")
    for b, n in [(1, 1), (1, 7), (3, 16), (17, 100), (64, 512)]:
        sizes = {"b": b, "n": n}
        values = [sizes.get(name, fixed[k]) for k, name in enumerate(names)]
        wanted = function((ctypes.c_int64 * len(values))(*values))
        found = evaluate(formula, sizes)
        if found != wanted:
            sys.exit(f"{sizes}: expected {wanted}, but found {found} = {formula}")
print("equal")
