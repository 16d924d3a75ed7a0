"""The dashboard where no widget can live: text and HTML, in an output of their own beside the view.

A saved notebook opened without its kernel has lost its widgets; this output is what remains. The live view
hides it. In a terminal it is all there is.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from tether_lab.views.html import table_html
from tether_lab.views.markup import Markup, tag
from tether_lab.views.phrases import count
from tether_lab.views.tables import Cell as TableCell, Table
from tether_lab.views.text import draw_table

from . import board
from .found import Found
from .question import Question
from .tabs import TABS, page

EVERY = 30.0
"""Seconds between two updates of the twin."""
ROWS = 20


def table(found: Found, question: Question) -> Table:
    """The page that is open, as a table of views."""
    shown = page(found, question)
    rows = tuple(tuple(TableCell(cell.text, cell.role) for cell in line.cells) for line in shown.lines[:ROWS])
    total = f"{len(rows)} of {shown.total:,}; " if shown.total is not None and shown.total > len(rows) else ""
    return Table(TABS[question.tab][0], tuple(column.title for column in shown.columns), rows,
                 frozenset(column.title for column in shown.columns if column.right),
                 shown.empty or "Nothing here.", f"{total}{board.as_of(found.at)}; %jobs dashboard")


def _headline(found: Found) -> tuple[str, str]:
    head = board.head(found)
    numbers = " · ".join(f"{tile.count:,} {tile.label}" for tile in head.tiles if tile.count)
    sentences = " · ".join(text for text, _ in head.lines)
    if found.tally is None:
        numbers = "counting all jobs"
    return f"Lab {head.lab}, {head.worker}", " · ".join(filter(None, (numbers or "no jobs", sentences)))


def text(found: Found | None, question: Question) -> str:
    """As text."""
    if found is None:
        return "A dashboard that has not been shown yet: it is the value of a cell, or display(…) shows it."
    return "\n".join([*_headline(found), draw_table(table(found, question))])


def html(found: Found | None, question: Question, name: str) -> Markup:
    """As HTML; ``name`` is the class by which the live view hides it."""
    if found is None:
        return tag("div", text(None, question), class_=name)
    first, second = _headline(found)
    style = "font-family:var(--jp-content-font-family,system-ui,sans-serif);font-size:13px"
    numbers = tag("div", second, style="opacity:.85;margin:2px 0 6px")
    return tag("div", tag("div", tag("strong", first)), numbers, table_html(table(found, question)),
               class_=name, role="group", aria_label=f"Dashboard, {count(len(found.rows), 'row')}", style=style)


class Twin:
    """The output beside the view, updated by its display id from any thread."""

    def __init__(self, name: str) -> None:
        self.name = f"tether-twin-{name}"
        self._shell: Any = None
        self._said, self._at = "", 0.0

    def show(self, bundle: dict[str, Any] | None, found: Found | None, question: Question) -> None:
        """The view (its mime bundle), then its twin; in a terminal the text alone."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None or not hasattr(shell, "kernel"):
            print(text(found, question))  # noqa: T201  a terminal's way to show
            return
        self._shell = shell
        if bundle is not None:
            bundle["text/plain"] = "The live dashboard; its last state stands below."
            shell.display_pub.publish(data=bundle, metadata={})
        self._publish(found, question, update=False)

    def keep_true(self, found: Found, question: Question) -> None:
        """Update it if it is old."""
        if self._shell is not None and time.monotonic() - self._at >= EVERY:
            self.update(found, question)

    def update(self, found: Found | None, question: Question) -> None:
        """Update it now, if it says anything new."""
        if self._shell is not None and found is not None:
            self._publish(found, question, update=True)

    def _publish(self, found: Found | None, question: Question, *, update: bool) -> None:
        self._at = time.monotonic()
        said = str(html(found, question, self.name))
        if update and said == self._said:
            return
        self._said = said
        self._shell.display_pub.publish(
            data={"text/plain": text(found, question), "text/html": said}, metadata={},
            transient={"display_id": self.name}, update=update)
