"""The log goes back into the database, without racing a commit.

SQLite before 3.51.3 can lose rows when a commit resets the log while a checkpoint runs. A checkpoint
that runs while another connection of ours holds the write lock cannot be raced: there is no commit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass

from . import connection as connecting
from .queue import Queue
from .statements import sql

WORTHWHILE = 4_000_000
"""Bytes of the log below which a checkpoint is not worth its fsync."""


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """``busy``: not everything could be moved; frames in the log, and how many of them are moved."""

    busy: bool
    frames: int
    moved: int


def log_size(queue: Queue) -> int:
    """Bytes of the write-ahead log."""
    try:
        return queue.log_path.stat().st_size
    except FileNotFoundError:
        return 0


def checkpoint(
    queue: Queue, *, worthwhile: int = WORTHWHILE, exposed: bool | None = None,
) -> Checkpointed | None:
    """Move the log into the database if it has grown; None if it has not, or writers were too busy.

    Readers and (after this) writers are not disturbed; what a long reader pins stays for next time. A log that
    was moved whole is small afterwards (``journal_size_limit``): SQLite cuts it when it is begun anew, which is
    done here, or a lab that rests would keep the largest log that it ever had.
    """
    if queue.network or log_size(queue) < worthwhile:
        return None
    if exposed is None:
        exposed = connecting.exposed()
    second = connecting.connect(queue.path)
    try:
        if not exposed:
            return _run(second, "TRUNCATE")
        with queue.write(power=False):
            done = _run(second, "PASSIVE")
        if done is not None and done.moved == done.frames:
            with queue.write(power=False) as connection:
                connection.execute(sql("log_reset"))
        return done
    finally:
        second.close()


def _run(connection: sqlite3.Connection, kind: str) -> Checkpointed | None:
    with contextlib.suppress(sqlite3.Error):
        busy, frames, moved = connection.execute(f"PRAGMA wal_checkpoint({kind})").fetchone()
        return Checkpointed(bool(busy), frames, moved)
    return None
