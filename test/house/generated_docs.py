"""Writes the reference pages that TableGen knows: `generated_docs.py [--check]`.

docs/dialect.md comes from dialect/, docs/passes.md from passes/. With --check
nothing is written, and a page that is out of date is an error.
"""

import pathlib
import subprocess
import sys

LLVM = pathlib.Path("/usr/lib/llvm-22")
NOTE = "<!-- Written by ./dev docs from {source}; edit that. -->\n\n"
PAGES = {
    "docs/dialect.md": ("dialect/Attn.td", "# The attn dialect", ["-gen-dialect-doc", "-dialect=attn"]),
    "docs/passes.md": ("passes/Passes.td", "# Passes", ["-gen-pass-doc"]),
}


def page(source, title, arguments):
    made = subprocess.run(
        [LLVM / "bin/mlir-tblgen", *arguments, "-I", ".", "-I", LLVM / "include", source],
        check=True, capture_output=True, text=True,
    ).stdout
    lines = [line.rstrip() for line in made.split("\n")]
    # The tool's own head: an auto-generation note, perhaps a title, [TOC].
    lines = [line for line in lines if not line.startswith("<!--") and line != "[TOC]"]
    while lines and (not lines[0] or lines[0].startswith("# ")):
        lines.pop(0)
    return NOTE.format(source=source) + title + "\n\n" + "\n".join(lines).rstrip() + "\n"


def main():
    stale = 0
    for name, (source, title, arguments) in PAGES.items():
        path, wanted = pathlib.Path(name), page(source, title, arguments)
        if path.exists() and path.read_text() == wanted:
            continue
        if "--check" in sys.argv:
            print(f"{name}: out of date with {source}; run ./dev docs")
            stale += 1
        else:
            path.write_text(wanted)
            print(f"wrote {name}")
    return 1 if stale else 0


sys.exit(main())
