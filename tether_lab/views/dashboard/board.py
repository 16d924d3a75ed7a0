"""What the dashboard says, decided here once: the head, and a page of jobs. Pure.

``tabs`` has the other pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tether_lab.job import FINAL, JobRow, State, states
from tether_lab.job.state import WAITING
from tether_lab.views.bars import read_progress
from tether_lab.views.headline import role
from tether_lab.views.phrases import brief, clock, count, duration, moment, parameters
from tether_lab.views.tables import how, worker_line

from .found import Found
from .question import Question

SLOWER, AT_LEAST = 2.0, 5.0
"""A running job is slow when it has run so many times its usual seconds, and so many seconds more."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text; ``role`` draws it as a badge, ``bar`` (0 … 1) as a progress bar, ``full`` is said on hover."""

    text: str
    role: str = ""
    bar: float | None = None
    full: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """``sort`` is the word to sort by, empty where there is none."""

    title: str
    sort: str = ""
    right: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row. ``opens`` is what a click asks, ``actions`` are (verb, words), ``what`` names it to a screen
    reader and to a verb: ``{"job": 12}``."""

    what: Mapping[str, object]
    name: str
    cells: tuple[Cell, ...]
    opens: Mapping[str, object]
    actions: tuple[tuple[str, str], ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a table: ``first`` to ``last`` of ``total`` (None while it is counted). ``empty`` is said
    instead of rows, ``error`` above the last rows that could be read; ``group`` is the chain or batch whose
    jobs these are."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    first: int = 0
    last: int = 0
    total: int | None = None
    more: bool = False
    empty: str = ""
    note: str = ""
    error: str = ""
    group: Line | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline number; ``status`` is what it filters by."""

    label: str
    status: str
    count: int | None
    role: str


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above every tab. ``lines`` are sentences (text, role), ``keys`` and ``queues`` what can be
    filtered by."""

    lab: str
    worker: str
    worker_role: str
    can_start: bool
    paused: bool
    tiles: tuple[Tile, ...]
    lines: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    queues: tuple[str, ...]
    as_of: str


TILES: tuple[tuple[str, str, frozenset[State], str], ...] = (
    ("running", "running", frozenset({State.RUNNING}), "running"),
    ("waiting", "waiting", WAITING - {State.RETRYING}, "waiting"),
    ("retrying", "retrying", frozenset({State.RETRYING}), "retrying"),
    ("failed", "failed", frozenset({State.FAILED}), "bad"),
    ("completed", "completed", frozenset({State.COMPLETED}), "good"),
    ("other ends", "cancelled,expired,skipped",
     frozenset({State.CANCELLED, State.EXPIRED, State.SKIPPED}), "ended"))


def head(found: Found) -> Head:
    """The head of a lab."""
    tally = found.tally
    counts: Counter[State] = Counter()
    for each in tally or ():
        counts[each.state] += each.jobs
    worker = worker_line(running=found.worker_alive, pid=found.worker)
    return Head(
        lab=found.lab, worker=f"worker: {worker.line}", worker_role=worker.role,
        can_start=not found.worker_alive, paused=found.paused,
        tiles=tuple(Tile(label, status, None if tally is None else sum(counts[each] for each in among), colour)
                    for label, status, among, colour in TILES),
        lines=tuple(_sentences(found)),
        keys=tuple(sorted({each.key for each in tally or ()})),
        queues=tuple(sorted({each.queue for each in tally or ()} | {queue.name for queue in found.queues})),
        as_of=f"as of {moment(found.at, found.at)}")


def _sentences(found: Found) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    if found.paused:
        said.append(("everything is paused; what runs goes on", "retrying"))
    if found.worker_alive:
        said.append((f"{len(found.running)} of {count(found.runners, 'runner')} busy", ""))
    for row in slow(found):
        ran, usual = (found.at - (row.started_at or found.at)) / 1e6, found.usual[row.key] or 0.0
        line = f"job {row.id} ({brief(row.key, 30)}) is slower than usual: {duration(ran)}"
        said.append((f"{line}, usually {duration(usual)}", "retrying"))
    done = done_in(found)
    if done is not None:
        said.append((f"all done in about {duration(done)}", ""))
    if found.tally is not None:
        hour = sum(each.hour for each in found.tally)
        bad = sum(each.hour for each in found.tally if each.state is State.FAILED)
        day = sum(each.day for each in found.tally)
        day_bad = sum(each.day for each in found.tally if each.state is State.FAILED)
        said.append((f"last hour: {hour:,} ended{_failed(bad, hour)}", ""))
        if day != hour:
            said.append((f"last day: {day:,} ended{_failed(day_bad, day)}", ""))
    if found.next_due is not None and found.next_due > found.at:
        said.append((f"next by itself in {duration((found.next_due - found.at) / 1e6)}", ""))
    return said


def _failed(bad: int, ended: int) -> str:
    return f", {bad:,} failed ({bad / ended:.0%})" if bad else ""


def slow(found: Found) -> list[JobRow]:
    """Running jobs that are well beyond what is usual for their key, at most three, the longest first."""
    late = []
    for row in found.running:
        usual, ran = found.usual.get(row.key), (found.at - (row.started_at or found.at)) / 1e6
        if usual is not None and ran > SLOWER * usual + AT_LEAST:
            late.append(row)
    return late[:3]


def done_in(found: Found) -> float | None:
    """Seconds until all that can start and all that runs is probably done: usual runs, side by side on all
    runners. None where nothing waits or a key has no history."""
    if found.tally is None or not found.worker_alive or found.paused:
        return None
    left, any_left = 0.0, False
    for each in found.tally:
        if each.state in (State.PENDING, State.RETRYING) and each.jobs:
            usual = found.usual.get(each.key)
            if usual is None:
                return None
            left, any_left = left + usual * each.jobs, True
    longest = 0.0
    for row in found.running:
        usual = found.usual.get(row.key)
        if usual is None:
            return None
        rest = max(0.0, usual - (found.at - (row.started_at or found.at)) / 1e6)
        left, longest, any_left = left + rest, max(longest, rest), True
    return max(left / max(1, found.runners), longest) if any_left else None


# -- the jobs ------------------------------------------------------------------------------------

_JOBS = (Column("job", "id", right=True), Column("handler", "key"), Column("status", "status"),
         Column("how it is"), Column("parameters"), Column("tries", "attempts", right=True),
         Column("took", "took", right=True), Column("enqueued", "created"))


def jobs_page(found: Found, question: Question) -> Page:
    """A page of jobs."""
    total = found.total if found.total is not None else _total(found, question)
    first = question.page * question.size
    empty = ""
    if not found.rows:
        empty = (f"No job fits {question.filtered}." if question.filtered else
                 "No jobs yet. Put %%job on top of a cell to make it one, or lab.enqueue(…) a handler.")
    return Page(_JOBS, tuple(_job(row, found.at) for row in found.rows), first + 1 if found.rows else 0,
                first + len(found.rows), total, len(found.rows) == question.size and (
                    total is None or first + len(found.rows) < total), empty)


def _total(found: Found, question: Question) -> int | None:
    """How many there are, from the tally: for all jobs, or those of some states."""
    if found.tally is None:
        return None
    wanted = states(question.status) if question.status else frozenset(State)
    return sum(each.jobs for each in found.tally if each.state in wanted)


def _job(row: JobRow, now: int) -> Line:
    bars = read_progress(row.progress).bars if row.state is State.RUNNING else ()
    said = "" if row.state is State.COMPLETED else how(row, now)        # the time it took has a column
    tries = f"{row.attempt}/{row.max_attempts}" if row.max_attempts > 1 or row.attempt > 1 else ""
    cells = (Cell(str(row.id)), Cell(brief(row.key, 40), full=row.key), Cell(row.state.value, role(row.state)),
             Cell(said, bar=bars[0].fraction if bars else None, full=row.error or ""),
             Cell(parameters(row.payload, 60), full=parameters(row.payload, 600)), Cell(tries),
             Cell(_took(row, now)), Cell(moment(row.created_at, now)))
    return Line({"job": row.id}, f"job {row.id}, {brief(row.key, 40)}, {row.state.value}", cells,
                {"job": row.id}, actions(row), role(row.state))


def _took(row: JobRow, now: int) -> str:
    if row.started_at is None:
        return ""
    end = row.finished_at if row.finished_at is not None else now if row.state is State.RUNNING else None
    return "" if end is None else duration(max(0, end - row.started_at) / 1e6)


def actions(row: JobRow) -> tuple[tuple[str, str], ...]:
    """What can be done with a job as it stands."""
    if row.state in FINAL:
        return (("retry", "Retry"),)
    if row.state is State.RUNNING:
        return (("cancel", "Cancel"),) if row.cancel_requested_at is None else (("kill", "End it now"),)
    return ("cancel", "Cancel"), ("up", "Sooner"), ("down", "Later")


def as_of(at: int) -> str:
    """When it was true."""
    return f"as of {clock(at)}"
