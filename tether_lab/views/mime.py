"""The MIME bundles of a job and of tables.

``application/vnd.tether-lab.job+json`` version 1: ``{"version": 1, "lab": uuid, "job": {"id",
"uuid"}, "snapshot": {…the card…}, "at": ISO time}``. A renderer that knows it asks the server for
the present; any other shows the HTML or the text, which say when they were true.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from .board import Card, Snapshot, card
from .html import card_html, table_html
from .tables import Table
from .text import draw_card, draw_table

JOB_MIME = "application/vnd.tether-lab.job+json"
VERSION = 1


def bundle(snapshot: Snapshot, *, full: bool = False) -> dict[str, Any]:
    """Text, HTML and our own type for one job."""
    drawn = card(snapshot)
    return {"text/plain": draw_card(drawn, full=full), "text/html": str(card_html(drawn, full=full)),
            JOB_MIME: job_json(snapshot, drawn)}


def job_json(snapshot: Snapshot, drawn: Card) -> dict[str, Any]:
    """The JSON of ``application/vnd.tether-lab.job+json``."""
    at = datetime.fromtimestamp(snapshot.at / 1e6, UTC)
    return {"version": VERSION, "lab": snapshot.lab, "lab_name": snapshot.lab_name,
            "job": {"id": snapshot.row.id, "uuid": snapshot.row.uuid},
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "snapshot": asdict(drawn)}


def table_bundle(table: Table) -> dict[str, Any]:
    """Text and HTML for a table."""
    return {"text/plain": draw_table(table), "text/html": str(table_html(table))}


class Shown:
    """Something to return from a cell: displays as the bundle it was given, prints as its text."""

    def __init__(self, bundle: dict[str, Any]) -> None:
        self._bundle = bundle

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        return self._bundle

    def __repr__(self) -> str:
        return str(self._bundle["text/plain"])
