"""``tether-lab jobs``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tether_lab.lab.clock import now

from .labs import open_lab
from .parsing import Arguments
from .terminal import job_json, show_json, show_table

if TYPE_CHECKING:
    from tether_lab.views.tables import Table

FILTERS = ("key", "tag", "queue", "chain", "batch", "search", "since")


def run(given: Arguments) -> int:
    """List the jobs that fit."""
    from tether_lab.views.tables import jobs_table

    lab = open_lab(given)
    rows = lab.rows(",".join(given.status) or None, **{name: getattr(given, name) for name in FILTERS},
                    limit=given.limit, offset=given.offset, order=given.order)
    if given.json:
        show_json([job_json(row) for row in rows])
        return 0
    said = [*given.status, *(f"{name}={value}" for name in FILTERS if (value := getattr(given, name)))]
    total = None if said else sum(lab.counts().values())
    table = jobs_table(rows, now(), total=total, filtered=" ".join(said))
    show_table(in_terminal(table))
    return 0


def in_terminal(table: Table) -> Table:
    """The same table with the hints of a terminal."""
    note = table.note.replace("%jobs", "tether-lab job ID shows one").replace("limit=", "--limit ")
    empty = table.empty.replace("Put %%job on top of a cell to make it one.",
                                "tether-lab run COMMAND makes one, or %%job in a notebook.")
    return replace(table, note=note, empty=empty)
