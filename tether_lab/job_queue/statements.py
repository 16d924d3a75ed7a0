"""The SQL of the queue: ``sql("claim")`` is ``sql/claim.sql``, one statement a file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "sql"


@cache
def sql(name: str) -> str:
    """The statement without the comments above it (SQLite would parse them again each time)."""
    lines = (FOLDER / f"{name}.sql").read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[start:]).strip().removesuffix(";")
