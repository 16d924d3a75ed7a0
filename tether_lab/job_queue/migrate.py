"""From the schema that a database has to the one this version writes.

Numbered files in ``migrations/``; ``user_version`` says how many were applied. A database with jobs
in it is copied first. All files run in one transaction, so a kill at any statement changes nothing.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tether_lab.errors import ForeignDatabase, SchemaMismatch

APPLICATION_ID = 0x54654C62        # "TeLb"
FOLDER = Path(__file__).parent / "migrations"
BACKUPS_KEPT = 3


@cache
def scripts() -> tuple[tuple[str, ...], ...]:
    """The statements of each migration, in order."""
    return tuple(_split(path.read_text("utf-8")) for path in sorted(FOLDER.glob("[0-9]*.sql")))


def latest() -> int:
    return len(scripts())


def check(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the schema, 0 for an empty database.

    Raises ForeignDatabase if it is no queue, SchemaMismatch if a newer Tether Lab wrote it in a way
    that this one must not touch (``meta.min_writer`` says who may).
    """
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if found != APPLICATION_ID and (found or version or tables):
        raise ForeignDatabase(f"{path} is a database, but no Tether Lab queue", where=str(path),
                              remedy="Choose another folder for the lab; this file was not touched.")
    if version > latest():
        row = connection.execute("SELECT value FROM meta WHERE key = 'min_writer'").fetchone()
        if row is None or int(row[0]) > latest():
            raise SchemaMismatch(
                f"{path} has schema {version}; this Tether Lab knows {latest()}", where=str(path),
                remedy="Install the newer Tether Lab here as well: pip install -U tether-lab.")
    return int(version)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Apply what is missing. Runs inside the caller's write transaction."""
    for number, statements in enumerate(scripts()[version:], version + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={number}")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    if version == 0:
        connection.execute("INSERT INTO meta (key, value) VALUES ('db_uuid', ?), ('created_at', ?)",
                           (str(uuid.uuid4()), datetime.now(UTC).isoformat()))
    connection.execute("INSERT INTO meta (key, value) VALUES ('min_writer', ?) "
                       "ON CONFLICT (key) DO UPDATE SET value = excluded.value", (str(latest()),))


def backup(connection: sqlite3.Connection, folder: Path, version: int) -> Path:
    """A copy of the database as it is, complete once it has its name; the newest three are kept."""
    folder.mkdir(mode=0o700, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    final, aside = folder / f"queue-{stamp}-schema{version}.db", folder / f".queue-{stamp}-{os.getpid()}"
    try:
        os.close(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", (str(aside),))
        sync(aside)
        aside.rename(final)
        sync(folder)
    finally:
        aside.unlink(missing_ok=True)
    for old in sorted(folder.glob("queue-*.db"))[:-BACKUPS_KEPT]:
        old.unlink(missing_ok=True)
    return final


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _split(script: str) -> tuple[str, ...]:
    """Single statements: ``executescript`` would commit the transaction we are in."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current.strip())
            current = ""
    return tuple(found)
