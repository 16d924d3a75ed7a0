"""Spans that follow from moments which are loaded anyway: worked out by numpy, not row by row in SQL.

The same as the SQL of these columns in ``job_queue.frame_columns``, which is used where the moments are not
asked for; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tether_lab.job_queue.frame_columns import Column
from tether_lab.job_queue.frames import NOTHING

Numbers = np.ndarray[Any, Any]


def _between(end: Numbers, start: Numbers) -> Numbers:
    """End - start, and nothing where one of them is missing."""
    return np.where((end == NOTHING) | (start == NOTHING), NOTHING, end - start)


def _wait(started: Numbers, due: Numbers, created: Numbers) -> Numbers:
    """From due to the start of the last attempt; nothing before it, and after a retry was put off again."""
    return np.where(started >= due, started - np.maximum(created, due), NOTHING)


FORMULAS: dict[str, tuple[tuple[str, ...], Callable[..., Numbers]]] = {
    "wait": (("started_at", "scheduled_at", "created_at"), _wait),
    "run": (("finished_at", "started_at"), _between),
    "turnaround": (("finished_at", "created_at"), _between)}
"""Name of a column: the columns that it follows from, and how."""


def followers(columns: Mapping[str, Column]) -> dict[str, tuple[tuple[str, ...], Callable[..., Numbers]]]:
    """Those of the columns (by name) that follow from others among them."""
    return {name: FORMULAS[name] for name in columns
            if name in FORMULAS and all(source in columns for source in FORMULAS[name][0])}


def work_out(name: str, moments: Mapping[str, Any]) -> Any:
    """A span column from finished arrays of moments, by name."""
    sources, formula = FORMULAS[name]
    return formula(*(moments[source].view("int64") for source in sources)).view("m8[us]")
