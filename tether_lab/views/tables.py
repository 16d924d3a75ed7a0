"""Tables as values: jobs, handlers, events, counts, workers. ``text`` and ``html`` draw them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tether_lab.job import Event, Handler, JobRow, State

from .bars import read_progress
from .fold import plain
from .headline import role
from .phrases import brief, clock, count, duration, moment, parameters, waiting_for


@dataclass(frozen=True, slots=True)
class Cell:
    """A text; ``role`` colours it like a status."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` are as long as ``columns``; columns named in ``right`` hold numbers. ``empty`` is
    what is said instead of a table without rows, ``note`` what stands below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[str] = frozenset()
    empty: str = "Nothing here."
    note: str = ""


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """The worker in one line, and what to do if it is not there."""

    role: str
    line: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """Line and remedy."""
        return f"{self.line}: {self.remedy}" if self.remedy else self.line


def worker_line(*, running: bool, pid: int | None) -> WorkerLine:
    """How the worker of a lab is, for status lines."""
    if running:
        return WorkerLine("running", f"running, pid {pid}" if pid else "running")
    return WorkerLine("waiting", "none", "%tether start starts one")


def jobs_table(
    rows: Sequence[JobRow], now: int, *, total: int | None = None, filtered: str = "",
) -> Table:
    """Jobs as given (newest first, as a rule). ``total`` is how many there are in all,
    ``filtered`` the words of the filter, for the note and for the empty table."""
    drawn = tuple(_job(row, now) for row in rows)
    note = f"as of {clock(now)}; %jobs"
    if total is not None and total > len(rows):
        note = f"{len(rows)} of {total:,} jobs; more with limit={min(total, len(rows) * 5)} · {note}"
    empty = (f"No job matches {filtered}." if filtered else
             "No jobs yet. Put %%job on top of a cell to make it one.")
    return Table("Jobs", ("id", "key", "status", "", "attempts", "parameters", "created"), drawn,
                 frozenset({"id", "attempts"}), empty, note)


def _job(row: JobRow, now: int) -> tuple[Cell, ...]:
    tries = f"{row.attempt}/{row.max_attempts}" if row.max_attempts > 1 or row.attempt > 1 else ""
    return (Cell(str(row.id)), Cell(brief(row.key, 40)), Cell(row.state.value, role(row.state)),
            Cell(how(row, now)), Cell(tries), Cell(parameters(row.payload, 40)),
            Cell(moment(row.created_at, now)))


def how(row: JobRow, now: int) -> str:
    """The one thing worth knowing of a job in this status."""
    match row.state:
        case State.RUNNING:
            start = row.started_at or row.updated_at
            progress = read_progress(row.progress)
            full = progress.bars[0].percent if progress.bars else ""
            left = f"{duration(progress.left)} left" if progress.left is not None else ""
            since = f"{duration(max(0, now - start) / 1e6)}"
            return ", ".join(part for part in (since, full, left) if part)
        case State.COMPLETED if row.started_at and row.finished_at:
            return duration((row.finished_at - row.started_at) / 1e6)
        case State.FAILED | State.EXPIRED:
            return brief(plain(row.error or ""), 60)
        case State.RETRYING | State.SCHEDULED:
            again = "now" if row.run_at <= now else f"in {duration((row.run_at - now) / 1e6)}"
            return f"{again}; {brief(plain(row.error), 48)}" if row.error else again
        case State.BLOCKED | State.PENDING if row.waits_for:
            return brief(waiting_for(row.waits_for), 60)
    return ""


def queues_table(queues: Sequence[tuple[str, float, bool, int]]) -> Table:
    """(name, weight, paused, waiting jobs) of each queue."""
    rows = [f"weight {weight:g}, {count(depth, 'job')} waiting" + (", paused" if paused else "")
            for _, weight, paused, depth in queues]
    return pairs_table("Queues", [(queue[0], said) for queue, said in zip(queues, rows, strict=True)])


def modules_table(modules: Sequence[tuple[str, str, Sequence[str], str | None]]) -> Table:
    """(name, package with its version, registered keys, what went wrong) of each module."""
    rows = [(name, f"{package}: {error or ', '.join(keys) or 'nothing new'}")
            for name, package, keys, error in modules]
    nothing = ("none", "no installed package has an entry point tether_lab.modules")
    return pairs_table("Modules", rows or [nothing])


def handler_table(handlers: Sequence[Handler], now: int) -> Table:
    """The registered handlers."""
    drawn = []
    for handler in sorted(handlers, key=lambda h: h.key):
        options = json.loads(handler.options)
        drawn.append((Cell(brief(handler.key, 50)), Cell(handler.kind),
                      Cell(parameters(handler.defaults, 50)), Cell(", ".join(sorted(options))),
                      Cell(handler.version[:12]), Cell(str(handler.versions)),
                      Cell(moment(handler.updated_at, now))))
    return Table("Handlers", ("key", "kind", "defaults", "options", "version", "versions", "updated"),
                 tuple(drawn), frozenset({"versions"}),
                 "No handlers yet. %%job NAME registers the cell under it.",
                 "%job KEY name=value … enqueues one")


def events_table(job_id: int, events: Sequence[Event], now: int) -> Table:
    """What happened to a job, oldest first."""
    drawn = tuple((Cell(moment(event.at, now)), Cell(event.kind.replace("_", " ")),
                   Cell(brief(plain(_detail(event.detail)), 120))) for event in events)
    return Table(f"Events of job {job_id}", ("at", "event", "detail"), drawn,
                 empty=f"Nothing has happened to job {job_id} yet.")


def _detail(detail: Mapping[str, object]) -> str:
    return " ".join(str(value) if name in ("message", "text", "reason") else f"{name}={value}"
                    for name, value in detail.items())


def history_table(runs: Sequence[Any], now: int) -> Table:
    """Attempts (``job_id``, ``key``, ``attempt`` …), newest first."""
    drawn = tuple((Cell(str(run.job_id)), Cell(brief(run.key, 40)), Cell(str(run.attempt)),
                   Cell((run.outcome or "running").replace("_", " ")), Cell(moment(run.started_at, now)),
                   Cell("" if run.duration_ms is None else duration(run.duration_ms / 1e3)),
                   Cell(brief(plain(run.error or ""), 60))) for run in runs)
    return Table("History", ("id", "key", "attempt", "outcome", "started", "took", "error"), drawn,
                 frozenset({"id", "attempt", "took"}), "Nothing has run yet.")


def counts_table(counts: Mapping[State, int], extra: Iterable[tuple[str, str]] = ()) -> Table:
    """How many jobs stand where, and whatever else is known as (label, text)."""
    drawn = [(Cell(state.value, role(state)), Cell(f"{counts[state]:,}"))
             for state in State if counts.get(state)]
    drawn += [(Cell(label), Cell(text)) for label, text in extra]
    return Table("Jobs by status", ("status", "jobs"), tuple(drawn), frozenset({"jobs"}),
                 "No jobs yet. Put %%job on top of a cell to make it one.",
                 f"{count(sum(counts.values()), 'job')} in all" if counts else "")


def pairs_table(title: str, pairs: Iterable[tuple[str, str]], note: str = "") -> Table:
    """Names and values, such as settings."""
    return Table(title, ("name", "value"), tuple((Cell(name), Cell(value)) for name, value in pairs),
                 note=note)
