"""Times contenders in turn: A B A B, medians, with the machine's limit as one more contender."""

import gc
import statistics
import time

import numpy as np


class WrongResult(Exception):
    """A result differs from the formula's by more than rounding explains."""


def compare(case, out, slack=1.0):
    """Raises WrongResult unless `out` is what the row's formula gives: of f32 with at most four times the error that
    the formula has in f32 itself; of bf16 within three roundings of the largest value. `slack` widens that."""
    for b, h in case.planes():
        expected = case.expected(b, h)
        scale = np.abs(expected).max()
        if case.dtype == "f32":
            allowed = 4 * np.abs(case.expected(b, h, np.float32) - expected).max() + 1e-7 * scale
        else:
            allowed = 3 * 2.0**-8 * scale
        found = out[b, h].astype(np.float64)
        error = np.abs(found - expected).max() if np.isfinite(found).all() else np.inf
        if not error <= slack * allowed:
            raise WrongResult(f"batch {b}, head {h} differs by {error:.1e}, more than {slack * allowed:.1e}")
    if not np.isfinite(out.astype(np.float32)).all():
        raise WrongResult("some values are not finite")


def seconds(run, calls):
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def in_turn(runs, limit, rounds, least):
    """runs: functions by name; limit: a function that measures a rate. Returns the median seconds of a call of each,
    and the median rate. A sample is as many calls as take `least` seconds."""
    calls = {}
    for name, run in runs.items():
        run()
        once = seconds(run, 1)
        calls[name] = max(1, round(least / max(once, 1e-7)))
    times, rates = {name: [] for name in runs}, []
    gc.disable()
    try:
        for _ in range(rounds):
            rates.append(limit())
            for name, run in runs.items():
                times[name].append(seconds(run, calls[name]))
    finally:
        gc.enable()
    return {name: statistics.median(each) for name, each in times.items()}, statistics.median(rates)
