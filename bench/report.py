"""Results as a table for people."""

COLUMNS = (("row", 26), ("dtype", 5), ("threads", 7), ("ms", 9), ("rate", 13), ("limit", 7), ("of limit", 8))


def header(peers):
    return "  ".join(f"{name:<{width}}" if n < 2 else f"{name:>{width}}"
                     for n, (name, width) in enumerate(COLUMNS)) + "  over"


def rate(result):
    """What the work that counts amounts to in a second, in the unit of the limit that binds."""
    seconds = result.seconds["fovea"]
    if result.limited_by == "compute":
        return f"{result.flops / seconds * 1e-9:.1f} GFLOP/s"
    return f"{result.bytes / seconds * 1e-9:.1f} GB/s"


def over(result, results):
    """How many times faster than the row it names, where that was measured alike."""
    for other in results:
        if (other.row.name, other.dtype, other.threads) == (result.row.over, result.dtype, result.threads):
            return f"{other.seconds['fovea'] / result.seconds['fovea']:.2f} x {other.row.name}"
    return ""


def line(result, results):
    seconds = result.seconds["fovea"]
    cells = [result.row.name, result.dtype, str(result.threads), f"{1e3 * seconds:.3f}", rate(result),
             result.limited_by, f"{100 * result.bound / seconds:.1f} %"]
    return "  ".join(f"{cell:<{width}}" if n < 2 else f"{cell:>{width}}"
                     for n, (cell, (_, width)) in enumerate(zip(cells, COLUMNS))) + "  " + over(result, results)
