"""How near the cost model's schedules are to the fastest of those that `fovea tune` would try."""

import dataclasses
import json
import pathlib
import tempfile

import compiled
import measure

FINALISTS = 3  # beside the model's schedule


@dataclasses.dataclass
class Tuned:
    """A row with its candidates. seconds: of a call with the model's schedule, and with the fastest."""

    name: str
    dtype: str
    candidates: int
    model: float
    fastest: float
    schedule: str  # the fastest one

    @property
    def loss(self):
        """The share of the fastest one's time that the model's takes more."""
        return self.model / self.fastest - 1


def listed(row, settings, cpu):
    """(place, cpu, fingerprint, schedule) of each candidate, the model's first."""
    told = compiled.run_fovea("tune", row.variant.path, settings, cpu, ["--list", "--entry", row.variant.function])
    return [line.split(maxsplit=3) for line in told.stdout.splitlines()]


def build(row, settings, cpu, candidates, folder):
    """A library for each candidate."""
    file = folder / "schedules.json"
    for place, name, fingerprint, schedule in candidates:
        # Of a name of its own: what is loaded goes by it.
        library = pathlib.Path(tempfile.mkstemp(".so", dir=folder)[1])
        file.write_text(json.dumps({"version": 1, "schedules": [
            {"cpu": name, "fingerprint": fingerprint, "attention": place, "schedule": schedule}]}))
        compiled.compile_file(row.variant.path, library, settings, cpu, options=["--schedules", file])
        yield library


def tune(contest, row, dtype, threads, folder):
    """Measures all candidates of a row in turn, then the fastest of them again beside the model's."""
    case, options = contest.case(row, dtype), contest.options
    settings = case.settings(row, dtype)
    candidates, sessions, runs = listed(row, settings, options.mcpu), [], {}
    try:
        for number, library in enumerate(build(row, settings, options.mcpu, candidates, folder)):
            sessions.append(compiled.Session(contest.runtime, library, row.variant.function, threads, case.weights))
            run, outputs = sessions[-1].bind(case.operands())
            run()
            if number == 0:
                measure.compare(case, outputs[case.result])
            runs[number] = run

        def median(numbers, rounds, least):
            return measure.in_turn({number: runs[number] for number in numbers}, dict.fromkeys(numbers, 0.0),
                                   lambda: 0.0, rounds, least)[0]
        first = median(runs, 3, options.least / 3)
        best = sorted((number for number in first if number), key=first.get)[:FINALISTS]
        # The first of a round comes after the longest pause, which costs it what others left in caches.
        last = median([*best[:1], 0, *best[1:]], options.rounds, options.least)
        fastest = min(last, key=last.get)
        return Tuned(row.name, dtype, len(candidates), last[0], last[fastest], candidates[fastest][3])
    finally:
        for session in sessions:
            session.close()


def line(tuned):
    return (f"{tuned.name:26} {tuned.dtype:5} {tuned.candidates:3} candidates  model {1e3 * tuned.model:9.3f} ms  "
            f"fastest {1e3 * tuned.fastest:9.3f} ms  {100 * tuned.loss:5.1f} %")


def section(found):
    """A section of the page, in Markdown."""
    out = ["| row | dtype | candidates | model's ms | fastest ms | the model's takes longer by |",
           "| --- | --- | --- | --- | --- | --- |"]
    out += [f"| {each.name} | {each.dtype} | {each.candidates} | {1e3 * each.model:.3f} | {1e3 * each.fastest:.3f} | "
            f"{100 * each.loss:.1f} % |" for each in found]
    worst = max(found, key=lambda each: each.loss)
    out += ["", f"Worst: {worst.name}, {100 * worst.loss:.1f} %, where the fastest is `{worst.schedule}`."]
    return "\n".join(out)
