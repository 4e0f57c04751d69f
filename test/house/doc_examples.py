"""Runs the examples of a page: `doc_examples.py --source DIR --build DIR PAGE.md...`

A fenced block says by its info string what it is:

  ```attn file=local.attn     is written to that file (any language)
  ```console run              lines after `$ ` are commands, run in order by bash
                              in the page's folder; the other lines are what
                              they print
  anything else               is left alone

Output is compared word by word. Numbers with a fraction may differ by 1e-3 of
their value (another vector width rounds another way); a number before a unit of
time, rate or memory may be any number. A line `...` stands for any lines. A
command must succeed, unless its last line of output is `[exit N]`.

Each page runs in a folder of its own, where `examples`, `frontend` and `build`
are the tree's, and build/bin is in PATH.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MEASURE = re.compile(
    r"\d+(?:\.\d+)?\s?(?:ns|us|µs|ms|s|min|%|×|x|[GMk]?FLOP/s|GFLOPS|[GMKk]i?B(?:/s)?|tokens/s|sentences/s)"
    r"(?![\w])"
)
TOLERANCE = 1e-3


def blocks(page):
    """Yields (line number, info string words, lines) of each fenced block."""
    start, info, body = 0, None, []
    for number, line in enumerate(page.read_text().split("\n"), 1):
        fence = re.match(r"```(.*)$", line)
        if info is None and fence:
            start, info, body = number, fence.group(1).split(), []
        elif info is not None and line == "```":
            yield start, info, body
            info = None
        elif info is not None:
            body.append(line)
    if info is not None:
        sys.exit(f"{page}:{start}: this block is never closed")


def commands(lines):
    """Yields (command, expected lines)."""
    command, expected = None, []
    for line in lines:
        if line.startswith("$ "):
            if command is not None:
                yield command, expected
            command, expected = line[2:], []
        elif command is not None and command.endswith("\\") and not expected:
            command += "\n" + line
        else:
            expected.append(line)
    if command is not None:
        yield command, expected


def sameWord(expected, got):
    if expected == got:
        return True
    try:
        a, b = float(expected.strip("(),;:")), float(got.strip("(),;:"))
    except ValueError:
        return False
    if "." not in expected:  # a count is exact
        return a == b
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a))


def sameLine(expected, got):
    a, b = (MEASURE.sub("<measure>", line).split() for line in (expected, got))
    return len(a) == len(b) and all(map(sameWord, a, b))


def sameOutput(expected, got):
    """Whether the lines agree; `...` takes as few lines as will do."""
    if not expected:
        return not got
    if expected[0].strip() == "...":
        return any(sameOutput(expected[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and sameLine(expected[0], got[0]) and sameOutput(expected[1:], got[1:])


def runConsole(where, lines, folder, environment):
    """Runs the commands of one block; returns a report of what differs, or None."""
    for command, expected in commands(lines):
        status = 0
        if expected and re.fullmatch(r"\[exit \d+\]", expected[-1]):
            status = int(expected.pop()[6:-1])
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )
        strip = lambda some: [line.rstrip() for line in some if line.strip()]
        got = strip(done.stdout.split("\n"))
        if done.returncode != status:
            return f"{where}: expected exit status {status} of `{command}`, but got {done.returncode}:\n" + "\n".join(got)
        if not sameOutput(strip(expected), got):
            return "\n".join([f"{where}: the output of `{command}` differs; expected", *expected, "but got", *got])
    return None


def runPage(page, source, build):
    """Returns (number of blocks used, number of failures)."""
    used, failed = 0, 0
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    environment["PATH"] = os.pathsep.join(
        [str(build / "bin"), str(source / ".venv/bin"), environment["PATH"]]
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for shared in ("examples", "frontend"):
            (folder / shared).symlink_to(source / shared)
        (folder / "build").symlink_to(build)
        for start, info, lines in blocks(page):
            options = dict(word.split("=", 1) for word in info[1:] if "=" in word)
            if "file" in options:
                used += 1
                (folder / options["file"]).write_text("\n".join(lines) + "\n")
            elif info[:1] == ["console"] and "run" in info:
                used += 1
                report = runConsole(f"{page.name}:{start}", lines, folder, environment)
                if report:
                    failed += 1
                    print(report)
    return used, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    failures = 0
    for page in arguments.pages:
        used, failed = runPage(page, arguments.source.resolve(), arguments.build.resolve())
        print(f"{page.name}: {used} examples, {failed} failed")
        failures += failed
    return 1 if failures else 0


sys.exit(main())
