"""An open lab database: where it is, who it is, and the one way to write to it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tether_lab.errors import QueueBusy, QueueCorrupt, QueueError
from tether_lab.settings import LabFolder, Settings, make_private

from . import (
    backup,
    clock,
    connection as connecting,
    failures,
    filesystem,
    holders,
    identity,
    mending,
    migrate,
    owner,
    permissions,
    rest,
    waiting,
)
from .beacon import ANSWERED, ASKED, Beacon
from .shares import Shares

if TYPE_CHECKING:
    from tether_lab.vault import Vault

Role = Literal["supervisor", "client", "reader"]

DEADLINE = {"supervisor": 30.0, "client": 5.0, "reader": 5.0}
"""Seconds to wait for the write lock: a person waits less than a worker."""

LARGE_LOG = 16_000_000
"""Bytes of the log above which a kernel checkpoints after its commit (the worker does so earlier)."""


class Queue:
    """One lab's database. The verbs are functions in modules of their own, which are handed this.

    ``uuid`` names the database, ``folder`` the lab, ``path`` its file. Safe in threads: one at a time.
    ``boot_id`` is this boot; claims carry it. ``shares`` remembers whose turn it is among named queues.
    """

    def __init__(self, folder: LabFolder, role: Role, settings: Settings, *, network: bool) -> None:
        self.folder, self.role, self.settings, self.network = folder, role, settings, network
        self.path: Path = folder.queue_db
        self.log_path = self.path.with_name(f"{self.path.name}-wal")
        self._names, self._run = [f"{self.path}{end}" for end in ("", "-wal", "-shm")], folder.run
        self.told: Callable[[str], None] = lambda _: None     # hears what was mended
        self.uuid = ""
        self._vault: Vault | None = None
        self.restricted = False            # somebody else's lab: it is read, and nothing is written
        self.quarantined = backup.quarantined(folder.path)      # why it is damaged: likewise
        self.boot_id = clock.boot_id()
        self.shares = Shares(settings.queue_weights)
        self.deadline = DEADLINE[role]
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[int, ...] = ()
        self._synchronous = connecting.NORMAL
        self._used_at = self._checkpointed_at = self._looked_at = self._check_at = 0.0
        self._opened, self._writing, self._forked_away = 0, False, False
        self.beacon = Beacon(folder.run, ANSWERED if role == "supervisor" else ASKED)

    @classmethod
    def open(cls, folder: LabFolder, *, role: Role = "client", settings: Settings | None = None,
             create: bool = True) -> Queue:
        """Check everything, then open: file system, permissions, SQLite, what the file is, its schema.

        Raises NetworkFileSystem, LoosePermissions, ForeignDatabase, SchemaMismatch, QueueCorrupt,
        QueueBusy or QueueError; each says what to do. Nothing is repaired in silence.
        """
        settings = settings or Settings.load(folder)
        connecting.check_version()
        network = filesystem.check(folder.path, allow=settings.allow_network_fs)
        if create and role != "reader":
            make_private(folder.run)
        if not folder.path.is_dir():
            raise QueueError(f"there is no lab in {folder.path}", where=str(folder.path),
                             remedy="Open it once from a notebook: Lab() or %load_ext tether_lab.")
        permissions.check(folder.path)
        queue = cls(folder, role, settings, network=network)
        if not queue.path.exists():
            identity.refuse_empty(queue.path)
            if role == "reader" or not create:
                raise QueueError(f"there is no queue in {folder.path}", where=str(queue.path),
                                 remedy="Open the lab once from a notebook: Lab() or %load_ext tether_lab.")
            connecting.create(queue.path)
        queue._look_before_touching()
        rest.know(queue)          # before anything is open, or nobody would close it
        queue._greet()
        return queue

    def close(self) -> None:
        """Close the connection. The queue can be used again: it opens another one."""
        with self._lock:
            self._close()

    @property
    def vault(self) -> Vault:
        """The user's keys, read when something is signed, or closed and to be opened."""
        if self._vault is None:
            from tether_lab.vault import Vault

            self._vault = Vault.open()
        return self._vault

    def look(self) -> None:
        """Once in a while, in the worker: are the files still those that are open? Raises QueueCorrupt."""
        with self._lock:
            if self._files and mending.inode(self._names[0]) != self._files[1]:
                raise mending.removed(self._connection, self.path)
            if time.monotonic() >= self._check_at:
                self._check_at = mending.check(self.path)

    def data_version(self) -> int:
        """A number that changes when another connection commits, or ours had to be opened anew."""
        with self._lock, contextlib.suppress(sqlite3.Error):     # in a transaction: ten times as much
            if self._connection is not None and (self._writing or self._files == self.files_now()):
                return self._opened << 32 | connecting.data_version(self._connection)
        with self.read() as connection:
            return self._opened << 32 | connecting.data_version(connection)

    # -- the two ways in -------------------------------------------------------------------------

    @contextmanager
    def write(self, power: bool = True, *, tell: bool = True) -> Iterator[sqlite3.Connection]:
        """One write transaction: BEGIN IMMEDIATE … COMMIT, rolled back on any error.

        ``power``: what is committed is acknowledged to somebody and must survive a power cut (where
        the settings say so). ``tell``: light the beacon at once, else ``beacon.catch_up`` does. Raises
        QueueBusy, which names the holder of the lock, at the deadline. Nothing slow belongs inside.
        """
        with self._lock:
            if self._connection is None:      # it may have been found damaged since, or mended
                self.quarantined = backup.quarantined(self.folder.path)
            if self.restricted or self.quarantined:
                raise backup.refusal(self.folder.path, self.quarantined) if self.quarantined else (
                    owner.restricted(self.path))
            if self._writing:
                raise AssertionError("a write inside a write: pass the connection on instead")
            connection = self._begin(power)
            self._writing = True
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back(connection)
                if isinstance(error, sqlite3.Error):
                    raise self._told(error) from error
                raise
            finally:
                self._writing = False
                self._used_at = time.monotonic()
            if self.role != "supervisor":     # where user code is
                self._still_the_same_files()
            self.beacon.written(tell=tell)
            if self.role == "client" and self._used_at >= self._checkpointed_at + 1.0:
                self._checkpoint_if_large()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent picture. Use ``fetchall``: an open cursor pins the log."""
        with self._lock:
            if self._writing:
                assert self._connection is not None
                yield self._connection
                return
            connection = self._begin_reading()
            try:
                yield connection
            except sqlite3.Error as error:
                raise self._told(error) from error
            finally:
                self._roll_back(connection)
                self._used_at = time.monotonic()

    # -- transactions ----------------------------------------------------------------------------

    def _begin(self, power: bool) -> sqlite3.Connection:
        deadline = time.monotonic() + self.deadline
        level = (connecting.EXTRA if self.network else
                 connecting.FULL if power and self.settings.durability == "power" else connecting.NORMAL)
        while True:
            connection = self._connected(deadline)
            try:
                if level != self._synchronous:
                    connection.execute(f"PRAGMA synchronous={level}")
                    self._synchronous = level
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                self._retry_or_raise(error, deadline)
                continue
            if time.monotonic() < self._looked_at + waiting.JUST_NOW or self._files == self.files_now():
                return connection
            self._replaced(connection, deadline)

    def _begin_reading(self) -> sqlite3.Connection:
        deadline = time.monotonic() + self.deadline
        while True:
            connection = self._connected(deadline)
            try:
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            except sqlite3.Error as error:
                self._roll_back(connection)
                self._retry_or_raise(error, deadline)
                continue
            if self._files == self.files_now():
                return connection
            self._replaced(connection, deadline)

    def _replaced(self, connection: sqlite3.Connection, deadline: float) -> None:
        """Begin anew: in a kernel, user code took our locks away (see ``rest``) and somebody else ended the
        log; under the worker somebody removed it, and what it said is put back first."""
        with mending.kept(connection if self.role == "supervisor" else None, self.path, self._files, deadline,
                          self.told):
            self._roll_back(connection)
            self._close()
        if time.monotonic() > deadline:
            raise QueueError(f"the files beside {self.path} keep being replaced", where=str(self.path),
                             remedy="See what else writes in that folder.")

    def _retry_or_raise(self, error: sqlite3.Error, deadline: float) -> None:
        told = self._told(error)
        if not failures.is_passing(error) or isinstance(told, QueueCorrupt):
            raise told from error
        if not waiting.pause(deadline):
            raise told if failures.is_short(error) else QueueBusy(
                f"{holders.named(self.path)} has held the write lock of {self.path} for {self.deadline:g} s",
                remedy="Reading goes on. If that process is stopped or stuck, continue or end it; then try "
                       "again.", where=str(self.path)) from error

    def _told(self, error: sqlite3.Error) -> Exception:
        """Our error for SQLite's. After a failure to read or write the next use begins with fresh files: where
        somebody removed the log, that mends it once everybody has let go."""
        if failures.is_short(error) and self.role == "supervisor" and self._files == self.files_now():
            return mending.cut(self.path)
        if failures.is_io(error):
            self._close()
        return failures.told(error, self.path) or error

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        if connection is self._connection and connection.in_transaction:    # a full disk has rolled back
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:
                self._close()

    # -- the connection --------------------------------------------------------------------------

    def _connected(self, deadline: float) -> sqlite3.Connection:
        if self._forked_away:
            raise QueueError("this process was forked in the middle of a transaction of the queue",
                             remedy="Open the lab anew in the child: Lab(...).", where=str(self.path))
        if self._connection is None:
            if not self.path.exists():
                identity.refuse_empty(self.path)
            self._connection = mending.connect(
                self.path, self._run, network=self.network, role=self.role, deadline=deadline)
            self._closed_by = weakref.finalize(self, self._connection.close)     # no __del__: in a cycle the
            self._closed_by.atexit = False                                       # connection may go first
            self._synchronous = 0
            self._opened += 1
            if self.uuid and self._files[:2] != self.files_now()[:2]:
                self._recognise(self._connection)
            self._files = self.files_now()
            if self.role != "supervisor":
                rest.opened()
        self._used_at = time.monotonic()
        return self._connection

    def _look_before_touching(self) -> None:
        """Setting the journal mode writes to the file: only where it is a queue, or may become one."""
        if identity.remembered(self.folder.path) is not None and not self.path.stat().st_size:
            identity.refuse_empty(self.path)
        if self.path.stat().st_size:
            probe = connecting.connect_or_read(self.path, network=self.network, role="reader")
            try:
                migrate.check(probe, self.path)
            except sqlite3.Error as error:
                raise failures.told(error, self.path) or error from error
            finally:
                probe.close()

    def _greet(self) -> None:
        """The first connection: what is this file, and is its schema ours?"""
        with self._lock:
            connection = self._connected(time.monotonic() + self.deadline)
            try:
                version = migrate.check(connection, self.path)
                if version == 0 and self.role == "reader":
                    raise QueueError(f"{self.path} is empty", where=str(self.path),
                                     remedy="Open the lab once from a notebook: Lab().")
                if version < migrate.latest() and self.role != "reader":
                    self._migrate(connection, version)
                self._recognise(connection)
                if self.network and self.role != "reader":
                    filesystem.refuse_other_hosts(connection, self.path)
            except sqlite3.Error as error:
                self._close()
                raise failures.told(error, self.path) or error from error
            except BaseException:
                self._close()
                raise

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        if version > 0:
            migrate.backup(connection, self.folder.path / "backups", version)
        with self.write() as writing:
            version = migrate.check(writing, self.path)     # another process may have been quicker
            if version == 0:
                identity.refuse_empty(self.path)
            if version < migrate.latest():
                migrate.migrate(writing, version)

    def _recognise(self, connection: sqlite3.Connection) -> None:
        row = connection.execute("SELECT value FROM meta WHERE key = 'db_uuid'").fetchone()
        uuid = str(row[0]) if row else ""
        if self.uuid and uuid != self.uuid:
            self._close()
            raise QueueCorrupt(f"{self.path} was replaced by another database ({uuid}, was {self.uuid})",
                               remedy="Open the lab anew.", where=str(self.path))
        identity.agree(self.path, uuid)
        self.uuid = uuid

    def files_now(self) -> tuple[int, ...]:
        """The identity of the database, its log and its index: all must be the files that we have open."""
        try:
            found = os.stat(self._names[0])  # noqa: PTH116  twice a transaction, and three times quicker
            if self.network:
                return found.st_dev, found.st_ino
            return (found.st_dev, found.st_ino, os.stat(self._names[1]).st_ino,  # noqa: PTH116  as above
                    os.stat(self._names[2]).st_ino)                              # noqa: PTH116
        except FileNotFoundError:
            return ()

    def _still_the_same_files(self) -> None:
        if self._files != self.files_now():
            self._close()
            raise QueueError(
                f"the files of {self.path} were replaced while a transaction was written: it may be lost",
                remedy="Look whether what you asked for is there (lab.jobs()); if not, ask again.",
                where=str(self.path))
        self._looked_at = time.monotonic()

    def _checkpoint_if_large(self) -> None:
        """Looked at once a second: a kernel that writes 16 MB in a second is caught in the next."""
        self._checkpointed_at = self._used_at
        from .checkpoint import checkpoint

        checkpoint(self, worthwhile=LARGE_LOG)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._closed_by()

    # -- rest and forks (called by ``rest``) -----------------------------------------------------

    def close_if_idle_since(self, moment: float) -> bool:
        """Close a kernel's connection that was not used since ``moment``."""
        if self.role == "supervisor" or self._connection is None:
            return True
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._used_at < moment and not self._writing and self._connection is not None:
                self._close()
            return self._connection is None
        finally:
            self._lock.release()

    def before_fork(self) -> None:
        """Nothing of SQLite may be open in a child: its locks are not inherited, its belief in them is."""
        self._lock.acquire()
        if self._connection is not None and not self._connection.in_transaction:
            self._close()

    def after_fork(self, *, child: bool) -> None:
        """Back to work; a child whose parent forked inside a transaction may not touch it."""
        if not child:
            self._lock.release()
            return
        self._lock = threading.RLock()
        self._writing = False
        if self._connection is not None:
            self._forked_away = True
