"""``ctx.db``: the lab's database for data of jobs. The only place of the runner that knows SQLite."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection

__all__ = ["Connection", "close_database", "open_database"]


def open_database(path: Path) -> Connection:
    """The connection, created 0600 with a write-ahead log; transactions begin IMMEDIATE, so that two
    jobs wait for each other instead of failing half-way."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=30.0, isolation_level="IMMEDIATE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def close_database(connection: Connection) -> None:
    """Roll back what was not committed, and close."""
    with suppress(sqlite3.Error):
        connection.rollback()
        connection.close()
