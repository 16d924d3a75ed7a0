"""The job that is open: its head, and what of it was asked for, as HTML that escapes by itself. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tether_lab.job import HandlerVersion, State
from tether_lab.views.board import Card, card
from tether_lab.views.html import card_html, pre, table_html
from tether_lab.views.markup import Markup, join, tag
from tether_lab.views.phrases import count
from tether_lab.views.tables import Cell, Table, events_table, pairs_table

from .board import actions
from .found import Opened
from .question import DETAILS

LONGEST = 60_000
"""Characters of a payload or a source that are shown."""


@dataclass(frozen=True, slots=True)
class Detail:
    """``tabs`` are (word, title), ``body`` is HTML made by ``markup``, ``stage`` whether outputs are shown
    below it. Outputs are drawn by the notebook itself, beside the view."""

    job: int
    title: str
    status: str
    role: str
    headline: str
    actions: tuple[tuple[str, str], ...]
    tabs: tuple[tuple[str, str], ...]
    chosen: str
    body: str
    stage: bool


def detail(opened: Opened, chosen: str) -> Detail:
    """The open job."""
    drawn, row = card(opened.snapshot), opened.snapshot.row
    body = _body(opened, drawn, chosen)
    return Detail(
        job=row.id, title=drawn.title, status=drawn.status, role=drawn.role, headline=drawn.headline,
        actions=actions(row), tabs=tuple((word, _title(opened, word)) for word in DETAILS if word != "stack"
                                         or row.state is State.RUNNING or chosen == "stack"),
        chosen=chosen, body=str(body), stage=chosen == "outputs" and bool(opened.snapshot.outputs))


def _title(opened: Opened, word: str) -> str:
    found = opened.snapshot
    number = {"outputs": found.outputs, "attempts": len(found.attempts),
              "events": len(found.events)}.get(word)
    return word.capitalize() + (f" {number:,}" if number else "")


def _body(opened: Opened, drawn: Card, chosen: str) -> Markup:
    found, row = opened.snapshot, opened.snapshot.row
    match chosen:
        case "outputs" if found.outputs:
            return Markup()
        case "outputs":
            return _quiet("It has shown nothing." if row.is_final else
                          "It has shown nothing yet." if row.epoch else "It has not begun.")
        case "attempts":
            return _attempts(drawn)
        case "events":
            return table_html(events_table(row.id, found.events, found.at))
        case "payload":
            return _payload(row.payload, drawn)
        case "captures":
            return _captures(drawn)
        case "code":
            return _code(opened.version)
        case "stack":
            if not opened.stack:
                return _quiet("Asking where it is …")
            return join(pre(opened.stack), _quiet("Choose Stack again to look again."))
        case _:
            return card_html(drawn, full=True)


def _quiet(text: str) -> Markup:
    return tag("p", text, style="opacity:.85;margin:8px 0")


def _attempts(drawn: Card) -> Markup:
    rows = tuple((Cell(str(each.number)), Cell(each.outcome, each.role), Cell(each.started), Cell(each.took),
                  Cell(each.used), Cell(each.error)) for each in drawn.attempts)
    return table_html(Table("Attempts", ("attempt", "ended", "started", "took", "used", "error"), rows,
                            frozenset({"attempt"}), "It has not begun, so it has no attempts yet."))


def _payload(payload: str, drawn: Card) -> Markup:
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        text = payload
    options = table_html(pairs_table("Options", drawn.options)) if drawn.options else Markup()
    return join(pre(_cut(text)), options)


def _captures(drawn: Card) -> Markup:
    if not drawn.captures:
        taken = _quiet("It took nothing along.")
    else:
        taken = table_html(Table("Captures", ("variable", "type", "size", "why"), tuple(
            (Cell(each.name), Cell(each.type), Cell(each.size), Cell(each.why)) for each in drawn.captures)))
    return join(_quiet(drawn.captured) if drawn.captured else "", taken,
                table_html(pairs_table("Where it comes from", drawn.provenance)) if drawn.provenance else "")


def _code(version: HandlerVersion | None) -> Markup:
    if version is None:
        return _quiet("Its code is not known.")
    lines = count(version.source.rstrip().count("\n") + 1, "line")
    return join(_quiet(f"{version.kind} {version.key}, version {version.version[:12]}, {lines}"),
                pre(_cut(version.source)))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters"
