"""What binds a row: where its time goes, and how fast its loops could run at most."""

import collections
import dataclasses
import pathlib
import re

import listing
import report
from listing import Work

RATE = 4999  # samples a second; a prime number, so that no loop keeps step with it
SHOWN = 0.01  # of the time: what is less is not shown
FUSED = re.compile(r"vfn?m(add|sub)\d|fml[as]")
# Names for llvm-mca of CPUs whose own model has one port for multiply-adds of 64 bytes where the CPU has two.
OTHER_MODELS = ("skylake-avx512", "znver4")


@dataclasses.dataclass
class Loop:
    """A region of code that takes time. share: of all samples; cycles: llvm-mca's, of one pass; None unknown."""

    region: listing.Region
    share: float
    cycles: float | None

    @property
    def multiply_adds(self):
        return sum(each.kind == "multiply-add" for each in self.region.instructions)

    @property
    def fused(self):
        """Multiply-adds of a number in each lane: not of pairs, nor of matrices."""
        return sum(bool(FUSED.match(each.name)) for each in self.region.instructions)


@dataclasses.dataclass
class Profile:
    """A row as sampled. works, kinds and libraries: shares by Work, by class of instruction, and by other library; model:
    the CPU of llvm-mca, or "" where it has none; width: multiply-adds that it does in a cycle."""

    result: object
    samples: int
    works: dict
    kinds: dict
    libraries: dict
    loops: list
    model: str
    width: float

    @property
    def scores(self):
        """The pairs of a query and a key that the mask keeps."""
        return self.result.flops / (4 * self.result.row.sizes["D"])


def mappings():
    """What lies in memory where: (begin, end, offset in its file, path), in order."""
    for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
        place, _, offset, _, _, *path = line.split(maxsplit=5)
        begin, end = (int(each, 16) for each in place.split("-"))
        yield begin, end, int(offset, 16), path[0] if path else "no file"


def find_model(cpu, instruction, width):
    """The name of the CPU whose model does most nearly `width` of this multiply-add in a cycle, the CPU's own first, and
    how many it does; "" where llvm-mca has no model or is not there."""
    registers = [f"%{instruction}{n}" for n in range(3, 15)]
    block = "\n".join(f"vfmadd231ps %{instruction}0, %{instruction}1, {register}" for register in registers)
    found = []
    for name in (cpu, *OTHER_MODELS):
        try:
            found.append((name, len(registers) / listing.cycles(block, name)))
        except listing.ListingError:
            continue
    return min(found, key=lambda each: abs(each[1] - width), default=("", 0.0))


def profile(runtime, library, run, result, cpu, seconds):
    """Samples `run`, which executes the library; result: its measured times; cpu: what it was compiled for."""
    code = listing.Listing(library)
    taken = runtime.sample(run, RATE, seconds)
    places = list(mappings())
    base = next(begin - offset for begin, _, offset, path in places if path == str(library))
    works, kinds, libraries, regions = (collections.Counter() for _ in range(4))
    for address in taken:
        found = code.region(address - base)
        if not found:
            works[Work.OUTSIDE] += 1
            path = next((path for begin, end, _, path in places if begin <= address < end), "no file")
            libraries[pathlib.Path(path).name] += 1
            continue
        region, instruction = found
        works[region.work] += 1
        kinds[instruction.kind] += 1
        regions[region] += 1
    total = max(1, len(taken))
    # The instructions of the products say which vectors are meant.
    wide = any("%zmm" in each.operands for region in regions for each in region.instructions)
    lanes = 16 if wide else 8
    width = result.peak / result.threads / (2 * lanes) / runtime.clock(0.05)
    model, width = find_model(cpu, "zmm" if wide else "ymm", width)
    loops = []
    for region, count in regions.most_common():
        if count >= SHOWN * total:
            try:
                passed = listing.cycles(region.instructions, model) if model and region.loops else None
            except listing.ListingError:
                passed = None
            loops.append(Loop(region, count / total, passed))
    return Profile(result, len(taken), {work: works[work] / total for work in Work if works[work]},
                   *({name: count / total for name, count in each.most_common()} for each in (kinds, libraries)), loops, model, width)


def rates(profile, work):
    """How fast the row's work is done while code for it runs; "" where nothing is counted."""
    result = profile.result
    seconds = result.seconds["fovea"] * profile.works[work]
    if work is Work.PRODUCTS:
        if result.limited_by == "memory":
            rate = result.bytes / seconds
            return f"{rate * 1e-9:.1f} GB/s, {100 * rate / result.bandwidth:.0f} % of the bandwidth"
        rate = result.flops / seconds
        return f"{rate * 1e-9:.1f} GFLOP/s, {100 * rate / result.peak:.0f} % of the peak"
    if work is Work.EXPONENTIALS and result.row.variant.kind == "attention":
        return f"{profile.scores / seconds * 1e-9:.2f} G scores/s"
    return ""


def summary(profiles):
    """A table with a line for each profile: what its time is spent for."""
    works = [work for work in Work if any(each.works.get(work, 0) >= SHOWN for each in profiles)]
    lines = []
    for each in profiles:
        result = each.result
        lines.append([result.row.name, report.heading(result.dtype, result.threads, result.cpu),
                      f"{100 * result.bound / result.seconds['fovea']:.0f} % ({result.limited_by})",
                      *(f"{100 * each.works.get(work, 0):.0f} %" for work in works),
                      rates(each, Work.PRODUCTS).split(", ")[-1] if Work.PRODUCTS in each.works else ""])
    return "\n".join(report.table(["row", "", "of limit", *(work.value for work in works), "products run at"], lines))


def section(profile):
    """A section of the page, in Markdown."""
    result = profile.result
    out = [f"### {result.row.name}: {report.heading(result.dtype, result.threads, result.cpu)}", "",
           f"{1e3 * result.seconds['fovea']:.3f} ms, {report.rate(result)}, {100 * result.bound / result.seconds['fovea']:.1f} % "
           f"of the limit ({result.limited_by}); {profile.samples} samples.", "",
           *report.table(("for", "of the time", "rate"), [
               (work.value, f"{100 * share:.1f} %", rates(profile, work))
               for work, share in sorted(profile.works.items(), key=lambda each: -each[1]) if share >= SHOWN / 2])]
    lines = []
    for loop in profile.loops:
        instructions = loop.region.instructions
        most = 100 * loop.fused / loop.cycles / profile.width if loop.cycles else 0
        lines.append([f"{100 * loop.share:.1f} %", loop.region.work.value, loop.region.place, str(len(instructions)),
                      str(loop.multiply_adds), f"{loop.cycles:.1f}" if loop.cycles else "—",
                      f"{most:.0f} %" if most else "—"])
    kinds = ", ".join(f"{kind} {100 * share:.0f} %" for kind, share in profile.kinds.items() if share >= SHOWN)
    out += ["At these instructions: " + kinds + ".", ""]
    others = ", ".join(f"{name} {100 * share:.0f} %" for name, share in profile.libraries.items() if share >= SHOWN)
    if others:
        out += ["Outside of the program: " + others + ".", ""]
    out += [*report.table(("of the time", "for", "where", "instructions", "multiply-adds", "cycles at least",
                           "of the peak at most"), lines)]
    return "\n".join(out)
