"""What a row's code executes, counted: of code for any CPU of x86, on any machine that has AVX2."""

import collections
import dataclasses
import re

import attention
import compiled
import listing
import numpy as np
import report
from listing import Work

FUNCTION = re.compile(r"(\S+):\s+# @\1$")
BLOCK = re.compile(r"(?:\.LBB\d+_\d+:|# %bb\.\d+:)(.*)")
RAN = re.compile(r"%block\d+ ran (\d+) times$")
INSTRUCTION = re.compile(r"\s+([a-z]\S*)\s*([^#]*)")
# Of these the page shows how many there are for so many scores: what a register of AVX-512 holds in f32.
SCORES = 16


@dataclasses.dataclass
class Count:
    """What a row executes in one run. pairs: of a query and a key that the mask keeps; works: instructions by Work;
    products: those of them that multiply tiles of a matrix unit; unknown: the share of the code that is not counted."""

    row: object
    dtype: str
    pairs: int
    works: dict
    products: int
    unknown: float

    @property
    def instructions(self):
        return sum(self.works.values())


def blocks(text):
    """The blocks of annotated assembly: (instructions, how often they ran), None for a block of the code generator's own."""
    function, taken, ran = "", [], None
    for line in text.splitlines():
        if named := FUNCTION.match(line):
            function = named[1]
        elif begun := BLOCK.match(line):
            if taken:
                yield taken, ran
            counted = RAN.search(begun[1])
            taken, ran = [], int(counted[1]) if counted else None
        elif found := INSTRUCTION.match(line):
            taken.append(listing.Instruction(0, found[1], found[2].strip(), function))
    if taken:
        yield taken, ran


def count(row, dtype, cpu, folder):
    """A Count of a row of attention; raises CompiledError."""
    case = attention.Attention(row, dtype)
    path = folder / "annotated.s"
    words = ["--emulate", "--threads", "1", "--random", "1", "--entry", row.variant.function, "--annotate", path,
             "--size", ",".join(f"{name}={size}" for name, size in case.indices(row).items())]
    for name, value in case.inputs.items():
        np.save(folder / f"{name}.npy", value)
        words += ["--in", f"{name}={folder / name}.npy"]
    compiled.run_fovea("run", row.variant.path, case.settings(row, dtype), cpu, words)
    works, products, lengths = collections.Counter(), 0, collections.Counter()
    for instructions, ran in blocks(path.read_text()):
        lengths[ran is None] += len(instructions)
        if not ran:
            continue
        works[listing.Region(tuple(instructions), True).work] += ran * len(instructions)
        products += ran * sum(each.name.startswith("tdp") for each in instructions)
    return Count(row, dtype, case.pairs(), works, products, lengths[True] / lengths.total())


def section(counts, cpu):
    """A section of the page, in Markdown."""
    by_key = {(each.row.name, each.dtype): each for each in counts}
    shown = [work for work in Work if any(each.works.get(work) for each in counts)]
    lines = []
    for each in counts:
        per = SCORES / each.pairs
        base = by_key.get((each.row.over, each.dtype))
        lines.append([each.row.name, each.dtype, f"{each.instructions * per:.1f}",
                      *(f"{each.works.get(work, 0) * per:.1f}" for work in shown), f"{each.products * per:.3f}",
                      f"{base.instructions / each.instructions:.2f} x {each.row.over}" if base else ""])
    head = ["row", "dtype", "instructions", *(work.value for work in shown), "products of tiles", "over"]
    unknown = max(each.unknown for each in counts)
    return "\n".join([f"### For {SCORES} scores: code for {cpu or 'this machine'}", "", *report.table(head, lines),
                      "Not counted, for it is not known how often they run, are blocks that the code generator adds where loops "
                      f"begin and edges part: up to {100 * unknown:.0f} % of the instructions in a row's code."])
