"""How long `fovea compile` takes for the programs of rows, and where the time goes."""

import collections
import dataclasses
import json
import statistics

import compiled
import report

# What --timing tells of, in groups; all that it names and this does not is "the rest".
GROUPS = {"frontend": ("frontend",),
          "passes": ("graph", "segments", "schedule", "bufferize", "tile", "vector", "llvm"),
          "LLVM's passes": ("translation to LLVM IR", "LLVM optimization"), "code generation": ("code generation",)}


@dataclasses.dataclass
class Compilation:
    """A program as compiled. seconds: of the command, the median; shares: of its time, by group; bytes: of the object."""

    name: str
    kind: str
    seconds: float
    shares: dict
    bytes: int


def shares(text):
    """Shares of the time by group, of what --timing=json writes."""
    stages = {stage["name"]: stage["wall"]["duration"] for stage in json.loads(text) if stage}
    total = stages.pop("Total")
    found = collections.Counter()
    for name, duration in stages.items():
        group = next((group for group, names in GROUPS.items() if name in names), "the rest")
        found[group] += duration / total
    return {group: found[group] for group in [*GROUPS, "the rest"]}


def measure(path, kind, settings, folder, rounds, cpu=None):
    """Compiles one program `rounds` times; raises CompiledError."""
    times, parts = [], []
    for _ in range(rounds):
        seconds, told = compiled.compile_file(path, folder / "program.o", settings, cpu, "obj", ["--timing=json"])
        times.append(seconds)
        parts.append(shares(told))
    name = " ".join([path.stem, *(setting.partition(".")[2] for setting in settings if ".e=" not in setting)])
    return Compilation(name, kind, statistics.median(times),
                       {group: statistics.median(each[group] for each in parts) for group in parts[0]},
                       (folder / "program.o").stat().st_size)


def section(compilations, cpu):
    """A section of the page, in Markdown."""
    lines = [[each.name, f"{each.seconds:.2f}", *(f"{100 * share:.0f} %" for share in each.shares.values()),
              f"{each.bytes / 1024:.0f}"] for each in compilations]
    out = [f"### Measured{f', code for {cpu}' if cpu else ''}", "",
           *report.table(["program", "s", *compilations[0].shares, "KiB"], lines)]
    attentions = [each.seconds for each in compilations if each.kind == "attention"]
    if attentions:
        out.append(f"An attention takes {statistics.median(attentions):.2f} s in the middle, "
                   f"{max(attentions):.2f} s at most, on one core.")
    return "\n".join(out)
