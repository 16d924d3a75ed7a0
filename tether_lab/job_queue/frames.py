"""Columns of many rows at once, for frames: plain tuples, a batch at a time.

Called by ``analytics``, which makes arrays of them. Knows nothing of numpy or pandas.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import sealed
from .frame_columns import Column
from .queue import Queue
from .statements import sql

NOTHING = -(2**63)
"""Stands for a missing number or moment: what numpy calls NaT."""

BATCH = 500
"""Rows at a time: fewer tuples alive than wake Python's garbage collector (700), which would take a third
of the time of a million rows."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows: UTC µs (``until`` excluded), job keys, the words of the frame (states, outcomes, kinds of
    events or outputs), a tag, a job; of more than ``limit`` the newest."""

    since: int | None = None
    until: int | None = None
    keys: Sequence[str] | None = None
    words: Sequence[str] | None = None
    tag: str | None = None
    job: int | None = None
    limit: int | None = None

    def values(self) -> dict[str, Any]:
        """The parameters of the frame statements."""
        return {"since": self.since, "until": self.until, "tag": self.tag, "job": self.job,
                "keys": None if self.keys is None else json.dumps(list(self.keys)),
                "words": None if self.words is None else json.dumps(list(self.words)),
                "limit": -1 if self.limit is None else self.limit}


def statement(name: str, columns: Sequence[Column], filters: Filters) -> str:
    """The SELECT of these columns, in their order; of ``version`` columns the handler's id.

    Lines of filters that were not given are left out: asked for each of a million rows, they cost a tenth.
    """
    source = {"jobs": sql("frame_jobs"), "attempts": sql("frame_attempts"), "events": sql("frame_events"),
              "outputs": sql("frame_outputs")}[name]
    absent = [f"(:{filter_} IS NULL OR" for filter_, value in filters.values().items() if value is None]
    lines = [line for line in source.splitlines() if not any(words in line for words in absent)]
    return f"SELECT {', '.join(map(expression, columns))} FROM (\n" + "\n".join(lines) + "\n)"


def expression(column: Column) -> str:
    """The SQL of a column; missing numbers and moments become NOTHING, so that no NULL slows numpy."""
    match column.type:
        case "version":
            return "handler_id"
        case "time" | "span" | "int?":
            return f"coalesce({column.sql}, {NOTHING})"
        case _:
            return column.sql


def batches(queue: Queue, name: str, columns: Sequence[Column],
            filters: Filters) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a frame, newest first, at most ``BATCH`` at a time, all of one moment. What is encrypted is
    opened where the key is here, row by row, and stays as it is elsewhere."""
    with queue.read() as connection, opening(queue, connection):
        cursor = connection.execute(statement(name, columns, filters), filters.values())
        while rows := cursor.fetchmany(BATCH):
            yield rows


@contextlib.contextmanager
def opening(queue: Queue, connection: sqlite3.Connection) -> Iterator[None]:
    """The functions of ``frame_columns`` that open, for this one reading; NULL without the key."""

    def opened(text: str, *place: str | int) -> str | None:
        with contextlib.suppress(*sealed.CLOSED):
            return sealed.opened(queue, text, *place)
        return None

    def opened_payload(text: str, uuid: str) -> str | None:
        with contextlib.suppress(*sealed.CLOSED):
            return sealed.masked(sealed.opened(queue, text, "job", "payload", uuid))
        return None

    connection.create_function("opened", -1, opened)
    connection.create_function("opened_payload", 2, opened_payload)
    try:
        yield
    finally:
        connection.create_function("opened", -1, None)
        connection.create_function("opened_payload", 2, None)


def versions(queue: Queue) -> dict[int, dict[str, Any]]:
    """What is known of each handler version, by id."""
    with queue.read() as connection:
        cursor = connection.execute(sql("frame_versions"))
        names = [column[0] for column in cursor.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
