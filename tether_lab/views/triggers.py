"""The card of a trigger, and the table of all: what it waits for, what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tether_lab.job.trigger import TriggerRow

from . import html, text
from .html import COLOURS
from .markup import tag
from .phrases import brief, clock, count, moment
from .tables import Cell, Table
from .text import SIGNS

_ROLES = {"active": "running", "paused": "waiting"}


def _past(row: TriggerRow, now: int) -> str:
    if row.fired_at is None:
        return "no job yet"
    return f"{count(row.fired, 'job')}, the last ({row.job_id or 'removed'}) {moment(row.fired_at, now)}"


def bundle(row: TriggerRow, now: int) -> dict[str, Any]:
    """Text and HTML."""
    role = "bad" if row.trouble else _ROLES[row.status]
    head = f"{brief(row.name, 60)} trigger of {row.key}"
    said = f"{brief(row.words(), 200)}{', paused' if row.paused else ''}"
    lines = [_past(row, now), *([f"the last time made no job: {row.trouble}"] if row.trouble else []),
             f"uses the newest version of {row.key} · as of {clock(now)}"]
    whole = tag("div", tag("div", tag("strong", head), f" {SIGNS[role]} {said}"),
                *(tag("div", line, style="font-size:12px;opacity:.85") for line in lines),
                role="group", aria_label=head,
                style=f"border:1px solid rgba(128,128,128,.35);border-left:4px solid {COLOURS[role]};"
                      "border-radius:4px;padding:8px 12px;max-width:760px;font-size:13px")
    return {"text/plain": "\n".join([f"{SIGNS[role]} {head}: {said}", *(f"  {line}" for line in lines)]),
            "text/html": str(whole)}


def table(rows: Sequence[TriggerRow], now: int) -> Table:
    """All triggers, by name."""
    return Table(
        title="Triggers", columns=("Name", "Handler", "When", "Jobs", "Status"),
        rows=tuple((Cell(brief(row.name, 40)), Cell(brief(row.key, 40)), Cell(brief(row.words(), 80)),
                    Cell(_past(row, now)),
                    Cell((row.trouble and brief(row.trouble, 60)) or row.status,
                         "bad" if row.trouble else _ROLES[row.status])) for row in rows),
        empty="No triggers. lab.trigger(\"name\", \"key\", files=\"inbox/*.csv\") adds one.")


def table_bundle(rows: Sequence[TriggerRow], now: int) -> dict[str, Any]:
    """Text and HTML."""
    found = table(rows, now)
    return {"text/plain": text.draw_table(found), "text/html": str(html.table_html(found))}
