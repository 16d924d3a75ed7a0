"""``ctx.db``: the lab's database for data of jobs. The only place of the runner that knows SQLite.

That there was one stands in a file beside it: without that, one that is removed or emptied would be made anew
by the next job, in silence. Its log goes back into it while a connection of ours holds the write lock, as the
queue's does (see ``job_queue.checkpoint`` for why).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType
from typing import Literal

from tether_lab.errors import QueueCorrupt, QueueError, QueueReadOnly, StorageFull

__all__ = ["Connection", "close_database", "hint", "open_database"]

MADE = "data.made"
WORTHWHILE = 4_000_000
"""Bytes of the log from which a commit moves it into the database."""
RESTORE = "tether-lab restore --data puts the newest good copy in its place, and keeps the files there are."
ROOM = "Free some space; what was not committed is not in it."


class Database(sqlite3.Connection):
    """As SQLite's own, but that a commit looks whether the database is still the file that was opened."""

    path: Path
    inode: int

    def commit(self) -> None:
        """Raises QueueCorrupt if the file was removed or exchanged meanwhile: what was written is not in it."""
        super().commit()
        if _inode(self.path) != self.inode:
            raise QueueCorrupt(f"{self.path} was removed or exchanged while this job used it: what it wrote "
                               "is not in it", where=str(self.path), remedy=f"{RESTORE} Then run it again.")
        with suppress(OSError):
            if os.stat(f"{self.path}-wal").st_size >= WORTHWHILE:      # noqa: PTH116  at each commit
                _move_log(self.path)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> Literal[False]:
        if kind is None:
            self.commit()                  # SQLite's own would not ask for ours
        else:
            self.rollback()
        return False


def open_database(path: Path) -> Connection:
    """The connection, created 0600 with a write-ahead log; transactions begin IMMEDIATE, so that two
    jobs wait for each other instead of failing half-way. Where it cannot be written it can be read.

    Raises QueueCorrupt for one that is damaged, or gone; QueueReadOnly, StorageFull and their kind.
    """
    made = path.with_name(MADE)
    before = made.exists()                 # looked at first: another job may just be making it
    if before and not _size(path):
        raise QueueCorrupt(f"{path} is {'empty' if path.exists() else 'gone'}, but jobs of this lab had one. "
                           "Nothing was written", where=str(path),
                           remedy=f"{RESTORE} To begin with an empty one: rm {made}")
    try:
        if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return _connected(f"{path.as_uri()}?mode=ro{_frozen(path)}", path)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = _connected(f"{path.as_uri()}?mode=rw", path)
        for line in (*_journal(path.parent), "foreign_keys = ON", "wal_autocheckpoint = 0",
                     "journal_size_limit = 3000000"):
            connection.execute(f"PRAGMA {line}").fetchall()
        if not before:
            os.close(os.open(made, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except (sqlite3.Error, OSError) as error:
        raise _told(error, path) from error
    return connection


def _connected(uri: str, path: Path) -> Database:
    connection = sqlite3.connect(uri, uri=True, timeout=30.0, isolation_level="IMMEDIATE", factory=Database)
    connection.path, connection.inode = path, _inode(path)
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    return connection


def _journal(lab: Path) -> tuple[str, str]:
    """As the queue beside it has it: no write-ahead log on a network file system. (The header of the queue says
    so. It may be opened here as a file: a job's process has no connection to it.)"""
    with suppress(OSError), (lab / "queue.db").open("rb") as queue:
        if queue.read(20)[18:] == b"\1\1":
            return "journal_mode = TRUNCATE", "synchronous = EXTRA"
    return "journal_mode = WAL", "synchronous = NORMAL"


def _frozen(path: Path) -> str:
    """A folder that cannot be written has no place for a log's index; without a log nobody needs one."""
    needed = os.access(path.parent, os.W_OK) or _size(path.with_name(f"{path.name}-wal"))
    return "" if needed else "&immutable=1"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino        # noqa: PTH116  at each commit
    except FileNotFoundError:
        return 0


def _move_log(path: Path) -> None:
    """Into the database, while nobody can commit; what somebody reads just now stays for the next time."""
    with (closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as guard,
          closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as second,
          suppress(sqlite3.OperationalError)):
        guard.execute("BEGIN IMMEDIATE")
        second.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        guard.execute("ROLLBACK")


def _told(error: sqlite3.Error | OSError, path: Path) -> QueueError:
    kinds: dict[str, type[QueueError]] = {RESTORE: QueueCorrupt, ROOM: StorageFull, _look(path): QueueReadOnly}
    remedy = _remedy(error, path) or (_look(path) if isinstance(error, OSError) else "")
    return kinds.get(remedy, QueueError)(f"{path} cannot be used ({error}). Nothing was changed",
                                         where=str(path), remedy=remedy)


def _look(path: Path) -> str:
    return f"Look at the folder and the file: ls -la {path.parent}"


def _remedy(error: BaseException, path: Path) -> str:
    found = getattr(error, "sqlite_errorcode", 0) or 0
    if found & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return RESTORE
    if found == sqlite3.SQLITE_IOERR_WRITE or found & 0xFF == sqlite3.SQLITE_FULL:
        return ROOM
    if found & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return _look(path)
    return ""


def hint(error: BaseException, path: Path) -> str | None:
    """What to do about an error in a job that asked for ``ctx.db``; None if that is not what it tells of."""
    if isinstance(error, QueueError):
        return error.remedy
    remedy = _remedy(error, path) if isinstance(error, sqlite3.Error) else ""
    return f"if that was ctx.db: {remedy}" if remedy else None


def close_database(connection: Connection) -> None:
    """Roll back what was not committed, and close."""
    with suppress(sqlite3.Error):
        connection.rollback()
        connection.close()
