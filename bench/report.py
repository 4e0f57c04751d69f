"""Results as a table for people: on the terminal, and as a page with a plot."""

import os
import pathlib
import platform
import re
import statistics

COLUMNS = (("row", 26), ("dtype", 5), ("threads", 7), ("ms", 9), ("rate", 13), ("limit", 7), ("of limit", 8),
           ("best peer", 24), ("ratio", 5))
MARKS = "<!-- measured: written by ./dev bench --output -->", "<!-- end of what was measured -->"
FLAGS = "avx2 fma avx512f avx512_bf16 avx512_fp16 amx_tile amx_bf16 asimd bf16 i8mm sve".split()


def rate(result):
    """What the work that counts amounts to in a second, in the unit of the limit that binds."""
    seconds = result.seconds["fovea"]
    if result.limited_by == "compute":
        return f"{result.flops / seconds * 1e-9:.1f} GFLOP/s"
    return f"{result.bytes / seconds * 1e-9:.1f} GB/s"


def best_peer(result):
    """The peer that takes least time, and its time over ours; None where no peer computes the row."""
    peers = {name: seconds for name, seconds in result.seconds.items() if name != "fovea"}
    if not peers:
        return None
    name = min(peers, key=peers.get)
    return name, peers[name] / result.seconds["fovea"]


def over(result, results):
    """How many times faster than the row it names, where that was measured alike."""
    for other in results:
        if (other.row.name, other.dtype, other.threads) == (result.row.over, result.dtype, result.threads):
            return f"{other.seconds['fovea'] / result.seconds['fovea']:.2f} x {other.row.name}"
    return ""


def cells(result, results):
    seconds, peer = result.seconds["fovea"], best_peer(result)
    return [result.row.name, result.dtype, str(result.threads), f"{1e3 * seconds:.3f}", rate(result),
            result.limited_by, f"{100 * result.bound / seconds:.1f} %", peer[0] if peer else "none",
            f"{peer[1]:.2f}" if peer else "", over(result, results)]


def align(values):
    left = (0, 1, 7, 9)
    widths = [width for _, width in COLUMNS] + [0]
    return "  ".join(f"{value:<{width}}" if n in left else f"{value:>{width}}"
                     for n, (value, width) in enumerate(zip(values, widths))).rstrip()


def header():
    return align([name for name, _ in COLUMNS] + ["over"])


def line(result, results):
    return align(cells(result, results))


def machine():
    """The processor, in words: its model, cores, caches and what it can do."""
    try:
        info = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        info = ""
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.M)
    flags = set(re.search(r"^(?:flags|Features)\s*:(.*)$", info + "\nflags:", re.M).group(1).split())
    caches = []
    for folder in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches.append(f"L{level} {size}")
    return [("processor", model.group(1) if model else platform.processor() or platform.machine()),
            ("cores", str(len(os.sched_getaffinity(0)))), ("caches", ", ".join(caches) or "not told"),
            ("instructions", ", ".join(flag for flag in FLAGS if flag in flags) or "not told"),
            ("system", f"{platform.system()} {platform.release()}")]


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |",
            *("| " + " | ".join(row) + " |" for row in rows), ""]


def page(results, limits, missing, failures, picture, cpu):
    """The measured part of the page, in Markdown."""
    out = ["## The machine", "", *table(("", ""), machine() + ([("compiled for", cpu)] if cpu else [])), *table(
        ("limit", "threads", "rate"),
        [(what, str(threads), f"{rate * 1e-9:.1f} G{unit}") for what, threads, rate, unit in limits])]
    ratios = [peer[1] for peer in map(best_peer, results) if peer]
    out += ["## The rows", "", *table([name for name, _ in COLUMNS] + ["over"],
                                      [cells(result, results) for result in results])]
    if ratios:
        mean = statistics.geometric_mean(ratios)
        out += [f"Geometric mean of the ratios to the best peer: {mean:.2f}; "
                f"{sum(ratio >= 1 for ratio in ratios)} of {len(ratios)} rows are not slower.", ""]
    if picture:
        out += [f"![Each row's share of the machine's limit, ours and the best peer's]({picture.name})", ""]
    names = [name for name in dict.fromkeys(n for r in results for n in [*r.seconds, *r.absent]) if name != "fovea"]
    if names:
        out += ["## Every peer", "", "Milliseconds; a dash where a peer cannot compute the row, with its reason below.", ""]
        out += table(["row", "dtype", "threads", "fovea", *names],
                     [[r.row.name, r.dtype, str(r.threads),
                       *(f"{1e3 * r.seconds[name]:.3f}" if name in r.seconds else "—" for name in ["fovea", *names])]
                      for r in results])
    reasons = dict.fromkeys(f"{name}: {reason}" for r in results for name, reason in r.absent.items())
    reasons = [f"{name}: {reason}" for name, reason in missing.items()] + list(reasons)
    if reasons:
        out += ["Not measured:", "", *(f"- {reason}" for reason in reasons), ""]
    if failures:
        out += ["Rows without a figure:", "", *(f"- {failure}" for failure in failures), ""]
    return "\n".join(out)


def plot(path, results):
    """Draws each row's share of the limit, ours and the best peer's; False without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "fovea"
    figure, axes = pyplot.subplots(figsize=(9, 1.2 + 0.3 * len(results)))
    for n, result in enumerate(results):
        seconds, peer = result.seconds["fovea"], best_peer(result)
        share = 100 * result.bound / seconds
        axes.barh(n - 0.18, share, 0.36, color="#1f6feb", label="Fovea" if n == 0 else None)
        axes.barh(n + 0.18, share / peer[1] if peer else 0, 0.36, color="#b0b7c3", label="best peer" if n == 0 else None)
    axes.set_yticks(range(len(results)), [f"{r.row.name} {r.dtype} ×{r.threads}" for r in results], fontsize=7)
    axes.invert_yaxis()
    axes.axvline(100, color="black", linewidth=0.8)
    axes.set_xlabel("per cent of the machine's limit (multiply-adds or read bandwidth, whichever binds)")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True


def write(path, results, limits, missing, failures, cpu=None):
    """Puts the measured part into the page at `path`, between its marks, and a plot beside it."""
    picture = path.with_suffix(".svg")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    measured = page(results, limits, missing, failures, picture if results and plot(picture, results) else None, cpu)
    begin, end = MARKS
    before, found, rest = text.partition(begin)
    after = rest.partition(end)[2] if found else ""
    path.write_text(f"{before if found else text}{begin}\n\n{measured}\n{end}{after or chr(10)}", encoding="utf-8")
