"""SQLite's errors as ours: what happened, where, what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tether_lab.errors import QueueBusy, QueueCorrupt, QueueError, QueueReadOnly, StorageFull

BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# A limit on file sizes and a full disk look alike to SQLite: it could not write.
_FULL = frozenset({sqlite3.SQLITE_FULL})
_NO_WRITE = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC,
                       sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE})


def code(error: sqlite3.Error) -> int:
    """The primary result code; 0 for errors that Python raised itself."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    return code(error) in BUSY


def is_passing(error: sqlite3.Error) -> bool:
    """It is locked, or the log has less than its index says: somebody removed it, and whoever still has it open
    puts it back in a moment (see ``mending``)."""
    return is_busy(error) or is_short(error)


def is_short(error: sqlite3.Error) -> bool:
    """The log ends too early."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHORT_READ


def is_io(error: sqlite3.Error) -> bool:
    """It could not read or write a file."""
    return code(error) == sqlite3.SQLITE_IOERR


def restore(path: Path) -> str:
    """What to do about a damaged database."""
    return (f"tether-lab restore{' --data' if path.name == 'data.db' else ''} puts the newest good copy of the "
            "lab's backups/ in its place, and keeps the damaged files.")


def told(error: sqlite3.Error, path: Path) -> QueueError | None:
    """Our error for SQLite's; None for what is no circumstance but a bug of ours."""
    where, primary = str(path), code(error)
    extended = getattr(error, "sqlite_errorcode", 0) or 0
    if primary in BUSY:
        return QueueBusy(f"{path} is locked by another process", where=where,
                         remedy="Try again; `tether-lab doctor` names who holds the lock.")
    if primary in _FULL or extended in _NO_WRITE:
        return StorageFull(f"{path} could not be written: the disk, the quota or a limit is full ({error})",
                           remedy="Free some space. Nothing of this request was written.", where=where)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN,
                   sqlite3.SQLITE_AUTH):
        return QueueReadOnly(f"{path} cannot be opened or written ({error})", where=where,
                             remedy=f"Check the folder and the file: ls -la {path.parent}")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return QueueCorrupt(f"{path} is damaged ({error}). Nothing was changed or removed.", where=where,
                            remedy=restore(path))
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
        return QueueError(f"{path} could not be read or written ({error})", where=where,
                          remedy="Look into the system's log for disk errors, then try again.")
    return None
