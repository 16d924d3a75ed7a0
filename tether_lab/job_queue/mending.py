"""The log or its index removed under a worker: what the worker still holds goes back in its place.

A file that lost its name lives on for those who have it open. The worker has the log open, with every
commit that is not in the database yet, and SQLite's index of it mapped into its memory, which says up to
where the log counts. So the worker writes the log out again, under its old name, while it holds the write
lock; whoever had opened an empty one instead sees another file and begins anew. Kernels that come meanwhile
read nothing and write nothing until that is done (see ``wait`` and ``bereft``).

Nothing here opens the index or the database as a file: closing them again would drop SQLite's locks in this
process. Where there is no ``/proc``, nothing is mended: the error of the read says what happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tether_lab.errors import QueueCorrupt, QueueError

from . import backup, connection as connecting, failures, waiting

HEADER, FRAME_HEADER = 32, 24
FORMAT = 3007000
CHECK_EVERY = 5.0


class Removed(QueueCorrupt):
    """The database is not the file any more that the worker has open."""


@dataclass(frozen=True, slots=True)
class Index:
    """SQLite's index of the log, as this process has it mapped: its inode, how many frames count, how many of
    them are in the database too, the log's salts, the size of a page."""

    inode: int
    frames: int
    moved: int
    salt: bytes
    page: int

    @property
    def size(self) -> int:
        """Bytes of the log that count."""
        return HEADER + self.frames * (FRAME_HEADER + self.page)

    @property
    def needed(self) -> bool:
        """Whether the log says something that the database does not."""
        return self.frames > self.moved


def index(database: Path) -> Index | None:
    """The mapped index of this database's log; None if this process has none, or nobody can say."""
    names = (f"{database}-shm", f"{database}-shm (deleted)")
    try:
        with Path("/proc/self/maps").open(encoding="utf-8", errors="surrogateescape") as lines:
            found = [fields for fields in (line.rstrip("\n").split(None, 5) for line in lines)
                     if len(fields) == 6 and fields[5] in names and int(fields[2], 16) == 0]
        if not found:
            return None
        with Path("/proc/self/mem").open("rb", buffering=0) as memory:
            data = os.pread(memory.fileno(), 136, int(found[0][0].split("-")[0], 16))
    except (OSError, ValueError):
        return None
    number = [int.from_bytes(data[at:at + 4], sys.byteorder) for at in (0, 16, 96)]
    if number[0] != FORMAT:
        return None
    page = int.from_bytes(data[14:16], sys.byteorder)
    return Index(int(found[0][4]), number[1], number[2], data[32:40], 65536 if page == 1 else page)


# -- the worker's side ---------------------------------------------------------------------------------


@contextlib.contextmanager
def kept(connection: sqlite3.Connection | None, database: Path, files: tuple[int, ...], deadline: float,
         told: Callable[[str], None]) -> Iterator[None]:
    """Around the closing of the worker's connection: what of its ``files`` was removed and is needed is back
    before. ``told`` hears of it. None: a kernel's connection, for which nothing is done. Raises Removed if it
    is the database that is gone."""
    if connection is not None and files and inode(str(database)) != files[1]:
        raise removed(connection, database)
    guard, said = (None, "") if connection is None or len(files) < 4 else (
        mend(connection, database, files[2], deadline))
    try:
        yield
    finally:
        if guard is not None:
            guard.close()
            told(said)


def mend(connection: sqlite3.Connection, database: Path, log: int,
         deadline: float) -> tuple[sqlite3.Connection | None, str]:
    """Put back what was removed, as far as it is needed. ``log``: the inode of the log that ``connection`` has
    open.

    Gives a connection that must outlive ``connection`` (or closing that one, SQLite would put its own idea of
    the log into the database), and what was done, in words; (None, "") if nothing had to be. Raises
    QueueCorrupt where somebody has written to another log meanwhile.
    """
    known = index(database)
    if known is None or not log:
        return None, ""
    unindexed = inode(f"{database}-shm") != known.inode
    if not unindexed and (not known.needed or inode(f"{database}-wal") == log):
        return None, ""
    _hold_lock(connection, database, deadline)
    known = index(database) or known
    held = _held(log)
    if held is None:
        return None, ""
    begin = os.pread(held, HEADER, 0) if known.needed else b""
    path = Path(f"{database}-wal")
    if not known.needed or begin[16:24] != known.salt:       # all of it is in the database
        if unindexed and inode(str(path)) == log:           # who has these open must begin anew
            path.unlink()
            Path(f"{database}-shm").unlink(missing_ok=True)
        return None, ""
    if os.fstat(held).st_size < known.size:
        raise cut(database) from sqlite3.DatabaseError("the log is cut")
    if inode(str(path)) not in (0, log) and path.stat().st_size:
        connection.execute("ROLLBACK")
        raise _lost(database, "another one was begun; all that the worker knows is in "
                              f"{backup.salvage(connection, database.parent)}"
                    ) from sqlite3.DatabaseError("two logs")
    _written(path, held, known.size)
    guard = connecting.connect(database, deadline=deadline)
    if unindexed:
        Path(f"{database}-shm").unlink(missing_ok=True)      # the next who opens it makes it from the log
    return guard, (f"the log of {database} was removed, moved or lost its index; the worker has put it back: "
                   f"{known.frames - known.moved} pages, nothing is lost")


