"""Times contenders in turn: A B A B, medians, with the machine's limit as one more contender."""

import gc
import statistics
import time

import numpy as np


class WrongResult(Exception):
    """A result differs from the formula's by more than rounding explains."""


# The least error allowed, as a share of the largest value: where few numbers are compared, the formula's
# own error in f32 may happen to be next to nothing.
FLOOR = {"f32": 2.0**-20, "bf16": 3 * 2.0**-8}
PATIENCE = 100  # samples' worth of seconds for one contender


def compare(case, out, slack=1.0):
    """Raises WrongResult unless `out` is what the row's formula gives: of f32 with at most four times the error that
    the formula has in f32 itself; of bf16 within three roundings of the largest value. `slack` widens that."""
    worst, place, own, scale = -1.0, "", 0.0, 0.0
    for where, found, expected, single in case.parts(out):
        found = found.astype(np.float64)
        error = np.abs(found - expected).max() if np.isfinite(found).all() else np.inf
        if error > worst:
            worst, place = error, where
        own = max(own, np.abs(single - expected).max())
        scale = max(scale, np.abs(expected).max())
    allowed = slack * max(4 * own, FLOOR[case.dtype] * scale)
    if not worst <= allowed:
        raise WrongResult(f"{place} differs by {worst:.1e}, more than {allowed:.1e}")
    if not np.isfinite(out.astype(np.float32)).all():
        raise WrongResult("some values are not finite")


def seconds(run, calls):
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def settle():
    """Waits until no thread of this process works: those of some peers free memory, or wait for work by turning round,
    for tens of milliseconds after a call."""
    for _ in range(100):
        before = time.process_time()
        time.sleep(0.004)
        if time.process_time() - before < 0.0005:
            return


def in_turn(runs, first, limit, rounds, least):
    """runs: functions by name, each called once before; first: the seconds that took; limit: a function that measures a
    rate. Returns the median seconds of a call of each, and the median rate. A sample is as many calls as take `least`
    seconds; of what is slow there are only so many as PATIENCE allows: of the slowest none but the first call."""
    once = {name: seconds(run, 1) if first[name] <= PATIENCE * least else first[name] for name, run in runs.items()}
    calls = {name: max(1, round(least / max(each, 1e-7))) for name, each in once.items()}
    times, rates = {name: [] for name in runs}, []
    gc.disable()
    try:
        for k in range(rounds):
            settle()
            rates.append(limit())
            for name, run in runs.items():
                if once[name] * (k + 1) <= PATIENCE * least:
                    settle()
                    times[name].append(seconds(run, calls[name]))
    finally:
        gc.enable()
    return {name: statistics.median(each or [once[name]]) for name, each in times.items()}, statistics.median(rates)
