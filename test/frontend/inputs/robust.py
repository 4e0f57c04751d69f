"""Feeds `fovea check` and `fovea fmt` what no person would write.

Each run must end with status 0 or 1, never by a signal, and status 1 must come
with at least one located error.
"""

import random
import subprocess

DEEP = 10_000


def run(text, want=None):
    data = text if isinstance(text, bytes) else text.encode()
    for command in ("check", "fmt"):
        done = subprocess.run(["fovea", command, "-"], input=data, capture_output=True)
        errors = done.stderr.decode(errors="replace")
        assert done.returncode in (0, 1), (command, done.returncode, data[:200], errors[-2000:])
        if done.returncode == 1:
            assert ": error: " in errors, (command, data[:200])
        if want is not None and command == "check":
            assert want in errors, (want, errors[:500])


def nested(prefix, core, suffix):
    return f"fn f(x) = {prefix * DEEP}{core}{suffix * DEEP}\n"


DEEPER = "nests deeper than 256 levels"
NAMED = "give a part of it a name on a line of its own"
run(nested("(", "x", ")"), DEEPER)
run(nested("(", "x", ")"), NAMED)
run(nested("-", "x", ""), DEEPER)
run(nested("not ", "x", ""), DEEPER)
run(nested("x ^ ", "x", ""), DEEPER)
run(nested("", "x", "[d = 1]"), DEEPER)
run(nested("tanh(", "x", ")"), DEEPER)
run(nested("sum[d](", "x", ")"), DEEPER)
run(nested("x[", "0", "]"), DEEPER)
run("fn f(x) {" + "for k in 0..3 {" * DEEP + "}" * DEEP + "}", DEEPER)
run("fn f(x) = " + "(" * DEEP)
run("attention f" + "(q: f32[" * DEEP)

# Chains of any length are no nesting.
run("fn f(x) = x" + " + x" * DEEP + "\n")
run("fn f(x) = x" + " * x - x" * DEEP + "\n")
run("fn f(x) = x < 1" + " and x < 2" * DEEP + "\n")
run("fn f(x) {\n x0 = x\n" + "".join(f" x{k + 1} = x{k} + 1\n" for k in range(DEEP)) + f" x{DEEP}\n}}\n")

# Calls: each function doubles the one before, or is deep by itself.
lines = ["fn g0(x) = x"] + [f"fn g{k + 1}(x) = g{k}(g{k}(x))" for k in range(40)]
run("\n".join(lines), "the program inlines more than 100000 calls")
lines = ["fn g0(x) = x"] + [f"fn g{k + 1}(x) = {'-' * 200} g{k}(x)" for k in range(10)]
run("\n".join(lines), "calls and expressions nest deeper than 1024 levels")

generator = random.Random(7)
for size in (0, 1, 10, 1000, 100_000):
    for _ in range(3):
        run(generator.randbytes(size))

WORDS = """attention fn model const param entry for in over where and or not true use x y d f sum softmax
size 0 1 1.5 "s" + - * / // % ^ == < = ( ) [ ] { } , : . .. -> # \n \n \n""".split(" ")
for _ in range(60):
    run(" ".join(generator.choice(WORDS) for _ in range(generator.randrange(120))))
