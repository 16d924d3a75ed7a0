"""The card of a service, and the table of all: how it is, what it says, what it was asked and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tether_lab.job.service import ServiceRow

from . import html, text
from .html import COLOURS
from .markup import tag
from .phrases import brief, clock, count, moment
from .tables import Cell, Table
from .text import SIGNS

ROLES = {"starting": "waiting", "running": "running", "restarting": "bad", "stopped": "ended"}


def headline(row: ServiceRow, now: int) -> str:
    """How it is, in a line."""
    parts = [row.status if not row.ending else "ending"]
    if row.status == "running" and row.started_at is not None:
        parts[0] += f" since {moment(row.started_at, now)}"
    elif row.status == "restarting" and row.run_at is not None and row.run_at > now:
        parts[0] += f" at {moment(row.run_at, now)}"
    if row.error and row.status in ("restarting", "stopped"):
        parts.append(brief(row.error, 120))
    if row.messages:
        parts.append(f"{count(row.messages, 'message')} waiting")
    return ", ".join(parts)


def bundle(row: ServiceRow, history: Sequence[tuple[datetime, str, Any]], now: int) -> dict[str, Any]:
    """Text and HTML. ``history``: (when, what, value) of the last events, oldest first."""
    role = ROLES[row.status]
    title, said = f"{brief(row.title, 60)} service {brief(row.name, 60)}", brief(row.text(now), 200)
    past = [f"{moment(round(at.timestamp() * 1e6), now)}  {kind}{_value(value)}" for at, kind, value in history]
    foot = f"runs {row.key} as job {row.job_id} · every {row.update_every / 1e6:g} s · as of {clock(now)}"
    lines = [f"{SIGNS[role]} {title}: {headline(row, now)}", *([f"  {said}"] if said else []),
             *(f"  {line}" for line in past), f"  {foot}"]
    body = [tag("div", tag("strong", title), f" {SIGNS[role]} {headline(row, now)}")]
    if said:
        body.append(tag("div", said, style="margin:4px 0"))
    if past:
        body.append(tag("ul", *(tag("li", line) for line in past), style="margin:2px 0 6px"))
    body.append(tag("div", foot, style="font-size:12px;opacity:.85"))
    whole = tag("div", *body, role="group", aria_label=title,
                style=f"border:1px solid rgba(128,128,128,.35);border-left:4px solid {COLOURS[role]};"
                      "border-radius:4px;padding:8px 12px;max-width:760px;font-size:13px")
    return {"text/plain": "\n".join(lines), "text/html": str(whole)}


def _value(value: Any) -> str:
    return "" if value is None else f": {brief(str(value), 100)}"


def table(rows: Sequence[ServiceRow], now: int) -> Table:
    """All services, by name."""
    return Table(
        title="Services", columns=("Name", "Handler", "Status", "Says", "Messages"),
        rows=tuple((Cell(brief(row.name, 40)), Cell(brief(row.key, 40)),
                    Cell(headline(row, now).split(", ")[0], ROLES[row.status]),
                    Cell(brief(_says(row, now), 60)),
                    Cell(str(row.messages or ""))) for row in rows),
        empty="No services. lab.start_service(\"name\", handler) starts one.")


def _says(row: ServiceRow, now: int) -> str:
    return row.error or "" if row.status in ("restarting", "stopped") else row.text(now)


def table_bundle(rows: Sequence[ServiceRow], now: int) -> dict[str, Any]:
    """Text and HTML."""
    found = table(rows, now)
    return {"text/plain": text.draw_table(found), "text/html": str(html.table_html(found))}
