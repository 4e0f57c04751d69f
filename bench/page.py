"""A page in Markdown whose sections are written by commands, and the results that it is made of."""

import dataclasses
import json
import pathlib

from contest import Result


def marks(section):
    """The lines around a section that a command writes."""
    return f"<!-- {section}: written by ./dev bench -->", f"<!-- end of {section} -->"


def write(path, section, text):
    """Puts `text` into the page at `path` between the marks of `section`, or at its end where it has none."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    begin, end = marks(section)
    before, found, rest = page.partition(begin)
    after = rest.partition(end)[2] if found else ""
    gap = "" if found or not before else "\n"
    path.write_text(f"{before}{gap}{begin}\n\n{text.strip()}\n\n{end}{after or chr(10)}", encoding="utf-8")


def load(path, machine, rows):
    """The results and limits that were stored at `path`, of rows that there still are; none of another machine.
    machine: as report.machine() gives it; rows: by name."""
    if not path.exists():
        return [], []
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored["machine"] != [list(each) for each in machine]:
        return [], []
    results = [Result(**{**each, "row": rows[each["row"]]}) for each in stored["results"] if each["row"] in rows]
    return results, [tuple(each) for each in stored["limits"]]


def store(path, machine, results, limits):
    """Writes what `load` reads, a line for each result, so that differences can be read."""
    def line(result):
        fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        fields |= {"row": result.row.name, "seconds": {name: float(f"{each:.5g}") for name, each in result.seconds.items()},
                   "peak": float(f"{result.peak:.5g}"), "bandwidth": float(f"{result.bandwidth:.5g}")}
        return json.dumps(fields, ensure_ascii=False)
    limits = [[what, threads, float(f"{rate:.5g}"), unit] for what, threads, rate, unit in limits]
    lines = ",\n  ".join(map(line, results))
    path.write_text(f'{{"machine": {json.dumps(machine)},\n "limits": {json.dumps(limits)},\n "results": [\n  {lines}\n]}}\n',
                    encoding="utf-8")


def merge(old, new, rows):
    """Results in the order of the rows; of what was measured again, the new."""
    order = {name: k for k, name in enumerate(rows)}
    found = {result.key: result for result in [*old, *new]}
    dtypes = list(dict.fromkeys(["f32", *(result.dtype for result in found.values())]))
    return sorted(found.values(), key=lambda result: (result.cpu, dtypes.index(result.dtype), result.threads,
                                                      order[result.row.name]))


def merge_limits(old, new):
    """Limits in the order of threads; of what was measured again, the new."""
    return sorted(({each[:2]: each for each in [*old, *new]}).values(), key=lambda each: each[1])


def beside(path, suffix):
    return pathlib.Path(path).with_suffix(suffix)
