"""A lab's databases, copied while they are used, and put back.

A copy is one consistent moment (VACUUM INTO; of ``ctx.db``, page by page), private, complete once it has its
name. A damaged queue is marked, left as it is, and written to no more; ``restore`` moves it aside and puts a
copy in its place.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from tether_lab.errors import BadRequest, QueueCorrupt, QueueError

from . import connection as connecting, failures, identity, migrate

MARK = "QUARANTINED"
DATA = "data.db"
KEPT = 3


def copy(source: Path, target: Path, *, network: bool = False) -> None:
    """A copy of a database as it is now. Raises QueueCorrupt, StorageFull and their kind."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        os.close(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if source.name == DATA:
            _pages(source, aside)
        else:
            with contextlib.closing(connecting.connect(source, network=network)) as connection:
                connection.execute("VACUUM INTO ?", (str(aside),))
        migrate.sync(aside)
        aside.rename(target)
        migrate.sync(target.parent)
    except sqlite3.Error as error:
        raise failures.told(error, source) or _unclear(error, source) from error
    finally:
        aside.unlink(missing_ok=True)


def _pages(source: Path, target: Path) -> None:
    """Page by page, in one step: of a database whose schema is the user's, with numbers of rows, functions and
    collations that only his code knows."""
    with (contextlib.closing(_users(source)) as connection,
          contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copied):
        connection.backup(copied)
        copied.execute("PRAGMA journal_mode = DELETE").fetchall()      # one file, until it is used


def _users(database: Path) -> sqlite3.Connection:
    """``ctx.db``, to be read, with SQLite's own settings: ours refuse some of what a user's tables may say."""
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, isolation_level=None,
                           check_same_thread=False)


def _unclear(error: sqlite3.Error, database: Path) -> QueueError:
    return QueueError(f"{database} could not be read ({error})", where=str(database),
                      remedy="See whether its tables use functions or collations that only your code knows.")


def salvage(connection: sqlite3.Connection, folder: Path) -> Path:
    """What a connection still sees of a queue whose files were removed under it, as one of the copies."""
    backups = folder / "backups"
    backups.mkdir(mode=0o700, exist_ok=True)
    target = backups / f"salvaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.db"
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
        migrate.sync(target)
    except BaseException as error:
        target.unlink()
        if isinstance(error, sqlite3.Error):
            raise failures.told(error, target) or error from error
        raise
    return target


def daily(folder: Path, source: Path, *, network: bool = False) -> Path:
    """A copy into ``backups`` (of ``data.db``: ``backups/data``); the newest few stay."""
    backups = _place(folder, source.name)
    backups.parent.mkdir(mode=0o700, exist_ok=True)
    backups.mkdir(mode=0o700, exist_ok=True)
    target = backups / f"daily-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.db"
    copy(source, target, network=network)
    for old in sorted(backups.glob("daily-*.db"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return target


def _place(folder: Path, of: str) -> Path:
    return folder / "backups" / "data" if of == DATA else folder / "backups"


def newest(folder: Path, of: str = "queue.db") -> float:
    """When the newest copy was made (POSIX seconds); 0 if there is none."""
    return max((path.stat().st_mtime for path in copies(folder, of)), default=0.0)


def copies(folder: Path, of: str = "queue.db") -> list[Path]:
    """The lab's own copies of this database, the newest first."""
    return sorted(_place(folder, of).glob("*.db"), key=lambda path: path.stat().st_mtime, reverse=True)


def look_through(database: Path, within: float, *, users: bool) -> str:
    """What SQLite's quick check finds wrong; "" if nothing, or nothing in ``within`` seconds. ``users``: it is
    ``ctx.db``, whose tables are the user's. Raises QueueCorrupt for one that cannot even be opened, QueueError
    for one that cannot be looked through."""
    until = time.monotonic() + within
    try:
        with contextlib.closing(_users(database) if users else
                                connecting.connect(database, read_only=True)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            connection.execute("PRAGMA ignore_check_constraints = ON")       # of pages and rows, not of values
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        if failures.code(error) == sqlite3.SQLITE_INTERRUPT:
            return ""
        raise failures.told(error, database) or _unclear(error, database) from error
    return "" if found == "ok" else found


def damaged(database: Path, found: str) -> QueueCorrupt:
    """The error for a database in which something is wrong; nothing was done to it."""
    error = QueueCorrupt(f"{database} is damaged: {found}", where=str(database),
                         remedy=failures.restore(database))
    error.__cause__ = sqlite3.DatabaseError(found)         # SQLite itself says so: a worker marks the queue
    return error


def check(database: Path) -> tuple[str, int]:
    """The uuid of a queue, and how many jobs it has. Raises QueueCorrupt, ForeignDatabase, SchemaMismatch."""
    try:
        connection = connecting.connect(database, read_only=True)
        try:
            if not migrate.check(connection, database):
                raise QueueCorrupt(f"{database} is empty", where=str(database), remedy="Choose another copy.")
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise damaged(database, found)
            uuid = connection.execute("SELECT value FROM meta WHERE key = 'db_uuid'").fetchone()[0]
            return str(uuid), int(connection.execute("SELECT count(*) FROM job").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise failures.told(error, database) or error from error


def quarantine(folder: Path, why: str) -> None:
    """Mark the queue as damaged: nobody writes to it until somebody restores a copy."""
    (folder / MARK).write_text(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{why}\n")
    (folder / MARK).chmod(0o600)


def quarantined(folder: Path) -> str:
    """Why the queue is marked as damaged; empty if it is not."""
    try:
        return (folder / MARK).read_text(errors="replace").partition("\n")[2].strip() or "damaged"
    except FileNotFoundError:
        return ""


def refusal(folder: Path, why: str) -> QueueCorrupt:
    """The error for writing to a marked queue."""
    return QueueCorrupt(f"{folder / 'queue.db'} was found damaged ({why}); nothing is written to it",
                        where=str(folder / "queue.db"),
                        remedy="tether-lab restore puts the newest good copy in its place, and keeps the "
                               "damaged files.")


def put_back(folder: Path, source: Path, of: str = "queue.db") -> list[Path]:
    """The copy in the place of a database; the files there were are moved aside. Their new names.

    The caller holds the worker's lock. Raises BadRequest for another lab's copy of the queue.
    """
    if of == "queue.db":
        _is_this_labs(folder, source)
    fresh = folder / f".{of}.{os.getpid()}"
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    migrate.sync(fresh)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    aside = []
    for name in (of, f"{of}-wal", f"{of}-shm"):
        if (folder / name).exists():
            moved = folder / f"{name}.corrupt-{stamp}"
            (folder / name).rename(moved)
            aside.append(moved)
    fresh.rename(folder / of)
    if of == "queue.db":
        (folder / MARK).unlink(missing_ok=True)
    migrate.sync(folder)
    return aside


def _is_this_labs(folder: Path, source: Path) -> None:
    uuid, _ = check(source)
    known = identity.remembered(folder)
    if known is not None and known != uuid:
        raise BadRequest(f"{source} is a copy of another lab ({uuid}; this one is {known})", where=str(source),
                         remedy="Choose a copy of this lab, or restore into a folder of its own.")
