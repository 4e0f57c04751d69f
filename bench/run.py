#!/usr/bin/env python3
"""Measures compiled attention beside its peers and the machine's limits: ./dev bench --help."""

import argparse
import dataclasses
import os
import pathlib
import re
import sys
import tempfile

import attention
import compiled
import grid
import measure
import models
import peers
import report

# Of fovea_limit_kind: what may serve products of a dtype. Those of bf16 may also be done in f32.
KINDS = {"f32": (0, 1, 2), "bf16": (0, 1, 2, 3, 4)}


CASES = {"attention": attention.Attention, "linear": models.Linear, "minilm": models.MiniLM,
         "vit": models.ViT}


@dataclasses.dataclass
class Result:
    """A row as measured. seconds: of a call, by contender; peers: why one has no time, by name."""

    row: grid.Row
    dtype: str
    threads: int
    seconds: dict
    flops: int
    bytes: int
    peak: float  # FLOP/s of the machine
    bandwidth: float  # B/s of the machine, reading as much as this row does
    absent: dict

    @property
    def bound(self):
        """The seconds that the machine's limits leave: of arithmetic or of memory, whichever is more."""
        return max(self.flops / self.peak, self.bytes / self.bandwidth)

    @property
    def limited_by(self):
        return "compute" if self.flops / self.peak >= self.bytes / self.bandwidth else "memory"


class Bench:
    """What one run shares: the runtime, the compiled libraries, the options."""

    def __init__(self, options, folder, peers):
        self.options, self.folder, self.peers = options, pathlib.Path(folder), peers
        self.runtime, self.libraries, self.kinds = compiled.Runtime(), {}, {}

    def kind(self, dtype, features):
        """The instructions that multiply and add fastest for a dtype on this machine, of those that code with these
        features may use."""
        if (dtype, features) not in self.kinds:
            allowed = [kind for kind in KINDS[dtype] if not self.runtime.library.fovea_limit_features(kind) & ~features]
            self.kinds[dtype, features] = max(allowed, key=lambda kind: self.runtime.multiply_add(kind, 1, 0.01))
        return self.kinds[dtype, features]

    def limits(self):
        """What the machine does when nothing else is asked of it: (what, threads, rate, unit)."""
        least, call = self.options.least, self.runtime
        for threads in self.options.threads:
            for kind in range(1, 4):
                rate = max(call.multiply_add(kind, threads, least) for _ in range(5))
                if rate:
                    name = call.library.fovea_limit_name(kind).decode()
                    yield f"multiply-add, {name}", threads, rate, "FLOP/s"
            for size in (1 << 20, 1 << 25, 1 << 28):
                rate = max(call.read(size, threads, least) for _ in range(3))
                yield f"read of {size >> 20} MiB", threads, rate, "B/s"

    def refuse(self, peer, case):
        """Raises Unsupported for a peer that this run leaves out."""
        if self.options.quick and getattr(peer, "compiles", False):
            raise peers.Unsupported("left out by --quick")
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if case.bytes() > memory / 16 and not getattr(peer, "views", False):
            raise peers.Unsupported("needs copies of operands that are too large for this machine")

    def library(self, case):
        settings = tuple(case.settings())
        key = (case.row.variant.path, settings)
        if key not in self.libraries:
            path = self.folder / f"{len(self.libraries)}.so"
            compiled.compile_file(case.row.variant.path, path, settings, self.options.mcpu)
            self.libraries[key] = path
        return self.libraries[key]

    def measure(self, row, dtype, threads):
        case = CASES[row.variant.kind](row, dtype)
        session = compiled.Session(self.runtime, self.library(case), row.variant.function, threads, case.weights)
        try:
            run, outputs = session.bind(case.operands())
            run()
            measure.compare(case, outputs[case.result])
            runs, absent = {"fovea": run}, {}
            for peer in (each for each in self.peers if each.kind == row.variant.kind):
                try:
                    self.refuse(peer, case)
                    runs[peer.name] = peer.prepare(case, threads)
                    # A peer may round more than we allow ourselves, but must compute the same.
                    measure.compare(case, peer.result(runs[peer.name]()), slack=64)
                except Exception as error:  # whatever a peer raises says why it has no figure
                    runs.pop(peer.name, None)
                    absent[peer.name] = f"{error}".strip().split("\n")[0] or type(error).__name__
            kind, size, least = self.kind(dtype, session.features()), case.bytes(), self.options.least
            times, peak = measure.in_turn(
                runs, lambda: self.runtime.multiply_add(kind, threads, least), self.options.rounds, least)
            bandwidth = max(self.runtime.read(size, threads, least) for _ in range(3))
            return Result(row, dtype, threads, times, case.flops(), size, peak, bandwidth, absent)
        finally:
            session.close()


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, but found {text}")
    return value


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--rows", action="append", metavar="REGEX", help="rows whose name this matches (repeatable)")
    parser.add_argument("--threads", type=lambda text: [positive(each) for each in text.split(",")], default=[1, 2],
                        metavar="N,...", help="default: 1,2")
    parser.add_argument("--dtype", type=lambda text: text.split(","), default=list(grid.DTYPES), metavar="T,...",
                        help=f"default: {','.join(grid.DTYPES)}")
    parser.add_argument("--mcpu", metavar="CPU,...", help="compile for these; the limit is that of their instructions "
                        "(default: this machine's)")
    parser.add_argument("--rounds", type=positive, default=9, help="samples of each contender, in turn (default: 9)")
    parser.add_argument("--quick", action="store_true", help="three short rounds: to try, not to quote")
    parser.add_argument("--without", metavar="REGEX", help="leave out the peers whose name this matches")
    parser.add_argument("--no-peers", action="store_true", help="only ours and the machine's limits")
    parser.add_argument("--grid", default=grid.GRID, help="another file of rows")
    parser.add_argument("--output", metavar="FILE.md", help="write the table, the machine and a plot here too")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    options = parser.parse_args()
    options.least = 0.002 if options.quick else 0.03
    if options.quick:
        options.rounds = 3
    for name in options.dtype:
        if name not in grid.DTYPES:
            parser.error(f"--dtype: expected {' or '.join(grid.DTYPES)}, but found '{name}'")
    return options


