"""The machine code of a compiled row: its loops, and what each is for, told by its instructions."""

import bisect
import collections
import dataclasses
import enum
import re
import shutil
import subprocess


class ListingError(Exception):
    """A tool that reads machine code is not there, or does not understand it."""


class Work(enum.Enum):
    """What a stretch of code is for."""

    PRODUCTS = "products"
    EXPONENTIALS = "exponentials and the like"
    MAXIMA = "maxima and masks"
    SUMS = "sums and rescaling"
    COPIES = "copies and transposes"
    CONVERSIONS = "conversions"
    SCALAR = "addresses and branches"
    OUTSIDE = "outside of the program"


# Classes of instructions by how they read, of x86-64 and AArch64; the first that matches counts.
# What shifts by 23 bits puts an exponent into its place.
CLASSES = {
    "multiply-add": r"vf?n?m(add|sub)\d|vdpbf16|tdp|fmla|fmls|fmadd|bfdot|bfmmla|bfmlal",
    "exponent": r"vscalef|vreduce|vgetexp|vgetmant|vrndscale|vround|frint|fcvtn?s\b|vcvtt?ps2dq|vpslld\s+\$(0x17|23)\b|shl\s.*#(0x17|23)\b",
    "division": r"vdiv|vsqrt|vrcp|vrsqrt|fdiv|fsqrt",
    "maximum": r"vmax|vmin|fmax|fmin",
    "mask": r"vp?cmp|vp?blend|fcm|cmgt|cmge|cmhi|bsl|bif|bit\b",
    "shuffle": r"vperm|vp?unpck|vp?shuf|vp?insert|vp?extract|vp?align|vp?broadcast(?!s)|zip|uzp|trn|tbl|\bext\b|vp?movm|vmovd(dup)",
    "conversion": r"vcvt|vpmov[sz]x|vps[lr][la][wd]|fcvt|scvtf|ucvtf|[us]shll",
    "multiply": r"vmul|fmul",
    "add": r"vadd|vsub|vh?addp|fadd|fsub|faddp",
    "move": r"vp?xor|vp?broadcasts|v?mov[aund]|vmov|vlddq|tile|ld[1-4r]|ldp|ldr|st[1-4]|stp|str|vp?gather|vp?scatter",
    "vector other": r"v|k[a-z]+[bwdq]\b",
}
CLASSES = {name: re.compile(pattern) for name, pattern in CLASSES.items()}
LINE = re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*([^#<\n]*)")
LABEL = re.compile(r"([0-9a-f]+) <(.*)>:$")
JUMP = re.compile(r"(j|b$|b\.|cbn?z|tbn?z|loop)")


@dataclasses.dataclass(frozen=True)
class Instruction:
    address: int
    name: str
    operands: str
    function: str

    @property
    def kind(self):
        """Its class: a name of CLASSES, or "scalar"."""
        registers = re.search(r"%[xyz]mm|%k\d|%tmm|\b[vqz]\d", self.operands)
        if not registers and not self.name.startswith("t"):
            return "scalar"
        return next((name for name, pattern in CLASSES.items() if pattern.match(f"{self.name} {self.operands}")), "scalar")

    @property
    def target(self):
        """Where it jumps to; None for others, and where that is not known."""
        found = re.search(r"0x([0-9a-f]+)\s*$", self.operands) if JUMP.match(self.name) else None
        return int(found[1], 16) if found else None


@dataclasses.dataclass(frozen=True)
class Region:
    """An innermost loop, or a block outside of innermost loops: instructions that lie side by side."""

    instructions: tuple
    loops: bool

    @property
    def place(self):
        """Where it lies in its function, and whether it repeats."""
        first = self.instructions[0]
        return f"{'loop' if self.loops else 'block'} at {first.address:#x} in {first.function}"

    @property
    def work(self):
        count = collections.Counter(each.kind for each in self.instructions)
        vectors = sum(number for name, number in count.items() if name != "scalar")
        if not vectors or count["scalar"] > 4 * vectors:
            return Work.SCALAR
        if count["exponent"] + count["division"] >= 0.03 * vectors and count["exponent"]:
            return Work.EXPONENTIALS
        if count["multiply-add"] >= 0.2 * vectors:
            return Work.PRODUCTS
        if count["conversion"] >= 0.1 * vectors:
            return Work.CONVERSIONS
        if count["maximum"] >= 0.05 * vectors or count["mask"] > count["add"] + count["multiply"] + count["shuffle"]:
            return Work.MAXIMA
        if count["add"] + count["multiply"] + count["division"] >= 0.15 * vectors:
            return Work.SUMS
        return Work.COPIES


def tool(name):
    """The path of an LLVM tool; raises ListingError."""
    for each in (f"{name}-22", name):
        if path := shutil.which(each):
            return path
    raise ListingError(f"{name} was not found")


class Listing:
    """Instructions of a shared library in order, and the regions that they make up."""

    def __init__(self, path):
        done = subprocess.run([tool("llvm-objdump"), "-d", "--no-show-raw-insn", str(path)],
                              capture_output=True, text=True)
        if done.returncode:
            raise ListingError(done.stderr.strip())
        self.instructions, function = [], ""
        for line in done.stdout.splitlines():
            if label := LABEL.match(line):
                function = label[2]
            elif found := LINE.match(line):
                self.instructions.append(Instruction(int(found[1], 16), found[2], found[3].strip(), function))
        self.addresses = [each.address for each in self.instructions]
        self.regions = self._regions()
        self.starts = [region.instructions[0].address for region in self.regions]

    def _index(self, address):
        """Of the instruction at an address; None where none begins."""
        k = bisect.bisect_left(self.addresses, address)
        return k if k < len(self.addresses) and self.addresses[k] == address else None

    def _regions(self):
        loops, cuts = [], {0, len(self.instructions)}
        for k, each in enumerate(self.instructions):
            if k and each.function != self.instructions[k - 1].function:
                cuts.add(k)
            if JUMP.match(each.name) or each.name.startswith(("ret", "call")):
                cuts.add(k + 1)
            target = self._index(each.target) if each.target is not None else None
            if target is not None:
                cuts.add(target)
                if target <= k and self.instructions[target].function == each.function:
                    loops.append((target, k + 1))
        # Loops that hold no other; of several that begin or end alike, the shortest.
        loops.sort(key=lambda loop: (loop[1] - loop[0], loop))
        inner = []
        for loop in loops:
            if not any(other[0] < loop[1] and loop[0] < other[1] for other in inner):
                inner.append(loop)
        cuts -= {k for begin, end in inner for k in range(begin + 1, end)}
        cuts |= {k for loop in inner for k in loop}
        ends = sorted(cuts)
        return [Region(tuple(self.instructions[begin:end]), (begin, end) in inner)
                for begin, end in zip(ends, ends[1:])]

    def region(self, address):
        """The region of an address in the library, and its instruction there; None outside of the code."""
        k = bisect.bisect_right(self.addresses, address) - 1
        if k < 0 or address > self.addresses[-1] + 16:
            return None
        return self.regions[bisect.bisect_right(self.starts, address) - 1], self.instructions[k]


def cycles(instructions, cpu, iterations=100):
    """Cycles of one pass over the instructions again and again, as llvm-mca's model of a CPU has it when all memory is
    in the first cache; raises ListingError."""
    text = "\n".join(f"{each.name} {each.operands}" for each in instructions) if not isinstance(
        instructions, str) else instructions
    done = subprocess.run([tool("llvm-mca"), f"-mcpu={cpu}", f"--iterations={iterations}", "-"], input=text,
                          capture_output=True, text=True)
    found = re.search(r"Total Cycles:\s*(\d+)", done.stdout)
    if done.returncode or not found:
        raise ListingError(done.stderr.strip().split("\n")[0] or "llvm-mca said nothing")
    return int(found[1]) / iterations
