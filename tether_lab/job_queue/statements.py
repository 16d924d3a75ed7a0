"""The SQL of the queue: ``sql("claim")`` is ``sql/claim.sql``, one statement a file.

A query that is asked by itself and within another one is written once: ``({next_due})`` in a file stands for
the statement of ``sql/next_due.sql``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"
_WITHIN = re.compile(r"\(\{(\w+)\}\)")


@cache
def sql(name: str) -> str:
    """The statement without the comments above it (SQLite would parse them again each time)."""
    lines = (FOLDER / f"{name}.sql").read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    text = "\n".join(lines[start:]).strip().removesuffix(";")
    return _WITHIN.sub(lambda found: f"({sql(found[1])})", text)
