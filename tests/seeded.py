"""A seeded month for the tests of frames, measures and figures: written once for all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pandas as pd

from tether_lab.lab import Lab
from tether_lab.testing import Seeded, seed_history, temporary_lab

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)
COLUMNS = ["due_at", "tags", "expires_at"]


@dataclass(frozen=True)
class History:
    """What the lab says as frames, and the same tables as SQLite's own rows (dicts)."""

    seeded: Seeded
    jobs: pd.DataFrame
    attempts: pd.DataFrame
    job_rows: list[dict[str, Any]]
    attempt_rows: list[dict[str, Any]]


@contextmanager
def lab_with_history(jobs: int = 1500, seed: int = 7) -> Iterator[tuple[Lab, Seeded]]:
    """A lab with a seeded month that ended on 1 June 2026."""
    with temporary_lab(autostart=False) as lab:
        yield lab, seed_history(lab, jobs=jobs, seed=seed, until=UNTIL)


def rows(lab: Lab, statement: str) -> list[dict[str, Any]]:
    """What SQLite says, without anything of ours between."""
    connection = sqlite3.connect(lab.folder.queue_db)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(statement)]
    finally:
        connection.close()


@cache
def history() -> History:
    """Frames and rows of one lab, which is gone again."""
    with lab_with_history() as (lab, seeded):
        versions = "handler_version v ON v.id = j.handler_id"
        return History(
            seeded, lab.frames.jobs(columns="all"), lab.frames.attempts(columns="all"),
            rows(lab, f"SELECT j.*, v.version, v.kind FROM job j JOIN {versions} ORDER BY j.id"),
            rows(lab, f"SELECT a.*, j.key, v.version, j.created_at FROM attempt a "
                      f"JOIN job j ON j.id = a.job_id JOIN {versions} ORDER BY a.job_id, a.epoch"))
