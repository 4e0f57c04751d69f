"""Rows measured beside their peers and the machine's limits."""

import dataclasses
import os
import pathlib
import time

import attention
import compiled
import grid
import measure
import models
from peers import Unsupported

# Of fovea_limit_kind: what may serve products of a dtype. Those of bf16 may also be done in f32.
KINDS = {"f32": (0, 1, 2), "bf16": (0, 1, 2, 3, 4)}
CASES = {"attention": attention.Attention, "linear": models.Linear, "minilm": models.MiniLM,
         "vit": models.ViT}


@dataclasses.dataclass
class Result:
    """A row as measured. cpu: what it was compiled for where that was asked, or ""; seconds: of a call, by contender;
    memory: bytes beyond inputs and outputs, of a session and of each thread; absent: why a peer has no time, by name."""

    row: grid.Row
    dtype: str
    threads: int
    cpu: str
    seconds: dict
    flops: int
    bytes: int
    peak: float  # FLOP/s of the machine
    bandwidth: float  # B/s of the machine, reading as much as this row does
    memory: list
    absent: dict

    @property
    def key(self):
        return self.row.name, self.dtype, self.threads, self.cpu

    @property
    def bound(self):
        """The seconds that the machine's limits leave: of arithmetic or of memory, whichever is more."""
        return max(self.flops / self.peak, self.bytes / self.bandwidth)

    @property
    def limited_by(self):
        return "compute" if self.flops / self.peak >= self.bytes / self.bandwidth else "memory"


class Contest:
    """What one run shares: the runtime, the compiled libraries, the options."""

    def __init__(self, options, folder, peers=(), missing=None):
        """peers: those to measure; missing: why others are not, by name."""
        self.options, self.folder, self.peers, self.missing = options, pathlib.Path(folder), peers, missing or {}
        self.runtime, self.libraries, self.kinds, self.last = compiled.Runtime(), {}, {}, None

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
            for kind in range(1, compiled.LIMIT_KINDS):
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
            raise Unsupported("left out by --quick")
        if case.row.variant.cache:
            raise Unsupported(f"takes no keys and values of {case.row.variant.cache} with scales")
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if case.bytes() > memory / 16 and not getattr(peer, "views", False):
            raise Unsupported("needs copies of operands that are too large for this machine")

    def case(self, row, dtype):
        """The row's case; that of the last call again where it is the same."""
        if not self.last or (self.last.row, self.last.dtype) != (row, dtype):
            self.last = None  # before the next takes memory
            self.last = CASES[row.variant.kind](row, dtype)
        return self.last

    def library(self, case):
        settings = tuple(case.settings(case.row, case.dtype))
        key = (case.row.variant.path, settings)
        if key not in self.libraries:
            path = self.folder / f"{len(self.libraries)}.so"
            compiled.compile_file(case.row.variant.path, path, settings, self.options.mcpu)
            self.libraries[key] = path
        return self.libraries[key]

    def prepared(self, case, threads):
        """Functions of peers that compute the case, each of which was called once and compared; the seconds that took;
        and why other peers have none."""
        runs, first, absent = {}, {}, dict(self.missing)
        for peer in (each for each in self.peers if each.kind == case.row.variant.kind):
            try:
                self.refuse(peer, case)
                runs[peer.name] = peer.prepare(case, threads)
                start = time.perf_counter()
                out = runs[peer.name]()
                first[peer.name] = time.perf_counter() - start
                # A peer may round more than we allow ourselves, but must compute the same.
                measure.compare(case, peer.result(out), slack=64)
            except Exception as error:  # whatever a peer raises says why it has no figure
                runs.pop(peer.name, None)
                absent[peer.name] = f"{error}".strip().split("\n")[0] or type(error).__name__
        return runs, first, absent

    def measure(self, row, dtype, threads, then=lambda result, library, run, cpu: result):
        """A Result, or what `then` makes of it, the library, a function that runs it and the CPU it is for."""
        case = self.case(row, dtype)
        library = self.library(case)
        session = compiled.Session(self.runtime, library, row.variant.function, threads, case.weights)
        try:
            run, outputs = session.bind(case.operands())
            run()
            measure.compare(case, outputs[case.result])
            others, first, absent = self.prepared(case, threads)
            kind, size, least = self.kind(dtype, session.features()), case.bytes(), self.options.least
            times, peak = measure.in_turn({"fovea": run} | others, {"fovea": 0.0} | first,
                                          lambda: self.runtime.multiply_add(kind, threads, least),
                                          self.options.rounds, least)
            bandwidth = max(self.runtime.read(size, threads, least) for _ in range(3))
            memory = compiled.memory(row.variant.path, row.variant.function, case.settings(row, dtype), case.indices(row),
                                     self.options.mcpu and session.cpu())
            return then(Result(row, dtype, threads, self.options.mcpu or "", times, case.flops(), size, peak, bandwidth,
                               memory, absent), library, run, session.cpu())
        finally:
            session.close()
