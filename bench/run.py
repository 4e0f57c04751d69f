#!/usr/bin/env python3
"""Measures compiled attention beside its peers and the machine's limits: ./dev bench --help."""

import argparse
import pathlib
import re
import sys
import tempfile

import compiled
import compiling
import contest
import counting
import grid
import measure
import page
import peers
import profiling
import report
import tuning
from listing import ListingError


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, but found {text}")
    return value


def parse():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--profile", action="store_true", help="show what binds rows instead: where their time goes, "
                        "and how fast their loops can be at most (without peers)")
    parser.add_argument("--compile", action="store_true", help="measure instead how long it takes to compile the rows")
    parser.add_argument("--tune", action="store_true", help="measure instead how near the schedules of the cost model are to "
                        "the fastest of those that `fovea tune` tries (rows of attention)")
    parser.add_argument("--count", action="store_true", help="count instead what the code for the CPU of --mcpu executes, "
                        "which this machine need not be (rows of attention, on x86-64)")
    parser.add_argument("--rows", action="append", metavar="REGEX", help="rows whose name this matches (repeatable)")
    parser.add_argument("--threads", type=lambda text: [positive(each) for each in text.split(",")], metavar="N,...",
                        help="default: 1,2; with --profile, --tune, --count 1")
    parser.add_argument("--dtype", type=lambda text: text.split(","), metavar="T,...",
                        help=f"default: {','.join(grid.DTYPES)}; with --profile, --compile, --tune, --count f32")
    parser.add_argument("--mcpu", metavar="CPU,...", help="compile for these; the limit is that of their instructions "
                        "(default: this machine's)")
    parser.add_argument("--rounds", type=positive, help="samples of each contender, in turn (default: 9)")
    parser.add_argument("--quick", action="store_true", help="three short rounds: to try, not to quote")
    parser.add_argument("--without", metavar="REGEX", help="leave out the peers whose name this matches")
    parser.add_argument("--no-peers", action="store_true", help="only ours and the machine's limits")
    parser.add_argument("--grid", default=grid.GRID, help="another file of rows")
    parser.add_argument("--output", metavar="FILE.md", help="write what is measured into a section of this page too; rows "
                        "measured before stay, those of another machine do not")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    options = parser.parse_args()
    others = [name for name in ("profile", "compile", "tune", "count") if getattr(options, name)]
    alone = bool(others)
    options.no_peers |= alone
    options.threads = options.threads or ([1] if alone else [1, 2])
    options.dtype = options.dtype or (["f32"] if alone else list(grid.DTYPES))
    options.least = 0.002 if options.quick else 0.03
    options.rounds = options.rounds or (3 if options.quick else 9)
    for name in options.dtype:
        if name not in grid.DTYPES:
            parser.error(f"--dtype: expected {' or '.join(grid.DTYPES)}, but found '{name}'")
    if len(others) > 1:
        parser.error(f"expected one of --profile, --compile, --tune and --count, but found --{' and --'.join(others)}")
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
            if dtype in contest.CASES[row.variant.kind].dtypes for threads in options.threads]


def attempt(what, measured, failures):
    """What `measured` gives; None, and one failure more, when it cannot."""
    try:
        return measured()
    except (compiled.CompiledError, measure.WrongResult, grid.GridError, ListingError) as error:
        failures.append(f"{what}: {error}")
        print(f"bench: error: {failures[-1]}", file=sys.stderr, flush=True)
        return None


