"""The limit: what a job's row says, in plain sqlite3 with the one index of a queue; nothing is checked,
looked up, signed or told to anybody."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

LEVELS = {"process": "NORMAL", "power": "FULL"}
TABLE = """CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, key TEXT NOT NULL,
handler_id INTEGER NOT NULL, queue TEXT NOT NULL, payload TEXT NOT NULL, options TEXT NOT NULL,
state TEXT NOT NULL, priority INTEGER NOT NULL, run_at INTEGER NOT NULL, max_attempts INTEGER NOT NULL,
created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, tags TEXT NOT NULL, key_id TEXT NOT NULL,
mac BLOB NOT NULL) STRICT"""
READY = "CREATE INDEX ready ON job (queue, priority DESC, run_at, id) WHERE state = 'pending'"
ADD = """INSERT INTO job (uuid, key, handler_id, queue, payload, options, state, priority, run_at, max_attempts,
created_at, updated_at, tags, key_id, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class RawQueue:
    """A table, one partial index, WAL, one connection that stays open."""

    def __init__(self, path: Path, durability: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(f"PRAGMA synchronous={LEVELS[durability]}")
        self._connection.execute(TABLE)
        self._connection.execute(READY)

    def one_by_one(self, count: int) -> float:
        """Rows a second, each in a transaction of its own."""
        execute, row = self._connection.execute, self._row()
        begun = time.perf_counter()
        for _ in range(count):
            execute("BEGIN IMMEDIATE")
            execute(ADD, row)
            execute("COMMIT")
        return count / (time.perf_counter() - begun)

    def at_once(self, count: int) -> float:
        """Rows a second, all in one transaction."""
        rows = [self._row()] * count
        begun = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(ADD, rows)
        self._connection.execute("COMMIT")
        return count / (time.perf_counter() - begun)

    def _row(self) -> tuple[object, ...]:
        now = time.time_ns() // 1000
        return ("01234567-89ab-4def-8123-456789abcdef", "noop", 1, "default", '{"i":1}', '{"isolation":"warm"}',
                "pending", 0, now, 3, now, now, "[]", "k0123456789ab", b"0123456789abcdef" * 2)

    def close(self) -> None:
        self._connection.close()
