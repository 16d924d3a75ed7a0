"""How many jobs stand where, how fast they go, how long each key takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tether_lab.job import GROUPS, State

if TYPE_CHECKING:
    from .lab import Lab

NEWEST = 10_000
"""Jobs that rates and times are taken from, at most."""
SLOWER = 2.0
MARGIN = 5.0
"""A job is slower than usual beyond SLOWER times the median and so many seconds: as the card says it."""


@dataclass(frozen=True, slots=True)
class KeyStats:
    """One key over the time asked for. Seconds; None before there is anything to tell. ``slower`` are ids of
    running jobs that take longer than usual; ``eta`` is when the last running one should end, from now."""

    key: str
    completed: int
    failed: int
    running: int
    per_hour: float
    wait: float | None
    usual: float | None
    p95: float | None
    eta: float | None
    slower: tuple[int, ...] = ()

    @property
    def success_rate(self) -> float | None:
        """Completed among those that ended."""
        ended = self.completed + self.failed
        return self.completed / ended if ended else None


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts. ``states`` has every status, ``groups`` their sums (waiting, final, active, unfinished);
    ``handlers`` is how many keys are registered, ``next_due`` UTC µs or None. ``per_hour`` jobs completed in
    the last ``span`` seconds; ``wait`` and ``duration`` are medians of it, ``keys`` the same a key."""

    states: Mapping[State, int]
    groups: Mapping[str, int]
    handlers: int
    next_due: int | None
    worker: str
    span: float = 86400.0
    per_hour: float = 0.0
    wait: float | None = None
    duration: float | None = None
    keys: Mapping[str, KeyStats] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.states.values())

    def __getitem__(self, name: str) -> int:
        """``stats["running"]``, ``stats["waiting"]``."""
        return self.groups[name] if name in self.groups else self.states[State(name)]

    def table(self) -> Any:
        """As it is shown: counts, then a line a key."""
        from tether_lab.views.phrases import duration
        from tether_lab.views.tables import counts_table

        said = [("handlers", str(self.handlers)), ("worker", self.worker)]
        if self.per_hour:
            said.append(("rate", f"{self.per_hour:.3g} completed an hour, in the last {duration(self.span)}"))
        if self.wait is not None:
            said.append(("usual wait", duration(self.wait)))
        return counts_table(self.states, [*said, *((one.key, _words(one)) for one in self.keys.values())])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.views.mime import table_bundle

        return table_bundle(self.table())


def stats(lab: Lab, since: object = "1d") -> Stats:
    """The counts of this moment, and what ran since then (a datetime or a span back, ``"1d"``)."""
    from tether_lab.job_queue import handlers, read

    from . import clock

    now = clock.now()
    begin = clock.since(since, present=now) or 0
    span = max(1.0, (now - begin) / 1e6)
    counted = read.counts(lab.queue)
    found = {state: counted.get(state, 0) for state in State}
    groups = {name: sum(found[state] for state in members) for name, members in GROUPS.items()}
    by_key: dict[str, list[Any]] = defaultdict(list)
    for run in read.recent_runs(lab.queue, begin, NEWEST):
        by_key[run[0]].append(run)
    keys = {key: _of(key, by_key[key], now, span) for key in sorted(by_key)}
    runs = [run for runs in by_key.values() for run in runs]
    return Stats(found, groups, len(handlers.handlers(lab.queue)), read.next_due(lab.queue),
                 lab.worker.status().state, span, sum(one.per_hour for one in keys.values()),
                 _middle(_waits(runs)), _middle(_took(runs)), keys)


def _of(key: str, runs: Sequence[Any], now: int, span: float) -> KeyStats:
    took = _took(runs)
    usual = _middle(took)
    running = [(run[7], (now - run[3]) / 1e6) for run in runs if run[2] is None]
    slower = tuple(job for job, since in running if usual is not None and since > SLOWER * usual + MARGIN)
    left = [max(0.0, usual - since) for _, since in running] if usual is not None else []
    ended = {run[7]: run[6] for run in runs if run[2] is not None}
    completed = sum(state == State.COMPLETED for state in ended.values())
    return KeyStats(
        key, completed, sum(state == State.FAILED for state in ended.values()), len(running),
        completed / span * 3600, _middle(_waits(runs)), usual,
        sorted(took)[min(len(took) - 1, int(len(took) * 0.95))] if took else None,
        max(left) if left else None, slower)


def _took(runs: Sequence[Any]) -> list[float]:
    """Seconds of the attempts that succeeded."""
    return [(run[4] - run[3]) / 1e6 for run in runs if run[2] == "succeeded"]


def _waits(runs: Sequence[Any]) -> list[float]:
    """Seconds from being due to the start of the first attempt; later attempts wait on purpose."""
    return [max(0.0, (run[3] - run[5]) / 1e6) for run in runs if run[1] == 1]


def _middle(values: Sequence[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None


def _words(one: KeyStats) -> str:
    from tether_lab.views.phrases import count, duration

    said = [f"slower than usual: job {', '.join(map(str, one.slower))}"] if one.slower else []
    said.append(count(one.completed, "run"))
    if one.failed:
        said.append(f"{one.failed} failed")
    if one.usual is not None:
        said.append(f"usually {duration(one.usual)}" + (f", p95 {duration(one.p95)}" if one.p95 else ""))
    if one.wait is not None:
        said.append(f"waits {duration(one.wait)}")
    if one.running:
        said.append(f"{one.running} running" + (f", {duration(one.eta)} left" if one.eta else ""))
    return ", ".join(said)