def contests(options, rows, planned, folder, failures):
    """Measures rows beside peers, prints a line for each, and writes the page with all that was ever measured here."""
    installed, missing = ([], {}) if options.no_peers else peers.load()
    bench = contest.Contest(options, folder, [peer for peer in installed if not (
        options.without and re.search(options.without, peer.name))], missing)
    for name, reason in missing.items():
        print(f"bench: {name}: {reason}", file=sys.stderr)
    print(report.header(), flush=True)
    results = []
    try:
        for row, dtype, threads in planned:
            result = attempt(f"{row.name} {dtype}, {threads} threads", lambda: bench.measure(row, dtype, threads), failures)
            if result:
                results.append(result)
                print(report.line(result, results), flush=True)
    except KeyboardInterrupt:
        failures.append("the run was interrupted")
    if options.output:
        path, machine = page.beside(options.output, ".md"), report.machine()
        old, limits = page.load(page.beside(path, ".json"), machine, rows)
        results = page.merge(old, results, rows)
        limits = page.merge_limits(limits, bench.limits())
        page.store(page.beside(path, ".json"), machine, results, limits)
        picture = page.beside(path, ".svg")
        page.write(path, "rows", report.sections(
            results, limits, failures, picture if results and report.plot(picture, results) else None))


def profiles(options, planned, folder, failures):
    """Shows what binds each row, and all of them in a table."""
    bench, all_found = contest.Contest(options, folder), []
    seconds = 0.2 if options.quick else 3.0

    def looked_into(row, dtype, threads):
        return bench.measure(row, dtype, threads, lambda result, library, run, cpu: profiling.profile(
            bench.runtime, library, run, result, cpu, seconds))
    for row, dtype, threads in planned:
        found = attempt(f"{row.name} {dtype}, {threads} threads", lambda: looked_into(row, dtype, threads), failures)
        if found:
            all_found.append(found)
            print(profiling.section(found), flush=True)
    table = profiling.summary(all_found) if all_found else ""
    print(table)
    if options.output and all_found:
        page.write(pathlib.Path(options.output), "what binds",
                   "\n".join([table, *map(profiling.section, all_found)]))


def compilations(options, planned, folder, failures):
    """Measures how long each program of the rows takes to compile."""
    programs = {}
    for row, dtype, _ in planned:
        settings = tuple(contest.CASES[row.variant.kind].settings(row, dtype))
        programs.setdefault((row.variant.path, settings), row.variant.kind)
    found = [attempt(path.stem, lambda: compiling.measure(path, kind, settings, folder, options.rounds, options.mcpu),
                     failures) for (path, settings), kind in programs.items()]
    text = compiling.section(list(filter(None, found)), options.mcpu) if any(found) else ""
    print(text)
    if options.output and text:
        page.write(pathlib.Path(options.output), "compile time", text)


def tunings(options, planned, folder, failures):
    """Compares the cost model's schedules with all others of each row."""
    bench = contest.Contest(options, folder)
    found = []
    for row, dtype, threads in planned:
        if row.variant.kind != "attention":
            continue
        tuned = attempt(f"{row.name} {dtype}", lambda: tuning.tune(bench, row, dtype, threads, folder), failures)
        if tuned:
            found.append(tuned)
            print(tuning.line(tuned), flush=True)
    text = tuning.section(found) if found else ""
    if options.output and text:
        page.write(pathlib.Path(options.output), "schedules", text)


def counts(options, planned, folder, failures):
    """Counts what each row of attention executes."""
    found = [attempt(f"{row.name} {dtype}", lambda: counting.count(row, dtype, options.mcpu, folder), failures)
             for row, dtype, _ in planned if row.variant.kind == "attention"]
    text = counting.section(list(filter(None, found)), options.mcpu) if any(found) else ""
    print(text)
    if options.output and text:
        page.write(pathlib.Path(options.output), f"counts for {options.mcpu or 'this machine'}", text)


def main():
    options, failures = parse(), []
    try:
        rows = grid.load(options.grid)
        planned = plan(chosen(rows, options.rows), options)
    except (grid.GridError, OSError) as error:
        sys.exit(f"bench: error: {error}")
    if options.list:
        print(*dict.fromkeys(row.name for row, *_ in planned), sep="\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if options.profile:
            profiles(options, planned, folder, failures)
        elif options.compile:
            compilations(options, planned, folder, failures)
        elif options.tune:
            tunings(options, planned, folder, failures)
        elif options.count:
            counts(options, planned, folder, failures)
        else:
            contests(options, rows, planned, folder, failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
