"""Very many jobs in a moment: rows of one ended job, copied by SQLite itself."""

from __future__ import annotations

import sqlite3

from tether_lab.lab import Lab
from tether_lab.testing import seed_history


def put_many(lab: Lab, count: int) -> None:
    """A lab with exactly ``count`` ended jobs of six handlers, a minute apart. They cannot be run."""
    seed_history(lab, jobs=200, seed=3)
    lab.close()
    connection = sqlite3.connect(lab.folder.queue_db)
    try:
        names = [row[1] for row in connection.execute("PRAGMA table_info(job)") if row[1] not in ("id", "uuid")]
        there = connection.execute("SELECT count(*) FROM job").fetchone()[0]
        columns = ", ".join(names)
        with connection:
            connection.execute(
                f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count - there}) "
                f"INSERT INTO job (uuid, {columns}) SELECT 'copy-' || x, {columns} FROM n "
                f"JOIN job ON job.id = 1 + x % {there} WHERE job.dedup_key IS NULL")
        assert connection.execute("SELECT count(*) FROM job").fetchone()[0] == count
    finally:
        connection.close()
