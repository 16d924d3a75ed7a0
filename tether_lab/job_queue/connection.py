"""Open the database the same way everywhere."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path

from tether_lab.errors import QueueError, QueueReadOnly

from . import failures, waiting

NORMAL, FULL, EXTRA = 1, 2, 3
OLDEST = (3, 37, 0)
"""STRICT tables and RETURNING."""

LONGEST_VALUE = 80_000_000
"""Bytes of one value; a payload may have 16 MB, a small blob 64 KB."""


def exposed(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite may corrupt a log that a checkpoint and a commit reset at once.

    Fixed in 3.51.3, 3.50.7 and 3.44.6; see the package's page.
    """
    return not (version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0)
                or (3, 44, 6) <= version < (3, 45, 0))


def version() -> str:
    """The version of this Python's SQLite."""
    return sqlite3.sqlite_version


def check_version() -> None:
    """Raises QueueError with what to install if this Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise QueueError(f"this Python has SQLite {sqlite3.sqlite_version}; Tether Lab needs 3.37 or newer",
                         remedy="Use a Python from uv or conda, which bring their own SQLite.",
                         where=sys.executable)


def settings(*, network: bool, read_only: bool = False) -> tuple[str, ...]:
    """The pragmas of each connection, in order."""
    lines = [
        "busy_timeout=0",                     # we retry ourselves, fairly
        "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "temp_store=MEMORY", "foreign_keys=ON",
    ]
    if read_only:
        return (*lines, "query_only=ON")
    lines += [
        f"synchronous={EXTRA if network else NORMAL}",
        f"wal_autocheckpoint={0 if exposed() else 1000}",
        "journal_size_limit=3000000",          # a log that was reset gives its space back
        "secure_delete=ON",
    ]
    if sys.platform == "darwin":
        lines += ["fullfsync=ON", "checkpoint_fullfsync=ON"]
    return tuple(lines)


def data_version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection commits."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def connect(path: Path, *, network: bool = False, read_only: bool = False,
            deadline: float | None = None) -> sqlite3.Connection:
    """A connection with all pragmas set. The file must exist (``create`` makes it).

    Somebody who closes the last other connection holds an exclusive lock for a moment, and a log that
    was removed comes back, so this retries until ``deadline`` (monotonic seconds). Raises QueueError and
    its kind.
    """
    deadline = time.monotonic() + 5.0 if deadline is None else deadline
    mode = "ro" if read_only else "rw"
    connection: sqlite3.Connection | None = None
    while True:
        try:
            connection = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None,
                                         timeout=0, check_same_thread=False)
            _prepare(connection, network=network, read_only=read_only)
            return connection
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            if not failures.is_passing(error) or not waiting.pause(deadline):
                raise failures.told(error, path) or error from error
        except QueueError:
            if connection is not None:
                connection.close()
            raise


def connect_or_read(
    path: Path, *, network: bool, role: str, deadline: float | None = None,
) -> sqlite3.Connection:
    """A connection for this role. Where nothing can be written, reading goes on (but for the worker, who
    could not work)."""
    try:
        return connect(path, network=network, deadline=deadline, read_only=role == "reader")
    except QueueReadOnly:
        if role == "supervisor" or os.access(path.parent, os.W_OK):
            raise
        return _connect_to_read(path)


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection to a database whose folder cannot be written, and so has no place for the index of a
    log. Where there is no log either, the file is all there is, and nobody changes it meanwhile."""
    log = path.with_name(f"{path.name}-wal")
    frozen = "&immutable=1" if not log.exists() or not log.stat().st_size else ""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro{frozen}", uri=True, isolation_level=None,
                                 timeout=0, check_same_thread=False)
    try:
        _prepare(connection, network=False, read_only=True)
    except sqlite3.Error as error:
        connection.close()
        raise failures.told(error, path) or error from error
    return connection


def _prepare(connection: sqlite3.Connection, *, network: bool, read_only: bool) -> None:
    for line in settings(network=network, read_only=read_only):
        connection.execute(f"PRAGMA {line}")
    if hasattr(connection, "setconfig"):      # Python 3.12
        connection.setconfig(getattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE"), True)  # noqa: B009
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    if read_only:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        return
    if not connection.execute("PRAGMA page_count").fetchone()[0]:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")       # only before the first table
    wanted = "truncate" if network else "wal"
    found = connection.execute(f"PRAGMA journal_mode={wanted}").fetchone()[0]
    if found != wanted:
        raise QueueError(f"SQLite keeps the journal mode {found!r} instead of {wanted!r} here",
                         remedy="Put the lab on a local disk (TETHER_LAB_HOME).")


def create(path: Path) -> bool:
    """Make an empty database file, private from its first moment; False if there is one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    return True
