"""What a card and a table say, decided here once; ``text``, ``html`` and ``mime`` only draw it.

Pure: a ``Snapshot`` (what was read, and when) goes in, a ``Card`` comes out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby

from tether_lab.job import Attempt, Event, HandlerVersion, JobRow, Manifest, ResultRow, State
from tether_lab.job.workflow import Edge

from .bars import BarView, Progress, read_progress
from .edges import conditions_shown
from .fold import plain
from .headline import attempt_words, headline, hints, remedy, role
from .options_shown import options_shown
from .phrases import brief, clock, count, duration, moment, parameters, size

TRACEBACK_LINES = 40


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job as read at one moment, ``at`` (UTC µs). ``lab`` is the lab's uuid.

    ``worker_alive`` is None where nobody looked, ``worker_starting`` that this process has just started
    one; ``typical`` the usual seconds of a run of this
    key; ``outputs`` how many outputs there are; ``tail`` the last lines of its text; ``notices``
    what was said when it was submitted; ``asked`` the edges to it that have a condition.
    """

    lab: str
    row: JobRow
    at: int
    attempts: tuple[Attempt, ...] = ()
    events: tuple[Event, ...] = ()
    version: HandlerVersion | None = None
    result: ResultRow | None = None
    worker_alive: bool | None = None
    worker_starting: bool = False
    typical: float | None = None
    outputs: int | None = None
    tail: str = ""
    notices: tuple[str, ...] = ()
    lab_name: str = ""
    asked: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One line of the attempts: number, how it ended (with its colour role), when, what it used."""

    number: int
    outcome: str
    role: str
    started: str
    took: str
    used: str
    error: str


@dataclass(frozen=True, slots=True)
class ErrorView:
    """``line`` is the error in one line, ``remedy`` what to do, ``traceback`` plain text."""

    line: str
    remedy: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class CaptureView:
    """One captured variable."""

    name: str
    type: str
    size: str
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that a job's card says. ``role`` (waiting, running, retrying, good, bad, ended)
    gives the colour and the sign; the words never need it. Pairs are (label, text)."""

    job_id: int
    key: str
    status: str
    role: str
    headline: str
    parameters: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    bars: tuple[BarView, ...] = ()
    more_bars: int = 0
    error: ErrorView | None = None
    result: str = ""
    tail: str = ""
    captured: str = ""
    captures: tuple[CaptureView, ...] = ()
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    attempts: tuple[AttemptView, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    timings: tuple[tuple[str, str], ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = ()
    as_of: str = ""

    @property
    def title(self) -> str:
        """The key, cut to fit one line."""
        return brief(self.key, 60)


def card(snapshot: Snapshot) -> Card:
    """The card of a job."""
    row = snapshot.row
    manifest = snapshot.version.manifest if snapshot.version else None
    progress = read_progress(row.progress) if _shows_progress(row) else Progress()
    return Card(
        job_id=row.id, key=row.key, status=row.state.value,
        role=role(row.state), headline=headline(snapshot, progress),
        parameters=parameters(row.payload), description=row.description or "", tags=row.tags,
        bars=progress.bars, more_bars=progress.more,
        error=_error(snapshot), result=_result(snapshot),
        tail="" if row.state is State.COMPLETED else _tail(snapshot.tail),
        captured=captured(manifest), captures=_captures(manifest),
        warnings=_warnings(snapshot, manifest), notices=snapshot.notices,
        attempts=tuple(_attempt(attempt, snapshot.at) for attempt in snapshot.attempts),
        options=options_shown(row) + conditions_shown(snapshot.asked), timings=_timings(snapshot),
        provenance=_provenance(snapshot), hints=hints(snapshot),
        as_of=f"as of {clock(snapshot.at)}; %job {row.id}",
    )


def _tail(text: str) -> str:
    """The last lines of output, plain, each cut to fit."""
    lines = plain(text).rstrip().split("\n")
    return "\n".join(line if len(line) <= 200 else line[:199] + "…" for line in lines)


def _shows_progress(row: JobRow) -> bool:
    """Bars of a job that ended well say nothing any more; elsewhere they say how far it got."""
    return row.state is not State.COMPLETED


def _error(snapshot: Snapshot) -> ErrorView | None:
    row = snapshot.row
    if row.state in (State.COMPLETED, State.SKIPPED) or not row.error:
        return None
    if row.state is State.EXPIRED or row.error.startswith("cancelled by user"):
        return None
    failed = [a for a in snapshot.attempts if a.traceback]
    traceback = plain(failed[-1].traceback or "").rstrip() if failed else ""
    lines = traceback.split("\n")
    if len(lines) > TRACEBACK_LINES:
        cut = len(lines) - TRACEBACK_LINES
        traceback = "\n".join([*lines[:4], f"… {count(cut, 'line')} left out: %jobs show {row.id} …",
                               *lines[4 + cut:]])
    return ErrorView(brief(plain(row.error), 300), remedy(snapshot), traceback)


def _result(snapshot: Snapshot) -> str:
    found = snapshot.result
    if found is None or snapshot.row.state is not State.COMPLETED or found.kind == "none":
        return ""
    if found.kind == "unavailable":
        closed = found.text.startswith("encrypted: ")          # it is there, and its key is not here
        return brief(found.text, 200) if closed else f"not stored: {brief(found.text, 200)}"
    weight = f", {size(found.size)}" if found.size >= 1000 else ""
    return f"{brief(found.text, 120)} ({found.type}{weight})"


def captured(manifest: Manifest | None) -> str:
    """One line: ``df 100 MB, model 2.0 KB, +3 functions; imports np, pd``."""
    if manifest is None:
        return ""
    variables = [v for v in manifest.variables if not v.name.startswith("__printer__:")]
    functions = [v for v in variables if v.type in ("function", "type", "class")]
    values = sorted((v for v in variables if v not in functions), key=lambda v: -v.size)
    parts = [f"{v.name} {size(v.size)}" for v in values[:6]]
    if len(values) > 6:
        rest = sum(v.size for v in values[6:])
        parts.append(f"+{count(len(values) - 6, 'variable')} {size(rest)}")
    classes = sum(v.type in ("type", "class") for v in functions)
    if len(functions) - classes:
        parts.append(f"+{count(len(functions) - classes, 'function')}")
    if classes:
        parts.append("+1 class" if classes == 1 else f"+{classes} classes")
    if manifest.modules:
        names = brief(", ".join(manifest.modules), 60)
        parts.append(f"{count(len(manifest.modules), 'local module')} ({names})")
    said = ", ".join(parts)
    if manifest.imports:
        said += ("; " if said else "") + f"imports {brief(', '.join(manifest.imports), 80)}"
    if manifest.withheld:
        said += ("; " if said else "") + f"withheld {brief(', '.join(manifest.withheld), 80)}"
    return said


def _captures(manifest: Manifest | None) -> tuple[CaptureView, ...]:
    if manifest is None:
        return ()
    return tuple(CaptureView(brief(v.name, 60), brief(v.type, 60), size(v.size), brief(v.why, 80))
                 for v in sorted(manifest.variables, key=lambda v: -v.size))


def _warnings(snapshot: Snapshot, manifest: Manifest | None) -> tuple[str, ...]:
    said = [*(manifest.warnings if manifest else ()), *(manifest.notes if manifest else ())]
    for event in snapshot.events:
        if event.kind in ("warning", "soft_timeout", "deduplicated"):
            text = event.detail.get("message") or event.detail.get("text")
            if event.kind == "soft_timeout" and not text:
                text = "the soft timeout passed"
            if text:
                said.append(str(text))
    return tuple(brief(text, 400) for text in dict.fromkeys(said))


def _attempt(attempt: Attempt, now: int) -> AttemptView:
    words, colour = attempt_words(attempt)
    ended = attempt.finished_at if attempt.finished_at is not None else now
    used = []
    if attempt.usage.cpu_seconds is not None:
        used.append(f"{duration(attempt.usage.cpu_seconds)} CPU")
    if attempt.usage.peak_bytes:
        used.append(f"{size(attempt.usage.peak_bytes)} peak")
    return AttemptView(attempt.attempt, words, colour, moment(attempt.started_at, now),
                       duration(max(0, ended - attempt.started_at) / 1e6), ", ".join(used),
                       brief(plain(attempt.error or ""), 160))


def _timings(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    row, now = snapshot.row, snapshot.at
    said = [("enqueued", moment(row.created_at, now))]
    if row.started_at is not None:
        due = max(row.created_at, min(row.run_at, row.started_at))
        waited = duration(max(0, row.started_at - due) / 1e6)
        said.append(("started", f"{moment(row.started_at, now)} (waited {waited})"))
    if row.finished_at is not None:
        said.append(("ended", moment(row.finished_at, now)))
    if snapshot.typical:
        said.append(("usually takes", duration(snapshot.typical)))
    return tuple(said)


def _provenance(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    version = snapshot.version
    if version is None:
        return ()
    from_ = version.provenance
    said = [("version", f"{version.version}, registered {moment(version.created_at, snapshot.at)}"),
            ("python", f"{version.interpreter.minor} in {version.interpreter.prefix}")]
    if from_.packages:
        said.append(("packages", ", ".join(f"{name} {of}" for name, of in from_.packages.items())))
    if from_.git_commit:
        dirty = ", with changes not committed" if from_.git_dirty else ""
        said.append(("git", f"{from_.git_commit[:10]}{dirty}"))
    if from_.notebook:
        said.append(("notebook", from_.notebook))
    if from_.cell_id:
        said.append(("cell", from_.cell_id))
    return tuple((label, brief(text, 300)) for label, text in said)


def payload_of(row: JobRow) -> dict[str, object]:
    """The payload as an object; empty where it is not one."""
    value = json.loads(row.payload)
    return value if isinstance(value, dict) else {}


def by_status(rows: list[JobRow]) -> dict[str, int]:
    """How many of ``rows`` stand in each status."""
    ordered = sorted(row.state.value for row in rows)
    return {state: len(list(group)) for state, group in groupby(ordered)}
