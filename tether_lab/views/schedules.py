"""The card of a schedule, and the table of all: when in words, the next runs, what became of the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tether_lab.job.schedule import Fire, ScheduleRow

from . import html, text
from .html import COLOURS
from .markup import tag
from .phrases import brief, clock, duration, moment
from .tables import Cell, Table
from .text import SIGNS

_ROLES = {"active": "running", "paused": "waiting", "over": "ended"}
_SAID = {"enqueued": "made job {job}", "asked": "made job {job} on request", "missed": "missed: no worker ran",
         "skipped": "skipped: an earlier job was still there"}


@dataclass(frozen=True, slots=True)
class ScheduleCard:
    """Everything that text and HTML say, decided."""

    role: str
    head: str
    said: str
    coming: tuple[str, ...]
    past: tuple[str, ...]
    trouble: str
    foot: str


def card(row: ScheduleRow, coming: Sequence[datetime], fires: Sequence[Fire], now: int) -> ScheduleCard:
    """``coming`` are the next moments in the schedule's zone, ``fires`` the last ones, newest first."""
    status = row.status if row.status != "active" else ""
    said = ", ".join(part for part in (row.rule.words(), status, _bounds(row)) if part)
    past = [f"{moment(fire.at, now)}  {_SAID[fire.outcome].format(job=fire.job_id or '(removed)')}"
            for fire in fires]
    return ScheduleCard(
        role="bad" if row.trouble else _ROLES[row.status], head=f"{brief(row.name, 60)} schedule of {row.key}",
        said=said, coming=tuple(f"{at:%a %Y-%m-%d %H:%M:%S %Z}" for at in coming), past=tuple(past),
        trouble=row.trouble or "",
        foot=f"uses the newest version of {row.key}, with data as captured by it · as of {clock(now)}")


def _bounds(row: ScheduleRow) -> str:
    rule = row.rule
    parts = [f"spread over {duration(rule.jitter / 1e6)}"] if rule.jitter else []
    if rule.overlap != "skip":
        parts.append(f"overlap {rule.overlap}")
    if rule.misfire != "latest":
        parts.append(f"misfire {rule.misfire}")
    return ", ".join(parts)


def bundle(card: ScheduleCard) -> dict[str, Any]:
    """Text and HTML."""
    lines = [f"{SIGNS[card.role]} {card.head}: {card.said}"]
    if card.trouble:
        lines.append(f"  the last fire made no job: {card.trouble}")
    lines += [f"  {'next' if number == 0 else '    '} {line}" for number, line in enumerate(card.coming)]
    lines += [f"  {'last' if number == 0 else '    '} {line}" for number, line in enumerate(card.past)]
    lines.append(f"  {card.foot}")
    body = [tag("div", tag("strong", card.head), f" {SIGNS[card.role]} {card.said}")]
    if card.trouble:
        body.append(tag("div", f"the last fire made no job: {card.trouble}",
                        style=f"color:{COLOURS['bad']}"))
    for title, found in (("Next", card.coming), ("Last", card.past)):
        if found:
            body.append(tag("div", tag("span", title, style="opacity:.85"),
                            tag("ul", *(tag("li", line) for line in found), style="margin:2px 0 6px")))
    body.append(tag("div", card.foot, style="font-size:12px;opacity:.85"))
    whole = tag("div", *body, role="group", aria_label=card.head,
                style=f"border:1px solid rgba(128,128,128,.35);border-left:4px solid {COLOURS[card.role]};"
                      "border-radius:4px;padding:8px 12px;max-width:760px;font-size:13px")
    return {"text/plain": "\n".join(lines), "text/html": str(whole)}


def table(rows: Sequence[ScheduleRow], now: int) -> Table:
    """All schedules, the next to fire first."""
    return Table(
        title="Schedules", columns=("Name", "Handler", "When", "Next", "Status"),
        rows=tuple((Cell(brief(row.name, 40)), Cell(brief(row.key, 40)), Cell(row.rule.words()),
                    Cell("" if row.paused or row.next_at is None else moment(row.next_at, now)),
                    Cell((row.trouble and f"{row.status}: {brief(row.trouble, 60)}") or row.status,
                         "bad" if row.trouble else _ROLES[row.status])) for row in rows),
        empty="No schedules. lab.schedule(\"key\", interval=\"1h\") adds one.")


def table_bundle(rows: Sequence[ScheduleRow], now: int) -> dict[str, Any]:
    """Text and HTML."""
    found = table(rows, now)
    return {"text/plain": text.draw_table(found), "text/html": str(html.table_html(found))}
