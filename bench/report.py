"""Results as a table for people: on the terminal, and as a page with a plot."""

import os
import pathlib
import platform
import re
import statistics

COLUMNS = (("row", 26), ("dtype", 5), ("threads", 7), ("ms", 9), ("rate", 13), ("limit", 7), ("of limit", 8),
           ("KiB", 7), ("best peer", 24), ("ratio", 5))
FLAGS = "avx2 fma avx512f avx512_bf16 avx512_fp16 amx_tile amx_bf16 asimd bf16 i8mm sve".split()


def rate(result):
    """What the work that counts amounts to in a second, in the unit of the limit that binds."""
    seconds = result.seconds["fovea"]
    if result.limited_by == "compute":
        return f"{result.flops / seconds * 1e-9:.1f} GFLOP/s"
    return f"{result.bytes / seconds * 1e-9:.1f} GB/s"


def kibibytes(result):
    """Memory beyond inputs and outputs for each thread."""
    session, thread = result.memory
    return (session / result.threads + thread) / 1024


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
        if other.key == (result.row.over, *result.key[1:]):
            return f"{other.seconds['fovea'] / result.seconds['fovea']:.2f} x {other.row.name}"
    return ""


def cells(result, results):
    seconds, peer = result.seconds["fovea"], best_peer(result)
    return [result.row.name, result.dtype, str(result.threads), f"{1e3 * seconds:.3f}", rate(result),
            result.limited_by, f"{100 * result.bound / seconds:.1f} %", f"{kibibytes(result):.0f}", peer[0] if peer else "none",
            f"{peer[1]:.2f}" if peer else "", over(result, results)]


def align(values):
    left = (0, 1, 8, 10)
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


def heading(dtype, threads, cpu):
    """"f32, 1 thread, code for x86-64-v3"."""
    return f"{dtype}, {threads} thread{'s' if threads > 1 else ''}" + (f", code for {cpu}" if cpu else "")


def mean(results):
    """A sentence about the ratios to the best peers; "" where there is no peer."""
    ratios = [peer[1] for peer in map(best_peer, results) if peer]
    if not ratios:
        return ""
    return (f"Geometric mean of the ratios to the best peer: {statistics.geometric_mean(ratios):.2f}; "
            f"{sum(ratio >= 1 for ratio in ratios)} of {len(ratios)} rows are not slower.")


def groups(results):
    """Results by (dtype, threads, cpu), in their order."""
    found = {}
    for result in results:
        found.setdefault(result.key[1:], []).append(result)
    return found


def speedups(results):
    """A table of the times on several threads, for rows measured on more than one number of them."""
    out, alike = [], {}
    for result in results:
        alike.setdefault((result.row.name, result.dtype, result.cpu), []).append(result)
    for dtype, cpu in dict.fromkeys((result.dtype, result.cpu) for result in results):
        several = [each for (_, *rest), each in alike.items() if rest == [dtype, cpu] and len(each) > 1]
        counts = sorted({result.threads for each in several for result in each})
        if not several:
            continue
        lines, factors = [], {count: [] for count in counts[1:]}
        for each in several:
            times = {result.threads: result.seconds["fovea"] for result in each}
            line = [each[0].row.name, *(f"{1e3 * times[count]:.3f}" if count in times else "—" for count in counts)]
            for count in counts[1:]:
                if counts[0] in times and count in times:
                    factors[count].append(times[counts[0]] / times[count])
                    line.append(f"{factors[count][-1]:.2f}")
                else:
                    line.append("—")
            lines.append(line)
        means = ", ".join(f"{statistics.geometric_mean(each):.2f} on {count}" for count, each in factors.items() if each)
        out += [f"### {dtype}{f', code for {cpu}' if cpu else ''}", "",
                *table(["row", *(f"ms on {count}" for count in counts), *(f"speed-up on {count}" for count in counts[1:])],
                       lines), f"Geometric mean of the speed-ups: {means}.", ""]
    return ["## Threads", "", *out] if out else []


def every_peer(results):
    """For each group of results, the times of all that computed a row of it."""
    out = []
    for key, group in groups(results).items():
        names = list(dict.fromkeys(name for result in group for name in result.seconds if name != "fovea"))
        if names:
            out += [f"### Peers: {heading(*key)}", "", *table(
                ["row", "fovea", *names],
                [[r.row.name, *(f"{1e3 * r.seconds[name]:.3f}" if name in r.seconds else "—" for name in ["fovea", *names])]
                 for r in group])]
    if out:
        out = ["## Every peer", "", "Milliseconds; a dash where a peer cannot compute the row, with its reason below.", "", *out]
    reasons = {}
    for name, reason in dict.fromkeys((name, reason) for r in results for name, reason in r.absent.items()):
        reasons.setdefault(reason, []).append(name)
    if reasons:
        out += ["Not measured:", "", *(f"- {reason}: {', '.join(names)}" for reason, names in reasons.items()), ""]
    return out


def sections(results, limits, failures, picture):
    """The measured part of the page, in Markdown. picture: a path, or None."""
    out = ["## The machine", "", *table(("", ""), machine()), *table(
        ("limit", "threads", "rate"),
        [(what, str(threads), f"{rate * 1e-9:.1f} G{unit}") for what, threads, rate, unit in limits])]
    names = [name for name, _ in COLUMNS if name not in ("dtype", "threads")] + ["over"]
    for key, group in groups(results).items():
        out += [f"## Rows: {heading(*key)}", "",
                *table(names, [[cell for k, cell in enumerate(cells(result, results)) if k not in (1, 2)]
                               for result in group]), *filter(None, [mean(group)]), ""]
    if picture:
        out += [f"![Each row's share of the machine's limit, ours and the best peer's]({picture.name})", ""]
    out += speedups(results) + every_peer(results)
    if failures:
        out += ["Rows without a figure:", "", *(f"- {failure}" for failure in failures), ""]
    return "\n".join(out)


def plot(path, results):
    """Draws each row's share of the limit, ours and the best peer's, a panel for each group of results; False without
    matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "fovea"
    panels = groups(results)
    rows = max(map(len, panels.values()))
    figure, axes = pyplot.subplots(1, len(panels), figsize=(3 + 4 * len(panels), 1.4 + 0.3 * rows), squeeze=False)
    for axis, (key, group) in zip(axes[0], panels.items()):
        for n, result in enumerate(group):
            share, peer = 100 * result.bound / result.seconds["fovea"], best_peer(result)
            axis.barh(n - 0.18, share, 0.36, color="#1f6feb", label="Fovea" if n == 0 else None)
            axis.barh(n + 0.18, share / peer[1] if peer else 0, 0.36, color="#b0b7c3", label="best peer" if n == 0 else None)
        axis.set_yticks(range(len(group)), [result.row.name for result in group], fontsize=7)
        axis.set_title(heading(*key), fontsize=9)
        axis.set_ylim(rows - 0.4, -0.6)
        axis.set_xlim(0, 105)
        axis.axvline(100, color="black", linewidth=0.8)
    axes[0][0].legend(loc="lower right")
    figure.supxlabel("per cent of the machine's limit (multiply-adds or read bandwidth, whichever binds)", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True
