"""Throws random programs and bytes at Fovea.

usage: ./dev fuzz [TARGET...] [--seconds N] [--seed N] [--runs N] [--out FOLDER]

  frontend     any bytes as a .attn file: read, checked, formatted, lowered
  safetensors  any bytes as a weights file
  npy, npz     any bytes as an array file
  programs     valid attentions, compiled and run, against the reference evaluator

Each target runs for --seconds, or --runs inputs. What is found is made smaller
and written to FOLDER/findings; FOLDER/corpus keeps the inputs that reached new
code for the next run. Exits with 1 when something was found.
"""

import argparse
import io
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

import compare
import programs

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
BYTES = ("frontend", "safetensors", "npy", "npz")
TARGETS = (*BYTES, "programs")

# libMLIR is not instrumented: containers and arenas that cross into it look overflown.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_container_overflow=0:detect_stack_use_after_return=0:allow_user_poisoning=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(save):
    file = io.BytesIO()
    save(file, a=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.float64(1))
    return file.getvalue()


def safetensors(tensors, data):
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header + data


def seeds(target):
    """Inputs to begin with: each is valid."""
    if target == "frontend":
        for folder in ("examples", "frontend/std", "test"):
            for path in sorted((SOURCE / folder).rglob("*.attn")):
                yield path.read_bytes()
    elif target == "safetensors":
        f32 = {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}
        yield safetensors({}, b"")
        yield safetensors({"a": f32}, bytes(8))
        yield safetensors({"__metadata__": {"format": "pt"}, "a": f32,
                           "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]}}, bytes(16))
    elif target == "npy":
        for type in ("<f4", ">f8", "<i8", "?", "<f2", "|u1"):
            yield npy(np.ones((2, 3), type))
        yield npy(np.asfortranarray(np.ones((4, 5), np.float32)))
        yield npy(np.float32(1))
        yield npy(np.ones((0, 3)))
    elif target == "npz":
        yield npz(np.savez)
        yield npz(np.savez_compressed)


def minimize(binary, path, environment):
    """Writes a smaller input with the same end to PATH.smaller, if there is one in a minute."""
    command = [binary, "-minimize_crash=1", "-max_total_time=60", f"-exact_artifact_path={path}.smaller", str(path)]
    # The limit holds for each of its steps; it starts them as processes of their own.
    child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        child.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def fuzz_bytes(target, options):
    """Runs a target of libFuzzer; True when it found something."""
    binary = shutil.which(f"fuzz-{target}", path=options.bin)
    if not binary:
        sys.exit(f"fuzz: error: expected fuzz-{target} in {options.bin}, but found none")
    corpus, findings = options.out / "corpus" / target, options.out / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(data)
    command = [binary, f"-seed={options.seed}", "-timeout=20", "-rss_limit_mb=3000",
               "-max_len=16384" if target == "frontend" else "-max_len=4096", "-print_final_stats=1"]
    command += [f"-runs={options.runs}"] if options.runs else [f"-max_total_time={options.seconds}"]
    dictionary = HERE / f"{target}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    environment = SANITIZERS | os.environ
    before = set(findings.iterdir())
    done = subprocess.run([*command, f"-artifact_prefix={findings}/{target}-", str(corpus)],
                          env=environment, stderr=subprocess.PIPE, text=True, errors="replace")
    for line in done.stderr.splitlines():
        if line.startswith("stat::number_of_executed_units"):
            print(f"{target}: {line.split()[-1]} inputs")
    if done.returncode == 0:
        return False
    print(done.stderr[-6000:])
    for path in sorted(set(findings.iterdir()) - before):
        if "crash-" in path.name:
            minimize(binary, path, environment)
        print(f"{target}: found {path}; again: {shlex.join([binary, str(path)])}")
    return True


def shrink(choices, seed, kind, folder, end):
    """The simplest choices, in the time there is, with a finding of the same kind."""
    found = True
    while found and time.monotonic() < end:
        found = False
        for candidate in programs.simpler(choices):
            if time.monotonic() > end:
                break
            finding = compare.check(programs.write(candidate), seed, folder)
            if finding and finding.kind == kind:
                choices, found = candidate, True
                break
    return choices


def fuzz_programs(options):
    """Compares random attentions; True when one of them is wrong."""
    end = time.monotonic() + options.seconds
    count, wrong = 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        while count < options.runs if options.runs else time.monotonic() < end:
            seed = options.seed + count
            count += 1
            choices = programs.draw(seed)
            finding = compare.check(programs.write(choices), seed, folder)
            if not finding:
                continue
            wrong += 1
            choices = shrink(choices, seed, finding.kind, folder, time.monotonic() + options.shrink)
            program = programs.write(choices)
            finding = compare.check(program, seed, folder) or finding
            path = options.out / "findings" / f"programs-{seed}.attn"
            again = shlex.join(compare.command(program, path, seed))
            remarks = "".join(f"# {line}\n" for line in [finding.kind, *finding.message.splitlines(), again])
            path.write_text(remarks + program.text)
            print(f"programs: {finding.kind} {path}\n{remarks}{program.text}", flush=True)
    print(f"programs: {count} attentions, {wrong} with findings")
    return wrong > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=0, help="inputs for each target, in place of --seconds")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    parser.add_argument("--shrink", type=int, default=60, help="seconds to make a program smaller (default: %(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=SOURCE / ".cache" / "fuzz", help="default: .cache/fuzz")
    parser.add_argument("--bin", default=SOURCE / "build-fuzz" / "bin", help="where the fuzz targets are")
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"expected targets of {', '.join(TARGETS)}, but got {', '.join(unknown)}")
    (options.out / "findings").mkdir(parents=True, exist_ok=True)
    found = False
    for target in options.targets or TARGETS:
        found |= fuzz_programs(options) if target == "programs" else fuzz_bytes(target, options)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
