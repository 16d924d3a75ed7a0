"""The pages of the tabs beside the jobs, and the list of all tabs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tether_lab.job import FINAL, State
from tether_lab.job.workflow import BatchRow, ChainRow
from tether_lab.views.phrases import brief, count, duration, moment
from tether_lab.views.services import ROLES as SERVICE_ROLES

from .board import Cell, Column, Line, Page, jobs_page
from .found import Found
from .question import Question

_GROUP_ROLES = {"running": "running", "completed": "good", "failed": "bad", "cancelled": "ended"}


def _listed(columns: Sequence[Column], lines: Sequence[Line], empty: str, note: str = "") -> Page:
    return Page(tuple(columns), tuple(lines), 1 if lines else 0, len(lines), len(lines), False,
                "" if lines else empty, note)


def chains_page(found: Found, _: Question) -> Page:
    """The newest chains; a click shows their jobs."""
    lines = []
    for row in found.chains:
        ended = sum(n for state, n in row.counts.items() if state in FINAL)
        lines.append(_group("chain", row, found.at, ended, {
            state.value: row.counts.get(state, 0) for state in State}))
    return _groups("chain", lines,
                   'No chains yet. lab.chain("etl").then("extract").then("load").enqueue() makes one.')


def batches_page(found: Found, _: Question) -> Page:
    """The newest batches; a click shows their jobs."""
    lines = [_group("batch", row, found.at, row.ended, {
        "completed": row.completed, "failed": row.failed, "cancelled": row.cancelled, "expired": row.expired,
        "skipped": row.skipped}) for row in found.batches]
    return _groups("batch", lines, 'No batches yet. lab.batch("score", items) or %%job --sweep makes one.')


def _group(kind: str, row: ChainRow | BatchRow, now: int, ended: int, counts: Mapping[str, int]) -> Line:
    colour = _GROUP_ROLES[row.status]
    said = ", ".join(f"{n:,} {word}" for word, n in counts.items() if n)
    cells = (Cell(str(row.id)), Cell(brief(row.name, 50), full=row.name), Cell(row.status, colour),
             Cell(f"{ended:,} of {count(row.total, 'job')}", bar=ended / row.total if row.total else None),
             Cell(said), Cell(moment(row.created_at, now)))
    other = "batch" if kind == "chain" else "chain"
    return Line({kind: row.id}, f"{kind} {row.id}, {brief(row.name, 40)}, {row.status}", cells,
                {"tab": "jobs", kind: row.id, other: None, "status": "", "words": ""},
                _group_actions(row.status), colour)


def _groups(kind: str, lines: Sequence[Line], empty: str) -> Page:
    columns = (Column(kind, right=True), Column("name"), Column("status"), Column("how far"), Column("jobs"),
               Column("enqueued"))
    return _listed(columns, lines, empty, "the newest hundred" if len(lines) >= 100 else "")


def _group_actions(status: str) -> tuple[tuple[str, str], ...]:
    if status == "running":
        return (("cancel", "Cancel"),)
    return (("retry", "Retry what failed"),) if status in ("failed", "cancelled") else ()


def schedules_page(found: Found, _: Question) -> Page:
    """All schedules, the next to fire first; a click shows their handler's jobs."""
    roles = {"active": "running", "paused": "waiting", "over": "ended"}
    lines = []
    for row in found.schedules:
        due = "" if row.paused or row.next_at is None else (
            f"{moment(row.next_at, found.at)} (in {duration(max(0, row.next_at - found.at) / 1e6)})")
        go = (("resume", "Resume"),) if row.paused else (("pause", "Pause"),) if row.next_at is not None else ()
        lines.append(Line(
            {"schedule": row.name}, f"schedule {brief(row.name, 40)}, {row.status}",
            (Cell(brief(row.name, 40), full=row.name), Cell(brief(row.key, 40), full=row.key),
             Cell(row.rule.words()), Cell(due), Cell(row.status, "bad" if row.trouble else roles[row.status]),
             Cell(brief(row.trouble or "", 80), full=row.trouble or "")),
            {"tab": "jobs", "key": row.key, "status": "", "words": "", "chain": None, "batch": None},
            (*go, ("run", "Run now")), roles[row.status]))
    return _listed((Column("name"), Column("handler"), Column("when"), Column("next"), Column("status"),
                    Column("trouble")), lines,
                   'No schedules yet. lab.schedule("report", cron="0 9 * * MON-FRI") makes one.')


def services_page(found: Found, _: Question) -> Page:
    """All services; a click opens the job that each runs as."""
    lines = []
    for row in found.services:
        down = row.status == "stopped" and not row.ending
        cells = (Cell(brief(row.name, 40), full=row.name), Cell(brief(row.key, 40), full=row.key),
                 Cell("ending" if row.ending else row.status, SERVICE_ROLES[row.status]),
                 Cell(brief(row.text(found.at), 80), full=row.text(found.at)),
                 Cell(f"{row.messages:,}" if row.messages else ""),
                 Cell(moment(row.started_at, found.at) if row.started_at and row.status == "running" else ""),
                 Cell(brief(row.error or "", 60) if row.status != "running" else "", full=row.error or ""))
        go = (("start", "Start"),) if down else (("restart", "Restart"), ("stop", "Stop"))
        lines.append(Line({"service": row.name}, f"service {brief(row.name, 40)}, {row.status}", cells,
                          {"job": row.job_id}, go, SERVICE_ROLES[row.status]))
    columns = (Column("name"), Column("handler"), Column("status"), Column("says"),
               Column("messages", right=True), Column("since"), Column("error"))
    return _listed(columns, lines,
                   'No services yet. lab.start_service("watcher") keeps a handler running for ever.')


def queues_page(found: Found, _: Question) -> Page:
    """The queues; a click shows their jobs."""
    lines = [Line({"queue": queue.name}, f"queue {queue.name}",
                  (Cell(queue.name), Cell(f"{queue.weight:g}"), Cell(f"{queue.waiting:,}"),
                   Cell("paused", "waiting") if queue.paused else Cell("open", "running")),
                  {"tab": "jobs", "queue": queue.name, "key": "", "status": "", "words": "", "chain": None,
                   "batch": None},
                  (("resume", "Resume"),) if queue.paused else (("pause", "Pause"),))
             for queue in found.queues]
    return _listed((Column("queue"), Column("weight", right=True), Column("waiting", right=True),
                    Column("status")), lines, "No queue has jobs that wait, a weight of its own, or a pause.")


TABS: dict[str, tuple[str, Callable[[Found, Question], Page] | None]] = {
    "jobs": ("Jobs", jobs_page), "chains": ("Chains", chains_page), "batches": ("Batches", batches_page),
    "schedules": ("Schedules", schedules_page), "services": ("Services", services_page),
    "queues": ("Queues", queues_page),
    "analytics": ("Analytics", None)}
"""Every tab: its title, and what makes a page of what was read. A tab without one shows figures. Another
tab is a line here, a field of ``Found``, and a line in ``lab.board_reading.READS``."""


def page(found: Found, question: Question) -> Page:
    """The page of the tab that is open."""
    draw = TABS[question.tab][1]
    if draw is None:
        return Page((), ())
    shown = draw(found, question)
    if question.tab == "jobs" and (found.chains or found.batches):
        of = chains_page(found, question).lines or batches_page(found, question).lines
        return replace(shown, group=of[0])
    return shown


