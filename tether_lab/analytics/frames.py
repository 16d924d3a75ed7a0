"""Tidy frames of what the queue knows: one row a job, an attempt, an event, an output.

Moments are UTC, durations timedeltas, words categories, whole numbers that may be missing nullable.
Rows come in the order in which they happened. The columns are those of ``job_queue.frame_columns``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import pandas as pd

from tether_lab.errors import BadRequest
from tether_lab.job_queue import frame_columns, frames as reading
from tether_lab.job_queue.frame_columns import Column
from tether_lab.job_queue.frames import Filters
from tether_lab.job_queue.queue import Queue

from . import derived
from .arrays import grow, of_versions


def load(queue: Queue, name: str, filters: Filters, columns: str | Iterable[str] = "core") -> pd.DataFrame:
    """The frame ``name`` (jobs, attempts, events, outputs) with the rows that fit ``filters``.

    ``columns``: "core", "all", or names. Raises BadRequest for a column that does not exist.
    """
    wanted = chosen(name, columns)
    following = derived.followers({column.name: column for column in wanted})
    fetched = list({reading.expression(column): column for column in wanted
                    if column.name not in following}.values())
    versions = reading.versions(queue) if any(column.type == "version" for column in wanted) else {}
    growing = grow(fetched, reading.expression, reading.batches(queue, name, fetched, filters))
    arrays = {source: column.finished() for source, column in growing.items()}
    moments = {column.name: arrays[reading.expression(column)] for column in wanted if column.type == "time"}
    shown: dict[str, Any] = {}
    taken: set[str] = set()
    for column in wanted:
        if column.name in following:
            shown[column.name] = derived.work_out(column.name, moments)
            continue
        source = reading.expression(column)
        array = arrays[source]
        shown[column.name] = _shown(column, array.copy() if source in taken else array, versions)
        taken.add(source)                # two columns of equal SQL must not be one array to write to
    return pd.DataFrame(shown, copy=False)


def chosen(name: str, columns: str | Iterable[str]) -> Sequence[Column]:
    """The columns meant by "core", "all" or a list of names, in the order of the list."""
    table = frame_columns.TABLES[name]
    if isinstance(columns, str):
        if columns not in ("core", "all"):
            raise BadRequest(f"columns is {columns!r}", where="columns",
                             remedy='Give "core", "all" or a list of names.')
        return [column for column in table if column.core or columns == "all"]
    known = {column.name: column for column in table}
    names = list(dict.fromkeys(columns))
    for each in names:
        if each not in known:
            near = get_close_matches(str(each), known, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise BadRequest(f"{name} have no column {each!r}{meant}", remedy=f"Columns: {', '.join(known)}.",
                             where="columns")
    return [known[each] for each in names]


def _shown(column: Column, array: Any, versions: dict[int, dict[str, Any]]) -> Any:
    """The array as pandas shall hold it."""
    if column.type == "version":
        return of_versions(array, versions, column.sql)
    if column.type == "time":
        return pd.DatetimeIndex(array, tz="UTC")
    return array