def chosen(rows, patterns):
    """The rows that match any pattern, each of which must match one."""
    if not patterns:
        return list(rows.values())
    for pattern in patterns:
        try:
            if not any(re.search(pattern, name) for name in rows):
                raise grid.GridError(f"--rows: no row matches '{pattern}'; --list prints their names")
        except re.error as error:
            raise grid.GridError(f"--rows: '{pattern}': {error}") from None
    return [row for name, row in rows.items() if any(re.search(pattern, name) for pattern in patterns)]


def plan(rows, options):
    """What to measure: (row, dtype, threads), the dtypes being those that the row's kind has."""
    return [(row, dtype, threads) for row in rows for dtype in options.dtype
            if dtype in CASES[row.variant.kind].dtypes for threads in options.threads]


def main():
    options = parse()
    try:
        rows = chosen(grid.load(options.grid), options.rows)
    except (grid.GridError, OSError) as error:
        sys.exit(f"bench: error: {error}")
    if options.list:
        print(*(row.name for row in rows), sep="\n")
        return 0
    results, failures = [], []
    with tempfile.TemporaryDirectory() as folder:
        installed, missing = ([], {}) if options.no_peers else peers.load()
        bench = Bench(options, folder, [peer for peer in installed
                                        if not (options.without and re.search(options.without, peer.name))])
        for name, reason in missing.items():
            print(f"bench: {name}: {reason}", file=sys.stderr)
        print(report.header(), flush=True)
        try:
            for row, dtype, threads in plan(rows, options):
                try:
                    results.append(bench.measure(row, dtype, threads))
                except (compiled.CompiledError, measure.WrongResult, grid.GridError) as error:
                    failures.append(f"{row.name} {dtype}, {threads} threads: {error}")
                    print(f"bench: error: {failures[-1]}", file=sys.stderr, flush=True)
                    continue
                print(report.line(results[-1], results), flush=True)
        except KeyboardInterrupt:
            failures.append("the run was interrupted")
        if options.output:
            report.write(pathlib.Path(options.output), results, bench.limits(), missing, failures, options.mcpu)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
