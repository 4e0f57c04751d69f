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

# emitError("..."), emitOpError() << "...", diag(loc, "..."), with the literal.
DIAGNOSTIC = re.compile(
    r'\b(?:emitError|emitOpError|emitSilenceableFailure|emitDefiniteFailure)\s*\('
    r'[^;"]*?((?:"(?:[^"\\\n]|\\.)*"\s*)+)'
)


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


def literalPart(literals):
    """Joins adjacent literals and returns the longest part that stands in the output."""
    joined = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', literals))
    joined = joined.replace('\\"', '"').replace("\\'", "'")
    parts = re.split(r"\\n|\{[^}]*\}|%[a-z]+", joined)  # fmt and printf holes
    return max((part.strip() for part in parts), key=len, default="")


def diagnostics():
    """Every message of a diagnostic stands in an expectation of some test."""
    tests = "\n".join(text(path) for path in files("test/*"))
    tests = re.sub(r"\{\{(.*?)\}\}", lambda m: m.group(1).replace("\\", ""), tests)
    for path in files("dialect/*.cpp", "passes/*.cpp", "frontend/*.cpp", "tools/*.cpp"):
        source = text(path)
        for match in DIAGNOSTIC.finditer(source):
            message = literalPart(match.group(1))
            line = source.count("\n", 0, match.start()) + 1
            if len(message) < 4:
                continue  # all of it comes from elsewhere
            if message[0].isupper() and not message.split()[0].isupper():
                yield f"{path}:{line}: '{message}': messages start in lower case"
            if message not in tests:
                yield f"{path}:{line}: '{message}': no test expects this message"


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
