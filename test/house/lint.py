"""Looks over the tree: `lint.py [BUILD]` prints what is wrong and exits with 1.

Rules, each a function below: files have one reason to change (size caps),
every diagnostic has a test, no words that do not belong, one MLIR per binary.
"""

import pathlib
import re
import subprocess
import sys

CODE_CAP = 500
TEST_CAP = 500
NM = "llvm-nm-22"

# Words that promise instead of doing, or speak of anything but the project.
FORBIDDEN = {
    r"\bTO" r"DO\b": "say it in an issue tracker, or do it",
    r"\bFIX" r"ME\b": "say it in an issue tracker, or do it",
    r"\bX" r"XX\b": "say it in an issue tracker, or do it",
    r"\bHA" r"CK\b": "explain the reason instead",
    r"(?i)\bnot imple" r"mented\b": "diagnostics say 'unsupported', with what is supported",
    r"(?i)\bfor no" r"w\b": "say what holds, and until when",
    r"(?i)\bissue #?\d+": "the text must stand without a tracker",
    r"(?<![\w.%}$/])/(work|farm|home|root)/": "no paths of one machine",
    r"(?i)\b(te[h]|reciev[e]|occure[d]|seperat[e]|definatel[y]|compatabilit[y]"
    r"|dimenso[n]s?|lengh[t]|paramte[r]|arguemen[t])\b": "spelling",
}

# The calls whose literals are messages: MLIR's, the frontend's and the runtime's.
DIAGNOSTIC = re.compile(
    r"\b(?:emitError|emitOpError|emitDefiniteFailure|error|fail)\s*\((?=[^;{}]*\")"
)
LITERALS = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+')
# What every message may have; it tells none from another.
COMMON = re.compile(r"^\W*(?:,? ?but (?:got|found|has)|but|and|in|of|is|has|for|the|expects?|expected|the \w+)?\W*$")


def files(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        check=True, capture_output=True, text=True,
    ).stdout.split("\n")
    return [pathlib.Path(name) for name in listed if name and pathlib.Path(name).is_file()]


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


def sizes():
    for path in files("*.cpp", "*.c", "*.h", "*.td", "*.py", "*.mlir", "*.attn", "*.test"):
        cap = TEST_CAP if path.parts[0] == "test" else CODE_CAP
        lines = text(path).count("\n")
        if lines > cap:
            yield f"{path}: expected at most {cap} lines, but got {lines}"


def words():
    for path in files():
        if path.name in ("LICENSE", "lint.test") or path.suffix in (".npy", ".npz", ".png", ".bin", ".safetensors"):
            continue
        for number, line in enumerate(text(path).split("\n"), 1):
            for pattern, advice in FORBIDDEN.items():
                match = re.search(pattern, line)
                if match:
                    yield f"{path}:{number}: '{match.group(0)}': {advice}"


def statement(source, start):
    """The text from `start` to the end of the statement, past any literal."""
    match = re.compile(r'(?:"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\]|\\.)\'|[^;"\'])*').match(source, start)
    return match.group(0)


def telling(text):
    """The longest literal part of a message that tells it from others, or ''."""
    parts = []
    for literals in LITERALS.findall(text):
        joined = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', literals)).replace('\\"', '"')
        parts += re.split(r"\\n|\{\d*\}|%[-0-9.*]*(?:ll|l|hh|h|z|t|j)?[a-zA-Z]", joined)
    parts = [part.strip(" '\":;,") for part in parts if not COMMON.match(part)]
    return max(parts, key=len, default="")


def diagnostics():
    """Every message of a diagnostic stands in an expectation of some test.

    Two places with the same words need two expectations.
    """
    tests = "\n".join(text(path) for path in files("test/*") if path.name != "lint.py")
    tests = re.sub(r'"[ \t]*\n[ \t]*"', "", tests)  # a C++ literal that goes on
    tests = re.sub(r"\{\{(.*?)\}\}", lambda m: m.group(1).replace("\\", ""), tests)
    # A test may also quote a part of the message, if that is long enough to tell.
    quotes = re.findall(r'"((?:[^"\\\n]|\\.)*)"', tests)
    quotes += re.findall(r"expected-(?:error|warning|note|remark)[^{]*\{\{?(.*?)\}\}?$", tests, re.M)
    quotes = {part.strip() for quote in quotes for part in quote.split(".*")}
    quotes = {quote for quote in quotes if len(quote) >= 10}
    places = {}
    for path in files("sets/*.cpp", "dialect/*.cpp", "passes/*.cpp", "frontend/*.cpp", "tools/*.cpp", "runtime/*.cpp"):
        source = re.sub(r"//[^\n]*", lambda m: " " * len(m.group(0)), text(path))
        for match in DIAGNOSTIC.finditer(source):
            whole = statement(source, match.start())
            line = source.count("\n", 0, match.start()) + 1
            first = re.search(r'"([A-Z][a-z]\w*)', whole)
            if first and LITERALS.search(whole).group(0).startswith(first.group(0)):
                yield f"{path}:{line}: '{first.group(1)}': messages start in lower case"
            message = telling(whole)
            if len(message) >= 4:
                places.setdefault(message, []).append(f"{path}:{line}")
    for message, where in places.items():
        found = tests.count(message)
        if any(quote in message and quote != message for quote in quotes):
            continue
        if found == 0:
            yield f"{where[0]}: '{message}': no test expects this message"
        elif found < len(where):
            yield f"{where[0]}: '{message}': {len(where)} places, but {found} tests: {', '.join(where[1:])}"


def binaries(build):
    """libMLIR is shared: a second copy in a tool has other type ids."""
    for tool in sorted((build / "bin").glob("fovea*")):
        listing = subprocess.run([NM, "-C", tool], capture_output=True, text=True)
        if " T mlir::MLIRContext::MLIRContext" in listing.stdout:
            yield f"{tool}: has a copy of MLIR of its own"


def stems():
    """passes/cpu/LowerX.cpp has test/passes/lower-x.mlir, one stem everywhere."""
    for path in files("passes/*/*.cpp"):
        if not re.search(r"#define GEN_PASS_DEF_", text(path)):
            continue
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", path.stem).lower()
        if not files(f"test/passes/{stem}.mlir", f"test/passes/**/{stem}.mlir"):
            yield f"{path}: expected a test test/passes/{stem}.mlir"


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    remarks = [*sizes(), *words(), *diagnostics(), *stems(), *binaries(build)]
    print("\n".join(remarks), end="\n" if remarks else "")
    return 1 if remarks else 0


sys.exit(main())