def _hold_lock(connection: sqlite3.Connection, database: Path, deadline: float) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.Error as error:
            if not failures.is_busy(error) or not waiting.pause(deadline):
                raise failures.told(error, database) or error from error


def _held(log: int) -> int | None:
    """SQLite's own descriptor of the log, to read from: the file has no name to open it by."""
    for name in os.listdir("/proc/self/fd"):      # noqa: PTH208  numbers, not paths
        with contextlib.suppress(OSError):
            if os.stat(int(name)).st_ino == log:  # noqa: PTH116  a descriptor
                return int(name)
    return None


def _written(path: Path, held: int, size: int) -> None:
    """The first ``size`` bytes of the log, in place at once, private and synced."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        at = 0
        while at < size:
            at += os.sendfile(descriptor, held, at, size - at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.rename(path)


def check(database: Path) -> float:
    """Once in a while, in the worker: raises QueueCorrupt if the log was cut. When to look again (monotonic
    seconds): it costs half a millisecond."""
    known = index(database)
    if known is not None and known.needed:
        with contextlib.suppress(FileNotFoundError):
            found = Path(f"{database}-wal").stat()
            if found.st_size < known.size and _held(found.st_ino) is not None:
                raise cut(database) from sqlite3.DatabaseError("the log is cut")
    return time.monotonic() + CHECK_EVERY


def removed(connection: sqlite3.Connection | None, database: Path) -> Removed:
    """The database itself is gone, or another one: what the connection still sees becomes one of the copies."""
    try:
        if connection is None:
            raise QueueError("nothing of it is open")
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        what = f"all that it held is in {backup.salvage(connection, database.parent)}"
    except (QueueError, sqlite3.Error, OSError) as error:
        what = f"what it held could not be kept ({error})"
    return Removed(f"{database} was replaced or removed under its worker: {what}", where=str(database),
                   remedy="tether-lab restore puts the newest good copy in its place.")


def cut(database: Path) -> QueueCorrupt:
    """The error for a log that has less than its index says, in the worker that has it open."""
    return _lost(database, "what was only there is gone")


def _lost(database: Path, how: str) -> QueueCorrupt:
    return QueueCorrupt(
        f"{database} has lost its log while it was in use; {how}", where=str(database),
        remedy="tether-lab restore puts the newest good copy of the lab's backups/ in its place, and keeps the "
               f"files that are there; tether-lab restore {database} goes on with what is left.")


def inode(name: str) -> int:
    """The number of the file of that name; 0 if there is none."""
    try:
        return os.stat(name).st_ino          # noqa: PTH116  as in files_now
    except FileNotFoundError:
        return 0


# -- everybody's side ----------------------------------------------------------------------------------


def connect(database: Path, run: Path, *, network: bool, role: str, deadline: float) -> sqlite3.Connection:
    """A connection; but not to a log or an index that was removed, and made anew, under a worker. Raises
    QueueError and its kind."""
    while True:
        if role == "supervisor" or network:
            connection = connecting.connect_or_read(database, network=network, deadline=deadline, role=role)
            connection.execute("PRAGMA schema_version").fetchall()     # makes the log, if there is none
            return connection
        wait(database, run, deadline)
        before = inode(f"{database}-wal")
        connection = connecting.connect_or_read(database, network=network, deadline=deadline, role=role)
        try:
            connection.execute("PRAGMA schema_version").fetchall()
            if not bereft(database) and (before == inode(f"{database}-wal") or not _has_worker(run)):
                return connection
        except sqlite3.Error as error:
            connection.close()
            if not failures.is_passing(error) or not waiting.pause(deadline):
                raise failures.told(error, database) or error from error
            continue
        connection.close()
        if not waiting.pause(deadline):
            raise _removed_in_use(database)


def _removed_in_use(database: Path) -> QueueError:
    return QueueError(f"the log of {database} was removed while it was in use", where=str(database),
                      remedy="The worker puts it back; if it does not, look into its log: lab.worker.log().")


def wait(database: Path, run: Path, deadline: float) -> None:
    """Before a database is opened: if its worker has it open and there is no index, somebody removed that, and
    the worker, which looks once a second, will see to it. A new one made now would not know of the worker's."""
    while not inode(f"{database}-shm") and _has_worker(run):
        if not waiting.pause(deadline):
            raise _removed_in_use(database)


def bereft(database: Path) -> bool:
    """After it was opened: whether the log is empty though its index says that it is needed. What is written to
    it now would be taken for the end of the other one."""
    try:
        if Path(f"{database}-wal").stat().st_size:
            return False
    except FileNotFoundError:
        return False
    known = index(database)
    return known is not None and known.needed


def _has_worker(run: Path) -> bool:
    """Whether a worker that is ready holds its lock (see ``worker.lock``)."""
    try:
        import fcntl

        descriptor = os.open(run / "supervisor.lock", os.O_RDONLY | os.O_CLOEXEC)
    except (ImportError, OSError):         # Windows, where no worker runs; no worker ever
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return bool(json.loads(os.pread(descriptor, 4096, 0)).get("ready"))
        return False
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
